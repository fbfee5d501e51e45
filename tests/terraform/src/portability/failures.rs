//! A GitHub that fails, limits or refuses, and a registry that is not configured.

use std::time::{Duration, Instant};

use landfall_stand_in::{Fault, FaultKind};
use landfall_terraform_tests::embedded::LIST;
use landfall_terraform_tests::modules::{convention, probe};
use landfall_terraform_tests::world::Settings;

use crate::archives::FORGETS;
use crate::ask::{
    archive, asked, asks_to_come_again, get, is_error, is_tree_of, json, outlive_a_second,
    versions, versions_path,
};
use crate::scenario::{Scenario, Stage};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("what_is_known_outlives_github", outlived)
            .with(EXPIRES)
            .forgotten(FORGETS, |stage| {
                probe(stage);
                assert_eq!(versions(stage, "probe"), ["1.0.0"]);
                stage.github.set_down(true);
                asks_to_come_again(&get(stage, &versions_path("probe")), "cannot be reached");
                stage.github.set_down(false);
                assert_eq!(versions(stage, "probe"), ["1.0.0"]);
            }),
        Scenario::new(
            "a_github_that_is_down_is_a_503_for_what_is_unknown",
            |stage| {
                probe(stage);
                stage.github.set_down(true);
                asks_to_come_again(&get(stage, &versions_path("probe")), "cannot be reached");
                is_error(&get(stage, "/readyz"), 503, "");
                assert_eq!(get(stage, "/healthz").status, 200);
            },
        ),
        Scenario::new(
            "a_github_that_stalls_is_given_up_within_ten_seconds",
            |stage| {
                probe(stage);
                stage.github.add_fault(Fault::api(
                    format!("*{LIST}*"),
                    FaultKind::Stall { seconds: 120 },
                ));
                let began = Instant::now();
                asks_to_come_again(&get(stage, &versions_path("probe")), "cannot be reached");
                let taken = began.elapsed();
                assert!(
                    taken < Duration::from_secs(10),
                    "Terraform gives up before {taken:?}"
                );
            },
        )
        .slow(),
        Scenario::new("a_rate_limit_is_a_503_that_asks_to_come_again", |stage| {
            limited(
                stage,
                &FaultKind::RateLimited {
                    status: 403,
                    reset_after_seconds: 3000,
                },
            )
        }),
        Scenario::new(
            "a_secondary_limit_is_a_503_that_asks_to_come_again",
            |stage| {
                limited(
                    stage,
                    &FaultKind::SecondaryRateLimited {
                        status: 429,
                        retry_after_seconds: Some(120),
                    },
                );
            },
        ),
        Scenario::new("a_credential_that_github_refuses_is_a_502", |stage| {
            probe(stage);
            stage
                .github
                .add_fault(Fault::api("*", FaultKind::BadCredentials));
            is_error(&get(stage, &versions_path("probe")), 502, "credential");
            is_error(&get(stage, "/readyz"), 503, "");
        }),
        Scenario::new("a_permission_that_the_app_lacks_is_a_502", |stage| {
            probe(stage);
            stage
                .github
                .add_fault(Fault::api(format!("*{LIST}*"), FaultKind::PermissionDenied));
            is_error(&get(stage, &versions_path("probe")), 502, "credential");
        }),
        Scenario::new("an_owner_without_the_app_is_a_404_and_not_ready", |stage| {
            probe(stage);
            assert!(stage.github.subject("acme", "probe").is_some());
            stage.github.uninstall("acme");
            is_error(&get(stage, &versions_path("probe")), 404, "no such module");
            is_error(&get(stage, "/readyz"), 503, "acme");
        }),
        Scenario::new("a_web_page_for_an_answer_is_a_502", |stage| {
            probe(stage);
            stage
                .github
                .add_fault(Fault::api(format!("*{LIST}*"), FaultKind::Html));
            is_error(&get(stage, &versions_path("probe")), 502, "GitHub's answer");
        }),
        Scenario::new("a_registry_that_is_ready_says_so", |stage| {
            probe(stage);
            assert!(stage.github.subject("acme", "probe").is_some());
            let answer = get(stage, "/readyz");
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(json(&answer)["status"], "ok");
        }),
        Scenario::new(
            "all_problems_of_a_configuration_are_named_at_once",
            misconfigured,
        )
        .with(WRONG),
    ]
}

const EXPIRES: Settings = &[("cache_fresh_seconds", "1"), ("cache_stale_seconds", "0")];
const WRONG: Settings = &[
    ("github_private_key", "not-a-key-but-a-secret"),
    ("base_url", "modules.example.com"),
    ("moved_tags", "perhaps"),
];

fn outlived(stage: &Stage) {
    probe(stage);
    convention(stage, "unknown");
    assert_eq!(versions(stage, "probe"), ["1.0.0"]);
    archive(stage, "probe", "1.0.0");
    stage.github.set_down(true);
    outlive_a_second();
    for _ in 0..3 {
        assert_eq!(versions(stage, "probe"), ["1.0.0"]);
        is_tree_of(
            stage,
            &archive(stage, "probe", "1.0.0"),
            "probe",
            "v1.0.0^{tree}",
        );
    }
    assert!(
        stage.github.counts().refused > 0,
        "GitHub was not asked at all"
    );
    asks_to_come_again(&get(stage, &versions_path("unknown")), "cannot be reached");
}

fn limited(stage: &Stage, fault: &FaultKind) {
    probe(stage);
    stage
        .github
        .add_fault(Fault::api(format!("*{LIST}*"), fault.clone()));
    asks_to_come_again(&get(stage, &versions_path("probe")), "rate limit");
    assert!(!asked(stage, LIST).is_empty());
}

fn misconfigured(stage: &Stage) {
    is_error(&get(stage, &versions_path("probe")), 503, "not configured");
    let answer = get(stage, "/readyz");
    for name in ["`github_private_key`", "`base_url`", "`moved_tags`"] {
        is_error(&answer, 503, name);
    }
    assert_eq!(
        json(&answer)["errors"].as_array().map(Vec::len),
        Some(3),
        "{answer:?}"
    );
    assert!(!answer.body.contains("not-a-key-but-a-secret"));
    assert!(!stage.registry.log().contains("not-a-key-but-a-secret"));
    assert_eq!(get(stage, "/.well-known/terraform.json").status, 200);
    assert_eq!(get(stage, "/healthz").status, 200);
}
