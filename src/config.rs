//! Every variable: its name, default, bounds and meaning. `docs/configuration.md` tells operators the same.
//!
//! A configuration is read anew for each request, because a request may be an instance's first and last. So reading
//! is cheap, and the private key is only decoded here; `github::app` parses it when a signature is due.
//! All problems are collected, and none of them names a value.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::{Host as UrlHost, Url};

use crate::host::Host;
use crate::module::{Namespace, RepositoryTemplate};

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

/// Where GitHub's API and archives are.
#[derive(Clone, Debug)]
pub struct GitHubUrls {
    api: Url,
    archive_hosts: Vec<ArchiveHost>,
}

/// One host that an archive redirect may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ArchiveHost {
    host: String,
    /// `None`: the scheme's own port, or on a loopback host any.
    port: Option<u16>,
}

impl GitHubUrls {
    /// The URL of an API path, which begins with a slash.
    #[must_use]
    pub fn api(&self, path: &str) -> String {
        format!("{}{path}", self.api.as_str().trim_end_matches('/'))
    }

    /// Where the API itself is, for keys and messages.
    #[must_use]
    pub fn api_base(&self) -> &str {
        self.api.as_str().trim_end_matches('/')
    }

    /// Whether `url` belongs to the API, so that it may be given the credential.
    #[must_use]
    pub fn is_api(&self, url: &Url) -> bool {
        let base = self.api.path().trim_end_matches('/');
        let below = url.path().strip_prefix(base);
        url.origin() == self.api.origin()
            && !has_credentials(url)
            && below.is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether an archive may be fetched from `url`: a known or configured host, and https (http only on loopback).
    #[must_use]
    pub fn is_archive(&self, url: &Url) -> bool {
        let is_known = || {
            let host = url.host_str().unwrap_or_default();
            self.archive_hosts.iter().any(|known| {
                known.host.eq_ignore_ascii_case(host)
                    && match known.port {
                        Some(port) => url.port_or_known_default() == Some(port),
                        None => url.port().is_none() || is_loopback(url),
                    }
            })
        };
        is_safe(url) && !has_credentials(url) && (url.origin() == self.api.origin() || is_known())
    }

    /// Where people look at a repository, e.g. `https://github.com/acme/vpc`.
    #[must_use]
    pub fn repository_page(&self, owner: &str, repository: &str) -> String {
        let host = self.api.host_str().unwrap_or_default();
        let is_cloud = host == "api.github.com" || host.ends_with(".ghe.com");
        let web = if is_cloud {
            host.strip_prefix("api.").unwrap_or(host)
        } else {
            host
        };
        let port = self
            .api
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        format!("{}://{web}{port}/{owner}/{repository}", self.api.scheme())
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
        let max_archive_bytes = variables.number("max_archive_bytes", MAX_ARCHIVE_BYTES, 1 << 40);
        variables.readers();
        match github {
            Some(github) if variables.problems.is_empty() => Ok(Self {
                github,
                credential,
                allowed_owners,
                repository_names,
                base_url,
                max_archive_bytes,
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

/// Reads variables, and collects what is wrong with them.
struct Variables<'h, H> {
    host: &'h H,
    problems: Vec<String>,
}

impl<H: Host> Variables<'_, H> {
    /// `allowed_owners`: required; separated by commas or white space.
    fn allowed_owners(&mut self) -> Vec<Namespace> {
        let mut owners = Vec::new();
        for text in self.list("allowed_owners") {
            match Namespace::parse(&text) {
                Some(owner) => owners.push(owner),
                None => self.problem(
                    "allowed_owners",
                    "has an entry that is no GitHub owner: write names only, e.g. `acme,labs`",
                ),
            }
        }
        if owners.is_empty() && self.problems_of("allowed_owners") == 0 {
            self.problem(
                "allowed_owners",
                "is missing: name the GitHub owners to serve, e.g. `acme`",
            );
        }
        owners
    }

    /// `anonymous_read`: `true` lets everyone read. Nothing else does, so it is required.
    fn readers(&mut self) {
        match self.text("anonymous_read").as_deref() {
            Some("true") => {}
            Some("false") | None => self.problem(
                "anonymous_read",
                "is not `true`, and nobody else may read: set it to `true` to serve modules to everyone who can \
                 reach this registry",
            ),
            Some(_) => self.problem("anonymous_read", "is neither `true` nor `false`"),
        }
    }

    /// `base_url`: https, or http; its path may be a prefix that a proxy strips.
    fn base_url(&mut self) -> Option<String> {
        let text = self.text("base_url")?;
        match Url::parse(&text) {
            Ok(url)
                if matches!(url.scheme(), "https" | "http")
                    && url.host().is_some()
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && !url.path().contains("//")
                    && !has_credentials(&url) =>
            {
                Some(url.as_str().trim_end_matches('/').to_owned())
            }
            _ => {
                self.problem(
                    "base_url",
                    "is not a URL that clients can be sent to: write e.g. `https://modules.example.com`",
                );
                None
            }
        }
    }

    /// An App (`github_app_id` and `github_private_key`), or `github_token`, or neither.
    fn credential(&mut self) -> Credential {
        let id = self.text("github_app_id");
        let private_key = self.text("github_private_key");
        let installation = self.installation();
        let token = self.text("github_token");
        if token.is_some() && (id.is_some() || private_key.is_some()) {
            self.problem(
                "github_token",
                "is set together with a GitHub App: keep either `github_token` or `github_app_id` and \
                 `github_private_key`",
            );
        }
        match (id, private_key, token) {
            (Some(id), Some(key), _) => {
                let is_id = id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
                if !is_id {
                    self.problem("github_app_id", "is neither an App's id nor its client id");
                }
                let private_key = decode_pem(&key).unwrap_or_else(|| {
                    self.problem("github_private_key", KEY_MEND);
                    String::new()
                });
                Credential::App {
                    id,
                    private_key: Secret(private_key),
                    installation,
                }
            }
            (Some(_), None, _) => {
                self.problem(
                    "github_private_key",
                    "is missing, but `github_app_id` is set",
                );
                Credential::Anonymous
            }
            (None, Some(_), _) => {
                self.problem(
                    "github_app_id",
                    "is missing, but `github_private_key` is set",
                );
                Credential::Anonymous
            }
            (None, None, Some(token)) => {
                if token.bytes().all(|byte| byte.is_ascii_graphic()) {
                    Credential::Token(Secret(token))
                } else {
                    self.problem("github_token", "has characters that no token has");
                    Credential::Anonymous
                }
            }
            (None, None, None) => Credential::Anonymous,
        }
    }

    /// `github_installation_id`: a number; found for each owner where it is not set.
    fn installation(&mut self) -> Option<u64> {
        let text = self.text("github_installation_id")?;
        let id = text.parse().ok();
        if id.is_none() {
            self.problem("github_installation_id", "is not a number");
        }
        id
    }

    /// `github_api_url` (default `https://api.github.com`) and `github_archive_hosts` (beside the known ones).
    fn github_urls(&mut self) -> Option<GitHubUrls> {
        let mut archive_hosts = vec![ArchiveHost {
            host: "codeload.github.com".to_owned(),
            port: None,
        }];
        let text = self
            .text("github_api_url")
            .unwrap_or_else(|| GITHUB_API_URL.to_owned());
        let mut api = Url::parse(&text).ok().filter(|url| {
            is_safe(url)
                && !has_credentials(url)
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if let Some(url) = &mut api
            && url.path() == "/"
            && url
                .domain()
                .is_some_and(|host| !host.starts_with("api.") && host != "localhost")
        {
            // GitHub Enterprise Server. Spin takes no path in `allowed_outbound_hosts`, so it may be left out.
            url.set_path("/api/v3");
        }
        if api.is_none() {
            self.problem(
                "github_api_url",
                "is not the https URL of a GitHub API: write e.g. `https://api.github.com` or \
                 `https://github.example.com/api/v3`",
            );
        }
        if let Some(host) = api.as_ref().and_then(Url::domain)
            && host != "api.github.com"
        {
            // Subdomain isolation of GitHub Enterprise Server, and ghe.com, whose API has a host of its own.
            let web = if host.ends_with(".ghe.com") {
                host.strip_prefix("api.")
            } else {
                None
            };
            let host = format!("codeload.{}", web.unwrap_or(host));
            archive_hosts.push(ArchiveHost { host, port: None });
        }
        for text in self.list("github_archive_hosts") {
            match parse_archive_host(&text) {
                Some(host) => archive_hosts.push(host),
                None => self.problem(
                    "github_archive_hosts",
                    "has an entry that is no host: write names only, e.g. `codeload.example.com`",
                ),
            }
        }
        Some(GitHubUrls {
            api: api?,
            archive_hosts,
        })
    }

    /// `repository_names`: templates, separated by commas or white space.
    fn repository_names(&mut self) -> Vec<RepositoryTemplate> {
        let mut texts = self.list("repository_names");
        if texts.is_empty() {
            texts = REPOSITORY_NAMES.map(str::to_owned).to_vec();
        }
        if texts.len() > MAX_REPOSITORY_NAMES {
            self.problem(
                "repository_names",
                "has more than 8 templates, and each may cost a call to GitHub",
            );
            texts.truncate(MAX_REPOSITORY_NAMES);
        }
        let mut templates = Vec::new();
        for text in texts {
            match RepositoryTemplate::parse(&text) {
                Ok(template) => templates.push(template),
                Err(problem) => self.problem(
                    "repository_names",
                    &format!("has a wrong template: {problem}"),
                ),
            }
        }
        templates
    }

    /// A whole number between 1 and `max`.
    fn number(&mut self, name: &str, default: u64, max: u64) -> u64 {
        match self.text(name).map(|text| text.replace('_', "").parse()) {
            None => default,
            Some(Ok(number)) if (1..=max).contains(&number) => number,
            Some(_) => {
                self.problem(name, &format!("is not a whole number between 1 and {max}"));
                default
            }
        }
    }

    /// The entries of a list; empty where the variable is not set.
    fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        let entries = text.split(|c: char| c == ',' || c.is_whitespace());
        entries
            .filter(|entry| !entry.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A variable without the white space around it; empty is as good as not set.
    fn text(&mut self, name: &str) -> Option<String> {
        match self.host.variable(name) {
            Ok(text) => text
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty()),
            Err(error) => {
                self.problem(name, &format!("cannot be read: {error}"));
                None
            }
        }
    }

    fn problem(&mut self, name: &str, text: &str) {
        self.problems.push(format!("`{name}` {text}"));
    }

    fn problems_of(&self, name: &str) -> usize {
        let start = format!("`{name}` ");
        self.problems
            .iter()
            .filter(|problem| problem.starts_with(&start))
            .count()
    }
}

/// A PEM with real newlines, with `\n` escapes, or in base64: what secret stores make of a downloaded key.
fn decode_pem(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'']);
    let pem = if text.starts_with(PEM_START) {
        text.to_owned()
    } else {
        let packed: String = text.split_whitespace().collect();
        String::from_utf8(BASE64_STANDARD.decode(packed).ok()?).ok()?
    };
    let pem = pem
        .replace("\\r", "")
        .replace("\\n", "\n")
        .replace('\r', "");
    let (start, rest) = pem.trim().split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    // A store that folds lines into spaces leaves a PEM that no parser takes: lay it out anew.
    let body: Vec<char> = body.chars().filter(|c| !c.is_whitespace()).collect();
    let lines: Vec<String> = body.chunks(64).map(|line| line.iter().collect()).collect();
    let is_key = start.is_empty()
        && matches!(label, "RSA PRIVATE KEY" | "PRIVATE KEY")
        && lines.iter().all(|line| {
            line.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
        });
    is_key.then(|| {
        format!(
            "{PEM_START}{label}-----\n{}\n-----END {label}-----\n",
            lines.join("\n")
        )
    })
}

fn parse_archive_host(text: &str) -> Option<ArchiveHost> {
    let url = Url::parse(&format!("https://{text}/")).ok()?;
    let is_host = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let port = text
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    (is_host && !has_credentials(&url)).then_some(())?;
    Some(ArchiveHost {
        host: url.host_str()?.to_owned(),
        port,
    })
}

/// https, or http to this machine alone.
fn is_safe(url: &Url) -> bool {
    url.host().is_some()
        && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)))
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(UrlHost::Domain(name)) => name == "localhost",
        Some(UrlHost::Ipv4(address)) => address.is_loopback(),
        Some(UrlHost::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The default of `github_api_url`.
const GITHUB_API_URL: &str = "https://api.github.com";

/// The default of `repository_names`: Terraform's convention, then the bare name.
const REPOSITORY_NAMES: [&str; 2] = ["terraform-{system}-{name}", "{name}"];

/// Each template may cost a call to GitHub for a module that does not exist.
const MAX_REPOSITORY_NAMES: usize = 8;

/// The default of `max_archive_bytes`: 2 GiB. GitHub's own archives were seen to break between 2 and 4 GB.
const MAX_ARCHIVE_BYTES: u64 = 2 << 30;

/// What to do about a private key that cannot be read. `github::app` says the same of a key that does not parse.
pub const KEY_MEND: &str = "is not an RSA private key: set it to the content of the `.pem` file that GitHub gave for \
                            the App, with its line breaks, with `\\n` in their place, or in base64";

const PEM_START: &str = "-----BEGIN ";
