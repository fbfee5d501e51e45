//! The control endpoints.

use landfall_stand_in::{Counts, Etags, Fault, FaultKind, Knobs, LogEntry, NodeIds};
use serde_json::json;

use crate::client::{GitHub, git};

#[test]
fn faults_knobs_and_the_log_are_reached_over_http() {
    let (github, _) = GitHub::with_network();
    let order = json!([
        {"origin": "api", "path": "/orgs/*", "times": 1, "fault": {"stall": {"seconds": 0}}},
        {"origin": "archive", "fault": "empty_body"},
    ]);
    assert_eq!(
        github
            .send("POST", "/_stand-in/faults", "", &order.to_string())
            .status,
        204
    );
    let one = json!({"origin": "api", "method": "GET", "path": "/repos/*", "times": 2, "fault": "server_error"});
    assert_eq!(
        github
            .send("POST", "/_stand-in/faults", "", &one.to_string())
            .status,
        204
    );
    let expected = vec![
        Fault::api("/orgs/*", FaultKind::Stall { seconds: 0 }).times(1),
        Fault {
            times: None,
            ..Fault::next_archive(FaultKind::EmptyBody)
        },
        Fault {
            method: Some("GET".to_owned()),
            ..Fault::api("/repos/*", FaultKind::ServerError).times(2)
        },
    ];
    let told = github.get("/_stand-in/faults", "").json();
    assert_eq!(
        serde_json::from_value::<Vec<Fault>>(told).unwrap(),
        expected
    );
    assert_eq!(github.stand_in.faults(), expected);
    assert_eq!(github.get("/repos/acme/network", "").status, 500);
    assert_eq!(
        github.send("DELETE", "/_stand-in/faults", "", "").status,
        204
    );
    assert_eq!(github.stand_in.faults(), []);

    let order =
        r#"{"token_lag_uses": 3, "etags": "opaque", "node_ids": "legacy", "max_concurrent": 9}"#;
    let turned = github.send("PATCH", "/_stand-in/knobs", "", order).json();
    assert_eq!(
        serde_json::from_value::<Knobs>(turned).unwrap(),
        github.stand_in.knobs()
    );
    assert_eq!(
        github.stand_in.knobs(),
        Knobs {
            token_lag_uses: 3,
            etags: Etags::Opaque,
            node_ids: NodeIds::Legacy,
            max_concurrent: Some(9),
            ..Knobs::default()
        }
    );
    let back = r#"{"max_concurrent": null, "token_lag_uses": 0}"#;
    github.send("PATCH", "/_stand-in/knobs", "", back);
    assert_eq!(github.stand_in.knobs().max_concurrent, None);

    let log = github.get("/_stand-in/log", "").json();
    assert_eq!(
        serde_json::from_value::<Vec<LogEntry>>(log).unwrap(),
        github.stand_in.log()
    );
    let counts = github.get("/_stand-in/counts", "").json();
    assert_eq!(
        serde_json::from_value::<Counts>(counts.clone()).unwrap(),
        github.stand_in.counts()
    );
    let taken = github.send("DELETE", "/_stand-in/counts", "", "").json();
    assert_eq!(taken, counts);
    assert_eq!(github.stand_in.counts(), Counts::default());
    github.get("/repos/acme/network", "");
    assert_eq!(github.send("DELETE", "/_stand-in/log", "", "").status, 204);
    assert_eq!(github.stand_in.log(), []);
}

#[test]
fn repositories_and_installations_are_changed_over_http() {
    let (github, git_dir) = GitHub::with_network();
    let change = |method: &str, path: &str, body: serde_json::Value| {
        github
            .send(method, &format!("/_stand-in/{path}"), "", &body.to_string())
            .status
    };
    let new = json!({"owner": "acme", "name": "open", "visibility": "public", "git_dir": git_dir});
    assert_eq!(change("POST", "repositories", new), 200);
    assert_eq!(github.get("/repos/acme/open", "").status, 200);
    assert_eq!(
        change(
            "POST",
            "renames",
            json!({"from": "acme/open", "to": "acme/opened"})
        ),
        204
    );
    assert_eq!(github.get("/repos/acme/open", "").status, 301);
    for (block, status) in [("dmca", 451), ("tos", 403)] {
        let path = "repositories/acme/opened/block";
        assert_eq!(change("PUT", path, json!(block)), 204);
        assert_eq!(github.get("/repos/acme/opened", "").status, status);
        assert_eq!(change("PUT", path, json!(null)), 204);
    }
    assert_eq!(
        change("PUT", "repositories/acme/opened/archived", json!(true)),
        204
    );
    let opened = github.get("/repos/acme/opened", "");
    assert_eq!(opened.json()["archived"], true);
    assert_eq!(change("PUT", "used/acme", json!(5_000)), 204);
    assert_eq!(
        github.get("/repos/acme/opened", &github.token()).status,
        403
    );
    assert_eq!(change("PUT", "used/nobody", json!(1)), 404);
    assert_eq!(
        change(
            "PUT",
            "repositories/acme/opened/visibility",
            json!("private")
        ),
        204
    );
    assert_eq!(github.get("/repos/acme/opened", "").status, 404);
    assert_eq!(
        change(
            "PUT",
            "personal-tokens/ghp_one",
            json!({"repositories": {"only": ["acme/opened"]}})
        ),
        204
    );
    assert_eq!(
        github.get("/repos/acme/opened", "Bearer ghp_one").status,
        200
    );
    assert_eq!(
        change("DELETE", "repositories/acme/opened", json!(null)),
        204
    );
    assert_eq!(
        github.get("/repos/acme/opened", "Bearer ghp_one").status,
        404
    );

    assert_eq!(
        change("PUT", "installations/acme", json!({"suspended": true})),
        200
    );
    assert_eq!(github.mint("").status, 403);
    assert_eq!(change("DELETE", "installations/acme", json!(null)), 204);
    assert_eq!(
        github.get("/orgs/acme/installation", &github.jwt()).status,
        404
    );
    assert_eq!(change("PUT", "accounts/mona/kind", json!("user")), 204);
    assert_eq!(change("PUT", "installations/mona", json!({})), 200);
    assert_eq!(
        github.get("/users/mona/installation", &github.jwt()).status,
        200
    );
    assert_eq!(
        github.get("/orgs/mona/installation", &github.jwt()).status,
        404
    );
}

#[test]
fn what_is_said_of_a_repository_and_pushed_to_it_is_changed_over_http() {
    let (github, git_dir) = GitHub::with_network();
    let put = |path: &str, body: &str| {
        let path = format!("/_stand-in/repositories/acme/{path}");
        github.send("PUT", &path, "", body)
    };
    assert_eq!(put("network/visibility", r#""public""#).status, 204);
    for (what, value) in [
        ("description", json!("A network.")),
        ("description", json!(null)),
        ("topics", json!(["terraform-module", "network"])),
        ("html_url", json!("https://example.com/acme/network")),
        ("default_branch", json!("both")),
    ] {
        let set = put(&format!("network/{what}"), &value.to_string());
        assert_eq!(set.status, 204, "{what}");
        let told = github.get("/repos/acme/network", "").json();
        assert_eq!(told[what], value);
    }
    assert_eq!(put("network/pushed_at", "1800000000").status, 204);
    let told = github.get("/repos/acme/network", "").json();
    assert_eq!(told["pushed_at"], "2027-01-15T08:00:00Z");

    let written = put("network/files/a%20b/c", "C").json();
    let (branch, file) = ("refs/heads/both", "refs/heads/both:a b/c");
    assert_eq!(written["sha"], git(&git_dir, &["rev-parse", branch]));
    assert_eq!(git(&git_dir, &["cat-file", "blob", file]), "C");
    for (path, body, status) in [
        ("network/default_branch", r#""a..b""#, 400),
        ("network/topics", r#""one""#, 400),
        ("network/files", "no path", 404),
        ("network/unknown", "1", 404),
        ("nothing/files/a", "1", 404),
        ("nothing/topics", "[]", 404),
    ] {
        assert_eq!(put(path, body).status, status, "{path}");
    }
}

#[test]
fn what_is_misspelt_is_refused() {
    let (github, _) = GitHub::with_network();
    for (path, body) in [
        ("faults", r#"{"origin": "api", "fault": "unknown"}"#),
        (
            "faults",
            r#"{"origin": "api", "fault": {"stall": {"minutes": 1}}}"#,
        ),
        ("faults", r#"{"origin": "api", "time": 1, "fault": "drop"}"#),
        ("knobs", r#"{"unknown": 1}"#),
        ("knobs", r#"{"etags": "unknown"}"#),
        ("webhooks", r#"{"url": "http://127.0.0.1:1"}"#),
    ] {
        let reply = github.send("POST", &format!("/_stand-in/{path}"), "", body);
        assert_eq!(reply.status, 400, "{body}");
    }
}
