//! The GitHub App: its key, and the JSON Web Tokens that it signs
//! (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>).
//! Signatures are verified with `ring`, not with the implementation that the component signs with.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use ring::rsa::KeyPair;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use crate::answer::Answer;

/// A key of no other use: every stand-in's App has it. PKCS#1, as GitHub hands keys out.
pub(crate) const PRIVATE_KEY_PEM: &str = include_str!("../test-only-app-key.pem");

/// GitHub refuses an `exp` further away than this.
const MAX_LIFETIME_SECONDS: i64 = 600;
/// How far ahead of GitHub's clock an `iat` may be.
const ISSUED_AT_LEEWAY_SECONDS: i64 = 5;

/// The one App that the stand-in knows.
pub(crate) struct App {
    pub(crate) id: u64,
    pub(crate) client_id: String,
    /// `RSAPublicKey` in DER.
    public_key: Vec<u8>,
}

/// Why a JSON Web Token is refused, with GitHub's exact message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JwtRefusal {
    Undecodable,
    UnknownApp,
    ExpiresTooLate,
    Expired,
    IssuedInFuture,
}

impl App {
    pub(crate) fn new(id: u64, client_id: String) -> io::Result<Self> {
        Ok(Self {
            id,
            client_id,
            public_key: rsa_key_pair(PRIVATE_KEY_PEM)?
                .public_key()
                .as_ref()
                .to_vec(),
        })
    }

    /// Verifies a token against the stand-in's clock `now`, in seconds since 1970. The order of the claims' checks is ours;
    /// GitHub's message for another algorithm is not recorded, and taken to be the general one.
    pub(crate) fn verify(&self, jwt: &str, now: i64) -> Result<(), JwtRefusal> {
        let (signed, signature) = jwt.rsplit_once('.').ok_or(JwtRefusal::Undecodable)?;
        let (header, claims) = signed.split_once('.').ok_or(JwtRefusal::Undecodable)?;
        let header = json_part(header)?;
        let claims = json_part(claims)?;
        if header.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(JwtRefusal::Undecodable);
        }
        // Whose key it has to be signed with is what `iss` says.
        let named = claims.get("iss").ok_or(JwtRefusal::Undecodable)?;
        if !self.is_issuer(named) {
            return Err(if could_be_issuer(named) {
                JwtRefusal::UnknownApp
            } else {
                JwtRefusal::Undecodable
            });
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| JwtRefusal::Undecodable)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public_key)
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| JwtRefusal::Undecodable)?;
        let expires = claims
            .get("exp")
            .and_then(Value::as_i64)
            .ok_or(JwtRefusal::Expired)?;
        if expires <= now {
            return Err(JwtRefusal::Expired);
        }
        if expires > now.saturating_add(MAX_LIFETIME_SECONDS) {
            return Err(JwtRefusal::ExpiresTooLate);
        }
        let issued = claims
            .get("iat")
            .and_then(Value::as_i64)
            .ok_or(JwtRefusal::IssuedInFuture)?;
        if issued > now.saturating_add(ISSUED_AT_LEEWAY_SECONDS) {
            return Err(JwtRefusal::IssuedInFuture);
        }
        Ok(())
    }

    /// The client id is recommended, the App's id is accepted, as a string or a number.
    fn is_issuer(&self, issuer: &Value) -> bool {
        match issuer {
            Value::String(text) => *text == self.client_id || *text == self.id.to_string(),
            Value::Number(number) => number.as_u64() == Some(self.id),
            _ => false,
        }
    }
}

/// Whether this is the id or the client id of some App.
fn could_be_issuer(issuer: &Value) -> bool {
    match issuer {
        Value::String(text) => text.starts_with("Iv") || text.parse::<u64>().is_ok(),
        issuer => issuer.is_u64(),
    }
}

impl JwtRefusal {
    /// As GitHub answers: it looks for the App first, and then for its key.
    pub(crate) fn answer(self) -> Answer {
        let status = match self {
            Self::UnknownApp => StatusCode::NOT_FOUND,
            Self::Undecodable | Self::ExpiresTooLate | Self::Expired | Self::IssuedInFuture => {
                StatusCode::UNAUTHORIZED
            }
        };
        Answer::error(status, self.message())
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::UnknownApp => "Integration not found",
            Self::Undecodable => "A JSON web token could not be decoded",
            Self::ExpiresTooLate => "'Expiration time' claim ('exp') is too far in the future",
            Self::Expired => {
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
            }
            Self::IssuedInFuture => {
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
            }
        }
    }
}

/// An RSA key of PKCS#1 in PEM.
pub(crate) fn rsa_key_pair(pem: &str) -> io::Result<KeyPair> {
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD.decode(body).map_err(io::Error::other)?;
    KeyPair::from_der(&der).map_err(|refusal| io::Error::other(refusal.to_string()))
}

fn json_part(part: &str) -> Result<Value, JwtRefusal> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| JwtRefusal::Undecodable)?;
    serde_json::from_slice(&bytes).map_err(|_| JwtRefusal::Undecodable)
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::RSA_PKCS1_SHA256;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn a_token_is_accepted_or_refused_as_by_github() {
        let app = App::new(1001, "Iv23cl".to_owned()).unwrap();
        let good = json!({"iss": "1001", "iat": NOW - 60, "exp": NOW + 300});
        let with = |claim: &str, value: Value| {
            let mut claims = good.clone();
            claims[claim] = value;
            claims
        };
        for (claims, expected) in [
            (good.clone(), Ok(())),
            (with("iss", json!(1001)), Ok(())),
            (with("iss", json!("Iv23cl")), Ok(())),
            (with("iss", json!("1001abc")), Err(JwtRefusal::Undecodable)),
            (with("iss", Value::Null), Err(JwtRefusal::Undecodable)),
            (with("iss", json!("1002")), Err(JwtRefusal::UnknownApp)),
            (with("iss", json!("Iv23other")), Err(JwtRefusal::UnknownApp)),
            (with("exp", json!(NOW + 600)), Ok(())),
            (
                with("exp", json!(NOW + 601)),
                Err(JwtRefusal::ExpiresTooLate),
            ),
            (with("exp", json!(NOW)), Err(JwtRefusal::Expired)),
            (with("exp", Value::Null), Err(JwtRefusal::Expired)),
            (
                with("exp", json!(1_700_000_300.5)),
                Err(JwtRefusal::Expired),
            ),
            (
                with("iat", json!(NOW + 60)),
                Err(JwtRefusal::IssuedInFuture),
            ),
            (
                with("iat", json!(1_699_999_999.5)),
                Err(JwtRefusal::IssuedInFuture),
            ),
            (with("iat", Value::Null), Err(JwtRefusal::IssuedInFuture)),
        ] {
            assert_eq!(
                app.verify(&sign("RS256", &claims), NOW),
                expected,
                "{claims}"
            );
        }
    }

    #[test]
    fn a_token_that_the_app_s_key_did_not_sign_is_not_decoded() {
        let app = App::new(1001, "Iv23cl".to_owned()).unwrap();
        let claims = json!({"iss": "1001", "iat": NOW - 60, "exp": NOW + 300});
        let good = sign("RS256", &claims);
        let (signed, _) = good.rsplit_once('.').unwrap();
        let other = sign(
            "RS256",
            &json!({"iss": "1001", "iat": NOW - 61, "exp": NOW + 300}),
        );
        let (_, other_signature) = other.rsplit_once('.').unwrap();
        for jwt in [
            format!("{signed}."),
            format!("{signed}.{other_signature}"),
            sign("none", &claims),
            sign("HS256", &claims),
            signed.to_owned(),
            "rubbish".to_owned(),
        ] {
            assert_eq!(app.verify(&jwt, NOW), Err(JwtRefusal::Undecodable), "{jwt}");
        }
    }

    fn sign(algorithm: &str, claims: &Value) -> String {
        let body: String = PRIVATE_KEY_PEM
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let key = KeyPair::from_der(&STANDARD.decode(body).unwrap()).unwrap();
        let header = json!({"alg": algorithm, "typ": "JWT"});
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string()),
        );
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
