//! Child processes: what they say is kept, and none outlives its limit or its owner.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// A process, which is killed when this is dropped.
pub struct Process {
    child: Child,
    /// Whether it has children of its own, which it ends when it is asked to end.
    is_family: bool,
    // Files, which are never full and can be read at any time.
    stdout: NamedTempFile,
    stderr: NamedTempFile,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let stdout = NamedTempFile::new().unwrap();
        let stderr = NamedTempFile::new().unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout.reopen().unwrap())
            .stderr(stderr.reopen().unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        Self {
            child,
            is_family: false,
            stdout,
            stderr,
        }
    }

    /// As [`start`](Self::start), for a program that works through processes of its own.
    pub fn start_family(command: &mut Command) -> Self {
        let mut process = Self::start(command);
        process.is_family = true;
        process
    }

    /// What the system calls it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        let id = self.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
    }

    /// What it has written so far.
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    /// What it has written so far.
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// How it ended; `None` when it had to be killed.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let ended = poll(limit, || self.ended());
        if ended.is_none() {
            self.end();
        }
        ended
    }

    /// Kills it, and if it has children asks it first to end them.
    fn end(&mut self) {
        if self.is_family && self.ended().is_none() {
            self.terminate();
            poll(FAMILY_LIMIT, || self.ended());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Asks until there is an answer, or until the limit.
pub fn poll<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() >= end {
            return answer;
        }
        sleep(Duration::from_millis(10));
    }
}

fn text(file: &NamedTempFile) -> String {
    String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned()
}

const FAMILY_LIMIT: Duration = Duration::from_secs(10);
