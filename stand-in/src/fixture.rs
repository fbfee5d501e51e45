//! Sample repositories for tests and the demo, made by real `git` (`git fast-import`): thousands of tags or files
//! take seconds, and the same calls give the same object ids on every machine.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::git;

const FIRST_COMMIT_AT: i64 = 1_700_000_000;
const SECONDS_BETWEEN_COMMITS: i64 = 60;
const PERSON: &str = "Landfall Fixture <fixture@example.com>";

/// A bare repository in the making: calls are collected and carried out by [`build`](Self::build).
///
/// ```no_run
/// # use landfall_stand_in::fixture::Repository;
/// # fn main() -> std::io::Result<()> {
/// let git_dir = Repository::new("/tmp/repositories", "acme", "terraform-null-greeting")
///     .file("main.tf", "output \"greeting\" {\n  value = \"hello\"\n}\n")
///     .commit("Greet")
///     .tag("v1.0.0")
///     .annotated_tag("v1.1.0")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is written before `build`"]
pub struct Repository {
    git_dir: PathBuf,
    public: bool,
    /// Where commits go.
    branch: String,
    /// When commit number 0 would have been made, in seconds since 1970.
    started_at: i64,
    /// What `git fast-import` will read.
    stream: Vec<u8>,
    /// The changes since the last commit, in the same language.
    changes: Vec<u8>,
    /// The last commit, as `from` takes it.
    head: Option<String>,
    /// Marks of the annotated tags made here.
    tag_marks: BTreeMap<String, u32>,
    marks: u32,
    commits: i64,
    problem: Option<String>,
}

impl Repository {
    /// An empty repository to be written to `directory/owner/name.git`.
    pub fn new(directory: impl AsRef<Path>, owner: &str, name: &str) -> Self {
        Self::in_git_dir(directory.as_ref().join(owner).join(format!("{name}.git")))
    }

    fn in_git_dir(git_dir: PathBuf) -> Self {
        Self {
            git_dir,
            public: false,
            branch: "main".to_owned(),
            started_at: FIRST_COMMIT_AT,
            stream: Vec::new(),
            changes: Vec::new(),
            head: None,
            tag_marks: BTreeMap::new(),
            marks: 0,
            commits: 0,
            problem: None,
        }
    }

    /// The repository at `directory/owner/name.git`, to be carried on from its default branch: new commits, new, moved or deleted tags.
    pub fn open(directory: impl AsRef<Path>, owner: &str, name: &str) -> io::Result<Self> {
        Self::at(Self::new(directory, owner, name).git_dir)
    }

    /// As [`open`](Self::open) with the git directory's own path. What is new is later than all that is there.
    pub(crate) fn at(git_dir: PathBuf) -> io::Result<Self> {
        let mut repository = Self::in_git_dir(git_dir);
        let said = |arguments: &[&str]| -> io::Result<String> {
            let said = git::run(git::command(&repository.git_dir).args(arguments), &[])?;
            Ok(String::from_utf8_lossy(&said).trim().to_owned())
        };
        let commits = said(&["rev-list", "--count", "--all"])?;
        let commits: i64 = commits.parse().map_err(io::Error::other)?;
        let dates = said(&["for-each-ref", "--format=%(creatordate:unix)"])?;
        let newest = dates.lines().filter_map(|date| date.parse::<i64>().ok());
        let newest = newest.max().unwrap_or(FIRST_COMMIT_AT);
        let head = said(&["symbolic-ref", "HEAD"])?;
        let branch = head
            .strip_prefix("refs/heads/")
            .unwrap_or("main")
            .to_owned();
        let born = !said(&["for-each-ref", &head])?.is_empty();

        repository.commits = commits;
        repository.started_at = FIRST_COMMIT_AT.max(newest - SECONDS_BETWEEN_COMMITS * commits);
        repository.branch = branch;
        repository.head = born.then(|| format!("{head}^0"));
        Ok(repository)
    }

    /// Marks the repository as public with git's own marker, an empty file `git-daemon-export-ok`.
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Adds or changes a regular file.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.file_of_bytes(path.as_bytes(), bytes)
    }

    /// The same of a file whose name is any bytes, as git's may be.
    pub fn file_of_bytes(self, path: &[u8], bytes: impl AsRef<[u8]>) -> Self {
        self.blob("100644", path, bytes.as_ref())
    }

    /// Adds or changes an executable file.
    pub fn executable(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.blob("100755", path.as_bytes(), bytes.as_ref())
    }

    /// Adds or changes a symbolic link.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.blob("120000", path.as_bytes(), target.as_bytes())
    }

    /// Adds or changes a submodule, which an archive shows as an empty directory.
    pub fn submodule(mut self, path: &str, commit: &str) -> Self {
        self.change(&format!("M 160000 {commit}"), path.as_bytes());
        self
    }

    /// Takes a file or directory away.
    pub fn remove(mut self, path: &str) -> Self {
        self.change("D", path.as_bytes());
        self
    }

    /// Commits the changes so far to `main`, or to the default branch of a repository that was there before.
    pub fn commit(mut self, message: &str) -> Self {
        self.marks += 1;
        self.commits += 1;
        let date = self.date();
        let from = self
            .head
            .take()
            .map(|head| format!("from {head}\n"))
            .unwrap_or_default();
        let header = format!(
            "commit refs/heads/{}\nmark :{}\nauthor {PERSON} {date}\ncommitter {PERSON} {date}\n{}{from}",
            self.branch,
            self.marks,
            data(message),
        );
        self.stream.extend_from_slice(header.as_bytes());
        self.stream.append(&mut self.changes);
        self.stream.push(b'\n');
        self.head = Some(format!(":{}", self.marks));
        self
    }

    /// Puts (or moves) a lightweight tag on the last commit.
    pub fn tag(self, name: &str) -> Self {
        self.reference(&format!("refs/tags/{name}"))
    }

    /// Puts (or moves) a branch on the last commit.
    pub fn branch(self, name: &str) -> Self {
        self.reference(&format!("refs/heads/{name}"))
    }

    /// Puts (or moves) an annotated tag on the last commit.
    pub fn annotated_tag(self, name: &str) -> Self {
        match self.head.clone() {
            Some(head) => self.tag_object(name, &head),
            None => self.fail(format!("annotated tag `{name}` before any commit")),
        }
    }

    /// An annotated tag that points at the annotated tag `inner`, made before in the same builder.
    pub fn tag_of_tag(self, name: &str, inner: &str) -> Self {
        match self.tag_marks.get(inner).copied() {
            Some(mark) => self.tag_object(name, &format!(":{mark}")),
            None => self.fail(format!(
                "tag `{name}` of the unknown annotated tag `{inner}`"
            )),
        }
    }

    /// Takes a tag away.
    pub fn delete_tag(mut self, name: &str) -> Self {
        let line = format!("reset refs/tags/{name}\nfrom {}\n\n", "0".repeat(40));
        self.stream.extend_from_slice(line.as_bytes());
        self
    }

    /// Writes the repository and gives its git directory. Fails on what `git` refuses, such as an impossible tag name.
    pub fn build(self) -> io::Result<PathBuf> {
        if let Some(problem) = self.problem {
            return Err(io::Error::other(problem));
        }
        if !self.changes.is_empty() {
            return Err(io::Error::other("there are changes after the last commit"));
        }
        fs::create_dir_all(&self.git_dir)?;
        let git = || git::command(&self.git_dir);
        git::run(
            git().args([
                "init",
                "--bare",
                "--quiet",
                "--template=",
                "--initial-branch=main",
            ]),
            &[],
        )?;
        git::run(
            git().args(["fast-import", "--quiet", "--force"]),
            &self.stream,
        )?;
        git::run(git().args(["pack-refs", "--all"]), &[])?;
        if self.public {
            fs::write(self.git_dir.join(PUBLIC_MARKER), [])?;
        }
        Ok(self.git_dir)
    }

    fn blob(mut self, mode: &str, path: &[u8], bytes: &[u8]) -> Self {
        self.change(&format!("M {mode} inline"), path);
        let header = format!("data {}\n", bytes.len());
        self.changes.extend_from_slice(header.as_bytes());
        self.changes.extend_from_slice(bytes);
        self.changes.push(b'\n');
        self
    }

    fn change(&mut self, command: &str, path: &[u8]) {
        self.changes.extend_from_slice(command.as_bytes());
        self.changes.push(b' ');
        quote(path, &mut self.changes);
        self.changes.push(b'\n');
    }

    fn reference(mut self, name: &str) -> Self {
        let Some(head) = &self.head else {
            return self.fail(format!("`{name}` before any commit"));
        };
        self.stream
            .extend_from_slice(format!("reset {name}\nfrom {head}\n\n").as_bytes());
        self
    }

    fn tag_object(mut self, name: &str, from: &str) -> Self {
        self.marks += 1;
        let object = format!(
            "tag {name}\nmark :{}\nfrom {from}\ntagger {PERSON} {}\n{}",
            self.marks,
            self.date(),
            data(name),
        );
        self.stream.extend_from_slice(object.as_bytes());
        self.tag_marks.insert(name.to_owned(), self.marks);
        self
    }

    fn date(&self) -> String {
        let seconds = self.started_at + SECONDS_BETWEEN_COMMITS * self.commits;
        format!("{seconds} +0000")
    }

    fn fail(mut self, problem: String) -> Self {
        self.problem.get_or_insert(problem);
        self
    }
}

/// `git daemon` serves a repository with this file to anyone; here it makes it public.
pub(crate) const PUBLIC_MARKER: &str = "git-daemon-export-ok";

/// A message, ended by a newline as `git commit` and `git tag` write it.
fn data(text: &str) -> String {
    format!("data {}\n{text}\n", text.len() + 1)
}

/// A path in fast-import's C-style quotes.
fn quote(path: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in path {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            0..=0x1f => out.extend(format!("\\{byte:03o}").into_bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}
