//! The five modules that every client installs from every host, plans and applies.

use serde_json::json;

use crate::client::Client;
use crate::modules::{module, root_module};
use crate::world::World;

/// A submodule, a pre-release, build metadata, a symbolic link, and a
/// repository that is named by Terraform's convention. The other four have the module's bare name.
pub(crate) fn install<R>(world: &World<R>, client: Client) {
    world
        .repository("network")
        .file(
            "main.tf",
            "module \"subnet\" {\n  source = \"./modules/subnet\"\n}\n",
        )
        .file("prefix.txt", "10.0.0.0/24\n")
        .file(
            "modules/subnet/main.tf",
            module("subnet ${trimspace(file(\"${path.module}/../../prefix.txt\"))}"),
        )
        .commit("Add the network")
        .tag("v1.0.0")
        .file("prefix.txt", "10.0.1.0/24\n")
        .commit("Move the network")
        .tag("v1.1.0")
        .build()
        .unwrap();
    world
        .repository("preview")
        .file("main.tf", module("stable"))
        .commit("Add the module")
        .tag("v1.0.0")
        .file("main.tf", module("beta"))
        .commit("Try something else")
        .tag("v2.0.0-beta.1")
        .build()
        .unwrap();
    world
        .repository("built")
        .file("main.tf", module("built"))
        .commit("Add the module")
        .tag("v1.0.0+build.5")
        .build()
        .unwrap();
    world
        .repository("linked")
        .file(
            "shared/versions.tf",
            "terraform {\n  required_version = \">= 1.4\"\n}\n",
        )
        .symlink("versions.tf", "shared/versions.tf")
        .file("main.tf", module("linked"))
        .commit("Add the module")
        .tag("1.0.0")
        .build()
        .unwrap();
    world
        .repository("terraform-null-greeting")
        .file("main.tf", module("hello"))
        .executable("scripts/greet.sh", "#!/bin/sh\necho hello\n")
        .commit("Add the module")
        .annotated_tag("v1.0.0")
        .build()
        .unwrap();

    let calls = [
        ("network", "acme/network/null//modules/subnet", "~> 1.0"),
        ("preview", "acme/preview/null", "2.0.0-beta.1"),
        ("built", "acme/built/null", "1.0.0+build.5"),
        ("linked", "acme/linked/null", "1.0.0"),
        ("greeting", "acme/greeting/null", ">= 1.0.0"),
    ];
    let root = world.root(client, &root_module(&calls));
    root.init().succeeds();
    for (call, repository, tag, version, below) in [
        ("network", "network", "v1.1.0", "1.1.0", "modules/subnet"),
        ("preview", "preview", "v2.0.0-beta.1", "2.0.0-beta.1", ""),
        ("built", "built", "v1.0.0+build.5", "1.0.0+build.5", ""),
        ("linked", "linked", "1.0.0", "1.0.0", ""),
        ("greeting", "terraform-null-greeting", "v1.0.0", "1.0.0", ""),
    ] {
        let accepted = (version.to_owned(), below.to_owned());
        assert_eq!(root.accepted(call), Some(accepted), "{call}");
        root.installed(call)
            .is_that_of(&world.committed(repository, tag));
    }
    let said = json!({
        "network": "subnet 10.0.1.0/24",
        "preview": "beta",
        "built": "built",
        "linked": "linked",
        "greeting": "hello",
    });
    assert_eq!(root.apply(), said);
}
