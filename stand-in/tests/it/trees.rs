//! Trees, compared with `git ls-tree`.

use landfall_stand_in::{Counts, Visibility, fixture};
use serde_json::{Value, json};

use crate::client::{GitHub, exchange, git};

const TREES: &str = "/repos/acme/network/git/trees";

/// `MODE TYPE SHA SIZE PATH` of each entry, as git is asked to say it.
fn lines(tree: &Value) -> Vec<String> {
    tree["tree"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |field: &str| entry[field].as_str().unwrap();
            let size = match &entry["size"] {
                Value::Null => "-".to_owned(),
                size => size.to_string(),
            };
            let (mode, kind, sha) = (text("mode"), text("type"), text("sha"));
            format!("{mode} {kind} {sha} {size} {}", text("path"))
        })
        .collect()
}

#[test]
fn a_tree_is_what_git_says_under_every_name_that_it_has() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    let says = |expression: &str| git(&git_dir, &["rev-parse", expression]);
    let (commit, tree) = (says("main"), says("main^{tree}"));
    let annotated = says("v1.1.0");
    for (name, sha) in [
        ("main", commit.as_str()),
        ("HEAD", &commit),
        ("refs/heads/main", &commit),
        ("v1.2.0%2Bbuild", &commit),
        ("outer", &commit),
        ("v1.1.0", &says("v1.1.0^{commit}")),
        (&annotated, &says("v1.1.0^{commit}")),
        (&commit, &commit),
        (&tree, &tree),
        ("main:shared", &says("main:shared")),
        ("main%3Ashared", &says("main:shared")),
    ] {
        for (query, further) in [
            ("", &[][..]),
            ("?recursive=1", &["-r", "-t"]),
            ("?recursive=false", &["-r", "-t"]),
            ("?recursive=", &["-r", "-t"]),
        ] {
            let answered = github.get(&format!("{TREES}/{name}{query}"), &token).json();
            let format = "--format=%(objectmode) %(objecttype) %(objectname) %(objectsize) %(path)";
            let said = git(&git_dir, &[&["ls-tree", format], further, &[sha]].concat());
            assert_eq!(
                lines(&answered),
                said.lines().collect::<Vec<_>>(),
                "{name}{query}"
            );
            assert_eq!(
                (&answered["sha"], &answered["truncated"]),
                (&json!(sha), &json!(false))
            );
        }
    }
    let whole = github.get(&format!("{TREES}/main"), &token).json();
    let url = |path: &str| {
        let entries = whole["tree"].as_array().unwrap().iter();
        let entry = entries.clone().find(|entry| entry["path"] == path).unwrap();
        entry.get("url").map(Value::to_string)
    };
    assert!(
        url("shared")
            .unwrap()
            .contains("/repos/acme/network/git/trees/")
    );
    assert!(
        url("main.tf")
            .unwrap()
            .contains("/repos/acme/network/git/blobs/")
    );
    assert_eq!(url("vendored"), None);
}

#[test]
fn what_is_no_tree_is_not_found_and_an_empty_repository_says_so() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    let blob = git(&git_dir, &["rev-parse", "main:main.tf"]);
    let empty = fixture::Repository::new(github.directory.path(), "acme", "empty");
    github.add(empty, "empty", Visibility::Private);
    let weak = github.mint(r#"{"permissions":{"metadata":"read"}}"#).json();
    let weak = format!("Bearer {}", weak["token"].as_str().unwrap());
    let _ = github.stand_in.take_counts();
    for (repository, name, authorization, status, message) in [
        ("network", "nothing", token.as_str(), 404, "Not Found"),
        ("network", &"0".repeat(40), &token, 404, "Not Found"),
        ("network", &blob, &token, 404, "Not Found"),
        ("network", "main:main.tf", &token, 404, "Not Found"),
        ("network", "main:nothing", &token, 404, "Not Found"),
        ("network", "--help", &token, 404, "Not Found"),
        ("network", "main", "", 404, "Not Found"),
        ("nothing", "main", &token, 404, "Not Found"),
        ("empty", "main", &token, 409, "Git Repository is empty."),
        (
            "network",
            "main",
            &weak,
            403,
            "Resource not accessible by integration",
        ),
    ] {
        let path = format!("/repos/acme/{repository}/git/trees/{name}");
        let reply = github.get(&path, authorization);
        assert_eq!(
            (reply.status, reply.message().as_str()),
            (status, message),
            "{path}"
        );
    }
    let counts = github.stand_in.take_counts();
    let expected = Counts {
        trees: 10,
        billed: 10,
        peak_concurrency: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}

#[test]
fn a_tree_of_more_than_a_hundred_thousand_entries_is_cut_off() {
    let (github, _) = GitHub::with_network();
    let mut repository = fixture::Repository::new(github.directory.path(), "acme", "large");
    // With their hundred directories exactly so many entries, and then one more.
    for number in 0..99_900 {
        repository = repository.file(&format!("d{}/f{number}", number % 100), "");
    }
    let repository = repository.commit("Files").tag("whole");
    let repository = repository.file("one", "more").commit("More").tag("cut");
    github.add(repository, "large", Visibility::Public);
    let authority = github.stand_in.api_url().strip_prefix("http://").unwrap();
    // Without the schemas, whose judgement of so many takes its time.
    let agent = [("user-agent", "landfall-test")];
    for (name, truncated) in [("whole", false), ("cut", true)] {
        let path = format!("/repos/acme/large/git/trees/{name}?recursive=1");
        let reply = exchange(authority, "GET", &path, &agent, b"").unwrap();
        let body = String::from_utf8(reply.body).unwrap();
        assert_eq!(body.matches(r#""mode":"#).count(), 100_000, "{name}");
        assert!(
            body.contains(&format!(r#""truncated":{truncated}"#)),
            "{name}"
        );
    }
}
