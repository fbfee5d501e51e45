//! What is wrong with a token, and with what it may.

use std::time::{Duration, SystemTime};

use landfall_stand_in::fixture::Repository;
use landfall_stand_in::{Fault, FaultKind, PersonalToken};

use crate::Case;
use crate::clinic::{Clinic, SECRETS};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "a_token_that_has_expired",
        seed: Clinic::with_token,
        found: &[(
            "wrong",
            "token",
            "set `github_token` to one that is valid, or better, use a GitHub App",
        )],
    },
    Case {
        name: "a_refusal_that_repeats_the_token",
        seed: |it| {
            it.with_token();
            let body = format!(
                r#"{{"message":"no user with\r\n{} and ghs_16C7e42F292c6912E7710c838347Ae178B4a"}}"#,
                SECRETS[2]
            );
            it.github.add_fault(Fault::api(
                "/rate_limit",
                FaultKind::Answer {
                    status: 401,
                    headers: [
                        ("x-github-request-id".to_owned(), "1".to_owned()),
                        (
                            "date".to_owned(),
                            "Thu, 01 Jan 2026 00:00:00 GMT".to_owned(),
                        ),
                    ]
                    .into(),
                    body,
                },
            ));
        },
        found: &[(
            "wrong",
            "token",
            "set `github_token` to one that is valid, or better, use a GitHub App",
        )],
    },
    Case {
        name: "a_token_that_may_too_much_and_ends_soon",
        seed: |it| {
            it.with_token();
            it.github
                .add_personal_token(SECRETS[2], PersonalToken::default());
            let ends =
                humantime::format_rfc3339_seconds(SystemTime::now() + Duration::from_hours(97))
                    .to_string();
            let headers = [
                ("x-github-request-id".to_owned(), "1".to_owned()),
                ("x-oauth-scopes".to_owned(), "admin:org, repo".to_owned()),
                (
                    "github-authentication-token-expiration".to_owned(),
                    ends.replace('T', " ").replace('Z', " UTC"),
                ),
            ];
            it.github.add_fault(Fault::api(
                "/rate_limit",
                FaultKind::Answer {
                    status: 200,
                    headers: headers.into(),
                    body: "{}".to_owned(),
                },
            ));
        },
        found: &[
            (
                "warning",
                "token",
                "use a fine-grained token with Contents: read, or a GitHub App",
            ),
            (
                "warning",
                "token",
                "generate another one, or use a GitHub App, whose key does not expire",
            ),
        ],
    },
    Case {
        name: "a_token_without_single_sign_on",
        seed: |it| {
            it.with_token();
            it.github
                .add_personal_token(SECRETS[2], PersonalToken::default());
            let headers = [(
                "x-github-sso".to_owned(),
                "required; url=https://github.com/orgs/labs/sso?authorization_request=SECRET"
                    .to_owned(),
            )];
            let body =
                r#"{"message":"Resource protected by organization SAML enforcement."}"#.to_owned();
            it.github.add_fault(Fault::api(
                "/orgs/labs/repos",
                FaultKind::Answer {
                    status: 403,
                    headers: headers.into(),
                    body,
                },
            ));
        },
        found: &[(
            "wrong",
            "token",
            "authorise the token for the organisation with `Configure SSO` in the list of your tokens, or use a GitHub App",
        )],
    },
    Case {
        name: "nobody_s_credential",
        seed: |it| {
            it.unset(&["github_app_id", "github_private_key", "webhook_secret"]);
            let repository = Repository::new(it.repositories.path(), "open", "terraform-aws-vpc");
            repository
                .public()
                .file("main.tf", "")
                .commit("Begin")
                .tag("v1.0.0")
                .build()
                .unwrap();
            it.set("allowed_owners", "open");
        },
        found: &[(
            "warning",
            "token",
            "set `github_app_id` and `github_private_key`",
        )],
    },
    Case {
        name: "a_limit_that_is_all_but_used_up",
        seed: |it| {
            assert!(it.github.set_used("acme", 4_900));
        },
        found: &[(
            "warning",
            "rate limit",
            "wait 60 minutes, and look for who else uses this credential",
        )],
    },
];
