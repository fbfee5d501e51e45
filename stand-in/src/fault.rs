//! Faults on demand: the next answers, by origin and path, go wrong in one of the ways that GitHub's do.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName, LOCATION};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, Content};
use crate::glob::glob;
use crate::log::Origin;
use crate::refusal::{self, code, page, permission_denied};
use crate::stream;

/// What goes wrong, where, and how often. The first fault that matches a request is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The origin that misbehaves.
    pub origin: Origin,
    /// Only requests of this method, in capitals; all methods when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path, as sent and without the query, matches; `*` stands for any run of characters, `/` included.
    #[serde(default = "any_path")]
    pub path: String,
    /// How many more requests are spoiled; until cleared when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What happens to them.
    pub fault: FaultKind,
}

impl Fault {
    /// A fault of the REST API on paths that match `path`, until cleared.
    #[must_use]
    pub fn api(path: impl Into<String>, fault: FaultKind) -> Self {
        Self {
            origin: Origin::Api,
            method: None,
            path: path.into(),
            times: None,
            fault,
        }
    }

    /// A fault of the very next archive.
    #[must_use]
    pub fn next_archive(fault: FaultKind) -> Self {
        Self {
            origin: Origin::Archive,
            method: None,
            path: any_path(),
            times: Some(1),
            fault,
        }
    }

    /// The same fault for the next `times` matching requests only.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    pub(crate) fn matches(&self, origin: Origin, method: &Method, path: &str) -> bool {
        self.origin == origin
            && self.times != Some(0)
            && self
                .method
                .as_deref()
                .is_none_or(|wanted| wanted == method.as_str())
            && glob(&self.path, path)
    }
}

/// The ways in which an answer goes wrong. The first group is for both origins, the second tells lies that only the API can
/// tell, the third spoils the bytes of an archive (and leaves the API's answers alone).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Any status, headers and body.
    Answer {
        /// The status.
        status: u16,
        /// Response headers, lower-case names.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body.
        #[serde(default)]
        body: String,
    },
    /// 401 `Bad credentials`.
    BadCredentials,
    /// 403 `Resource not accessible by integration`.
    PermissionDenied,
    /// The primary limit is used up: `x-ratelimit-remaining: 0` and a reset time.
    RateLimited {
        /// 403 or 429: GitHub documents both.
        status: u16,
        /// When the limit is reset, from now.
        reset_after_seconds: i64,
    },
    /// A secondary limit.
    SecondaryRateLimited {
        /// 403 or 429: GitHub documents both.
        status: u16,
        /// `retry-after`, which GitHub does not always send.
        #[serde(default)]
        retry_after_seconds: Option<u64>,
    },
    /// 500 with a JSON message.
    ServerError,
    /// 502 with an HTML page, as GitHub's front ends send it.
    BadGateway,
    /// 503 with a JSON message.
    ServiceUnavailable,
    /// Any of 500, 502, 503 and 504 (or another status), with a JSON message or an HTML page.
    Failure {
        /// The status.
        status: u16,
        /// Whether the body is a page.
        #[serde(default)]
        html: bool,
    },
    /// 403 `This installation has been suspended`.
    Suspended,
    /// 200 with an HTML page.
    Html,
    /// 200 with nothing in it.
    EmptyBody,
    /// 200 that says it is JSON and is not.
    RubbishJson,
    /// The right answer, but only the first half of its body, and complete as far as HTTP goes.
    HalfBody,
    /// The right answer with the `Content-Length` of the whole, and the connection closed after half of it.
    HalfBodyAbort,
    /// The right answer in chunks, and the connection closed after half of it, without the last chunk.
    TruncatedChunks,
    /// The right answer, but so much later; long enough, it is a timeout.
    Stall {
        /// How much later.
        seconds: u64,
    },
    /// The right answer, but so much later.
    Delay {
        /// How much later.
        milliseconds: u64,
    },
    /// No answer ever; the connection stays open until the client leaves.
    Silence,
    /// The connection is closed without any answer.
    Drop,
    /// 302 to anywhere: a foreign host, `http://` off the loopback.
    Redirect {
        /// The `Location` header.
        location: String,
    },
    /// 302 to the address that was asked.
    RedirectLoop,
    /// codeload's 300 for a short name that is a branch and a tag.
    MultipleChoices,

    /// 200 `[]`, whatever was asked, with the `ETag` of that, and billed as the right answer would be.
    EmptyList,
    /// Of a list, as of refs, only the first so many, with the `ETag` of that, and billed.
    ShortList {
        /// How many are left.
        first: usize,
    },

    /// The archive with `Content-Length`, as codeload sends small ones that it has at hand.
    ContentLength,
    /// `Content-Length` says this, whatever the archive's size.
    WrongContentLength {
        /// The value of the header.
        length: u64,
    },
    /// After so many bytes the connection breaks off.
    TruncateAbort {
        /// How many bytes still come.
        after: u64,
    },
    /// After so many bytes the body ends, well-formed as far as HTTP goes.
    TruncateEnd {
        /// How many bytes still come.
        after: u64,
    },
    /// The archive in small pieces with pauses.
    SlowDrip {
        /// Bytes in a piece.
        bytes: usize,
        /// The pause after each.
        every_milliseconds: u64,
    },
    /// After so many bytes a long pause, then the rest.
    StallAfter {
        /// How many bytes come before the pause.
        after: u64,
        /// The pause.
        seconds: u64,
    },
    /// 200, the right headers, and bytes that are no zip.
    Garbage {
        /// How many.
        bytes: u64,
    },
    /// A sound zip of at least this size: one stored file of zeros.
    Oversize {
        /// The size of the file inside.
        bytes: u64,
        /// Whether `Content-Length` gives the size away.
        #[serde(default)]
        content_length: bool,
    },
}

impl FaultKind {
    /// The wait before the answer.
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self {
            Self::Stall { seconds } => Some(Duration::from_secs(*seconds)),
            Self::Delay { milliseconds } => Some(Duration::from_millis(*milliseconds)),
            Self::Silence => Some(Duration::MAX),
            _ => None,
        }
    }

    /// The answer that is sent in place of the right one; the request then has no other effect.
    pub(crate) fn replacement(&self, now: i64, requested: &str) -> Option<Answer> {
        let answer = match self {
            Self::Answer {
                status,
                headers,
                body,
            } => {
                let mut answer = Answer::empty(code(*status));
                answer.content = Content::Whole(Bytes::from(body.clone()));
                for (name, value) in headers {
                    if let Ok(name) = HeaderName::try_from(name.as_str()) {
                        answer = answer.header(name, value);
                    }
                }
                answer
            }
            Self::BadCredentials => Answer::bad_credentials(),
            Self::PermissionDenied => permission_denied(),
            Self::RateLimited {
                status,
                reset_after_seconds,
            } => rate_limited(*status, now.saturating_add(*reset_after_seconds)),
            Self::SecondaryRateLimited {
                status,
                retry_after_seconds,
            } => refusal::secondary_rate_limited(*status, *retry_after_seconds),
            Self::ServerError => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "Server Error"),
            Self::BadGateway => page(StatusCode::BAD_GATEWAY),
            Self::ServiceUnavailable => {
                Answer::error(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
            }
            Self::Failure { status, html: true } => page(code(*status)),
            Self::Failure { status, .. } => {
                let status = code(*status);
                Answer::error(status, status.canonical_reason().unwrap_or("Server Error"))
            }
            Self::Suspended => refusal::suspended(),
            Self::Html => page(StatusCode::OK),
            Self::EmptyBody => Answer::empty(StatusCode::OK),
            Self::RubbishJson => {
                let rubbish = r#"[{"ref":"refs/tags/v1.0.0","node_id":undefined,,]"#;
                Answer::whole(StatusCode::OK, "application/json; charset=utf-8", rubbish)
            }
            Self::Redirect { location } => redirect(location),
            Self::RedirectLoop => redirect(requested),
            Self::MultipleChoices => multiple_choices(),
            _ => return None,
        };
        Some(answer)
    }

    /// Makes the right answer a wrong one that nothing gives away.
    pub(crate) fn lie(&self, answer: Answer) -> Answer {
        let Content::Whole(body) = &answer.content else {
            return answer;
        };
        if answer.status != StatusCode::OK {
            return answer;
        }
        let list = match self {
            Self::EmptyList => "[]".to_owned(),
            Self::ShortList { first } => match serde_json::from_slice::<Vec<Value>>(body) {
                Ok(list) => Value::Array(list.into_iter().take(*first).collect()).to_string(),
                Err(_) => return answer,
            },
            _ => return answer,
        };
        Answer {
            content: Content::Whole(list.into()),
            ..answer
        }
    }

    /// Spoils the right answer where that needs nothing but the answer.
    pub(crate) fn spoil(&self, answer: Answer) -> Answer {
        let Content::Whole(bytes) = &answer.content else {
            return answer;
        };
        let half = bytes.slice(..bytes.len() / 2);
        let length = bytes.len().to_string();
        match self {
            Self::HalfBody => Answer {
                content: Content::Whole(half),
                ..answer
            },
            Self::HalfBodyAbort => Answer {
                content: stream::broken_off(half),
                ..answer.header(CONTENT_LENGTH, &length)
            },
            Self::TruncatedChunks => Answer {
                content: stream::broken_off(half),
                ..answer
            },
            _ => answer,
        }
    }

    /// Whether an archive has to be at hand as a whole to be spoiled.
    pub(crate) fn needs_whole(&self) -> bool {
        matches!(
            self,
            Self::ContentLength | Self::HalfBody | Self::HalfBodyAbort | Self::TruncatedChunks
        )
    }
}

/// 302 with an empty body.
pub(crate) fn redirect(location: &str) -> Answer {
    Answer::whole(StatusCode::FOUND, "text/html;charset=utf-8", Bytes::new())
        .header(LOCATION, location)
}

/// codeload's 300: a text, and no list of links.
pub(crate) fn multiple_choices() -> Answer {
    Answer::whole(
        StatusCode::MULTIPLE_CHOICES,
        "text/plain; charset=utf-8",
        "the given path has multiple possibilities: #<Git::Ref:0x00007f7d6c0e9d28>, #<Git::Ref:0x00007f7d6c0e9c88>",
    )
}

fn rate_limited(status: u16, reset: i64) -> Answer {
    refusal::rate_limited(status, "installation ID 1")
        .header(HeaderName::from_static("x-ratelimit-limit"), "5000")
        .header(HeaderName::from_static("x-ratelimit-remaining"), "0")
        .header(HeaderName::from_static("x-ratelimit-used"), "5000")
        .header(
            HeaderName::from_static("x-ratelimit-reset"),
            &reset.to_string(),
        )
        .header(HeaderName::from_static("x-ratelimit-resource"), "core")
}

fn any_path() -> String {
    "*".to_owned()
}
