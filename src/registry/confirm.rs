//! Takes in what GitHub says about a repository: whether it is still the same one, where its tags point, and whether
//! that can be believed at once.

use super::Registry;
use super::find::repository;
use crate::cache::entry::{Entry, Kind, milliseconds};
use crate::cache::history::History;
use crate::catalogue::Source;
use crate::error::{Error, Integrity, NotFound};
use crate::github::Repository;
use crate::github::etag::Validator;
use crate::github::limits::Purpose;
use crate::github::refs::{Listed, Tags};
use crate::host::{Deadline, Host};
use crate::module::Namespace;
use crate::pins::MovedTags;
use crate::wire;

/// What GitHub said about a repository's tags.
pub(super) enum Confirmed {
    /// They are as they were; how to find that out, where it was not as expected.
    Same(Option<Validator>),
    /// All of them.
    Listed {
        listed: Box<Listed>,
        /// Whether another repository has the name now.
        is_replaced: bool,
    },
}

impl Confirmed {
    /// Whether there is no tag at all.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Same(_) => false,
            Self::Listed { listed, .. } => listed.tags.is_empty(),
        }
    }
}

impl<H: Host> Registry<'_, H> {
    /// Asks GitHub for a repository's tags, and whether it is still the same repository.
    pub(super) async fn confirm(
        &self,
        owner: &Namespace,
        source: &Source,
        known: &History,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Confirmed, Error> {
        let kept = known.kept();
        let asked = repository(owner, source, Some(known));
        let tags = self
            .github
            .tags(&asked, source.prefix(), kept.as_ref(), purpose, deadline);
        let mut listed = match tags.await? {
            Tags::Unchanged => return Ok(Confirmed::Same(None)),
            Tags::Listed(listed) => listed,
        };
        let is_same = kept.is_some_and(|it| it.body == listed.kept.body);
        if is_same && !listed.is_redirected {
            return Ok(Confirmed::Same(Some(listed.kept.validator)));
        }
        // Something has changed. Is it still the same repository, and whose is it?
        let is_new = known.id.is_none() && known.pins.releases.is_empty();
        let tells = listed.id.is_some() || asked.id.is_some() || is_new;
        let is_elsewhere = listed.is_redirected || asked.id.is_some();
        if !tells || (is_elsewhere && listed.full_name.is_none()) {
            match self.github.identity(&asked, deadline).await {
                Ok(identity) => {
                    listed.id = Some(identity.id);
                    listed.full_name = Some(identity.full_name);
                }
                Err(error) if error.is_passing() => return Err(error),
                // Then nobody can tell.
                Err(_) => {}
            }
        }
        let mut is_replaced = false;
        if let (Some(was), Some(is)) = (known.id, listed.id)
            && was != is
        {
            let message = format!(
                "integrity: {owner}/{source} is another repository now: number {is}, not {was}"
            );
            self.integrity("replaced", owner, &message);
            is_replaced = true;
            match self.config.moved_tags {
                MovedTags::Refuse => return Err(Error::Integrity(Integrity::Replaced)),
                MovedTags::Follow => {}
                MovedTags::ServePinned => {
                    let first = Repository {
                        id: Some(was),
                        ..asked.clone()
                    };
                    listed = match self
                        .github
                        .tags(&first, source.prefix(), None, purpose, deadline)
                        .await
                    {
                        Ok(Tags::Listed(listed)) => listed,
                        Err(error) if error.is_passing() => return Err(error),
                        Ok(Tags::Unchanged) | Err(_) => {
                            return Err(Error::Integrity(Integrity::Replaced));
                        }
                    };
                    listed.id = Some(was);
                    listed.is_redirected = true;
                }
            }
        }
        let is_elsewhere = listed.is_redirected || asked.id.is_some();
        if is_elsewhere && !self.is_served(&listed) {
            self.host().log(&format!(
                "{owner}/{source} belongs to an owner now that is not in `allowed_owners`"
            ));
            return Err(Error::NotFound(NotFound::Repository));
        }
        Ok(Confirmed::Listed {
            listed,
            is_replaced,
        })
    }

    /// Takes in what GitHub said. A list that lacks more than half of the known versions is not believed until GitHub has
    /// listed no more for ten minutes: what someone deletes is gone a little later, and what GitHub loses in an incident
    /// is not.
    pub(super) fn take_in(
        &self,
        owner: &Namespace,
        source: &Source,
        history: &mut History,
        confirmed: Confirmed,
        started: u64,
    ) {
        let host = self.host();
        let (listed, is_replaced) = match confirmed {
            Confirmed::Same(validator) => {
                let is_other = validator.is_some_and(|it| history.revalidate_by(it));
                if history.shrunk_at.take().is_some() || is_other {
                    history.save(host, owner.as_str(), source.as_str());
                }
                return;
            }
            Confirmed::Listed {
                listed,
                is_replaced,
            } => (*listed, is_replaced),
        };
        history.is_renamed |= listed.is_redirected && listed.id.is_some();
        history.is_replaced |= is_replaced;
        history.id = listed.id.or(history.id);
        history.full_name = listed.full_name.or(history.full_name.take());
        // What another repository has is no part of what the first one had.
        let is_another = is_replaced && self.config.moved_tags == MovedTags::Follow;
        if !is_another && history.pins.would_shrink(&listed.tags) {
            let since = history.shrunk_at.filter(|since| *since <= started);
            let since = *history.shrunk_at.insert(since.unwrap_or(started));
            let is_believed = started - since >= BELIEVED_AFTER_MS;
            let verdict = if is_believed {
                "that is believed now"
            } else {
                "the versions before are served until that lasts"
            };
            let message = format!(
                "integrity: {owner}/{source} lists {} tags, and less than half of the versions that it had: {verdict}",
                listed.tags.len()
            );
            self.integrity("shrunk", owner, &message);
            if !is_believed {
                history.save(host, owner.as_str(), source.as_str());
                return;
            }
        }
        history.shrunk_at = None;
        let is_first = history.listed_at == 0;
        history.listed_at = started;
        let since = if is_first { 0 } else { started };
        let moved = history.pins.see(listed.tags, since);
        for version in moved.iter().take(MAX_LOGGED) {
            let message = format!(
                "integrity: {owner}/{source}: the tag of {version} points elsewhere than when it was first seen"
            );
            self.integrity("moved", owner, &message);
        }
        history.keep(&listed.kept);
        history.save(host, owner.as_str(), source.as_str());
    }

    /// Says that something is not as it was first seen.
    pub(super) fn integrity(&self, kind: &str, owner: &Namespace, message: &str) {
        let event = self.github.event("integrity", kind, owner.as_str());
        event.say(self.host(), message);
    }

    /// Whether a repository that was found under another name belongs to an owner that is served.
    pub(super) fn is_served(&self, listed: &Listed) -> bool {
        let owner = listed
            .full_name
            .as_deref()
            .and_then(|it| it.split('/').next());
        let owner = owner.and_then(Namespace::parse);
        match owner {
            Some(owner) => self.config.owner(&owner).is_some(),
            // Nothing of it can be served either.
            None => listed.tags.is_empty(),
        }
    }

    pub(super) fn replaced_warning(&self) -> String {
        let which = match self.config.moved_tags {
            MovedTags::ServePinned | MovedTags::Refuse => "the first",
            MovedTags::Follow => "the new",
        };
        format!("another repository has taken the name of this module's: {which} one is served")
    }

    /// Writes an entry's part that is made of the history.
    pub(super) fn render(
        &self,
        owner: &Namespace,
        source: &Source,
        history: &History,
        entry: &mut Entry,
    ) {
        let releases = &history.pins.releases;
        let full_name = history
            .full_name
            .as_deref()
            .and_then(|it| it.split_once('/'));
        let asked = (owner.as_str(), source.repository());
        let (owner, name) = full_name.unwrap_or(asked);
        let is_same = owner.eq_ignore_ascii_case(asked.0) && name.eq_ignore_ascii_case(asked.1);
        entry.renamed = (!is_same).then(|| (owner.to_owned(), name.to_owned()));
        let source = self.config.github.repository_page(owner, name);
        let versions = releases.listed().map(|release| &release.version);
        entry.kind = if releases.is_empty() {
            Kind::Empty
        } else {
            Kind::Versions
        };
        entry.document = wire::versions_document(&source, versions);
        entry.recent = history.pins.recent(milliseconds(self.host().now()));
        let replaced = history.is_replaced.then(|| self.replaced_warning());
        entry.warning = replaced.or_else(|| history.shrunk_at.map(|_| SHRUNK.to_owned()));
        entry.moved = self.moved_warning(history.pins.moved());
    }
}

const SHRUNK: &str = "GitHub lists less than half of the versions that it did: the list before is served until that lasts";
const BELIEVED_AFTER_MS: u64 = 10 * 60 * 1000;
const MAX_LOGGED: usize = 20;
