//! Registry tokens: what an ID token is exchanged for, because one of GitHub Actions' is only good for five minutes. They are
//! signed by Landfall, and checked without a store.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::keys::{Purpose, SigningKeys};
use crate::config::Secret;
use crate::host::seconds;

/// What a registry token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryToken {
    /// The repository whose job it was made for.
    pub repository: String,
    /// The fingerprints of the rules of `oidc_rules` that it was made by: what is no rule any more allows nothing.
    pub rules: Vec<u64>,
    /// In seconds since 1970.
    pub expires: u64,
}

/// How long a registry token is good for.
pub const LIFETIME: Duration = Duration::from_hours(1);

impl RegistryToken {
    /// Whether a token is meant to be one of these.
    #[must_use]
    pub fn is_one(token: &str) -> bool {
        token.starts_with(PREFIX)
    }

    /// The token itself: `lfr_`, and in base64url the signature and what is signed.
    #[must_use]
    pub fn sign(&self, keys: &SigningKeys) -> Secret {
        let head = postcard::to_stdvec(self).unwrap_or_default();
        let mut token = keys.sign(Purpose::RegistryToken, &head);
        token.extend(head);
        Secret::new(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(token)))
    }

    /// What a token says, if Landfall has signed it.
    #[must_use]
    pub fn read(keys: &SigningKeys, token: &str) -> Option<Self> {
        let encoded = token.strip_prefix(PREFIX)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (signature, head) = bytes.split_at_checked(SIGNATURE)?;
        keys.verify(Purpose::RegistryToken, head, signature)
            .then(|| postcard::from_bytes(head).ok())?
    }

    /// Whether its time is over. One that lasts longer than any was made by a clock that was wrong.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        let now = seconds(now);
        now >= self.expires || self.expires > now + LIFETIME.as_secs() + LEEWAY
    }
}

/// It tells people, and those who search for leaked secrets, what it is.
const PREFIX: &str = "lfr_";
/// Seconds by which the clocks of instances may differ.
const LEEWAY: u64 = 60;
/// Bytes of an HMAC-SHA256.
const SIGNATURE: usize = 32;

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    fn token() -> RegistryToken {
        RegistryToken {
            repository: "acme/infra".to_owned(),
            rules: vec![1, u64::MAX],
            expires: 1_800_003_600,
        }
    }

    #[test]
    fn a_registry_token_is_read_back_by_its_own_key_alone() {
        let signed = token().sign(&SigningKeys::of("k"));
        assert!(RegistryToken::is_one(signed.expose()));
        assert_eq!(
            RegistryToken::read(&SigningKeys::of("k"), signed.expose()),
            Some(token())
        );
        assert_eq!(
            RegistryToken::read(&SigningKeys::of("l"), signed.expose()),
            None
        );
        for no_token in ["", "lfr_", "lfr_AAAA", "lfr_????"] {
            assert_eq!(
                RegistryToken::read(&SigningKeys::of("k"), no_token),
                None,
                "{no_token}"
            );
        }
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(!token().is_expired(at(1_800_003_599)));
        assert!(token().is_expired(at(1_800_003_600)));
        assert!(!token().is_expired(at(1_799_999_940)));
        assert!(token().is_expired(at(1_799_999_939)));
    }

    proptest! {
        #[test]
        fn no_bit_of_a_registry_token_can_be_another(at: prop::sample::Index, bit in 0_u8..8) {
            let mut text = token().sign(&SigningKeys::of("k")).expose().as_bytes().to_vec();
            let at = at.index(text.len());
            text[at] ^= 1 << bit;
            let text = String::from_utf8_lossy(&text).into_owned();
            prop_assert_eq!(RegistryToken::read(&SigningKeys::of("k"), &text), None);
        }
    }
}
