//! Installation tokens and personal tokens: who is asking, and what they may see.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::Answer;
use crate::installation::Selection;
use crate::log::{bearer, looks_like_jwt};
use crate::refusal;
use crate::repository::{Repository, Visibility};
use crate::world::{GitHub, World};

/// Whose request it is.
pub(crate) enum Caller {
    Anonymous,
    /// The App itself, by JSON Web Token.
    App,
    Installation(Grant),
    Personal {
        token: String,
        personal: PersonalToken,
    },
}

/// What an installation token is good for.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) installation: u64,
    /// Permission to level: `contents` to `read`.
    pub(crate) permissions: BTreeMap<String, String>,
    /// Repository ids, when the token was asked for these alone.
    pub(crate) repositories: Option<BTreeSet<u64>>,
}

/// A minted token.
pub(crate) struct InstallationToken {
    pub(crate) grant: Grant,
    pub(crate) expires_at: i64,
    /// How many more uses are refused, see [`Knobs::token_lag_uses`](crate::Knobs::token_lag_uses).
    pub(crate) lag_uses: u32,
}

/// A static token as a person would create it: reads `contents` and `metadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonalToken {
    /// The private repositories that it sees.
    #[serde(default)]
    pub repositories: Selection,
}

impl Caller {
    /// Reads the `Authorization` header. A refused credential is an answer: 401, or 403 when the installation is suspended.
    pub(crate) fn authenticate(github: &GitHub, headers: &HeaderMap) -> Result<Self, Answer> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Ok(Self::Anonymous);
        };
        let Some((scheme, token)) = value.to_str().ok().and_then(bearer) else {
            return Err(Answer::bad_credentials());
        };
        // "In most cases, you can use `Authorization: Bearer` or `Authorization: token`; a JWT must use `Bearer`."
        if scheme == "bearer" && looks_like_jwt(token) {
            return match github.app.verify(token, github.now()) {
                Ok(()) => Ok(Self::App),
                Err(refusal) => Err(refusal.answer()),
            };
        }
        github.world().caller_with(token)
    }
}

impl World {
    fn caller_with(&mut self, token: &str) -> Result<Caller, Answer> {
        if let Some(personal) = self.personal_tokens.get(token) {
            return Ok(Caller::Personal {
                token: token.to_owned(),
                personal: personal.clone(),
            });
        }
        let now = self.now();
        let minted = self
            .tokens
            .get_mut(token)
            .ok_or_else(Answer::bad_credentials)?;
        if minted.expires_at <= now {
            return Err(Answer::bad_credentials());
        }
        if minted.lag_uses > 0 {
            minted.lag_uses -= 1;
            return Err(Answer::bad_credentials());
        }
        let installation = self
            .installations
            .get(&minted.grant.installation)
            .ok_or_else(Answer::bad_credentials)?;
        if installation.settings.suspended {
            return Err(match self.knobs.suspended_status {
                401 => Answer::bad_credentials(),
                _ => refusal::suspended(),
            });
        }
        Ok(Caller::Installation(minted.grant.clone()))
    }

    /// Whether the caller may know that the repository exists.
    pub(crate) fn sees(&self, caller: &Caller, repository: &Repository) -> bool {
        if repository.visibility == Visibility::Public {
            return true;
        }
        match caller {
            Caller::Anonymous | Caller::App => false,
            Caller::Personal { personal, .. } => self.selects(&personal.repositories, repository),
            Caller::Installation(grant) => self.grants(grant, repository),
        }
    }

    /// Whether an installation's token is for this repository, be it public or not.
    pub(crate) fn grants(&self, grant: &Grant, repository: &Repository) -> bool {
        self.installations
            .get(&grant.installation)
            .is_some_and(|installation| {
                repository.owner.eq_ignore_ascii_case(&installation.account)
                    && self.selects(&installation.settings.repositories, repository)
            })
            && grant
                .repositories
                .as_ref()
                .is_none_or(|ids| ids.contains(&repository.id))
    }

    /// Whether a selection, by names of now or of before a rename, holds the repository.
    pub(crate) fn selects(&self, selection: &Selection, repository: &Repository) -> bool {
        match selection {
            Selection::All => true,
            Selection::Only(names) => names.iter().any(|name| {
                let (owner, name) = name.split_once('/').unwrap_or((&repository.owner, name));
                self.repository_named(owner, name)
                    .is_some_and(|found| found.id == repository.id)
            }),
        }
    }
}

/// Whether a caller who sees the repository may read with this permission. What is public needs none.
pub(crate) fn may_read(caller: &Caller, repository: &Repository, permission: &str) -> bool {
    match caller {
        Caller::Installation(grant) => {
            repository.visibility == Visibility::Public
                || grant.permissions.contains_key(permission)
        }
        Caller::Anonymous | Caller::App | Caller::Personal { .. } => true,
    }
}

/// `ghs_<App id>_<JSON Web Token>`, some 520 characters, opaque to everyone; or the 40 characters of before.
pub(crate) fn new_token(app_id: u64, short: bool, expires_at: i64) -> String {
    if short {
        return format!("ghs_{}", alphanumeric(36));
    }
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let claims =
        json!({"jti": alphanumeric(42), "exp": expires_at, "iss": "stand-in", "aud": "api"});
    format!(
        "ghs_{app_id}_{}.{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string()),
        URL_SAFE_NO_PAD.encode(random(256)),
    )
}

/// Random letters and digits, as in an archive's temporary token.
pub(crate) fn alphanumeric(length: usize) -> String {
    let symbols: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    random(length)
        .into_iter()
        .filter_map(|byte| symbols.get(usize::from(byte) % symbols.len()))
        .collect()
}

pub(crate) fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    // Without the system's randomness tokens are all alike, which every test would notice.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_length_and_shape_of_github_s() {
        let long = new_token(1001, false, 1_700_000_000);
        assert!(long.starts_with("ghs_1001_ey"), "{long}");
        assert!((500..540).contains(&long.len()), "{}", long.len());
        assert_eq!(long.split('.').count(), 3);
        assert_eq!(new_token(1001, true, 1_700_000_000).len(), 40);
        assert_ne!(new_token(1001, true, 0), new_token(1001, true, 0));
    }
}
