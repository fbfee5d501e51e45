//! Who may read: tokens, CI jobs, archive URLs, everyone, nobody; and what the log says of it.

use std::thread::sleep;
use std::time::Duration;

use landfall_stand_in::IdToken;
use landfall_terraform_tests::exchange::Reply;
use landfall_terraform_tests::http::{self, Answer, bearer};
use landfall_terraform_tests::modules::{convention, probe};
use landfall_terraform_tests::readers::{EXPIRED_TOKEN, NARROW_TOKEN, TOKEN, TOKENS};
use landfall_terraform_tests::world::Settings;
use serde_json::{Value, json};

use crate::ask::{
    get, get_as, is_error, is_tree_of, json, listed, located, until, versions, versions_path,
};
use crate::scenario::{Scenario, Stage};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("discovery_is_for_everyone", discovery).with(CLOSED),
        Scenario::new("who_has_no_good_token_gets_a_401", refused).with(CLOSED),
        Scenario::new("a_token_reads_what_is_in_its_scope", scope).with(CLOSED),
        Scenario::new("an_archive_url_proves_itself_and_nothing_else", altered).with(CLOSED),
        Scenario::new("an_archive_url_expires", expires)
            .with(CLOSED)
            .slow(),
        Scenario::new("without_readers_nobody_reads", nobody).with(&[("anonymous_read", "false")]),
        Scenario::new(
            "a_job_reads_with_its_id_token_and_with_what_it_is_exchanged_for",
            job,
        )
        .with(CLOSED),
        Scenario::new("the_log_has_a_line_a_request_and_no_secret", log).with(CLOSED),
    ]
}

const CLOSED: Settings = &[
    ("anonymous_read", "false"),
    ("tokens", TOKENS),
    ("oidc_audience", AUDIENCE),
    (
        "oidc_rules",
        "repository=acme/infra ref=refs/heads/main -> modules=acme/probe/null",
    ),
    ("url_signing_key", SIGNING_KEY),
    ("webhook_secret", WEBHOOK_SECRET),
];
const AUDIENCE: &str = "https://modules.example.com";
const SIGNING_KEY: &str = "a key of many bytes that signs";
const WEBHOOK_SECRET: &str = "what only the hook knows";

const DOWNLOAD: &str = "/v1/modules/acme/probe/null/1.0.0/download";

fn discovery(stage: &Stage) {
    const PATH: &str = "/.well-known/terraform.json";
    let answers = [
        get(stage, PATH),
        get_as(stage, TOKEN, PATH),
        get_as(stage, "lft_wrong", PATH),
        get_as(stage, EXPIRED_TOKEN, PATH),
        http::get_with(&stage.address, PATH, &[("Authorization", "Nonsense")]),
    ];
    for answer in answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert_eq!(json(&answer), json!({ "modules.v1": "/v1/modules/" }));
    }
    assert_eq!(get(stage, "/healthz").status, 200);
    assert_eq!(stage.github.log(), []);
    let ready = get(stage, "/readyz");
    assert!(matches!(ready.status, 200 | 503), "{ready:?}");
}

fn refused(stage: &Stage) {
    probe(stage);
    let path = located(stage, &get_as(stage, TOKEN, DOWNLOAD));
    let (start, _) = path.rsplit_once('/').unwrap();
    stage.github.clear_log();
    for path in [
        &*versions_path("probe"),
        DOWNLOAD,
        "/v1/modules",
        "/v1/modules/acme/probe/null",
        &format!("{start}.zip"),
    ] {
        is_error(&get(stage, path), 401, "token");
        for token in ["", "lft_wrong", EXPIRED_TOKEN] {
            let answer = get_as(stage, token, path);
            is_error(&answer, 401, "token");
            let challenge = answer.header("WWW-Authenticate").unwrap();
            assert!(challenge.contains("Bearer"), "{challenge}");
        }
        let basic = http::get_with(
            &stage.address,
            path,
            &[("Authorization", "Basic eDp3cm9uZw==")],
        );
        is_error(&basic, 401, "token");
    }
    assert_eq!(stage.github.log(), [], "it costs GitHub nothing");
    assert_eq!(
        listed(&get_as(stage, TOKEN, &versions_path("probe"))),
        ["1.0.0"]
    );
}

fn scope(stage: &Stage) {
    probe(stage);
    convention(stage, "hidden");
    assert_eq!(
        listed(&get_as(stage, NARROW_TOKEN, &versions_path("probe"))),
        ["1.0.0"]
    );
    stage.github.clear_log();
    let hidden = get_as(stage, NARROW_TOKEN, &versions_path("hidden"));
    assert_eq!(stage.github.log(), [], "it costs GitHub nothing");
    is_error(&hidden, 404, "no such module");
    let absent = get_as(stage, TOKEN, &versions_path("absent"));
    assert_eq!((hidden.status, &hidden.body), (absent.status, &absent.body));
    assert_eq!(
        listed(&get_as(stage, TOKEN, &versions_path("hidden"))),
        ["1.0.0"]
    );
    let names = |token: &str| -> Vec<Value> {
        let document = json(&get_as(stage, token, "/v1/modules"));
        let modules = document["modules"].as_array().unwrap().iter();
        modules.map(|it| it["name"].clone()).collect()
    };
    assert_eq!(
        names(NARROW_TOKEN),
        [""; 0],
        "what is listed by its own name alone"
    );
    assert_eq!(names(TOKEN), ["hidden"]);
}

fn altered(stage: &Stage) {
    probe(stage);
    let path = located(stage, &get_as(stage, TOKEN, DOWNLOAD));
    let archive = Reply::get(&stage.address, &path).rest().unwrap();
    is_tree_of(stage, &archive, "probe", "v1.0.0^{tree}");
    let (start, ticket) = path.rsplit_once('/').unwrap();
    let (first, rest) = ticket.split_at(1);
    let other = if first == "A" { "B" } else { "A" };
    for path in [
        format!("{start}/{other}{rest}"),
        format!("{start}/{rest}"),
        format!("{start}/{first}.zip"),
        path.replace("/probe/", "/other/"),
        path.replace("/null/", "/aws/"),
        path.replace("/1.0.0/", "/1.0.1/"),
    ] {
        is_error(&get(stage, &path), 404, "nothing is found");
        is_error(&get_as(stage, TOKEN, &path), 404, "nothing is found");
    }
}

/// Its time is at most that of the token that it was made with.
fn expires(stage: &Stage) {
    probe(stage);
    let path = located(stage, &get_as(stage, TOKEN, DOWNLOAD));
    assert_eq!(get(stage, &path).status, 200);
    let seconds = || {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    let end = seconds() + 20;
    let digest = TOKENS.split_whitespace().nth(1).unwrap();
    let entry = format!("everything {digest} expires={}", rfc3339(end));
    let stage = stage.changed(&[("tokens", &entry)]);
    let is_early = seconds() + 1 < end;
    assert!(is_early, "the host takes 20 s to start");
    assert_eq!(get(&stage, &path).status, 200);
    sleep(Duration::from_secs(end + 1 - seconds()));
    let answer = get(&stage, &path);
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(
        answer
            .header("Content-Type")
            .unwrap()
            .starts_with("text/plain")
    );
    assert!(answer.body.contains("terraform init"), "{answer:?}");
    is_error(&get_as(&stage, TOKEN, DOWNLOAD), 401, "expired");
}

fn rfc3339(seconds: u64) -> String {
    let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    humantime::format_rfc3339_seconds(time).to_string()
}

fn nobody(stage: &Stage) {
    probe(stage);
    for answer in [
        get(stage, &versions_path("probe")),
        get_as(stage, TOKEN, DOWNLOAD),
    ] {
        is_error(&answer, 503, "not configured");
    }
    let ready = get(stage, "/readyz");
    is_error(&ready, 503, "`anonymous_read`");
    assert_eq!(get(stage, "/.well-known/terraform.json").status, 200);
    assert_eq!(stage.github.log(), []);
    let stage = stage.changed(&[("anonymous_read", "true")]);
    assert_eq!(versions(&stage, "probe"), ["1.0.0"]);
}

/// The ID token of a job of a repository.
fn id_token(stage: &Stage, repository: &str) -> String {
    let token = IdToken::of(repository).with_claim("aud", AUDIENCE);
    stage.github.id_token(&token)
}

fn exchange(stage: &Stage, id_token: &str) -> Answer {
    let body = json!({ "subject_token": id_token }).to_string();
    let headers = [("Content-Type", "application/json")];
    http::send(&stage.address, "POST", "/v1/token", &headers, &body)
}

fn job(stage: &Stage) {
    probe(stage);
    convention(stage, "hidden");
    let id_token = id_token(stage, "acme/infra");
    let answer = exchange(stage, &id_token);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    let document = json(&answer);
    assert_eq!(document["expires_in"], 3600);
    let token = document["access_token"].as_str().unwrap();
    for token in [&*id_token, token] {
        let path = located(stage, &get_as(stage, token, DOWNLOAD));
        let archive = Reply::get(&stage.address, &path).rest().unwrap();
        is_tree_of(stage, &archive, "probe", "v1.0.0^{tree}");
        is_error(
            &get_as(stage, token, &versions_path("hidden")),
            404,
            "no such module",
        );
    }
    let other = self::id_token(stage, "mallory/infra");
    is_error(&exchange(stage, &other), 401, "");
    is_error(&get_as(stage, &other, &versions_path("probe")), 401, "");
    let (start, signature) = id_token.rsplit_once('.').unwrap();
    let forged = format!("{start}.{}", signature.chars().rev().collect::<String>());
    is_error(&exchange(stage, &forged), 401, "");
}

fn log(stage: &Stage) {
    probe(stage);
    let id_token = id_token(stage, "acme/infra");
    let registry_token = json(&exchange(stage, &id_token))["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = located(stage, &get_as(stage, TOKEN, DOWNLOAD));
    Reply::get(&stage.address, &path).rest().unwrap();
    for token in [
        TOKEN,
        NARROW_TOKEN,
        EXPIRED_TOKEN,
        "lft_wrong_but_secret",
        &id_token,
        &registry_token,
    ] {
        get_as(stage, token, &versions_path("probe"));
        get_as(stage, token, &versions_path("absent"));
        get(stage, &format!("{}?token={token}", versions_path("probe")));
        get(
            stage,
            &format!("/archive/acme/probe/null/1.0.0/{token}.zip"),
        );
        let (name, value) = bearer(token);
        http::send(&stage.address, "POST", "/v1/token", &[(name, &value)], "");
    }
    // A host that fails to call GitHub says so, too.
    stage.github.set_down(true);
    get_as(stage, TOKEN, &versions_path("absent2"));
    let requests = || {
        let mut lines = lines(stage);
        lines.retain(|line| line["event"] == "request");
        lines
    };
    until("the log has all requests", || requests().len() >= 30);
    for line in requests() {
        assert!(
            line["status"].is_u64() && line["route"].is_string(),
            "{line}"
        );
    }
    let log = stage.registry.log();
    let ticket = path.rsplit_once('/').unwrap().1.trim_end_matches(".zip");
    let signature = |token: &str| token.rsplit_once('.').unwrap().1.to_owned();
    let key_line = stage.github.private_key_pem().lines().nth(3).unwrap();
    for (what, secret) in [
        ("a token", TOKEN),
        ("a narrow token", NARROW_TOKEN),
        ("an expired token", EXPIRED_TOKEN),
        ("a wrong token", "lft_wrong_but_secret"),
        ("an ID token", &signature(&id_token)),
        (
            "a registry token",
            &registry_token[registry_token.len() - 24..],
        ),
        ("an archive's ticket", ticket),
        ("the App's key", key_line),
        ("the signing key", SIGNING_KEY),
        ("the webhook secret", WEBHOOK_SECRET),
        ("a token of GitHub's", "ghs_"),
        ("an archive's token of GitHub's", "?token="),
    ] {
        assert!(!log.contains(secret), "the log has {what}");
    }
}

/// What the log has of requests. Some hosts write something of their own before each line.
fn lines(stage: &Stage) -> Vec<Value> {
    let log = stage.registry.log();
    let lines = log
        .lines()
        .filter_map(|line| line.find("{\"time\"").map(|at| &line[at..]));
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
