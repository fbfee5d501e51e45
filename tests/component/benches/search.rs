//! What a search of 1,000 modules costs, beside an answer that costs nothing: the difference is the search. `make bench` runs it.

#![expect(
    clippy::print_stdout,
    reason = "a bench prints its figures, and fails by its message"
)]

use std::time::{Duration, Instant};

use landfall_component_tests::artifact::Artifact;
use landfall_component_tests::registry::{Registry, scripted};
use landfall_component_tests::support::lists;
use landfall_component_tests::support::scenario::StoreKind;
use landfall_component_tests::support::scenarios::get;

const ROUNDS: usize = 200;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("of {ROUNDS} requests      artifact  median    90 %");
    let scenario = lists::thousand();
    for artifact in Artifact::ALL {
        let outbound = scripted(&scenario.github);
        let component = artifact.component();
        let mut registry =
            Registry::new(component, &scenario.variables, StoreKind::Keeps, outbound);
        registry.begin(&scenario);
        // Sixty repositories are asked about at once.
        for _ in 0..20 {
            let got = registry.ask(&get("/v1/modules?limit=1")).await;
            assert_eq!(got.status, 200);
        }
        for (name, target) in [
            ("healthz", "/healthz"),
            ("first page of all", "/v1/modules"),
            ("search, two words", "/v1/modules/search?q=network+7"),
            ("a hundred found", "/v1/modules/search?q=platform&limit=100"),
            ("one module", "/v1/modules/acme/network-0777"),
        ] {
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                let got = registry.ask(&get(target)).await;
                times.push(begun.elapsed());
                assert_eq!(got.status, 200);
            }
            times.sort_unstable();
            let at = |share: usize| times.get(ROUNDS * share / 100).copied().unwrap_or_default();
            let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1000.0);
            println!(
                "{name:<20} {:<9} {:<9} {}",
                format!("{artifact:?}"),
                ms(at(50)),
                ms(at(90))
            );
        }
    }
}
