//! Which programs of others there are, and what to do about those that are not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

/// A program that is measured, or measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Nginx,
    Terraform,
    Wasmtime,
    Wrk,
}

impl Program {
    pub(crate) const ALL: [Self; 4] = [Self::Nginx, Self::Wrk, Self::Terraform, Self::Wasmtime];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Terraform => "terraform",
            Self::Wasmtime => "wasmtime",
            Self::Wrk => "wrk",
        }
    }

    /// How to get it.
    fn mend(self) -> &'static str {
        match self {
            Self::Nginx | Self::Wrk => "apt-get install nginx-light wrk",
            Self::Terraform => "https://developer.hashicorp.com/terraform/install",
            Self::Wasmtime => "cargo install wasmtime-cli --version 48.0.8 --locked",
        }
    }

    /// Where it is: on the PATH, or among the administrator's programs, where Debian puts nginx.
    pub(crate) fn path(self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain([PathBuf::from("/usr/sbin")])
            .map(|directory| directory.join(self.name()))
            .find(|file| {
                fs::metadata(file)
                    .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
            })
    }

    /// The program with no variable of the caller's but the PATH.
    pub(crate) fn command(self) -> Command {
        let mut command = Command::new(self.path().unwrap_or_else(|| self.name().into()));
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default());
        command
    }

    /// What it says of its version, in one line.
    pub(crate) fn version(self) -> Option<String> {
        let flag = match self {
            Self::Nginx | Self::Wrk => "-v",
            Self::Terraform => "version",
            Self::Wasmtime => "--version",
        };
        let path = self.path()?;
        let output = Command::new(path)
            .arg(flag)
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .ok()?;
        // nginx says it on stderr.
        let said = [output.stdout, output.stderr].concat();
        let line = String::from_utf8_lossy(&said).lines().next()?.to_owned();
        let line = line.split(" [").next()?;
        Some(line.trim_start_matches("nginx version: ").to_owned())
    }

    /// Whether all of these are there; if not, says that `what` is left out, and what to do about it.
    pub(crate) fn all_there(programs: &[Self], what: &str) -> bool {
        let missing = programs.iter().find(|program| program.path().is_none());
        if let Some(missing) = missing {
            println!(
                "{what}: not measured, there is no `{}`; get it with: {}\n",
                missing.name(),
                missing.mend()
            );
        }
        missing.is_none()
    }
}
