//! The builder of sample repositories, judged by `git`.

use std::time::{Duration, Instant};

use landfall_stand_in::{demo, fixture};

use crate::client::git;

#[test]
fn a_fixture_is_what_was_asked_for_and_the_same_every_time() {
    let build = || {
        let directory = tempfile::tempdir().unwrap();
        let git_dir = fixture::Repository::new(directory.path(), "acme", "sample")
            .file("main.tf", "a")
            .file("odd \"name\".txt", b"\x00\xff")
            .executable("run.sh", "b")
            .symlink("link", "main.tf")
            .submodule("sub", "1234567890123456789012345678901234567890")
            .commit("One\n\nwith a body")
            .tag("v1")
            .remove("run.sh")
            .commit("Two")
            .annotated_tag("v2")
            .tag_of_tag("v2-again", "v2")
            .build()
            .unwrap();
        let tree = git(
            &git_dir,
            &[
                "ls-tree",
                "-r",
                "--format=%(objectmode) %(path)",
                "-z",
                "v1",
            ],
        );
        let modes: Vec<&str> = tree.trim_end_matches('\0').split('\0').collect();
        assert_eq!(
            modes,
            [
                "120000 link",
                "100644 main.tf",
                r#"100644 "odd \"name\".txt""#,
                "100755 run.sh",
                "160000 sub"
            ]
        );
        assert_eq!(
            git(&git_dir, &["log", "-1", "--format=%B", "v1"]),
            "One\n\nwith a body"
        );
        assert_eq!(git(&git_dir, &["cat-file", "-t", "v2-again^{}"]), "commit");
        assert_eq!(git(&git_dir, &["rev-list", "--count", "main"]), "2");
        assert_eq!(git(&git_dir, &["fsck", "--strict"]), "");
        (git(&git_dir, &["for-each-ref"]), directory)
    };
    assert_eq!(build().0, build().0);
}

#[test]
fn a_fixture_is_carried_on_with_moved_and_deleted_tags() {
    let directory = tempfile::tempdir().unwrap();
    let first = fixture::Repository::new(directory.path(), "acme", "sample");
    let git_dir = first
        .file("a", "1")
        .commit("One")
        .tag("v1")
        .tag("v2")
        .build()
        .unwrap();
    let before = git(&git_dir, &["rev-parse", "v1"]);
    fixture::Repository::open(directory.path(), "acme", "sample")
        .unwrap()
        .file("a", "2")
        .commit("Two")
        .tag("v1")
        .delete_tag("v2")
        .build()
        .unwrap();
    assert_eq!(git(&git_dir, &["rev-parse", "v1~1"]), before);
    assert_eq!(
        git(&git_dir, &["for-each-ref", "--format=%(refname:short)"]),
        "main\nv1"
    );
}

#[test]
fn what_git_would_refuse_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let new = || fixture::Repository::new(directory.path(), "acme", "sample");
    assert!(new().tag("v1").build().is_err());
    assert!(
        new()
            .file("a", "a")
            .commit("a")
            .tag("a..b")
            .build()
            .is_err()
    );
    assert!(
        new()
            .file("a", "a")
            .commit("a")
            .tag_of_tag("outer", "inner")
            .build()
            .is_err()
    );
    assert!(new().file("a", "a").build().is_err());
}

#[test]
fn thousands_of_tags_and_files_take_seconds() {
    let directory = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let mut repository = fixture::Repository::new(directory.path(), "acme", "large");
    for number in 0..20_000 {
        repository = repository.file(&format!("d{}/f{number}.tf", number % 100), "x");
    }
    repository = repository.commit("Files");
    for number in 0..2_500 {
        repository = repository.tag(&format!("v1.{number}.0"));
        repository = repository.annotated_tag(&format!("v2.{number}.0"));
    }
    let git_dir = repository.build().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        git(&git_dir, &["for-each-ref", "refs/tags"])
            .lines()
            .count(),
        5_000
    );
    assert_eq!(
        git(&git_dir, &["ls-tree", "-r", "main"]).lines().count(),
        20_000
    );
}

#[test]
fn the_demo_has_three_modules_with_versions_and_other_tags() {
    let directory = tempfile::tempdir().unwrap();
    let repositories = demo::write_repositories(directory.path()).unwrap();
    assert_eq!(repositories.len(), 3);
    for git_dir in repositories {
        let tags = git(
            &git_dir,
            &["for-each-ref", "--format=%(refname:short)", "refs/tags"],
        );
        for tag in ["v1.0.0", "v1.1.0", "v2.0.0-beta.1", "nightly"] {
            assert!(tags.lines().any(|line| line == tag), "{tag} in {tags}");
        }
        assert_eq!(git(&git_dir, &["cat-file", "-t", "v1.1.0"]), "tag");
        assert!(git_dir.starts_with(directory.path().join("acme")));
    }
}
