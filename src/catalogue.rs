//! Where modules are that `repository_names` does not find: in folders of larger repositories, with tags of their own.
//!
//! An entry says for one address, or for all addresses of a form, which repository a module is in, which folder of it, and what
//! its tags begin with. Everything else of a module is as it is without a catalogue.

use serde::Deserialize;

use crate::lifecycle::{self, Lifecycle};
use crate::module::{ModuleAddress, Name, Namespace, System};

/// What the variable `modules` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    rules: Vec<Rule>,
    /// Which versions are not to be used any more.
    pub lifecycle: Lifecycle,
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

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    address: [Pattern; 3],
    owner: Namespace,
    repository: String,
    /// The folder that is served.
    root: String,
    /// The folder in it that the module is.
    inner: String,
    tag_prefix: String,
}

/// One name of an address: a name, or `{name}` or `{system}` with something around it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    start: String,
    /// What stands in the middle, and what is behind it; `None` for a plain name.
    rest: Option<(Placeholder, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Name,
    System,
}

/// As operators write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    module: Vec<Entry>,
    #[serde(default)]
    lifecycle: Vec<lifecycle::Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    address: String,
    repository: String,
    #[serde(default)]
    path: String,
    root: Option<String>,
    #[serde(default)]
    tag_prefix: String,
}

impl Catalogue {
    /// Reads TOML: `[[module]]` tables of `address`, `repository`, and where they are needed `path`, `root` and `tag_prefix`. In
    /// `address`, `{name}` and `{system}` stand for any; the last three may have them too, and `*` in folders is `{name}`.
    ///
    /// # Errors
    /// One sentence a problem: the number of the entry and what to do.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let document: Document = basic_toml::from_str(text)
            .map_err(|error| vec![format!("is no catalogue: {error}").replace('\n', " ")])?;
        let mut problems = Vec::new();
        let mut rules: Vec<(usize, Rule)> = Vec::new();
        if document.module.len() > MAX_RULES {
            problems.push(format!("has more than {MAX_RULES} entries"));
        }
        for (index, entry) in document.module.iter().take(MAX_RULES).enumerate() {
            match Rule::parse(entry) {
                Err(problem) => problems.push(format!(
                    "has a wrong entry, number {} (`{}`): {problem}",
                    index + 1,
                    entry.address.escape_default()
                )),
                Ok(rule) => {
                    let other = rules.iter().find(|(_, other)| other.overlaps(&rule));
                    if let Some(&(other, _)) = other {
                        problems.push(format!(
                            "has two entries for one address, number {} (`{}`) and number {} (`{}`): make one of them narrower",
                            other + 1,
                            document.module.get(other).map_or("", |it| &it.address),
                            index + 1,
                            entry.address
                        ));
                    }
                    rules.push((index, rule));
                }
            }
        }
        let lifecycle = Lifecycle::read(&document.lifecycle).unwrap_or_else(|mut wrong| {
            problems.append(&mut wrong);
            Lifecycle::default()
        });
        if problems.is_empty() {
            let rules = rules.into_iter().map(|(_, rule)| rule).collect();
            Ok(Self { rules, lifecycle })
        } else {
            Err(problems)
        }
    }

    /// The owners of the repositories that it names.
    pub fn owners(&self) -> impl Iterator<Item = &Namespace> {
        self.rules.iter().map(|rule| &rule.owner)
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
        self.rules
            .iter()
            .any(|rule| rule.owner == *owner && rule.repository.eq_ignore_ascii_case(repository))
    }
}

impl Rule {
    fn parse(entry: &Entry) -> Result<Self, &'static str> {
        let parts: Vec<&str> = entry.address.split('/').collect();
        let [namespace, name, system] = parts.as_slice() else {
            return Err("its `address` is not `NAMESPACE/NAME/SYSTEM`");
        };
        let address = [
            Pattern::parse(namespace, |text| Namespace::parse(text).is_some())?,
            Pattern::parse(name, |text| Name::parse(text).is_some())?,
            Pattern::parse(system, |text| System::parse(text).is_some())?,
        ];
        let placeholders: Vec<Placeholder> = address
            .iter()
            .filter_map(|part| part.rest.as_ref().map(|it| it.0))
            .collect();
        if matches!(*placeholders, [a, b, ..] if a == b) || placeholders.len() > 2 {
            return Err("its `address` has a placeholder twice");
        }
        let folder = |text: &str| match text.trim_matches('/') {
            "." => String::new(),
            text => text.replace('*', "{name}"),
        };
        let path = folder(&entry.path);
        let root = entry.root.as_deref().map_or_else(|| path.clone(), folder);
        let inner = match path.strip_prefix(&*root) {
            Some("") => "",
            Some(inner) if root.is_empty() => inner,
            Some(inner) if inner.starts_with('/') => inner.trim_start_matches('/'),
            _ => return Err("its `root` is not a folder that `path` is in"),
        };
        for text in [&path, &entry.tag_prefix] {
            let left = text.replace("{name}", "").replace("{system}", "");
            let lacks = |placeholder, it| text.contains(placeholder) && !placeholders.contains(&it);
            if left.contains(['{', '}']) {
                return Err("only `{name}` and `{system}` may stand in `path` and `tag_prefix`");
            }
            if lacks("{name}", Placeholder::Name) || lacks("{system}", Placeholder::System) {
                return Err(
                    "its `path` or `tag_prefix` has a placeholder that its `address` has not",
                );
            }
        }
        let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
        if !path.is_empty() && !path.split('/').all(is_part) {
            return Err("its `path` is no folder of the repository: write e.g. `modules/vpc`");
        }
        let is_ref = |byte: u8| byte.is_ascii_graphic() && !b"~^:?*[\\".contains(&byte);
        let is_tag = entry.tag_prefix.bytes().all(is_ref)
            && entry.tag_prefix.len() <= 100
            && !entry.tag_prefix.contains("..")
            && !entry.tag_prefix.starts_with('/')
            && !entry.tag_prefix.contains("//");
        if !is_tag {
            return Err("its `tag_prefix` cannot be the beginning of a tag");
        }
        let is_one = placeholders.is_empty();
        let tells_apart = |text: &str| text.contains("{name}") || text.contains("{system}");
        if !is_one && !tells_apart(&path) && !tells_apart(&entry.tag_prefix) {
            return Err(
                "every address of its form would be the same module: put `{name}` into `path` or `tag_prefix`",
            );
        }
        let (owner, repository) = entry
            .repository
            .split_once('/')
            .ok_or("its `repository` is not `OWNER/REPOSITORY`")?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_repository = (1..=100).contains(&repository.len())
            && repository.bytes().all(is_name)
            && !matches!(repository, "." | "..");
        let owner = Namespace::parse(owner).filter(|_| is_repository);
        Ok(Self {
            address,
            owner: owner.ok_or("its `repository` is not `OWNER/REPOSITORY`")?,
            repository: repository.to_owned(),
            inner: inner.to_owned(),
            root,
            tag_prefix: entry.tag_prefix.clone(),
        })
    }

    fn place(&self, module: &ModuleAddress) -> Option<Place> {
        let names = [
            module.namespace.as_str(),
            module.name.as_str(),
            module.system.as_str(),
        ];
        // Git knows upper case from lower, and Dependabot lower-cases what it asks for: what is written decides, and what stands
        // for a placeholder is lower case.
        let (mut name, mut system) = (String::new(), String::new());
        for (pattern, text) in self.address.iter().zip(names) {
            match (pattern.matched(text)?, &pattern.rest) {
                (matched, Some((Placeholder::Name, _))) => name = matched,
                (matched, Some((Placeholder::System, _))) => system = matched,
                (_, None) => {}
            }
        }
        let fill = |text: &str| text.replace("{name}", &name).replace("{system}", &system);
        Some(Place {
            owner: self.owner.clone(),
            source: Source::prefixed(&self.repository, &fill(&self.tag_prefix)),
            root: fill(&self.root),
            inner: fill(&self.inner),
        })
    }

    fn overlaps(&self, other: &Self) -> bool {
        let mut parts = self.address.iter().zip(&other.address);
        parts.all(|(a, b)| a.overlaps(b))
    }
}

impl Pattern {
    fn parse(text: &str, is_name: impl Fn(&str) -> bool) -> Result<Self, &'static str> {
        let lower = text.to_ascii_lowercase();
        for (mark, placeholder) in [
            ("{name}", Placeholder::Name),
            ("{system}", Placeholder::System),
        ] {
            if let Some((start, end)) = lower.split_once(mark) {
                return if is_name(&format!("{start}a{end}")) {
                    Ok(Self {
                        start: start.to_owned(),
                        rest: Some((placeholder, end.to_owned())),
                    })
                } else {
                    Err("its `address` has a name that Terraform cannot ask for")
                };
            }
        }
        if !is_name(text) {
            return Err("its `address` has a name that Terraform cannot ask for");
        }
        Ok(Self {
            start: lower,
            rest: None,
        })
    }

    /// What stands for the placeholder, in lower case.
    fn matched(&self, text: &str) -> Option<String> {
        let lower = text.to_ascii_lowercase();
        match &self.rest {
            None => (lower == self.start).then(String::new),
            Some((_, end)) => {
                let middle = lower
                    .strip_prefix(&self.start)?
                    .strip_suffix(end.as_str())?;
                (!middle.is_empty()).then(|| middle.to_owned())
            }
        }
    }

    /// Whether a name may match both.
    fn overlaps(&self, other: &Self) -> bool {
        match (&self.rest, &other.rest) {
            (None, None) => self.start == other.start,
            (None, Some(_)) => other.matched(&self.start).is_some(),
            (Some(_), None) => self.matched(&other.start).is_some(),
            (Some((_, a)), Some((_, b))) => {
                let starts =
                    self.start.starts_with(&other.start) || other.start.starts_with(&self.start);
                starts && (a.ends_with(b.as_str()) || b.ends_with(a.as_str()))
            }
        }
    }
}

/// Each is tried for each request.
const MAX_RULES: usize = 2000;

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
    fn what_is_wrong_or_ambiguous_is_named() {
        let entry = |address: &str, rest: &str| {
            format!("[[module]]\naddress = \"{address}\"\nrepository = \"acme/modules\"\n{rest}\n")
        };
        for (text, problem) in [
            ("x".to_owned(), "is no catalogue: expected an equals"),
            (
                "[[module]]\naddress = 7".to_owned(),
                "is no catalogue: invalid type: integer",
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
