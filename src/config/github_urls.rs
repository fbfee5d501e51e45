//! Where GitHub is, and which addresses are its own: what may be given the credential, and what may send an archive.

use url::{Host, Url};

/// Where GitHub's API and archives are.
#[derive(Clone, Debug)]
pub struct GitHubUrls {
    api: Url,
    pub(super) archive_hosts: Vec<ArchiveHost>,
}

/// One host that an archive redirect may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArchiveHost {
    host: String,
    /// `None`: the scheme's own port, or on a loopback host any.
    port: Option<u16>,
}

impl ArchiveHost {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(&format!("https://{text}/")).ok()?;
        let is_host = match url.host()? {
            Host::Domain(name) => name.split('.').all(|label| {
                let is_label =
                    |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                !label.is_empty() && label.bytes().all(is_label)
            }),
            Host::Ipv4(_) | Host::Ipv6(_) => true,
        };
        let host = url.host_str()?.to_owned();
        let rest = text.get(host.len()..)?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if rest.is_empty() => None,
            None => return None,
        };
        is_host.then_some(Self { host, port })
    }
}

impl GitHubUrls {
    /// Reads the API's URL: https, or http on a loopback address. The path of a GitHub Enterprise Server may be left out,
    /// because Spin takes none in `allowed_outbound_hosts`.
    pub(super) fn parse(api: &str) -> Option<Self> {
        let mut api = Url::parse(api).ok()?;
        let is_plain = api.query().is_none() && api.fragment().is_none() && !has_credentials(&api);
        if !is_plain || !is_safe(&api) {
            return None;
        }
        let host = api.host_str().unwrap_or_default().to_owned();
        let mut archive_hosts = vec!["codeload.github.com".to_owned()];
        if let Some(web) = cloud_web(&host) {
            archive_hosts.push(format!("codeload.{web}"));
        } else if is_cloud_web(&host) {
            // The web's address, not the API's.
            return None;
        } else if !is_loopback(&api) {
            // With subdomain isolation; without, archives come from the API's own host.
            archive_hosts.push(format!("codeload.{host}"));
            if api.path() == "/" && !host.starts_with("api.") {
                api.set_path("/api/v3");
            }
        }
        let archive_hosts = archive_hosts
            .into_iter()
            .map(|host| ArchiveHost { host, port: None })
            .collect();
        Some(Self { api, archive_hosts })
    }

    /// The URL of an API path, which begins with a slash.
    #[must_use]
    pub fn api(&self, path: &str) -> String {
        format!("{}{path}", self.api_base())
    }

    /// Where the API itself is, for keys and messages.
    #[must_use]
    pub fn api_base(&self) -> &str {
        self.api.as_str().trim_end_matches('/')
    }

    /// Whether `url` belongs to the API, so that it may be given the credential.
    #[must_use]
    pub fn is_api(&self, url: &Url) -> bool {
        let base = self.api.path().trim_end_matches('/');
        let below = url.path().strip_prefix(base);
        url.origin() == self.api.origin()
            && !has_credentials(url)
            && below.is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether an archive may be fetched from `url`: a known or configured host, and https (http only on loopback).
    #[must_use]
    pub fn is_archive(&self, url: &Url) -> bool {
        let is_known = || {
            let host = url.host_str().unwrap_or_default();
            self.archive_hosts.iter().any(|known| {
                known.host.eq_ignore_ascii_case(host)
                    && match known.port {
                        Some(port) => url.port_or_known_default() == Some(port),
                        None => url.port().is_none() || is_loopback(url),
                    }
            })
        };
        is_safe(url) && !has_credentials(url) && (url.origin() == self.api.origin() || is_known())
    }

    /// Where people look at a repository, e.g. `https://github.com/acme/vpc`.
    #[must_use]
    pub fn repository_page(&self, owner: &str, repository: &str) -> String {
        let host = self.api.host_str().unwrap_or_default();
        let web = cloud_web(host).unwrap_or(host);
        let port = self
            .api
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        format!("{}://{web}{port}/{owner}/{repository}", self.api.scheme())
    }
}

/// The web's host of a GitHub whose API has a host of its own: github.com and ghe.com.
fn cloud_web(api: &str) -> Option<&str> {
    api.strip_prefix("api.").filter(|web| is_cloud_web(web))
}

fn is_cloud_web(host: &str) -> bool {
    host == "github.com" || host.ends_with(".ghe.com")
}

/// https, or http to this machine alone.
fn is_safe(url: &Url) -> bool {
    url.host().is_some()
        && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)))
}

/// What may be asked with no credential in it.
pub(crate) fn is_safe_url(url: &Url) -> bool {
    is_safe(url) && !has_credentials(url)
}

pub(super) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether a host, with or without a port, is this machine.
#[must_use]
pub fn is_loopback_authority(authority: &str) -> bool {
    Url::parse(&format!("http://{authority}")).is_ok_and(|url| is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(api: &str, hosts: &[&str]) -> GitHubUrls {
        let mut urls = GitHubUrls::parse(api).unwrap();
        urls.archive_hosts
            .extend(hosts.iter().map(|host| ArchiveHost::parse(host).unwrap()));
        urls
    }

    #[test]
    fn the_credential_goes_to_the_api_and_nowhere_else() {
        let cloud = urls("https://api.github.com", &[]);
        let server = urls("https://github.corp.example/api/v3/", &[]);
        let local = urls("http://127.0.0.1:4000", &[]);
        for (urls, url, is_api) in [
            (&cloud, "https://api.github.com/repositories/1", true),
            (&cloud, "https://API.github.com:443/repositories/1", true),
            (&cloud, "http://api.github.com/repositories/1", false),
            (&cloud, "https://api.github.com:8443/repositories/1", false),
            (
                &cloud,
                "https://api.github.com.evil.example/repositories/1",
                false,
            ),
            (
                &cloud,
                "https://api.github.com@evil.example/repositories/1",
                false,
            ),
            (&cloud, "https://user@api.github.com/repositories/1", false),
            (&cloud, "https://api.github.com./repositories/1", false),
            (
                &server,
                "https://github.corp.example/api/v3/repositories/1",
                true,
            ),
            (&server, "https://github.corp.example/codeload/x.zip", false),
            (&server, "https://github.corp.example/api/v3x", false),
            (&server, "https://github.corp.example/api/v3/../../x", false),
            (&local, "http://127.0.0.1:4000/repositories/1", true),
            (&local, "http://127.0.0.1:4001/repositories/1", false),
        ] {
            assert_eq!(urls.is_api(&Url::parse(url).unwrap()), is_api, "{url}");
        }
    }

    #[test]
    fn archives_come_from_known_hosts_over_https() {
        let cloud = urls(
            "https://api.github.com",
            &["cdn.example", "[2001:db8::1]:8443"],
        );
        let server = urls("https://github.corp.example", &[]);
        let tenant = urls("https://api.acme.ghe.com", &[]);
        let local = urls("http://127.0.0.1:4000", &["127.0.0.1:4001", "localhost"]);
        for (urls, url, is_archive) in [
            (
                &cloud,
                "https://codeload.github.com/acme/vpc/legacy.zip/x?token=1",
                true,
            ),
            (&cloud, "https://CODELOAD.github.com/x", true),
            (&cloud, "https://codeload.github.com:443/x", true),
            (&cloud, "https://codeload.github.com:444/x", false),
            (&cloud, "https://codeload.github.com./x", false),
            (
                &cloud,
                "https://evil.example\\@codeload.github.com/x",
                false,
            ),
            (&cloud, "http://codeload.github.com/x", false),
            (&cloud, "ftp://codeload.github.com/x", false),
            (&cloud, "https://cdn.example/x", true),
            (&cloud, "https://[2001:db8::1]:8443/x", true),
            (&cloud, "https://[2001:db8::1]/x", false),
            (&cloud, "http://127.0.0.1/x", false),
            (&cloud, "https://169.254.169.254/x", false),
            (&server, "https://codeload.github.corp.example/x", true),
            (&server, "https://github.corp.example/codeload/x", true),
            (&tenant, "https://codeload.acme.ghe.com/x", true),
            (&tenant, "https://codeload.other.ghe.com/x", false),
            (&local, "http://127.0.0.1:4001/x", true),
            (&local, "http://127.0.0.1:4002/x", false),
            (&local, "http://localhost:9/x", true),
        ] {
            assert_eq!(
                urls.is_archive(&Url::parse(url).unwrap()),
                is_archive,
                "{url}"
            );
        }
    }

    #[test]
    fn an_archive_host_is_a_name_with_or_without_a_port() {
        for good in ["a-b.example", "A.example:443", "10.0.0.1", "[::1]:8443"] {
            assert!(ArchiveHost::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "*.example",
            "..",
            "a..b",
            "host:",
            "host:x",
            "a/b",
            "https://a",
            "a?b",
            "u@a",
            "a b",
        ] {
            assert!(ArchiveHost::parse(bad).is_none(), "{bad}");
        }
    }

    /// `url` has no Unicode tables here: what would need them is refused, and neither guessed nor a panic.
    #[test]
    fn hosts_are_named_in_ascii() {
        for host in [
            "b\u{fc}cher.example",
            "b%C3%BCcher.example",
            "xn--bcher-kva.\u{e9}xample",
            "\u{ff47}ithub.com",
            "github\u{3002}com",
            "git\u{ad}hub.com",
            "\u{202e}github.com",
            "\u{1f980}.example",
        ] {
            let api = format!("https://{host}/");
            assert!(GitHubUrls::parse(&api).is_none(), "{host}");
            assert!(ArchiveHost::parse(host).is_none(), "{host}");
            assert!(!is_loopback_authority(host), "{host}");
        }
        let punycode = "https://XN--bcher-kva.example";
        assert_eq!(
            urls(punycode, &["xn--bcher-kva.example"]).api_base(),
            "https://xn--bcher-kva.example/api/v3"
        );
    }

    #[test]
    fn an_api_is_https_or_on_this_machine() {
        for (api, base) in [
            ("https://api.github.com/", Some("https://api.github.com")),
            (
                "https://github.corp.example",
                Some("https://github.corp.example/api/v3"),
            ),
            (
                "https://github.corp.example/api/v3/",
                Some("https://github.corp.example/api/v3"),
            ),
            ("http://[::1]:4000", Some("http://[::1]:4000")),
            ("http://localhost:4000", Some("http://localhost:4000")),
            ("https://192.168.1.5", Some("https://192.168.1.5/api/v3")),
            ("https://api.acme.ghe.com", Some("https://api.acme.ghe.com")),
            ("https://github.com", None),
            ("https://acme.ghe.com", None),
            ("http://github.corp.example", None),
            ("https://u:p@github.corp.example", None),
            ("https://github.corp.example?x", None),
            ("github.corp.example", None),
            ("", None),
        ] {
            let parsed = GitHubUrls::parse(api);
            assert_eq!(parsed.as_ref().map(GitHubUrls::api_base), base, "{api}");
        }
        let page = |api: &str| urls(api, &[]).repository_page("acme", "vpc");
        assert_eq!(
            page("https://api.github.com"),
            "https://github.com/acme/vpc"
        );
        assert_eq!(
            page("https://api.acme.ghe.com"),
            "https://acme.ghe.com/acme/vpc"
        );
        assert_eq!(
            page("https://git.corp.example/api/v3"),
            "https://git.corp.example/acme/vpc"
        );
    }
}
