//! What `landfall serve --metrics` shows, against what was done, and against what the dashboard and the alerts ask for.

#![expect(
    clippy::float_cmp,
    reason = "counts are small whole numbers, which are exact"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Case;
use crate::credentials::{CLOSED, TOKEN};
use crate::http::{self, bearer};
use crate::modules::probe;
use crate::programs::Program;
use crate::world::World;

/// A registry with metrics, and one whose metrics are for who has a token.
pub(crate) fn all() -> Vec<(Case, Option<Program>)> {
    vec![
        (
            Case::new("metrics_are_what_was_done", counts).with(CLOSED),
            None,
        ),
        (
            Case::new("what_graphs_and_alerts_ask_for_is_exported", names).with(CLOSED),
            None,
        ),
        (
            Case::new("promtool_takes_metrics_and_rules", promtool).with(CLOSED),
            Some(Program::Promtool),
        ),
    ]
}

/// What is done before anyone looks: a list three times, an archive, a module that is none, and someone who may not.
fn traffic(world: &World) {
    probe(world);
    let (name, value) = bearer(TOKEN);
    let get = |path: &str| http::get_with(&world.address, path, &[(name, value.as_str())]);
    for _ in 0..3 {
        assert_eq!(get("/v1/modules/acme/probe/null/versions").status, 200);
    }
    let download = get("/v1/modules/acme/probe/null/1.0.0/download");
    let location = download.header("x-terraform-get").unwrap();
    let (_, path) = location.split_once(&world.address).unwrap();
    let archive = http::get(&world.address, path);
    assert_eq!(archive.status, 200);
    assert_eq!(get("/v1/modules/acme/nothing/null/versions").status, 404);
    let stranger = http::get(&world.address, "/v1/modules/acme/probe/null/versions");
    assert_eq!(stranger.status, 401);
    assert_eq!(http::get(&world.address, "/readyz").status, 200);
}

fn counts(world: &World) {
    let before = exposition(world);
    assert_eq!(before.sum("landfall_requests_total", &[]), 0.0);
    assert_eq!(before.sum("landfall_upstream_calls_total", &[]), 0.0);
    traffic(world);
    let seen = exposition(world);
    for (route, status, decision, reason, count) in [
        ("versions", "200", "allowed", "token", 3.0),
        ("download", "204", "allowed", "token", 1.0),
        ("archive", "200", "allowed", "signed url", 1.0),
        ("versions", "404", "allowed", "token", 1.0),
        ("versions", "401", "denied", "no token", 1.0),
        ("readyz", "200", "allowed", "open to everyone", 1.0),
    ] {
        let labels = [
            ("route", route),
            ("status", status),
            ("decision", decision),
            ("reason", reason),
        ];
        assert_eq!(
            seen.sum("landfall_requests_total", &labels),
            count,
            "{labels:?}"
        );
    }
    assert_eq!(seen.sum("landfall_requests_total", &[]), 8.0);
    assert_eq!(
        seen.sum("landfall_request_duration_seconds_count", &[]),
        8.0
    );

    calls_are_what_github_was_asked(world, &seen);
    rest_is_as_it_should_be(&seen);
    nothing_else_shows(world, &seen);
}

fn calls_are_what_github_was_asked(world: &World, seen: &Exposition) {
    let counts = world.github.counts();
    let github = |calls: usize| f64::from(u32::try_from(calls).unwrap());
    let calls = |labels: &[(&str, &str)]| seen.sum("landfall_upstream_calls_total", labels);
    assert_eq!(calls(&[]), github(world.github.log().len()));
    assert_eq!(calls(&[("kind", "token"), ("outcome", "ok")]), 1.0);
    assert_eq!(calls(&[("kind", "installation")]), github(counts.lookups));
    assert_eq!(
        calls(&[("kind", "archive"), ("outcome", "ok")]),
        github(counts.archives)
    );
    assert_eq!(
        calls(&[("kind", "archive"), ("outcome", "redirected")]),
        github(counts.archives)
    );
    let lists = world
        .github
        .log()
        .iter()
        .filter(|it| it.path.contains("/matching-refs/"))
        .count();
    assert_eq!(calls(&[("kind", "tags")]), github(lists));
    assert!(lists >= 3, "{lists}");
    assert_eq!(
        calls(&[]),
        seen.sum("landfall_upstream_duration_seconds_count", &[])
    );

    // The log is the same: what other hosts are counted by.
    let log = world.registry.log();
    let lines = |event: &str| {
        let start = format!("\"event\":\"{event}\"");
        github(
            log.lines()
                .filter(|line| line.starts_with('{') && line.contains(&start))
                .count(),
        )
    };
    assert_eq!(lines("request"), 8.0);
    assert_eq!(lines("upstream"), calls(&[]));
}

fn rest_is_as_it_should_be(seen: &Exposition) {
    assert_eq!(
        seen.sum("landfall_archives_total", &[("outcome", "sent")]),
        1.0
    );
    assert!(seen.sum("landfall_archive_sent_bytes_total", &[]) > 300.0);
    let owner = [("owner", "acme"), ("resource", "core")];
    let limit = seen.sum("landfall_github_rate_limit", &owner);
    let left = seen.sum("landfall_github_rate_limit_remaining", &owner);
    assert!(left < limit && left > limit - 100.0, "{left} of {limit}");
    assert!(seen.sum("landfall_github_rate_limit_reset_timestamp_seconds", &owner) > 1.7e9);
    let fresh = [("route", "versions"), ("cache", "fresh")];
    assert!(seen.sum("landfall_answers_total", &fresh) >= 2.0);
    for none in [
        "landfall_component_failures_total",
        "landfall_integrity_events_total",
        "landfall_store_failures_total",
        "landfall_breaker_openings_total",
    ] {
        assert!(
            seen.families.contains_key(none.trim_end_matches("_total")),
            "{none}"
        );
        assert_eq!(seen.sum(none, &[]), 0.0, "{none}");
    }
    assert!(seen.sum("landfall_store_file_bytes", &[]) > 4096.0);
    assert!(seen.sum("landfall_instance_memory_peak_bytes", &[]) > 65_536.0);
    assert_eq!(seen.sum("landfall_build_info", &[]), 1.0);
}

fn nothing_else_shows(world: &World, seen: &Exposition) {
    // Neither who reads, nor what, nor any secret.
    let mut hidden = vec![
        "probe",
        "everything",
        "lft_",
        "ghs_",
        "eyJ",
        "1.0.0/",
        "nothing",
    ];
    let key = world.github.private_key_pem();
    hidden.extend(key.lines().filter(|line| line.len() > 32));
    for hidden in hidden {
        assert!(
            !seen.text.contains(hidden),
            "`{hidden}` is in\n{}",
            seen.text
        );
    }
    assert!(!seen.text.contains("\"other\""), "{}", seen.text);

    // Nothing else is there, and the registry has no metrics.
    let address = metrics_address(world);
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/v1/modules", 404),
        ("GET", "/metrics/", 404),
        ("POST", "/metrics", 405),
        ("HEAD", "/metrics", 200),
        ("GET", "/metrics?x=1", 200),
    ] {
        assert_eq!(
            http::send(&address, method, path, &[], "").status,
            status,
            "{method} {path}"
        );
    }
    assert_eq!(http::get(&world.address, "/metrics").status, 404);
}

/// A metric that has another name now would make a graph empty and an alert silent.
fn names(world: &World) {
    traffic(world);
    let seen = exposition(world);
    let mut exported: BTreeSet<String> = BTreeSet::new();
    for (family, kind) in &seen.families {
        let endings: &[&str] = match kind.as_str() {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        exported.extend(endings.iter().map(|ending| format!("{family}{ending}")));
    }
    let dashboard = fs::read_to_string(deployed("grafana/landfall.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let graphs = strings(&dashboard);
    let alerts = fs::read_to_string(deployed("prometheus/alerts.yaml")).unwrap();
    let alerts = alerts
        .lines()
        .filter(|line| !line.trim_start().starts_with("description:"));
    let alerts: Vec<String> = alerts.map(str::to_owned).collect();
    let operating = fs::read_to_string(repository().join("docs/operating.md")).unwrap();
    for (what, texts, least) in [
        ("dashboard", graphs, 25),
        ("alerts", alerts, 15),
        ("docs/operating.md", vec![operating.clone()], 25),
    ] {
        let named: BTreeSet<String> = texts.iter().flat_map(|text| metric_names(text)).collect();
        let is_whole = |it: &str| what == "docs/operating.md" && seen.families.contains_key(it);
        let unknown: Vec<_> = named
            .iter()
            .filter(|it| !exported.contains(*it) && !is_whole(it))
            .collect();
        assert!(
            unknown.is_empty(),
            "{what} asks for {unknown:?}, of {exported:?}"
        );
        assert!(named.len() >= least, "{what} asks for {named:?}");
    }
    // Each one is explained.
    for family in seen.families.keys() {
        assert!(
            operating.contains(family),
            "docs/operating.md lacks {family}"
        );
    }
}

fn promtool(world: &World) {
    traffic(world);
    let seen = exposition(world);
    // It knows Prometheus's own text, which has the whole name of a counter everywhere, no units and no end.
    let mut text = String::new();
    for line in seen.text.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("#"), Some("UNIT" | "EOF"), _) => continue,
            (Some("#"), Some(_), Some(family)) if seen.families[family] == "counter" => {
                text += &line.replacen(family, &format!("{family}_total"), 1);
            }
            _ => text += line,
        }
        text.push('\n');
    }
    let promtool = || {
        let mut command = Program::Promtool.command(Path::new("/"));
        command.current_dir(deployed("prometheus"));
        command
    };
    let mut check = promtool();
    let mut check = check
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let checked = check.wait_with_output().unwrap();
    assert!(checked.status.success(), "{checked:?}\n{text}");
    assert_eq!(String::from_utf8_lossy(&checked.stderr), "", "{text}");
    for arguments in [
        ["check", "rules", "alerts.yaml"],
        ["test", "rules", "alerts_test.yaml"],
    ] {
        passes(promtool().args(arguments));
    }
}

fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

type Labels = BTreeMap<String, String>;

/// What was exposed: checked line by line against `OpenMetrics` 1.0.
struct Exposition {
    text: String,
    /// Families and their types.
    families: BTreeMap<String, String>,
    samples: Vec<(String, Labels, f64)>,
}

impl Exposition {
    /// The sum of the samples that have these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |of: &BTreeMap<String, String>| {
            labels
                .iter()
                .all(|(name, value)| of.get(*name).is_some_and(|it| it == value))
        };
        let samples = self.samples.iter().filter(|it| it.0 == name && has(&it.1));
        samples.map(|it| it.2).sum()
    }

    /// <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>
    fn parse(text: String) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("an end");
        assert!(!body.contains("# EOF") && !body.contains("\n\n") && !body.contains('\r'));
        let mut families = BTreeMap::new();
        let mut units: BTreeMap<String, String> = BTreeMap::new();
        let mut helped = BTreeSet::new();
        let mut samples = Vec::new();
        let mut series = BTreeSet::new();
        let mut current = String::new();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# ") {
                let (keyword, rest) = rest.split_once(' ').unwrap();
                let (family, value) = rest.split_once(' ').unwrap();
                if family != current {
                    assert!(!helped.contains(family), "{family} comes twice: {line}");
                    family.clone_into(&mut current);
                }
                match keyword {
                    "HELP" => assert!(
                        helped.insert(family.to_owned()) && value.len() > 10,
                        "{line}"
                    ),
                    "TYPE" => {
                        assert!(["counter", "gauge", "histogram"].contains(&value), "{line}");
                        assert!(!family.ends_with("_total"), "{line}");
                        assert_eq!(families.insert(family.to_owned(), value.to_owned()), None);
                    }
                    "UNIT" => {
                        assert!(family.ends_with(&format!("_{value}")), "{line}");
                        units.insert(family.to_owned(), value.to_owned());
                    }
                    _ => panic!("{line}"),
                }
                continue;
            }
            let (name, labels, value) = sample(line);
            let kind = &families[&current];
            let ending = name.strip_prefix(current.as_str()).expect(line);
            match kind.as_str() {
                "counter" => assert!(ending == "_total" && value >= 0.0, "{line}"),
                "gauge" => assert_eq!(ending, "", "{line}"),
                _ => assert!(["_bucket", "_count", "_sum"].contains(&ending), "{line}"),
            }
            assert_eq!(ending == "_bucket", labels.contains_key("le"), "{line}");
            assert!(
                series.insert((name.clone(), labels.clone())),
                "twice: {line}"
            );
            samples.push((name, labels, value));
        }
        assert_eq!(helped.len(), families.len());
        let seen = Self {
            text,
            families,
            samples,
        };
        seen.check_histograms();
        seen
    }

    /// Buckets hold what those below them hold too, and the last holds everything.
    fn check_histograms(&self) {
        let mut buckets: BTreeMap<(String, Labels), Vec<(f64, f64)>> = BTreeMap::new();
        for (name, labels, value) in &self.samples {
            if let Some(family) = name.strip_suffix("_bucket") {
                let mut labels = labels.clone();
                let le = labels.remove("le").unwrap().replace("+Inf", "inf");
                let bucket = (le.parse().unwrap(), *value);
                buckets
                    .entry((family.to_owned(), labels))
                    .or_default()
                    .push(bucket);
            }
        }
        assert!(self.samples.is_empty() || !self.families.is_empty());
        for ((family, labels), buckets) in buckets {
            assert!(
                buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
                "{family} {buckets:?}"
            );
            let last = buckets.last().unwrap();
            assert!(last.0.is_infinite());
            let labels: Vec<_> = labels
                .iter()
                .map(|(a, b)| (a.as_str(), b.as_str()))
                .collect();
            assert_eq!(
                self.sum(&format!("{family}_count"), &labels),
                last.1,
                "{family}"
            );
        }
    }
}

/// `NAME{LABEL="VALUE",...} NUMBER`
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').expect(line);
    let value = value.parse().expect(line);
    let Some((name, labels)) = series.split_once('{') else {
        return (series.to_owned(), BTreeMap::new(), value);
    };
    let labels = labels.strip_suffix("\"}").expect(line);
    let labels = labels.split("\",").map(|label| {
        let (name, value) = label.split_once("=\"").expect(line);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" ._-+".contains(&byte);
        assert!(value.bytes().all(is_plain), "{line}");
        (name.to_owned(), value.to_owned())
    });
    (name.to_owned(), labels.collect(), value)
}

/// What is shown now.
fn exposition(world: &World) -> Exposition {
    let answer = http::get(&metrics_address(world), "/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    Exposition::parse(answer.body)
}

fn metrics_address(world: &World) -> String {
    let log = world.registry.log();
    let (_, rest) = log.split_once("metrics are at http://").expect(&log);
    let (address, _) = rest.split_once("/metrics").unwrap();
    address.to_owned()
}

/// All names of Landfall's metrics, and of its process's, in a text.
fn metric_names(text: &str) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_name(c));
    let starts = ["landfall_", "process_"];
    let names = words.filter(|word| starts.iter().any(|start| word.starts_with(start)));
    let is_file = |word: &&str| !word.contains("landfall_serve") && !word.ends_with('_');
    names.filter(is_file).map(str::to_owned).collect()
}

/// All texts in a document.
fn strings(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(values) => values.iter().flat_map(strings).collect(),
        serde_json::Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| *name != "description")
            .flat_map(|(_, value)| strings(value))
            .collect(),
        _ => Vec::new(),
    }
}

fn deployed(path: &str) -> PathBuf {
    repository().join("deploy").join(path)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
