//! The scenarios of the native tests, held against the same snapshots.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use landfall_component_tests::artifact::Artifact;
use landfall_component_tests::registry::{Registry, scripted};
use landfall_component_tests::support;
use landfall_component_tests::support::scenario::Transcript;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn landfall_spin_does_what_is_written_down() {
    all(Artifact::Spin).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn landfall_wasi_does_what_is_written_down() {
    all(Artifact::Wasi).await;
}

#[expect(clippy::unwrap_used, reason = "a test's failure is its message")]
async fn all(artifact: Artifact) {
    for scenario in support::scenarios::all() {
        let github = Arc::new(scenario.github);
        let mut registry = Registry::new(
            artifact.component(),
            &scenario.variables,
            scenario.store,
            scripted(&github),
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let start = START_MS + scenario.skew * 1000;
        registry
            .clock
            .set_offset_ms(start - i64::try_from(now.as_millis()).unwrap());
        let mut transcript = Transcript::default();
        for ask in &scenario.requests {
            registry.clock.advance(Duration::from_secs(ask.after));
            let got = registry.ask(ask).await;
            transcript.add(ask, &got, &github);
        }
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(&*scenario.name, transcript.text());
        });
    }
}

/// The first second of 2026, which the scripted answers are of.
const START_MS: i64 = 1_767_225_600_000;
