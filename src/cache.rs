//! What is kept in the key-value store between requests.
//!
//! The store may forget, may fail, and may hold bytes of another version of Landfall: each is a miss, never an error.
//! Keys are built from parsed names alone, and no key is the beginning of another.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::Host;

/// A key of the store: the layout's version, the kind, and a name that is the key's last part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// The token of the installation that was found for an owner.
    #[must_use]
    pub fn owner_token(owner: &str) -> Self {
        Self(format!(
            "landfall/1/token/owner/{}",
            owner.to_ascii_lowercase()
        ))
    }

    /// The token of the installation that the configuration names.
    #[must_use]
    pub fn installation_token(installation: u64) -> Self {
        Self(format!("landfall/1/token/installation/{installation}"))
    }

    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is kept under `key`, if it can be read.
pub fn load<T: DeserializeOwned>(host: &impl Host, key: &Key) -> Option<T> {
    match host.get(key.as_str()) {
        Ok(value) => serde_json::from_slice(&value?).ok(),
        Err(error) => {
            host.log(&format!("key-value store: get: {error}"));
            None
        }
    }
}

/// Keeps `value` under `key`, if the store will.
pub fn save<T: Serialize>(host: &impl Host, key: &Key, value: &T) {
    let Ok(bytes) = serde_json::to_vec(value) else {
        return;
    };
    if let Err(error) = host.set(key.as_str(), &bytes) {
        host.log(&format!("key-value store: set: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_the_beginning_of_another_kind_s() {
        assert_eq!(
            Key::owner_token("Acme").as_str(),
            "landfall/1/token/owner/acme"
        );
        assert_eq!(
            Key::installation_token(7).as_str(),
            "landfall/1/token/installation/7"
        );
    }
}
