//! What the registry answers: a module's versions, where to get one, and its archive.

use std::rc::Rc;
use std::time::Duration;

use crate::archive::stream::ArchiveStream;
use crate::config::Config;
use crate::error::{Error, NotFound};
use crate::github::readiness::Readiness;
use crate::github::refs::Target;
use crate::github::{Deadline, GitHub, Repository};
use crate::host::Host;
use crate::module::{ModuleAddress, Namespace};
use crate::route::{ArchiveAddress, Wanted};
use crate::version::{ModuleVersion, Releases};

/// The registry, for one request.
pub struct Registry<'h, H> {
    config: Rc<Config>,
    github: GitHub<'h, H>,
}

/// A module's versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Where people find the module: Renovate takes its change logs from there.
    pub source: String,
    /// Each once, newest first; never empty.
    pub versions: Vec<ModuleVersion>,
}

impl<'h, H: Host> Registry<'h, H> {
    /// The registry that `config` describes.
    pub fn new(host: &'h H, config: Config) -> Self {
        let config = Rc::new(config);
        Self {
            config: Rc::clone(&config),
            github: GitHub::new(host, config),
        }
    }

    /// How many requests this one has cost so far.
    #[must_use]
    pub fn upstream_calls(&self) -> u32 {
        self.github.calls()
    }

    /// The public URL, where the configuration has one.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.config.base_url.as_deref()
    }

    /// Whether modules could be served.
    pub async fn readiness(&self) -> Readiness {
        self.github.check_credential(self.deadline()).await
    }

    /// All versions of a module.
    pub async fn versions(&self, module: &ModuleAddress) -> Result<Listing, Error> {
        let (repository, releases) = self.releases(module, self.deadline()).await?;
        Ok(Listing {
            source: self
                .config
                .github
                .repository_page(&repository.owner, &repository.name),
            versions: releases
                .listed()
                .map(|release| release.version.clone())
                .collect(),
        })
    }

    /// Where a version of a module is downloaded from.
    pub async fn download(
        &self,
        module: &ModuleAddress,
        wanted: &Wanted,
    ) -> Result<ArchiveAddress, Error> {
        let deadline = self.deadline();
        let (repository, releases) = self.releases(module, deadline).await?;
        let release = match wanted {
            Wanted::Latest => releases.latest(),
            Wanted::Version(version) => releases.find(version),
        };
        let release = release.ok_or(Error::NotFound(NotFound::Version))?;
        let commit = self
            .github
            .peel(&repository, &release.target, deadline)
            .await?;
        Ok(ArchiveAddress {
            module: module.clone(),
            version: release.version.clone(),
            commit,
        })
    }

    /// Whether an archive could be asked for. GitHub is not.
    pub fn check_archive(&self, archive: &ArchiveAddress) -> Result<(), Error> {
        self.owner(&archive.module).map(|_| ())
    }

    /// The archive of a version. The commit in its address must be the one that the version's tag stands for: GitHub
    /// would serve any commit of any fork under this repository's name.
    pub async fn archive(&self, archive: &ArchiveAddress) -> Result<ArchiveStream<'h, H>, Error> {
        let deadline = self.deadline();
        let (repository, releases) = self.releases(&archive.module, deadline).await?;
        let release = releases
            .find(&archive.version)
            .ok_or(Error::NotFound(NotFound::Version))?;
        let commit = self
            .github
            .peel(&repository, &release.target, deadline)
            .await?;
        if commit != archive.commit {
            return Err(Error::NotFound(NotFound::Version));
        }
        let limit = self.config.max_archive_bytes;
        ArchiveStream::open(self.github.clone(), repository, commit, limit).await
    }

    /// The repository of a module, by the first of `repository_names` that exists, and its releases, of which there
    /// is at least one.
    async fn releases(
        &self,
        module: &ModuleAddress,
        deadline: Deadline,
    ) -> Result<(Repository, Releases<Target>), Error> {
        let owner = self.owner(module)?;
        let mut tried: Vec<String> = Vec::new();
        for template in &self.config.repository_names {
            let name = template.repository(module);
            if tried.contains(&name) {
                continue;
            }
            let repository = Repository {
                owner: owner.as_str().to_owned(),
                name: name.clone(),
            };
            match self.github.tags(&repository, deadline).await {
                Err(Error::NotFound(NotFound::Repository)) => tried.push(name),
                Err(error) => return Err(error),
                Ok(tags) => {
                    let releases = Releases::from_tags(tags);
                    return if releases.is_empty() {
                        Err(Error::NotFound(NotFound::Versions))
                    } else {
                        Ok((repository, releases))
                    };
                }
            }
        }
        Err(Error::NotFound(NotFound::Repository))
    }

    fn owner(&self, module: &ModuleAddress) -> Result<&Namespace, Error> {
        self.config
            .owner(&module.namespace)
            .ok_or(Error::NotFound(NotFound::Owner))
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.github.host().now(), API_LIMIT)
    }
}

/// Terraform gives an API answer 10 s.
const API_LIMIT: Duration = Duration::from_secs(9);
