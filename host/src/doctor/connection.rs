//! Whether a host can be reached: its name, its port, and its certificate, which look alike once they are one failed request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::CertificateError;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::report::foreign;
use crate::trust;

/// What is connected to.
pub(super) struct Place {
    host: String,
    port: u16,
    is_tls: bool,
}

/// Whose address it is, which decides what there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// `github_api_url`.
    GitHubs,
    /// `base_url`.
    Registrys,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Name(String),
    Refused,
    Unreachable(String),
    Silent,
    UnknownCa,
    OtherName,
    Expired,
    NotYetValid,
    OtherCertificate(String),
    Tls(String),
    Trust(String),
}

impl Place {
    /// Where an http or https URL leads.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Some(Self {
            host: uri.host()?.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            is_tls,
        })
    }

    /// `HOST:PORT`.
    pub(super) fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Connects, and says how.
    pub(super) async fn connect(&self) -> Result<String, Fault> {
        let found = timeout(STEP, lookup_host((self.host.as_str(), self.port))).await;
        let addresses: Vec<SocketAddr> = match found {
            Err(_) => return Err(Fault::Name("no answer in time".to_owned())),
            Ok(Err(error)) => return Err(Fault::Name(foreign(&error.to_string()))),
            Ok(Ok(addresses)) => addresses.collect(),
        };
        let stream = match timeout(STEP, TcpStream::connect(addresses.as_slice())).await {
            Err(_) => return Err(Fault::Silent),
            Ok(Err(error)) => return Err(unreachable(&error)),
            Ok(Ok(stream)) => stream,
        };
        let address = stream.peer_addr().map(|it| it.to_string());
        let address = address.unwrap_or_default();
        if !self.is_tls {
            return Ok(format!("reached at {address}"));
        }
        let config = trust::client_config().map_err(|error| Fault::Trust(error.to_string()))?;
        let name = ServerName::try_from(self.host.clone()).map_err(|_| {
            Fault::Tls("its host is no name that a certificate could be for".to_owned())
        })?;
        let connector = TlsConnector::from(Arc::new(config));
        match timeout(STEP, connector.connect(name, stream)).await {
            Err(_) => Err(Fault::Silent),
            Ok(Err(error)) => Err(untrusted(&error)),
            Ok(Ok(_)) => Ok(format!("reached at {address}, and its certificate is good")),
        }
    }
}

impl Fault {
    pub(super) fn finding(&self) -> String {
        match self {
            Self::Name(reason) => format!("its name leads nowhere: {reason}"),
            Self::Refused => "it refuses the connection".to_owned(),
            Self::Unreachable(reason) => format!("it cannot be reached: {reason}"),
            Self::Silent => format!("it does not answer within {} s", STEP.as_secs()),
            Self::UnknownCa => {
                "its certificate is signed by a CA that is not known here".to_owned()
            }
            Self::OtherName => "its certificate is for another name".to_owned(),
            Self::Expired => "its certificate has expired".to_owned(),
            Self::NotYetValid => "its certificate is not valid yet".to_owned(),
            Self::OtherCertificate(reason) => format!("its certificate is not good: {reason}"),
            Self::Tls(reason) => format!("it does not speak TLS as it should: {reason}"),
            Self::Trust(reason) => reason.clone(),
        }
    }

    pub(super) fn mend(&self, place: &Place, whose: Whose) -> String {
        let (host, name) = (&place.host, place.name());
        let is_githubs = whose == Whose::GitHubs;
        let variable = if is_githubs {
            "`github_api_url`"
        } else {
            "`base_url`"
        };
        match self {
            Self::Name(_) => {
                let proxy = if is_githubs { past_proxy() } else { "" };
                format!("correct {variable}, or let DNS on this machine know {host}{proxy}")
            }
            Self::Refused | Self::Unreachable(_) | Self::Silent if is_githubs => {
                format!(
                    "correct {variable}, or let this machine reach {name}{}",
                    past_proxy()
                )
            }
            Self::Refused | Self::Unreachable(_) | Self::Silent => {
                format!("correct {variable}, or start what listens at {name} in front of Landfall")
            }
            Self::UnknownCa if is_githubs => format!(
                "set SSL_CERT_FILE to a PEM file of the CA of {host}, for doctor and for serve"
            ),
            Self::UnknownCa => format!(
                "let {host} send its certificate with the whole chain, or, where its CA is private, install that on the \
                 clients' machines, and set SSL_CERT_FILE here"
            ),
            Self::OtherName => {
                format!("correct {variable}, or give {host} a certificate of its own")
            }
            Self::Expired | Self::OtherCertificate(_) => {
                format!("renew the certificate of {host}")
            }
            Self::NotYetValid => {
                format!("set this machine's clock right, or renew the certificate of {host}")
            }
            Self::Tls(_) => format!("correct {variable}: scheme, host and port"),
            Self::Trust(_) => "correct SSL_CERT_FILE and SSL_CERT_DIR, or take them out".to_owned(),
        }
    }
}

/// What is set for other programs, and does not help here.
fn past_proxy() -> &'static str {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    if names.iter().any(|name| std::env::var_os(name).is_some()) {
        ", without a proxy: HTTPS_PROXY is set, and Landfall does not use it"
    } else {
        ""
    }
}

fn unreachable(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Fault::Refused,
        io::ErrorKind::TimedOut => Fault::Silent,
        _ => Fault::Unreachable(foreign(&error.to_string())),
    }
}

fn untrusted(error: &io::Error) -> Fault {
    let cause = error
        .get_ref()
        .and_then(|it| it.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(error)) => match error {
            // A CA that was made anew has its old name and another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Fault::UnknownCa,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Fault::OtherName
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Fault::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Fault::NotYetValid
            }
            other => Fault::OtherCertificate(foreign(&other.to_string())),
        },
        _ => Fault::Tls(foreign(&error.to_string())),
    }
}

/// For the name, for the connection, and for TLS.
const STEP: Duration = Duration::from_secs(5);
