//! Actions' OIDC issuer: discovery, keys and their rotation. Signatures are judged by the published keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_stand_in::{Counts, Fault, FaultKind, IdToken, Knobs, OidcAlgorithm};
use serde_json::{Value, json};

use crate::client::{GitHub, Reply, exchange};
use crate::jwt::{bytes, ids, kid, opened, verifies};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/.well-known/jwks";

#[test]
fn discovery_leads_to_the_keys_and_costs_nothing() {
    let github = GitHub::start();
    let base = github.stand_in.api_url();
    github.stand_in.set_knobs(Knobs {
        anonymous_rate_limit: 0,
        max_concurrent: Some(0),
        ..Knobs::default()
    });
    assert_eq!(github.get("/rate_limit", "").status, 429);
    github.stand_in.clear_log();
    assert_eq!(github.stand_in.oidc_issuer(), base);
    let reply = github.get(DISCOVERY, "");
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let mut document = reply.json();
    let claims = document["claims_supported"].take();
    assert_eq!(
        document,
        json!({
            "issuer": base,
            "jwks_uri": format!("{base}{KEYS}"),
            "subject_types_supported": ["public", "pairwise"],
            "response_types_supported": ["id_token"],
            "claims_supported": null,
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        })
    );
    let token = IdToken {
        environment: Some("production".to_owned()),
        ..IdToken::default()
    };
    let (_, told) = opened(&github.stand_in.id_token(&token));
    for claim in told.as_object().unwrap().keys() {
        assert!(
            claims.as_array().unwrap().contains(&json!(claim)),
            "{claim}"
        );
    }

    let keys = github.get(KEYS, "").json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"], &key["e"]),
        (
            &json!("RSA"),
            &json!("RS256"),
            &json!("sig"),
            &json!("AQAB")
        )
    );
    assert_eq!(bytes(&key["n"]).len(), 256);

    assert_eq!(
        github.stand_in.counts(),
        Counts {
            oidc_discovery: 1,
            oidc_keys: 1,
            ..Counts::default()
        }
    );
    let log = github.stand_in.log();
    let paths: Vec<&str> = log.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, [DISCOVERY, KEYS]);
    assert!(log.iter().all(|entry| entry.status == Some(200)));
    assert_eq!(github.send("POST", KEYS, "", "").status, 404);
}

#[test]
fn signatures_are_those_of_the_published_key() {
    let github = GitHub::start();
    for (algorithm, name, length) in [
        (OidcAlgorithm::Rs256, "RS256", 256),
        (OidcAlgorithm::Es256, "ES256", 64),
    ] {
        github.stand_in.set_knobs(Knobs {
            oidc_algorithm: algorithm,
            ..Knobs::default()
        });
        let jwt = github.stand_in.id_token(&IdToken::default());
        let (header, _) = opened(&jwt);
        assert_eq!(header["alg"], name);
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap().len(), length);
        let set = github.get(KEYS, "").json();
        assert!(verifies(&jwt, &set), "{set}");
        assert!(!verifies(&format!("{signed}A.{signature}"), &set));
        let discovered = github.get(DISCOVERY, "").json();
        let algorithms = &discovered["id_token_signing_alg_values_supported"];
        assert_eq!(*algorithms, json!([name]));
    }
    let set = github.get(KEYS, "").json();
    let kinds: Vec<&Value> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["kty"])
        .collect();
    assert_eq!(kinds, ["RSA", "EC"], "the former key of another algorithm");
}

#[test]
fn rotation_brings_a_new_key_and_the_former_one_stays_or_goes() {
    for algorithm in [OidcAlgorithm::Rs256, OidcAlgorithm::Es256] {
        let github = GitHub::start();
        let knobs = |keep_former, publish_next| Knobs {
            oidc_algorithm: algorithm,
            oidc_keep_former_key: keep_former,
            oidc_publish_next_key: publish_next,
            ..Knobs::default()
        };
        let set = || github.get(KEYS, "").json();
        let token = || github.stand_in.id_token(&IdToken::default());
        github.stand_in.set_knobs(knobs(false, false));
        let (first, before) = (token(), set());
        assert_eq!(ids(&before), [kid(&first)]);
        let told = github.stand_in.rotate_oidc_keys();
        let second = token();
        assert_eq!(kid(&second), told);
        assert!(!verifies(&second, &before), "an unknown key");
        assert_eq!(ids(&set()), [kid(&second)]);
        assert!(!verifies(&first, &set()), "the former key is gone");
        github.stand_in.set_knobs(knobs(true, false));
        assert_eq!(ids(&set()), [kid(&first), kid(&second)]);
        assert!(verifies(&first, &set()) && verifies(&second, &set()));

        github.stand_in.set_knobs(knobs(true, true));
        let foretold = set();
        github.stand_in.rotate_oidc_keys();
        let third = token();
        assert!(verifies(&third, &foretold), "published before its use");
        assert_eq!(ids(&set())[..2], [kid(&second), kid(&third)]);
        assert_eq!(ids(&set()).len(), 3);
        assert!(!verifies(&first, &set()), "one former key, and no more");
        let mut seen = vec![kid(&first), kid(&second), kid(&third)];
        for _ in 0..4 {
            github.stand_in.rotate_oidc_keys();
            let jwt = token();
            assert!(verifies(&jwt, &set()));
            assert!(!seen.contains(&kid(&jwt)), "an id of before");
            seen.push(kid(&jwt));
        }
    }
}

#[test]
fn an_enterprise_s_issuer_has_a_path() {
    let github = GitHub::start();
    let issuer = format!("{}/acme-corp", github.stand_in.api_url());
    for suffix in ["acme-corp", "/acme-corp/"] {
        github.stand_in.set_knobs(Knobs {
            oidc_issuer_suffix: suffix.to_owned(),
            ..Knobs::default()
        });
        assert_eq!(github.stand_in.oidc_issuer(), issuer);
        let document = github.get(&format!("/acme-corp{DISCOVERY}"), "").json();
        assert_eq!(document["issuer"], issuer);
        assert_eq!(document["jwks_uri"], format!("{issuer}{KEYS}"));
        let set = github.get(&format!("/acme-corp{KEYS}"), "").json();
        let jwt = github.stand_in.id_token(&IdToken::default());
        assert!(verifies(&jwt, &set));
        let (_, claims) = opened(&jwt);
        assert_eq!(claims["iss"], issuer);
        assert_eq!(claims["enterprise"], "acme-corp");
        assert!(claims["enterprise_id"].is_string());
        assert_eq!(github.get(DISCOVERY, "").status, 404);
        assert_eq!(github.get(&format!("/other{KEYS}"), "").status, 404);
    }
    let counts = github.stand_in.counts();
    assert_eq!((counts.oidc_discovery, counts.oidc_keys), (4, 4));
    assert_eq!(counts.billed, 0);
}

#[test]
fn the_issuer_fails_on_demand_and_is_down_with_github() {
    let github = GitHub::start();
    let order = |path: &str, fault| github.stand_in.add_fault(Fault::api(path, fault).times(1));
    order("*/jwks", FaultKind::ServiceUnavailable);
    order("*/jwks", FaultKind::RubbishJson);
    order("*/jwks", FaultKind::HalfBody);
    let right = github.get(DISCOVERY, "");
    assert_eq!(right.status, 200, "another path");
    let keys = || {
        let authority = github.stand_in.api_url().strip_prefix("http://").unwrap();
        exchange(authority, "GET", KEYS, &[], b"")
    };
    let is_json = |reply: &Reply| serde_json::from_slice::<Value>(&reply.body).is_ok();
    assert_eq!(keys().unwrap().status, 503);
    for _ in 0..2 {
        let reply = keys().unwrap();
        assert_eq!((reply.status, is_json(&reply)), (200, false));
    }
    assert!(is_json(&keys().unwrap()));
    let counts = github.stand_in.take_counts();
    assert_eq!((counts.oidc_discovery, counts.oidc_keys), (1, 4));
    github.stand_in.set_down(true);
    assert!(keys().is_err());
    let counts = github.stand_in.counts();
    assert_eq!((counts.refused, counts.oidc_keys), (1, 0));
    github.stand_in.set_down(false);
    assert!(keys().is_ok());
}
