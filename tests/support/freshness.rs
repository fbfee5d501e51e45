//! What is asked of GitHub, and when.

use serde_json::json;

use super::github::{Answer, ETag, Trouble};
use super::scenario::{Scenario, StoreKind};
use super::scenarios::{
    ARCHIVE, COMMIT, DOWNLOAD, INSTALLATION, MINT, TAGS, VERSIONS, get, minted, scenario, tags,
};

const CONVENTION: &str =
    "GET https://api.github.com/repos/acme/terraform-aws-vpc/git/matching-refs/tags";

pub fn all() -> Vec<Scenario> {
    let mut all = ages();
    all.extend(validators());
    all.extend(absence());
    all.extend(limits());
    all.extend(failures());
    all.extend(guesses());
    all.extend(archives());
    all
}

fn old() -> Answer {
    tags(&[("v1.2.0", "commit", COMMIT)])
}

fn new() -> Answer {
    tags(&[("v1.2.0", "commit", COMMIT), ("v1.3.0", "commit", COMMIT)])
}

/// One repository, by the first of `repository_names`, so that each call is one about its tags.
fn plain(name: &str, requests: impl IntoIterator<Item = super::scenario::Ask>) -> Scenario {
    scenario(name, requests).variable("repository_names", "{name}")
}

fn ages() -> Vec<Scenario> {
    let exact = "/v1/modules/acme/vpc/aws/1.3.0/download";
    vec![
        plain(
            "a_fresh_answer_costs_nothing",
            [
                get(VERSIONS),
                get(VERSIONS).after(58),
                get(DOWNLOAD),
                get(ARCHIVE),
            ],
        ),
        plain(
            "a_stale_answer_is_given_at_once_and_refreshed_behind",
            [get(VERSIONS), get(VERSIONS).after(61), get(VERSIONS)],
        )
        .on(TAGS, [old(), new()]),
        plain(
            "an_expired_answer_is_refreshed_first",
            [get(VERSIONS), get(VERSIONS).after(3700)],
        )
        .on(TAGS, [old(), new()])
        .on(MINT, [minted("ghs_one"), minted("ghs_two")]),
        plain(
            "a_stale_list_is_not_believed_to_lack_a_version",
            [get(VERSIONS), get(exact), get(exact).after(61)],
        )
        .on(TAGS, [old(), new()]),
        plain(
            "nothing_is_kept_where_everything_is_switched_off",
            [get(VERSIONS), get(VERSIONS), get(ARCHIVE), get(ARCHIVE)],
        )
        .variable("cache_fresh_seconds", "0")
        .variable("cache_stale_seconds", "0")
        .variable("cache_error_seconds", "0")
        .variable("cache_negative_seconds", "0")
        .variable("archive_cache_bytes", "0"),
        plain(
            "a_clock_that_goes_back_expires_what_is_kept",
            [get(VERSIONS), get(VERSIONS).after(-600), get(VERSIONS)],
        ),
        plain(
            "another_api_is_another_cache",
            [get(VERSIONS), get(VERSIONS)],
        )
        .variable("cache_fresh_seconds", "86401"),
    ]
}

fn validators() -> Vec<Scenario> {
    let hour_later = || {
        [
            get(VERSIONS),
            get(VERSIONS).after(3700),
            get(VERSIONS).after(3700),
        ]
    };
    let tokens = || [minted("ghs_one"), minted("ghs_two"), minted("ghs_three")];
    vec![
        plain("no_change_is_free_with_another_token", hour_later()).on(MINT, tokens()),
        plain(
            "an_etag_of_another_rule_is_good_for_its_token",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get(VERSIONS).after(3700),
                get(VERSIONS).after(61),
            ],
        )
        .on(MINT, tokens())
        .on(TAGS, [old().etag(ETag::Opaque)]),
        plain(
            "random_etags_are_not_tried_for_an_hour",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get(VERSIONS).after(61),
                get(VERSIONS).after(61),
            ],
        )
        .on(TAGS, [old().etag(ETag::Random)]),
        plain(
            "the_rule_is_found_again",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get(VERSIONS).after(61),
                get(VERSIONS).after(61),
            ],
        )
        .on(
            TAGS,
            [old().etag(ETag::Random), old().etag(ETag::Random), old()],
        ),
        plain(
            "five_thousand_tags_are_kept",
            [
                get(VERSIONS),
                get(VERSIONS).after(3700),
                get("/v1/modules/acme/vpc/aws/49.9.9/download"),
            ],
        )
        .on(TAGS, [many()])
        .on(MINT, tokens()),
    ]
}

fn many() -> Answer {
    let names: Vec<(String, String)> = (0..5000)
        .map(|n| {
            (
                format!("v{}.{}.{}", n / 100, n / 10 % 10, n % 10),
                format!("{n:040x}"),
            )
        })
        .collect();
    let list: Vec<_> = names
        .iter()
        .map(|(name, id)| (&**name, "commit", &**id))
        .collect();
    tags(&list)
}

fn absence() -> Vec<Scenario> {
    let nothing = "/v1/modules/acme/nothing/aws/versions";
    vec![
        scenario(
            "a_name_that_leads_nowhere_is_believed_for_a_while",
            [get(nothing), get(nothing).after(29), get(nothing).after(2)],
        ),
        scenario(
            "a_first_version_shows_after_a_while",
            [
                get(VERSIONS),
                get(VERSIONS).after(29),
                get(VERSIONS).after(2),
            ],
        )
        .on(TAGS, [tags(&[]), old()]),
        scenario(
            "a_repository_of_a_later_template_costs_one_call_each_time",
            [
                get(VERSIONS),
                get(VERSIONS).after(3700),
                get("/v1/modules/acme/vpc/google/versions"),
                get("/v1/modules/acme/vpc/google/versions").after(1),
                // A day later, someone may have made the first one.
                get(VERSIONS).after(86_400),
            ],
        )
        .on(CONVENTION, [Answer::message(404, "Not Found"), new()])
        .on(
            MINT,
            [minted("ghs_one"), minted("ghs_two"), minted("ghs_three")],
        ),
        scenario(
            "a_repository_that_is_no_longer_seen_is_gone_at_once",
            [
                get(VERSIONS),
                get(VERSIONS).after(3700).trouble(Trouble::NotFound),
                get(DOWNLOAD),
                get(VERSIONS).after(31).trouble(Trouble::None),
            ],
        )
        .on(MINT, [minted("ghs_one"), minted("ghs_two")]),
        scenario(
            "a_repository_that_goes_is_not_replaced_by_another_template_s",
            [
                get(VERSIONS),
                get(VERSIONS).after(3700),
                get(VERSIONS).after(31),
                get(DOWNLOAD),
                get(VERSIONS).after(31),
            ],
        )
        .on(
            CONVENTION,
            [
                old(),
                Answer::message(404, "Not Found"),
                Answer::message(404, "Not Found"),
                old(),
            ],
        )
        .on(MINT, [minted("ghs_one"), minted("ghs_two")]),
        scenario(
            "a_permission_that_is_taken_away_counts_at_once",
            [
                get(VERSIONS),
                get(VERSIONS).after(61).trouble(Trouble::Forbidden),
                get(VERSIONS),
                get(VERSIONS).after(31).trouble(Trouble::None),
            ],
        ),
        scenario(
            "an_uninstalled_app_counts_at_once",
            [get(VERSIONS), get(VERSIONS).after(3700), get(VERSIONS)],
        )
        .on(MINT, [minted("ghs_one"), Answer::message(404, "Not Found")])
        .on(
            INSTALLATION,
            [
                Answer::json(&json!({ "id": 7 })),
                Answer::message(404, "Not Found"),
            ],
        ),
    ]
}

fn limits() -> Vec<Scenario> {
    let left = |answer: Answer, left: u32| {
        answer
            .header("x-ratelimit-limit", &5000)
            .header("x-ratelimit-remaining", &left)
            .header("x-ratelimit-reset", &1_767_226_200)
            .header("x-ratelimit-resource", "core")
    };
    let other = "/v1/modules/acme/other/aws/versions";
    let other_tags = "GET https://api.github.com/repos/acme/other/git/matching-refs/tags";
    vec![
        plain(
            "the_reserve_is_left_and_archives_still_come",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get(VERSIONS),
                get(other),
                get(ARCHIVE),
                get(VERSIONS).after(600),
            ],
        )
        .on(TAGS, [left(old(), 4000), left(new(), 249)])
        .on(other_tags, [new()]),
        plain(
            "a_limit_is_outlived_without_asking_again",
            [
                get(VERSIONS),
                get(VERSIONS).after(61).trouble(Trouble::Limited),
                get(VERSIONS).after(1),
                get(other),
                get(ARCHIVE),
                get(VERSIONS).after(1700).trouble(Trouble::None),
            ],
        )
        .on(other_tags, [new()]),
        plain(
            "readiness_says_that_a_limit_is_reached",
            [
                get(VERSIONS),
                get(VERSIONS).after(61).trouble(Trouble::Limited),
                get("/readyz").after(1),
                get("/readyz").after(1800).trouble(Trouble::None),
            ],
        ),
        plain(
            "a_secondary_limit_is_outlived_without_asking_again",
            [
                get(VERSIONS),
                get(VERSIONS).after(61).trouble(Trouble::Secondary),
                get(VERSIONS).after(119),
                get(VERSIONS).after(2).trouble(Trouble::None),
            ],
        ),
    ]
}

fn failures() -> Vec<Scenario> {
    vec![
        plain(
            "an_outage_is_outlived_for_a_week",
            [
                get(VERSIONS),
                get(DOWNLOAD),
                get(VERSIONS).after(3700).trouble(Trouble::Down),
                get(DOWNLOAD).after(1),
                get(VERSIONS).after(9),
                get(VERSIONS).after(3600),
                get(VERSIONS).after(604_800),
            ],
        )
        .on(MINT, [minted("ghs_one"), minted("ghs_two")]),
        plain(
            "an_outage_behind_an_answer_is_not_asked_about_at_once",
            [
                get(VERSIONS),
                get(VERSIONS).after(61).trouble(Trouble::Fails),
                get(VERSIONS).after(1),
                get(VERSIONS).after(31).trouble(Trouble::None),
                get(VERSIONS),
            ],
        )
        .on(TAGS, [old(), old(), new()]),
        plain(
            "a_version_that_may_be_new_is_not_said_not_to_exist",
            [
                get(VERSIONS),
                get("/v1/modules/acme/vpc/aws/9.9.9/download")
                    .after(3700)
                    .trouble(Trouble::Down),
                get("/v1/modules/acme/vpc/aws/1.2.0/download"),
                get("/readyz"),
            ],
        )
        .on(MINT, [minted("ghs_one"), minted("ghs_two")]),
        plain(
            "a_part_of_a_list_is_no_list",
            [get(VERSIONS), get(VERSIONS).after(61), get(VERSIONS)],
        )
        .on(
            TAGS,
            [
                new(),
                old().header("link", "<https://api.github.com/x?page=2>; rel=\"next\""),
            ],
        ),
        plain(
            "damaged_values_are_misses",
            [
                get(VERSIONS),
                get(VERSIONS).store(StoreKind::Corrupts),
                get(ARCHIVE),
            ],
        ),
        plain(
            "a_store_that_only_reads_works",
            [
                get(VERSIONS),
                get(VERSIONS).after(3700).store(StoreKind::FailsToWrite),
                get(ARCHIVE),
            ],
        ),
        plain(
            "a_store_that_only_writes_works",
            [get(VERSIONS).store(StoreKind::FailsToRead), get(ARCHIVE)],
        ),
    ]
}

/// Names that are tried before the one that is known.
fn guesses() -> Vec<Scenario> {
    vec![
        scenario(
            "an_earlier_template_s_name_does_not_keep_what_is_known_waiting",
            [
                get(VERSIONS),
                get(VERSIONS).after(90_000).trouble(Trouble::Slow),
                get(VERSIONS).after(1),
                get("/v1/modules/acme/vpc/google/versions").after(1),
                get("/v1/modules/acme/vpc/google/versions").after(1),
            ],
        )
        .on(MINT, [minted("ghs_one"), minted("ghs_two")]),
    ]
}

fn archives() -> Vec<Scenario> {
    let large = super::zips::zipball(&[("main.tf", &vec![b'\n'; 600 << 10])]);
    vec![
        plain("a_small_archive_is_kept", [get(ARCHIVE), get(ARCHIVE)]),
        plain("a_larger_archive_is_not_kept", [get(ARCHIVE), get(ARCHIVE)])
            .variable("archive_cache_bytes", "100"),
        plain("a_large_archive_is_not_kept", [get(ARCHIVE), get(ARCHIVE)]).on(
            "GET https://codeload.github.com/acme/vpc/legacy.zip/1111111?token=SECRET",
            [Answer::new(200, large)],
        ),
        plain(
            "a_kept_archive_outlives_an_outage",
            [
                get(DOWNLOAD),
                get(ARCHIVE),
                get(ARCHIVE).after(3700).trouble(Trouble::Down),
            ],
        ),
    ]
}
