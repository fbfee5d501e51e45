//! An HTTP client that hides nothing: it sees whether a body was complete, and signs as a GitHub App does.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use landfall_stand_in::{Installation, StandIn, StandInConfig, Visibility, fixture};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};

/// What every request accepts.
pub(crate) const ACCEPT: &str = "application/vnd.github+json";

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as its framing promised.
    pub(crate) complete: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

/// A stand-in with a directory for its repositories.
pub(crate) struct GitHub {
    pub(crate) stand_in: StandIn,
    pub(crate) directory: tempfile::TempDir,
}

impl GitHub {
    pub(crate) fn start() -> Self {
        let stand_in = StandIn::start(StandInConfig::default()).unwrap();
        Self {
            stand_in,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// `acme/network`, private, with lightweight and annotated tags, the App installed on `acme`.
    pub(crate) fn with_network() -> (Self, PathBuf) {
        let github = Self::start();
        let git_dir = github.add(
            fixture::Repository::new(github.directory.path(), "acme", "network")
                .file("main.tf", "output \"a\" { value = 1 }\n")
                .executable("run.sh", "#!/bin/sh\n")
                .symlink("versions.tf", "shared/versions.tf")
                .file("shared/versions.tf", "terraform {}\n")
                .submodule("vendored", "1234567890123456789012345678901234567890")
                .commit("First")
                .tag("v1.0.0")
                .annotated_tag("v1.1.0")
                .file("main.tf", "output \"a\" { value = 2 }\n")
                .commit("Second")
                .tag("v1.2.0+build")
                .annotated_tag("inner")
                .tag_of_tag("outer", "inner")
                .tag("both")
                .branch("both")
                .tag("other"),
            "network",
            Visibility::Private,
        );
        github.stand_in.install("acme", Installation::default());
        (github, git_dir)
    }

    pub(crate) fn add(
        &self,
        repository: fixture::Repository,
        name: &str,
        visibility: Visibility,
    ) -> PathBuf {
        let git_dir = repository.build().unwrap();
        self.stand_in
            .add_repository("acme", name, visibility, &git_dir);
        git_dir
    }

    /// A GET of the API with this `Authorization`, empty for none.
    pub(crate) fn get(&self, path: &str, authorization: &str) -> Reply {
        self.send("GET", path, authorization, "")
    }

    pub(crate) fn send(&self, method: &str, path: &str, authorization: &str, body: &str) -> Reply {
        self.send_with(method, path, authorization, &[], body)
    }

    /// A GET with further headers.
    pub(crate) fn get_with(
        &self,
        path: &str,
        authorization: &str,
        further: &[(&str, &str)],
    ) -> Reply {
        self.send_with("GET", path, authorization, further, "")
    }

    fn send_with(
        &self,
        method: &str,
        path: &str,
        authorization: &str,
        further: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let authority = self.stand_in.api_url().strip_prefix("http://").unwrap();
        let mut headers = vec![("user-agent", "landfall-test")];
        if !further.iter().any(|(name, _)| *name == "accept") {
            headers.push(("accept", ACCEPT));
        }
        if !authorization.is_empty() {
            headers.push(("authorization", authorization));
        }
        headers.extend(further);
        let reply = exchange(authority, method, path, &headers, body.as_bytes()).unwrap();
        if !path.starts_with("/_stand-in/") {
            assert!(reply.header("date").is_some(), "no Date on {path}");
            judge(path, &reply);
        }
        reply
    }

    /// The redirect's address, fetched without a credential.
    pub(crate) fn archive(&self, path: &str, authorization: &str) -> Reply {
        let redirect = self.get(path, authorization);
        assert_eq!(redirect.status, 302, "{path}");
        self.fetch(redirect.header("location").unwrap())
    }

    pub(crate) fn fetch(&self, location: &str) -> Reply {
        let origin = format!("http://{}", self.stand_in.archive_origin());
        let path = location.strip_prefix(&origin).unwrap();
        exchange(self.stand_in.archive_origin(), "GET", path, &[], b"").unwrap()
    }

    pub(crate) fn jwt(&self) -> String {
        let now = now();
        self.jwt_with(&json!({
            "iss": self.stand_in.client_id(),
            "iat": now - 60,
            "exp": now + 300,
        }))
    }

    pub(crate) fn jwt_with(&self, claims: &Value) -> String {
        format!("Bearer {}", sign(self.stand_in.private_key_pem(), claims))
    }

    /// A fresh installation token for `acme`, as an `Authorization` value.
    pub(crate) fn token(&self) -> String {
        let reply = self.mint("");
        assert_eq!(reply.status, 201, "{reply:?}");
        format!("Bearer {}", reply.json()["token"].as_str().unwrap())
    }

    pub(crate) fn mint(&self, body: &str) -> Reply {
        let jwt = self.jwt();
        let found = self.get("/orgs/acme/installation", &jwt);
        let id = found.json()["id"].as_u64().unwrap();
        self.send(
            "POST",
            &format!("/app/installations/{id}/access_tokens"),
            &jwt,
            body,
        )
    }
}

/// What `git` says, without the final newline.
pub(crate) fn git(git_dir: &Path, arguments: &[&str]) -> String {
    String::from_utf8(git_bytes(git_dir, arguments))
        .unwrap()
        .trim_end()
        .to_owned()
}

pub(crate) fn git_bytes(git_dir: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("TZ", "UTC")
        .arg("--git-dir")
        .arg(git_dir)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

pub(crate) fn now() -> i64 {
    i64::try_from(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
    .unwrap()
}

/// One request on a connection of its own. An error is a connection closed without an answer.
pub(crate) fn exchange(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Reply, String> {
    let mut socket = TcpStream::connect(authority).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    write!(request, "content-length: {}\r\n\r\n", body.len()).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    socket.write_all(body).unwrap();
    let mut bytes = Vec::new();
    // A reset is one way to break off; what came before it counts.
    let _ = socket.read_to_end(&mut bytes);
    parse(&bytes).ok_or_else(|| "closed without an answer".to_owned())
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let rest = &bytes[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let value = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };
    let (body, complete) = if value("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        dechunk(rest)
    } else if let Some(length) = value("content-length") {
        let length: usize = length.parse().unwrap();
        (rest.to_vec(), rest.len() == length)
    } else {
        (rest.to_vec(), true)
    };
    Some(Reply {
        status,
        headers,
        body,
        complete,
    })
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        rest = &rest[end + 2..];
        if size == 0 {
            return (body, true);
        }
        let there = size.min(rest.len());
        body.extend_from_slice(&rest[..there]);
        if rest.len() < size + 2 {
            break;
        }
        rest = &rest[size + 2..];
    }
    (body, false)
}

fn sign(pem: &str, claims: &Value) -> String {
    let der: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let key = KeyPair::from_der(&STANDARD.decode(der).unwrap()).unwrap();
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string()),
    );
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Every JSON answer of the API fits the schema that GitHub publishes for its address and status.
fn judge(path: &str, reply: &Reply) {
    if !reply
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"))
    {
        return;
    }
    if reply.header("content-encoding").is_some() {
        return;
    }
    let value = reply.json();
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    let each = |schema: &str, list: &Value| {
        for item in list.as_array().unwrap() {
            assert_fits(schema, item);
        }
    };
    let schema = match reply.status {
        422 if path.ends_with("/access_tokens") => "validation-error",
        301 | 400.. => "basic-error",
        _ if path.contains("/contents") && value.is_array() => "content-directory",
        _ if path.contains("/contents") && value["type"] == "symlink" => "content-symlink",
        // Its address is not at hand, which the schema does not know of.
        _ if path.contains("/contents") && value["type"] == "submodule" => return,
        _ if path.contains("/contents") => "content-file",
        _ if path.contains("/git/trees/") => "git-tree",
        _ if path.ends_with("/repos") => return each("minimal-repository", &value),
        _ if path.ends_with("/installation") => "installation",
        _ if path.ends_with("/access_tokens") => "installation-token",
        _ if path.contains("/git/tags/") => "git-tag",
        _ if path.contains("/git/ref/") => "git-ref",
        _ if path.contains("/git/matching-refs/") => return each("git-ref", &value),
        _ if path.ends_with("/app/installations") => return each("installation", &value),
        _ if path.ends_with("/installation/repositories") => {
            return each("repository", &value["repositories"]);
        }
        _ if path.contains("/app/installations/") => "installation",
        // No part of the REST API.
        _ if path.contains("/.well-known/") || path.starts_with("/_actions/") => return,
        // Their schemas are not at hand.
        _ if path.ends_with("/tags") || path == "/rate_limit" || path.starts_with("/app") => return,
        _ if path.starts_with("/users/") => "simple-user",
        _ => "full-repository",
    };
    assert_fits(schema, &value);
}

fn assert_fits(name: &str, value: &Value) {
    let mut schema: Value =
        serde_json::from_str(include_str!("../../schemas/github.json")).unwrap();
    schema["$ref"] = format!("#/$defs/{name}").into();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{name}: {problems:#?}\n{value:#}");
}
