//! A module's versions, and the git tags that they are.
//!
//! The rules are strict semantic versioning, narrowed where one client is stricter than the others: Terraform's own reading
//! (its go-version library) is wider, and Infracost's and Dependabot's fail on one version that they cannot read.

use std::cmp::{Ordering, Reverse};
use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of a module: strict semantic versioning, as every client understands it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleVersion(semver::Version);

impl ModuleVersion {
    /// The version that a git tag stands for: strict semver after an optional `v`.
    ///
    /// `None` for everything else (more than 128 characters, `1.0`, `1.02.0`, `1.0.0.1`, `release-3`, numbers over 63 bits): one string in
    /// the list that a client can't parse makes Terraform warn, and Infracost and Dependabot fail.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        if tag.len() > MAX_LENGTH {
            return None;
        }
        let version = semver::Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()?;
        // go-version, in Terraform and most other clients, reads each number into a signed 64-bit integer.
        let is_readable = |number: u64| i64::try_from(number).is_ok();
        (is_readable(version.major) && is_readable(version.minor) && is_readable(version.patch))
            .then_some(Self(version))
    }

    /// The version that a client asks for. Clients send canonical forms that may match no tag's name, and some send
    /// what the user wrote: a `v` in front and missing numbers are fine here.
    #[must_use]
    pub fn requested(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let core_end = text.find(['-', '+']).unwrap_or(text.len());
        let (core, rest) = text.split_at(core_end);
        match core.bytes().filter(|byte| *byte == b'.').count() {
            0 => Self::from_tag(&format!("{core}.0.0{rest}")),
            1 => Self::from_tag(&format!("{core}.0{rest}")),
            2 => Self::from_tag(text),
            _ => None,
        }
    }

    /// Whether this is a stable version, one that clients choose without being asked for exactly it.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.0.pre.is_empty()
    }

    /// The older of two versions is the lesser.
    #[must_use]
    pub fn cmp_age(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    /// Whether the two are the same version to a client, for whom build metadata does not count.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.cmp_precedence(&other.0).is_eq()
    }
}

impl fmt::Display for ModuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of one tag that is a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release<T> {
    /// What clients call it.
    pub version: ModuleVersion,
    /// What git calls it.
    pub tag: String,
    /// What the tag points at.
    pub target: T,
}

/// A module's releases, newest first; of equal versions the one that is listed first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Releases<T>(Vec<Release<T>>);

impl<T> Releases<T> {
    /// Keeps the tags that are versions, and orders them.
    ///
    /// Of equal versions, one without build metadata goes before one with, and `v1.2.3` before `1.2.3`.
    pub fn from_tags(tags: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut releases: Vec<_> = tags
            .into_iter()
            .filter_map(|(tag, target)| {
                let version = ModuleVersion::from_tag(&tag)?;
                Some(Release {
                    version,
                    tag,
                    target,
                })
            })
            .collect();
        releases.sort_by(|a, b| {
            let rest = |release: &Release<T>| {
                (
                    !release.version.0.build.is_empty(),
                    !release.tag.starts_with('v'),
                )
            };
            b.version
                .0
                .cmp_precedence(&a.version.0)
                .then_with(|| rest(a).cmp(&rest(b)))
                .then_with(|| Reverse(&a.version.0.build).cmp(&Reverse(&b.version.0.build)))
        });
        Self(releases)
    }

    /// Releases that are ordered already, as this type orders them.
    #[must_use]
    pub fn from_ordered(releases: Vec<Release<T>>) -> Self {
        Self(releases)
    }

    /// All of them, equal versions too.
    pub fn iter(&self) -> impl Iterator<Item = &Release<T>> {
        self.0.iter()
    }

    /// All of them, for what is known of them to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Release<T>> {
        self.0.iter_mut()
    }

    /// Whether no tag is a version.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each version once, newest first: what the `versions` route lists.
    pub fn listed(&self) -> impl Iterator<Item = &Release<T>> {
        let mut last: Option<&ModuleVersion> = None;
        self.0.iter().filter(move |release| {
            let is_new = last.is_none_or(|last| !last.is_same(&release.version));
            last = Some(&release.version);
            is_new
        })
    }

    /// The release of a version: the very same one, build metadata included, or else the one that is listed.
    #[must_use]
    pub fn find(&self, version: &ModuleVersion) -> Option<&Release<T>> {
        self.0
            .iter()
            .find(|release| release.version == *version)
            .or_else(|| {
                self.0
                    .iter()
                    .find(|release| release.version.is_same(version))
            })
    }

    /// The newest stable release of those that are to be had; of a module that has none, nothing.
    #[must_use]
    pub fn latest(&self, is_to_be_had: impl Fn(&Release<T>) -> bool) -> Option<&Release<T>> {
        let mut stable = self.0.iter().filter(|it| it.version.is_stable());
        stable.find(|it| is_to_be_had(it))
    }

    /// The same, or of a module that has no stable release the newest that is to be had: what lists show.
    #[must_use]
    pub fn newest(&self, is_to_be_had: impl Fn(&Release<T>) -> bool) -> Option<&Release<T>> {
        self.latest(&is_to_be_had)
            .or_else(|| self.0.iter().find(|it| is_to_be_had(it)))
    }
}

/// Of a tag. All that are known of a repository have to fit into one value of the store.
const MAX_LENGTH: usize = 128;

impl<T> Default for Releases<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> IntoIterator for Releases<T> {
    type Item = Release<T>;
    type IntoIter = std::vec::IntoIter<Release<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listed(tags: &[&str]) -> Vec<String> {
        let releases = Releases::from_tags(tags.iter().map(|tag| ((*tag).to_owned(), ())));
        releases
            .listed()
            .map(|release| format!("{} <- {}", release.version, release.tag))
            .collect()
    }

    #[test]
    fn only_strict_semver_after_an_optional_v_is_a_version() {
        for (tag, version) in [
            ("v1.2.3", Some("1.2.3")),
            ("1.2.3", Some("1.2.3")),
            ("v1.0.0-beta.1", Some("1.0.0-beta.1")),
            ("1.0.0+build.5", Some("1.0.0+build.5")),
            ("v0.0.0-0.x-y+001", Some("0.0.0-0.x-y+001")),
            ("9223372036854775807.0.0", Some("9223372036854775807.0.0")),
            ("9223372036854775808.0.0", None),
            ("100000000000000000000000000000.0.0", None),
            ("1.02.0", None),
            ("1.0.0.1", None),
            ("1.0", None),
            ("v1", None),
            ("vv1.0.0", None),
            ("V1.0.0", None),
            ("1.0.0-", None),
            ("1.0.0-01", None),
            ("release-1.0.0", None),
            ("modules/vpc/v1.0.0", None),
            (
                &format!("1.0.0-{}", "a".repeat(122)),
                Some(&*format!("1.0.0-{}", "a".repeat(122))),
            ),
            (&format!("1.0.0-{}", "a".repeat(123)), None),
            (" 1.0.0", None),
            ("1.0.0\n", None),
            ("latest", None),
            ("", None),
        ] {
            let parsed = ModuleVersion::from_tag(tag).map(|version| version.to_string());
            assert_eq!(parsed.as_deref(), version, "{tag:?}");
        }
    }

    #[test]
    fn a_requested_version_is_read_leniently() {
        for (text, version) in [
            ("1.0.0", Some("1.0.0")),
            ("v1.0.0", Some("1.0.0")),
            ("1.0", Some("1.0.0")),
            ("v2", Some("2.0.0")),
            ("1-rc.1", Some("1.0.0-rc.1")),
            ("1.2+b.3", Some("1.2.0+b.3")),
            ("1.0.0+build.5", Some("1.0.0+build.5")),
            ("1.0.0-rc.1.2.3", Some("1.0.0-rc.1.2.3")),
            ("1.0.0.0", None),
            ("latest", None),
            ("", None),
            ("v", None),
            ("..", None),
        ] {
            let parsed = ModuleVersion::requested(text).map(|version| version.to_string());
            assert_eq!(parsed.as_deref(), version, "{text:?}");
        }
    }

    #[test]
    fn each_version_is_listed_once_newest_first() {
        assert_eq!(
            listed(&[
                "1.2.3",
                "v1.2.3",
                "v1.10.0",
                "v1.9.0",
                "junk",
                "v2.0.0-rc.1",
                "v2.0.0-rc.10",
                "1.02.0"
            ]),
            [
                "2.0.0-rc.10 <- v2.0.0-rc.10",
                "2.0.0-rc.1 <- v2.0.0-rc.1",
                "1.10.0 <- v1.10.0",
                "1.9.0 <- v1.9.0",
                "1.2.3 <- v1.2.3"
            ]
        );
        assert_eq!(
            listed(&["1.0.0+b1", "1.0.0", "v1.0.0+b2"]),
            ["1.0.0 <- 1.0.0"]
        );
        assert_eq!(listed(&["1.0.0+b1", "1.0.0+b2"]), ["1.0.0+b2 <- 1.0.0+b2"]);
        assert!(listed(&["main", "nightly"]).is_empty());
    }

    #[test]
    fn a_version_finds_its_own_tag_before_an_equal_one() {
        let tags = ["v1.0.0", "1.0.0+b1", "2.0.0-rc.1", "0.9.0+only"];
        let releases = Releases::from_tags(tags.map(|tag| (tag.to_owned(), ())));
        for (wanted, tag) in [
            ("1.0.0", Some("v1.0.0")),
            ("1.0.0+b1", Some("1.0.0+b1")),
            ("1.0.0+b9", Some("v1.0.0")),
            ("0.9.0", Some("0.9.0+only")),
            ("2.0.0-rc.1", Some("2.0.0-rc.1")),
            ("2.0.0", None),
        ] {
            let found = releases.find(&ModuleVersion::requested(wanted).unwrap());
            assert_eq!(found.map(|release| release.tag.as_str()), tag, "{wanted}");
        }
        assert_eq!(releases.latest(|_| true).unwrap().tag, "v1.0.0");
        assert!(releases.latest(|_| false).is_none());
    }

    proptest! {
        #[test]
        fn what_is_listed_can_be_requested(major in 0u64..99, minor in 0u64..99, pre in "(-[a-z]{1,5}\\.[1-9])?", build in "(\\+[0-9a-z]{1,5})?") {
            let text = format!("{major}.{minor}.0{pre}{build}");
            let version = ModuleVersion::from_tag(&text).unwrap();
            prop_assert_eq!(version.to_string(), text.clone());
            prop_assert_eq!(ModuleVersion::requested(&version.to_string()), Some(version));
        }

        #[test]
        fn no_text_breaks_the_version_rules(text in "\\PC{0,40}") {
            let _ = ModuleVersion::from_tag(&text);
            let _ = ModuleVersion::requested(&text);
        }
    }
}
