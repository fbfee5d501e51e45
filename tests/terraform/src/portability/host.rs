//! The columns: hosts by their names, and the versions that they say they have.

use landfall_terraform_tests::programs::{Artifacts, Program};
use landfall_terraform_tests::server::Host;

/// What `HOSTS` may name.
pub(crate) const NAMES: [&str; 3] = ["landfall", "wasmtime", "spin"];

/// One host, started in one way.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) host: Host,
    /// As it says itself; `None` where it is not installed.
    pub(crate) version: Option<String>,
}

/// The columns of a list of names, all of them where it is empty; or the name that is none.
pub(crate) fn asked(list: &str) -> Result<Vec<Column>, String> {
    let mut names: Vec<&str> = list.split([' ', ',']).filter(|it| !it.is_empty()).collect();
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(name)) {
        return Err((*unknown).to_owned());
    }
    if names.is_empty() {
        names = NAMES.to_vec();
    }
    let columns = names.into_iter().flat_map(columns);
    Ok(columns.collect())
}

fn columns(name: &str) -> Vec<Column> {
    let ways: &[(&str, Host)] = match name {
        "landfall" => &[
            ("landfall/spin", Host::LandfallSpin),
            ("landfall/wasi", Host::LandfallWasi),
        ],
        "wasmtime" => &[
            ("wasmtime", Host::Wasmtime),
            ("wasmtime/reuse", Host::WasmtimeReuse),
        ],
        _ => &[("spin", Host::Spin)],
    };
    let columns = ways.iter().map(|(name, host)| Column {
        name,
        host: *host,
        version: version(*host),
    });
    columns.collect()
}

fn version(host: Host) -> Option<String> {
    match host.program() {
        None => Some(Artifacts::get().version()),
        Some(program) => program.is_on_path().then(|| Program::version(program)),
    }
}
