//! Running `git` on bare repositories: the judge of all data that the stand-in serves.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// A `git` command whose result depends on the repository and the arguments alone: no user or system
/// configuration, no inherited `GIT_*`, UTC, and no ownership check (a mounted directory may belong to someone else).
pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    for variable in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_NAMESPACE",
    ] {
        command.env_remove(variable);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .args(["-c", "safe.directory=*", "-c", "gc.auto=0"])
        .arg("-C")
        .arg(directory)
        .stdin(Stdio::null());
    command
}

/// The output of a `git` command that must succeed.
pub(crate) async fn read<A: AsRef<OsStr>>(
    directory: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> io::Result<Vec<u8>> {
    let mut command = command(directory);
    command.args(arguments);
    let output = tokio::process::Command::from(command).output().await?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ))
    }
}

/// The output of a `git` command whose failure means "there is no such thing".
pub(crate) async fn find<A: AsRef<OsStr>>(
    directory: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Option<Vec<u8>> {
    read(directory, arguments).await.ok()
}

/// The output of a `git` command that must succeed, given this to read. It waits, where the others let others go on.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> io::Result<Vec<u8>> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A child that refuses its input closes the pipe; what it says on stderr is the better error.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ))
    }
}
