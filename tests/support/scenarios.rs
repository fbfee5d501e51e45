//! The scenarios. Whatever is not said otherwise is as in `world`: the App is installed for `acme`, whose
//! repository `vpc` has a few tags.

use std::sync::Arc;

use serde_json::{Value, json};

use super::github::{Answer, ETag, Fault, GitHub, Trouble};
use super::scenario::{Ask, Scenario, StoreKind};
use super::zips::{zip_of, zipball};

pub const API: &str = "https://api.github.com";
pub const KEY: &str = include_str!("../../stand-in/test-only-app-key.pem");
pub const COMMIT: &str = "1111111111111111111111111111111111111111";
pub const TAG_OBJECT: &str = "2222222222222222222222222222222222222222";

pub const VERSIONS: &str = "/v1/modules/acme/vpc/aws/versions";
pub const DOWNLOAD: &str = "/v1/modules/acme/vpc/aws/1.2.0/download";
pub const ARCHIVE: &str =
    "/archive/acme/vpc/aws/1.2.0/1111111111111111111111111111111111111111.zip";
pub const TAGS: &str = "GET https://api.github.com/repos/acme/vpc/git/matching-refs/tags";
pub const ZIPBALL: &str =
    "GET https://api.github.com/repos/acme/vpc/zipball/1111111111111111111111111111111111111111";
pub const CODELOAD: &str = "https://codeload.github.com/acme/vpc/legacy.zip/1111111?token=SECRET";
pub const MINT: &str = "POST https://api.github.com/app/installations/7/access_tokens";
pub const URL_KEY: &str = "MARKER-of-the-key-that-signs-urls";
pub const OTHER_URL_KEY: &str = "MARKER-of-the-key-that-signed-urls-before";
pub const INSTALLATION: &str = "GET https://api.github.com/orgs/acme/installation";

/// All of them.
pub fn all() -> Vec<Scenario> {
    let mut all = protocol();
    all.extend(names());
    all.extend(configuration());
    all.extend(sign_in());
    all.extend(github_failures());
    all.extend(archives());
    all.extend(archive_failures());
    all.extend(super::freshness::all());
    all.extend(super::integrity::all());
    all.extend(super::webhooks::all());
    all.extend(super::readers::all());
    all.extend(super::monorepo::all());
    all.extend(super::catalogue_file::all());
    all.extend(super::lists::all());
    all.extend(super::module_details::all());
    all.extend(super::traces::all());
    all
}

fn protocol() -> Vec<Scenario> {
    vec![
        scenario(
            "discovery_and_health_need_nothing",
            [get("/.well-known/terraform.json"), get("/healthz")],
        )
        .variables([]),
        scenario(
            "versions_are_listed_newest_first",
            [get(VERSIONS), head(VERSIONS)],
        ),
        scenario(
            "a_download_is_a_204_with_an_absolute_location",
            [
                get(DOWNLOAD),
                get("/v1/modules/acme/vpc/aws/v1.2/download"),
                get("/v1/modules/Acme/VPC/aws/1.2.0/download"),
                get("/v1/modules/acme/vpc/aws/1.0.0%2Bbuild.5/download"),
                get("/v1/modules/acme/vpc/aws/1.0.0+build.5/download?x=y"),
                get("/v1/modules/acme/vpc/aws/2.0.0-rc.1/download"),
                get("/v1/modules/acme/vpc/aws/download"),
                get("/v1/modules/acme/vpc/aws/latest/download"),
                get("/v1/modules/acme/vpc/aws/9.9.9/download"),
            ],
        ),
        scenario(
            "a_location_is_where_the_client_came_from",
            [
                get(DOWNLOAD).with("x-forwarded-proto", "http"),
                get(DOWNLOAD).with("x-forwarded-host", "mods.example.com:8443, inner"),
                get(DOWNLOAD).with("x-forwarded-host", "evil.example/x"),
            ],
        ),
        scenario(
            "a_configured_base_url_wins",
            [get(DOWNLOAD).with("x-forwarded-host", "other.example")],
        )
        .variable("base_url", "https://modules.example.com/tf/"),
        scenario(
            "other_methods_and_paths_are_refused",
            [
                ask("POST", VERSIONS),
                ask("DELETE", ARCHIVE),
                ask("OPTIONS", "/healthz"),
                ask("POST", "/nowhere"),
                get("/"),
                get("/status"),
                get("/v1/modules/acme/vpc/aws"),
            ],
        ),
        scenario(
            "a_module_is_found_by_terraform_s_convention",
            [
                get("/v1/modules/acme/network/google/versions"),
                get("/v1/modules/acme/network/google/1.0.0/download"),
            ],
        )
        .on(
            "GET https://api.github.com/repos/acme/terraform-google-network/git/matching-refs/tags",
            [tags(&[("v1.0.0", "commit", COMMIT)])],
        ),
    ]
}

fn names() -> Vec<Scenario> {
    let long = "a".repeat(65);
    let impossible = ["a.b", "..", "%2e%2e", "a%00b", &long, "-a", "a%2Fb", "a b"];
    let many: Vec<(String, &str, &str)> = (0..5000)
        .map(|n| {
            (
                format!("v{}.{}.{}", n / 100, n / 10 % 10, n % 10),
                "commit",
                COMMIT,
            )
        })
        .collect();
    let many: Vec<(&str, &str, &str)> = many.iter().map(|(name, a, b)| (&**name, *a, *b)).collect();
    vec![
        scenario(
            "an_impossible_name_is_not_found_without_asking_github",
            impossible.map(|name| get(&format!("/v1/modules/acme/{name}/aws/versions"))),
        ),
        scenario(
            "an_owner_that_is_not_served_is_not_found_without_asking_github",
            [
                get("/v1/modules/evil/vpc/aws/versions"),
                get("/v1/modules/evil/vpc/aws/1.0.0/download"),
                get(&ARCHIVE.replace("acme", "evil")),
                head(&ARCHIVE.replace("acme", "evil")),
            ],
        ),
        scenario(
            "an_unknown_repository_is_not_found",
            [
                get("/v1/modules/acme/nothing/aws/versions"),
                get("/v1/modules/acme/nothing/aws/1.0.0/download"),
            ],
        ),
        scenario(
            "a_repository_without_versions_is_not_found",
            [get(VERSIONS), get(DOWNLOAD)],
        )
        .on(TAGS, [tags(&[]), tags(&[("nightly", "commit", COMMIT)])]),
        scenario(
            "a_repository_without_a_commit_is_not_found",
            [get(VERSIONS)],
        )
        .on(TAGS, [Answer::message(409, "Git Repository is empty.")]),
        scenario("junk_tags_are_left_out", [get(VERSIONS)]).on(
            TAGS,
            [tags(&[
                ("1.02.0", "commit", COMMIT),
                ("1.0.0.1", "commit", COMMIT),
                ("100000000000000000000000000000.0.0", "commit", COMMIT),
                ("release/2024", "commit", COMMIT),
                ("v1", "commit", COMMIT),
                ("v1.0.0", "commit", COMMIT),
                ("1.0.0", "commit", COMMIT),
                ("v3.0.0", "blob", COMMIT),
                ("v3.0.1", "commit", "short"),
            ])],
        ),
        scenario("five_thousand_tags_are_all_listed", [get(VERSIONS)]).on(TAGS, [tags(&many)]),
    ]
}

fn configuration() -> Vec<Scenario> {
    let broken = |name: &'static str, variables: Vec<(&'static str, &str)>| {
        let asks = [
            get("/readyz"),
            get(VERSIONS),
            get(ARCHIVE),
            get("/.well-known/terraform.json"),
        ];
        let mut scenario = scenario(name, asks);
        for (name, value) in variables {
            scenario = scenario.variable(name, value);
        }
        scenario
    };
    vec![
        scenario(
            "a_complete_configuration_is_ready",
            [get("/readyz"), get(VERSIONS), get("/readyz")],
        ),
        broken(
            "a_key_that_is_none_is_named",
            vec![("github_private_key", "MARKER")],
        ),
        broken(
            "a_key_that_cannot_be_parsed_is_named",
            vec![(
                "github_private_key",
                "-----BEGIN RSA PRIVATE KEY-----\nTUFSS0VS\n-----END RSA PRIVATE KEY-----",
            )],
        ),
        broken("missing_owners_are_named", vec![("allowed_owners", "")]),
        broken(
            "two_credentials_are_named",
            vec![("github_token", "MARKER")],
        ),
        broken(
            "half_a_credential_is_named",
            vec![("github_private_key", "")],
        ),
        broken("readers_must_be_allowed", vec![("anonymous_read", "")]),
        broken(
            "all_problems_are_named_at_once",
            vec![
                ("allowed_owners", "acme, not/an/owner"),
                ("anonymous_read", "MARKER"),
                ("base_url", "ftp://MARKER"),
                ("github_api_url", "http://MARKER.example"),
                ("github_app_id", "MARK ER"),
                ("github_archive_hosts", "MARKER/x"),
                ("github_installation_id", "MARKER"),
                ("max_archive_bytes", "0"),
                ("repository_names", "MARKER, {name}"),
            ],
        ),
        scenario(
            "an_app_that_is_not_installed_is_not_ready",
            [get("/readyz"), get(VERSIONS)],
        )
        .on(INSTALLATION, [Answer::message(404, "Not Found")]),
        scenario("one_owner_of_two_is_enough_to_be_ready", [get("/readyz")])
            .variable("allowed_owners", "labs, acme"),
        scenario(
            "a_suspended_installation_is_not_ready",
            [get("/readyz"), get(VERSIONS)],
        )
        .on(
            INSTALLATION,
            [Answer::json(
                &json!({ "id": 7, "suspended_at": "2026-01-01T00:00:00Z" }),
            )],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn sign_in() -> Vec<Scenario> {
    let unauthorized = || Answer::message(401, "Bad credentials");
    let user = "GET https://api.github.com/users/acme/installation";
    let escaped = KEY.replace('\n', "\\n");
    let folded = KEY.replace('\n', " ");
    let encoded = base64(KEY);
    vec![
        scenario(
            "a_token_is_kept_for_the_next_request",
            [
                get(VERSIONS),
                get(VERSIONS),
                get(VERSIONS).after(54 * 60),
                get(VERSIONS).after(2 * 60),
            ],
        ),
        scenario(
            "a_store_that_forgets_costs_calls_and_nothing_else",
            [get(VERSIONS), get(DOWNLOAD), get(ARCHIVE)],
        )
        .store(StoreKind::Forgets),
        scenario(
            "a_store_that_fails_costs_calls_and_nothing_else",
            [get(VERSIONS), get(ARCHIVE)],
        )
        .store(StoreKind::Fails),
        scenario(
            "a_token_that_does_not_last_is_used_for_one_request",
            [get(VERSIONS), get(VERSIONS)],
        )
        .on(
            MINT,
            [Answer::new(
                201,
                r#"{"token":"ghs_short","expires_at":"2026-01-01T00:04:00Z"}"#,
            )],
        ),
        scenario("an_installation_of_a_user_is_found", [get(VERSIONS)])
            .on(INSTALLATION, [Answer::message(404, "Not Found")])
            .on(user, [Answer::json(&json!({ "id": 7 }))]),
        scenario(
            "a_configured_installation_is_used",
            [get("/readyz"), get(VERSIONS)],
        )
        .variable("github_installation_id", "7"),
        scenario(
            "each_owner_has_an_installation",
            [get(VERSIONS), get("/v1/modules/labs/vpc/aws/versions")],
        )
        .variable("allowed_owners", "acme labs")
        .on(
            "GET https://api.github.com/orgs/labs/installation",
            [Answer::json(&json!({ "id": 8 }))],
        )
        .on(
            "POST https://api.github.com/app/installations/8/access_tokens",
            [minted("ghs_labs")],
        )
        .on(
            "GET https://api.github.com/repos/labs/vpc/git/matching-refs/tags",
            [tags(&[("v1.0.0", "commit", COMMIT)])],
        ),
        scenario("a_fresh_token_is_waited_for", [get(VERSIONS)])
            .on(TAGS, [unauthorized(), unauthorized(), vpc_tags()]),
        scenario("a_fresh_token_is_not_waited_for_for_ever", [get(VERSIONS)])
            .on(TAGS, [unauthorized()]),
        scenario(
            "a_stored_token_that_is_refused_is_replaced",
            [get(VERSIONS), get(VERSIONS).after(600)],
        )
        .on(MINT, [minted("ghs_one"), minted("ghs_two")])
        .on(TAGS, [vpc_tags(), unauthorized(), vpc_tags()]),
        scenario("a_clock_that_is_wrong_is_repaired_once", [get(VERSIONS)])
            .skew(-3600)
            .on(
                INSTALLATION,
                [
                    Answer::message(
                        401,
                        "'Expiration time' claim ('exp') must be a numeric value",
                    ),
                    Answer::json(&json!({ "id": 7 })),
                ],
            ),
        scenario(
            "a_key_that_github_refuses_is_not_tried_again",
            [get(VERSIONS), get("/readyz")],
        )
        .on(
            INSTALLATION,
            [Answer::message(
                401,
                "A JSON web token could not be decoded",
            )],
        ),
        scenario("a_missing_permission_is_said_in_the_log", [get(VERSIONS)]).on(
            MINT,
            [Answer::message(
                422,
                "The permissions requested are not granted to this installation.",
            )],
        ),
        scenario("a_token_instead_of_an_app", [get(VERSIONS), get("/readyz")]).variables([
            ("allowed_owners", "acme"),
            ("anonymous_read", "true"),
            ("github_token", "ghp_TOKEN"),
        ]),
        scenario(
            "public_repositories_need_no_credential",
            [get(VERSIONS), get(ARCHIVE), get("/readyz")],
        )
        .variables([("allowed_owners", "acme"), ("anonymous_read", "true")]),
        scenario("a_key_with_escaped_line_breaks", [get(VERSIONS)])
            .variable("github_private_key", &escaped),
        scenario("a_key_with_spaces_for_line_breaks", [get(VERSIONS)])
            .variable("github_private_key", &folded),
        scenario("a_key_in_base64", [get(VERSIONS)]).variable("github_private_key", &encoded),
        scenario("a_github_without_its_path", [get(VERSIONS)])
            .variable("github_api_url", "https://github.corp.example")
            .on(
                "GET https://github.corp.example/api/v3/orgs/acme/installation",
                [Answer::message(401, "x")],
            ),
        scenario("another_github", [get("/v1/modules/acme/vpc/aws/versions")])
            .variable("github_api_url", "https://github.corp.example/api/v3/")
            .on(
                "GET https://github.corp.example/api/v3/orgs/acme/installation",
                [Answer::json(&json!({ "id": 7 }))],
            )
            .on(
                "POST https://github.corp.example/api/v3/app/installations/7/access_tokens",
                [minted("v1.short")],
            )
            .on(
                "GET https://github.corp.example/api/v3/repos/acme/vpc/git/matching-refs/tags",
                [vpc_tags()],
            ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn github_failures() -> Vec<Scenario> {
    let html = || {
        Answer::new(200, "<html><body>Unicorn!</body></html>").header("content-type", "text/html")
    };
    let whole = vpc_tags();
    let half = whole.body.len() / 2;
    let moved = |to: &str| {
        let mut answer = Answer::redirect(301, to);
        answer.body = json!({ "message": "Moved Permanently", "url": to })
            .to_string()
            .into();
        answer
    };
    let elsewhere = format!("{API}/repositories/42/git/matching-refs/tags");
    let answers = [
        ("a_401_of_github_s", Answer::message(401, "Bad credentials")),
        (
            "a_missing_permission",
            Answer::message(403, "Resource not accessible by integration"),
        ),
        ("a_missing_repository", Answer::message(404, "Not Found")),
        (
            "a_primary_limit",
            Answer::message(403, "API rate limit exceeded for installation ID 7.")
                .header("x-ratelimit-remaining", &0)
                .header("x-ratelimit-reset", &1_767_229_000),
        ),
        (
            "a_primary_limit_as_429",
            Answer::message(429, "Too many").header("x-ratelimit-remaining", &0),
        ),
        (
            "a_secondary_limit",
            Answer::message(403, "You have exceeded a secondary rate limit.")
                .header("retry-after", &3600),
        ),
        (
            "a_short_limit",
            Answer::message(429, "Slow down").header("retry-after", &0),
        ),
        ("a_500", Answer::new(500, "")),
        ("a_502_in_html", Answer::new(502, "<html>502</html>")),
        (
            "a_503_with_retry_after",
            Answer::new(503, "").header("retry-after", &900),
        ),
        ("html_for_json", html()),
        ("half_a_json", whole.clone().fault(Fault::End(half))),
        (
            "a_body_that_breaks",
            whole.clone().fault(Fault::Break(half)),
        ),
        ("another_json", Answer::json(&json!({ "unexpected": true }))),
        ("a_timeout", Answer::new(200, "").fault(Fault::Timeout)),
        ("no_connection", Answer::new(200, "").fault(Fault::Refused)),
        ("a_304_that_nobody_asked_for", Answer::new(304, "")),
        (
            "a_redirect_to_another_host",
            moved("https://evil.example/repositories/42/git/matching-refs/tags"),
        ),
        (
            "a_redirect_to_http",
            moved("http://api.github.com/repositories/42/git/matching-refs/tags"),
        ),
        ("a_redirect_to_itself", moved(&TAGS["GET ".len()..])),
        ("a_redirect_without_a_location", Answer::new(301, "")),
        (
            "a_blocked_repository",
            Answer::message(451, "Repository access blocked"),
        ),
    ];
    let mut all: Vec<Scenario> = answers
        .into_iter()
        .map(|(name, answer)| {
            // The token is an old one, so that a 401 is not taken for lag.
            scenario(
                name,
                [
                    get("/v1/modules/acme/other/aws/versions"),
                    get(VERSIONS).after(60),
                    get(DOWNLOAD),
                ],
            )
            .on(TAGS, [answer])
        })
        .collect();
    all.push(
        scenario(
            "a_renamed_repository_is_followed",
            [get(VERSIONS), get(ARCHIVE)],
        )
        .on(TAGS, [moved(&elsewhere)])
        .on(&format!("GET {elsewhere}"), [vpc_tags()])
        .on(
            &format!("GET {API}/repos/acme/vpc"),
            [moved(&format!("{API}/repositories/42"))],
        )
        .on(
            &format!("GET {API}/repositories/42"),
            [Answer::json(
                &json!({ "id": 42, "full_name": "acme/network" }),
            )],
        )
        .on(
            &format!("GET {API}/repositories/42/zipball/{COMMIT}"),
            [Answer::redirect(302, CODELOAD)],
        ),
    );
    all
}

fn archives() -> Vec<Scenario> {
    let tag =
        |kind: &str, sha: &str| Answer::json(&json!({ "object": { "type": kind, "sha": sha } }));
    let tag_object = format!("GET {API}/repos/acme/vpc/git/tags/{TAG_OBJECT}");
    let other = "3333333333333333333333333333333333333333";
    let annotated = || tags(&[("v1.2.0", "tag", TAG_OBJECT)]);
    let tagged = &ARCHIVE.replace(COMMIT, TAG_OBJECT);
    let tagged_zipball = ZIPBALL.replace(COMMIT, TAG_OBJECT);
    let linked = zip_of(
        &[
            ("acme-vpc-1111111/main.tf".to_owned(), b"# main\n"),
            (
                "acme-vpc-1111111/shared/versions.tf".to_owned(),
                b"# versions\n",
            ),
        ],
        &[
            ("acme-vpc-1111111/versions.tf", "shared/versions.tf"),
            ("acme-vpc-1111111/out.tf", "../../etc/passwd"),
        ],
    );
    let large = vec![b'\n'; 3 << 20];
    let large = zipball(&[
        ("first.tf", b"# 1\n"),
        ("large", &large),
        ("last.tf", b"# 2\n"),
    ]);
    vec![
        scenario(
            "an_archive_arrives_without_its_top_folder",
            [get(ARCHIVE), head(ARCHIVE)],
        ),
        scenario("a_large_archive_is_streamed", [get(ARCHIVE)])
            .on(&format!("GET {CODELOAD}"), [Answer::new(200, large)]),
        scenario("a_link_is_what_it_stands_for", [get(ARCHIVE)])
            .on(&format!("GET {CODELOAD}"), [Answer::new(200, linked)]),
        // Its archive is found by the tag object's own id, and tells the commit.
        scenario(
            "an_annotated_tag_costs_no_call_of_its_own",
            [get(DOWNLOAD), get(tagged), get(tagged)],
        )
        .variable("archive_cache_bytes", "0")
        .on(TAGS, [annotated()])
        .on(&tagged_zipball, [Answer::redirect(302, CODELOAD)]),
        scenario(
            "an_annotated_tag_without_an_archive_is_peeled_once",
            [get(tagged), get(tagged)],
        )
        .variable("archive_cache_bytes", "0")
        .on(TAGS, [annotated()])
        .on(&tag_object, [tag("commit", COMMIT)]),
        scenario("a_tag_of_a_tag_is_peeled", [get(tagged)])
            .on(TAGS, [annotated()])
            .on(&tag_object, [tag("tag", other)])
            .on(
                &format!("GET {API}/repos/acme/vpc/git/tags/{other}"),
                [tag("commit", COMMIT)],
            ),
        scenario("tags_of_tags_come_to_an_end", [get(tagged)])
            .on(TAGS, [annotated()])
            .on(&tag_object, [tag("tag", TAG_OBJECT)]),
        scenario("a_tag_of_a_tree_is_no_module", [get(tagged)])
            .on(TAGS, [annotated()])
            .on(&tag_object, [tag("tree", COMMIT)]),
        scenario(
            "a_commit_that_is_not_the_version_s_is_not_found",
            [
                get(&ARCHIVE.replace("1111111111", "4444444444")),
                get(&ARCHIVE.replace("1.2.0", "1.1.0")),
            ],
        ),
        scenario("a_redirect_may_lead_to_a_configured_host", [get(ARCHIVE)])
            .variable("github_archive_hosts", "archives.example:8443")
            .on(
                ZIPBALL,
                [Answer::redirect(302, "https://archives.example:8443/x.zip")],
            )
            .on(
                "GET https://archives.example:8443/x.zip",
                [Answer::new(200, zipball(&[("main.tf", b"#\n")]))],
            ),
        scenario(
            "a_failure_of_the_archive_host_is_tried_once_more",
            [get(ARCHIVE)],
        )
        .on(
            &format!("GET {CODELOAD}"),
            [
                Answer::new(502, "<html>"),
                Answer::new(200, zipball(&[("main.tf", b"#\n")])),
            ],
        ),
    ]
}

fn archive_failures() -> Vec<Scenario> {
    let sound = zipball(&[
        ("main.tf", b"# main\n"),
        ("variables.tf", b"variable \"x\" {}\n"),
    ]);
    let hostile = |name: &str| zip_of(&[(name.to_owned(), b"#\n")], &[]);
    let large = zipball(&[("large", &vec![b'\n'; 3 << 20]), ("last.tf", b"# 2\n")]);
    let zips = [
        (
            "an_archive_of_300_choices",
            Answer::new(300, "the given path has multiple possibilities: ..."),
        ),
        (
            "an_archive_that_is_not_there",
            Answer::new(404, "404: Not Found"),
        ),
        (
            "an_archive_in_html",
            Answer::new(200, "<html><body>Please log in</body></html>"),
        ),
        ("an_empty_archive", Answer::new(200, "")),
        ("an_archive_of_garbage", Answer::new(200, vec![0xA5; 4000])),
        (
            "an_archive_that_is_too_large",
            Answer::new(200, sound.clone()).header("content-length", &3_000_000_000_u64),
        ),
        (
            "an_archive_that_climbs",
            Answer::new(200, hostile("acme-vpc-1111111/../../x")),
        ),
        (
            "an_archive_with_an_absolute_name",
            Answer::new(200, hostile("/etc/passwd")),
        ),
        (
            "an_archive_without_a_top_folder",
            Answer::new(200, hostile("main.tf")),
        ),
        (
            "an_archive_that_breaks_in_the_middle",
            Answer::new(200, large.clone()).fault(Fault::Break(2 << 20)),
        ),
        (
            "an_archive_that_ends_in_the_middle",
            Answer::new(200, large.clone()).fault(Fault::End(2 << 20)),
        ),
        (
            "an_archive_that_ends_before_its_directory",
            Answer::new(200, large.clone()).fault(Fault::End(large.len() - 30)),
        ),
        (
            "an_archive_host_that_is_down",
            Answer::new(200, "").fault(Fault::Refused),
        ),
        (
            "an_archive_host_that_is_slow",
            Answer::new(200, "").fault(Fault::Timeout),
        ),
        (
            "an_archive_host_that_limits",
            Answer::new(429, "Too many requests").header("retry-after", &1800),
        ),
    ];
    let mut all: Vec<Scenario> = zips
        .into_iter()
        .map(|(name, answer)| {
            scenario(name, [get(ARCHIVE)]).on(&format!("GET {CODELOAD}"), [answer])
        })
        .collect();
    let cuts = (0..10)
        .map(|tenth| Answer::new(200, sound.clone()).fault(Fault::End(sound.len() * tenth / 10)));
    all.push(
        scenario(
            "an_archive_that_is_cut_is_an_error_status",
            vec![get(ARCHIVE); 10],
        )
        .on(&format!("GET {CODELOAD}"), cuts),
    );
    for (name, location) in [
        (
            "an_archive_on_a_foreign_host",
            "https://evil.example/x.zip?token=SECRET",
        ),
        ("an_archive_over_http", "http://codeload.github.com/x.zip"),
        (
            "an_archive_on_another_port",
            "https://codeload.github.com:8443/x.zip",
        ),
        (
            "an_archive_with_a_password",
            "https://u:p@codeload.github.com/x.zip",
        ),
        ("an_archive_on_this_machine", "http://127.0.0.1:8080/x.zip"),
        ("an_archive_in_a_loop", &ZIPBALL["GET ".len()..]),
        ("an_archive_at_no_address", "https://"),
    ] {
        all.push(scenario(name, [get(ARCHIVE)]).on(ZIPBALL, [Answer::redirect(302, location)]));
    }
    all
}

/// GitHub with the App installed for `acme`, and its repository `vpc`.
fn world() -> GitHub {
    let files: [(&str, &[u8]); 3] = [
        ("main.tf", b"resource \"terraform_data\" \"x\" {}\n"),
        ("modules/subnet/main.tf", b"# CRLF\r\n"),
        ("VERSION", b"1.2.0"),
    ];
    let github = GitHub::default();
    let installation = json!({ "id": 7, "suspended_at": null });
    github.on(INSTALLATION, [Answer::json(&installation)]);
    github.on(MINT, [minted("ghs_1001_eyJ")]);
    github.on(TAGS, [vpc_tags()]);
    github.on(ZIPBALL, [Answer::redirect(302, CODELOAD)]);
    github.on(
        &format!("GET {CODELOAD}"),
        [Answer::new(200, zipball(&files))],
    );
    github
}

fn vpc_tags() -> Answer {
    tags(&[
        ("1.0.0+build.5", "commit", COMMIT),
        ("nightly", "commit", COMMIT),
        (
            "v1.1.0",
            "commit",
            "3333333333333333333333333333333333333333",
        ),
        ("v1.2.0", "commit", COMMIT),
        ("v2.0.0-rc.1", "commit", COMMIT),
    ])
}

pub fn tags(tags: &[(&str, &str, &str)]) -> Answer {
    let tag = |(name, kind, sha): &(&str, &str, &str)| json!({ "ref": format!("refs/tags/{name}"), "object": { "type": kind, "sha": sha, "url": "" } });
    Answer::json(&Value::Array(tags.iter().map(tag).collect())).etag(ETag::Rule)
}

/// A token for an hour, about as long as GitHub's are today.
pub fn minted(start: &str) -> Answer {
    let token = format!("{start}{}", "x".repeat(520 - start.len()));
    let mut answer = Answer::json(&json!({ "token": token, "expires_at": "2026-01-01T01:00:00Z" }));
    answer.status = 201;
    answer
}

fn base64(text: &str) -> String {
    use ::base64::Engine as _;
    ::base64::prelude::BASE64_STANDARD.encode(text)
}

pub fn scenario(name: &str, requests: impl IntoIterator<Item = Ask>) -> Scenario {
    let variables = [
        ("allowed_owners", "acme"),
        ("anonymous_read", "true"),
        ("github_app_id", "1001"),
        ("github_private_key", KEY),
        ("url_signing_key", URL_KEY),
        ("url_signing_key_previous", OTHER_URL_KEY),
    ];
    Scenario {
        name: name.to_owned(),
        variables: variables
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec(),
        github: Arc::new(world()),
        requests: requests.into_iter().collect(),
        store: StoreKind::Keeps,
        skew: 0,
    }
}

impl Scenario {
    #[must_use]
    pub fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
        self
    }

    #[must_use]
    pub fn variables<const N: usize>(mut self, variables: [(&'static str, &str); N]) -> Self {
        self.variables = variables
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec();
        self
    }

    #[must_use]
    pub fn on(self, pattern: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.github.on(pattern, answers);
        self
    }

    #[must_use]
    pub fn store(mut self, store: StoreKind) -> Self {
        self.store = store;
        self
    }

    #[must_use]
    pub fn skew(mut self, seconds: i64) -> Self {
        self.skew = seconds;
        self
    }
}

pub fn get(target: &str) -> Ask {
    ask("GET", target)
}

pub fn head(target: &str) -> Ask {
    ask("HEAD", target)
}

pub fn ask(method: &'static str, target: &str) -> Ask {
    Ask {
        label: None,
        method,
        target: target.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        after: 0,
        trouble: None,
        store: None,
    }
}

impl Ask {
    /// Says what is special about it, in place of its headers.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.to_owned());
        self
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    #[must_use]
    pub fn after(mut self, seconds: i64) -> Self {
        self.after = seconds;
        self
    }

    #[must_use]
    pub fn trouble(mut self, trouble: Trouble) -> Self {
        self.trouble = Some(trouble);
        self
    }

    #[must_use]
    pub fn store(mut self, store: StoreKind) -> Self {
        self.store = Some(store);
        self
    }

    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }
}
