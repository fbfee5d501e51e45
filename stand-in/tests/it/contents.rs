//! Files and directories of a commit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_stand_in::{Counts, Visibility, fixture};
use serde_json::{Value, json};

use crate::client::{GitHub, git, git_bytes};

const CONTENTS: &str = "/repos/acme/network/contents";
const RAW: (&str, &str) = ("accept", "application/vnd.github.raw+json");

#[test]
fn a_file_is_sent_as_json_and_as_it_is_from_every_ref() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    let commit = git(&git_dir, &["rev-parse", "v1.0.0"]);
    for (query, revision) in [
        ("", "HEAD"),
        ("?ref=", "HEAD"),
        ("?ref=HEAD", "HEAD"),
        ("?ref=v1.0.0", "v1.0.0"),
        ("?ref=refs/tags/v1.0.0", "v1.0.0"),
        ("?ref=v1.1.0", "v1.1.0"),
        ("?ref=outer", "outer"),
        ("?ref=v1.2.0%2Bbuild", "v1.2.0+build"),
        (&format!("?ref={commit}"), "v1.0.0"),
        (&format!("?ref={}", &commit[..10]), "v1.0.0"),
    ] {
        let path = format!("{CONTENTS}/main.tf{query}");
        let bytes = git_bytes(
            &git_dir,
            &["cat-file", "blob", &format!("{revision}:main.tf")],
        );
        let file = github.get(&path, &token).json();
        let content = file["content"].as_str().unwrap().replace('\n', "");
        assert_eq!(STANDARD.decode(content).unwrap(), bytes, "{query}");
        let sha = git(&git_dir, &["rev-parse", &format!("{revision}:main.tf")]);
        assert_eq!(
            (&file["sha"], &file["size"]),
            (&json!(sha), &json!(bytes.len()))
        );
        assert_eq!(
            github.get_with(&path, &token, &[RAW]).body,
            bytes,
            "{query}"
        );
    }
    let file = github
        .get(&format!("{CONTENTS}/shared/versions.tf"), &token)
        .json();
    let api = github.stand_in.api_url();
    let sha = git(&git_dir, &["rev-parse", "main:shared/versions.tf"]);
    let own = format!("{api}{CONTENTS}/shared/versions.tf?ref=main");
    let blob = format!("{api}/repos/acme/network/git/blobs/{sha}");
    let page = "https://github.com/acme/network/blob/main/shared/versions.tf";
    assert_eq!(
        file,
        json!({
            "type": "file",
            "encoding": "base64",
            "size": 13,
            "name": "versions.tf",
            "path": "shared/versions.tf",
            "content": "dGVycmFmb3JtIHt9Cg==\n",
            "sha": sha,
            "url": own,
            "html_url": page,
            "git_url": blob,
            "download_url": "https://raw.githubusercontent.com/acme/network/main/shared/versions.tf",
            "_links": { "self": own, "git": blob, "html": page },
        })
    );
}

#[test]
fn the_bytes_are_for_those_who_accept_them_and_can_be_asked_for_conditionally() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let path = format!("{CONTENTS}/main.tf");
    for (accept, kind, media) in [
        (
            "application/vnd.github.raw+json",
            "application/vnd.github.raw+json; charset=utf-8",
            "github.v3; param=raw; format=json",
        ),
        (
            "application/vnd.github.v3.raw",
            "application/vnd.github.v3.raw; charset=utf-8",
            "github.v3; param=raw",
        ),
        (
            "application/vnd.github+json",
            "application/json; charset=utf-8",
            "github.v3; format=json",
        ),
        (
            "*/*",
            "application/json; charset=utf-8",
            "github.v3; format=json",
        ),
    ] {
        let accept = ("accept", accept);
        let reply = github.get_with(&path, &token, &[accept]);
        assert_eq!(reply.header("content-type"), Some(kind));
        assert_eq!(reply.header("x-github-media-type"), Some(media));
        let etag = reply.header("etag").unwrap();
        let unchanged = github.get_with(&path, &token, &[accept, ("if-none-match", etag)]);
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
        github
            .stand_in
            .commit_file("acme", "network", "main.tf", etag)
            .unwrap();
        let changed = github.get_with(&path, &token, &[accept, ("if-none-match", etag)]);
        assert_eq!(changed.status, 200);
    }
}

#[test]
fn a_directory_is_a_list_of_what_it_holds() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    let newer = ("x-github-api-version", "2026-03-10");
    let row = |entry: &Value| {
        let text = |field: &str| entry[field].as_str().unwrap_or("-").to_owned();
        let size = &entry["size"];
        let page = text("html_url").replace("https://github.com/acme/network/", "");
        format!(
            "{} {} {} {size} {page}",
            text("type"),
            text("name"),
            text("path")
        )
    };
    let top = [
        "file main.tf main.tf 25 blob/main/main.tf",
        "file run.sh run.sh 10 blob/main/run.sh",
        "dir shared shared 0 tree/main/shared",
        "file vendored vendored 0 -",
        "symlink versions.tf versions.tf 18 blob/main/versions.tf",
    ];
    let mut newest = top;
    newest[3] = "submodule vendored vendored 0 -";
    let shared = ["file versions.tf shared/versions.tf 13 blob/main/shared/versions.tf"];
    for (path, header, expected) in [
        ("", RAW, &top[..]),
        ("/", ("accept", "*/*"), &top),
        ("", newer, &newest),
        ("/shared", RAW, &shared),
    ] {
        let list = github.get_with(&format!("{CONTENTS}{path}"), &token, &[header]);
        let rows: Vec<String> = list.json().as_array().unwrap().iter().map(row).collect();
        assert_eq!(rows, expected, "{path}");
    }
    let list = github.get(&format!("{CONTENTS}/shared"), &token).json();
    let own = github
        .get(&format!("{CONTENTS}/shared/versions.tf"), &token)
        .json();
    for (field, value) in list[0].as_object().unwrap() {
        assert_eq!(&own[field], value, "{field}");
    }
    let blob = git(&git_dir, &["rev-parse", "main:shared/versions.tf"]);
    assert_eq!(list[0]["sha"], blob);
    let submodule = github.get(&format!("{CONTENTS}/vendored"), &token).json();
    assert_eq!(submodule["type"], "submodule");
}

#[test]
fn a_link_to_a_file_is_the_file_and_another_is_itself() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    github
        .stand_in
        .push("acme", "network", |repository| {
            repository
                .symlink("shared/up", "../main.tf")
                .symlink("to-directory", "shared")
                .symlink("to-link", "versions.tf")
                .symlink("dangling", "nothing")
                .symlink("out", "../../etc/passwd")
                .commit("Links")
        })
        .unwrap();
    for (path, target) in [
        ("versions.tf", "shared/versions.tf"),
        ("shared/up", "main.tf"),
    ] {
        let link = github.get(&format!("{CONTENTS}/{path}"), &token).json();
        let file = github.get(&format!("{CONTENTS}/{target}"), &token).json();
        assert_eq!(
            (&link["type"], &link["path"]),
            (&json!("file"), &json!(path))
        );
        for field in ["sha", "size", "content"] {
            assert_eq!(link[field], file[field], "{path}");
        }
    }
    for (path, target) in [
        ("to-directory", "shared"),
        ("to-link", "versions.tf"),
        ("dangling", "nothing"),
        ("out", "../../etc/passwd"),
    ] {
        let link = github.get(&format!("{CONTENTS}/{path}"), &token).json();
        assert_eq!(
            (&link["type"], &link["target"]),
            (&json!("symlink"), &json!(target))
        );
        let raw = github.get_with(&format!("{CONTENTS}/{path}"), &token, &[RAW]);
        assert_eq!(raw.body, target.as_bytes());
    }
}

#[test]
fn a_file_of_more_than_a_megabyte_has_no_content_in_json() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    for (size, encoding) in [
        (1024 * 1024, "base64"),
        (1024 * 1024 + 1, "none"),
        (0, "base64"),
    ] {
        let bytes = vec![b'a'; size];
        github
            .stand_in
            .commit_file("acme", "network", "large", &bytes)
            .unwrap();
        let path = format!("{CONTENTS}/large");
        let file = github.get(&path, &token).json();
        assert_eq!(
            (&file["encoding"], &file["size"]),
            (&json!(encoding), &json!(size))
        );
        let content = file["content"].as_str().unwrap();
        assert_eq!(content.is_empty(), encoding == "none" || size == 0);
        assert!(content.lines().all(|line| line.len() <= 60));
        assert_eq!(github.get_with(&path, &token, &[RAW]).body, bytes);
    }
}

#[test]
fn what_is_not_there_is_refused_in_github_s_words() {
    let (github, git_dir) = GitHub::with_network();
    let empty = fixture::Repository::new(github.directory.path(), "acme", "empty");
    github.add(empty, "empty", Visibility::Private);
    github
        .stand_in
        .add_repository("acme", "open", Visibility::Public, git_dir);
    let token = github.token();
    let weak = github.mint(r#"{"permissions":{"metadata":"read"}}"#).json();
    let weak = format!("Bearer {}", weak["token"].as_str().unwrap());
    let _ = github.stand_in.take_counts();
    let missing = "No commit found for the ref nothing";
    for (path, authorization, status, message) in [
        ("network/contents/nothing", token.as_str(), 404, "Not Found"),
        ("network/contents/shared/", &token, 404, "Not Found"),
        ("network/contents/main.tf/a", &token, 404, "Not Found"),
        (
            "network/contents/shared/../main.tf",
            &token,
            404,
            "Not Found",
        ),
        ("network/contents/%3A(top)main.tf", &token, 404, "Not Found"),
        ("network/contents/*.tf", &token, 404, "Not Found"),
        ("network/contents/main.tf?ref=nothing", &token, 404, missing),
        (
            "network/contents/main.tf?ref=--help",
            &token,
            404,
            "No commit found for the ref --help",
        ),
        ("network/contents/main.tf", "", 404, "Not Found"),
        (
            "network/contents/main.tf",
            &weak,
            403,
            "Resource not accessible by integration",
        ),
        ("nothing/contents/main.tf", &token, 404, "Not Found"),
        ("empty/contents", &token, 404, "This repository is empty."),
        (
            "empty/contents/a?ref=main",
            &token,
            404,
            "This repository is empty.",
        ),
    ] {
        let reply = github.get(&format!("/repos/acme/{path}"), authorization);
        assert_eq!(
            (reply.status, reply.message().as_str()),
            (status, message),
            "{path}"
        );
    }
    assert_eq!(
        github.get("/repos/acme/open/contents/main.tf", "").status,
        200
    );
    github.get("/orgs/acme/repos", &token);
    github.get("/users/acme/repos", &token);
    github.get("/installation/repositories", &token);
    let counts = github.stand_in.take_counts();
    let expected = Counts {
        // That of a directory with a slash at the end is no address.
        contents: 13,
        listings: 3,
        billed: 17,
        peak_concurrency: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}
