//! Tags that move, lists that shrink, and repositories that are no longer what their name says.

use serde_json::{Value, json};

use super::github::{Answer, ETag};
use super::scenario::{Ask, Scenario};
use super::scenarios::{ARCHIVE, COMMIT, DOWNLOAD, TAGS, VERSIONS, get, scenario, tags};
use super::zips::{zip_of, zipball};

const ELSEWHERE: &str = "9999999999999999999999999999999999999999";
const BY_NUMBER: &str = "GET https://api.github.com/repositories/42/git/matching-refs/tags";
const CODELOAD: &str = "GET https://codeload.github.com/acme/vpc/legacy.zip/1111111?token=SECRET";

pub fn all() -> Vec<Scenario> {
    let mut all = moved();
    all.extend(shrunk());
    all.extend(renamed());
    all.extend(archives());
    all
}

fn plain(name: &str, requests: impl IntoIterator<Item = Ask>) -> Scenario {
    scenario(name, requests).variable("repository_names", "{name}")
}

/// A list as GitHub writes it, of the repository with this number.
fn listed(id: u64, full_name: &str, list: &[(&str, &str)]) -> Answer {
    let tag = |(name, sha): &(&str, &str)| {
        let node = format!("03:Ref{id}:refs/tags/{name}");
        json!({
            "ref": format!("refs/tags/{name}"),
            "node_id": base64::Engine::encode(&base64::prelude::BASE64_STANDARD, node),
            "url": format!("https://api.github.com/repos/{full_name}/git/refs/tags/{name}"),
            "object": { "type": "commit", "sha": sha, "url": "" },
        })
    };
    Answer::json(&Value::Array(list.iter().map(tag).collect())).etag(ETag::Rule)
}

fn moved() -> Vec<Scenario> {
    let first = || tags(&[("v1.1.0", "commit", COMMIT), ("v1.2.0", "commit", COMMIT)]);
    let then = || {
        tags(&[
            ("v1.1.0", "commit", COMMIT),
            ("v1.2.0", "commit", ELSEWHERE),
        ])
    };
    let old = ARCHIVE;
    let new = &ARCHIVE.replace(COMMIT, ELSEWHERE);
    let policies = [
        ("a_moved_tag_stays_where_it_was", "serve-pinned"),
        ("a_moved_tag_is_followed", "follow"),
        ("a_moved_tag_is_refused", "refuse"),
    ];
    let mut all: Vec<Scenario> = policies
        .into_iter()
        .map(|(name, policy)| {
            plain(
                name,
                [
                    get(VERSIONS),
                    get(VERSIONS).after(61),
                    get(VERSIONS),
                    get(DOWNLOAD),
                    get(old),
                    get(new),
                    get("/v1/modules/acme/vpc/aws/1.1.0/download"),
                ],
            )
            .variable("moved_tags", policy)
            .on(TAGS, [first(), then()])
        })
        .collect();
    all.push(
        plain(
            "a_tag_that_was_deleted_and_made_anew_is_recognised",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get(DOWNLOAD),
                get(VERSIONS).after(61),
                get(DOWNLOAD),
            ],
        )
        .on(
            TAGS,
            [first(), tags(&[("v1.1.0", "commit", COMMIT)]), then()],
        ),
    );
    all.push(
        plain(
            "a_second_tag_of_a_version_does_not_take_it_over",
            [get(VERSIONS), get(VERSIONS).after(61), get(DOWNLOAD)],
        )
        .on(
            TAGS,
            [
                tags(&[("1.2.0", "commit", COMMIT)]),
                tags(&[("1.2.0", "commit", COMMIT), ("v1.2.0", "commit", ELSEWHERE)]),
            ],
        ),
    );
    all.push(
        plain(
            "an_unknown_policy_is_said_to_be_one",
            [get(VERSIONS), get("/readyz")],
        )
        .variable("moved_tags", "ignore"),
    );
    all
}

fn shrunk() -> Vec<Scenario> {
    let full = || {
        tags(&[
            ("v1.0.0", "commit", COMMIT),
            ("v1.1.0", "commit", COMMIT),
            ("v1.2.0", "commit", COMMIT),
        ])
    };
    vec![
        plain(
            "an_empty_list_is_believed_when_it_lasts",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get(VERSIONS).after(61),
                get(DOWNLOAD).after(61),
                get(VERSIONS).after(600),
                get(VERSIONS).after(1),
            ],
        )
        .on(TAGS, [full(), tags(&[])]),
        plain(
            "a_list_that_comes_back_was_never_gone",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get(VERSIONS).after(61),
                get(VERSIONS).after(61),
                get(VERSIONS).after(601),
            ],
        )
        .on(
            TAGS,
            [full(), tags(&[("v1.2.0", "commit", COMMIT)]), full()],
        ),
        plain(
            "a_single_deleted_tag_is_believed",
            [get(VERSIONS), get(VERSIONS).after(61), get(VERSIONS)],
        )
        .on(
            TAGS,
            [
                full(),
                tags(&[("v1.0.0", "commit", COMMIT), ("v1.1.0", "commit", COMMIT)]),
            ],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "one table")]
fn renamed() -> Vec<Scenario> {
    let moved = || {
        Answer::redirect(
            301,
            "https://api.github.com/repositories/42/git/matching-refs/tags",
        )
    };
    let zipball = format!("GET https://api.github.com/repositories/42/zipball/{COMMIT}");
    let one = [("v1.2.0", COMMIT)];
    let two = [("v1.2.0", COMMIT), ("v1.3.0", COMMIT)];
    let hijacked = [("v1.2.0", ELSEWHERE), ("v6.6.6", ELSEWHERE)];
    let later = || {
        [
            get(VERSIONS),
            get(VERSIONS).after(61),
            get(VERSIONS).after(1),
            get(DOWNLOAD),
            get(ARCHIVE),
            get(VERSIONS).after(61),
        ]
    };
    let mut all = vec![
        plain("a_rename_is_followed_and_remembered", later())
            .on(TAGS, [listed(42, "acme/vpc", &one), moved()])
            .on(BY_NUMBER, [listed(42, "acme/network", &two)])
            .on(&zipball, [Answer::redirect(302, &CODELOAD["GET ".len()..])]),
        plain(
            "a_rename_to_an_owner_that_is_not_served_is_not_followed",
            later(),
        )
        .on(TAGS, [listed(42, "acme/vpc", &one), moved()])
        .on(BY_NUMBER, [listed(42, "evil/vpc", &two)]),
        plain(
            "a_rename_that_leads_to_another_repository_is_noticed",
            later(),
        )
        .on(TAGS, [listed(41, "acme/vpc", &one), moved()])
        .on(BY_NUMBER, [listed(42, "acme/network", &two)]),
        plain(
            "a_rename_that_does_not_say_whose_it_is_is_asked_about",
            later(),
        )
        .on(TAGS, [moved()])
        .on(BY_NUMBER, [tags(&[("v1.2.0", "commit", COMMIT)])])
        .on(
            "GET https://api.github.com/repositories/42",
            [Answer::json(
                &json!({ "id": 42, "full_name": "acme/network" }),
            )],
        )
        .on(
            "GET https://api.github.com/repos/acme/vpc",
            [Answer::json(
                &json!({ "id": 42, "full_name": "acme/network" }),
            )],
        ),
        plain(
            "a_name_that_was_taken_over_still_leads_to_the_first_repository",
            later(),
        )
        .on(
            TAGS,
            [
                listed(42, "acme/vpc", &one),
                listed(43, "acme/vpc", &hijacked),
            ],
        )
        .on(BY_NUMBER, [listed(42, "acme/network", &two)])
        .on(&zipball, [Answer::redirect(302, &CODELOAD["GET ".len()..])]),
        plain(
            "a_number_that_only_the_repository_tells_is_compared_too",
            later(),
        )
        .on(
            TAGS,
            [
                listed(42, "acme/vpc", &one),
                tags(&[
                    ("v1.2.0", "commit", COMMIT),
                    ("v6.6.6", "commit", ELSEWHERE),
                ]),
            ],
        )
        .on(
            "GET https://api.github.com/repos/acme/vpc",
            [Answer::json(&json!({ "id": 43, "full_name": "acme/vpc" }))],
        ),
    ];
    all.extend(appeared());
    all.push(appeared_under_its_own_name());
    all.push(made_anew());
    all.push(
        plain(
            "a_number_that_cannot_be_told_now_is_waited_for",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get(VERSIONS).after(1),
            ],
        )
        .on(
            TAGS,
            [
                listed(42, "acme/vpc", &one),
                tags(&[("v6.6.6", "commit", ELSEWHERE)]),
            ],
        )
        .on(
            "GET https://api.github.com/repos/acme/vpc",
            [Answer::new(502, "")],
        ),
    );
    for (name, policy) in [
        (
            "a_name_that_was_taken_over_serves_what_was_there",
            "serve-pinned",
        ),
        ("a_name_that_was_taken_over_is_followed", "follow"),
        ("a_name_that_was_taken_over_is_refused", "refuse"),
    ] {
        all.push(plain(name, later()).variable("moved_tags", policy).on(
            TAGS,
            [
                listed(42, "acme/vpc", &one),
                listed(43, "acme/vpc", &hijacked),
            ],
        ));
    }
    all
}

/// The same, where someone asks for the new one by its own name first.
fn appeared_under_its_own_name() -> Scenario {
    let tags = |sha| tags(&[("v1.2.0", "commit", sha)]);
    scenario(
        "a_repository_that_appears_and_is_asked_for_takes_nothing_over",
        [
            get(VERSIONS),
            get("/v1/modules/acme/terraform-aws-vpc/x/versions").after(31),
            get(VERSIONS),
            get(DOWNLOAD),
            get(VERSIONS).after(90_000),
        ],
    )
    .on(
        "GET https://api.github.com/repos/acme/terraform-aws-vpc/git/matching-refs/tags",
        [Answer::message(404, "Not Found"), tags(ELSEWHERE)],
    )
    .on(TAGS, [tags(COMMIT)])
}

/// A repository that is deleted, seen to be gone, and made anew by someone else.
fn made_anew() -> Scenario {
    let one = [("v1.2.0", COMMIT)];
    let hijacked = [("v1.2.0", ELSEWHERE), ("v6.6.6", ELSEWHERE)];
    plain(
        "a_name_that_was_free_for_a_while_and_was_taken_is_refused",
        [
            get(VERSIONS),
            get(VERSIONS).after(61),
            get(VERSIONS).after(31),
            get(VERSIONS).after(1),
        ],
    )
    .on(
        TAGS,
        [
            listed(42, "acme/vpc", &one),
            Answer::message(404, "Not Found"),
            listed(43, "acme/vpc", &hijacked),
        ],
    )
}

/// A module was found by the second template; now there is a repository by the first.
fn appeared() -> impl Iterator<Item = Scenario> {
    [
        (
            "a_repository_that_appears_does_not_take_a_module_over",
            "serve-pinned",
        ),
        ("a_repository_that_appears_is_followed", "follow"),
        ("a_repository_that_appears_is_refused", "refuse"),
    ]
    .into_iter()
    .map(|(name, policy)| {
        scenario(
            name,
            [
                get(VERSIONS),
                get(VERSIONS).after(90_000),
                get(VERSIONS).after(1),
                get(DOWNLOAD),
                get("/v1/modules/acme/vpc/google/versions"),
            ],
        )
        .variable("moved_tags", policy)
        .on(
            "GET https://api.github.com/repos/acme/terraform-aws-vpc/git/matching-refs/tags",
            [
                Answer::message(404, "Not Found"),
                tags(&[("v1.2.0", "commit", ELSEWHERE)]),
            ],
        )
    })
}

fn archives() -> Vec<Scenario> {
    let folder = |folder: &str, comment: &str| {
        let zip = zip_of(&[(format!("{folder}/main.tf"), b"# x\n".as_slice())], &[]);
        Answer::new(200, commented(zip, comment))
    };
    [
        (
            "an_archive_whose_folder_names_another_commit",
            folder("acme-vpc-9999999", COMMIT),
        ),
        (
            "an_archive_whose_folder_names_no_commit",
            folder("acme-vpc-main", COMMIT),
        ),
        (
            "an_archive_whose_folder_names_a_whole_commit",
            folder(&format!("vpc-{COMMIT}"), COMMIT),
        ),
        (
            "an_archive_whose_comment_names_another_commit",
            folder("acme-vpc-1111111", ELSEWHERE),
        ),
    ]
    .into_iter()
    .map(|(name, answer)| plain(name, [get(ARCHIVE)]).on(CODELOAD, [answer]))
    .chain([large_of_another_commit()])
    .collect()
}

/// So large that it is under way when its end tells.
fn large_of_another_commit() -> Scenario {
    let zip = zipball(&[
        ("a.tf", &vec![b'\n'; 700 << 10]),
        ("b.tf", &vec![b'\n'; 700 << 10]),
    ]);
    let zip = commented(zip, ELSEWHERE);
    plain(
        "a_large_archive_of_another_commit_is_broken_off",
        [get(ARCHIVE)],
    )
    .on(CODELOAD, [Answer::new(200, zip)])
}

/// The same zip with another commit in its comment.
fn commented(mut zip: Vec<u8>, comment: &str) -> Vec<u8> {
    assert!(zip.ends_with(COMMIT.as_bytes()));
    zip.truncate(zip.len() - COMMIT.len());
    zip.extend(comment.as_bytes());
    zip
}
