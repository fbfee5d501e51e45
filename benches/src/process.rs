//! Child processes: what they say is kept, and none outlives its owner.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::Result;

/// A process, which is ended when this is dropped.
pub(crate) struct Process {
    child: Child,
    // Files, which are never full and can be read at any time.
    stdout: NamedTempFile,
    stderr: NamedTempFile,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let stdout = NamedTempFile::new()?;
        let stderr = NamedTempFile::new()?;
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout.reopen()?)
            .stderr(stderr.reopen()?)
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        Ok(Self {
            child,
            stdout,
            stderr,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it until there is an answer. Fails with what it said when it ends before, or at the limit.
    pub(crate) fn wait_for<T>(
        &mut self,
        limit: Duration,
        mut ask: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T> {
        let end = Instant::now() + limit;
        loop {
            if let Some(answer) = ask(self) {
                return Ok(answer);
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() >= end {
                return Err(format!("a server does not start: {}", self.said()).into());
            }
            // Short beside what a start takes, which is measured.
            sleep(Duration::from_micros(200));
        }
    }

    /// What it has written to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        text(&self.stdout)
    }

    /// What it has written to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// The end of what it has said, for a person who looks for a failure's cause.
    pub(crate) fn said(&self) -> String {
        let stderr = self.stderr();
        let lines: Vec<&str> = stderr.lines().collect();
        let last = lines.len().saturating_sub(20);
        lines.get(last..).unwrap_or_default().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have children, which it ends when it is asked to end.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let end = Instant::now() + LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(file: &NamedTempFile) -> String {
    let bytes = fs::read(file.path()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

const LIMIT: Duration = Duration::from_secs(10);
