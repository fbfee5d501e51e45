//! No ID token breaks its reading, no key breaks the check of a signature, and nothing is signed by a key that did not sign it.

#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::jwk::Jwk;
use landfall::auth::jws::Unverified;
use landfall::auth::oidc::{GITHUB_ACTIONS, Rule, Workloads};
use libfuzzer_sys::fuzz_target;

/// A 2048-bit modulus that nobody has the factors of at hand, and a point of P-256.
const RSA: &str = concat!(
    r#"{"kty":"RSA","kid":"k","alg":"RS256","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtV"#,
    "T86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q",
    "vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-",
    r#"G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#
);
const EC: &str = r#"{"kty":"EC","crv":"P-256","kid":"k","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

fuzz_target!(|data: (&str, &str, &[u8], &str)| {
    let (header, claims, signature, key) = data;
    let raw = Unverified::read(header);
    let token = format!("{}.{}.{}", BASE64.encode(header), BASE64.encode(claims), BASE64.encode(signature));
    for token in raw.into_iter().chain(Unverified::read(&token)) {
        let workloads = Workloads {
            issuers: vec![GITHUB_ACTIONS.to_owned()],
            audience: "a".to_owned(),
            rules: Rule::parse("repository=acme/* -> owners=acme", &[], "a").unwrap(),
        };
        let _ = token.claims.check(&workloads, UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let _ = workloads.rules[0].holds(&token.claims);
        let _ = token.claims.repository();
        for known in [RSA, EC] {
            assert!(!token.is_signed_by(&serde_json::from_str(known).unwrap()));
        }
        if let Ok(key) = serde_json::from_str::<Jwk>(key) {
            let _ = token.is_signed_by(&key);
        }
    }
});
