//! The address that metrics are served at: one path, for who has the token, where one is set.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Metrics;
use crate::{Host, StartError};

/// Who may read metrics.
#[derive(Clone, Debug)]
pub struct MetricsAccess {
    token: Option<PathBuf>,
}

impl MetricsAccess {
    /// Whoever reaches the address, or who presents the token that this file has. It is read for each request, so that
    /// it can be changed.
    ///
    /// # Errors
    /// When there is no token in it.
    pub fn new(token: Option<PathBuf>) -> Result<Self, StartError> {
        if let Some(file) = &token {
            read(file).map_err(|why| {
                StartError::Listen(format!(
                    "{}: {why}: --metrics-token-file takes a file with a token of at least {SHORTEST} characters in it, \
                     and nothing else",
                    file.display()
                ))
            })?;
        }
        Ok(Self { token })
    }

    /// What the operator should know of an address that metrics are served at.
    #[must_use]
    pub fn warning(&self, address: SocketAddr) -> Option<String> {
        let is_open = self.token.is_none() && !address.ip().is_loopback();
        is_open.then(|| {
            format!(
                "warning: whoever reaches {address} can read metrics; set --metrics-token-file, or listen on 127.0.0.1"
            )
        })
    }

    /// Whether a request may read. What differs takes no other time than what does not.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(file) = &self.token else {
            return true;
        };
        let presented = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.as_bytes().split_at_checked(BEARER.len()))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(BEARER));
        let (Ok(token), Some((_, presented))) = (read(file), presented) else {
            return false;
        };
        let digest = |bytes: &[u8]| Sha256::digest(bytes.trim_ascii());
        bool::from(digest(presented).ct_eq(&digest(token.as_bytes())))
    }
}

impl Metrics {
    /// Serves `/metrics` to whom `access` admits, until it is dropped. Its failures are nobody else's.
    pub async fn serve(self, listener: TcpListener, access: MetricsAccess, host: Host) {
        let (access, most) = (Arc::new(access), Arc::new(Semaphore::new(CONNECTIONS)));
        loop {
            let Ok(permit) = Arc::clone(&most).acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                // A process out of descriptors must wait for some.
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let connection = connection(stream, self.clone(), Arc::clone(&access), host.clone());
            tokio::spawn(async move {
                connection.await;
                drop(permit);
            });
        }
    }

    fn answer<B>(
        &self,
        request: &Request<B>,
        access: &MetricsAccess,
        host: &Host,
    ) -> Response<Full<Bytes>> {
        if request.uri().path() != "/metrics" {
            return said(StatusCode::NOT_FOUND, "metrics are at /metrics\n");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = said(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            let allow = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, allow);
            return response;
        }
        if !access.admits(request.headers()) {
            let mut response = said(
                StatusCode::UNAUTHORIZED,
                "send the token of --metrics-token-file as a bearer token\n",
            );
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
            return response;
        }
        let mut response = Response::new(Full::from(self.text_of(host)));
        let kind = HeaderValue::from_static(OPENMETRICS);
        response.headers_mut().insert(CONTENT_TYPE, kind);
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(CACHE_CONTROL, no_store);
        response
    }
}

async fn connection(stream: TcpStream, metrics: Metrics, access: Arc<MetricsAccess>, host: Host) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = metrics.answer(&request, &access, &host);
        async { Ok::<_, Infallible>(response) }
    });
    // One request each: who stays would keep others out.
    let serving = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(stream), service);
    // Its error is a client that hung up, spoke no HTTP or was slow.
    let _ = timeout(CONNECTION_TIME, serving).await;
}

fn said(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// The token in a file.
fn read(file: &PathBuf) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let token = text.trim();
    if token.len() < SHORTEST {
        return Err(format!("a token of {} characters", token.len()));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("blanks or letters that a header can't have".to_owned());
    }
    Ok(token.to_owned())
}

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const BEARER: &[u8] = b"Bearer ";
/// Guessing takes longer than the registry lasts.
const SHORTEST: usize = 16;
/// Those who read metrics are few.
const CONNECTIONS: usize = 32;
/// How long one may take to send a request's head.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long one may take in all.
const CONNECTION_TIME: Duration = Duration::from_secs(30);
