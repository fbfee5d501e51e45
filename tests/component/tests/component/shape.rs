//! What the artifacts are, before anything runs.

use landfall_component_tests::artifact::Artifact;

/// A dependency that wants more of the host than Landfall is allowed shows here, and every host has to offer it.
#[test]
fn the_components_import_what_every_host_offers() {
    for (artifact, own) in [
        (
            Artifact::Spin,
            [
                "fermyon:spin/key-value@2.0.0",
                "fermyon:spin/variables@2.0.0",
            ],
        ),
        (
            Artifact::Wasi,
            [
                "wasi:config/store@0.2.0-rc.1",
                "wasi:keyvalue/store@0.2.0-draft",
            ],
        ),
    ] {
        let component = artifact.component();
        let imports = component.imports();
        let foreign: Vec<_> = imports
            .iter()
            .filter(|name| {
                !own.contains(&name.as_str()) && !WASI.iter().any(|wasi| name.starts_with(wasi))
            })
            .collect();
        assert!(foreign.is_empty(), "{artifact:?} imports {foreign:?}");
        assert!(
            own.iter().all(|own| imports.iter().any(|name| name == own)),
            "{artifact:?}: {imports:?}"
        );
    }
}

#[test]
fn the_components_are_small() {
    for artifact in Artifact::ALL {
        let length = artifact.bytes().len();
        assert!(length < 1_500_000, "{artifact:?} has {length} bytes");
    }
}

const WASI: [&str; 9] = [
    "wasi:cli/environment@0.2.",
    "wasi:cli/exit@0.2.",
    "wasi:cli/std",
    "wasi:cli/terminal-",
    "wasi:clocks/",
    "wasi:http/outgoing-handler@0.2.",
    "wasi:http/types@0.2.",
    "wasi:io/",
    "wasi:random/",
];
