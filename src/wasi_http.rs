//! The port on WASI 0.2: a host's request in, Landfall's response out, and its calls to GitHub. Both bins use it.
//!
//! Bodies are moved by hand between `wasi:io` streams, waiting for one of them at a time. A loop that has two things
//! registered with the host's poll returns at once for ever as soon as one of them is ready, and on Spin starves the
//! whole process; so do boxed bodies of frames.

mod streams;

use std::cell::Cell;
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, Method as WasiMethod, OutgoingBody, OutgoingRequest,
    OutgoingResponse, RequestOptions, ResponseOutparam, Scheme,
};
use wstd::runtime::AsyncPollable;

use self::streams::{RequestBody, WasiSink, WasiSource, wait};
use crate::app::{self, Body, Reply, Request};
use crate::archive::stream::Sent;
use crate::config::Remembered;
use crate::event::Event;
use crate::host::{Host, HostError, Limits, Sink as _};

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
    thread_local! {
        static REMEMBERED: Rc<Remembered> = Rc::default();
    }
    let remembered = REMEMBERED.with(Rc::clone);
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
        } = app::handle(&host, &remembered, &request, &mut body).await;
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
            let event = Event::begin(self, None, "store", "failed", "");
            event.say(self, &format!("key-value store: {error}"));
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
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().to_vec())
    };
    let headers: Vec<(String, Vec<u8>)> = headers.iter().map(pair).collect();
    // Landfall makes no header that a host forbids.
    Fields::from_list(&headers).unwrap_or_else(|_| Fields::new())
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

/// A client that takes nothing for this long is taken to be gone.
const CLIENT_IDLE: Duration = Duration::from_mins(2);
