//! What the registry tells of a version.

use serde_json::{Map, Value, json};

use super::expectation::Expectation;
use crate::http;
use crate::world::World;

/// Asks the registry. Nothing is told of a module without versions.
pub(super) fn get(world: &World, expected: &Expectation) -> Value {
    let version = expected.version.replace('+', "%2B");
    let path = format!("/v1/modules/{}/{version}", expected.module);
    let answer = http::get(&world.address, &path);
    if answer.status != 200 {
        return json!({ "status": answer.status });
    }
    serde_json::from_str(&answer.body).unwrap()
}

/// What is wrong about it.
pub(super) fn check(told: &Value, expected: &Expectation) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(status) = expected.details.get("status") {
        compare("status", status, &told["status"], &mut wrong);
        return wrong;
    }
    if let Some(status) = told.get("status") {
        return vec![format!("details: {status}")];
    }
    let oldest_first: Vec<&String> = expected.versions.iter().rev().collect();
    for (name, value) in [
        (
            "id",
            json!(format!("{}/{}", expected.module, expected.version)),
        ),
        ("version", json!(expected.version)),
        ("tag", json!(expected.tag)),
        ("versions", json!(oldest_first)),
        ("providers", json!([expected.module.rsplit('/').next()])),
    ] {
        compare(name, &value, &told[name], &mut wrong);
    }
    let mut right = expected.details.clone();
    let root = right.entry("root").or_insert_with(|| json!({}));
    root["name"] = json!(expected.module.split('/').nth(1));
    let mut told = told.clone();
    for kind in ["submodules", "examples"] {
        let right = right.entry(kind).or_insert_with(|| json!([]));
        shorten(&mut told[kind], right);
    }
    let parts = ["root", "submodules", "examples", "problems"];
    for name in parts {
        let right = right.remove(name).unwrap_or_default();
        compare(name, &lean(right), &lean(told[name].take()), &mut wrong);
    }
    assert!(right.is_empty(), "{:?} means nothing", right.keys());
    wrong
}

/// Of parts of which only the path is known, only the path is compared.
fn shorten(told: &mut Value, right: &Value) {
    let parts = told.as_array_mut().unwrap();
    for (part, right) in parts.iter_mut().zip(right.as_array().unwrap()) {
        if right.is_string() {
            *part = part["path"].take();
        }
    }
}

/// Without what is empty, and without what is false.
fn lean(value: Value) -> Value {
    let is_something = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    match value {
        Value::Array(list) if list.is_empty() => Value::Null,
        Value::Array(list) => list.into_iter().map(lean).collect(),
        Value::Object(object) => {
            let members = object.into_iter().map(|(name, value)| (name, lean(value)));
            Value::Object(
                members
                    .filter(|it| is_something(&it.1))
                    .collect::<Map<_, _>>(),
            )
        }
        other => other,
    }
}

/// Says where two values differ.
fn compare(place: &str, right: &Value, found: &Value, wrong: &mut Vec<String>) {
    match (right, found) {
        (Value::Object(right), Value::String(text)) if place.ends_with("readme") => {
            let (bytes, begins) = (right["bytes"].as_u64(), right["begins"].as_str());
            let is_right = bytes == u64::try_from(text.len()).ok()
                && begins.is_some_and(|begins| text.starts_with(begins));
            if !is_right {
                let start: String = text.chars().take(60).collect();
                wrong.push(format!(
                    "{place}: {} bytes, and begins {start:?}",
                    text.len()
                ));
            }
        }
        (Value::Object(right), Value::Object(found)) => {
            let more = found.keys().filter(|name| !right.contains_key(*name));
            for name in right.keys().chain(more) {
                let of =
                    |object: &Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                compare(&format!("{place}.{name}"), &of(right), &of(found), wrong);
            }
        }
        (Value::Array(right), Value::Array(found)) if right.len() == found.len() => {
            for (index, (right, found)) in right.iter().zip(found).enumerate() {
                compare(&format!("{place}[{index}]"), right, found, wrong);
            }
        }
        _ if right == found => {}
        _ => wrong.push(format!("{place}: {found}, not {right}")),
    }
}
