//! A line of the log: a JSON object that is written field by field. Serde's own way to write a structure that leaves fields out
//! would be a third of what the component may still grow by.

use std::fmt::Write as _;
use std::time::SystemTime;

use crate::host::Host;
use crate::trace::Trace;

/// A line that is not finished, or the rest of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(String);

impl Line {
    /// Something began, at this time and as a part of this.
    pub(crate) fn begin(began: SystemTime, event: &str, trace: Option<&Trace>) -> Self {
        let time = humantime::format_rfc3339_millis(began);
        let mut line = Self(format!("{{\"time\":\"{time}\""));
        line.text("event", Some(event));
        line.text("trace", trace.map(Trace::id));
        line
    }

    /// What it came to, and how long that took.
    pub(crate) fn outcome(&mut self, host: &impl Host, began: SystemTime, outcome: &str) {
        self.text("outcome", Some(outcome));
        self.duration(host.now(), began);
    }

    /// How long it took.
    pub(crate) fn duration(&mut self, now: SystemTime, began: SystemTime) {
        let duration = now.duration_since(began).unwrap_or_default();
        self.number("duration_ms", u64::try_from(duration.as_millis()).ok());
    }

    /// A field, where there is something to say.
    #[inline(never)]
    pub(crate) fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            let json = serde_json::to_string(value).unwrap_or_default();
            for part in [",\"", name, "\":", &json] {
                self.0.push_str(part);
            }
        }
    }

    /// A number, where there is one.
    #[inline(never)]
    pub(crate) fn number(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            // Writing to a string never fails.
            let _ = write!(self.0, ",\"{name}\":{value}");
        }
    }

    /// The same line with these fields as well.
    pub(crate) fn and(mut self, rest: &Self) -> Self {
        self.0.push_str(&rest.0);
        self
    }

    /// Writes it.
    pub(crate) fn write(mut self, host: &impl Host) {
        self.0.push('}');
        host.log(&self.0);
    }
}
