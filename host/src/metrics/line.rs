//! A log line, as far as it is counted. Everything else in it is passed over unread.

use std::borrow::Cow;

use serde::Deserialize;

/// A line of the component's. What a line does not have is empty or zero: that is a word of no list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Line<'l> {
    #[serde(borrow)]
    pub(super) event: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) kind: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) owner: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) outcome: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) resource: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) method: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) route: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) decision: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) reason: Cow<'l, str>,
    #[serde(borrow)]
    pub(super) cache: Option<Cow<'l, str>>,
    #[serde(borrow)]
    pub(super) failure: Option<Cow<'l, str>>,
    pub(super) status: u16,
    pub(super) duration_ms: u64,
    pub(super) sent_bytes: u64,
    pub(super) limit: Option<i64>,
    pub(super) limit_remaining: Option<i64>,
    pub(super) limit_reset: Option<i64>,
}

impl<'l> Line<'l> {
    /// Reads one; nothing else is an error but no line of Landfall's.
    pub(super) fn read(line: &'l [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}
