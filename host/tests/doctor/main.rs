//! `landfall doctor` against the stand-in's GitHub: a sound configuration, and one after the other everything that people do to it.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod clinic;
mod configuration;
mod credentials;
mod front;
mod github;
mod modules;
mod public_address;

use std::process::Command;
use std::sync::Mutex;

use landfall_host::Store;

use crate::clinic::{Clinic, Examined, SECRETS};

/// What is made wrong, and what has to be said of it: outcome, check, and the mend. Nothing else may be found wrong, or be warned of.
struct Case {
    name: &'static str,
    seed: fn(&mut Clinic),
    found: &'static [(&'static str, &'static str, &'static str)],
}

#[test]
fn each_thing_that_is_wrong_is_found_and_nothing_else() {
    let cases = [
        configuration::CASES,
        github::CASES,
        credentials::CASES,
        modules::CASES,
        public_address::CASES,
    ];
    let next = Mutex::new(cases.into_iter().flatten());
    let failures: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut failures = Vec::new();
                    loop {
                        let case = next.lock().unwrap().next();
                        let Some(case) = case else {
                            return failures;
                        };
                        let result = std::panic::catch_unwind(|| examine(case));
                        if result.is_err() {
                            failures.push(case.name.to_owned());
                        }
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|it| it.join().unwrap())
            .collect()
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

fn examine(case: &Case) {
    let mut clinic = Clinic::sound();
    (case.seed)(&mut clinic);
    let examined = clinic.examine();
    let Examined {
        text, json, code, ..
    } = &examined;
    insta::assert_snapshot!(case.name, text);
    let text_of = |finding: &serde_json::Value, name: &str| {
        let text = finding[name].as_str().unwrap_or_default();
        // Installations have pages of their own.
        match text.split_once("https://github.com/organizations/") {
            Some((before, _)) => format!("{before}PAGE"),
            None => text.to_owned(),
        }
    };
    let found: Vec<_> = json["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| ["outcome", "check", "mend"].map(|name| text_of(it, name)))
        .filter(|[outcome, _, _]| ["warning", "wrong"].contains(&outcome.as_str()))
        .collect();
    let expected: Vec<_> = case
        .found
        .iter()
        .map(|(a, b, c)| [a, b, c].map(|it| (*it).to_owned()))
        .collect();
    assert_eq!(found, expected, "{}\n{text}", case.name);
    let is_ok = case.found.iter().all(|(outcome, _, _)| *outcome != "wrong");
    assert_eq!(
        (*code, &json["ok"]),
        (i32::from(!is_ok), &is_ok.into()),
        "{}\n{text}",
        case.name
    );
    assert_no_secret(&clinic, &examined);
}

fn assert_no_secret(clinic: &Clinic, examined: &Examined) {
    let key = clinic
        .github
        .private_key_pem()
        .lines()
        .filter(|it| !it.starts_with('-'));
    let configured = clinic
        .variables
        .get("github_private_key")
        .map(String::as_str)
        .unwrap_or_default();
    let configured = configured
        .lines()
        .filter(|it| it.len() > 20 && !it.starts_with('-'));
    let configured = configured.filter(|it| !it.contains(".pem"));
    for secret in SECRETS
        .into_iter()
        .chain(["SECRET", "short-key"])
        .chain(key)
        .chain(configured)
    {
        assert!(
            !examined.output.contains(secret),
            "{secret}\n{}",
            examined.output
        );
    }
}

#[test]
fn a_sound_configuration_is_all_right() {
    let clinic = Clinic::sound();
    let examined = clinic.examine();
    insta::assert_snapshot!("a_sound_configuration", examined.text);
    insta::assert_snapshot!(
        "a_sound_configuration_as_json",
        serde_json::to_string_pretty(&examined.json).unwrap()
    );
    assert!(
        examined.text.lines().all(|it| it.starts_with("ok ")),
        "{}",
        examined.text
    );
    assert_eq!((examined.code, &examined.json["ok"]), (0, &true.into()));
    let lines = examined.text.lines().count();
    assert_eq!(examined.json["checks"].as_array().unwrap().len(), lines);
    assert_no_secret(&clinic, &examined);
    assert_eq!(clinic.github.counts().leaks, 0);
    // It is serve's directory: nothing stays behind in it.
    let store = Store::open(&clinic.data).unwrap();
    assert_eq!(store.keys().unwrap(), [""; 0]);
}

#[test]
fn a_data_directory_is_not_made() {
    let mut clinic = Clinic::sound();
    clinic.data = clinic.directory.path().join("new/data");
    let examined = clinic.examine();
    assert_eq!(examined.code, 0, "{}", examined.text);
    assert!(
        examined.text.contains("it is new, and can be written"),
        "{}",
        examined.text
    );
    assert!(!clinic.directory.path().join("new").exists());
}

#[test]
fn bad_flags_and_variables_that_cannot_be_read_are_2() {
    for flags in [
        &["--module", "acme/vpc"][..],
        &["--variables-file", "/nowhere/landfall.toml"],
        &["--variable", "BaseUrl=x"],
        &["--nonsense"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        let output = command
            .env_clear()
            .arg("doctor")
            .args(flags)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}
