//! The figures that README quotes, side by side in one run, as markdown. Every server is a process of its own; the GitHub
//! behind it is in this one. It measures, and judges nothing but this: a server that answers wrongly ends it with an error.
//!
//! | file | noun |
//! |---|---|
//! | `bench.rs` | what all parts share: programs, artifacts, the token, how long a load lasts |
//! | `machine.rs` | what the figures were measured on |
//! | `programs.rs` | which programs there are |
//! | `process.rs` | child processes, none of which outlives its owner |
//! | `usage.rs` | CPU and memory of a tree of processes |
//! | `server.rs`, `nginx.rs` | what is measured: Landfall on its hosts, and a server of files beside it |
//! | `github.rs` | the GitHub behind Landfall |
//! | `client.rs` | single requests |
//! | `load.rs` | many requests: wrk |
//! | `table.rs`, `figure.rs` | how figures are written |
//! | `versions.rs` | warm answers on every host, beside nginx |
//! | `growth.rs` | more clients, more tags |
//! | `start.rs` | from nothing to the first answer |
//! | `init.rs` | `terraform init`, and what it costs GitHub |
//! | `archive.rs`, `source.rs`, `zip.rs` | archives, and where they come from |
//! | `instance.rs` | what a new instance costs, and how large the components are |
//! | `search.rs` | a search of 1,000 modules |
//! | `targets.rs` | what it should be, and what it is |
//!
//! `landfall-bench [PART...]` measures some of `versions growth start init archive instance search`, or all of them;
//! `LANDFALL_BIN` names the program and `LANDFALL_WASM_DIR` the directory of both components. Linux alone has what it reads.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "figures go to stdout, what is being done to stderr, and nobody reads the sixteenth digit"
)]

mod archive;
mod bench;
mod client;
mod figure;
mod github;
mod growth;
mod init;
mod instance;
mod load;
mod machine;
mod nginx;
mod process;
mod programs;
mod search;
mod server;
mod source;
mod start;
mod table;
mod targets;
mod usage;
mod versions;
mod zip;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use crate::bench::Bench;
use crate::targets::Measured;

/// Why there is no figure: what went wrong, in words.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Measures its figures, prints them, and notes those that have a target.
type Part = fn(&Bench, &mut Measured) -> Result<()>;

const PARTS: [(&str, Part); 7] = [
    ("versions", versions::measure),
    ("growth", growth::measure),
    ("start", start::measure),
    ("init", init::measure),
    ("archive", archive::measure),
    ("instance", instance::measure),
    ("search", search::measure),
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("landfall-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    for part in &asked {
        if PARTS.iter().all(|(name, _)| name != part) {
            let names = PARTS.map(|(name, _)| name).join(" ");
            return Err(format!("there is no part `{part}`; the parts are: {names}").into());
        }
    }
    let bench = Bench::new()?;
    machine::print(&bench)?;
    let mut measured = Measured::default();
    let began = Instant::now();
    for (name, part) in PARTS {
        if asked.is_empty() || asked.iter().any(|it| it == name) {
            eprintln!("[{:3} s] {name}", began.elapsed().as_secs());
            part(&bench, &mut measured).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    measured.print();
    eprintln!("[{:3} s] done", began.elapsed().as_secs());
    Ok(())
}
