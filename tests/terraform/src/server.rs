//! Landfall on one of its hosts.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Process, poll};
use crate::programs::{Artifacts, Program};

/// What runs the component.
#[derive(Clone, Copy)]
pub(crate) enum Host {
    /// `landfall serve` with `landfall-spin.wasm`.
    LandfallSpin,
    /// `landfall serve` with `landfall-wasi.wasm`.
    LandfallWasi,
    /// Stock `wasmtime serve` with `landfall-wasi.wasm`. Its key-value store forgets everything after each request.
    Wasmtime,
    /// `spin up` with `landfall-spin.wasm`.
    Spin,
}

impl Host {
    pub(crate) const ALL: [Self; 4] = [
        Self::LandfallSpin,
        Self::LandfallWasi,
        Self::Wasmtime,
        Self::Spin,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LandfallSpin => "landfall_serve_with_landfall_spin_wasm",
            Self::LandfallWasi => "landfall_serve_with_landfall_wasi_wasm",
            Self::Wasmtime => "wasmtime_serve",
            Self::Spin => "spin_up",
        }
    }

    /// What has to be on the PATH for it.
    pub(crate) fn program(self) -> Option<Program> {
        match self {
            Self::LandfallSpin | Self::LandfallWasi => None,
            Self::Wasmtime => Some(Program::Wasmtime),
            Self::Spin => Some(Program::Spin),
        }
    }
}

/// Landfall's variables, by name.
pub(crate) type Variables = Vec<(&'static str, String)>;

/// A running registry.
pub(crate) struct Server {
    process: Process,
    // After the process, which may still write to it.
    _directory: TempDir,
}

impl Server {
    /// Starts Landfall on a free port, and waits until it listens. Gives `127.0.0.1:PORT`, too.
    pub(crate) fn start(host: Host, variables: &Variables) -> (Self, String) {
        Self::start_with(host, variables, &[])
    }

    /// The same, with more flags.
    pub(crate) fn start_with(host: Host, variables: &Variables, flags: &[&str]) -> (Self, String) {
        let directory = TempDir::new().unwrap();
        let mut command = match host {
            Host::LandfallSpin => landfall(&Artifacts::get().spin, variables, directory.path()),
            Host::LandfallWasi => landfall(&Artifacts::get().wasi, variables, directory.path()),
            Host::Wasmtime => wasmtime(variables, directory.path()),
            Host::Spin => spin(variables, directory.path()),
        };
        command.args(flags).current_dir(directory.path());
        let mut process = match host {
            Host::LandfallSpin | Host::LandfallWasi | Host::Wasmtime => {
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
        let server = Self {
            process,
            _directory: directory,
        };
        (server, address)
    }

    /// What the server has said, for a person who looks for a failure's cause.
    pub(crate) fn log(&self) -> String {
        let (stdout, stderr) = (self.process.stdout(), self.process.stderr());
        format!("--- the server's stdout\n{stdout}--- the server's stderr\n{stderr}")
    }
}

fn landfall(component: &Path, variables: &Variables, directory: &Path) -> Command {
    let data = directory.join("data");
    fs::create_dir(&data).unwrap();
    symlink(&Artifacts::get().compiled, data.join("compiled")).unwrap();
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
fn wasmtime(variables: &Variables, directory: &Path) -> Command {
    let mut command = Program::Wasmtime.command(directory);
    command.args(["serve", "--addr", "127.0.0.1:0"]);
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
