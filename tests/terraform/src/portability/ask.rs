//! What scenarios ask for.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use landfall_terraform_tests::exchange::Reply;
use landfall_terraform_tests::http::{self, Answer, bearer};
use landfall_terraform_tests::judge::{committed_tree, tree_of};
use landfall_terraform_tests::process::poll;
use landfall_terraform_tests::world::{OWNER, World};
use serde_json::Value;

/// GETs a path.
#[track_caller]
pub(crate) fn get(world: &World, path: &str) -> Answer {
    http::get(&world.address, path)
}

/// GETs a path with a token.
#[track_caller]
pub(crate) fn get_as(world: &World, token: &str, path: &str) -> Answer {
    let (name, value) = bearer(token);
    http::get_with(&world.address, path, &[(name, &value)])
}

/// The versions of `acme/NAME/null`, as they are listed.
#[track_caller]
pub(crate) fn versions(world: &World, name: &str) -> Vec<String> {
    listed(&get(world, &versions_path(name)))
}

/// Where the versions of `acme/NAME/null` are.
pub(crate) fn versions_path(name: &str) -> String {
    format!("/v1/modules/{OWNER}/{name}/null/versions")
}

/// The versions in an answer.
#[track_caller]
pub(crate) fn listed(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let document = json(answer);
    let modules = document["modules"].as_array().unwrap();
    assert_eq!(modules.len(), 1, "one element in `modules`");
    let versions = modules[0]["versions"].as_array().unwrap().iter();
    versions
        .map(|it| it["version"].as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// An error as every client can show it.
#[track_caller]
pub(crate) fn is_error(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let document = json(answer);
    let errors = document["errors"].as_array().map_or(0, Vec::len);
    assert!(errors > 0, "no errors in {answer:?}");
    assert!(answer.body.contains(text), "no `{text}` in {answer:?}");
}

/// An error that asks to come again soon.
#[track_caller]
pub(crate) fn asks_to_come_again(answer: &Answer, text: &str) {
    is_error(answer, 503, text);
    let wait: u64 = answer.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=10).contains(&wait), "Retry-After: {wait}");
}

/// The path of the archive of `acme/NAME/null`, which the location of a version gives.
#[track_caller]
pub(crate) fn location(world: &World, name: &str, version: &str) -> String {
    let path = format!("/v1/modules/{OWNER}/{name}/null/{version}/download");
    located(world, &get(world, &path))
}

/// The path in an answer with a location.
#[track_caller]
pub(crate) fn located(world: &World, answer: &Answer) -> String {
    assert_eq!(answer.status, 204, "{answer:?}");
    let location = answer.header("X-Terraform-Get").unwrap();
    let path = location.strip_prefix(&format!("http://{}", world.address));
    path.unwrap_or_else(|| panic!("{location} is not absolute"))
        .to_owned()
}

/// The archive of a version, whole.
#[track_caller]
pub(crate) fn archive(world: &World, name: &str, version: &str) -> Vec<u8> {
    let reply = Reply::get(&world.address, &location(world, name, version));
    assert_eq!(reply.status, 200);
    reply.rest().unwrap()
}

/// The files of an archive are those of a tree of `acme/REPOSITORY`: git calls them the same.
#[track_caller]
pub(crate) fn is_tree_of(world: &World, archive: &[u8], repository: &str, tree: &str) {
    let committed = committed_tree(&world.git_dir(repository), tree);
    assert_eq!(tree_of(archive), committed, "the tree {tree}");
}

/// Bytes that are no request of any client's: an error of the client's, or no answer at all, and soon.
#[track_caller]
pub(crate) fn is_turned_away(world: &World, bytes: &str) {
    let mut socket = TcpStream::connect(&world.address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(15)))
        .unwrap();
    socket.write_all(bytes.as_bytes()).unwrap();
    let _ = socket.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let is_fine = status.is_empty() || status.starts_with('4') || status == "200";
    assert!(is_fine, "{bytes:?}: {answer}");
    let is_over = read.is_ok() || read.is_err_and(|it| it.kind() == ErrorKind::ConnectionReset);
    assert!(is_over, "{bytes:?}: the connection stays open");
}

/// The paths that GitHub was asked for since its log was emptied and that contain `part`.
pub(crate) fn asked(world: &World, part: &str) -> Vec<String> {
    let log = world.github.log().into_iter();
    log.map(|entry| entry.path)
        .filter(|path| path.contains(part))
        .collect()
}

/// Lets a second or two pass, so that a list that is fresh for one is not any more.
pub(crate) fn outlive_a_second() {
    sleep(Duration::from_millis(2200));
}

/// Waits until this holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let held = poll(Duration::from_secs(15), || holds().then_some(()));
    assert!(held.is_some(), "not within 15 s: {what}");
}
