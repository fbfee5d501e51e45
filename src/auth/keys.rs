//! The keys that Landfall makes for itself, so that nobody has to keep one more secret.

use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::config::Secret;

/// 256 bits.
pub type Key = [u8; 32];

/// What a key is for. A key of one purpose is no use for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signatures of archive URLs.
    ArchiveUrl,
    /// Signatures of registry tokens.
    RegistryToken,
    /// GitHub's tokens in the store.
    AtRest,
}

/// Derives the key for a purpose from a secret of any length, by RFC 5869.
#[must_use]
pub fn derive(secret: &Secret, purpose: Purpose) -> Key {
    let info: &[u8] = match purpose {
        Purpose::ArchiveUrl => b"archive url 1",
        Purpose::RegistryToken => b"registry token 1",
        Purpose::AtRest => b"at rest 1",
    };
    let mut key = [0; 32];
    // It only fails for more than 8,160 bytes.
    let _ =
        Hkdf::<Sha256>::new(Some(b"landfall"), secret.expose().as_bytes()).expand(info, &mut key);
    key
}

/// What signs archive URLs and registry tokens.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    /// `url_signing_key`; otherwise the App's private key, or `github_token`.
    pub current: Secret,
    /// `url_signing_key_previous`: what it signed is still good.
    pub previous: Option<Secret>,
}

impl SigningKeys {
    /// Signs `message`.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> Vec<u8> {
        mac(&self.current, purpose, message)
            .map(|mac| mac.finalize().into_bytes().to_vec())
            .unwrap_or_default()
    }

    /// Whether `signature` is one of `message` by one of the keys. It is compared in constant time.
    #[must_use]
    pub fn verify(&self, purpose: Purpose, message: &[u8], signature: &[u8]) -> bool {
        let keys = std::iter::once(&self.current).chain(&self.previous);
        keys.filter_map(|key| mac(key, purpose, message))
            .any(|mac| mac.verify_slice(signature).is_ok())
    }
}

fn mac(secret: &Secret, purpose: Purpose, message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&derive(secret, purpose)).ok()?;
    mac.update(message);
    Some(mac)
}

#[cfg(test)]
impl SigningKeys {
    /// One key, and none before it.
    pub(super) fn of(text: &str) -> Self {
        Self {
            current: Secret::new(text.to_owned()),
            previous: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_one_purpose() {
        let (before, other) = (SigningKeys::of("old"), SigningKeys::of("other"));
        let keys = SigningKeys {
            previous: Some(Secret::new("old".to_owned())),
            ..SigningKeys::of("new")
        };
        let signature = before.sign(Purpose::ArchiveUrl, b"x");
        assert_eq!(signature.len(), 32);
        for (keys, purpose, message, is_good) in [
            (&before, Purpose::ArchiveUrl, b"x", true),
            (&keys, Purpose::ArchiveUrl, b"x", true),
            (&keys, Purpose::ArchiveUrl, b"y", false),
            (&keys, Purpose::RegistryToken, b"x", false),
            (&other, Purpose::ArchiveUrl, b"x", false),
        ] {
            assert_eq!(
                keys.verify(purpose, message, &signature),
                is_good,
                "{purpose:?}"
            );
        }
        assert!(!keys.verify(Purpose::ArchiveUrl, b"x", &signature[..16]));
        assert!(!keys.verify(Purpose::ArchiveUrl, b"x", b""));
    }
}
