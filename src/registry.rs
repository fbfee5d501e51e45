//! What the registry answers: a module's versions, where to get one, and its archive.
//!
//! - [`archive`]: a version's archive
//! - `catalogue`: where modules are, if a repository's file says so
//! - [`details`]: what a module takes and gives
//! - `find`: which repository a module is in, and whether what is known of it will do
//! - [`index`]: which modules there are
//! - `hints`: what webhooks say
//! - `refresh`: when GitHub is asked, and by whom
//! - `confirm`: what it says, and what of that is believed
//!
//! What an answer leaves to do is owed: it is done by [`Registry::settle`], when the client has its answer.

pub mod archive;
mod catalogue;
mod confirm;
pub mod details;
mod find;
mod hints;
pub mod index;
mod refresh;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use crate::archive::stream::Sent;
use crate::cache::entry::Entry;
use crate::cache::index::Index;
use crate::cache::shelf::{self, Shelf};
use crate::catalogue::selection::Selected;
use crate::catalogue::{Catalogue, Source};
use crate::config::Config;
use crate::error::{Error, Integrity, NotFound};
use crate::github::GitHub;
use crate::github::readiness::Readiness;
use crate::host::{Deadline, Host};
use crate::lifecycle::Policy;
use crate::module::{ModuleAddress, Namespace, ObjectId, aliases};
use crate::pins::{MovedTags, Pin};
use crate::registry::find::Chosen;
use crate::registry::index::What;
use crate::route::{ArchiveAddress, Wanted};
use crate::trace::Trace;
use crate::version::{ModuleVersion, Release, Releases};

/// The registry, for one request.
pub struct Registry<'h, H> {
    config: Rc<Config>,
    github: GitHub<'h, H>,
    /// When the request came in.
    began: SystemTime,
    owed: RefCell<Vec<Owed>>,
    freshness: Cell<Option<Freshness>>,
    /// As a repository's file has it.
    catalogue: Option<Catalogue>,
    /// What is wrong with that file.
    catalogue_problems: Vec<String>,
    /// Of the owner of the module, where the catalogue selects by them.
    topics: OnceCell<Index>,
}

/// How fresh an answer was, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// GitHub confirmed it a moment ago.
    Fresh,
    /// It was given at once, and is refreshed behind it.
    Stale,
    /// GitHub was asked first.
    Asked,
    /// GitHub fails, and this is what it said before.
    Outlived,
}

/// What is left to do when the client has its answer.
enum Owed {
    /// Ask GitHub whether what was answered is still so.
    Refresh {
        owner: Namespace,
        source: Source,
        entry: Box<Entry>,
    },
    /// Keep a small archive.
    Keep {
        object: ObjectId,
        path: String,
        archive: Vec<u8>,
    },
    /// Keep what was read of a module while its archive went by.
    Details {
        object: ObjectId,
        path: String,
        inner: String,
    },
    /// Ask GitHub whether the catalogue is still the same.
    Catalogue,
    /// Ask GitHub which repositories an owner has, and for the tags of some.
    Index { owner: Namespace, what: What },
    /// Remember which commit an annotated tag leads to, once its archive has told.
    Peel {
        owner: Namespace,
        source: Source,
        object: ObjectId,
    },
}

/// A module's versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The document, as it is sent.
    pub document: Vec<u8>,
    /// What the client's log should know.
    pub warning: Option<String>,
}

/// Where a version is downloaded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The archive's address.
    pub archive: ArchiveAddress,
    /// The folder of the repository that the archive is of; empty for all of it.
    pub folder: String,
    /// The folder in the archive that the module is; empty for all of it.
    pub inner: String,
    /// What the client's log should know.
    pub warning: Option<String>,
}

impl<'h, H: Host> Registry<'h, H> {
    /// The registry that `config` describes, for a request that is a part of `trace`.
    pub fn new(host: &'h H, config: Rc<Config>, trace: Option<Trace>) -> Self {
        Self {
            config: Rc::clone(&config),
            github: GitHub::new(host, config, trace),
            began: host.now(),
            owed: RefCell::default(),
            freshness: Cell::default(),
            catalogue: None,
            catalogue_problems: Vec::new(),
            topics: OnceCell::new(),
        }
    }

    /// How many requests this one has cost so far.
    #[must_use]
    pub fn upstream_calls(&self) -> u32 {
        self.github.calls()
    }

    /// How fresh the last answer was, if it depends on that.
    #[must_use]
    pub fn freshness(&self) -> Option<Freshness> {
        self.freshness.get()
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where modules are that `repository_names` does not find, once that was read.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        self.catalogue.as_ref().unwrap_or(&self.config.catalogue)
    }

    /// Whether modules could be served.
    pub async fn readiness(&mut self) -> Readiness {
        let opened = self.open().await;
        let mut readiness = self.github.check_credential(self.deadline()).await;
        if !std::mem::take(&mut self.catalogue_problems).is_empty() {
            readiness.problems.push(CATALOGUE_WRONG.to_owned());
        }
        if let Err(error) = opened {
            readiness.works = false;
            readiness.problems.push(match error {
                // What the file says is nobody's business but who may read it.
                Error::Misconfigured(problems) => {
                    self.host().log(&problems.join("; "));
                    CATALOGUE_WRONG.to_owned()
                }
                error => {
                    self.host().log(&format!("readyz: catalogue: {error}"));
                    CATALOGUE_UNREAD.to_owned()
                }
            });
        }
        readiness
    }

    /// All versions of a module. A warm answer is one read of the store.
    pub async fn versions(&self, module: &ModuleAddress) -> Result<Listing, Error> {
        let found = self.find(module, self.deadline()).await?;
        let policy = self.policy(module, &self.owner(module)?, &found.source);
        let (document, is_left) = policy.filter(found.entry.document, &found.entry.recent);
        if !is_left {
            return Err(Error::NotFound(NotFound::Versions));
        }
        let integrity = warning([found.entry.warning, found.entry.moved]);
        Ok(Listing {
            document,
            warning: warning([integrity, deprecated(&policy)]),
        })
    }

    /// Where a version of a module is downloaded from.
    pub async fn download(
        &self,
        module: &ModuleAddress,
        wanted: &Wanted,
    ) -> Result<Location, Error> {
        let Chosen {
            entry,
            release,
            policy,
            ..
        } = self.pick(module, wanted, self.deadline()).await?;
        let is_held = |since| policy.is_held(since);
        let sight = release.target.served(self.config.moved_tags, is_held);
        let sight = sight.ok_or(Error::Integrity(Integrity::Moved))?;
        let place = self.catalogue().find(module);
        let (folder, inner) = place.map(|it| (it.root, it.inner)).unwrap_or_default();
        Ok(Location {
            folder,
            inner,
            archive: ArchiveAddress {
                module: module.clone(),
                version: release.version.clone(),
                object: sight.target.object().clone(),
            },
            warning: warning([self.release_warning(&entry, &release), deprecated(&policy)]),
        })
    }

    /// The release that is asked for, if it is to be had.
    async fn pick(
        &self,
        module: &ModuleAddress,
        wanted: &Wanted,
        deadline: Deadline,
    ) -> Result<Chosen<'_>, Error> {
        if let Wanted::Version(version) = wanted {
            self.check_lifecycle(module, version)?;
        }
        let choose = |policy: &Policy<'_>, releases: &Releases<Pin>| {
            let is_to_be_had = |it: &Release<Pin>| {
                policy.allows(&it.version) && !policy.is_held(it.target.first.since)
            };
            let release = match wanted {
                Wanted::Latest => releases.latest(is_to_be_had),
                Wanted::Newest => releases.newest(is_to_be_had),
                Wanted::Version(version) => releases.find(version),
            };
            release.filter(|it| policy.allows(&it.version)).cloned()
        };
        let chosen = self.choose(module, choose, deadline).await?;
        if chosen.policy.is_held(chosen.release.target.first.since) {
            return Err(Error::NotFound(NotFound::HeldBack));
        }
        Ok(chosen)
    }

    /// Does what is owed. `sent` is how an archive's way to the client ended.
    pub async fn settle(&self, sent: Option<&Sent>) {
        for owed in self.owed.take() {
            match owed {
                Owed::Refresh {
                    owner,
                    source,
                    entry,
                } => {
                    self.refresh_behind(&owner, &source, *entry).await;
                }
                Owed::Details {
                    object,
                    path,
                    inner,
                } => {
                    if let Some(sent) = sent.filter(|sent| sent.result.is_ok()) {
                        let _ = self.keep_details(&object, &path, &inner, &sent.watched);
                    }
                }
                Owed::Catalogue => self.refresh_catalogue().await,
                Owed::Index { owner, what } => self.refresh_index(&owner, what).await,
                Owed::Keep {
                    object,
                    path,
                    archive,
                } => {
                    if sent.is_none_or(|sent| sent.result.is_ok()) {
                        let bounds = self.config.archive_bounds;
                        let kind = Shelf::Archives;
                        shelf::keep(self.host(), kind, &object, &path, &archive, bounds);
                    }
                }
                Owed::Peel {
                    owner,
                    source,
                    object,
                } => {
                    let sent = sent.filter(|sent| sent.result.is_ok());
                    if let Some(commit) = sent.and_then(|sent| sent.commit.as_ref()) {
                        self.remember_commit(&owner, &source, &object, commit);
                    }
                }
            }
        }
    }

    /// What a client's log should know of one release.
    fn release_warning(&self, entry: &Entry, release: &Release<Pin>) -> Option<String> {
        let moved = release.target.moved.iter().map(|_| &release.version);
        warning([entry.warning.clone(), self.moved_warning(moved)])
    }

    /// What to say of versions whose tag was moved, if there are any.
    fn moved_warning<'v>(
        &self,
        mut moved: impl Iterator<Item = &'v ModuleVersion>,
    ) -> Option<String> {
        let first: Vec<String> = moved
            .by_ref()
            .take(MAX_NAMED)
            .map(ToString::to_string)
            .collect();
        let names = match moved.count() {
            _ if first.is_empty() => return None,
            0 => first.join(", "),
            more => format!("{} and {more} more", first.join(", ")),
        };
        let what = match self.config.moved_tags {
            MovedTags::ServePinned => "what was seen first is served",
            MovedTags::Follow => "it is followed",
            MovedTags::Refuse => "it is refused",
        };
        Some(format!(
            "tag moved after it was first seen ({names}): {what}"
        ))
    }

    /// The owner of the repository that a module is in, as the operator spells it.
    fn owner(&self, module: &ModuleAddress) -> Result<Namespace, Error> {
        let place = self.catalogue().find(module);
        let owner = place.map_or_else(|| module.namespace.clone(), |place| place.owner);
        let served = self.config.owner(&owner);
        served.cloned().ok_or(Error::NotFound(NotFound::Owner))
    }

    /// What goes for a module now, whose versions are those of `source`.
    fn policy(&self, module: &ModuleAddress, owner: &Namespace, source: &Source) -> Policy<'_> {
        let selected = self.selected(owner, source.repository());
        self.policy_of(module, selected)
    }

    /// The same, of whose repository `selected` is to be had.
    fn policy_of<'l>(&'l self, module: &ModuleAddress, selected: Selected<'l>) -> Policy<'l> {
        let (catalogue, names) = (self.catalogue(), &self.config.repository_names);
        let lifecycle = &catalogue.lifecycle;
        let aliases = if lifecycle.is_empty() || catalogue.find(module).is_some() {
            Vec::new()
        } else {
            aliases(names, module)
        };
        lifecycle.policy(module, &aliases, selected, self.host().now())
    }

    /// What is to be had of a repository.
    fn selected(&self, owner: &Namespace, repository: &str) -> Selected<'_> {
        let topics = match self.topics.get() {
            Some(index) => index.topics(repository),
            None => None,
        };
        self.catalogue().selection.of(owner, repository, topics)
    }

    /// Refuses what is not to be used any more before GitHub is asked about it.
    fn check_lifecycle(
        &self,
        module: &ModuleAddress,
        version: &ModuleVersion,
    ) -> Result<(), Error> {
        let policy = self.policy_of(module, Selected::default());
        if policy.allows(version) {
            Ok(())
        } else {
            Err(Error::NotFound(NotFound::Yanked))
        }
    }

    fn host(&self) -> &'h H {
        self.github.host()
    }

    fn api(&self) -> &str {
        self.config.github.api_base()
    }

    fn owe(&self, owed: Owed) {
        self.owed.borrow_mut().push(owed);
    }

    /// Until when the client gets its answer, whatever else took some of that time.
    fn deadline(&self) -> Deadline {
        Deadline::after(self.began, API_LIMIT)
    }
}

/// What a client's log should know of a module that is deprecated.
fn deprecated(policy: &Policy<'_>) -> Option<String> {
    let reason = policy.deprecation()?;
    Some(format!("this module is deprecated: {reason}"))
}

/// One line of several.
fn warning(parts: [Option<String>; 2]) -> Option<String> {
    parts
        .into_iter()
        .flatten()
        .reduce(|a, b| format!("{a}; {b}"))
}

/// Of more versions, only the number is said.
const MAX_NAMED: usize = 5;
/// Terraform gives an API answer 10 s.
const API_LIMIT: Duration = Duration::from_secs(9);
const CATALOGUE_WRONG: &str =
    "the catalogue of `catalogue_repository` is wrong, or not there: the log says what and where";
const CATALOGUE_UNREAD: &str =
    "the catalogue cannot be read from `catalogue_repository` now: the log has the reason";
