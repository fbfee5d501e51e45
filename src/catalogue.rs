//! Where modules are that `repository_names` does not find: in folders of larger repositories, with tags of their own.
//!
//! An entry says for one address, or for all addresses of a form, which repository a module is in, which folder of it, and what
//! its tags begin with. Everything else of a module is as it is without a catalogue.

mod rule;
pub mod selection;

use std::collections::{HashMap, HashSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::rule::Rule;
use self::selection::Selection;
use crate::lifecycle::{self, Lifecycle};
use crate::module::{ModuleAddress, Namespace, ObjectId};
use crate::pins::Target;
use crate::version::Releases;

/// What the variable `modules` says, or the file `landfall.toml` of the `catalogue_repository`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    rules: Vec<Rule>,
    /// Which versions are not to be used any more.
    pub lifecycle: Lifecycle,
    /// Which repositories are modules at all.
    pub selection: Selection,
}

/// Where a module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The GitHub owner of its repository.
    pub owner: Namespace,
    /// Its tags.
    pub source: Source,
    /// The folder that is served, without slashes at its ends; empty for the whole repository.
    pub root: String,
    /// The folder in it that the module is; empty where they are the same.
    pub inner: String,
}

/// The tags that are a module's versions: those of a repository, or those that begin in one way. As text, it is the
/// repository's name, and behind a `:`, which neither repositories nor tags have, that beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(String);

impl Source {
    /// All tags of a repository.
    #[must_use]
    pub fn whole(repository: &str) -> Self {
        Self(repository.to_owned())
    }

    /// The tags of a repository that begin with `prefix`; what is behind that is the version.
    #[must_use]
    pub fn prefixed(repository: &str, prefix: &str) -> Self {
        if prefix.is_empty() {
            Self::whole(repository)
        } else {
            Self(format!("{repository}:{prefix}"))
        }
    }

    /// Reads what [`Source::as_str`] gives.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The repository's name.
    #[must_use]
    pub fn repository(&self) -> &str {
        self.0.split_once(':').map_or(&self.0, |it| it.0)
    }

    /// What the tags begin with; empty for all of them.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.0.split_once(':').map_or("", |it| it.1)
    }

    /// Both as one text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// As operators write it, read without types first: it takes half the code, and what is wrong can be said with its number.
struct Document {
    tables: Map<String, Value>,
    problems: Vec<String>,
}

impl Document {
    /// Takes the tables of a kind out, and remembers what is wrong with them.
    fn take<T: DeserializeOwned>(&mut self, kind: &str) -> Vec<T> {
        let tables = match self.tables.remove(kind) {
            None => Vec::new(),
            Some(Value::Array(tables)) => tables,
            Some(_) => {
                let problem = format!("has a `{kind}` that is no table: write `[[{kind}]]`");
                self.problems.push(problem);
                Vec::new()
            }
        };
        let mut read = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            match serde_json::from_value(table) {
                Ok(table) => read.push(table),
                Err(error) => self.problems.push(format!(
                    "has a wrong `[[{kind}]]`, number {}: {error}",
                    index + 1
                )),
            }
        }
        read
    }

    /// What is left is nothing that a catalogue has.
    fn finish(mut self) -> Vec<String> {
        for name in self.tables.keys() {
            let name = name.escape_default();
            self.problems.push(format!(
                "has `{name}`, which is not known: there are `[[module]]`, `[[lifecycle]]`, `[[allow]]` and `[[deny]]`"
            ));
        }
        self.problems
    }
}

impl Catalogue {
    /// Reads TOML: `[[module]]` tables of `address`, `repository`, and where they are needed `path`, `root` and `tag_prefix`. In
    /// `address`, `{name}` and `{system}` stand for any; the last three may have them too, and `*` in folders is `{name}`.
    ///
    /// # Errors
    /// One sentence a problem: the number of the entry and what to do.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        if is_too_deep(text) {
            return Err(vec![
                "is no catalogue: it has more than 128 brackets that are not closed".to_owned(),
            ]);
        }
        let tables = basic_toml::from_str(text)
            .map_err(|error| vec![format!("is no catalogue: {error}").replace('\n', " ")])?;
        let mut document = Document {
            tables,
            problems: Vec::new(),
        };
        let modules: Vec<rule::Entry> = document.take("module");
        let lifecycle: Vec<lifecycle::Entry> = document.take("lifecycle");
        let (allow, deny): (Vec<selection::Entry>, Vec<_>) =
            (document.take("allow"), document.take("deny"));
        let mut problems = document.finish();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut rules: Vec<(usize, Rule)> = Vec::new();
        // Most entries are for one address: only those of a form are held against all others.
        let mut plain: HashMap<String, usize> = HashMap::new();
        if modules.len() > MAX_RULES {
            problems.push(format!("has more than {MAX_RULES} entries"));
        }
        for (index, entry) in modules.iter().take(MAX_RULES).enumerate() {
            match Rule::parse(entry) {
                Err(problem) => problems.push(format!(
                    "has a wrong entry, number {} (`{}`): {problem}",
                    index + 1,
                    entry.address.escape_default()
                )),
                Ok(rule) => {
                    let known = rule.plain_address().and_then(|it| plain.insert(it, index));
                    let mut others = rules.iter().filter(|(_, other)| {
                        rule.plain_address().is_none() || other.plain_address().is_none()
                    });
                    let other = others.find(|(_, other)| other.overlaps(&rule));
                    if let Some(other) = known.or(other.map(|(index, _)| *index)) {
                        problems.push(format!(
                            "has two entries for one address, number {} (`{}`) and number {} (`{}`): make one of them narrower",
                            other + 1,
                            modules.get(other).map_or("", |it| &it.address),
                            index + 1,
                            entry.address
                        ));
                    }
                    rules.push((index, rule));
                }
            }
        }
        let lifecycle = Lifecycle::read(&lifecycle).unwrap_or_else(|mut wrong| {
            problems.append(&mut wrong);
            Lifecycle::default()
        });
        let selection = Selection::read(&allow, &deny);
        let selection = selection.unwrap_or_else(|mut wrong| {
            problems.append(&mut wrong);
            Selection::default()
        });
        if problems.is_empty() {
            Ok(Self {
                rules: rules.into_iter().map(|(_, rule)| rule).collect(),
                lifecycle,
                selection,
            })
        } else {
            Err(problems)
        }
    }

    /// The same, if only repositories of these owners are named.
    ///
    /// # Errors
    /// One sentence that says which is not.
    pub fn served_by(self, owners: &[Namespace]) -> Result<Self, Vec<String>> {
        let mut rules = self.rules.iter();
        match rules.find(|rule| !owners.contains(&rule.owner)) {
            None => Ok(self),
            Some(rule) => Err(vec![format!(
                "names a repository of `{}`, which is not in `allowed_owners`: add the owner there",
                rule.owner
            )]),
        }
    }

    /// Where a module is, if the catalogue has its address.
    #[must_use]
    pub fn find(&self, module: &ModuleAddress) -> Option<Place> {
        self.rules.iter().find_map(|rule| rule.place(module))
    }

    /// The folder that is served for a module; empty for a whole repository.
    #[must_use]
    pub fn root(&self, module: &ModuleAddress) -> String {
        self.find(module)
            .map(|place| place.root)
            .unwrap_or_default()
    }

    /// Whether a repository is named: then it is no module by its own name.
    #[must_use]
    pub fn has_repository(&self, owner: &Namespace, repository: &str) -> bool {
        self.rules_of(owner, repository).next().is_some()
    }

    /// The repositories of an owner that it names, some more than once.
    pub fn repositories_of(&self, owner: &Namespace) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter().filter(move |rule| rule.owner == *owner);
        rules.map(|rule| rule.repository.as_str())
    }

    /// What all tags of a repository's modules begin with.
    #[must_use]
    pub fn common_prefix(&self, owner: &Namespace, repository: &str) -> String {
        let prefixes = self.rules_of(owner, repository).map(Rule::literal_prefix);
        let common = prefixes.reduce(|a, b| {
            let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b);
            // Tags' prefixes are ASCII.
            a.get(..same.count()).unwrap_or_default()
        });
        common.unwrap_or_default().to_owned()
    }

    /// What to look at for folders: for each form of which these alone tell the modules apart, the newest version that a tag is.
    #[must_use]
    pub fn folders_at(
        &self,
        owner: &Namespace,
        repository: &str,
        tags: &[(String, Target)],
    ) -> Vec<ObjectId> {
        let rules = self.rules_of(owner, repository);
        let mut objects: Vec<ObjectId> = Vec::new();
        for rule in rules.filter(|rule| rule.is_told_by_folders()) {
            let versions = tags.iter().filter_map(|(tag, target)| {
                let version = rule.version_text(tag)?;
                Some((version.to_owned(), target.clone()))
            });
            let newest = Releases::from_tags(versions).into_iter().next();
            let object = newest.map(|it| it.target.object().clone());
            objects.extend(object.filter(|it| !objects.contains(it)));
        }
        objects.truncate(MAX_FOLDERS);
        objects
    }

    /// The modules that are in a repository with these tags and folders, and what their versions are.
    #[must_use]
    pub fn enumerate(
        &self,
        owner: &Namespace,
        repository: &str,
        tags: &[(String, Target)],
        folders: &[String],
    ) -> Vec<(ModuleAddress, Source)> {
        let rules = self.rules_of(owner, repository);
        let mut found: Vec<(ModuleAddress, Source)> = Vec::new();
        let mut known = HashSet::new();
        for address in rules.flat_map(|rule| rule.enumerate(tags, folders)) {
            let place = self.find(&address);
            if let Some(place) = place.filter(|_| known.insert(address.to_string())) {
                found.push((address, place.source));
            }
        }
        found
    }

    /// Tells apart what it says of a repository.
    #[must_use]
    pub fn fingerprint_of(&self, owner: &Namespace, repository: &str) -> u32 {
        let rules: Vec<&Rule> = self.rules_of(owner, repository).collect();
        let bytes = postcard::to_stdvec(&rules).unwrap_or_default();
        crc32fast::hash(&bytes).max(1)
    }

    fn rules_of(&self, owner: &Namespace, repository: &str) -> impl Iterator<Item = &Rule> {
        self.rules
            .iter()
            .filter(move |it| it.owner == *owner && it.repository.eq_ignore_ascii_case(repository))
    }
}

/// Whether brackets nest deeper than the parser, which calls itself for each, has stack for. In a catalogue they nest twice.
fn is_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

/// Each costs a call.
const MAX_FOLDERS: usize = 5;
/// Each is tried for each request.
const MAX_RULES: usize = 2000;
const MAX_DEPTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ModuleAddress {
        let parts: Vec<&str> = text.split('/').collect();
        ModuleAddress::parse(parts[0], parts[1], parts[2]).unwrap()
    }

    const TEXT: &str = r#"
        [[module]]
        address = "acme/vpc/aws"
        repository = "acme/network"
        tag_prefix = "vpc-"

        [[module]]
        address = "platform/{name}/aws"
        repository = "Acme/modules"
        path = "modules/*/"
        tag_prefix = "{name}/v"

        [[module]]
        address = "acme/tool-{name}/{system}"
        repository = "labs/tools"
        path = "{system}/{name}"
        root = "{system}"
        tag_prefix = "{system}-{name}-v"
    "#;

    #[test]
    fn a_module_is_where_its_entry_says() {
        let catalogue = Catalogue::parse(TEXT).unwrap();
        for (module, expected) in [
            ("acme/vpc/aws", Some("acme network:vpc- |")),
            ("ACME/VPC/aws", Some("acme network:vpc- |")),
            ("acme/vpc/google", None),
            (
                "platform/Dns-Zone/aws",
                Some("Acme modules:dns-zone/v modules/dns-zone|"),
            ),
            ("platform/dns/google", None),
            ("acme/tool-x/google", Some("labs tools:google-x-v google|x")),
            ("acme/tool-/google", None),
            ("acme/dns/aws", None),
        ] {
            let Some(module) = ModuleAddress::parse(
                module.split('/').next().unwrap(),
                module.split('/').nth(1).unwrap(),
                module.split('/').nth(2).unwrap(),
            ) else {
                assert_eq!(expected, None, "{module}");
                continue;
            };
            let place = catalogue.find(&module);
            let place =
                place.map(|it| format!("{} {} {}|{}", it.owner, it.source, it.root, it.inner));
            assert_eq!(place.as_deref(), expected, "{module}");
        }
        let source = catalogue.find(&address("platform/dns/aws")).unwrap().source;
        assert_eq!((source.repository(), source.prefix()), ("modules", "dns/v"));
        let whole = Source::prefixed("vpc", "");
        assert_eq!(
            (whole.repository(), whole.prefix(), whole.as_str()),
            ("vpc", "", "vpc")
        );
        let acme = Namespace::parse("ACME").unwrap();
        assert!(catalogue.has_repository(&acme, "Modules"));
        assert!(!catalogue.has_repository(&acme, "tools"));
        assert_eq!(Catalogue::parse(" "), Ok(Catalogue::default()));
    }

    #[test]
    fn the_catalogue_in_the_documentation_is_one() {
        let page = include_str!("../docs/publishing.md");
        let (_, rest) = page.split_once("```toml\n").unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        let catalogue = Catalogue::parse(text).unwrap();
        assert_eq!(catalogue.rules.len(), 2);
        assert!(catalogue.selection.needs_topics() && !catalogue.lifecycle.is_empty());
        let place = catalogue.find(&address("acme/dns/google")).unwrap();
        assert_eq!((&*place.root, &*place.inner), ("modules", "dns"));
    }

    #[test]
    fn what_is_wrong_or_ambiguous_is_named() {
        let entry = |address: &str, rest: &str| {
            format!("[[module]]\naddress = \"{address}\"\nrepository = \"acme/modules\"\n{rest}\n")
        };
        for (text, problem) in [
            ("x".to_owned(), "is no catalogue: expected an equals"),
            (
                format!("x = {}", "[".repeat(100_000)),
                "is no catalogue: it has more than 128 brackets",
            ),
            (
                "[[module]]\naddress = 7".to_owned(),
                "has a wrong `[[module]]`, number 1: invalid type: integer",
            ),
            (
                "[[module]]\naddress = \"a/b/c\"".to_owned(),
                "missing field `repository`",
            ),
            (entry("a/b/c", "paths = \"x\""), "unknown field `paths`"),
            (entry("a/b", ""), "number 1 (`a/b`): its `address` is not"),
            (entry("a/b/c/d", ""), "its `address` is not"),
            (entry("a/b.c/d", ""), "Terraform cannot ask for"),
            (entry("a/{name}/c-d", ""), "Terraform cannot ask for"),
            (entry("a/{nome}/c", ""), "Terraform cannot ask for"),
            (
                entry("a/{name}{name}/c", "path = \"*\""),
                "Terraform cannot ask for",
            ),
            (
                entry("{name}/{name}/c", "path = \"*\""),
                "a placeholder twice",
            ),
            (entry("a/{name}/c", ""), "every address of its form"),
            (
                entry("a/b/c", "path = \"modules/*\""),
                "that its `address` has not",
            ),
            (
                entry("a/{name}/c", "path = \"{x}\""),
                "only `{name}` and `{system}`",
            ),
            (
                entry("a/b/c", "path = \"x/y\"\nroot = \"z\""),
                "`root` is not",
            ),
            (
                entry("a/b/c", "path = \"x/y\"\nroot = \"x/y/z\""),
                "`root` is not",
            ),
            (
                entry("a/b/c", "path = \"xy\"\nroot = \"x\""),
                "`root` is not",
            ),
            (entry("a/b/c", "path = \"../x\""), "no folder"),
            (entry("a/b/c", "path = \"x//y\""), "no folder"),
            (entry("a/b/c", "tag_prefix = \"a b\""), "beginning of a tag"),
            (
                entry("a/b/c", "tag_prefix = \"a..b\""),
                "beginning of a tag",
            ),
            (entry("a/b/c", "tag_prefix = \"a:b\""), "beginning of a tag"),
            (
                entry("a/b/c", "").replace("acme/modules", "acme"),
                "`OWNER/REPOSITORY`",
            ),
            (
                entry("a/b/c", "").replace("acme/modules", "acme/a/b"),
                "`OWNER/REPOSITORY`",
            ),
            (
                entry("a/b/c", "").replace("acme/modules", "../x"),
                "`OWNER/REPOSITORY`",
            ),
            (
                entry("a/b/c", "") + &entry("A/B/c", ""),
                "number 1 (`a/b/c`) and number 2 (`A/B/c`)",
            ),
            (
                entry("a/b/c", "") + &entry("a/{name}/c", "path = \"*\""),
                "two entries for one address",
            ),
            (
                entry("a/x-{name}/c", "path = \"*\"") + &entry("a/{name}-y/c", "path = \"*\""),
                "two entries",
            ),
        ] {
            let problems = Catalogue::parse(&text).unwrap_err();
            assert!(
                problems.len() == 1 && problems[0].contains(problem),
                "{text}: {problems:?}"
            );
        }
        // Those that are wrong count as well.
        let three = entry("a/b", "") + &entry("a/b/c", "") + &entry("a/b/c", "");
        let problems = Catalogue::parse(&three).unwrap_err();
        assert!(
            problems[1].contains("number 2 (`a/b/c`) and number 3 (`a/b/c`)"),
            "{problems:?}"
        );
        for text in [
            entry("a/b/c", "") + &entry("a/b/d", ""),
            entry("a/x-{name}/c", "path = \"*\"") + &entry("a/y-{name}/c", "path = \"*\""),
            entry("a/{name}/c", "path = \"*\"") + &entry("b/{name}/c", "path = \"*\""),
        ] {
            assert!(Catalogue::parse(&text).is_ok(), "{text}");
        }
    }
}
