//! How the variables that say who may read are read.

use url::Url;

use super::github_urls::is_safe_url;
use super::variables::Variables;
use super::{Credential, Secret};
use crate::auth::Readers;
use crate::auth::keys::SigningKeys;
use crate::auth::oidc::{GITHUB_ACTIONS, Rule, Workloads};
use crate::auth::tokens::Token;
use crate::host::Host;

impl<H: Host> Variables<'_, H> {
    /// Who may read. A registry that lets nobody in is not configured: it would be open to everyone by mistake otherwise.
    pub(super) fn readers(&mut self, credential: &Credential, base_url: Option<&str>) -> Readers {
        let before = self.problems.len();
        let everyone = self.flag("anonymous_read");
        let tokens = self.tokens();
        let workloads = self.workloads(base_url);
        let signing_keys = self.signing_keys(credential);
        let has_readers = everyone || !tokens.is_empty() || workloads.is_some();
        if !has_readers && self.problems.len() == before {
            self.problems.push(NOBODY.to_owned());
        }
        if has_readers && !everyone && signing_keys.is_none() && self.problems.len() == before {
            self.problem(
                "url_signing_key",
                "is missing, and without a GitHub App or `github_token` there is nothing to derive it from: set it to what \
                 `openssl rand -base64 32` prints",
            );
        }
        Readers {
            everyone,
            tokens,
            workloads,
            signing_keys,
        }
    }

    /// `tokens`: one entry a line, or separated by `;`.
    fn tokens(&mut self) -> Vec<Token> {
        let text = self.text("tokens").unwrap_or_default();
        Token::parse(&text).unwrap_or_else(|problems| self.wrong("tokens", &problems))
    }

    /// `oidc_rules`, with `oidc_issuers` (GitHub Actions on github.com) and `oidc_audience` (`base_url`).
    fn workloads(&mut self, base_url: Option<&str>) -> Option<Workloads> {
        let issuers = self.oidc_issuers();
        let audience = self.text("oidc_audience");
        let audience = audience.or_else(|| base_url.map(str::to_owned));
        let text = self.text("oidc_rules").unwrap_or_default();
        let rules = Rule::parse(&text, &issuers, audience.as_deref().unwrap_or_default());
        let rules = rules.unwrap_or_else(|problems| self.wrong("oidc_rules", &problems));
        if rules.is_empty() {
            return None;
        }
        if audience.is_none() {
            self.problem(
                "oidc_audience",
                "is missing, and `base_url` is not set either: set it to what jobs name as `audience` of their ID token, e.g. \
                 `https://modules.example.com`",
            );
        }
        Some(Workloads {
            issuers,
            audience: audience?,
            rules,
        })
    }

    fn oidc_issuers(&mut self) -> Vec<String> {
        let issuers = self.list("oidc_issuers");
        if issuers.is_empty() {
            return vec![GITHUB_ACTIONS.to_owned()];
        }
        let is_issuer = |text: &String| {
            Url::parse(text).is_ok_and(|url| {
                is_safe_url(&url) && url.query().is_none() && url.fragment().is_none()
            })
        };
        if !issuers.iter().all(is_issuer) {
            self.problem(
                "oidc_issuers",
                "has an entry that is no https URL: write each issuer as its tokens name it in `iss`, e.g. \
                 `https://token.actions.githubusercontent.com`",
            );
        }
        issuers
    }

    /// `url_signing_key` and `url_signing_key_previous`; otherwise the secret that GitHub is asked with.
    fn signing_keys(&mut self, credential: &Credential) -> Option<SigningKeys> {
        let own = self.signing_key("url_signing_key");
        let previous = self.signing_key("url_signing_key_previous");
        let current = own.or_else(|| match credential {
            Credential::App { private_key, .. } => Some(private_key.clone()),
            Credential::Token(token) => Some(token.clone()),
            Credential::Anonymous => None,
        });
        Some(SigningKeys {
            current: current?,
            previous,
        })
    }

    fn signing_key(&mut self, name: &str) -> Option<Secret> {
        let key = self.text(name)?;
        if key.len() < MIN_KEY {
            self.problem(
                name,
                "is shorter than 16 characters, and could be guessed: set it to what `openssl rand -base64 32` prints",
            );
        }
        Some(Secret::new(key))
    }

    /// `direct_download`: `true` lets OpenTofu download archives with its token.
    pub(super) fn direct_download(&mut self) -> bool {
        self.flag("direct_download")
    }

    /// `true` or `false`, which is the default.
    fn flag(&mut self, name: &str) -> bool {
        let text = self.text(name).map(|text| text.to_ascii_lowercase());
        match text.as_deref() {
            Some("true") => true,
            Some("false") | None => false,
            Some(_) => {
                self.problem(name, "is neither `true` nor `false`: write one of them");
                false
            }
        }
    }

    /// Takes in the problems of a variable's entries.
    fn wrong<T>(&mut self, name: &str, problems: &[String]) -> Vec<T> {
        for problem in problems {
            self.problem(name, problem);
        }
        Vec::new()
    }
}

const NOBODY: &str = "`tokens`, `oidc_rules` and `anonymous_read` are all missing, and so nobody may read: set `tokens` to the \
                      second line that `landfall token new` prints, `oidc_rules` for CI jobs, or `anonymous_read` to `true` to serve modules to \
                      everyone who can reach this registry";
/// 16 random bytes are as good as any; of less, one archive URL would be enough to find the key.
const MIN_KEY: usize = 16;
