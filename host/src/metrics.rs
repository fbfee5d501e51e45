//! What is counted, and how it is shown: `OpenMetrics`, for `landfall serve --metrics`.
//!
//! The component's log lines are the one source of what happens in it: on hosts without `/metrics` the same is counted
//! from the log. So a line is read here as it is written (`line.rs`), and everything that is counted is a word of a fixed
//! list ([`words`]): another component, or one that was broken into, can write what it likes and fills no memory. Modules
//! and readers are no labels: there may be thousands, they are the log's business, and whoever may read metrics is not
//! always who may know who reads what.
//!
//! | file | what it is about |
//! |---|---|
//! | `metrics/families.rs` | all that is counted, by name |
//! | `metrics/line.rs` | a log line, as far as it is counted |
//! | `metrics/words.rs` | what labels may be |
//! | `metrics/process.rs` | this process, as `/proc` has it |
//! | `metrics/listener.rs` | the address that metrics are served at |

mod families;
mod line;
mod listener;
mod process;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use self::families::{Answer, Bucket, Call, Failure, Families, Kind, Outcome, Request, Route};
use self::line::Line;
pub use self::listener::MetricsAccess;
use self::process::Process;
use crate::Host;

/// Counters of one process. Clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Counted>);

struct Counted {
    registry: Registry,
    families: Families,
    /// Owners that have a label; see [`OWNERS`].
    owners: Mutex<BTreeSet<String>>,
}

/// What runs: one series, for joining and for noticing that something else runs.
#[derive(Clone, Debug)]
pub struct Build {
    /// Of `landfall`.
    pub version: &'static str,
    /// The component file's SHA-256, in hexadecimal.
    pub component: String,
}

impl Metrics {
    /// All of them, at zero.
    #[must_use]
    pub fn new(build: &Build) -> Self {
        let mut all = Registry::default();
        all.register_collector(Box::new(Process::this()));
        let registry = all.sub_registry_with_prefix("landfall");
        let info = Family::<Vec<(&'static str, String)>, Gauge>::default();
        let labels = vec![
            ("version", build.version.to_owned()),
            ("component", build.component.clone()),
        ];
        info.get_or_create(&labels).set(1);
        let help = "What runs: its version, and the SHA-256 of its component";
        registry.register("build_info", help, info);
        let families = Families::in_registry(registry);
        Self(Arc::new(Counted {
            registry: all,
            families,
            owners: Mutex::default(),
        }))
    }

    /// Counts what whole lines of the component's log say. What is no line of Landfall's counts for nothing.
    pub fn observe(&self, lines: &[u8]) {
        for line in lines.split(|byte| *byte == b'\n') {
            // Words for people begin otherwise.
            if line.first() == Some(&b'{')
                && let Some(line) = Line::read(line)
            {
                self.0.count(&line);
            }
        }
    }

    /// The component gave no answer.
    pub(crate) fn component_failed(&self) {
        self.0.families.component_failures.inc();
    }

    /// Everything, as `OpenMetrics` 1.0 text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string never fails; what a collector can't read it leaves out.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    /// The same, with what is measured at the time.
    pub(crate) fn text_of(&self, host: &Host) -> String {
        let families = &self.0.families;
        families.running.set(whole(host.running()));
        families.running_most.set(whole(host.most_running()));
        families.memory_peak.set(whole(host.peak_memory()));
        families.store_file.set(host.store().size());
        self.text()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Counted {
    fn count(&self, line: &Line<'_>) {
        let kind = words::kind(&line.kind);
        match &*line.event {
            "request" => self.request(line),
            "upstream" => self.call(line),
            "refresh" => {
                let outcome = words::outcome(&line.outcome);
                self.families
                    .refreshes
                    .get_or_create(&Call { kind, outcome })
                    .inc();
            }
            "integrity" => {
                self.families.integrity.get_or_create(&Kind { kind }).inc();
            }
            "breaker" => {
                self.families.breaker.get_or_create(&Kind { kind }).inc();
            }
            "store" => {
                self.families
                    .store_failures
                    .get_or_create(&Kind { kind })
                    .inc();
            }
            "catalogue" => {
                self.families.catalogue_problems.inc();
            }
            _ => {}
        }
    }

    fn request(&self, line: &Line<'_>) {
        let route = words::route(&line.route);
        let request = Request {
            route,
            status: words::status(line.status),
            decision: words::decision(&line.decision),
            reason: words::reason(&line.reason),
        };
        self.families.requests.get_or_create(&request).inc();
        self.families
            .request_duration
            .get_or_create(&Route { route })
            .observe(seconds(line.duration_ms));
        if let Some(cache) = &line.cache {
            let cache = words::cache(cache);
            self.families
                .answers
                .get_or_create(&Answer { route, cache })
                .inc();
        }
        if let Some(failure) = &line.failure {
            let failure = words::failure(failure);
            let failure = Failure { route, failure };
            self.families.failures.get_or_create(&failure).inc();
        }
        if route == "archive" && line.method == "GET" && line.status == 200 {
            let outcome = match line.failure {
                None => "sent",
                Some(_) => "broken_off",
            };
            self.families
                .archives
                .get_or_create(&Outcome { outcome })
                .inc();
        }
        self.families.archive_sent.inc_by(line.sent_bytes);
    }

    fn call(&self, line: &Line<'_>) {
        let (kind, outcome) = (words::kind(&line.kind), words::outcome(&line.outcome));
        self.families
            .upstream_calls
            .get_or_create(&Call { kind, outcome })
            .inc();
        self.families
            .upstream_duration
            .get_or_create(&Kind { kind })
            .observe(seconds(line.duration_ms));
        // What GitHub lets the App do in its own name is another limit than what it lets an installation do.
        let is_of_app = matches!(kind, "token" | "installation");
        if let Some(remaining) = line.limit_remaining.filter(|_| !is_of_app) {
            let bucket = Bucket {
                owner: self.owner(&line.owner),
                resource: words::resource(&line.resource),
            };
            self.families
                .limit_remaining
                .get_or_create(&bucket)
                .set(remaining);
            if let Some(limit) = line.limit {
                self.families.limit.get_or_create(&bucket).set(limit);
            }
            if let Some(reset) = line.limit_reset {
                self.families.limit_reset.get_or_create(&bucket).set(reset);
            }
        }
    }

    /// An owner as a label: one of the first so many.
    fn owner(&self, owner: &str) -> String {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let is_name = owner.len() <= 39
            && !owner.is_empty()
            && owner
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !owners.contains(owner) {
            if !is_name || owners.len() >= OWNERS {
                return words::OTHER.to_owned();
            }
            owners.insert(owner.to_owned());
        }
        owner.to_owned()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a request are far below 2^53"
)]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Owners with series of their own. Real lines name those of `allowed_owners` alone.
const OWNERS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new(&Build {
            version: "1.2.3",
            component: "ab".repeat(32),
        })
    }

    /// Real lines of the component's.
    const LINES: &str = r#"
{"time":"2026-11-22T10:00:00.000Z","event":"upstream","kind":"token","owner":"acme","status":201,"outcome":"ok","duration_ms":180,"limit":5000,"limit_remaining":4999,"limit_reset":1795341600,"resource":"core"}
{"time":"2026-11-22T10:00:00.200Z","event":"upstream","trace":"4bf92f3577b34da6a3ce929d0e0e4736","kind":"tags","owner":"acme","status":200,"outcome":"ok","duration_ms":90,"limit":6000,"limit_remaining":5990,"limit_reset":1795341600,"resource":"core"}
{"time":"2026-11-22T10:00:00.000Z","event":"request","trace":"4bf92f3577b34da6a3ce929d0e0e4736","span":"00f067aa0ba902b7","method":"GET","route":"versions","module":"acme/vpc/aws","who":"ci-of-acme","client":"Terraform/1.11.4","decision":"allowed","reason":"token","status":200,"cache":"asked","upstream_calls":2,"duration_ms":300}
{"time":"2026-11-22T10:00:01.000Z","event":"request","method":"GET","route":"archive","module":"acme/vpc/aws","version":"1.2.0","who":"ci-of-acme","decision":"allowed","reason":"signed url","status":200,"upstream_calls":2,"sent_bytes":123456,"duration_ms":0}
{"time":"2026-11-22T10:00:02.000Z","event":"request","method":"GET","route":"archive","decision":"allowed","reason":"signed url","status":200,"failure":"client gone","error":"the client \"went\" away","upstream_calls":2,"sent_bytes":44,"duration_ms":2600}
{"time":"2026-11-22T10:00:03.000Z","event":"integrity","kind":"moved","owner":"acme","message":"integrity: acme/vpc: the tag of 1.2.0 points elsewhere"}
{"time":"2026-11-22T10:00:03.000Z","event":"refresh","kind":"tags","owner":"acme","outcome":"failed","duration_ms":5000,"message":"..."}
{"time":"2026-11-22T10:00:03.000Z","event":"breaker","kind":"secondary","owner":"acme","message":"..."}
{"time":"2026-11-22T10:00:03.000Z","event":"store","kind":"failed","message":"..."}
{"time":"2026-11-22T10:00:03.000Z","event":"catalogue","kind":"wrong","owner":"acme","message":"..."}
"#;

    #[test]
    fn what_lines_say_is_counted() {
        let metrics = metrics();
        metrics.observe(LINES.as_bytes());
        metrics.component_failed();
        let text = metrics.text();
        for sample in [
            r#"landfall_requests_total{route="versions",status="200",decision="allowed",reason="token"} 1"#,
            r#"landfall_requests_total{route="archive",status="200",decision="allowed",reason="signed url"} 2"#,
            r#"landfall_request_duration_seconds_bucket{le="0.25",route="versions"} 0"#,
            r#"landfall_request_duration_seconds_bucket{le="0.5",route="versions"} 1"#,
            r#"landfall_request_duration_seconds_sum{route="archive"} 2.6"#,
            r#"landfall_answers_total{route="versions",cache="asked"} 1"#,
            r#"landfall_request_failures_total{route="archive",failure="client gone"} 1"#,
            r#"landfall_archives_total{outcome="sent"} 1"#,
            r#"landfall_archives_total{outcome="broken_off"} 1"#,
            "landfall_archive_sent_bytes_total 123500",
            r#"landfall_upstream_calls_total{kind="tags",outcome="ok"} 1"#,
            r#"landfall_upstream_calls_total{kind="token",outcome="ok"} 1"#,
            r#"landfall_upstream_duration_seconds_count{kind="tags"} 1"#,
            // The App's own limit, of which 4,999 are left, is another.
            r#"landfall_github_rate_limit{owner="acme",resource="core"} 6000"#,
            r#"landfall_github_rate_limit_remaining{owner="acme",resource="core"} 5990"#,
            r#"landfall_github_rate_limit_reset_timestamp_seconds{owner="acme",resource="core"} 1795341600"#,
            r#"landfall_refreshes_total{kind="tags",outcome="failed"} 1"#,
            r#"landfall_integrity_events_total{kind="moved"} 1"#,
            r#"landfall_breaker_openings_total{kind="secondary"} 1"#,
            r#"landfall_store_failures_total{kind="failed"} 1"#,
            "landfall_catalogue_problems_total 1",
            "landfall_component_failures_total 1",
            r#"landfall_build_info{version="1.2.3",component="abab"#,
        ] {
            assert!(text.contains(sample), "{sample} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        assert!(!text.contains("other"), "{text}");
        for hidden in ["vpc", "ci-of-acme", "Terraform/", "4bf92f"] {
            assert!(!text.contains(hidden), "{hidden} is in\n{text}");
        }
    }

    #[test]
    fn what_is_no_line_counts_for_nothing() {
        let metrics = metrics();
        let before = metrics.text().lines().count();
        for line in [
            "",
            "{",
            "{}",
            "[]",
            "GitHub no longer accepts the token for `acme`: making a new one",
            r#"{"event":"request","status":70000}"#,
            r#"{"event":"request","status":-1}"#,
            r#"{"event":"request","status":"200"}"#,
            r#"{"event":"else","kind":"tags"}"#,
            r#"{"event":1}"#,
            r#"{"event":"request","event":"request"}"#,
            "{\"event\":\"request\",\"route\":\"\u{0}\"}",
        ] {
            metrics.observe(line.as_bytes());
        }
        metrics.observe(&[b'{', 0xff, 0xfe]);
        metrics.observe(&"{\"event\":".repeat(10_000).into_bytes());
        metrics.observe("[".repeat(100_000).replace('[', "{\"a\":[").as_bytes());
        assert_eq!(metrics.text().lines().count(), before);
    }

    #[test]
    fn a_component_that_makes_words_up_fills_no_memory() {
        let metrics = metrics();
        for number in 0..20_000 {
            let status = number % 65_536;
            metrics.observe(
                format!(
                    r#"{{"event":"request","route":"r{number}","method":"GET","status":{status},"decision":"d{number}","reason":"x{number}","cache":"c{number}","failure":"f{number}","duration_ms":{number}}}
{{"event":"upstream","kind":"k{number}","owner":"o{number}","outcome":"u{number}","resource":"{number}","limit":1,"limit_remaining":1,"limit_reset":1}}
{{"event":"integrity","kind":"k\"{number}\n"}}
{{"event":"e{number}"}}"#
                )
                .as_bytes(),
            );
        }
        let text = metrics.text();
        assert!(
            text.lines().count() < 200 + 3 * OWNERS,
            "{}",
            text.lines().count()
        );
        assert!(text.contains(r#"landfall_github_rate_limit{owner="other",resource="other"} 1"#));
        assert!(text.contains(r#"landfall_requests_total{route="other",status="other",decision="other",reason="other"}"#));
    }

    #[test]
    fn this_process_is_measured() {
        let text = metrics().text();
        let value = |name: &str| -> f64 {
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("{name} ")));
            let (_, value) = line.unwrap().split_once(' ').unwrap();
            value.parse().unwrap()
        };
        let now = std::time::SystemTime::now();
        let now = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64();
        let age = now - value("process_start_time_seconds");
        assert!((-2.0..60.0).contains(&age), "{age}");
        if cfg!(target_os = "linux") {
            assert!(value("process_cpu_seconds_total") < 3600.0);
            assert!(value("process_resident_memory_bytes") > 1_000_000.0);
            assert!(value("process_open_fds") >= 3.0);
            assert!(value("process_max_fds") >= value("process_open_fds"));
        }
    }
}
