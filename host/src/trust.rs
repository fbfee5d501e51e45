//! Which certificates are believed of GitHub.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::StartError;

/// TLS that believes the operating system's certificates, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` where these
/// are set (a GitHub Enterprise Server often has a private CA), or Mozilla's where the machine has none at all.
///
/// # Errors
/// When `SSL_CERT_FILE` or `SSL_CERT_DIR` is set and leads to no certificate.
pub(crate) fn client_config() -> Result<ClientConfig, StartError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (believed, _) = roots.add_parsable_certificates(found.certs);
    if believed == 0 {
        let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
            .into_iter()
            .find(|name| std::env::var_os(name).is_some());
        if let Some(name) = named {
            let reason = found
                .errors
                .first()
                .map_or_else(String::new, |error| format!(": {error}"));
            return Err(StartError::Trust(format!(
                "{name} is set and leads to no certificate{reason}"
            )));
        }
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    // The provider is named, not looked up: another crate in the process may have brought a second one.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StartError::Trust(format!("can't set up TLS: {error}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
