//! ID tokens opened and judged.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::{Value, json};

/// Header and claims, the signature unseen.
pub(crate) fn opened(jwt: &str) -> (Value, Value) {
    let parts: Vec<&str> = jwt.split('.').collect();
    let [header, claims, _] = parts[..] else {
        panic!("{jwt}");
    };
    let open = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (open(header), open(claims))
}

/// The id of the key that signed.
pub(crate) fn kid(jwt: &str) -> String {
    opened(jwt).0["kid"].as_str().unwrap().to_owned()
}

/// The ids of a set's keys.
pub(crate) fn ids(set: &Value) -> Vec<String> {
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// Whether the key of the token's `kid` is in the set and signed it.
pub(crate) fn verifies(jwt: &str, set: &Value) -> bool {
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let kid = URL_SAFE_NO_PAD
        .decode(signed.split_once('.').unwrap().0)
        .map(|header| serde_json::from_slice::<Value>(&header).unwrap()["kid"].take())
        .unwrap();
    let mut keys = set["keys"].as_array().unwrap().iter();
    let Some(key) = keys.find(|key| key["kid"] == kid) else {
        return false;
    };
    if key["kty"] == "RSA" {
        let (n, e) = (bytes(&key["n"]), bytes(&key["e"]));
        RsaPublicKeyComponents { n, e }
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
            .is_ok()
    } else {
        assert_eq!((&key["kty"], &key["crv"]), (&json!("EC"), &json!("P-256")));
        let point = [vec![4], bytes(&key["x"]), bytes(&key["y"])].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &signature)
            .is_ok()
    }
}

/// What base64url stands for.
pub(crate) fn bytes(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}
