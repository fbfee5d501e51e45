//! This process, as Linux's `/proc` has it; elsewhere there is none, and nothing but its start is said.

use std::fmt;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// What every Prometheus client library says of its process, by the same names.
#[derive(Debug)]
pub(super) struct Process {
    /// When it started, in seconds since 1970.
    started: f64,
}

/// What changes.
struct Now {
    cpu_seconds: f64,
    resident_bytes: i64,
}

impl Process {
    /// The one that this is, asked for as it starts.
    pub(super) fn this() -> Self {
        // A service may not see when the machine was booted, from which `/proc` counts.
        let started = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started: started.unwrap_or_default().as_secs_f64(),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut say = |name: &str, help: &str, unit: Option<&Unit>, metric: &dyn Shown| {
            metric.show(&mut encoder, name, help, unit)
        };
        if let Some(now) = now() {
            let cpu = ConstCounter::new(now.cpu_seconds);
            say(
                "process_cpu",
                "CPU time that was used, of user and system",
                Some(&Unit::Seconds),
                &cpu,
            )?;
            let resident = ConstGauge::new(now.resident_bytes);
            say(
                "process_resident_memory",
                "Memory in use",
                Some(&Unit::Bytes),
                &resident,
            )?;
        }
        if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
            // One of them is the directory's own.
            let count = descriptors.count().saturating_sub(1);
            let count = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            say("process_open_fds", "Open file descriptors", None, &count)?;
        }
        if let Some(most) = most_descriptors() {
            let most = ConstGauge::new(most);
            say("process_max_fds", "How many there may be", None, &most)?;
        }
        let started = ConstGauge::new(self.started);
        say(
            "process_start_time",
            "When it started, in seconds since 1970",
            Some(&Unit::Seconds),
            &started,
        )
    }
}

/// A metric of any type.
trait Shown {
    fn show(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
    ) -> fmt::Result;
}

impl<M: EncodeMetric> Shown for M {
    fn show(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
    ) -> fmt::Result {
        self.encode(encoder.encode_descriptor(name, help, unit, self.metric_type())?)
    }
}

fn now() -> Option<Now> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: i64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(Now {
        cpu_seconds: (ticks(&stat, 14)? + ticks(&stat, 15)?) / TICKS,
        resident_bytes: pages * PAGE,
    })
}

/// A field of `/proc/self/stat`, by its number in proc(5). The second is the program's name, which may have anything in it.
fn ticks(stat: &str, field: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace()
        .nth(field.checked_sub(3)?)?
        .parse()
        .ok()
}

fn most_descriptors() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    line?.split_ascii_whitespace().next()?.parse().ok()
}

/// `USER_HZ`, which is this on every architecture that Rust runs on under Linux.
const TICKS: f64 = 100.0;
/// What `/proc` counts in on x86-64, and on ARM as distributions configure it.
const PAGE: i64 = 4096;
