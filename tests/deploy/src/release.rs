//! What a release is made with: versions that agree, and `.github/workflows/`.

use std::fs;

use landfall::cache::Key;
use serde_json::{Value, json};

use crate::assert_none;
use crate::documents::{self, entries, file, list, repository, text};

/// Whatever names Landfall's version names the workspace's.
pub(crate) fn versions_agree() {
    let version = table("Cargo.toml")["workspace"]["package"]["version"].clone();
    let version = version.as_str().unwrap();
    let manifest = table("spin.toml")["application"]["version"].clone();
    assert_eq!(manifest.as_str(), Some(version), "spin.toml");
    for (path, around) in [
        ("deploy/compose/landfall.yaml", "image: landfall:VERSION\n"),
        (
            "deploy/spinkube/overlays/example/kustomization.yaml",
            "newTag: VERSION\n",
        ),
        ("deploy/spinkube/README.md", "/landfall:VERSION\n"),
    ] {
        let wanted = around.replace("VERSION", version);
        assert!(file(path).contains(&wanted), "{path} has no `{wanted}`");
    }
}

/// What is said of an upgrade is said of the store's layout as it is.
pub(crate) fn layout_is_the_documented_one() {
    let key = Key::names("acme");
    let (layout, _) = key.as_str().split_once("names/").unwrap();
    let page = file("docs/upgrading.md");
    let mut mentions = page.match_indices("`landfall/").peekable();
    assert!(
        mentions.peek().is_some(),
        "docs/upgrading.md names no layout"
    );
    for (at, _) in mentions {
        let rest = &page[at + 1..];
        let said = rest.split('`').next().unwrap();
        assert_eq!(said, layout, "docs/upgrading.md");
    }
}

/// Workflows run nothing that can be changed under them, with no more rights than they use.
pub(crate) fn workflows_are_pinned() {
    for document in documents::of_directory(".github/workflows") {
        let good = &document.value;
        assert_none(&problems(good, &document.place));
        // What finds nothing could be blind.
        let (job, _) = entries(good, "/jobs").next().unwrap();
        for (pointer, value, said) in [
            ("/permissions", json!("write-all"), "permissions"),
            ("/permissions/packages", json!("write"), "permissions"),
            (
                "/on/pull_request_target",
                Value::Null,
                "pull_request_target",
            ),
            (
                "/steps/0/uses",
                json!("actions/checkout@v7"),
                "actions/checkout@v7",
            ),
            (
                "/steps/0",
                json!({"uses": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"}),
                "credentials",
            ),
            ("/steps/0/run", json!("echo ${{ github.ref_name }}"), "${{"),
            ("/container", json!("rust:1.95.0"), "rust:1.95.0"),
            (
                "/container",
                json!(
                    "rust:1.2.3@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1"
                ),
                "rust-toolchain.toml",
            ),
            ("/timeout-minutes", Value::Null, "time limit"),
        ] {
            let mut bad = good.clone();
            let whole = ["/permissions", "/on"]
                .iter()
                .any(|it| pointer.starts_with(it));
            let within = if whole {
                &mut bad
            } else {
                &mut bad["jobs"][job]
            };
            put(within, pointer, value);
            let found = problems(&bad, &document.place);
            assert!(
                found.iter().any(|it| it.contains(said)),
                "{} {pointer}: {found:?}",
                document.place
            );
        }
    }
}

/// Shell scripts that no other test runs can be read by a shell.
pub(crate) fn scripts_are_well_formed() {
    let mut count = 0;
    for entry in fs::read_dir(repository().join("release")).unwrap() {
        let path = entry.unwrap().path();
        let read = std::process::Command::new("sh")
            .arg("-n")
            .arg(&path)
            .output();
        let read = read.unwrap();
        let said = String::from_utf8_lossy(&read.stderr).into_owned();
        assert!(read.status.success(), "{}: {said}", path.display());
        count += 1;
    }
    assert!(count > 3, "where are they?");
}

fn table(path: &str) -> toml::Table {
    file(path).parse().unwrap()
}

/// Sets what a pointer names, and the objects that lead there.
fn put(value: &mut Value, pointer: &str, new: Value) {
    let mut at = value;
    for part in pointer.split('/').skip(1) {
        at = match part.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[part],
        };
    }
    *at = new;
}

fn problems(workflow: &Value, place: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut problem = |what: String| problems.push(format!("{place}: {what}"));
    if workflow["permissions"] != json!({"contents": "read"}) {
        problem("its permissions are more than to read, for every job".to_owned());
    }
    if entries(workflow, "/on").any(|(event, _)| event == "pull_request_target") {
        problem("pull_request_target runs with secrets for strangers".to_owned());
    }
    for (job, about) in entries(workflow, "/jobs") {
        if about["timeout-minutes"].as_u64().is_none() {
            problem(format!("{job} has no time limit"));
        }
        let image = text(about, "/container");
        if !image.is_empty() {
            if !is_pinned(image, "@sha256:", 64) {
                problem(format!("{job} runs in {image}, which may change"));
            }
            let toolchain = table("rust-toolchain.toml")["toolchain"]["channel"].clone();
            let wanted = format!("/rust:{}-", toolchain.as_str().unwrap());
            if !image.contains(&wanted) {
                problem(format!(
                    "{image} is not the compiler of rust-toolchain.toml"
                ));
            }
        }
        for step in list(about, "/steps") {
            let action = text(step, "/uses");
            if !action.is_empty() && !is_pinned(action, "@", 40) {
                problem(format!("{job} uses {action}, which may change"));
            }
            let kept = step.pointer("/with/persist-credentials");
            if action.starts_with("actions/checkout@") && kept != Some(&Value::Bool(false)) {
                problem(format!("{job} leaves its credentials in the clone"));
            }
            // Bound by `env` it is a value; here it would be a part of the program.
            if text(step, "/run").contains("${{") {
                problem(format!("{job} has a script with ${{{{ in it"));
            }
        }
    }
    problems
}

/// Whether what follows is a digest of so many hexadecimal digits.
fn is_pinned(reference: &str, before: &str, digits: usize) -> bool {
    reference.split_once(before).is_some_and(|(_, digest)| {
        digest.len() == digits && digest.bytes().all(|it| it.is_ascii_hexdigit())
    })
}
