//! Warm answers on every host, beside a server of files with the same bytes.

use crate::Result;
use crate::bench::{Bench, LONG, SHORT};
use crate::client::Client;
use crate::figure::{mebibytes, number, time};
use crate::github::{GitHub, count_versions, set, versions_path};
use crate::load::{Page, Sample};
use crate::nginx::Nginx;
use crate::programs::Program;
use crate::server::{Instances, Server};
use crate::table::Table;
use crate::targets::Measured;

/// One server, and what it was measured to do.
struct Row<'a> {
    name: String,
    server: &'a Server,
    /// Whether it answers `versions` from what it keeps.
    keeps: bool,
    versions: Vec<Sample>,
    discovery: Vec<Sample>,
}

/// Two documents, 16 connections, three rounds in which each server has its turn.
pub(crate) fn measure(bench: &Bench, measured: &mut Measured) -> Result<()> {
    if !Program::all_there(&[Program::Nginx, Program::Wrk], "Warm answers") {
        return Ok(());
    }
    let github = GitHub::start()?;
    github.module("vpc", 100)?;
    let mut variables = github.variables(bench);
    set(&mut variables, "base_url", "https://modules.example.com");

    let directories = [bench.data()?, bench.data()?];
    let landfall: Vec<Server> = Instances::ALL
        .iter()
        .zip(&directories)
        .map(|(instances, data)| Server::landfall(bench, *instances, &variables, data.path()))
        .collect::<Result<_>>()?;
    let has_wasmtime = Program::all_there(&[Program::Wasmtime], "`wasmtime serve`");
    let wasmtimes: &[(&str, &[&str])] = if has_wasmtime { WASMTIMES } else { &[] };
    let wasmtime: Vec<Server> = wasmtimes
        .iter()
        .map(|(_, flags)| Server::wasmtime(bench, flags, &variables))
        .collect::<Result<_>>()?;

    let client = Client::new(&bench.token);
    let first = landfall.first().ok_or("no server")?;
    let versions = client.page(first, &versions_path("vpc"))?;
    let discovery = client.page(first, "/.well-known/terraform.json")?;
    if count_versions(&versions.body)? != 100 {
        return Err("the answer has not the 100 versions that there are".into());
    }
    let nginx = Nginx::start(&[&versions, &discovery])?;

    let row = |name: String, server, keeps| Row {
        name,
        server,
        keeps,
        versions: Vec::new(),
        discovery: Vec::new(),
    };
    let mut rows = vec![row("nginx, a file".to_owned(), &nginx.server, true)];
    for (instances, server) in Instances::ALL.iter().zip(&landfall) {
        rows.push(row(instances.command().to_owned(), server, true));
    }
    for ((name, _), server) in wasmtimes.iter().zip(&wasmtime) {
        rows.push(row((*name).to_owned(), server, false));
    }
    for round in 0..ROUNDS {
        for row in rows.iter_mut().filter(|row| row.keeps || round == 0) {
            // What is under way at the end costs CPU, and is not counted: of few requests, few may be under way.
            let connections = if row.keeps { CONNECTIONS } else { 2 };
            let sample = Sample::take(bench, row.server, &versions, connections, LONG)?;
            row.versions.push(sample);
        }
        for row in &mut rows {
            let sample = Sample::take(bench, row.server, &discovery, CONNECTIONS, SHORT)?;
            row.discovery.push(sample);
        }
    }
    let ratios = print(
        &rows,
        &versions,
        "`versions` of 100 versions",
        |row| &row.versions,
        "16 connections that stay open, a token that is checked at each request; CPU is user and system time of the server's \
         processes. Landfall writes its log, a line a request, to a file; nginx writes none. The key-value store of `wasmtime serve` \
         forgets: there each answer signs in to GitHub and asks it (on two connections, in one round), so that only the table below compares hosts.",
    )?;
    measured.reused = ratios.get(1).copied();
    measured.fresh = ratios.get(2).copied();
    print(
        &rows,
        &discovery,
        "Discovery document",
        |row| &row.discovery,
        "The same without store or token: what a host costs.",
    )?;
    Ok(())
}

/// Prints a table, and gives each server's CPU in that of the first one.
fn print(
    rows: &[Row<'_>],
    page: &Page,
    what: &str,
    samples: for<'r> fn(&'r Row<'_>) -> &'r Vec<Sample>,
    note: &str,
) -> Result<Vec<f64>> {
    let mut table = Table::new(&[
        "server",
        "requests/s",
        "p50",
        "p99",
        "CPU µs/request",
        "x nginx",
        "memory after",
    ]);
    let mut ratios = Vec::new();
    let mut base = None;
    for row in rows {
        let sample = Sample::median(samples(row))?;
        let ratio = sample.cpu / *base.get_or_insert(sample.cpu);
        ratios.push(ratio);
        table.row([
            row.name.clone(),
            number(sample.per_second),
            time(sample.p50),
            time(sample.p99),
            number(sample.cpu),
            number(ratio),
            mebibytes(row.server.tree().resident()?),
        ]);
    }
    let heading = format!("{what}, {} bytes, warm", number(page.body.len() as f64));
    table.print(&heading, note);
    Ok(ratios)
}

/// Names and flags of stock wasmtimes.
const WASMTIMES: &[(&str, &[&str])] = &[
    ("`wasmtime serve`", &[]),
    ("the same, `-O pooling-*-keep-resident=...`", &RESIDENT),
    (
        "the same, `--max-instance-reuse-count 1000`",
        &[
            RESIDENT[0],
            RESIDENT[1],
            RESIDENT[2],
            RESIDENT[3],
            RESIDENT[4],
            RESIDENT[5],
            "--max-instance-reuse-count",
            "1000",
            "--idle-instance-timeout",
            "60s",
        ],
    ),
];
const RESIDENT: [&str; 6] = [
    "-O",
    "pooling-allocator=y",
    "-O",
    "pooling-memory-keep-resident=2097152",
    "-O",
    "pooling-table-keep-resident=1048576",
];
const ROUNDS: usize = 3;
const CONNECTIONS: u32 = 16;
