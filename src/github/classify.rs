//! What a response of GitHub's API means: a pure function of status, headers and body.
//!
//! GitHub uses 403 for two very different things, a missing permission and a rate limit, and hides what may not be
//! seen behind 404. Documented at <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>
//! and <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::jwt::date;
use super::limits::{REMAINING, number};
use crate::error::{Error, NotFound};

/// What a response means for the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// 200 or 201.
    Success,
    /// 304: what was asked for is still as it was.
    Unchanged,
    /// 401: the token or the JWT is not accepted.
    Unauthorized,
    /// 403: accepted, but not permitted, or suspended.
    Forbidden,
    /// 404, or 451 for what was taken down.
    NotFound,
    /// 409, where an empty git repository is asked for its refs.
    Empty,
    /// 403 or 429: a rate limit.
    Limited(Limit),
    /// 5xx.
    Unavailable(StatusCode),
    /// Any other status: not what the API promises.
    Unexpected(StatusCode),
}

/// Which rate limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The primary one: there are no calls left until it begins anew.
    Primary,
    /// A secondary one: too much at once; how long GitHub asks to wait, where it says.
    Secondary(Option<Duration>),
}

impl Meaning {
    /// Reads a response.
    #[must_use]
    pub fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let is_page = body.trim_ascii_start().starts_with(b"<");
        match status.as_u16() {
            // What is in between says so, a proxy or a gateway, and not the API.
            401 | 403 | 404 if is_page => Self::Unexpected(status),
            200 | 201 => Self::Success,
            304 => Self::Unchanged,
            401 => Self::Unauthorized,
            403 | 429 => match limit(status, headers, body) {
                Some(limit) => Self::Limited(limit),
                None => Self::Forbidden,
            },
            404 | 451 => Self::NotFound,
            409 => Self::Empty,
            500..=599 => Self::Unavailable(status),
            _ => Self::Unexpected(status),
        }
    }

    /// The failure that this is, for a call that has no better word for it.
    #[must_use]
    pub fn into_error(self, path: &str, body: &[u8]) -> Error {
        let detail = |status: u16| match message(body) {
            Some(message) => format!("{path}: {status}: {message}"),
            None => format!("{path}: {status}"),
        };
        match self {
            Self::Unauthorized => Error::Rejected(detail(401)),
            Self::Forbidden => Error::Rejected(detail(403)),
            Self::NotFound => Error::NotFound(NotFound::Repository),
            Self::Empty => Error::NotFound(NotFound::Versions),
            Self::Limited(Limit::Secondary(Some(retry_after))) => Error::Limited { retry_after },
            Self::Limited(Limit::Primary | Limit::Secondary(None)) => Error::Limited {
                retry_after: Duration::from_mins(1),
            },
            Self::Unavailable(status) => Error::Unavailable(detail(status.as_u16())),
            Self::Unexpected(status) => Error::Malformed(detail(status.as_u16())),
            Self::Success => Error::Malformed(format!("{path}: unexpected success")),
            Self::Unchanged => Error::Malformed(detail(304)),
        }
    }
}

/// Which limit a 403 or 429 is about, if it is about one at all.
fn limit(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Limit> {
    if number(headers, REMAINING) == Some(0) {
        return Some(Limit::Primary);
    }
    let seconds = number(headers, header::RETRY_AFTER.as_str()).map(Duration::from_secs);
    let retry_after = seconds.or_else(|| until_date(headers));
    if retry_after.is_some() {
        return Some(Limit::Secondary(retry_after));
    }
    let document = serde_json::from_slice::<Problem>(body).unwrap_or_default();
    let message = document.message.to_ascii_lowercase();
    let page = document.documentation_url;
    if message.contains("api rate limit exceeded") {
        return Some(Limit::Primary);
    }
    let is_limit = status == StatusCode::TOO_MANY_REQUESTS
        || message.contains("rate limit")
        || page.contains("rate-limits")
        || page.contains("#abuse");
    is_limit.then_some(Limit::Secondary(None))
}

/// A `Retry-After` that is a date, counted from the answer's own.
fn until_date(headers: &HeaderMap) -> Option<Duration> {
    let until = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let until = httpdate::parse_http_date(until).ok()?;
    Some(until.duration_since(date(headers)?).unwrap_or_default())
}

/// GitHub's own words, if they are fit for a log line.
pub(crate) fn message(body: &[u8]) -> Option<String> {
    let message = serde_json::from_slice::<Problem>(body).ok()?.message;
    let text: String = message
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    (!text.is_empty()).then_some(text)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: String,
    documentation_url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_what_github_documents() {
        let limit = r#"{"message":"API rate limit exceeded for installation ID 1."}"#;
        let secondary = r#"{"message":"You have exceeded a secondary rate limit."}"#;
        let abuse = r#"{"message":"Slow down","documentation_url":"https://docs.github.com/x#abuse-rate-limits"}"#;
        let permission = r#"{"message":"Resource not accessible by integration"}"#;
        let secondary_limit = Meaning::Limited(Limit::Secondary(None));
        let seconds = |n| Meaning::Limited(Limit::Secondary(Some(Duration::from_secs(n))));
        let primary = Meaning::Limited(Limit::Primary);
        for (status, headers, body, meaning) in [
            (200, &[][..], "[]", Meaning::Success),
            (201, &[], "{}", Meaning::Success),
            (401, &[], "{}", Meaning::Unauthorized),
            (403, &[], permission, Meaning::Forbidden),
            (
                403,
                &[("x-ratelimit-remaining", "4999")],
                permission,
                Meaning::Forbidden,
            ),
            (
                403,
                &[("x-ratelimit-remaining", "0"), ("retry-after", "9")],
                permission,
                primary,
            ),
            (403, &[("retry-after", "30")], "{}", seconds(30)),
            (403, &[], limit, primary),
            (403, &[], secondary, secondary_limit),
            (403, &[], abuse, secondary_limit),
            (
                403,
                &[],
                "<html>",
                Meaning::Unexpected(StatusCode::FORBIDDEN),
            ),
            (
                404,
                &[],
                " <!DOCTYPE html>",
                Meaning::Unexpected(StatusCode::NOT_FOUND),
            ),
            (
                403,
                &[
                    ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
                    ("retry-after", "Thu, 01 Jan 2026 00:00:30 GMT"),
                ],
                "{}",
                seconds(30),
            ),
            (429, &[], "<html>", secondary_limit),
            (429, &[("retry-after", "soon")], "", secondary_limit),
            (404, &[], "{}", Meaning::NotFound),
            (451, &[], "{}", Meaning::NotFound),
            (409, &[], "{}", Meaning::Empty),
            (
                500,
                &[],
                "",
                Meaning::Unavailable(StatusCode::INTERNAL_SERVER_ERROR),
            ),
            (
                503,
                &[("retry-after", "9")],
                "",
                Meaning::Unavailable(StatusCode::SERVICE_UNAVAILABLE),
            ),
            (204, &[], "", Meaning::Unexpected(StatusCode::NO_CONTENT)),
            (304, &[], "", Meaning::Unchanged),
            (410, &[], "", Meaning::Unexpected(StatusCode::GONE)),
        ] {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                Meaning::of(status, &headers, body.as_bytes()),
                meaning,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn a_message_is_made_fit_for_one_log_line() {
        assert_eq!(message(br#"{"message":"a\nb"}"#).as_deref(), Some("ab"));
        assert_eq!(message(b"<html>"), None);
        assert_eq!(
            message(&[b"{\"message\":\"", &[b'x'; 900][..], b"\"}"].concat())
                .unwrap()
                .len(),
            200
        );
    }
}
