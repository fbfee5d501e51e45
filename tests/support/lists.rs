//! Lists and searches of modules, and what is left out by topics.

use serde_json::{Value, json};

use super::github::{Answer, ETag, Trouble};
use super::readers::{NARROW, TOKEN, guarded};
use super::scenario::{Ask, Scenario};
use super::scenarios::{COMMIT, VERSIONS, get, scenario, tags};
use super::webhooks::{SECRET, delivery};

pub const LIST: &str = "/v1/modules";
const PAGE: &str = "GET https://api.github.com/installation/repositories?per_page=100&page=1";
const SECOND_PAGE: &str =
    "GET https://api.github.com/installation/repositories?per_page=100&page=2";
const CATALOGUE: &str = r#"
    [[module]]
    address = "platform/{name}/aws"
    repository = "acme/platform"
    path = "modules/*"
    tag_prefix = "{name}/v"

    [[module]]
    address = "together/{name}/{system}"
    repository = "acme/together"
    path = "{system}/{name}"
    tag_prefix = "v"

    [[lifecycle]]
    modules = ["acme/vpc/*"]
    yanked = ["2.0.0"]
    deprecated = "use platform/vpc/aws"
"#;

pub fn all() -> Vec<Scenario> {
    let mut all = lists();
    all.extend(ages());
    all.extend(topics());
    all.extend(traps());
    all
}

fn repository(name: &str, description: &Value, topics: &[&str]) -> Value {
    json!({
        "id": 42, "name": name, "full_name": format!("Acme/{name}"), "private": true,
        "description": description, "topics": topics, "pushed_at": "2025-12-01T10:00:00Z",
    })
}

fn page(repositories: &[Value]) -> Answer {
    Answer::json(
        &json!({ "total_count": 5, "repository_selection": "all", "repositories": repositories }),
    )
    .etag(ETag::Opaque)
}

fn first_page() -> Answer {
    let next =
        "<https://api.github.com/installation/repositories?per_page=100&page=2>; rel=\"next\"";
    let repositories = [
        repository(
            "terraform-aws-vpc",
            &json!("VPC, subnets\nand routes"),
            &["network"],
        ),
        repository("terraform-google-vpc", &json!(null), &[]),
        repository("website", &json!("no module"), &[]),
        repository("Terraform-AWS-Secret", &json!("for few"), &["internal"]),
        repository("terraform-aws-empty", &json!("no tags yet"), &[]),
    ];
    page(&repositories).header("link", next)
}

fn second_page() -> Answer {
    page(&[
        repository("platform", &json!("All of it"), &[]),
        repository("together", &json!("Folders with the same tags"), &[]),
    ])
}

fn tags_of(name: &str) -> String {
    format!("GET https://api.github.com/repos/acme/{name}/git/matching-refs/tags")
}

impl Scenario {
    #[must_use]
    pub fn listed(self) -> Self {
        let folders = [
            "aws",
            "aws/dns",
            "aws/dns/sub",
            "google",
            "google/dns",
            "docs",
        ];
        let folder =
            |path: &&str| json!({ "path": path, "type": "tree", "mode": "040000", "sha": COMMIT });
        let folders: Vec<Value> = folders.iter().map(folder).collect();
        let of_platform = [
            ("dns/v1.0.0", "commit", COMMIT),
            ("dns/v1.1.0", "commit", COMMIT),
            ("my-vpc/v0.1.0", "commit", COMMIT),
            ("my-vpc/v2.0.0-rc.1", "tag", COMMIT),
            ("v9.9.9", "commit", COMMIT),
            ("Upper/v1.0.0", "commit", COMMIT),
            ("a.b/v1.0.0", "commit", COMMIT),
            ("dns/junk", "commit", COMMIT),
        ];
        self.variable("modules", CATALOGUE)
            .variable("repository_names", "terraform-{system}-{name}")
            .on(PAGE, [first_page()])
            .on(SECOND_PAGE, [second_page()])
            .on(
                &tags_of("terraform-aws-vpc"),
                [tags(&[
                    ("v1.2.0", "commit", COMMIT),
                    ("v2.0.0", "commit", COMMIT),
                    ("v3.0.0-rc.1", "commit", COMMIT),
                ])],
            )
            .on(
                &tags_of("terraform-google-vpc"),
                [tags(&[("0.1.0-rc.1", "commit", COMMIT)])],
            )
            .on(
                &tags_of("terraform-aws-secret"),
                [tags(&[("v1.0.0", "commit", COMMIT)])],
            )
            .on(
                &tags_of("terraform-aws-empty"),
                [tags(&[("latest", "commit", COMMIT)])],
            )
            .on(&tags_of("platform"), [tags(&of_platform)])
            .on(
                &format!("{}/v", tags_of("together")),
                [tags(&[("v1.0.0", "commit", COMMIT)])],
            )
            .on(
                &format!(
                    "GET https://api.github.com/repos/acme/together/git/trees/{COMMIT}?recursive=1"
                ),
                [Answer::json(
                    &json!({ "sha": COMMIT, "tree": folders, "truncated": false }),
                )],
            )
    }
}

fn listed(name: &str, requests: impl IntoIterator<Item = Ask>) -> Scenario {
    scenario(name, requests).listed()
}

/// An owner of 1,000 modules, and one search.
pub fn thousand() -> Scenario {
    const TEXT: &str =
        "Makes one of the things that a platform needs, with tags, alarms and a budget";
    let mut scenario = scenario(
        "a_thousand_modules",
        [get("/v1/modules/search?q=network+7")],
    );
    let url = |number: usize| {
        format!("https://api.github.com/installation/repositories?per_page=100&page={number}")
    };
    for number in 1..=10 {
        let names = (0..100).map(|n| format!("terraform-aws-network-{:04}", number * 100 + n));
        let names: Vec<String> = names.collect();
        let repositories = names
            .iter()
            .map(|name| repository(name, &json!(TEXT), &["terraform", "network"]));
        let mut answer = page(&repositories.collect::<Vec<_>>());
        if number < 10 {
            answer = answer.header("link", &format!("<{}>; rel=\"next\"", url(number + 1)));
        }
        scenario = scenario.on(&format!("GET {}", url(number)), [answer]);
        for name in names {
            let tags = tags(&[("v1.0.0", "commit", COMMIT), ("v1.1.0", "commit", COMMIT)]);
            scenario = scenario.on(&tags_of(&name), [tags]);
        }
    }
    // The last page was full: nothing says that it is the last.
    scenario.on(&format!("GET {}", url(11)), [page(&[])])
}

fn lists() -> Vec<Scenario> {
    vec![
        listed(
            "all_modules_are_listed",
            [
                get(LIST),
                get("/v1/modules/"),
                get("/v1/modules?limit=2&offset=2"),
                get("/v1/modules?provider=google"),
                get("/v1/modules/Platform"),
                get("/v1/modules/nobody"),
                get("/v1/modules/acme/vpc"),
                get("/v1/modules/acme/website"),
                get("/v1/modules?limit=none"),
            ],
        ),
        listed(
            "modules_are_found",
            [
                get("/v1/modules/search?q=vpc"),
                get("/v1/modules/search?q=subnets"),
                get("/v1/modules/search?q=network"),
                get("/v1/modules/search?q=acme+google"),
                get("/v1/modules/search?q=nothing"),
                get("/v1/modules/search"),
            ],
        ),
        guarded(
            "lists_show_what_one_may_read",
            [
                get(LIST),
                get("/v1/modules/search?q=vpc"),
                get(LIST).bearer("all", TOKEN),
                get(LIST).bearer("some", NARROW),
                get("/v1/modules/search?q=secret").bearer("some", NARROW),
                get("/v1/modules/acme").bearer("some", NARROW),
                get("/v1/modules/platform").bearer("some", NARROW),
                get("/v1/modules/acme/secret").bearer("some", NARROW),
                get("/v1/modules/acme/vpc").bearer("some", NARROW),
            ],
        )
        .listed()
        .variable("allowed_owners", "acme"),
        listed("a_list_is_refused_without_a_reader", [get(LIST)]).variable("anonymous_read", ""),
    ]
}

fn ages() -> Vec<Scenario> {
    let few = |name: &str, requests: Vec<Ask>| {
        scenario(name, requests)
            .on(
                PAGE,
                [page(&[repository("terraform-aws-vpc", &json!(null), &[])])],
            )
            .on(
                &tags_of("terraform-aws-vpc"),
                [tags(&[("v1.0.0", "commit", COMMIT)])],
            )
    };
    let pushed = || {
        let mut repository = repository("terraform-aws-vpc", &json!("news"), &[]);
        repository["pushed_at"] = json!("2026-01-01T00:00:30Z");
        page(&[repository])
    };
    let newer = || tags(&[("v1.0.0", "commit", COMMIT), ("v1.1.0", "commit", COMMIT)]);
    vec![
        few(
            "a_list_is_refreshed_behind_the_answer",
            vec![get(LIST), get(LIST).after(299), get(LIST).after(2), get(LIST), get(LIST).after(4000)],
        )
        .on(&tags_of("terraform-aws-vpc"), [tags(&[("v1.0.0", "commit", COMMIT)]), newer()])
        .on(PAGE, [page(&[repository("terraform-aws-vpc", &json!(null), &[])]), pushed()]),
        few(
            "a_list_outlives_an_outage",
            vec![
                get(LIST),
                get(LIST).after(4000).trouble(Trouble::Down),
                get(LIST),
                get(LIST).after(60).trouble(Trouble::None),
            ],
        ),
        few("a_list_that_is_not_known_is_no_empty_one", vec![get(LIST).trouble(Trouble::Down)]),
        few("an_owner_without_the_app_is_left_out_of_the_list", vec![get(LIST)])
            .variable("allowed_owners", "acme, nobody"),
        few(
            "a_webhook_marks_the_list",
            vec![
                get(LIST),
                delivery("create", &json!({ "ref": "v1.1.0", "ref_type": "tag", "repository": { "id": 42, "full_name": "acme/terraform-aws-vpc" } })),
                get(LIST),
            ],
        )
        .on(&tags_of("terraform-aws-vpc"), [tags(&[("v1.0.0", "commit", COMMIT)]), newer()])
        .variable("webhook_secret", SECRET),
        few("without_an_app_an_owner_s_repositories_are_listed", vec![get(LIST)])
            .variables([("allowed_owners", "acme"), ("anonymous_read", "true"), ("github_token", "ghp_MARKER")])
            .on(
                "GET https://api.github.com/users/acme/repos?per_page=100&page=1",
                [Answer::json(&json!([repository("terraform-aws-vpc", &json!(null), &[])]))],
            ),
        few(
            "a_list_does_not_show_what_is_held_back",
            vec![get(LIST), get(LIST).after(400), get(LIST), get(LIST).after(3600), get(LIST)],
        )
        .on(&tags_of("terraform-aws-vpc"), [tags(&[("v1.0.0", "commit", COMMIT)]), newer()])
        .on(PAGE, [page(&[repository("terraform-aws-vpc", &json!(null), &[])]), pushed()])
        .variable("modules", "[[lifecycle]]\nmodules = [\"acme/*/*\"]\nhold_back = \"1h\"\n"),
    ]
}

/// What must not get past a rule, and what must not be lost by one.
fn traps() -> Vec<Scenario> {
    let moved = |to: &str| {
        let object = json!({ "type": "commit", "sha": COMMIT, "url": "" });
        let url = format!("https://api.github.com/repos/acme/{to}/git/refs/tags/v1.0.0");
        Answer::json(
            &json!([{ "ref": "refs/tags/v1.0.0", "url": url, "node_id": "", "object": object }]),
        )
    };
    let by_number = "https://api.github.com/repositories/42/git/matching-refs/tags";
    let both = "[[module]]\naddress = \"acme/{name}/aws\"\nrepository = \"acme/together\"\npath = \"aws/*\"\ntag_prefix = \"release-\"\n";
    let elsewhere = "[[module]]\naddress = \"acme/vpc/aws\"\nrepository = \"acme/platform\"\npath = \"x\"\ntag_prefix = \"dns/v\"\n";
    vec![
        scenario(
            "a_repository_is_left_out_by_its_new_name_too",
            [
                get("/v1/modules/acme/old/aws/versions"),
                get("/v1/modules/acme/old/aws/1.0.0/download"),
            ],
        )
        .variable("repository_names", "{name}")
        .variable("modules", "[[deny]]\nrepositories = [\"acme/legacy-*\"]\n")
        .on(&tags_of("old"), [Answer::redirect(301, by_number)])
        .on(&format!("GET {by_number}"), [moved("legacy-old")])
        .on(
            "GET https://api.github.com/repos/acme/old",
            [Answer::json(
                &json!({ "id": 42, "full_name": "acme/legacy-old" }),
            )],
        ),
        scenario(
            "a_version_is_yanked_by_every_name_of_its_module",
            [get("/v1/modules/acme/terraform-aws-vpc/aws/versions")],
        )
        .variable("repository_names", "terraform-{system}-{name},{name}")
        .variable(
            "modules",
            "[[lifecycle]]\nmodules = [\"acme/vpc/*\"]\nyanked = [\"2.0.0\"]\n",
        )
        .on(
            &tags_of("terraform-aws-vpc"),
            [tags(&[
                ("v1.0.0", "commit", COMMIT),
                ("v2.0.0", "commit", COMMIT),
            ])],
        ),
        listed(
            "folders_are_listed_whatever_their_tags_begin_with",
            [get("/v1/modules/acme")],
        )
        .variable("modules", both)
        .on(
            &format!("{}/release-", tags_of("together")),
            [tags(&[("release-1.0.0", "commit", COMMIT)])],
        ),
        listed(
            "a_repository_that_fails_keeps_no_other_from_the_list",
            [
                get("/v1/modules/acme"),
                get("/v1/modules/acme").after(10),
                get("/v1/modules/acme").after(400),
            ],
        )
        .variable("modules", elsewhere)
        .on(
            &tags_of("terraform-aws-secret"),
            [Answer::message(
                403,
                "Resource not accessible by integration",
            )],
        )
        .on(
            &tags_of("terraform-google-vpc"),
            [Answer::new(502, "Unicorn")],
        ),
    ]
}

fn topics() -> Vec<Scenario> {
    let deny = "[[deny]]\ntopics = [\"internal\"]\n";
    let secret = "/v1/modules/acme/secret/aws/versions";
    vec![
        listed(
            "a_topic_leaves_a_repository_out",
            [
                get(VERSIONS),
                get(secret),
                get(LIST),
                get(VERSIONS).after(400),
                get(VERSIONS),
            ],
        )
        .variable("modules", deny),
        listed(
            "a_topic_lets_a_repository_in",
            [get(VERSIONS), get(secret), get(LIST)],
        )
        .variable("modules", "[[allow]]\ntopics = [\"Network\"]\n"),
        listed(
            "without_topics_nothing_is_let_in",
            [get(VERSIONS).trouble(Trouble::Down)],
        )
        .variable("modules", deny),
    ]
}
