//! What works when GitHub's rate limit is all but used up.

use std::time::{Duration, Instant};

use crate::Case;
use crate::client::Client;
use crate::embedded::{Embedded, LIST, STALE};
use crate::modules::{convention, conventional, root_of};
use crate::world::{OWNER, Settings, World};

/// Those of one artifact.
pub(crate) fn all() -> Vec<Case<Embedded>> {
    const NONE_KEPT: Settings = &[("archive_cache_bytes", "0")];
    vec![
        Case::new(
            "known_modules_install_when_only_the_reserve_is_left",
            |world| reserve(world, 0),
        ),
        Case::new(
            "known_modules_install_when_only_the_reserve_is_left_and_no_archive_is_kept",
            |world| reserve(world, KNOWN.len()),
        )
        .with(NONE_KEPT),
    ]
}

/// Known modules install, with so many archives of GitHub's; an unknown one fails soon; no list is asked for.
fn reserve(world: &World<Embedded>, archives: usize) {
    for name in KNOWN.into_iter().chain(["last", "unknown"]) {
        convention(world, name);
    }
    let mut knobs = world.github.knobs();
    knobs.rate_limit = 100;
    world.github.set_knobs(knobs);
    installs(world, &KNOWN);
    world.pass(STALE);
    assert!(world.github.set_used(OWNER, 96));
    // After this call 3 of 100 are left, and 5 are the reserve.
    installs(world, &["last"]);
    assert_eq!(world.asked(LIST).len(), KNOWN.len() + 1);

    world.github.clear_log();
    installs(world, &KNOWN);
    let start = Instant::now();
    let root = world.root(Client::Terraform, &root_of(["unknown"], "1.0.0"));
    root.init()
        .fails_with("the request failed after 2 attempts");
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(30), "{taken:?}");
    let answer = world.versions("unknown");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.body.contains("rate limit"), "{answer:?}");

    assert_eq!(world.asked(LIST), [""; 0]);
    let counts = world.github.counts();
    assert_eq!((counts.billed, counts.archives), (0, archives));
}

fn installs(world: &World<Embedded>, names: &[&str]) {
    let root = world.root(Client::Terraform, &root_of(names.iter().copied(), "1.0.0"));
    root.init().succeeds();
    for name in names {
        root.installed(name)
            .is_that_of(&world.committed(&conventional(name), "v1.0.0"));
    }
}

const KNOWN: [&str; 2] = ["one", "two"];
