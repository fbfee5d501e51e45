//! GitHub's rate limits: when to stop asking before it stops answering, and for how long.
//!
//! A bucket is an installation's, a token's, or the address's of a machine without either; each has a breaker of its own,
//! which every instance sees. While it is open for a limit, what is known is served, and for everything else clients are
//! told to come again in a few seconds, never in GitHub's minutes: Terraform would sleep them out without a word. Where
//! GitHub does not answer, only what is known is not asked about.
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::GitHub;
use super::call::Answer;
use super::classify::{Limit, Meaning};
use super::jwt::date;
use crate::cache::{self, Key};
use crate::config::Credential;
use crate::error::Error;
use crate::host::{Host, seconds};

/// Why GitHub is not asked for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Cause {
    /// What is left of the primary limit is to be left.
    Reserve,
    /// The primary limit is used up.
    Primary,
    /// A secondary limit: too much at once.
    Secondary,
    /// GitHub did not answer for one repository, which may be that repository's fault.
    Suspicion,
    /// It did not answer for two of them.
    Failure,
}

/// A bucket that is not asked for a while. Times are seconds since 1970 by this machine's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    cause: Cause,
    until: u64,
    /// How many secondary limits in turn did not say how long to wait.
    strikes: u32,
    /// The repository that GitHub did not answer for.
    about: String,
}

/// The breaker of the bucket that was asked for last, if it has one.
pub(super) type Known = RefCell<Option<(String, Option<Breaker>)>>;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Something that is billed, and that there is no answer to yet.
    First,
    /// Something that is billed, and that an answer is known to.
    Again,
    /// What is not billed, as archives are not, or brings something to its end that was billed.
    Free,
}

impl Breaker {
    /// The breaker after a secondary limit, which asks to wait for so long, if it says.
    #[must_use]
    pub fn secondary(before: Option<&Self>, wait: Option<Duration>, now: SystemTime) -> Self {
        let now = seconds(now);
        let strikes = match (wait, before) {
            (Some(_), _) | (None, None) => 0,
            // It is the same trouble until there was none for as long as it lasted.
            (None, Some(before)) => {
                let is_over = now > before.until + FIRST_WAIT.as_secs();
                let is_next = before.cause == Cause::Secondary && !is_over;
                if is_next { before.strikes + 1 } else { 0 }
            }
        };
        let wait = wait.unwrap_or_else(|| FIRST_WAIT * 2u32.saturating_pow(strikes.min(4)));
        Self::open(Cause::Secondary, now, wait, strikes)
    }

    /// The breaker after the primary limit was reached.
    #[must_use]
    pub fn primary(wait: Option<Duration>, now: SystemTime) -> Self {
        Self::open(Cause::Primary, seconds(now), wait.unwrap_or(FIRST_WAIT), 0)
    }

    /// The breaker after GitHub did not answer about one repository.
    #[must_use]
    pub fn failure(before: Option<&Self>, about: &str, now: SystemTime) -> Self {
        let now = seconds(now);
        let is_other = |it: &&Self| {
            let is_failure = matches!(it.cause, Cause::Suspicion | Cause::Failure);
            is_failure && it.about != about && now <= it.until + SUSPICION.as_secs()
        };
        let breaker = match before.filter(is_other) {
            Some(_) => Self::open(Cause::Failure, now, FAILURE_WAIT, 0),
            None => Self::open(Cause::Suspicion, now, SUSPICION, 0),
        };
        Self {
            about: about.to_owned(),
            ..breaker
        }
    }

    /// The breaker that what is left of the primary limit calls for, if it does.
    #[must_use]
    pub fn reserve(headers: &HeaderMap, reserve_percent: u64, now: SystemTime) -> Option<Self> {
        let (limit, remaining) = (number(headers, LIMIT)?, number(headers, REMAINING)?);
        if headers.get(RESOURCE).is_some_and(|it| it != "core") {
            return None;
        }
        let is_short = remaining.saturating_mul(100) < limit.saturating_mul(reserve_percent);
        let wait = until_reset(headers, now)?;
        is_short.then(|| Self::open(Cause::Reserve, seconds(now), wait, 0))
    }

    /// Whether it stays, although there is cause for `next` as well: GitHub's own word goes before what is only feared.
    #[must_use]
    pub fn outranks(&self, next: &Self, now: SystemTime) -> bool {
        let rank = |it: &Self| match it.cause {
            Cause::Suspicion => 0,
            Cause::Failure => 1,
            Cause::Reserve => 2,
            Cause::Primary | Cause::Secondary => 3,
        };
        self.until > seconds(now) && rank(self) > rank(next)
    }

    /// How long to wait before GitHub may be asked; `None` where it may be now.
    #[must_use]
    pub fn wait(&self, purpose: Purpose, now: SystemTime) -> Option<Duration> {
        let blocks = match (self.cause, purpose) {
            (Cause::Primary | Cause::Secondary, _)
            | (Cause::Reserve, Purpose::First | Purpose::Again)
            | (Cause::Failure, Purpose::Again) => true,
            (Cause::Reserve, Purpose::Free)
            | (Cause::Failure, Purpose::First | Purpose::Free)
            | (Cause::Suspicion, _) => false,
        };
        let left = self
            .until
            .checked_sub(seconds(now))
            .filter(|left| *left > 0)?;
        // What says to last longer was written by a clock that was wrong.
        (blocks && left <= LONGEST_WAIT.as_secs()).then(|| Duration::from_secs(left))
    }

    fn open(cause: Cause, now: u64, wait: Duration, strikes: u32) -> Self {
        let wait = wait.clamp(Duration::from_secs(1), LONGEST_WAIT);
        Self {
            cause,
            until: now + wait.as_secs(),
            strikes,
            about: String::new(),
        }
    }
}

impl<H: Host> GitHub<'_, H> {
    /// Whether GitHub may be asked about something of `owner`'s now.
    ///
    /// # Errors
    /// [`Error::Limited`], or [`Error::Unavailable`] where GitHub failed a moment ago.
    pub(crate) fn permit(&self, owner: &str, purpose: Purpose) -> Result<(), Error> {
        let breaker = self.breaker(owner);
        let Some(wait) = breaker
            .as_ref()
            .and_then(|breaker| breaker.wait(purpose, self.host.now()))
        else {
            return Ok(());
        };
        Err(match breaker.map(|breaker| breaker.cause) {
            None | Some(Cause::Suspicion | Cause::Failure) => {
                Error::Unavailable("it did not answer a moment ago".to_owned())
            }
            Some(Cause::Reserve | Cause::Primary | Cause::Secondary) => {
                Error::Limited { retry_after: wait }
            }
        })
    }

    /// What an answer of the API means, of which its limits are noted.
    pub(super) fn meaning(&self, owner: &str, answer: &Answer) -> Meaning {
        let meaning = Meaning::of(answer.status, &answer.headers, &answer.body);
        let now = self.host.now();
        let breaker = match meaning {
            Meaning::Limited(Limit::Primary) => {
                Some(Breaker::primary(until_reset(&answer.headers, now), now))
            }
            Meaning::Limited(Limit::Secondary(wait)) => {
                Some(Breaker::secondary(self.breaker(owner).as_ref(), wait, now))
            }
            _ => Breaker::reserve(&answer.headers, self.config.reserve_percent, now),
        };
        if let Some(breaker) = breaker {
            self.open(owner, breaker);
        }
        meaning
    }

    /// GitHub did not answer about a repository.
    pub(crate) fn note_failure(&self, owner: &str, repository: &str) {
        let now = self.host.now();
        let breaker = Breaker::failure(self.breaker(owner).as_ref(), repository, now);
        self.open(owner, breaker);
    }

    fn open(&self, owner: &str, breaker: Breaker) {
        let now = self.host.now();
        let before = self.breaker(owner);
        let is_outranked = |before: &Breaker| before.outranks(&breaker, now);
        if before.as_ref().is_some_and(is_outranked) {
            return;
        }
        let is_news = before.is_none_or(|it| it.cause != breaker.cause || it.until <= seconds(now));
        let what = match breaker.cause {
            Cause::Reserve => Some((
                "reserve",
                "for tags: what is left of its rate limit is to be left",
            )),
            Cause::Primary => Some(("primary", "for anything: its rate limit is used up")),
            Cause::Secondary => Some((
                "secondary",
                "for anything: a secondary rate limit was reached",
            )),
            Cause::Failure => Some(("failure", "about what is known: it does not answer")),
            Cause::Suspicion => None,
        };
        if let Some((kind, what)) = what.filter(|_| is_news) {
            let wait = breaker.until.saturating_sub(seconds(now));
            self.event("breaker", kind, owner).say(
                self.host,
                &format!("`{owner}`: for {wait} s, GitHub is not asked {what}"),
            );
        }
        let bucket = self.bucket(owner);
        cache::save(self.host, &Key::limits(&bucket), &breaker, &[]);
        self.breaker.replace(Some((bucket, Some(breaker))));
    }

    fn breaker(&self, owner: &str) -> Option<Breaker> {
        let bucket = self.bucket(owner);
        if let Some((known, breaker)) = &*self.breaker.borrow()
            && *known == bucket
        {
            return breaker.clone();
        }
        let loaded = cache::load(self.host, &Key::limits(&bucket)).map(|(breaker, _)| breaker);
        self.breaker.replace(Some((bucket, loaded.clone())));
        loaded
    }

    /// What GitHub counts together.
    fn bucket(&self, owner: &str) -> String {
        match &self.config.credential {
            Credential::App {
                installation: Some(installation),
                ..
            } => format!("installation/{installation}"),
            Credential::App { .. } => format!("owner/{owner}"),
            Credential::Token(_) => "token/0".to_owned(),
            Credential::Anonymous => "anonymous/0".to_owned(),
        }
    }
}

/// How long until the primary limit begins anew. Both times are GitHub's, where it says what time it is.
pub(super) fn until_reset(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let now = date(headers).unwrap_or(now);
    let reset = number(headers, RESET)?;
    Some(Duration::from_secs(reset.saturating_sub(seconds(now))))
}

/// A header that is a whole number.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

pub(crate) const LIMIT: &str = "x-ratelimit-limit";
pub(crate) const REMAINING: &str = "x-ratelimit-remaining";
pub(crate) const RESET: &str = "x-ratelimit-reset";
pub(crate) const RESOURCE: &str = "x-ratelimit-resource";
/// What GitHub asks for where a secondary limit does not say how long to wait; twice as long each time that follows.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// The primary limit begins anew every hour.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// How long one repository's failure is remembered.
const SUSPICION: Duration = Duration::from_mins(1);
/// While GitHub does not answer, it is asked every so often whether it does again.
const FAILURE_WAIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000 + second)
    }

    fn lasts(breaker: &Breaker) -> u64 {
        breaker
            .wait(Purpose::Again, at(0))
            .map_or(0, |wait| wait.as_secs())
    }

    #[test]
    fn secondary_limits_that_say_nothing_are_waited_for_longer_and_longer() {
        let mut breaker = None;
        let mut now = 0;
        for expected in [60, 120, 240, 480, 960, 960] {
            let next = Breaker::secondary(breaker.as_ref(), None, at(now));
            assert_eq!(next.until - seconds(at(now)), expected);
            now += expected;
            breaker = Some(next);
        }
        let calm = Breaker::secondary(breaker.as_ref(), None, at(now + 3600));
        assert_eq!(calm.strikes, 0);
        let told = Breaker::secondary(breaker.as_ref(), Some(Duration::from_secs(7)), at(0));
        assert_eq!((lasts(&told), told.strikes), (7, 0));
        let endless = Breaker::secondary(None, Some(Duration::MAX), at(0));
        assert_eq!(lasts(&endless), 3600);
    }

    #[test]
    fn the_reserve_is_left() {
        let reset = seconds(at(600)).to_string();
        for (limit, remaining, resource, percent, expected) in [
            ("5000", "250", "core", 5, None),
            ("5000", "249", "core", 5, Some(Cause::Reserve)),
            ("5000", "249", "search", 5, None),
            ("5000", "0", "core", 0, None),
            ("60", "2", "core", 5, Some(Cause::Reserve)),
            ("junk", "2", "core", 5, None),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [
                (LIMIT, limit),
                (REMAINING, remaining),
                (RESOURCE, resource),
                (RESET, &reset),
            ] {
                headers.insert(name, value.parse().unwrap());
            }
            let of = |headers: &HeaderMap| {
                let breaker = Breaker::reserve(headers, percent, at(0))?;
                Some((breaker.cause, breaker.until - seconds(at(0))))
            };
            let expected = |seconds| expected.map(|cause| (cause, seconds));
            assert_eq!(of(&headers), expected(600), "{limit} {remaining}");
            // By GitHub's own clock.
            headers.insert("date", httpdate::fmt_http_date(at(300)).parse().unwrap());
            assert_eq!(of(&headers), expected(300));
        }
    }

    #[test]
    fn one_repository_is_no_reason_not_to_ask_about_others() {
        let mut breaker = None;
        for (about, second, cause) in [
            ("a", 0, Cause::Suspicion),
            ("a", 30, Cause::Suspicion),
            ("b", 31, Cause::Failure),
            ("b", 42, Cause::Suspicion),
            ("a", 50, Cause::Failure),
            ("b", 500, Cause::Suspicion),
        ] {
            let next = Breaker::failure(breaker.as_ref(), about, at(second));
            assert_eq!(next.cause, cause, "{about} {second}");
            breaker = Some(next);
        }
    }

    #[test]
    fn what_may_be_asked_is_the_cause_s_to_say() {
        use Purpose::{Again, First, Free};
        let breaker = |cause| Breaker::open(cause, seconds(at(0)), FIRST_WAIT, 0);
        for (cause, blocked) in [
            (Cause::Reserve, &[First, Again][..]),
            (Cause::Primary, &[First, Again, Free]),
            (Cause::Secondary, &[First, Again, Free]),
            (Cause::Suspicion, &[]),
            (Cause::Failure, &[Again]),
        ] {
            for purpose in [First, Again, Free] {
                let breaker = breaker(cause);
                let is_blocked = blocked.contains(&purpose);
                let wait = breaker.wait(purpose, at(0));
                assert_eq!(wait.is_some(), is_blocked, "{cause:?} {purpose:?}");
                assert_eq!(breaker.wait(purpose, at(60)), None);
                // It was opened by a clock that ran ahead.
                assert_eq!(breaker.wait(purpose, at(0) - 2 * LONGEST_WAIT), None);
            }
        }
        let limited = breaker(Cause::Secondary);
        assert!(limited.outranks(&breaker(Cause::Reserve), at(59)));
        assert!(!limited.outranks(&breaker(Cause::Reserve), at(60)));
        assert!(!limited.outranks(&breaker(Cause::Primary), at(0)));
    }
}
