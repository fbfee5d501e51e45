//! Sums over the log.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::log::{Credential, LogEntry, Origin};
use crate::oidc;
use crate::route::{Endpoint, Route};
use crate::world::World;

/// Sums over all that was asked since the log was last cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Installation tokens minted.
    pub mints: u64,
    /// The App's own questions for installations: of an account, of a repository, by id, or all of them.
    pub lookups: usize,
    /// Requests that GitHub would have billed.
    pub billed: usize,
    /// Requests for files and directories, `…/contents/…`, however they were answered.
    pub contents: usize,
    /// Requests for trees, `…/git/trees/…`, however they were answered.
    pub trees: usize,
    /// Requests for pages of an installation's, an organization's or a user's list of repositories, however they were answered.
    pub listings: usize,
    /// 304s of the API.
    pub not_modified: usize,
    /// 200s of the archive origin.
    pub archives: usize,
    /// Requests that brought a credential to the archive origin. Anything but 0 is a leak.
    pub leaks: usize,
    /// Requests for the OIDC issuer's discovery document, however they were answered.
    pub oidc_discovery: usize,
    /// Requests for the OIDC issuer's keys, however they were answered.
    pub oidc_keys: usize,
    /// The most API requests under way at once.
    pub peak_concurrency: u32,
    /// Requests of the API and connections to the archive origin that were turned away while GitHub was down; they are not in the log.
    pub refused: u64,
}

impl Counts {
    pub(crate) fn of(world: &World) -> Self {
        let count = |counts: fn(&LogEntry) -> bool| {
            world.log().iter().filter(|entry| counts(entry)).count()
        };
        Self {
            mints: world.mints,
            lookups: count(is_lookup),
            billed: count(|entry| entry.billed),
            contents: count(|entry| matches!(endpoint(entry), Some(Endpoint::Contents(_)))),
            trees: count(|entry| matches!(endpoint(entry), Some(Endpoint::Tree(_)))),
            listings: count(|entry| {
                matches!(
                    route(entry),
                    Some(Route::InstallationRepositories | Route::AccountRepositories { .. })
                )
            }),
            not_modified: count(|entry| entry.origin == Origin::Api && entry.status == Some(304)),
            archives: count(|entry| entry.origin == Origin::Archive && entry.status == Some(200)),
            leaks: count(|entry| {
                entry.origin == Origin::Archive && entry.credential != Credential::None
            }),
            oidc_discovery: count(|entry| {
                entry.origin == Origin::Api && oidc::is_discovery(&entry.path)
            }),
            oidc_keys: count(|entry| entry.origin == Origin::Api && oidc::is_keys(&entry.path)),
            peak_concurrency: world.limits.peak,
            refused: world.refused,
        }
    }
}

fn is_lookup(entry: &LogEntry) -> bool {
    entry.origin == Origin::Api
        && entry.credential == Credential::Jwt
        && entry.method == "GET"
        && (entry.path.ends_with("/installation") || entry.path.starts_with("/app/installations"))
}

fn endpoint(entry: &LogEntry) -> Option<Endpoint<'_>> {
    match route(entry)? {
        Route::Repository { endpoint, .. } => Some(endpoint),
        _ => None,
    }
}

fn route(entry: &LogEntry) -> Option<Route<'_>> {
    let method = Method::from_bytes(entry.method.as_bytes()).ok()?;
    let is_api = entry.origin == Origin::Api;
    is_api.then(|| Route::parse(&method, &entry.path))?
}
