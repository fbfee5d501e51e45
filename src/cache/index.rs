//! An owner's modules, for lists and searches: its repositories as GitHub lists them, and the newest versions of the modules in each.
//! Nothing else is read to answer; it is one value for some 3,000 repositories, and a few for more.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Kind, Lookup, milliseconds};
use super::{Key, Lifetimes, decode, encode};
use crate::event::Event;
use crate::github::listing::{ListedPage, ListedRepository};
use crate::host::Host;
use crate::module::ModuleAddress;
use crate::version::ModuleVersion;

/// What is known of an owner's modules. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The API that was asked, and as whom: another credential sees other repositories.
    asked: String,
    /// When GitHub last confirmed the list of repositories, and when something said that it has changed since.
    pub(crate) confirmed_at: u64,
    pub(crate) marked_at: u64,
    /// Until when GitHub is not asked again, because it failed; 0 for never.
    pub(crate) retry_at: u64,
    /// When the pass over the list began that goes on at this page; 0 where none is under way.
    pub(crate) began_at: u64,
    pub(crate) cursor: usize,
    /// The repositories as GitHub lists them.
    pub(crate) pages: Vec<ListedPage>,
    /// Those that modules are in.
    pub(crate) sources: Vec<IndexedRepository>,
}

/// A repository that modules are in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedRepository {
    /// As GitHub lists it.
    pub listed: ListedRepository,
    /// What of the catalogue it was made by; 0 for a repository that is a module by its name.
    pub(crate) made_by: u32,
    /// When its tags were last given, and last asked for; 0 before that.
    pub(crate) checked_at: u64,
    pub(crate) tried_at: u64,
    /// What GitHub said of the last push then.
    pub(crate) pushed_at: String,
    /// Whether something said that it has changed since.
    pub(crate) is_marked: bool,
    /// Its modules; of a folder's, those that have a tag.
    pub modules: Vec<IndexedModule>,
}

/// A module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedModule {
    /// Its address.
    pub address: ModuleAddress,
    /// Its newest versions, newest first, and since when each is known; 0 for what the first list had.
    pub versions: Vec<(ModuleVersion, u64)>,
}

impl Index {
    pub(crate) fn new(asked: &str) -> Self {
        Self {
            asked: asked.to_owned(),
            ..Self::default()
        }
    }

    /// What is kept for an owner, if it is of this API and credential.
    pub(crate) fn load(host: &impl Host, asked: &str, owner: &str) -> Option<Self> {
        let part = |number: usize| host.get(Key::index(owner, number).as_str());
        let (head, mut bytes) = decode::<Part>(&part(0)?)?;
        for number in 1..head.parts.min(MAX_PARTS) {
            let (next, more) = decode::<Part>(&part(number)?)?;
            // Another request may be writing.
            if next != head {
                return None;
            }
            bytes.extend(more);
        }
        let index: Self = postcard::from_bytes(&bytes).ok()?;
        (index.asked == asked).then_some(index)
    }

    pub(crate) fn save(&self, host: &impl Host, owner: &str) {
        let bytes = postcard::to_stdvec(self).unwrap_or_default();
        let head = Part {
            parts: bytes.len().div_ceil(PART).max(1),
            sum: crc32fast::hash(&bytes),
        };
        if head.parts > MAX_PARTS {
            let message =
                format!("key-value store: the list of {owner}'s modules is too large to be kept");
            Event::begin(host, None, "store", "too large", owner).say(host, &message);
            return;
        }
        for (number, bytes) in bytes.chunks(PART).enumerate() {
            host.set(Key::index(owner, number).as_str(), &encode(&head, bytes));
        }
    }

    /// What it is good for. A list takes a call for each hundred repositories, so it is fresh for five times as long as versions are.
    pub(crate) fn lookup(&self, now: SystemTime, lifetimes: &Lifetimes) -> Lookup {
        let lifetimes = Lifetimes {
            fresh: lifetimes.fresh * 5,
            ..*lifetimes
        };
        Entry::lookup(Some(&self.as_entry()), now, &lifetimes)
    }

    /// Whether it will do while GitHub fails.
    pub(crate) fn survives_failure(&self, now: SystemTime, lifetimes: &Lifetimes) -> bool {
        self.as_entry().survives_failure(now, lifetimes)
    }

    /// Whether GitHub is left alone for now.
    pub(crate) fn is_waiting(&self, now: SystemTime, longest: u64) -> bool {
        super::is_running(self.retry_at, milliseconds(now), longest)
    }

    fn as_entry(&self) -> Entry {
        Entry {
            marked_at: self.marked_at,
            ..Entry::new("", Kind::Versions, self.confirmed_at)
        }
    }

    /// How far it has come: what is more is news.
    pub(crate) fn progress(&self) -> (u64, usize) {
        (self.confirmed_at.max(self.began_at), self.cursor)
    }

    /// Whether GitHub has not listed all repositories yet.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.confirmed_at == 0
    }

    /// Whether versions were asked for at all, for topics alone they are not, and no webhook said that some are others now.
    pub(crate) fn has_versions(&self) -> bool {
        let mut sources = self.sources.iter();
        let is_tried = self.sources.is_empty() || sources.any(|source| source.tried_at > 0);
        is_tried && !self.sources.iter().any(|source| source.is_marked)
    }

    pub(crate) fn is_outdated(&self, now: SystemTime) -> bool {
        self.sources.iter().any(|source| source.is_outdated(now))
    }

    /// Takes over what webhooks have said since `started`, when this one was read.
    pub(crate) fn merge_marks(&mut self, kept: Option<Self>, started: u64) {
        let Some(kept) = kept else {
            return;
        };
        if kept.marked_at >= started {
            self.marked_at = kept.marked_at;
        }
        let marked: Vec<&str> = kept
            .sources
            .iter()
            .filter(|source| source.is_marked && source.tried_at < started)
            .map(|source| source.listed.name.as_str())
            .collect();
        for source in &mut self.sources {
            // Those that were asked for since are as they are now.
            source.is_marked |= source.tried_at < started && marked.contains(&&*source.listed.name);
        }
    }

    /// The topics of a repository; `None` for one that is not listed.
    #[must_use]
    pub fn topics(&self, repository: &str) -> Option<&[String]> {
        self.listed(repository).map(|it| it.topics.as_slice())
    }

    /// A repository, as GitHub lists it.
    #[must_use]
    pub fn listed(&self, repository: &str) -> Option<&ListedRepository> {
        let mut listed = self.pages.iter().flat_map(|page| &page.repositories);
        listed.find(|it| it.name.eq_ignore_ascii_case(repository))
    }
}

impl IndexedRepository {
    /// Something says that its tags are others now.
    pub(crate) fn mark(&mut self) {
        self.is_marked = true;
        self.tried_at = 0;
    }

    /// Whether its tags are not known, or may be others by now: something was pushed, or a day has gone by. One that failed is left
    /// alone for some minutes.
    pub(crate) fn is_outdated(&self, now: SystemTime) -> bool {
        let now = milliseconds(now);
        let has_failed = self.tried_at > self.checked_at;
        if has_failed
            && now
                .checked_sub(self.tried_at)
                .is_some_and(|it| it < RETRY_MS)
        {
            return false;
        }
        let age = now.checked_sub(self.checked_at);
        self.checked_at == 0
            || self.is_marked
            || self.pushed_at != self.listed.pushed_at
            || age.is_none_or(|it| it > DAY_MS)
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const RETRY_MS: u64 = 5 * 60 * 1000;

/// What stands before each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    parts: usize,
    /// Of all parts together: those of two writers don't make one.
    sum: u32,
}

/// Below the 1 MB that a value may have.
const PART: usize = 900_000;
/// Some 20,000 repositories.
const MAX_PARTS: usize = 8;
