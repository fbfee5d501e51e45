//! The port on WASI 0.2: a host's request in, Landfall's response out, and its calls to GitHub. Both bins use it.
//!
//! Bodies are moved by hand between `wasi:io` streams, waiting for one of them at a time. A loop that has two things
//! registered with the host's poll returns at once for ever as soon as one of them is ready, and on Spin starves the
//! whole process; so do boxed bodies of frames.

use std::cell::Cell;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, Method as WasiMethod,
    OutgoingBody, OutgoingRequest, OutgoingResponse, RequestOptions, ResponseOutparam, Scheme,
    http_error_code,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wstd::future::FutureExt as _;
use wstd::runtime::AsyncPollable;

use crate::app::{self, Body, Reply, Request};
use crate::archive::stream::Sent;
use crate::host::{Host, HostError, Limits, Sink, Source};

/// What differs between the hosts: variables and the key-value store.
#[derive(Clone, Copy, Debug)]
pub struct Interfaces {
    /// See [`Host::variable`].
    pub variable: fn(&str) -> Result<Option<String>, HostError>,
    /// What is kept under a key.
    pub get: fn(&str) -> Result<Option<Vec<u8>>, HostError>,
    /// Keeps a value under a key.
    pub set: fn(&str, &[u8]) -> Result<(), HostError>,
}

/// Answers one request. Returns when everything has been sent and logged, and what was owed is done; the client has its
/// answer before that.
pub fn serve(interfaces: Interfaces, request: &IncomingRequest, out: ResponseOutparam) {
    wstd::runtime::block_on(async {
        let host = WasiHost {
            interfaces,
            has_reported: Cell::new(false),
        };
        let mut body = RequestBody::Unread(request);
        let request = read_request(request);
        let Reply {
            response,
            record,
            after,
        } = app::handle(&host, &request, &mut body).await;
        let sent = send_response(response, out).await;
        record.finish(&host, sent.as_ref());
        after.settle(sent.as_ref()).await;
    });
}

/// Sends a response. Returns how an archive's way to the client ended; what happens to other bodies is of no interest.
async fn send_response(
    response: Response<Body<'_, WasiHost>>,
    out: ResponseOutparam,
) -> Option<Sent> {
    let (head, body) = response.into_parts();
    let outgoing = OutgoingResponse::new(to_fields(&head.headers));
    // Both can only fail for a status that is none, and for a body that was taken before.
    let _ = outgoing.set_status_code(head.status.as_u16());
    let outgoing_body = outgoing.body().ok()?;
    let stream = outgoing_body.write().ok()?;
    ResponseOutparam::set(out, Ok(outgoing));
    let mut sink = WasiSink::new(stream, CLIENT_IDLE);
    let sent = match body {
        Body::Bytes(bytes) => {
            let _ = sink.write(&bytes).await;
            None
        }
        Body::Archive(archive) => Some(archive.send(&mut sink).await),
    };
    drop(sink);
    if sent.as_ref().is_some_and(|sent| sent.result.is_err()) {
        // A body that is dropped without being finished breaks the connection off.
        drop(outgoing_body);
    } else {
        let _ = OutgoingBody::finish(outgoing_body, None);
    }
    sent
}

fn read_request(request: &IncomingRequest) -> Request {
    let method = match request.method() {
        WasiMethod::Get => Method::GET,
        WasiMethod::Head => Method::HEAD,
        WasiMethod::Post => Method::POST,
        WasiMethod::Put => Method::PUT,
        WasiMethod::Delete => Method::DELETE,
        WasiMethod::Connect => Method::CONNECT,
        WasiMethod::Options => Method::OPTIONS,
        WasiMethod::Trace => Method::TRACE,
        WasiMethod::Patch => Method::PATCH,
        WasiMethod::Other(name) => Method::from_bytes(name.as_bytes()).unwrap_or(Method::TRACE),
    };
    Request {
        method,
        target: request.path_with_query().unwrap_or_default(),
        authority: request.authority(),
        headers: from_fields(&request.headers()),
    }
}

struct WasiHost {
    interfaces: Interfaces,
    /// Whether the log knows that the store fails.
    has_reported: Cell<bool>,
}

impl WasiHost {
    fn report_store(&self, error: &HostError) {
        if !self.has_reported.replace(true) {
            self.log(&format!("key-value store: {error}"));
        }
    }
}

impl Host for WasiHost {
    type Source = WasiSource;

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep(&self, duration: Duration) {
        wstd::task::sleep(duration.into()).await;
    }

    fn random(&self, buffer: &mut [u8]) {
        let bytes = wasip2::random::random::get_random_bytes(buffer.len() as u64);
        for (to, from) in buffer.iter_mut().zip(bytes) {
            *to = from;
        }
    }

    fn variable(&self, name: &str) -> Result<Option<String>, HostError> {
        (self.interfaces.variable)(name)
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let result = (self.interfaces.get)(key);
        result.unwrap_or_else(|error| {
            self.report_store(&error);
            None
        })
    }

    fn set(&self, key: &str, value: &[u8]) {
        if let Err(error) = (self.interfaces.set)(key, value) {
            self.report_store(&error);
        }
    }

    async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        limits: Limits,
    ) -> Result<Response<WasiSource>, HostError> {
        let address = request
            .uri()
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default();
        let denied = |code| from_code(code, &address);
        let (outgoing, body) = to_outgoing(request)?;
        let outgoing_body = outgoing.body().map_err(|()| upstream("no request body"))?;
        let options = RequestOptions::new();
        // The host may keep time as well; where it can't, the waits below do.
        let _ = options.set_connect_timeout(Some(nanoseconds(limits.head)));
        let _ = options.set_first_byte_timeout(Some(nanoseconds(limits.head)));
        let _ = options.set_between_bytes_timeout(Some(nanoseconds(limits.idle)));
        let response = outgoing_handler::handle(outgoing, Some(options)).map_err(denied)?;
        if !body.is_empty() {
            let stream = outgoing_body
                .write()
                .map_err(|()| upstream("no request body"))?;
            let mut sink = WasiSink::new(stream, limits.head);
            sink.write(&body)
                .await
                .map_err(|_| upstream("the request was not taken"))?;
        }
        OutgoingBody::finish(outgoing_body, None).map_err(denied)?;
        wait(&AsyncPollable::new(response.subscribe()), limits.head).await?;
        let response = match response.get() {
            Some(Ok(response)) => response.map_err(denied)?,
            Some(Err(())) | None => return Err(upstream("no response")),
        };
        let mut head = Response::new(());
        *head.status_mut() = http::StatusCode::from_u16(response.status())
            .map_err(|_| upstream("an impossible status"))?;
        *head.headers_mut() = from_fields(&response.headers());
        let source = WasiSource::new(response.consume(), Some(response), limits.idle)?;
        Ok(head.map(|()| source))
    }

    fn log(&self, line: &str) {
        let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
    }
}

/// A body that comes in. Fields are dropped from the top: each is a child of the next.
pub struct WasiSource {
    ready: AsyncPollable,
    stream: InputStream,
    _body: IncomingBody,
    _response: Option<IncomingResponse>,
    idle: Duration,
}

impl WasiSource {
    fn new(
        body: Result<IncomingBody, ()>,
        response: Option<IncomingResponse>,
        idle: Duration,
    ) -> Result<Self, HostError> {
        let body = body.map_err(|()| upstream("no body"))?;
        let stream = body.stream().map_err(|()| upstream("no body"))?;
        let ready = AsyncPollable::new(stream.subscribe());
        Ok(Self {
            ready,
            stream,
            _body: body,
            _response: response,
            idle,
        })
    }
}

/// The body of a client's request, which is not touched before someone reads it.
enum RequestBody<'r> {
    Unread(&'r IncomingRequest),
    Read(WasiSource),
}

impl RequestBody<'_> {
    fn source(&mut self) -> Result<&mut WasiSource, HostError> {
        if let Self::Unread(request) = self {
            *self = Self::Read(WasiSource::new(request.consume(), None, REQUEST_IDLE)?);
        }
        match self {
            Self::Read(source) => Ok(source),
            Self::Unread(_) => Err(upstream("no body")),
        }
    }
}

impl Source for RequestBody<'_> {
    fn wait_at_most(&mut self, limit: Duration) {
        if let Ok(source) = self.source() {
            source.wait_at_most(limit);
        }
    }

    async fn read(&mut self, max: usize) -> Result<Vec<u8>, HostError> {
        self.source()?.read(max).await
    }

    async fn skip(&mut self, n: u64) -> Result<u64, HostError> {
        self.source()?.skip(n).await
    }
}

impl Source for WasiSource {
    fn wait_at_most(&mut self, limit: Duration) {
        self.idle = limit;
    }

    async fn read(&mut self, max: usize) -> Result<Vec<u8>, HostError> {
        loop {
            match self.stream.read(max as u64) {
                Ok(bytes) if bytes.is_empty() => wait(&self.ready, self.idle).await?,
                Ok(bytes) => return Ok(bytes),
                Err(StreamError::Closed) => return Ok(Vec::new()),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(from_stream_error(&error));
                }
            }
        }
    }

    async fn skip(&mut self, n: u64) -> Result<u64, HostError> {
        loop {
            match self.stream.skip(n) {
                Ok(0) => wait(&self.ready, self.idle).await?,
                Ok(skipped) => return Ok(skipped),
                Err(StreamError::Closed) => return Ok(0),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(from_stream_error(&error));
                }
            }
        }
    }
}

/// A body that is being sent.
struct WasiSink {
    ready: AsyncPollable,
    stream: OutputStream,
    idle: Duration,
}

impl WasiSink {
    fn new(stream: OutputStream, idle: Duration) -> Self {
        Self {
            ready: AsyncPollable::new(stream.subscribe()),
            stream,
            idle,
        }
    }

    /// Waits until the client takes something, and returns how much.
    async fn room(&self) -> Result<usize, HostError> {
        loop {
            match self.stream.check_write() {
                Ok(0) => wait(&self.ready, self.idle)
                    .await
                    .map_err(|_| HostError::ClientGone)?,
                Ok(room) => return Ok(usize::try_from(room).unwrap_or(usize::MAX)),
                Err(_) => return Err(HostError::ClientGone),
            }
        }
    }
}

impl Sink<WasiSource> for WasiSink {
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), HostError> {
        while !bytes.is_empty() {
            let room = self.room().await?.min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.stream.write(now).map_err(|_| HostError::ClientGone)?;
            bytes = later;
        }
        Ok(())
    }

    async fn splice(&mut self, source: &mut WasiSource, n: u64) -> Result<u64, HostError> {
        loop {
            self.room().await?;
            match self.stream.splice(&source.stream, n) {
                Ok(0) => wait(&source.ready, source.idle).await?,
                Ok(moved) => return Ok(moved),
                // Which of the two has closed?
                Err(StreamError::Closed) => return self.room().await.map(|_| 0),
                Err(StreamError::LastOperationFailed(error)) => {
                    self.room().await?;
                    return Err(from_stream_error(&error));
                }
            }
        }
    }
}

/// Waits for one thing, and not for ever.
async fn wait(ready: &AsyncPollable, limit: Duration) -> Result<(), HostError> {
    ready
        .wait_for()
        .timeout(wstd::time::Duration::from(limit))
        .await
        .map_err(|_| HostError::Timeout)
}

fn to_outgoing(request: http::Request<Vec<u8>>) -> Result<(OutgoingRequest, Vec<u8>), HostError> {
    let (head, body) = request.into_parts();
    let outgoing = OutgoingRequest::new(to_fields(&head.headers));
    let method = if head.method == Method::POST {
        WasiMethod::Post
    } else {
        WasiMethod::Get
    };
    let scheme = match head.uri.scheme_str() {
        Some("http") => Scheme::Http,
        _ => Scheme::Https,
    };
    let target = head
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let authority = head.uri.authority().map(http::uri::Authority::as_str);
    outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(authority))
        .and_then(|()| outgoing.set_path_with_query(Some(target)))
        .map_err(|()| upstream("an impossible address"))?;
    Ok((outgoing, body))
}

fn to_fields(headers: &HeaderMap) -> Fields {
    let fields = Fields::new();
    for (name, value) in headers {
        // Landfall makes no header that a host forbids.
        let _ = fields.append(name.as_str(), value.as_bytes());
    }
    fields
}

fn from_fields(fields: &Fields) -> HeaderMap {
    let header = |(name, value): (String, Vec<u8>)| {
        Some((
            HeaderName::try_from(name).ok()?,
            HeaderValue::from_bytes(&value).ok()?,
        ))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in fields.entries().into_iter().filter_map(header) {
        // More than 24,576 headers don't fit; no host lets them through.
        let _ = headers.try_append(name, value);
    }
    headers
}

fn from_stream_error(error: &wasip2::io::error::Error) -> HostError {
    match http_error_code(error) {
        Some(code) => from_code(code, ""),
        None => upstream(&error.to_debug_string()),
    }
}

fn from_code(code: ErrorCode, address: &str) -> HostError {
    match code {
        ErrorCode::HttpRequestDenied => HostError::Denied(address.to_owned()),
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout
        | ErrorCode::DnsTimeout => HostError::Timeout,
        code => upstream(&code.to_string()),
    }
}

fn upstream(text: &str) -> HostError {
    HostError::Upstream(text.to_owned())
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A client whose request's body does not go on for this long is taken to be gone.
const REQUEST_IDLE: Duration = Duration::from_secs(10);
/// A client that takes nothing for this long is taken to be gone.
const CLIENT_IDLE: Duration = Duration::from_mins(2);
