//! Which repository a module is in, and whether what is known of it will do.

use super::index::What;
use super::refresh::PATIENCE;
use super::{Freshness, Owed, Registry};
use crate::cache::entry::{Entry, Kind, Lookup};
use crate::cache::history::History;
use crate::cache::names::Why;
use crate::catalogue::Source;
use crate::error::{Error, Integrity, NotFound};
use crate::github::Repository;
use crate::github::limits::Purpose;
use crate::host::{Deadline, Host};
use crate::lifecycle::Policy;
use crate::module::{ModuleAddress, Namespace};
use crate::pins::{MovedTags, Pin};
use crate::version::{Release, Releases};

/// A repository, and what is known of it.
pub(super) struct Found {
    /// Where it is, as the configuration makes it of the module's address.
    pub(super) source: Source,
    pub(super) entry: Entry,
    /// Where GitHub was asked.
    pub(super) history: Option<History>,
}

/// Repositories that a module may be in.
#[derive(Default)]
struct Candidates {
    /// The one that it was found in.
    known: Option<(Source, Entry)>,
    /// Whether one that goes before it appeared later.
    has_newcomer: bool,
    /// Those that go before it, and of which nothing is known but, perhaps, that they are gone.
    unknown: Vec<(Source, Option<Entry>)>,
}

/// A release of a module, and where it comes from.
pub(super) struct Chosen<'r> {
    pub(super) owner: Namespace,
    pub(super) source: Source,
    /// The folder of the repository that is served.
    pub(super) path: String,
    pub(super) entry: Entry,
    pub(super) release: Release<Pin>,
    pub(super) repository: Repository,
    pub(super) policy: Policy<'r>,
}

/// Where GitHub has a repository of which so much is known.
pub(super) fn repository(
    owner: &Namespace,
    source: &Source,
    history: Option<&History>,
) -> Repository {
    Repository {
        owner: owner.as_str().to_owned(),
        name: source.repository().to_owned(),
        id: history.filter(|it| it.is_renamed).and_then(|it| it.id),
    }
}

impl<H: Host> Registry<'_, H> {
    /// The repository of a module, which has at least one version: the first of `repository_names` that exists. A module
    /// that was found once stays where it was found: if that repository goes, or another one appears that goes before
    /// it, the same version would be other content.
    pub(super) async fn find(
        &self,
        module: &ModuleAddress,
        deadline: Deadline,
    ) -> Result<Found, Error> {
        let found = self.find_named(module, deadline).await?;
        // What is left out is so by the name that it has now, too.
        if let Some((owner, name)) = &found.entry.renamed
            && let Some(owner) = Namespace::parse(owner)
            && self.selected(&owner, name).is_nothing()
        {
            return Err(Error::NotFound(NotFound::Repository));
        }
        Ok(found)
    }

    async fn find_named(&self, module: &ModuleAddress, deadline: Deadline) -> Result<Found, Error> {
        let owner = &self.owner(module)?;
        if self.catalogue().selection.needs_topics() && self.topics.get().is_none() {
            let index = self.index(owner, What::Topics).await?;
            if index.is_partial() {
                let text = "the list of repositories is not complete yet";
                return Err(Error::Unavailable(text.to_owned()));
            }
            let _ = self.topics.set(index);
        }
        let Candidates {
            known,
            mut has_newcomer,
            unknown,
        } = self.candidates(owner, &self.sources(module));
        let (now, lifetimes) = (self.host().now(), &self.config.lifetimes);
        let entry = known.as_ref().map(|(_, entry)| entry);
        let deadline_of_guesses = match entry {
            Some(_) => deadline.sooner(now, PATIENCE),
            None => deadline,
        };
        let mut found_absent = Vec::new();
        let mut failure = Error::NotFound(NotFound::Repository);
        for (name, gone) in unknown {
            let is_absent = match &gone {
                Some(gone) => Entry::lookup(Some(gone), now, lifetimes) == Lookup::Fresh,
                None => entry.is_some_and(|entry| entry.follows(name.as_str(), now, lifetimes)),
            };
            if is_absent {
                continue;
            }
            let knew = entry.is_some_and(|entry| entry.knew(name.as_str()));
            let why = self.names(owner).why(name.as_str(), now, lifetimes);
            let asked = if let Some(why) = why {
                Err(why.error())
            } else {
                let (purpose, deadline) = (Purpose::First, deadline_of_guesses);
                self.refresh(owner, &name, gone, purpose, deadline).await
            };
            match asked {
                Ok(found) if found.entry.kind == Kind::Gone => found_absent.push(name.to_string()),
                Ok(found) => {
                    if knew {
                        let message = format!(
                            "integrity: {owner}/{name} appeared, and goes before the repository that {module} was found in"
                        );
                        self.integrity("appeared", owner, &message);
                    }
                    if self.follows_moves() || !knew {
                        return usable(self.follow(owner, found, &found_absent));
                    }
                    has_newcomer = true;
                }
                Err(error) => {
                    match Why::of(&error) {
                        Some(Why::Repository) => found_absent.push(name.to_string()),
                        // The module was found in what is known, and GitHub is given a moment.
                        _ if knew && error.is_passing() => {
                            if why.is_none() {
                                self.remember_absent(owner, &name, Why::Unanswered);
                            }
                            break;
                        }
                        _ => return Err(error),
                    }
                    failure = error;
                }
            }
        }
        let (source, entry) = known.ok_or(failure)?;
        let found = Found {
            source,
            entry,
            history: None,
        };
        let found = self.follow(owner, found, &found_absent);
        let mut found = self.up_to_date(owner, found, deadline).await?;
        if has_newcomer {
            if self.config.moved_tags == MovedTags::Refuse {
                return Err(Error::Integrity(Integrity::Replaced));
            }
            found.entry.warning = Some(NEWCOMER.to_owned());
        }
        Ok(found)
    }

    /// What is known of the repositories that a module may be in.
    fn candidates(&self, owner: &Namespace, names: &[Source]) -> Candidates {
        let mut candidates = Candidates::default();
        for (index, name) in names.iter().enumerate() {
            match Entry::load(self.host(), self.api(), owner.as_str(), name.as_str()) {
                None => candidates.unknown.push((name.clone(), None)),
                Some(entry) if entry.kind == Kind::Gone && self.follows_moves() => {
                    candidates.unknown.push((name.clone(), Some(entry)));
                }
                Some(entry) => {
                    let later = names.get(index + 1..).unwrap_or_default();
                    let found_later = self.found_later(owner, name, &entry, later);
                    candidates.has_newcomer = found_later.is_some();
                    candidates.known = found_later.or_else(|| Some((name.clone(), entry)));
                    return candidates;
                }
            }
        }
        candidates
    }

    /// The repository of a later template that the module was found in when this one did not exist. Each later name is
    /// looked at once.
    fn found_later(
        &self,
        owner: &Namespace,
        name: &Source,
        entry: &Entry,
        later: &[Source],
    ) -> Option<(Source, Entry)> {
        if self.follows_moves() {
            return None;
        }
        let unchecked: Vec<&Source> = later
            .iter()
            .filter(|it| !entry.was_first(it.as_str()))
            .collect();
        for later in &unchecked {
            let found = Entry::load(self.host(), self.api(), owner.as_str(), later.as_str());
            if let Some(found) = found.filter(|it| it.knew(name.as_str())) {
                return Some(((*later).clone(), found));
            }
        }
        if !unchecked.is_empty() {
            let kept = Entry::load(self.host(), self.api(), owner.as_str(), name.as_str());
            let mut kept = kept.unwrap_or_else(|| entry.clone());
            let unchecked: Vec<&str> = unchecked.iter().map(|it| it.as_str()).collect();
            if kept.note_first(&unchecked) {
                kept.save(self.host(), owner.as_str(), name.as_str());
            }
        }
        None
    }

    fn follows_moves(&self) -> bool {
        self.config.moved_tags == MovedTags::Follow
    }

    /// A release of a module. No list that is not fresh is believed that there is none.
    pub(super) async fn choose(
        &self,
        module: &ModuleAddress,
        choose: impl Fn(&Policy<'_>, &Releases<Pin>) -> Option<Release<Pin>>,
        deadline: Deadline,
    ) -> Result<Chosen<'_>, Error> {
        let owner = &self.owner(module)?;
        let mut found = self.remember(owner, self.find(module, deadline).await?);
        let policy = self.policy(module, owner, &found.source);
        let choose = |releases: &Releases<Pin>| choose(&policy, releases);
        let releases = found.history.as_ref().map(|it| &it.pins.releases);
        if releases.is_none_or(|it| choose(it).is_none()) {
            let is_stale = self.freshness.get() == Some(Freshness::Stale);
            // The store may have lost one of the two values, or kept an older one.
            let listed_at = found.history.as_ref().map(|it| it.listed_at);
            let is_sound = listed_at == Some(found.entry.listed_at);
            if is_stale || !is_sound {
                let is_refresh = |owed: &Owed| matches!(owed, Owed::Refresh { .. });
                self.owed.borrow_mut().retain(|owed| !is_refresh(owed));
                let (purpose, before) = (self.purpose(&found.entry), Some(found.entry));
                let asked = self.refresh(owner, &found.source, before, purpose, deadline);
                found = self.remember(owner, usable(asked.await?)?);
            }
        }
        let Found {
            source,
            entry,
            history,
        } = found;
        let release = history.as_ref().and_then(|it| choose(&it.pins.releases));
        let release = release.ok_or_else(|| match self.freshness.get() {
            Some(Freshness::Outlived) => {
                Error::Unavailable("the version is not known, and may be new".to_owned())
            }
            _ => Error::NotFound(NotFound::Version),
        })?;
        Ok(Chosen {
            repository: repository(owner, &source, history.as_ref()),
            owner: owner.clone(),
            path: self.catalogue().root(module),
            source,
            entry,
            release,
            policy,
        })
    }

    /// With what is known of its tags.
    fn remember(&self, owner: &Namespace, mut found: Found) -> Found {
        if found.history.is_none() {
            found.history = History::load(
                self.host(),
                self.api(),
                owner.as_str(),
                found.source.as_str(),
            );
        }
        found
    }

    /// What is known will do, or GitHub is asked first.
    async fn up_to_date(
        &self,
        owner: &Namespace,
        mut found: Found,
        deadline: Deadline,
    ) -> Result<Found, Error> {
        let (now, lifetimes) = (self.host().now(), &self.config.lifetimes);
        match Entry::lookup(Some(&found.entry), now, lifetimes) {
            Lookup::Fresh => self.freshness.set(Some(Freshness::Fresh)),
            Lookup::Stale => {
                self.freshness.set(Some(Freshness::Stale));
                self.owe_refresh(owner, &found);
            }
            Lookup::Expired | Lookup::Miss => {
                let (purpose, before) = (self.purpose(&found.entry), Some(found.entry.clone()));
                let asked = self.refresh(owner, &found.source, before, purpose, deadline);
                match asked.await {
                    Ok(found) => return usable(found),
                    Err(error) if self.outlives(&found.entry, &error) => {
                        self.host().log(&format!(
                            "{owner}/{}: {error}: what GitHub said before is served",
                            found.source
                        ));
                        self.freshness.set(Some(Freshness::Outlived));
                        if let Error::Integrity(_) = error {
                            found.entry.warning = Some(self.replaced_warning());
                        }
                        let waited = self.host().now().duration_since(now).unwrap_or_default();
                        if waited >= PATIENCE {
                            // It may only have taken longer than a client waits.
                            self.owe_refresh(owner, &found);
                        }
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        usable(found)
    }

    fn owe_refresh(&self, owner: &Namespace, found: &Found) {
        self.owe(Owed::Refresh {
            owner: owner.clone(),
            source: found.source.clone(),
            entry: Box::new(found.entry.clone()),
        });
    }

    /// Remembers that other repositories, which go before this one, do not exist.
    fn follow(&self, owner: &Namespace, mut found: Found, absent: &[String]) -> Found {
        let (host, now) = (self.host(), self.host().now());
        if found.entry.follow(absent, now) {
            // What is kept may be newer than what was read.
            let kept = Entry::load(host, self.api(), owner.as_str(), found.source.as_str());
            let mut kept = kept.unwrap_or_else(|| found.entry.clone());
            kept.follow(absent, now);
            kept.save(host, owner.as_str(), found.source.as_str());
        }
        found
    }

    /// Where a module may be: where the catalogue says, or in a repository of one of these names, of which GitHub's are at most 100
    /// characters long. A repository that the catalogue names is no module by its own name, and one that it leaves out is none at all.
    fn sources(&self, module: &ModuleAddress) -> Vec<Source> {
        let is_nothing = |owner: &Namespace, name: &str| self.selected(owner, name).is_nothing();
        if let Some(place) = self.catalogue().find(module) {
            let is_left_out = is_nothing(&place.owner, place.source.repository());
            return (!is_left_out).then_some(place.source).into_iter().collect();
        }
        let mut names: Vec<String> = Vec::new();
        for template in &self.config.repository_names {
            let name = template.repository(module);
            let is_known = names.iter().any(|it| it.eq_ignore_ascii_case(&name));
            let catalogue = self.catalogue();
            let is_catalogued = catalogue.has_repository(&module.namespace, &name);
            let is_left_out = is_catalogued || is_nothing(&module.namespace, &name);
            if name.len() <= MAX_NAME && !is_known && !is_left_out {
                names.push(name);
            }
        }
        names.iter().map(|name| Source::whole(name)).collect()
    }
}

/// What has versions.
fn usable(found: Found) -> Result<Found, Error> {
    match found.entry.kind {
        Kind::Versions => Ok(found),
        Kind::Empty => Err(Error::NotFound(NotFound::Versions)),
        Kind::Gone => Err(Error::NotFound(NotFound::Repository)),
        Kind::Refused => Err(Why::Refused.error()),
        Kind::Replaced => Err(Error::Integrity(Integrity::Replaced)),
    }
}

const NEWCOMER: &str =
    "a repository appeared that goes before this module's: the one that it was found in is served";
const MAX_NAME: usize = 100;
