//! What `POST /v1/token` is sent: an ID token, to be exchanged for a registry token, as RFC 8693 has it or simpler.

use std::time::Duration;

use http::{HeaderMap, header};
use serde::Deserialize;
use url::form_urlencoded;

use super::presented::Presented;
use crate::config::Secret;
use crate::error::{Denial, Error};
use crate::host::{Deadline, Host, HostError, Source, receive};

/// The token that is to be exchanged: `subject_token` (or `token`, or `id_token`) of a form or of a JSON object, or what is in
/// `Authorization`.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::BadRequest`] for a body that is neither, [`Error::Unauthorized`] where there is no token.
pub async fn subject_token(
    host: &impl Host,
    headers: &HeaderMap,
    body: &mut impl Source,
) -> Result<Secret, Error> {
    let deadline = Deadline::after(host.now(), RECEIVE_LIMIT);
    let body = receive(host, body, deadline, RECEIVE_LIMIT, MAX_BODY).await;
    let body = body.map_err(|error| match error {
        HostError::TooLarge(_) => Error::TooLarge,
        _ => Error::ClientGone,
    })?;
    let in_body = if body.trim_ascii().is_empty() {
        None
    } else {
        let value = headers.get(header::CONTENT_TYPE);
        let kind = value.and_then(|it| it.to_str().ok()).unwrap_or_default();
        Some(match kind.split(';').next().unwrap_or_default().trim() {
            "application/json" => of_json(&body)?,
            _ => of_form(&body)?,
        })
    };
    match (in_body, Presented::read(headers)) {
        (Some(token), _) if !token.is_empty() => Ok(Secret::new(token)),
        (Some(_), _) | (None, Presented::Nothing) => Err(Denial::Nothing.into()),
        (None, Presented::Token(token)) => Ok(token),
        (None, Presented::Unreadable) => Err(Denial::Unreadable.into()),
    }
}

#[derive(Default, Deserialize)]
struct Asked {
    grant_type: Option<String>,
    #[serde(alias = "token", alias = "id_token")]
    subject_token: Option<String>,
    subject_token_type: Option<String>,
}

fn of_json(body: &[u8]) -> Result<String, Error> {
    let asked: Asked = serde_json::from_slice(body).map_err(|_| Error::BadRequest(FORM))?;
    asked.token()
}

fn of_form(body: &[u8]) -> Result<String, Error> {
    let mut asked = Asked::default();
    for (name, value) in form_urlencoded::parse(body) {
        let field = match &*name {
            "grant_type" => &mut asked.grant_type,
            "subject_token" | "token" | "id_token" => &mut asked.subject_token,
            "subject_token_type" => &mut asked.subject_token_type,
            _ => continue,
        };
        // RFC 6749, section 3.2: no parameter comes twice.
        if field.replace(value.into_owned()).is_some() {
            return Err(Error::BadRequest(FORM));
        }
    }
    asked.token()
}

impl Asked {
    fn token(self) -> Result<String, Error> {
        let is_grant = self.grant_type.is_none_or(|it| it == GRANT_TYPE);
        let is_type = self
            .subject_token_type
            .is_none_or(|it| TOKEN_TYPES.contains(&it.as_str()));
        if !is_grant || !is_type {
            return Err(Error::BadRequest(FORM));
        }
        self.subject_token.ok_or(Error::BadRequest(FORM))
    }
}

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TOKEN_TYPES: [&str; 2] = [
    "urn:ietf:params:oauth:token-type:id_token",
    "urn:ietf:params:oauth:token-type:jwt",
];
const FORM: &str = "send the ID token as `subject_token` of a form or of a JSON object, or as `Authorization: Bearer` with no body";
const MAX_BODY: usize = 64 << 10;
const RECEIVE_LIMIT: Duration = Duration::from_secs(10);
