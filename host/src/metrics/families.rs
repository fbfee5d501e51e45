//! All that is counted, by name.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::words;

/// Metrics without their names.
pub(super) struct Families {
    pub(super) requests: Family<Request, Counter>,
    pub(super) request_duration: Family<Route, Histogram, fn() -> Histogram>,
    pub(super) answers: Family<Answer, Counter>,
    pub(super) failures: Family<Failure, Counter>,
    pub(super) archives: Family<Outcome, Counter>,
    pub(super) archive_sent: Counter,
    pub(super) upstream_calls: Family<Call, Counter>,
    pub(super) upstream_duration: Family<Kind, Histogram, fn() -> Histogram>,
    pub(super) limit: Family<Bucket, Gauge>,
    pub(super) limit_remaining: Family<Bucket, Gauge>,
    pub(super) limit_reset: Family<Bucket, Gauge>,
    pub(super) refreshes: Family<Call, Counter>,
    pub(super) integrity: Family<Kind, Counter>,
    pub(super) breaker: Family<Kind, Counter>,
    pub(super) store_failures: Family<Kind, Counter>,
    pub(super) catalogue_problems: Counter,
    pub(super) component_failures: Counter,
    pub(super) running: Gauge,
    pub(super) running_most: Gauge,
    pub(super) memory_peak: Gauge,
    pub(super) store_file: Gauge<u64, AtomicU64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    pub(super) route: &'static str,
    pub(super) status: &'static str,
    pub(super) decision: &'static str,
    pub(super) reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Route {
    pub(super) route: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Answer {
    pub(super) route: &'static str,
    pub(super) cache: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Failure {
    pub(super) route: &'static str,
    pub(super) failure: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Call {
    pub(super) kind: &'static str,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Kind {
    pub(super) kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Bucket {
    pub(super) owner: String,
    pub(super) resource: &'static str,
}

impl Families {
    /// All of them, at zero, in a registry.
    pub(super) fn in_registry(registry: &mut Registry) -> Self {
        let families = Self {
            requests: Family::default(),
            request_duration: Family::new_with_constructor(durations),
            answers: Family::default(),
            failures: Family::default(),
            archives: Family::default(),
            archive_sent: Counter::default(),
            upstream_calls: Family::default(),
            upstream_duration: Family::new_with_constructor(durations),
            limit: Family::default(),
            limit_remaining: Family::default(),
            limit_reset: Family::default(),
            refreshes: Family::default(),
            integrity: Family::default(),
            breaker: Family::default(),
            store_failures: Family::default(),
            catalogue_problems: Counter::default(),
            component_failures: Counter::default(),
            running: Gauge::default(),
            running_most: Gauge::default(),
            memory_peak: Gauge::default(),
            store_file: Gauge::default(),
        };
        families.requests_to(registry);
        families.calls_of(registry);
        families.events_of(registry);
        families.host_of(registry);
        families.begin();
        families
    }

    /// What is asked of Landfall.
    fn requests_to(&self, registry: &mut Registry) {
        registry.register(
            "requests",
            "Requests that the component answered, archives when they were sent",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "From a request to the end of its answer, to the millisecond",
            Unit::Seconds,
            self.request_duration.clone(),
        );
        registry.register("answers", "Answers by where they came from: fresh and stale ones are known, asked ones cost a call to GitHub first, and outlived ones are what GitHub said before it failed", self.answers.clone());
        registry.register(
            "request_failures",
            "Requests that were not answered with what they asked for, by whose failure it was",
            self.failures.clone(),
        );
        registry.register(
            "archives",
            "Archives that were begun, sent to their end or broken off",
            self.archives.clone(),
        );
        registry.register_with_unit(
            "archive_sent",
            "Bytes of archives that clients got",
            Unit::Bytes,
            self.archive_sent.clone(),
        );
    }

    /// What Landfall asks of others.
    fn calls_of(&self, registry: &mut Registry) {
        registry.register(
            "upstream_calls",
            "Calls to GitHub, and to issuers of ID tokens (openid, jwks)",
            self.upstream_calls.clone(),
        );
        registry.register_with_unit(
            "upstream_duration",
            "From a call to the end of its answer, or to the head of an archive's",
            Unit::Seconds,
            self.upstream_duration.clone(),
        );
        registry.register(
            "github_rate_limit",
            "Calls that GitHub allows in an hour, as it said last",
            self.limit.clone(),
        );
        registry.register(
            "github_rate_limit_remaining",
            "Calls that GitHub still allows, as it said last",
            self.limit_remaining.clone(),
        );
        registry.register_with_unit(
            "github_rate_limit_reset_timestamp",
            "When that begins anew, in seconds since 1970",
            Unit::Seconds,
            self.limit_reset.clone(),
        );
        registry.register(
            "refreshes",
            "Refreshes behind an answer that was given at once",
            self.refreshes.clone(),
        );
        registry.register(
            "breaker_openings",
            "How often GitHub began not to be asked for a while: its limits, a reserve, failures",
            self.breaker.clone(),
        );
    }

    /// What seldom happens.
    fn events_of(&self, registry: &mut Registry) {
        registry.register(
            "integrity_events",
            "What is not as it was first seen: tags that moved, repositories that were replaced",
            self.integrity.clone(),
        );
        registry.register(
            "store_failures",
            "Requests for which the key-value store failed, and values that it did not take",
            self.store_failures.clone(),
        );
        registry.register(
            "catalogue_problems",
            "Problems of a catalogue that was read anew; the one before goes on",
            self.catalogue_problems.clone(),
        );
        registry.register(
            "component_failures",
            "Requests that the component gave no answer to: it trapped, or needed too much memory",
            self.component_failures.clone(),
        );
    }

    /// What only the host knows.
    fn host_of(&self, registry: &mut Registry) {
        registry.register(
            "instances_running",
            "Requests that are at work, what they do behind their answer included",
            self.running.clone(),
        );
        registry.register(
            "instances_limit",
            "How many may be; more wait",
            self.running_most.clone(),
        );
        registry.register_with_unit(
            "instance_memory_peak",
            "The most linear memory that one finished instance had",
            Unit::Bytes,
            self.memory_peak.clone(),
        );
        registry.register_with_unit(
            "store_file",
            "The size of the key-value file",
            Unit::Bytes,
            self.store_file.clone(),
        );
    }

    /// What is not there before its first time has not grown by it, and no alert shows.
    fn begin(&self) {
        for (family, kinds) in [
            (&self.integrity, words::INTEGRITY),
            (&self.breaker, words::BREAKER),
            (&self.store_failures, words::STORE),
        ] {
            for kind in kinds {
                family.get_or_create(&Kind { kind }).inc_by(0);
            }
        }
        for kind in ["tags", "repositories", "catalogue"] {
            for outcome in ["ok", "failed"] {
                self.refreshes
                    .get_or_create(&Call { kind, outcome })
                    .inc_by(0);
            }
        }
        for kind in ["token", "installation", "rate_limit"] {
            let outcome = "rejected";
            self.upstream_calls
                .get_or_create(&Call { kind, outcome })
                .inc_by(0);
        }
    }
}

fn durations() -> Histogram {
    Histogram::new(BUCKETS)
}

/// From a warm answer to what no client waits for.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
