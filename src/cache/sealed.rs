//! Values that are secret: encrypted, so that whoever reads the store, or a copy of it, gets nothing.
//!
//! XChaCha20-Poly1305 with a random nonce (24 bytes, so that chance is no worry), and the value's own key in the store as
//! associated data: a value that was put in another's place does not open. What does not open is a miss.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Key;
use crate::host::Host;

/// The value under `key`, if it was sealed with `secret` and for that place.
pub(crate) fn load<T: DeserializeOwned>(
    host: &impl Host,
    key: &Key,
    secret: &[u8; 32],
) -> Option<T> {
    open(key, secret, &host.get(key.as_str())?)
}

/// Seals a value and keeps it under `key`, if the store will.
pub(crate) fn save<T: Serialize>(host: &impl Host, key: &Key, secret: &[u8; 32], value: &T) {
    let mut nonce = [0; NONCE];
    host.random(&mut nonce);
    if let Some(sealed) = seal(key, secret, nonce, value) {
        host.set(key.as_str(), &sealed);
    }
}

fn seal<T: Serialize>(
    key: &Key,
    secret: &[u8; 32],
    nonce: [u8; NONCE],
    value: &T,
) -> Option<Vec<u8>> {
    let text = postcard::to_stdvec(value).ok()?;
    let payload = Payload {
        msg: &text,
        aad: key.as_str().as_bytes(),
    };
    let cipher = XChaCha20Poly1305::new(secret.into());
    let sealed = cipher.encrypt(XNonce::from_slice(&nonce), payload).ok()?;
    Some([&nonce, sealed.as_slice()].concat())
}

fn open<T: DeserializeOwned>(key: &Key, secret: &[u8; 32], sealed: &[u8]) -> Option<T> {
    let (nonce, text) = sealed.split_at_checked(NONCE)?;
    let payload = Payload {
        msg: text,
        aad: key.as_str().as_bytes(),
    };
    let cipher = XChaCha20Poly1305::new(secret.into());
    let text = cipher.decrypt(XNonce::from_slice(nonce), payload).ok()?;
    postcard::from_bytes(&text).ok()
}

const NONCE: usize = 24;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sealed_value_opens_with_its_secret_in_its_place() {
        let (acme, labs) = (Key::owner_token("acme"), Key::owner_token("labs"));
        let sealed = seal(&acme, &[1; 32], [2; 24], &"ghs_secret").unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"ghs_"));
        let opened = |key: &Key, secret: u8| open::<String>(key, &[secret; 32], &sealed);
        assert_eq!(opened(&acme, 1).as_deref(), Some("ghs_secret"));
        assert_eq!(opened(&acme, 2), None);
        assert_eq!(opened(&labs, 1), None);
    }

    proptest! {
        #[test]
        fn a_damaged_value_is_a_miss(at: prop::sample::Index, flip in 1u8..) {
            let key = Key::owner_token("acme");
            let mut sealed = seal(&key, &[1; 32], [2; 24], &"ghs_secret").unwrap();
            let at = at.index(sealed.len());
            prop_assert_eq!(open::<String>(&key, &[1; 32], &sealed[..at]), None);
            sealed[at] ^= flip;
            prop_assert_eq!(open::<String>(&key, &[1; 32], &sealed), None);
        }
    }
}
