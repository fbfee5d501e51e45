//! Which repositories are modules at all, and which of their versions: `[[allow]]` and `[[deny]]`.

use serde::{Deserialize, Serialize};

use crate::lifecycle::Range;
use crate::module::Namespace;
use crate::version::ModuleVersion;

/// The `[[allow]]` and `[[deny]]` tables. Where there is one of the first kind, something of it must hold; whatever one of the second
/// kind holds for is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    allow: Vec<Condition>,
    deny: Vec<Condition>,
}

/// As operators write one of them. What is given must all hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    versions: Vec<String>,
}

/// Each part that is not empty must hold for one of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Condition {
    /// `owner/name` in lower case, where a `*` is anything.
    repositories: Vec<String>,
    topics: Vec<String>,
    versions: Vec<Range>,
}

/// What goes for one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected<'s> {
    /// `None` where no `[[allow]]` says what is.
    allow: Option<Vec<&'s [Range]>>,
    deny: Vec<&'s [Range]>,
}

impl Selection {
    /// Takes in the tables.
    ///
    /// # Errors
    /// One sentence a problem: the number of the table and what to do.
    pub(super) fn read(allow: &[Entry], deny: &[Entry]) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut read = |name: &str, entries: &[Entry]| {
            let mut conditions = Vec::new();
            for (index, entry) in entries.iter().enumerate() {
                match Condition::read(entry) {
                    Ok(condition) => conditions.push(condition),
                    Err(problem) => problems.push(format!(
                        "has a wrong `[[{name}]]`, number {}: {problem}",
                        index + 1
                    )),
                }
            }
            conditions
        };
        let selection = Self {
            allow: read("allow", allow),
            deny: read("deny", deny),
        };
        if problems.is_empty() {
            Ok(selection)
        } else {
            Err(problems)
        }
    }

    /// Whether it takes a repository's topics to tell.
    #[must_use]
    pub fn needs_topics(&self) -> bool {
        let mut all = self.allow.iter().chain(&self.deny);
        all.any(|condition| !condition.topics.is_empty())
    }

    /// What goes for a repository with these topics. Where they are not known, whatever may be left out by them is.
    #[must_use]
    pub fn of(
        &self,
        owner: &Namespace,
        repository: &str,
        topics: Option<&[String]>,
    ) -> Selected<'_> {
        let full_name = format!("{owner}/{repository}").to_ascii_lowercase();
        let of = |conditions, if_unknown| matching(conditions, &full_name, topics, if_unknown);
        Selected {
            allow: (!self.allow.is_empty()).then(|| of(&self.allow, false)),
            deny: of(&self.deny, true),
        }
    }
}

fn matching<'s>(
    conditions: &'s [Condition],
    full_name: &str,
    topics: Option<&[String]>,
    if_unknown: bool,
) -> Vec<&'s [Range]> {
    let conditions = conditions.iter();
    conditions
        .filter(|condition| condition.has_name(full_name))
        .filter(|condition| match topics {
            Some(topics) => condition.has_topic(topics),
            None => if_unknown || condition.topics.is_empty(),
        })
        .map(|condition| condition.versions.as_slice())
        .collect()
}

impl Selected<'_> {
    /// Whether nothing of the repository is a module.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.allow.as_ref().is_some_and(Vec::is_empty) || self.deny.contains(&[].as_slice())
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let allows_all = |allow: &Vec<&[Range]>| allow.contains(&[].as_slice());
        self.deny.is_empty() && self.allow.as_ref().is_none_or(allows_all)
    }

    /// Whether a version of it is one.
    #[must_use]
    pub fn allows(&self, version: &ModuleVersion) -> bool {
        let has = |ranges: &&[Range]| ranges.is_empty() || ranges.iter().any(|it| it.has(version));
        let is_allowed = |allow: &Vec<&[Range]>| allow.iter().any(has);
        self.allow.as_ref().is_none_or(is_allowed) && !self.deny.iter().any(has)
    }
}

impl Condition {
    fn read(entry: &Entry) -> Result<Self, &'static str> {
        let Entry {
            repositories,
            topics,
            versions,
        } = entry;
        if repositories.is_empty() && topics.is_empty() && versions.is_empty() {
            return Err("it says nothing: give it `repositories`, `topics` or `versions`");
        }
        let is_part = |part: &str| {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte);
            (1..=100).contains(&part.len()) && part.bytes().all(is_name)
        };
        let is_repository = |text: &String| {
            let parts = text.split_once('/');
            parts.is_some_and(|(owner, name)| is_part(owner) && is_part(name))
        };
        if !repositories.iter().all(is_repository) {
            return Err(
                "its `repositories` is no list of repositories: write e.g. `[\"acme/terraform-*\"]`",
            );
        }
        let is_topic = |text: &String| {
            let is_topic = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=50).contains(&text.len()) && text.bytes().all(is_topic)
        };
        if !topics.iter().all(is_topic) {
            return Err(
                "its `topics` is no list of GitHub's topics: write e.g. `[\"terraform-module\"]`",
            );
        }
        let versions: Option<Vec<Range>> = versions.iter().map(|it| Range::parse(it)).collect();
        Ok(Self {
            repositories: repositories
                .iter()
                .map(|it| it.to_ascii_lowercase())
                .collect(),
            topics: topics.iter().map(|it| it.to_ascii_lowercase()).collect(),
            versions: versions.ok_or(
                "its `versions` is no list of versions and ranges: write e.g. `[\"< 1.0.0\"]`",
            )?,
        })
    }

    fn has_name(&self, full_name: &str) -> bool {
        let mut names = self.repositories.iter();
        self.repositories.is_empty() || names.any(|pattern| is_like(pattern, full_name))
    }

    fn has_topic(&self, topics: &[String]) -> bool {
        let has = |topic: &String| topics.iter().any(|it| it.eq_ignore_ascii_case(topic));
        self.topics.is_empty() || self.topics.iter().any(has)
    }
}

/// Whether a text is what a pattern says, in which a `*` is any number of characters but slashes.
fn is_like(pattern: &str, text: &str) -> bool {
    let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (patterns, texts) = (parts(pattern), parts(text));
    patterns.len() == texts.len()
        && patterns.iter().zip(&texts).all(|(pattern, text)| {
            let Some((start, rest)) = pattern.split_once('*') else {
                return pattern == text;
            };
            let Some(mut text) = text.strip_prefix(start) else {
                return false;
            };
            let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
            for piece in middle.split('*') {
                match text.split_once(piece) {
                    _ if piece.is_empty() => {}
                    Some((_, rest)) => text = rest,
                    None => return false,
                }
            }
            text.ends_with(end)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(repositories: &[&str], topics: &[&str], versions: &[&str]) -> Entry {
        let owned = |texts: &[&str]| texts.iter().map(|&it| it.to_owned()).collect();
        Entry {
            repositories: owned(repositories),
            topics: owned(topics),
            versions: owned(versions),
        }
    }

    /// Of `allow repositories acme/x; deny versions < 1`.
    fn selection(text: &str) -> Selection {
        let (mut allow, mut deny) = (Vec::new(), Vec::new());
        for table in text.split("; ").filter(|it| !it.is_empty()) {
            let (kind, parts) = table.split_once(' ').unwrap();
            let part = |name: &str| {
                let parts = parts.split(" and ").filter_map(|it| it.split_once(' '));
                let part = parts.filter(|it| it.0 == name).map(|it| it.1);
                part.flat_map(|it| it.split(" or ")).collect::<Vec<_>>()
            };
            let entry = entry(&part("repositories"), &part("topics"), &part("versions"));
            match kind {
                "allow" => allow.push(entry),
                _ => deny.push(entry),
            }
        }
        Selection::read(&allow, &deny).unwrap()
    }

    #[test]
    fn what_is_allowed_and_not_denied_is_a_module() {
        for (text, repository, topics, version, expected) in [
            ("", "x", "", "1.0.0", true),
            ("allow repositories Acme/tf-*", "tf-vpc", "", "1.0.0", true),
            ("allow repositories acme/tf-*", "TF-vpc", "", "1.0.0", true),
            (
                "allow repositories acme/tf-*",
                "website",
                "",
                "1.0.0",
                false,
            ),
            ("allow repositories acme/w*e", "website", "", "1.0.0", true),
            (
                "allow repositories acme/a or acme/b",
                "b",
                "",
                "1.0.0",
                true,
            ),
            ("deny repositories acme/tf-*", "tf-vpc", "", "1.0.0", false),
            ("deny repositories acme/tf-*", "website", "", "1.0.0", true),
            ("allow topics module", "x", "a Module", "1.0.0", true),
            ("allow topics module", "x", "a", "1.0.0", false),
            ("deny topics secret", "x", "secret", "1.0.0", false),
            (
                "deny repositories acme/x and topics s",
                "y",
                "s",
                "1.0.0",
                true,
            ),
            (
                "deny repositories acme/x and topics s",
                "x",
                "s",
                "1.0.0",
                false,
            ),
            ("deny versions < 1", "x", "", "0.9.0", false),
            ("deny versions < 1", "x", "", "1.0.0", true),
            (
                "allow topics m and versions < 2 or 3",
                "x",
                "m",
                "3.0.0",
                true,
            ),
            (
                "allow topics m and versions < 2 or 3",
                "x",
                "m",
                "2.0.0",
                false,
            ),
            (
                "allow versions > 0; deny repositories */a",
                "a",
                "",
                "1.0.0",
                false,
            ),
            (
                "deny repositories acme/*-*-old",
                "a-b-old",
                "",
                "1.0.0",
                false,
            ),
            ("deny repositories acme/*-*-old", "a-old", "", "1.0.0", true),
            ("deny repositories acme/a*a", "a", "", "1.0.0", true),
        ] {
            let selection = selection(text);
            let topics: Vec<String> = topics.split(' ').map(str::to_owned).collect();
            let acme = Namespace::parse("acme").unwrap();
            let selected = selection.of(&acme, repository, Some(&topics));
            let version = ModuleVersion::from_tag(version).unwrap();
            let text = format!("{text}: {repository} {topics:?} {version}");
            assert_eq!(selected.allows(&version), expected, "{text}");
            assert!(!(expected && selected.is_nothing()), "{text}");
            assert!(expected || !selected.is_everything(), "{text}");
            let stored = postcard::to_stdvec(&selection).unwrap();
            let read: Selection = postcard::from_bytes(&stored).unwrap();
            assert_eq!(read, selection);
        }
        for (text, is_nothing) in [
            ("allow topics m", true),
            ("deny topics m", true),
            ("deny repositories acme/*", true),
            ("deny repositories labs/* and topics m", false),
        ] {
            let acme = Namespace::parse("acme").unwrap();
            let selection = selection(text);
            assert_eq!(
                selection.of(&acme, "x", None).is_nothing(),
                is_nothing,
                "{text}"
            );
        }
        assert!(!selection("allow repositories a/b").needs_topics());
        assert!(selection("deny topics m").needs_topics());
    }

    #[test]
    fn what_is_wrong_is_named_by_its_number() {
        for (wrong, problem) in [
            (entry(&[], &[], &[]), "says nothing"),
            (entry(&["acme"], &[], &[]), "`repositories`"),
            (entry(&["acme/a/b"], &[], &[]), "`repositories`"),
            (entry(&["acme/"], &[], &[]), "`repositories`"),
            (entry(&[], &["a b"], &[]), "`topics`"),
            (entry(&[], &[""], &[]), "`topics`"),
            (entry(&[], &[], &["new"]), "`versions`"),
        ] {
            let right = || entry(&["a/b"], &[], &[]);
            let problems = Selection::read(&[right(), wrong], &[]).unwrap_err();
            assert!(
                problems[0].contains("`[[allow]]`, number 2"),
                "{problems:?}"
            );
            assert!(problems[0].contains(problem), "{problems:?}");
        }
    }
}
