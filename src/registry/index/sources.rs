//! Which repositories modules are in, and what is asked about their tags.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::super::Registry;
use crate::cache::entry::milliseconds;
use crate::cache::history::History;
use crate::cache::index::{Index, IndexedModule, IndexedRepository};
use crate::catalogue::Source;
use crate::catalogue::selection::Selected;
use crate::error::Error;
use crate::github::Repository;
use crate::github::limits::Purpose;
use crate::github::listing::{ListedPage, ListedRepository};
use crate::github::refs::Tags;
use crate::host::{Deadline, Host};
use crate::module::{ModuleAddress, Namespace};
use crate::pins::Target;
use crate::version::{ModuleVersion, Releases};

impl<H: Host> Registry<'_, H> {
    /// The repositories that modules are in, with what is known of them.
    pub(super) fn sources_of(
        &self,
        owner: &Namespace,
        pages: &[ListedPage],
        known: &[IndexedRepository],
    ) -> Vec<IndexedRepository> {
        let catalogue = self.catalogue();
        let lower = |name: &str| name.to_ascii_lowercase();
        let known: HashMap<String, &IndexedRepository> = known
            .iter()
            .map(|it| (lower(&it.listed.name), it))
            .collect();
        let catalogued: HashSet<String> = catalogue.repositories_of(owner).map(lower).collect();
        let mut all: Vec<ListedRepository> = pages
            .iter()
            .flat_map(|page| page.repositories.iter().cloned())
            .collect();
        // One that was renamed is still found by the name that the catalogue has.
        let listed: HashSet<String> = all.iter().map(|it| lower(&it.name)).collect();
        for name in catalogued.difference(&listed) {
            if !catalogue.selection.needs_topics() {
                all.push(ListedRepository {
                    name: name.clone(),
                    ..ListedRepository::default()
                });
            }
        }
        all.retain(|listed| {
            let topics = Some(listed.topics.as_slice());
            let selected = catalogue.selection.of(owner, &listed.name, topics);
            !selected.is_nothing()
        });
        let names = &self.config.repository_names;
        let conventional = |listed: &ListedRepository| {
            let read = names.iter().enumerate().filter_map(|(number, template)| {
                let address = template.read(owner, &listed.name)?;
                let is_taken = catalogue.find(&address).is_some();
                (!is_taken).then_some((number, address))
            });
            let is_catalogued = catalogued.contains(&lower(&listed.name));
            read.filter(|_| !is_catalogued).collect::<Vec<_>>()
        };
        // Of two repositories that could be one module, the one of the template that is tried first is.
        let mut first: HashMap<String, usize> = HashMap::new();
        for listed in &all {
            for (number, address) in conventional(listed) {
                let rank = first.entry(address.to_string()).or_insert(number);
                *rank = number.min(*rank);
            }
        }
        let indexed = all.into_iter().filter_map(|listed| {
            let known = known.get(&lower(&listed.name)).copied();
            if catalogued.contains(&lower(&listed.name)) {
                let made_by = catalogue.fingerprint_of(owner, &listed.name);
                let known = known.filter(|it| it.made_by == made_by).cloned();
                return Some(IndexedRepository {
                    listed,
                    made_by,
                    ..known.unwrap_or_default()
                });
            }
            let mut addresses = conventional(&listed);
            addresses.retain(|(number, it)| first.get(&it.to_string()) == Some(number));
            let known = known.filter(|it| it.made_by == 0);
            // Each is all of the repository's tags, whatever its address is.
            let versions = known.and_then(|it| it.modules.first());
            let versions = versions.map(|it| it.versions.clone()).unwrap_or_default();
            let modules = addresses.into_iter().map(|(_, address)| IndexedModule {
                address,
                versions: versions.clone(),
            });
            let modules: Vec<IndexedModule> = modules.collect();
            let known = known.cloned().unwrap_or_default();
            (!modules.is_empty()).then_some(IndexedRepository {
                listed,
                modules,
                ..known
            })
        });
        indexed.collect()
    }

    /// Asks for the tags of the repositories of which they are not known or may be others now, as many as there is time for. One that
    /// fails is left alone for a while, and is asked for after the others.
    pub(super) async fn check_outdated(
        &self,
        owner: &Namespace,
        index: &mut Index,
        deadline: Deadline,
    ) {
        let host = self.host();
        let now = host.now();
        let mut outdated: Vec<(u64, usize)> = index
            .sources
            .iter()
            .enumerate()
            .filter(|(_, source)| source.is_outdated(now))
            .map(|(at, source)| (source.tried_at, at))
            .collect();
        outdated.sort_unstable();
        let mut failures = 0;
        for (_, at) in outdated.into_iter().take(MAX_CHECKS) {
            if deadline.left(host.now()) < TIME_TO_ANSWER || failures >= MAX_FAILURES {
                break;
            }
            let Some(source) = index.sources.get_mut(at) else {
                continue;
            };
            source.tried_at = milliseconds(host.now());
            match self.check_source(owner, source, deadline).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    host.log(&format!("{owner}/{}: {error}", source.listed.name));
                    failures += 1;
                    if matches!(error, Error::Limited { .. }) {
                        break;
                    }
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
        let started = source.tried_at;
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
        let mut tags: Vec<(String, Target)> = tags
            .into_iter()
            .map(|(tag, target)| (format!("{prefix}{tag}"), target))
            .collect();
        tags.sort_by(|a, b| a.0.cmp(&b.0));
        let places: Vec<(ModuleAddress, Source)> = if source.made_by == 0 {
            let modules = source.modules.iter();
            let whole = |it: &IndexedModule| (it.address.clone(), Source::whole(&name));
            modules.map(whole).collect()
        } else {
            let mut folders = Vec::new();
            for object in catalogue.folders_at(owner, &name, &tags) {
                let found = self.github.folders(&repository, &object, deadline).await?;
                folders.extend(found);
            }
            catalogue.enumerate(owner, &name, &tags, &folders)
        };
        let known: HashMap<String, &IndexedModule> = source
            .modules
            .iter()
            .map(|it| (it.address.to_string(), it))
            .collect();
        let first = match source.checked_at {
            0 => 0,
            _ => started,
        };
        let modules = places.into_iter().map(|(address, place)| {
            let from = tags.partition_point(|(tag, _)| tag.as_str() < place.prefix());
            let own = tags.iter().skip(from).map_while(|(tag, target)| {
                let version = tag.strip_prefix(place.prefix())?;
                Some((version.to_owned(), target.clone()))
            });
            let releases = Releases::from_tags(own);
            let seen = self.first_seen(owner, &address, &place, started);
            let known = known.get(&address.to_string());
            let since = |version: &ModuleVersion| {
                let mut versions = known.iter().flat_map(|it| &it.versions);
                let known = versions.find(|(it, _)| it == version).map(|it| it.1);
                let seen = seen.as_ref().map(|seen| seen(version));
                seen.or(known).unwrap_or(first)
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
        source.is_marked = false;
        source.pushed_at.clone_from(&source.listed.pushed_at);
        Ok(())
    }

    /// Since when each version of a module is known that something may be held back of, by what its downloads go by. What they do not
    /// know yet is new.
    fn first_seen(
        &self,
        owner: &Namespace,
        module: &ModuleAddress,
        source: &Source,
        now: u64,
    ) -> Option<impl Fn(&ModuleVersion) -> u64 + use<H>> {
        if !self.policy_of(module, Selected::default()).holds_back() {
            return None;
        }
        let history = History::load(self.host(), self.api(), owner.as_str(), source.as_str())?;
        let releases = history.pins.releases;
        Some(move |version: &ModuleVersion| {
            let release = releases.find(version);
            release.map_or(now, |it| it.target.first.since)
        })
    }
}

/// Repositories whose tags are asked for at once.
const MAX_CHECKS: usize = 60;
/// What is left of the time that a client waits when no more are asked for.
const TIME_TO_ANSWER: Duration = Duration::from_secs(3);
/// After so many in a row, it is GitHub that fails, and no repository.
const MAX_FAILURES: u32 = 3;
/// Of each module, for one to be left if some are yanked, and a stable one behind many that are not.
const MAX_STABLE: usize = 30;
const MAX_OTHERS: usize = 5;
