//! An answer on its way to the wire, and GitHub's error bodies.

use std::io;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use serde_json::{Value, json};

/// The body type that hyper sends. An error in it breaks the connection off.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Status, headers and content, before a fault may spoil them.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    /// All there is; sent with `Content-Length`.
    Whole(Bytes),
    /// Sent in chunks unless a `Content-Length` header is set.
    Stream(Body),
}

impl Answer {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            content: Content::Whole(Bytes::new()),
        }
    }

    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self::whole(status, "application/json; charset=utf-8", value.to_string())
    }

    pub(crate) fn whole(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut answer = Self::empty(status);
        answer.content = Content::Whole(body.into());
        answer.header(CONTENT_TYPE, content_type)
    }

    /// The JSON of every failure: `message`, `documentation_url`, and the status as a string.
    pub(crate) fn error(status: StatusCode, message: &str) -> Self {
        Self::error_with(status, message, "https://docs.github.com/rest")
    }

    pub(crate) fn error_with(status: StatusCode, message: &str, documentation_url: &str) -> Self {
        let body = json!({
            "message": message,
            "documentation_url": documentation_url,
            "status": status.as_str(),
        });
        Self::json(status, &body)
    }

    /// The answer to what does not exist and to what the caller may not know.
    pub(crate) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Not Found")
    }

    /// 401 for a credential that is wrong, expired or of an unknown kind.
    pub(crate) fn bad_credentials() -> Self {
        Self::error(StatusCode::UNAUTHORIZED, "Bad credentials")
    }

    /// 301 of a renamed repository; `fixtures` record `Location` and body.
    pub(crate) fn moved_permanently(location: &str) -> Self {
        let body = json!({
            "message": "Moved Permanently",
            "url": location,
            "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
        });
        Self::json(StatusCode::MOVED_PERMANENTLY, &body).header(LOCATION, location)
    }

    /// The stand-in itself failed: `git` did not run, or said what nobody expected.
    pub(crate) fn broken(error: &io::Error) -> Self {
        Self::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("the stand-in could not read a repository: {error}"),
        )
    }

    /// Sets a header; a value that is no header value is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = match self.content {
            Content::Whole(bytes) => Full::new(bytes)
                .map_err(|never| match never {})
                .boxed_unsync(),
            Content::Stream(body) => body,
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
