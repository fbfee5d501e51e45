//! Where a module is found by its name, and which tags are its versions.

use landfall_stand_in::fixture::Repository;

use super::{Build, MAIN, simple};

pub(super) const ALL: &[(&str, Build)] = &[
    ("terraform-aws-plain", plain),
    ("terraform.aws.dots", dots),
    ("bare", |it| simple(it, &[])),
    ("Terraform-AWS-Upper", |it| simple(it, &[])),
    ("terraform-aws-with-many-dashes", |it| simple(it, &[])),
    ("terraform-aws-mixed-tags", mixed_tags),
    ("terraform-aws-annotated", annotated),
    ("terraform-aws-prereleases", prereleases),
    ("terraform-aws-untagged", untagged),
    // Nothing was ever pushed.
    ("terraform-aws-nothing", |it| it),
    ("terraform-aws-metadata", metadata),
    ("releases", releases),
];

fn plain(it: Repository) -> Repository {
    it.file("main.tf", MAIN)
        .file("README.md", "# Plain\n\nA module.\n")
        .commit("Begin")
        .tag("v1.0.0")
        .file(
            "variables.tf",
            r#"variable "name" {
  type        = string
  description = "What it is called."
}

variable "tags" {
  type    = map(string)
  default = { team = "core" }
}
"#,
        )
        .file(
            "outputs.tf",
            r#"output "name" {
  description = "What it is called."
  value       = var.name
}
"#,
        )
        .commit("Take a name")
        .tag("v1.1.0")
        .file(
            "modules/part/main.tf",
            "variable \"size\" {\n  type    = number\n  default = 3\n}\n",
        )
        .file("modules/part/README.md", "# Part\n")
        .file(
            "examples/basic/main.tf",
            "module \"plain\" {\n  source = \"../..\"\n  name   = \"basic\"\n}\n",
        )
        .file("LICENSE", "Anyone may do anything.\n")
        .file(
            "calls.tf",
            "module \"part\" {\n  source = \"./modules/part\"\n  size   = 4\n}\n",
        )
        .commit("Add a part")
        .tag("v1.2.0")
        .tag("v1.10.0")
}

fn dots(it: Repository) -> Repository {
    simple(it, &[("README.md", "Dots\n")])
        .tag("1.0.1")
        .tag("v0.9.0")
}

/// Which commit a version is shows in the text of `which.txt`.
fn mixed_tags(it: Repository) -> Repository {
    let commits: &[(&str, &[&str])] = &[
        ("with a v", &["v1.0.0", "v0.1.0"]),
        ("without a v", &["1.0.0", "1.1.0"]),
        (
            "prereleases",
            &["v2.0.0-alpha", "v2.0.0-rc.1", "2.0.0-rc.10"],
        ),
        ("stable", &["v2.0.0"]),
        (
            "junk",
            &[
                "latest",
                "stable",
                "v3",
                "v3.0",
                "v03.0.0",
                "3.0.0.0",
                "V3.0.0",
                "vv3.0.0",
                "v3.0.0-",
                "v3.0.0_1",
                "release-3.0.0",
                "modules/x/v3.0.0",
                "v3.0.0/x",
                "v9223372036854775808.0.0",
                "v3.0.0\u{fc}",
            ],
        ),
        ("long ago", &["0.0.1", "v0.0.10"]),
        ("largest", &["v9223372036854775807.0.0"]),
    ];
    let it = it.file("main.tf", MAIN);
    commits.iter().fold(it, |it, (which, tags)| {
        let it = it.file("which.txt", format!("{which}\n")).commit(which);
        tags.iter().fold(it, |it, tag| it.tag(tag))
    })
}

fn annotated(it: Repository) -> Repository {
    it.file("main.tf", MAIN)
        .commit("One")
        .annotated_tag("v1.0.0")
        .file("two.tf", "output \"two\" {\n  value = 2\n}\n")
        .commit("Two")
        .annotated_tag("inner")
        .tag_of_tag("v2.0.0", "inner")
}

fn prereleases(it: Repository) -> Repository {
    simple(it, &[])
        .delete_tag("v1.0.0")
        .tag("v1.0.0-beta.2")
        .tag("v1.0.0-beta.11")
        .tag("v0.9.0-rc.1")
}

fn untagged(it: Repository) -> Repository {
    simple(it, &[]).delete_tag("v1.0.0").tag("latest")
}

fn metadata(it: Repository) -> Repository {
    it.file("main.tf", MAIN)
        .commit("One")
        .tag("v1.0.0")
        .file("of.txt", "build 5\n")
        .commit("Two")
        .tag("v1.1.0+build.5")
}

/// Tags with an upper-case prefix, beside others that are somebody else's.
fn releases(it: Repository) -> Repository {
    it.file("main.tf", MAIN)
        .commit("One")
        .tag("Release-1.0.0")
        .tag("Release-v1.1.0")
        .tag("release-3.0.0")
        .tag("v4.0.0")
}
