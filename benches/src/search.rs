//! A search of 1,000 modules.

use landfall_stand_in::Visibility;
use landfall_stand_in::fixture::Repository;
use serde_json::Value;

use crate::Result;
use crate::bench::{Bench, OWNER, SHORT};
use crate::client::Client;
use crate::figure::{kilobytes, number, time};
use crate::github::GitHub;
use crate::load::Sample;
use crate::programs::Program;
use crate::server::{Instances, Server};
use crate::table::Table;
use crate::targets::Measured;

pub(crate) fn measure(bench: &Bench, _: &mut Measured) -> Result<()> {
    if !Program::all_there(&[Program::Wrk], "A search") {
        return Ok(());
    }
    let github = thousand()?;
    let variables = github.variables(bench);
    let data = bench.data()?;
    let server = Server::landfall(bench, Instances::Reused, &variables, data.path())?;
    let client = Client::new(&bench.token);
    know_all(&github, &client, &server)?;
    let mut table = Table::new(&["request", "answer", "p50", "p99", "CPU µs/request"]);
    for (what, path) in [
        ("`/healthz`, for comparison", "/healthz"),
        ("the first page of all", "/v1/modules"),
        ("a search for two words", "/v1/modules/search?q=network+7"),
        (
            "the first hundred found",
            "/v1/modules/search?q=platform&limit=100",
        ),
    ] {
        let page = client.page(&server, path)?;
        let sample = Sample::take(bench, &server, &page, 1, SHORT)?;
        table.row([
            what.to_owned(),
            kilobytes(page.body.len() as u64),
            time(sample.p50),
            time(sample.p99),
            number(sample.cpu),
        ]);
    }
    table.print(
        "Lists and searches of 1,000 modules, warm",
        "One client, which asks again as soon as it is answered.",
    );
    Ok(())
}

/// An owner of 1,000 modules, which all have the same git directory.
fn thousand() -> Result<GitHub> {
    let github = GitHub::start()?;
    let git_dir = Repository::new(github.directory.path(), "template", "template")
        .file("main.tf", "output \"says\" {\n  value = \"it\"\n}\n")
        .commit("Add the module")
        .tag("v1.0.0")
        .tag("v1.1.0")
        .build()?;
    let stand_in = &github.stand_in;
    stand_in.install(OWNER, landfall_stand_in::Installation::default());
    for number in 0..MODULES {
        let name = format!("terraform-aws-network-{number:04}");
        stand_in.add_repository(OWNER, &name, Visibility::Private, &git_dir);
        let is_there = stand_in.set_description(OWNER, &name, Some(TEXT))
            && stand_in.set_topics(OWNER, &name, &["terraform", "network"]);
        if !is_there {
            return Err(format!("GitHub has no {name}").into());
        }
    }
    Ok(github)
}

/// Asks until GitHub is asked no more, and every module is listed: a new registry asks about some at a time.
fn know_all(github: &GitHub, client: &Client, server: &Server) -> Result<()> {
    let last = format!("/v1/modules?limit=1&offset={}", MODULES - 1);
    for _ in 0..MOST_ROUNDS {
        github.stand_in.clear_log();
        let page = client.page(server, &last)?;
        github.wait_until_quiet();
        if !github.stand_in.log().is_empty() {
            continue;
        }
        let document: Value = serde_json::from_slice(&page.body)?;
        let modules = document.pointer("/modules").and_then(Value::as_array);
        if modules.is_some_and(|modules| modules.len() == 1) {
            return Ok(());
        }
    }
    Err(format!("not all of {MODULES} modules were listed").into())
}

const MODULES: usize = 1_000;
const TEXT: &str = "Makes one of the things that a platform needs, with tags, alarms and a budget";
const MOST_ROUNDS: usize = 100;
