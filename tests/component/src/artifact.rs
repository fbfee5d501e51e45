//! The two components as they are shipped, compiled once for all tests of this binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use landfall_host::{Component, Engine, Limits};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artifact {
    Spin,
    Wasi,
}

impl Artifact {
    pub const ALL: [Self; 2] = [Self::Spin, Self::Wasi];

    /// The bytes of the file.
    pub fn bytes(self) -> Vec<u8> {
        let path = directory().join(match self {
            Self::Spin => "landfall-spin.wasm",
            Self::Wasi => "landfall-wasi.wasm",
        });
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Compiled. One answers many requests by one instance, as `landfall serve` does, and the other makes an instance for each, as
    /// Spin and `wasmtime serve` do.
    pub fn component(self) -> Component {
        static COMPILED: [OnceLock<Component>; 2] = [OnceLock::new(), OnceLock::new()];
        let compile = || {
            let fresh = Limits {
                reuse: 1,
                ..Limits::default()
            };
            let engine = match self {
                Self::Spin => Engine::shared().unwrap().clone(),
                Self::Wasi => Engine::new(fresh, None).unwrap(),
            };
            engine.compile(&self.bytes()).unwrap()
        };
        COMPILED[self as usize].get_or_init(compile).clone()
    }
}

/// Where the artifacts are: `LANDFALL_WASM_DIR`, or else the workspace's target directory, where they are built first.
fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        if let Some(directory) = std::env::var_os("LANDFALL_WASM_DIR") {
            return directory.into();
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args([
                "build",
                "--release",
                "--target",
                "wasm32-wasip2",
                "--package",
                "landfall",
                "--bins",
            ])
            .current_dir(&root)
            .status()
            .unwrap();
        assert!(status.success(), "the components do not build");
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        target.join("wasm32-wasip2/release")
    })
}
