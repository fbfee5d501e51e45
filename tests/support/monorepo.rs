//! Modules that are folders of a repository, with tags of their own.

use serde_json::json;

use super::github::Answer;
use super::readers::TOKEN;
use super::scenario::{Ask, Scenario};
use super::scenarios::{
    ARCHIVE, CODELOAD, COMMIT, DOWNLOAD, TAGS, VERSIONS, get, head, scenario, tags,
};
use super::webhooks::delivery;
use super::zips::zipball;

const MODULES: &str = r#"
    [[module]]
    address = "acme/{name}/aws"
    repository = "acme/platform"
    path = "modules/*"
    tag_prefix = "{name}/v"

    [[module]]
    address = "network/core/google"
    repository = "acme/platform"
    path = "core"
    tag_prefix = "core#"
"#;

const VPC: &str = "/v1/modules/acme/vpc/aws/versions";
const VPC_TAGS: &str =
    "GET https://api.github.com/repos/acme/platform/git/matching-refs/tags/vpc/v";
const CORE_TAGS: &str =
    "GET https://api.github.com/repos/acme/platform/git/matching-refs/tags/core%23";
const NONE_TAGS: &str =
    "GET https://api.github.com/repos/acme/platform/git/matching-refs/tags/none/v";
const ZIPBALL: &str = "GET https://api.github.com/repos/acme/platform/zipball/1111111111111111111111111111111111111111";

pub fn all() -> Vec<Scenario> {
    let mut all = folders();
    all.extend(lifecycles());
    all
}

fn folders() -> Vec<Scenario> {
    let archive = |module: &str, version: &str| format!("/archive/{module}/{version}/{COMMIT}.zip");
    vec![
        monorepo(
            "a_folder_with_tags_of_its_own_is_a_module",
            [
                get(VPC),
                get("/v1/modules/ACME/Vpc/aws/versions"),
                get("/v1/modules/acme/vpc/aws/1.2.0/download"),
                get(&archive("acme/vpc/aws", "1.2.0")),
                head(&archive("acme/vpc/aws", "1.2.0")),
                get("/v1/modules/network/core/google/versions"),
                get("/v1/modules/network/core/google/download"),
                get(&archive("network/core/google", "0.1.0")),
                // Of the same commit, and other content.
                get(&archive("acme/vpc/aws", "1.2.0")),
                get(&archive("acme/vpc/aws", "0.1.0")),
            ],
        ),
        monorepo(
            "a_made_up_folder_leaves_nothing_behind",
            [
                get("/v1/modules/acme/none/aws/versions"),
                get("/v1/modules/acme/none/aws/versions"),
                get("/v1/modules/acme/none/aws/1.0.0/download"),
            ],
        ),
        monorepo(
            "a_folder_that_is_not_there_is_refused",
            [get(&archive("acme/dns/aws", "3.0.0"))],
        )
        .on(
            &VPC_TAGS.replace("vpc", "dns"),
            [tags(&[("dns/v3.0.0", "commit", COMMIT)])],
        ),
        monorepo(
            "a_repository_of_the_catalogue_is_no_module_by_its_own_name",
            [
                get("/v1/modules/acme/platform/google/versions"),
                get(&archive("acme/platform/google", "1.2.0")),
            ],
        ),
        monorepo(
            "a_webhook_marks_all_modules_of_a_repository",
            [
                get(VPC),
                get("/v1/modules/network/core/google/versions"),
                delivery(
                    "create",
                    &json!({ "ref": "vpc/v1.3.0", "ref_type": "tag", "repository": { "id": 43, "full_name": "Acme/Platform" } }),
                ),
                get(VPC),
                get("/v1/modules/network/core/google/versions"),
            ],
        )
        .variable("webhook_secret", super::webhooks::SECRET),
        super::readers::guarded(
            "an_archive_s_url_is_for_one_folder",
            [
                get("/v1/modules/acme/vpc/aws/1.2.0/download").bearer("a token", TOKEN),
                get("{location}").label("nothing"),
            ],
        )
        .catalogue(),
        monorepo("a_catalogue_that_is_wrong_is_named", [get("/readyz"), get(VPC)]).variable(
            "modules",
            "[[module]]\naddress = \"acme/vpc/aws\"\nrepository = \"evil/x\"\n[[module]]\naddress = \"acme/{name}/aws\"\nrepository = \"acme/x\"\npath = \"*\"\n",
        ),
        monorepo("an_owner_of_the_catalogue_must_be_served", [get("/readyz"), get(VPC)]).variable(
            "modules",
            "[[module]]\naddress = \"acme/vpc/aws\"\nrepository = \"evil/x\"\n",
        ),
    ]
}

const HOLD_BACK: &str = "[[lifecycle]]\nmodules = [\"acme/*/*\"]\nhold_back = \"1h\"\n";
const NEW: &str = "2222222222222222222222222222222222222222";

fn with_a_new_tag() -> Answer {
    tags(&[("v1.2.0", "commit", COMMIT), ("v1.3.0", "commit", NEW)])
}

fn lifecycles() -> Vec<Scenario> {
    vec![
        scenario(
            "what_is_yanked_is_not_to_be_had",
            [
                get(VERSIONS),
                get(DOWNLOAD),
                get(ARCHIVE),
                get("/v1/modules/acme/vpc/aws/download"),
                get("/v1/modules/acme/vpc/aws/1.1.0/download"),
                get("/v1/modules/acme/vpc/aws/1.0.0+build.5/download"),
                get("/v1/modules/acme/vpc/google/versions"),
            ],
        )
        .variable(
            "modules",
            "[[lifecycle]]\nmodules = [\"acme/vpc/aws\"]\nyanked = [\"1.2.0\"]\nminimum_version = \"1.1.0\"\ndeprecated = \"use acme/network/aws\"\n",
        ),
        scenario(
            "a_new_tag_is_held_back_until_it_is_known_for_long_enough",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get(VERSIONS),
                get("/v1/modules/acme/vpc/aws/1.3.0/download"),
                get(&format!("/archive/acme/vpc/aws/1.3.0/{NEW}.zip")),
                get("/v1/modules/acme/vpc/aws/download"),
                // Nothing of that is rendered anew: it shows when its time has come.
                get(VERSIONS).after(3540),
                get(VERSIONS).after(60),
                get("/v1/modules/acme/vpc/aws/1.3.0/download"),
                get("/v1/modules/acme/vpc/aws/download"),
            ],
        )
        .on(TAGS, [tags(&[("v1.2.0", "commit", COMMIT)]), with_a_new_tag()])
        .variable("repository_names", "{name}")
        .variable("modules", HOLD_BACK),
        scenario(
            "a_moved_tag_is_followed_when_that_is_known_for_long_enough",
            [
                get(VERSIONS),
                get(VERSIONS).after(61),
                get("/v1/modules/acme/vpc/aws/1.2.0/download"),
                get("/v1/modules/acme/vpc/aws/1.2.0/download").after(3601),
            ],
        )
        .on(TAGS, [tags(&[("v1.2.0", "commit", COMMIT)]), tags(&[("v1.2.0", "commit", NEW)])])
        .variable("repository_names", "{name}")
        .variable("moved_tags", "follow")
        .variable("modules", HOLD_BACK),
        scenario("a_module_of_which_all_is_yanked_has_no_versions", [get(VERSIONS), get("/v1/modules/acme/vpc/aws/download")])
            .variable("modules", "[[lifecycle]]\nmodules = [\"*/*/*\"]\nyanked = [\"< 9\"]\n"),
    ]
}

fn monorepo(name: &str, requests: impl IntoIterator<Item = Ask>) -> Scenario {
    scenario(name, requests).catalogue()
}

impl Scenario {
    fn catalogue(self) -> Self {
        let files: [(&str, &[u8]); 5] = [
            ("README.md", b"# platform\n"),
            ("modules/vpc/main.tf", b"# vpc\n"),
            ("modules/vpc/sub/main.tf", b"# sub\n"),
            ("modules/vpc-old/main.tf", b"# old\n"),
            ("core/main.tf", b"# core\n"),
        ];
        let of_vpc = [
            ("vpc/v1.1.0", "commit", COMMIT),
            ("vpc/v1.2.0", "commit", COMMIT),
            ("vpc/v-junk", "commit", COMMIT),
            ("vpc/v2.0.0/x", "commit", COMMIT),
        ];
        self.variable("modules", MODULES)
            .on(VPC_TAGS, [tags(&of_vpc)])
            .on(CORE_TAGS, [tags(&[("core#0.1.0", "commit", COMMIT)])])
            .on(NONE_TAGS, [Answer::json(&"[]")])
            .on(ZIPBALL, [Answer::redirect(302, CODELOAD)])
            .on(
                &format!("GET {CODELOAD}"),
                [Answer::new(200, zipball(&files))],
            )
    }
}
