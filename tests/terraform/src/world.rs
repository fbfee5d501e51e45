//! One trial's world: a GitHub of its own, and a registry before it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use landfall_stand_in::fixture::Repository;
use landfall_stand_in::{StandIn, StandInConfig};
use tempfile::TempDir;

use crate::client::{Client, Root};
use crate::programs::Program;
use crate::server::{Server, Variables};
use crate::tree::{self, Tree};

/// The owner whose modules are served.
pub const OWNER: &str = "acme";

/// Some of Landfall's variables, by name.
pub type Settings = &'static [(&'static str, &'static str)];

/// GitHub, the registry, and the repositories that both are about.
pub struct World<R = Server> {
    /// The registry.
    pub registry: R,
    /// GitHub.
    pub github: Arc<StandIn>,
    /// Where the registry listens.
    pub address: String,
    /// What the registry was started with.
    pub variables: Variables,
    repositories: Arc<TempDir>,
}

impl<R> World<R> {
    /// A world without repositories, in which `start` gives the registry and its address; these settings are beside those
    /// that say where GitHub is, and that everyone may read.
    pub fn around(settings: Settings, start: impl FnOnce(&Variables) -> (R, String)) -> Self {
        let repositories = TempDir::new().unwrap();
        let github = StandIn::start(StandInConfig {
            repositories: Some(repositories.path().to_owned()),
            ..StandInConfig::default()
        })
        .unwrap();
        let mut variables = vec![
            ("github_api_url", github.api_url().to_owned()),
            ("github_archive_hosts", github.archive_origin().to_owned()),
            ("github_app_id", github.app_id().to_string()),
            ("github_private_key", github.private_key_pem().to_owned()),
            ("oidc_issuers", github.oidc_issuer()),
            ("allowed_owners", OWNER.to_owned()),
            ("anonymous_read", "true".to_owned()),
        ];
        set(&mut variables, settings);
        let (registry, address) = start(&variables);
        Self {
            registry,
            github: Arc::new(github),
            address,
            variables,
            repositories: Arc::new(repositories),
        }
    }

    /// The same GitHub behind another registry, which `start` gives with its address, and in which these variables are
    /// others.
    pub fn with<S>(
        &self,
        changes: &[(&'static str, &str)],
        start: impl FnOnce(&Variables) -> (S, String),
    ) -> World<S> {
        let mut variables = self.variables.clone();
        set(&mut variables, changes);
        let (registry, address) = start(&variables);
        World {
            registry,
            github: Arc::clone(&self.github),
            address,
            variables,
            repositories: Arc::clone(&self.repositories),
        }
    }

    /// Begins a repository `acme/NAME`; GitHub knows of it once it is built.
    pub fn repository(&self, name: &str) -> Repository {
        self.repository_of(OWNER, name)
    }

    /// As [`repository`](Self::repository), for any owner.
    pub fn repository_of(&self, owner: &str, name: &str) -> Repository {
        Repository::new(self.repositories.path(), owner, name)
    }

    /// Carries `acme/NAME` on.
    pub fn carried_on(&self, name: &str) -> Repository {
        Repository::open(self.repositories.path(), OWNER, name).unwrap()
    }

    /// The files of `acme/NAME` at a revision.
    pub fn committed(&self, name: &str, revision: &str) -> Tree {
        tree::committed(&self.git_dir(name), revision)
    }

    /// What git calls the commit of a revision of `acme/NAME`.
    pub fn commit(&self, name: &str, revision: &str) -> String {
        let revision = format!("{revision}^{{commit}}");
        let id = git(&self.git_dir(name), &["rev-parse", "--verify", &revision]);
        String::from_utf8(id).unwrap().trim().to_owned()
    }

    /// Where `acme/NAME` is.
    pub fn git_dir(&self, name: &str) -> PathBuf {
        let owner = self.repositories.path().join(OWNER);
        owner.join(format!("{name}.git"))
    }

    /// A root module that `client` will install the modules of.
    pub fn root(&self, client: Client, main: &str) -> Root {
        Root::new(client, &self.address, main)
    }
}

/// Sets variables, which may be there already.
fn set(variables: &mut Variables, changes: &[(&'static str, &str)]) {
    variables.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let changes = changes.iter();
    variables.extend(changes.map(|(name, value)| (*name, (*value).to_owned())));
}

/// What `git` says.
pub fn git(git_dir: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Program::Git
        .command(git_dir)
        .arg("--git-dir")
        .arg(git_dir)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {}: {output:?}",
        arguments.join(" ")
    );
    output.stdout
}
