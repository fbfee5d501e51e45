//! The command line.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use landfall_stand_in::{demo, fixture};

use crate::client::exchange;

const PROGRAM: &str = env!("CARGO_BIN_EXE_landfall-stand-in");

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_directory_of_repositories_is_served_and_new_ones_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let repositories = directory.path().join("repositories");
    demo::write_repositories(&repositories).unwrap();
    let key = directory.path().join("key.pem");
    let ready = directory.path().join("ready.json");
    let mut child = Command::new(PROGRAM)
        .arg("--repositories")
        .arg(&repositories)
        .arg("--private-key-out")
        .arg(&key)
        .arg("--ready-file")
        .arg(&ready)
        .args(["--app-id", "4711"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _running = Running(child);
    let api_url = lines.next().unwrap().unwrap();
    let archive_origin = lines.next().unwrap().unwrap();
    let authority = api_url.strip_prefix("http://").unwrap();
    assert!(archive_origin.starts_with("127.0.0.1:"), "{archive_origin}");
    assert!(
        fs::read_to_string(&key)
            .unwrap()
            .starts_with("-----BEGIN RSA PRIVATE KEY-----")
    );

    let status = |path: &str| {
        let headers = [("user-agent", "landfall-test")];
        exchange(authority, "GET", path, &headers, b"")
            .unwrap()
            .status
    };
    assert_eq!(
        status("/repos/acme/terraform-null-greeting"),
        404,
        "private"
    );
    let open = fixture::Repository::new(&repositories, "widgets", "open").public();
    open.file("main.tf", "").commit("Open").build().unwrap();
    assert_eq!(
        status("/repos/widgets/open"),
        200,
        "public, and added later"
    );

    for _ in 0..100 {
        if ready.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let ready: serde_json::Value = serde_json::from_slice(&fs::read(&ready).unwrap()).unwrap();
    assert_eq!(ready["api_url"], api_url);
    assert_eq!(ready["archive_origin"], archive_origin);
    assert_eq!(ready["oidc_issuer"], api_url);
    assert_eq!(ready["app_id"], 4711);
}

#[test]
fn the_demo_s_repositories_are_written_by_a_command() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .arg("demo-repositories")
        .arg(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 3);
    assert!(
        directory
            .path()
            .join("acme/terraform-null-greeting.git/HEAD")
            .exists()
    );
}

#[test]
fn only_the_loopback_is_served() {
    let output = Command::new(PROGRAM)
        .args(["--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert!(!output.status.success());
}
