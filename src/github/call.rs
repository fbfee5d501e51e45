//! One call of the API: what is asked, what comes back, and where a redirect leads.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use url::Url;

use super::app::Authorization;
use super::etag::Validator;
use super::limits::Purpose;
use super::{ACCEPT, API_VERSION, IDLE_LIMIT, USER_AGENT};
use crate::config::GitHubUrls;
use crate::error::Error;
use crate::host::Deadline;

/// A call of the API.
pub(super) struct Call<'a> {
    /// What it is called in the log.
    pub(super) kind: &'static str,
    /// Whose credential is used.
    pub(super) owner: &'a str,
    pub(super) path: &'a str,
    pub(super) purpose: Purpose,
    /// Where redirects may lead.
    pub(super) may_lead_to: fn(&GitHubUrls, &Url) -> bool,
    pub(super) deadline: Deadline,
    /// Between two pieces of the body.
    pub(super) idle: Duration,
    /// What is known of the answer.
    pub(super) known: Option<&'a Kept>,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        kind: &'static str,
        owner: &'a str,
        path: &'a str,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Self {
        Self {
            kind,
            owner,
            path,
            purpose,
            may_lead_to: GitHubUrls::is_api,
            deadline,
            idle: IDLE_LIMIT,
            known: None,
        }
    }
}

/// A body that was kept, and how to ask whether it is still right.
#[derive(Clone, Debug)]
pub struct Kept {
    /// How.
    pub validator: Validator,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// A response's head, and what it is an answer to.
pub(super) struct Asked<S> {
    pub(super) response: Response<S>,
    /// Whether it is the API's, and not the archives' host's.
    pub(super) is_api: bool,
    /// Whether it was asked for only if it has changed.
    pub(super) is_conditional: bool,
    pub(super) authorization: Option<HeaderValue>,
    /// After all redirects.
    pub(super) url: String,
}

/// A whole, small response of the API.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// A request as GitHub wants it. `Accept` stays the same to the byte, because GitHub hashes it into its `ETag`s.
pub(super) fn request(
    method: Method,
    url: &str,
    authorization: Option<&Authorization>,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, Error> {
    let mut request = Request::builder()
        .method(method)
        .uri(url)
        .header(header::USER_AGENT, USER_AGENT);
    // No header of the API's goes to any other host: archives come from elsewhere.
    if let Some(authorization) = authorization {
        request = request
            .header(header::ACCEPT, ACCEPT)
            .header("x-github-api-version", API_VERSION);
        if let Some(value) = authorization.header() {
            request = request.header(header::AUTHORIZATION, value);
        }
    }
    request.body(body).map_err(|_| {
        Error::Malformed(format!(
            "an address that is no URL: `{}`",
            without_query(url)
        ))
    })
}

/// Where a response redirects to.
pub(super) enum Redirect {
    /// It does not.
    No,
    To(Url),
    /// Its `Location` is missing, or no URL.
    Nowhere,
}

impl Redirect {
    pub(super) fn of<B>(url: &str, response: &Response<B>) -> Self {
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Self::No;
        }
        let location = response
            .headers()
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok());
        let base = Url::parse(url).ok();
        let target = location.and_then(|it| Url::options().base_url(base.as_ref()).parse(it).ok());
        target.map_or(Self::Nowhere, Self::To)
    }
}

/// A URL as a log may show it: archive URLs carry a token in their query.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
