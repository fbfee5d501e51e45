//! What GitHub is asked, and what shows of it, as time goes by.

use std::time::{Duration, Instant};

use landfall_stand_in::{Counts, Delivery, Tag};

use crate::Case;
use crate::client::{Client, Root};
use crate::embedded::{EXPIRED, Embedded, LIST, STALE};
use crate::five_modules;
use crate::modules::{convention, conventional, module, root_of};
use crate::world::{OWNER, World};

/// Those of each artifact.
pub(crate) fn of_both() -> Vec<Case<Embedded>> {
    let mut cases = vec![Case::new(
        "fifty_modules_cost_fifty_calls_once_and_outlive_github",
        fifty_modules,
    )];
    for event in ["create", "push"] {
        let name = format!("a_new_tag_is_there_at_once_after_a_{event}_webhook");
        let case = Case::new(name, move |world| webhook(world, event));
        cases.push(case.with(&[("webhook_secret", SECRET)]));
    }
    cases
}

/// Those of one artifact.
pub(crate) fn of_one() -> Vec<Case<Embedded>> {
    vec![
        Case::new(
            "a_new_tag_is_there_for_the_second_init_after_a_minute",
            |world| {
                shows_to_init(world, 2);
            },
        ),
        Case::new(
            "a_new_tag_is_there_for_the_first_init_after_a_minute_where_nothing_may_be_stale",
            |world| shows_to_init(world, 1),
        )
        .with(&[("cache_stale_seconds", "0")]),
        Case::new(
            "a_version_in_the_middle_of_5000_installs_cold_and_for_free_when_expired",
            five_thousand_tags,
        ),
        Case::new(
            "a_renamed_repository_is_asked_for_by_its_number_alone",
            renamed,
        )
        .with(&[("archive_cache_bytes", "0")]),
    ]
}

/// The one with a store that forgets everything.
pub(crate) fn without_memory() -> Case<Embedded> {
    Case::new("five_modules_install_without_any_memory", |world| {
        five_modules::install(world, Client::Terraform);
        let counts = world.github.counts();
        // A token for each of versions, location and archive of each of the five.
        assert_eq!((counts.mints, counts.lookups), (15, 15));
    })
}

fn fifty_modules(world: &World<Embedded>) {
    let names: Vec<String> = (0..50).map(|n| format!("m{n:02}")).collect();
    for name in &names {
        convention(world, name);
    }
    let main = root_of(names.iter().map(String::as_str), "1.0.0");

    installs_some_of_fifty(world, &main);
    let counts = taken(world);
    let once = Counts {
        mints: 1,
        lookups: 1,
        billed: 50,
        archives: 50,
        ..Counts::default()
    };
    assert_eq!(counts, once, "at first");

    installs_some_of_fifty(world, &main);
    world.registry.settle();
    assert_eq!(world.github.log(), [], "within a minute");

    world.pass(EXPIRED);
    installs_some_of_fifty(world, &main);
    let free = Counts {
        mints: 1,
        not_modified: 50,
        ..Counts::default()
    };
    assert_eq!(taken(world), free, "an hour later");

    world.pass(EXPIRED);
    world.github.set_down(true);
    let start = Instant::now();
    installs_some_of_fifty(world, &main);
    let taken_time = start.elapsed();
    assert!(taken_time < Duration::from_mins(1), "{taken_time:?}");
    assert!(taken(world).refused > 0, "GitHub was not asked at all");
}

fn installs_some_of_fifty(world: &World<Embedded>, main: &str) {
    let root = world.root(Client::Terraform, main);
    root.init().succeeds();
    for name in ["m00", "m24", "m49"] {
        is_that_of(world, &root, name, "v1.0.0");
    }
}

/// What GitHub was asked since the last time, in the end and without how much of it was at once.
fn taken(world: &World<Embedded>) -> Counts {
    world.registry.settle();
    Counts {
        peak_concurrency: 0,
        ..world.github.take_counts()
    }
}

/// The tag shows to the init of this number, once the list is not fresh.
fn shows_to_init(world: &World<Embedded>, number: usize) {
    convention(world, "growing");
    installs_growing(world, "1.0.0");
    grow(world);
    // That was just asked for.
    installs_growing(world, "1.0.0");
    world.pass(STALE);
    for _ in 1..number {
        installs_growing(world, "1.0.0");
        world.registry.settle();
    }
    installs_growing(world, "1.1.0");
}

fn webhook(world: &World<Embedded>, event: &str) {
    convention(world, "growing");
    installs_growing(world, "1.0.0");
    let commit = grow(world);
    let delivery = delivery(world, event, &commit);
    let url = format!("http://{}/webhooks/github", world.address);

    world.github.clear_log();
    let unbelieved = delivery.clone().wrongly_signed();
    assert_eq!(unbelieved.send(&url).unwrap(), 401);
    installs_growing(world, "1.0.0");
    world.registry.settle();
    assert_eq!(world.github.log(), [], "after a wrong signature");

    assert_eq!(delivery.send(&url).unwrap(), 202);
    installs_growing(world, "1.1.0");
    assert_eq!(world.asked(LIST).len(), 1);
}

fn delivery(world: &World<Embedded>, event: &str, commit: &str) -> Delivery {
    let subject = world.github.subject(OWNER, &conventional("growing"));
    let tags = [Tag::new("v1.1.0", commit)];
    let deliveries = world
        .github
        .webhook(SECRET)
        .push_tags(&subject.unwrap(), &tags);
    let mut deliveries = deliveries.into_iter();
    let is_it = |delivery: &Delivery| delivery.header("X-GitHub-Event") == Some(event);
    deliveries.find(is_it).unwrap()
}

/// Tags the next version of `growing`, and gives its commit.
fn grow(world: &World<Embedded>) -> String {
    let repository = conventional("growing");
    world
        .carried_on(&repository)
        .file("main.tf", module("more"))
        .commit("Grow")
        .tag("v1.1.0")
        .build()
        .unwrap();
    world.commit(&repository, "v1.1.0")
}

/// The newest version of `growing` is this one, for a root module that was never installed before.
#[track_caller]
fn installs_growing(world: &World<Embedded>, version: &str) {
    let root = world.root(Client::Terraform, &root_of(["growing"], ">= 1.0.0"));
    root.init().succeeds();
    let accepted = (version.to_owned(), String::new());
    assert_eq!(root.accepted("growing"), Some(accepted));
    is_that_of(world, &root, "growing", &format!("v{version}"));
}

/// Every second tag is annotated. The two in the middle have commits of their own.
fn five_thousand_tags(world: &World<Embedded>) {
    let mut repository = world
        .repository(&conventional("old"))
        .file("main.tf", module("any"))
        .commit("Add the module");
    for minor in 0..50 {
        for patch in 0..100 {
            let tag = format!("v1.{minor}.{patch}");
            if minor == 25 && matches!(patch, 50 | 51) {
                repository = repository.file("main.tf", module(&tag)).commit(&tag);
            }
            repository = if patch % 2 == 0 {
                repository.tag(&tag)
            } else {
                repository.annotated_tag(&tag)
            };
        }
    }
    repository.build().unwrap();

    installs_the_middle(world);
    let counts = taken(world);
    assert_eq!((counts.billed, counts.archives), (1, 2), "cold");
    world.pass(EXPIRED);
    installs_the_middle(world);
    let counts = taken(world);
    let figures = (counts.billed, counts.not_modified, counts.archives);
    assert_eq!(figures, (0, 1, 0), "expired");
}

fn installs_the_middle(world: &World<Embedded>) {
    for version in ["1.25.50", "1.25.51"] {
        let root = world.root(Client::Terraform, &root_of(["old"], version));
        root.init().succeeds();
        is_that_of(world, &root, "old", &format!("v{version}"));
    }
    assert_eq!(world.asked("/git/tags/"), [""; 0]);
}

fn renamed(world: &World<Embedded>) {
    convention(world, "growing");
    installs_growing(world, "1.0.0");
    let old = conventional("growing");
    let id = world.github.subject(OWNER, &old).unwrap().repository.id;
    let is_renamed = |to: &str| {
        let (from, to) = (format!("{OWNER}/{old}"), format!("{OWNER}/{to}"));
        world.github.rename_repository(&from, &to)
    };
    assert!(is_renamed("terraform-null-grown"));
    grow(world);
    world.pass(STALE);
    // The old name leads to the number.
    world.refresh("growing");
    for seconds in [STALE, EXPIRED, EXPIRED] {
        world.github.clear_log();
        world.pass(seconds);
        installs_growing(world, "1.1.0");
        let asked = world.asked("/repos");
        let list = format!("/repositories/{id}{LIST}");
        let archive = format!("/repositories/{id}/zipball/");
        for part in [&list, &archive] {
            assert!(asked.iter().any(|path| path.starts_with(part)), "{asked:?}");
        }
        let by_number = format!("/repositories/{id}/");
        let mut others = asked.iter().filter(|path| !path.starts_with(&by_number));
        assert_eq!(others.next(), None, "of {asked:?}");
    }
}

#[track_caller]
fn is_that_of(world: &World<Embedded>, root: &Root, name: &str, tag: &str) {
    root.installed(name)
        .is_that_of(&world.committed(&conventional(name), tag));
}

const SECRET: &str = "the hook's secret";
