//! What a credential may read: owners, and patterns of modules.

use serde::{Deserialize, Serialize};

use crate::module::{ModuleAddress, Name, Namespace, System};

/// What may be read. Each part narrows it; without any, everything that is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    owners: Option<Vec<Part>>,
    modules: Option<Vec<[Part; 3]>>,
}

/// What one name may be, in lower case: names compare without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    Exactly(String),
    /// `*`, or a beginning and `*`.
    StartsWith(String),
}

impl Scope {
    /// Takes in a word of an entry: `owners=acme,labs`, or `modules=acme/vpc/*,acme/*/aws`, where a name may be `*` or
    /// end with it. `None` for any other word.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn take(&mut self, word: &str) -> Option<Result<(), &'static str>> {
        let (key, list) = word.split_once('=')?;
        let texts = || list.split(',').filter(|text| !text.is_empty());
        Some(match key {
            "owners" => {
                let owners: Option<Vec<Part>> = texts()
                    .map(|text| Part::parse(text, |name| Namespace::parse(name).is_some()))
                    .collect();
                owners
                    .filter(|owners| !owners.is_empty())
                    .map(|owners| self.owners.get_or_insert_default().extend(owners))
                    .ok_or(
                        "its `owners=` is no list of GitHub owners: write e.g. `owners=acme,labs`",
                    )
            }
            "modules" => {
                let modules: Option<Vec<[Part; 3]>> = texts().map(pattern).collect();
                modules
                    .filter(|modules| !modules.is_empty())
                    .map(|modules| self.modules.get_or_insert_default().extend(modules))
                    .ok_or("its `modules=` is no list of modules: write e.g. `modules=acme/vpc/*,acme/*/aws`")
            }
            _ => return None,
        })
    }

    /// What a list of patterns such as `acme/vpc/*` is for; `None` where one of them is none.
    #[must_use]
    pub fn of_modules(patterns: &[String]) -> Option<Self> {
        let modules: Option<Vec<[Part; 3]>> = patterns.iter().map(|text| pattern(text)).collect();
        let modules = modules.filter(|modules| !modules.is_empty());
        modules.map(|modules| Self {
            owners: None,
            modules: Some(modules),
        })
    }

    /// Whether nothing narrows it.
    pub(super) fn is_everything(&self) -> bool {
        self.owners.is_none() && self.modules.is_none()
    }

    /// Whether one of `modules=` can never be read, because `owners=` leaves its owner out.
    pub(super) fn contradicts_itself(&self) -> bool {
        let Some((owners, modules)) = self.owners.as_ref().zip(self.modules.as_ref()) else {
            return false;
        };
        modules.iter().any(|[namespace, ..]| match namespace {
            Part::Exactly(name) => !owners.iter().any(|owner| owner.allows(name)),
            Part::StartsWith(_) => false,
        })
    }

    /// Whether `module` may be read.
    #[must_use]
    pub fn allows(&self, module: &ModuleAddress) -> bool {
        let names = [
            module.namespace.as_str(),
            module.name.as_str(),
            module.system.as_str(),
        ];
        let is_owner = |owners: &Vec<Part>| owners.iter().any(|it| it.allows(names[0]));
        let is_module = |patterns: &Vec<[Part; 3]>| {
            patterns.iter().any(|parts| {
                parts
                    .iter()
                    .zip(names)
                    .all(|(part, name)| part.allows(name))
            })
        };
        self.owners.as_ref().is_none_or(is_owner) && self.modules.as_ref().is_none_or(is_module)
    }
}

fn pattern(text: &str) -> Option<[Part; 3]> {
    let mut texts = text.split('/');
    let parts = [
        Part::parse(texts.next()?, |text| Namespace::parse(text).is_some())?,
        Part::parse(texts.next()?, |text| Name::parse(text).is_some())?,
        Part::parse(texts.next()?, |text| System::parse(text).is_some())?,
    ];
    texts.next().is_none().then_some(parts)
}

impl Part {
    fn parse(text: &str, is_name: impl Fn(&str) -> bool) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        match lower.strip_suffix('*') {
            Some("") => Some(Self::StartsWith(String::new())),
            // A beginning may end where no name does, in `-`.
            Some(start) => {
                is_name(&format!("{start}a")).then(|| Self::StartsWith(start.to_owned()))
            }
            None => is_name(text).then_some(Self::Exactly(lower)),
        }
    }

    fn allows(&self, name: &str) -> bool {
        match self {
            Self::Exactly(known) => known.eq_ignore_ascii_case(name),
            Self::StartsWith(start) => name
                .get(..start.len())
                .is_some_and(|beginning| beginning.eq_ignore_ascii_case(start)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(words: &str) -> Result<Scope, &'static str> {
        let mut scope = Scope::default();
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            scope.take(word).expect("an unknown word")?;
        }
        Ok(scope)
    }

    #[test]
    fn a_scope_allows_what_each_of_its_parts_allows() {
        for (words, module, is_allowed) in [
            ("", "acme/vpc/aws", true),
            ("owners=acme", "acme/vpc/aws", true),
            ("owners=Acme,labs", "aCME/vpc/aws", true),
            ("owners=acme", "acme-evil/vpc/aws", false),
            ("owners=acme-evil", "acme/vpc/aws", false),
            ("owners=*", "acme/vpc/aws", true),
            ("modules=acme/vpc/*", "acme/vpc/aws", true),
            ("modules=acme/vpc/*", "ACME/VPC/google", true),
            ("modules=acme/vpc/*", "acme/vpc2/aws", false),
            ("modules=acme/vpc/*", "labs/vpc/aws", false),
            ("modules=acme/*/aws", "acme/dns/aws", true),
            ("modules=acme/*/aws", "acme/dns/google", false),
            ("modules=acme/net-*/aws", "acme/NET-core/aws", true),
            ("modules=acme/net-*/aws", "acme/network/aws", false),
            ("modules=acme/vpc/*,acme/*/google", "acme/dns/google", true),
            ("owners=acme modules=acme/vpc/*", "acme/vpc/aws", true),
            ("owners=acme modules=acme/vpc/*", "acme/dns/aws", false),
            ("owners=acme modules=*/vpc/*", "labs/vpc/aws", false),
            ("owners=acme owners=labs", "labs/vpc/aws", true),
        ] {
            let parts: Vec<&str> = module.split('/').collect();
            let address = ModuleAddress::parse(parts[0], parts[1], parts[2]).unwrap();
            let scope = scope(words).unwrap();
            assert_eq!(scope.allows(&address), is_allowed, "{words}: {module}");
        }
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for words in [
            "owners=",
            "owners=,",
            "owners=a.b",
            "owners=acme/vpc",
            "owners=a*b",
            "modules=",
            "modules=acme",
            "modules=acme/vpc",
            "modules=acme/vpc/aws/x",
            "modules=acme//aws",
            "modules=acme/v*c/aws",
            "modules=acme/vpc/a-b",
            "modules=../vpc/aws",
        ] {
            assert!(scope(words).is_err(), "{words}");
        }
        assert_eq!(Scope::default().take("owner=acme"), None);
        assert_eq!(Scope::default().take("owners"), None);
        for (words, contradicts) in [
            ("owners=acme modules=labs/vpc/*", true),
            ("owners=acme modules=acme/vpc/*,labs/vpc/*", true),
            ("owners=acme modules=*/vpc/*", false),
            ("owners=* modules=labs/vpc/*", false),
            ("modules=labs/vpc/*", false),
        ] {
            let scope = scope(words).unwrap();
            assert_eq!(scope.contradicts_itself(), contradicts, "{words}");
        }
    }
}
