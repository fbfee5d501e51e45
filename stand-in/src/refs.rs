//! Refs and tag objects, as `git` tells them (<https://docs.github.com/en/rest/git/refs>, <https://docs.github.com/en/rest/git/tags>).

use std::io;

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::rfc3339;
use crate::git;
use crate::knobs::NodeIds;
use crate::node_id::Node;
use crate::repository::{self, Repository};
use crate::route::encode;
use crate::world::GitHub;

/// A ref and what it points at, unpeeled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// `refs/tags/v1.0.0`.
    pub(crate) name: String,
    pub(crate) object: String,
    /// `commit`, `tag`, or the odd `tree` or `blob`.
    pub(crate) kind: String,
}

/// `GET …/git/matching-refs/{ref}`: every ref that starts so, unpaged, unpeeled, ascending; `[]` when there is none.
pub(crate) async fn matching(github: &GitHub, repository: &Repository, prefix: &str) -> Answer {
    let references = match list(repository).await {
        Ok(references) => references,
        Err(error) => return Answer::broken(&error),
    };
    if references.is_empty() {
        return empty_repository();
    }
    let prefix = format!("refs/{prefix}");
    let style = github.world().knobs.node_ids;
    let matching: Vec<Value> = references
        .iter()
        .filter(|reference| reference.name.starts_with(&prefix))
        .map(|reference| object(github, repository, reference, style))
        .collect();
    Answer::json(StatusCode::OK, &Value::Array(matching))
}

/// `GET …/git/ref/{ref}`: the ref of exactly this name.
pub(crate) async fn one(github: &GitHub, repository: &Repository, name: &str) -> Answer {
    let references = match list(repository).await {
        Ok(references) => references,
        Err(error) => return Answer::broken(&error),
    };
    if references.is_empty() {
        return empty_repository();
    }
    let name = format!("refs/{name}");
    let style = github.world().knobs.node_ids;
    references
        .iter()
        .find(|reference| reference.name == name)
        .map_or_else(Answer::not_found, |reference| {
            let object = object(github, repository, reference, style);
            Answer::json(StatusCode::OK, &object)
        })
}

/// `GET …/git/tags/{tag_sha}`: an annotated tag, which may point at another one.
pub(crate) async fn tag_object(github: &GitHub, repository: &Repository, sha: &str) -> Answer {
    if !is_full_sha(sha) {
        return Answer::error(
            StatusCode::UNPROCESSABLE_ENTITY,
            "The sha parameter must be exactly 40 characters and contain only [0-9a-f].",
        );
    }
    // `cat-file tag` fails for what is missing and for what is no tag.
    let Some(content) = git::find(&repository.git_dir, ["cat-file", "tag", sha]).await else {
        return Answer::not_found();
    };
    let content = String::from_utf8_lossy(&content);
    let (header, message) = content.split_once("\n\n").unwrap_or((&content, ""));
    let field = |name: &str| {
        header
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .unwrap_or_default()
    };
    let (object, kind) = (field("object"), field("type"));
    let api = repository::url(github, repository);
    Answer::json(
        StatusCode::OK,
        &json!({
            "node_id": Node::Tag(repository.id, sha).id(github.world().knobs.node_ids),
            "sha": sha,
            "url": format!("{api}/git/tags/{sha}"),
            "object": { "sha": object, "type": kind, "url": object_url(&api, kind, object) },
            "tag": field("tag"),
            "tagger": person(field("tagger")),
            "message": message,
            "verification": {
                "verified": false,
                "reason": "unsigned",
                "signature": null,
                "payload": null,
                "verified_at": null,
            },
        }),
    )
}

/// All refs in ascending order.
pub(crate) async fn list(repository: &Repository) -> io::Result<Vec<Reference>> {
    let format = "--format=%(objectname) %(objecttype) %(refname)";
    let lines = git::read(&repository.git_dir, ["for-each-ref", format, "refs/"]).await?;
    Ok(String::from_utf8_lossy(&lines)
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ' ').map(str::to_owned);
            let (object, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Reference { name, object, kind })
        })
        .collect())
}

/// The commit that a name means, by git's rules: of a tag and a branch of the same name it is the tag.
pub(crate) async fn commit(repository: &Repository, name: &str) -> Option<String> {
    resolve(repository, &format!("{name}^{{commit}}")).await
}

/// The SHA of what an expression means to `git rev-parse`; that of forty digits is itself, be there such an object or not.
pub(crate) async fn resolve(repository: &Repository, expression: &str) -> Option<String> {
    let arguments = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        expression,
    ];
    let sha = git::find(&repository.git_dir, arguments).await?;
    Some(String::from_utf8_lossy(&sha).trim().to_owned())
}

pub(crate) fn is_full_sha(text: &str) -> bool {
    text.len() == 40
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn object(
    github: &GitHub,
    repository: &Repository,
    reference: &Reference,
    style: NodeIds,
) -> Value {
    let Reference { name, object, kind } = reference;
    let api = repository::url(github, repository);
    json!({
        "ref": name,
        "node_id": Node::Reference(repository.id, name).id(style),
        "url": format!("{api}/git/{}", encode(name)),
        "object": { "sha": object, "type": kind, "url": object_url(&api, kind, object) },
    })
}

fn object_url(api: &str, kind: &str, sha: &str) -> String {
    format!("{api}/git/{kind}s/{sha}")
}

/// `Name <email> SECONDS ZONE` of a tag object.
fn person(line: &str) -> Value {
    let (name, rest) = line.split_once(" <").unwrap_or((line, ""));
    let (email, date) = rest.split_once("> ").unwrap_or((rest, ""));
    let seconds = date
        .split(' ')
        .next()
        .and_then(|seconds| seconds.parse().ok());
    json!({ "name": name, "email": email, "date": rfc3339(seconds.unwrap_or_default()) })
}

/// 409 of a repository that nobody has pushed to.
pub(crate) fn empty_repository() -> Answer {
    Answer::error(StatusCode::CONFLICT, "Git Repository is empty.")
}
