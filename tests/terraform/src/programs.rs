//! The programs that trials run, and the artifacts under test.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

/// A program of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Git,
    Promtool,
    Spin,
    Terraform,
    Tofu,
    Wasmtime,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Promtool => "promtool",
            Self::Spin => "spin",
            Self::Terraform => "terraform",
            Self::Tofu => "tofu",
            Self::Wasmtime => "wasmtime",
        }
    }

    pub fn is_on_path(self) -> bool {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|directory| {
            fs::metadata(directory.join(self.name()))
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
    }

    /// The first line of what it says of its version.
    pub fn version(self) -> String {
        let home = env::temp_dir();
        let output = self.command(&home).arg("--version").output().unwrap();
        first_line(&output.stdout)
    }

    /// The program in an environment of its own: no variable, proxy or configuration file of the caller's reaches it.
    pub fn command(self, home: &Path) -> Command {
        let mut command = Command::new(self.name());
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", home);
        command
    }
}

/// What was built from this workspace.
pub struct Artifacts {
    /// The `landfall` program.
    pub landfall: PathBuf,
    /// `landfall-spin.wasm`.
    pub spin: PathBuf,
    /// `landfall-wasi.wasm`.
    pub wasi: PathBuf,
    /// Where all servers keep the components' machine code, which takes seconds to make.
    pub compiled: PathBuf,
}

impl Artifacts {
    /// Those that the environment names; what it does not name is built, once.
    pub fn get() -> &'static Self {
        &ARTIFACTS
    }

    /// What `landfall` says of its version.
    pub fn version(&self) -> String {
        let output = Command::new(&self.landfall).arg("--version").output();
        first_line(&output.unwrap().stdout)
    }

    /// Where cargo puts what it builds.
    pub fn target() -> PathBuf {
        target_directory()
    }

    fn find() -> Self {
        let target = target_directory();
        let landfall = env::var_os("LANDFALL_BIN").map_or_else(
            || {
                build(&target, &["-p", "landfall-host"]);
                target.join("debug").join("landfall")
            },
            PathBuf::from,
        );
        let components = env::var_os("LANDFALL_WASM_DIR").map_or_else(
            || {
                let triple = "wasm32-wasip2";
                build(
                    &target,
                    &["--release", "--target", triple, "-p", "landfall", "--bins"],
                );
                target.join(triple).join("release")
            },
            PathBuf::from,
        );
        let compiled = target.join("tmp").join("landfall-compiled");
        fs::create_dir_all(&compiled).unwrap();
        let artifacts = Self {
            landfall: std::path::absolute(landfall).unwrap(),
            spin: std::path::absolute(components.join("landfall-spin.wasm")).unwrap(),
            wasi: std::path::absolute(components.join("landfall-wasi.wasm")).unwrap(),
            compiled: std::path::absolute(compiled).unwrap(),
        };
        for file in [&artifacts.landfall, &artifacts.spin, &artifacts.wasi] {
            assert!(file.is_file(), "there is no {}", file.display());
        }
        artifacts
    }
}

fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.lines().next().unwrap_or_default().to_owned()
}

static ARTIFACTS: LazyLock<Artifacts> = LazyLock::new(Artifacts::find);

/// Cargo puts this program into `TARGET/PROFILE/deps`.
fn target_directory() -> PathBuf {
    let program = env::current_exe().unwrap();
    let target = program.ancestors().nth(3);
    target.expect("a program that cargo built").to_owned()
}

/// Cargo says itself what goes wrong.
fn build(target: &Path, arguments: &[&str]) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .arg("build")
        .args(arguments)
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(
        status.success(),
        "cargo build {}: {status}",
        arguments.join(" ")
    );
}
