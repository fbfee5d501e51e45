//! A catalogue that stands in a repository, and what it leaves out.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::github::{Answer, ETag, Trouble};
use super::readers::{TOKEN, guarded};
use super::scenario::{Ask, Scenario};
use super::scenarios::{COMMIT, DOWNLOAD, TAGS, VERSIONS, get, scenario, tags};
use super::webhooks::{SECRET, delivery};

const FILE: &str = "GET https://api.github.com/repos/acme/registry/contents/landfall.toml";
const MOVED_TO: &str = "GET https://api.github.com/repos/acme/network/git/matching-refs/tags/vpc/v";
const YANKED: &str = "[[lifecycle]]\nmodules = [\"acme/vpc/*\"]\nyanked = [\"1.2.0\"]\n";
const ELSEWHERE: &str = "[[module]]\naddress = \"acme/vpc/aws\"\nrepository = \"acme/network\"\npath = \"vpc\"\ntag_prefix = \"vpc/v\"\n";

pub fn all() -> Vec<Scenario> {
    let mut all = files();
    all.extend(selections());
    all
}

fn file(text: &str) -> Answer {
    // GitHub breaks the lines.
    let packed = BASE64_STANDARD.encode(text);
    let lines: Vec<&str> = packed
        .as_bytes()
        .chunks(60)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let content = lines.join("\n") + "\n";
    Answer::json(&json!({ "type": "file", "encoding": "base64", "name": "landfall.toml", "content": content }))
        .etag(ETag::Rule)
}

fn catalogued(name: &str, requests: impl IntoIterator<Item = Ask>) -> Scenario {
    scenario(name, requests)
        .variable("catalogue_repository", "acme/Registry")
        .variable("repository_names", "{name}")
        .on(FILE, [file(YANKED)])
        .on(MOVED_TO, [tags(&[("vpc/v3.0.0", "commit", COMMIT)])])
}

fn files() -> Vec<Scenario> {
    let ready = || get("/readyz");
    vec![
        catalogued(
            "a_catalogue_is_read_from_its_repository",
            [
                get(VERSIONS),
                get(DOWNLOAD),
                get(VERSIONS).after(61),
                get(VERSIONS),
                // What is new in it shows as a new tag does.
                get(VERSIONS).after(61),
                get(VERSIONS),
            ],
        )
        .on(FILE, [file(YANKED), file(YANKED), file(ELSEWHERE)]),
        catalogued("a_catalogue_that_is_wrong_changes_nothing", [get(VERSIONS), get(VERSIONS).after(3700), ready(), get(VERSIONS).after(3700), ready()])
            .on(FILE, [file(YANKED), file("[[module]]\naddress = \"acme/vpc\"\nrepository = \"acme/x\"\n"), file("\u{feff}")]),
        catalogued("a_catalogue_that_never_was_right_serves_nothing", [get(VERSIONS), ready(), get(VERSIONS).after(1), get(VERSIONS).after(31)])
            .on(FILE, [file("[[module]]\naddress = \"acme/vpc/aws\"\nrepository = \"evil/x\"\n"), file(ELSEWHERE)]),
        catalogued("a_catalogue_that_is_gone_goes_on", [get(VERSIONS), get(VERSIONS).after(3700), ready()])
            .on(FILE, [file(YANKED), Answer::message(404, "Not Found")]),
        catalogued("a_catalogue_that_is_not_there_is_said", [get(VERSIONS), ready()])
            .on(FILE, [Answer::message(404, "Not Found")]),
        catalogued(
            "a_catalogue_outlives_an_outage",
            [
                get(VERSIONS),
                get(VERSIONS).after(3700).trouble(Trouble::Down),
                get(VERSIONS),
                get(VERSIONS).after(40).trouble(Trouble::None),
            ],
        )
        .on(FILE, [file(ELSEWHERE)]),
        catalogued("without_github_an_unknown_catalogue_is_no_empty_one", [get(VERSIONS).trouble(Trouble::Down), ready()]),
        catalogued(
            "a_webhook_marks_the_catalogue",
            [
                get(VERSIONS),
                delivery("push", &json!({ "ref": "refs/heads/main", "repository": { "id": 44, "full_name": "acme/registry" } })),
                get(VERSIONS),
            ],
        )
        .on(FILE, [file(YANKED), file(ELSEWHERE)])
        .variable("webhook_secret", SECRET),
        guarded(
            "a_stranger_does_not_have_the_catalogue_read",
            [
                get(VERSIONS),
                get(VERSIONS).bearer("a token", TOKEN),
                get(DOWNLOAD).bearer("a token", TOKEN),
                get("{location}").label("nothing"),
                get("{location}").label("nothing, when the folder is another").after(61),
                get("{location}").label("nothing, when the folder is another"),
                get(&format!("/archive/acme/vpc/aws/1.2.0/{COMMIT}/AAAA.zip")).label("a made-up ticket"),
            ],
        )
        .variable("catalogue_repository", "acme/registry")
        .on(FILE, [file(""), file(ELSEWHERE)]),
        catalogued("either_a_catalogue_or_its_repository", [ready(), get(VERSIONS)]).variable("modules", YANKED),
        catalogued("a_catalogue_s_repository_must_be_served", [ready(), get(VERSIONS)]).variable("catalogue_repository", "evil/registry"),
        catalogued("a_catalogue_s_repository_has_an_owner_and_a_name", [ready()]).variable("catalogue_repository", "acme"),
    ]
}

fn selections() -> Vec<Scenario> {
    let google = "/v1/modules/acme/vpc/google/versions";
    vec![
        scenario(
            "a_repository_that_is_left_out_is_no_module",
            [get(VERSIONS), get(DOWNLOAD), get(google)],
        )
        .variable("modules", "[[deny]]\nrepositories = [\"acme/vpc\"]\n"),
        scenario(
            "only_what_is_allowed_is_a_module",
            [get(VERSIONS), get("/v1/modules/acme/dns/aws/versions")],
        )
        .variable("repository_names", "{name}")
        .variable("modules", "[[allow]]\nrepositories = [\"acme/v*\"]\n"),
        scenario(
            "versions_that_are_left_out_are_not_to_be_had",
            [
                get(VERSIONS),
                get("/v1/modules/acme/vpc/aws/1.1.0/download"),
                get("/v1/modules/acme/vpc/aws/download"),
            ],
        )
        .variable("repository_names", "{name}")
        .on(
            TAGS,
            [tags(&[
                ("v1.1.0", "commit", COMMIT),
                ("v1.2.0", "commit", COMMIT),
            ])],
        )
        .variable("modules", "[[deny]]\nversions = [\"< 1.2\"]\n"),
    ]
}
