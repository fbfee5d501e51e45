//! The scenarios of the native tests, held against the same snapshots.

use std::sync::Arc;

use landfall_component_tests::artifact::Artifact;
use landfall_component_tests::registry::{Registry, scripted};
use landfall_component_tests::support;
use landfall_component_tests::support::github::GitHub;
use landfall_component_tests::support::matrix::Cell;
use landfall_component_tests::support::scenario::{Ask, Got, Kept, Scenario, Transcript};
use landfall_component_tests::support::secrets;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn landfall_spin_does_what_is_written_down() {
    all(Artifact::Spin).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn landfall_wasi_does_what_is_written_down() {
    all(Artifact::Wasi).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_does_what_is_written_down() {
    for artifact in Artifact::ALL {
        for table in support::matrix::tables() {
            let mut lines = String::new();
            let mut cells = table.cells.into_iter().peekable();
            // Some of them wait for seconds, for a token that GitHub refuses; and with too many at once, for one another.
            while cells.peek().is_some() {
                let running: Vec<_> = cells
                    .by_ref()
                    .take(AT_ONCE)
                    .map(|cell| tokio::spawn(run(artifact, cell)))
                    .collect();
                for cell in running {
                    let (cell, got) = cell.await.unwrap();
                    cell.note(&mut lines, &got);
                }
            }
            assert_snapshot(table.name, &lines);
        }
    }
}

/// A cell, and what came of its last request. What GitHub was asked before that is forgotten.
#[expect(clippy::unwrap_used, reason = "a test's failure is its message")]
async fn run(artifact: Artifact, cell: Cell) -> (Cell, Got) {
    let mut run = Run::new(artifact, &cell.scenario);
    let mut got = None;
    for ask in &cell.scenario.requests {
        let _ = run.github.take_calls();
        let answer = run.ask(ask).await;
        secrets::check(&cell.scenario, ask, &answer, run.registry.stored());
        got = Some(answer);
    }
    (cell, got.unwrap())
}

async fn all(artifact: Artifact) {
    for scenario in support::scenarios::all() {
        let mut run = Run::new(artifact, &scenario);
        let mut transcript = Transcript::default();
        let mut kept = Kept::default();
        for ask in &scenario.requests {
            let filled = kept.fill(ask);
            let got = run.ask(&filled).await;
            kept.keep(&got);
            secrets::check(&scenario, &filled, &got, run.registry.stored());
            transcript.add(ask, &got, &run.github);
        }
        // All that the component says is in a list of the host's, by which it is counted.
        let metrics = run.registry.metrics.text();
        let others: Vec<&str> = metrics
            .lines()
            .filter(|line| line.contains("\"other\""))
            .collect();
        assert!(others.is_empty(), "{}: {others:#?}", scenario.name);
        let requests = counted(&metrics, "landfall_requests_total{");
        assert_eq!(requests, scenario.requests.len(), "{metrics}");
        assert_snapshot(&scenario.name, transcript.text());
    }
}

/// The sum of a family's samples.
fn counted(metrics: &str, start: &str) -> usize {
    let samples = metrics.lines().filter(|line| line.starts_with(start));
    let values = samples.map(|line| line.rsplit(' ').next().unwrap_or_default());
    values
        .map(|value| value.parse::<usize>().unwrap_or_default())
        .sum()
}

fn assert_snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

/// A scenario that runs on a component.
struct Run {
    registry: Registry,
    github: Arc<GitHub>,
}

impl Run {
    fn new(artifact: Artifact, scenario: &Scenario) -> Self {
        let github = Arc::clone(&scenario.github);
        let registry = Registry::new(
            artifact.component(),
            &scenario.variables,
            scenario.store,
            scripted(&github),
        );
        registry.begin(scenario);
        Self { registry, github }
    }

    async fn ask(&mut self, ask: &Ask) -> Got {
        self.registry.clock.turn_ms(ask.after * 1000);
        if let Some(trouble) = ask.trouble {
            self.github.trouble(trouble);
        }
        self.registry.ask(ask).await
    }
}

/// How many cells of a fault matrix run at the same time.
const AT_ONCE: usize = 8;
