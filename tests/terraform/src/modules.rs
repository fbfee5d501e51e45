//! Modules that several trials use, and roots that call them.

use std::fmt::Write as _;

use crate::world::World;

/// Builds `acme/probe`, of which version 1.0.0 is a small module.
pub fn probe<R>(world: &World<R>) {
    world
        .repository("probe")
        .file("main.tf", module("probe"))
        .file("README.md", "A module.\n")
        .file("modules/part/main.tf", module("part"))
        .commit("Add the module")
        .tag("v1.0.0")
        .build()
        .unwrap();
}

/// A root that calls `acme/probe`.
pub fn probe_root() -> String {
    root_module(&[("probe", "acme/probe/null", "1.0.0")])
}

/// Builds `acme/large`: an archive of more than what is held back before it is answered, and that does not deflate.
pub fn large<R>(world: &World<R>) {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let noise: Vec<u8> = (0..LARGE / 8).flat_map(|_| noise()).collect();
    world
        .repository("large")
        .file("a.bin", noise)
        .file("main.tf", module("large"))
        .symlink("versions.tf", "shared/versions.tf")
        .file("shared/versions.tf", "terraform {}\n")
        .commit("Add the module")
        .tag("v1.0.0")
        .build()
        .unwrap();
}

/// The size of the one large file in `acme/large`.
pub const LARGE: u64 = 3 * 1024 * 1024;

/// A root that calls `acme/large`.
pub fn large_root() -> String {
    root_module(&[("large", "acme/large/null", "1.0.0")])
}

/// A root module of calls, each a name, a source on the registry and a constraint, whose outputs are what the modules say.
pub fn root_module(calls: &[(&str, &str, &str)]) -> String {
    let mut text = String::new();
    for (call, source, version) in calls {
        let _ = write!(
            text,
            "module \"{call}\" {{\n  source  = \"mods.example/{source}\"\n  version = \"{version}\"\n}}\n\n\
             output \"{call}\" {{\n  value = module.{call}.says\n}}\n\n"
        );
    }
    text
}

/// A module that says something once it is applied.
pub fn module(says: &str) -> String {
    format!(
        "resource \"terraform_data\" \"it\" {{\n  input = \"{says}\"\n}}\n\n\
         output \"says\" {{\n  value = terraform_data.it.output\n}}\n"
    )
}

/// Builds `acme/terraform-null-NAME`, which is named by Terraform's convention, and of which version 1.0.0 is a small
/// module that says the name.
pub fn convention<R>(world: &World<R>, name: &str) {
    world
        .repository(&conventional(name))
        .file("main.tf", module(name))
        .commit("Add the module")
        .tag("v1.0.0")
        .build()
        .unwrap();
}

/// The repository of the module `acme/NAME/null`, by Terraform's convention.
pub fn conventional(name: &str) -> String {
    format!("terraform-null-{name}")
}

/// A root that calls each of these modules of `acme` by its own name.
pub fn root_of<'n>(names: impl IntoIterator<Item = &'n str>, version: &str) -> String {
    let calls = names
        .into_iter()
        .map(|name| (name, format!("acme/{name}/null")));
    let calls: Vec<_> = calls.collect();
    let calls: Vec<_> = calls
        .iter()
        .map(|(name, source)| (*name, &**source, version))
        .collect();
    root_module(&calls)
}
