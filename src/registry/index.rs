//! Which modules there are: an owner's repositories, as GitHub lists them, and the newest versions of what is in them.
//!
//! A list is asked for as tags are: what is fresh is given, what is stale is given and refreshed behind it. The tags of a repository are
//! only asked for where something was pushed since they last were, and of so many at once; what is not known yet is listed
//! without a version.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use super::{API_LIMIT, Freshness, Owed, Registry};
use crate::cache::Key;
use crate::cache::entry::{Entry, Lookup, milliseconds};
use crate::cache::index::{Index, IndexedModule, IndexedRepository};
use crate::cache::lease::Lease;
use crate::cache::names::LONGEST_RETRY;
use crate::catalogue::Source;
use crate::error::Error;
use crate::github::Repository;
use crate::github::limits::Purpose;
use crate::github::listing::{ListedPage, ListedRepository};
use crate::github::refs::Tags;
use crate::host::{Deadline, Host};
use crate::module::{ModuleAddress, Namespace};
use crate::pins::Target;
use crate::version::{ModuleVersion, Releases};

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
        for owner in &self.config.allowed_owners {
            let index = self.index(owner, What::Versions).await?;
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
        Ok(modules.into_values().collect())
    }

    /// `None` for a module of which no version is to be had.
    fn summary(
        &self,
        owner: &Namespace,
        source: &IndexedRepository,
        module: &IndexedModule,
    ) -> Option<Summary> {
        let (listed, catalogue) = (&source.listed, self.catalogue());
        let topics = Some(listed.topics.as_slice());
        let selected = catalogue.selection.of(owner, &listed.name, topics);
        if selected.is_nothing() {
            return None;
        }
        let policy = catalogue
            .lifecycle
            .policy(&module.address, selected, self.host().now());
        let mut versions = module.versions.iter();
        let is_to_be_had = |(version, since): &&(ModuleVersion, u64)| {
            policy.allows(version) && !policy.is_held(*since)
        };
        let to_be_had: Vec<&ModuleVersion> = versions
            .by_ref()
            .filter(is_to_be_had)
            .map(|it| &it.0)
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
                let is_complete = lookup == Lookup::Fresh && !is_outdated;
                self.freshness.set(Some(if is_complete {
                    Freshness::Fresh
                } else {
                    self.owe(Owed::Index {
                        owner: owner.clone(),
                        what,
                    });
                    Freshness::Stale
                }));
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

    async fn ask_for_index(
        &self,
        owner: &Namespace,
        known: Option<Index>,
        what: What,
    ) -> Result<Index, Error> {
        let host = self.host();
        let lifetimes = &self.config.lifetimes;
        let known = known.filter(|it| it.survives_failure(host.now(), lifetimes));
        let longest = lifetimes.negative.min(LONGEST_RETRY) * 1000;
        let waiting = known
            .clone()
            .filter(|it| it.is_waiting(host.now(), longest));
        if let Some(known) = waiting {
            self.freshness.set(Some(Freshness::Outlived));
            return Ok(known);
        }
        self.freshness.set(Some(Freshness::Asked));
        let asked = self.refresh_index_once(owner, known.as_ref(), what, self.deadline());
        match (asked.await, known) {
            (Err(error), Some(known)) if error.is_passing() => {
                host.log(&format!("{owner}: {error}: the list before is served"));
                self.freshness.set(Some(Freshness::Outlived));
                Ok(known)
            }
            // The owner has nothing that may be seen; others have.
            (Err(error @ Error::NotFound(_)), _) => {
                host.log(&format!("{owner} is left out of the list: {error}"));
                Ok(Index::default())
            }
            (asked, _) => asked,
        }
    }

    /// The same, when the client has its answer.
    pub(super) async fn refresh_index(&self, owner: &Namespace, what: What) {
        let host = self.host();
        let known = self.known_index(owner);
        let deadline = Deadline::after(host.now(), API_LIMIT);
        let asked = self.refresh_index_once(owner, known.as_ref(), what, deadline);
        if let Err(error) = asked.await {
            host.log(&format!("{owner}: the list is not refreshed: {error}"));
        }
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
        let lease = Lease::take(host, Key::index(owner.as_str(), 0).as_str(), left).await;
        if lease.is_none() {
            let before = known.map_or(0, |it| it.confirmed_at);
            while self.github.wait_for_another().await {
                let news = self.known_index(owner);
                if let Some(index) = news.filter(|it| it.confirmed_at > before) {
                    return Ok(index);
                }
            }
        }
        let index = self.make_index(owner, known, what, deadline).await;
        if let Some(lease) = lease {
            lease.release(host);
        }
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
        let pages = known.map(|it| it.pages.as_slice()).unwrap_or_default();
        let pages = self.github.repositories(owner, pages, purpose, deadline);
        let mut index = known.cloned().unwrap_or_else(|| Index::new(&self.asked()));
        match pages.await {
            Ok(pages) => {
                index.sources = self.sources_of(owner, &pages, &index.sources);
                index.pages = pages;
            }
            Err(error) => {
                let negative = self.config.lifetimes.negative.min(LONGEST_RETRY);
                if known.is_some() {
                    index.retry_at = milliseconds(host.now()) + negative * 1000;
                    index.save(host, owner.as_str());
                }
                return Err(error);
            }
        }
        if what == What::Versions {
            self.check_outdated(owner, &mut index, deadline).await;
        }
        // A webhook that came meanwhile still counts.
        let kept = self.known_index(owner).map_or(0, |it| it.marked_at);
        let is_news = (started..=milliseconds(host.now())).contains(&kept);
        index.marked_at = if is_news { kept } else { 0 };
        index.confirmed_at = started;
        index.retry_at = 0;
        index.save(host, owner.as_str());
        Ok(index)
    }

    /// The repositories that modules are in, with what is known of them.
    fn sources_of(
        &self,
        owner: &Namespace,
        pages: &[ListedPage],
        known: &[IndexedRepository],
    ) -> Vec<IndexedRepository> {
        let catalogue = self.catalogue();
        let known: HashMap<String, &IndexedRepository> = known
            .iter()
            .map(|it| (it.listed.name.to_ascii_lowercase(), it))
            .collect();
        let mut all: Vec<ListedRepository> = pages
            .iter()
            .flat_map(|page| page.repositories.iter().cloned())
            .collect();
        // One that was renamed is still found by the name that the catalogue has.
        for name in catalogue.repositories_of(owner) {
            let is_listed = all.iter().any(|it| it.name.eq_ignore_ascii_case(name));
            if !is_listed && !catalogue.selection.needs_topics() {
                all.push(ListedRepository {
                    name: name.to_owned(),
                    ..ListedRepository::default()
                });
            }
        }
        let names = &self.config.repository_names;
        // Of two repositories that could be one module, the one of the template that is tried first is.
        let mut first: HashMap<String, usize> = HashMap::new();
        let conventional = |listed: &ListedRepository| {
            let read = names.iter().enumerate().filter_map(|(number, template)| {
                let address = template.read(owner, &listed.name)?;
                let is_taken = catalogue.find(&address).is_some();
                (!is_taken).then_some((number, address))
            });
            read.collect::<Vec<_>>()
        };
        for listed in &all {
            for (number, address) in conventional(listed) {
                let rank = first.entry(address.to_string()).or_insert(number);
                *rank = number.min(*rank);
            }
        }
        let indexed = all.into_iter().filter_map(|listed| {
            let topics = Some(listed.topics.as_slice());
            let selected = catalogue.selection.of(owner, &listed.name, topics);
            if selected.is_nothing() {
                return None;
            }
            let (addresses, made_by) = if catalogue.has_repository(owner, &listed.name) {
                (Vec::new(), catalogue.fingerprint_of(owner, &listed.name))
            } else {
                let mut addresses = conventional(&listed);
                addresses.retain(|(number, it)| first.get(&it.to_string()) == Some(number));
                if addresses.is_empty() {
                    return None;
                }
                (addresses, 0)
            };
            let known = known.get(&listed.name.to_ascii_lowercase());
            let known = known.filter(|it| it.made_by == made_by);
            let fresh = || {
                let addresses = addresses.iter().map(|(_, it)| it.clone());
                let modules = addresses.map(IndexedModule::unknown).collect();
                IndexedRepository {
                    made_by,
                    modules,
                    ..IndexedRepository::default()
                }
            };
            let known = known.map_or_else(fresh, |it| (*it).clone());
            Some(IndexedRepository { listed, ..known })
        });
        indexed.collect()
    }

    /// Asks for the tags of the repositories of which they are not known or may be others now, as many as there is time for.
    async fn check_outdated(&self, owner: &Namespace, index: &mut Index, deadline: Deadline) {
        let host = self.host();
        let now = host.now();
        let mut outdated: Vec<(u64, usize)> = index
            .sources
            .iter()
            .enumerate()
            .filter(|(_, source)| source.is_outdated(now))
            .map(|(at, source)| (source.checked_at, at))
            .collect();
        outdated.sort_unstable();
        for (_, at) in outdated.into_iter().take(MAX_CHECKS) {
            if deadline.left(host.now()) < TIME_TO_ANSWER {
                break;
            }
            let Some(source) = index.sources.get_mut(at) else {
                continue;
            };
            if let Err(error) = self.check_source(owner, source, deadline).await {
                host.log(&format!("{owner}/{}: {error}", source.listed.name));
                if error.is_passing() {
                    break;
                }
            }
        }
    }

    async fn check_source(
        &self,
        owner: &Namespace,
        source: &mut IndexedRepository,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let started = milliseconds(self.host().now());
        let name = source.listed.name.clone();
        let repository = Repository {
            owner: owner.as_str().to_owned(),
            name: name.clone(),
            id: None,
        };
        let catalogue = self.catalogue();
        let prefix = catalogue.common_prefix(owner, &name);
        let purpose = match source.checked_at {
            0 => Purpose::First,
            _ => Purpose::Again,
        };
        let asked = self
            .github
            .tags(&repository, &prefix, None, purpose, deadline);
        let tags: Vec<(String, Target)> = match asked.await {
            Ok(Tags::Listed(listed)) if listed.is_redirected && !self.is_served(&listed) => {
                Vec::new()
            }
            Ok(Tags::Listed(listed)) => listed.tags,
            Ok(Tags::Unchanged) | Err(Error::NotFound(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let tags = tags
            .into_iter()
            .map(|(tag, target)| (format!("{prefix}{tag}"), target));
        let tags: Vec<(String, Target)> = tags.collect();
        let places: Vec<(ModuleAddress, Source)> = if catalogue.has_repository(owner, &name) {
            let mut folders = Vec::new();
            let newest = Releases::from_tags(tags.iter().cloned());
            if catalogue.needs_folders(owner, &name)
                && let Some(newest) = newest.iter().next()
            {
                let object = newest.target.object();
                folders = self.github.folders(&repository, object, deadline).await?;
            }
            catalogue.enumerate(owner, &name, &tags, &folders)
        } else {
            let modules = source.modules.iter();
            let whole = |it: &IndexedModule| (it.address.clone(), Source::whole(&name));
            modules.map(whole).collect()
        };
        let known: HashMap<String, &IndexedModule> = source
            .modules
            .iter()
            .map(|it| (it.address.to_string(), it))
            .collect();
        let modules = places.into_iter().map(|(address, place)| {
            let own = tags.iter().filter_map(|(tag, target)| {
                let version = tag.strip_prefix(place.prefix())?;
                Some((version.to_owned(), target.clone()))
            });
            let releases = Releases::from_tags(own);
            let recent = self.recent(owner, &place);
            let known = known.get(&address.to_string());
            let since = |version: &ModuleVersion| {
                let mut versions = known.iter().flat_map(|it| &it.versions);
                let seen = versions.find(|(it, _)| it == version).map(|it| it.1);
                let since = match seen {
                    Some(since) => since,
                    None if source.checked_at == 0 => 0,
                    None => started,
                };
                since.max(recent.get(&version.to_string()).copied().unwrap_or(0))
            };
            let (mut stable, mut others) = (0, 0);
            let newest = releases.listed().filter(|it| {
                let (count, most) = if it.version.is_stable() {
                    (&mut stable, MAX_STABLE)
                } else {
                    (&mut others, MAX_OTHERS)
                };
                *count += 1;
                *count <= most
            });
            IndexedModule {
                versions: newest
                    .map(|it| (it.version.clone(), since(&it.version)))
                    .collect(),
                address,
            }
        });
        source.modules = modules.collect();
        source.checked_at = started;
        Ok(())
    }

    /// The versions that are held back by what else is known of a module, and since when each is known.
    fn recent(&self, owner: &Namespace, source: &Source) -> HashMap<String, u64> {
        let holds_back = self.catalogue().lifecycle.holds_back();
        let entry = holds_back
            .then(|| Entry::load(self.host(), self.api(), owner.as_str(), source.as_str()));
        let recent = entry.flatten().map(|it| it.recent);
        recent.into_iter().flatten().collect()
    }

    /// A webhook says that an owner's repositories are others, or have other tags.
    pub(super) fn mark_index(&self, owner: &Namespace, repositories: &[&str]) {
        let Some(mut index) = self.known_index(owner) else {
            return;
        };
        index.marked_at = milliseconds(self.host().now());
        index.retry_at = 0;
        for source in &mut index.sources {
            let name = &source.listed.name;
            if repositories.iter().any(|it| it.eq_ignore_ascii_case(name)) {
                source.checked_at = source.checked_at.min(1);
            }
        }
        index.save(self.host(), owner.as_str());
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

impl IndexedModule {
    fn unknown(address: ModuleAddress) -> Self {
        Self {
            address,
            versions: Vec::new(),
        }
    }
}

impl Index {
    /// Whether versions were asked for at all: for topics alone they are not.
    fn has_versions(&self) -> bool {
        let mut sources = self.sources.iter();
        self.sources.is_empty() || sources.any(|source| source.checked_at > 0)
    }

    fn is_outdated(&self, now: SystemTime) -> bool {
        self.sources.iter().any(|source| source.is_outdated(now))
    }
}

impl IndexedRepository {
    /// Whether its tags are not known, or may be others by now: something was pushed, or a day has gone by.
    fn is_outdated(&self, now: SystemTime) -> bool {
        let pushed_at = humantime::parse_rfc3339_weak(&self.listed.pushed_at).ok();
        let is_newer = |pushed_at: SystemTime| {
            milliseconds(pushed_at + Duration::from_secs(1)) > self.checked_at
        };
        let age = milliseconds(now).checked_sub(self.checked_at);
        self.checked_at == 0 || pushed_at.is_some_and(is_newer) || age.is_none_or(|it| it > DAY_MS)
    }
}

/// Repositories whose tags are asked for at once.
const MAX_CHECKS: usize = 60;
/// What is left of the time that a client waits when no more are asked for.
const TIME_TO_ANSWER: Duration = Duration::from_secs(3);
/// Of each module, for one to be left if some are yanked, and a stable one behind many that are not.
const MAX_STABLE: usize = 30;
const MAX_OTHERS: usize = 5;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
