//! A module's names, in Terraform's words, and how they become a repository's name.
//!
//! Everything here is parsed once, at the edge, into a type that cannot be wrong. The rules are Terraform's own (its
//! registry-address library).

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `:namespace/:name/:system` of a module, as Terraform writes it in `source`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleAddress {
    /// The GitHub owner: an organisation or a user.
    pub namespace: Namespace,
    /// The module's own name.
    pub name: Name,
    /// The system it is for, e.g. `aws`.
    pub system: System,
}

impl ModuleAddress {
    /// Reads three path segments; `None` where one of them is not a name that Terraform can ask for.
    #[must_use]
    pub fn parse(namespace: &str, name: &str, system: &str) -> Option<Self> {
        Some(Self {
            namespace: Namespace::parse(namespace)?,
            name: Name::parse(name)?,
            system: System::parse(system)?,
        })
    }
}

impl fmt::Display for ModuleAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.name, self.system)
    }
}

/// Names that compare without regard to case, because GitHub's do and Dependabot lower-cases what it asks for.
/// The spelling is kept as it came.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $is_valid:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub struct $type(String);

        impl $type {
            /// `None` where `text` breaks the rule above.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                $is_valid(text).then(|| Self(text.to_owned()))
            }

            /// As it was spelled by whoever wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }

        impl Eq for $type {}

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A GitHub owner: 1 to 64 letters, digits, `-` and `_`, with a letter or digit at both ends.
    Namespace,
    is_name
);
name!(
    /// A module's name: 1 to 64 letters, digits, `-` and `_`, with a letter or digit at both ends. No dots:
    /// Terraform refuses them in `source`.
    Name,
    is_name
);
name!(
    /// A module's system: 1 to 64 letters and digits. Terraform itself only ever sends lower case.
    System,
    is_system
);

fn is_name(text: &str) -> bool {
    let ends_well = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 64
        && ends_well(bytes.first())
        && ends_well(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_system(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether GitHub could have a repository of this name.
pub(crate) fn is_repository_name(text: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=100).contains(&text.len()) && text.bytes().all(is_valid) && !matches!(text, "." | "..")
}

/// How an address becomes a repository's name, e.g. `terraform-{system}-{name}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryTemplate(String);

impl RepositoryTemplate {
    /// # Errors
    /// Says what is wrong, and never the text itself: an unknown placeholder, no `{name}`, or a character that no repository's name has.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sample = text
            .replace("{namespace}", "n")
            .replace("{name}", "n")
            .replace("{system}", "n");
        if !text.contains("{name}") {
            return Err("it has no `{name}`".to_owned());
        }
        if sample.contains(['{', '}']) {
            return Err(
                "it may only have the placeholders `{namespace}`, `{name}` and `{system}`"
                    .to_owned(),
            );
        }
        let is_valid =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !sample.bytes().all(is_valid) {
            return Err(
                "it may only have letters, digits, `-`, `_` and `.` beside its placeholders"
                    .to_owned(),
            );
        }
        Ok(Self(text.to_owned()))
    }

    /// The module that a repository of this name is, where the template has one `{system}` and one `{name}` and something
    /// between them.
    #[must_use]
    pub fn read(&self, namespace: &Namespace, repository: &str) -> Option<ModuleAddress> {
        let template = self.0.replace("{namespace}", namespace.as_str());
        let (template, repository) = (
            template.to_ascii_lowercase(),
            repository.to_ascii_lowercase(),
        );
        let (before_system, after_system) = template.split_once("{system}")?;
        let (before_name, after_name) = template.split_once("{name}")?;
        let is_system_first = before_system.len() < before_name.len();
        let (start, between, end) = if is_system_first {
            (
                before_system,
                after_system.split_once("{name}")?.0,
                after_name,
            )
        } else {
            (
                before_name,
                after_name.split_once("{system}")?.0,
                after_system,
            )
        };
        if between.is_empty() || end.contains('{') {
            return None;
        }
        let middle = repository.strip_prefix(start)?.strip_suffix(end)?;
        // A system has no `-`: it ends at the first, or begins after the last, that stands between.
        let (system, name) = if is_system_first {
            middle.split_once(between)?
        } else {
            let (name, system) = middle.rsplit_once(between)?;
            (system, name)
        };
        ModuleAddress::parse(namespace.as_str(), name, system)
    }

    /// The repository's name for `address`.
    #[must_use]
    pub fn repository(&self, address: &ModuleAddress) -> String {
        self.0
            .replace("{namespace}", address.namespace.as_str())
            .replace("{name}", address.name.as_str())
            .replace("{system}", address.system.as_str())
    }
}

/// What else the repositories of `module` would be, by the templates that tell a repository's system: a token for
/// `acme/*/aws` reads `acme/terraform-google-dns/aws` no more than `acme/dns/google`.
#[must_use]
pub fn aliases(templates: &[RepositoryTemplate], module: &ModuleAddress) -> Vec<ModuleAddress> {
    let repositories = templates.iter().map(|template| template.repository(module));
    repositories
        .flat_map(|repository| {
            let read =
                |template: &RepositoryTemplate| template.read(&module.namespace, &repository);
            templates.iter().filter_map(read).collect::<Vec<_>>()
        })
        .filter(|alias| alias != module)
        .collect()
}

/// The id of a git object, most often a commit: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectId(String);

impl ObjectId {
    /// `None` where `text` is not a whole object id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_id = matches!(text.len(), 40 | 64)
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self(text.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As bytes: half as long as the digits.
impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&hex::decode(&self.0).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        Self::parse(&hex::encode(bytes)).ok_or_else(|| D::Error::custom("no object id"))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_terraform_can_ask_for() {
        let longest = "a".repeat(64);
        for good in ["a", "A1", "my-vpc", "my_vpc", "a--b", "octo_acme", &longest] {
            assert!(Name::parse(good).is_some(), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in [
            "", "-a", "a-", "_a", "a.b", "..", "%2e%2e", "a/b", "a b", "a\0", "é", "a\n", &too_long,
        ] {
            assert!(Name::parse(bad).is_none(), "{bad:?}");
        }
        for bad in ["", "a-b", "a_b", "a.b", &too_long] {
            assert!(System::parse(bad).is_none(), "{bad:?}");
        }
        assert_eq!(Name::parse("VPC"), Name::parse("vpc"));
    }

    #[test]
    fn a_repository_is_known_by_the_names_that_templates_give_it() {
        for (templates, module, expected) in [
            ("terraform-{system}-{name} {name}", "acme/vpc/aws", ""),
            (
                "terraform-{system}-{name} {name}",
                "acme/terraform-google-dns/aws",
                "acme/dns/google",
            ),
            (
                "terraform-{system}-{name} {name}",
                "acme/Terraform-Google-dns-zone/aws",
                "acme/dns-zone/google",
            ),
            (
                "terraform-{system}-{name} {name}",
                "acme/terraform-google/aws",
                "",
            ),
            ("{name}", "acme/terraform-google-dns/aws", ""),
            (
                "{name}-{system} {name}",
                "acme/a-b-aws/google",
                "acme/a-b/aws",
            ),
            ("{name}-{system} {name}", "acme/vpc/aws", ""),
            ("tf.{system}.{name}.x {name}", "acme/vpc/aws", ""),
            (
                "{namespace}-{system}-{name} {name}",
                "acme/acme-aws-vpc/google",
                "acme/vpc/aws",
            ),
            ("{system}{name} {name}", "acme/awsvpc/google", ""),
            (
                "{system}-{name}-{name} {name}",
                "acme/aws-vpc-vpc/google",
                "",
            ),
        ] {
            let parse = |text| RepositoryTemplate::parse(text).unwrap();
            let templates: Vec<_> = templates.split(' ').map(parse).collect();
            let parts: Vec<&str> = module.split('/').collect();
            let module = ModuleAddress::parse(parts[0], parts[1], parts[2]).unwrap();
            let found: Vec<_> = aliases(&templates, &module)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found.join(" "), expected, "{module}");
        }
    }

    #[test]
    fn a_template_makes_the_repository_name_or_says_what_is_wrong() {
        let address = ModuleAddress::parse("acme", "vpc", "aws").unwrap();
        for (template, expected) in [
            ("{name}", Ok("vpc")),
            ("terraform-{system}-{name}", Ok("terraform-aws-vpc")),
            ("tf.{namespace}_{name}", Ok("tf.acme_vpc")),
            ("terraform-{system}", Err("it has no `{name}`")),
            (
                "{name}-{provider}",
                Err("it may only have the placeholders"),
            ),
            ("{name}/x", Err("it may only have letters")),
            ("../{name}", Err("it may only have letters")),
            ("{name}?", Err("it may only have letters")),
        ] {
            let made = RepositoryTemplate::parse(template).map(|it| it.repository(&address));
            match (made, expected) {
                (Ok(made), Ok(expected)) => assert_eq!(made, expected),
                (Err(made), Err(expected)) => {
                    assert!(made.contains(expected), "{template}: {made}");
                }
                (made, expected) => panic!("{template}: {made:?}, not {expected:?}"),
            }
        }
    }
}
