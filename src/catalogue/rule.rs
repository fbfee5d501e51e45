//! One entry of the catalogue: the form of an address, and where modules of that form are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Place, Source};
use crate::module::{ModuleAddress, Name, Namespace, System, is_repository_name};
use crate::pins::Target;
use crate::version::ModuleVersion;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    address: [Pattern; 3],
    pub(super) owner: Namespace,
    pub(super) repository: String,
    /// The folder that is served.
    root: String,
    /// The folder in it that the module is.
    inner: String,
    tag_prefix: String,
}

/// One name of an address: a name, or `{name}` or `{system}` with something around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pattern {
    start: String,
    /// What stands in the middle, and what is behind it; `None` for a plain name.
    rest: Option<(Placeholder, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Placeholder {
    Name,
    System,
}

/// As operators write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) address: String,
    repository: String,
    #[serde(default)]
    path: String,
    root: Option<String>,
    #[serde(default)]
    tag_prefix: String,
}

impl Rule {
    pub(super) fn parse(entry: &Entry) -> Result<Self, &'static str> {
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
        let owner = Namespace::parse(owner).filter(|_| is_repository_name(repository));
        Ok(Self {
            address,
            owner: owner.ok_or("its `repository` is not `OWNER/REPOSITORY`")?,
            repository: repository.to_owned(),
            inner: inner.to_owned(),
            root,
            tag_prefix: entry.tag_prefix.clone(),
        })
    }

    pub(super) fn place(&self, module: &ModuleAddress) -> Option<Place> {
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

    /// The one address that it is for, in lower case, if it is for one.
    pub(super) fn plain_address(&self) -> Option<String> {
        let parts = self.address.iter();
        let parts: Vec<&str> = parts
            .map(|part| part.rest.is_none().then_some(part.start.as_str()))
            .collect::<Option<_>>()?;
        Some(parts.join("/"))
    }

    /// What its tags begin with before the first placeholder.
    pub(super) fn literal_prefix(&self) -> &str {
        self.tag_prefix.split('{').next().unwrap_or_default()
    }

    /// Whether its modules are told apart by their folders alone.
    pub(super) fn is_told_by_folders(&self) -> bool {
        let placeholders = self.placeholders();
        let has_all = |text: &str| placeholders.iter().all(|it| text.contains(it.text()));
        !placeholders.is_empty() && !has_all(&self.tag_prefix) && has_all(&self.path())
    }

    /// What of a tag is the version, if it may be one of a module of its form.
    pub(super) fn version_text<'t>(&self, tag: &'t str) -> Option<&'t str> {
        let rest = tag.strip_prefix(self.literal_prefix())?;
        if !self.tag_prefix.contains('{') {
            return Some(rest);
        }
        let mut ends = rest.char_indices().filter_map(|(at, _)| rest.get(at..));
        ends.find(|end| ModuleVersion::from_tag(end).is_some())
    }

    /// The addresses of its form that these tags, or these folders, have a module of.
    pub(super) fn enumerate(
        &self,
        tags: &[(String, Target)],
        folders: &[String],
    ) -> Vec<ModuleAddress> {
        if self.placeholders().is_empty() {
            return self.filled("", "").into_iter().collect();
        }
        let mut found = BTreeSet::new();
        if self.is_told_by_folders() {
            let path = self.path();
            for folder in folders {
                bindings(&path, folder, &|rest| rest.is_empty(), &mut found);
            }
        } else {
            let is_version = |rest: &str| ModuleVersion::from_tag(rest).is_some();
            for (tag, _) in tags {
                bindings(&self.tag_prefix, tag, &is_version, &mut found);
            }
        }
        let found = found.iter();
        found
            .filter_map(|(name, system)| self.filled(name, system))
            .collect()
    }

    /// The folder that a module is.
    fn path(&self) -> String {
        match (&*self.root, &*self.inner) {
            ("", inner) => inner.to_owned(),
            (root, "") => root.to_owned(),
            (root, inner) => format!("{root}/{inner}"),
        }
    }

    fn placeholders(&self) -> Vec<Placeholder> {
        let parts = self.address.iter();
        parts
            .filter_map(|part| part.rest.as_ref().map(|it| it.0))
            .collect()
    }

    /// The address with these in the placeholders' places, if each of them stands for something.
    fn filled(&self, name: &str, system: &str) -> Option<ModuleAddress> {
        let part = |pattern: &Pattern| match &pattern.rest {
            None => Some(pattern.start.clone()),
            Some((placeholder, end)) => {
                let text = match placeholder {
                    Placeholder::Name => name,
                    Placeholder::System => system,
                };
                (!text.is_empty()).then(|| format!("{}{text}{end}", pattern.start))
            }
        };
        let [namespace, name, system] = &self.address;
        ModuleAddress::parse(&part(namespace)?, &part(name)?, &part(system)?)
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let mut parts = self.address.iter().zip(&other.address);
        parts.all(|(a, b)| a.overlaps(b))
    }
}

impl Placeholder {
    fn text(self) -> &'static str {
        match self {
            Self::Name => "{name}",
            Self::System => "{system}",
        }
    }
}

/// All that `{name}` and `{system}` may stand for, so that a pattern is a text's beginning, and `is_end` holds for the rest.
fn bindings(
    pattern: &str,
    text: &str,
    is_end: &dyn Fn(&str) -> bool,
    found: &mut BTreeSet<(String, String)>,
) {
    fn walk<'t>(
        pattern: &str,
        text: &'t str,
        bound: (&'t str, &'t str),
        is_end: &dyn Fn(&str) -> bool,
        found: &mut BTreeSet<(String, String)>,
    ) {
        let at = pattern.find('{').unwrap_or(pattern.len());
        let (literal, rest) = pattern.split_at(at);
        let Some(text) = text.strip_prefix(literal) else {
            return;
        };
        let (name, system) = bound;
        if rest.is_empty() {
            if is_end(text) {
                found.insert((name.to_owned(), system.to_owned()));
            }
            return;
        }
        let is_name = rest.starts_with("{name}");
        let known = if is_name { name } else { system };
        let rest = rest.split_once('}').map_or("", |it| it.1);
        if !known.is_empty() {
            if let Some(text) = text.strip_prefix(known) {
                walk(rest, text, bound, is_end, found);
            }
            return;
        }
        // What stands for a placeholder is lower case.
        let is_part = |byte: u8| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || (is_name && matches!(byte, b'-' | b'_'))
        };
        let longest = text.bytes().take(64).take_while(|it| is_part(*it)).count();
        for end in 1..=longest {
            let (value, text) = text.split_at(end);
            let bound = if is_name {
                (value, system)
            } else {
                (name, value)
            };
            walk(rest, text, bound, is_end, found);
        }
    }
    walk(pattern, text, ("", ""), is_end, found);
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
        match &self.rest {
            None => text.eq_ignore_ascii_case(&self.start).then(String::new),
            Some((_, end)) => {
                let lower = text.to_ascii_lowercase();
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
