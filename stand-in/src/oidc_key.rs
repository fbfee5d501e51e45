//! The keys that sign ID tokens, and the set that the issuer publishes (RFC 7517, RFC 7518).

use std::io;
use std::mem;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::{self, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::rsa_key_pair;
use crate::webhook::uuid;

/// Keys of no other use, and public. `ring` makes no RSA keys, so rotation goes round these.
const RSA_PEMS: [&str; 3] = [
    include_str!("../test-only-oidc-key-1.pem"),
    include_str!("../test-only-oidc-key-2.pem"),
    include_str!("../test-only-oidc-key-3.pem"),
];

/// How ID tokens are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OidcAlgorithm {
    /// RSA with 2,048 bits: GitHub's.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256. GitHub does not sign so; other issuers do.
    #[serde(rename = "ES256")]
    Es256,
}

/// The issuer's keys: the one that signs, its predecessor and its successor.
pub(crate) struct Keys {
    rsa: [Arc<rsa::KeyPair>; 3],
    former: Option<Key>,
    signing: Key,
    next: Key,
    /// How many keys there have been.
    made: usize,
}

/// A key under its id.
pub(crate) struct Key {
    pub(crate) id: String,
    pair: Pair,
}

enum Pair {
    Rsa(Arc<rsa::KeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
}

impl OidcAlgorithm {
    /// The value of `alg`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

impl Keys {
    pub(crate) fn new(algorithm: OidcAlgorithm) -> io::Result<Self> {
        let [one, two, three] = RSA_PEMS.map(|pem| rsa_key_pair(pem).map(Arc::new));
        let rsa = [one?, two?, three?];
        Ok(Self {
            former: None,
            signing: Key::make(algorithm, &rsa, 0)?,
            next: Key::make(algorithm, &rsa, 1)?,
            made: 2,
            rsa,
        })
    }

    /// The key that signs. Another algorithm than its own is a rotation.
    pub(crate) fn signing(&mut self, algorithm: OidcAlgorithm) -> io::Result<&Key> {
        if self.signing.algorithm() == algorithm {
            Ok(&self.signing)
        } else {
            self.rotate(algorithm)
        }
    }

    /// Makes the next key the signing one.
    pub(crate) fn rotate(&mut self, algorithm: OidcAlgorithm) -> io::Result<&Key> {
        if self.next.algorithm() != algorithm {
            self.next = self.make(algorithm)?;
        }
        let after = self.make(algorithm)?;
        let signing = mem::replace(&mut self.next, after);
        self.former = Some(mem::replace(&mut self.signing, signing));
        Ok(&self.signing)
    }

    /// The keys that are published, the oldest first.
    pub(crate) fn published(&self, former: bool, next: bool) -> Vec<&Key> {
        let former = self.former.as_ref().filter(|_| former);
        let next = next.then_some(&self.next);
        [former, Some(&self.signing), next]
            .into_iter()
            .flatten()
            .collect()
    }

    fn make(&mut self, algorithm: OidcAlgorithm) -> io::Result<Key> {
        let key = Key::make(algorithm, &self.rsa, self.made)?;
        self.made += 1;
        Ok(key)
    }
}

impl Key {
    /// The key of this number. Its id is its own, though an RSA key may have had a number before.
    fn make(
        algorithm: OidcAlgorithm,
        rsa: &[Arc<rsa::KeyPair>; 3],
        number: usize,
    ) -> io::Result<Self> {
        let pair = match algorithm {
            OidcAlgorithm::Rs256 => {
                let [one, two, three] = rsa;
                Pair::Rsa(Arc::clone(match number % 3 {
                    0 => one,
                    1 => two,
                    _ => three,
                }))
            }
            OidcAlgorithm::Es256 => Pair::Ecdsa(Box::new(ecdsa_key_pair()?)),
        };
        let public = match &pair {
            Pair::Rsa(pair) => pair.public_key().as_ref(),
            Pair::Ecdsa(pair) => pair.public_key().as_ref(),
        };
        let named = [number.to_string().as_bytes(), public].concat();
        let id = uuid(digest(&SHA256, &named).as_ref());
        Ok(Self { id, pair })
    }

    fn algorithm(&self) -> OidcAlgorithm {
        match self.pair {
            Pair::Rsa(_) => OidcAlgorithm::Rs256,
            Pair::Ecdsa(_) => OidcAlgorithm::Es256,
        }
    }

    /// The signature as a JSON Web Token has it: of ECDSA `r` and `s`, 32 bytes each, and no DER.
    pub(crate) fn sign(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map(|()| signature)
            }
            Pair::Ecdsa(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec()),
        }
        .map_err(|failure| io::Error::other(failure.to_string()))
    }

    /// The public half as a JSON Web Key.
    pub(crate) fn jwk(&self) -> Value {
        let algorithm = self.algorithm().name();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                let PublicKeyComponents { n, e } =
                    PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({
                    "kty": "RSA",
                    "alg": algorithm,
                    "use": "sig",
                    "kid": self.id,
                    "n": encode(&n),
                    "e": encode(&e),
                })
            }
            Pair::Ecdsa(pair) => {
                // `04`, then the point's two coordinates.
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC",
                    "alg": algorithm,
                    "use": "sig",
                    "kid": self.id,
                    "crv": "P-256",
                    "x": encode(point.get(1..33).unwrap_or_default()),
                    "y": encode(point.get(33..).unwrap_or_default()),
                })
            }
        }
    }
}

fn ecdsa_key_pair() -> io::Result<EcdsaKeyPair> {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random)
        .map_err(|failure| io::Error::other(failure.to_string()))?;
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random)
        .map_err(|refusal| io::Error::other(refusal.to_string()))
}
