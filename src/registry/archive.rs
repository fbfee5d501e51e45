//! A version's archive: which commit it is of, and where it comes from.

use std::time::Duration;

use super::find::Chosen;
use super::{Owed, Registry};
use crate::archive::stream::{ArchiveSource, ArchiveStream};
use crate::cache::history::History;
use crate::cache::shelf::{self, Shelf};
use crate::catalogue::Source;
use crate::error::{Error, NotFound};
use crate::host::{Deadline, Host};
use crate::lifecycle::Policy;
use crate::module::{Namespace, ObjectId};
use crate::pins::{Pin, Sight};
use crate::route::ArchiveAddress;
use crate::version::{Release, Releases};

/// A version's archive.
pub struct Archive<'h, H: Host> {
    /// The archive itself.
    pub content: ArchiveContent<'h, H>,
    /// What the client's log should know.
    pub warning: Option<String>,
}

/// Where an archive comes from.
pub enum ArchiveContent<'h, H: Host> {
    /// It is here, all of it.
    Whole(Vec<u8>),
    /// It is on its way from GitHub.
    Stream(Box<ArchiveStream<'h, H>>),
}

impl<'h, H: Host> Registry<'h, H> {
    /// Whether an archive could be asked for. GitHub is not.
    pub fn check_archive(&self, archive: &ArchiveAddress) -> Result<(), Error> {
        self.owner(&archive.module).map(|_| ())
    }

    /// The archive of a version. The object in its address must be one that the version's tag was seen to point at:
    /// GitHub would serve any commit of any fork under this repository's name.
    pub async fn archive(&self, address: &ArchiveAddress) -> Result<Archive<'h, H>, Error> {
        let (module, object) = (&address.module, &address.object);
        self.check_lifecycle(module, &address.version)?;
        let choose = |policy: &Policy<'_>, releases: &Releases<Pin>| {
            let release = releases.find(&address.version)?;
            self.sight(policy, release, object)?;
            Some(release.clone())
        };
        let deadline = self.deadline();
        let chosen = self.choose(module, choose, deadline).await?;
        let warning = self.release_warning(&chosen.entry, &chosen.release);
        let bounds = self.config.archive_bounds;
        if let Some(archive) =
            shelf::find(self.host(), Shelf::Archives, object, &chosen.path, bounds)
        {
            return Ok(Archive {
                content: ArchiveContent::Whole(archive),
                warning,
            });
        }
        let sight = self.sight(&chosen.policy, &chosen.release, object);
        let sight = sight.ok_or(Error::NotFound(NotFound::HeldBack))?;
        let place = self.catalogue().find(module);
        let inner = place.map(|place| place.inner).unwrap_or_default();
        let watched = self.lacks_details(object, &chosen.path, &inner);
        let watched = watched.then_some(inner.as_str());
        let stream = self
            .open_archive(&chosen, sight, watched, None, deadline)
            .await?;
        if let Some(archive) = stream.whole().filter(|it| it.len() <= bounds.bytes) {
            self.owe(Owed::Keep {
                object: object.clone(),
                path: chosen.path.clone(),
                archive: archive.to_vec(),
            });
        }
        if let Some(inner) = watched {
            self.owe_details(object, &chosen.path, inner);
        }
        Ok(Archive {
            content: ArchiveContent::Stream(Box::new(stream)),
            warning,
        })
    }

    /// Opens GitHub's archive of what a tag points at. That of an annotated tag is asked for by the tag object's own id,
    /// so that no call is spent on what the archive itself says: its commit.
    pub(super) async fn open_archive(
        &self,
        chosen: &Chosen<'_>,
        sight: &Sight,
        watched: Option<&str>,
        limit: Option<Duration>,
        deadline: Deadline,
    ) -> Result<ArchiveStream<'h, H>, Error> {
        let object = sight.target.object();
        let open = |id: &ObjectId, is_commit: bool| {
            let source = ArchiveSource {
                repository: chosen.repository.clone(),
                object: id.clone(),
                is_commit,
                path: chosen.path.clone(),
                watched: watched.map(str::to_owned),
                limit,
            };
            ArchiveStream::open(self.github.clone(), source, &self.config, deadline)
        };
        if let Some(commit) = sight.commit() {
            return open(commit, true).await;
        }
        self.owe(Owed::Peel {
            owner: chosen.owner.clone(),
            source: chosen.source.clone(),
            object: object.clone(),
        });
        match open(object, false).await {
            // It may only be asked for by a commit.
            Err(
                Error::NotFound(NotFound::Archive) | Error::Malformed(_) | Error::Unavailable(_),
            ) => {
                let repository = &chosen.repository;
                let commit = self
                    .github
                    .peel(repository, &sight.target, deadline)
                    .await?;
                self.remember_commit(&chosen.owner, &chosen.source, object, &commit);
                open(&commit, true).await
            }
            result => result,
        }
    }

    /// An annotated tag is peeled once, and never again.
    pub(super) fn remember_commit(
        &self,
        owner: &Namespace,
        source: &Source,
        object: &ObjectId,
        commit: &ObjectId,
    ) {
        let history = History::load(self.host(), self.api(), owner.as_str(), source.as_str());
        if let Some(mut history) = history
            && history.pins.peel(object, commit)
        {
            history.save(self.host(), owner.as_str(), source.as_str());
        }
    }

    /// The sight of an object that a release's tag was seen to point at, if it may be served.
    fn sight<'r>(
        &self,
        policy: &Policy<'_>,
        release: &'r Release<Pin>,
        object: &ObjectId,
    ) -> Option<&'r Sight> {
        let pin = &release.target;
        pin.serves(object, self.config.moved_tags, |since| {
            policy.is_held(since)
        })
        .filter(|_| !policy.is_held(pin.first.since))
    }
}
