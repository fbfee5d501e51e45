//! What ID tokens say, and how a job gets its own.

use landfall_stand_in::{Credential, IdToken, Knobs, SubjectForm, Visibility};
use serde_json::{Value, json};

use crate::client::{GitHub, now};
use crate::jwt::{opened, verifies};

const KEYS: &str = "/.well-known/jwks";

#[test]
fn a_token_has_github_s_claims_and_its_ids_are_strings() {
    let (github, git_dir) = GitHub::with_network();
    let id = github
        .stand_in
        .add_repository("Acme", "Infra", Visibility::Public, git_dir.as_path());
    let subject = github.stand_in.subject("acme", "infra").unwrap().repository;
    assert_eq!(subject.id, id);
    let jwt = github.stand_in.id_token(&IdToken::default());
    let (header, mut claims) = opened(&jwt);
    let keys = github.get(KEYS, "").json();
    assert_eq!(
        header,
        json!({"typ": "JWT", "alg": "RS256", "kid": keys["keys"][0]["kid"]})
    );
    let issued = claims["iat"].as_i64().unwrap();
    assert!((now() - 5..=now()).contains(&issued), "{issued}");
    assert_eq!(claims["exp"], issued + 300);
    assert_eq!(claims["nbf"], issued - 600);
    let again = github.stand_in.id_token(&IdToken::default());
    assert_ne!(opened(&again).1["jti"], claims["jti"]);
    for taken in ["iat", "exp", "nbf", "jti"] {
        claims.as_object_mut().unwrap().remove(taken);
    }
    let sha = claims["sha"].clone();
    assert_eq!(sha.as_str().unwrap().len(), 40);
    let workflow = "acme/Infra/.github/workflows/release.yml@refs/heads/main";
    assert_eq!(
        claims,
        json!({
            "iss": github.stand_in.api_url(),
            "aud": "https://github.com/acme",
            "sub": "repo:acme/Infra:ref:refs/heads/main",
            "repository": "acme/Infra",
            "repository_id": id.to_string(),
            "repository_owner": "acme",
            "repository_owner_id": subject.owner_id.to_string(),
            "repository_visibility": "public",
            "ref": "refs/heads/main",
            "ref_type": "branch",
            "ref_protected": "false",
            "head_ref": "",
            "base_ref": "",
            "sha": sha,
            "event_name": "push",
            "workflow": "Release",
            "workflow_ref": workflow,
            "workflow_sha": sha,
            "job_workflow_ref": workflow,
            "job_workflow_sha": sha,
            "actor": "mona",
            "actor_id": "12",
            "run_id": "4242424242",
            "run_number": "7",
            "run_attempt": "1",
            "check_run_id": "31313131313",
            "runner_environment": "github-hosted",
        })
    );
    assert!(github.stand_in.rename_repository("acme/infra", "acme/base"));
    let (_, renamed) = opened(&github.stand_in.id_token(&IdToken::default()));
    assert_eq!(renamed["repository"], "acme/base");
    assert_eq!(renamed["repository_id"], id.to_string());
}

#[test]
fn a_token_says_what_it_is_told_to() {
    let github = GitHub::start();
    github.stand_in.set_knobs(Knobs {
        clock_offset_seconds: -86_400,
        ..Knobs::default()
    });
    let told = |token: &IdToken| opened(&github.stand_in.id_token(token));
    let mut token = IdToken {
        reference: "refs/tags/v1".to_owned(),
        audience: Some("mods.example".to_owned()),
        job_workflow_ref: Some("acme/ci/.github/workflows/apply.yml@refs/tags/v2".to_owned()),
        lifetime_seconds: 60,
        not_before_seconds: 5,
        ..IdToken::of("widgets/none")
    }
    .with_claim("repo_property_tier", "gold")
    .with_claim("run_id", 7)
    .with_claim("actor_id", Value::Null);
    token.header.insert("kid".to_owned(), Value::Null);
    token.header.insert("alg".to_owned(), json!("none"));
    let (header, claims) = told(&token);
    assert_eq!(header, json!({"typ": "JWT", "alg": "none"}));
    let issued = claims["iat"].as_i64().unwrap();
    assert!(((now() - 86_405)..=(now() - 86_400)).contains(&issued));
    assert_eq!(claims["exp"], issued + 60);
    assert_eq!(claims["nbf"], issued - 5);
    for (claim, expected) in [
        ("aud", json!("mods.example")),
        ("sub", json!("repo:widgets/none:ref:refs/tags/v1")),
        ("ref_type", json!("tag")),
        (
            "job_workflow_ref",
            json!("acme/ci/.github/workflows/apply.yml@refs/tags/v2"),
        ),
        ("repo_property_tier", json!("gold")),
        ("run_id", json!(7)),
    ] {
        assert_eq!(claims[claim], expected, "{claim}");
    }
    assert_eq!(claims.get("actor_id"), None);
    assert_eq!(claims.get("environment"), None);
    let (_, again) = told(&token);
    let (_, other) = told(&IdToken::of("widgets/other"));
    for (id, is_same) in [("repository_id", false), ("repository_owner_id", true)] {
        let number: u64 = claims[id].as_str().unwrap().parse().unwrap();
        assert!(number >= 1_000_000, "{number}");
        assert_eq!(claims[id], again[id]);
        assert_eq!(claims[id] == other[id], is_same, "{id}");
    }
}

#[test]
fn both_forms_of_the_subject_are_there() {
    let (github, _) = GitHub::with_network();
    let subject = github.stand_in.subject("acme", "network").unwrap();
    let (id, owner_id) = (subject.repository.id, subject.repository.owner_id);
    let with_ids = format!("repo:acme@{owner_id}/network@{id}");
    for (environment, event, what) in [
        (None, "push", "ref:refs/heads/main"),
        (None, "pull_request", "pull_request"),
        (Some("production"), "push", "environment:production"),
        (Some("eu:live"), "pull_request", "environment:eu%3Alive"),
    ] {
        for (form, repository) in [
            (SubjectForm::Names, "repo:acme/network"),
            (SubjectForm::Ids, &with_ids),
        ] {
            let token = IdToken {
                environment: environment.map(str::to_owned),
                event_name: event.to_owned(),
                subject: form,
                ..IdToken::of("acme/network")
            };
            let (_, claims) = opened(&github.stand_in.id_token(&token));
            assert_eq!(claims["sub"], format!("{repository}:{what}"));
            assert_eq!(claims["event_name"], event);
            assert_eq!(claims["environment"], json!(environment));
        }
    }
}

#[test]
fn a_job_asks_for_its_token() {
    let (github, _) = GitHub::with_network();
    let token = IdToken {
        event_name: "workflow_dispatch".to_owned(),
        ..IdToken::of("acme/network")
    };
    let request_token = github.stand_in.actions_request_token(token);
    let authorization = format!("bearer {request_token}");
    let url = github.stand_in.actions_request_url();
    let path = url.strip_prefix(github.stand_in.api_url()).unwrap();
    assert_eq!(path, "/_actions/id-token?api-version=2.0");
    let set = github.get(KEYS, "").json();
    for (further, audience) in [
        ("", "https://github.com/acme"),
        ("&audience=", "https://github.com/acme"),
        ("&audience=mods.example", "mods.example"),
        (
            "&audience=https%3A%2F%2Fmods.example%2Fa%2Bb",
            "https://mods.example/a+b",
        ),
    ] {
        let reply = github.get(&format!("{path}{further}"), &authorization);
        assert_eq!(reply.status, 200, "{further}");
        let body = reply.json();
        let jwt = body["value"].as_str().unwrap();
        assert_eq!(body["count"], jwt.len());
        assert!(verifies(jwt, &set));
        let (_, claims) = opened(jwt);
        assert_eq!(claims["aud"], audience);
        assert_eq!(claims["event_name"], "workflow_dispatch");
        assert_eq!(claims["repository"], "acme/network");
    }
    for authorization in [
        "",
        "bearer wrong",
        request_token.as_str(),
        &format!("token {request_token}"),
        &github.jwt(),
    ] {
        assert_eq!(github.get(path, authorization).status, 401);
    }
    assert_eq!(github.send("POST", path, &authorization, "").status, 404);
    let log = github.stand_in.log();
    let last = log.last().unwrap();
    assert_eq!(last.path, "/_actions/id-token");
    assert_eq!(last.credential, Credential::Token);
    assert_eq!(github.stand_in.counts().billed, 0);
}

#[test]
fn tokens_and_keys_are_reached_over_http() {
    let github = GitHub::start();
    let control = |method: &str, path: &str, body: &Value| {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        github.send(method, &format!("/_stand-in/{path}"), "", &body)
    };
    let knobs = json!({"oidc_algorithm": "ES256", "oidc_issuer_suffix": "acme-corp"});
    assert_eq!(control("PATCH", "knobs", &knobs).status, 200);
    let issuer = control("GET", "oidc", &Value::Null).json()["issuer"].take();
    assert_eq!(issuer, github.stand_in.oidc_issuer());
    let rotated = control("POST", "oidc/rotate", &Value::Null).json();
    let order = json!({
        "repository": "widgets/one",
        "audience": "mods.example",
        "ref": "refs/heads/next",
        "event_name": "pull_request",
        "subject": "ids",
        "claims": {"actor": null, "extra": [1]},
    });
    let told = control("POST", "id-tokens", &order).json();
    let jwt = told["token"].as_str().unwrap();
    let set = github.get("/acme-corp/.well-known/jwks", "").json();
    assert!(verifies(jwt, &set));
    let (header, claims) = opened(jwt);
    assert_eq!(
        (&header["kid"], &header["alg"]),
        (&rotated["kid"], &json!("ES256"))
    );
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&issuer, &json!("mods.example"))
    );
    assert_eq!(
        (&claims["ref"], &claims["extra"]),
        (&json!("refs/heads/next"), &json!([1]))
    );
    assert_eq!(claims.get("actor"), None);
    let sub = claims["sub"].as_str().unwrap();
    assert!(
        sub.starts_with("repo:widgets@") && sub.ends_with(":pull_request"),
        "{sub}"
    );

    let job = control("POST", "actions-request-tokens", &order).json();
    assert_eq!(job["url"], github.stand_in.actions_request_url());
    let authorization = format!("Bearer {}", job["token"].as_str().unwrap());
    for (further, audience) in [("", "mods.example"), ("&audience=other", "other")] {
        let path = format!("/_actions/id-token?api-version=2.0{further}");
        let asked = github.get(&path, &authorization).json();
        let (_, claims) = opened(asked["value"].as_str().unwrap());
        assert_eq!(claims["aud"], audience);
    }

    let default = control("POST", "id-tokens", &Value::Null).json();
    let (_, claims) = opened(default["token"].as_str().unwrap());
    assert_eq!(claims["repository"], "acme/infra");
    for (path, body) in [
        ("id-tokens", json!({"unknown": 1})),
        ("id-tokens", json!({"subject": "unknown"})),
        ("knobs", json!({"oidc_algorithm": "none"})),
    ] {
        assert_eq!(control("POST", path, &body).status, 400, "{body}");
    }
    assert_eq!(control("GET", "oidc/rotate", &Value::Null).status, 404);
}
