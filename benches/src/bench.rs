//! What all parts share.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use tempfile::TempDir;

use crate::Result;

/// The owner of all modules.
pub(crate) const OWNER: &str = "acme";

/// Programs, artifacts, and who asks.
pub(crate) struct Bench {
    /// The `landfall` program.
    pub(crate) landfall: PathBuf,
    /// `landfall-spin.wasm`.
    pub(crate) spin: PathBuf,
    /// `landfall-wasi.wasm`.
    pub(crate) wasi: PathBuf,
    /// The token that all requests bring.
    pub(crate) token: String,
    /// Its entry in `tokens`.
    pub(crate) entry: String,
    /// Machine code of the components, which all servers but those of a first start share.
    compiled: TempDir,
}

impl Bench {
    /// Finds what the environment names.
    pub(crate) fn new() -> Result<Self> {
        let named = |variable: &str| {
            env::var_os(variable)
                .map(PathBuf::from)
                .ok_or_else(|| format!("{variable} is not set; `make bench` sets it"))
        };
        let found = |path: &Path| {
            fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let landfall = found(&named("LANDFALL_BIN")?)?;
        let directory = named("LANDFALL_WASM_DIR")?;
        let (token, entry) = token(&landfall)?;
        Ok(Self {
            spin: found(&directory.join("landfall-spin.wasm"))?,
            wasi: found(&directory.join("landfall-wasi.wasm"))?,
            landfall,
            token,
            entry,
            compiled: TempDir::new()?,
        })
    }

    /// A data directory: an empty store, and what was compiled before.
    pub(crate) fn data(&self) -> Result<TempDir> {
        let data = TempDir::new()?;
        std::os::unix::fs::symlink(self.compiled.path(), data.path().join("compiled"))?;
        Ok(data)
    }
}

/// A load's length where it is in the last table, and elsewhere.
pub(crate) const LONG: Duration = Duration::from_secs(5);
/// See there.
pub(crate) const SHORT: Duration = Duration::from_secs(2);

/// A new token and its entry.
fn token(landfall: &Path) -> Result<(String, String)> {
    let output = Command::new(landfall)
        .args(["token", "new", "--name", "bench"])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let (token, entry) = text
        .trim_end()
        .split_once('\n')
        .ok_or("`landfall token new` did not print a token and its entry")?;
    Ok((token.to_owned(), entry.to_owned()))
}
