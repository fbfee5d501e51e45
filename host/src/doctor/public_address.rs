//! The registry as a client sees it: through its public address, and what is in front of it.

use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderMap, Request, StatusCode, Uri};
use landfall::config::{Config, is_loopback_authority};
use landfall::host::{Host as _, HostError, Limits, Source as _};
use serde_json::Value;

use super::connection::{Place, Whose};
use super::credential::Seen;
use super::report::{Report, foreign};
use crate::native::Native;
use crate::{AllowList, Outbound, Variables};

const CHECK: &str = "public address";

/// Asks for what clients ask for first.
pub(super) async fn check(
    url: Option<&str>,
    config: Option<&Config>,
    seen: Option<&Seen>,
    report: &mut Report,
) {
    if config.is_some_and(|it| it.base_url.is_none()) {
        report.warning(
            CHECK,
            "",
            "`base_url` is not set: a client's own `Host` decides which archive address it is given",
            "set `base_url` to the https URL that clients reach the registry by",
        );
    }
    let Some(url) = url.map(|it| it.trim_end_matches('/')) else {
        return report.cannot(
            "discovery",
            "",
            "it is not known where clients reach the registry",
            "name that with --url URL",
        );
    };
    if has_credentials(url) {
        let finding = "it has a name and a password in it, which clients would show to everyone";
        report.wrong(CHECK, "", finding, "take the name and password out of it");
        return report.skip(&["discovery", "health"], CHECK);
    }
    let Some((place, uri)) = Place::of_url(url).zip(url.parse::<Uri>().ok()) else {
        let mend = "write it like https://modules.example.com";
        return report.wrong(CHECK, "", "it is no http or https URL", mend);
    };
    if !is_https(url, &uri, report) {
        return report.skip(&["discovery", "health"], CHECK);
    }
    match place.connect().await {
        Ok(how) => report.ok(CHECK, url, &how),
        Err(fault) => {
            report.wrong(
                CHECK,
                url,
                &fault.finding(),
                &fault.mend(&place, Whose::Registrys),
            );
            return report.skip(&["discovery", "health"], CHECK);
        }
    }
    let variables = Variables::default();
    let outbound = AllowList::of_url(url).and_then(|it| Outbound::to(it).ok());
    let Some(outbound) = outbound else {
        return;
    };
    let client = Client(Native::new(&variables, outbound));
    let origin = origin(&uri);
    if client.check_discovery(&origin, &uri, report).await
        && client.check_health(url, report).await
        && config.is_some_and(|it| it.base_url.is_none())
    {
        client
            .check_forwarding(url, &origin, config, seen, report)
            .await;
    }
}

/// Whether a URL says who asks: `https://user:secret@host`. It need not be a good one otherwise.
pub(super) fn has_credentials(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next();
    authority.is_some_and(|it| it.contains('@'))
}

/// Whether there is a point in asking.
fn is_https(url: &str, uri: &Uri, report: &mut Report) -> bool {
    if uri.scheme_str() == Some("https") {
        return true;
    }
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let https = url.replacen("http://", "https://", 1);
    if is_loopback_authority(&authority) {
        report.warning(
            CHECK,
            url,
            "it is not https: clients on this machine alone can use it, with a `host` block in their configuration",
            &format!("put a proxy with TLS in front, and write {https} in `base_url`"),
        );
        true
    } else {
        report.wrong(
            CHECK,
            url,
            "it is not https: clients take modules from https registries only, and tokens go over the network as they are",
            &format!("put a proxy with TLS in front, and write {https} in `base_url`"),
        );
        false
    }
}

/// A client of the registry.
struct Client<'a>(Native<'a>);

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Client<'_> {
    /// Terraform's first request, which goes to the host's root whatever the path in `base_url`.
    async fn check_discovery(&self, origin: &str, uri: &Uri, report: &mut Report) -> bool {
        let address = format!("{origin}/.well-known/terraform.json");
        let page = match self.get(&address).await {
            Ok(page) => page,
            Err(error) => {
                report.wrong("discovery", &address, &foreign(&error.to_string()), BEHIND);
                return false;
            }
        };
        let status = page.status.as_u16();
        if page.status.is_redirection() {
            let to = page
                .location()
                .map_or_else(|| "nowhere".to_owned(), |it| origin_of(&it));
            report.wrong(
                "discovery",
                &address,
                &format!("it redirects to {to} (status {status})"),
                "let what is in front of Landfall pass /.well-known/terraform.json on, without a redirect or a sign-in",
            );
            return false;
        }
        if page.status.is_server_error() {
            let finding = format!("it answers {status}");
            report.wrong("discovery", &address, &finding, BEHIND);
            return false;
        }
        let document: Option<Value> = serde_json::from_slice(&page.body).ok();
        let modules = document.as_ref().and_then(|it| it.get("modules.v1"));
        let modules = modules.and_then(Value::as_str);
        let Some(modules) = modules.filter(|_| page.status == StatusCode::OK) else {
            let has_path = uri.path().len() > 1;
            let mend = if has_path {
                "clients ask the host's root, whatever the path in `base_url`: let /.well-known/terraform.json and /v1/ there lead \
                 to Landfall, too"
            } else {
                "correct `base_url`, or let what is in front of Landfall pass all paths on to it"
            };
            let kind = foreign(page.kind().unwrap_or("no content type"));
            let finding = format!(
                "somebody else answers: status {status}, {kind}, and no `modules.v1` in it"
            );
            report.wrong("discovery", &address, &finding, mend);
            return false;
        };
        if !page
            .kind()
            .is_some_and(|it| it.starts_with("application/json"))
        {
            let kind = foreign(page.kind().unwrap_or("none"));
            report.wrong(
                "discovery",
                &address,
                &format!("its content type is {kind}, and clients take application/json alone"),
                "let what is in front of Landfall leave `Content-Type` as it is",
            );
            return false;
        }
        if modules == "/v1/modules/" {
            report.ok("discovery", &address, "clients find the registry");
            true
        } else {
            report.warning(
                "discovery",
                &address,
                &format!(
                    "modules are said to be at {}, and not at /v1/modules/",
                    foreign(modules)
                ),
                "see that this leads to Landfall, and whose document this is",
            );
            false
        }
    }

    /// What is there is Landfall, and not a copy of its document.
    async fn check_health(&self, url: &str, report: &mut Report) -> bool {
        let address = format!("{url}/healthz");
        let page = self.get(&address).await;
        let is_alive = |page: &Page| {
            let document: Option<Value> = serde_json::from_slice(&page.body).ok();
            let status = document.as_ref().and_then(|it| it.get("status")?.as_str());
            page.status == StatusCode::OK && status == Some("ok")
        };
        match page {
            Ok(page) if is_alive(&page) => {
                report.ok("health", &address, "Landfall answers");
                true
            }
            Ok(page) => {
                let finding = format!(
                    "it answers {}, and not as Landfall does",
                    page.status.as_u16()
                );
                report.wrong("health", &address, &finding, BEHIND);
                false
            }
            Err(error) => {
                report.wrong("health", &address, &foreign(&error.to_string()), BEHIND);
                false
            }
        }
    }

    /// Whether the address of an archive leads back to where the client came from.
    async fn check_forwarding(
        &self,
        url: &str,
        origin: &str,
        config: Option<&Config>,
        seen: Option<&Seen>,
        report: &mut Report,
    ) {
        const CHECK: &str = "forwarding";
        let known = seen.and_then(|it| it.version.as_ref());
        let address = known.and_then(|(module, version)| Some((module.as_ref()?, version)));
        let is_open = config.is_some_and(|it| it.readers.everyone);
        let Some((module, version)) = address.filter(|_| is_open) else {
            let why = if is_open {
                "without a version to download"
            } else {
                "without a reader's token"
            };
            return report.cannot(
                CHECK,
                url,
                &format!("{why} it does not show whether the proxy passes `X-Forwarded-Host` and `X-Forwarded-Proto` on"),
                "set `base_url`, and it does not matter",
            );
        };
        let address = format!("{url}/v1/modules/{module}/{version}/download");
        let page = self.get(&address).await;
        let location = page.ok().and_then(|page| {
            let location = page.headers.get("x-terraform-get")?.to_str().ok()?;
            Some(location.to_owned())
        });
        match location {
            Some(location) if origin_of(&location).eq_ignore_ascii_case(origin) => {
                report.ok(CHECK, url, "archives' addresses lead back there");
            }
            Some(location) => report.wrong(
                CHECK,
                url,
                &format!("clients are sent to {} for archives", origin_of(&location)),
                &format!("set `base_url` to {url}, or let the proxy pass `X-Forwarded-Host` and `X-Forwarded-Proto` on"),
            ),
            None => report.cannot(CHECK, &address, "there is no download to see it by", "set `base_url`, and it does not matter"),
        }
    }

    async fn get(&self, address: &str) -> Result<Page, HostError> {
        let request = Request::get(address).header(
            USER_AGENT,
            concat!("landfall-doctor/", env!("CARGO_PKG_VERSION")),
        );
        let request = request.body(Vec::new());
        let request = request.map_err(|_| HostError::Upstream("it is no URL".to_owned()))?;
        let response = self.0.send(request, LIMITS).await?;
        let (head, mut source) = response.into_parts();
        let mut body = Vec::new();
        let until = SystemTime::now() + LIMITS.head;
        while body.len() < MAX_BODY && SystemTime::now() < until {
            let more = source.read(MAX_BODY).await?;
            if more.is_empty() {
                break;
            }
            body.extend(more);
        }
        Ok(Page {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

impl Page {
    fn kind(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE)?.to_str().ok()
    }

    fn location(&self) -> Option<String> {
        Some(self.headers.get(LOCATION)?.to_str().ok()?.to_owned())
    }
}

/// Scheme, host and port.
fn origin(uri: &Uri) -> String {
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    format!("{}://{authority}", uri.scheme_str().unwrap_or("https"))
}

/// The same of an address that somebody else gave: what is behind it may have a ticket in it.
fn origin_of(address: &str) -> String {
    match address.parse::<Uri>() {
        Ok(uri) if uri.authority().is_some() => foreign(&origin(&uri)),
        _ => "another path".to_owned(),
    }
}

const BEHIND: &str = "start Landfall behind it, and let it pass all paths on";
const MAX_BODY: usize = 64 << 10;
const LIMITS: Limits = Limits {
    head: Duration::from_secs(8),
    idle: Duration::from_secs(5),
};
