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
