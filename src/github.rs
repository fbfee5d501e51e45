//! GitHub, as far as Landfall needs it: signing in, tags, archives.
//!
//! - [`app`]: who Landfall is there: installations and their tokens; `jwt`: what the App says itself
//! - [`readiness`]: whether that works
//! - [`refs`]: tags and what they point at
//! - [`listing`]: an owner's repositories; [`contents`]: a file of one
//! - [`archive`]: the zip of a commit, or of what a tag object leads to
//! - [`inspect`]: what it says as it says it
//! - `call`: one call; [`classify`]: what a response means
//! - [`etag`]: how to ask whether something has changed for free; [`limits`]: when not to ask at all
//!
//! This file sends requests. Every call has a time limit and every body a cap; redirects are followed by hand, and
//! only on the API's own origin.

pub mod app;
pub mod archive;
mod call;
pub mod classify;
pub mod contents;
pub mod etag;
pub mod inspect;
mod jwt;
pub mod limits;
pub mod listing;
pub mod readiness;
pub mod refs;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use http::uri::Authority;
use http::{Method, Request, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use url::Url;

use crate::cache::entry::milliseconds;
use crate::config::Config;
use crate::error::Error;
use crate::event::{Event, Upstream};
use crate::github::app::{Authorization, Credentials};
pub use crate::github::call::Kept;
use crate::github::call::{Answer, Asked, Call, Redirect, request};
use crate::github::classify::Meaning;
use crate::github::etag::Validator;
use crate::github::limits::Purpose;
use crate::host::{Deadline, Host, HostError, Limits, receive};
use crate::trace::Trace;

/// GitHub, asked as the configuration says on behalf of one request to Landfall.
pub struct GitHub<'h, H> {
    host: &'h H,
    config: Rc<Config>,
    credentials: Rc<Credentials>,
    breaker: Rc<limits::Known>,
    /// What the request is a part of, for the log.
    trace: Option<Trace>,
    /// How often another request was waited for.
    waits: Rc<Cell<u32>>,
    calls: Rc<Cell<u32>>,
}

/// One repository. GitHub compares both names without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// A user or an organisation.
    pub owner: String,
    /// The repository's own name, or the one it had.
    pub name: String,
    /// GitHub's number for it, where it is to be found by that and not by its name.
    pub id: Option<u64>,
}

impl Repository {
    /// By number, it is found whatever its name is: GitHub's own redirects lead there.
    fn path(&self, rest: &str) -> String {
        match self.id {
            Some(id) => format!("/repositories/{id}{rest}"),
            None => format!("/repos/{}/{}{rest}", self.owner, self.name),
        }
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl<H> Clone for GitHub<'_, H> {
    fn clone(&self) -> Self {
        Self {
            host: self.host,
            config: Rc::clone(&self.config),
            credentials: Rc::clone(&self.credentials),
            breaker: Rc::clone(&self.breaker),
            trace: self.trace.clone(),
            waits: Rc::clone(&self.waits),
            calls: Rc::clone(&self.calls),
        }
    }
}

impl<'h, H: Host> GitHub<'h, H> {
    /// GitHub, asked as `config` says.
    pub fn new(host: &'h H, config: Rc<Config>, trace: Option<Trace>) -> Self {
        Self {
            trace,
            host,
            config,
            credentials: Rc::default(),
            breaker: Rc::default(),
            waits: Rc::default(),
            calls: Rc::default(),
        }
    }

    /// The outside world of the request.
    #[must_use]
    pub fn host(&self) -> &'h H {
        self.host
    }

    /// How many requests have been sent so far.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.calls.get()
    }

    /// A line of the log about something of `owner`'s, to be written.
    pub(crate) fn event(&self, event: &str, kind: &str, owner: &str) -> Event {
        Event::begin(self.host, self.trace.as_ref(), event, kind, owner)
    }

    /// Asks the API for a JSON document about something of `owner`'s.
    async fn json<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        owner: &str,
        path: &str,
        deadline: Deadline,
    ) -> Result<T, Error> {
        let call = Call::new(kind, owner, path, Purpose::First, deadline);
        let (_, answer) = self.get(&call).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| Error::Malformed(format!("GET {path}: {error}")))
    }

    /// GETs a path of the API, and takes nothing for an answer but success, or that nothing has changed.
    async fn get(&self, call: &Call<'_>) -> Result<(Asked<()>, Answer), Error> {
        let (asked, sent) = self.ask(call).await?;
        let Asked {
            response,
            is_api,
            is_conditional,
            authorization,
            url,
        } = asked;
        let answer = self.collect(response, sent, call.deadline).await?;
        let asked = Asked {
            response: Response::new(()),
            is_api,
            is_conditional,
            authorization,
            url,
        };
        match self.meaning(call.owner, &answer) {
            Meaning::Success => Ok((asked, answer)),
            Meaning::Unchanged if asked.is_conditional => Ok((asked, answer)),
            meaning => Err(meaning.into_error(call.path, &answer.body)),
        }
    }

    /// An answer, and how to ask again whether it is still right. `known` is what it was asked with.
    fn kept(&self, asked: &Asked<()>, answer: Answer, known: Option<&Kept>) -> Kept {
        let before = known.filter(|kept| kept.body == answer.body);
        let validator = Validator::of(
            &answer.headers,
            asked.authorization.as_ref(),
            &answer.body,
            before.map(|kept| &kept.validator),
            milliseconds(self.host.now()),
        );
        Kept {
            validator,
            body: answer.body,
        }
    }

    /// GETs a path of the API with the owner's credential, which is `app`'s concern and renewed where that may help.
    async fn ask(&self, call: &Call<'_>) -> Result<(Asked<H::Source>, Upstream<'h, H>), Error> {
        self.permit(call.owner, call.purpose)?;
        let mut attempt = 0;
        loop {
            let authorization = self.authorization(call.owner, call.deadline).await?;
            let asked = self.walk(call, &authorization).await?;
            let is_refused = asked.0.response.status() == StatusCode::UNAUTHORIZED;
            if is_refused
                && self
                    .renew(call.owner, &authorization, attempt, call.deadline)
                    .await
            {
                attempt += 1;
                continue;
            }
            return Ok(asked);
        }
    }

    /// GETs a path of the API, and goes where redirects lead as far as they may: a renamed repository's to the API, an
    /// archive's to where archives are. Only the API is given the credential.
    async fn walk(
        &self,
        call: &Call<'_>,
        authorization: &Authorization,
    ) -> Result<(Asked<H::Source>, Upstream<'h, H>), Error> {
        let urls = &self.config.github;
        let path = call.path;
        let mut url = urls.api(path);
        let header = authorization.header();
        let condition = call
            .known
            .and_then(|kept| kept.validator.condition(header.as_ref(), &kept.body));
        for _ in 0..=MAX_REDIRECTS {
            let is_api = Url::parse(&url).is_ok_and(|url| urls.is_api(&url));
            let mut request = request(
                Method::GET,
                &url,
                is_api.then_some(authorization),
                Vec::new(),
            )?;
            if let Some(condition) = condition.clone().filter(|_| is_api) {
                request
                    .headers_mut()
                    .insert(header::IF_NONE_MATCH, condition);
            }
            let (response, sent) = self.send(request, call, is_api).await?;
            match Redirect::of(&url, &response) {
                Redirect::No => {
                    let asked = Asked {
                        response,
                        is_api,
                        is_conditional: condition.is_some(),
                        authorization: header,
                        url,
                    };
                    return Ok((asked, sent));
                }
                Redirect::To(target) if (call.may_lead_to)(urls, &target) => url = target.into(),
                Redirect::To(target) => {
                    let origin = target.origin().ascii_serialization();
                    return Err(Error::Malformed(format!(
                        "GET {path}: it redirects to `{origin}`, which is not an https address that GitHub is known to \
                         have: add the host to `github_archive_hosts` if it is yours and has archives"
                    )));
                }
                Redirect::Nowhere => {
                    return Err(Error::Malformed(format!(
                        "GET {path}: it redirects to no address"
                    )));
                }
            }
        }
        Err(Error::Malformed(format!(
            "GET {path}: more than {MAX_REDIRECTS} redirects"
        )))
    }

    /// Waits a moment for what another request is finding out. All such waits of a request are a second, and no more.
    pub(crate) async fn wait_for_another(&self) -> bool {
        let waits = self.waits.get();
        if waits < MAX_WAITS {
            self.waits.set(waits + 1);
            self.host.sleep(WAIT).await;
        }
        waits < MAX_WAITS
    }

    /// Sends one request of a call's. The log's line of it is written when it is dropped.
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        call: &Call<'_>,
        is_api: bool,
    ) -> Result<(Response<H::Source>, Upstream<'h, H>), Error> {
        let left = call.deadline.left(self.host.now());
        if left.is_zero() {
            return Err(HostError::Timeout.into());
        }
        self.calls.set(self.calls.get().saturating_add(1));
        let limits = Limits {
            head: left,
            idle: call.idle,
        };
        let to = request.uri().authority().filter(|_| !is_api);
        let trace = self.trace.as_ref();
        let mut sent = Upstream::begin(
            self.host,
            trace,
            call.kind,
            call.owner,
            to.map(Authority::as_str),
        );
        match self.host.send(request, limits).await {
            Ok(response) => {
                sent.answered(response.status(), response.headers(), &[]);
                Ok((response, sent))
            }
            Err(error) => {
                sent.failed(&error);
                Err(error.into())
            }
        }
    }

    /// Receives a whole body, within the deadline and [`MAX_BODY`].
    async fn collect(
        &self,
        response: Response<H::Source>,
        mut sent: Upstream<'h, H>,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let (head, mut source) = response.into_parts();
        let body = receive(self.host, &mut source, deadline, IDLE_LIMIT, MAX_BODY).await;
        let body = body.inspect_err(|error| sent.failed(error))?;
        sent.answered(head.status, &head.headers, &body);
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

const ACCEPT: &str = "application/vnd.github+json";
const API_VERSION: &str = "2022-11-28";
/// GitHub refuses requests without one, and pretty-prints for some names; `landfall` is neither.
pub(crate) const USER_AGENT: &str = concat!("landfall/", env!("CARGO_PKG_VERSION"));
/// 5,000 tags are 1.75 MB; this is for 40,000.
const MAX_BODY: usize = 16 << 20;
const MAX_REDIRECTS: usize = 3;
const IDLE_LIMIT: Duration = Duration::from_secs(5);
const WAIT: Duration = Duration::from_millis(50);
const MAX_WAITS: u32 = 20;
