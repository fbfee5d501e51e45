//! Several modules in one repository.

use landfall_stand_in::fixture::Repository;

use super::{Build, MAIN};

pub(super) const ALL: &[(&str, Build)] = &[
    ("mono-flat", flat),
    ("mono-nested", nested),
    ("mono-dashed", dashed),
    ("mono-folders", folders),
    ("mono-siblings", siblings),
];

/// A module whose only output says which it is.
fn says(what: &str) -> String {
    format!("{MAIN}\noutput \"says\" {{\n  value = \"{what}\"\n}}\n")
}

/// `modules/*`, with tags `{name}/v`.
fn flat(it: Repository) -> Repository {
    it.file("README.md", "All of them\n")
        .file("modules/dns/main.tf", says("dns one"))
        .file("modules/dns/README.md", "# DNS\n")
        .file("modules/dns/modules/zone/main.tf", says("zone"))
        .file("modules/vpc/main.tf", says("vpc"))
        .file("modules/untagged/main.tf", says("untagged"))
        .file("main.tf", says("the root"))
        .commit("Add two")
        .tag("dns/v1.0.0")
        .tag("vpc/v2.0.0")
        .tag("gone/v1.0.0-x")
        .tag("v7.0.0")
        .file("modules/dns/main.tf", says("dns two"))
        .file(
            "modules/dns/zone.tf",
            "module \"zone\" {\n  source = \"./modules/zone\"\n}\n",
        )
        .commit("Change one")
        .tag("dns/v1.1.0")
}

/// `{system}/{name}`, with tags `{system}-{name}-v`.
fn nested(it: Repository) -> Repository {
    it.file("aws/net-work/main.tf", says("network of aws"))
        .file("google/net-work/main.tf", says("network of google"))
        .file("aws/net/main.tf", says("net of aws"))
        .commit("Add three")
        .tag("aws-net-work-v1.0.0")
        .tag("google-net-work-v3.0.0")
        .tag("google-net-work-v3.1.0-rc.1")
        .tag("aws-net-v5.0.0")
}

/// `{name}-v`, with names that have that in them.
fn dashed(it: Repository) -> Repository {
    it.file("modules/my/main.tf", says("my"))
        .file("modules/my-v2-thing/main.tf", says("my v2 thing"))
        .file("modules/my-v2/main.tf", says("my v2"))
        .commit("Add three")
        .tag("my-v1.0.0")
        .tag("my-v2-thing-v1.0.0")
        .tag("my-v2-v1.5.0")
        .tag("my-v2-thing-v1.1.0")
}

/// `modules/*`, and all of them have the same tags.
fn folders(it: Repository) -> Repository {
    it.file("modules/early/main.tf", says("early"))
        .file("modules/README.md", "No module\n")
        .commit("Add one")
        .tag("v1.0.0")
        .file("modules/late/main.tf", says("late"))
        .file(
            "modules/early/more.tf",
            "output \"more\" {\n  value = true\n}\n",
        )
        .commit("Add another")
        .tag("v2.0.0")
}

/// A module that needs what is beside it, and one that needs what is above both.
fn siblings(it: Repository) -> Repository {
    it.file(
        "modules/app/main.tf",
        format!("{MAIN}\nmodule \"shared\" {{\n  source = \"../shared\"\n}}\n"),
    )
    .file("modules/app/README.md", "# App\n")
    .file("modules/app/modules/inner/main.tf", says("inner"))
    .file("modules/shared/main.tf", says("shared"))
    .file(
        "modules/top/main.tf",
        "module \"common\" {\n  source = \"../../common\"\n}\n",
    )
    .file("common/main.tf", says("common"))
    .commit("Add them")
    .tag("app/v1.0.0")
    .tag("top/v1.0.0")
}
