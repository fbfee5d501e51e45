//! What is wrong in front of the registry.

use std::sync::{Arc, OnceLock};

use crate::Case;
use crate::front::{page, registry};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "a_public_address_that_is_not_https",
        seed: |it| {
            it.set("base_url", "http://modules.example.com");
            it.profile(|_| {});
        },
        found: &[(
            "wrong",
            "public address",
            "put a proxy with TLS in front, and write https://modules.example.com in `base_url`",
        )],
    },
    Case {
        name: "a_public_address_with_a_password",
        seed: |it| {
            it.unset(&["oidc_rules", "oidc_issuers"]);
            it.set("base_url", "https://ada:SECRET@modules.example.com");
        },
        found: &[
            (
                "wrong",
                "variables",
                "write e.g. `https://modules.example.com`",
            ),
            (
                "wrong",
                "public address",
                "take the name and password out of it",
            ),
        ],
    },
    Case {
        name: "a_url_with_a_password",
        seed: |it| {
            it.unset(&["oidc_rules", "oidc_issuers", "base_url"]);
            it.profile(|it| it.hook.url = None);
            it.flags = ["--url", "https://ada:SECRET@modules.example.com"]
                .map(str::to_owned)
                .to_vec();
        },
        found: &[
            (
                "warning",
                "webhook",
                "set the webhook's URL in the App's settings to https://YOUR-HOST/webhooks/github, or take `webhook_secret` out",
            ),
            (
                "warning",
                "public address",
                "set `base_url` to the https URL that clients reach the registry by",
            ),
            (
                "wrong",
                "public address",
                "take the name and password out of it",
            ),
        ],
    },
    Case {
        name: "a_public_address_that_is_somebody_else_s",
        seed: |it| it.reached_through("localhost", 2100, |_| page(200)),
        found: &[(
            "wrong",
            "discovery",
            "correct `base_url`, or let what is in front of Landfall pass all paths on to it",
        )],
    },
    Case {
        name: "a_public_address_that_wants_a_sign_in",
        seed: |it| {
            let location = "https://sso.example.com/start?state=SECRET".to_owned();
            it.reached_through("localhost", 2100, move |_| {
                (302, vec![("location", location.clone())], String::new())
            });
        },
        found: &[(
            "wrong",
            "discovery",
            "let what is in front of Landfall pass /.well-known/terraform.json on, without a redirect or a sign-in",
        )],
    },
    Case {
        name: "a_public_address_in_front_of_nothing",
        seed: |it| it.reached_through("localhost", 2100, |_| page(502)),
        found: &[(
            "wrong",
            "discovery",
            "start Landfall behind it, and let it pass all paths on",
        )],
    },
    Case {
        name: "a_public_address_with_a_path",
        seed: |it| {
            it.reached_through("localhost", 2100, |path| {
                match path.strip_prefix("/registry") {
                    Some(path) => registry(path),
                    None => page(404),
                }
            });
            let url = format!("{}/registry", it.variables["base_url"]);
            it.set("base_url", &url);
            it.profile(|_| {});
        },
        found: &[(
            "wrong",
            "discovery",
            "clients ask the host's root, whatever the path in `base_url`: let /.well-known/terraform.json and /v1/ there \
             lead to Landfall, too",
        )],
    },
    Case {
        name: "a_proxy_that_changes_the_content_type",
        seed: |it| {
            it.reached_through("localhost", 2100, |path| {
                let (status, _, body) = registry(path);
                (
                    status,
                    vec![("content-type", "application/octet-stream".to_owned())],
                    body,
                )
            });
        },
        found: &[(
            "wrong",
            "discovery",
            "let what is in front of Landfall leave `Content-Type` as it is",
        )],
    },
    Case {
        name: "a_certificate_for_another_name",
        seed: |it| it.reached_through("modules.example.com", 2100, registry),
        found: &[(
            "wrong",
            "public address",
            "correct `base_url`, or give localhost a certificate of its own",
        )],
    },
    Case {
        name: "a_certificate_that_has_expired",
        seed: |it| it.reached_through("localhost", 2024, registry),
        found: &[(
            "wrong",
            "public address",
            "renew the certificate of localhost",
        )],
    },
    Case {
        name: "a_public_address_that_is_not_known",
        seed: |it| {
            it.unset(&["oidc_rules", "oidc_issuers", "webhook_secret", "base_url"]);
            it.profile(|it| it.hook.url = None);
        },
        found: &[(
            "warning",
            "public address",
            "set `base_url` to the https URL that clients reach the registry by",
        )],
    },
    Case {
        name: "a_proxy_that_says_how_it_was_reached",
        seed: |it| {
            it.unset(&["tokens", "oidc_rules", "oidc_issuers", "webhook_secret"]);
            it.set("anonymous_read", "true");
            let port = Arc::new(OnceLock::<String>::new());
            let own = Arc::clone(&port);
            it.reached_through("localhost", 2100, move |path| match path {
                "/v1/modules/acme/vpc/aws/1.1.0/download" => {
                    let own = own.get().cloned().unwrap_or_default();
                    let location = format!("{own}/archive/acme/vpc/aws/1.1.0/x.zip");
                    (204, vec![("x-terraform-get", location)], String::new())
                }
                path => registry(path),
            });
            it.profile(|it| it.hook.url = None);
            let url = it.variables.remove("base_url").unwrap();
            port.set(url.clone()).unwrap();
            it.flags = vec!["--url".to_owned(), url];
        },
        found: &[
            (
                "warning",
                "readers",
                "set `tokens` or `oidc_rules` in its place, if not everyone may see them",
            ),
            (
                "warning",
                "public address",
                "set `base_url` to the https URL that clients reach the registry by",
            ),
        ],
    },
    Case {
        name: "a_proxy_that_does_not_say_how_it_was_reached",
        seed: |it| {
            it.unset(&["tokens", "oidc_rules", "oidc_issuers", "webhook_secret"]);
            it.set("anonymous_read", "true");
            it.reached_through("localhost", 2100, |path| match path {
                "/v1/modules/acme/vpc/aws/1.1.0/download" => {
                    let location =
                        "http://10.0.0.7:3000/archive/acme/vpc/aws/1.1.0/x.zip".to_owned();
                    (204, vec![("x-terraform-get", location)], String::new())
                }
                path => registry(path),
            });
            it.profile(|it| it.hook.url = None);
            let url = it.variables.remove("base_url").unwrap();
            it.flags = vec!["--url".to_owned(), url];
        },
        found: &[
            (
                "warning",
                "readers",
                "set `tokens` or `oidc_rules` in its place, if not everyone may see them",
            ),
            (
                "warning",
                "public address",
                "set `base_url` to the https URL that clients reach the registry by",
            ),
            (
                "wrong",
                "forwarding",
                "set `base_url` to https://BASE, or let the proxy pass `X-Forwarded-Host` and `X-Forwarded-Proto` on",
            ),
        ],
    },
];
