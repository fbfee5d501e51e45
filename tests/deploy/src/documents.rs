//! The YAML of `deploy/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A YAML document, and the file that it is in.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) place: String,
    pub(crate) value: Value,
}

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_owned()
}

/// A file of the repository, or a panic that names it.
pub(crate) fn file(path: &str) -> String {
    let path = repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a file; empty ones are none.
pub(crate) fn read(text: &str, place: &str) -> Vec<Document> {
    let values: Vec<Value> = serde_saphyr::from_multiple(text)
        .unwrap_or_else(|error| panic!("{place} is no YAML: {error}"));
    let values = values.into_iter().filter(|value| !value.is_null());
    values
        .map(|value| Document {
            place: place.to_owned(),
            value,
        })
        .collect()
}

/// Every YAML file of a directory of the repository and below.
pub(crate) fn of_directory(directory: &str) -> Vec<Document> {
    let mut found = Vec::new();
    let mut directories = vec![repository().join(directory)];
    while let Some(directory) = directories.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            let is_yaml = path
                .extension()
                .is_some_and(|it| it == "yaml" || it == "yml");
            // What a person made for a cluster of their own is not in the repository.
            if path.is_dir() && !path.ends_with("secrets") {
                directories.push(path);
            } else if is_yaml {
                let place = path
                    .strip_prefix(repository())
                    .unwrap()
                    .display()
                    .to_string();
                found.extend(read(&fs::read_to_string(&path).unwrap(), &place));
            }
        }
    }
    assert!(!found.is_empty(), "there is no YAML in {directory}");
    found
}

pub(crate) fn are_well_formed() {
    for Document { place, value } in of_directory("deploy") {
        assert!(
            value.is_object(),
            "{place} has a document that is no mapping"
        );
    }
}

/// The text at a JSON pointer; empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The list at a JSON pointer; empty where there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The keys and values of the mapping at a JSON pointer; none where there is no mapping.
pub(crate) fn entries<'a>(
    value: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let mapping = value.pointer(pointer).and_then(Value::as_object);
    mapping
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}
