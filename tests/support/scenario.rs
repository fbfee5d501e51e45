//! What a scenario is, and what is written down of it.

use std::fmt::Write as _;
use std::sync::Arc;

use super::github::{GitHub, Trouble};
use super::zips;

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
    pub method: &'static str,
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

/// Writes a scenario down as it went.
#[derive(Default)]
pub struct Transcript(String);

impl Transcript {
    pub fn add(&mut self, ask: &Ask, got: &Got, github: &GitHub) {
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
        // A webhook's headers would hide what it is about.
        let shown = |name: &str| !matches!(name, "x-github-delivery" | "content-type");
        for (name, value) in ask.headers.iter().filter(|(name, _)| shown(name)) {
            write!(text, " [{name}: {value}]").unwrap();
        }
        writeln!(text, "\n{}", got.status).unwrap();
        let mut headers = got.headers.clone();
        headers.retain(|(name, _)| name != "date");
        headers.sort();
        for (name, value) in headers {
            writeln!(text, "{name}: {value}").unwrap();
        }
        if got.is_broken {
            writeln!(text, "(broken off)").unwrap();
        } else if got.body.starts_with(b"PK") {
            text.push_str(&zips::describe(&got.body));
        } else if got.body.len() > 1000 {
            let start = String::from_utf8_lossy(&got.body[..100]);
            writeln!(text, "{start}... ({} bytes)", got.body.len()).unwrap();
        } else if !got.body.is_empty() {
            writeln!(text, "{}", String::from_utf8_lossy(&got.body)).unwrap();
        }
        for call in github.take_calls() {
            writeln!(text, "github: {call}").unwrap();
        }
        for line in &got.log {
            if let Some(line) = logged(line) {
                writeln!(text, "log: {line}").unwrap();
            }
        }
        text.push('\n');
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A log line without what differs from run to run and from host to host; of a request's record only the failure.
fn logged(line: &str) -> Option<String> {
    let text = match serde_json::from_str::<serde_json::Value>(line) {
        Ok(record) => record.get("error")?.as_str()?.to_owned(),
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
