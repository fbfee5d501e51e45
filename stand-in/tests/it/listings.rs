//! The lists that come in pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use landfall_stand_in::{AccountKind, Installation, PersonalToken, Selection, Visibility, fixture};
use serde_json::{Value, json};

use crate::client::{GitHub, Reply, git};

/// The address of another page.
fn link<'a>(reply: &'a Reply, relation: &str) -> Option<&'a str> {
    reply
        .header("link")?
        .split(", ")
        .find_map(|link| link.strip_suffix(&format!("; rel=\"{relation}\"")))
        .map(|address| address.trim_matches(['<', '>']))
}

fn names(list: &Value, field: &str) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item[field].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn tags_are_peeled_and_come_in_pages_that_name_the_repository_by_id() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    let api = github.stand_in.api_url();
    let all = github.get("/repos/acme/network/tags?per_page=100", &token);
    assert_eq!(all.header("link"), None);
    for tag in all.json().as_array().unwrap() {
        let name = tag["name"].as_str().unwrap();
        let commit = git(
            &git_dir,
            &["rev-parse", &format!("refs/tags/{name}^{{commit}}")],
        );
        assert_eq!(tag["commit"]["sha"], commit, "{name}");
        let zipball = tag["zipball_url"].as_str().unwrap();
        let reply = github.archive(zipball.strip_prefix(api).unwrap(), &token);
        assert!(reply.status == 200 && reply.body.ends_with(commit.as_bytes()));
    }
    let all = names(&all.json(), "name");
    let expected = "for-each-ref --sort=-v:refname --format=%(refname:strip=2) refs/tags";
    let expected = git(&git_dir, &expected.split(' ').collect::<Vec<_>>());
    assert_eq!(all, expected.lines().collect::<Vec<_>>());

    let id = github.get("/repos/acme/network", &token).json()["id"].clone();
    let mut path = "/repos/acme/network/tags?per_page=3".to_owned();
    let mut paged = Vec::new();
    loop {
        let page = github.get(&path, &token);
        paged.extend(names(&page.json(), "name"));
        let Some(next) = link(&page, "next") else {
            break;
        };
        let prefix = format!("{api}/repositories/{id}/tags?per_page=3&page=");
        assert!(next.starts_with(&prefix), "{next}");
        assert!(link(&page, "last").is_some());
        path = next.strip_prefix(api).unwrap().to_owned();
    }
    assert_eq!(paged, all);

    let empty = fixture::Repository::new(github.directory.path(), "acme", "empty");
    github.add(empty, "empty", Visibility::Private);
    let reply = github.get("/repos/acme/empty/tags", &token);
    assert_eq!((reply.status, reply.json()), (200, json!([])));
}

#[test]
fn an_installation_lists_the_repositories_that_its_token_is_for() {
    let (github, git_dir) = GitHub::with_network();
    let stand_in = &github.stand_in;
    for (owner, name, visibility) in [
        ("acme", "open", Visibility::Public),
        ("acme", "third", Visibility::Private),
        ("other", "open", Visibility::Public),
    ] {
        stand_in.add_repository(owner, name, visibility, &git_dir);
    }
    stand_in.add_personal_token("ghp_one", PersonalToken::default());
    let path = "/installation/repositories";
    let all = github.token();
    let one = github.mint(r#"{"repositories":["third"]}"#).json();
    let one = format!("Bearer {}", one["token"].as_str().unwrap());
    let listed = |authorization: &str| {
        let list = github.get(path, authorization).json();
        (
            list["total_count"].as_u64().unwrap(),
            list["repository_selection"].as_str().unwrap().to_owned(),
            names(&list["repositories"], "full_name").join(" "),
        )
    };
    let expected =
        |count, selection: &str, names: &str| (count, selection.to_owned(), names.to_owned());
    assert_eq!(
        listed(&all),
        expected(3, "all", "acme/network acme/open acme/third")
    );
    assert_eq!(listed(&one), expected(1, "selected", "acme/third"));
    let page = github.get(&format!("{path}?per_page=2"), &all);
    assert_eq!(
        page.json()["repositories"].as_array().map(Vec::len),
        Some(2)
    );
    let next = format!("{}{path}?per_page=2&page=2", stand_in.api_url());
    assert_eq!(link(&page, "next"), Some(next.as_str()));

    let only = Selection::Only(BTreeSet::from(["open".to_owned()]));
    stand_in.install(
        "acme",
        Installation {
            repositories: only,
            ..Installation::default()
        },
    );
    assert_eq!(listed(&all), expected(1, "selected", "acme/open"));
    for (authorization, status) in [("", 401), (&github.jwt(), 401), ("Bearer ghp_one", 403)] {
        assert_eq!(github.get(path, authorization).status, status);
    }
}

#[test]
fn an_account_lists_its_repositories_to_those_who_may_know_of_them() {
    let (github, git_dir) = GitHub::with_network();
    let stand_in = &github.stand_in;
    for (owner, name, visibility) in [
        ("acme", "open", Visibility::Public),
        ("acme", "Another", Visibility::Public),
        ("acme", "third", Visibility::Private),
        ("mona", "own", Visibility::Public),
        ("mona", "secret", Visibility::Private),
    ] {
        stand_in.add_repository(owner, name, visibility, &git_dir);
    }
    stand_in.set_account_kind("mona", AccountKind::User);
    stand_in.add_personal_token("ghp_all", PersonalToken::default());
    let some = Selection::Only(BTreeSet::from(["acme/third".to_owned()]));
    stand_in.add_personal_token("ghp_some", PersonalToken { repositories: some });
    let all = github.token();
    let one = github.mint(r#"{"repositories":["third"]}"#).json();
    let one = format!("Bearer {}", one["token"].as_str().unwrap());
    for (path, authorization, expected) in [
        ("/orgs/acme/repos", "", "Another open"),
        (
            "/orgs/ACME/repos",
            all.as_str(),
            "third Another open network",
        ),
        ("/orgs/acme/repos", &one, "third Another open"),
        (
            "/orgs/acme/repos",
            "Bearer ghp_all",
            "third Another open network",
        ),
        ("/orgs/acme/repos", "Bearer ghp_some", "third Another open"),
        ("/users/acme/repos", &all, "Another open"),
        ("/users/mona/repos", "Bearer ghp_all", "own"),
        ("/users/mona/repos", "", "own"),
    ] {
        let list = github.get(path, authorization).json();
        assert_eq!(names(&list, "name").join(" "), expected, "{path}");
    }
    for (path, authorization, status) in [
        ("/orgs/mona/repos", "", 404),
        ("/orgs/nobody/repos", "", 404),
        ("/users/nobody/repos", "", 404),
        ("/user/999999/repos", "", 404),
        ("/user/repos", "Bearer ghp_all", 404),
        ("/orgs/acme/repos/", "", 404),
        ("/orgs/acme/repos", &github.jwt(), 401),
    ] {
        assert_eq!(github.get(path, authorization).status, status, "{path}");
    }

    for (path, collection) in [("/orgs/acme", "organizations"), ("/users/acme", "user")] {
        let first = github.get(&format!("{path}/repos?per_page=1"), "");
        let id = first.json()[0]["owner"]["id"].clone();
        let expected = format!(
            "{}/{collection}/{id}/repos?per_page=1&page=2",
            stand_in.api_url()
        );
        assert_eq!(link(&first, "next"), Some(expected.as_str()));
        let second = github.get(expected.strip_prefix(stand_in.api_url()).unwrap(), "");
        assert_eq!((second.status, link(&second, "next")), (200, None));
        assert_ne!(first.json()[0]["id"], second.json()[0]["id"]);
    }
}

#[test]
fn a_thousand_repositories_are_listed_without_asking_git_again() {
    let (github, git_dir) = GitHub::with_network();
    let copies = github.directory.path().join("copies");
    for number in 1..1_000 {
        let copy = copies.join(format!("r{number}.git"));
        copy_all(&git_dir, &copy);
        let name = format!("r{number}");
        github
            .stand_in
            .add_repository("acme", &name, Visibility::Private, copy);
    }
    let token = github.token();
    let read_all = || {
        let started = Instant::now();
        let mut listed = Vec::new();
        for page in 1..=10 {
            // Their schema was judged elsewhere, and takes its time.
            let path = format!("/installation/repositories?per_page=100&page={page}");
            let gzip = ("accept-encoding", "gzip");
            let reply = github.get_with(&path, &token, &[gzip]);
            let etag = reply.header("etag").unwrap().to_owned();
            let again = [gzip, ("if-none-match", &etag)];
            assert_eq!(github.get_with(&path, &token, &again).status, 304);
            listed.push(etag);
        }
        (listed, started.elapsed())
    };
    let (before, first) = read_all();
    let (again, second) = read_all();
    assert_eq!(again, before);
    // Twenty pages of a hundred, where one of git's processes for each repository took some seconds.
    assert!(
        second < Duration::from_secs(4),
        "{first:?}, then {second:?}"
    );

    github
        .stand_in
        .commit_file("acme", "r500", "new", "")
        .unwrap();
    let (after, _) = read_all();
    let changed: Vec<usize> = (0..10)
        .filter(|&page| after[page] != before[page])
        .collect();
    assert_eq!(changed, [5]);
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_app_lists_its_installations_suspended_ones_too() {
    let (github, _) = GitHub::with_network();
    github.stand_in.set_account_kind("mona", AccountKind::User);
    let suspended = Installation {
        suspended: true,
        ..Installation::default()
    };
    let id = github.stand_in.install("mona", suspended);
    let jwt = github.jwt();
    let list = github.get("/app/installations", &jwt).json();
    let logins: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["account"]["login"], one["suspended_at"].is_string()))
        .collect();
    assert_eq!(logins, [(&json!("acme"), false), (&json!("mona"), true)]);
    let one = github.get(&format!("/app/installations/{id}"), &jwt);
    assert_eq!(one.json(), list[1]);
    let page = github.get("/app/installations?per_page=1", &jwt);
    assert_eq!(page.json().as_array().map(Vec::len), Some(1));
    assert!(link(&page, "next").is_some());
    for (path, authorization, status) in [
        ("/app/installations/999999", jwt.as_str(), 404),
        ("/app/installations", "", 401),
    ] {
        assert_eq!(github.get(path, authorization).status, status);
    }
}
