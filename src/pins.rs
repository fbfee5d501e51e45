//! Serve commits, not names: what each version's tag pointed at when it was first seen, and where it points now.
//!
//! A tag can be moved, and deleted and made anew elsewhere. Clients pin versions and trust that they stay what they are,
//! so what was seen first is remembered for as long as the store remembers anything.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::module::ObjectId;
use crate::version::{ModuleVersion, Release, Releases};

/// What a tag points at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A lightweight tag: the commit itself.
    Commit(ObjectId),
    /// An annotated tag: an object of its own, which leads to the commit.
    Tag(ObjectId),
}

impl Target {
    /// The object's id.
    #[must_use]
    pub fn object(&self) -> &ObjectId {
        match self {
            Self::Commit(id) | Self::Tag(id) => id,
        }
    }
}

/// What to do about a version whose tag was moved: `moved_tags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovedTags {
    /// Serve what was seen first.
    ServePinned,
    /// Serve what the tag points at now.
    Follow,
    /// Serve neither.
    Refuse,
}

/// What is known of one version's tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Seen first, and never changed.
    pub first: Sight,
    /// Seen last, where that is something else.
    pub moved: Option<Sight>,
}

/// What a tag was seen to point at, and the commit behind that, once it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// As GitHub lists it.
    pub target: Target,
    /// Of an annotated tag: known from the first archive on.
    pub peeled: Option<ObjectId>,
    /// Since when this is known, in milliseconds since 1970; 0 for what a repository's first list had, which may be as old as
    /// the repository.
    pub since: u64,
}

impl Sight {
    fn new(target: Target, since: u64) -> Self {
        Self {
            target,
            peeled: None,
            since,
        }
    }

    /// The commit, if it is known.
    #[must_use]
    pub fn commit(&self) -> Option<&ObjectId> {
        match &self.target {
            Target::Commit(commit) => Some(commit),
            Target::Tag(_) => self.peeled.as_ref(),
        }
    }
}

impl Pin {
    /// What is served of it; `None` where that is refused. Where a moved tag is followed, it is as soon as `is_held` no longer says
    /// that what it points at now is known for too short a time.
    #[must_use]
    pub fn served(&self, policy: MovedTags, is_held: impl Fn(u64) -> bool) -> Option<&Sight> {
        match (&self.moved, policy) {
            (Some(moved), MovedTags::Follow) if !is_held(moved.since) => Some(moved),
            (None, _) | (Some(_), MovedTags::ServePinned | MovedTags::Follow) => Some(&self.first),
            (Some(_), MovedTags::Refuse) => None,
        }
    }

    /// The sight of an object, if it may be served: an address may be older than the last move of its tag.
    #[must_use]
    pub fn serves(
        &self,
        object: &ObjectId,
        policy: MovedTags,
        is_held: impl Fn(u64) -> bool,
    ) -> Option<&Sight> {
        let first =
            Some(&self.first).filter(|_| self.moved.is_none() || policy != MovedTags::Refuse);
        let moved = self.moved.as_ref();
        let moved = moved.filter(|it| policy == MovedTags::Follow && !is_held(it.since));
        [first, moved]
            .into_iter()
            .flatten()
            .find(|sight| sight.target.object() == object)
    }

    fn see(&mut self, target: Target, now: u64) -> bool {
        if self.first.target == target {
            self.moved = None;
            return false;
        }
        if self
            .moved
            .as_ref()
            .is_some_and(|moved| moved.target == target)
        {
            return false;
        }
        self.moved = Some(Sight::new(target, now));
        true
    }
}

/// All versions of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Pins {
    /// Those that have a tag now, newest first, each spelling once.
    pub releases: Releases<Pin>,
    /// Those whose tag was deleted, should it come back.
    gone: Vec<Release<Pin>>,
}

impl Pins {
    /// Whether a list of tags lacks more than half of the known versions. That happens when someone cleans up, and when
    /// GitHub has lost something.
    #[must_use]
    pub fn would_shrink(&self, tags: &[(String, Target)]) -> bool {
        let versions = tags
            .iter()
            .filter_map(|(tag, _)| ModuleVersion::from_tag(tag));
        let listed: HashSet<String> = versions.map(|version| version.to_string()).collect();
        let known = self.releases.iter().count();
        let is_left = |release: &&Release<Pin>| listed.contains(&release.version.to_string());
        let left = self.releases.iter().filter(is_left).count();
        left * 2 < known
    }

    /// Takes a whole list of tags in, at the time `now` (in milliseconds since 1970; 0 for the first list), and returns the versions
    /// whose tag was moved since the last one.
    pub fn see(
        &mut self,
        tags: impl IntoIterator<Item = (String, Target)>,
        now: u64,
    ) -> Vec<ModuleVersion> {
        let known = std::mem::take(self);
        let mut known: HashMap<String, Release<Pin>> = known
            .releases
            .into_iter()
            .chain(known.gone)
            .map(|release| (release.version.to_string(), release))
            .collect();
        let mut moved = Vec::new();
        let mut listed = HashSet::new();
        let mut releases = Vec::new();
        for Release {
            version,
            tag,
            target,
        } in Releases::from_tags(tags)
        {
            let text = version.to_string();
            if !listed.insert(text.clone()) {
                // `v1.0.0` and `1.0.0`: the first one is the version.
                continue;
            }
            let pin = match known.remove(&text) {
                None => Pin {
                    first: Sight::new(target, now),
                    moved: None,
                },
                Some(Release {
                    target: mut pin, ..
                }) => {
                    if pin.see(target, now) {
                        moved.push(version.clone());
                    }
                    pin
                }
            };
            releases.push(Release {
                version,
                tag,
                target: pin,
            });
        }
        let mut gone: Vec<_> = known.into_values().collect();
        gone.sort_by(|a, b| b.version.cmp_age(&a.version));
        gone.truncate(MAX_PINS.saturating_sub(releases.len()));
        *self = Self {
            releases: Releases::from_ordered(releases),
            gone,
        };
        moved
    }

    /// Remembers which commit an annotated tag leads to. Whether that was news.
    pub fn peel(&mut self, object: &ObjectId, commit: &ObjectId) -> bool {
        let mut is_news = false;
        for release in self.releases.iter_mut() {
            let pin = &mut release.target;
            for sight in std::iter::once(&mut pin.first).chain(&mut pin.moved) {
                let is_it = sight.target == Target::Tag(object.clone());
                if is_it && sight.peeled.as_ref() != Some(commit) {
                    sight.peeled = Some(commit.clone());
                    is_news = true;
                }
            }
        }
        is_news
    }

    /// The listed versions that became known since [`LONGEST_HOLD_BACK_MS`] before `now`, and when: both in milliseconds since 1970.
    #[must_use]
    pub fn recent(&self, now: u64) -> Vec<(String, u64)> {
        let since = now.saturating_sub(LONGEST_HOLD_BACK_MS);
        let listed = self.releases.listed();
        listed
            .filter(|release| release.target.first.since > since)
            .map(|release| (release.version.to_string(), release.target.first.since))
            .collect()
    }

    /// The listed versions whose tag is not where it was seen first, newest first.
    pub fn moved(&self) -> impl Iterator<Item = &ModuleVersion> {
        let is_moved = |release: &&Release<Pin>| release.target.moved.is_some();
        self.releases
            .iter()
            .filter(is_moved)
            .map(|release| &release.version)
    }
}

/// As it is kept: a version is what its tag says.
#[derive(Serialize, Deserialize)]
struct Stored {
    releases: Vec<(String, Pin)>,
    gone: Vec<(String, Pin)>,
}

impl From<Stored> for Pins {
    fn from(stored: Stored) -> Self {
        let release = |(tag, target): (String, Pin)| {
            let version = ModuleVersion::from_tag(&tag)?;
            Some(Release {
                version,
                tag,
                target,
            })
        };
        let releases = stored.releases.into_iter().filter_map(release).collect();
        Self {
            releases: Releases::from_ordered(releases),
            gone: stored.gone.into_iter().filter_map(release).collect(),
        }
    }
}

impl From<Pins> for Stored {
    fn from(pins: Pins) -> Self {
        let pair = |release: Release<Pin>| (release.tag, release.target);
        Self {
            releases: pins.releases.into_iter().map(pair).collect(),
            gone: pins.gone.into_iter().map(pair).collect(),
        }
    }
}

/// The longest `hold_back`: 30 days.
pub const LONGEST_HOLD_BACK_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Of more versions than this, those that are gone are forgotten.
const MAX_PINS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> ObjectId {
        ObjectId::parse(&format!("{n:040x}")).unwrap()
    }

    fn tags(tags: &[(&str, u32)]) -> Vec<(String, Target)> {
        let tag = |(name, n): &(&str, u32)| ((*name).to_owned(), Target::Commit(id(*n)));
        tags.iter().map(tag).collect()
    }

    fn written(pins: &Pins) -> Vec<String> {
        let line = |release: &Release<Pin>| {
            let n = |sight: &Sight| {
                u32::from_str_radix(&sight.target.object().as_str()[32..], 16).unwrap()
            };
            let pin = &release.target;
            let moved = pin
                .moved
                .as_ref()
                .map_or_else(String::new, |it| format!(" now {}", n(it)));
            format!("{} {}{moved}", release.version, n(&pin.first))
        };
        pins.releases.iter().map(line).collect()
    }

    #[test]
    fn the_first_object_of_a_version_is_remembered() {
        let mut pins = Pins::default();
        for (list, expected, moved) in [
            (
                tags(&[("v1.0.0", 1), ("v1.1.0", 2), ("junk", 9)]),
                &["1.1.0 2", "1.0.0 1"][..],
                &[][..],
            ),
            // Moved, which is said once.
            (
                tags(&[("v1.0.0", 3), ("v1.1.0", 2)]),
                &["1.1.0 2", "1.0.0 1 now 3"],
                &["1.0.0"],
            ),
            (
                tags(&[("v1.0.0", 3), ("v1.1.0", 2)]),
                &["1.1.0 2", "1.0.0 1 now 3"],
                &[],
            ),
            // Moved again, and a second tag of another version's name.
            (
                tags(&[("v1.0.0", 4), ("v1.1.0", 2), ("1.1.0", 8)]),
                &["1.1.0 2", "1.0.0 1 now 4"],
                &["1.0.0"],
            ),
            // Deleted, and the other one's `v` tag too: the bare tag is the version now, and elsewhere.
            (tags(&[("1.1.0", 8)]), &["1.1.0 2 now 8"], &["1.1.0"]),
            // Made anew: elsewhere, then where it was.
            (
                tags(&[("v1.0.0", 5), ("v1.1.0", 2)]),
                &["1.1.0 2", "1.0.0 1 now 5"],
                &["1.0.0"],
            ),
            (tags(&[("v1.0.0", 1)]), &["1.0.0 1"], &[]),
            (tags(&[]), &[], &[]),
            (tags(&[("v1.0.0", 6)]), &["1.0.0 1 now 6"], &["1.0.0"]),
        ] {
            let seen = pins.see(list, 7);
            let seen: Vec<String> = seen.iter().map(ToString::to_string).collect();
            assert_eq!(
                (written(&pins), seen),
                (
                    expected.iter().map(ToString::to_string).collect(),
                    moved.iter().map(ToString::to_string).collect(),
                )
            );
            let stored = postcard::to_stdvec(&pins).unwrap();
            assert_eq!(postcard::from_bytes::<Pins>(&stored).unwrap(), pins);
        }
    }

    #[test]
    fn what_is_served_of_a_moved_tag_is_the_policy_s_choice() {
        use MovedTags::{Follow, Refuse, ServePinned};
        let pin = |moved: Option<u32>| Pin {
            first: Sight::new(Target::Commit(id(1)), 0),
            moved: moved.map(|n| Sight::new(Target::Commit(id(n)), 70)),
        };
        for (moved, policy, served, serves_first, serves_moved) in [
            (None, ServePinned, Some(1), true, false),
            (None, Refuse, Some(1), true, false),
            (Some(2), ServePinned, Some(1), true, false),
            (Some(2), Follow, Some(2), true, true),
            (Some(2), Refuse, None, false, false),
        ] {
            let pin = pin(moved);
            let object = |sight: &Sight| sight.target.object().clone();
            let found = pin.served(policy, |_| false).map(object);
            assert_eq!(found, served.map(id));
            let serves = |n| pin.serves(&id(n), policy, |_| false).is_some();
            assert_eq!((serves(1), serves(2)), (serves_first, serves_moved));
            // What a tag points at since a moment ago is no version yet.
            let is_held = |since| since > 60;
            let found = pin.served(policy, is_held).map(object);
            assert_eq!(found, served.map(|_| id(1)));
            assert!(pin.serves(&id(2), policy, is_held).is_none());
        }
    }

    #[test]
    fn a_list_without_most_of_the_versions_is_noticed() {
        let mut pins = Pins::default();
        assert!(!pins.would_shrink(&[]));
        let _ = pins.see(tags(&[("v1.0.0", 1), ("v1.1.0", 2), ("v1.2.0", 3)]), 0);
        for (list, shrinks) in [
            (tags(&[]), true),
            (tags(&[("v1.0.0", 1)]), true),
            (tags(&[("v9.0.0", 1), ("v8.0.0", 1), ("v7.0.0", 1)]), true),
            (tags(&[("v1.0.0", 9), ("v1.1.0", 2)]), false),
        ] {
            assert_eq!(pins.would_shrink(&list), shrinks, "{list:?}");
        }
    }

    #[test]
    fn five_thousand_annotated_tags_take_less_than_330_kb() {
        let list: Vec<_> = (0..5000)
            .map(|n| {
                (
                    format!("v{}.{}.{}", n / 100, n / 10 % 10, n % 10),
                    Target::Tag(id(n)),
                )
            })
            .collect();
        let mut pins = Pins::default();
        let _ = pins.see(list, 1_800_000_000_000);
        for n in 0..5000 {
            assert!(pins.peel(&id(n), &id(n + 10_000)));
        }
        assert!(!pins.peel(&id(1), &id(10_001)));
        let size = postcard::to_stdvec(&pins).unwrap().len();
        assert!(size < 330_000, "{size}");
    }
}
