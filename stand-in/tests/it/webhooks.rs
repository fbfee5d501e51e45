//! Webhook deliveries.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use landfall_stand_in::{Event, RefType, RepositorySummary, Subject, Tag, Webhook};
use percent_encoding::percent_decode;
use ring::hmac;
use serde_json::{Value, json};

use crate::client::GitHub;

const SECRET: &str = "It's a Secret to Everybody";

fn subject() -> Subject {
    Subject {
        installation: 42,
        repository: RepositorySummary {
            id: 7,
            owner: "acme".to_owned(),
            owner_id: 3,
            name: "network".to_owned(),
            private: true,
        },
    }
}

fn signed(body: &[u8], signature: Option<&str>) -> bool {
    let Some(hex) = signature.and_then(|value| value.strip_prefix("sha256=")) else {
        return false;
    };
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, body, &bytes).is_ok()
}

/// Heads and bodies.
type Received = Vec<(String, Vec<u8>)>;

/// Takes so many requests, answers 202, and gives their heads and bodies.
fn receive(count: usize) -> (String, thread::JoinHandle<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/hooks", listener.local_addr().unwrap());
    let receiver = thread::spawn(move || {
        (0..count)
            .map(|_| {
                let (mut socket, _) = listener.accept().unwrap();
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") {
                    socket.read_exact(&mut byte).unwrap();
                    head.extend(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("Content-Length: "));
                let mut body = vec![0; length.unwrap().parse().unwrap()];
                socket.read_exact(&mut body).unwrap();
                socket
                    .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
                    .unwrap();
                (head, body)
            })
            .collect()
    });
    (url, receiver)
}

/// Every event, its name, and what its payload has to say.
fn events() -> Vec<(Event, &'static str, Value)> {
    let repository = subject().repository;
    let zeros = "0".repeat(40);
    let sha = "1".repeat(40);
    let push = |before: Option<&String>, after: Option<&String>, forced| Event::Push {
        reference: "refs/tags/v1".to_owned(),
        before: before.cloned(),
        after: after.cloned(),
        forced,
    };
    let (ref_type, name) = (RefType::Tag, "v1".to_owned());
    let action = |action: &str| Event::Repository {
        action: action.to_owned(),
    };
    vec![
        (
            Event::Ping,
            "ping",
            json!({"zen": "Keep it logically awesome."}),
        ),
        (
            Event::Create {
                ref_type,
                name: name.clone(),
            },
            "create",
            json!({"ref": "v1", "ref_type": "tag", "pusher_type": "user"}),
        ),
        (
            Event::Delete { ref_type, name },
            "delete",
            json!({"ref": "v1", "ref_type": "tag"}),
        ),
        (
            push(None, Some(&sha), false),
            "push",
            json!({"ref": "refs/tags/v1", "before": zeros, "after": sha, "created": true, "deleted": false, "forced": false}),
        ),
        (
            push(Some(&sha), None, false),
            "push",
            json!({"before": sha, "after": zeros, "created": false, "deleted": true, "head_commit": null}),
        ),
        (
            push(Some(&sha), Some(&sha), true),
            "push",
            json!({"created": false, "deleted": false, "forced": true}),
        ),
        (
            Event::Release {
                action: "published".to_owned(),
                tag: "v1".to_owned(),
            },
            "release",
            json!({"action": "published"}),
        ),
        (
            action("deleted"),
            "repository",
            json!({"action": "deleted"}),
        ),
        (
            Event::RepositoryRenamed {
                from: "old".to_owned(),
            },
            "repository",
            json!({"action": "renamed", "changes": {"repository": {"name": {"from": "old"}}}}),
        ),
        (
            Event::RepositoryTransferred {
                from: "other".to_owned(),
            },
            "repository",
            json!({"action": "transferred"}),
        ),
        (
            Event::Installation {
                action: "suspend".to_owned(),
                repositories: vec![repository.clone()],
            },
            "installation",
            json!({"action": "suspend"}),
        ),
        (
            Event::InstallationRepositories {
                added: vec![repository.clone()],
                removed: vec![],
            },
            "installation_repositories",
            json!({"action": "added", "repositories_removed": []}),
        ),
        (
            Event::InstallationRepositories {
                added: vec![],
                removed: vec![repository],
            },
            "installation_repositories",
            json!({"action": "removed", "repositories_added": []}),
        ),
    ]
}

#[test]
fn every_event_has_github_s_headers_and_the_fields_that_matter() {
    let webhook = Webhook::new(SECRET).app(4711);
    for (event, name, expected) in events() {
        let delivery = webhook.delivery(&event, &subject());
        assert_eq!(delivery.header("x-github-event"), Some(name));
        assert_eq!(
            delivery.header("x-github-hook-installation-target-id"),
            Some("4711")
        );
        assert_eq!(delivery.header("content-type"), Some("application/json"));
        assert!(signed(
            &delivery.body,
            delivery.header("x-hub-signature-256")
        ));
        let told: Value = serde_json::from_slice(&delivery.body).unwrap();
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&told[field], value, "{field} of {event:?}");
        }
        if event == Event::Ping {
            assert_eq!(told["hook_id"], webhook.id);
            continue;
        }
        assert_eq!(told["installation"]["id"], 42);
        assert!(told["installation"]["node_id"].is_string());
        let (repository, summary) = (&told["repository"], &told["repositories"][0]);
        let added = &told["repositories_added"][0];
        let removed = &told["repositories_removed"][0];
        let about = [repository, summary, added, removed]
            .into_iter()
            .find(|found| found.is_object())
            .unwrap();
        assert_eq!(
            (&about["id"], &about["full_name"]),
            (&json!(7), &json!("acme/network"))
        );
        assert_eq!(about["private"], true);
        assert_eq!(repository.is_object(), !name.starts_with("installation"));
        if repository.is_object() {
            assert_eq!(repository["owner"]["login"], "acme");
        }
    }
}

#[test]
fn the_signature_is_over_the_raw_body_in_either_form() {
    // The example of GitHub's documentation.
    let body = b"Hello, World!";
    let known = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert!(signed(body, Some(known)));

    let json = Webhook::new(SECRET).delivery(&Event::Ping, &subject());
    let form = Webhook::new(SECRET)
        .form()
        .delivery(&Event::Ping, &subject());
    assert_eq!(
        form.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert!(signed(&form.body, form.header("x-hub-signature-256")));
    let field = form.body.strip_prefix(b"payload=").unwrap();
    let field: Vec<u8> = percent_decode(field).collect();
    let told: Value = serde_json::from_slice(&field).unwrap();
    assert_eq!(told["zen"], "Keep it logically awesome.");

    for spoiled in [
        json.clone().wrongly_signed(),
        json.clone().unsigned(),
        Webhook::new("another").delivery(&Event::Ping, &subject()),
    ] {
        assert!(!signed(
            &spoiled.body,
            spoiled.header("x-hub-signature-256")
        ));
    }
    assert_ne!(json.guid(), form.guid());
    assert_eq!(json.guid().len(), 36);
    assert_eq!(json.clone().with_guid("g").guid(), "g");
    let large = Webhook::new(SECRET).padded(&Event::Ping, &subject(), 26_000_000);
    assert!(large.body.len() > 26_000_000);
    assert!(signed(&large.body, large.header("x-hub-signature-256")));
}

#[test]
fn a_push_of_more_than_three_tags_is_silent() {
    let webhook = Webhook::new(SECRET);
    let events = |tags: &[Tag]| {
        webhook
            .push_tags(&subject(), tags)
            .iter()
            .map(|delivery| delivery.header("x-github-event").unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let tags = ["v1", "v2", "v3", "v4"].map(|name| Tag::new(name, &"1".repeat(40)));
    assert_eq!(events(&tags[..1]), "create push");
    assert_eq!(events(&tags[..3]), "create push create push create push");
    assert_eq!(events(&tags), "");
    assert_eq!(events(&[Tag::moved("v1", "a", "b")]), "push");
    assert_eq!(events(&[Tag::deleted("v1", "a")]), "delete push");
}

#[test]
fn deliveries_are_sent_and_sent_again() {
    let (github, _) = GitHub::with_network();
    let subject = github.stand_in.subject("acme", "network").unwrap();
    assert_eq!(github.stand_in.subject("acme", "nothing"), None);
    let webhook = github.stand_in.webhook(SECRET);
    let event = Event::Create {
        ref_type: RefType::Tag,
        name: "v1.0.0".to_owned(),
    };
    let delivery = webhook.delivery(&event, &subject);
    let (url, receiver) = receive(2);
    for _ in 0..2 {
        assert_eq!(delivery.send(&url).unwrap(), 202);
    }
    for (head, body) in receiver.join().unwrap() {
        assert!(head.starts_with("POST /v1/hooks HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("X-GitHub-Delivery: {}\r\n", delivery.guid())));
        assert!(head.contains("User-Agent: GitHub-Hookshot/"));
        assert_eq!(body, delivery.body);
    }
    assert!(delivery.send(&url).is_err(), "nobody listens any more");
    assert!(delivery.send("https://127.0.0.1/").is_err());

    let (url, receiver) = receive(3);
    let order = |further: Value| {
        let mut order = json!({"url": url, "secret": SECRET, "repository": "acme/network"});
        let fields = further.as_object().unwrap().clone();
        order.as_object_mut().unwrap().extend(fields);
        let reply = github.send("POST", "/_stand-in/webhooks", "", &order.to_string());
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    };
    let tag = |name: &str| json!({"name": name, "after": "1".repeat(40)});
    let told = order(json!({"tags": [tag("v1")]}));
    assert_eq!(
        (&told[0]["status"], &told[1]["status"]),
        (&json!(202), &json!(202))
    );
    let event = json!({"repository": {"action": "archived"}});
    let told = order(json!({"event": event, "guid": "again", "wrongly_signed": true}));
    assert_eq!(told, json!([{"guid": "again", "status": 202}]));
    let four = ["v1", "v2", "v3", "v4"].map(tag);
    assert_eq!(order(json!({"tags": four})), json!([]));
    let signatures: Vec<bool> = receiver
        .join()
        .unwrap()
        .iter()
        .map(|(head, body)| {
            let signature = head
                .lines()
                .find_map(|line| line.strip_prefix("X-Hub-Signature-256: "));
            signed(body, signature)
        })
        .collect();
    assert_eq!(signatures, [true, true, false]);
}
