//! What the log says of a request: one line of JSON, written when everything has been sent.
//!
//! It names the route and the module, never the request target: that may carry what is nobody's business.

use std::time::SystemTime;

use http::Response;

use crate::app::Request;
use crate::archive::stream::Sent;
use crate::auth::{Access, Proof};
use crate::client::Client;
use crate::error::{Denial, Error, NotFound};
use crate::host::Host;
use crate::line::Line;
use crate::registry::Freshness;
use crate::route::{ArchiveAddress, ListRoute, ModuleRoute, Route, Wanted};
use crate::trace::Trace;
use crate::version::ModuleVersion;
use crate::wire;

/// One request, as it is known so far.
#[derive(Clone, Debug)]
pub struct Record {
    began: SystemTime,
    /// What the request is a part of, as its client says.
    trace: Option<Trace>,
    method: String,
    route: &'static str,
    module: Option<String>,
    version: Option<String>,
    object: Option<String>,
    /// Who asked, where he was recognised: the name of a token, or the repository of a job.
    who: Option<String>,
    /// What an ID token that was refused says of its holder. Nobody has proven it.
    claimed: Option<String>,
    /// Name and version of the client, as it says itself.
    client: Option<String>,
    /// Whether the request was let in: `allowed` or `denied`.
    decision: &'static str,
    /// Why.
    reason: &'static str,
    status: u16,
    /// What sort of failure it was.
    failure: Option<&'static str>,
    error: Option<String>,
    /// What the client was told in `x-landfall-warning`.
    warning: Option<String>,
    /// How fresh the answer was: `fresh`, `stale`, `asked` or `outlived`.
    cache: Option<&'static str>,
    /// Before the answer; what a refresh behind it costs is not known yet.
    upstream_calls: u32,
    /// Those of them that went to the issuers of ID tokens.
    issuer_calls: u32,
    /// Bytes of an archive that the client got. Of one that was kept, all that it was given.
    sent_bytes: Option<u64>,
}

impl Record {
    /// A request came in.
    #[must_use]
    pub(crate) fn begin(now: SystemTime, request: &Request) -> Self {
        Self {
            began: now,
            trace: Trace::read(&request.headers),
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
            failure: None,
            error: None,
            warning: None,
            cache: None,
            upstream_calls: 0,
            issuer_calls: 0,
            sent_bytes: None,
        }
    }

    /// What the request is a part of.
    pub(crate) fn trace(&self) -> Option<Trace> {
        self.trace.clone()
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

    /// So much of an archive is sent, if the client takes it.
    pub(crate) fn sent(&mut self, bytes: u64) {
        self.sent_bytes = Some(bytes);
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
        self.failure = Some(failure(error));
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
        let mut line = Line::begin(self.began, "request", self.trace.as_ref());
        line.text("span", self.trace.as_ref().map(Trace::parent));
        line.text("method", Some(&self.method));
        line.text("route", Some(self.route));
        line.text("module", self.module.as_deref());
        line.text("version", self.version.as_deref());
        line.text("object", self.object.as_deref());
        line.text("who", self.who.as_deref());
        line.text("claimed", self.claimed.as_deref());
        line.text("client", self.client.as_deref());
        line.text("decision", Some(self.decision));
        line.text("reason", Some(self.reason));
        line.number("status", Some(self.status.into()));
        line.text("failure", self.failure);
        line.text("error", self.error.as_deref());
        line.text("warning", self.warning.as_deref());
        line.text("cache", self.cache);
        line.number("upstream_calls", Some(self.upstream_calls.into()));
        line.number("sent_bytes", self.sent_bytes);
        line.duration(host.now(), self.began);
        line.write(host);
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

/// Whose failure it was, in a word that can be counted by.
fn failure(error: &Error) -> &'static str {
    match error {
        Error::NotFound(_) => "not found",
        Error::MethodNotAllowed { .. }
        | Error::BadRequest(_)
        | Error::TooLarge
        | Error::TargetTooLong
        | Error::HeadersTooLarge => "bad request",
        Error::Unauthorized(_) | Error::UrlExpired | Error::Unsigned => "unauthorized",
        Error::Misconfigured(_) => "misconfigured",
        Error::Rejected(_) => "rejected",
        Error::Limited { .. } => "limited",
        Error::Unavailable(_) | Error::Unreachable(_) => "unavailable",
        Error::Malformed(_) => "malformed",
        Error::IssuerUnavailable(_) => "issuer unavailable",
        Error::Archive(_) => "archive refused",
        Error::Integrity(_) => "integrity",
        Error::ClientGone => "client gone",
    }
}

const ALLOWED: &str = "allowed";
const DENIED: &str = "denied";
const OPEN: &str = "open to everyone";
