//! The REST API's addresses.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::archive::Format;
use crate::installation::AccountKind;

/// Kept as they are in a path: RFC 3986's unreserved characters, and the slashes of refs.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/orgs/{org}/installation`, `/users/{username}/installation`.
    AccountInstallation { login: String, kind: AccountKind },
    /// `/app`.
    App,
    /// `/app/hook/config`.
    HookConfig,
    /// `/users/{username}`.
    Account(String),
    /// `/app/installations`.
    Installations,
    /// `/app/installations/{installation_id}`.
    Installation(u64),
    /// `POST /app/installations/{installation_id}/access_tokens`.
    AccessTokens(u64),
    /// `/installation/repositories`.
    InstallationRepositories,
    /// `/orgs/{org}/repos` or `/organizations/{id}/repos`, `/users/{username}/repos` or `/user/{id}/repos`.
    AccountRepositories {
        account: AccountTarget,
        kind: AccountKind,
    },
    /// `/rate_limit`.
    RateLimit,
    /// `/repos/{owner}/{repo}…` or `/repositories/{id}…`.
    Repository {
        target: Target,
        /// The path after the repository, as sent.
        rest: &'a str,
        endpoint: Endpoint<'a>,
    },
}

/// A repository by its name, which may be an old one, or by its id, which is how redirects name it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Named { owner: String, name: String },
    Numbered(u64),
}

/// An account by its login, or by its id, which is how `Link` names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AccountTarget {
    Named(String),
    Numbered(u64),
}

/// What is asked about a repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Endpoint<'a> {
    /// The repository itself.
    Object,
    /// `/installation`.
    Installation,
    /// `/git/matching-refs/{prefix}`, decoded, without `refs/`.
    MatchingReferences(String),
    /// `/git/ref/{name}`, decoded, without `refs/`.
    Reference(String),
    /// `/git/tags/{sha}`.
    TagObject(String),
    /// `/git/trees/{sha}`, decoded: a ref or any other name for a tree will do.
    Tree(String),
    /// `/contents` and `/contents/{path}`, decoded.
    Contents(String),
    /// `/tags`.
    Tags,
    /// `/zipball` and `/zipball/{ref}`, or `/tarball` likewise; the ref as sent.
    Archive(Format, &'a str),
}

impl<'a> Route<'a> {
    /// `None` is a 404: unknown addresses, wrong methods, trailing slashes.
    pub(crate) fn parse(method: &Method, path: &'a str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        // The top directory is the one thing that may be asked for with a slash at the end.
        let ends = segments.last().is_some_and(|last| !last.is_empty());
        if !ends && !path.ends_with("/contents/") {
            return None;
        }
        if let ["app", "installations", id, "access_tokens"] = segments.as_slice() {
            return (method == Method::POST).then_some(Self::AccessTokens(id.parse().ok()?));
        }
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        match segments.as_slice() {
            ["app"] => Some(Self::App),
            ["app", "hook", "config"] => Some(Self::HookConfig),
            ["users", login] => Some(Self::Account(decode(login))),
            ["app", "installations"] => Some(Self::Installations),
            ["app", "installations", id] => Some(Self::Installation(id.parse().ok()?)),
            ["installation", "repositories"] => Some(Self::InstallationRepositories),
            ["rate_limit"] => Some(Self::RateLimit),
            ["orgs", login, "installation"] => {
                let kind = AccountKind::Organization;
                Some(Self::AccountInstallation {
                    login: decode(login),
                    kind,
                })
            }
            ["users", login, "installation"] => Some(Self::AccountInstallation {
                login: decode(login),
                kind: AccountKind::User,
            }),
            ["orgs", login, "repos"] => Some(Self::AccountRepositories {
                account: AccountTarget::Named(decode(login)),
                kind: AccountKind::Organization,
            }),
            ["organizations", id, "repos"] => Some(Self::AccountRepositories {
                account: AccountTarget::Numbered(id.parse().ok()?),
                kind: AccountKind::Organization,
            }),
            ["users", login, "repos"] => Some(Self::AccountRepositories {
                account: AccountTarget::Named(decode(login)),
                kind: AccountKind::User,
            }),
            ["user", id, "repos"] => Some(Self::AccountRepositories {
                account: AccountTarget::Numbered(id.parse().ok()?),
                kind: AccountKind::User,
            }),
            ["repos", owner, name, ..] => {
                let rest = after(path, 3);
                let target = Target::Named {
                    owner: decode(owner),
                    name: decode(name),
                };
                Some(Self::Repository {
                    target,
                    rest,
                    endpoint: Endpoint::parse(rest)?,
                })
            }
            ["repositories", id, ..] => {
                let rest = after(path, 2);
                let target = Target::Numbered(id.parse().ok()?);
                Some(Self::Repository {
                    target,
                    rest,
                    endpoint: Endpoint::parse(rest)?,
                })
            }
            _ => None,
        }
    }
}

impl<'a> Endpoint<'a> {
    fn parse(rest: &'a str) -> Option<Self> {
        match rest {
            "" => return Some(Self::Object),
            "/installation" => return Some(Self::Installation),
            "/tags" => return Some(Self::Tags),
            "/contents" | "/contents/" => return Some(Self::Contents(String::new())),
            "/zipball" => return Some(Self::Archive(Format::Zip, "")),
            "/tarball" => return Some(Self::Archive(Format::Tarball, "")),
            _ => {}
        }
        let under = |prefix: &str| rest.strip_prefix(prefix);
        if let Some(prefix) = under("/git/matching-refs/") {
            Some(Self::MatchingReferences(decode(prefix)))
        } else if let Some(name) = under("/git/ref/") {
            Some(Self::Reference(decode(name)))
        } else if let Some(sha) = under("/git/tags/") {
            Some(Self::TagObject(decode(sha)))
        } else if let Some(name) = under("/git/trees/") {
            Some(Self::Tree(decode(name)))
        } else if let Some(path) = under("/contents/") {
            (!path.ends_with('/')).then(|| Self::Contents(decode(path)))
        } else if let Some(reference) = under("/tarball/") {
            Some(Self::Archive(Format::Tarball, reference))
        } else {
            under("/zipball/").map(|reference| Self::Archive(Format::Zip, reference))
        }
    }
}

/// A path without its percent-encoding. `+` is a plus.
pub(crate) fn decode(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// A parameter of a query, decoded, where `+` is a space; empty when it is there without a value.
pub(crate) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    query?
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| decode(&value.replace('+', " ")))
}

/// A ref's name for a path; slashes stay.
pub(crate) fn encode(name: &str) -> String {
    utf8_percent_encode(name, PATH).to_string()
}

/// The path after so many segments: empty, or from the next slash on.
fn after(path: &str, segments: usize) -> &str {
    path.match_indices('/')
        .nth(segments)
        .and_then(|(at, _)| path.get(at..))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_github_reads_them() {
        let named = || Target::Named {
            owner: "acme".to_owned(),
            name: "vpc".to_owned(),
        };
        let repository = |target, rest: &'static str, endpoint| {
            Some(Route::Repository {
                target,
                rest,
                endpoint,
            })
        };
        for (path, expected) in [
            ("/repos/acme/vpc", repository(named(), "", Endpoint::Object)),
            ("/repos/acme/vpc/", None),
            ("/repos/acme", None),
            (
                "/repositories/7",
                repository(Target::Numbered(7), "", Endpoint::Object),
            ),
            (
                "/repositories/7/zipball/refs/tags/v1%2B2",
                repository(
                    Target::Numbered(7),
                    "/zipball/refs/tags/v1%2B2",
                    Endpoint::Archive(Format::Zip, "refs/tags/v1%2B2"),
                ),
            ),
            (
                "/repos/acme/vpc/git/matching-refs/tags",
                repository(
                    named(),
                    "/git/matching-refs/tags",
                    Endpoint::MatchingReferences("tags".to_owned()),
                ),
            ),
            ("/repos/acme/vpc/git/matching-refs/tags/", None),
            (
                "/repos/acme/vpc/git/ref/tags/v1%2B2",
                repository(
                    named(),
                    "/git/ref/tags/v1%2B2",
                    Endpoint::Reference("tags/v1+2".to_owned()),
                ),
            ),
            (
                "/repos/acme/vpc/contents/",
                repository(named(), "/contents/", Endpoint::Contents(String::new())),
            ),
            (
                "/repos/acme/vpc/contents/a%20b/c+d.md",
                repository(
                    named(),
                    "/contents/a%20b/c+d.md",
                    Endpoint::Contents("a b/c+d.md".to_owned()),
                ),
            ),
            ("/repos/acme/vpc/contents/a/", None),
            ("/repos/acme/vpc/contents/contents/", None),
            (
                "/repos/acme/vpc/git/trees/main:a%2Fb",
                repository(
                    named(),
                    "/git/trees/main:a%2Fb",
                    Endpoint::Tree("main:a/b".to_owned()),
                ),
            ),
            ("/repos/acme/contents/", None),
            ("/repos/acme/vpc/unknown", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(Route::parse(&Method::GET, path), expected, "{path}");
        }
    }

    #[test]
    fn a_parameter_is_decoded_and_may_have_no_value() {
        for (query, expected) in [
            (None, None),
            (Some(""), None),
            (Some("a=1&ref=v1%2B2&ref=v3"), Some("v1+2")),
            (Some("ref=v1+2"), Some("v1 2")),
            (Some("ref="), Some("")),
            (Some("ref"), Some("")),
            (Some("reference=main"), None),
        ] {
            assert_eq!(parameter(query, "ref").as_deref(), expected, "{query:?}");
        }
    }

    #[test]
    fn a_token_is_minted_by_post_alone() {
        let path = "/app/installations/42/access_tokens";
        assert_eq!(
            Route::parse(&Method::POST, path),
            Some(Route::AccessTokens(42))
        );
        assert_eq!(Route::parse(&Method::GET, path), None);
        assert_eq!(Route::parse(&Method::POST, "/repos/acme/vpc"), None);
    }
}
