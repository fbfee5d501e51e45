//! Landfall on one of its hosts.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Process, poll};
use crate::programs::{Artifacts, Program};
use crate::usage::Usage;

/// What runs the component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `landfall serve` with `landfall-spin.wasm`.
    LandfallSpin,
    /// `landfall serve` with `landfall-wasi.wasm`.
    LandfallWasi,
    /// Stock `wasmtime serve` with `landfall-wasi.wasm`. Its key-value store forgets everything after each request.
    Wasmtime,
    /// The same with `--max-instance-reuse-count`: an instance answers many requests, one after the other.
    WasmtimeReuse,
    /// `spin up` with `landfall-spin.wasm`.
    Spin,
}

impl Host {
    /// What people run it on.
    pub const ALL: [Self; 4] = [
        Self::LandfallSpin,
        Self::LandfallWasi,
        Self::Wasmtime,
        Self::Spin,
    ];

    /// Whether what is written to its key-value store is there for the next request.
    pub fn keeps(self) -> bool {
        match self {
            Self::LandfallSpin | Self::LandfallWasi | Self::Spin => true,
            Self::Wasmtime | Self::WasmtimeReuse => false,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::LandfallSpin => "landfall_serve_with_landfall_spin_wasm",
            Self::LandfallWasi => "landfall_serve_with_landfall_wasi_wasm",
            Self::Wasmtime => "wasmtime_serve",
            Self::WasmtimeReuse => "wasmtime_serve_with_reuse",
            Self::Spin => "spin_up",
        }
    }

    /// What has to be on the PATH for it.
    pub fn program(self) -> Option<Program> {
        match self {
            Self::LandfallSpin | Self::LandfallWasi => None,
            Self::Wasmtime | Self::WasmtimeReuse => Some(Program::Wasmtime),
            Self::Spin => Some(Program::Spin),
        }
    }
}

/// Landfall's variables, by name.
pub type Variables = Vec<(&'static str, String)>;

/// A running registry.
pub struct Server {
    process: Process,
    // After the process, which may still write to it.
    directory: TempDir,
}

impl Server {
    /// Starts Landfall on a free port, and waits until it listens. Gives `127.0.0.1:PORT`, too.
    pub fn start(host: Host, variables: &Variables) -> (Self, String) {
        Self::start_with(host, variables, &[])
    }

    /// The same, with more flags.
    pub fn start_with(host: Host, variables: &Variables, flags: &[&str]) -> (Self, String) {
        Self::start_in(TempDir::new().unwrap(), host, variables, flags)
    }

    /// Starts it anew on what it has kept; it must have ended.
    pub fn again(self, host: Host, variables: &Variables) -> (Self, String) {
        let Self { process, directory } = self;
        drop(process);
        Self::start_in(directory, host, variables, &[])
    }

    fn start_in(
        directory: TempDir,
        host: Host,
        variables: &Variables,
        flags: &[&str],
    ) -> (Self, String) {
        let mut command = match host {
            Host::LandfallSpin => landfall(&Artifacts::get().spin, variables, directory.path()),
            Host::LandfallWasi => landfall(&Artifacts::get().wasi, variables, directory.path()),
            Host::Wasmtime => wasmtime(&[], variables, directory.path()),
            Host::WasmtimeReuse => {
                let reuse = ["--max-instance-reuse-count", "128"];
                wasmtime(&reuse, variables, directory.path())
            }
            Host::Spin => spin(variables, directory.path()),
        };
        command.args(flags).current_dir(directory.path());
        let mut process = match host {
            Host::LandfallSpin | Host::LandfallWasi | Host::Wasmtime | Host::WasmtimeReuse => {
                Process::start(&mut command)
            }
            // It serves from another process.
            Host::Spin => Process::start_family(&mut command),
        };
        let address = poll(START_LIMIT, || {
            let announced = announced(&process.stdout()).or_else(|| announced(&process.stderr()));
            let ended = process.ended();
            assert!(
                announced.is_some() || ended.is_none(),
                "the server ended at once: {}",
                process.stderr()
            );
            announced
        });
        let address = address.unwrap_or_else(|| {
            panic!("the server does not listen: {}", process.stderr());
        });
        (Self { process, directory }, address)
    }

    /// What it and its own processes use now.
    pub fn usage(&self) -> Usage {
        Usage::of(self.process.id())
    }

    /// Bytes of what `landfall serve` keeps, the component's machine code aside.
    pub fn kept_bytes(&self) -> u64 {
        let data = fs::read_dir(self.directory.path().join("data")).unwrap();
        let files = data.filter_map(|entry| entry.unwrap().metadata().ok());
        files
            .filter(fs::Metadata::is_file)
            .map(|facts| facts.len())
            .sum()
    }

    /// Asks it to end, and goes on at once.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// How it ended; `None` when it had to be killed.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.process.wait(limit)
    }

    /// What the server has said, for a person who looks for a failure's cause.
    pub fn log(&self) -> String {
        let (stdout, stderr) = (self.process.stdout(), self.process.stderr());
        format!("--- the server's stdout\n{stdout}--- the server's stderr\n{stderr}")
    }
}

fn landfall(component: &Path, variables: &Variables, directory: &Path) -> Command {
    let data = directory.join("data");
    if !data.is_dir() {
        fs::create_dir(&data).unwrap();
        symlink(&Artifacts::get().compiled, data.join("compiled")).unwrap();
    }
    let mut command = Command::new(&Artifacts::get().landfall);
    command
        .env_clear()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .arg("--data")
        .arg(data)
        .arg("--component")
        .arg(component);
    for (name, value) in variables {
        command.arg("--variable").arg(format!("{name}={value}"));
    }
    command
}

/// The command for Landfall on a stock wasmtime, with the variables `NAME=VALUE` of `docs/configuration.md`:
///
/// ```sh
/// wasmtime serve -S cli -S config -S keyvalue -S config-var=NAME=VALUE... --addr 127.0.0.1:8080 landfall-wasi.wasm
/// ```
///
/// wasmtime takes a comma for the end of an option: lists are separated by blanks.
fn wasmtime(flags: &[&str], variables: &Variables, directory: &Path) -> Command {
    let mut command = Program::Wasmtime.command(directory);
    command.args(["serve", "--addr", "127.0.0.1:0"]).args(flags);
    // Compiling takes seconds, and is the same for all trials.
    command
        .args(["-C", "cache"])
        .env("XDG_CACHE_HOME", &Artifacts::get().compiled);
    for option in ["cli", "config", "keyvalue"] {
        command.arg("-S").arg(option);
    }
    for (name, value) in variables {
        command.arg("-S").arg(format!("config-var={name}={value}"));
    }
    command.arg(&Artifacts::get().wasi);
    command
}

/// `spin up` with the shipped manifest, whose variables are set by the environment
/// (<https://spinframework.dev/manifest-reference>, <https://spinframework.dev/dynamic-configuration>).
fn spin(variables: &Variables, directory: &Path) -> Command {
    let manifest = directory.join("spin.toml");
    fs::write(&manifest, spin_manifest()).unwrap();
    // Some versions tell the component the port of the flag, even if that is 0.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = Program::Spin.command(directory);
    command
        .args(["up", "--listen", &free.local_addr().unwrap().to_string()])
        .arg("--from")
        .arg(manifest);
    for (name, value) in variables {
        command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
    }
    command
}

/// The manifest that is shipped, with the component that is tried.
fn spin_manifest() -> String {
    let shipped = include_str!("../../../spin.toml");
    let source = "target/wasm32-wasip2/release/landfall-spin.wasm";
    assert!(shipped.contains(source), "spin.toml names another source");
    shipped.replace(source, &Artifacts::get().spin.display().to_string())
}

/// The address in `landfall: listening on http://…`, `Serving HTTP on http://…/` or `Serving http://…`.
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
