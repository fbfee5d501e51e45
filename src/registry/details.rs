//! What a version of a module takes and gives, read from its archive: as the archive goes by to a client, or for its own sake.

use std::time::Duration;

use super::find::Chosen;
use super::index::{Summary, What};
use super::{Owed, Registry};
use crate::archive::Refusal;
use crate::cache::shelf::{self, Bounds, Shelf};
use crate::details::{self, Details, File};
use crate::error::{Error, Integrity, NotFound};
use crate::host::{Deadline, Host, HostError, Sink, Source};
use crate::module::{ModuleAddress, ObjectId};
use crate::pins::Sight;
use crate::route::Wanted;

/// A version of a module, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleDetails {
    /// What lists have of it, with this version.
    pub summary: Summary,
    /// The tag that the version is, with its prefix.
    pub tag: String,
    /// What it takes and gives.
    pub details: Details,
    /// All versions that are to be had, oldest first, as the public registry has them.
    pub versions: Vec<String>,
}

impl<H: Host> Registry<'_, H> {
    /// Everything about a version of a module.
    pub async fn details(
        &self,
        module: &ModuleAddress,
        wanted: &Wanted,
    ) -> Result<ModuleDetails, Error> {
        let deadline = self.deadline();
        let chosen = self.pick(module, wanted, deadline).await?;
        let policy = &chosen.policy;
        let is_held = |since| policy.is_held(since);
        let sight = chosen
            .release
            .target
            .served(self.config.moved_tags, is_held);
        let sight = sight.ok_or(Error::Integrity(Integrity::Moved))?;
        let place = self.catalogue().find(module);
        let inner = place.map(|place| place.inner).unwrap_or_default();
        let object = sight.target.object().clone();
        let details = match self.known_details(&object, &chosen.path, &inner) {
            Some(details) => details,
            None => self.read_details(&chosen, sight, &inner, deadline).await?,
        };
        // What the list of repositories says of it is not worth failing for.
        let index = self.index(&chosen.owner, What::Topics).await.ok();
        let name = chosen.source.repository();
        let listed = index.as_ref().and_then(|index| index.listed(name));
        let listed = listed.cloned().unwrap_or_default();
        let (owner, repository) = (chosen.owner.as_str(), &chosen.repository.name);
        let (document, _) = policy.filter(chosen.entry.document.clone(), &chosen.entry.recent);
        Ok(ModuleDetails {
            summary: Summary {
                address: module.clone(),
                owner: chosen.owner.clone(),
                source: self.config.github.repository_page(owner, repository),
                version: Some(chosen.release.version.clone()),
                description: listed.description,
                topics: listed.topics,
                pushed_at: listed.pushed_at,
                deprecation: policy.deprecation(),
            },
            tag: format!("{}{}", chosen.source.prefix(), chosen.release.tag),
            details,
            versions: versions_of(&document),
        })
    }

    /// Reads the archive for its details, and keeps them.
    async fn read_details(
        &self,
        chosen: &Chosen<'_>,
        sight: &Sight,
        inner: &str,
        deadline: Deadline,
    ) -> Result<Details, Error> {
        // A folder that GitHub's archive does not have has no details either. Of a small archive that shows at once.
        let blamed = |error| match error {
            Error::Archive(Refusal::NoSubTree) => Error::NotFound(NotFound::Archive),
            error => error,
        };
        let stream = self.open_archive(chosen, sight, Some(inner), Some(READ_LIMIT), deadline);
        let stream = stream.await.map_err(blamed)?;
        let sent = stream.send(&mut Nowhere).await;
        sent.result.map_err(blamed)?;
        let object = sight.target.object();
        Ok(self.keep_details(object, &chosen.path, inner, &sent.watched))
    }

    fn known_details(&self, object: &ObjectId, path: &str, inner: &str) -> Option<Details> {
        let path = place(path, inner);
        let bytes = shelf::find(self.host(), Shelf::Details, object, &path, DETAILS)?;
        let bytes =
            miniz_oxide::inflate::decompress_to_vec_with_limit(&bytes, MAX_INFLATED).ok()?;
        postcard::from_bytes(&bytes).ok()
    }

    /// Whether an archive's details are not known yet.
    pub(super) fn lacks_details(&self, object: &ObjectId, path: &str, inner: &str) -> bool {
        !shelf::has(self.host(), Shelf::Details, object, &place(path, inner))
    }

    /// Reads what was taken note of, and keeps it.
    pub(super) fn keep_details(
        &self,
        object: &ObjectId,
        path: &str,
        inner: &str,
        files: &[File],
    ) -> Details {
        let details = details::read(inner, files);
        let bytes = postcard::to_stdvec(&details).unwrap_or_default();
        let bytes = miniz_oxide::deflate::compress_to_vec(&bytes, LEVEL);
        let path = place(path, inner);
        shelf::keep(self.host(), Shelf::Details, object, &path, &bytes, DETAILS);
        details
    }

    /// Details to be kept when an archive has gone by.
    pub(super) fn owe_details(&self, object: &ObjectId, path: &str, inner: &str) {
        self.owe(Owed::Details {
            object: object.clone(),
            path: path.to_owned(),
            inner: inner.to_owned(),
        });
    }
}

/// The folder that is served, and the one in it that is the module.
fn place(path: &str, inner: &str) -> String {
    format!("{path}//{inner}")
}

/// The versions of a `versions` document, oldest first.
fn versions_of(document: &[u8]) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_slice(document).unwrap_or_default();
    let listed = document.pointer("/modules/0/versions");
    let listed = listed.and_then(serde_json::Value::as_array);
    let versions = listed.into_iter().flatten().rev();
    versions
        .filter_map(|it| it.get("version")?.as_str().map(str::to_owned))
        .collect()
}

/// Where an archive goes that is only looked at.
struct Nowhere;

impl<S: Source> Sink<S> for Nowhere {
    async fn write(&mut self, _: &[u8]) -> Result<(), HostError> {
        Ok(())
    }

    async fn splice(&mut self, source: &mut S, n: u64) -> Result<u64, HostError> {
        source.skip(n).await
    }
}

/// Two hundred modules, of a hundred inputs each: a few KB. A README may have 256 KiB.
const DETAILS: Bounds = Bounds {
    bytes: 500_000,
    entries: 100,
};
const MAX_INFLATED: usize = 16 << 20;
const LEVEL: u8 = 6;
/// Hosts give a request 30 s in all.
const READ_LIMIT: Duration = Duration::from_secs(18);
