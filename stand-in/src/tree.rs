//! Trees, as `git ls-tree` tells them (<https://docs.github.com/en/rest/git/trees>).

use std::io;

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::git;
use crate::refs;
use crate::repository::{self, Repository};
use crate::route::encode;
use crate::world::GitHub;

/// "The limit for the `tree` array is 100,000 entries"; nothing here is cut at the 7 MB that it names besides.
const MAX_ENTRIES: usize = 100_000;

/// A file, directory, link or submodule of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Six digits, `100644`.
    pub(crate) mode: String,
    /// `blob`, `tree`, or `commit` for a submodule.
    pub(crate) kind: String,
    pub(crate) sha: String,
    /// A blob's, in bytes.
    pub(crate) size: Option<u64>,
    /// From the tree that was asked.
    pub(crate) path: String,
}

/// `GET …/git/trees/{sha}`: of a tree, or of what leads to one: a commit, a ref, a path after `:`. Of a commit `sha` is the
/// commit's (so recorded; undocumented).
pub(crate) async fn named(
    github: &GitHub,
    repository: &Repository,
    name: &str,
    recursive: bool,
) -> Answer {
    match refs::list(repository).await {
        Ok(references) if references.is_empty() => return refs::empty_repository(),
        Ok(_) => {}
        Err(error) => return Answer::broken(&error),
    }
    let expression = if name.contains(':') {
        name.to_owned()
    } else {
        format!("{name}^{{}}")
    };
    let Some(sha) = refs::resolve(repository, &expression).await else {
        return Answer::not_found();
    };
    // What fails is no tree.
    let Some(entries) = entries(repository, &sha, recursive).await else {
        return Answer::not_found();
    };
    let api = repository::url(github, repository);
    let tree: Vec<Value> = entries
        .iter()
        .take(MAX_ENTRIES)
        .map(|entry| object(&api, entry))
        .collect();
    Answer::json(
        StatusCode::OK,
        &json!({
            "sha": sha,
            "url": format!("{api}/git/trees/{}", encode(&sha)),
            "tree": tree,
            "truncated": entries.len() > MAX_ENTRIES,
        }),
    )
}

/// What a commit or tree holds, and with `recursive` all that is below. `None` when it is neither.
pub(crate) async fn entries(
    repository: &Repository,
    sha: &str,
    recursive: bool,
) -> Option<Vec<Entry>> {
    let mut arguments = vec!["ls-tree", "-z", "-l"];
    if recursive {
        arguments.extend(["-r", "-t"]);
    }
    arguments.push(sha);
    let lines = git::find(&repository.git_dir, arguments).await?;
    Some(parse(&lines))
}

/// What a commit has at a path.
pub(crate) async fn entry(
    repository: &Repository,
    commit: &str,
    path: &str,
) -> io::Result<Option<Entry>> {
    let odd = |segment: &str| matches!(segment, "" | "." | "..");
    if path.split('/').any(odd) {
        return Ok(None);
    }
    let lines = git::read(
        &repository.git_dir,
        [
            "--literal-pathspecs",
            "ls-tree",
            "-z",
            "-l",
            commit,
            "--",
            path,
        ],
    )
    .await?;
    Ok(parse(&lines).into_iter().next())
}

/// `MODE KIND SHA SIZE<TAB>PATH<NUL>`.
fn parse(lines: &[u8]) -> Vec<Entry> {
    String::from_utf8_lossy(lines)
        .split_terminator('\0')
        .filter_map(|line| {
            let (fields, path) = line.split_once('\t')?;
            let mut fields = fields.split_ascii_whitespace().map(str::to_owned);
            Some(Entry {
                mode: fields.next()?,
                kind: fields.next()?,
                sha: fields.next()?,
                size: fields.next()?.parse().ok(),
                path: path.to_owned(),
            })
        })
        .collect()
}

/// A blob has a size, a submodule no address.
fn object(api: &str, entry: &Entry) -> Value {
    let Entry {
        mode,
        kind,
        sha,
        size,
        path,
    } = entry;
    let mut object = json!({ "path": path, "mode": mode, "type": kind, "sha": sha });
    if let Some(fields) = object.as_object_mut() {
        if let Some(size) = size {
            fields.insert("size".to_owned(), (*size).into());
        }
        if kind != "commit" {
            let url = format!("{api}/git/{kind}s/{sha}");
            fields.insert("url".to_owned(), url.into());
        }
    }
    object
}
