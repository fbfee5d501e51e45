//! A sound configuration with a GitHub, a data directory and a public address of its own, and what `landfall doctor` says of it once
//! something was made wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use landfall_host::Store;
use landfall_stand_in::fixture::Repository;
use landfall_stand_in::{Hook, Installation, Profile, StandIn, StandInConfig};
use serde_json::Value;
use tempfile::TempDir;

use crate::front::{Answer, Ca, Front, registry};

/// What must never be printed, beside the App's key.
pub(crate) const SECRETS: [&str; 5] = [
    "hook-secret-0123456789",
    "signing-key-0123456789",
    "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
    "ghs_",
    "eyJ",
];

/// A patient of `landfall doctor`.
pub(crate) struct Clinic {
    pub(crate) github: StandIn,
    pub(crate) repositories: TempDir,
    pub(crate) directory: TempDir,
    pub(crate) ca: Ca,
    /// In the variables file.
    pub(crate) variables: BTreeMap<&'static str, String>,
    /// Beside it.
    pub(crate) flags: Vec<String>,
    pub(crate) data: PathBuf,
    pub(crate) file_mode: u32,
    /// What has to stay as long as the patient does.
    pub(crate) kept: Vec<Store>,
    /// What differs from one run to the next, and what is written in its place.
    names: Vec<(String, &'static str)>,
}

/// What was said.
pub(crate) struct Examined {
    pub(crate) text: String,
    pub(crate) json: Value,
    pub(crate) code: i32,
    /// All that was printed.
    pub(crate) output: String,
}

impl Clinic {
    /// All is right.
    pub(crate) fn sound() -> Self {
        let repositories = TempDir::new().unwrap();
        let directory = TempDir::new().unwrap();
        let github = StandIn::start(StandInConfig {
            repositories: Some(repositories.path().to_owned()),
            ..StandInConfig::default()
        })
        .unwrap();
        let ca = Ca::new("Landfall tests");
        fs::write(directory.path().join("ca.pem"), &ca.pem).unwrap();
        let data = directory.path().join("data");
        drop(Store::open(&data).unwrap());
        let mut clinic = Self {
            variables: BTreeMap::from([
                ("allowed_owners", "acme labs".to_owned()),
                ("github_api_url", github.api_url().to_owned()),
                ("github_archive_hosts", github.archive_origin().to_owned()),
                ("github_app_id", github.app_id().to_string()),
                ("github_private_key", github.private_key_pem().to_owned()),
                ("tokens", format!("ci sha256:{}", "5".repeat(64))),
                (
                    "oidc_rules",
                    "repository_owner_id=42 -> owners=acme".to_owned(),
                ),
                ("oidc_issuers", github.oidc_issuer()),
                ("webhook_secret", SECRETS[0].to_owned()),
                ("url_signing_key", SECRETS[1].to_owned()),
            ]),
            names: vec![
                (github.api_url().to_owned(), "http://API"),
                (github.api_url().replace("http://", ""), "API"),
                (github.archive_origin().to_owned(), "ARCHIVES"),
                (directory.path().display().to_string(), "DIR"),
            ],
            github,
            repositories,
            directory,
            ca,
            flags: Vec::new(),
            data,
            file_mode: 0o600,
            kept: Vec::new(),
        };
        clinic.publish("acme", "terraform-aws-vpc", &["v1.0.0", "v1.1.0"]);
        clinic.publish("labs", "terraform-aws-dns", &["v0.1.0"]);
        clinic.github.install("acme", Installation::default());
        clinic.github.install("labs", Installation::default());
        clinic.reached_through("localhost", 2100, registry);
        clinic
    }

    /// A repository with these tags.
    pub(crate) fn publish(&self, owner: &str, name: &str, tags: &[&str]) {
        let repository = Repository::new(self.repositories.path(), owner, name);
        let repository = repository
            .file("main.tf", "output \"it\" {\n  value = 1\n}\n")
            .commit("Begin");
        let repository = tags.iter().fold(repository, |it, tag| it.tag(tag));
        repository.build().unwrap();
    }

    /// The public address, and the App's webhook leads there.
    pub(crate) fn reached_through(
        &mut self,
        name: &str,
        last_year: i32,
        answer: impl Fn(&str) -> Answer + Send + 'static,
    ) {
        let front = Front::start(&self.ca, name, last_year, answer);
        self.set("base_url", &front.url());
        self.name(&front.url(), "https://BASE");
        self.name(
            &front.url().replace("https://localhost", "127.0.0.1"),
            "BASE",
        );
        self.name(&front.url().replace("https://", ""), "BASE");
        self.profile(|profile| profile.hook.url = Some(format!("{}/webhooks/github", front.url())));
    }

    /// What the App says of itself, which is right but for this.
    pub(crate) fn profile(&self, change: impl FnOnce(&mut Profile)) {
        let url = self
            .variables
            .get("base_url")
            .map(|it| format!("{it}/webhooks/github"));
        let events = ["create", "delete", "push", "release", "repository"];
        let mut profile = Profile {
            events: events.map(str::to_owned).to_vec(),
            hook: Hook {
                url,
                has_secret: true,
                ..Hook::default()
            },
            ..Profile::default()
        };
        change(&mut profile);
        self.github.set_profile(profile);
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.variables.insert(name, value.to_owned());
    }

    pub(crate) fn unset(&mut self, names: &[&str]) {
        self.variables.retain(|name, _| !names.contains(name));
    }

    /// A token in the App's place.
    pub(crate) fn with_token(&mut self) {
        self.unset(&["github_app_id", "github_private_key", "webhook_secret"]);
        self.set("github_token", SECRETS[2]);
    }

    /// Writes this down in place of what differs from one run to the next.
    pub(crate) fn name(&mut self, text: &str, name: &'static str) {
        self.names.insert(0, (text.to_owned(), name));
    }

    /// Runs `landfall doctor`, once for each form.
    pub(crate) fn examine(&self) -> Examined {
        let file = self.directory.path().join("landfall.toml");
        let values = self.variables.iter();
        let table: toml::Table = values
            .map(|(name, value)| ((*name).to_owned(), toml::Value::from(value.clone())))
            .collect();
        let lines: Vec<String> = table
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        fs::write(&file, lines.join("\n")).unwrap();
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&file, fs::Permissions::from_mode(self.file_mode)).unwrap();
        }
        let run = |more: &[&str]| {
            Command::new(env!("CARGO_BIN_EXE_landfall"))
                .env_clear()
                .env("SSL_CERT_FILE", self.directory.path().join("ca.pem"))
                .arg("doctor")
                .arg("--variables-file")
                .arg(&file)
                .arg("--data")
                .arg(&self.data)
                .args(&self.flags)
                .args(more)
                .output()
                .unwrap()
        };
        let (text, json) = (run(&[]), run(&["--json"]));
        let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(text.status, json.status);
        assert_eq!(said(&text.stderr) + &said(&json.stderr), "");
        let output = said(&text.stdout) + &said(&json.stdout);
        Examined {
            text: self.neutral(&said(&text.stdout)),
            json: serde_json::from_str(&self.neutral(&said(&json.stdout))).unwrap(),
            code: text.status.code().unwrap(),
            output,
        }
    }

    /// Without what differs from one run to the next.
    fn neutral(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, name) in &self.names {
            text = text.replace(found, name);
        }
        for skew in ["599 s", "601 s", "119 s", "121 s"] {
            text = text.replace(
                skew,
                if skew.len() == 5 && skew.starts_with('1') {
                    "120 s"
                } else {
                    "600 s"
                },
            );
        }
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        for at in 1..words.len() {
            if ["ms", "s to begin"]
                .iter()
                .any(|unit| words[at..].join(" ").starts_with(unit))
                && words[at - 1]
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
            {
                "N".clone_into(&mut words[at - 1]);
            }
        }
        without_reason(&words.join(" "))
    }
}

/// Each system has its own words for a name that leads nowhere.
fn without_reason(text: &str) -> String {
    const NOWHERE: &str = "its name leads nowhere: ";
    match text.split_once(NOWHERE) {
        None => text.to_owned(),
        Some((before, after)) => {
            let end = after.find("; ").or_else(|| after.find('"')).unwrap();
            format!("{before}{NOWHERE}REASON{}", &after[end..])
        }
    }
}
