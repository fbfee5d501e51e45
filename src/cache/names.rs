//! An owner's names: which of them were found not to exist a moment ago, and which are known, so that word of the whole
//! owner reaches each of them. All are in one value, and there are only so many, because anyone can make names up.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::entry::milliseconds;
use super::{Key, Lifetimes, is_running, load, save};
use crate::config::Config;
use crate::error::{Error, NotFound};
use crate::host::Host;

/// An owner's names: those of repositories, and what stands for a part of a repository's tags (`catalogue::Source`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// The API that was asked, and as whom: what another credential may not see is no news.
    asked: String,
    /// Those that lead nowhere, in the order of their being found, with the time until when that is believed, in
    /// milliseconds since 1970.
    absent: Vec<(String, u64, Why)>,
    /// Those of repositories that there is an entry of. One that two instances added at once may be missing.
    known: Vec<String>,
}

/// Why there is nothing of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// No such repository, or none that may be seen.
    Repository,
    /// The App is not installed for the owner.
    Installation,
    /// GitHub refuses the credential.
    Refused,
    /// GitHub fails, and there is something else to serve.
    Unanswered,
}

impl Why {
    /// Why a name leads nowhere, if the failure is one that will not be another in a moment.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        match error {
            Error::NotFound(NotFound::Repository) => Some(Self::Repository),
            Error::NotFound(NotFound::Installation) => Some(Self::Installation),
            Error::Rejected(_) => Some(Self::Refused),
            _ => None,
        }
    }

    /// The failure again.
    #[must_use]
    pub fn error(self) -> Error {
        match self {
            Self::Repository => Error::NotFound(NotFound::Repository),
            Self::Installation => Error::NotFound(NotFound::Installation),
            Self::Refused => Error::Rejected("as it was a moment ago".to_owned()),
            Self::Unanswered => Error::Unavailable("it failed a moment ago".to_owned()),
        }
    }
}

impl Names {
    pub(crate) fn load(host: &impl Host, config: &Config, owner: &str) -> Self {
        let asked = format!(
            "{} {}",
            config.github.api_base(),
            config.credential.fingerprint()
        );
        let mut names =
            load::<Self>(host, &Key::names(owner)).map_or_else(Self::default, |it| it.0);
        if names.asked != asked {
            names.absent.clear();
            names.asked = asked;
        }
        names
    }

    pub(crate) fn save(&self, host: &impl Host, owner: &str) {
        save(host, &Key::names(owner), self, &[]);
    }

    /// Why there is nothing of this name, if that is known and still believed.
    #[must_use]
    pub fn why(&self, name: &str, now: SystemTime, lifetimes: &Lifetimes) -> Option<Why> {
        let now = milliseconds(now);
        let longest = lifetimes.negative * 1000;
        let found = self.absent.iter().find(|(known, until, _)| {
            known.eq_ignore_ascii_case(name) && is_running(*until, now, longest)
        });
        found.map(|(_, _, why)| *why)
    }

    /// Remembers that there is nothing of this name.
    pub fn insert(&mut self, name: &str, why: Why, now: SystemTime, lifetimes: &Lifetimes) {
        self.remove(name);
        if lifetimes.negative > 0 {
            let seconds = match why {
                Why::Repository => lifetimes.negative,
                Why::Unanswered => lifetimes.negative.min(LONGEST_RETRY),
                Why::Installation | Why::Refused => lifetimes.negative.min(MENDED_SOON),
            };
            let until = milliseconds(now) + seconds * 1000;
            self.absent.push((name.to_ascii_lowercase(), until, why));
        }
        let surplus = self.absent.len().saturating_sub(MAX_NAMES);
        self.absent.drain(..surplus);
    }

    /// Forgets a repository's name, and all parts of its tags; whether one was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.absent.len();
        let is_it = |known: &str| {
            let (repository, _) = known.split_once(':').unwrap_or((known, ""));
            known.eq_ignore_ascii_case(name) || repository.eq_ignore_ascii_case(name)
        };
        self.absent.retain(|(known, ..)| !is_it(known));
        self.absent.len() < before
    }

    /// Forgets all that lead nowhere, because the owner's repositories may be others now.
    pub fn forget_absent(&mut self) {
        self.absent.clear();
    }

    /// Remembers a repository; whether that was news.
    pub fn learn(&mut self, name: &str) -> bool {
        let is_known = self
            .known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        let is_news = !is_known && self.known.len() < MAX_KNOWN;
        if is_news {
            self.known.push(name.to_owned());
        }
        is_news
    }

    /// The repositories that are known.
    #[must_use]
    pub fn known(&self) -> &[String] {
        &self.known
    }
}

const MAX_NAMES: usize = 500;
/// More than the smallest host has keys for.
const MAX_KNOWN: usize = 2000;
/// Someone who sets Landfall up mends these, and tries again at once.
const MENDED_SOON: u64 = 5;
/// In seconds: how long GitHub is not asked again about what it failed for, however long other things are believed.
pub(crate) const LONGEST_RETRY: u64 = 30;

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_name_leads_nowhere_for_a_while_and_only_so_many_do() {
        let lifetimes = Lifetimes {
            fresh: 60,
            stale: 3600,
            error: 604_800,
            negative: 30,
        };
        let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds);
        let mut names = Names::default();
        names.insert("VPC", Why::Repository, at(0), &lifetimes);
        let why = |names: &Names, seconds| names.why("vpc", at(seconds), &lifetimes);
        assert_eq!(why(&names, 0), Some(Why::Repository));
        assert_eq!(why(&names, 29), Some(Why::Repository));
        assert_eq!(why(&names, 30), None);
        for n in 0..MAX_NAMES {
            names.insert(&n.to_string(), Why::Refused, at(0), &lifetimes);
        }
        assert_eq!(why(&names, 0), None);
        assert_eq!(names.why("499", at(0), &lifetimes), Some(Why::Refused));
        assert!(names.remove("499") && !names.remove("499"));
        names.forget_absent();
        let off = Lifetimes {
            negative: 0,
            ..lifetimes
        };
        names.insert("x", Why::Installation, at(0), &off);
        assert_eq!(names, Names::default());
        assert!(names.learn("VPC") && !names.learn("vpc"));
        assert_eq!(names.known(), ["VPC"]);
    }
}
