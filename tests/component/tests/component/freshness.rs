//! Freshness as clients feel it: who waits, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use landfall_component_tests::archives::scenario;
use landfall_component_tests::artifact::Artifact;
use landfall_component_tests::registry::{Registry, answer, scripted};
use landfall_component_tests::support::github::GitHub;
use landfall_component_tests::support::scenario::{Ask, StoreKind};
use landfall_component_tests::support::scenarios::{VERSIONS, ask, get};
use landfall_component_tests::support::webhooks;
use landfall_host::{Outbound, body};

/// A registry before a GitHub that takes its time.
struct Slow {
    registry: Registry,
    github: Arc<GitHub>,
    /// Milliseconds that each of GitHub's answers takes.
    delay: Arc<AtomicU64>,
}

impl Slow {
    fn new(artifact: Artifact) -> Self {
        Self::with(artifact, &[])
    }

    fn with(artifact: Artifact, variables: &[(&'static str, &str)]) -> Self {
        let mut scenario = scenario("a_fresh_answer_costs_nothing");
        let variables = variables
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        scenario.variables.extend(variables);
        let delay = Arc::new(AtomicU64::new(0));
        let outbound = {
            let (github, delay) = (Arc::clone(&scenario.github), Arc::clone(&delay));
            Outbound::hook(move |request| {
                let (github, delay) = (Arc::clone(&github), Arc::clone(&delay));
                async move {
                    let delay = delay.load(Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(delay)).await;
                    answer(&github, request).await
                }
            })
        };
        let registry = Registry::new(
            artifact.component(),
            &scenario.variables,
            StoreKind::Keeps,
            outbound,
        );
        Self {
            registry,
            github: scenario.github,
            delay,
        }
    }

    /// Asks for the versions, and says how long that took until the response's head was there.
    #[expect(clippy::unwrap_used, reason = "a test's failure is its message")]
    async fn versions(&self) -> Duration {
        let began = Instant::now();
        let request = http::Request::get(format!("https://registry.example{VERSIONS}"));
        let response = self
            .registry
            .host
            .handle(request.body(body::empty()).unwrap());
        assert_eq!(response.await.unwrap().status(), 200);
        began.elapsed()
    }

    fn pass(&self, seconds: u64) {
        self.registry.clock.advance(Duration::from_secs(seconds));
    }

    fn set_delay(&self, milliseconds: u64) {
        self.delay.store(milliseconds, Ordering::Relaxed);
    }

    /// How many tag lists GitHub was asked for since the last time, when all is done.
    async fn lists(&self) -> usize {
        self.registry.host.idle().await;
        let calls = self.github.take_calls();
        calls
            .iter()
            .filter(|call| call.contains("/matching-refs/"))
            .count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_for_one_list_are_one_call() {
    for artifact in Artifact::ALL {
        let slow = Arc::new(Slow::new(artifact));
        slow.set_delay(150);
        for (state, age) in [
            ("cold", 0),
            ("stale", 61),
            ("expired", 3700),
            ("expired", 3700),
        ] {
            slow.pass(age);
            let hundred: Vec<_> = (0..100)
                .map(|_| {
                    let slow = Arc::clone(&slow);
                    tokio::spawn(async move { slow.versions().await })
                })
                .collect();
            for one in hundred {
                one.await.unwrap();
            }
            assert_eq!(slow.lists().await, 1, "{artifact:?}, {state}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_an_answer_does_not_wait_for_a_slow_github() {
    for artifact in Artifact::ALL {
        let slow = Slow::new(artifact);
        slow.versions().await;
        assert_eq!(slow.lists().await, 1);
        slow.set_delay(2000);
        slow.pass(61);
        let waited = slow.versions().await;
        assert!(
            waited < Duration::from_secs(1),
            "{artifact:?}: stale: {waited:?}"
        );
        assert_eq!(slow.lists().await, 1);
        // Expired, and GitHub takes longer than anyone waits for it.
        slow.set_delay(60_000);
        slow.pass(3700);
        let waited = slow.versions().await;
        assert!(
            waited < Duration::from_secs(7),
            "{artifact:?}: expired: {waited:?}"
        );
        // Nobody waits for it again.
        let waited = slow.versions().await;
        assert!(
            waited < Duration::from_secs(1),
            "{artifact:?}: again: {waited:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_takes_longer_than_a_client_waits_comes_behind_its_answer() {
    let slow = Slow::with(Artifact::Spin, &[("cache_stale_seconds", "0")]);
    slow.versions().await;
    assert_eq!(slow.lists().await, 1);
    slow.pass(61);
    slow.set_delay(7000);
    slow.versions().await;
    // The first call was given up before it was answered; the one behind it was not.
    assert_eq!(slow.lists().await, 1);
    slow.set_delay(0);
    slow.versions().await;
    assert_eq!(slow.lists().await, 0, "it was refreshed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_of_25_mb_is_taken_and_a_larger_one_is_not() {
    for artifact in Artifact::ALL {
        let scenario = scenario("a_created_tag_is_asked_about");
        let github = Arc::clone(&scenario.github);
        let mut registry = Registry::new(
            artifact.component(),
            &scenario.variables,
            StoreKind::Keeps,
            scripted(&github),
        );
        for (length, is_announced, status) in [
            (25 << 20, true, 202),
            (25 << 20, false, 202),
            ((25 << 20) + 1, true, 413),
            ((25 << 20) + 1, false, 413),
        ] {
            let mut body = webhooks::payload(&serde_json::json!({}));
            body.resize(length, b' ');
            let mut delivery = webhooks::signed("push", &body, "application/json");
            if !is_announced {
                delivery
                    .headers
                    .retain(|(name, _)| *name != "content-length");
            }
            let got = registry.ask(&delivery).await;
            assert_eq!(got.status, status, "{artifact:?}: {length}: {:?}", got.log);
        }
        let unsigned = Ask {
            body: vec![b' '; 1 << 20],
            ..ask("POST", "/webhooks/github")
        };
        assert_eq!(registry.ask(&unsigned).await.status, 401);
        assert_eq!(registry.ask(&get("/healthz")).await.status, 200);
    }
}
