//! What the log says beside requests: one line of JSON for each call to GitHub or to an issuer, and for each event that
//! an operator counts.
//!
//! Lines name owners, hosts and what was asked, never an address: that may carry what is nobody's business.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode};

use crate::github::classify::Meaning;
use crate::github::limits::{LIMIT, REMAINING, RESET, RESOURCE, number};
use crate::host::{Host, HostError};
use crate::line::Line;
use crate::trace::Trace;

/// Something that takes time, or just happens.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    line: Line,
    began: SystemTime,
}

impl Event {
    /// It begins now: of what kind it is, and about whose repositories, where that is known.
    pub(crate) fn begin(
        host: &impl Host,
        trace: Option<&Trace>,
        event: &str,
        kind: &str,
        owner: &str,
    ) -> Self {
        let began = host.now();
        let mut line = Line::begin(began, event, trace);
        line.text("kind", Some(kind));
        line.text("owner", Some(owner).filter(|it| !it.is_empty()));
        Self { line, began }
    }

    /// Writes what a refresh behind an answer came to: why it failed, if it did.
    pub(crate) fn refreshed(mut self, host: &impl Host, failure: Option<&str>) {
        let outcome = if failure.is_none() { "ok" } else { "failed" };
        self.line.outcome(host, self.began, outcome);
        self.line.text("message", failure);
        self.line.write(host);
    }

    /// Writes it, in words.
    pub(crate) fn say(mut self, host: &impl Host, message: &str) {
        self.line.text("message", Some(message));
        self.line.write(host);
    }
}

/// A call that was sent. Its line is written when it is dropped, with all that is known by then.
pub(crate) struct Upstream<'h, H: Host> {
    host: &'h H,
    is_github: bool,
    began: SystemTime,
    line: Line,
    /// What came of it.
    end: Line,
}

impl<'h, H: Host> Upstream<'h, H> {
    /// A call begins: of what kind, on behalf of whose repositories, and to which host, where it is not GitHub's API.
    pub(crate) fn begin(
        host: &'h H,
        trace: Option<&Trace>,
        kind: &str,
        owner: &str,
        to: Option<&str>,
    ) -> Self {
        let Event { mut line, began } = Event::begin(host, trace, "upstream", kind, owner);
        line.text("host", to);
        Self {
            host,
            is_github: to.is_none(),
            began,
            line,
            end: Line::default(),
        }
    }

    /// It was answered, and of its body is known so much.
    pub(crate) fn answered(&mut self, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
        let outcome = match Meaning::of(status, headers, body) {
            Meaning::Success | Meaning::Empty => "ok",
            Meaning::Unchanged => "unchanged",
            Meaning::NotFound => "not_found",
            Meaning::Unauthorized | Meaning::Forbidden => "rejected",
            Meaning::Limited(_) => "limited",
            Meaning::Unexpected(status) if status.is_redirection() => "redirected",
            Meaning::Unavailable(_) | Meaning::Unexpected(_) => "failed",
        };
        let mut end = Line::default();
        end.number("status", Some(status.as_u16().into()));
        end.outcome(self.host, self.began, outcome);
        if self.is_github {
            for (name, header) in LIMITS {
                end.number(name, number(headers, header));
            }
            let resource = headers.get(RESOURCE).and_then(|it| it.to_str().ok());
            end.text("resource", resource);
        }
        self.end = end;
    }

    /// It was not answered, or not to the end.
    pub(crate) fn failed(&mut self, error: &HostError) {
        let outcome = match error {
            HostError::Timeout => "timeout",
            HostError::Denied(_) => "denied",
            HostError::Store(_)
            | HostError::Upstream(_)
            | HostError::TooLarge(_)
            | HostError::ClientGone => "failed",
        };
        self.end = Line::default();
        self.end.outcome(self.host, self.began, outcome);
    }
}

/// What is told of GitHub's limits, and where GitHub says it.
const LIMITS: [(&str, &str); 3] = [
    ("limit", LIMIT),
    ("limit_remaining", REMAINING),
    ("limit_reset", RESET),
];

impl<H: Host> Drop for Upstream<'_, H> {
    fn drop(&mut self) {
        let line = std::mem::take(&mut self.line);
        line.and(&self.end).write(self.host);
    }
}
