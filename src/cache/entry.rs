//! A repository's hot value: the rendered `versions` answer, and how fresh it is. A warm answer reads this and nothing
//! else, and parses no JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{Key, Lifetimes, load, save};
use crate::host::Host;

/// What is known of a repository, and since when. Times are milliseconds since 1970, by this machine's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The API that was asked: another configuration's entry is a miss.
    pub api: String,
    /// When GitHub was asked for what it last confirmed.
    pub confirmed_at: u64,
    /// When something said that the repository has changed since; 0 for never.
    pub marked_at: u64,
    /// When the list that GitHub confirmed was new: that of the [`History`](super::history::History) beside it.
    pub listed_at: u64,
    /// Until when GitHub is not asked again, because it failed; 0 for never.
    pub retry_at: u64,
    /// What GitHub confirmed.
    pub kind: Kind,
    /// Repositories that modules are looked for in after this one, and that none had been found in before.
    pub first_before: Vec<String>,
    /// Repositories that a module is looked for in before this one and that do not exist, with the time until when
    /// that is believed.
    pub absent_before: Vec<(String, u64)>,
    /// What clients have to be told of the whole repository.
    pub warning: Option<String>,
    /// What they have to be told of single versions: those whose tag was moved.
    pub moved: Option<String>,
    /// Its owner and name, where they are others than those that it is asked for by.
    pub renamed: Option<(String, String)>,
    /// Versions that are not known for long, and since when.
    pub recent: Vec<(String, u64)>,
    /// The body of the `versions` answer; empty for every other kind.
    #[serde(skip)]
    pub document: Vec<u8>,
}

/// What a repository is, as far as modules are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// It has versions.
    Versions,
    /// It exists, and has no version.
    Empty,
    /// It does not exist, or is not to be seen any more.
    Gone,
    /// GitHub refuses to show it.
    Refused,
    /// Another repository has taken its name, and `moved_tags` is `refuse`.
    Replaced,
}

/// What an entry is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is the answer.
    Fresh,
    /// It is the answer, and GitHub has to be asked behind it.
    Stale,
    /// GitHub has to be asked first.
    Expired,
    /// There is none.
    Miss,
}

impl Entry {
    /// An entry of what GitHub just confirmed.
    #[must_use]
    pub fn new(api: &str, kind: Kind, confirmed_at: u64) -> Self {
        Self {
            api: api.to_owned(),
            confirmed_at,
            marked_at: 0,
            listed_at: 0,
            retry_at: 0,
            kind,
            first_before: Vec::new(),
            absent_before: Vec::new(),
            warning: None,
            moved: None,
            renamed: None,
            recent: Vec::new(),
            document: Vec::new(),
        }
    }

    /// The entry of a repository, if it is this API's.
    pub(crate) fn load(host: &impl Host, api: &str, owner: &str, name: &str) -> Option<Self> {
        let (mut entry, document) = load::<Self>(host, &Key::entry(owner, name))?;
        entry.document = document;
        (entry.api == api).then_some(entry)
    }

    pub(crate) fn save(&self, host: &impl Host, owner: &str, name: &str) {
        save(host, &Key::entry(owner, name), self, &self.document);
    }

    /// What an entry, or none, is good for. An entry of the future was made by a clock that was wrong.
    #[must_use]
    pub fn lookup(entry: Option<&Self>, now: SystemTime, lifetimes: &Lifetimes) -> Lookup {
        let Some(entry) = entry else {
            return Lookup::Miss;
        };
        let now = milliseconds(now);
        let is_marked = entry.marked_at >= entry.confirmed_at;
        let Some(age) = now.checked_sub(entry.confirmed_at).filter(|_| !is_marked) else {
            return Lookup::Expired;
        };
        let (fresh, stale) = match entry.kind {
            Kind::Versions => (lifetimes.fresh, lifetimes.stale),
            Kind::Empty | Kind::Gone | Kind::Refused | Kind::Replaced => (lifetimes.negative, 0),
        };
        if age < fresh * 1000 {
            Lookup::Fresh
        } else if age < (fresh + stale) * 1000 {
            Lookup::Stale
        } else {
            Lookup::Expired
        }
    }

    /// Whether the entry is the answer while GitHub fails.
    #[must_use]
    pub fn survives_failure(&self, now: SystemTime, lifetimes: &Lifetimes) -> bool {
        let age = milliseconds(now).saturating_sub(self.confirmed_at);
        self.kind == Kind::Versions && age < lifetimes.error * 1000
    }

    /// Whether a repository of another name, which goes before this one, is believed not to exist.
    #[must_use]
    pub fn follows(&self, name: &str, now: SystemTime, lifetimes: &Lifetimes) -> bool {
        let now = milliseconds(now);
        let is_believed = |until: u64| (now..=now + BELIEVED_ABSENT_MS).contains(&until);
        lifetimes.negative > 0 && self.absent_until(name).is_some_and(is_believed)
    }

    /// Whether a repository of another name, which goes before this one, was once found not to exist.
    #[must_use]
    pub fn knew(&self, name: &str) -> bool {
        self.absent_until(name).is_some()
    }

    /// Whether no module that is in this repository had been found in that one before.
    #[must_use]
    pub fn was_first(&self, later: &str) -> bool {
        let is_it = |known: &String| known.eq_ignore_ascii_case(later);
        self.first_before.iter().any(is_it)
    }

    /// Remembers that no module that is in this repository had been found in those before. Whether that was news.
    pub fn note_first(&mut self, later: &[&str]) -> bool {
        let before = self.first_before.len();
        for name in later {
            if self.first_before.len() < MAX_ABSENT_BEFORE && !self.was_first(name) {
                self.first_before.push((*name).to_owned());
            }
        }
        self.first_before.len() > before
    }

    fn absent_until(&self, name: &str) -> Option<u64> {
        let is_it = |(known, _): &&(String, u64)| known.eq_ignore_ascii_case(name);
        self.absent_before
            .iter()
            .find(is_it)
            .map(|(_, until)| *until)
    }

    /// Remembers that repositories which go before this one do not exist, and believes it for a day. Whether that was
    /// news. Who was not asked for in a month makes room for others.
    pub fn follow(&mut self, names: &[String], now: SystemTime) -> bool {
        let until = milliseconds(now) + BELIEVED_ABSENT_MS;
        let mut is_news = false;
        for name in names {
            let mut slots = self.absent_before.iter_mut();
            if let Some(slot) = slots.find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                is_news |= slot.1 != until;
                slot.1 = until;
                continue;
            }
            if self.absent_before.len() >= MAX_ABSENT_BEFORE {
                self.absent_before
                    .retain(|(_, old)| old + FORGOTTEN_MS > until);
            }
            if self.absent_before.len() < MAX_ABSENT_BEFORE {
                self.absent_before.push((name.clone(), until));
                is_news = true;
            }
        }
        is_news
    }
}

/// Milliseconds since 1970.
#[must_use]
pub fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A module of a later template would otherwise cost a call each time, because a 404 can't be revalidated.
const BELIEVED_ABSENT_MS: u64 = 24 * 60 * 60 * 1000;
const FORGOTTEN_MS: u64 = 30 * BELIEVED_ABSENT_MS;
/// One for each system that a repository is asked for as.
const MAX_ABSENT_BEFORE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes {
        fresh: 60,
        stale: 3600,
        error: 604_800,
        negative: 30,
    };
    const START: u64 = 1_800_000_000;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn entry(kind: Kind) -> Entry {
        Entry::new("api", kind, START * 1000)
    }

    #[test]
    fn an_entry_is_fresh_then_stale_then_expired() {
        let off = Lifetimes {
            fresh: 0,
            stale: 0,
            error: 0,
            negative: 0,
        };
        let marked = Entry {
            marked_at: START * 1000,
            ..entry(Kind::Versions)
        };
        for (entry, now, lifetimes, expected, survives) in [
            (entry(Kind::Versions), START, LIFETIMES, Lookup::Fresh, true),
            (
                entry(Kind::Versions),
                START + 59,
                LIFETIMES,
                Lookup::Fresh,
                true,
            ),
            (
                entry(Kind::Versions),
                START + 60,
                LIFETIMES,
                Lookup::Stale,
                true,
            ),
            (
                entry(Kind::Versions),
                START + 3659,
                LIFETIMES,
                Lookup::Stale,
                true,
            ),
            (
                entry(Kind::Versions),
                START + 3660,
                LIFETIMES,
                Lookup::Expired,
                true,
            ),
            (
                entry(Kind::Versions),
                START + 604_799,
                LIFETIMES,
                Lookup::Expired,
                true,
            ),
            (
                entry(Kind::Versions),
                START + 604_800,
                LIFETIMES,
                Lookup::Expired,
                false,
            ),
            // The clock went back.
            (
                entry(Kind::Versions),
                START - 600,
                LIFETIMES,
                Lookup::Expired,
                true,
            ),
            (marked, START + 1, LIFETIMES, Lookup::Expired, true),
            (entry(Kind::Versions), START, off, Lookup::Expired, false),
            (
                entry(Kind::Empty),
                START + 29,
                LIFETIMES,
                Lookup::Fresh,
                false,
            ),
            (
                entry(Kind::Gone),
                START + 30,
                LIFETIMES,
                Lookup::Expired,
                false,
            ),
            (entry(Kind::Refused), START, off, Lookup::Expired, false),
        ] {
            let found = Entry::lookup(Some(&entry), at(now), &lifetimes);
            assert_eq!(found, expected, "{entry:?} at {now}");
            let survived = entry.survives_failure(at(now), &lifetimes);
            assert_eq!(survived, survives, "{entry:?} at {now}");
        }
        assert_eq!(Entry::lookup(None, at(START), &LIFETIMES), Lookup::Miss);
    }

    #[test]
    fn what_goes_before_is_believed_absent_for_a_day() {
        let mut entry = entry(Kind::Versions);
        let name = "terraform-aws-vpc";
        let follows = |entry: &Entry, second| entry.follows(name, at(second), &LIFETIMES);
        assert!(!follows(&entry, START));
        assert!(entry.follow(&["Terraform-aws-vpc".to_owned()], at(START)));
        assert!(!entry.follow(&[name.to_owned()], at(START)));
        assert!(follows(&entry, START + 86_400));
        assert!(!follows(&entry, START + 86_401) && entry.knew(name));
        // By a clock that was set back since.
        assert!(!follows(&entry, START - 60));
        let off = Lifetimes {
            negative: 0,
            ..LIFETIMES
        };
        assert!(!entry.follows(name, at(START), &off));
        // Names that someone made up don't push it out.
        for n in 0..100 {
            let _ = entry.follow(&[format!("terraform-s{n}-vpc")], at(START));
        }
        assert_eq!(entry.absent_before.len(), MAX_ABSENT_BEFORE);
        assert!(follows(&entry, START));
        let later = START + 31 * 86_400;
        assert!(entry.follow(&["terraform-new-vpc".to_owned()], at(later)));
        assert_eq!(entry.absent_before.len(), 1);
    }
}
