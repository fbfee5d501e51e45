//! What Terraform itself makes of a module, by `terraform show -json` of a plan: an opinion that is not ours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::expectation::Expectation;

/// Where the registry tells something else than Terraform.
pub(super) fn check(configuration: &Value, told: &Value, expected: &Expectation) -> Vec<String> {
    let judged = &configuration["root_module"]["module_calls"]["m"]["module"];
    let mut wrong = Vec::new();
    if !judged.is_object() {
        return vec![format!(
            "Terraform says nothing of the module: {configuration}"
        )];
    }
    part(judged, &told["root"], expected, &mut wrong);
    submodules("", judged, told, expected, &mut wrong);
    let mut sources = expected.sources.iter();
    let is_unused = |name: &&String| judged["variables"].get(name.as_str()).is_none();
    if let Some(name) = sources.find(is_unused) {
        wrong.push(format!("`sources` has {name}, which is no input"));
    }
    wrong
}

/// The parts of the module that it calls itself, by their paths.
fn submodules(
    path: &str,
    judged: &Value,
    told: &Value,
    expected: &Expectation,
    wrong: &mut Vec<String>,
) {
    for call in judged["module_calls"]
        .as_object()
        .into_iter()
        .flat_map(|it| it.values())
    {
        let source = call["source"].as_str().unwrap_or_default();
        if !source.starts_with('.') {
            continue;
        }
        let mut folders: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        for step in source.split('/') {
            match step {
                "" | "." => {}
                ".." => drop(folders.pop()),
                step => folders.push(step),
            }
        }
        let path = folders.join("/");
        let parts = told["submodules"].as_array().unwrap();
        if let Some(told_part) = parts.iter().find(|part| part["path"] == *path) {
            part(&call["module"], told_part, expected, wrong);
            submodules(&path, &call["module"], told, expected, wrong);
        }
    }
}

fn part(judged: &Value, told: &Value, expected: &Expectation, wrong: &mut Vec<String>) {
    let path = told["path"].as_str().unwrap();
    let mut say = |what: String| wrong.push(format!("Terraform, of `{path}`: {what}"));
    let described = |theirs: &Value, ours: &Value| {
        let description = theirs["description"].as_str().unwrap_or_default();
        let sensitive = theirs["sensitive"].as_bool().unwrap_or_default();
        ours["description"] == description && ours["sensitive"] == sensitive
    };
    for (name, pair) in pairs(&judged["variables"], &told["inputs"]) {
        let (Some(theirs), Some(ours)) = pair else {
            say(format!("variable {name}: {pair:?}"));
            continue;
        };
        if !described(theirs, ours) {
            say(format!("variable {name}: {theirs}, not {ours}"));
        }
        let default = theirs.get("default");
        if ours["required"] != default.is_none() {
            say(format!("variable {name}: required is {}", ours["required"]));
        }
        let Some(default) = default else { continue };
        let text = ours["default"].as_str().unwrap();
        let type_ = ours["type"].as_str().unwrap();
        let value = serde_json::from_str::<Value>(text).ok();
        let is_right = value.is_some_and(|value| becomes(&value, default, type_));
        let is_source = expected.sources.contains(name);
        if is_right == is_source {
            say(format!(
                "default of {name}: {default}, and ours is {text} of type `{type_}`"
            ));
        }
    }
    for (name, pair) in pairs(&judged["outputs"], &told["outputs"]) {
        if !matches!(pair, (Some(theirs), Some(ours)) if described(theirs, ours)) {
            say(format!("output {name}: {pair:?}"));
        }
    }
    for (name, pair) in pairs(&judged["module_calls"], &told["dependencies"]) {
        let is_same = |theirs: &Value, ours: &Value| {
            let version = theirs["version_constraint"].as_str().unwrap_or_default();
            let blank = |text: &str| text.replace(' ', "");
            ours["source"] == theirs["source"]
                && ours["version"].as_str().map(blank) == Some(blank(version))
        };
        if !matches!(pair, (Some(theirs), Some(ours)) if is_same(theirs, ours)) {
            say(format!("module {name}: {pair:?}"));
        }
    }
    let names = |list: &Value, is_managed: fn(&Value) -> bool| -> BTreeSet<String> {
        let list = list.as_array().into_iter().flatten();
        let list = list.filter(|it| is_managed(it));
        list.map(|it| format!("{}.{}", it["type"], it["name"]))
            .collect()
    };
    let theirs = names(&judged["resources"], |it| it["mode"] == "managed");
    let ours = names(&told["resources"], |_| true);
    if theirs != ours {
        say(format!("resources: {theirs:?}, not {ours:?}"));
    }
}

/// What both have, by name.
fn pairs<'v>(
    theirs: &'v Value,
    ours: &'v Value,
) -> BTreeMap<&'v String, (Option<&'v Value>, Option<&'v Value>)> {
    let mut pairs: BTreeMap<_, (Option<_>, Option<_>)> = BTreeMap::new();
    for (name, value) in theirs.as_object().into_iter().flatten() {
        pairs.entry(name).or_default().0 = Some(value);
    }
    for value in ours.as_array().unwrap() {
        if let Value::String(name) = &value["name"] {
            pairs.entry(name).or_default().1 = Some(value);
        }
    }
    pairs
}

/// Whether Terraform makes `theirs` of the default `ours`, which it converts to the type: and only where there is one.
fn becomes(ours: &Value, theirs: &Value, type_: &str) -> bool {
    if matches!(type_, "" | "any") {
        return same(ours, theirs);
    }
    let number = |text: &str| text.parse::<f64>().ok();
    match (ours, theirs) {
        (Value::Number(_) | Value::Bool(_), Value::String(text)) => {
            let is_text = type_.contains("string") || type_.contains("any");
            let ours = ours.to_string();
            is_text && ours == *text
        }
        (Value::String(text), Value::Number(theirs)) => {
            type_.contains("number") && number(text).is_some() && number(text) == theirs.as_f64()
        }
        (Value::String(text), Value::Bool(theirs)) => {
            type_.contains("bool") && *text == theirs.to_string()
        }
        // A set has no order, and each once.
        (Value::Array(ours), Value::Array(theirs)) if type_.contains("set(") => {
            let is_in = |value: &Value| theirs.iter().any(|it| becomes(value, it, type_));
            let is_of = |value: &Value| ours.iter().any(|it| becomes(it, value, type_));
            ours.iter().all(is_in) && theirs.iter().all(is_of)
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            let mut both = ours.iter().zip(theirs);
            ours.len() == theirs.len() && both.all(|(ours, theirs)| becomes(ours, theirs, type_))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            // What may be left out is null, or what the type has for it.
            let is_added = |name: &String, value: &Value| {
                let has_default = || match value {
                    Value::Object(members) => {
                        members.keys().all(|key| type_.contains(key.as_str()))
                    }
                    value => type_.contains(&format!(", {value})")),
                };
                type_.contains(&format!("{name} = optional(")) && (value.is_null() || has_default())
            };
            ours.keys().all(|name| theirs.contains_key(name))
                && theirs.iter().all(|(name, value)| match ours.get(name) {
                    Some(ours) => becomes(ours, value, type_),
                    None => is_added(name, value),
                })
        }
        _ => same(ours, theirs),
    }
}

/// Whether two values are the same, however their numbers are written.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => {
            ours == theirs || (ours.is_f64() || theirs.is_f64()) && ours.as_f64() == theirs.as_f64()
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            let mut both = ours.iter().zip(theirs);
            ours.len() == theirs.len() && both.all(|(ours, theirs)| same(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(name, ours)| {
                    let theirs = theirs.get(name);
                    theirs.is_some_and(|theirs| same(ours, theirs))
                })
        }
        _ => ours == theirs,
    }
}
