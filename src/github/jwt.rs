//! What is asked as the App itself: signed with its private key, by a clock that GitHub has to agree with.
//!
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, Method, StatusCode, header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::rand_core::{CryptoRng, Error as RandomError, RngCore};
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
use rsa::traits::PublicKeyParts as _;

use super::GitHub;
use super::app::Authorization;
use super::call::{Answer, Call, request};
use crate::config::{Credential, KEY_MEND, Secret};
use crate::error::Error;
use crate::host::{Host, seconds};

impl<H: Host> GitHub<'_, H> {
    /// Calls the API as the App itself. A clock that GitHub does not agree with is repaired once, by its `Date`.
    pub(super) async fn as_app(
        &self,
        method: Method,
        call: &Call<'_>,
        body: &str,
    ) -> Result<Answer, Error> {
        let answer = self.signed(method.clone(), call, body).await?;
        let now = self.host.now();
        let skew = date(&answer.headers).map_or(0, |date| difference(date, now));
        let is_other_time = skew.abs_diff(self.credentials.skew.get()) > TOLERATED_SKEW.as_secs();
        if answer.status != StatusCode::UNAUTHORIZED || !is_other_time {
            return Ok(answer);
        }
        self.host.log(&format!(
            "this machine's clock differs from GitHub's by {} s",
            -skew
        ));
        self.credentials.skew.set(skew);
        self.signed(method, call, body).await
    }

    async fn signed(&self, method: Method, call: &Call<'_>, body: &str) -> Result<Answer, Error> {
        let jwt = Authorization::Bearer(self.jwt()?);
        if method == Method::GET {
            let (asked, sent) = self.walk(call, &jwt).await?;
            return self.collect(asked.response, sent, call.deadline).await;
        }
        let url = self.config.github.api(call.path);
        let request = request(method, &url, Some(&jwt), body.as_bytes().to_vec())?;
        let (response, sent) = self.send(request, call, true).await?;
        self.collect(response, sent, call.deadline).await
    }

    /// A JWT that says who the App is for the next eight minutes.
    fn jwt(&self) -> Result<Secret, Error> {
        let Credential::App {
            id, private_key, ..
        } = &self.config.credential
        else {
            return Err(Error::Misconfigured(vec![
                "`github_app_id` is missing".to_owned(),
            ]));
        };
        let unusable = || Error::Misconfigured(vec![format!("`github_private_key` {KEY_MEND}")]);
        let key = parse_key(private_key.expose()).ok_or_else(unusable)?;
        let now = seconds(self.host.now()).saturating_add_signed(self.credentials.skew.get());
        let claims =
            serde_json::json!({ "iat": now.saturating_sub(60), "exp": now + 480, "iss": id });
        let message = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#),
            BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()),
        );
        // Signing with randomness blinds the private key's arithmetic against timing.
        let signature = SigningKey::<Sha256>::new(key)
            .try_sign_with_rng(&mut Randomness(self.host), message.as_bytes())
            .map_err(|_| unusable())?;
        Ok(Secret::new(format!(
            "{message}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes())
        )))
    }
}

/// How many bits an RSA key has: a PEM, PKCS#1 or PKCS#8. `None` where it is none.
#[must_use]
pub fn key_bits(pem: &str) -> Option<usize> {
    parse_key(pem).map(|key| key.n().bits())
}

fn parse_key(pem: &str) -> Option<RsaPrivateKey> {
    RsaPrivateKey::from_pkcs1_pem(pem)
        .ok()
        .or_else(|| RsaPrivateKey::from_pkcs8_pem(pem).ok())
}

/// The host's randomness, as the signature's library wants it.
struct Randomness<'h, H>(&'h H);

impl<H: Host> RngCore for Randomness<'_, H> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.random(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.random(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.0.random(bytes);
        Ok(())
    }
}

impl<H: Host> CryptoRng for Randomness<'_, H> {}

/// The `Date` of a response.
pub(super) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()
}

fn difference(a: SystemTime, b: SystemTime) -> i64 {
    let (a, b) = (i64::try_from(seconds(a)), i64::try_from(seconds(b)));
    a.unwrap_or(0).saturating_sub(b.unwrap_or(0))
}

/// A JWT is good from a minute before now, for eight: less than this is no reason to sign anew.
const TOLERATED_SKEW: Duration = Duration::from_secs(30);
