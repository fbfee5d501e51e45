//! A hundred requests at once for what has to be asked of GitHub: one of them asks.

use std::sync::Barrier;
use std::thread;

use landfall_stand_in::{Fault, FaultKind};

use crate::Case;
use crate::embedded::{EXPIRED, Embedded, LIST, STALE, versions_path};
use crate::http::{self, Answer};
use crate::modules::convention;
use crate::world::World;

/// Those of each artifact.
pub(crate) fn all() -> Vec<Case<Embedded>> {
    vec![
        Case::new("an_expired_list_is_asked_for_once", |world| {
            known_list(world, EXPIRED);
        }),
        Case::new("a_stale_list_is_asked_for_once", |world| {
            known_list(world, STALE);
        }),
        Case::new("an_unknown_list_is_asked_for_once", |world| {
            let names: Vec<String> = (0..ROUNDS).map(|round| format!("cold{round}")).collect();
            for name in &names {
                convention(world, name);
            }
            let calls = names.iter().map(|name| calls_of_a_crowd(world, name));
            one_each(&calls.collect::<Vec<usize>>());
        }),
    ]
}

fn known_list(world: &World<Embedded>, seconds: u32) {
    convention(world, "crowded");
    world.refresh("crowded");
    let calls = (0..ROUNDS).map(|_| {
        world.pass(seconds);
        calls_of_a_crowd(world, "crowded")
    });
    one_each(&calls.collect::<Vec<usize>>());
}

/// How often GitHub is asked for the tags when a hundred clients ask for the versions, who all get the same.
fn calls_of_a_crowd(world: &World<Embedded>, name: &str) -> usize {
    world.github.clear_log();
    world.github.clear_faults();
    let milliseconds = 150;
    let delay = FaultKind::Delay { milliseconds };
    world
        .github
        .add_fault(Fault::api(format!("*{LIST}*"), delay));
    let before = unconfirmed(world);
    let answers = crowd(&world.address, &versions_path(name));
    for answer in &answers {
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert_eq!(answer.body, answers[0].body);
    }
    assert!(answers[0].body.contains("1.0.0"), "{:?}", answers[0]);
    let calls = world.asked(LIST).len();
    assert!(world.github.counts().mints <= 1, "a token for each call");
    assert!(unconfirmed(world) > before + 1, "one came after the other");
    calls
}

/// Requests that came before GitHub had answered the one that asks.
fn unconfirmed(world: &World<Embedded>) -> usize {
    let log = world.registry.log();
    let is_one =
        |line: &&str| line.contains(r#""cache":"asked""#) || line.contains(r#""cache":"stale""#);
    log.lines().filter(is_one).count()
}

fn crowd(address: &str, path: &str) -> Vec<Answer> {
    let start = Barrier::new(CROWD);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CROWD)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    http::get(address, path)
                })
            })
            .collect();
        let answers = clients.into_iter().map(|client| client.join().unwrap());
        answers.collect()
    })
}

#[track_caller]
fn one_each(calls: &[usize]) {
    assert_eq!(calls, [1; ROUNDS], "calls for the list, by round");
}

const CROWD: usize = 100;
const ROUNDS: usize = 10;
