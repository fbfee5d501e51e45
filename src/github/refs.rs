//! Tags, and the commits that they stand for.

use serde::Deserialize;

use super::{Deadline, GitHub, Repository};
use crate::error::{Error, NotFound};
use crate::host::Host;
use crate::module::ObjectId;

/// What a tag points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A lightweight tag: the commit itself.
    Commit(ObjectId),
    /// An annotated tag: an object of its own, which leads to the commit.
    Tag(ObjectId),
}

impl<H: Host> GitHub<'_, H> {
    /// All tags of a repository, in one call: `matching-refs` is not paged. A repository without any has an empty list,
    /// one without a commit is `NotFound::Versions`.
    ///
    /// Tags of trees and blobs, and refs that are no tags, are left out.
    pub async fn tags(
        &self,
        repository: &Repository,
        deadline: Deadline,
    ) -> Result<Vec<(String, Target)>, Error> {
        let path = repository.path("/git/matching-refs/tags");
        let refs: Vec<Ref> = self.json(&repository.owner, &path, deadline).await?;
        let tag = |it: Ref| {
            let name = it.name.strip_prefix("refs/tags/")?.to_owned();
            Some((name, it.object.target()?))
        };
        Ok(refs.into_iter().filter_map(tag).collect())
    }

    /// The commit that a tag stands for: one call for each annotated tag on the way, which is one but for oddities.
    pub async fn peel(
        &self,
        repository: &Repository,
        target: &Target,
        deadline: Deadline,
    ) -> Result<ObjectId, Error> {
        let mut target = target.clone();
        for _ in 0..=MAX_NESTED_TAGS {
            let tag = match target {
                Target::Commit(commit) => return Ok(commit),
                Target::Tag(tag) => tag,
            };
            let path = repository.path(&format!("/git/tags/{tag}"));
            let tag: TagObject = match self.json(&repository.owner, &path, deadline).await {
                Err(Error::NotFound(_)) => return Err(Error::NotFound(NotFound::Version)),
                result => result?,
            };
            target = tag.object.target().ok_or_else(|| {
                Error::Malformed(format!("GET {path}: a tag of something that is no commit"))
            })?;
        }
        Err(Error::Malformed(format!(
            "{repository}: a tag of more than {MAX_NESTED_TAGS} tags"
        )))
    }
}

#[derive(Deserialize)]
struct Ref {
    #[serde(rename = "ref")]
    name: String,
    object: Object,
}

#[derive(Deserialize)]
struct TagObject {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    sha: String,
}

impl Object {
    fn target(&self) -> Option<Target> {
        let id = ObjectId::parse(&self.sha)?;
        match self.kind.as_str() {
            "commit" => Some(Target::Commit(id)),
            "tag" => Some(Target::Tag(id)),
            _ => None,
        }
    }
}

/// A tag may point to a tag, and that to another. Nobody means more than one such step.
const MAX_NESTED_TAGS: usize = 4;
