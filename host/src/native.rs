//! The component's own code on this machine, without WebAssembly: its port over the same way out, allow-list and certificates that the
//! component is given. What goes wrong here would go wrong there.
//!
//! Its key-value store is memory and forgets: what was kept would hide what GitHub says now.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use landfall::host::{Host, HostError, Limits, Source};
use tokio::time::timeout;
use wasmtime_wasi_http::RequestOptions;

use crate::{Body, BodyError, Outbound, Output, Variables, body};

/// The outside world of the component's code.
pub(crate) struct Native<'v> {
    variables: &'v Variables,
    outbound: Outbound,
    output: Output,
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
    slowest: RefCell<Option<(String, Duration)>>,
}

impl<'v> Native<'v> {
    /// With these variables, and this way out.
    pub(crate) fn new(variables: &'v Variables, outbound: Outbound) -> Self {
        Self {
            variables,
            outbound,
            output: Output::captured(),
            kept: RefCell::default(),
            slowest: RefCell::default(),
        }
    }

    /// What the component's code and the way out have had to say so far, a line each.
    pub(crate) fn said(&self) -> String {
        self.output.text()
    }

    /// The host whose answer took longest to begin, and how long that was.
    pub(crate) fn slowest(&self) -> Option<(String, Duration)> {
        self.slowest.borrow().clone()
    }

    fn note(&self, host: &str, took: Duration) {
        let mut slowest = self.slowest.borrow_mut();
        if slowest.as_ref().is_none_or(|(_, before)| *before < took) {
            *slowest = Some((host.to_owned(), took));
        }
    }
}

impl Host for Native<'_> {
    type Source = Incoming;

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            self.log(&format!("no random numbers: {error}"));
        }
    }

    fn variable(&self, name: &str) -> Result<Option<String>, HostError> {
        let value = self.variables.get(name).filter(|value| !value.is_empty());
        Ok(value.map(str::to_owned))
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.kept.borrow().get(key).cloned()
    }

    fn set(&self, key: &str, value: &[u8]) {
        self.kept
            .borrow_mut()
            .insert(key.to_owned(), value.to_vec());
    }

    async fn send(
        &self,
        request: Request<Vec<u8>>,
        limits: Limits,
    ) -> Result<Response<Incoming>, HostError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let options = RequestOptions {
            connect_timeout: Some(limits.head),
            first_byte_timeout: Some(limits.head),
            between_bytes_timeout: Some(limits.idle),
        };
        let request = request.map(body::full);
        let began = Instant::now();
        let before = self.said().len();
        let sent = self.outbound.send(request, options, &self.output);
        let sent = timeout(limits.head, sent).await;
        match sent {
            Ok(Ok(response)) => {
                self.note(&host, began.elapsed());
                Ok(response.map(|body| Incoming {
                    body,
                    left: Bytes::new(),
                    limit: limits.idle,
                }))
            }
            Ok(Err(BodyError::HttpRequestDenied)) => Err(HostError::Denied(host)),
            Ok(Err(BodyError::ConnectionReadTimeout | BodyError::ConnectionTimeout)) | Err(_) => {
                Err(HostError::Timeout)
            }
            // The line says more than the code.
            Ok(Err(error)) => Err(HostError::Upstream(
                self.said()
                    .get(before..)
                    .and_then(|said| said.trim_end().strip_prefix("landfall: "))
                    .map_or_else(|| error.to_string(), str::to_owned),
            )),
        }
    }

    fn log(&self, line: &str) {
        self.output.line(line);
    }
}

/// A body that is being received.
pub(crate) struct Incoming {
    body: Body,
    left: Bytes,
    limit: Duration,
}

impl Incoming {
    /// Whether there is something in `left`, once it was waited for.
    async fn fill(&mut self) -> Result<bool, HostError> {
        while self.left.is_empty() {
            match timeout(self.limit, self.body.frame()).await {
                Err(_) => return Err(HostError::Timeout),
                Ok(None) => return Ok(false),
                Ok(Some(Err(error))) => return Err(HostError::Upstream(error.to_string())),
                Ok(Some(Ok(frame))) => self.left = frame.into_data().unwrap_or_default(),
            }
        }
        Ok(true)
    }
}

impl Source for Incoming {
    async fn read(&mut self, max: usize) -> Result<Vec<u8>, HostError> {
        self.fill().await?;
        let length = self.left.len().min(max);
        Ok(self.left.split_to(length).to_vec())
    }

    fn wait_at_most(&mut self, limit: Duration) {
        self.limit = limit;
    }

    async fn skip(&mut self, n: u64) -> Result<u64, HostError> {
        self.fill().await?;
        let length = usize::try_from(n)
            .unwrap_or(usize::MAX)
            .min(self.left.len());
        drop(self.left.split_to(length));
        Ok(length as u64)
    }
}
