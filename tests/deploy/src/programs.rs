//! The programs that trials run.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::{env, fs};

/// A program of others.
#[derive(Clone, Copy)]
pub(crate) enum Program {
    Kubectl,
    SystemdAnalyze,
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kubectl => "kubectl",
            Self::SystemdAnalyze => "systemd-analyze",
        }
    }

    pub(crate) fn is_on_path(self) -> bool {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|directory| {
            fs::metadata(directory.join(self.name()))
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
    }

    /// What it prints, or what it says is wrong. What it warns of is wrong as well.
    pub(crate) fn run(self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(self.name()).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() && said.is_empty() {
            return Ok(String::from_utf8(output.stdout).unwrap());
        }
        let (name, status) = (self.name(), output.status);
        Err(format!("{name} {}: {status}\n{said}", arguments.join(" ")))
    }
}
