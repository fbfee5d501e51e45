//! What people do to variables, to the key, and to the data directory.

use landfall_host::Store;

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "a_variable_that_is_misspelt",
        seed: |it| {
            it.unset(&["tokens", "oidc_rules", "oidc_issuers"]);
            it.set("anonymous_reads", "true");
        },
        found: &[
            ("wrong", "variables", "write `anonymous_read`"),
            (
                "wrong",
                "variables",
                "set `tokens` to the second line that `landfall token new` prints, `oidc_rules` for CI jobs, or \
                 `anonymous_read` to `true` to serve modules to everyone who can reach this registry",
            ),
        ],
    },
    Case {
        name: "nobody_may_read",
        seed: |it| it.unset(&["tokens", "oidc_rules", "oidc_issuers"]),
        found: &[(
            "wrong",
            "variables",
            "set `tokens` to the second line that `landfall token new` prints, `oidc_rules` for CI jobs, or \
             `anonymous_read` to `true` to serve modules to everyone who can reach this registry",
        )],
    },
    Case {
        name: "a_file_that_others_may_read",
        seed: |it| it.file_mode = 0o644,
        found: &[("warning", "variables", "chmod g-w,o= DIR/landfall.toml")],
    },
    Case {
        name: "a_file_that_its_group_may_change",
        seed: |it| it.file_mode = 0o660,
        found: &[("warning", "variables", "chmod g-w,o= DIR/landfall.toml")],
    },
    Case {
        name: "a_file_that_its_group_may_read",
        seed: |it| it.file_mode = 0o640,
        found: &[],
    },
    Case {
        name: "variables_that_contradict",
        seed: |it| {
            it.unset(&["oidc_rules"]);
            it.set("github_token", " ");
        },
        found: &[
            ("warning", "variables", "give it its value, or take it out"),
            ("warning", "variables", "set `oidc_rules`, or take it out"),
        ],
    },
    Case {
        name: "a_key_that_is_cut_off",
        seed: |it| {
            let key = it.variables["github_private_key"].clone();
            it.set("github_private_key", &key[..1000]);
        },
        found: &[(
            "wrong",
            "private key",
            "copy all of the `.pem` file again, from `-----BEGIN` to the last `-----`, or set `github_private_key` to \
             what `base64 -w0 app.pem` prints",
        )],
    },
    Case {
        name: "a_public_key_in_place_of_the_private_one",
        seed: |it| {
            let pem = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----\n";
            it.set("github_private_key", pem);
        },
        found: &[(
            "wrong",
            "private key",
            "set `github_private_key` to the private key, the `.pem` file that GitHub gave when the key was generated; \
             where it is lost, generate another one on the App's settings page",
        )],
    },
    Case {
        name: "the_name_of_the_key_s_file",
        seed: |it| it.set("github_private_key", "/etc/landfall/app.pem"),
        found: &[(
            "wrong",
            "private key",
            "set `github_private_key` to what is in that file, from `-----BEGIN` to the end, e.g. between \"\"\" in the \
             variables file",
        )],
    },
    Case {
        name: "a_data_directory_that_cannot_be_written",
        seed: |it| it.data = it.directory.path().join("ca.pem/data"),
        found: &[("wrong", "key-value", DATA_MEND)],
    },
    Case {
        name: "a_key_value_file_that_is_damaged",
        seed: |it| std::fs::write(it.data.join("landfall.redb"), vec![7; 8192]).unwrap(),
        found: &[(
            "wrong",
            "key-value",
            "delete the file, of which GitHub knows everything",
        )],
    },
    Case {
        name: "a_data_directory_that_is_in_use",
        seed: |it| {
            let store = Store::open(&it.data).unwrap();
            it.kept.push(store);
        },
        found: &[],
    },
    Case {
        name: "everyone_may_read_what_is_private",
        seed: |it| {
            it.unset(&["tokens", "oidc_rules", "oidc_issuers"]);
            it.set("anonymous_read", "true");
        },
        found: &[(
            "warning",
            "readers",
            "set `tokens` or `oidc_rules` in its place, if not everyone may see them",
        )],
    },
    Case {
        name: "tokens_that_have_expired",
        seed: |it| {
            it.unset(&["oidc_rules", "oidc_issuers"]);
            let token = it.variables["tokens"].clone();
            it.set("tokens", &format!("{token} expires=2024-01-01"));
        },
        found: &[
            (
                "warning",
                "readers",
                "make another one with `landfall token new --name ci`, and put its entry in the place of this one in `tokens`",
            ),
            (
                "wrong",
                "readers",
                "set `tokens` to the second line that `landfall token new` prints",
            ),
        ],
    },
    Case {
        name: "an_issuer_of_another_name",
        seed: |it| {
            let issuer = it.variables["oidc_issuers"].clone();
            it.set("oidc_issuers", &format!("{issuer}/"));
        },
        found: &[(
            "wrong",
            "issuers",
            "correct `oidc_issuers`: each as its tokens name it in `iss`, to the letter; and let this machine reach it",
        )],
    },
    Case {
        name: "a_signing_key_that_is_too_short",
        seed: |it| it.set("url_signing_key", "short-key"),
        found: &[(
            "wrong",
            "variables",
            "set it to what `openssl rand -base64 32` prints",
        )],
    },
];

const DATA_MEND: &str = "make room on the disk and let the user who runs `landfall serve` write there, or name another \
                         directory with --data";
