//! What a scenario is, and what is written down of it.

use std::fmt::Write as _;
use std::sync::Arc;

use super::github::{GitHub, Trouble};
use super::{events, zips};

/// A name, a configuration, a GitHub, and what clients ask in turn.
pub struct Scenario {
    pub name: String,
    pub variables: Vec<(&'static str, String)>,
    pub github: Arc<GitHub>,
    pub requests: Vec<Ask>,
    pub store: StoreKind,
    /// Seconds by which Landfall's clock is wrong.
    pub skew: i64,
}

/// What the key-value store is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    Keeps,
    Forgets,
    Fails,
    FailsToRead,
    FailsToWrite,
    Corrupts,
}

/// One request of a client's.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What is written down in place of its headers.
    pub label: Option<String>,
    pub method: &'static str,
    /// `{location}` stands for the path that the last download gave, `{direct}` for the one in its body, and in a header
    /// `{token}` for the registry token that was got last.
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Seconds that pass before it.
    pub after: i64,
    /// What is wrong with GitHub from now on.
    pub trouble: Option<Trouble>,
    /// What is wrong with the store from now on.
    pub store: Option<StoreKind>,
}

/// One response, whole.
pub struct Got {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body was broken off.
    pub is_broken: bool,
    /// What was logged, a line each.
    pub log: Vec<String>,
}

/// What a client keeps of answers.
#[derive(Debug, Default)]
pub struct Kept {
    location: String,
    direct: String,
    token: String,
}

impl Kept {
    /// A request with what was kept in its places.
    pub fn fill(&self, ask: &Ask) -> Ask {
        let mut ask = ask.clone();
        ask.target = ask
            .target
            .replace("{location}", &self.location)
            .replace("{direct}", &self.direct);
        for (_, value) in &mut ask.headers {
            *value = value.replace("{token}", &self.token);
        }
        ask
    }

    pub fn keep(&mut self, got: &Got) {
        let path = |url: &str| {
            let (_, rest) = url.split_once("://").unwrap();
            rest[rest.find('/').unwrap()..].to_owned()
        };
        if let Some((_, url)) = got.headers.iter().find(|it| it.0 == "x-terraform-get") {
            self.location = path(url);
        }
        let body: Option<serde_json::Value> = serde_json::from_slice(&got.body).ok();
        let text = |name: &str| body.as_ref().and_then(|it| it[name].as_str());
        if let Some(url) = text("location") {
            self.direct = path(url);
        }
        if let Some(token) = text("access_token") {
            token.clone_into(&mut self.token);
        }
    }
}

/// Writes a scenario down as it went.
#[derive(Default)]
pub struct Transcript(String);

impl Transcript {
    pub fn add(&mut self, ask: &Ask, got: &Got, github: &GitHub) {
        events::check(ask, got, github);
        let text = &mut self.0;
        if let Some(trouble) = ask.trouble {
            writeln!(text, "(GitHub: {trouble:?})").unwrap();
        }
        if let Some(store) = ask.store {
            writeln!(text, "(store: {store:?})").unwrap();
        }
        if ask.after != 0 {
            writeln!(text, "({} s later)", ask.after).unwrap();
        }
        write!(text, "> {} {}", ask.method, ask.target.escape_debug()).unwrap();
        if let Some(label) = &ask.label {
            write!(text, " ({label})").unwrap();
        }
        // A webhook's headers would hide what it is about.
        let shown = |name: &str| {
            ask.label.is_none() && !matches!(name, "x-github-delivery" | "content-type")
        };
        for (name, value) in ask.headers.iter().filter(|(name, _)| shown(name)) {
            write!(text, " [{name}: {value}]").unwrap();
        }
        writeln!(text, "\n{}", got.status).unwrap();
        let mut headers = got.headers.clone();
        for (name, value) in HARDENING {
            let header = (name.to_owned(), value.to_owned());
            assert!(headers.contains(&header), "{text}\n`{name}` is missing");
            headers.retain(|known| *known != header);
        }
        headers.retain(|(name, _)| name != "date");
        headers.sort();
        for (name, value) in headers {
            writeln!(text, "{name}: {value}").unwrap();
        }
        if got.is_broken {
            writeln!(text, "(broken off)").unwrap();
        } else if got.body.starts_with(b"PK") {
            text.push_str(&zips::describe(&got.body));
        } else if got.body.len() > 6000 {
            let start = String::from_utf8_lossy(&got.body[..100]);
            writeln!(text, "{start}... ({} bytes)", got.body.len()).unwrap();
        } else if !got.body.is_empty() {
            let body = String::from_utf8_lossy(&got.body);
            // The time in it is not always the same to the second.
            let mut pieces = body.split("\"lfr_");
            let mut shown = pieces.next().unwrap_or_default().to_owned();
            for piece in pieces {
                let (_, rest) = piece.split_once('"').unwrap();
                write!(shown, "\"lfr_...\"{rest}").unwrap();
            }
            writeln!(text, "{shown}").unwrap();
        }
        for call in github.take_calls() {
            writeln!(text, "github: {call}").unwrap();
        }
        for line in &got.log {
            if let Some(line) = logged(line) {
                writeln!(text, "log: {line}").unwrap();
            }
            if let Some(decision) = decided(line).filter(|_| ask.label.is_some()) {
                writeln!(text, "audit: {decision}").unwrap();
            }
        }
        text.push('\n');
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A log line without what differs from run to run and from host to host; of a request's record only the failure, and of
/// other events their words.
fn logged(line: &str) -> Option<String> {
    let text = match serde_json::from_str::<serde_json::Value>(line) {
        Ok(record) => {
            let words = record.get("error").or_else(|| record.get("message"));
            words?.as_str()?.to_owned()
        }
        Err(_) => line.to_owned(),
    };
    let stable = |marker: &str, text: String| match text.split_once(marker) {
        Some((start, _)) => format!("{start}{marker} ..."),
        None => text,
    };
    Some(stable(
        "connection failed:",
        stable("host interface failed:", text),
    ))
}

/// What a request's record says of who was let in.
fn decided(line: &str) -> Option<String> {
    let record: serde_json::Value = serde_json::from_str(line).ok()?;
    if record["event"] != "request" {
        return None;
    }
    let text = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
    let claimed = record["claimed"].as_str();
    Some(format!(
        "{} {}: {} ({}){}",
        text("route"),
        text("decision"),
        text("reason"),
        text("who"),
        claimed.map_or_else(String::new, |claimed| format!(" claims {claimed}")),
    ))
}

/// What every response has.
const HARDENING: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
];
