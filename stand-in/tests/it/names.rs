//! What a repository is called, who may have it, and what becomes of both.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use landfall_stand_in::{Block, Installation, Knobs, NodeIds, Visibility};

use crate::client::GitHub;

const TAGS: &str = "/repos/acme/network/git/matching-refs/tags";

fn id_of(github: &GitHub, path: &str, token: &str) -> u64 {
    github.get(path, token).json()["id"].as_u64().unwrap()
}

#[test]
fn a_ref_s_node_id_tells_the_repository_s_id_in_two_of_three_styles() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let id = id_of(&github, "/repos/acme/network", &token);
    let node_id = |node_ids| {
        github.stand_in.set_knobs(Knobs {
            node_ids,
            ..Knobs::default()
        });
        let reply = github.get("/repos/acme/network/git/ref/tags/v1.0.0", &token);
        let list = github.get(&format!("{TAGS}/v1.0.0"), &token).json();
        assert_eq!(list[0]["node_id"], reply.json()["node_id"]);
        reply.json()["node_id"].as_str().unwrap().to_owned()
    };
    let current = node_id(NodeIds::Current);
    let packed = current.strip_prefix("REF_").unwrap();
    let id32 = u32::try_from(id).unwrap().to_be_bytes();
    let expected = [&b"\x93\x00\xce"[..], &id32, b"\xb0refs/tags/v1.0.0"].concat();
    assert_eq!(URL_SAFE_NO_PAD.decode(packed).unwrap(), expected);
    let legacy = format!("03:Ref{id}:refs/tags/v1.0.0");
    assert_eq!(node_id(NodeIds::Legacy), STANDARD.encode(legacy));
    let opaque = node_id(NodeIds::Opaque);
    assert_eq!(URL_SAFE_NO_PAD.decode(&opaque).unwrap().len(), 32);
    assert_eq!(opaque, node_id(NodeIds::Opaque), "the same each time");
}

#[test]
fn a_transferred_repository_keeps_its_id_and_is_for_its_new_owner_s_token() {
    let (github, _) = GitHub::with_network();
    let stand_in = &github.stand_in;
    let other = stand_in.install("other", Installation::default());
    let acme = github.token();
    let minted = github.send(
        "POST",
        &format!("/app/installations/{other}/access_tokens"),
        &github.jwt(),
        "",
    );
    let other = format!("Bearer {}", minted.json()["token"].as_str().unwrap());
    let id = id_of(&github, "/repos/acme/network", &acme);
    assert!(stand_in.rename_repository("acme/network", "other/moved"));
    let by_id = format!("/repositories/{id}/git/matching-refs/tags");
    for (path, token, status) in [
        (TAGS, &acme, 404),
        (TAGS, &other, 301),
        (by_id.as_str(), &acme, 404),
        (by_id.as_str(), &other, 200),
        ("/repos/other/moved/git/matching-refs/tags", &other, 200),
    ] {
        assert_eq!(github.get(path, token).status, status, "{path}");
    }
    let moved = github.get("/repos/other/moved", &other).json();
    assert_eq!(
        (&moved["id"], &moved["full_name"]),
        (&id.into(), &"other/moved".into())
    );
    let listed = github.get("/repos/acme/network/tags?per_page=5", &other);
    let location = format!("{}/repositories/{id}/tags?per_page=5", stand_in.api_url());
    assert_eq!(listed.header("location"), Some(location.as_str()));
}

#[test]
fn a_name_that_is_used_again_is_another_repository() {
    let (github, git_dir) = GitHub::with_network();
    let stand_in = &github.stand_in;
    let token = github.token();
    let first = id_of(&github, "/repos/acme/network", &token);
    assert!(stand_in.rename_repository("acme/network", "acme/backbone"));
    assert_eq!(github.get(TAGS, &token).status, 301);
    let second = stand_in.add_repository("acme", "network", Visibility::Private, &git_dir);
    assert_eq!(id_of(&github, "/repos/acme/network", &token), second);
    assert_eq!(id_of(&github, "/repos/acme/backbone", &token), first);
    assert!(stand_in.remove_repository("acme", "network"));
    assert_eq!(github.get(TAGS, &token).status, 404, "no redirect again");
    assert_eq!(
        github
            .get(&format!("/repositories/{second}"), &token)
            .status,
        404
    );
    let third = stand_in.add_repository("acme", "network", Visibility::Private, &git_dir);
    assert_eq!(id_of(&github, "/repos/acme/network", &token), third);
    assert!(third != first && third != second);
}

#[test]
fn a_blocked_repository_says_why_and_an_archived_one_goes_on() {
    let (github, _) = GitHub::with_network();
    let stand_in = &github.stand_in;
    let token = github.token();
    for (block, status, reason) in [(Block::Dmca, 451, "dmca"), (Block::Tos, 403, "tos")] {
        assert!(stand_in.set_block("acme", "Network", Some(block)));
        for path in [
            TAGS,
            "/repos/acme/network",
            "/repos/acme/network/zipball/main",
        ] {
            let reply = github.get(path, &token);
            assert_eq!(reply.status, status, "{path}");
            assert_eq!(reply.message(), "Repository access blocked");
            assert_eq!(reply.json()["block"]["reason"], reason);
        }
    }
    assert!(stand_in.set_block("acme", "network", None));
    for archived in [true, false] {
        assert!(stand_in.set_archived("acme", "network", archived));
        let reply = github.get("/repos/acme/network", &token);
        assert_eq!(reply.json()["archived"], archived);
        assert_eq!(github.get(TAGS, &token).status, 200);
    }
    assert!(!stand_in.set_block("acme", "nothing", None));
    assert!(!stand_in.set_archived("acme", "nothing", true));
}

#[test]
fn a_suspended_installation_s_tokens_are_refused_in_either_way() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let set = |suspended| {
        let settings = Installation {
            suspended,
            ..Installation::default()
        };
        github.stand_in.install("acme", settings);
    };
    set(true);
    for (suspended_status, message) in [
        (403, "This installation has been suspended"),
        (401, "Bad credentials"),
    ] {
        github.stand_in.set_knobs(Knobs {
            suspended_status,
            ..Knobs::default()
        });
        let refused = github.get(TAGS, &token);
        assert_eq!(refused.status, suspended_status);
        assert_eq!(refused.message(), message);
        assert_eq!(github.mint("").status, 403);
    }
    set(false);
    assert_eq!(github.get(TAGS, &token).status, 200);
}
