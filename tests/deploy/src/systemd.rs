//! `deploy/systemd/`.

use std::fs;

use crate::documents::file;
use crate::programs::Program;

pub(crate) fn unit_is_sound() {
    let unit = file("deploy/systemd/landfall.service");
    // wasmtime cannot work with it; more than the 30 s that running requests get.
    assert!(unit.contains("\nMemoryDenyWriteExecute=no\n"));
    assert!(unit.contains("\nTimeoutStopSec=40\n"));
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("landfall.service");
    // `verify` wants the program to be there.
    let program = "/opt/landfall/landfall ";
    assert!(unit.contains(program));
    let verify = |unit: &str| {
        fs::write(&path, unit.replace(program, "/bin/true ")).unwrap();
        let path = path.to_str().unwrap();
        Program::SystemdAnalyze.run(&["verify", "--man=no", "--recursive-errors=no", path])
    };
    verify(&unit).unwrap();
    let found = verify(&unit.replace("ProtectSystem=strict", "ProtectSystems=strict"));
    assert!(found.is_err(), "a setting that there is not was not found");
}
