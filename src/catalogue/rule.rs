//! One entry of the catalogue: the form of an address, and where modules of that form are.

use serde::{Deserialize, Serialize};

use super::{Place, Source};
use crate::module::{ModuleAddress, Name, Namespace, System, is_repository_name};

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

    pub(super) fn overlaps(&self, other: &Self) -> bool {
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
