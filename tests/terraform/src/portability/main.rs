//! One table of scenarios, on every host that is here: what a client or an operator sees over HTTP, with GitHub's stand-in
//! behind it. `make portability HOSTS="landfall wasmtime spin"` runs it and prints hosts by scenarios.
//!
//! | file | noun |
//! |---|---|
//! | `host.rs` | the columns: which hosts there are, and which are asked for |
//! | `scenario.rs` | the rows: what is tried, and what is known to be different where |
//! | `report.rs` | the table, as Markdown |
//! | `ask.rs` | what scenarios ask for |
//! | `protocol.rs` | discovery, versions, locations, lists, details; methods and addresses |
//! | `archives.rs` | archives: what is in them, and clients of every kind |
//! | `readers.rs` | who may read |
//! | `freshness.rs` | what GitHub is asked, and when a new tag shows |
//! | `failures.rs` | a GitHub that fails, and a registry that is not configured |
//!
//! | variable | meaning |
//! |---|---|
//! | `HOSTS` | of `landfall`, `wasmtime`, `spin`; all where it is not set |
//! | `STRICT=1` | a host that was asked for and is not here is a failure |
//! | `QUICK=1` | without the scenarios that take more than a few seconds |
//!
//! An argument is a part of the names of the scenarios that are run.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a scenario fails by panicking, and this is a command with an output"
)]

mod archives;
mod ask;
mod failures;
mod freshness;
mod host;
mod protocol;
mod readers;
mod report;
mod scenario;

use std::env;
use std::fs;
use std::process::ExitCode;

use landfall_terraform_tests::programs::Artifacts;

use crate::host::Column;
use crate::report::Report;
use crate::scenario::{Outcome, Scenario};

fn main() -> ExitCode {
    let filters: Vec<String> = env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let is_set = |name: &str| env::var(name).is_ok_and(|value| !matches!(&*value, "" | "0"));
    let asked = match host::asked(&env::var("HOSTS").unwrap_or_default()) {
        Ok(asked) => asked,
        Err(unknown) => {
            eprintln!(
                "HOSTS: there is no host `{unknown}`; known are: {}",
                host::NAMES.join(", ")
            );
            return ExitCode::from(2);
        }
    };
    let is_quick = is_set("QUICK");
    let scenarios: Vec<Scenario> = all()
        .into_iter()
        .filter(|it| !(is_quick && it.is_slow))
        .filter(|it| filters.is_empty() || filters.iter().any(|part| it.name.contains(&**part)))
        .collect();
    if scenarios.is_empty() {
        eprintln!("no scenario is called like that");
        return ExitCode::from(2);
    }
    Artifacts::get();
    scenario::quiet();
    let mut report = Report::new(scenarios.iter().map(|it| it.name));
    for column in asked {
        let outcomes = run(&column, &scenarios);
        report.add(column, outcomes);
    }
    let text = report.to_string();
    println!("{text}");
    if filters.is_empty() && !is_quick {
        let path = Artifacts::target().join("portability.md");
        fs::write(&path, &text).unwrap();
        eprintln!("written to {}", path.display());
    }
    let is_missing = is_set("STRICT") && report.lacks_a_host();
    if report.failures() > 0 || is_missing {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn all() -> Vec<Scenario> {
    [
        protocol::all(),
        archives::all(),
        readers::all(),
        freshness::all(),
        failures::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn run(column: &Column, scenarios: &[Scenario]) -> Vec<Outcome> {
    if column.version.is_none() {
        return scenarios.iter().map(|_| Outcome::NotInstalled).collect();
    }
    let outcomes = scenarios.iter().map(|scenario| {
        let (outcome, taken) = scenario.run(column.host);
        eprintln!(
            "{:>6.1} s  {}: {} - {}",
            taken.as_secs_f32(),
            column.name,
            scenario.name,
            outcome.word()
        );
        outcome
    });
    outcomes.collect()
}
