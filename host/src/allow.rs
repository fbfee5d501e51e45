//! Which hosts the component may ask: those that its own variables name, and GitHub's.

use std::net::IpAddr;

use http::Uri;
use http::uri::Authority;

use crate::{StartError, Variables};

/// Where github.com's archives come from. They are allowed in every set-up: tests of a private GitHub included.
const GITHUB_ARCHIVE_HOSTS: [&str; 2] = ["codeload.github.com", "objects.githubusercontent.com"];
const GITHUB_API_URL: &str = "https://api.github.com";
/// Whose ID tokens are taken where `oidc_issuers` is not set.
const GITHUB_ACTIONS: &str = "https://token.actions.githubusercontent.com";

/// The hosts that outbound requests may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowList(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    host: String,
    port: Port,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    /// Any: a loopback host named without a port.
    Any,
    /// The scheme's: 443, or 80 to a loopback host.
    Default,
    Exactly(u16),
}

impl AllowList {
    /// The hosts that these variables lead to: that of `github_api_url` with the archive host of its kind of GitHub,
    /// github.com's archive hosts, those of `github_archive_hosts`, and the issuers of `oidc_issuers`.
    ///
    /// An entry is a host or `host:port`. Without a port it means the scheme's own port, or any port of a loopback host.
    ///
    /// # Errors
    /// When `github_api_url` or an issuer isn't an http or https URL, or an entry isn't a host.
    pub fn from_variables(variables: &Variables) -> Result<Self, StartError> {
        let api = set(variables, "github_api_url").unwrap_or(GITHUB_API_URL);
        let mut rules = api_rules(api).ok_or_else(|| {
            StartError::Variables(format!(
                "the variable `github_api_url` isn't an http or https URL: write it like {GITHUB_API_URL} \
                 or https://HOST/api/v3"
            ))
        })?;
        rules.extend(GITHUB_ARCHIVE_HOSTS.map(|host| Rule {
            host: host.to_owned(),
            port: Port::Default,
        }));
        let extra = set(variables, "github_archive_hosts").unwrap_or_default();
        for entry in extra
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|entry| !entry.is_empty())
        {
            rules.push(entry_rule(entry).ok_or_else(|| {
                StartError::Variables(
                    "the variable `github_archive_hosts` has an entry that isn't a host: write HOST or HOST:PORT, \
                     without https://"
                        .to_owned(),
                )
            })?);
        }
        let issuers = set(variables, "oidc_issuers").unwrap_or(GITHUB_ACTIONS);
        for issuer in issuers
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|issuer| !issuer.is_empty())
        {
            rules.push(url_rule(issuer).ok_or_else(|| {
                StartError::Variables(format!(
                    "the variable `oidc_issuers` has an entry that isn't an http or https URL: write it like {GITHUB_ACTIONS}"
                ))
            })?);
        }
        Ok(Self(rules))
    }

    /// The host of this URL alone; `None` where it isn't an http or https URL.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        url_rule(url).map(|rule| Self(vec![rule]))
    }

    /// Whether a request to `uri` may be sent. Plain http goes to loopback hosts alone.
    ///
    /// # Errors
    /// One line for the log: the host, and the variable that would allow it. It never holds the path, which may have
    /// a token in its query.
    pub fn check(&self, uri: &Uri) -> Result<(), String> {
        let Some(host) = uri.host().map(str::to_ascii_lowercase) else {
            return Err("denied an outbound request that names no host".to_owned());
        };
        let port = uri.port_u16();
        let default = match uri.scheme_str() {
            Some("https") => 443,
            Some("http") if is_loopback(&host) => 80,
            _ => {
                return Err(format!(
                    "denied an outbound request to {host} that isn't https: plain http goes to loopback hosts alone; \
                     check the scheme in the variable github_api_url"
                ));
            }
        };
        let port = port.unwrap_or(default);
        let matches = |rule: &Rule| {
            rule.host == host
                && match rule.port {
                    Port::Any => true,
                    Port::Default => port == default,
                    Port::Exactly(allowed) => port == allowed,
                }
        };
        if self.0.iter().any(matches) {
            return Ok(());
        }
        let shown = if port == default {
            host
        } else {
            format!("{host}:{port}")
        };
        Err(format!(
            "denied an outbound request to {shown}: it isn't the host of the variable github_api_url or oidc_issuers; \
             if archives come from it, add {shown} to the variable github_archive_hosts"
        ))
    }
}

fn set<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    variables
        .get(name)
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

/// The API's host, and the host its archives come from: `codeload.HOST` of a GitHub Enterprise Server with subdomain
/// isolation, `HOST` itself without, `codeload.SUB.ghe.com` of an enterprise with data residency.
fn api_rules(url: &str) -> Option<Vec<Rule>> {
    let Rule { host, port } = url_rule(url)?;
    let uri: Uri = url.parse().ok()?;
    // The component takes an Enterprise Server's URL without its path, too.
    let is_server = match uri.path().trim_end_matches('/') {
        "/api/v3" => true,
        "" => !host.starts_with("api.") && !is_loopback(&host),
        _ => false,
    };
    let archive_host = if is_server {
        Some(format!("codeload.{host}"))
    } else {
        host.strip_prefix("api.")
            .filter(|enterprise| enterprise.ends_with(".ghe.com"))
            .map(|enterprise| format!("codeload.{enterprise}"))
    };
    let rules = std::iter::once(host)
        .chain(archive_host)
        .map(|host| Rule { host, port });
    Some(rules.collect())
}

/// The host of a URL.
fn url_rule(url: &str) -> Option<Rule> {
    let uri: Uri = url.parse().ok()?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return None;
    }
    Some(Rule {
        host: uri.host()?.to_ascii_lowercase(),
        port: uri.port_u16().map_or(Port::Default, Port::Exactly),
    })
}

fn entry_rule(entry: &str) -> Option<Rule> {
    let authority: Authority = entry.parse().ok()?;
    let host = authority.host().to_ascii_lowercase();
    let port = match authority.port_u16() {
        _ if authority.as_str().contains('@') => return None,
        Some(port) => Port::Exactly(port),
        // What follows the colon is no port.
        None if authority.as_str().len() != host.len() => return None,
        None if is_loopback(&host) => Port::Any,
        None => Port::Default,
    };
    Some(Rule { host, port })
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&str, &str)]) -> AllowList {
        AllowList::from_variables(&Variables::new(pairs.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn only_configured_hosts_are_allowed() {
        let github: &[(&str, &str)] = &[];
        let ghes = &[("github_api_url", "https://git.corp.example/api/v3")];
        let ghes_short = &[("github_api_url", "https://git.corp.example")];
        let ghes_port = &[("github_api_url", "https://Git.Corp.example:8443/api/v3/")];
        let ghe = &[("github_api_url", "https://api.acme.ghe.com")];
        let local = &[("github_api_url", "http://127.0.0.1:4000")];
        let issuers = &[(
            "oidc_issuers",
            "https://forge.example:3000/api/actions, https://GHES.example/_services/token",
        )];
        let extra = &[(
            "github_archive_hosts",
            " mirror.example, cache.example:8443 ,localhost,[::1]:9000,",
        )];
        for (variables, url, allowed) in [
            (github, "https://api.github.com/repos/a/b?x=y", true),
            (github, "https://API.github.com:443/", true),
            (github, "https://codeload.github.com/a", true),
            (github, "https://objects.githubusercontent.com/a", true),
            (github, "https://api.github.com:8443/", false),
            (
                github,
                "https://token.actions.githubusercontent.com/.well-known/jwks",
                true,
            ),
            (issuers, "https://forge.example:3000/api/actions", true),
            (issuers, "https://forge.example/api/actions", false),
            (
                issuers,
                "https://ghes.example/_services/token/.well-known/jwks",
                true,
            ),
            (
                issuers,
                "https://token.actions.githubusercontent.com/.well-known/jwks",
                false,
            ),
            (github, "http://api.github.com/", false),
            (github, "https://github.com/", false),
            (github, "https://api.github.com.evil.example/", false),
            (github, "https://evil.example/api.github.com", false),
            (github, "https://169.254.169.254/", false),
            (github, "http://127.0.0.1:4000/", false),
            (ghes, "https://git.corp.example/api/v3/x", true),
            (ghes, "https://codeload.git.corp.example/x", true),
            (ghes_short, "https://codeload.git.corp.example/x", true),
            (github, "https://codeload.api.github.com/x", false),
            (local, "https://codeload.127.0.0.1/x", false),
            (ghes, "https://other.git.corp.example/x", false),
            (ghes, "https://api.github.com/", false),
            (ghes_port, "https://git.corp.example:8443/", true),
            (ghes_port, "https://codeload.git.corp.example:8443/", true),
            (ghes_port, "https://git.corp.example/", false),
            (ghe, "https://api.acme.ghe.com/", true),
            (ghe, "https://codeload.acme.ghe.com/", true),
            (ghe, "https://codeload.other.ghe.com/", false),
            (local, "http://127.0.0.1:4000/", true),
            (local, "http://127.0.0.1:4001/", false),
            (local, "http://localhost:4000/", false),
            (extra, "https://mirror.example/", true),
            (extra, "https://mirror.example:8443/", false),
            (extra, "https://cache.example:8443/", true),
            (extra, "https://cache.example/", false),
            (extra, "http://mirror.example/", false),
            (extra, "http://localhost:1234/", true),
            (extra, "https://localhost/", true),
            (extra, "http://[::1]:9000/", true),
            (extra, "http://[::1]:9001/", false),
            (extra, "https://api.github.com/", true),
        ] {
            let verdict = list(variables).check(&url.parse().unwrap());
            assert_eq!(verdict.is_ok(), allowed, "{variables:?} {url}: {verdict:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_host_and_the_variable_and_hides_the_path() {
        let line = list(&[])
            .check(&"https://dl.example:8443/a?token=secret".parse().unwrap())
            .unwrap_err();
        assert!(
            line.contains("dl.example:8443") && line.contains("github_archive_hosts"),
            "{line}"
        );
        assert!(!line.contains("secret"), "{line}");
    }

    #[test]
    fn a_value_that_is_no_host_is_refused() {
        for (name, value) in [
            ("github_api_url", "api.github.com"),
            ("github_api_url", "ftp://api.github.com"),
            ("github_api_url", "https://"),
            ("github_archive_hosts", "https://mirror.example"),
            ("github_archive_hosts", "mirror.example/path"),
            ("github_archive_hosts", "mirror.example:"),
            ("github_archive_hosts", "mirror.example:99999"),
            ("github_archive_hosts", "me@mirror.example"),
            ("github_archive_hosts", "me@mirror.example:443"),
        ] {
            let error =
                AllowList::from_variables(&Variables::new([(name, value)]).unwrap()).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn an_empty_variable_is_an_unset_one() {
        assert_eq!(
            list(&[("github_api_url", ""), ("github_archive_hosts", "")]),
            list(&[])
        );
    }
}
