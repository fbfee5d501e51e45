//! The archive origin.

use landfall_stand_in::{Knobs, Visibility, fixture};

use crate::client::{GitHub, exchange, git, git_bytes};

#[test]
fn an_archive_is_git_s_own_under_github_s_folder_whatever_names_the_commit() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    let second = git(&git_dir, &["rev-parse", "main"]);
    let [tag, outer] = ["v1.1.0", "outer"].map(|name| {
        let name = format!("refs/tags/{name}");
        let object = git(&git_dir, &["rev-parse", &name]);
        assert_eq!(git(&git_dir, &["cat-file", "-t", &object]), "tag");
        object
    });
    for (reference, revision) in [
        ("refs/tags/v1.0.0", "refs/tags/v1.0.0"),
        ("refs/tags/v1.1.0", "refs/tags/v1.1.0"),
        ("refs/tags/outer", "refs/tags/outer"),
        ("refs/tags/v1.2.0%2Bbuild", "refs/tags/v1.2.0+build"),
        ("refs/heads/main", "main"),
        ("main", "main"),
        ("v1.0.0", "refs/tags/v1.0.0"),
        (second.as_str(), "main"),
        (&second[..7], "main"),
        // The SHA of a tag object, and of one that points at another.
        (tag.as_str(), "refs/tags/v1.1.0"),
        (outer.as_str(), "refs/tags/outer"),
    ] {
        let commit = git(&git_dir, &["rev-parse", &format!("{revision}^{{commit}}")]);
        let folder = format!("acme-network-{}", &commit[..7]);
        let reply = github.archive(&format!("/repos/Acme/Network/zipball/{reference}"), &token);
        let prefix = format!("--prefix={folder}/");
        let expected = git_bytes(&git_dir, &["archive", "--format=zip", &prefix, &commit]);
        assert_eq!(reply.status, 200, "{reference}");
        assert!(reply.body == expected && reply.complete, "{reference}");
        assert!(reply.body.ends_with(commit.as_bytes()), "no comment");
        assert_eq!(reply.header("content-type"), Some("application/zip"));
        let disposition = format!("attachment; filename={folder}.zip");
        assert_eq!(
            reply.header("content-disposition"),
            Some(disposition.as_str())
        );
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
        assert_eq!(reply.header("content-length"), None);
    }
    assert_eq!(
        github.archive("/repos/acme/network/zipball", &token).status,
        200
    );
}

#[test]
fn a_tarball_is_git_s_own_too() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    let commit = git(&git_dir, &["rev-parse", "refs/tags/v1.1.0^{commit}"]);
    let folder = format!("acme-network-{}", &commit[..7]);
    let redirect = github.get("/repos/acme/network/tarball/refs/tags/v1.1.0", &token);
    let location = redirect.header("location").unwrap();
    let (address, secret) = location.split_once("?token=").unwrap();
    assert!(address.ends_with("/acme/network/legacy.tar.gz/refs/tags/v1.1.0"));
    let reply = github.fetch(location);
    let prefix = format!("--prefix={folder}/");
    let expected = git_bytes(&git_dir, &["archive", "--format=tar.gz", &prefix, &commit]);
    assert!(reply.status == 200 && reply.complete && reply.body == expected);
    assert_eq!(reply.header("content-type"), Some("application/x-gzip"));
    let disposition = format!("attachment; filename={folder}.tar.gz");
    assert_eq!(
        reply.header("content-disposition"),
        Some(disposition.as_str())
    );
    let zip = format!(
        "{}?token={secret}",
        address.replace("legacy.tar.gz", "legacy.zip")
    );
    assert_eq!(
        github.fetch(&zip).status,
        404,
        "the token is for the tarball"
    );
    assert_eq!(
        github.archive("/repos/acme/network/tarball", &token).status,
        200
    );
}

#[test]
fn a_name_that_is_a_branch_and_a_tag_is_answered_300_and_an_unknown_one_404() {
    let (github, _) = GitHub::with_network();
    let empty = fixture::Repository::new(github.directory.path(), "acme", "empty");
    github.add(empty, "empty", Visibility::Private);
    let token = github.token();
    for (path, status) in [
        ("network/zipball/both", 300),
        ("network/zipball/refs/tags/both", 200),
        ("network/zipball/refs/tags/v9", 404),
        ("network/zipball/v9", 404),
        (
            "network/zipball/0000000000000000000000000000000000000000",
            404,
        ),
        ("empty/zipball/main", 404),
        ("empty/zipball", 404),
    ] {
        let reply = github.archive(&format!("/repos/acme/{path}"), &token);
        assert_eq!(reply.status, status, "{path}");
    }
}

#[test]
fn the_redirect_of_a_private_repository_opens_one_path_for_some_minutes() {
    let (github, git_dir) = GitHub::with_network();
    github
        .stand_in
        .add_repository("acme", "open", Visibility::Public, git_dir);
    let token = github.token();
    let redirect = github.get("/repos/acme/network/zipball/refs/tags/v1.0.0", &token);
    assert!(redirect.body.is_empty());
    let location = redirect.header("location").unwrap().to_owned();
    let (address, secret) = location.split_once('?').unwrap();
    assert!(secret.starts_with("token="), "{secret}");
    let elsewhere = location.replace("v1.0.0", "v1.1.0");
    for (location, status) in [
        (location.as_str(), 200),
        (location.as_str(), 200),
        (address, 404),
        (&elsewhere, 404),
    ] {
        assert_eq!(github.fetch(location).status, status, "{location}");
    }
    github.stand_in.set_knobs(Knobs {
        clock_offset_seconds: 301,
        ..Knobs::default()
    });
    assert_eq!(github.fetch(&location).status, 404);

    let redirect = github.get("/repos/acme/open/zipball/refs/tags/v1.0.0", "");
    let location = redirect.header("location").unwrap();
    assert!(!location.contains('?'), "{location}");
    assert_eq!(github.fetch(location).status, 200);
}

#[test]
fn a_credential_that_reaches_the_archive_origin_is_refused_and_counted() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let redirect = github.get("/repos/acme/network/zipball/refs/tags/v1.0.0", &token);
    let location = redirect.header("location").unwrap();
    let origin = github.stand_in.archive_origin();
    let path = location.split_once(origin).unwrap().1;
    assert_eq!(github.stand_in.counts().leaks, 0);
    let reply = exchange(origin, "GET", path, &[("authorization", &token)], b"").unwrap();
    assert_eq!(reply.status, 400);
    assert_eq!(github.stand_in.counts().leaks, 1);
}
