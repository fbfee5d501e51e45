//! Two hundred modules in one repository, each with tags of its own; and versions that are not to be used any more.

use std::fmt::Write as _;

use crate::Case;
use crate::client::Client;
use crate::embedded::Embedded;
use crate::modules::{module, probe, root_module};
use crate::world::{Settings, World};

/// Those of one artifact.
pub(crate) fn all() -> Vec<Case<Embedded>> {
    const CATALOGUE: Settings = &[(
        "modules",
        r#"
            [[module]]
            address = "acme/{name}/null"
            repository = "acme/monorepo"
            path = "modules/*"
            tag_prefix = "{name}/v"

            [[module]]
            address = "siblings/{name}/null"
            repository = "acme/monorepo"
            path = "modules/*"
            root = "modules"
            tag_prefix = "{name}/v"
        "#,
    )];
    const LIFECYCLE: Settings = &[(
        "modules",
        r#"
            [[lifecycle]]
            modules = ["acme/probe/*"]
            yanked = ["1.1.0"]
        "#,
    )];
    vec![
        Case::new(
            "a_monorepo_of_200_modules_installs_folder_by_folder",
            folders,
        )
        .with(CATALOGUE),
        Case::new("a_yanked_version_is_not_installed", yanked).with(LIFECYCLE),
    ]
}

/// Two of them are installed: each gets its folder of the commit that its own tag points at, and nothing else moves.
fn folders(world: &World<Embedded>) {
    let names: Vec<String> = (1..=MODULES).map(|n| format!("m{n}")).collect();
    let mut repository = world
        .repository("monorepo")
        .file("README.md", "Many modules.\n");
    for name in &names {
        // What is beside a module is not little.
        let mut text = module(name);
        let _ = writeln!(text, "# {}", "x".repeat(2000));
        repository = repository
            .file(&format!("modules/{name}/main.tf"), text)
            .file(
                &format!("modules/{name}/part/main.tf"),
                module(&format!("part of {name}")),
            );
    }
    repository = repository
        .symlink("modules/m7/versions.tf", "../../shared/versions.tf")
        .file(
            "shared/versions.tf",
            "terraform {\n  required_version = \">= 1.0\"\n}\n",
        )
        .commit("Add them");
    for name in &names {
        for minor in 0..TAGS / MODULES {
            repository = repository.tag(&format!("{name}/v1.{minor}.0"));
        }
    }
    repository
        .file("modules/m7/main.tf", module("m7 of tomorrow"))
        .file(
            "modules/m3/main.tf",
            module("m3") + "\nmodule \"beside\" {\n  source = \"../m4\"\n}\n",
        )
        .commit("Change one")
        .annotated_tag("m7/v2.0.0")
        .tag("m3/v2.0.0")
        .tag("v9.9.9")
        .build()
        .unwrap();

    let calls = [
        ("old", "acme/m7/null", "1.14.0"),
        ("new", "acme/m7/null", "2.0.0"),
        ("part", "acme/m200/null//part", "~> 1.0"),
    ];
    let root = world.root(Client::Terraform, &root_module(&calls));
    root.init().succeeds();
    root.validate().succeeds();
    for (call, revision, folder) in [
        ("old", "m7/v1.14.0", "modules/m7"),
        ("new", "m7/v2.0.0", "modules/m7"),
        ("part", "m200/v1.14.0", "modules/m200"),
    ] {
        let committed = world.committed("monorepo", revision).below(folder);
        root.installed(call).is_that_of(&committed);
    }
    let accepted = ("1.14.0".to_owned(), "part".to_owned());
    assert_eq!(root.accepted("part"), Some(accepted));
    // The folder alone: the whole archive would be two hundred times as much.
    let archives = world.registry.requests("archive");
    let sent: u64 = archives
        .iter()
        .filter_map(|line| line["sent_bytes"].as_u64())
        .sum();
    assert!(
        (1..10_000).contains(&sent),
        "{sent} bytes for three folders"
    );
    // One list for each module, of its own tags.
    assert_eq!(world.asked("/matching-refs/tags/m7/v").len(), 1);
    assert_eq!(world.asked("/matching-refs/tags/m200/v").len(), 1);
    assert_eq!(world.asked("/matching-refs/").len(), 2);

    // One that needs a folder beside it gets the one that both are in.
    let refers = |namespace: &str| {
        let source = format!("{namespace}/m3/null");
        let part = format!("{namespace}/m3/null//part");
        root_module(&[("it", &source, "2.0.0"), ("part", &part, "2.0.0")])
    };
    let root = world.root(Client::Terraform, &refers("siblings"));
    root.init().succeeds();
    root.validate().succeeds();
    let committed = world.committed("monorepo", "m3/v2.0.0").below("modules");
    root.installed("it").is_that_of(&committed);
    let accepted = ("2.0.0".to_owned(), "m3".to_owned());
    assert_eq!(root.accepted("it"), Some(accepted));
    let accepted = ("2.0.0".to_owned(), "m3/part".to_owned());
    assert_eq!(root.accepted("part"), Some(accepted));
    let root = world.root(Client::Terraform, &refers("acme"));
    root.init().fails_with("escapes module package");

    // What is nobody's folder, and the repository itself, are no modules.
    for missing in ["m201", "monorepo"] {
        let source = format!("acme/{missing}/null");
        let root = world.root(Client::Terraform, &root_module(&[("x", &source, "1.0.0")]));
        root.init().fails_with("Module not found");
    }
}

/// Who asks for a range gets the version before, and who asks for exactly that one gets none.
fn yanked(world: &World<Embedded>) {
    probe(world);
    let repository = world.carried_on("probe").file("main.tf", module("newer"));
    let tagged = repository.commit("Change it").tag("v1.1.0");
    tagged.build().unwrap();
    let calls = |version| root_module(&[("probe", "acme/probe/null", version)]);
    let root = world.root(Client::Terraform, &calls("~> 1.0"));
    root.init().succeeds();
    let (version, _) = root.accepted("probe").unwrap();
    assert_eq!(version, "1.0.0");
    let root = world.root(Client::Terraform, &calls("1.1.0"));
    root.init().fails_with("There is no available version");
    assert_eq!(world.registry.requests("download").len(), 1);
}

const MODULES: usize = 200;
const TAGS: usize = 3000;
