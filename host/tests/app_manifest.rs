//! `landfall app-manifest`: what goes to stdout, to GitHub, and into the file that only its owner reads.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails fails its test, as in a test"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::thread::JoinHandle;

const KEY: &str =
    "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0LWtleQ==\n-----END RSA PRIVATE KEY-----\n";

/// The program without this process's environment.
fn app_manifest(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_landfall"))
        .env_clear()
        .args(["app-manifest", "--owner", "acme"])
        .args(arguments)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Answers one request, and gives what was asked.
fn github(status: &'static str, answer: String) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut buffer = [0; 1024];
        while !asked.ends_with(b"\r\n\r\n") {
            let length = stream.read(&mut buffer).unwrap();
            assert_ne!(length, 0);
            asked.extend(buffer.iter().take(length));
        }
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{answer}"
        )
        .unwrap();
        String::from_utf8(asked).unwrap()
    });
    (url, asked)
}

fn redeem(url: &str, code: &str, out: &Path) -> Output {
    app_manifest(&[
        "--url",
        "https://modules.example.com",
        "--webhook",
        "--github-url",
        url,
        "--code",
        code,
        "--out",
        out.to_str().unwrap(),
    ])
}

#[test]
fn stdout_is_the_manifest_and_stderr_has_the_link() {
    let output = app_manifest(&["--url", "https://modules.example.com"]);
    assert!(output.status.success());
    let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let permissions = serde_json::json!({"contents": "read", "metadata": "read"});
    assert_eq!(manifest.get("default_permissions"), Some(&permissions));
    let said = stderr(&output);
    assert!(
        said.contains(
            "https://github.com/organizations/acme/settings/apps/new?name=landfall-acme&"
        ),
        "{said}"
    );
    assert!(said.contains("\n2. Press \"Create GitHub App\""), "{said}");
}

#[test]
fn the_page_is_a_file_that_says_what_is_next() {
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("app.html");
    let output = app_manifest(&[
        "--url",
        "http://127.0.0.1:3000",
        "--html",
        page.to_str().unwrap(),
    ]);
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(stderr(&output).contains("http://127.0.0.1:3000?code=CODE"));
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains(
        "<form action=\"https://github.com/organizations/acme/settings/apps/new\" method=\"post\">"
    ));

    // What is there already may be anything, and stays.
    std::fs::write(&page, "mine").unwrap();
    let output = app_manifest(&[
        "--url",
        "http://127.0.0.1:3000",
        "--html",
        page.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--html takes a file that does not exist yet"));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "mine");
}

#[test]
fn a_key_that_cannot_be_written_can_be_had_again() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("landfall.toml");
    let answer = serde_json::json!({
        "id": 77, "html_url": "https://github.com/apps/landfall-acme", "pem": KEY, "webhook_secret": "hook-secret",
    });
    let (url, asked) = github("201 Created", answer.to_string());
    // A disk without room.
    let output = Command::new("/bin/sh")
        .env_clear()
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
        .args([env!("CARGO_BIN_EXE_landfall"), "app-manifest"])
        .args(["--owner", "acme", "--url", "https://modules.example.com"])
        .args(["--github-url", &url, "--code", "a180b1", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    asked.join().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("the App is registered") && said.contains("generate a key"),
        "{said}"
    );
    assert!(!said.contains("c2Vj") && !out.exists());
}

#[test]
fn a_code_becomes_a_file_that_only_its_owner_reads() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("landfall.toml");
    let answer = serde_json::json!({
        "id": 77, "html_url": "https://github.com/apps/landfall-acme", "pem": KEY, "webhook_secret": "hook-secret",
    });
    let (url, asked) = github("201 Created", answer.to_string());
    let output = redeem(&url, "a180b1", &out);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        asked
            .join()
            .unwrap()
            .starts_with("POST /api/v3/app-manifests/a180b1/conversions HTTP/1.1\r\n")
    );
    assert!(
        said.contains("https://github.com/apps/landfall-acme/installations/new"),
        "{said}"
    );
    assert!(!said.contains("c2Vj") && !said.contains("hook-secret") && output.stdout.is_empty());
    let mode = std::fs::metadata(&out).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = std::fs::read_to_string(&out).unwrap();
    assert!(written.contains("c2VjcmV0LWtleQ==") && written.contains("hook-secret"));

    // There already: the code is not used up, and nothing is written over.
    let output = redeem("http://127.0.0.1:9", "a180b1", &out);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("does not exist yet"));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), written);
}

#[test]
fn a_code_that_is_over_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("landfall.toml");
    let (url, asked) = github("404 Not Found", "{}".to_owned());
    let output = redeem(&url, "a180b1", &out);
    asked.join().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("good for an hour and once"));
    assert!(!out.exists());
}

#[test]
fn flags_that_belong_together_come_together() {
    for arguments in [
        ["--url", "https://modules.example.com", "--code", "a"],
        ["--url", "https://modules.example.com", "--out", "/nowhere"],
    ] {
        assert_eq!(app_manifest(&arguments).status.code(), Some(2));
    }
}
