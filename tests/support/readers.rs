//! Who may read: tokens, ID tokens and what they are exchanged for, archive URLs, and everyone who is none of these.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::github::{Answer, Fault, Trouble};
use super::id_tokens::{self, DISCOVERY, ISSUER, KEYS, NOW, Signing, id_token, token};
use super::scenario::{Ask, Scenario, StoreKind};
use super::scenarios::{ARCHIVE, COMMIT, DOWNLOAD, TAGS, VERSIONS, ask, get, head, scenario, tags};

/// May read everything.
pub const TOKEN: &str = "lft_all_0123456789abcdefghijklmnopqrstuvwxyz";
pub const NARROW: &str = "lft_vpc_0123456789abcdefghijklmnopqrstuvwxyz";
const LABS: &str = "lft_labs_0123456789abcdefghijklmnopqrstuvwxyz";
const EXPIRED: &str = "lft_old_0123456789abcdefghijklmnopqrstuvwxyz";
const EXPIRING: &str = "lft_soon_0123456789abcdefghijklmnopqrstuvwxyz";
pub const RULES: &str =
    "repository_owner_id=9001 environment=production -> owners=acme modules=acme/vpc/*";

pub fn all() -> Vec<Scenario> {
    let mut all = tokens();
    all.extend(signed_urls());
    all.extend(ci_jobs());
    all.extend(issuers());
    all.extend(direct());
    all.extend(configuration());
    all.push(injection());
    all
}

/// A registry with tokens, at which nobody else may read.
pub fn guarded(name: &str, requests: impl IntoIterator<Item = Ask>) -> Scenario {
    let digest = |token: &str| hex::encode(Sha256::digest(token));
    let entries = [
        format!("all sha256:{}", digest(TOKEN)),
        format!(
            "narrow sha256:{} modules=acme/vpc/*,acme/*/google",
            digest(NARROW)
        ),
        format!("labs sha256:{} owners=labs", digest(LABS)),
        format!("old sha256:{} expires=2026-01-01", digest(EXPIRED)),
        format!(
            "soon sha256:{} expires=2026-01-01T00:10:00Z",
            digest(EXPIRING)
        ),
    ];
    scenario(name, requests)
        .variable("anonymous_read", "")
        .variable("allowed_owners", "acme, labs")
        .variable("tokens", &entries.join("; "))
        .variable("webhook_secret", "MARKER-of-webhooks")
}

/// A registry that takes ID tokens as well.
pub fn with_jobs(name: &str, requests: impl IntoIterator<Item = Ask>) -> Scenario {
    let mut scenario = guarded(name, requests)
        .variable("oidc_audience", id_tokens::AUDIENCE)
        .variable("oidc_rules", RULES);
    for (pattern, answer) in id_tokens::issuer() {
        scenario = scenario.on(pattern, [answer]);
    }
    scenario
}

impl Ask {
    /// With this token.
    #[must_use]
    pub fn bearer(self, label: &str, token: &str) -> Self {
        self.label(label)
            .with("authorization", &format!("Bearer {token}"))
    }

    /// With this token as a password.
    #[must_use]
    fn basic(self, label: &str, token: &str) -> Self {
        let encoded = BASE64_STANDARD.encode(format!("x:{token}"));
        self.label(label)
            .with("authorization", &format!("Basic {encoded}"))
    }
}

#[expect(clippy::too_many_lines, reason = "one table")]
fn tokens() -> Vec<Scenario> {
    let long = "a".repeat(20_000);
    let others = [
        ("nothing", None),
        ("an empty token", Some("Bearer ".to_owned())),
        (
            "a wrong token",
            Some("Bearer lft_all_0123456789abcdefghijklmnopqrstuvwxyZ".to_owned()),
        ),
        ("its beginning", Some(format!("Bearer {}", &TOKEN[..20]))),
        ("its name", Some("Bearer all".to_owned())),
        (
            "its digest",
            Some(format!("Bearer {}", hex::encode(Sha256::digest(TOKEN)))),
        ),
        ("an expired token", Some(format!("Bearer {EXPIRED}"))),
        ("another scheme", Some(format!("Token {TOKEN}"))),
        (
            "the token as a user",
            Some(format!(
                "Basic {}",
                BASE64_STANDARD.encode(format!("{TOKEN}:"))
            )),
        ),
        ("20,000 bytes", Some(format!("Bearer {long}"))),
        (
            "no registry token",
            Some("Bearer lfr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        ),
    ];
    let mut refused = Vec::new();
    for (label, authorization) in others {
        for target in [VERSIONS, DOWNLOAD, ARCHIVE] {
            let mut ask = get(target).label(label);
            if let Some(authorization) = &authorization {
                ask = ask.with("authorization", authorization);
            }
            refused.push(ask);
        }
    }
    refused.push(
        get(VERSIONS)
            .bearer("two of them", TOKEN)
            .with("authorization", &format!("Bearer {TOKEN}")),
    );
    refused.push(
        get(&format!("{VERSIONS}?token={TOKEN}&access_token={TOKEN}"))
            .label("the token in the query"),
    );
    refused.push(head(ARCHIVE).label("nothing"));
    refused.push(
        get("/v1/modules/nobody/nothing/aws/versions").label("nothing, for what is not there"),
    );
    vec![
        guarded(
            "a_token_reads_modules",
            [
                get(VERSIONS).bearer("a token", TOKEN),
                get(VERSIONS)
                    .with(
                        "user-agent",
                        "HashiCorp Terraform/1.11.4 (+https://www.terraform.io)",
                    )
                    .bearer("a token", TOKEN),
                get(VERSIONS).basic("a token as password", TOKEN),
                get(DOWNLOAD).bearer("a token", TOKEN),
                get(ARCHIVE).bearer("a token", TOKEN),
                get(ARCHIVE).basic("a token as password", TOKEN),
                head(ARCHIVE).basic("a token as password", TOKEN),
            ],
        ),
        guarded("who_has_no_good_token_reads_nothing", refused),
        guarded(
            "a_token_reads_what_is_in_its_scope",
            [
                get(VERSIONS).bearer("in scope", NARROW),
                get(DOWNLOAD).bearer("in scope", NARROW),
                get(VERSIONS).bearer("of another owner", LABS),
                get(DOWNLOAD).bearer("of another owner", LABS),
                get(ARCHIVE).bearer("of another owner", LABS),
                get("/v1/modules/acme/dns/aws/versions").bearer("another module", NARROW),
                get("/v1/modules/acme/nothing/aws/versions").bearer("no module", TOKEN),
                get("/v1/modules/evil/vpc/aws/versions")
                    .bearer("an owner that is not served", TOKEN),
            ],
        ),
        // Of `terraform-{system}-{name},{name}`, the second makes the first's repositories modules of every system.
        guarded(
            "a_scope_is_not_got_round_by_another_name",
            [
                get("/v1/modules/acme/network/google/versions").bearer("in scope", NARROW),
                get("/v1/modules/acme/terraform-aws-network/google/versions")
                    .bearer("by another name", NARROW),
                get("/v1/modules/acme/terraform-aws-network/google/1.0.0/download")
                    .bearer("by another name", NARROW),
                get("/v1/modules/acme/terraform-aws-network/google/versions").bearer("all", TOKEN),
            ],
        )
        .on(
            "GET https://api.github.com/repos/acme/terraform-google-network/git/matching-refs/tags",
            [tags(&[("v1.0.0", "commit", COMMIT)])],
        )
        .on(
            "GET https://api.github.com/repos/acme/terraform-aws-network/git/matching-refs/tags",
            [tags(&[("v1.0.0", "commit", COMMIT)])],
        ),
        guarded(
            "a_token_ends",
            [
                get(DOWNLOAD).bearer("a token that ends in ten minutes", EXPIRING),
                get("{location}").label("its URL"),
                get(DOWNLOAD)
                    .after(600)
                    .bearer("ten minutes later", EXPIRING),
                get("{location}").label("its URL"),
            ],
        ),
        guarded(
            "discovery_and_health_are_open",
            [
                get("/.well-known/terraform.json").bearer("a wrong token", "lft_wrong"),
                get("/healthz").bearer("a wrong token", "lft_wrong"),
                get("/readyz").label("nothing"),
            ],
        ),
        guarded(
            "where_everyone_may_read_nobody_is_asked_who_he_is",
            [
                get(VERSIONS).label("nothing"),
                get(VERSIONS).bearer("a wrong token", "lft_wrong"),
                get(VERSIONS).bearer("of another owner", LABS),
                get(DOWNLOAD).bearer("a token", TOKEN),
                get(DOWNLOAD)
                    .with("authorization", "?")
                    .label("an unreadable one"),
                get(ARCHIVE).label("nothing"),
            ],
        )
        .variable("anonymous_read", "true"),
    ]
}

fn signed_urls() -> Vec<Scenario> {
    vec![
        guarded(
            "an_archive_s_url_proves_itself",
            [
                get(DOWNLOAD).bearer("a token", TOKEN),
                get(DOWNLOAD)
                    .after(899)
                    .bearer("the same within a quarter of an hour", TOKEN),
                head("{location}").label("nothing"),
                get("{location}").label("nothing"),
                get("{location}").basic("a wrong password, as a netrc has it", "wrong-password"),
                get("{location}?archive=zip").label("with a query"),
                get("{location}")
                    .after(900)
                    .label("a quarter of an hour later"),
                head("{location}")
                    .after(1)
                    .label("half an hour after it began"),
                get("{location}").label("the same"),
                get(DOWNLOAD).bearer("a new one", TOKEN),
                get("{location}").label("nothing"),
                get("/v1/modules/acme/vpc/aws/1.0.0+build.5/download").bearer("with a plus", TOKEN),
                get("{location}").label("nothing"),
            ],
        ),
        guarded(
            "an_archive_s_url_is_for_one_holder_and_follows_his_scope",
            [
                get(DOWNLOAD).bearer("all", TOKEN),
                get(DOWNLOAD).bearer("narrow", NARROW),
                get("{location}").label("nothing"),
            ],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "one table")]
fn ci_jobs() -> Vec<Scenario> {
    let changed = |label: &str, changes: &Value| get(VERSIONS).bearer(label, &id_token(changes));
    let signed = |label: &str, signing, header: Value| {
        get(VERSIONS).bearer(label, &token(signing, &header, &json!({})))
    };
    let good = id_token(&json!({}));
    let (start, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = start.split_once('.').unwrap();
    let other_claims = id_token(&json!({ "repository_owner_id": "9001", "ref": "refs/heads/x" }));
    let other_claims = other_claims.split('.').nth(1).unwrap();
    vec![
        with_jobs(
            "a_job_reads_what_its_rule_allows",
            [
                changed("a job", &json!({})),
                get(DOWNLOAD).bearer("a job", &good),
                get("{location}").label("nothing"),
                signed("ES256", Signing::Es256, json!({ "kid": "two" })),
                get("/v1/modules/acme/dns/aws/versions").bearer("out of the rule's scope", &good),
            ],
        ),
        with_jobs(
            "what_is_no_good_id_token_reads_nothing",
            [
                signed("alg none", Signing::None, json!({ "kid": "one" })),
                signed(
                    "alg None",
                    Signing::None,
                    json!({ "kid": "one", "alg": "None" }),
                ),
                signed(
                    "HS256 with the public key",
                    Signing::Hs256,
                    json!({ "kid": "one" }),
                ),
                signed(
                    "another's key",
                    Signing::OtherRs256,
                    json!({ "kid": "one" }),
                ),
                signed(
                    "a key that it brings along",
                    Signing::OtherRs256,
                    json!({ "kid": "one", "jwk": id_tokens::keys("one")["keys"][1] }),
                ),
                signed(
                    "a key at an address that it names",
                    Signing::OtherRs256,
                    json!({ "kid": "one", "jku": "https://evil.example/jwks" }),
                ),
                signed(
                    "RS256 by the EC key",
                    Signing::Rs256,
                    json!({ "kid": "two" }),
                ),
                signed(
                    "ES256 by the RSA key",
                    Signing::Es256,
                    json!({ "kid": "one" }),
                ),
                signed(
                    "RS512",
                    Signing::Rs256,
                    json!({ "kid": "one", "alg": "RS512" }),
                ),
                signed("no kid", Signing::Rs256, json!({ "kid": null })),
                signed(
                    "a key of a kind to come",
                    Signing::Rs256,
                    json!({ "kid": "three" }),
                ),
                signed(
                    "something critical",
                    Signing::Rs256,
                    json!({ "kid": "one", "crit": ["b64"] }),
                ),
                get(VERSIONS).bearer(
                    "other claims under its signature",
                    &format!("{header}.{other_claims}.{signature}"),
                ),
                get(VERSIONS).bearer("no signature", &format!("{start}.")),
                get(VERSIONS).bearer(
                    "half a signature",
                    &format!("{start}.{}", &signature[..100]),
                ),
                get(VERSIONS).bearer("two parts", start),
                get(VERSIONS).bearer("four parts", &format!("{good}.x")),
                get(VERSIONS).bearer("junk in three parts", "a.b.c"),
                get(VERSIONS).bearer("padding", &format!("{good}=")),
                changed(
                    "another audience",
                    &json!({ "aud": "https://github.com/acme" }),
                ),
                changed("another issuer", &json!({ "iss": "https://evil.example" })),
                changed(
                    "an issuer's suffix",
                    &json!({ "iss": format!("{ISSUER}/acme") }),
                ),
                changed("expired", &json!({ "exp": NOW - 61 })),
                changed("not valid yet", &json!({ "nbf": NOW + 120 })),
                changed("made in the future", &json!({ "iat": NOW + 120 })),
                changed("no end", &json!({ "exp": null })),
                changed("another owner", &json!({ "repository_owner_id": "9002" })),
                changed("another environment", &json!({ "environment": "dev" })),
                changed(
                    "all in its sub",
                    &json!({ "repository_owner_id": "1", "sub": "repo:acme@9001/infra@42:environment:production" }),
                ),
            ],
        ),
        with_jobs(
            "an_id_token_is_exchanged_for_an_hour",
            [
                ask("POST", "/v1/token").bearer("in the header", &good),
                get(VERSIONS).bearer("the registry token", "{token}"),
                get(DOWNLOAD).bearer("the registry token", "{token}"),
                get("{location}").label("nothing"),
                get("/v1/modules/acme/dns/aws/versions")
                    .bearer("out of the rule's scope", "{token}"),
                ask("POST", "/v1/token").bearer("a registry token", "{token}"),
                get(VERSIONS)
                    .after(3590)
                    .bearer("an hour later, nearly", "{token}"),
                get(VERSIONS).after(20).bearer("an hour later", "{token}"),
            ],
        ),
        with_jobs(
            "an_id_token_is_exchanged_as_forms_and_json_have_it",
            [
                exchange(
                    "application/x-www-form-urlencoded",
                    &format!(
                        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token={good}\
                     &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"
                    ),
                ),
                exchange("application/json", &json!({ "token": good }).to_string()),
                exchange(
                    "application/x-www-form-urlencoded",
                    &format!("id_token={good}"),
                ),
                exchange(
                    "application/json; charset=utf-8",
                    &json!({ "subject_token": good }).to_string(),
                ),
                exchange(
                    "application/x-www-form-urlencoded",
                    &format!("grant_type=password&subject_token={good}"),
                ),
                exchange(
                    "application/x-www-form-urlencoded",
                    &format!("subject_token={good}&subject_token={good}"),
                ),
                exchange("application/x-www-form-urlencoded", "subject_token="),
                exchange("application/json", "{\"subject_token\":7}"),
                exchange("application/json", "[]"),
                exchange("text/plain", &"x".repeat(70_000)),
                exchange("", ""),
                ask("POST", "/v1/token").bearer("an operator's token", TOKEN),
                ask("POST", "/v1/token")
                    .bearer("another job's", &id_token(&json!({ "environment": "dev" }))),
                get("/v1/token").label("GET"),
            ],
        ),
        guarded(
            "where_no_id_token_is_taken_none_is_exchanged",
            [
                ask("POST", "/v1/token").bearer("an ID token", &good),
                get(VERSIONS).bearer("an ID token", &good),
            ],
        ),
    ]
}

fn exchange(kind: &str, body: &str) -> Ask {
    let shown: String = body.chars().take(20).collect();
    ask("POST", "/v1/token")
        .label(&format!("{kind}: {shown}"))
        .with("content-type", kind)
        .body(body.as_bytes())
}

#[expect(clippy::too_many_lines, reason = "one table")]
fn issuers() -> Vec<Scenario> {
    let job = |label: &str, kid: &str, now: i64| {
        let times = json!({ "iat": NOW + now, "nbf": NOW + now, "exp": NOW + now + 300 });
        let token = token(Signing::Rs256, &json!({ "kid": kid }), &times);
        get(VERSIONS).bearer(label, &token)
    };
    let rotated = [
        Answer::json(&id_tokens::keys("one")),
        Answer::json(&id_tokens::keys("new")),
    ];
    let flood = (0..40).map(|n| job("a made-up key", &format!("made-up-{n}"), 0));
    let later = |seconds, ask: Ask| ask.after(seconds);
    let discovered =
        |issuer: &str, keys: &str| Answer::json(&json!({ "issuer": issuer, "jwks_uri": keys }));
    let own_keys = format!("{ISSUER}/.well-known/jwks");
    let broken = |name: &str, pattern: &str, answer: Answer| {
        with_jobs(
            name,
            [
                job("a job", "one", 0),
                later(19, job("too soon", "one", 0)),
                later(1, job("again", "one", 0)),
            ],
        )
        .on(pattern, [answer])
    };
    vec![
        with_jobs(
            "a_new_key_of_an_issuer_s_is_fetched",
            [
                job("a job", "one", 0),
                job("the new key, a moment later", "new", 0),
                job("the old key", "one", 0),
                later(3599, job("an hour later, nearly", "new", 3599)),
                later(1, job("an hour later", "new", 3600)),
            ],
        )
        .on(KEYS, rotated),
        with_jobs(
            "made_up_keys_cost_one_fetch_a_minute",
            flood.chain([
                later(59, job("a minute later, nearly", "made-up", 59)),
                later(1, job("a minute later", "made-up", 60)),
                job("a good one", "one", 60),
            ]),
        ),
        with_jobs(
            "keys_outlive_their_issuer_for_a_day",
            [
                job("a job", "one", 0),
                later(3601, job("an hour later, and it fails", "one", 3601)),
                job("once more", "one", 3601),
                later(82_800, job("a day later", "one", 86_401)),
            ],
        )
        .on(
            KEYS,
            [Answer::json(&id_tokens::keys("one")), Answer::new(500, "")],
        ),
        with_jobs(
            "a_store_that_forgets_has_keys_fetched_each_time",
            [job("a job", "one", 0), job("a job", "one", 0)],
        )
        .store(StoreKind::Forgets),
        broken(
            "an_issuer_that_is_down",
            DISCOVERY,
            Answer::new(200, "").fault(Fault::Refused),
        ),
        broken("an_issuer_that_fails", DISCOVERY, Answer::new(503, "no")),
        broken(
            "an_issuer_that_redirects",
            DISCOVERY,
            Answer::redirect(302, "https://evil.example/"),
        ),
        broken(
            "an_issuer_that_is_another",
            DISCOVERY,
            discovered("https://evil.example", &own_keys),
        ),
        broken(
            "an_issuer_whose_keys_are_elsewhere",
            DISCOVERY,
            discovered(ISSUER, "https://evil.example/jwks"),
        ),
        broken(
            "an_issuer_whose_keys_are_inside",
            DISCOVERY,
            discovered(ISSUER, "http://169.254.169.254/"),
        ),
        broken(
            "an_issuer_whose_keys_are_html",
            KEYS,
            Answer::new(200, "<html>"),
        ),
        broken(
            "an_issuer_without_keys",
            KEYS,
            Answer::json(&json!({ "keys": [] })),
        ),
        broken(
            "an_issuer_with_too_many_keys",
            KEYS,
            Answer::new(200, vec![b' '; 300 << 10]),
        ),
        broken(
            "an_issuer_whose_keys_break_off",
            KEYS,
            Answer::json(&id_tokens::keys("one")).fault(Fault::Break(50)),
        ),
    ]
}

/// A job, and another one so many seconds later, when neither the issuer nor GitHub answers.
pub fn late_jobs(seconds: i64) -> Vec<Ask> {
    let job = |now: i64| {
        let times = json!({ "iat": NOW + now, "nbf": NOW + now, "exp": NOW + now + 300 });
        get(VERSIONS).bearer("a job", &id_token(&times))
    };
    let late = job(seconds).after(seconds).trouble(Trouble::Slow);
    vec![job(0), late]
}

fn direct() -> Vec<Scenario> {
    let tofu = |version: &str| {
        get(DOWNLOAD)
            .with(
                "user-agent",
                &format!("OpenTofu/{version} (+https://www.opentofu.org)"),
            )
            .bearer(&format!("OpenTofu {version}"), TOKEN)
    };
    let asks = || {
        [
            tofu("1.12.0"),
            get("{direct}").label("nothing"),
            get("{direct}").bearer("the token", TOKEN),
            get("{direct}").bearer("of another owner", LABS),
            get("{location}").label("the header's URL"),
            tofu("1.11.0"),
            get(DOWNLOAD)
                .with(
                    "user-agent",
                    "HashiCorp Terraform/1.14.0 (+https://www.terraform.io)",
                )
                .bearer("Terraform", TOKEN),
        ]
    };
    vec![
        guarded("opentofu_downloads_directly_where_it_may", asks())
            .variable("direct_download", "true"),
        guarded(
            "opentofu_does_not_download_directly_by_default",
            [tofu("1.12.0")],
        ),
        guarded(
            "where_everyone_may_read_nothing_is_direct",
            [tofu("1.12.0")],
        )
        .variable("direct_download", "true")
        .variable("anonymous_read", "true"),
    ]
}

/// Names that would be headers of their own, if anything were taken as it comes.
fn injection() -> Scenario {
    let names = [
        "v1.0.0\r\nX-Evil: 1",
        "v1.0.1%0d%0aX-Evil:%201",
        "v1.0.2\u{0}",
        "v1.0.3+\"><script>",
        "v1.0.4 ",
        "v1.0.5",
    ];
    let list: Vec<(&str, &str, &str)> = names.map(|name| (name, "commit", COMMIT)).to_vec();
    let forwarded = |name, value| {
        get(&DOWNLOAD.replace("1.2.0", "1.0.5"))
            .with(name, value)
            .bearer(value, TOKEN)
    };
    let evil = |target: &str| get(target).bearer("a token", TOKEN);
    guarded(
        "names_and_tags_do_not_become_headers",
        [
            evil(VERSIONS),
            evil("/v1/modules/acme/vpc/aws/1.0.0%0d%0aX-Evil:%201/download"),
            evil("/v1/modules/acme/vpc/aws/1.0.3+%22%3E/download"),
            evil("/v1/modules/acme/vpc%0d%0aX-Evil:%201/aws/versions"),
            forwarded("x-forwarded-host", "evil.example%0d%0aX-Evil:%201"),
            forwarded("x-forwarded-host", "evil.example/path"),
            forwarded("x-forwarded-host", "user@evil.example"),
            forwarded("x-forwarded-proto", "javascript"),
            forwarded("user-agent", "OpenTofu/1.12.0\u{9}X-Evil: 1"),
        ],
    )
    .on(TAGS, [tags(&list)])
    .variable("direct_download", "true")
}

fn configuration() -> Vec<Scenario> {
    let broken = |name: &str, variables: &[(&'static str, &str)]| {
        let asks = [
            get("/readyz"),
            get(VERSIONS),
            get("/.well-known/terraform.json"),
            ask("POST", "/v1/token"),
        ];
        let mut scenario = scenario(name, asks).variable("anonymous_read", "false");
        for (name, value) in variables {
            scenario = scenario.variable(name, value);
        }
        scenario
    };
    vec![
        broken("without_readers_nothing_is_served", &[]),
        broken(
            "an_issuer_alone_lets_nobody_in",
            &[("oidc_issuers", ISSUER), ("oidc_audience", "x")],
        ),
        broken(
            "readers_that_are_wrong_are_named",
            &[
                (
                    "tokens",
                    "ci MARKER; ok sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b owners=a.b",
                ),
                (
                    "oidc_issuers",
                    "http://MARKER.example, https://u:MARKER@x.example",
                ),
                (
                    "oidc_rules",
                    "environment=MARKER -> owners=acme; repository_id=1 -> modules=MARKER",
                ),
                ("url_signing_key", "MARKER"),
                ("url_signing_key_previous", "MARKER"),
                ("anonymous_read", "MARKER"),
                ("direct_download", "MARKER"),
            ],
        ),
        broken("an_audience_must_be_known", &[("oidc_rules", RULES)]),
        broken(
            "without_any_secret_a_signing_key_must_be_set",
            &[
                ("github_app_id", ""),
                ("github_private_key", ""),
                ("url_signing_key", ""),
                (
                    "tokens",
                    "ci sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
                ),
            ],
        ),
        guarded(
            "what_is_too_large_is_refused",
            [
                get(&format!("{VERSIONS}?{}", "x".repeat(8200))).bearer("a long query", TOKEN),
                get(VERSIONS)
                    .with("x-long", &"x".repeat(66_000))
                    .bearer("a long header", TOKEN),
            ],
        ),
    ]
}
