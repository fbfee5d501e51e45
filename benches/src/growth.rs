//! How a warm answer grows with clients, and with tags.

use std::time::Instant;

use crate::Result;
use crate::bench::{Bench, LONG, SHORT};
use crate::client::Client;
use crate::figure::{kilobytes, number, time};
use crate::github::{GitHub, count_versions, versions_path};
use crate::load::Sample;
use crate::programs::Program;
use crate::server::{Instances, Server};
use crate::table::Table;
use crate::targets::Measured;

pub(crate) fn measure(bench: &Bench, measured: &mut Measured) -> Result<()> {
    if !Program::all_there(&[Program::Wrk], "Growth") {
        return Ok(());
    }
    clients(bench, measured)?;
    tags(bench)
}

fn clients(bench: &Bench, measured: &mut Measured) -> Result<()> {
    let github = GitHub::start()?;
    github.module("vpc", 100)?;
    let variables = github.variables(bench);
    let client = Client::new(&bench.token);
    let mut table = Table::new(&[
        "server",
        "clients",
        "requests/s",
        "p50",
        "p99",
        "CPU µs/request",
    ]);
    for instances in Instances::ALL {
        let data = bench.data()?;
        let server = Server::landfall(bench, instances, &variables, data.path())?;
        let page = client.page(&server, &versions_path("vpc"))?;
        for connections in CLIENTS {
            let has_target = instances == Instances::Reused && connections == 64;
            let length = if has_target { LONG } else { SHORT };
            let sample = Sample::take(bench, &server, &page, connections, length)?;
            if has_target {
                measured.p99 = Some(sample.p99);
            }
            table.row([
                instances.command().to_owned(),
                connections.to_string(),
                number(sample.per_second),
                time(sample.p50),
                time(sample.p99),
                number(sample.cpu),
            ]);
        }
    }
    table.print(
        "More clients: `versions` of 100 versions, warm",
        "Each client asks again as soon as it is answered, from the same machine.",
    );
    Ok(())
}

fn tags(bench: &Bench) -> Result<()> {
    let github = GitHub::start()?;
    github.module("any", 1)?;
    for count in TAGS {
        github.module(&format!("tags-{count}"), count)?;
    }
    let variables = github.variables(bench);
    let client = Client::new(&bench.token);
    let data = bench.data()?;
    let server = Server::landfall(bench, Instances::Reused, &variables, data.path())?;
    // Signs in.
    client.page(&server, &versions_path("any"))?;
    let mut table = Table::new(&[
        "tags",
        "answer",
        "cold",
        "requests/s",
        "p50",
        "p99",
        "CPU µs/request",
    ]);
    for count in TAGS {
        let began = Instant::now();
        let page = client.page(&server, &versions_path(&format!("tags-{count}")))?;
        let cold = began.elapsed();
        if count_versions(&page.body)? != count {
            return Err(format!("the answer has not the {count} versions that there are").into());
        }
        let sample = Sample::take(bench, &server, &page, 16, SHORT)?;
        table.row([
            number(count as f64),
            kilobytes(page.body.len() as u64),
            time(cold),
            number(sample.per_second),
            time(sample.p50),
            time(sample.p99),
            number(sample.cpu),
        ]);
    }
    table.print(
        "More tags: `versions` on `landfall serve`",
        "Cold is the first answer of a registry that has signed in before, with what the GitHub beside it takes; the rest is warm, \
         on 16 connections.",
    );
    Ok(())
}

const CLIENTS: [u32; 5] = [1, 4, 16, 64, 256];
const TAGS: [usize; 4] = [10, 100, 1_000, 5_000];
