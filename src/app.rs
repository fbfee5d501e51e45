//! One request, one answer: route, configuration, product, response. Every error is already a response.

use std::rc::Rc;

use http::{HeaderMap, Method, Response, header};

use crate::archive::stream::{ArchiveStream, Sent};
use crate::auth::{Access, Admitted, Caller, Proof, exchange};
use crate::client::Client;
use crate::config::{Config, Remembered, is_loopback_authority};
use crate::error::{Error, NotFound};
use crate::github::readiness::Readiness;
use crate::host::{Host, Source};
use crate::query::Query;
use crate::record::Record;
use crate::registry::Registry;
use crate::registry::archive::ArchiveContent;
use crate::route::{ListRoute, ModuleRoute, Route};
use crate::{webhook, wire};

/// A request, as far as Landfall looks at one. Its body is apart: only a webhook's is read.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, as they were sent.
    pub target: String,
    /// Host and port that the client asked for, where the host of the component tells.
    pub authority: Option<String>,
    /// All headers.
    pub headers: HeaderMap,
}

impl Request {
    fn path(&self) -> &str {
        self.target.split(['?', '#']).next().unwrap_or_default()
    }

    /// Refuses what is larger than any client makes it.
    fn check_size(&self) -> Result<(), Error> {
        if self.target.len() > MAX_TARGET {
            return Err(Error::TargetTooLong);
        }
        let sizes = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len());
        if sizes.sum::<usize>() > MAX_HEADERS {
            return Err(Error::HeadersTooLarge);
        }
        Ok(())
    }

    /// The public URL, by what proxies and the client say. Only a loopback address is taken to be plain http, unless
    /// `X-Forwarded-Proto` says otherwise: what ends TLS in front of Landfall need not tell, and most clients take
    /// nothing but https.
    fn base_url(&self) -> Option<String> {
        let first = |name: &str| {
            let value = self.headers.get(name)?.to_str().ok()?;
            value
                .split(',')
                .next()
                .map(str::trim)
                .filter(|value| !value.is_empty())
        };
        let authority = first("x-forwarded-host")
            .or(self.authority.as_deref())
            .or_else(|| first(header::HOST.as_str()))?;
        let is_authority = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(is_authority) {
            return None;
        }
        let scheme = match first("x-forwarded-proto") {
            Some(scheme @ ("http" | "https")) => scheme,
            _ if is_loopback_authority(authority) => "http",
            _ => "https",
        };
        Some(format!("{scheme}://{authority}"))
    }
}

/// An answer: what to send, and what to write to the log when it was sent.
pub struct Reply<'h, H: Host> {
    /// The response.
    pub response: Response<Body<'h, H>>,
    /// For the log.
    pub record: Record,
    /// What has to be done when it was sent.
    pub after: After<'h, H>,
}

/// What is left to do when a client has its answer.
pub struct After<'h, H> {
    registry: Option<Registry<'h, H>>,
}

impl<H: Host> After<'_, H> {
    /// Does it. `sent` is how an archive's way to the client ended.
    pub async fn settle(self, sent: Option<&Sent>) {
        if let Some(registry) = self.registry {
            registry.settle(sent).await;
        }
    }
}

/// The body of an answer.
pub enum Body<'h, H: Host> {
    /// All of it.
    Bytes(Vec<u8>),
    /// An archive that is on its way.
    Archive(Box<ArchiveStream<'h, H>>),
}

/// Answers one request. Its `body` is only read where it matters. `remembered` is the instance's.
pub async fn handle<'h, H: Host>(
    host: &'h H,
    remembered: &Remembered,
    request: &Request,
    body: &mut impl Source,
) -> Reply<'h, H> {
    let mut record = Record::begin(host.now(), request);
    let mut after = After { registry: None };
    let mut response = answer(host, remembered, request, body, &mut record, &mut after)
        .await
        .unwrap_or_else(|error| {
            record.fail(&error);
            wire::error(&error).map(Body::Bytes)
        });
    record.respond(&response);
    wire::harden(response.headers_mut());
    Reply {
        response: complete(&request.method, response),
        record,
        after,
    }
}

async fn answer<'h, H: Host>(
    host: &'h H,
    remembered: &Remembered,
    request: &Request,
    body: &mut impl Source,
    record: &mut Record,
    after: &mut After<'h, H>,
) -> Result<Response<Body<'h, H>>, Error> {
    request.check_size()?;
    let route = Route::parse(&request.method, request.path())?;
    record.route(&route);
    let load = || remembered.load(host);
    Ok(match route {
        Route::Discovery => wire::discovery().map(Body::Bytes),
        Route::Alive => wire::alive().map(Body::Bytes),
        Route::Ready => {
            let readiness = match load() {
                Ok(config) => {
                    let mut registry = Registry::new(host, config, record.trace());
                    let readiness = registry.readiness().await;
                    record.github_calls(registry.upstream_calls());
                    readiness
                }
                Err(problems) => Readiness {
                    works: false,
                    problems,
                },
            };
            if !readiness.works {
                record.fail(&Error::Misconfigured(readiness.problems.clone()));
            }
            wire::readiness(&readiness).map(Body::Bytes)
        }
        Route::Webhook => {
            let config = load().map_err(Error::Misconfigured)?;
            let secret = config.webhook_secret.as_ref();
            let hint = webhook::receive(host, secret, &request.headers, body).await?;
            record.proven(Proof::Signature);
            Registry::new(host, config, record.trace()).note(&hint);
            wire::noted().map(Body::Bytes)
        }
        Route::Exchange => {
            let config = load().map_err(Error::Misconfigured)?;
            let access = Access::new(host, &config, record.trace());
            let id_token = exchange::subject_token(host, &request.headers, body).await?;
            let exchanged = access.exchange(&id_token).await;
            record.asked_by(&access);
            let token = exchanged?;
            record.proven(Proof::IdToken);
            wire::registry_token(&token).map(Body::Bytes)
        }
        // The only arm that can reach a module. A configuration that lets nobody read does not load.
        Route::Module(route) => {
            let config = load().map_err(Error::Misconfigured)?;
            let access = Access::new(host, &config, record.trace());
            let caller = identify(&access, request, &route).await;
            let (caller, registry) = enter(host, &config, &access, caller, record).await?;
            let admitted = access.admit(&caller, route.module(), registry.catalogue())?;
            record.proven(admitted.proof);
            let response = module(&registry, &access, request, &route, &admitted, record).await;
            record.github_calls(registry.upstream_calls());
            record.freshness(registry.freshness());
            after.registry = Some(registry);
            response?
        }
        // It leads to no module, and shows only those that each could be asked for.
        Route::List(route) => {
            let config = load().map_err(Error::Misconfigured)?;
            let access = Access::new(host, &config, record.trace());
            let caller = access.identify(&request.headers).await;
            let (caller, registry) = enter(host, &config, &access, caller, record).await?;
            record.proven(caller.proof());
            let response = list(&registry, &access, &caller, request, &route).await;
            record.github_calls(registry.upstream_calls());
            record.freshness(registry.freshness());
            after.registry = Some(registry);
            response?.map(Body::Bytes)
        }
    })
}

/// The registry, for someone who is known.
async fn enter<'h, 'a, H: Host>(
    host: &'h H,
    config: &Rc<Config>,
    access: &Access<'a, H>,
    caller: Result<Caller<'a>, Error>,
    record: &mut Record,
) -> Result<(Caller<'a>, Registry<'h, H>), Error> {
    record.asked_by(access);
    let caller = caller?;
    let mut registry = Registry::new(host, Rc::clone(config), record.trace());
    let opened = registry.open().await;
    record.github_calls(registry.upstream_calls());
    opened?;
    Ok((caller, registry))
}

/// What of all modules a caller may read, and asks for.
async fn list<H: Host>(
    registry: &Registry<'_, H>,
    access: &Access<'_, H>,
    caller: &Caller<'_>,
    request: &Request,
    route: &ListRoute,
) -> Result<Response<Vec<u8>>, Error> {
    let query = Query::parse(&request.target, route)?;
    let mut modules = registry.modules().await?;
    let catalogue = registry.catalogue();
    modules.retain(|module| access.admit(caller, &module.address, catalogue).is_ok());
    let page = query.page(route, modules);
    if matches!(route, ListRoute::Systems(..)) && page.modules.is_empty() && page.offset == 0 {
        return Err(Error::NotFound(NotFound::Repository));
    }
    Ok(wire::modules::list(&page))
}

/// Who asks for a module. An archive's URL that has a ticket proves itself, whatever else comes with it: a netrc's `default` entry
/// is sent to every host.
async fn identify<'a, H: Host>(
    access: &Access<'a, H>,
    request: &Request,
    route: &ModuleRoute,
) -> Result<Caller<'a>, Error> {
    match route {
        ModuleRoute::Archive(archive, Some(ticket)) => access.redeem(archive, ticket),
        ModuleRoute::Versions(_)
        | ModuleRoute::Download(..)
        | ModuleRoute::Details(..)
        | ModuleRoute::Archive(_, None) => access.identify(&request.headers).await,
    }
}

async fn module<'h, H: Host>(
    registry: &Registry<'h, H>,
    access: &Access<'_, H>,
    request: &Request,
    route: &ModuleRoute,
    admitted: &Admitted,
    record: &mut Record,
) -> Result<Response<Body<'h, H>>, Error> {
    Ok(match route {
        ModuleRoute::Versions(module) => {
            wire::versions(registry.versions(module).await?).map(Body::Bytes)
        }
        ModuleRoute::Details(module, wanted) => {
            let details = registry.details(module, wanted).await?;
            record.version(details.summary.version.as_ref());
            wire::modules::details(&details).map(Body::Bytes)
        }
        ModuleRoute::Download(module, wanted) => {
            let config = registry.config();
            let configured = config.base_url.clone();
            let base_url = configured.or_else(|| request.base_url());
            let base_url = base_url.ok_or(Error::BadRequest(wire::NO_BASE_URL))?;
            let location = registry.download(module, wanted).await?;
            record.archive(&location.archive);
            let ticket = access.ticket(&location.archive, &location.folder, admitted);
            let mut response = wire::download(&base_url, &location, ticket.as_deref())?;
            if config.direct_download {
                let client = Client::read(&request.headers);
                // A direct download knows no folder in the archive.
                let is_whole = location.inner.is_empty() && ticket.is_some();
                if is_whole && client.is_some_and(|it| it.can_download_directly()) {
                    response = wire::direct(response, &base_url, &location);
                }
                response = wire::varied(response);
            }
            response.map(Body::Bytes)
        }
        ModuleRoute::Archive(address, _) if request.method == Method::HEAD => {
            registry.check_archive(address)?;
            wire::archive(address, None, Body::Bytes(Vec::new()))
        }
        ModuleRoute::Archive(address, _) => {
            let archive = registry.archive(address).await?;
            let body = match archive.content {
                ArchiveContent::Whole(bytes) => {
                    record.sent(bytes.len() as u64);
                    Body::Bytes(bytes)
                }
                ArchiveContent::Stream(stream) => Body::Archive(stream),
            };
            wire::archive(address, archive.warning.as_deref(), body)
        }
    })
}

/// Says how long a body is, and leaves it out for a HEAD, whose length hosts would hold against it.
fn complete<'h, H: Host>(
    method: &Method,
    mut response: Response<Body<'h, H>>,
) -> Response<Body<'h, H>> {
    match response.body() {
        _ if *method == Method::HEAD => return response.map(|_| Body::Bytes(Vec::new())),
        Body::Bytes(bytes) if bytes.is_empty() => {}
        Body::Bytes(bytes) => {
            let length = bytes.len().into();
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        }
        Body::Archive(stream) => {
            if let Some(length) = stream.whole().map(<[u8]>::len) {
                response
                    .headers_mut()
                    .insert(header::CONTENT_LENGTH, length.into());
            }
        }
    }
    response
}

/// The longest that Landfall makes has some 400 bytes.
const MAX_TARGET: usize = 8 << 10;
/// All names and values. An ID token has 2 to 4 KB, and proxies add their own.
const MAX_HEADERS: usize = 64 << 10;
