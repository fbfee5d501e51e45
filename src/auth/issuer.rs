//! An issuer's keys: where they are, and how often they are asked for.
//!
//! They are kept in the store for an hour. A token that names a key which is not there has them fetched anew, because issuers change
//! their keys; but not more than once a minute, however many such tokens come. <https://openid.net/specs/openid-connect-discovery-1_0.html>

use std::cell::Cell;
use std::time::Duration;

use http::uri::Authority;
use http::{Request, StatusCode, header};
use jsonwebtoken::jwk::Jwk;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::cache::lease::Lease;
use crate::cache::{self, Key};
use crate::config::is_safe_url;
use crate::error::Error;
use crate::event::Upstream;
use crate::github::USER_AGENT;
use crate::host::{Deadline, Host, HostError, Limits, receive, seconds};
use crate::trace::Trace;

/// What is kept of an issuer; its keys are the bytes behind it.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// When its keys came, in seconds since 1970; 0: never.
    fetched_at: u64,
    /// When they were asked for in vain, or before their time: that is not done again so soon.
    paused_at: u64,
    #[serde(skip)]
    keys: Vec<u8>,
}

/// What is known of a key.
enum Lookup {
    /// It is fresh.
    Known(Vec<Jwk>),
    /// The issuer is not asked just now.
    Paused(Result<Vec<Jwk>, Error>),
    /// The issuer has to be asked.
    Due(Kept),
}

/// An issuer of ID tokens.
pub(super) struct Issuer<'a, H> {
    pub(super) host: &'a H,
    /// What the request is a part of, for the log.
    pub(super) trace: Option<&'a Trace>,
    pub(super) name: &'a str,
    /// How many requests have been sent so far.
    pub(super) calls: &'a Cell<u32>,
}

impl<H: Host> Issuer<'_, H> {
    /// The keys that the issuer calls `id`: one, where it does as it should.
    ///
    /// # Errors
    /// [`Error::IssuerUnavailable`] where that cannot be found out.
    pub(super) async fn keys(&self, id: &str) -> Result<Vec<Jwk>, Error> {
        let deadline = Deadline::after(self.host.now(), LIMIT);
        for _ in 0..=MAX_WAITS {
            let kept = match self.look_up(id) {
                Lookup::Known(keys) => return Ok(keys),
                Lookup::Paused(result) => return result,
                Lookup::Due(kept) => kept,
            };
            let about = format!("keys of {}", self.name);
            let left = deadline.left(self.host.now());
            if let Some(lease) = Lease::take(self.host, &about, left).await {
                // Someone else may have fetched them meanwhile.
                let result = match self.look_up(id) {
                    Lookup::Known(keys) => Ok(keys),
                    Lookup::Paused(result) => result,
                    Lookup::Due(kept) => self.refresh(kept, id, deadline).await,
                };
                lease.release(self.host);
                return result;
            }
            // Who can do without what is being fetched does not wait for it.
            let known = kept.usable(id, seconds(self.host.now()));
            if !known.is_empty() {
                return Ok(known);
            }
            self.host.sleep(WAIT).await;
        }
        Err(unavailable("another request is fetching them"))
    }

    fn look_up(&self, id: &str) -> Lookup {
        let kept = self.load();
        let now = seconds(self.host.now());
        let known = kept.usable(id, now);
        let has_keys = is_within(kept.fetched_at, now, LONGEST);
        let pause = if has_keys { COOL_DOWN } else { SHORT_COOL_DOWN };
        if !known.is_empty() && is_within(kept.fetched_at, now, FRESH) {
            Lookup::Known(known)
        } else if is_within(kept.paused_at, now, pause) {
            Lookup::Paused(if has_keys {
                Ok(known)
            } else {
                Err(unavailable("they could not be fetched a moment ago"))
            })
        } else {
            Lookup::Due(kept)
        }
    }

    fn load(&self) -> Kept {
        let kept = cache::load::<Kept>(self.host, &self.store_key());
        kept.map_or_else(Kept::default, |(kept, keys)| Kept { keys, ..kept })
    }

    /// Fetches the keys, and keeps them, or that they could not be fetched. Those that are known outlive a failure.
    async fn refresh(&self, before: Kept, id: &str, deadline: Deadline) -> Result<Vec<Jwk>, Error> {
        let fetched = self.fetch(deadline).await;
        let now = seconds(self.host.now());
        let is_before_its_time = is_within(before.fetched_at, now, FRESH);
        let mut kept = before;
        let result = fetched.map(|keys| {
            kept.fetched_at = now;
            kept.keys = keys;
        });
        let known = kept.usable(id, now);
        if is_before_its_time || result.is_err() || known.is_empty() {
            kept.paused_at = now;
        }
        cache::save(self.host, &self.store_key(), &kept, &kept.keys);
        match result {
            Err(error) if known.is_empty() => Err(error),
            Err(error) => {
                self.host
                    .log(&format!("{error}: those that are known are used"));
                Ok(known)
            }
            Ok(()) => Ok(known),
        }
    }

    async fn fetch(&self, deadline: Deadline) -> Result<Vec<u8>, Error> {
        #[derive(Deserialize)]
        struct Discovered {
            issuer: String,
            jwks_uri: String,
        }
        let discovery = format!(
            "{}/.well-known/openid-configuration",
            self.name.trim_end_matches('/')
        );
        let body = self.get("openid", &discovery, deadline).await?;
        let found: Discovered = serde_json::from_slice(&body)
            .map_err(|_| unavailable("its openid-configuration is none"))?;
        if found.issuer != self.name {
            return Err(unavailable("its openid-configuration names another issuer"));
        }
        let own = Url::parse(self.name).ok().map(|url| url.origin());
        let leads_to = Url::parse(&found.jwks_uri)
            .ok()
            .filter(|url| is_safe_url(url) && Some(url.origin()) == own);
        let address = leads_to.ok_or_else(|| {
            unavailable("its openid-configuration leads to keys on another host than its own, which is not followed")
        })?;
        let keys = self.get("jwks", address.as_str(), deadline).await?;
        if key_set(&keys).next().is_none() {
            return Err(unavailable("it has no keys"));
        }
        Ok(keys)
    }

    /// Redirects are not followed: only the issuer's own host is asked.
    async fn get(
        &self,
        kind: &'static str,
        url: &str,
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error> {
        let request = Request::get(url)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| unavailable("its address is no URL"))?;
        let limits = Limits {
            head: deadline.left(self.host.now()),
            idle: LIMIT,
        };
        if limits.head.is_zero() {
            return Err(failed(&HostError::Timeout));
        }
        self.calls.set(self.calls.get().saturating_add(1));
        let to = request.uri().authority().map(Authority::as_str);
        let mut sent = Upstream::begin(self.host, self.trace, kind, "", to);
        let result = self.host.send(request, limits).await;
        let response = result.map_err(|error| failed_after(&mut sent, &error))?;
        sent.answered(response.status(), response.headers(), &[]);
        if response.status() != StatusCode::OK {
            return Err(unavailable(&format!(
                "it answers {}",
                response.status().as_u16()
            )));
        }
        let mut body = response.into_body();
        let body = receive(self.host, &mut body, deadline, LIMIT, MAX_BODY).await;
        body.map_err(|error| failed_after(&mut sent, &error))
    }

    fn store_key(&self) -> Key {
        Key::issuer(self.name)
    }
}

impl Kept {
    /// Its keys of this name, as long as they may be used.
    fn usable(&self, id: &str, now: u64) -> Vec<Jwk> {
        if !is_within(self.fetched_at, now, LONGEST) {
            return Vec::new();
        }
        key_set(&self.keys)
            .filter(|key| key.common.key_id.as_deref() == Some(id))
            .collect()
    }
}

/// The keys of a set. One that cannot be read is passed over: it may be of a kind that is still to come.
fn key_set(body: &[u8]) -> impl Iterator<Item = Jwk> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Option<Set> = serde_json::from_slice(body).ok();
    let keys = set.map(|set| set.keys).unwrap_or_default();
    keys.into_iter()
        .filter_map(|key| serde_json::from_value(key).ok())
}

/// Whether a time is not longer ago than `seconds`. One of the future was written by a clock that was wrong.
fn is_within(time: u64, now: u64, seconds: u64) -> bool {
    now.checked_sub(time).is_some_and(|age| age < seconds)
}

fn unavailable(detail: &str) -> Error {
    Error::IssuerUnavailable(detail.to_owned())
}

fn failed_after<H: Host>(sent: &mut Upstream<'_, H>, error: &HostError) -> Error {
    sent.failed(error);
    failed(error)
}

fn failed(error: &HostError) -> Error {
    unavailable(&error.to_string())
}

/// For how many seconds keys are used without asking.
const FRESH: u64 = 60 * 60;
/// For how many seconds they are used while their issuer gives no others.
const LONGEST: u64 = 24 * 60 * 60;
/// Seconds between two fetches.
const COOL_DOWN: u64 = 60;
/// The same while there are no keys at all.
const SHORT_COOL_DOWN: u64 = 20;
/// For all of it: Terraform waits ten seconds.
const LIMIT: Duration = Duration::from_secs(5);
/// GitHub's set has 5 KB.
const MAX_BODY: usize = 256 << 10;
const WAIT: Duration = Duration::from_millis(50);
const MAX_WAITS: u32 = 40;
