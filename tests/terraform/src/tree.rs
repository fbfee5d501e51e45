//! Files by path: those of a commit, and those of a directory that a client installed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::world::git;

/// A directory's files, with every link replaced by what it stands for.
#[derive(PartialEq, Eq)]
pub struct Tree(BTreeMap<String, File>);

#[derive(Clone, PartialEq, Eq)]
struct File {
    /// 0644 or 0755 for a file that git made.
    mode: u32,
    bytes: Vec<u8>,
}

/// The files of a revision, as `git ls-tree` and `git cat-file` have them.
pub fn committed(git_dir: &Path, revision: &str) -> Tree {
    let listing = git(git_dir, &["ls-tree", "-r", "-z", "--full-tree", revision]);
    let listing = String::from_utf8(listing).unwrap();
    let mut files = BTreeMap::new();
    let mut links = Vec::new();
    for line in listing.split_terminator('\0') {
        let (facts, path) = line.split_once('\t').unwrap();
        let facts: Vec<&str> = facts.split(' ').collect();
        let bytes = || git(git_dir, &["cat-file", "blob", facts[2]]);
        match facts[0] {
            "100644" => insert(&mut files, path, 0o644, bytes()),
            "100755" => insert(&mut files, path, 0o755, bytes()),
            "120000" => links.push((path, String::from_utf8(bytes()).unwrap())),
            // A submodule is an empty directory, and a directory is no file.
            "160000" => {}
            mode => panic!("git has no mode {mode}"),
        }
    }
    // Links may lead to links, in any order.
    for _ in 0..links.len() {
        for (link, target) in &links {
            let Some(target) = beside(link, target) else {
                continue;
            };
            let found: Vec<(String, File)> = files
                .iter()
                .filter_map(|(path, file)| {
                    let below = path.strip_prefix(&target)?;
                    let is_in = below.is_empty() || below.starts_with('/');
                    is_in.then(|| (format!("{link}{below}"), file.clone()))
                })
                .collect();
            files.extend(found);
        }
    }
    Tree(files)
}

/// The files under a directory. A link is none.
pub fn installed(directory: &Path) -> Tree {
    let mut files = BTreeMap::new();
    collect(directory, "", &mut files);
    Tree(files)
}

impl Tree {
    /// Fails with the differences, not with the bytes.
    #[track_caller]
    pub fn is_that_of(&self, expected: &Self) {
        assert!(!expected.0.is_empty(), "nothing is compared with nothing");
        let mut differences = Vec::new();
        for (path, file) in &expected.0 {
            match self.0.get(path) {
                None => differences.push(format!("{path} is missing")),
                Some(found) if found != file => {
                    differences.push(format!("{path} is {found}, not {file}"));
                }
                Some(_) => {}
            }
        }
        let more = self.0.keys().filter(|path| !expected.0.contains_key(*path));
        differences.extend(more.map(|path| format!("{path} is no file of the commit")));
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    /// The paths, in order.
    /// What is in a folder of it.
    pub fn below(&self, folder: &str) -> Self {
        let start = format!("{folder}/");
        let files = self
            .0
            .iter()
            .filter_map(|(path, file)| Some((path.strip_prefix(&start)?.to_owned(), file.clone())));
        Self(files.collect())
    }

    pub fn paths(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = &self.bytes[..self.bytes.len().min(60)];
        write!(
            f,
            "{} bytes of mode {:o} ({})",
            self.bytes.len(),
            self.mode,
            String::from_utf8_lossy(start).escape_debug()
        )
    }
}

fn insert(files: &mut BTreeMap<String, File>, path: &str, mode: u32, bytes: Vec<u8>) {
    files.insert(path.to_owned(), File { mode, bytes });
}

/// Where a link leads to, if that is in the repository.
fn beside(link: &str, target: &str) -> Option<String> {
    let mut path: Vec<&str> = link.split('/').collect();
    path.pop();
    for step in target.split('/') {
        match step {
            "" => return None,
            "." => {}
            ".." => path.pop().map(drop)?,
            name => path.push(name),
        }
    }
    Some(path.join("/"))
}

fn collect(directory: &Path, prefix: &str, files: &mut BTreeMap<String, File>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        // Of the entry itself, not of what it may lead to.
        let facts = entry.metadata().unwrap();
        if facts.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else {
            assert!(facts.is_file(), "{path} is neither a file nor a directory");
            let mode = facts.permissions().mode() & 0o7777;
            insert(files, &path, mode, fs::read(entry.path()).unwrap());
        }
    }
}
