//! What commits have, kept by what was asked for: small re-rooted archives, so that an outage is survived by fresh checkouts too, and
//! many of them at once cost GitHub nothing; and modules' details.
//!
//! Each kind is in a fixed number of slots, and one index says what is where. The least recently used is overwritten first.
//! Writers don't wait for each other: an index that lost an update loses a value, and never gives a wrong one,
//! because each slot says itself what it holds.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::entry::milliseconds;
use super::{Key, encode, load, save};
use crate::host::Host;
use crate::module::ObjectId;

/// What is kept on a shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Re-rooted archives.
    Archives,
    /// What modules take and give.
    Details,
}

impl Shelf {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Archives => "archive",
            Self::Details => "details",
        }
    }
}

/// `archive_cache_bytes` and `archive_cache_entries`, or what goes for another shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The largest value that is kept, in bytes; 0 keeps none.
    pub bytes: usize,
    /// How many are kept.
    pub entries: usize,
}

/// Which slot holds what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Index {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    content: Content,
    /// In milliseconds since 1970; written at most every [`TOUCH_MS`].
    used_at: u64,
}

/// What a value is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    object: ObjectId,
    /// The folder that is the module.
    path: String,
}

impl Content {
    fn of(object: &ObjectId, path: &str) -> Self {
        Self {
            object: object.clone(),
            path: path.to_owned(),
        }
    }
}

/// What is kept of a commit or a tag object, or of a folder of it.
pub(crate) fn find(
    host: &impl Host,
    shelf: Shelf,
    object: &ObjectId,
    path: &str,
    bounds: Bounds,
) -> Option<Vec<u8>> {
    let content = Content::of(object, path);
    if bounds.bytes == 0 || bounds.entries == 0 {
        return None;
    }
    let mut index = load_index(host, shelf);
    let at = index
        .slots
        .iter()
        .position(|slot| slot.content == content)?;
    let (held, value) = load::<Content>(host, &Key::slot(shelf, at))?;
    if held != content {
        return None;
    }
    let now = milliseconds(host.now());
    let slot = index.slots.get_mut(at)?;
    if now.abs_diff(slot.used_at) > TOUCH_MS {
        slot.used_at = now;
        save(host, &Key::shelf(shelf), &index, &[]);
    }
    Some(value)
}

/// Whether something is kept, without a look at it.
pub(crate) fn has(host: &impl Host, shelf: Shelf, object: &ObjectId, path: &str) -> bool {
    let content = Content::of(object, path);
    let index = load_index(host, shelf);
    index.slots.iter().any(|slot| slot.content == content)
}

/// Keeps a value, if it is small enough.
pub(crate) fn keep(
    host: &impl Host,
    shelf: Shelf,
    object: &ObjectId,
    path: &str,
    value: &[u8],
    bounds: Bounds,
) {
    if value.len() > bounds.bytes || bounds.entries == 0 {
        return;
    }
    let mut index = load_index(host, shelf);
    let content = Content::of(object, path);
    let slot = index.place(&content, host.now(), bounds.entries);
    host.set(Key::slot(shelf, slot).as_str(), &encode(&content, value));
    save(host, &Key::shelf(shelf), &index, &[]);
}

fn load_index(host: &impl Host, shelf: Shelf) -> Index {
    load(host, &Key::shelf(shelf))
        .map(|(index, _)| index)
        .unwrap_or_default()
}

impl Index {
    /// Finds a slot for a value: its own, a new one, or the least recently used.
    fn place(&mut self, content: &Content, now: SystemTime, entries: usize) -> usize {
        self.slots.truncate(entries);
        let slot = Slot {
            content: content.clone(),
            used_at: milliseconds(now),
        };
        let own = self.slots.iter().position(|slot| slot.content == *content);
        let at = own.unwrap_or_else(|| {
            if self.slots.len() < entries {
                return self.slots.len();
            }
            let oldest = self
                .slots
                .iter()
                .enumerate()
                .min_by_key(|(_, it)| it.used_at);
            oldest.map_or(0, |(at, _)| at)
        });
        match self.slots.get_mut(at) {
            Some(known) => *known = slot,
            None => self.slots.push(slot),
        }
        at
    }
}

/// What is used all the time is not written down each time.
const TOUCH_MS: u64 = 10 * 60 * 1000;

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_least_recently_used_slot_is_taken_first() {
        let object =
            |n: u64| Content::of(&ObjectId::parse(&format!("{n:040x}")).unwrap(), "modules/a");
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let mut index = Index::default();
        let places: Vec<usize> = [(1, 10), (2, 20), (3, 30), (1, 40), (4, 50), (5, 60)]
            .map(|(n, seconds)| index.place(&object(n), at(seconds), 3))
            .to_vec();
        assert_eq!(places, [0, 1, 2, 0, 1, 2]);
        // Fewer of them from now on.
        assert_eq!(index.place(&object(6), at(70), 1), 0);
        assert_eq!(index.slots.len(), 1);
    }
}
