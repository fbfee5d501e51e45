//! What is wrong with the way to GitHub, and with the App there.

use std::collections::BTreeSet;
use std::net::TcpListener;

use landfall_stand_in::{Fault, FaultKind, Installation, Knobs, Selection};

use crate::Case;
use crate::front::{Ca, Front, registry};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "a_key_of_another_app",
        seed: |it| {
            let other = include_str!("../../../stand-in/test-only-oidc-key-1.pem");
            it.set("github_private_key", other);
        },
        found: &[(
            "wrong",
            "app",
            "generate a private key on the settings page of the App that `github_app_id` names, and set \
             `github_private_key` to it; the one that is set is of another App, or was deleted there",
        )],
    },
    Case {
        name: "the_id_of_another_app",
        seed: |it| it.set("github_app_id", "1002"),
        found: &[(
            "wrong",
            "app",
            "set `github_app_id` to the App ID or the client ID on the App's settings page; the installation's id, which \
             stands in URLs, is another",
        )],
    },
    Case {
        name: "permissions_that_are_too_small",
        seed: |it| {
            let metadata = [("metadata".to_owned(), "read".to_owned())];
            it.profile(|profile| profile.permissions = metadata.clone().into());
            let permissions = metadata.into();
            let small = Installation {
                permissions,
                ..Installation::default()
            };
            it.github.install("acme", small.clone());
            it.github.install("labs", small);
        },
        found: &[
            (
                "wrong",
                "app",
                "give it `Contents` and `Metadata`, read-only, under Permissions in its settings, and let each owner accept \
                 that",
            ),
            (
                "wrong",
                "installation",
                "give them to the App in its settings, and accept them at PAGE",
            ),
            (
                "wrong",
                "installation",
                "give them to the App in its settings, and accept them at PAGE",
            ),
        ],
    },
    Case {
        name: "permissions_that_are_too_large",
        seed: |it| {
            let of = |name: &str, level: &str| (name.to_owned(), level.to_owned());
            let permissions = [
                of("contents", "write"),
                of("metadata", "read"),
                of("issues", "read"),
            ];
            it.profile(|profile| profile.permissions = permissions.clone().into());
            let large = Installation {
                permissions: permissions.into(),
                ..Installation::default()
            };
            it.github.install("acme", large.clone());
            it.github.install("labs", large);
        },
        found: &[(
            "warning",
            "app",
            "leave it `Contents` and `Metadata`, read-only, and take everything else from it",
        )],
    },
    Case {
        name: "permissions_that_an_owner_has_not_accepted",
        seed: |it| {
            let permissions = [("metadata".to_owned(), "read".to_owned())].into();
            it.github.install(
                "labs",
                Installation {
                    permissions,
                    ..Installation::default()
                },
            );
        },
        found: &[(
            "wrong",
            "installation",
            "accept the App's new permissions at PAGE",
        )],
    },
    Case {
        name: "a_webhook_that_goes_elsewhere",
        seed: |it| {
            it.profile(|it| {
                it.hook.url = Some("https://old.example.com/webhooks/github".to_owned());
            });
        },
        found: &[(
            "warning",
            "webhook",
            "set the webhook's URL in the App's settings to https://BASE/webhooks/github",
        )],
    },
    Case {
        name: "a_webhook_without_events",
        seed: |it| it.profile(|it| it.events = vec!["push".to_owned()]),
        found: &[(
            "warning",
            "webhook",
            "subscribe to these events in the App's settings, under Permissions & events",
        )],
    },
    Case {
        name: "a_webhook_without_a_secret",
        seed: |it| it.profile(|it| it.hook.has_secret = false),
        found: &[(
            "warning",
            "webhook",
            "set the webhook's secret in the App's settings to that of `webhook_secret`",
        )],
    },
    Case {
        name: "an_app_that_is_not_installed_on_one_of_two_owners",
        seed: |it| it.github.uninstall("labs"),
        found: &[(
            "wrong",
            "installation",
            "install it at https://github.com/apps/landfall-stand-in/installations/new, or take labs out of \
             `allowed_owners`",
        )],
    },
    Case {
        name: "an_owner_with_a_typo",
        seed: |it| it.set("allowed_owners", "acme labbs"),
        found: &[(
            "wrong",
            "installation",
            "write labs in `allowed_owners`, on which the App is installed",
        )],
    },
    Case {
        name: "an_owner_that_nobody_is",
        seed: |it| it.set("allowed_owners", "acme umbrella"),
        found: &[(
            "wrong",
            "installation",
            "correct its name in `allowed_owners`, or take it out",
        )],
    },
    Case {
        name: "an_installation_that_is_suspended",
        seed: |it| {
            it.github.install(
                "acme",
                Installation {
                    suspended: true,
                    ..Installation::default()
                },
            );
        },
        found: &[("wrong", "installation", "unsuspend it at PAGE")],
    },
    Case {
        name: "an_installation_of_another_owner",
        seed: |it| {
            let id = it.github.install("acme", Installation::default());
            it.set("github_installation_id", &id.to_string());
            it.name(
                &format!("`github_installation_id` {id} "),
                "`github_installation_id` ID ",
            );
        },
        found: &[(
            "wrong",
            "installation",
            "take `github_installation_id` out, and each owner's is found",
        )],
    },
    Case {
        name: "an_installation_without_repositories",
        seed: |it| {
            let repositories = Selection::Only(BTreeSet::new());
            it.github.install(
                "labs",
                Installation {
                    repositories,
                    ..Installation::default()
                },
            );
        },
        found: &[(
            "wrong",
            "token",
            "select the repositories that are modules in the App's installation there",
        )],
    },
    Case {
        name: "a_clock_that_is_ten_minutes_ahead",
        seed: |it| {
            it.github.set_knobs(Knobs {
                clock_offset_seconds: -600,
                ..Knobs::default()
            });
        },
        found: &[("wrong", "clock", "let NTP set this machine's clock")],
    },
    Case {
        name: "a_clock_that_is_two_minutes_ahead",
        seed: |it| {
            it.github.set_knobs(Knobs {
                clock_offset_seconds: -120,
                ..Knobs::default()
            });
        },
        found: &[("warning", "clock", "let NTP set this machine's clock")],
    },
    Case {
        name: "a_clock_that_is_two_minutes_behind",
        seed: |it| {
            it.github.set_knobs(Knobs {
                clock_offset_seconds: 120,
                ..Knobs::default()
            });
        },
        found: &[("wrong", "clock", "let NTP set this machine's clock")],
    },
    Case {
        name: "an_api_that_refuses_connections",
        seed: |it| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            it.set("github_api_url", &format!("http://{address}"));
            it.name(&address, "CLOSED");
        },
        found: &[(
            "wrong",
            "connection",
            "correct `github_api_url`, or let this machine reach CLOSED",
        )],
    },
    Case {
        name: "an_api_whose_name_leads_nowhere",
        seed: |it| it.set("github_api_url", "https://github.invalid"),
        found: &[(
            "wrong",
            "connection",
            "correct `github_api_url`, or let DNS on this machine know github.invalid",
        )],
    },
    Case {
        name: "an_api_that_answers_html",
        seed: |it| {
            it.github
                .add_fault(Fault::api("/rate_limit", FaultKind::Html));
        },
        found: &[("wrong", "api", API_MEND)],
    },
    Case {
        name: "an_api_without_its_path",
        seed: |it| {
            let page = FaultKind::Failure {
                status: 404,
                html: true,
            };
            it.github.add_fault(Fault::api("/rate_limit", page));
        },
        found: &[("wrong", "api", API_MEND)],
    },
    Case {
        name: "an_api_that_is_down",
        seed: |it| {
            it.github
                .add_fault(Fault::api("/rate_limit", FaultKind::BadGateway));
        },
        found: &[(
            "wrong",
            "api",
            "try again later; https://www.githubstatus.com says how GitHub is",
        )],
    },
    Case {
        name: "an_api_of_an_unknown_ca",
        seed: |it| {
            let other = Front::start(&Ca::new("Other CA"), "localhost", 2100, registry);
            it.set("github_api_url", &other.url());
            it.name(&other.url().replace("https://", ""), "OTHER");
        },
        found: &[(
            "wrong",
            "connection",
            "set SSL_CERT_FILE to a PEM file of the CA of localhost, for doctor and for serve",
        )],
    },
    Case {
        name: "an_api_of_a_ca_that_was_made_anew",
        seed: |it| {
            let anew = Ca::new("Landfall tests");
            let other = Front::start(&anew, "localhost", 2100, registry);
            it.set("github_api_url", &other.url());
            it.name(&other.url().replace("https://", ""), "OTHER");
        },
        found: &[(
            "wrong",
            "connection",
            "set SSL_CERT_FILE to a PEM file of the CA of localhost, for doctor and for serve",
        )],
    },
    Case {
        name: "an_api_that_goes_silent",
        seed: |it| it.github.add_fault(Fault::api("/app", FaultKind::Silence)),
        found: &[(
            "wrong",
            "app",
            "try again in a minute; https://www.githubstatus.com says how GitHub is",
        )],
    },
    Case {
        name: "an_api_that_is_slow",
        seed: |it| {
            let slow = FaultKind::Delay {
                milliseconds: 5_300,
            };
            it.github.add_fault(Fault::api("/app", slow));
        },
        found: &[(
            "warning",
            "response time",
            "look for what slows the way there: Terraform waits 10 s for an answer that needs several of GitHub's",
        )],
    },
];

const API_MEND: &str = "correct `github_api_url`: https://api.github.com, https://HOST/api/v3 of a GitHub Enterprise Server, or \
                        https://api.SUB.ghe.com; or let what is in between pass GitHub's answers on";
