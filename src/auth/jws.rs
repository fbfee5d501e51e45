//! The signature of an ID token: RS256 or ES256, by a key of its issuer's. `jsonwebtoken` reads tokens and keys; the arithmetic is
//! that of `rsa` and `p256`, because its own choice of algorithms would make the component a third larger.
//!
//! RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 (algorithms).

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use rsa::sha2::Sha256;
use rsa::signature::{self, Verifier};
use rsa::{BigUint, RsaPublicKey, pkcs1v15};
use serde_json::Value;

use super::claims::Claims;

/// An ID token whose signature nobody has looked at yet.
#[derive(Clone, Debug)]
pub struct Unverified<'t> {
    algorithm: Algorithm,
    /// Which of its issuer's keys signed it.
    pub key_id: String,
    /// What it says.
    pub claims: Claims,
    message: &'t str,
    signature: &'t str,
}

impl<'t> Unverified<'t> {
    /// Reads a token in its compact form; `None` where it is none that is taken: another algorithm, no key id, or a
    /// header that it says must be understood (`crit`).
    #[must_use]
    pub fn read(token: &'t str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        if message.matches('.').count() != 1 {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        let is_taken = matches!(header.alg, Algorithm::RS256 | Algorithm::ES256);
        let key_id = header
            .kid
            .filter(|id| (1..=MAX_KEY_ID).contains(&id.len()))?;
        if !is_taken || header.crit.is_some() {
            return None;
        }
        let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(token).ok()?;
        let Value::Object(claims) = claims else {
            return None;
        };
        Some(Self {
            algorithm: header.alg,
            key_id,
            claims: Claims::new(claims),
            message,
            signature,
        })
    }

    /// Whether `key` signed it. A key is only used for what it says that it is for.
    #[must_use]
    pub fn is_signed_by(&self, key: &Jwk) -> bool {
        let algorithm = match self.algorithm {
            Algorithm::RS256 => KeyAlgorithm::RS256,
            _ => KeyAlgorithm::ES256,
        };
        let common = &key.common;
        let is_for_this = common.key_algorithm.is_none_or(|it| it == algorithm)
            && common
                .public_key_use
                .as_ref()
                .is_none_or(|it| *it == PublicKeyUse::Signature);
        // Only the first counts, and it is always this one: nothing else of the process uses that crate.
        let _ = PROVIDER.install_default();
        let Some(key) = DecodingKey::from_jwk(key).ok().filter(|_| is_for_this) else {
            return false;
        };
        let message = self.message.as_bytes();
        jsonwebtoken::crypto::verify(self.signature, message, &key, self.algorithm).unwrap_or(false)
    }
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "as `CryptoProvider` wants it"
)]
fn no_signer(
    _: &Algorithm,
    _: &EncodingKey,
) -> Result<Box<dyn jsonwebtoken::crypto::JwtSigner>, Error> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

/// A key of one kind is never used for an algorithm of another.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "as `CryptoProvider` wants it"
)]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    match (algorithm, key.kind()) {
        (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            let modulus = BigUint::from_bytes_be(n);
            if modulus.bits() < MIN_RSA_BITS {
                return Err(ErrorKind::InvalidRsaKey("too short".to_owned()).into());
            }
            // It takes no more than 4,096 bits.
            let key = RsaPublicKey::new(modulus, BigUint::from_bytes_be(e))
                .map_err(|_| ErrorKind::InvalidRsaKey("no key".to_owned()))?;
            Ok(Box::new(Rs256(pkcs1v15::VerifyingKey::new(key))))
        }
        (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point))
            if key.family() == jsonwebtoken::AlgorithmFamily::Ec =>
        {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .map_err(|_| ErrorKind::InvalidEcdsaKey)?;
            Ok(Box::new(Es256(key)))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

struct Rs256(pkcs1v15::VerifyingKey<Sha256>);

impl Verifier<Vec<u8>> for Rs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let signature = pkcs1v15::Signature::try_from(signature.as_slice())?;
        self.0.verify(message, &signature)
    }
}

impl JwtVerifier for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

struct Es256(p256::ecdsa::VerifyingKey);

impl Verifier<Vec<u8>> for Es256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let signature = p256::ecdsa::Signature::from_slice(signature)?;
        self.0.verify(message, &signature)
    }
}

impl JwtVerifier for Es256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

/// RFC 7518, section 3.3.
const MIN_RSA_BITS: usize = 2048;
/// GitHub's have 36 characters.
const MAX_KEY_ID: usize = 256;

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
    use rsa::RsaPrivateKey;
    use rsa::pkcs1::DecodeRsaPrivateKey as _;
    use rsa::signature::{SignatureEncoding as _, Signer as _};
    use rsa::traits::PublicKeyParts as _;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_key_is_used_for_what_it_is_for() {
        let pem = include_str!("../../stand-in/test-only-oidc-key-1.pem");
        let long = RsaPrivateKey::from_pkcs1_pem(pem).unwrap();
        // Of 1,024 bits: no longer safe.
        let short = RsaPrivateKey::from_p_q(
            BigUint::parse_bytes(P.as_bytes(), 16).unwrap(),
            BigUint::parse_bytes(Q.as_bytes(), 16).unwrap(),
            65_537u32.into(),
        )
        .unwrap();
        for (key, changes, is_signed) in [
            (&long, json!({}), true),
            (&long, json!({ "alg": "RS256", "use": "sig" }), true),
            (&long, json!({ "use": "enc" }), false),
            (&long, json!({ "alg": "RS512" }), false),
            (&long, json!({ "alg": "ES256" }), false),
            (&long, json!({ "e": "AQ" }), false),
            (&short, json!({}), false),
        ] {
            let encode = |value: Value| BASE64.encode(value.to_string());
            let head = encode(json!({ "alg": "RS256", "kid": "k" }));
            let message = format!("{head}.{}", encode(json!({ "iss": "x" })));
            let signer = pkcs1v15::SigningKey::<Sha256>::new(key.clone());
            let signature = signer.sign(message.as_bytes()).to_vec();
            let token = format!("{message}.{}", BASE64.encode(signature));
            let mut public = json!({
                "kty": "RSA", "kid": "k",
                "n": BASE64.encode(key.n().to_bytes_be()), "e": BASE64.encode(key.e().to_bytes_be()),
            });
            for (name, value) in changes.as_object().unwrap() {
                public[name] = value.clone();
            }
            let token = Unverified::read(&token).unwrap();
            let public: Jwk = serde_json::from_value(public).unwrap();
            assert_eq!(token.is_signed_by(&public), is_signed, "{changes}");
        }
    }

    const P: &str = "e370e9a2544da66da4d050638068f23688bd8ac861b49840616c7b18626a9615158e4a92ecf24020ff43fe49062223354c899097b8e67f6e496b2bcd7ef7f273";
    const Q: &str = "c5c705a564cbb68a8263bf42ff53eae679f60615df52e4073ab50411a77d1fd0c7137e993b78013b13edf3a58cb15cf1a5be4d599497126e01719f7552975f6d";
}
