//! Actions' OIDC issuer (<https://docs.github.com/en/actions/concepts/security/openid-connect>), on the API's origin: discovery,
//! keys, and where a job asks for its ID token. It is no part of the REST API, so no rate limit knows of it.

use std::io;
use std::sync::{MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::json;

use crate::answer::Answer;
use crate::id_token::{CLAIMS, IdToken, Issued, replace};
use crate::log::bearer;
use crate::oidc_key::{Key, Keys};
use crate::route::decode;
use crate::token::alphanumeric;
use crate::world::{GitHub, World};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/.well-known/jwks";
const ID_TOKEN: &str = "/_actions/id-token";

/// Whether the issuer answers a path, with 404 at least.
pub(crate) fn owns(path: &str) -> bool {
    is_discovery(path) || is_keys(path) || path == ID_TOKEN
}

/// Whether discovery is asked for, of whichever issuer.
pub(crate) fn is_discovery(path: &str) -> bool {
    path.ends_with(DISCOVERY)
}

/// Whether keys are asked for, of whichever issuer.
pub(crate) fn is_keys(path: &str) -> bool {
    path.ends_with(KEYS)
}

/// Answers a request for a path that the issuer [`owns`].
pub(crate) fn answer(github: &GitHub, request: &Parts) -> Answer {
    if request.method != Method::GET && request.method != Method::HEAD {
        return Answer::not_found();
    }
    let path = request.uri.path();
    if path == ID_TOKEN {
        return github
            .requested_token(request)
            .unwrap_or_else(|refusal| refusal);
    }
    let suffix = github.issuer_suffix();
    match path.strip_prefix(&suffix) {
        Some(DISCOVERY) => github.discovery(),
        Some(KEYS) => github
            .key_set()
            .unwrap_or_else(|error| Answer::broken(&error)),
        _ => Answer::not_found(),
    }
}

impl GitHub {
    /// The value of `iss`.
    pub(crate) fn issuer(&self) -> String {
        format!("{}{}", self.api_url, self.issuer_suffix())
    }

    /// The value of `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub(crate) fn id_token_url(&self) -> String {
        format!("{}{ID_TOKEN}?api-version=2.0", self.api_url)
    }

    /// Makes a request token, with which a job gets this ID token, and no other.
    pub(crate) fn new_request_token(&self, token: IdToken) -> String {
        let request_token = alphanumeric(64);
        self.world()
            .request_tokens
            .insert(request_token.clone(), token);
        request_token
    }

    /// A signed token. `audience` is what the job asked for.
    pub(crate) fn id_token(&self, token: &IdToken, audience: Option<&str>) -> io::Result<String> {
        // Its repository may have been added to the directory by now.
        self.scan();
        let (suffix, issuer) = (self.issuer_suffix(), self.issuer());
        let (payload, algorithm) = {
            let world = self.world();
            let occasion = Issued {
                issuer: &issuer,
                enterprise: suffix.trim_start_matches('/'),
                now: world.now(),
            };
            (
                token.payload(&world, &occasion, audience),
                world.knobs.oidc_algorithm,
            )
        };
        let mut keys = self.keys();
        let key = keys.signing(algorithm)?;
        let mut header = json!({ "typ": "JWT", "alg": algorithm.name(), "kid": key.id });
        replace(&mut header, &token.header);
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(payload.to_string()),
        );
        let signature = key.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Makes another key the signing one, and gives its id.
    pub(crate) fn rotate_keys(&self) -> io::Result<String> {
        let algorithm = self.world().knobs.oidc_algorithm;
        Ok(self.keys().rotate(algorithm)?.id.clone())
    }

    fn discovery(&self) -> Answer {
        let issuer = self.issuer();
        let algorithm = self.world().knobs.oidc_algorithm;
        let document = json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}{KEYS}"),
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "claims_supported": CLAIMS,
            "id_token_signing_alg_values_supported": [algorithm],
            "scopes_supported": ["openid"],
        });
        Answer::json(StatusCode::OK, &document)
    }

    fn key_set(&self) -> io::Result<Answer> {
        let (algorithm, former, next) = {
            let World { knobs, .. } = &*self.world();
            (
                knobs.oidc_algorithm,
                knobs.oidc_keep_former_key,
                knobs.oidc_publish_next_key,
            )
        };
        let mut keys = self.keys();
        keys.signing(algorithm)?;
        let set: Vec<_> = keys
            .published(former, next)
            .into_iter()
            .map(Key::jwk)
            .collect();
        Ok(Answer::json(StatusCode::OK, &json!({ "keys": set })))
    }

    /// What a job gets: `count` is the token's length.
    fn requested_token(&self, request: &Parts) -> Result<Answer, Answer> {
        let authorization = request.headers.get(AUTHORIZATION);
        let Some(("bearer", request_token)) = authorization
            .and_then(|value| value.to_str().ok())
            .and_then(bearer)
        else {
            return Err(Answer::bad_credentials());
        };
        let token = self.world().request_tokens.get(request_token).cloned();
        let token = token.ok_or_else(Answer::bad_credentials)?;
        let audience = request
            .uri
            .query()
            .into_iter()
            .flat_map(|query| query.split('&'))
            .find_map(|pair| pair.strip_prefix("audience="))
            .filter(|audience| !audience.is_empty())
            .map(decode);
        let value = self
            .id_token(&token, audience.as_deref())
            .map_err(|error| Answer::broken(&error))?;
        let body = json!({ "count": value.len(), "value": value });
        Ok(Answer::json(StatusCode::OK, &body))
    }

    /// Empty, or a slash and the path of an enterprise's issuer.
    fn issuer_suffix(&self) -> String {
        let world = self.world();
        match world.knobs.oidc_issuer_suffix.trim_matches('/') {
            "" => String::new(),
            suffix => format!("/{suffix}"),
        }
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.oidc_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
