//! All shapes in the registry's lists: `shapes/lists.json` says of each path which modules it lists, in order, and with which version.

use std::time::Duration;

use serde_json::Value;

use super::expectation;
use crate::http;
use crate::process::poll;
use crate::world::World;

/// What is wrong about the lists.
pub(super) fn check(world: &World) -> Vec<String> {
    let expected = expectation::file(expectation::LISTS);
    // What is not known yet is listed without a version.
    let is_known = || {
        let listed = modules(world, "/v1/modules?limit=100");
        let unknown = listed.iter().any(|it| !it.contains(' '));
        (!unknown && !listed.is_empty()).then_some(())
    };
    let mut wrong = Vec::new();
    if poll(PATIENCE, is_known).is_none() {
        wrong.push("the versions of some modules are never known".to_owned());
    }
    for (path, right) in &expected {
        let right: Vec<&str> = right
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let found = modules(world, path);
        if found == right {
            continue;
        }
        let more = found.iter().filter(|it| !right.contains(&it.as_str()));
        let more = more.map(|it| format!("{path}: {it} is listed"));
        let missing = right
            .iter()
            .filter(|it| !found.iter().any(|found| found == *it));
        let missing = missing.map(|it| format!("{path}: {it} is not listed"));
        wrong.extend(more.chain(missing));
        wrong.push(format!("{path}: {found:?}"));
    }
    wrong
}

/// The modules of a list, each with its version.
fn modules(world: &World, path: &str) -> Vec<String> {
    let answer = http::get(&world.address, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let list: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(
        list["meta"].get("next_url").is_none(),
        "{path} has a second page"
    );
    let modules = list["modules"].as_array().unwrap().iter();
    let text = |module: &Value, name: &str| module[name].as_str().unwrap().to_owned();
    modules
        .map(|module| {
            let names = ["namespace", "name", "provider"].map(|name| text(module, name));
            let line = format!("{} {}", names.join("/"), text(module, "version"));
            line.trim_end().to_owned()
        })
        .collect()
}

const PATIENCE: Duration = Duration::from_mins(1);
