//! What goes over the wire: the registry protocol's documents and headers, and nothing of GitHub's.
//!
//! Where the protocol leaves a choice, these are the forms that every client accepts:
//! <https://developer.hashicorp.com/terraform/internals/module-registry-protocol>.

pub mod modules;

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::auth::registry_token;
use crate::config::Secret;
use crate::error::Error;
use crate::github::readiness::Readiness;
use crate::registry::{Listing, Location};
use crate::route::ArchiveAddress;
use crate::version::ModuleVersion;

/// Terraform's service discovery. The path has a slash at both ends: some clients resolve it against the document, some
/// against the root, and some only append to it.
#[must_use]
pub fn discovery() -> Response<Vec<u8>> {
    json(StatusCode::OK, r#"{"modules.v1":"/v1/modules/"}"#.into())
}

/// The component is alive.
#[must_use]
pub fn alive() -> Response<Vec<u8>> {
    json(StatusCode::OK, r#"{"status":"ok"}"#.into())
}

/// Whether the component could serve modules: 200 if so, with what does not work as warnings; 503 if not, with the same
/// as errors.
#[must_use]
pub fn readiness(readiness: &Readiness) -> Response<Vec<u8>> {
    let Readiness { works, problems } = readiness;
    if !works {
        return errors(StatusCode::SERVICE_UNAVAILABLE, problems);
    }
    if problems.is_empty() {
        return alive();
    }
    let document = serde_json::json!({ "status": "ok", "warnings": problems });
    json(StatusCode::OK, document.to_string().into())
}

/// The document of a module's versions: one element in `modules`, and no more fields than clients read, because what is
/// there must have the right type. `source` is where people find the module: Renovate takes its change logs from there.
#[must_use]
pub fn versions_document<'a>(
    source: &str,
    versions: impl Iterator<Item = &'a ModuleVersion>,
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Document<'a> {
        modules: [Module<'a>; 1],
    }
    #[derive(Serialize)]
    struct Module<'a> {
        source: &'a str,
        versions: Vec<Version>,
    }
    #[derive(Serialize)]
    struct Version {
        version: String,
    }
    let versions = versions
        .map(|it| Version {
            version: it.to_string(),
        })
        .collect();
    let document = Document {
        modules: [Module { source, versions }],
    };
    serde_json::to_vec(&document).unwrap_or_default()
}

/// A module's versions.
#[must_use]
pub fn versions(listing: Listing) -> Response<Vec<u8>> {
    let response = private(json(StatusCode::OK, listing.document));
    warned(response, listing.warning.as_deref())
}

/// What one may read, another may not.
fn private<B>(mut response: Response<B>) -> Response<B> {
    let private = HeaderValue::from_static("private, no-cache");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, private);
    response
}

/// Tells a client's log, if anything, of what its user should know. Terraform itself shows no header.
fn warned<B>(mut response: Response<B>, warning: Option<&str>) -> Response<B> {
    if let Some(warning) = warning.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(WARNING, warning);
    }
    response
}

/// A webhook was taken note of, or is none of Landfall's business.
#[must_use]
pub fn noted() -> Response<Vec<u8>> {
    json(StatusCode::ACCEPTED, r#"{"status":"ok"}"#.into())
}

/// 204 and the location in a header: the one form of answer that all clients take. The location is absolute, for Trivy
/// and Terragrunt's cache, and has a `ticket` where it must prove itself.
pub fn download(
    base_url: &str,
    location: &Location,
    ticket: Option<&str>,
) -> Result<Response<Vec<u8>>, Error> {
    let warning = location.warning.as_deref();
    let mut url = format!("{base_url}{}", location.archive.path(ticket));
    if !location.inner.is_empty() {
        // Terraform and OpenTofu take what follows for the folder in the archive. Not all others do.
        url = format!("{url}//{}", location.inner);
    }
    let location = HeaderValue::try_from(url).map_err(|_| Error::BadRequest(NO_BASE_URL))?;
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(TERRAFORM_GET, location);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    Ok(warned(response, warning))
}

/// Makes of a [`download`] one that tells OpenTofu, which takes JSON with a 200, to present its token to the archive. The
/// header stays as it is, for who reads no JSON.
#[must_use]
pub fn direct(
    mut download: Response<Vec<u8>>,
    base_url: &str,
    location: &Location,
) -> Response<Vec<u8>> {
    let document = serde_json::json!({
        "location": format!("{base_url}{}", location.archive.path(None)),
        "use_registry_credentials": true,
    });
    *download.status_mut() = StatusCode::OK;
    let headers = download.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    *download.body_mut() = document.to_string().into();
    download
}

/// Says that an answer depends on who asks for it.
#[must_use]
pub fn varied<B>(mut response: Response<B>) -> Response<B> {
    let user_agent = HeaderValue::from_static("User-Agent");
    response.headers_mut().insert(header::VARY, user_agent);
    response
}

/// A registry token, as RFC 8693 has it, and as `token` too, where clients of container registries look for it.
#[must_use]
pub fn registry_token(token: &Secret) -> Response<Vec<u8>> {
    let document = serde_json::json!({
        "access_token": token.expose(),
        "token": token.expose(),
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": registry_token::LIFETIME.as_secs(),
    });
    not_stored(json(StatusCode::OK, document.to_string().into()))
}

/// Sets what every response says to browsers, which have no business here: nothing is to be shown as another thing than it is,
/// nothing to be run or framed, and no URL to be told to others.
pub fn harden(headers: &mut HeaderMap) {
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
}

/// An archive's response. Never `Accept-Ranges`: with it, go-getter takes an archive of unknown length for
/// one that it has already.
#[must_use]
pub fn archive<B>(archive: &ArchiveAddress, warning: Option<&str>, body: B) -> Response<B> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/zip"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=3600"),
    );
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", archive.object)) {
        headers.insert(header::ETAG, tag);
    }
    warned(response, warning)
}

/// An error, with `{"errors":["..."]}` as its body. Terraform shows it to its user, for downloads.
#[must_use]
pub fn error(error: &Error) -> Response<Vec<u8>> {
    let mut response = errors(error.status(), &error.public());
    if *error == Error::UrlExpired {
        // Who looks at it has a URL in his hands, and no client of the protocol.
        *response.body_mut() = format!("{}\n", error.public().join("; ")).into();
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
    }
    let headers = response.headers_mut();
    if matches!(error, Error::Unauthorized(_)) {
        // RFC 9110 wants it, and no client reads it.
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Error::MethodNotAllowed { allow } = error {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}

fn errors(status: StatusCode, errors: &[String]) -> Response<Vec<u8>> {
    not_stored(json(
        status,
        serde_json::to_vec(&serde_json::json!({ "errors": errors })).unwrap_or_default(),
    ))
}

/// Says that nobody may keep an answer.
fn not_stored<B>(mut response: Response<B>) -> Response<B> {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, NO_STORE);
    response
}

fn json(status: StatusCode, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// What to do where a request does not tell how it reached Landfall.
pub const NO_BASE_URL: &str = "this request has no usable Host: the operator can set `base_url`";

/// Landfall's own.
pub const WARNING: HeaderName = HeaderName::from_static("x-landfall-warning");
const TERRAFORM_GET: HeaderName = HeaderName::from_static("x-terraform-get");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
