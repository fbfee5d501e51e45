//! A repository's tips, as git tells them: its default branch, and when its newest ref was made. They are remembered as long
//! as the files that hold the refs stay the same: a page of a hundred repositories would otherwise take a hundred processes.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ring::digest::{Context, SHA256};
use tokio::task::JoinHandle;

use crate::git;
use crate::repository::Repository;
use crate::world::GitHub;

/// So many `git` processes run at once.
const AT_ONCE: usize = 8;

/// What git says of a repository as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tips {
    /// The branch that `HEAD` names, be there a commit on it or not.
    pub(crate) default_branch: String,
    /// The latest date of a ref's commit or tag object, in seconds since 1970; `None` where there is no ref.
    pub(crate) newest: Option<i64>,
}

/// The tips of git directories, each with the digest of the refs' files that they were read from.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<HashMap<PathBuf, (Vec<u8>, Tips)>>);

/// The tips of each repository, in the same order.
pub(crate) async fn of(github: &GitHub, repositories: &[Repository]) -> io::Result<Vec<Tips>> {
    let mut all = Vec::with_capacity(repositories.len());
    for few in repositories.chunks(AT_ONCE) {
        let known: Vec<Known> = few
            .iter()
            .map(|repository| recall(github, &repository.git_dir))
            .collect();
        for (known, repository) in known.into_iter().zip(few) {
            all.push(match known {
                Known::Tips(tips) => tips,
                Known::Asked(digest, answer) => {
                    let tips = answer.await.map_err(io::Error::other)??;
                    if let Some(digest) = digest {
                        let git_dir = repository.git_dir.clone();
                        let mut remembered = github.tips.lock();
                        remembered.insert(git_dir, (digest, tips.clone()));
                    }
                    tips
                }
            });
        }
    }
    Ok(all)
}

enum Known {
    Tips(Tips),
    /// On its way, to be remembered with the digest of what was read before.
    Asked(Option<Vec<u8>>, JoinHandle<io::Result<Tips>>),
}

fn recall(github: &GitHub, git_dir: &Path) -> Known {
    let digest = digest(git_dir);
    if let Some(digest) = &digest
        && let Some((then, tips)) = github.tips.lock().get(git_dir)
        && then == digest
    {
        return Known::Tips(tips.clone());
    }
    Known::Asked(digest, tokio::spawn(ask(git_dir.to_owned())))
}

async fn ask(git_dir: PathBuf) -> io::Result<Tips> {
    let head = if let Some(head) = written_head(&git_dir) {
        head
    } else {
        let head = git::find(&git_dir, ["symbolic-ref", "HEAD"]).await;
        String::from_utf8_lossy(&head.unwrap_or_default()).into_owned()
    };
    let default_branch = head.trim().strip_prefix("refs/heads/").unwrap_or("main");
    let newest = git::read(
        &git_dir,
        [
            "for-each-ref",
            "--sort=-creatordate",
            "--count=1",
            "--format=%(creatordate:unix)",
        ],
    )
    .await?;
    Ok(Tips {
        default_branch: default_branch.to_owned(),
        newest: String::from_utf8_lossy(&newest).trim().parse().ok(),
    })
}

/// What `HEAD` names, without a process where the file says so itself; with reftables it has another name in it.
fn written_head(git_dir: &Path) -> Option<String> {
    let head = fs::read_to_string(git_dir.join("HEAD")).ok()?;
    let name = head.strip_prefix("ref: ")?;
    (!name.contains(".invalid")).then(|| name.to_owned())
}

/// SHA-256 over all that the refs are written in. `None` where that is not a bare repository's layout.
fn digest(git_dir: &Path) -> Option<Vec<u8>> {
    let mut context = Context::new(&SHA256);
    let mut add = |path: &Path, bytes: &[u8]| {
        for part in [path.as_os_str().as_encoded_bytes(), bytes] {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
    };
    let head = git_dir.join("HEAD");
    add(&head, &fs::read(&head).ok()?);
    let mut files = vec![git_dir.join("packed-refs")];
    // A table's name is a new one whenever its content is.
    files.push(git_dir.join("reftable").join("tables.list"));
    let mut directories = vec![git_dir.join("refs")];
    while let Some(directory) = directories.pop() {
        let mut children: Vec<_> = fs::read_dir(directory).ok()?.flatten().collect();
        children.sort_by_key(fs::DirEntry::file_name);
        for child in children {
            if child.path().is_dir() {
                directories.push(child.path());
            } else {
                files.push(child.path());
            }
        }
    }
    for file in files {
        if let Ok(bytes) = fs::read(&file) {
            add(&file, &bytes);
        }
    }
    Some(context.finish().as_ref().to_vec())
}

impl Remembered {
    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, (Vec<u8>, Tips)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
