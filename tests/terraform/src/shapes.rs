//! Repositories of every shape that is likely to be met, in one world: what is listed, what `terraform init` installs, and what the
//! registry tells of each, against `shapes/NAME.json`, which people wrote; and against what Terraform itself makes of the
//! configuration, where it can be planned without a provider.
//!
//! | file | noun |
//! |---|---|
//! | `expectation.rs` | what stands in `shapes/NAME.json` |
//! | `repositories.rs` | the repositories |
//! | `installed.rs` | the files that were installed |
//! | `details.rs` | what the registry tells |
//! | `judge.rs` | what Terraform tells |
//! | `lists.rs` | `shapes/lists.json`: all of them, and what is found |

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use libtest_mimic::{Failed, Trial};

use self::expectation::Expectation;
use crate::client::{Client, Root};
use crate::http;
use crate::programs::Program;
use crate::server::{Host, Server};
use crate::world::World;

mod details;
mod expectation;
mod installed;
mod judge;
mod lists;
mod repositories;

/// One for each file in `shapes/`, and one for the lists. They share a world, which is gone with the last of them.
pub(crate) fn all() -> Vec<Trial> {
    let missing = [Program::Git, Program::Terraform]
        .into_iter()
        .find(|program| !program.is_on_path())
        .map(|program| format!("no `{}` on the PATH", program.name()));
    let world: Arc<Shared> = Arc::new(LazyLock::new(world));
    let trial = |name: &str, run: Run| {
        let (world, reason) = (Arc::clone(&world), missing.clone());
        let run = move || match reason {
            Some(reason) => Err(Failed::from(reason)),
            None => match run(&world) {
                wrong if wrong.is_empty() => Ok(()),
                wrong => Err(Failed::from(wrong.join("\n"))),
            },
        };
        Trial::test(format!("shapes::{name}"), run)
            .with_ignored_flag(missing.is_some())
            .with_kind(missing.clone().unwrap_or_default())
    };
    let mut trials: Vec<Trial> = expectation::names()
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let file = name.clone();
            let order = if index % 2 == 0 {
                Order::ToldFirst
            } else {
                Order::InstalledFirst
            };
            trial(&name, Box::new(move |world| check(world, &file, order)))
        })
        .collect();
    trials.push(trial("lists", Box::new(lists::check)));
    trials
}

/// Details are read from an archive that goes by to a client, or for their own sake: each is tried with half of the shapes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    ToldFirst,
    InstalledFirst,
}

/// Gives what is wrong, a line each.
type Run = Box<dyn FnOnce(&World) -> Vec<String> + Send>;

type Shared = LazyLock<World>;

/// All repositories, behind one `landfall serve` with one catalogue.
fn world() -> World {
    const CATALOGUE: &str = include_str!("../shapes/catalogue.toml");
    let start = |variables: &_| Server::start(Host::LandfallSpin, variables);
    let world = World::around(&[("modules", CATALOGUE)], start);
    repositories::build(&world);
    world
}

/// What is wrong about one shape.
fn check(world: &World, name: &str, order: Order) -> Vec<String> {
    let expected = Expectation::read(name);
    let mut wrong = versions(world, &expected);
    let told_first = (order == Order::ToldFirst).then(|| details::get(world, &expected));
    let root = world.root(Client::Terraform, &root_module(&expected));
    let init = root.init();
    let is_installed = match &expected.init {
        None => {
            init.succeeds();
            let accepted = (expected.version.clone(), expected.inner.clone());
            let found = root.accepted("m");
            if found.as_ref() != Some(&accepted) {
                wrong.push(format!("Terraform takes {found:?}, not {accepted:?}"));
            }
            true
        }
        Some(why) => {
            init.fails_with(why);
            !expected.installed.is_empty()
        }
    };
    if is_installed {
        wrong.extend(installed::check(&root.place("m"), &expected));
    }
    let told = told_first.unwrap_or_else(|| details::get(world, &expected));
    wrong.extend(details::check(&told, &expected));
    wrong.extend(judged(&root, &told, &expected));
    assert_eq!(
        world.github.counts().leaks,
        0,
        "credentials for the archives' host"
    );
    wrong
}

fn judged(root: &Root, told: &serde_json::Value, expected: &Expectation) -> Vec<String> {
    if expected.judge.is_some() {
        return Vec::new();
    }
    judge::check(&root.configuration(), told, expected)
}

/// What is listed, newest first.
fn versions(world: &World, expected: &Expectation) -> Vec<String> {
    let path = format!("/v1/modules/{}/versions", expected.module);
    let answer = http::get(&world.address, &path);
    if expected.versions.is_empty() {
        return if answer.status == 404 {
            Vec::new()
        } else {
            vec![format!("{path}: {}, not 404", answer.status)]
        };
    }
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let listed = body["modules"][0]["versions"].as_array().unwrap();
    let listed: Vec<&str> = listed
        .iter()
        .map(|it| it["version"].as_str().unwrap())
        .collect();
    if listed == expected.versions {
        Vec::new()
    } else {
        vec![format!("versions: {listed:?}, not {:?}", expected.versions)]
    }
}

/// A root that calls the module, and gives it what it needs.
fn root_module(expected: &Expectation) -> String {
    let mut given = String::new();
    for (name, value) in &expected.given {
        let _ = writeln!(given, "  {name} = {value}");
    }
    format!(
        "module \"m\" {{\n  source  = \"mods.example/{}\"\n  version = \"{}\"\n{given}}}\n",
        expected.module, expected.version
    )
}
