//! The attacks of the native tests, on both components.

use landfall_component_tests::artifact::Artifact;
use landfall_component_tests::registry::{Registry, scripted};
use landfall_component_tests::support::scenario::{Kept, StoreKind};
use landfall_component_tests::support::{attacks, scenarios, secrets};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_comes_of_an_attack_on_landfall_spin() {
    attack(Artifact::Spin).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_comes_of_an_attack_on_landfall_wasi() {
    attack(Artifact::Wasi).await;
}

async fn attack(artifact: Artifact) {
    let scenario = attacks::attacked();
    let mut registry = Registry::new(
        artifact.component(),
        &scenario.variables,
        StoreKind::Keeps,
        scripted(&scenario.github),
    );
    registry.begin(&scenario);
    let mut kept = Kept::default();
    kept.keep(&registry.ask(&attacks::download()).await);
    let url = kept.fill(&scenarios::get("{location}"));
    assert_eq!(registry.ask(&url).await.status, 200);
    let path = &url.target;
    let asks = attacks::bit_flips(path)
        .into_iter()
        .chain(attacks::tricks(path))
        .chain(attacks::random(10_000, path));
    for ask in asks {
        // What is no URI or no header never reaches a component.
        if let Some(got) = registry.try_ask(&ask).await {
            attacks::check(&ask, &got);
            secrets::check(&scenario, &ask, &got, []);
        }
    }
    assert_eq!(registry.ask(&url).await.status, 200);
}
