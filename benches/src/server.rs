//! Landfall on one of its hosts.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::bench::Bench;
use crate::process::Process;
use crate::programs::Program;
use crate::usage::Tree;

/// Landfall's variables, by name.
pub(crate) type Variables = Vec<(&'static str, String)>;

/// A server that listens.
pub(crate) struct Server {
    process: Process,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
}

/// How many requests an instance of `landfall serve` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instances {
    /// As many as `landfall serve` lets it.
    Reused,
    /// One.
    Fresh,
}

impl Instances {
    pub(crate) const ALL: [Self; 2] = [Self::Reused, Self::Fresh];

    /// The command, as a table names it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Reused => "`landfall serve`",
            Self::Fresh => "`landfall serve --max-reuse 1`",
        }
    }
}

impl Server {
    /// A process that says where it listens, or is found at `address`.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut process = Process::start(command)?;
        let address = process.wait_for(START_LIMIT, |process| {
            announced(&process.stdout()).or_else(|| announced(&process.stderr()))
        })?;
        Ok(Self { process, address })
    }

    /// A process that listens at a port that it was given, once `is_up` finds it there.
    pub(crate) fn at(
        address: String,
        command: &mut Command,
        mut is_up: impl FnMut() -> bool,
    ) -> Result<Self> {
        let mut process = Process::start(command)?;
        process.wait_for(START_LIMIT, |_| is_up().then_some(()))?;
        Ok(Self { process, address })
    }

    /// `landfall serve` with a data directory.
    pub(crate) fn landfall(
        bench: &Bench,
        instances: Instances,
        variables: &Variables,
        data: &Path,
    ) -> Result<Self> {
        let mut command = Command::new(&bench.landfall);
        command
            .env_clear()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .arg("--data")
            .arg(data)
            .arg("--component")
            .arg(&bench.spin);
        if instances == Instances::Fresh {
            command.args(["--max-reuse", "1"]);
        }
        for (name, value) in variables {
            command.arg("--variable").arg(format!("{name}={value}"));
        }
        Self::start(&mut command)
    }

    /// A stock `wasmtime serve` with README's flags and these.
    pub(crate) fn wasmtime(bench: &Bench, flags: &[&str], variables: &Variables) -> Result<Self> {
        let mut command = Program::Wasmtime.command();
        command.args(["serve", "--addr", "127.0.0.1:0"]);
        for option in ["cli", "config", "keyvalue"] {
            command.arg("-S").arg(option);
        }
        command.args(flags);
        for (name, value) in variables {
            command.arg("-S").arg(format!("config-var={name}={value}"));
        }
        command.arg(&bench.wasi);
        Self::start(&mut command)
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> Tree {
        Tree(self.process.id())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The end of its log.
    pub(crate) fn said(&self) -> String {
        self.process.said()
    }
}

/// The address in `landfall: listening on http://…` or `Serving HTTP on http://…/`.
fn announced(output: &str) -> Option<String> {
    // A line without its end may be half a line.
    let mut lines = output.split_inclusive('\n');
    let line = lines.find(|line| {
        let is_one = line.starts_with("Serving ") || line.starts_with("landfall: listening on ");
        is_one && line.ends_with('\n')
    })?;
    let (_, address) = line.split_once("http://")?;
    Some(address.trim_end().trim_end_matches('/').to_owned())
}

/// Compiling the component takes a minute on a busy machine.
const START_LIMIT: Duration = Duration::from_mins(2);
