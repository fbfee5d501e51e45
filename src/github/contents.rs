//! A file of a repository's default branch: the catalogue. And the folders of a commit.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use serde::Deserialize;

use super::call::{Call, Kept};
use super::limits::Purpose;
use super::{GitHub, Repository};
use crate::error::{Error, NotFound};
use crate::host::{Deadline, Host};
use crate::module::ObjectId;

/// What GitHub says about a file.
#[derive(Clone, Debug)]
pub enum Contents {
    /// It is as it was.
    Unchanged,
    /// There is none, or the repository is not to be seen, or has another name now.
    Missing,
    /// All of it.
    File {
        /// Its bytes.
        bytes: Vec<u8>,
        /// For asking again.
        kept: Kept,
    },
}

impl<H: Host> GitHub<'_, H> {
    /// A file of the default branch, of at most 1 MB: <https://docs.github.com/rest/repos/contents#get-repository-content>. What is `known`
    /// of it makes the call free where nothing has changed. It is asked for as JSON, because GitHub's `ETag`s depend on `Accept`.
    pub(crate) async fn file(
        &self,
        repository: &Repository,
        path: &str,
        known: Option<&Kept>,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Contents, Error> {
        let path = repository.path(&format!("/contents/{path}"));
        let call = Call {
            known,
            ..Call::new("contents", &repository.owner, &path, purpose, deadline)
        };
        let (asked, answer) = match self.get(&call).await {
            Err(Error::NotFound(NotFound::Installation)) => {
                return Err(Error::NotFound(NotFound::Installation));
            }
            Err(Error::NotFound(_)) => return Ok(Contents::Missing),
            result => result?,
        };
        // What decides about all others is where it is said to be, or nowhere: a repository that has its name now may be anyone's.
        if asked.url != self.config.github.api(&path) {
            return Ok(Contents::Missing);
        }
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(Contents::Unchanged);
        }
        let malformed = |what: &str| Error::Malformed(format!("GET {path}: {what}"));
        let file: File = serde_json::from_slice(&answer.body)
            .map_err(|error| malformed(&format!("no file: {error}")))?;
        if file.encoding != "base64" {
            return Err(malformed("a file of more than 1 MB, or none"));
        }
        let packed: String = file.content.split_whitespace().collect();
        let bytes = BASE64_STANDARD.decode(packed);
        Ok(Contents::File {
            bytes: bytes.map_err(|error| malformed(&error.to_string()))?,
            kept: self.kept(&asked, answer, known),
        })
    }
}

impl<H: Host> GitHub<'_, H> {
    /// All folders of a commit or tag: <https://docs.github.com/rest/git/trees#get-a-tree>. Of more than 100,000 files and folders, GitHub
    /// gives the first.
    pub(crate) async fn folders(
        &self,
        repository: &Repository,
        object: &ObjectId,
        deadline: Deadline,
    ) -> Result<Vec<String>, Error> {
        let path = repository.path(&format!("/git/trees/{object}?recursive=1"));
        let tree: Tree = self
            .json("tree", &repository.owner, &path, deadline)
            .await?;
        let folders = tree.tree.into_iter().filter(|it| it.kind == "tree");
        Ok(folders.map(|it| it.path).collect())
    }
}

#[derive(Deserialize)]
struct Tree {
    tree: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct File {
    encoding: String,
    content: String,
}
