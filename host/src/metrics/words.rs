//! What labels may be. Each list has all that the component says; a word that is in none is [`OTHER`].

/// What is in no list.
pub(super) const OTHER: &str = "other";

pub(super) fn route(word: &str) -> &'static str {
    of(&ROUTES, word)
}

pub(super) fn decision(word: &str) -> &'static str {
    of(&["allowed", "denied"], word)
}

pub(super) fn reason(word: &str) -> &'static str {
    of(&REASONS, word)
}

pub(super) fn cache(word: &str) -> &'static str {
    of(&["fresh", "stale", "asked", "outlived"], word)
}

pub(super) fn failure(word: &str) -> &'static str {
    of(&FAILURES, word)
}

pub(super) fn kind(word: &str) -> &'static str {
    let lists = [CALLS, INTEGRITY, BREAKER, STORE];
    let found = lists.into_iter().map(|list| of(list, word));
    found.into_iter().find(|it| *it != OTHER).unwrap_or(OTHER)
}

pub(super) fn outcome(word: &str) -> &'static str {
    of(&OUTCOMES, word)
}

/// A GitHub that does not say which means this one.
pub(super) fn resource(word: &str) -> &'static str {
    if word.is_empty() {
        return "core";
    }
    of(&RESOURCES, word)
}

/// A status as a label.
pub(super) fn status(status: u16) -> &'static str {
    match status {
        200 => "200",
        202 => "202",
        204 => "204",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        405 => "405",
        409 => "409",
        413 => "413",
        414 => "414",
        431 => "431",
        502 => "502",
        503 => "503",
        _ => OTHER,
    }
}

fn of(list: &[&'static str], word: &str) -> &'static str {
    list.iter().find(|known| **known == word).unwrap_or(&OTHER)
}

const ROUTES: [&str; 12] = [
    "versions",
    "download",
    "archive",
    "details",
    "discovery",
    "healthz",
    "readyz",
    "list",
    "search",
    "exchange",
    "webhook",
    "none",
];

const REASONS: [&str; 23] = [
    "token",
    "registry token",
    "signed url",
    "anonymous",
    "open to everyone",
    "id token",
    "signature",
    "no token",
    "unreadable token",
    "unknown token",
    "expired token",
    "revoked token",
    "bad id token",
    "no rule",
    "expired url",
    "altered url",
    "out of scope",
    "no such route",
    "bad signature",
    "too large",
    "not configured",
    "issuer unavailable",
    // What could not be understood.
    "undecided",
];

const FAILURES: [&str; 12] = [
    "not found",
    "bad request",
    "unauthorized",
    "misconfigured",
    "rejected",
    "limited",
    "unavailable",
    "malformed",
    "issuer unavailable",
    "archive refused",
    "integrity",
    "client gone",
];

const OUTCOMES: [&str; 9] = [
    "ok",
    "unchanged",
    "redirected",
    "not_found",
    "rejected",
    "limited",
    "failed",
    "timeout",
    "denied",
];

/// Of calls and of refreshes.
const CALLS: &[&str] = &[
    "tags",
    "archive",
    "token",
    "installation",
    "repository",
    "repositories",
    "contents",
    "tree",
    "tag",
    "rate_limit",
    "openid",
    "jwks",
    "catalogue",
];

/// What is not as it was first seen.
pub(super) const INTEGRITY: &[&str] = &["moved", "replaced", "shrunk", "appeared"];

/// Why GitHub is not asked.
pub(super) const BREAKER: &[&str] = &["reserve", "primary", "secondary", "failure"];

/// What went wrong with the store.
pub(super) const STORE: &[&str] = &["failed", "too large"];

/// <https://docs.github.com/en/rest/rate-limit/rate-limit>
const RESOURCES: [&str; 4] = ["core", "search", "code_search", "graphql"];
