//! Every variable: its name, default, bounds and meaning. `docs/configuration.md` tells operators the same.
//!
//! A configuration is read anew for each request, because a request may be an instance's first and last. So reading
//! is cheap, and the private key is only decoded here; `github::jwt` parses it when a signature is due. Instances that are
//! used again keep it for some seconds ([`Remembered`]).
//! All problems are collected, and none of them names a value.

mod github_urls;
mod readers;
mod remembered;
mod variables;

use std::fmt;

use sha2::{Digest as _, Sha256};

pub(crate) use self::github_urls::is_safe_url;
pub use self::github_urls::{GitHubUrls, is_loopback_authority};
pub use self::remembered::Remembered;
pub(crate) use self::variables::BASE64_ANY_PADDING;
use self::variables::Variables;
use crate::auth::Readers;
use crate::cache::Lifetimes;
use crate::cache::shelf::Bounds;
use crate::catalogue::Catalogue;
use crate::host::Host;
use crate::module::{Namespace, RepositoryTemplate};
use crate::pins::MovedTags;

/// What the variables say.
#[derive(Clone, Debug)]
pub struct Config {
    /// `github_api_url`, `github_archive_hosts`: where GitHub is.
    pub github: GitHubUrls,
    /// `github_app_id`, `github_private_key`, `github_installation_id`, `github_token`: as whom GitHub is asked.
    pub credential: Credential,
    /// `allowed_owners`: the GitHub owners that are served; never empty.
    pub allowed_owners: Vec<Namespace>,
    /// `repository_names`: tried in order; never empty.
    pub repository_names: Vec<RepositoryTemplate>,
    /// `base_url`: the public URL without a slash at its end; otherwise it is taken from each request.
    pub base_url: Option<String>,
    /// `max_archive_bytes`: an archive of more than this is refused.
    pub max_archive_bytes: u64,
    /// `cache_fresh_seconds`, `cache_stale_seconds`, `cache_error_seconds`, `cache_negative_seconds`: how long what
    /// GitHub said is good for.
    pub lifetimes: Lifetimes,
    /// `archive_cache_bytes`, `archive_cache_entries`: which archives are kept.
    pub archive_bounds: Bounds,
    /// `moved_tags`: what is served of a version whose tag was moved.
    pub moved_tags: MovedTags,
    /// `github_reserve_percent`: how much of GitHub's primary limit is left to others.
    pub reserve_percent: u64,
    /// `webhook_secret`: what webhooks are signed with; without it there are none.
    pub webhook_secret: Option<Secret>,
    /// `anonymous_read`, `tokens`, `oidc_issuers`, `oidc_audience`, `oidc_rules`, `url_signing_key`,
    /// `url_signing_key_previous`: who may read.
    pub readers: Readers,
    /// `direct_download`: whether OpenTofu downloads archives with its token.
    pub direct_download: bool,
    /// `modules`: where modules are that `repository_names` does not find, and what is not to be used.
    pub catalogue: Catalogue,
    /// `catalogue_repository`: where the catalogue stands instead.
    pub catalogue_repository: Option<CatalogueRepository>,
}

/// A repository of one of the `allowed_owners`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueRepository {
    /// The owner.
    pub owner: Namespace,
    /// The repository's own name.
    pub name: String,
}

impl CatalogueRepository {
    /// `OWNER/NAME`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

impl fmt::Display for CatalogueRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// As whom GitHub is asked.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A GitHub App, whose key makes a token for each installation.
    App {
        /// `github_app_id`: the App's id or client id.
        id: String,
        /// `github_private_key`: a PEM, PKCS#1 or PKCS#8.
        private_key: Secret,
        /// `github_installation_id`: where it is set, this installation serves every owner.
        installation: Option<u64>,
    },
    /// `github_token`.
    Token(Secret),
    /// Nothing: public repositories, with GitHub's limits for the anonymous.
    Anonymous,
}

impl Credential {
    /// Tells credentials apart, and nothing else.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut sum = Sha256::new();
        match self {
            Self::App {
                id, private_key, ..
            } => {
                sum.update(id);
                sum.update(private_key.expose());
            }
            Self::Token(token) => sum.update(token.expose()),
            Self::Anonymous => {}
        }
        let sum = sum.finalize();
        hex::encode(sum.get(..8).unwrap_or_default())
    }
}

/// Text that is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes `text` in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Config {
    /// Reads all variables from `host`.
    ///
    /// # Errors
    /// Every problem there is, one sentence each: the variable's name, what is wrong, and what to do.
    pub fn load(host: &impl Host) -> Result<Self, Vec<String>> {
        let mut variables = Variables {
            host,
            problems: Vec::new(),
        };
        let github = variables.github_urls();
        let credential = variables.credential();
        let allowed_owners = variables.allowed_owners();
        let repository_names = variables.repository_names();
        let base_url = variables.base_url();
        let max_archive_bytes = variables.max_archive_bytes();
        let lifetimes = variables.lifetimes();
        let archive_bounds = variables.archive_bounds();
        let moved_tags = variables.moved_tags();
        let reserve_percent = variables.reserve_percent();
        let webhook_secret = variables.webhook_secret();
        let readers = variables.readers(&credential, base_url.as_deref());
        let direct_download = variables.direct_download();
        let catalogue = variables.catalogue(&allowed_owners);
        let catalogue_repository = variables.catalogue_repository(&allowed_owners);
        match github {
            Some(github) if variables.problems.is_empty() => Ok(Self {
                github,
                credential,
                allowed_owners,
                repository_names,
                base_url,
                max_archive_bytes,
                lifetimes,
                archive_bounds,
                moved_tags,
                reserve_percent,
                webhook_secret,
                readers,
                direct_download,
                catalogue,
                catalogue_repository,
            }),
            _ => Err(variables.problems),
        }
    }

    /// The owner as the operator spells it, where it is served.
    #[must_use]
    pub fn owner(&self, namespace: &Namespace) -> Option<&Namespace> {
        self.allowed_owners.iter().find(|owner| *owner == namespace)
    }
}

/// What to do about a private key that cannot be read. `github::jwt` says the same of a key that does not parse.
pub const KEY_MEND: &str = "is not an RSA private key: set it to the content (not the name) of the `.pem` file \
                            that GitHub gave for the App, with its line breaks, with `\\n` or blanks in their place, \
                            or in base64";
