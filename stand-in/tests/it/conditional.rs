//! `ETag`s, `If-None-Match` and 304.

use std::fmt::Write as _;
use std::io::Read as _;

use flate2::read::GzDecoder;
use landfall_stand_in::{Etags, Fault, FaultKind, Knobs, Visibility, fixture};
use ring::digest::{SHA256, digest};

use crate::client::{ACCEPT, GitHub, Reply};

const TAGS: &str = "/repos/acme/network/git/matching-refs/tags";

/// The rule once more, from its description.
fn by_rule(hashed: &[&[u8]]) -> String {
    let mut text = String::new();
    for byte in digest(&SHA256, &hashed.concat()).as_ref() {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn with_etags(github: &GitHub, etags: Etags) {
    github.stand_in.set_knobs(Knobs {
        etags,
        ..Knobs::default()
    });
}

fn conditional(github: &GitHub, token: &str, etag: &str) -> Reply {
    github.get_with(TAGS, token, &[("if-none-match", etag)])
}

#[test]
fn an_etag_follows_from_the_headers_that_vary_and_the_body() {
    let (github, git_dir) = GitHub::with_network();
    github
        .stand_in
        .add_repository("acme", "open", Visibility::Public, git_dir);
    let token = github.token();
    let open = "/repos/acme/open/git/matching-refs/tags";
    for (path, authorization) in [
        (TAGS, token.as_str()),
        (open, token.as_str()),
        (open, ""),
        ("/repos/acme/network", token.as_str()),
        ("/repos/acme/network/tags?per_page=2", token.as_str()),
        ("/installation/repositories", token.as_str()),
        ("/orgs/acme/repos?per_page=1", token.as_str()),
        ("/users/acme/repos", ""),
        ("/repos/acme/network/contents/main.tf", token.as_str()),
        ("/repos/acme/network/git/trees/main", token.as_str()),
    ] {
        let reply = github.get(path, authorization);
        let mut hashed = vec![ACCEPT.as_bytes(), b":"];
        if !authorization.is_empty() {
            hashed.extend([authorization.as_bytes(), b":"]);
        }
        hashed.push(&reply.body);
        let expected = format!("\"{}\"", by_rule(&hashed));
        assert_eq!(reply.header("etag"), Some(expected.as_str()), "{path}");
        let vary = reply.header("vary").unwrap();
        assert!(
            vary.starts_with("Accept, Authorization, Cookie, "),
            "{vary}"
        );

        let unchanged = github.get_with(path, authorization, &[("if-none-match", &expected)]);
        assert_eq!(unchanged.status, 304, "{path}");
        assert_eq!(unchanged.header("etag"), Some(expected.as_str()));
        assert_eq!(unchanged.header("link"), None);
        assert!(unchanged.body.is_empty() && unchanged.header("x-ratelimit-used").is_some());
    }
    for (path, authorization) in [
        ("/orgs/acme/installation", github.jwt()),
        ("/repos/acme/nothing", token.clone()),
    ] {
        let reply = github.get(path, &authorization);
        assert_eq!(reply.header("etag"), None, "{path}");
    }
}

#[test]
fn a_new_token_s_etag_can_be_foretold_from_the_body() {
    let (github, _) = GitHub::with_network();
    let (old, new) = (github.token(), github.token());
    let whole = github.get(TAGS, &old);
    let foretold = |body: &[u8]| {
        let hashed = by_rule(&[ACCEPT.as_bytes(), b":", new.as_bytes(), b":", body]);
        format!("\"{hashed}\"")
    };
    assert_eq!(
        conditional(&github, &new, whole.header("etag").unwrap()).status,
        200,
        "another token's"
    );
    assert_eq!(
        conditional(&github, &new, &foretold(&whole.body)).status,
        304
    );
    fixture::Repository::open(github.directory.path(), "acme", "network")
        .unwrap()
        .tag("v9.0.0")
        .build()
        .unwrap();
    assert_eq!(
        conditional(&github, &new, &foretold(&whole.body)).status,
        200,
        "a tag is new"
    );
}

#[test]
fn each_style_of_etags_matches_what_it_should() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let other = github.token();
    for (etags, same, other_token, star) in [
        (Etags::Rule, 304, 200, 304),
        (Etags::Opaque, 304, 200, 304),
        (Etags::Random, 200, 200, 200),
        (Etags::None, 200, 200, 200),
    ] {
        with_etags(&github, etags);
        let first = github.get(TAGS, &token);
        let etag = first.header("etag").unwrap_or("\"none\"").to_owned();
        assert_eq!(first.header("etag").is_some(), etags != Etags::None);
        let bare = etag.trim_matches('"');
        for (sent, status) in [
            (etag.clone(), same),
            (format!("W/{etag}"), same),
            (format!("\"a\", {etag}"), same),
            (bare.to_owned(), 200),
            ("*".to_owned(), star),
        ] {
            let reply = conditional(&github, &token, &sent);
            assert_eq!(reply.status, status, "{etags:?}: {sent}");
        }
        assert_eq!(conditional(&github, &other, &etag).status, other_token);
        let foretold = by_rule(&[ACCEPT.as_bytes(), b":", token.as_bytes(), b":", &first.body]);
        assert_eq!(foretold == bare, etags == Etags::Rule, "{etags:?}");
    }
}

#[test]
fn a_gzipped_body_has_a_weak_etag_over_the_plain_one() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let plain = github.get(TAGS, &token);
    let strong = plain.header("etag").unwrap();
    let gzip = ("accept-encoding", "gzip");
    let packed = github.get_with(TAGS, &token, &[gzip]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let weak = format!("W/{strong}");
    assert_eq!(packed.header("etag"), Some(weak.as_str()));
    let mut body = Vec::new();
    GzDecoder::new(packed.body.as_slice())
        .read_to_end(&mut body)
        .unwrap();
    assert_eq!(body, plain.body);
    for etag in [strong, &weak] {
        let reply = github.get_with(TAGS, &token, &[gzip, ("if-none-match", etag)]);
        assert_eq!((reply.status, reply.header("etag")), (304, Some(strong)));
    }
}

#[test]
fn a_304_is_free_with_a_credential_alone_and_the_log_has_the_condition() {
    let (github, git_dir) = GitHub::with_network();
    github
        .stand_in
        .add_repository("acme", "open", Visibility::Public, git_dir);
    let token = github.token();
    github.stand_in.clear_log();
    for authorization in [token.as_str(), ""] {
        let path = "/repos/acme/open/git/matching-refs/tags";
        let etag = github
            .get(path, authorization)
            .header("etag")
            .unwrap()
            .to_owned();
        let reply = github.get_with(path, authorization, &[("if-none-match", &etag)]);
        let used = if authorization.is_empty() { "2" } else { "1" };
        assert_eq!(reply.header("x-ratelimit-used"), Some(used));
        let log = github.stand_in.log();
        let last = log.last().unwrap();
        assert_eq!(
            (last.status, last.billed, last.if_none_match.as_deref()),
            (Some(304), authorization.is_empty(), Some(etag.as_str()))
        );
    }
    let since = ("if-modified-since", "Wed, 21 Sep 2099 16:16:08 GMT");
    assert_eq!(github.get_with(TAGS, &token, &[since]).status, 200);
    let log = github.stand_in.log();
    let flags: Vec<bool> = log.iter().map(|entry| entry.if_modified_since).collect();
    assert_eq!(flags, [false, false, false, false, true]);
    let counts = github.stand_in.counts();
    assert_eq!((counts.not_modified, counts.billed), (2, 4));
}

#[test]
fn a_lie_about_a_list_has_the_etag_of_the_lie() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let truth = github.get(TAGS, &token);
    let all = truth.json().as_array().unwrap().clone();
    for (fault, left) in [
        (FaultKind::EmptyList, 0),
        (FaultKind::ShortList { first: 2 }, 2),
        (FaultKind::ShortList { first: 999 }, all.len()),
    ] {
        github.stand_in.add_fault(Fault::api(TAGS, fault).times(2));
        let lie = github.get(TAGS, &token);
        assert_eq!(lie.json().as_array().unwrap(), &all[..left]);
        assert_eq!(
            lie.header("etag") == truth.header("etag"),
            left == all.len()
        );
        let repeated = conditional(&github, &token, lie.header("etag").unwrap());
        assert_eq!(repeated.status, 304);
    }
}
