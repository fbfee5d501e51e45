//! Which of Landfall's routes a request is for: a pure function of method and path.

use http::Method;

use crate::error::{Error, NotFound};
use crate::module::{ModuleAddress, Name, Namespace, ObjectId};
use crate::version::ModuleVersion;

/// Every route there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/.well-known/terraform.json`: Terraform's service discovery, which no client retries and several ask
    /// without their credentials.
    Discovery,
    /// `/healthz`: the component answers.
    Alive,
    /// `/readyz`: the component could serve modules.
    Ready,
    /// `/webhooks/github`: GitHub tells that something has changed.
    Webhook,
    /// `/v1/token`: an ID token is exchanged for a registry token.
    Exchange,
    /// Whatever only a caller who may read it gets an answer to.
    Module(ModuleRoute),
    /// Lists of what a caller may read.
    List(ListRoute),
}

/// The routes that lead to modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleRoute {
    /// `/v1/modules/:namespace/:name/:system/versions`
    Versions(ModuleAddress),
    /// `/v1/modules/:namespace/:name/:system[/:version]/download`
    Download(ModuleAddress, Wanted),
    /// `/v1/modules/:namespace/:name/:system[/:version]`
    Details(ModuleAddress, Wanted),
    /// `/archive/:namespace/:name/:system/:version/:object.zip`, or with the ticket of a signed URL
    /// `/archive/:namespace/:name/:system/:version/:object/:ticket.zip`
    Archive(ArchiveAddress, Option<String>),
}

impl ModuleRoute {
    /// The module that it leads to.
    #[must_use]
    pub fn module(&self) -> &ModuleAddress {
        match self {
            Self::Versions(module) | Self::Download(module, _) | Self::Details(module, _) => module,
            Self::Archive(archive, _) => &archive.module,
        }
    }
}

/// The lists of modules, as the public registry has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListRoute {
    /// `/v1/modules`
    All,
    /// `/v1/modules/:namespace`
    Namespace(Namespace),
    /// `/v1/modules/search`
    Search,
    /// `/v1/modules/:namespace/:name`: the same module for several systems.
    Systems(Namespace, Name),
}

impl ListRoute {
    /// The path that [`Route::parse`] reads back.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::All => "/v1/modules".to_owned(),
            Self::Namespace(namespace) => format!("/v1/modules/{namespace}"),
            Self::Search => "/v1/modules/search".to_owned(),
            Self::Systems(namespace, name) => format!("/v1/modules/{namespace}/{name}"),
        }
    }
}

/// The version that a download is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// No version, or `latest`: the newest stable one. Trivy and Checkov ask this way.
    Latest,
    /// The same, or the newest of a module that has no stable one: what lists show.
    Newest,
    /// A version, not necessarily spelled as its tag is.
    Version(ModuleVersion),
}

/// One version's archive. Its path names the git object, so that the URL of other content is another URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveAddress {
    /// The module.
    pub module: ModuleAddress,
    /// Its version.
    pub version: ModuleVersion,
    /// What the version's tag pointed at when the URL was made: a commit, or an annotated tag's own object.
    pub object: ObjectId,
}

impl ArchiveAddress {
    /// The path that [`Route::parse`] reads back, with a ticket where it has to prove itself. It ends in `.zip`, because
    /// Terraform tells an archive from a web page by that alone, and has no `//`, which would cut off a subdirectory.
    #[must_use]
    pub fn path(&self, ticket: Option<&str>) -> String {
        let Self {
            module,
            version,
            object,
        } = self;
        match ticket {
            Some(ticket) => format!("/archive/{module}/{version}/{object}/{ticket}.zip"),
            None => format!("/archive/{module}/{version}/{object}.zip"),
        }
    }
}

impl Route {
    /// Reads a request's method and path. The path is taken as it was sent: no name that can exist needs percent
    /// encoding, except for a version's `+`.
    ///
    /// # Errors
    /// [`NotFound::Path`] for a path that is no route or has a name that cannot exist, and
    /// [`Error::MethodNotAllowed`] for a method that its route does not have.
    pub fn parse(method: &Method, path: &str) -> Result<Self, Error> {
        let route = Self::of_path(path).ok_or(Error::NotFound(NotFound::Path))?;
        match (&route, method.as_str()) {
            (Self::Webhook | Self::Exchange, "POST") => Ok(route),
            (Self::Webhook | Self::Exchange, _) => Err(Error::MethodNotAllowed { allow: "POST" }),
            (_, "GET" | "HEAD") => Ok(route),
            _ => Err(Error::MethodNotAllowed { allow: "GET, HEAD" }),
        }
    }

    fn of_path(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        Some(match *segments.as_slice() {
            [".well-known", "terraform.json"] => Self::Discovery,
            ["healthz"] => Self::Alive,
            ["readyz"] => Self::Ready,
            ["webhooks", "github"] => Self::Webhook,
            ["v1", "token"] => Self::Exchange,
            // Discovery gives clients the path with a slash at its end.
            ["v1", "modules"] | ["v1", "modules", ""] => Self::List(ListRoute::All),
            ["v1", "modules", "search"] => Self::List(ListRoute::Search),
            ["v1", "modules", namespace] => {
                Self::List(ListRoute::Namespace(Namespace::parse(namespace)?))
            }
            ["v1", "modules", namespace, name] => Self::List(ListRoute::Systems(
                Namespace::parse(namespace)?,
                Name::parse(name)?,
            )),
            ["v1", "modules", namespace, name, system, ref rest @ ..] => {
                let module = ModuleAddress::parse(namespace, name, system)?;
                Self::Module(match *rest {
                    [] => ModuleRoute::Details(module, Wanted::Newest),
                    ["versions"] => ModuleRoute::Versions(module),
                    ["download"] | ["latest", "download"] => {
                        ModuleRoute::Download(module, Wanted::Latest)
                    }
                    [version, "download"] => {
                        ModuleRoute::Download(module, Wanted::Version(parse_version(version)?))
                    }
                    [version] => {
                        ModuleRoute::Details(module, Wanted::Version(parse_version(version)?))
                    }
                    _ => return None,
                })
            }
            ["archive", namespace, name, system, version, ref file @ ..] => {
                let last = file.last()?.strip_suffix(".zip")?;
                let (object, ticket) = match *file {
                    [_] => (last, None),
                    [object, _] => (object, Some(last.to_owned())),
                    _ => return None,
                };
                let archive = ArchiveAddress {
                    module: ModuleAddress::parse(namespace, name, system)?,
                    version: parse_version(version)?,
                    object: ObjectId::parse(object)?,
                };
                // These addresses are Landfall's own: one that is spelled in another way was altered.
                if archive.path(ticket.as_deref()) != plain_plus(path) {
                    return None;
                }
                Self::Module(ModuleRoute::Archive(archive, ticket))
            }
            _ => return None,
        })
    }
}

fn parse_version(segment: &str) -> Option<ModuleVersion> {
    ModuleVersion::requested(&plain_plus(segment))
}

/// Clients may write a version's `+` as `%2B`.
fn plain_plus(text: &str) -> String {
    text.replace("%2B", "+").replace("%2b", "+")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn route(path: &str) -> Option<String> {
        Route::parse(&Method::GET, path)
            .ok()
            .map(|route| match route {
                Route::Discovery => "discovery".to_owned(),
                Route::Alive => "alive".to_owned(),
                Route::Ready => "ready".to_owned(),
                Route::Webhook | Route::Exchange => "post".to_owned(),
                Route::List(list) => format!("list {}", list.path()),
                Route::Module(ModuleRoute::Versions(module)) => format!("versions {module}"),
                Route::Module(ModuleRoute::Details(module, wanted)) => {
                    format!("details {module} {wanted:?}")
                }
                Route::Module(ModuleRoute::Download(module, Wanted::Latest | Wanted::Newest)) => {
                    format!("latest {module}")
                }
                Route::Module(ModuleRoute::Download(module, Wanted::Version(version))) => {
                    format!("download {module} {version}")
                }
                Route::Module(ModuleRoute::Archive(archive, ticket)) => {
                    format!("archive {}", archive.path(ticket.as_deref()))
                }
            })
    }

    #[test]
    fn every_path_is_one_route_or_none() {
        let long = "a".repeat(65);
        for (path, expected) in [
            ("/.well-known/terraform.json", Some("discovery")),
            ("/healthz", Some("alive")),
            ("/readyz", Some("ready")),
            (
                "/v1/modules/acme/vpc/aws/versions",
                Some("versions acme/vpc/aws"),
            ),
            (
                "/v1/modules/Acme/VPC/aws/versions",
                Some("versions Acme/VPC/aws"),
            ),
            (
                "/v1/modules/acme/vpc/aws/1.0.0/download",
                Some("download acme/vpc/aws 1.0.0"),
            ),
            (
                "/v1/modules/acme/vpc/aws/v1.0/download",
                Some("download acme/vpc/aws 1.0.0"),
            ),
            (
                "/v1/modules/acme/vpc/aws/1.0.0%2Bb.5/download",
                Some("download acme/vpc/aws 1.0.0+b.5"),
            ),
            (
                "/v1/modules/acme/vpc/aws/1.0.0+b.5/download",
                Some("download acme/vpc/aws 1.0.0+b.5"),
            ),
            (
                "/v1/modules/acme/vpc/aws/download",
                Some("latest acme/vpc/aws"),
            ),
            (
                "/v1/modules/acme/vpc/aws/latest/download",
                Some("latest acme/vpc/aws"),
            ),
            (
                &format!("/archive/acme/vpc/aws/1.0.0/{COMMIT}.zip"),
                Some(&*format!(
                    "archive /archive/acme/vpc/aws/1.0.0/{COMMIT}.zip"
                )),
            ),
            (
                &format!("/archive/acme/vpc/aws/1.0.0%2bb.5/{COMMIT}/A-_9.zip"),
                Some(&*format!(
                    "archive /archive/acme/vpc/aws/1.0.0+b.5/{COMMIT}/A-_9.zip"
                )),
            ),
            ("", None),
            ("/", None),
            ("/v1/token/", None),
            ("/v1/tokens", None),
            ("/status", None),
            ("//healthz", None),
            ("/healthz/", None),
            ("/.well-known/terraform.json/", None),
            (
                "/v1/modules/acme/vpc/aws",
                Some("details acme/vpc/aws Newest"),
            ),
            ("/v1/modules/acme/vpc/aws/", None),
            ("/v1/modules/acme/vpc/aws/latest", None),
            ("/v1/modules/acme/vpc/aws/main", None),
            ("/v1/modules/acme/vpc/aws/versions/", None),
            ("/v1/modules/acme//aws/versions", None),
            ("/v1/modules/acme/../aws/versions", None),
            ("/v1/modules/acme/%2e%2e/aws/versions", None),
            ("/v1/modules/acme/a.b/aws/versions", None),
            ("/v1/modules/acme/a%00/aws/versions", None),
            ("/v1/modules/acme/vpc/a-b/versions", None),
            (&format!("/v1/modules/acme/{long}/aws/versions"), None),
            ("/v1/modules/acme/vpc/aws/main/download", None),
            ("/v1/modules/acme/vpc/aws/1.0.0/1/download", None),
            ("/archive/acme/vpc/aws/1.0.0/main.zip", None),
            (&format!("/archive/acme/vpc/aws/1.0.0/{COMMIT}"), None),
            (&format!("/archive/acme/vpc/aws/v1.0.0/{COMMIT}.zip"), None),
            (&format!("/archive/acme/vpc/aws/1.0/{COMMIT}.zip"), None),
            (&format!("/archive/acme/vpc/aws/1.0.0/{COMMIT}/A"), None),
            (
                &format!("/archive/acme/vpc/aws/1.0.0/{COMMIT}/A.zip/"),
                None,
            ),
            (
                &format!("/archive/acme/vpc/aws/1.0.0/{COMMIT}/A/B.zip"),
                None,
            ),
            (&format!("/archive/acme/vpc/aws/1.0.0//{COMMIT}.zip"), None),
            (
                &format!("/archive/acme/vpc/aws/1.0.0/{}.zip", COMMIT.to_uppercase()),
                None,
            ),
            (
                &format!("/archive/acme/vpc/aws/1.0.0/{}.zip", &COMMIT[1..]),
                None,
            ),
        ] {
            assert_eq!(route(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn lists_have_paths_of_their_own() {
        for (path, expected) in [
            ("/v1/modules", Some("list /v1/modules")),
            ("/v1/modules/", Some("list /v1/modules")),
            ("/v1/modules/Acme", Some("list /v1/modules/Acme")),
            ("/v1/modules/search", Some("list /v1/modules/search")),
            ("/v1/modules/acme/vpc", Some("list /v1/modules/acme/vpc")),
            ("/v1/modules/acme/", None),
            ("/v1/modules/acme/v.pc", None),
            ("/v1/modules/a.b", None),
            ("/v1", None),
        ] {
            assert_eq!(route(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn only_reading_is_allowed() {
        let path = "/v1/modules/acme/vpc/aws/versions";
        for method in [
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
            Method::PATCH,
        ] {
            let refused = Route::parse(&method, path).unwrap_err();
            assert_eq!(refused, Error::MethodNotAllowed { allow: "GET, HEAD" });
            assert_eq!(
                Route::parse(&method, "/x").unwrap_err(),
                Error::NotFound(NotFound::Path)
            );
        }
        assert!(Route::parse(&Method::HEAD, path).is_ok());
        for (path, route) in [
            ("/webhooks/github", Route::Webhook),
            ("/v1/token", Route::Exchange),
        ] {
            assert_eq!(Route::parse(&Method::POST, path), Ok(route));
            assert_eq!(
                Route::parse(&Method::GET, path).unwrap_err(),
                Error::MethodNotAllowed { allow: "POST" }
            );
        }
    }

    proptest! {
        #[test]
        fn an_archive_address_reads_its_own_path_back(
            names in "[0-9A-Za-z][0-9A-Za-z_-]{0,62}[0-9A-Za-z]/[0-9A-Za-z]/[0-9a-z]{1,64}",
            version in "[0-9]{1,3}\\.[1-9]\\.0(-[a-z]{1,5})?(\\+[0-9a-z]{1,5})?",
            commit in "[0-9a-f]{40}",
        ) {
            prop_assume!(!version.starts_with('0') || version.starts_with("0."));
            let path = format!("/archive/{names}/{version}/{commit}.zip");
            match Route::parse(&Method::GET, &path) {
                Ok(Route::Module(ModuleRoute::Archive(archive, None))) => prop_assert_eq!(archive.path(None), path),
                other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn no_path_breaks_the_parser(path in "\\PC{0,120}") {
            let _ = Route::parse(&Method::GET, &path);
        }
    }
}
