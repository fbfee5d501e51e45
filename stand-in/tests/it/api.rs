//! The REST API: the App and its tokens, repositories, refs and tags.

use std::collections::BTreeSet;

use landfall_stand_in::{
    AccountKind, Credential, Hook, Installation, Knobs, Origin, PersonalToken, Profile, Selection,
    Visibility, fixture,
};
use serde_json::{Value, json};

use crate::client::{GitHub, exchange, git, now};

const TAGS: &str = "/repos/acme/network/git/matching-refs/tags";

#[test]
fn the_app_says_what_it_asks_for_and_where_its_webhooks_go() {
    let (github, _) = GitHub::with_network();
    let app = github.get("/app", &github.jwt()).json();
    assert_eq!(app["id"], github.stand_in.app_id());
    assert_eq!(
        (&app["permissions"]["contents"], &app["events"]),
        (&json!("read"), &json!([]))
    );
    let hook = |jwt: &str| github.get("/app/hook/config", jwt);
    let config = json!({"content_type": "json", "insecure_ssl": "0", "url": null});
    assert_eq!(hook(&github.jwt()).json(), config);
    github.stand_in.set_profile(Profile {
        events: vec!["push".to_owned()],
        hook: Hook {
            url: Some("https://modules.example.com/webhooks/github".to_owned()),
            has_secret: true,
            ..Hook::default()
        },
        ..Profile::default()
    });
    assert_eq!(
        github.get("/app", &github.jwt()).json()["events"],
        json!(["push"])
    );
    assert_eq!(hook(&github.jwt()).json()["secret"], "********");
    assert_eq!(hook(&github.token()).status, 401);
}

#[test]
fn an_account_is_told_to_everyone_but_the_app_itself() {
    let (github, _) = GitHub::with_network();
    let account = github.get("/users/ACME", "");
    assert_eq!(
        (account.status, &account.json()["login"]),
        (200, &json!("acme"))
    );
    assert_eq!(github.get("/users/nobody", "").status, 404);
    assert_eq!(github.get("/users/acme", &github.jwt()).status, 401);
}

#[test]
fn a_json_web_token_is_refused_with_github_s_own_words() {
    let (github, _) = GitHub::with_network();
    let now = now();
    let claims =
        json!({"iss": github.stand_in.app_id().to_string(), "iat": now - 60, "exp": now + 300});
    let with = |claim: &str, value: Value| {
        let mut claims = claims.clone();
        claims[claim] = value;
        github.jwt_with(&claims)
    };
    for (authorization, status, message) in [
        (github.jwt_with(&claims), 200, ""),
        (with("iss", json!("Iv23liLandfallStandI")), 200, ""),
        (
            with("iss", json!("1001abc")),
            401,
            "A JSON web token could not be decoded",
        ),
        (with("iss", json!("1002")), 404, "Integration not found"),
        (
            with("exp", json!(now + 3_600)),
            401,
            "'Expiration time' claim ('exp') is too far in the future",
        ),
        (
            with("exp", json!(now - 1)),
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        ),
        (
            with("iat", json!(now + 120)),
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        ),
        (
            format!("{}x", github.jwt()),
            401,
            "A JSON web token could not be decoded",
        ),
        (String::new(), 401, "A JSON web token could not be decoded"),
        (github.token(), 401, "A JSON web token could not be decoded"),
        (
            github.jwt().replace("Bearer", "token"),
            401,
            "Bad credentials",
        ),
    ] {
        let reply = github.get("/orgs/acme/installation", &authorization);
        assert_eq!(reply.status, status, "{message}");
        if status == 200 {
            assert_eq!(
                reply.header("x-ratelimit-limit"),
                None,
                "the App's own calls have no limit"
            );
        } else {
            assert_eq!(reply.message(), message);
        }
    }
}

#[test]
fn a_clock_that_is_off_shows_in_the_date_header_and_in_the_verdict() {
    let (github, _) = GitHub::with_network();
    github.stand_in.set_knobs(Knobs {
        clock_offset_seconds: 1_000_000_000,
        ..Knobs::default()
    });
    let reply = github.get("/orgs/acme/installation", &github.jwt());
    assert_eq!(reply.status, 401);
    let year = reply
        .header("date")
        .unwrap()
        .split(' ')
        .nth(3)
        .unwrap()
        .parse::<i64>()
        .unwrap();
    assert!(year > 2050, "{year}");
    let later = now() + 1_000_000_000;
    let repaired = github.jwt_with(&json!({"iss": "1001", "iat": later - 60, "exp": later + 300}));
    assert_eq!(github.get("/orgs/acme/installation", &repaired).status, 200);
}

#[test]
fn an_installation_is_found_under_every_address_that_it_has() {
    let (github, _) = GitHub::with_network();
    github.stand_in.set_account_kind("mona", AccountKind::User);
    github.stand_in.install("mona", Installation::default());
    for (path, status) in [
        ("/orgs/acme/installation", 200),
        ("/orgs/ACME/installation", 200),
        ("/users/acme/installation", 200),
        ("/orgs/mona/installation", 404),
        ("/users/mona/installation", 200),
        ("/users/nobody/installation", 404),
        ("/repos/acme/network/installation", 200),
        ("/repos/Acme/Network/installation", 200),
        ("/repos/acme/nothing/installation", 404),
        ("/orgs/acme/installation/", 404),
    ] {
        assert_eq!(github.get(path, &github.jwt()).status, status, "{path}");
    }
}

#[test]
fn a_token_is_minted_for_what_was_granted_and_no_more() {
    let (github, _) = GitHub::with_network();
    let jwt = github.jwt();
    for (body, status) in [
        ("", 201),
        ("{}", 201),
        (r#"{"permissions":{"contents":"read"}}"#, 201),
        (r#"{"permissions":{"contents":"write"}}"#, 422),
        (r#"{"permissions":{"issues":"read"}}"#, 422),
        (r#"{"repositories":["Network"]}"#, 201),
        (r#"{"repositories":["nothing"]}"#, 422),
        (r#"{"repository_ids":[999999]}"#, 422),
        ("{", 400),
    ] {
        assert_eq!(github.mint(body).status, status, "{body}");
    }
    assert_eq!(github.stand_in.counts().mints, 4);
    let minted = github.mint(r#"{"repositories":["network"]}"#).json();
    assert_eq!(minted["repository_selection"], "selected");
    assert_eq!(minted["repositories"][0]["full_name"], "acme/network");
    assert_eq!(github.mint("").json()["repository_selection"], "all");
    assert_eq!(github.mint("").json().get("repositories"), None);
    let foreign = github.send("POST", "/app/installations/999999/access_tokens", &jwt, "");
    assert_eq!(foreign.status, 404);
    let suspended = Installation {
        suspended: true,
        ..Installation::default()
    };
    let token = github.token();
    github.stand_in.install("acme", suspended);
    let refused = github.mint("");
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (403, "This installation has been suspended")
    );
    assert_eq!(github.get(TAGS, &token).status, 403);
    let shown = github.get("/orgs/acme/installation", &jwt);
    assert!(shown.json()["suspended_at"].is_string());
}

#[test]
fn a_token_is_long_and_opaque_unless_the_switch_says_otherwise() {
    let (github, _) = GitHub::with_network();
    let long = github.mint("").json()["token"].as_str().unwrap().to_owned();
    assert!(
        long.starts_with("ghs_1001_") && (500..540).contains(&long.len()),
        "{long}"
    );
    github.stand_in.set_knobs(Knobs {
        short_tokens: true,
        ..Knobs::default()
    });
    let short = github.mint("").json()["token"].as_str().unwrap().to_owned();
    assert_eq!(short.len(), 40);
    for token in [long, short] {
        for scheme in ["Bearer", "bearer", "token"] {
            assert_eq!(github.get(TAGS, &format!("{scheme} {token}")).status, 200);
        }
    }
}

#[test]
fn a_token_is_refused_while_it_lags_after_it_expired_and_when_nobody_minted_it() {
    let (github, _) = GitHub::with_network();
    github.stand_in.set_knobs(Knobs {
        token_lag_uses: 2,
        token_lifetime_seconds: 100,
        ..Knobs::default()
    });
    let token = github.token();
    let statuses: Vec<u16> = (0..4).map(|_| github.get(TAGS, &token).status).collect();
    assert_eq!(statuses, [401, 401, 200, 200]);
    github.stand_in.set_knobs(Knobs {
        clock_offset_seconds: 101,
        ..Knobs::default()
    });
    for token in [token.as_str(), "Bearer ghs_unknown", "Bearer", "Basic YTpi"] {
        let reply = github.get(TAGS, token);
        assert_eq!(
            (reply.status, reply.message().as_str()),
            (401, "Bad credentials"),
            "{token}"
        );
    }
    let token = {
        github.stand_in.set_knobs(Knobs::default());
        github.token()
    };
    github.stand_in.uninstall("acme");
    assert_eq!(github.get(TAGS, &token).status, 401);
}

#[test]
fn who_may_not_know_of_a_repository_is_told_404_and_who_lacks_a_permission_403() {
    let (github, git_dir) = GitHub::with_network();
    github
        .stand_in
        .add_repository("acme", "open", Visibility::Public, &git_dir);
    github
        .stand_in
        .add_repository("other", "secret", Visibility::Private, &git_dir);
    github
        .stand_in
        .add_personal_token("ghp_all", PersonalToken::default());
    let some = Selection::Only(BTreeSet::from(["other/secret".to_owned()]));
    github
        .stand_in
        .add_personal_token("ghp_some", PersonalToken { repositories: some });
    let all = github.token();
    let named = github.mint(r#"{"repositories":["open"]}"#).json();
    let only_open = format!("Bearer {}", named["token"].as_str().unwrap());
    let weak = github.mint(r#"{"permissions":{"metadata":"read"}}"#).json();
    let weak = format!("Bearer {}", weak["token"].as_str().unwrap());
    for (authorization, repository, status) in [
        ("", "acme/network", 404),
        ("", "acme/open", 200),
        ("", "acme/nothing", 404),
        (&all, "acme/network", 200),
        (&all, "ACME/NETWORK", 200),
        (&all, "acme/open", 200),
        (&all, "other/secret", 404),
        (&only_open, "acme/network", 404),
        (&only_open, "acme/open", 200),
        (&weak, "acme/network", 403),
        (&weak, "acme/open", 200),
        ("Bearer ghp_all", "other/secret", 200),
        ("token ghp_some", "other/secret", 200),
        ("token ghp_some", "acme/network", 404),
        (&github.jwt(), "acme/network", 401),
    ] {
        let path = format!("/repos/{repository}/git/matching-refs/tags");
        let reply = github.get(&path, authorization);
        assert_eq!(reply.status, status, "{repository} with {authorization}");
        if status == 403 {
            assert_eq!(reply.message(), "Resource not accessible by integration");
            assert_eq!(
                reply.header("x-accepted-github-permissions"),
                Some("contents=read")
            );
        }
    }
    assert_eq!(github.get("/repos/acme/network", &weak).status, 200);
    let selected = Installation {
        repositories: Selection::Only(BTreeSet::from(["open".to_owned()])),
        ..Installation::default()
    };
    github.stand_in.install("acme", selected);
    assert_eq!(github.get(TAGS, &all).status, 404);
    assert_eq!(
        github
            .get("/repos/acme/network/installation", &github.jwt())
            .status,
        404
    );
    assert_eq!(
        github
            .get("/repos/acme/open/installation", &github.jwt())
            .status,
        200
    );
}

#[test]
fn matching_refs_are_what_git_says_unpaged_and_unpeeled() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    for (prefix, arguments) in [
        ("tags", "refs/tags"),
        ("tags/v1.", "refs/tags/v1.*"),
        ("tags/v1.2.0%2Bbuild", "refs/tags/v1.2.0+build"),
        ("tags/v1.2.0+build", "refs/tags/v1.2.0+build"),
        ("heads", "refs/heads"),
        ("tags/none", "refs/tags/none"),
    ] {
        let path = format!("/repos/acme/network/git/matching-refs/{prefix}");
        let answered: Vec<String> = github
            .get(&path, &token)
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|found| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let object = &found["object"];
                format!(
                    "{} {} {}",
                    text(&found["ref"]),
                    text(&object["sha"]),
                    text(&object["type"])
                )
            })
            .collect();
        let format = "--format=%(refname) %(objectname) %(objecttype)";
        let said = git(&git_dir, &["for-each-ref", format, arguments]);
        assert_eq!(answered, said.lines().collect::<Vec<_>>(), "{prefix}");
    }
    assert_eq!(
        github
            .get("/repos/acme/network/git/matching-refs/tags/", &token)
            .status,
        404
    );
    assert_eq!(
        github
            .get("/repos/acme/network/git/ref/tags/v1.0.0", &token)
            .status,
        200
    );
    assert_eq!(
        github
            .get("/repos/acme/network/git/ref/tags/v1.0", &token)
            .status,
        404
    );
}

#[test]
fn a_repository_without_a_commit_has_no_refs_to_match() {
    let (github, _) = GitHub::with_network();
    let empty = fixture::Repository::new(github.directory.path(), "acme", "empty");
    github.add(empty, "empty", Visibility::Private);
    let untagged = fixture::Repository::new(github.directory.path(), "acme", "untagged");
    github.add(
        untagged.file("a", "a").commit("a"),
        "untagged",
        Visibility::Private,
    );
    let token = github.token();
    let reply = github.get("/repos/acme/empty/git/matching-refs/tags", &token);
    assert_eq!(
        (reply.status, reply.message().as_str()),
        (409, "Git Repository is empty.")
    );
    let reply = github.get("/repos/acme/untagged/git/matching-refs/tags", &token);
    assert_eq!((reply.status, reply.json()), (200, json!([])));
    assert_eq!(github.get("/repos/acme/empty", &token).status, 200);
}

#[test]
fn a_tag_object_says_what_it_points_at_be_it_another_tag() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    let outer = git(&git_dir, &["rev-parse", "refs/tags/outer"]);
    let reply = github
        .get(&format!("/repos/acme/network/git/tags/{outer}"), &token)
        .json();
    let inner = git(&git_dir, &["rev-parse", "refs/tags/inner"]);
    assert_eq!(
        (&reply["object"]["type"], &reply["object"]["sha"]),
        (&json!("tag"), &json!(inner))
    );
    assert_eq!(
        (&reply["tag"], &reply["tagger"]["email"]),
        (&json!("outer"), &json!("fixture@example.com"))
    );
    let reply = github
        .get(&format!("/repos/acme/network/git/tags/{inner}"), &token)
        .json();
    let commit = git(&git_dir, &["rev-parse", "refs/tags/inner^{commit}"]);
    assert_eq!(
        (&reply["object"]["type"], &reply["object"]["sha"]),
        (&json!("commit"), &json!(commit))
    );
    for (sha, status) in [
        (commit.as_str(), 404),
        (&"0".repeat(40), 404),
        ("inner", 422),
    ] {
        let path = format!("/repos/acme/network/git/tags/{sha}");
        assert_eq!(github.get(&path, &token).status, status, "{sha}");
    }
}

#[test]
fn a_renamed_repository_redirects_to_its_id_until_its_name_is_taken() {
    let (github, git_dir) = GitHub::with_network();
    let token = github.token();
    let id = github.get("/repos/acme/network", &token).json()["id"]
        .as_u64()
        .unwrap();
    assert!(
        github
            .stand_in
            .rename_repository("acme/network", "acme/backbone")
    );
    let api = github.stand_in.api_url();
    for rest in [
        "",
        "/git/matching-refs/tags",
        "/git/ref/tags/v1.2.0%2Bbuild",
        "/zipball/refs/tags/v1.0.0",
        "/contents/shared/versions.tf?ref=v1.0.0",
        "/git/trees/main?recursive=1",
    ] {
        let reply = github.get(&format!("/repos/Acme/network{rest}"), &token);
        let location = format!("{api}/repositories/{id}{rest}");
        assert_eq!(
            (reply.status, reply.header("location")),
            (301, Some(location.as_str()))
        );
        assert_eq!(reply.message(), "Moved Permanently");
        let followed = github.get(location.strip_prefix(api).unwrap(), &token);
        assert!(
            matches!(followed.status, 200 | 302),
            "{location}: {}",
            followed.status
        );
    }
    assert_eq!(
        github
            .get("/repos/acme/network/installation", &github.jwt())
            .status,
        301
    );
    assert_eq!(github.get("/repos/acme/network", "").status, 404);
    let renamed = github.get(&format!("/repositories/{id}"), &token).json();
    assert_eq!(renamed["full_name"], "acme/backbone");
    github
        .stand_in
        .add_repository("acme", "network", Visibility::Private, git_dir);
    assert_ne!(github.get("/repos/acme/network", &token).json()["id"], id);
    assert!(github.stand_in.remove_repository("acme", "backbone"));
    assert_eq!(github.get("/repos/acme/backbone", &token).status, 404);
}

#[test]
fn a_request_without_a_user_agent_or_with_an_unknown_version_is_turned_away() {
    let (github, _) = GitHub::with_network();
    let authority = github.stand_in.api_url().strip_prefix("http://").unwrap();
    let agent = ("user-agent", "landfall-test");
    let version = |value| ("x-github-api-version", value);
    for (headers, status, selected) in [
        (vec![], 403, None),
        (vec![agent, version("2020-01-01")], 400, None),
        (vec![agent], 401, Some("2022-11-28")),
        (vec![agent, version("2022-11-28")], 401, Some("2022-11-28")),
        (vec![agent, version("2026-03-10")], 401, Some("2026-03-10")),
    ] {
        let path = "/orgs/acme/installation";
        let mut headers = headers;
        headers.push(("authorization", "Bearer ghs_unknown"));
        let reply = exchange(authority, "GET", path, &headers, b"").unwrap();
        assert_eq!(reply.status, status, "{headers:?}");
        assert_eq!(reply.header("x-github-api-version-selected"), selected);
    }
}

#[test]
fn the_log_says_what_was_asked_how_and_at_whose_cost() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    github.get(TAGS, &token);
    github.get("/repos/acme/nothing", "");
    github.archive("/repos/acme/network/zipball/refs/tags/v1.0.0", &token);
    let log = github.stand_in.log();
    let rows: Vec<_> = log
        .iter()
        .map(|entry| {
            (
                entry.origin,
                entry.path.as_str(),
                entry.credential,
                entry.billed,
                entry.status,
            )
        })
        .collect();
    assert_eq!(
        rows[0],
        (
            Origin::Api,
            "/orgs/acme/installation",
            Credential::Jwt,
            false,
            Some(200)
        )
    );
    assert_eq!(
        (rows[1].2, rows[1].3, rows[1].4),
        (Credential::Jwt, false, Some(201))
    );
    assert_eq!(
        rows[2],
        (Origin::Api, TAGS, Credential::Token, true, Some(200))
    );
    assert_eq!(
        rows[3],
        (
            Origin::Api,
            "/repos/acme/nothing",
            Credential::None,
            true,
            Some(404)
        )
    );
    let zipball = "/repos/acme/network/zipball/refs/tags/v1.0.0";
    assert_eq!(
        rows[4],
        (Origin::Api, zipball, Credential::Token, false, Some(302))
    );
    let legacy = "/acme/network/legacy.zip/refs/tags/v1.0.0";
    assert_eq!(
        rows[5],
        (Origin::Archive, legacy, Credential::None, false, Some(200))
    );
    assert_eq!(github.stand_in.counts().billed, 2);
    github.stand_in.clear_log();
    assert_eq!(github.stand_in.log(), []);
}
