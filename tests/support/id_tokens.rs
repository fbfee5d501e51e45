//! ID tokens as an issuer makes them, and as nobody should.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, Mac as _};
use p256::ecdsa::signature::Signer as _;
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs1v15::SigningKey;
use rsa::signature::SignatureEncoding as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::Sha256;

use super::github::Answer;

pub const ISSUER: &str = "https://token.actions.githubusercontent.com";
pub const AUDIENCE: &str = "https://registry.example";
pub const DISCOVERY: &str =
    "GET https://token.actions.githubusercontent.com/.well-known/openid-configuration";
pub const KEYS: &str = "GET https://token.actions.githubusercontent.com/.well-known/jwks";
/// The scenarios begin with 2026.
pub const NOW: i64 = 1_767_225_600;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    Rs256,
    /// By a key that the issuer has not.
    OtherRs256,
    Es256,
    /// With the issuer's public key as the secret, in its PEM.
    Hs256,
    /// Not at all.
    None,
}

/// What a job of `acme/infra` says of itself.
pub fn job() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "repo:acme@9001/infra@42:environment:production",
        "jti": "9b4e", "iat": NOW, "nbf": NOW - 600, "exp": NOW + 300,
        "repository": "acme/infra", "repository_id": "42",
        "repository_owner": "acme", "repository_owner_id": "9001",
        "repository_visibility": "private",
        "ref": "refs/heads/main", "ref_type": "branch", "sha": "1111111111111111111111111111111111111111",
        "environment": "production", "event_name": "push",
        "job_workflow_ref": "acme/infra/.github/workflows/plan.yml@refs/heads/main",
        "runner_environment": "github-hosted", "actor_id": "7", "run_id": "1", "run_attempt": "1",
    })
}

/// The token of a job that says this instead.
pub fn id_token(changes: &Value) -> String {
    token(Signing::Rs256, &json!({ "kid": "one" }), changes)
}

/// A token with this in its header, of a job that says this instead of what is in [`job`].
pub fn token(signing: Signing, header: &Value, changes: &Value) -> String {
    let algorithm = match signing {
        Signing::Rs256 | Signing::OtherRs256 => "RS256",
        Signing::Es256 => "ES256",
        Signing::Hs256 => "HS256",
        Signing::None => "none",
    };
    let mut head = json!({ "typ": "JWT", "alg": algorithm });
    let mut claims = job();
    for (to, from) in [(&mut head, header), (&mut claims, changes)] {
        for (name, value) in from.as_object().unwrap() {
            to[name] = value.clone();
        }
    }
    let encode = |value: &Value| BASE64.encode(value.to_string());
    let message = format!("{}.{}", encode(&head), encode(&claims));
    let signature = match signing {
        Signing::Rs256 => rs256(KEY, &message),
        Signing::OtherRs256 => rs256(OTHER_KEY, &message),
        Signing::Es256 => {
            let signature: p256::ecdsa::Signature = ec_key().sign(message.as_bytes());
            signature.to_vec()
        }
        Signing::Hs256 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(public_pem().as_bytes()).unwrap();
            mac.update(message.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        Signing::None => Vec::new(),
    };
    format!("{message}.{}", BASE64.encode(signature))
}

/// The issuer's two documents, and its keys: `one` is RSA, `two` is on P-256, and `three` is of a kind that is still to come.
pub fn issuer() -> [(&'static str, Answer); 2] {
    let discovery = json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{ISSUER}/.well-known/jwks"),
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    [
        (DISCOVERY, Answer::json(&discovery)),
        (KEYS, Answer::json(&keys("one"))),
    ]
}

/// The set of keys, in which the RSA key has this name.
pub fn keys(rsa: &str) -> Value {
    let public = RsaPrivateKey::from_pkcs1_pem(KEY).unwrap().to_public_key();
    let point = ec_key().verifying_key().to_encoded_point(false);
    json!({ "keys": [
        // Of the same name as an RSA key, which some issuers do.
        { "kty": "EC", "crv": "P-256", "kid": rsa, "x": BASE64.encode(point.x().unwrap()), "y": BASE64.encode(point.y().unwrap()) },
        { "kty": "OKP-2", "alg": "ML-DSA-44", "use": "sig", "kid": "three", "pub": "AAAA" },
        {
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": rsa,
            "n": BASE64.encode(public.n().to_bytes_be()), "e": BASE64.encode(public.e().to_bytes_be()),
            "x5c": ["MIIC"], "x5t": "AAAA",
        },
        {
            "kty": "EC", "crv": "P-256", "kid": "two",
            "x": BASE64.encode(point.x().unwrap()), "y": BASE64.encode(point.y().unwrap()),
        },
    ] })
}

fn rs256(key: &str, message: &str) -> Vec<u8> {
    let key = RsaPrivateKey::from_pkcs1_pem(key).unwrap();
    SigningKey::<Sha256>::new(key)
        .sign(message.as_bytes())
        .to_vec()
}

fn ec_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

fn public_pem() -> String {
    use rsa::pkcs8::EncodePublicKey as _;
    let key = RsaPrivateKey::from_pkcs1_pem(KEY).unwrap();
    let ending = rsa::pkcs8::LineEnding::LF;
    key.to_public_key().to_public_key_pem(ending).unwrap()
}

const KEY: &str = include_str!("../../stand-in/test-only-oidc-key-1.pem");
const OTHER_KEY: &str = include_str!("../../stand-in/test-only-oidc-key-2.pem");
