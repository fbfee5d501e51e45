//! What GitHub is asked, and when a new tag shows.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use landfall_stand_in::{Fault, FaultKind, Tag};
use landfall_terraform_tests::embedded::LIST;
use landfall_terraform_tests::http;
use landfall_terraform_tests::modules::{convention, conventional, module, probe};
use landfall_terraform_tests::world::{OWNER, Settings, git};

use crate::archives::FORGETS;
use crate::ask::{
    archive, asked, get, is_error, is_tree_of, outlive_a_second, until, versions, versions_path,
};
use crate::scenario::{Scenario, Stage};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("a_known_list_costs_nothing", |stage| twenty_times(stage, 1)).forgotten(FORGETS, |stage| twenty_times(stage, 20)),
        Scenario::new("no_change_is_free", |stage| no_change(stage, (1, 2))).with(EXPIRES).forgotten(FORGETS, |stage| no_change(stage, (3, 0))),
        Scenario::new("a_stale_list_is_given_at_once_and_refreshed_behind_the_answer", stale)
            .with(&[("cache_fresh_seconds", "1")])
            .forgotten(FORGETS, never_stale),
        Scenario::new("a_new_tag_shows_at_once_after_a_webhook", webhook).with(HOOK).forgotten(FORGETS, webhook_for_nothing),
        Scenario::new("a_webhook_that_is_not_signed_is_refused", unsigned).with(HOOK),
        Scenario::new("a_webhook_that_is_too_large_is_refused", too_large).with(HOOK),
        Scenario::new("sixty_four_requests_for_an_unknown_list_cost_one_call", |stage| {
            crowd(stage, CROWD);
            assert_eq!(asked(stage, LIST).len(), 1, "calls for the list");
        })
        .forgotten(FORGETS, |stage| {
            // Each makes a token of its own, and signs for it.
            crowd(stage, SMALL_CROWD);
            assert_eq!(asked(stage, LIST).len(),
                SMALL_CROWD, "calls for the list");
        }),
        Scenario::new("a_renamed_repository_is_followed", renamed).with(EXPIRES),
        Scenario::new("a_moved_tag_changes_no_version_and_is_told", moved).with(EXPIRES).forgotten(
            "its key-value store forgets everything after each request: nothing remembers what a tag was first, so versions follow their tags",
            followed,
        ),
    ]
}

/// A list is fresh for a second, and expired after it.
const EXPIRES: Settings = &[("cache_fresh_seconds", "1"), ("cache_stale_seconds", "0")];
const HOOK: Settings = &[("webhook_secret", SECRET)];
const SECRET: &str = "the hook's secret";
const CROWD: usize = 64;
const SMALL_CROWD: usize = 8;

fn twenty_times(stage: &Stage, calls: usize) {
    convention(stage, "known");
    for _ in 0..20 {
        assert_eq!(versions(stage, "known"), ["1.0.0"]);
    }
    assert_eq!(asked(stage, LIST).len(), calls, "calls for the list");
}

/// How many of three questions are billed, and how many are answered 304.
fn no_change(stage: &Stage, billed_and_free: (usize, usize)) {
    convention(stage, "known");
    for _ in 0..3 {
        assert_eq!(versions(stage, "known"), ["1.0.0"]);
        outlive_a_second();
    }
    let counts = stage.github.counts();
    assert_eq!(
        (counts.billed, counts.not_modified),
        billed_and_free,
        "billed and 304"
    );
}

/// Tags the next version.
fn grow(stage: &Stage, name: &str) -> String {
    let repository = conventional(name);
    let carried_on = stage
        .carried_on(&repository)
        .file("main.tf", module("more"));
    carried_on.commit("Grow").tag("v1.1.0").build().unwrap();
    stage.commit(&repository, "v1.1.0")
}

/// GitHub takes a while from now on.
fn delay(stage: &Stage, milliseconds: u64) {
    let delay = FaultKind::Delay { milliseconds };
    stage
        .github
        .add_fault(Fault::api(format!("*{LIST}*"), delay));
}

fn stale(stage: &Stage) {
    convention(stage, "growing");
    assert_eq!(versions(stage, "growing"), ["1.0.0"]);
    grow(stage, "growing");
    outlive_a_second();
    stage.github.clear_log();
    delay(stage, 2000);
    let began = Instant::now();
    assert_eq!(versions(stage, "growing"), ["1.0.0"], "the stale list");
    let taken = began.elapsed();
    assert!(
        taken < Duration::from_millis(1500),
        "it waits {taken:?} for GitHub"
    );
    until("GitHub has answered behind the answer", || {
        stage
            .github
            .log()
            .iter()
            .any(|it| it.path.contains(LIST) && it.status == Some(200))
    });
    // What is then written is not seen from here.
    until("the new tag shows", || {
        versions(stage, "growing") == ["1.1.0", "1.0.0"]
    });
}

fn never_stale(stage: &Stage) {
    convention(stage, "growing");
    assert_eq!(versions(stage, "growing"), ["1.0.0"]);
    grow(stage, "growing");
    assert_eq!(versions(stage, "growing"), ["1.1.0", "1.0.0"]);
}

fn deliver(stage: &Stage, commit: &str) {
    let subject = stage
        .github
        .subject(OWNER, &conventional("growing"))
        .unwrap();
    let hook = stage.github.webhook(SECRET);
    let url = format!("http://{}/webhooks/github", stage.address);
    for delivery in hook.push_tags(&subject, &[Tag::new("v1.1.0", commit)]) {
        assert_eq!(delivery.send(&url).unwrap(), 202);
    }
}

fn webhook(stage: &Stage) {
    convention(stage, "growing");
    assert_eq!(versions(stage, "growing"), ["1.0.0"]);
    let commit = grow(stage, "growing");
    assert_eq!(versions(stage, "growing"), ["1.0.0"], "fresh for a minute");
    deliver(stage, &commit);
    assert_eq!(versions(stage, "growing"), ["1.1.0", "1.0.0"]);
}

fn webhook_for_nothing(stage: &Stage) {
    convention(stage, "growing");
    let commit = grow(stage, "growing");
    deliver(stage, &commit);
    assert_eq!(versions(stage, "growing"), ["1.1.0", "1.0.0"]);
}

fn unsigned(stage: &Stage) {
    convention(stage, "growing");
    let subject = stage
        .github
        .subject(OWNER, &conventional("growing"))
        .unwrap();
    let url = format!("http://{}/webhooks/github", stage.address);
    let commit = stage.commit(&conventional("growing"), "v1.0.0");
    let deliveries = || {
        stage
            .github
            .webhook(SECRET)
            .push_tags(&subject, &[Tag::new("v1.0.0", &commit)])
    };
    for delivery in deliveries() {
        assert_eq!(delivery.clone().unsigned().send(&url).unwrap(), 401);
        assert_eq!(delivery.wrongly_signed().send(&url).unwrap(), 401);
    }
    let without = stage.changed(&[("webhook_secret", "")]);
    let url = format!("http://{}/webhooks/github", without.address);
    for delivery in deliveries() {
        assert_eq!(delivery.send(&url).unwrap(), 404);
    }
    assert_eq!(stage.github.log(), []);
}

fn too_large(stage: &Stage) {
    let request = format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: {}\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: sha256={}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{{",
        stage.address,
        "0".repeat(64),
        26 << 20
    );
    let answer = http::raw(&stage.address, &request);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    crate::protocol::is_alive(stage);
}

fn crowd(stage: &Stage, size: usize) {
    convention(stage, "cold");
    convention(stage, "warm");
    // The token is there.
    versions(stage, "warm");
    stage.github.clear_log();
    delay(stage, 1000);
    let start = Barrier::new(size);
    let answers: Vec<_> = thread::scope(|scope| {
        let ask = || {
            start.wait();
            get(stage, &versions_path("cold"))
        };
        let clients: Vec<_> = (0..size).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().map(|it| it.join().unwrap()).collect()
    });
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body, answers[0].body);
    }
    assert!(answers[0].body.contains("1.0.0"));
}

fn renamed(stage: &Stage) {
    probe(stage);
    assert_eq!(versions(stage, "probe"), ["1.0.0"]);
    assert!(stage.github.rename_repository("acme/probe", "acme/renamed"));
    outlive_a_second();
    assert_eq!(versions(stage, "probe"), ["1.0.0"]);
    is_tree_of(
        stage,
        &archive(stage, "probe", "1.0.0"),
        "probe",
        "v1.0.0^{tree}",
    );
}

/// A tag is set to another commit.
fn force(stage: &Stage) {
    probe(stage);
    let carried_on = stage.carried_on("probe").file("main.tf", module("other"));
    carried_on
        .commit("Change it")
        .tag("v1.1.0")
        .tag("v1.2.0")
        .build()
        .unwrap();
    assert_eq!(versions(stage, "probe").len(), 3);
    git(&stage.git_dir("probe"), &["tag", "seen-first", "v1.0.0"]);
    git(
        &stage.git_dir("probe"),
        &["tag", "--force", "v1.0.0", "v1.1.0"],
    );
    outlive_a_second();
}

fn moved(stage: &Stage) {
    force(stage);
    let answer = get(stage, &versions_path("probe"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.header("X-Landfall-Warning").is_some(),
        "no warning: {answer:?}"
    );
    is_tree_of(
        stage,
        &archive(stage, "probe", "1.0.0"),
        "probe",
        "seen-first^{tree}",
    );
    let log = stage.registry.log();
    assert!(log.contains("integrity: acme/probe"), "nothing in the log");
    let stage = stage.changed(&[("moved_tags", "refuse")]);
    assert_eq!(
        versions(&stage, "probe").len(),
        3,
        "what is seen now is seen first"
    );
}

fn followed(stage: &Stage) {
    force(stage);
    is_tree_of(
        stage,
        &archive(stage, "probe", "1.0.0"),
        "probe",
        "v1.1.0^{tree}",
    );
    is_error(
        &get(stage, "/v1/modules/acme/probe/null/3.0.0/download"),
        404,
        "no such version",
    );
}
