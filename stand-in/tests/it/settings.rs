//! What is said of a repository, and what is pushed to it later.

use landfall_stand_in::{StandIn, Visibility, fixture};
use serde_json::{Value, json};

use crate::client::{GitHub, git};

/// Changes a repository of `acme`.
type Set = fn(&StandIn, &str) -> bool;

fn object(github: &GitHub, name: &str) -> Value {
    github
        .get(&format!("/repos/acme/{name}"), &github.token())
        .json()
}

#[test]
fn what_is_said_of_a_repository_is_in_its_object_and_in_lists() {
    let (github, _) = GitHub::with_network();
    let newest = object(&github, "network")["pushed_at"].clone();
    let steps: [(&str, Value, Set); 11] = [
        ("description", json!("A network."), |github, name| {
            github.set_description("acme", name, Some("A network."))
        }),
        ("description", json!(null), |github, name| {
            github.set_description("acme", name, None)
        }),
        ("topics", json!(["terraform", "aws"]), |github, name| {
            github.set_topics("acme", name, &["terraform", "aws"])
        }),
        ("topics", json!([]), |github, name| {
            github.set_topics("acme", name, &[])
        }),
        (
            "pushed_at",
            json!("2027-01-15T08:00:00Z"),
            |github, name| github.set_pushed_at("acme", name, Some(1_800_000_000)),
        ),
        ("pushed_at", newest, |github, name| {
            github.set_pushed_at("acme", name, None)
        }),
        (
            "html_url",
            json!("https://example.com/n"),
            |github, name| github.set_html_url("acme", name, Some("https://example.com/n")),
        ),
        (
            "html_url",
            json!("https://github.com/acme/network"),
            |github, name| github.set_html_url("acme", name, None),
        ),
        ("default_branch", json!("trunk"), |github, name| {
            github.set_default_branch("acme", name, "trunk").is_ok()
        }),
        ("archived", json!(true), |github, name| {
            github.set_archived("acme", name, true)
        }),
        ("visibility", json!("public"), |github, name| {
            github.set_visibility("acme", name, Visibility::Public)
        }),
    ];
    for (field, expected, set) in steps {
        assert!(set(&github.stand_in, "network"), "{field}");
        let token = github.token();
        let list = github.get("/installation/repositories", &token).json();
        assert_eq!(list["repositories"][0][field], expected, "{field}");
        assert_eq!(object(&github, "network")[field], expected, "{field}");
        assert!(!set(&github.stand_in, "nothing"), "{field}");
    }
    let refused = github
        .stand_in
        .set_default_branch("acme", "network", "a..b");
    assert!(refused.is_err());
}

#[test]
fn a_push_is_on_the_default_branch_and_newer_than_all_before() {
    let (github, git_dir) = GitHub::with_network();
    let stand_in = &github.stand_in;
    let tags = git(&git_dir, &["tag"]);
    let mut last = String::new();
    for (path, bytes) in [
        ("README.md", &b"# Network\n"[..]),
        ("README.md", b"# The network\n"),
        ("odd \"name\"", b"\x00\xff"),
    ] {
        let before = git(&git_dir, &["rev-parse", "main"]);
        let sha = stand_in
            .commit_file("acme", "network", path, bytes)
            .unwrap();
        assert_eq!(sha, git(&git_dir, &["rev-parse", "main"]));
        assert_eq!(git(&git_dir, &["rev-parse", "main~1"]), before);
        let pushed_at = object(&github, "network")["pushed_at"].clone();
        let pushed_at = pushed_at.as_str().unwrap().to_owned();
        assert!(pushed_at > last, "{pushed_at} after {last}");
        last = pushed_at;
    }
    assert_eq!(git(&git_dir, &["tag"]), tags);
    assert!(stand_in.commit_file("acme", "nothing", "a", "a").is_err());

    stand_in
        .set_default_branch("acme", "network", "both")
        .unwrap();
    stand_in
        .push("acme", "network", |repository| {
            let repository = repository.remove("run.sh").file("a", "a").commit("Change");
            repository.tag("v9.0.0")
        })
        .unwrap();
    let says = |expression: &str| git(&git_dir, &["rev-parse", expression]);
    assert_eq!(says("refs/heads/both"), says("v9.0.0"));
    assert_ne!(says("refs/heads/both"), says("main"));
    let files = git(&git_dir, &["ls-tree", "--name-only", "v9.0.0"]);
    assert_eq!(files, "a\nmain.tf\nshared\nvendored\nversions.tf");
    assert_eq!(git(&git_dir, &["fsck", "--strict"]), "");
}

#[test]
fn an_empty_repository_is_pushed_to_and_a_foreign_one_is_not_set_back_in_time() {
    let (github, _) = GitHub::with_network();
    let empty = fixture::Repository::new(github.directory.path(), "acme", "empty");
    let git_dir = github.add(empty, "empty", Visibility::Private);
    assert_eq!(
        object(&github, "empty")["pushed_at"],
        "2024-05-01T12:00:00Z"
    );
    github
        .stand_in
        .set_default_branch("acme", "empty", "trunk")
        .unwrap();
    github
        .stand_in
        .commit_file("acme", "empty", "a", "a")
        .unwrap();
    assert_eq!(git(&git_dir, &["branch", "--list"]), "* trunk");

    // A commit of today, as people push them.
    let commit = "-c user.name=a -c user.email=a@example.com commit-tree -m Now trunk^{tree}";
    let commit = git(&git_dir, &commit.split(' ').collect::<Vec<_>>());
    git(&git_dir, &["update-ref", "refs/heads/trunk", &commit]);
    let before = object(&github, "empty")["pushed_at"].clone();
    assert!(before.as_str() > Some("2025"), "{before}");
    github
        .stand_in
        .commit_file("acme", "empty", "b", "b")
        .unwrap();
    let after = object(&github, "empty")["pushed_at"].clone();
    assert!(after.as_str() > before.as_str(), "{after} after {before}");
}
