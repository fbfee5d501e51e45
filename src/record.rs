//! What the log says of a request: one line of JSON, written when everything has been sent.
//!
//! It names the route and the module, never the request target: that may carry what is nobody's business.

use std::time::SystemTime;

use http::Response;
use serde::Serialize;

use crate::app::Request;
use crate::archive::stream::Sent;
use crate::auth::{Access, Proof};
use crate::client::Client;
use crate::error::{Denial, Error, NotFound};
use crate::host::Host;
use crate::registry::Freshness;
use crate::route::{ArchiveAddress, ListRoute, ModuleRoute, Route, Wanted};
use crate::version::ModuleVersion;
use crate::wire;

/// One request, as it is known so far.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// When it began, RFC 3339.
    time: String,
    #[serde(skip)]
    began: SystemTime,
    method: String,
    route: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    /// Who asked, where he was recognised: the name of a token, or the repository of a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    /// What an ID token that was refused says of its holder. Nobody has proven it.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<String>,
    /// Name and version of the client, as it says itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// Whether the request was let in: `allowed` or `denied`.
    decision: &'static str,
    /// Why.
    reason: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What the client was told in `x-landfall-warning`.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    /// How fresh the answer was: `fresh`, `stale`, `asked` or `outlived`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<&'static str>,
    /// Before the answer; what a refresh behind it costs is not known yet.
    upstream_calls: u32,
    /// Those of them that went to the issuers of ID tokens.
    #[serde(skip)]
    issuer_calls: u32,
    /// Bytes of an archive that the client got.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_bytes: Option<u64>,
    duration_ms: u64,
}

impl Record {
    /// A request came in.
    #[must_use]
    pub(crate) fn begin(now: SystemTime, request: &Request) -> Self {
        Self {
            time: humantime::format_rfc3339_millis(now).to_string(),
            began: now,
            method: request.method.as_str().chars().take(16).collect(),
            route: "none",
            module: None,
            version: None,
            object: None,
            who: None,
            claimed: None,
            client: Client::read(&request.headers).map(|client| client.to_string()),
            decision: DENIED,
            reason: "undecided",
            status: 0,
            error: None,
            warning: None,
            cache: None,
            upstream_calls: 0,
            issuer_calls: 0,
            sent_bytes: None,
            duration_ms: 0,
        }
    }

    pub(crate) fn route(&mut self, route: &Route) {
        self.route = match route {
            Route::Discovery => "discovery",
            Route::Alive => "healthz",
            Route::Ready => "readyz",
            Route::Webhook => "webhook",
            Route::Exchange => "exchange",
            Route::List(ListRoute::Search) => "search",
            Route::List(_) => "list",
            Route::Module(ModuleRoute::Versions(_)) => "versions",
            Route::Module(ModuleRoute::Download(..)) => "download",
            Route::Module(ModuleRoute::Details(..)) => "details",
            Route::Module(ModuleRoute::Archive(..)) => "archive",
        };
        if matches!(route, Route::Discovery | Route::Alive | Route::Ready) {
            self.decision = ALLOWED;
            self.reason = OPEN;
        }
        if let Route::Module(route) = route {
            let (module, version) = match route {
                ModuleRoute::Versions(module) => (module, None),
                ModuleRoute::Download(module, wanted) | ModuleRoute::Details(module, wanted) => {
                    let version = match wanted {
                        Wanted::Latest | Wanted::Newest => "latest".to_owned(),
                        Wanted::Version(version) => version.to_string(),
                    };
                    (module, Some(version))
                }
                ModuleRoute::Archive(archive, _) => return self.archive(archive),
            };
            self.module = Some(module.to_string());
            self.version = version;
        }
    }

    /// Which version it was in the end.
    pub(crate) fn version(&mut self, version: Option<&ModuleVersion>) {
        self.version = version.map(ToString::to_string);
    }

    /// Which archive it is, or is to be.
    pub(crate) fn archive(&mut self, archive: &ArchiveAddress) {
        self.module = Some(archive.module.to_string());
        self.version = Some(archive.version.to_string());
        self.object = Some(archive.object.to_string());
    }

    /// Who asked, as far as that is known, and what it has cost to find out.
    pub(crate) fn asked_by<H: Host>(&mut self, access: &Access<'_, H>) {
        self.who = access.who();
        self.claimed = access.claimed();
        self.issuer_calls = access.upstream_calls();
        self.upstream_calls = self.issuer_calls;
    }

    /// How someone who was let in has proven who he is.
    pub(crate) fn proven(&mut self, proof: Proof) {
        self.decision = ALLOWED;
        self.reason = match proof {
            Proof::Anonymous => "anonymous",
            Proof::Token => "token",
            Proof::IdToken => "id token",
            Proof::RegistryToken => "registry token",
            Proof::SignedUrl => "signed url",
            Proof::Signature => "signature",
        };
    }

    pub(crate) fn github_calls(&mut self, calls: u32) {
        self.upstream_calls = self.issuer_calls + calls;
    }

    pub(crate) fn freshness(&mut self, freshness: Option<Freshness>) {
        self.cache = freshness.map(|freshness| match freshness {
            Freshness::Fresh => "fresh",
            Freshness::Stale => "stale",
            Freshness::Asked => "asked",
            Freshness::Outlived => "outlived",
        });
    }

    pub(crate) fn respond<B>(&mut self, response: &Response<B>) {
        self.status = response.status().as_u16();
        let warning = response.headers().get(wire::WARNING);
        self.warning = warning.and_then(|text| text.to_str().ok().map(str::to_owned));
    }

    pub(crate) fn fail(&mut self, error: &Error) {
        if let Some(reason) = denied(error).filter(|_| self.reason != OPEN) {
            self.decision = DENIED;
            self.reason = reason;
        }
        self.error = Some(error.to_string());
    }

    /// Writes the line. `sent` is how an archive's way to the client ended.
    pub fn finish(mut self, host: &impl Host, sent: Option<&Sent>) {
        if let Some(sent) = sent {
            self.sent_bytes = Some(sent.bytes);
            self.github_calls(sent.upstream_calls);
            if let Err(error) = &sent.result {
                self.fail(error);
            }
        }
        let duration = host.now().duration_since(self.began).unwrap_or_default();
        self.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        host.log(&serde_json::to_string(&self).unwrap_or_default());
    }
}

/// Why a request was not let in; `None` for one that failed otherwise.
fn denied(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Unauthorized(denial) => match denial {
            Denial::Nothing => "no token",
            Denial::Unreadable => "unreadable token",
            Denial::Unknown => "unknown token",
            Denial::Expired => "expired token",
            Denial::Revoked => "revoked token",
            Denial::IdToken(_) => "bad id token",
            Denial::NoRule => "no rule",
        },
        Error::UrlExpired => "expired url",
        Error::NotFound(NotFound::Ticket) => "altered url",
        Error::NotFound(NotFound::Scope) => "out of scope",
        Error::NotFound(NotFound::Path) | Error::MethodNotAllowed { .. } => "no such route",
        Error::Unsigned => "bad signature",
        Error::TargetTooLong | Error::HeadersTooLarge | Error::TooLarge => "too large",
        Error::Misconfigured(_) => "not configured",
        Error::IssuerUnavailable(_) => "issuer unavailable",
        Error::NotFound(
            NotFound::Owner
            | NotFound::Installation
            | NotFound::Repository
            | NotFound::Versions
            | NotFound::Version
            | NotFound::Yanked
            | NotFound::HeldBack
            | NotFound::Archive,
        )
        | Error::BadRequest(_)
        | Error::Rejected(_)
        | Error::Limited { .. }
        | Error::Unavailable(_)
        | Error::Unreachable(_)
        | Error::Malformed(_)
        | Error::Archive(_)
        | Error::Integrity(_)
        | Error::ClientGone => return None,
    })
}

const ALLOWED: &str = "allowed";
const DENIED: &str = "denied";
const OPEN: &str = "open to everyone";
