//! One component with everything around it, and the way from a request to a response.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

use crate::guest::{Answer, Instance};
use crate::instances::Instances;
use crate::{Body, BodyError, Clock, Component, HandleError, Outbound, Output, Store, Variables};

/// A component and its outside world. Clones are the same host.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

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

struct Inner {
    shared: Arc<Shared>,
    instances: Instances,
    permits: Arc<Semaphore>,
    peak_memory: AtomicUsize,
}

/// What instances hold of their host.
pub(crate) struct Shared {
    pub(crate) component: Component,
    pub(crate) store: Store,
    pub(crate) output: Output,
    pub(crate) clock: Clock,
    settings: RwLock<Settings>,
}

/// What may change while the host runs.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) variables: Arc<Variables>,
    pub(crate) outbound: Outbound,
}

impl Shared {
    pub(crate) fn settings(&self) -> Settings {
        let settings = self.settings.read();
        settings.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Inner {
    /// Answers a request with an instance that waits for one, or with a new one.
    async fn run(
        &self,
        request: Request<Body>,
        answer: oneshot::Sender<Answer>,
        trapped: &AtomicBool,
    ) -> Result<(), String> {
        let shared = &self.shared;
        let waiting = self.instances.take(&shared.settings().variables);
        let instance = match waiting {
            Some(instance) => instance,
            None => Instance::new(Arc::clone(shared)).await?,
        };
        let instance = instance.run(request, answer, trapped).await?;
        self.peak_memory
            .fetch_max(instance.memory(), Ordering::Relaxed);
        let requests = shared.component.limits().reuse;
        self.instances
            .give_back(instance, &shared.settings().variables, requests);
        Ok(())
    }
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
        let shared = Arc::new(Shared {
            component: config.component,
            store: config.store,
            output: config.output,
            clock: config.clock,
            settings: RwLock::new(Settings {
                variables: Arc::new(config.variables),
                outbound: config.outbound,
            }),
        });
        Self(Arc::new(Inner {
            shared,
            instances: Instances::default(),
            permits,
            peak_memory: AtomicUsize::new(0),
        }))
    }

    /// Gives `request` to an instance and waits for its response, whose body then streams.
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
        let (inner, gone) = (self.0.clone(), client.gone.clone());
        let trapped = client.trapped.clone();
        let mut running = Running(Some(Box::pin(async move {
            let ended = inner.run(request, answer, &trapped).await;
            if let Err(reason) = &ended
                && !gone.load(Ordering::Relaxed)
            {
                inner
                    .shared
                    .output
                    .failure(&format!("the component failed: {reason}"));
            }
            drop(permit);
            ended
        })));
        let error = match running.until(answered).await {
            Step::Answered(Ok(response)) => return Ok(watched(response, client, head)),
            Step::Answered(Err(code)) => HandleError::Refused(code.to_string()),
            Step::Ended(Ok(())) => {
                HandleError::Trapped("it returned without a response".to_owned())
            }
            // Its line is out already.
            Step::Ended(Err(reason)) => {
                client.served();
                return Err(HandleError::Trapped(reason));
            }
        };
        client.served();
        self.0.shared.output.failure(&error.to_string());
        Err(error)
    }

    /// From the next request on, the component reads these variables, and its own requests go there. Requests that run
    /// end as they began.
    pub fn set_variables(&self, variables: Variables, outbound: Outbound) {
        let settings = Settings {
            variables: Arc::new(variables),
            outbound,
        };
        *self
            .0
            .shared
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
        self.0.instances.clear();
    }

    /// Waits until every instance has come to its end, the work behind sent responses included. Requests that arrive
    /// meanwhile wait too.
    pub async fn idle(&self) {
        let all = self.0.shared.component.limits().requests;
        let _ = self.0.permits.acquire_many(all).await;
    }

    /// Instances that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        (self.0.shared.component.limits().requests as usize)
            .saturating_sub(self.0.permits.available_permits())
    }

    /// How many may run at once.
    #[must_use]
    pub fn most_running(&self) -> usize {
        self.0.shared.component.limits().requests as usize
    }

    /// The most linear memory that an instance had at the end of a request since the host was made, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> usize {
        self.0.peak_memory.load(Ordering::Relaxed)
    }

    /// Gives back what instances hold that have waited for a while.
    pub(crate) fn expire_instances(&self) {
        self.0.instances.expire();
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.shared.store
    }

    pub(crate) fn output(&self) -> &Output {
        &self.0.shared.output
    }
}

/// An instance at work. It runs in the task of whoever waits for its answer, because most have nothing left to do then, and a
/// task of its own would be a detour over another thread. Dropped before its end, it goes on in one.
struct Running(Option<Work>);

type Work = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// How far it has come.
enum Step {
    Answered(Answer),
    Ended(Result<(), String>),
}

impl Running {
    /// Waits for the answer, or for an end without one.
    async fn until(&mut self, answered: oneshot::Receiver<Answer>) -> Step {
        let mut answered = Some(answered);
        poll_fn(|cx| {
            if let Some(running) = &mut self.0
                && let Poll::Ready(ended) = running.as_mut().poll(cx)
            {
                self.0 = None;
                // Polling could ask for patience, because the instance has used this task's budget.
                let answer = answered.take().and_then(|mut it| it.try_recv().ok());
                return Poll::Ready(answer.map_or(Step::Ended(ended), Step::Answered));
            }
            let Some(waiting) = &mut answered else {
                return Poll::Pending;
            };
            let answer = ready!(Pin::new(waiting).poll(cx));
            // Without an answer, it is about to end.
            answered = None;
            answer.map_or(Poll::Pending, |answer| Poll::Ready(Step::Answered(answer)))
        })
        .await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What has panicked can't go on.
        if let Some(running) = self.0.take()
            && !std::thread::panicking()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(running);
        }
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
