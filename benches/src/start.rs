//! From the start of the process to the first answer.

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Result;
use crate::bench::Bench;
use crate::client::Client;
use crate::figure::{middle, time};
use crate::github::{GitHub, versions_path};
use crate::server::{Instances, Server, Variables};
use crate::table::Table;
use crate::targets::Measured;

pub(crate) fn measure(bench: &Bench, measured: &mut Measured) -> Result<()> {
    let github = GitHub::start()?;
    github.module("vpc", 100)?;
    let variables = github.variables(bench);
    let versions = versions_path("vpc");
    let mut table = Table::new(&["first answer", "first start ever", "compiled before"]);
    // Compiles, and keeps the list.
    let kept = bench.data()?;
    first(bench, &variables, kept.path(), &versions)?;
    for (path, what) in [
        ("/healthz", "`/healthz`"),
        (versions.as_str(), "`versions` of 100"),
    ] {
        let empty = TempDir::new()?;
        let ever = first(bench, &variables, empty.path(), path)?;
        github.stand_in.clear_log();
        let times = (0..TIMES).map(|_| first(bench, &variables, kept.path(), path));
        let start = middle(times.collect::<Result<Vec<_>>>()?)?;
        let asked = github.stand_in.log().len();
        if asked > 0 {
            return Err(format!("{path}: GitHub was asked {asked} times for what is kept").into());
        }
        if path == versions {
            measured.cold_start = Some(start);
        }
        table.row([what.to_owned(), time(ever), time(start)]);
    }
    table.print(
        "Start of `landfall serve`",
        "From the start of the process to the whole answer. The first start ever compiles the component, and has to ask GitHub \
         for the list; after that, both are kept. The median of ten.",
    );
    Ok(())
}

/// Starts a server, asks it, and ends it.
fn first(bench: &Bench, variables: &Variables, data: &Path, path: &str) -> Result<Duration> {
    let began = Instant::now();
    let server = Server::landfall(bench, Instances::Reused, variables, data)?;
    Client::new(&bench.token).page(&server, path)?;
    Ok(began.elapsed())
}

const TIMES: usize = 10;
