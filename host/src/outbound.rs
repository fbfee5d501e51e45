//! The way out: to GitHub over pooled connections, or into a test's hook.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Sleep, sleep, timeout};
use wasmtime_wasi_http::{RequestOptions, WasiHttpHooks};

use crate::{AllowList, Body, BodyError, Output, StartError, Variables, trust};

/// Bounds on an outbound request where the component sets none.
const CONNECT: Duration = Duration::from_secs(10);
const FIRST_BYTE: Duration = Duration::from_mins(1);
const BETWEEN_BYTES: Duration = Duration::from_mins(1);

/// Shorter than GitHub keeps an idle connection, so that a request seldom meets a closed one.
const IDLE: Duration = Duration::from_secs(30);

type Sending = Pin<Box<dyn Future<Output = Result<Response<Body>, BodyError>> + Send>>;

/// Where the component's outbound requests go. Clones share their connections.
#[derive(Clone)]
pub struct Outbound(Arc<Way>);

enum Way {
    Network(Box<Network>),
    Hook(Box<dyn Fn(Request<Body>) -> Sending + Send + Sync>),
}

impl Outbound {
    /// Over the network, to the hosts that `variables` name. Connections are kept open between requests and speak
    /// HTTP/1.1: on one HTTP/2 connection a client that reads its archive slowly would hold up every other request.
    ///
    /// # Errors
    /// When a variable is no host or URL, or `SSL_CERT_FILE` leads to no certificate.
    pub fn network(variables: &Variables) -> Result<Self, StartError> {
        Self::to(AllowList::from_variables(variables)?)
    }

    /// Over the network, to these hosts.
    ///
    /// # Errors
    /// When `SSL_CERT_FILE` leads to no certificate.
    pub(crate) fn to(allowed: AllowList) -> Result<Self, StartError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(trust::client_config()?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self(Arc::new(Way::Network(Box::new(Network {
            client,
            allowed,
        })))))
    }

    /// Sends a request as a component's is sent; what goes wrong is a line of `output`.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
        options: RequestOptions,
        output: &Output,
    ) -> Result<Response<Body>, BodyError> {
        match &*self.0 {
            Way::Network(network) => network.send(request, options, output).await,
            Way::Hook(hook) => hook(request).await,
        }
    }

    /// Into `hook`, which plays GitHub. It sees every request with its production URL; no allow-list, TLS or timeout
    /// is between. The body of its response may stream, stall, and break off with an error.
    #[must_use]
    pub fn hook<F, R>(hook: F) -> Self
    where
        F: Fn(Request<Body>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<Body>, BodyError>> + Send + 'static,
    {
        Self(Arc::new(Way::Hook(Box::new(move |request| {
            Box::pin(hook(request))
        }))))
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.0 {
            Way::Network(_) => "Outbound::Network",
            Way::Hook(_) => "Outbound::Hook",
        })
    }
}

/// One instance's way out.
pub(crate) struct Hooks {
    pub(crate) outbound: Outbound,
    pub(crate) output: Output,
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<Body>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), BodyError>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answer, BodyError>> + Send> {
        let (outbound, output) = (self.outbound.clone(), self.output.clone());
        Box::new(async move {
            let options = options.unwrap_or_default();
            let response = outbound.send(request, options, &output).await;
            response.map(|response| (response, Box::new(std::future::ready(Ok(()))) as _))
        })
    }
}

/// A response, and the rest of its connection's work, which the pool does here.
type Answer = (
    Response<Body>,
    Box<dyn Future<Output = Result<(), BodyError>> + Send>,
);

struct Network {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    allowed: AllowList,
}

impl Network {
    async fn send(
        &self,
        request: Request<Body>,
        options: RequestOptions,
        output: &Output,
    ) -> Result<Response<Body>, BodyError> {
        if let Err(line) = self.allowed.check(request.uri()) {
            output.line(&line);
            return Err(BodyError::HttpRequestDenied);
        }
        let host = request.uri().host().unwrap_or_default().to_owned();
        let patience = options.connect_timeout.unwrap_or(CONNECT)
            + options.first_byte_timeout.unwrap_or(FIRST_BYTE);
        let between_bytes = options.between_bytes_timeout.unwrap_or(BETWEEN_BYTES);
        match timeout(patience, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response.map(|body| {
                let waiting = None;
                Timed {
                    body,
                    between_bytes,
                    waiting,
                }
                .boxed_unsync()
            })),
            Ok(Err(error)) => {
                // Without this line a wrong name, a closed firewall and an unknown CA look alike.
                output.line(&format!("no response from {host}: {}", chain(&error)));
                Err(code(&error))
            }
            Err(_) => {
                output.line(&format!(
                    "no response from {host} within {} s",
                    patience.as_secs()
                ));
                Err(BodyError::ConnectionReadTimeout)
            }
        }
    }
}

/// A response body that breaks off when nothing comes for a while. Only waiting counts: a component that doesn't read,
/// because its own client doesn't, isn't timed.
struct Timed {
    body: Incoming,
    between_bytes: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl hyper::body::Body for Timed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)));
        }
        let between_bytes = self.between_bytes;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(between_bytes)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The wasi:http error code of a request that got no response.
fn code(error: &legacy::Error) -> BodyError {
    for cause in causes(error) {
        match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(_)) => return BodyError::TlsCertificateError,
            Some(_) => return BodyError::TlsProtocolError,
            None => {}
        }
    }
    let kind = causes(error)
        .find_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::TimedOut) => BodyError::ConnectionTimeout,
        Some(io::ErrorKind::ConnectionRefused) => BodyError::ConnectionRefused,
        _ if error.is_connect() => BodyError::DestinationUnavailable,
        _ => BodyError::ConnectionTerminated,
    }
}

fn chain(error: &legacy::Error) -> String {
    let mut texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    // Some of these errors already end with the text of their cause.
    texts.dedup_by(|cause, error| error.ends_with(cause.as_str()));
    texts.join(": ")
}

/// An error's causes, outermost first.
fn causes(error: &legacy::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| beneath(*cause))
}

/// `io::Error::source` passes over the error that it wraps, which is the one that tells.
fn beneath<'a>(
    cause: &'a (dyn std::error::Error + 'static),
) -> Option<&'a (dyn std::error::Error + 'static)> {
    match cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => cause.source(),
    }
}
