//! Which versions of a module are not to be used: yanked, too old, too new, or deprecated. Operators write it down beside the
//! catalogue, so that it is reviewed like code; git is not touched.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::auth::scope::Scope;
use crate::cache::entry::milliseconds;
use crate::catalogue::selection::Selected;
use crate::module::ModuleAddress;
use crate::pins::LONGEST_HOLD_BACK_MS;
use crate::version::ModuleVersion;

/// The `[[lifecycle]]` tables of the variable `modules`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rule {
    modules: Scope,
    yanked: Vec<Range>,
    minimum: Option<ModuleVersion>,
    deprecated: Option<String>,
    /// In milliseconds.
    hold_back: u64,
}

/// As operators write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    modules: Vec<String>,
    #[serde(default)]
    yanked: Vec<String>,
    minimum_version: Option<String>,
    deprecated: Option<String>,
    hold_back: Option<String>,
}

/// What goes for one module, at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy<'l> {
    rules: Vec<&'l Rule>,
    selected: Selected<'l>,
    /// In milliseconds since 1970.
    now: u64,
}

/// Versions between bounds, each of which they keep to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range(Vec<(Bound, ModuleVersion)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Bound {
    Same,
    Below,
    UpTo,
    Above,
    From,
}

impl Lifecycle {
    /// Takes in the tables.
    ///
    /// # Errors
    /// One sentence a problem: the number of the table and what to do.
    pub(crate) fn read(entries: &[Entry]) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut rules = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            match Rule::read(entry) {
                Ok(rule) => rules.push(rule),
                Err(problem) => problems.push(format!(
                    "has a wrong `[[lifecycle]]`, number {}: {problem}",
                    index + 1
                )),
            }
        }
        if problems.is_empty() {
            Ok(Self { rules })
        } else {
            Err(problems)
        }
    }

    /// Whether there is nothing of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What goes for a module at the time `now`, of whose repository `selected` is to be had. What goes for one of its `aliases`, by which
    /// the same repository could be asked for, goes for it as well.
    #[must_use]
    pub fn policy<'l>(
        &'l self,
        module: &ModuleAddress,
        aliases: &[ModuleAddress],
        selected: Selected<'l>,
        now: SystemTime,
    ) -> Policy<'l> {
        let rules = self.rules.iter();
        Policy {
            selected,
            rules: rules
                .filter(|rule| {
                    let mut all = aliases.iter().chain([module]);
                    all.any(|it| rule.modules.allows(it))
                })
                .collect(),
            now: milliseconds(now),
        }
    }
}

impl Policy<'_> {
    /// Whether a version is to be had: it is selected, not yanked, and not older than the oldest that is.
    #[must_use]
    pub fn allows(&self, version: &ModuleVersion) -> bool {
        let is_in_use = self.rules.iter().all(|rule| {
            let is_old = |minimum: &ModuleVersion| version.cmp_age(minimum) == Ordering::Less;
            !rule.minimum.as_ref().is_some_and(is_old)
                && !rule.yanked.iter().any(|range| range.has(version))
        });
        is_in_use && self.selected.allows(version)
    }

    /// Whether anything is held back.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        self.rules.iter().any(|rule| rule.hold_back > 0)
    }

    /// Whether what is known since `since`, in milliseconds since 1970, is known for too short a time. What was in the first list has
    /// 0 there, and is not.
    #[must_use]
    pub fn is_held(&self, since: u64) -> bool {
        let longest = self.rules.iter().map(|rule| rule.hold_back).max();
        // A time that is still to come is that of a clock that was wrong.
        since > 0 && self.now.saturating_sub(since) < longest.unwrap_or_default()
    }

    /// What to tell those who use the module all the same.
    #[must_use]
    pub fn deprecation(&self) -> Option<String> {
        let rules = self.rules.iter();
        let texts = rules.filter_map(|rule| rule.deprecated.clone());
        texts.reduce(|a, b| format!("{a}; {b}"))
    }

    /// A `versions` document without what is not to be had, and whether anything is left; as it is where all of it is. `recent` has
    /// the versions that are not known for long, and since when.
    #[must_use]
    pub fn filter(&self, document: Vec<u8>, recent: &[(String, u64)]) -> (Vec<u8>, bool) {
        let held = recent.iter().filter(|(_, since)| self.is_held(*since));
        let held: HashSet<&str> = held.map(|(version, _)| version.as_str()).collect();
        let hides = |rule: &&Rule| rule.minimum.is_some() || !rule.yanked.is_empty();
        if held.is_empty() && !self.rules.iter().any(hides) && self.selected.is_everything() {
            return (document, true);
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(&document) else {
            return (document, true);
        };
        let versions = value
            .pointer_mut("/modules/0/versions")
            .and_then(Value::as_array_mut);
        let Some(versions) = versions else {
            return (document, true);
        };
        versions.retain(|listed| {
            let version = listed.get("version").and_then(Value::as_str);
            let version = version.filter(|it| !held.contains(it));
            version
                .and_then(ModuleVersion::from_tag)
                .is_some_and(|it| self.allows(&it))
        });
        let is_left = !versions.is_empty();
        (value.to_string().into_bytes(), is_left)
    }
}

impl Rule {
    fn read(entry: &Entry) -> Result<Self, &'static str> {
        let modules = Scope::of_modules(&entry.modules)
            .ok_or("its `modules` is no list of modules: write e.g. `[\"acme/vpc/*\"]`")?;
        let yanked: Option<Vec<Range>> = entry.yanked.iter().map(|it| Range::parse(it)).collect();
        let minimum = match &entry.minimum_version {
            None => None,
            Some(text) => Some(
                ModuleVersion::requested(text)
                    .ok_or("its `minimum_version` is no version: write e.g. `1.4.0`")?,
            ),
        };
        let is_line = |text: &String| {
            (1..=300).contains(&text.len()) && text.bytes().all(|it| (0x20..0x7f).contains(&it))
        };
        if entry.deprecated.as_ref().is_some_and(|it| !is_line(it)) {
            return Err("its `deprecated` is not one line of at most 300 plain characters");
        }
        let hold_back = entry.hold_back.as_deref().map_or(Some(0), milliseconds_of);
        Ok(Self {
            modules,
            hold_back: hold_back
                .filter(|it| *it <= LONGEST_HOLD_BACK_MS)
                .ok_or("its `hold_back` is no time of at most 30 days: write e.g. `24h` or `7d`")?,
            yanked: yanked.ok_or(
                "its `yanked` is no list of versions and ranges: write e.g. `[\"1.2.3\", \">= 2.0.0, < 2.0.4\"]`",
            )?,
            minimum,
            deprecated: entry.deprecated.clone(),
        })
    }
}

/// Reads `90m`, `24h` or `7d`.
fn milliseconds_of(text: &str) -> Option<u64> {
    let (number, minutes) = [("m", 1), ("h", 60), ("d", 24 * 60)]
        .into_iter()
        .find_map(|(unit, minutes)| Some((text.strip_suffix(unit)?, minutes)))?;
    let number: u64 = number.parse().ok()?;
    number.checked_mul(minutes * 60 * 1000)
}

impl Range {
    /// Reads `1.2.3`, or bounds such as `>= 2.0.0, < 2.0.4`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let part = |part: &str| {
            let part = part.trim();
            let signs = [
                ("<=", Bound::UpTo),
                (">=", Bound::From),
                ("<", Bound::Below),
                (">", Bound::Above),
                ("=", Bound::Same),
            ];
            let found = signs
                .into_iter()
                .find_map(|(sign, bound)| Some((bound, part.strip_prefix(sign)?)));
            let (bound, version) = found.unwrap_or((Bound::Same, part));
            Some((bound, ModuleVersion::requested(version.trim())?))
        };
        let parts: Option<Vec<_>> = text.split(',').map(part).collect();
        parts.map(Self)
    }

    pub(crate) fn has(&self, version: &ModuleVersion) -> bool {
        self.0.iter().all(|(bound, of)| {
            let age = version.cmp_age(of);
            match bound {
                Bound::Same => version.is_same(of),
                Bound::Below => age == Ordering::Less,
                Bound::UpTo => age != Ordering::Greater,
                Bound::Above => age == Ordering::Greater,
                Bound::From => age != Ordering::Less,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(
        modules: &str,
        yanked: &[&str],
        minimum: Option<&str>,
        deprecated: Option<&str>,
    ) -> Entry {
        Entry {
            modules: vec![modules.to_owned()],
            yanked: yanked.iter().map(|&it| it.to_owned()).collect(),
            minimum_version: minimum.map(str::to_owned),
            deprecated: deprecated.map(str::to_owned),
            hold_back: None,
        }
    }

    fn vpc() -> ModuleAddress {
        ModuleAddress::parse("acme", "vpc", "aws").unwrap()
    }

    #[test]
    fn a_version_is_to_be_had_unless_a_rule_says_otherwise() {
        for (modules, yanked, minimum, version, allowed) in [
            ("acme/vpc/*", &["1.2.3"][..], None, "1.2.3", false),
            ("acme/vpc/*", &["1.2.3"], None, "1.2.3+build", false),
            ("acme/vpc/*", &["v1.2.3"], None, "1.2.3", false),
            ("acme/vpc/*", &["1.2.3"], None, "1.2.4", true),
            ("acme/vpc/*", &["1.2.3"], None, "1.2.3-rc.1", true),
            ("acme/dns/*", &["1.2.3"], None, "1.2.3", true),
            ("ACME/*/aws", &["< 1"], None, "0.9.9", false),
            ("acme/*/*", &["< 1"], None, "1.0.0", true),
            ("acme/*/*", &["<= 1"], None, "1.0.0", false),
            ("acme/*/*", &["> 1.0.0"], None, "1.0.1", false),
            ("acme/*/*", &[">= 2.0.0, < 2.0.4"], None, "2.0.3", false),
            ("acme/*/*", &[">= 2.0.0, < 2.0.4"], None, "2.0.4", true),
            ("acme/*/*", &[">=2.0.0,<2.0.4", "3"], None, "3.0.0", false),
            ("acme/*/*", &[], Some("1.4.0"), "1.3.9", false),
            ("acme/*/*", &[], Some("1.4"), "1.4.0-rc.1", false),
            ("acme/*/*", &[], Some("1.4.0"), "1.4.0", true),
        ] {
            let lifecycle = Lifecycle::read(&[entry(modules, yanked, minimum, None)]).unwrap();
            let version = ModuleVersion::from_tag(version).unwrap();
            let policy = lifecycle.policy(&vpc(), &[], Selected::default(), SystemTime::UNIX_EPOCH);
            assert_eq!(
                policy.allows(&version),
                allowed,
                "{modules} {yanked:?} {minimum:?} {version}"
            );
        }
    }

    #[test]
    fn a_list_keeps_what_is_to_be_had() {
        let document = br#"{"modules":[{"source":"https://x","versions":[{"version":"2.0.0"},{"version":"1.1.0"},{"version":"1.0.0"}]}]}"#;
        for (entries, expected, is_left) in [
            (vec![], &["2.0.0", "1.1.0", "1.0.0"][..], true),
            (
                vec![entry("acme/*/*", &[], None, Some("use x"))],
                &["2.0.0", "1.1.0", "1.0.0"],
                true,
            ),
            (
                vec![entry("acme/*/*", &["1.1.0"], None, None)],
                &["2.0.0", "1.0.0"],
                true,
            ),
            (
                vec![
                    entry("acme/*/*", &["2"], None, None),
                    entry("acme/vpc/aws", &[], Some("1.1"), None),
                ],
                &["1.1.0"],
                true,
            ),
            (vec![entry("acme/*/*", &["< 9"], None, None)], &[], false),
        ] {
            let lifecycle = Lifecycle::read(&entries).unwrap();
            let policy = lifecycle.policy(&vpc(), &[], Selected::default(), SystemTime::UNIX_EPOCH);
            let (filtered, left) = policy.filter(document.to_vec(), &[]);
            let value: Value = serde_json::from_slice(&filtered).unwrap();
            let versions = value["modules"][0]["versions"].as_array().unwrap();
            let versions: Vec<&str> = versions
                .iter()
                .map(|it| it["version"].as_str().unwrap())
                .collect();
            assert_eq!((&*versions, left), (expected, is_left));
            assert_eq!(value["modules"][0]["source"], "https://x");
        }
    }

    #[test]
    fn a_new_version_is_held_back_until_it_is_known_for_long_enough() {
        let document = br#"{"modules":[{"versions":[{"version":"2.0.0"},{"version":"1.0.0"}]}]}"#;
        let hour = 60 * 60 * 1000;
        let held = |hold_back: &str| Entry {
            hold_back: Some(hold_back.to_owned()),
            ..entry("acme/*/*", &[], None, None)
        };
        for (entries, since, now, expected) in [
            (vec![held("24h")], 10 * hour, 33 * hour, 1),
            (vec![held("24h")], 10 * hour, 34 * hour, 2),
            (vec![held("1d"), held("30m")], 10 * hour, 33 * hour, 1),
            (vec![held("30m")], 10 * hour, 11 * hour, 2),
            (vec![held("24h")], 10 * hour, 9 * hour, 1),
            (vec![held("24h")], 0, hour, 2),
            (vec![entry("acme/*/*", &[], None, None)], hour, hour, 2),
        ] {
            let lifecycle = Lifecycle::read(&entries).unwrap();
            let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(now);
            let policy = lifecycle.policy(&vpc(), &[], Selected::default(), now);
            let recent = [("2.0.0".to_owned(), since)];
            let (filtered, _) = policy.filter(document.to_vec(), &recent);
            let value: Value = serde_json::from_slice(&filtered).unwrap();
            let versions = value["modules"][0]["versions"].as_array().unwrap();
            assert_eq!(versions.len(), expected, "{entries:?} {since} {now:?}");
        }
        for wrong in [
            "",
            "24",
            "31d",
            "soon",
            "-1h",
            "h",
            "99999999999999999999d",
            "9999999999999999d",
        ] {
            let problems = Lifecycle::read(&[held(wrong)]).unwrap_err();
            assert!(problems[0].contains("`hold_back`"), "{problems:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_number() {
        for (entry, problem) in [
            (
                entry("acme/vpc", &[], None, None),
                "number 1: its `modules`",
            ),
            (entry("", &[], None, None), "`modules`"),
            (entry("acme/*/*", &["latest"], None, None), "`yanked`"),
            (entry("acme/*/*", &[""], None, None), "`yanked`"),
            (entry("acme/*/*", &["~> 1.0"], None, None), "`yanked`"),
            (
                entry("acme/*/*", &[], Some("new"), None),
                "`minimum_version`",
            ),
            (entry("acme/*/*", &[], None, Some("a\nb")), "`deprecated`"),
            (entry("acme/*/*", &[], None, Some("")), "`deprecated`"),
        ] {
            let problems = Lifecycle::read(&[entry]).unwrap_err();
            assert!(problems[0].contains(problem), "{problems:?}");
        }
    }
}
