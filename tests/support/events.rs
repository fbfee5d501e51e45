//! What the log says of calls to GitHub and to issuers: one line for each, and what it is a part of. Every request of every
//! scenario is looked at.

use std::collections::BTreeSet;

use serde_json::Value;

use super::github::{Answered, Fault, GitHub};
use super::scenario::{Ask, Got};
use super::traces;

/// Holds the lines of one request against what was asked, and against what came of it.
pub fn check(ask: &Ask, got: &Got, github: &GitHub) {
    let lines: Vec<Value> = got
        .log
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let told: Vec<String> = lines
        .iter()
        .filter(|line| line["event"] == "upstream")
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            let status = line["status"].as_u64().unwrap_or_default();
            assert!(line["duration_ms"].is_u64(), "{line}");
            format!(
                "{} {} {status} {}",
                text("kind"),
                text("host"),
                text("outcome")
            )
        })
        .collect();
    let done: Vec<String> = github.take_answers().iter().map(expected).collect();
    assert_eq!(told, done, "{} {}: {lines:#?}", ask.method, ask.target);

    let requests = lines.iter().filter(|line| line["event"] == "request");
    assert_eq!(requests.count(), 1, "{lines:#?}");
    let trace = traces::of(ask);
    for line in &lines {
        // Of what was begun before anyone asked nothing is known.
        if line["event"] != "store" {
            assert_eq!(line["trace"].as_str(), trace.map(|it| it.0), "{line}");
        }
        let span = trace.map(|it| it.1).filter(|_| line["event"] == "request");
        assert_eq!(line["span"].as_str(), span, "{line}");
        let names: BTreeSet<&str> = line
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let unknown: Vec<_> = names.iter().filter(|name| !FIELDS.contains(name)).collect();
        assert!(
            unknown.is_empty(),
            "docs/operating.md has no {unknown:?}: {line}"
        );
    }
}

/// What is to be told of a call.
fn expected(answered: &Answered) -> String {
    let Answered {
        method,
        url,
        answer,
    } = answered;
    let (_, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let is_api = authority == "api.github.com" || path.starts_with("api/v3/");
    let path = path.strip_prefix("api/v3/").unwrap_or(path);
    let parts: Vec<&str> = path.split(['/', '?']).collect();
    let is_issuer = authority.starts_with("token.actions.") || authority.starts_with("issuer.");
    let kind = match parts[..] {
        _ if is_issuer && path.contains(".well-known/openid-configuration") => "openid",
        _ if is_issuer => "jwks",
        _ if !is_api => "archive",
        [.., "access_tokens"] if method == "POST" => "token",
        [.., "installation"] => "installation",
        ["installation", "repositories", ..] | [_, _, "repos", ..] => "repositories",
        ["rate_limit"] => "rate_limit",
        _ if path.contains("/matching-refs/tags") => "tags",
        _ if path.contains("/git/tags/") => "tag",
        _ if path.contains("/git/trees/") => "tree",
        _ if path.contains("/contents/") => "contents",
        _ if path.contains("/zipball/") => "archive",
        ["repos", _, _] | ["repositories", _] => "repository",
        _ => "of no known kind",
    };
    let host = if is_api { "-" } else { authority };
    let body = String::from_utf8_lossy(&answer.body);
    let header = |name: &str| answer.headers.iter().find(|it| it.0 == name);
    let is_limited = header("x-ratelimit-remaining").is_some_and(|it| it.1 == "0")
        || header("retry-after").is_some()
        || body.to_lowercase().contains("rate limit")
        || answer.status == 429;
    let is_read = !(is_issuer || (kind == "archive" && answer.status == 200));
    let is_page = body.starts_with('<') && !is_issuer;
    let (status, outcome) = match (answer.fault, answer.status) {
        (Fault::Timeout, _) => (0, "timeout"),
        (Fault::Refused, _) => (0, "failed"),
        (Fault::Break(_), _) if is_read || kind == "openid" || kind == "jwks" => (0, "failed"),
        // No issuer's body is read further.
        _ if is_issuer && answer.body.len() > 256 << 10 => (0, "failed"),
        (_, status @ (401 | 403 | 404)) if is_page => (status, "failed"),
        (_, status @ (200 | 201 | 409)) => (status, "ok"),
        (_, 304) => (304, "unchanged"),
        (_, status @ 300..=399) => (status, "redirected"),
        (_, status @ (403 | 429)) if is_limited => (status, "limited"),
        (_, status @ (401 | 403)) => (status, "rejected"),
        (_, status @ (404 | 451)) => (status, "not_found"),
        (_, status) => (status, "failed"),
    };
    format!("{kind} {host} {status} {outcome}")
}

/// What `docs/operating.md` names.
const FIELDS: [&str; 31] = [
    "time",
    "event",
    "trace",
    "span",
    "method",
    "route",
    "module",
    "version",
    "object",
    "who",
    "claimed",
    "client",
    "decision",
    "reason",
    "status",
    "failure",
    "error",
    "warning",
    "cache",
    "upstream_calls",
    "sent_bytes",
    "duration_ms",
    "kind",
    "owner",
    "host",
    "outcome",
    "limit",
    "limit_remaining",
    "limit_reset",
    "resource",
    "message",
];
