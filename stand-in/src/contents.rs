//! Files and directories of a commit (<https://docs.github.com/en/rest/repos/contents#get-repository-content>).

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::ACCEPT;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::api::{MEDIA_TYPE, NEWER_API_VERSION};
use crate::git;
use crate::refs;
use crate::repository::{self, Repository};
use crate::route::{encode, parameter};
use crate::tips;
use crate::tree::{self, Entry};
use crate::world::GitHub;

/// Of larger files there is no content in JSON.
const MAX_IN_JSON: usize = 1024 * 1024;

/// Of larger directories the rest is left out.
const MAX_IN_DIRECTORY: usize = 1_000;

const BASE64_LINE: usize = 60;

/// A commit's files, and how they are asked for.
struct Place<'a> {
    github: &'a GitHub,
    repository: &'a Repository,
    commit: String,
    /// The ref as asked for, or the default branch.
    reference: String,
    /// Whether a directory calls a submodule one; before it was a file.
    names_submodules: bool,
}

/// `GET …/contents/{path}`: of a file the JSON with its content or, by `Accept`, the bytes; of a directory the list, however
/// it is asked for. A symbolic link to a file is that file. No address in it has a token, though GitHub's `download_url` of
/// a private repository has.
pub(crate) async fn get(
    github: &GitHub,
    repository: &Repository,
    path: &str,
    request: &Parts,
    version: &str,
) -> Answer {
    let reference = parameter(request.uri.query(), "ref").filter(|name| !name.is_empty());
    let answer = async {
        let place = match find(github, repository, reference, version).await? {
            Ok(place) => place,
            Err(refusal) => return Ok(refusal),
        };
        if path.is_empty() {
            let commit = place.commit.clone();
            return place.directory(&commit, "").await;
        }
        let Some(entry) = tree::entry(repository, &place.commit, path).await? else {
            return Ok(Answer::not_found());
        };
        match entry.kind.as_str() {
            "tree" => place.directory(&entry.sha, &format!("{path}/")).await,
            "blob" => place.file(&entry, raw_type(&request.headers)).await,
            _ => {
                let mut submodule = place.described(&entry, "submodule");
                submodule.insert("submodule_git_url".to_owned(), Value::Null);
                Ok(Answer::json(StatusCode::OK, &Value::Object(submodule)))
            }
        }
    };
    let answer: io::Result<Answer> = answer.await;
    answer.unwrap_or_else(|error| Answer::broken(&error))
}

/// The commit, or the answer to a ref that is none.
async fn find<'a>(
    github: &'a GitHub,
    repository: &'a Repository,
    reference: Option<String>,
    version: &str,
) -> io::Result<Result<Place<'a>, Answer>> {
    let name = reference.as_deref().unwrap_or("HEAD");
    let Some(commit) = refs::commit(repository, name).await else {
        let message = match reference {
            Some(name) if !refs::list(repository).await?.is_empty() => {
                format!("No commit found for the ref {name}")
            }
            _ => "This repository is empty.".to_owned(),
        };
        return Ok(Err(Answer::error(StatusCode::NOT_FOUND, &message)));
    };
    let reference = match reference {
        Some(name) => name,
        None => default_branch(github, repository).await?,
    };
    Ok(Ok(Place {
        github,
        repository,
        commit,
        reference,
        names_submodules: version == NEWER_API_VERSION,
    }))
}

async fn default_branch(github: &GitHub, repository: &Repository) -> io::Result<String> {
    let tips = tips::of(github, std::slice::from_ref(repository)).await?;
    let tips = tips.into_iter().next();
    Ok(tips.map(|tips| tips.default_branch).unwrap_or_default())
}

/// The media type of the bytes themselves, if that is the first of GitHub's own that is accepted.
fn raw_type(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .map(str::trim)
        .find(|range| range.starts_with("application/vnd.github"))
        .filter(|range| {
            let kind = range.strip_prefix("application/vnd.github.");
            let kind = kind.map(|kind| kind.strip_prefix("v3.").unwrap_or(kind));
            matches!(kind, Some("raw" | "raw+json"))
        })
}

impl Place<'_> {
    /// The list of a tree; `prefix` is its path, with a slash at the end.
    async fn directory(&self, sha: &str, prefix: &str) -> io::Result<Answer> {
        let entries = tree::entries(self.repository, sha, false).await;
        let entries = entries.ok_or_else(|| io::Error::other(format!("no tree {sha}")))?;
        let list: Vec<Value> = entries
            .into_iter()
            .take(MAX_IN_DIRECTORY)
            .map(|entry| {
                let kind = match (entry.kind.as_str(), entry.mode.as_str()) {
                    ("tree", _) => "dir",
                    ("commit", _) if self.names_submodules => "submodule",
                    (_, "120000") => "symlink",
                    _ => "file",
                };
                let path = format!("{prefix}{}", entry.path);
                Value::Object(self.described(&Entry { path, ..entry }, kind))
            })
            .collect();
        Ok(Answer::json(StatusCode::OK, &Value::Array(list)))
    }

    /// A file, or a link to one under the link's own name; another link as what it is.
    async fn file(&self, entry: &Entry, raw: Option<&str>) -> io::Result<Answer> {
        let bytes = self.bytes(entry).await?;
        if entry.mode != "120000" {
            return Ok(self.content(entry, bytes, raw));
        }
        let target = String::from_utf8_lossy(&bytes).into_owned();
        let found = match followed(&entry.path, &target) {
            Some(path) => tree::entry(self.repository, &self.commit, &path).await?,
            None => None,
        };
        let found = found.filter(|found| found.kind == "blob" && found.mode != "120000");
        if let Some(found) = found {
            let bytes = self.bytes(&found).await?;
            let path = entry.path.clone();
            return Ok(self.content(&Entry { path, ..found }, bytes, raw));
        }
        if raw.is_some() {
            return Ok(self.content(entry, bytes, raw));
        }
        let mut link = self.described(entry, "symlink");
        link.insert("target".to_owned(), target.into());
        Ok(Answer::json(StatusCode::OK, &Value::Object(link)))
    }

    async fn bytes(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        git::read(
            &self.repository.git_dir,
            ["cat-file", "blob", entry.sha.as_str()],
        )
        .await
    }

    fn content(&self, entry: &Entry, bytes: Vec<u8>, raw: Option<&str>) -> Answer {
        if let Some(raw) = raw {
            let format = if raw.ends_with("+json") {
                "github.v3; param=raw; format=json"
            } else {
                "github.v3; param=raw"
            };
            let kind = format!("{raw}; charset=utf-8");
            return Answer::whole(StatusCode::OK, &kind, bytes).header(MEDIA_TYPE, format);
        }
        let (encoding, content) = if bytes.len() > MAX_IN_JSON {
            ("none", String::new())
        } else {
            ("base64", in_lines(&STANDARD.encode(bytes)))
        };
        let mut file = self.described(entry, "file");
        file.insert("encoding".to_owned(), encoding.into());
        file.insert("content".to_owned(), content.into());
        Answer::json(StatusCode::OK, &Value::Object(file))
    }

    /// What is said of everything, be it in a list or on its own.
    fn described(&self, entry: &Entry, kind: &str) -> Map<String, Value> {
        let api = repository::url(self.github, self.repository);
        let reference = encode(&self.reference);
        let path = encode(&entry.path);
        let own = format!("{api}/contents/{path}?ref={reference}");
        let html = self.repository.html_url();
        let (page, git) = match entry.kind.as_str() {
            "tree" => (Some("tree"), Some("trees")),
            "blob" => (Some("blob"), Some("blobs")),
            _ => (None, None),
        };
        let page = page.map(|page| format!("{html}/{page}/{reference}/{path}"));
        let git = git.map(|git| format!("{api}/git/{git}/{}", entry.sha));
        let download = (entry.kind == "blob").then(|| {
            let name = self.repository.full_name();
            format!("https://raw.githubusercontent.com/{name}/{reference}/{path}")
        });
        let name = entry.path.rsplit('/').next();
        let described = json!({
            "type": kind,
            "name": name,
            "path": entry.path,
            "sha": entry.sha,
            "size": entry.size.unwrap_or_default(),
            "url": own,
            "html_url": page,
            "git_url": git,
            "download_url": download,
            "_links": { "self": own, "git": git, "html": page },
        });
        match described {
            Value::Object(described) => described,
            _ => Map::new(),
        }
    }
}

/// Where a link at `path` leads; `None` for out of the repository.
fn followed(path: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut place: Vec<&str> = path.split('/').collect();
    place.pop();
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                place.pop()?;
            }
            name => place.push(name),
        }
    }
    Some(place.join("/"))
}

/// Base64 as GitHub breaks it: a newline after every sixty characters, and after the last.
fn in_lines(base64: &str) -> String {
    let mut lines = String::with_capacity(base64.len() + base64.len() / BASE64_LINE + 1);
    for (at, character) in base64.chars().enumerate() {
        if at > 0 && at % BASE64_LINE == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    if !lines.is_empty() {
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn base64_is_broken_after_sixty_characters() {
        for (length, lines) in [(0, 0), (1, 1), (60, 1), (61, 2), (120, 2), (121, 3)] {
            let broken = in_lines(&"A".repeat(length));
            assert_eq!(broken.matches('\n').count(), lines, "{length}");
            assert_eq!(broken.ends_with('\n'), lines > 0, "{length}");
            assert!(broken.lines().all(|line| line.len() <= 60), "{length}");
            assert_eq!(broken.replace('\n', "").len(), length);
        }
    }

    #[test]
    fn a_link_is_followed_within_the_repository() {
        for (path, target, expected) in [
            ("link", "a/b.md", Some("a/b.md")),
            ("a/link", "b.md", Some("a/b.md")),
            ("a/link", "../b.md", Some("b.md")),
            ("a/b/link", "./../../c", Some("c")),
            ("link", "../b.md", None),
            ("link", "/etc/passwd", None),
        ] {
            let found = followed(path, target);
            assert_eq!(found.as_deref(), expected, "{path} to {target}");
        }
    }

    #[test]
    fn bytes_are_for_those_who_accept_them_first() {
        for (accept, expected) in [
            ("application/vnd.github.raw+json", true),
            ("application/vnd.github.raw", true),
            ("application/vnd.github.v3.raw", true),
            ("text/html, application/vnd.github.v3.raw+json;q=0.9", true),
            ("application/vnd.github+json", false),
            (
                "application/vnd.github+json, application/vnd.github.raw",
                false,
            ),
            ("application/vnd.github.rawest", false),
            ("*/*", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(raw_type(&headers).is_some(), expected, "{accept}");
        }
    }
}
