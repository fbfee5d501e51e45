//! Bodies: what comes in from GitHub or a client, and what goes out to either.

use std::cell::OnceCell;
use std::time::Duration;

use wasip2::http::types::{IncomingBody, IncomingRequest, IncomingResponse, http_error_code};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wstd::future::FutureExt as _;
use wstd::runtime::AsyncPollable;

use super::{from_code, upstream};
use crate::host::{HostError, Sink, Source};

/// A body that comes in. Fields are dropped from the top: each is a child of the next.
pub(super) struct WasiSource {
    ready: AsyncPollable,
    stream: InputStream,
    _body: IncomingBody,
    _response: Option<IncomingResponse>,
    idle: Duration,
}

impl WasiSource {
    pub(super) fn new(
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
pub(super) enum RequestBody<'r> {
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
pub(super) struct WasiSink {
    /// Made when there is something to wait for, which most answers are too short for.
    ready: OnceCell<AsyncPollable>,
    stream: OutputStream,
    idle: Duration,
}

impl WasiSink {
    pub(super) fn new(stream: OutputStream, idle: Duration) -> Self {
        Self {
            ready: OnceCell::new(),
            stream,
            idle,
        }
    }

    fn ready(&self) -> &AsyncPollable {
        let subscribe = || AsyncPollable::new(self.stream.subscribe());
        self.ready.get_or_init(subscribe)
    }

    /// Waits until the client takes something, and returns how much.
    async fn room(&self) -> Result<usize, HostError> {
        loop {
            match self.stream.check_write() {
                Ok(0) => wait(self.ready(), self.idle)
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
pub(super) async fn wait(ready: &AsyncPollable, limit: Duration) -> Result<(), HostError> {
    ready
        .wait_for()
        .timeout(wstd::time::Duration::from(limit))
        .await
        .map_err(|_| HostError::Timeout)
}

fn from_stream_error(error: &wasip2::io::error::Error) -> HostError {
    match http_error_code(error) {
        Some(code) => from_code(code, ""),
        None => upstream(&error.to_debug_string()),
    }
}

/// A client whose request's body does not go on for this long is taken to be gone.
const REQUEST_IDLE: Duration = Duration::from_secs(10);
