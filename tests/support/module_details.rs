//! What a version of a module takes and gives.

use serde_json::json;

use super::github::{Answer, Trouble};
use super::readers::{NARROW, TOKEN, guarded};
use super::scenario::{Ask, Scenario};
use super::scenarios::{ARCHIVE, CODELOAD, COMMIT, TAGS, ZIPBALL, get, head, scenario, tags};
use super::zips::{zip_of, zipball};

const LATEST: &str = "/v1/modules/acme/vpc/aws";
pub const EXACT: &str = "/v1/modules/acme/vpc/aws/1.2.0";
const PAGE: &str = "GET https://api.github.com/installation/repositories?per_page=100&page=1";

const VARIABLES: &[u8] = b"\xef\xbb\xbfvariable \"cidr\" {\r\n  type        = string\r\n  description = \"The range.\"\r\n}\r\n\r\nvariable \"tags\" {\r\n  type    = map(string)\r\n  default = { a = \"b\" }\r\n}\r\n";
const MAIN: &[u8] = br#"
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5" }
  }
}

resource "aws_vpc" "this" {
  cidr_block = var.cidr
}

module "subnet" {
  source = "./modules/subnet"
}

output "id" {
  value = aws_vpc.this.id
}
"#;

pub fn all() -> Vec<Scenario> {
    let broken: [(&str, &[u8]); 2] = [
        (
            "main.tf",
            b"variable \"before\" {}\nvariable \"broken\" {\n  type = \n}\nvariable \"after\" {}\n",
        ),
        ("README", b"no extension\n"),
    ];
    let links = zip_of(
        &[
            (
                "acme-vpc-1111111/common/variables.tf".to_owned(),
                &b"variable \"shared\" {}\n"[..],
            ),
            ("acme-vpc-1111111/main.tf".to_owned(), b"# links\n"),
            (
                "acme-vpc-1111111/common/README.md".to_owned(),
                b"# Common\n",
            ),
        ],
        &[
            ("acme-vpc-1111111/variables.tf", "common/variables.tf"),
            ("acme-vpc-1111111/modules/common", "../common"),
        ],
    );
    vec![
        described(
            "a_module_is_described",
            [get(LATEST), get(EXACT), head(EXACT), get("/v1/modules/acme/vpc/aws/v1.2")],
        ),
        described("an_archive_that_goes_by_tells_the_details", [get(ARCHIVE), get(EXACT)]),
        described("what_a_small_archive_was_kept_for_is_read_once", [get(EXACT), get(ARCHIVE), get(EXACT)])
            .variable("archive_cache_bytes", "0"),
        described("details_outlive_an_outage", [get(EXACT), get(EXACT).after(4000).trouble(Trouble::Down)]),
        described("a_module_that_is_broken_is_described_as_far_as_it_goes", [get(EXACT)])
            .on(&format!("GET {CODELOAD}"), [Answer::new(200, zipball(&broken))]),
        described("links_are_what_they_stand_for_in_details_too", [get(EXACT)])
            .on(&format!("GET {CODELOAD}"), [Answer::new(200, links)]),
        described("a_module_without_configuration_is_empty", [get(EXACT)])
            .on(&format!("GET {CODELOAD}"), [Answer::new(200, zipball(&[("LICENSE", b"free\n")]))]),
        described("a_module_that_is_no_zip_has_no_details", [get(EXACT)])
            .on(&format!("GET {CODELOAD}"), [Answer::new(200, "<html>")]),
        described(
            "what_is_not_to_be_had_has_no_details",
            [
                get("/v1/modules/acme/vpc/aws/1.1.0"),
                get("/v1/modules/acme/vpc/aws/9.9.9"),
                get("/v1/modules/acme/none/aws"),
                get("/v1/modules/acme/vpc/aws/latest"),
                get(LATEST),
            ],
        )
        .variable("modules", "[[lifecycle]]\nmodules = [\"acme/*/*\"]\nyanked = [\"1.1.0\"]\ndeprecated = \"use acme/network/aws\"\n"),
        described("of_a_folder_only_the_module_is_described", [get(EXACT)])
            .variable("modules", "[[module]]\naddress = \"acme/vpc/aws\"\nrepository = \"acme/vpc\"\npath = \"modules/subnet\"\nroot = \"modules\"\n"),
        guarded(
            "details_are_for_who_may_read_the_module",
            [
                get(EXACT),
                get(EXACT).bearer("all", TOKEN),
                get(EXACT).bearer("some", NARROW),
                get("/v1/modules/acme/dns/aws").bearer("some", NARROW),
                get("/v1/modules/acme/dns/aws/1.0.0").bearer("some", NARROW),
            ],
        )
        .described(),
    ]
}

fn described(name: &str, requests: impl IntoIterator<Item = Ask>) -> Scenario {
    scenario(name, requests).described()
}

impl Scenario {
    #[must_use]
    pub fn described(self) -> Self {
        let repository = json!({
            "full_name": "acme/vpc", "description": "A network", "topics": ["network"], "pushed_at": "2025-12-01T10:00:00Z",
        });
        let files: [(&str, &[u8]); 8] = [
            ("README.md", b"# VPC\n"),
            ("main.tf", MAIN),
            ("variables.tf", VARIABLES),
            (
                "modules/subnet/main.tf",
                b"output \"x\" {\n  value = 1\n}\n",
            ),
            ("modules/subnet/deep/main.tf", b"output \"no_module\" {}\n"),
            (
                "examples/simple/main.tf",
                b"module \"vpc\" {\n  source = \"../..\"\n}\n",
            ),
            ("tests/main.tf", b"output \"no_module\" {}\n"),
            ("image.png", &[0; 100]),
        ];
        self.variable("repository_names", "{name}")
            .on(
                PAGE,
                [Answer::json(&json!({ "repositories": [repository] }))],
            )
            .on(
                TAGS,
                [tags(&[
                    ("v1.1.0", "commit", COMMIT),
                    ("v1.2.0", "commit", COMMIT),
                    ("v2.0.0-rc.1", "commit", COMMIT),
                ])],
            )
            .on(ZIPBALL, [Answer::redirect(302, CODELOAD)])
            .on(
                &format!("GET {CODELOAD}"),
                [Answer::new(200, zipball(&files))],
            )
    }
}
