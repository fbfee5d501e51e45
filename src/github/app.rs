//! Who Landfall is to GitHub: the App's installations, and the token of each. What the App itself says is in `jwt`.
//!
//! A token is kept in the store until five minutes before it expires, because on the hosts that Landfall is made for
//! every request is a new instance, and minting for each would be slow and soon limited. Tokens are opaque and of any
//! length: today's have about 520 characters. Rules and sources:
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>.

use std::cell::{Cell, RefCell};
use std::time::{Duration, SystemTime};

use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::GitHub;
use super::call::Call;
use super::jwt::date;
use super::limits::Purpose;
use crate::auth::keys;
use crate::cache::lease::Lease;
use crate::cache::{Key, sealed};
use crate::config::{Credential, Secret};
use crate::error::{Error, NotFound};
use crate::github::classify::{Meaning, message};
use crate::host::{Deadline, Host, seconds};

/// What goes into a request's `Authorization`.
#[derive(Clone, Debug)]
pub(super) enum Authorization {
    /// No credential at all.
    Anonymous,
    /// `github_token`, or a JWT of the App's.
    Bearer(Secret),
    /// A token of one installation.
    Installation(Token),
}

impl Authorization {
    /// The header's value. `Bearer` is right for all of GitHub's tokens, and the only right one for a JWT.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let secret = match self {
            Self::Anonymous => return None,
            Self::Bearer(secret) => secret.expose(),
            Self::Installation(token) => &token.secret,
        };
        let mut value = HeaderValue::from_str(&format!("Bearer {secret}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// An installation's token, and what has to be known to use it.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Token {
    /// The API and the App that it is for: another configuration's token is a miss.
    issuer: String,
    installation: u64,
    secret: String,
    /// By this machine's clock, in seconds since 1970.
    minted_at: u64,
    /// By this machine's clock, in seconds since 1970, less [`SPARE_LIFETIME`].
    usable_until: u64,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token of installation {}", self.installation)
    }
}

impl Token {
    /// A token of the future was made by a clock that was wrong, and so is the time that it is said to last until.
    fn is_usable(&self, now: SystemTime) -> bool {
        let now = seconds(now);
        now < self.usable_until && self.minted_at <= now + REPLICATION_LAG.as_secs()
    }

    /// GitHub's replicas may not know a token yet that another of them has just made.
    fn is_fresh(&self, now: SystemTime) -> bool {
        seconds(now).abs_diff(self.minted_at) <= REPLICATION_LAG.as_secs()
    }
}

/// What one request to Landfall has found out about its credential.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    /// The token of the owner that was asked for last; a request is about one.
    token: RefCell<Option<(String, Token)>>,
    /// A token from the store that was refused.
    refused: RefCell<Option<String>>,
    /// Seconds that GitHub's clock is ahead of ours, once that is known to matter.
    pub(super) skew: Cell<i64>,
}

impl<H: Host> GitHub<'_, H> {
    /// The credential for something of `owner`'s.
    pub(super) async fn authorization(
        &self,
        owner: &str,
        deadline: Deadline,
    ) -> Result<Authorization, Error> {
        match &self.config.credential {
            Credential::Anonymous => Ok(Authorization::Anonymous),
            Credential::Token(token) => Ok(Authorization::Bearer(token.clone())),
            Credential::App { .. } => {
                let token = match self.known_token(owner) {
                    Some(token) => token,
                    None => self.mint_once(owner, deadline).await?,
                };
                self.credentials
                    .token
                    .replace(Some((owner.to_owned(), token.clone())));
                Ok(Authorization::Installation(token))
            }
        }
    }

    /// Whether a call that was answered 401 may be tried again. A fresh token is waited for, at most three times and
    /// 3.5 s in all; one from the store that is refused is replaced, once.
    pub(super) async fn renew(
        &self,
        owner: &str,
        refused: &Authorization,
        attempt: u32,
        deadline: Deadline,
    ) -> bool {
        let Authorization::Installation(token) = refused else {
            return false;
        };
        let now = self.host.now();
        if token.is_fresh(now) {
            let wait = FIRST_WAIT * 2u32.saturating_pow(attempt);
            let may_wait = attempt < MAX_WAITS && wait < deadline.left(now);
            if may_wait {
                self.host.sleep(wait).await;
            }
            return may_wait;
        }
        self.host.log(&format!(
            "GitHub no longer accepts the token for `{owner}`: making a new one"
        ));
        self.credentials.token.replace(None);
        let before = self.credentials.refused.replace(Some(token.secret.clone()));
        before.is_none()
    }

    /// The token to use: the one in hand, or the store's as long as it is good. Both are believed until GitHub refuses them.
    fn known_token(&self, owner: &str) -> Option<Token> {
        match &*self.credentials.token.borrow() {
            Some((known, token)) if known == owner => Some(token.clone()),
            _ => {
                let now = self.host.now();
                self.stored_token(owner)
                    .filter(|token| token.is_usable(now))
            }
        }
    }

    /// Whether GitHub has let Landfall in before, as far as the store remembers. What is no App never signs in.
    pub(super) fn has_signed_in(&self, owner: &str) -> bool {
        match &self.config.credential {
            Credential::App { .. } => self.stored_token(owner).is_some(),
            Credential::Token(_) | Credential::Anonymous => true,
        }
    }

    /// What the store has, however old.
    fn stored_token(&self, owner: &str) -> Option<Token> {
        let token: Token = sealed::load(self.host, &self.token_key(owner), &self.at_rest()?)?;
        let is_refused = self.credentials.refused.borrow().as_ref() == Some(&token.secret);
        (token.issuer == self.issuer() && !is_refused).then_some(token)
    }

    /// What tokens are sealed with in the store. Whoever has the App's key can make tokens anyway.
    fn at_rest(&self) -> Option<keys::Key> {
        match &self.config.credential {
            Credential::App { private_key, .. } => {
                Some(keys::derive(private_key, keys::Purpose::AtRest))
            }
            Credential::Token(_) | Credential::Anonymous => None,
        }
    }

    /// Makes a token, unless someone else is making one.
    async fn mint_once(&self, owner: &str, deadline: Deadline) -> Result<Token, Error> {
        let about = self.token_key(owner);
        let Some(lease) =
            Lease::take(self.host, about.as_str(), deadline.left(self.host.now())).await
        else {
            while self.wait_for_another().await {
                if let Some(token) = self.known_token(owner) {
                    return Ok(token);
                }
            }
            return self.mint(owner, deadline).await;
        };
        let result = match self.known_token(owner) {
            Some(token) => Ok(token),
            None => self.mint(owner, deadline).await,
        };
        lease.release(self.host);
        result
    }

    /// Makes a token for an owner's installation: the configured one, the one that the last token was for, or the one
    /// that GitHub names.
    async fn mint(&self, owner: &str, deadline: Deadline) -> Result<Token, Error> {
        if let Credential::App {
            installation: Some(installation),
            ..
        } = self.config.credential
        {
            return self.mint_for(owner, installation, deadline).await;
        }
        if let Some(token) = self.stored_token(owner) {
            match self.mint_for(owner, token.installation, deadline).await {
                // It was uninstalled, and perhaps installed anew.
                Err(Error::NotFound(NotFound::Installation)) => {}
                result => return result,
            }
        }
        let installation = self.find_installation(owner, deadline).await?;
        self.mint_for(owner, installation, deadline).await
    }

    /// Makes a token that can read contents and metadata, and nothing else.
    async fn mint_for(
        &self,
        owner: &str,
        installation: u64,
        deadline: Deadline,
    ) -> Result<Token, Error> {
        let path = format!("/app/installations/{installation}/access_tokens");
        let call = Call::new("token", owner, &path, Purpose::Free, deadline);
        let answer = self.as_app(Method::POST, &call, PERMISSIONS).await?;
        let minted: Minted = match self.meaning(owner, &answer) {
            Meaning::Success => serde_json::from_slice(&answer.body)
                .map_err(|error| Error::Malformed(format!("POST {path}: {error}")))?,
            Meaning::NotFound => return Err(Error::NotFound(NotFound::Installation)),
            Meaning::Unexpected(StatusCode::UNPROCESSABLE_ENTITY) => {
                return Err(Error::Rejected(format!(
                    "the App lacks a permission (it needs contents:read and metadata:read): {}",
                    message(&answer.body).unwrap_or_default()
                )));
            }
            meaning => return Err(meaning.into_error(&path, &answer.body)),
        };
        let now = self.host.now();
        let expires_at = humantime::parse_rfc3339(&minted.expires_at)
            .map_err(|_| Error::Malformed(format!("POST {path}: `expires_at` is no time")))?;
        // Both times are GitHub's, so what is between them is right even where our own clock is not.
        let lifetime = expires_at
            .duration_since(date(&answer.headers).unwrap_or(now))
            .unwrap_or_default();
        let token = Token {
            issuer: self.issuer(),
            installation,
            secret: minted.token,
            minted_at: seconds(now),
            usable_until: seconds(now + lifetime.saturating_sub(SPARE_LIFETIME)),
        };
        if let Some(secret) = self.at_rest() {
            sealed::save(self.host, &self.token_key(owner), &secret, &token);
        }
        Ok(token)
    }

    /// The id of the App's installation for an owner, who may be an organisation or a user.
    async fn find_installation(&self, owner: &str, deadline: Deadline) -> Result<u64, Error> {
        for path in [
            format!("/orgs/{owner}/installation"),
            format!("/users/{owner}/installation"),
        ] {
            let call = Call::new("installation", owner, &path, Purpose::Free, deadline);
            let answer = self.as_app(Method::GET, &call, "").await?;
            let installation: Installation = match self.meaning(owner, &answer) {
                Meaning::Success => serde_json::from_slice(&answer.body)
                    .map_err(|error| Error::Malformed(format!("GET {path}: {error}")))?,
                Meaning::NotFound => continue,
                meaning => return Err(meaning.into_error(&path, &answer.body)),
            };
            if installation.suspended_at.is_some() {
                return Err(Error::Rejected(format!(
                    "the App's installation for `{owner}` is suspended"
                )));
            }
            return Ok(installation.id);
        }
        Err(Error::NotFound(NotFound::Installation))
    }

    fn issuer(&self) -> String {
        match &self.config.credential {
            Credential::App { id, .. } => format!("{} {id}", self.config.github.api_base()),
            Credential::Token(_) | Credential::Anonymous => String::new(),
        }
    }

    fn token_key(&self, owner: &str) -> Key {
        match &self.config.credential {
            Credential::App {
                installation: Some(installation),
                ..
            } => Key::installation_token(*installation),
            _ => Key::owner_token(owner),
        }
    }
}

#[derive(Deserialize)]
struct Minted {
    token: String,
    expires_at: String,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
    suspended_at: Option<String>,
}

const PERMISSIONS: &str = r#"{"permissions":{"contents":"read","metadata":"read"}}"#;
/// GitHub's tokens live an hour.
const SPARE_LIFETIME: Duration = Duration::from_mins(5);
/// How long GitHub's own libraries expect a fresh token to be refused.
const REPLICATION_LAG: Duration = Duration::from_secs(5);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAITS: u32 = 3;

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_token_is_used_as_long_as_both_clocks_allow() {
        let token = Token {
            issuer: String::new(),
            installation: 7,
            secret: "ghs_SECRET".to_owned(),
            minted_at: 10_000,
            usable_until: 13_300,
        };
        for (now, is_usable, is_fresh) in [
            (10_000, true, true),
            (10_005, true, true),
            (10_006, true, false),
            (13_299, true, false),
            (13_300, false, false),
            // Another machine's clock, or this one's before it was set right.
            (9_996, true, true),
            (2_800, false, false),
        ] {
            let now = UNIX_EPOCH + Duration::from_secs(now);
            assert_eq!(
                (token.is_usable(now), token.is_fresh(now)),
                (is_usable, is_fresh),
                "{now:?}"
            );
        }
        assert!(!format!("{token:?}").contains("SECRET"));
    }
}
