//! Symbolic links, which no client makes of an archive.

use landfall_stand_in::fixture::Repository;

use super::{Build, MAIN, simple};

pub(super) const ALL: &[(&str, Build)] = &[
    ("mono-linked", mono_linked),
    ("terraform-aws-root-links", root_links),
    ("terraform-aws-stray-links", stray_links),
];

const VARIABLES: &str = "variable \"name\" {\n  type    = string\n  default = \"shared\"\n}\n";

/// Modules that share files, folders and each other.
fn mono_linked(it: Repository) -> Repository {
    it.file("shared/variables.tf", VARIABLES)
        .file("shared/files/one.txt", "one")
        .file("shared/files/deep/two.txt", "two\n")
        .file("shared/part/main.tf", "variable \"part\" {}\n")
        .file("modules/a/main.tf", MAIN)
        .symlink("modules/a/variables.tf", "../../shared/variables.tf")
        .symlink("modules/a/README.md", "../../README.md")
        .file("README.md", "# Shared by all\n")
        .file("modules/b/main.tf", MAIN)
        .symlink("modules/b/files", "../../shared/files")
        .symlink("modules/b/modules", "../../shared")
        .symlink("modules/alias", "a")
        .commit("Add them")
        .tag("a/v1.0.0")
        .tag("b/v1.0.0")
        .tag("alias/v1.0.0")
}

/// The module's own files are links to others of it.
fn root_links(it: Repository) -> Repository {
    it.file("src/module.tf", MAIN)
        .file("src/run.sh", "")
        .symlink("main.tf", "src/module.tf")
        .file("src/inputs.tf", VARIABLES)
        .symlink("inputs.tf", "chain.txt")
        .symlink("chain.txt", "./src/../src/inputs.tf")
        .file("docs/README.md", "# Behind a link\n")
        .symlink("README.md", "docs/README.md")
        .file("parts/x/main.tf", "output \"x\" {\n  value = 1\n}\n")
        .symlink("modules", "parts")
        .file(
            "calls.tf",
            "module \"x\" {\n  source = \"./modules/x\"\n}\n",
        )
        .executable("bin/tool", "#!/bin/sh\n")
        .symlink("tool", "bin/tool")
        .commit("Add the module")
        .tag("v1.0.0")
}

/// Links to what is not there, is elsewhere, or has no end.
fn stray_links(it: Repository) -> Repository {
    let it = it
        .symlink("nowhere.tf", "missing.tf")
        .symlink("outside.tf", "../../outside.tf")
        .symlink("absolute.tf", "/etc/hostname")
        .symlink("itself.tf", "itself.tf")
        .symlink("ping.tf", "pong.tf")
        .symlink("pong.tf", "ping.tf")
        .symlink("modules/loop", "..")
        .symlink("through.tf", "main.tf/x");
    simple(it, &[("modules/real/main.tf", MAIN)])
}
