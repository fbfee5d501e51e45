//! How each variable is read. What is wrong is collected: the variable's name and what to do, never its value.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use url::Url;

use super::github_urls::{ArchiveHost, GitHubUrls, has_credentials};
use super::{CatalogueRepository, Credential, KEY_MEND, Secret};
use crate::cache::Lifetimes;
use crate::cache::shelf::Bounds;
use crate::catalogue::Catalogue;
use crate::host::Host;
use crate::module::{Namespace, RepositoryTemplate, is_repository_name};
use crate::pins::MovedTags;

/// Reads variables, and collects what is wrong with them.
pub(super) struct Variables<'h, H> {
    pub(super) host: &'h H,
    pub(super) problems: Vec<String>,
}

impl<H: Host> Variables<'_, H> {
    /// `allowed_owners`: required; separated by commas or white space.
    pub(super) fn allowed_owners(&mut self) -> Vec<Namespace> {
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

    /// `base_url`: https, or http; its path may be a prefix that a proxy strips.
    pub(super) fn base_url(&mut self) -> Option<String> {
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
    pub(super) fn credential(&mut self) -> Credential {
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
                    self.problem("github_app_id", "is neither an App's id nor its client id: both stand on the App's settings page");
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
                    "is missing, but `github_app_id` is set: set it to the content of the App's `.pem` file",
                );
                Credential::Anonymous
            }
            (None, Some(key), _) => {
                if decode_pem(&key).is_none() {
                    self.problem("github_private_key", KEY_MEND);
                }
                self.problem(
                    "github_app_id",
                    "is missing, but `github_private_key` is set: set it to the App ID or client ID on the App's settings page",
                );
                Credential::Anonymous
            }
            (None, None, Some(token)) => {
                if token.bytes().all(|byte| byte.is_ascii_graphic()) {
                    Credential::Token(Secret(token))
                } else {
                    self.problem(
                        "github_token",
                        "has characters that no token has: set it to the token alone",
                    );
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
            self.problem(
                "github_installation_id",
                "is not a number: write the installation's id, or leave it out to have it found",
            );
        }
        id
    }

    /// `github_api_url` (default `https://api.github.com`) and `github_archive_hosts` (beside the known ones).
    pub(super) fn github_urls(&mut self) -> Option<GitHubUrls> {
        let api = self.text("github_api_url");
        let mut urls = GitHubUrls::parse(api.as_deref().unwrap_or(GITHUB_API_URL));
        if urls.is_none() {
            self.problem(
                "github_api_url",
                "is not the https URL of a GitHub API: write e.g. `https://api.github.com` or \
                 `https://github.example.com/api/v3`",
            );
        }
        for text in self.list("github_archive_hosts") {
            match (ArchiveHost::parse(&text), &mut urls) {
                (Some(host), Some(urls)) => urls.archive_hosts.push(host),
                (Some(_), None) => {}
                (None, _) => self.problem(
                    "github_archive_hosts",
                    "has an entry that is no host: write names only, e.g. `codeload.example.com`",
                ),
            }
        }
        urls
    }

    /// `repository_names`: templates, separated by commas or white space.
    pub(super) fn repository_names(&mut self) -> Vec<RepositoryTemplate> {
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
        for (index, text) in texts.iter().enumerate() {
            match RepositoryTemplate::parse(text) {
                Ok(template) => templates.push(template),
                Err(problem) => self.problem(
                    "repository_names",
                    &format!("has a wrong template, number {}: {problem}", index + 1),
                ),
            }
        }
        templates
    }

    /// `modules`: a catalogue in TOML. Its repositories belong to owners that are served.
    pub(super) fn catalogue(&mut self, owners: &[Namespace]) -> Catalogue {
        let text = self.text("modules").unwrap_or_default();
        match Catalogue::parse(&text).and_then(|it| it.served_by(owners)) {
            Ok(catalogue) => catalogue,
            Err(problems) => {
                for problem in problems {
                    self.problem("modules", &problem);
                }
                Catalogue::default()
            }
        }
    }

    /// `catalogue_repository`: `OWNER/REPOSITORY`, instead of `modules`.
    pub(super) fn catalogue_repository(
        &mut self,
        owners: &[Namespace],
    ) -> Option<CatalogueRepository> {
        const NAME: &str = "catalogue_repository";
        let text = self.text(NAME)?;
        if self.text("modules").is_some() {
            self.problem(NAME, "and `modules` are both set: leave one of them out");
        }
        let parts = text.split_once('/');
        let parts = parts.filter(|(_, name)| is_repository_name(name));
        let owner = parts.and_then(|(owner, _)| Namespace::parse(owner));
        let Some(((_, name), owner)) = parts.zip(owner) else {
            self.problem(
                NAME,
                "is not `OWNER/REPOSITORY`: write e.g. `acme/registry`",
            );
            return None;
        };
        if !owners.contains(&owner) {
            self.problem(
                NAME,
                "is of an owner that is not in `allowed_owners`: add the owner there",
            );
        }
        Some(CatalogueRepository {
            owner,
            name: name.to_owned(),
        })
    }

    /// `max_archive_bytes`: up to a TiB.
    pub(super) fn max_archive_bytes(&mut self) -> u64 {
        self.number("max_archive_bytes", MAX_ARCHIVE_BYTES, 1..=1 << 40)
    }

    /// `cache_fresh_seconds` (up to a day), `cache_stale_seconds` (a week), `cache_error_seconds` (90 days),
    /// `cache_negative_seconds` (an hour).
    pub(super) fn lifetimes(&mut self) -> Lifetimes {
        Lifetimes {
            fresh: self.number("cache_fresh_seconds", 60, 0..=DAY),
            stale: self.number("cache_stale_seconds", 3600, 0..=7 * DAY),
            error: self.number("cache_error_seconds", 7 * DAY, 0..=90 * DAY),
            negative: self.number("cache_negative_seconds", 30, 0..=3600),
        }
    }

    /// `archive_cache_bytes` (up to 16 MiB) and `archive_cache_entries` (up to 10,000).
    pub(super) fn archive_bounds(&mut self) -> Bounds {
        let mut number =
            |name, default, max| usize::try_from(self.number(name, default, 0..=max)).unwrap_or(0);
        Bounds {
            bytes: number("archive_cache_bytes", 512 << 10, 16 << 20),
            entries: number("archive_cache_entries", 200, 10_000),
        }
    }

    /// `moved_tags`: `serve-pinned`, `follow` or `refuse`.
    pub(super) fn moved_tags(&mut self) -> MovedTags {
        match self.text("moved_tags").as_deref() {
            None | Some("serve-pinned") => MovedTags::ServePinned,
            Some("follow") => MovedTags::Follow,
            Some("refuse") => MovedTags::Refuse,
            Some(_) => {
                self.problem(
                    "moved_tags",
                    "is none of `serve-pinned`, `follow` and `refuse`: write one of them",
                );
                MovedTags::ServePinned
            }
        }
    }

    /// `github_reserve_percent`: up to 90.
    pub(super) fn reserve_percent(&mut self) -> u64 {
        self.number("github_reserve_percent", 5, 0..=90)
    }

    /// `webhook_secret`: any text.
    pub(super) fn webhook_secret(&mut self) -> Option<Secret> {
        self.text("webhook_secret").map(Secret)
    }

    /// A whole number within bounds.
    fn number(&mut self, name: &str, default: u64, bounds: RangeInclusive<u64>) -> u64 {
        match self.text(name).map(|text| text.replace('_', "").parse()) {
            None => default,
            Some(Ok(number)) if bounds.contains(&number) => number,
            Some(_) => {
                let (min, max) = bounds.into_inner();
                self.problem(
                    name,
                    &format!("is not a whole number between {min} and {max}"),
                );
                default
            }
        }
    }

    /// The entries of a list; empty where the variable is not set.
    pub(super) fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        let entries = text.split(|c: char| c == ',' || c.is_whitespace());
        entries
            .filter(|entry| !entry.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A variable without the white space around it; empty is as good as not set.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
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

    pub(super) fn problem(&mut self, name: &str, text: &str) {
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

/// A PEM with real newlines, with `\n` escapes, or in base64: what secret stores make of a downloaded key. It is laid out
/// anew, because a store that folds lines into spaces leaves one that no parser takes. Most requests need no key, and so
/// nothing of it is decoded here.
fn decode_pem(text: &str) -> Option<String> {
    let decoded = || {
        let is_part = |byte: &u8| !byte.is_ascii_whitespace() && !b"\"'".contains(byte);
        let packed: Vec<u8> = text.bytes().filter(is_part).collect();
        String::from_utf8(BASE64_ANY_PADDING.decode(packed).ok()?).ok()
    };
    let text = if text.contains(PEM_START) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(decoded()?)
    };
    let (_, rest) = text.split_once(PEM_START)?;
    let (label, rest) = rest.split_once("-----")?;
    // Base64 has no dashes.
    let (body, end) = rest.split_once('-')?;
    let body = packed(body);
    let is_key = matches!(label, "RSA PRIVATE KEY" | "PRIVATE KEY")
        && end.starts_with("----END ")
        && is_whole(&body);
    is_key.then(|| {
        let mut pem = String::with_capacity(text.len() + 64);
        pem.extend([PEM_START, label, "-----\n"]);
        for line in body.as_bytes().chunks(64) {
            pem.extend([std::str::from_utf8(line).unwrap_or_default(), "\n"]);
        }
        pem.extend(["-----END ", label, "-----\n"]);
        pem
    })
}

/// A PEM's body without white space, be it written with a backslash or not.
fn packed(body: &str) -> String {
    let lines = body.split('\n').map(str::trim);
    let packed = lines.fold(String::with_capacity(body.len()), |packed, line| {
        packed + line
    });
    if is_whole(&packed) {
        return packed;
    }
    let body = body.replace("\\r", "").replace("\\n", "");
    let is_part = |c: &char| *c != '\\' && !c.is_whitespace();
    body.chars().filter(is_part).collect()
}

/// Whether this is the base64 of one DER sequence of a key's size, all of it: no placeholder, and nothing that was cut off. What
/// is in it only shows where it is used.
fn is_whole(base64: &str) -> bool {
    let digits = base64.trim_end_matches('=');
    let start = digits.get(..8).map(|it| BASE64_ANY_PADDING.decode(it));
    let Some(Ok(start)) = start else {
        return false;
    };
    match *start {
        [0x30, 0x82, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            length + 4 == digits.len() * 3 / 4 && length >= MIN_KEY
        }
        _ => false,
    }
}

/// An RSA key of 1,024 bits has 600 bytes.
const MIN_KEY: usize = 500;

/// Secret stores and netrc leave the padding out as they like.
pub(crate) const BASE64_ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The default of `github_api_url`.
const GITHUB_API_URL: &str = "https://api.github.com";

/// The default of `repository_names`: Terraform's convention, then the bare name.
const REPOSITORY_NAMES: [&str; 2] = ["terraform-{system}-{name}", "{name}"];

/// Each template may cost a call to GitHub for a module that does not exist.
const MAX_REPOSITORY_NAMES: usize = 8;

/// The default of `max_archive_bytes`: 2 GiB. GitHub's own archives were seen to break between 2 and 4 GB.
const MAX_ARCHIVE_BYTES: u64 = 2 << 30;
const DAY: u64 = 24 * 60 * 60;

const PEM_START: &str = "-----BEGIN ";

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn a_key_is_read_in_every_form_that_secret_stores_make_of_it() {
        let key = include_str!("../../stand-in/test-only-app-key.pem").trim();
        let laid_out = format!("{key}\n");
        let encoded = BASE64_STANDARD.encode(key);
        for form in [
            key.to_owned(),
            format!("\u{feff}{key}\n\n"),
            format!("Bag Attributes\n    localKeyID: 01\n{key}"),
            key.replace('\n', "\r\n"),
            key.replace('\n', "\\n"),
            key.replace('\n', "\\\\n"),
            key.replace('\n', "\\r\\n"),
            key.replace('\n', " "),
            format!("\"{}\"", key.replace('\n', "\\n")),
            format!("'\\n{}\\n'", key.replace('\n', "\\n")),
            encoded.clone(),
            encoded.trim_end_matches('=').to_owned(),
            encoded.chars().flat_map(|c| [c, '\n']).collect(),
        ] {
            assert_eq!(decode_pem(&form).as_ref(), Some(&laid_out), "{form}");
        }
        for form in [
            "",
            "MARKER",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA",
            "-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
            &key.replacen("MI", "", 1),
            &format!("{}\n-----END RSA PRIVATE KEY-----", &key[..1000]),
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\n\u{e9}\n-----END RSA PRIVATE KEY-----",
        ] {
            assert_eq!(decode_pem(form), None, "{form}");
        }
    }
}
