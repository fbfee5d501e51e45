//! Jobs of GitHub Actions that install with an ID token, or with what it is exchanged for.

use landfall_stand_in::{Counts, IdToken, OidcAlgorithm, SubjectForm};
use serde_json::{Value, json};

use crate::Case;
use crate::archive_urls::path_of_probe;
use crate::client::{Client, Root};
use crate::credentials::{TOKEN, TOKENS, installs_probe, is_refused};
use crate::embedded::{Embedded, versions_path};
use crate::http::{self, Answer, bearer};
use crate::modules::{probe, probe_root};
use crate::server::Host;
use crate::world::{Settings, World};

/// Those of one artifact.
pub(crate) fn all() -> Vec<Case<Embedded>> {
    let mut cases = Vec::new();
    for (name, algorithm) in [
        ("rs256", OidcAlgorithm::Rs256),
        ("es256", OidcAlgorithm::Es256),
    ] {
        let name = format!("jobs_install_with_id_tokens_of_{name}");
        let case = Case::new(name, move |world| jobs(world, algorithm));
        cases.push(case.with(RULES));
    }
    cases.push(Case::new("a_registry_token_ends_after_an_hour", an_hour).with(RULES));
    cases.push(Case::new("jobs_install_after_the_issuer_s_keys_changed", rotated).with(RULES));
    cases.push(Case::new("a_changed_rule_ends_what_it_let_in", changed_rule).with(RULES));
    cases
}

/// On one host: someone with a token, and a job.
pub(crate) fn on(host: Host) -> Case {
    let name = format!("tokens_and_jobs_install_from_{}", host.name());
    let case = Case::new(name, |world| {
        probe(world);
        is_refused(&world.root(Client::Terraform, &probe_root()));
        let id_token = requested(world, &IdToken::of("acme/infra"));
        let registry_token = exchanged(&Way::Form.exchange(world, &id_token));
        for token in [TOKEN, &id_token, &registry_token] {
            installs_probe(world, &root(world, token)).hides(token);
        }
    });
    case.with(RULES)
}

/// All of them cost the issuer one question each for where its keys are, and for its keys.
fn jobs(world: &World<Embedded>, algorithm: OidcAlgorithm) {
    probe(world);
    let mut knobs = world.github.knobs();
    knobs.oidc_algorithm = algorithm;
    world.github.set_knobs(knobs);

    let mut secrets = Vec::new();
    for subject in [SubjectForm::Names, SubjectForm::Ids] {
        let job = IdToken {
            subject,
            ..IdToken::of("acme/infra")
        };
        let id_token = requested(world, &job);
        for way in Way::ALL {
            secrets.push(exchanged(&way.exchange(world, &id_token)));
        }
        for token in [secrets.last().unwrap(), &id_token] {
            installs_probe(world, &root(world, token)).hides(token);
        }
        secrets.push(id_token);
    }
    let other_branch = IdToken {
        reference: "refs/heads/change".to_owned(),
        ..IdToken::of("acme/infra")
    };
    for job in [
        IdToken::of("acme/other"),
        IdToken::of("acme/infra2"),
        IdToken::of("mallory/infra"),
        other_branch,
        IdToken::of("acme/infra").with_claim("aud", "https://elsewhere.example"),
        IdToken::of("acme/infra").with_claim("iss", "https://elsewhere.example"),
    ] {
        let id_token = requested(world, &job);
        for way in Way::ALL {
            let answer = way.exchange(world, &id_token);
            assert_eq!(answer.status, 401, "{job:?}: {answer:?}");
        }
        is_refused(&root(world, &id_token));
    }
    assert_eq!(keys_asked_for(world), (1, 1));
    let log = world.registry.log();
    for secret in &secrets {
        let (_, end_of_signature) = secret.split_at(secret.len() - 32);
        assert!(!log.contains(end_of_signature), "the log has a token");
    }
    for reason in ["id token", "registry token", "no rule", "bad id token"] {
        let reason = format!(r#""reason":"{reason}""#);
        assert!(log.contains(&reason), "nothing has {reason}");
    }
    assert!(log.contains(r#""who":"acme/infra""#));
}

/// Nobody but Landfall's own clock ends it: keys are not asked for again.
fn an_hour(world: &World<Embedded>) {
    probe(world);
    let id_token = requested(world, &IdToken::of("acme/infra"));
    let token = exchanged(&Way::Form.exchange(world, &id_token));
    for (seconds, is_good) in [(3_500, true), (100, false)] {
        world.pass(seconds);
        let root = root(world, &token);
        if is_good {
            installs_probe(world, &root);
        } else {
            is_refused(&root);
        }
        // By then the ID token was over for long.
        assert_eq!(Way::Form.exchange(world, &id_token).status, 401);
        is_refused(&self::root(world, &id_token));
    }
    let (name, value) = bearer(&token);
    let answer = http::get_with(&world.address, &versions_path("probe"), &[(name, &value)]);
    assert!(answer.body.contains("this token has expired"), "{answer:?}");
    assert_eq!(keys_asked_for(world), (1, 1));
}

/// A token that names an unknown key has the keys fetched: at once, but not more than once a minute.
fn rotated(world: &World<Embedded>) {
    probe(world);
    let job = IdToken::of("acme/infra");
    let before = requested(world, &job);
    let registry_token = exchanged(&Way::Form.exchange(world, &before));
    assert_eq!(keys_asked_for(world), (1, 1));

    world.github.rotate_oidc_keys();
    let after = requested(world, &job);
    for token in [&after, &before, &registry_token] {
        installs_probe(world, &root(world, token));
    }
    exchanged(&Way::Form.exchange(world, &after));
    assert_eq!(keys_asked_for(world), (2, 2));

    let mut forged = job.clone();
    let id = "a key that the issuer never had";
    forged.header.insert("kid".to_owned(), id.into());
    let forged = requested(world, &forged);
    for (seconds, times) in [(0, 2), (61, 3)] {
        world.pass(seconds);
        for _ in 0..3 {
            is_refused(&root(world, &forged));
            installs_probe(world, &root(world, &after));
        }
        assert_eq!(keys_asked_for(world), (times, times), "after {seconds} s");
    }
}

/// The registry token, and the archive's URL that was made for it.
fn changed_rule(world: &World<Embedded>) {
    probe(world);
    let id_token = requested(world, &IdToken::of("acme/infra"));
    let token = exchanged(&Way::Form.exchange(world, &id_token));
    let (_, signed) = path_of_probe(world, &token);
    for (rule, statuses) in [
        (
            "repository=acme/infra ref=refs/heads/main -> modules=acme/probe/null",
            (200, 200),
        ),
        (
            "repository=acme/infra ref=refs/heads/main -> modules=acme/probe/*",
            (401, 404),
        ),
        ("", (401, 404)),
    ] {
        let world = world.again(&[("oidc_rules", rule)]);
        let (name, value) = bearer(&token);
        let versions = versions_path("probe");
        let versions = http::get_with(&world.address, &versions, &[(name, &value)]);
        let archive = http::get(&world.address, &signed);
        assert_eq!((versions.status, archive.status), statuses, "{rule}");
    }
}

/// How an ID token is sent to be exchanged.
#[derive(Clone, Copy)]
enum Way {
    Form,
    Json,
    Bearer,
}

impl Way {
    const ALL: [Self; 3] = [Self::Form, Self::Json, Self::Bearer];

    #[track_caller]
    fn exchange<R>(self, world: &World<R>, id_token: &str) -> Answer {
        let (authorization, value) = bearer(id_token);
        let (header, body) = match self {
            Self::Form => (
                ("Content-Type", "application/x-www-form-urlencoded"),
                format!(
                    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
                     &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token&subject_token={id_token}"
                ),
            ),
            Self::Json => (
                ("Content-Type", "application/json"),
                json!({ "subject_token": id_token }).to_string(),
            ),
            Self::Bearer => ((authorization, &*value), String::new()),
        };
        http::send(&world.address, "POST", "/v1/token", &[header], &body)
    }
}

/// The registry token of an answer.
#[track_caller]
fn exchanged(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    let mut document: Value = serde_json::from_str(&answer.body).unwrap();
    let token = document["access_token"].take();
    let rest = json!({
        "access_token": null,
        "token": token,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3600,
    });
    assert_eq!(document, rest);
    token.as_str().unwrap().to_owned()
}

/// The ID token of a job, which asks for it as `actions/core` does. What the job's claims say stays.
#[track_caller]
fn requested<R>(world: &World<R>, job: &IdToken) -> String {
    let url = world.github.actions_request_url();
    let (address, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let path = format!("/{path}&audience=https%3A%2F%2Fmodules.example.com");
    let (name, value) = bearer(&world.github.actions_request_token(job.clone()));
    let answer = http::get_with(address, &path, &[(name, &value)]);
    assert_eq!(answer.status, 200, "{answer:?}");
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    document["value"].as_str().unwrap().to_owned()
}

/// A root that asks for `acme/probe` with a token.
fn root<R>(world: &World<R>, token: &str) -> Root {
    let root = world.root(Client::Terraform, &probe_root());
    root.with_token(token)
}

/// How often the issuer was asked where its keys are, and for its keys.
fn keys_asked_for(world: &World<Embedded>) -> (usize, usize) {
    world.registry.settle();
    let Counts {
        oidc_discovery,
        oidc_keys,
        ..
    } = world.github.counts();
    (oidc_discovery, oidc_keys)
}

const RULES: Settings = &[
    ("anonymous_read", "false"),
    ("tokens", TOKENS),
    ("oidc_audience", "https://modules.example.com"),
    (
        "oidc_rules",
        "repository=acme/infra ref=refs/heads/main -> modules=acme/probe/null",
    ),
];
