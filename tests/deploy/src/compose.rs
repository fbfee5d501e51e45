//! `deploy/compose/`: what a container may do, and where its secrets are.

use serde_json::{Value, json};

use crate::assert_none;
use crate::documents::{self, entries, file, list};
use crate::references;

pub(crate) fn files_are_sound() {
    for name in ["landfall.yaml", "spin.yaml"] {
        let path = format!("deploy/compose/{name}");
        let text = file(&path);
        let good = documents::read(&text, &path)[0].value.clone();
        assert_none(&problems(&good));
        // What finds nothing could be blind.
        let service = if name == "spin.yaml" {
            "spin"
        } else {
            "landfall"
        };
        for (key, value, said) in [
            ("privileged", json!(true), "privileged"),
            ("cap_add", json!(["SYS_ADMIN"]), "SYS_ADMIN"),
            ("cap_drop", json!([]), "keeps capabilities"),
            ("read_only", json!(false), "writable"),
            ("security_opt", json!([]), "new privileges"),
            ("ports", json!(["3000:3000"]), "3000:3000"),
            (
                "environment",
                json!({"SPIN_VARIABLE_GITHUB_PRIVATE_KEY": "x"}),
                "github_private_key",
            ),
            ("secrets", json!(["keys"]), "`keys`"),
            ("volumes", json!(["cache:/tmp"]), "`cache`"),
        ] {
            let mut bad = good.clone();
            bad["services"][service][key] = value;
            let found = problems(&bad);
            assert!(
                found.iter().any(|it| it.contains(said)),
                "{name} {key}: {found:?}"
            );
        }
        let readme = file("deploy/compose/README.md");
        for (secret, about) in entries(&good, "/secrets") {
            let path = about["file"].as_str().unwrap();
            assert!(path.starts_with("secrets/"), "{secret} would be in git");
            assert!(readme.contains(path), "README.md makes no {path}");
        }
    }
    assert_eq!(file("deploy/compose/.gitignore"), "secrets/\n");
}

fn problems(compose: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let variables = references::declared();
    for (name, service) in entries(compose, "/services") {
        let mut problem = |what: String| problems.push(format!("{name}: {what}"));
        if service.get("privileged").is_some() {
            problem("privileged".to_owned());
        }
        if service["cap_drop"] != json!(["ALL"]) {
            problem("keeps capabilities".to_owned());
        }
        for capability in list(service, "/cap_add") {
            if capability != "NET_BIND_SERVICE" {
                problem(format!("may {capability}"));
            }
        }
        if service["read_only"] != json!(true) {
            problem("its file system is writable".to_owned());
        }
        if service["security_opt"] != json!(["no-new-privileges:true"]) {
            problem("may get new privileges".to_owned());
        }
        if service.get("mem_limit").is_none() {
            problem("may take all memory".to_owned());
        }
        for port in list(service, "/ports").iter().filter_map(Value::as_str) {
            // TLS is all that the world may talk to.
            if name != "caddy" && !port.starts_with("127.0.0.1:") {
                problem(format!("everyone reaches {port}"));
            }
        }
        for (key, _) in entries(service, "/environment") {
            let variable = key.to_ascii_lowercase();
            let variable = variable.rsplit("variable_").next().unwrap_or_default();
            if variables.contains_key(variable) {
                problem(format!("`{variable}` belongs into a file"));
            }
        }
        for (used, declared) in [("/secrets", "/secrets"), ("/networks", "/networks")] {
            for item in list(service, used).iter().filter_map(Value::as_str) {
                if !entries(compose, declared).any(|it| it.0 == item) {
                    problem(format!("there is no `{item}`"));
                }
            }
        }
        for volume in list(service, "/volumes").iter().filter_map(Value::as_str) {
            let source = volume.split(':').next().unwrap_or_default();
            let is_path = source.starts_with('.') || source.starts_with('/');
            if is_path && !volume.ends_with(":ro") {
                problem(format!("may write to {source}"));
            }
            if !is_path && !entries(compose, "/volumes").any(|it| it.0 == source) {
                problem(format!("there is no `{source}`"));
            }
        }
    }
    problems
}
