//! The one port: everything outside of Landfall's own code.
//!
//! [`Host`] is implemented four times: by `src/wasi_http.rs` with each of the two bins, by the
//! hand-written fake of `tests/`, and by `landfall doctor` without WebAssembly. There is no `Send` bound and no boxing, because a component's instance
//! is one thread that answers one request at a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Request, Response};

/// The outside world of one request: clock, randomness, variables, key-value store, HTTP, log.
#[expect(
    async_fn_in_trait,
    reason = "an instance is single-threaded: no caller needs a Send bound"
)]
pub trait Host {
    /// The body of an upstream response, as it comes in.
    type Source: Source;

    /// Wall clock. It may be wrong by minutes and may jump; see `github::jwt` for how that is repaired.
    fn now(&self) -> SystemTime;

    /// Lets `duration` pass.
    async fn sleep(&self, duration: Duration);

    /// Fills `buffer` with cryptographically secure random bytes.
    fn random(&self, buffer: &mut [u8]);

    /// The value of a configuration variable; `None` where it is not set. An empty value means not set as well.
    fn variable(&self, name: &str) -> Result<Option<String>, HostError>;

    /// The value kept under `key`. The store may forget anything at any time; one that fails is one that forgets, of which
    /// the log is told once a request.
    fn get(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps `value` (under 1 MB) under `key` (under 255 bytes), if the store will.
    fn set(&self, key: &str, value: &[u8]);

    /// Sends one request and waits at most `limits.head` for the response's head. Redirects are not followed.
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        limits: Limits,
    ) -> Result<Response<Self::Source>, HostError>;

    /// Writes one line to the log.
    fn log(&self, line: &str);
}

/// A body that is being received.
#[expect(
    async_fn_in_trait,
    reason = "an instance is single-threaded: no caller needs a Send bound"
)]
pub trait Source {
    /// Waits for data and returns at most `max` bytes of it; empty at the end of the body.
    async fn read(&mut self, max: usize) -> Result<Vec<u8>, HostError>;

    /// Changes how long to wait for data from now on.
    fn wait_at_most(&mut self, limit: Duration);

    /// Drops at most `n` bytes unread and returns how many; 0 at the end of the body.
    async fn skip(&mut self, n: u64) -> Result<u64, HostError>;
}

/// The client's end of a response that is being sent.
#[expect(
    async_fn_in_trait,
    reason = "an instance is single-threaded: no caller needs a Send bound"
)]
pub trait Sink<S: Source> {
    /// Sends all of `bytes`.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), HostError>;

    /// Moves at most `n` bytes from `source` to the client without looking at them, and returns how many;
    /// 0 at the source's end.
    async fn splice(&mut self, source: &mut S, n: u64) -> Result<u64, HostError>;
}

/// Time limits of one upstream call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the call to the head of the response.
    pub head: Duration,
    /// Between two pieces of the body.
    pub idle: Duration,
}

/// When to give up on answering: Terraform waits 10 s for an API answer, and asks a second time after a failure.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(SystemTime);

impl Deadline {
    /// The end of `duration`, counted from `now`.
    #[must_use]
    pub fn after(now: SystemTime, duration: Duration) -> Self {
        Self(now + duration)
    }

    /// The end of `duration`, counted from `now`, if that is sooner.
    #[must_use]
    pub fn sooner(self, now: SystemTime, duration: Duration) -> Self {
        Self(self.0.min(now + duration))
    }

    pub(crate) fn left(self, now: SystemTime) -> Duration {
        self.0.duration_since(now).unwrap_or_default()
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// Receives a whole body of at most `cap` bytes, until `deadline`, waiting at most `idle` between two pieces.
///
/// # Errors
/// [`HostError::TooLarge`], [`HostError::Timeout`], and what the source says.
pub(crate) async fn receive(
    host: &impl Host,
    source: &mut impl Source,
    deadline: Deadline,
    idle: Duration,
    cap: usize,
) -> Result<Vec<u8>, HostError> {
    let mut body = Vec::new();
    loop {
        let left = deadline.left(host.now());
        if left.is_zero() {
            return Err(HostError::Timeout);
        }
        source.wait_at_most(left.min(idle));
        let bytes = source.read(READ).await?;
        if bytes.is_empty() {
            return Ok(body);
        }
        body.extend_from_slice(&bytes);
        if body.len() > cap {
            return Err(HostError::TooLarge(cap));
        }
    }
}

/// Why the outside world did not do what it was asked to. The texts are for the log, never for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The key-value store or the variables could not be read or written.
    Store(String),
    /// The host does not let the component call this address, e.g. Spin's `allowed_outbound_hosts`.
    Denied(String),
    /// An upstream answer did not come in time.
    Timeout,
    /// An upstream could not be reached, or its answer broke off.
    Upstream(String),
    /// A body of more than this many bytes.
    TooLarge(usize),
    /// The client went away, or took nothing for too long.
    ClientGone,
}

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(detail) => write!(f, "host interface failed: {detail}"),
            Self::Denied(host) => write!(
                f,
                "the host denies calls to `{host}`: add it to its allowed outbound hosts"
            ),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Upstream(detail) => write!(f, "connection failed: {detail}"),
            Self::TooLarge(cap) => write!(f, "a body of more than {cap} bytes"),
            Self::ClientGone => f.write_str("the client went away"),
        }
    }
}

impl std::error::Error for HostError {}

const READ: usize = 64 << 10;
