//! What a new instance costs a request, and how large the components are.

use std::fs;

use crate::Result;
use crate::bench::{Bench, SHORT};
use crate::client::Client;
use crate::figure::{kilobytes, number};
use crate::github::GitHub;
use crate::load::Sample;
use crate::programs::Program;
use crate::server::{Instances, Server};
use crate::table::Table;
use crate::targets::Measured;

pub(crate) fn measure(bench: &Bench, measured: &mut Measured) -> Result<()> {
    let mut table = Table::new(&["component", "size"]);
    for path in [&bench.spin, &bench.wasi] {
        let bytes = fs::metadata(path)?.len();
        measured.wasm = measured.wasm.max(Some(bytes));
        let name = path.file_name().unwrap_or_default().display();
        table.row([format!("`{name}`"), kilobytes(bytes)]);
    }
    table.print("Components", "");
    if !Program::all_there(&[Program::Wrk], "A new instance") {
        return Ok(());
    }
    let github = GitHub::start()?;
    let variables = github.variables(bench);
    let client = Client::new(&bench.token);
    let directories = [bench.data()?, bench.data()?];
    let mut samples = [Vec::new(), Vec::new()];
    let servers: Vec<Server> = Instances::ALL
        .iter()
        .zip(&directories)
        .map(|(instances, data)| Server::landfall(bench, *instances, &variables, data.path()))
        .collect::<Result<_>>()?;
    for _ in 0..ROUNDS {
        for (server, samples) in servers.iter().zip(&mut samples) {
            let page = client.page(server, "/healthz")?;
            samples.push(Sample::take(bench, server, &page, 16, SHORT)?);
        }
    }
    let mut table = Table::new(&["`/healthz`", "CPU µs/request"]);
    let mut costs = Vec::new();
    for (instances, samples) in Instances::ALL.iter().zip(&samples) {
        let cpu = Sample::median(samples)?.cpu;
        costs.push(cpu);
        table.row([instances.command().to_owned(), number(cpu)]);
    }
    if let [reused, fresh] = costs[..] {
        table.row(["a new instance".to_owned(), number(fresh - reused)]);
    }
    table.print(
        "A new instance for each request",
        "16 connections, three rounds; the difference is what making and ending an instance costs.",
    );
    Ok(())
}

const ROUNDS: usize = 3;
