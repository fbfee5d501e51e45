//! Versions that are no longer what they were: their tag was moved, or their repository is another one.

use landfall_stand_in::Visibility;

use crate::Case;
use crate::client::{Client, Root};
use crate::embedded::{EXPIRED, Embedded, STALE};
use crate::modules::{conventional, module, root_of};
use crate::tree::Tree;
use crate::world::{OWNER, Settings, World, git};

/// Those of one artifact.
pub(crate) fn all() -> Vec<Case<Embedded>> {
    let mut cases = Vec::new();
    for (policy, settings, outcome) in POLICIES {
        for event in EVENTS {
            // Nobody has the archives of what is deleted.
            if matches!(event, Event::Deleted) && matches!(outcome, Outcome::FirstOfGitHub) {
                continue;
            }
            let name = format!("{}_{policy}", event.name());
            let case = Case::new(name, move |world| moved(world, event, outcome));
            cases.push(case.with(settings));
        }
    }
    cases
}

/// What happens to version 1.0.0.
#[derive(Clone, Copy)]
enum Event {
    /// `git tag --force`.
    Forced,
    /// The tag is deleted, which is noticed, and made anew elsewhere.
    MadeAnew,
    /// The repository is renamed, and another one takes its name.
    Renamed,
    /// The repository is deleted, and another one takes its name.
    Deleted,
}

const EVENTS: [Event; 4] = [
    Event::Forced,
    Event::MadeAnew,
    Event::Renamed,
    Event::Deleted,
];

/// What is installed afterwards.
#[derive(Clone, Copy)]
enum Outcome {
    /// What was seen first.
    First,
    /// The same, from GitHub each time.
    FirstOfGitHub,
    /// What is there now.
    Second,
    /// Nothing.
    Refused,
}

const POLICIES: [(&str, Settings, Outcome); 4] = [
    ("changes_no_version", &[], Outcome::First),
    (
        "changes_no_version_where_no_archive_is_kept",
        &[("archive_cache_bytes", "0")],
        Outcome::FirstOfGitHub,
    ),
    (
        "changes_a_version_where_tags_are_followed",
        &[("moved_tags", "follow")],
        Outcome::Second,
    ),
    (
        "is_refused_where_that_is_asked_for",
        &[("moved_tags", "refuse")],
        Outcome::Refused,
    ),
];

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::Forced => "a_tag_that_is_moved_by_force",
            Self::MadeAnew => "a_tag_that_is_deleted_and_made_anew",
            Self::Renamed => "a_repository_in_the_name_of_one_that_was_renamed",
            Self::Deleted => "a_repository_in_the_name_of_one_that_was_deleted",
        }
    }

    /// Whether the whole repository is another one.
    fn is_replacement(self) -> bool {
        matches!(self, Self::Renamed | Self::Deleted)
    }

    fn happens(self, world: &World<Embedded>, name: &str) {
        let repository = conventional(name);
        let git_dir = world.git_dir(&repository);
        match self {
            Self::Forced => {
                git(&git_dir, &["tag", "--force", "v1.0.0", "main"]);
            }
            Self::MadeAnew => {
                git(&git_dir, &["tag", "--delete", "v1.0.0"]);
                world.pass(STALE);
                world.refresh(name);
                let answer = world.versions(name);
                assert!(!answer.body.contains("1.0.0"), "{answer:?}");
                git(&git_dir, &["tag", "v1.0.0", "main"]);
            }
            Self::Renamed => {
                let from = format!("{OWNER}/{repository}");
                let to = format!("{OWNER}/renamed-{name}");
                assert!(world.github.rename_repository(&from, &to));
                take_the_name(world, &repository);
            }
            Self::Deleted => {
                assert!(world.github.remove_repository(OWNER, &repository));
                take_the_name(world, &repository);
            }
        }
    }
}

/// It happens to two modules. Of one it is noticed behind an answer, of the other before the first one that follows.
fn moved(world: &World<Embedded>, event: Event, outcome: Outcome) {
    another(world);
    let modules = ["behind", "before"].map(|name| Module::build(world, name, event));
    for module in &modules {
        module.is_first(world);
        assert_eq!(world.versions(module.name).header(WARNING), None);
    }
    for module in &modules {
        event.happens(world, module.name);
    }
    let [behind, before] = &modules;
    world.pass(STALE);
    world.refresh(behind.name);
    behind.is(world, event, outcome);
    world.pass(EXPIRED);
    before.is(world, event, outcome);
    behind.is(world, event, outcome);
}

struct Module {
    name: &'static str,
    /// Version 1.0.0 before the event.
    first: Tree,
    /// What bears its name after it.
    second: Tree,
}

impl Module {
    /// Three versions, so that one that is deleted does not look like a loss.
    fn build(world: &World<Embedded>, name: &'static str, event: Event) -> Self {
        let repository = conventional(name);
        world
            .repository(&repository)
            .file("main.tf", module(&format!("first {name}")))
            .commit("Add the module")
            .tag("v1.0.0")
            .file("main.tf", module(&format!("later {name}")))
            .commit("Change the module")
            .tag("v1.1.0")
            .tag("v1.2.0")
            .build()
            .unwrap();
        let second = if event.is_replacement() {
            world.committed(ANOTHER, "v1.0.0")
        } else {
            world.committed(&repository, "main")
        };
        Self {
            name,
            first: world.committed(&repository, "v1.0.0"),
            second,
        }
    }

    /// Whoever asks is told, the log says it, and a root module that was never installed before gets what it should.
    fn is(&self, world: &World<Embedded>, event: Event, outcome: Outcome) {
        let name = self.name;
        let answer = world.versions(name);
        let is_gone = matches!(outcome, Outcome::Refused) && event.is_replacement();
        assert_eq!(answer.status, if is_gone { 409 } else { 200 }, "{answer:?}");
        let is_told = is_gone || answer.header(WARNING).is_some();
        assert!(is_told, "{name}: no warning in {answer:?}");
        let line = format!("integrity: {OWNER}/{}", conventional(name));
        let log = world.registry.log();
        let is_logged = log.lines().any(|it| it.contains(&line));
        assert!(is_logged, "{name}: nothing in the log");
        match outcome {
            Outcome::First | Outcome::FirstOfGitHub => {
                world.github.clear_log();
                self.is_first(world);
                let expected = usize::from(matches!(outcome, Outcome::FirstOfGitHub));
                let archives = world.github.counts().archives;
                assert_eq!(archives, expected, "{name}: archives of GitHub's");
            }
            Outcome::Second => {
                let root = self.root(world);
                root.init().succeeds();
                root.installed(name).is_that_of(&self.second);
            }
            Outcome::Refused => {
                let root = self.root(world);
                root.init().fails_with("409 Conflict");
                assert_eq!(root.accepted(name), None);
            }
        }
    }

    #[track_caller]
    fn is_first(&self, world: &World<Embedded>) {
        let root = self.root(world);
        root.init().succeeds();
        root.installed(self.name).is_that_of(&self.first);
    }

    fn root(&self, world: &World<Embedded>) -> Root {
        world.root(Client::Terraform, &root_of([self.name], "1.0.0"))
    }
}

/// Another repository with a version 1.0.0.
fn another(world: &World<Embedded>) {
    world
        .repository(ANOTHER)
        .file("main.tf", module("second"))
        .commit("Add another module")
        .tag("v1.0.0")
        .build()
        .unwrap();
}

/// Another repository takes the name.
fn take_the_name(world: &World<Embedded>, name: &str) {
    let git_dir = world.git_dir(ANOTHER);
    world
        .github
        .add_repository(OWNER, name, Visibility::Private, git_dir);
}

const ANOTHER: &str = "another";
const WARNING: &str = "x-landfall-warning";
