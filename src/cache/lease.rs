//! One flight: of many requests that need the same of GitHub, one asks, and the others wait for what it finds.
//!
//! The store is all that instances share, and it has no atomic operation that every host offers. So a claim is written,
//! and looked at again a moment later: the last one to write has it. Two that both have it cost one call too many, and a
//! store that forgets gives it to everyone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entry::milliseconds;
use super::{Key, is_running, load, save};
use crate::host::Host;

/// The right to ask GitHub for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What is asked for.
    about: String,
    /// Who asks: a random number.
    holder: u64,
    /// Until when, in milliseconds since 1970: the holder may be gone.
    until: u64,
}

impl Lease {
    /// Takes the lease of what `about` names for `duration`; `None` where someone else has it.
    pub(crate) async fn take(host: &impl Host, about: &str, duration: Duration) -> Option<Self> {
        let key = key(about);
        let now = milliseconds(host.now());
        let longest = milliseconds_of(LONGEST);
        let is_held = |lease: &Self| lease.about == about && is_running(lease.until, now, longest);
        if load::<Self>(host, &key).is_some_and(|(lease, _)| is_held(&lease)) {
            return None;
        }
        let mut holder = [0; 8];
        host.random(&mut holder);
        let lease = Self {
            about: about.to_owned(),
            holder: u64::from_le_bytes(holder),
            until: now + milliseconds_of(duration.min(LONGEST)),
        };
        save(host, &key, &lease, &[]);
        host.sleep(SETTLE).await;
        match load::<Self>(host, &key) {
            Some((last, _)) if is_held(&last) && last.holder != lease.holder => None,
            // Ours; or the store forgets, or takes no more; or the slot went to something else.
            _ => Some(lease),
        }
    }

    /// Gives the lease back.
    pub(crate) fn release(self, host: &impl Host) {
        let key = key(&self.about);
        let is_ours =
            |(last, _): (Self, Vec<u8>)| last.about == self.about && last.holder == self.holder;
        if load(host, &key).is_some_and(is_ours) {
            save(host, &key, &Self { until: 0, ..self }, &[]);
        }
    }
}

/// Leases share a fixed number of keys. Two that meet in one don't wait for each other.
fn key(about: &str) -> Key {
    Key::lease(crc32fast::hash(about.as_bytes()) % SLOTS)
}

fn milliseconds_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

const SLOTS: u32 = 64;
/// How long claims that were made at the same time take to become visible. A store that is slower lets two of them pass.
const SETTLE: Duration = Duration::from_millis(15);
const LONGEST: Duration = Duration::from_secs(10);
