//! One component with everything around it, and the way from a request to a response.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{Semaphore, oneshot};

use crate::guest::Guest;
use crate::{Body, BodyError, Clock, Component, HandleError, Outbound, Output, Store, Variables};

/// A component and its outside world. Clones are the same host.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

/// What a [`Host`] is made of.
pub struct HostConfig {
    /// The component that answers.
    pub component: Component,
    /// The variables that it reads.
    pub variables: Variables,
    /// Its key-value store.
    pub store: Store,
    /// Where its own requests go.
    pub outbound: Outbound,
    /// Where its log lines go, and the host's.
    pub output: Output,
    /// The wall clock that it reads.
    pub clock: Clock,
}

pub(crate) struct Shared {
    pub(crate) component: Component,
    pub(crate) variables: Variables,
    pub(crate) store: Store,
    pub(crate) outbound: Outbound,
    pub(crate) output: Output,
    pub(crate) clock: Clock,
    pub(crate) peak_memory: AtomicUsize,
    permits: Arc<Semaphore>,
}

impl HostConfig {
    /// A component alone: no variables, a store that forgets, an outbound side that denies everything, log lines to
    /// stdout and stderr, the system's clock.
    #[must_use]
    pub fn new(component: Component) -> Self {
        Self {
            component,
            variables: Variables::default(),
            store: Store::forgetful(),
            outbound: Outbound::hook(|_| std::future::ready(Err(BodyError::HttpRequestDenied))),
            output: Output::inherited(),
            clock: Clock::system(),
        }
    }
}

impl Host {
    /// Puts the parts together; nothing runs yet.
    #[must_use]
    pub fn new(config: HostConfig) -> Self {
        let permits = Arc::new(Semaphore::new(config.component.limits().requests as usize));
        Self(Arc::new(Shared {
            component: config.component,
            variables: config.variables,
            store: config.store,
            outbound: config.outbound,
            output: config.output,
            clock: config.clock,
            peak_memory: AtomicUsize::new(0),
            permits,
        }))
    }

    /// Gives `request` to a fresh instance and waits for its response, whose body then streams.
    ///
    /// The instance goes on when the response was sent, and when this future or the body is dropped: see [`Host::idle`].
    /// Must run inside a tokio runtime.
    ///
    /// # Errors
    /// When the request names no host, or the component traps, answers with an error code or not at all. A trap is also
    /// one line of output, unless the client had gone by then.
    pub async fn handle(&self, request: Request<Body>) -> Result<Response<Body>, HandleError> {
        if !names_host(&request) {
            return Err(HandleError::NoAuthority);
        }
        let Ok(permit) = self.0.permits.clone().acquire_owned().await else {
            return Err(HandleError::Trapped("the host is closed".to_owned()));
        };
        let head = request.method() == Method::HEAD;
        let client = Client::default();
        let (answer, answered) = oneshot::channel();
        let running = tokio::spawn({
            let (shared, gone) = (self.0.clone(), client.gone.clone());
            let trapped = client.trapped.clone();
            async move {
                let ended = Guest::run(shared.clone(), request, answer, &trapped).await;
                if let Err(reason) = &ended
                    && !gone.load(Ordering::Relaxed)
                {
                    shared
                        .output
                        .line(&format!("the component failed: {reason}"));
                }
                drop(permit);
                ended
            }
        });
        let error = match answered.await {
            Ok(Ok(response)) => return Ok(watched(response, client, head)),
            Ok(Err(code)) => HandleError::Refused(code.to_string()),
            Err(_) => match running.await {
                Ok(Ok(())) => HandleError::Trapped("it returned without a response".to_owned()),
                // Its line is out already.
                Ok(Err(reason)) => {
                    client.served();
                    return Err(HandleError::Trapped(reason));
                }
                Err(panic) => HandleError::Trapped(panic.to_string()),
            },
        };
        client.served();
        self.0.output.line(&error.to_string());
        Err(error)
    }

    /// Waits until every instance has come to its end, the work behind sent responses included. Requests that arrive
    /// meanwhile wait too.
    pub async fn idle(&self) {
        let all = self.0.component.limits().requests;
        let _ = self.0.permits.acquire_many(all).await;
    }

    /// Instances that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        (self.0.component.limits().requests as usize)
            .saturating_sub(self.0.permits.available_permits())
    }

    /// The most linear memory that one finished instance had since the host was made or the figure was reset, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> usize {
        self.0.peak_memory.load(Ordering::Relaxed)
    }

    /// Starts [`Host::peak_memory`] anew.
    pub fn reset_peak_memory(&self) {
        self.0.peak_memory.store(0, Ordering::Relaxed);
    }

    pub(crate) fn output(&self) -> &Output {
        &self.0.output
    }
}

fn names_host(request: &Request<Body>) -> bool {
    let host = request.headers().get(header::HOST);
    request.uri().authority().is_some() || host.is_some_and(|host| host.to_str().is_ok())
}

/// Whether the client still wants its response. Dropped before it was served, it has hung up: what the component then
/// runs into is no news.
#[derive(Default)]
struct Client {
    gone: Arc<AtomicBool>,
    /// The component failed, so that a body that ends without its announced length is not whole.
    trapped: Arc<AtomicBool>,
    served: bool,
}

impl Client {
    fn served(mut self) {
        self.served = true;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if !self.served {
            self.gone.store(true, Ordering::Relaxed);
        }
    }
}

/// A response body that knows when its client has all of it. Servers don't read past the announced length, nor the body
/// of an answer to HEAD, so the end of the stream alone doesn't tell.
struct Watched {
    body: Body,
    client: Client,
    left: Option<u64>,
}

fn watched(response: Response<Body>, mut client: Client, head: bool) -> Response<Body> {
    let length = response.headers().get(header::CONTENT_LENGTH);
    let left = length.and_then(|length| length.to_str().ok()?.parse().ok());
    client.served = head || left == Some(0);
    response.map(|body| Watched { body, client, left }.boxed_unsync())
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let is_whole = self.left == Some(0) || !self.client.trapped.load(Ordering::Acquire);
        if frame.is_none() && !is_whole {
            frame = Some(Err(BodyError::ConnectionTerminated));
        }
        match &frame {
            Some(Ok(frame)) => {
                let sent = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.left = self.left.map(|left| left.saturating_sub(sent));
                self.client.served |= self.left == Some(0);
            }
            // Broken off by the component: it isn't the client that has gone.
            Some(Err(_)) | None => self.client.served = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
