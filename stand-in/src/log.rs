//! What was asked of the stand-in: tests count calls with it, and prove that no credential went where it should not.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

/// One request, in the order of arrival. Requests to the control endpoints are not in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Which of the two origins was asked.
    pub origin: Origin,
    /// The method, in capitals.
    pub method: String,
    /// The path as sent, still percent-encoded, without the query.
    pub path: String,
    /// What the `Authorization` header held.
    pub credential: Credential,
    /// The `If-None-Match` header.
    pub if_none_match: Option<String>,
    /// Whether there was an `If-Modified-Since` header. It has no effect, here as on GitHub's lists of refs.
    pub if_modified_since: bool,
    /// Whether GitHub would have taken one from the caller's primary rate limit.
    pub billed: bool,
    /// The status that was answered; `None` while there is none, or when the connection was dropped without one.
    pub status: Option<u16>,
}

/// The stand-in's two origins: GitHub's `api.github.com` and `codeload.github.com`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The REST API.
    Api,
    /// Where archives are fetched from.
    Archive,
}

/// The kind of credential in an `Authorization` header, by its shape alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// No `Authorization` header.
    None,
    /// An App's JSON Web Token.
    Jwt,
    /// Anything else: an installation token, a personal token, or rubbish.
    Token,
}

impl Credential {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Self::None;
        };
        match bearer(value.to_str().unwrap_or_default()) {
            Some(("bearer", token)) if looks_like_jwt(token) => Self::Jwt,
            _ => Self::Token,
        }
    }
}

/// The scheme (`bearer` or `token`, which GitHub takes alike for tokens) and the credential after it.
pub(crate) fn bearer(authorization: &str) -> Option<(&'static str, &str)> {
    let (scheme, token) = authorization.split_once(' ')?;
    let scheme = ["bearer", "token"]
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known))?;
    Some((scheme, token.trim()))
}

/// Three parts between dots. New installation tokens have dots as well, but start with `ghs_`.
pub(crate) fn looks_like_jwt(token: &str) -> bool {
    !token.starts_with("gh") && token.split('.').count() == 3
}
