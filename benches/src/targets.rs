//! What it should be, and what it is.

use std::time::Duration;

use crate::figure::{kilobytes, mebibytes, number, time};
use crate::table::Table;

/// The figures that have a target, as far as they were measured.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// CPU of a warm `versions` of 100 versions in that of nginx, with a fresh instance a request.
    pub(crate) fresh: Option<f64>,
    /// The same with instances that are reused.
    pub(crate) reused: Option<f64>,
    /// Of a warm `versions` at 64 clients.
    pub(crate) p99: Option<Duration>,
    /// From a compiled component to the first `versions`.
    pub(crate) cold_start: Option<Duration>,
    /// The least that one core moves of large archives, in MB a second.
    pub(crate) archive_rate: Option<f64>,
    /// The most memory that an archive takes.
    pub(crate) archive_memory: Option<u64>,
    /// The larger component.
    pub(crate) wasm: Option<u64>,
}

impl Measured {
    /// Prints the last table.
    pub(crate) fn print(&self) {
        let mut table = Table::new(&["target", "measured", "met"]);
        let mut row = |target: &str, measured: Option<(String, bool)>| {
            let (measured, met) = measured.map_or_else(
                || ("not measured".to_owned(), "?"),
                |(measured, is_met)| (measured, if is_met { "yes" } else { "**no**" }),
            );
            table.row([target.to_owned(), measured, met.to_owned()]);
        };
        let ratio = |most: f64| move |ratio: f64| (format!("{} x", number(ratio)), ratio <= most);
        row(
            "warm `versions` of 100, fresh instance: at most 8 x nginx's CPU",
            self.fresh.map(ratio(8.0)),
        );
        row(
            "the same, instance reused: at most 3 x nginx's CPU",
            self.reused.map(ratio(3.0)),
        );
        row(
            "p99 at 64 clients: under 10 ms",
            self.p99
                .map(|p99| (time(p99), p99 < Duration::from_millis(10))),
        );
        row(
            "cold start, compiled before, to the first `versions`: under 100 ms",
            self.cold_start
                .map(|start| (time(start), start < Duration::from_millis(100))),
        );
        row(
            "archives of 100 MB and more: over 300 MB/s a core",
            self.archive_rate
                .map(|rate| (format!("{} MB/s", number(rate)), rate > 300.0)),
        );
        row(
            "any archive: under 32 MiB of memory",
            self.archive_memory
                .map(|memory| (mebibytes(memory), memory < 32 << 20)),
        );
        row(
            "each component: under 1,500 KB",
            self.wasm.map(|bytes| (kilobytes(bytes), bytes < 1_500_000)),
        );
        table.print("Targets", "");
    }
}
