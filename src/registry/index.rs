//! Which modules there are: an owner's repositories, as GitHub lists them, and the newest versions of what is in them.
//!
//! A list is asked for as tags are: what is fresh is given, what is stale is given and refreshed behind it. The tags of a repository are
//! only asked for where something was pushed since they last were, and of so many at once; what is not known yet is listed
//! without a version.

mod sources;

use std::collections::BTreeMap;

use super::{API_LIMIT, Freshness, Owed, Registry};
use crate::cache::Key;
use crate::cache::entry::{Lookup, milliseconds};
use crate::cache::index::{Index, IndexedModule, IndexedRepository};
use crate::cache::lease::Lease;
use crate::cache::names::LONGEST_RETRY;
use crate::error::Error;
use crate::github::limits::Purpose;
use crate::github::listing::Listed;
use crate::host::{Deadline, Host};
use crate::module::{ModuleAddress, Namespace};
use crate::version::ModuleVersion;

/// A module, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its address.
    pub address: ModuleAddress,
    /// The GitHub owner of its repository.
    pub owner: Namespace,
    /// Where people find it.
    pub source: String,
    /// The newest stable version, or the newest of a module that has none; `None` where that is not known yet.
    pub version: Option<ModuleVersion>,
    /// Its repository's.
    pub description: String,
    /// Its repository's.
    pub topics: Vec<String>,
    /// When something was pushed to its repository last, RFC 3339.
    pub pushed_at: String,
    /// What to tell those who use it.
    pub deprecation: Option<String>,
}

impl<H: Host> Registry<'_, H> {
    /// All modules, in the order of their addresses.
    pub async fn modules(&self) -> Result<Vec<Summary>, Error> {
        let mut modules = BTreeMap::new();
        let mut failure = None;
        let mut is_answered = false;
        for owner in &self.config.allowed_owners {
            let index = match self.index(owner, What::Versions).await {
                Ok(index) => index,
                // One owner's failure is none of the others'.
                Err(error) => {
                    self.host()
                        .log(&format!("{owner} is left out of the list: {error}"));
                    failure = Some(error);
                    continue;
                }
            };
            is_answered = true;
            let sources = index.sources.iter();
            let listed =
                sources.flat_map(|source| source.modules.iter().map(move |it| (source, it)));
            for (source, module) in listed {
                if let Some(summary) = self.summary(owner, source, module) {
                    let key = module.address.to_string().to_ascii_lowercase();
                    modules.entry(key).or_insert(summary);
                }
            }
        }
        match failure {
            Some(error) if !is_answered => Err(error),
            _ => Ok(modules.into_values().collect()),
        }
    }

    /// `None` for a module of which no version is to be had, and one that is elsewhere since the list was made.
    fn summary(
        &self,
        owner: &Namespace,
        source: &IndexedRepository,
        module: &IndexedModule,
    ) -> Option<Summary> {
        let (listed, catalogue) = (&source.listed, self.catalogue());
        if !self.is_at(&module.address, owner, &listed.name) {
            return None;
        }
        let topics = Some(listed.topics.as_slice());
        let selected = catalogue.selection.of(owner, &listed.name, topics);
        if selected.is_nothing() {
            return None;
        }
        let policy = self.policy_of(&module.address, selected);
        let to_be_had: Vec<&ModuleVersion> = module
            .versions
            .iter()
            .filter(|(version, since)| policy.allows(version) && !policy.is_held(*since))
            .map(|(version, _)| version)
            .collect();
        let stable = to_be_had.iter().find(|version| version.is_stable());
        let version = stable.or(to_be_had.first()).map(|it| (*it).clone());
        if version.is_none() && source.checked_at > 0 {
            return None;
        }
        Some(Summary {
            address: module.address.clone(),
            owner: owner.clone(),
            source: self
                .config
                .github
                .repository_page(owner.as_str(), &listed.name),
            version,
            description: listed.description.clone(),
            topics: listed.topics.clone(),
            pushed_at: listed.pushed_at.clone(),
            deprecation: policy.deprecation(),
        })
    }

    /// Whether a module is in a repository, as the configuration is now.
    fn is_at(&self, address: &ModuleAddress, owner: &Namespace, repository: &str) -> bool {
        let catalogue = self.catalogue();
        if let Some(place) = catalogue.find(address) {
            let name = place.source.repository();
            return place.owner == *owner && name.eq_ignore_ascii_case(repository);
        }
        let mut names = self.config.repository_names.iter();
        !catalogue.has_repository(owner, repository)
            && names.any(|it| it.read(owner, repository).as_ref() == Some(address))
    }

    /// What is known of an owner's modules, if that will do, or GitHub is asked first.
    pub(super) async fn index(&self, owner: &Namespace, what: What) -> Result<Index, Error> {
        let (host, lifetimes) = (self.host(), &self.config.lifetimes);
        let now = host.now();
        let known = self.known_index(owner);
        let lookup = known.as_ref().map(|it| it.lookup(now, lifetimes));
        match (known, lookup) {
            (Some(known), Some(lookup @ (Lookup::Fresh | Lookup::Stale)))
                if what == What::Topics || known.has_versions() =>
            {
                let is_outdated = what == What::Versions && known.is_outdated(now);
                if lookup == Lookup::Fresh && !is_outdated {
                    self.freshness.set(Some(Freshness::Fresh));
                } else {
                    self.freshness.set(Some(Freshness::Stale));
                    if !self.leaves_alone(&known) {
                        self.owe_index(owner, what);
                    }
                }
                Ok(known)
            }
            (known, _) => self.ask_for_index(owner, known, what).await,
        }
    }

    fn known_index(&self, owner: &Namespace) -> Option<Index> {
        Index::load(self.host(), &self.asked(), owner.as_str())
    }

    /// The API, and as whom it is asked.
    fn asked(&self) -> String {
        format!("{} {}", self.api(), self.config.credential.fingerprint())
    }

    /// Whether GitHub failed a moment ago.
    fn leaves_alone(&self, known: &Index) -> bool {
        let longest = self.config.lifetimes.negative.min(LONGEST_RETRY) * 1000;
        known.is_waiting(self.host().now(), longest)
    }

    /// One refresh of an owner's list is enough.
    fn owe_index(&self, owner: &Namespace, what: What) {
        let is_it = |owed: &Owed| matches!(owed, Owed::Index { owner: known, what: of } if known == owner && (*of == what || what == What::Topics));
        if !self.owed.borrow().iter().any(is_it) {
            self.owe(Owed::Index {
                owner: owner.clone(),
                what,
            });
        }
    }

    async fn ask_for_index(
        &self,
        owner: &Namespace,
        known: Option<Index>,
        what: What,
    ) -> Result<Index, Error> {
        let host = self.host();
        let lifetimes = &self.config.lifetimes;
        let outlives = |it: &Index| it.survives_failure(host.now(), lifetimes);
        if let Some(known) = known.as_ref().filter(|it| self.leaves_alone(it)) {
            return if outlives(known) {
                self.freshness.set(Some(Freshness::Outlived));
                Ok(known.clone())
            } else {
                Err(Error::Unavailable("it failed a moment ago".to_owned()))
            };
        }
        self.freshness.set(Some(Freshness::Asked));
        let asked = self.refresh_index_once(owner, known.as_ref(), what, self.deadline());
        match (asked.await, known.filter(outlives)) {
            (Err(error), Some(known)) if error.is_passing() => {
                host.log(&format!("{owner}: {error}: the list before is served"));
                self.freshness.set(Some(Freshness::Outlived));
                Ok(known)
            }
            (asked, _) => asked,
        }
    }

    /// The same, when the client has its answer.
    pub(super) async fn refresh_index(&self, owner: &Namespace, what: What) {
        let host = self.host();
        let known = self.known_index(owner);
        let deadline = Deadline::after(host.now(), API_LIMIT);
        let event = self.github.event("refresh", "repositories", owner.as_str());
        let asked = self.refresh_index_once(owner, known.as_ref(), what, deadline);
        let failure = asked.await.err();
        let failure = failure.map(|error| format!("{owner}: the list is not refreshed: {error}"));
        event.refreshed(host, failure.as_deref());
    }

    /// Asks GitHub, one request at a time; whoever else needs the same waits for a second.
    async fn refresh_index_once(
        &self,
        owner: &Namespace,
        known: Option<&Index>,
        what: What,
        deadline: Deadline,
    ) -> Result<Index, Error> {
        let host = self.host();
        let left = deadline.left(host.now());
        let before = known.map_or((0, 0), Index::progress);
        let news = || self.known_index(owner).filter(|it| it.progress() > before);
        let Some(lease) = Lease::take(host, Key::index(owner.as_str(), 0).as_str(), left).await
        else {
            while self.github.wait_for_another().await {
                if let Some(index) = news() {
                    return Ok(index);
                }
            }
            return Err(Error::Unavailable("someone else asks for it".to_owned()));
        };
        let index = match news() {
            Some(index) => Ok(index),
            None => self.make_index(owner, known, what, deadline).await,
        };
        lease.release(host);
        index
    }

    async fn make_index(
        &self,
        owner: &Namespace,
        known: Option<&Index>,
        what: What,
        deadline: Deadline,
    ) -> Result<Index, Error> {
        let host = self.host();
        let started = milliseconds(host.now());
        let purpose = match known {
            Some(_) => Purpose::Again,
            None => Purpose::First,
        };
        let mut index = known.cloned().unwrap_or_else(|| Index::new(&self.asked()));
        if index.cursor == 0 {
            index.began_at = started;
        }
        let listed = self
            .github
            .repositories(owner, &index.pages, index.cursor, purpose, deadline);
        match listed.await {
            Ok(Listed { pages, stopped }) => {
                index.sources = self.sources_of(owner, &pages, &index.sources);
                index.pages = pages;
                index.cursor = 0;
                if let Some((cursor, error)) = stopped {
                    host.log(&format!("{owner}: the list goes on later: {error}"));
                    index.cursor = cursor;
                } else {
                    index.confirmed_at = index.began_at;
                }
            }
            // The owner has nothing that may be seen.
            Err(error @ Error::NotFound(_)) => {
                host.log(&format!("{owner} is left out of the list: {error}"));
                index = Index::new(&self.asked());
                index.confirmed_at = started;
            }
            Err(error) => {
                let negative = self.config.lifetimes.negative.min(LONGEST_RETRY);
                index.merge_marks(self.known_index(owner), started);
                index.retry_at = milliseconds(host.now()) + negative * 1000;
                index.save(host, owner.as_str());
                return Err(error);
            }
        }
        if what == What::Versions {
            self.check_outdated(owner, &mut index, deadline).await;
        }
        index.marked_at = 0;
        index.merge_marks(self.known_index(owner), started);
        index.retry_at = 0;
        index.save(host, owner.as_str());
        Ok(index)
    }

    /// A webhook says that an owner's repositories have other tags, or, where `is_whole`, that there may be others.
    pub(super) fn mark_index(&self, owner: &Namespace, repositories: &[&str], is_whole: bool) {
        let Some(mut index) = self.known_index(owner) else {
            return;
        };
        let mut is_news = is_whole;
        if is_whole {
            index.marked_at = milliseconds(self.host().now());
            index.retry_at = 0;
        }
        for source in &mut index.sources {
            let name = &source.listed.name;
            if repositories.iter().any(|it| it.eq_ignore_ascii_case(name)) {
                source.mark();
                is_news = true;
            }
        }
        if is_news {
            index.save(self.host(), owner.as_str());
        }
    }
}

/// What of an index has to be up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The repositories' topics.
    Topics,
    /// The modules' versions as well.
    Versions,
}
