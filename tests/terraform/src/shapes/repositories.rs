//! The repositories behind the shapes, by name. Each is made by real git.

use landfall_stand_in::fixture::Repository;

use crate::world::World;

mod files;
mod links;
mod monorepos;
mod names;
mod syntax;
mod tags;

/// Makes one repository's commits and tags.
type Build = fn(Repository) -> Repository;

/// Builds all of them.
pub(super) fn build(world: &World) {
    let all = [
        tags::ALL,
        monorepos::ALL,
        links::ALL,
        files::ALL,
        names::ALL,
        syntax::ALL,
        syntax::MORE,
    ];
    for (name, build) in all.concat() {
        build(world.repository(name)).build().unwrap();
    }
    let is_set = world.github.set_description(
        "acme",
        "terraform-aws-plain",
        Some("A module like any other"),
    );
    assert!(is_set);
}

/// What most of them have: a resource that needs no provider.
const MAIN: &str = "resource \"terraform_data\" \"it\" {\n  input = \"it\"\n}\n";

/// A commit with `main.tf` and these files, with a tag on it.
fn simple(repository: Repository, files: &[(&str, &str)]) -> Repository {
    let repository = repository.file("main.tf", MAIN);
    released(repository, files)
}

/// A commit with these files, with a tag on it.
fn released(repository: Repository, files: &[(&str, &str)]) -> Repository {
    let files = files.iter();
    files
        .fold(repository, |it, (path, text)| it.file(path, text))
        .commit("Add the module")
        .tag("v1.0.0")
}
