//! What has to install: compared, file by file, with what git has for the tag.

use landfall_stand_in::{Fault, FaultKind};
use serde_json::json;

use crate::Case;
use crate::client::Client;
use crate::modules::{large, large_root, module, probe, probe_root, root_module};
use crate::world::World;

/// Those of one client and one host.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = vec![
        Case::new("ten_submodules_of_one_module_install", ten_submodules),
        Case::new(
            "a_renamed_repository_installs_under_its_old_name",
            a_renamed_repository,
        ),
        Case::new(
            "a_tag_object_and_a_tag_of_a_tag_install_the_commit_behind_them",
            tag_objects,
        ),
        Case::new(
            "the_newest_of_5000_tags_within_a_constraint_installs",
            five_thousand_tags,
        ),
        Case::new(
            "tags_that_are_no_versions_and_branches_that_look_like_some_do_no_harm",
            junk,
        ),
        Case::new(
            "names_modes_and_bytes_arrive_as_git_has_them",
            names_modes_and_bytes,
        ),
        Case::new("a_large_archive_arrives_whole", a_large_archive),
    ];
    for (name, fault) in [
        (
            "an_archive_in_small_pieces_installs",
            FaultKind::SlowDrip {
                bytes: 7,
                every_milliseconds: 1,
            },
        ),
        (
            "an_archive_that_pauses_installs",
            FaultKind::StallAfter {
                after: 100,
                seconds: 3,
            },
        ),
        (
            "an_archive_of_announced_length_installs",
            FaultKind::ContentLength,
        ),
        (
            "a_single_502_for_an_archive_is_not_noticed",
            FaultKind::BadGateway,
        ),
        ("a_single_lost_connection_is_not_noticed", FaultKind::Drop),
    ] {
        cases.push(Case::new(name, move |world| {
            probe(world);
            world.github.add_fault(Fault::next_archive(fault));
            installs_probe(world);
            assert!(world.github.faults().is_empty(), "it was not met");
        }));
    }
    cases
}

fn installs_probe(world: &World) {
    let root = world.root(Client::Terraform, &probe_root());
    root.init().succeeds();
    root.installed("probe")
        .is_that_of(&world.committed("probe", "v1.0.0"));
}

fn ten_submodules(world: &World) {
    let mut repository = world.repository("many");
    for part in 0..10 {
        repository = repository.file(
            &format!("modules/part{part}/main.tf"),
            module(&format!("part {part}")),
        );
    }
    repository
        .commit("Add the parts")
        .tag("v1.0.0")
        .build()
        .unwrap();

    let calls: Vec<[String; 2]> = (0..10)
        .map(|part| {
            [
                format!("part{part}"),
                format!("acme/many/null//modules/part{part}"),
            ]
        })
        .collect();
    let calls: Vec<_> = calls
        .iter()
        .map(|[call, source]| (&**call, &**source, "1.0.0"))
        .collect();
    let root = world.root(Client::Terraform, &root_module(&calls));
    root.init().succeeds();
    let committed = world.committed("many", "v1.0.0");
    for (call, _, _) in &calls {
        let accepted = ("1.0.0".to_owned(), format!("modules/{call}"));
        assert_eq!(root.accepted(call), Some(accepted));
        root.installed(call).is_that_of(&committed);
    }
    let said = root.apply();
    assert_eq!(said["part7"], "part 7");
    assert_eq!(said.as_object().unwrap().len(), 10);
}

fn a_renamed_repository(world: &World) {
    probe(world);
    assert!(world.github.rename_repository("acme/probe", "acme/renamed"));
    installs_probe(world);
}

fn tag_objects(world: &World) {
    world
        .repository("tagged")
        .file("main.tf", module("one"))
        .commit("One")
        .annotated_tag("v1.0.0")
        .file("main.tf", module("two"))
        .commit("Two")
        .annotated_tag("inner")
        .tag_of_tag("v2.0.0", "inner")
        .file("main.tf", module("three"))
        .commit("Three")
        .build()
        .unwrap();
    let calls = [
        ("one", "acme/tagged/null", "1.0.0"),
        ("two", "acme/tagged/null", "2.0.0"),
    ];
    let root = world.root(Client::Terraform, &root_module(&calls));
    root.init().succeeds();
    for (call, tag) in [("one", "v1.0.0"), ("two", "v2.0.0")] {
        root.installed(call)
            .is_that_of(&world.committed("tagged", tag));
    }
    assert_eq!(root.apply(), json!({ "one": "one", "two": "two" }));
}

fn five_thousand_tags(world: &World) {
    let mut repository = world
        .repository("old")
        .file("main.tf", module("old"))
        .commit("Add the module");
    for patch in 0..2499 {
        repository = repository
            .tag(&format!("v1.0.{patch}"))
            .tag(&format!("v1.1.{patch}"));
    }
    repository
        .file("main.tf", module("wanted"))
        .commit("What is wanted")
        .tag("v1.1.2499")
        .file("main.tf", module("new"))
        .commit("What is not")
        .tag("v1.2.0")
        .build()
        .unwrap();
    let calls = [("old", "acme/old/null", "~> 1.1.7")];
    let root = world.root(Client::Terraform, &root_module(&calls));
    root.init().succeeds();
    let accepted = ("1.1.2499".to_owned(), String::new());
    assert_eq!(root.accepted("old"), Some(accepted));
    root.installed("old")
        .is_that_of(&world.committed("old", "v1.1.2499"));
}

fn junk(world: &World) {
    let mut repository = world
        .repository("probe")
        .file("main.tf", module("probe"))
        .commit("Add the module")
        .tag("v1.0.0")
        .file("main.tf", module("junk"))
        .commit("Add junk");
    for tag in [
        "latest",
        "nightly",
        "V9.0.0",
        "v9",
        "v9.0",
        "v9.02.0",
        "v9.0.0.1",
        "v9.0.0-",
        "v9.0.0-01",
        "v9.0.0_1",
        "v99999999999999999999.0.0",
        "x9.0.0",
        "release/9.0.0",
        "modules/part/v9.0.0",
        "größe",
    ] {
        repository = repository.tag(tag);
    }
    // The second is a name for two commits.
    repository
        .branch("v9.0.0")
        .branch("v1.0.0")
        .build()
        .unwrap();

    let calls = [("probe", "acme/probe/null", ">= 0.0.0")];
    let root = world.root(Client::Terraform, &root_module(&calls));
    let init = root.init().succeeds();
    assert!(!init.stdout.contains("Warning"), "{init}");
    let accepted = ("1.0.0".to_owned(), String::new());
    assert_eq!(root.accepted("probe"), Some(accepted));
    root.installed("probe")
        .is_that_of(&world.committed("probe", "refs/tags/v1.0.0"));
}

fn names_modes_and_bytes(world: &World) {
    let every_byte: Vec<u8> = (0..=255).collect();
    world
        .repository("probe")
        .file("main.tf", module("probe"))
        .file("crlf.txt", "one\r\ntwo\r\n")
        .file("größe – 大きさ.txt", "Größe\n")
        .file("a space, 'quotes' & a..b #1 %41.txt", "text\n")
        .file("every byte.bin", every_byte)
        .file("empty", "")
        .file(".hidden/.keep", "")
        .file("deep/er/and/deep/er/file.txt", "deep\n")
        .file("large.txt", "the same line\n".repeat(50_000))
        .executable("run.sh", "#!/bin/sh\nexit 0\n")
        .executable("bin/tool", [0x7f, b'E', b'L', b'F', 0, 0xff])
        .symlink("link.sh", "run.sh")
        .symlink("bin/crlf", "../crlf.txt")
        .symlink("linked-directory", "deep/er")
        .symlink("link-of-a-link", "link.sh")
        .symlink("absolute", "/etc/hostname")
        .symlink("outside", "../../outside")
        .symlink("dangling", "nowhere")
        .submodule("vendored", "1111111111111111111111111111111111111111")
        .commit("Add the module")
        .tag("v1.0.0")
        .build()
        .unwrap();
    let committed = world.committed("probe", "v1.0.0");
    let paths = committed.paths();
    for path in [
        "bin/crlf",
        "link-of-a-link",
        "linked-directory/and/deep/er/file.txt",
    ] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
    for path in ["absolute", "outside", "dangling"] {
        assert!(!paths.contains(&path), "{path} in {paths:?}");
    }
    installs_probe(world);
}

fn a_large_archive(world: &World) {
    large(world);
    let root = world.root(Client::Terraform, &large_root());
    root.init().succeeds();
    root.installed("large")
        .is_that_of(&world.committed("large", "v1.0.0"));
}
