//! GitHub's webhooks: what they make Landfall ask again, and which of them it takes.

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::scenario::{Ask, Scenario};
use super::scenarios::{COMMIT, TAGS, VERSIONS, ask, get, scenario, tags};

pub const SECRET: &str = "It's a Secret to Everybody";

#[expect(clippy::too_many_lines, reason = "one table")]
pub fn all() -> Vec<Scenario> {
    let marks: [(&str, &str, Value); 9] = [
        (
            "create",
            "a_created_tag",
            json!({ "ref": "v1.3.0", "ref_type": "tag" }),
        ),
        (
            "delete",
            "a_deleted_tag",
            json!({ "ref": "v1.3.0", "ref_type": "tag" }),
        ),
        (
            "push",
            "a_pushed_tag",
            json!({ "ref": "refs/tags/v1.3.0", "forced": true }),
        ),
        ("release", "a_release", json!({ "action": "published" })),
        (
            "repository",
            "a_deleted_repository",
            json!({ "action": "deleted" }),
        ),
        (
            "repository",
            "a_renamed_repository",
            json!({
                "action": "renamed",
                "changes": { "repository": { "name": { "from": "vpc" } } },
                "repository": { "id": 42, "full_name": "acme/network" },
            }),
        ),
        (
            "repository",
            "a_transferred_repository",
            json!({
                "action": "transferred",
                "changes": { "owner": { "from": { "organization": { "login": "Acme" } } } },
                "repository": { "id": 42, "full_name": "labs/vpc" },
            }),
        ),
        (
            "installation",
            "a_suspended_installation",
            json!({
                "action": "suspend",
                "repository": null,
                "repositories": [{ "id": 42, "full_name": "Acme/VPC" }],
            }),
        ),
        (
            "installation_repositories",
            "a_repository_that_was_taken_out",
            json!({
                "action": "removed",
                "repository": null,
                "repositories_removed": [{ "id": 42, "full_name": "acme/vpc" }],
                "repositories_added": [],
            }),
        ),
    ];
    let mut all: Vec<Scenario> = marks
        .into_iter()
        .map(|(event, name, payload)| {
            hooked(
                &format!("{name}_is_asked_about"),
                [
                    get(VERSIONS),
                    delivery(event, &payload),
                    get(VERSIONS).after(1),
                    get(VERSIONS).after(1),
                ],
            )
        })
        .collect();
    all.push(hooked(
        "an_installation_without_a_list_is_asked_about",
        [
            get(VERSIONS),
            delivery(
                "installation",
                &json!({ "action": "deleted", "repository": null }),
            ),
            get(VERSIONS),
        ],
    ));
    all.push(hooked(
        "a_new_repository_is_no_longer_absent",
        [
            get("/v1/modules/acme/new/aws/versions"),
            delivery(
                "repository",
                &json!({ "action": "created", "repository": { "id": 9, "full_name": "acme/new" } }),
            ),
            get("/v1/modules/acme/new/aws/versions"),
        ],
    ));
    all.push(hooked(
        "what_is_no_concern_of_landfall_s_is_taken",
        others(),
    ));
    all.push(hooked("what_is_not_signed_rightly_is_refused", refused()));
    all.push(scenario(
        "without_a_secret_there_are_no_webhooks",
        [delivery("push", &json!({})), get("/webhooks/github")],
    ));
    all
}

fn others() -> Vec<Ask> {
    let push = delivery("push", &json!({ "ref": "refs/tags/v1.3.0" }));
    let form = format!(
        "payload={}",
        url::form_urlencoded::byte_serialize(&payload(&json!({}))).collect::<String>()
    );
    let form = signed("push", form.as_bytes(), "application/x-www-form-urlencoded");
    vec![
        get(VERSIONS),
        delivery(
            "ping",
            &json!({ "zen": "Keep it logically awesome.", "repository": null }),
        ),
        delivery("workflow_run", &json!({})),
        delivery(
            "push",
            &json!({ "repository": { "id": 1, "full_name": "evil/vpc" } }),
        ),
        delivery(
            "push",
            &json!({ "repository": { "id": 1, "full_name": "acme/unknown" } }),
        ),
        delivery(
            "push",
            &json!({ "repository": { "id": 1, "full_name": "acme/../x" } }),
        ),
        get(VERSIONS).after(1),
        // Twice, and as a form.
        push.clone(),
        push,
        form,
        get(VERSIONS).after(1),
    ]
}

fn refused() -> Vec<Ask> {
    let sound = delivery("push", &json!({}));
    let without = |name: &str| {
        let mut ask = sound.clone();
        ask.headers.retain(|(known, _)| *known != name);
        ask
    };
    let signed_with =
        |signature: &str| without("x-hub-signature-256").with("x-hub-signature-256", signature);
    let mut altered = sound.clone();
    altered.body.push(b' ');
    vec![
        get(VERSIONS),
        without("x-hub-signature-256"),
        signed_with("sha256=00"),
        signed_with("sha1=0123"),
        signed_with("sha256="),
        signed_with("sha256=zz"),
        signed_with(&format!("sha256={}", "0".repeat(64))),
        altered,
        without("content-length").with("content-length", "26214401"),
        // Signed, but no payload.
        signed("push", b"<html>", "application/json"),
        signed("push", b"", "application/x-www-form-urlencoded"),
        signed("push", b"[]", "application/json"),
        get("/webhooks/github"),
        get(VERSIONS).after(1),
    ]
}

fn hooked(name: &str, requests: impl IntoIterator<Item = Ask>) -> Scenario {
    let old = tags(&[("v1.2.0", "commit", COMMIT)]);
    let new = tags(&[("v1.2.0", "commit", COMMIT), ("v1.3.0", "commit", COMMIT)]);
    scenario(name, requests)
        .variable("repository_names", "{name}")
        .variable("webhook_secret", SECRET)
        .on(TAGS, [old, new])
}

/// A delivery as GitHub makes it.
pub fn delivery(event: &str, fields: &Value) -> Ask {
    signed(event, &payload(fields), "application/json")
}

pub fn payload(fields: &Value) -> Vec<u8> {
    let mut payload = json!({
        "repository": { "id": 42, "full_name": "acme/vpc", "name": "vpc", "private": true },
        "installation": { "id": 7, "node_id": "x", "account": { "login": "acme" } },
        "sender": { "login": "octocat" },
    });
    for (name, value) in fields.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload.to_string().into_bytes()
}

pub fn signed(event: &str, body: &[u8], content_type: &str) -> Ask {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    ask("POST", "/webhooks/github")
        .with("content-type", content_type)
        .with("content-length", &body.len().to_string())
        .with("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
        .with("x-github-event", event)
        .with("x-hub-signature-256", &signature)
        .body(body)
}
