//! What is kept in the key-value store between requests, and what that is good for at a given time.
//!
//! The store may forget, may fail, and may hold bytes of another version of Landfall: each is a miss, never an error.
//! No key is the beginning of another, and their number is bounded: two for a
//! repository that exists, and a fixed number for everything else.
//!
//! - [`entry`]: the hot value of a repository: its `versions` answer, and how fresh that is
//! - [`history`]: the cold one: what its tags were first seen to be, and what revalidation takes
//! - [`index`]: an owner's modules, for lists and searches
//! - [`names`]: an owner's names: those that lead nowhere, and those that are known
//! - [`lease`]: who is asking GitHub just now
//! - [`shelf`]: small archives, and modules' details
//! - `catalogue`: the catalogue that stands in a repository
//! - [`sealed`]: values that nobody else who reads the store may use

pub(crate) mod catalogue;
pub mod entry;
pub mod history;
pub mod index;
pub mod lease;
pub mod names;
pub mod sealed;
pub mod shelf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::cache::shelf::Shelf;
use crate::event::Event;
use crate::host::Host;

/// A key of the store: the layout's version, the kind, and a name with a slash behind it, which no name has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// The hot value of a [`Source`](crate::catalogue::Source): [`entry::Entry`].
    #[must_use]
    pub fn entry(owner: &str, source: &str) -> Self {
        Self::of_source("entry", owner, source)
    }

    /// The cold value of a [`Source`](crate::catalogue::Source): [`history::History`].
    #[must_use]
    pub fn history(owner: &str, source: &str) -> Self {
        Self::of_source("history", owner, source)
    }

    /// An owner's [`names::Names`].
    #[must_use]
    pub fn names(owner: &str) -> Self {
        Self::named("names", owner)
    }

    /// A part of an owner's [`index`].
    #[must_use]
    pub fn index(owner: &str, part: usize) -> Self {
        Self::named("index", &format!("{owner}/{part}"))
    }

    /// The token of the installation that was found for an owner.
    #[must_use]
    pub fn owner_token(owner: &str) -> Self {
        Self::named("token/owner", owner)
    }

    /// The token of the installation that the configuration names.
    #[must_use]
    pub fn installation_token(installation: u64) -> Self {
        Self::named("token/installation", &installation.to_string())
    }

    /// The limits of one of GitHub's buckets: `github::limits`.
    #[must_use]
    pub fn limits(bucket: &str) -> Self {
        Self::named("limits", bucket)
    }

    /// The keys of an issuer of ID tokens. Its name is a URL, which may be long.
    #[must_use]
    pub fn issuer(name: &str) -> Self {
        let sum = hex::encode(Sha256::digest(name));
        Self::named("issuer", sum.get(..32).unwrap_or_default())
    }

    /// A [`lease`]'s slot.
    #[must_use]
    pub fn lease(slot: u32) -> Self {
        Self::named("lease", &slot.to_string())
    }

    /// The index of a [`shelf`].
    #[must_use]
    pub fn shelf(shelf: Shelf) -> Self {
        Self::named("shelf", shelf.name())
    }

    /// The catalogue, where it stands in a repository.
    #[must_use]
    pub fn catalogue() -> Self {
        Self::named("catalogue", "file")
    }

    /// A slot of a [`shelf`].
    #[must_use]
    pub fn slot(shelf: Shelf, slot: usize) -> Self {
        Self::named(shelf.name(), &slot.to_string())
    }

    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tags have slashes, and are compared with regard to case: what they begin with is in the key as a sum.
    fn of_source(kind: &str, owner: &str, source: &str) -> Self {
        match source.split_once(':') {
            None => Self::named(kind, &format!("{owner}/{source}")),
            Some((repository, prefix)) => {
                let sum = hex::encode(Sha256::digest(prefix));
                let sum = sum.get(..32).unwrap_or_default();
                Self::named(kind, &format!("{owner}/{repository}:{sum}"))
            }
        }
    }

    /// GitHub compares names without regard to case.
    fn named(kind: &str, name: &str) -> Self {
        Self(format!("landfall/3/{kind}/{}/", name.to_ascii_lowercase()))
    }
}

/// How long what is kept is good for, in seconds; each 0 switches its part off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// `cache_fresh_seconds`: from when GitHub confirmed an answer until it is asked again.
    pub fresh: u64,
    /// `cache_stale_seconds`: after that, how long the answer is still given at once, and refreshed behind it.
    pub stale: u64,
    /// `cache_error_seconds`: from when GitHub confirmed an answer until it is no longer given even if GitHub fails.
    pub error: u64,
    /// `cache_negative_seconds`: how long it is believed that something does not exist or may not be read.
    pub negative: u64,
}

/// Whether a time, in milliseconds since 1970, is still to come. What is further away than anyone sets it was written by
/// a clock that was wrong.
pub(crate) fn is_running(until: u64, now: u64, longest: u64) -> bool {
    (now + 1..=now + longest).contains(&until)
}

/// The value under `key`: its head, and the bytes behind that, if they can be read.
pub(crate) fn load<T: DeserializeOwned>(host: &impl Host, key: &Key) -> Option<(T, Vec<u8>)> {
    decode(&host.get(key.as_str())?)
}

/// Keeps a head and the bytes behind it under `key`, if the store will, and if they are no more than [`MAX_VALUE`].
pub(crate) fn save<T: Serialize>(host: &impl Host, key: &Key, head: &T, rest: &[u8]) {
    let value = encode(head, rest);
    if value.len() > MAX_VALUE {
        let size = value.len();
        let message = format!(
            "key-value store: {} would have {size} bytes, which is too much for a value: it is not kept",
            key.as_str()
        );
        Event::begin(host, None, "store", "too large", "").say(host, &message);
        return;
    }
    host.set(key.as_str(), &value);
}

/// A checksum, the head, and the bytes behind it.
pub(crate) fn encode<T: Serialize>(head: &T, rest: &[u8]) -> Vec<u8> {
    let mut value = postcard::to_extend(head, vec![0; 4]).unwrap_or_default();
    value.extend_from_slice(rest);
    let sum = crc32fast::hash(value.get(4..).unwrap_or_default());
    if let Some(start) = value.first_chunk_mut() {
        *start = sum.to_le_bytes();
    }
    value
}

pub(crate) fn decode<T: DeserializeOwned>(value: &[u8]) -> Option<(T, Vec<u8>)> {
    let (sum, bytes) = value.split_first_chunk()?;
    let is_sound = crc32fast::hash(bytes) == u32::from_le_bytes(*sum);
    let (head, rest) = is_sound.then(|| postcard::take_from_bytes(bytes).ok())??;
    Some((head, rest.to_vec()))
}

/// What the smallest host takes as one value is 1 MB.
const MAX_VALUE: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_key_is_the_beginning_of_another() {
        let keys = [
            Key::entry("Acme", "VPC"),
            Key::entry("acme", "vpc-endpoints"),
            Key::history("acme", "vpc"),
            Key::entry("acme", "vpc:dns/v"),
            Key::entry("acme", "vpc:dns/"),
            Key::names("acme"),
            Key::index("acme", 0),
            Key::index("acme", 1),
            Key::owner_token("acme"),
            Key::installation_token(7),
            Key::limits("acme"),
            Key::issuer("https://forge.example"),
            Key::lease(7),
            Key::shelf(Shelf::Archives),
            Key::shelf(Shelf::Details),
            Key::catalogue(),
            Key::slot(Shelf::Archives, 7),
            Key::slot(Shelf::Details, 7),
        ];
        assert_eq!(keys[0].as_str(), "landfall/3/entry/acme/vpc/");
        for a in &keys {
            for b in &keys {
                assert!(a == b || !b.as_str().starts_with(a.as_str()), "{a:?} {b:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_value_is_read_back_or_not_at_all(head in ".{0,20}", rest: Vec<u8>, at: usize, flip in 1u8..) {
            let mut value = encode(&head, &rest);
            prop_assert_eq!(decode::<String>(&value), Some((head, rest)));
            let at = at % value.len();
            value[at] ^= flip;
            prop_assert_eq!(decode::<String>(&value), None);
            prop_assert_eq!(decode::<String>(&value[..at]), None);
        }
    }
}
