//! Which repository a module is in, and whether what is known of it will do.

use super::refresh::PATIENCE;
use super::{Freshness, Owed, Registry};
use crate::cache::entry::{Entry, Kind, Lookup};
use crate::cache::history::History;
use crate::cache::names::{Names, Why};
use crate::error::{Error, Integrity, NotFound};
use crate::github::limits::Purpose;
use crate::github::{Deadline, Repository};
use crate::host::Host;
use crate::module::{ModuleAddress, Namespace};
use crate::pins::{MovedTags, Pin};
use crate::version::{Release, Releases};

/// A repository, and what is known of it.
pub(super) struct Found {
    /// As the configuration makes it of the module's address.
    pub(super) name: String,
    pub(super) entry: Entry,
    /// Where GitHub was asked.
    pub(super) history: Option<History>,
}

/// Repositories that a module may be in.
#[derive(Default)]
struct Candidates {
    /// The one that it was found in.
    known: Option<(String, Entry)>,
    /// Those that go before it, and appeared later.
    newcomers: Vec<String>,
    /// Those that go before it, and of which nothing is known.
    unknown: Vec<String>,
}

/// A release of a module, and where it comes from.
pub(super) struct Chosen {
    pub(super) name: String,
    pub(super) entry: Entry,
    pub(super) release: Release<Pin>,
    pub(super) repository: Repository,
}

/// Where GitHub has a repository of which so much is known.
pub(super) fn repository(owner: &Namespace, name: &str, history: Option<&History>) -> Repository {
    Repository {
        owner: owner.as_str().to_owned(),
        name: name.to_owned(),
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
        let owner = self.owner(module)?;
        let Candidates {
            known,
            mut newcomers,
            unknown,
        } = self.candidates(owner, module);
        let (now, lifetimes) = (self.host().now(), &self.config.lifetimes);
        let entry = known.as_ref().map(|(_, entry)| entry);
        let deadline_of_guesses = match entry {
            Some(_) => deadline.sooner(now, PATIENCE),
            None => deadline,
        };
        let mut names = None;
        let mut found_absent = Vec::new();
        let mut failure = Error::NotFound(NotFound::Repository);
        for name in unknown {
            if entry.is_some_and(|entry| entry.follows(&name, now, lifetimes)) {
                continue;
            }
            let names =
                names.get_or_insert_with(|| Names::load(self.host(), &self.config, owner.as_str()));
            let asked = if let Some(why) = names.why(&name, now, lifetimes) {
                Err(why.error())
            } else {
                let deadline = deadline_of_guesses;
                self.refresh(owner, &name, None, Purpose::First, deadline)
                    .await
            };
            match asked {
                Ok(found) if found.entry.kind == Kind::Gone => found_absent.push(name),
                Ok(mut found) => {
                    let is_newcomer = entry.is_some_and(|entry| entry.knew(&name));
                    if is_newcomer {
                        self.host().log(&format!(
                            "integrity: {owner}/{name} appeared, and goes before the repository that {module} was found in"
                        ));
                    }
                    if self.follows_moves() || !is_newcomer {
                        return usable(self.follow(owner, found, &found_absent));
                    }
                    found.entry.is_newcomer = true;
                    found.entry.save(self.host(), owner.as_str(), &name);
                    newcomers.push(name);
                }
                Err(error) => {
                    match Why::of(&error) {
                        Some(Why::Repository) => found_absent.push(name),
                        // What is known is served, and GitHub is given a moment.
                        _ if known.is_some() && error.is_passing() => {
                            names.insert(&name, Why::Unanswered, self.host().now(), lifetimes);
                            names.save(self.host(), owner.as_str());
                            break;
                        }
                        _ => return Err(error),
                    }
                    failure = error;
                }
            }
        }
        let (name, entry) = known.ok_or(failure)?;
        let found = Found {
            name,
            entry,
            history: None,
        };
        let found = self.follow(owner, found, &found_absent);
        let mut found = self.up_to_date(owner, found, deadline).await?;
        if !newcomers.is_empty() {
            if self.config.moved_tags == MovedTags::Refuse {
                return Err(Error::Integrity(Integrity::Replaced));
            }
            found.entry.warning = Some(NEWCOMER.to_owned());
        }
        Ok(found)
    }

    /// What is known of the repositories that a module may be in.
    fn candidates(&self, owner: &Namespace, module: &ModuleAddress) -> Candidates {
        let mut candidates = Candidates::default();
        let mut newcomer = None;
        for name in self.names(module) {
            match Entry::load(self.host(), self.api(), owner.as_str(), &name) {
                None => candidates.unknown.push(name),
                Some(entry) if entry.kind == Kind::Gone && self.follows_moves() => {
                    candidates.unknown.push(name);
                }
                Some(entry) if entry.is_newcomer && !self.follows_moves() => {
                    candidates.newcomers.push(name.clone());
                    newcomer = newcomer.or(Some((name, entry)));
                }
                Some(entry) => {
                    let newcomers = &mut candidates.newcomers;
                    newcomers.retain(|newcomer| entry.knew(newcomer));
                    let is_first = newcomers.is_empty() && newcomer.is_some();
                    candidates.known = newcomer.filter(|_| is_first).or(Some((name, entry)));
                    return candidates;
                }
            }
        }
        // Nothing was there before it.
        candidates.newcomers.clear();
        candidates.known = newcomer;
        candidates
    }

    fn follows_moves(&self) -> bool {
        self.config.moved_tags == MovedTags::Follow
    }

    /// A release of a module. No list that is not fresh is believed that there is none.
    pub(super) async fn choose(
        &self,
        module: &ModuleAddress,
        choose: impl Fn(&Releases<Pin>) -> Option<Release<Pin>>,
        deadline: Deadline,
    ) -> Result<Chosen, Error> {
        let owner = self.owner(module)?;
        let mut found = self.remember(owner, self.find(module, deadline).await?);
        let releases = found.history.as_ref().map(|it| &it.pins.releases);
        if releases.is_none_or(|it| choose(it).is_none()) {
            let is_stale = self.freshness.get() == Some(Freshness::Stale);
            // The store may have lost one of the two values, or kept an older one.
            let listed_at = found.history.as_ref().map(|it| it.listed_at);
            let is_sound = listed_at == Some(found.entry.listed_at);
            if is_stale || !is_sound {
                self.owed.borrow_mut().clear();
                let (purpose, before) = (self.purpose(&found.entry), Some(found.entry));
                let asked = self.refresh(owner, &found.name, before, purpose, deadline);
                found = self.remember(owner, usable(asked.await?)?);
            }
        }
        let Found {
            name,
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
            repository: repository(owner, &name, history.as_ref()),
            name,
            entry,
            release,
        })
    }

    /// With what is known of its tags.
    fn remember(&self, owner: &Namespace, mut found: Found) -> Found {
        if found.history.is_none() {
            found.history = History::load(self.host(), self.api(), owner.as_str(), &found.name);
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
                let asked = self.refresh(owner, &found.name, before, purpose, deadline);
                match asked.await {
                    Ok(found) => return usable(found),
                    Err(error) if self.outlives(&found.entry, &error) => {
                        self.host().log(&format!(
                            "{owner}/{}: {error}: what GitHub said before is served",
                            found.name
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
            name: found.name.clone(),
            entry: Box::new(found.entry.clone()),
        });
    }

    /// Remembers that other repositories, which go before this one, do not exist.
    fn follow(&self, owner: &Namespace, mut found: Found, absent: &[String]) -> Found {
        let (host, now) = (self.host(), self.host().now());
        if found.entry.follow(absent, now) {
            // What is kept may be newer than what was read.
            let kept = Entry::load(host, self.api(), owner.as_str(), &found.name);
            let mut kept = kept.unwrap_or_else(|| found.entry.clone());
            kept.follow(absent, now);
            kept.save(host, owner.as_str(), &found.name);
        }
        found
    }

    /// The names that a module's repository may have. GitHub's are at most 100 characters long.
    fn names(&self, module: &ModuleAddress) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for template in &self.config.repository_names {
            let name = template.repository(module);
            let is_known = names.iter().any(|it| it.eq_ignore_ascii_case(&name));
            if name.len() <= MAX_NAME && !is_known {
                names.push(name);
            }
        }
        names
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
