//! The files that were installed, by path.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::expectation::Expectation;

/// What is wrong about what is in a directory.
pub(super) fn check(directory: &Path, expected: &Expectation) -> Vec<String> {
    let mut found = BTreeMap::new();
    collect(directory, "", &mut found);
    let mut wrong = Vec::new();
    for path in &expected.installed {
        if !found.contains_key(path) {
            wrong.push(format!("{path} is not installed"));
        }
    }
    for (path, place) in &found {
        if !expected.installed.contains(path) {
            wrong.push(format!("{path} is installed"));
        }
        let facts = place.symlink_metadata().unwrap();
        if facts.is_dir() {
            continue;
        }
        let mode = facts.permissions().mode() & 0o7777;
        let is_executable = expected.executable.contains(path);
        let right = if is_executable { 0o755 } else { 0o644 };
        if !facts.is_file() || mode != right {
            wrong.push(format!(
                "{path} is {:?} of mode {mode:o}",
                facts.file_type()
            ));
        }
    }
    for (path, text) in &expected.contents {
        let bytes = found.get(path).map(|place| fs::read(place).unwrap());
        let bytes = bytes.unwrap_or_default();
        if bytes != text.as_bytes() {
            let bytes = &bytes[..bytes.len().min(200)];
            wrong.push(format!("{path} has \"{}\"", bytes.escape_ascii()));
        }
    }
    wrong
}

/// All files, and the folders that nothing is in.
fn collect(directory: &Path, prefix: &str, found: &mut BTreeMap<String, PathBuf>) {
    let entries: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    if entries.is_empty() {
        found.insert(prefix.to_owned(), directory.to_owned());
    }
    for entry in entries {
        let path = format!("{prefix}{}", text(entry.file_name().as_bytes()));
        // Of the entry itself, not of what it may lead to.
        if entry.metadata().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path, entry.path());
        }
    }
}

/// A name, with `\xe9` for bytes that are no text.
fn text(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    text
}
