//! An overlay of `deploy/spinkube/`: what it generates, and what `kubectl kustomize` makes of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::documents::{self, Document, list, text};
use crate::programs::Program;
use crate::settings::Settings;
use crate::{assert_none, references, schema};

const SPINKUBE: &str = "deploy/spinkube";

/// The names of all overlays.
fn overlays() -> Vec<String> {
    let directory = documents::repository().join(SPINKUBE).join("overlays");
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn kustomization(overlay: &str) -> Value {
    let path = format!("{SPINKUBE}/overlays/{overlay}/kustomization.yaml");
    let found = documents::read(&documents::file(&path), &path);
    found[0].value.clone()
}

/// The `KEY` and `FILE` of each `KEY=FILE` or `FILE` that a generator reads.
fn files(generator: &Value) -> Vec<(&str, &str)> {
    let entries = list(generator, "/files").iter().filter_map(Value::as_str);
    entries
        .map(|entry| {
            let last = entry.rsplit('/').next().unwrap_or(entry);
            entry.split_once('=').unwrap_or((last, entry))
        })
        .collect()
}

fn env_files<'a>(overlay: &str, generator: &'a Value) -> impl Iterator<Item = String> + use<'a> {
    let directory = format!("{SPINKUBE}/overlays/{overlay}");
    let names = list(generator, "/envs").iter().filter_map(Value::as_str);
    names.map(move |name| documents::file(&format!("{directory}/{name}")))
}

/// The resources of an overlay without its patches and without a program: those of its directory and of the base, and stand-ins for
/// what is generated.
pub(crate) fn resources(overlay: &str) -> Vec<Document> {
    let directory = format!("{SPINKUBE}/overlays/{overlay}");
    let mut found = Vec::new();
    let parts = [
        format!("{SPINKUBE}/base"),
        format!("{SPINKUBE}/components"),
        directory.clone(),
    ];
    for part in parts {
        found.extend(documents::of_directory(&part));
    }
    found.retain(|it| {
        !text(&it.value, "/apiVersion").starts_with("kustomize") && it.value.get("kind").is_some()
    });
    let kustomization = kustomization(overlay);
    for (generators, kind) in [
        ("/configMapGenerator", "ConfigMap"),
        ("/secretGenerator", "Secret"),
    ] {
        for generator in list(&kustomization, generators) {
            let mut data = BTreeMap::new();
            for text in env_files(overlay, generator) {
                data.extend(Settings::of_lines(&text).0);
            }
            data.extend(
                files(generator)
                    .iter()
                    .map(|it| (it.0.to_owned(), "IA==".to_owned())),
            );
            let value = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": generator["name"]}, "data": data});
            let place = format!("{directory}/kustomization.yaml");
            found.push(Document { place, value });
        }
    }
    found
}

pub(crate) fn resources_fit() {
    for overlay in overlays() {
        let found = resources(&overlay);
        let problems = found.iter().flat_map(|Document { place, value }| {
            let found = schema::problems(value);
            found
                .into_iter()
                .map(move |problem| format!("{place}: {problem}"))
        });
        assert_none(&problems.collect::<Vec<_>>());
    }
}

pub(crate) fn references_lead() {
    for overlay in overlays() {
        let values: Vec<Value> = resources(&overlay).into_iter().map(|it| it.value).collect();
        assert_none(&references::problems(&values));
    }
}

/// Each file that is not in the repository is written by a command of the README, and is ignored by git.
pub(crate) fn secrets_are_made() {
    let readme = documents::file(&format!("{SPINKUBE}/README.md"));
    for overlay in overlays() {
        let kustomization = kustomization(&overlay);
        let generators = list(&kustomization, "/secretGenerator").iter();
        for (_, file) in generators.flat_map(files) {
            assert!(file.starts_with("secrets/"), "{file} would be in git");
            let is_made =
                readme.contains(&format!(">{file}")) || readme.contains(&format!(" {file}\n"));
            assert!(is_made, "README.md makes no {file}");
        }
    }
    assert!(
        documents::file(&format!("{SPINKUBE}/.gitignore"))
            .lines()
            .any(|it| it == "secrets/")
    );
    // The store's name and port, as the runtime configuration has them.
    assert!(
        readme.contains("@landfall-valkey:6379\""),
        "README.md names no store"
    );
}

/// What an overlay has of variables is a configuration, once its secrets are there.
pub(crate) fn settings_are_sound() {
    for overlay in overlays() {
        let kustomization = kustomization(&overlay);
        let generators = list(&kustomization, "/configMapGenerator").iter();
        let texts: Vec<String> = generators.flat_map(|it| env_files(&overlay, it)).collect();
        assert_eq!(texts.len(), 1);
        // Commented examples as well: they are what a person switches on.
        for text in [texts[0].clone(), uncommented(&texts[0])] {
            Settings::of_lines(&text).with_secrets().load();
        }
    }
}

fn uncommented(text: &str) -> String {
    let names = references::declared();
    let line = |line: &str| {
        let setting = line.strip_prefix("# ").unwrap_or(line);
        let is_setting = setting
            .split_once('=')
            .is_some_and(|it| names.contains_key(it.0));
        if is_setting {
            setting.to_owned()
        } else {
            line.to_owned()
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What `kubectl kustomize` makes has all that is checked without it, with the names of what is generated in place.
pub(crate) fn overlays_build() {
    for overlay in overlays() {
        let scratch = tempfile::tempdir().unwrap();
        copy(&documents::repository().join(SPINKUBE), scratch.path());
        let directory = scratch.path().join("overlays").join(&overlay);
        let kustomization = kustomization(&overlay);
        let generators = list(&kustomization, "/secretGenerator").iter();
        for (_, file) in generators.flat_map(files) {
            let path = directory.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "a secret of nobody\n").unwrap();
        }
        let built = Program::Kubectl
            .run(&["kustomize", directory.to_str().unwrap()])
            .unwrap();
        let found = documents::read(&built, &overlay);
        let values: Vec<Value> = found.into_iter().map(|it| it.value).collect();
        for value in &values {
            assert_none(&schema::problems(value));
            let is_namespace = text(value, "/kind") == "Namespace";
            assert!(
                is_namespace || text(value, "/metadata/namespace") == "landfall",
                "{value:#}"
            );
        }
        assert_none(&references::problems(&values));
        let app = values
            .iter()
            .find(|it| text(it, "/kind") == "SpinApp")
            .unwrap();
        let image = text(app, "/spec/image");
        assert!(
            image.contains('/') && image.contains(':'),
            "no overlay has named {image}"
        );
        // A digest of the content: a changed variable is a new pod.
        let map = text(app, "/spec/variables/0/valueFrom/configMapKeyRef/name");
        assert!(
            map.len() > "landfall-".len() && map.starts_with("landfall-"),
            "{map}"
        );
    }
    let base = documents::repository().join(SPINKUBE).join("base");
    Program::Kubectl
        .run(&["kustomize", base.to_str().unwrap()])
        .unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == "secrets" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
