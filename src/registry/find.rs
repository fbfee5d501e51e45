//! Which repository a module is in, and whether what is known of it will do.

use super::{Freshness, Owed, Registry};
use crate::cache::absent::{Absent, Why};
use crate::cache::entry::{Entry, Kind, Lookup, milliseconds};
use crate::cache::history::History;
use crate::error::{Error, Integrity, NotFound};
use crate::github::{Deadline, Repository};
use crate::host::Host;
use crate::module::{ModuleAddress, Namespace};
use crate::pins::Pin;
use crate::version::{Release, Releases};

/// A repository, and what is known of it.
pub(super) struct Found {
    /// As the configuration makes it of the module's address.
    pub(super) name: String,
    pub(super) entry: Entry,
    /// Where GitHub was asked.
    pub(super) history: Option<History>,
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
    /// The repository of a module: the first of `repository_names` that exists. It has at least one version.
    pub(super) async fn find(
        &self,
        module: &ModuleAddress,
        deadline: Deadline,
    ) -> Result<Found, Error> {
        let owner = self.owner(module)?;
        let (now, lifetimes) = (self.host().now(), &self.config.lifetimes);
        let mut before = Vec::new();
        let mut known = None;
        for name in self.names(module) {
            match Entry::load(self.host(), self.api(), owner.as_str(), &name) {
                Some(entry) if entry.kind != Kind::Gone => {
                    known = Some((name, entry));
                    break;
                }
                other => before.push((name, other)),
            }
        }
        let follows = |name: &str| match &known {
            Some((_, entry)) => entry.follows(name, now),
            None => false,
        };
        let mut absent = None;
        let mut found_absent = Vec::new();
        let mut failure = Error::NotFound(NotFound::Repository);
        for (name, gone) in before {
            let is_gone = Entry::lookup(gone.as_ref(), now, lifetimes) == Lookup::Fresh;
            if is_gone || follows(&name) {
                continue;
            }
            let absent = absent
                .get_or_insert_with(|| Absent::load(self.host(), &self.config, owner.as_str()));
            let asked = match absent.why(&name, now, lifetimes) {
                Some(why) => Err(why.error()),
                None => self.refresh(owner, &name, gone, deadline).await,
            };
            match asked {
                Ok(found) if found.entry.kind != Kind::Gone => {
                    return usable(self.follow(owner, found, &found_absent));
                }
                Ok(_) => found_absent.push(name),
                Err(error) => {
                    match Why::of(&error) {
                        Some(Why::Repository) => found_absent.push(name),
                        _ if known.is_some() && error.is_passing() => break,
                        _ => return Err(error),
                    }
                    failure = error;
                }
            }
        }
        match known {
            None => Err(failure),
            Some((name, entry)) => {
                let found = Found {
                    name,
                    entry,
                    history: None,
                };
                let found = self.follow(owner, found, &found_absent);
                self.up_to_date(owner, found, deadline).await
            }
        }
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
                let before = Some(found.entry);
                let asked = self.refresh(owner, &found.name, before, deadline).await?;
                found = self.remember(owner, usable(asked)?);
            }
        }
        let Found {
            name,
            entry,
            history,
        } = found;
        let release = history.as_ref().and_then(|it| choose(&it.pins.releases));
        let release = release.ok_or(Error::NotFound(NotFound::Version))?;
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
        found: Found,
        deadline: Deadline,
    ) -> Result<Found, Error> {
        let (now, lifetimes) = (self.host().now(), &self.config.lifetimes);
        let mut lookup = Entry::lookup(Some(&found.entry), now, lifetimes);
        if lookup == Lookup::Stale {
            let absent = Absent::load(self.host(), &self.config, owner.as_str());
            let marks = found.entry.confirmed_at..=milliseconds(now);
            if marks.contains(&absent.marked_at) {
                lookup = Lookup::Expired;
            }
        }
        match lookup {
            Lookup::Fresh => self.freshness.set(Some(Freshness::Fresh)),
            Lookup::Stale => {
                self.freshness.set(Some(Freshness::Stale));
                self.owe(Owed::Refresh {
                    owner: owner.clone(),
                    name: found.name.clone(),
                    entry: Box::new(found.entry.clone()),
                });
            }
            Lookup::Expired | Lookup::Miss => {
                let before = Some(found.entry.clone());
                match self.refresh(owner, &found.name, before, deadline).await {
                    Ok(found) => return usable(found),
                    Err(error) if self.outlives(&found.entry, &error) => {
                        self.host().log(&format!(
                            "{owner}/{}: {error}: what GitHub said before is served",
                            found.name
                        ));
                        self.freshness.set(Some(Freshness::Outlived));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        usable(found)
    }

    /// Remembers that other repositories, which go before this one, do not exist.
    fn follow(&self, owner: &Namespace, mut found: Found, absent: &[String]) -> Found {
        if !absent.is_empty() {
            found.entry.follow(absent, self.host().now());
            found.entry.save(self.host(), owner.as_str(), &found.name);
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

const MAX_NAME: usize = 100;
