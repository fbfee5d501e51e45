//! What clients reach a registry through: a proxy that ends TLS, with certificates of a private CA.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A private CA.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, as `SSL_CERT_FILE` takes it.
    pub(crate) pem: String,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    fn config(&self, name: &str, last_year: i32) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

/// What a path is answered with: status, headers, body.
pub(crate) type Answer = (u16, Vec<(&'static str, String)>, String);

/// What is in front of the registry. It answers until the test's process ends.
pub(crate) struct Front {
    address: SocketAddr,
}

impl Front {
    /// With a certificate of `ca` for `name`, good until that year, answering paths with `answer`.
    pub(crate) fn start(
        ca: &Ca,
        name: &str,
        last_year: i32,
        answer: impl Fn(&str) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let config = Arc::new(ca.config(name, last_year));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, socket);
                // A client that takes no part in the handshake is one that was only looking.
                let _ = serve(&mut stream, &answer);
            }
        });
        Self { address }
    }

    /// `https://localhost:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

fn serve(
    stream: &mut (impl Read + Write),
    answer: &impl Fn(&str) -> Answer,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, headers, body) = answer(path);
    let length = ("content-length", body.len().to_string());
    let headers: String = headers
        .into_iter()
        .chain([("connection", "close".to_owned()), length])
        .flat_map(|(name, value)| [name.to_owned(), ": ".to_owned(), value, "\r\n".to_owned()])
        .collect();
    stream.write_all(format!("HTTP/1.1 {status} X\r\n{headers}\r\n{body}").as_bytes())?;
    stream.flush()
}

/// As the component answers these.
pub(crate) fn registry(path: &str) -> Answer {
    let response = match path {
        "/.well-known/terraform.json" => landfall::wire::discovery(),
        "/healthz" => landfall::wire::alive(),
        _ => {
            return (
                404,
                Vec::new(),
                r#"{"errors":["nothing is found at this address"]}"#.to_owned(),
            );
        }
    };
    let kind = response.headers()["content-type"].to_str().unwrap();
    let headers = vec![("content-type", kind.to_owned())];
    let body = String::from_utf8(response.body().clone()).unwrap();
    (response.status().as_u16(), headers, body)
}

/// A page of somebody else's.
pub(crate) fn page(status: u16) -> Answer {
    let headers = vec![("content-type", "text/html; charset=utf-8".to_owned())];
    (
        status,
        headers,
        "<!doctype html><title>Welcome to nginx!</title>".to_owned(),
    )
}
