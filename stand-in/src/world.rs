//! Everything that the stand-in knows and remembers, behind one lock.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Method;
use tokio::sync::watch;

use crate::app::App;
use crate::archive::ArchiveToken;
use crate::clock::machine_seconds;
use crate::etag::Salt;
use crate::fault::{Fault, FaultKind};
use crate::fixture::PUBLIC_MARKER;
use crate::id_token::IdToken;
use crate::installation::{Account, AccountKind, Installation, InstallationRecord};
use crate::knobs::Knobs;
use crate::limit::{Bucket, Limits};
use crate::log::{LogEntry, Origin};
use crate::oidc_key::Keys;
use crate::profile::Profile;
use crate::repository::{About, Repository, Visibility};
use crate::route::AccountTarget;
use crate::tips::Remembered;
use crate::token::{InstallationToken, PersonalToken};
use crate::weather::Sky;
use crate::webhook_event::{RepositorySummary, Subject};

/// What both servers and the owner of the stand-in share.
pub(crate) struct GitHub {
    pub(crate) app: App,
    /// `http://127.0.0.1:PORT`.
    pub(crate) api_url: String,
    /// `127.0.0.1:PORT`.
    pub(crate) archive_origin: String,
    /// `OWNER/NAME.git` under it are found without being added.
    pub(crate) repositories: Option<PathBuf>,
    /// What opaque `ETag`s are made with.
    pub(crate) salt: Salt,
    /// Whether both origins close every connection.
    pub(crate) down: watch::Sender<bool>,
    /// The OIDC issuer's keys.
    pub(crate) oidc_keys: Mutex<Keys>,
    /// What git said of repositories.
    pub(crate) tips: Remembered,
    pub(crate) world: Mutex<World>,
}

/// The state that requests read and change.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) knobs: Knobs,
    pub(crate) profile: Profile,
    /// By lower-case login.
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) repositories: BTreeMap<u64, Repository>,
    /// Lower-case owner and name, of now or of before a rename, to the repository's id.
    names: HashMap<(String, String), u64>,
    pub(crate) installations: BTreeMap<u64, InstallationRecord>,
    pub(crate) tokens: HashMap<String, InstallationToken>,
    pub(crate) personal_tokens: HashMap<String, PersonalToken>,
    pub(crate) archive_tokens: HashMap<String, ArchiveToken>,
    /// What jobs get their ID tokens with, and which.
    pub(crate) request_tokens: HashMap<String, IdToken>,
    pub(crate) faults: Vec<Fault>,
    /// Faults at random, where there is weather.
    pub(crate) sky: Option<Sky>,
    log: Vec<LogEntry>,
    /// How many entries were cleared away: the number of the first in `log`.
    cleared: usize,
    /// Tokens minted since the log was cleared.
    pub(crate) mints: u64,
    /// Requests and connections turned away since then because GitHub was down.
    pub(crate) refused: u64,
    pub(crate) limits: Limits,
    ids: u64,
}

impl GitHub {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stand-in's clock, in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.world().now()
    }

    /// Adds what has appeared under the repositories' directory, in the order of names, and installs the App on new owners.
    pub(crate) fn scan(&self) {
        let Some(directory) = &self.repositories else {
            return;
        };
        for owner in children(directory) {
            let owner_directory = directory.join(&owner);
            for child in children(&owner_directory) {
                let Some(name) = child.strip_suffix(".git") else {
                    continue;
                };
                let git_dir = owner_directory.join(&child);
                let visibility = if git_dir.join(PUBLIC_MARKER).exists() {
                    Visibility::Public
                } else {
                    Visibility::Private
                };
                let mut world = self.world();
                // A removed or renamed repository is not found again under its old name.
                if !world.names.contains_key(&key(&owner, name)) {
                    let known_owner = world.accounts.contains_key(&owner.to_lowercase());
                    world.add_repository(&owner, name, visibility, git_dir);
                    if !known_owner {
                        world.install(&owner, Installation::default());
                    }
                }
            }
        }
    }
}

impl World {
    pub(crate) fn new(knobs: Knobs) -> Self {
        Self {
            knobs,
            ..Self::default()
        }
    }

    pub(crate) fn now(&self) -> i64 {
        machine_seconds().saturating_add(self.knobs.clock_offset_seconds)
    }

    pub(crate) fn account(&mut self, login: &str) -> &mut Account {
        let id = self.ids + 1;
        self.accounts
            .entry(login.to_lowercase())
            .or_insert_with(|| {
                self.ids = id;
                Account {
                    id,
                    login: login.to_owned(),
                    kind: AccountKind::Organization,
                }
            })
    }

    pub(crate) fn account_of(&self, target: &AccountTarget) -> Option<&Account> {
        match target {
            AccountTarget::Named(login) => self.accounts.get(&login.to_lowercase()),
            AccountTarget::Numbered(id) => self.accounts.values().find(|account| account.id == *id),
        }
    }

    /// A repository of the same name takes the name over, which ends a redirect.
    pub(crate) fn add_repository(
        &mut self,
        owner: &str,
        name: &str,
        visibility: Visibility,
        git_dir: PathBuf,
    ) -> u64 {
        let owner = self.account(owner).login.clone();
        let id = self.next_id();
        self.names.insert(key(&owner, name), id);
        let repository = Repository {
            id,
            owner,
            name: name.to_owned(),
            visibility,
            git_dir,
            archived: false,
            block: None,
            about: About::default(),
        };
        self.repositories.insert(id, repository);
        id
    }

    pub(crate) fn rename_repository(&mut self, id: u64, owner: &str, name: &str) -> bool {
        let owner = self.account(owner).login.clone();
        let Some(repository) = self.repositories.get_mut(&id) else {
            return false;
        };
        self.names.insert(key(&owner, name), id);
        repository.owner = owner;
        name.clone_into(&mut repository.name);
        true
    }

    /// The repository of this name, now or before a rename.
    pub(crate) fn repository_named(&self, owner: &str, name: &str) -> Option<&Repository> {
        self.repositories.get(self.names.get(&key(owner, name))?)
    }

    /// As [`repository_named`](Self::repository_named), to be changed.
    pub(crate) fn repository_named_mut(
        &mut self,
        owner: &str,
        name: &str,
    ) -> Option<&mut Repository> {
        self.repositories
            .get_mut(self.names.get(&key(owner, name))?)
    }

    /// Installs the App on an account, or changes its installation there.
    pub(crate) fn install(&mut self, owner: &str, settings: Installation) -> u64 {
        let account = self.account(owner).login.to_lowercase();
        let present = self
            .installations
            .values_mut()
            .find(|record| record.account == account);
        if let Some(record) = present {
            record.settings = settings;
            return record.id;
        }
        let id = self.next_id();
        self.installations.insert(
            id,
            InstallationRecord {
                id,
                account,
                settings,
            },
        );
        id
    }

    /// Takes the installation away; its tokens are worth nothing from now on, and the next installation has a new id.
    pub(crate) fn uninstall(&mut self, owner: &str) {
        let owner = owner.to_lowercase();
        self.installations
            .retain(|_, record| record.account != owner);
    }

    /// The first ordered fault that matches, one of its times used up; else what the weather brings.
    pub(crate) fn take_fault(
        &mut self,
        origin: Origin,
        method: &Method,
        path: &str,
    ) -> Option<FaultKind> {
        let mut faults = self.faults.iter();
        let Some(at) = faults.position(|fault| fault.matches(origin, method, path)) else {
            return self.sky.as_mut()?.strike(origin, method, path);
        };
        let fault = self.faults.get_mut(at)?;
        let kind = fault.fault.clone();
        if let Some(times) = &mut fault.times {
            *times -= 1;
            if *times == 0 {
                self.faults.remove(at);
            }
        }
        Some(kind)
    }

    pub(crate) fn log(&self) -> &[LogEntry] {
        &self.log
    }

    /// Forgets the requests, and all that was counted with them.
    pub(crate) fn clear_log(&mut self) {
        self.cleared += self.log.len();
        self.log.clear();
        self.mints = 0;
        self.refused = 0;
        self.limits.forget_peak();
    }

    /// Notes a request on its arrival, for its client may leave before the answer. Gives its number.
    pub(crate) fn log_request(&mut self, entry: LogEntry) -> usize {
        self.log.push(entry);
        self.cleared + self.log.len() - 1
    }

    /// Notes how a request was answered, unless it was cleared meanwhile.
    pub(crate) fn log_answer(&mut self, number: usize, status: u16, billed: bool) {
        let entry = number
            .checked_sub(self.cleared)
            .and_then(|at| self.log.get_mut(at));
        if let Some(entry) = entry {
            entry.status = Some(status);
            entry.billed = billed;
        }
    }

    /// Sets the used count of an account's installation.
    pub(crate) fn set_used(&mut self, owner: &str, used: u64) -> Option<()> {
        let bucket = Bucket::Installation(self.installation_of(owner)?.id);
        let now = self.now();
        self.limits.set_used(&bucket, used, &self.knobs, now);
        Some(())
    }

    /// What webhooks say of a repository.
    pub(crate) fn subject(&self, owner: &str, name: &str) -> Option<Subject> {
        let repository = self.repository_named(owner, name)?;
        let installation = self.installation_of(&repository.owner)?;
        let account = self.accounts.get(&installation.account)?;
        Some(Subject {
            installation: installation.id,
            repository: RepositorySummary {
                id: repository.id,
                owner: repository.owner.clone(),
                owner_id: account.id,
                name: repository.name.clone(),
                private: repository.visibility == Visibility::Private,
            },
        })
    }

    /// The App's installation on an account.
    pub(crate) fn installation_of(&self, owner: &str) -> Option<&InstallationRecord> {
        let owner = owner.to_lowercase();
        self.installations
            .values()
            .find(|record| record.account == owner)
    }

    fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }
}

/// Names of owners and repositories are not case-sensitive.
fn key(owner: &str, name: &str) -> (String, String) {
    (owner.to_lowercase(), name.to_lowercase())
}

fn children(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}
