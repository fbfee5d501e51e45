//! Rate limits (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>): the primary one of each
//! caller, points per minute, and requests at once.

use std::collections::HashMap;
use std::sync::Arc;

use http::header::HeaderName;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::knobs::Knobs;
use crate::refusal;
use crate::token::Caller;
use crate::world::GitHub;

/// Who shares a limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bucket {
    /// The App itself: no primary limit, but points.
    App,
    Anonymous,
    Installation(u64),
    /// By the token.
    Personal(String),
}

/// Everything that is counted for limits.
#[derive(Default)]
pub(crate) struct Limits {
    windows: HashMap<Bucket, Window>,
    minutes: HashMap<Bucket, Minute>,
    in_flight: u32,
    /// The most API requests under way at once since the log was cleared.
    pub(crate) peak: u32,
}

/// The primary limit's window.
#[derive(Clone, Copy)]
struct Window {
    used: u64,
    reset: i64,
}

struct Minute {
    points: u32,
    started: i64,
}

/// How a bucket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    limit: u64,
    used: u64,
    reset: i64,
}

/// A request under way; dropped with its answer, or when its client leaves.
pub(crate) struct InFlight(Arc<GitHub>);

impl InFlight {
    /// Notes a request, and says whether it is one too many.
    pub(crate) fn enter(github: &Arc<GitHub>) -> (Self, bool) {
        let mut world = github.world();
        let most = world.knobs.max_concurrent;
        let limits = &mut world.limits;
        limits.in_flight += 1;
        limits.peak = limits.peak.max(limits.in_flight);
        let too_many = most.is_some_and(|most| limits.in_flight > most);
        (Self(Arc::clone(github)), too_many)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.world().limits.in_flight -= 1;
    }
}

impl Bucket {
    pub(crate) fn of(caller: &Caller) -> Self {
        match caller {
            Caller::App => Self::App,
            Caller::Anonymous => Self::Anonymous,
            Caller::Installation(grant) => Self::Installation(grant.installation),
            Caller::Personal { token, .. } => Self::Personal(token.clone()),
        }
    }

    fn limit(&self, knobs: &Knobs) -> u64 {
        match self {
            Self::Anonymous => knobs.anonymous_rate_limit,
            Self::App | Self::Installation(_) | Self::Personal(_) => knobs.rate_limit,
        }
    }

    /// Whose limit is exceeded, in GitHub's words; those about people and addresses are shortened.
    pub(crate) fn exceeded(&self, standing: &Standing, status: u16) -> Answer {
        let whose = match self {
            Self::App | Self::Anonymous => "127.0.0.1".to_owned(),
            Self::Installation(id) => format!("installation ID {id}"),
            Self::Personal(_) => "user ID 1".to_owned(),
        };
        standing.headers(refusal::rate_limited(status, &whose))
    }
}

impl Limits {
    /// Takes the points of a request, or says in how many seconds there are new ones. A minute starts with its first request.
    pub(crate) fn spend_points(
        &mut self,
        bucket: &Bucket,
        method: &Method,
        knobs: &Knobs,
        now: i64,
    ) -> Result<(), i64> {
        let Some(most) = knobs.points_per_minute else {
            return Ok(());
        };
        let price = match *method {
            Method::GET | Method::HEAD | Method::OPTIONS => 1,
            _ => 5,
        };
        let minute = self.minutes.entry(bucket.clone()).or_insert(Minute {
            points: 0,
            started: now,
        });
        if !(minute.started..minute.started + 60).contains(&now) {
            *minute = Minute {
                points: 0,
                started: now,
            };
        }
        if minute.points + price > most {
            return Err(minute.started + 60 - now);
        }
        minute.points += price;
        Ok(())
    }

    /// Takes what a request costs, and says how the bucket stands then.
    pub(crate) fn bill(&mut self, bucket: &Bucket, cost: u64, knobs: &Knobs, now: i64) -> Standing {
        let window = self.window(bucket, knobs, now);
        window.used = window.used.saturating_add(cost);
        let Window { used, reset } = *window;
        Standing {
            limit: bucket.limit(knobs),
            used,
            reset,
        }
    }

    pub(crate) fn set_used(&mut self, bucket: &Bucket, used: u64, knobs: &Knobs, now: i64) {
        self.window(bucket, knobs, now).used = used;
    }

    pub(crate) fn forget_peak(&mut self) {
        self.peak = self.in_flight;
    }

    fn window(&mut self, bucket: &Bucket, knobs: &Knobs, now: i64) -> &mut Window {
        let fresh = Window {
            used: 0,
            reset: now.saturating_add(knobs.rate_window_seconds),
        };
        let window = self.windows.entry(bucket.clone()).or_insert(fresh);
        // A knob that was turned, the clock's or the window's, may leave a reset that is too far away.
        if !(now + 1..=fresh.reset).contains(&window.reset) {
            *window = fresh;
        }
        window
    }
}

impl Standing {
    pub(crate) fn exhausted(&self) -> bool {
        self.used >= self.limit
    }

    /// The headers of every answer to a caller with a limit.
    pub(crate) fn headers(&self, answer: Answer) -> Answer {
        let Self { limit, used, reset } = *self;
        [
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", self.remaining().to_string()),
            ("x-ratelimit-used", used.to_string()),
            ("x-ratelimit-reset", reset.to_string()),
            ("x-ratelimit-resource", "core".to_owned()),
        ]
        .into_iter()
        .fold(answer, |answer, (name, value)| {
            answer.header(HeaderName::from_static(name), &value)
        })
    }

    /// `GET /rate_limit`; `rate`, the double of `core`, is gone in the API's version of 2026.
    pub(crate) fn overview(&self, version: &str) -> Answer {
        let core = self.json();
        let mut overview = json!({
            "resources": {
                "core": core,
                "search": { "limit": 30, "used": 0, "remaining": 30, "reset": self.reset },
                "graphql": { "limit": 5_000, "used": 0, "remaining": 5_000, "reset": self.reset },
            },
        });
        if let (Some(fields), "2022-11-28") = (overview.as_object_mut(), version) {
            fields.insert("rate".to_owned(), core);
        }
        Answer::json(StatusCode::OK, &overview)
    }

    fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    fn json(&self) -> Value {
        let Self { limit, used, reset } = *self;
        json!({
            "limit": limit,
            "used": used,
            "remaining": self.remaining(),
            "reset": reset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_starts_with_its_first_call_and_is_over_at_its_reset() {
        let knobs = Knobs {
            rate_limit: 2,
            rate_window_seconds: 10,
            ..Knobs::default()
        };
        let mut limits = Limits::default();
        let mut bill = |bucket: &Bucket, cost, now| {
            let Standing { used, reset, .. } = limits.bill(bucket, cost, &knobs, now);
            (used, reset)
        };
        let (one, other) = (Bucket::Installation(1), Bucket::Anonymous);
        assert_eq!(bill(&one, 1, 100), (1, 110));
        assert_eq!(bill(&one, 0, 105), (1, 110));
        assert_eq!(bill(&one, 1, 109), (2, 110));
        assert_eq!(bill(&other, 1, 109), (1, 119), "a bucket of its own");
        assert_eq!(bill(&one, 1, 110), (1, 120));
        assert_eq!(bill(&one, 1, 50), (1, 60), "the clock was set back");
    }

    #[test]
    fn a_minute_has_so_many_points() {
        let knobs = Knobs {
            points_per_minute: Some(7),
            ..Knobs::default()
        };
        let mut limits = Limits::default();
        let mut spend = |method, now| limits.spend_points(&Bucket::App, &method, &knobs, now);
        assert_eq!(spend(Method::POST, 0), Ok(()));
        assert_eq!(spend(Method::GET, 1), Ok(()));
        assert_eq!(spend(Method::POST, 20), Err(40), "5 are more than 1");
        assert_eq!(spend(Method::GET, 20), Ok(()));
        assert_eq!(spend(Method::GET, 59), Err(1));
        assert_eq!(spend(Method::GET, 60), Ok(()));
    }
}
