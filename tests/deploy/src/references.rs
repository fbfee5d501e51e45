//! What resources say of each other, and of `spin.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::documents::{self, entries, list, text};

/// What the operator gives the pods and the Service of a `SpinApp`
/// (spin-operator: `pkg/spinapp/spinapp.go`, `internal/controller/service.go`).
const APP_LABEL: &str = "core.spinkube.dev/app-name";
const APP_PORT: u64 = 80;

/// What is wrong between the resources of one namespace, one sentence each.
pub(crate) fn problems(resources: &[Value]) -> Vec<String> {
    let apps: Vec<&Value> = of_kind(resources, "SpinApp").collect();
    let [app] = apps.as_slice() else {
        return vec![format!("there are {} SpinApps", apps.len())];
    };
    let mut problems = Vec::new();
    variables(app, resources, &mut problems);
    application(app, resources, &mut problems);
    labels(app, resources, &mut problems);
    ports(app, resources, &mut problems);
    problems
}

fn of_kind<'a>(resources: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    resources.iter().filter(move |it| text(it, "/kind") == kind)
}

fn name(resource: &Value) -> &str {
    text(resource, "/metadata/name")
}

/// The variables of `spin.toml`, and which of them are secret.
pub(crate) fn declared() -> BTreeMap<String, bool> {
    let manifest: toml::Table = documents::file("spin.toml").parse().unwrap();
    let variables = manifest["variables"].as_table().unwrap();
    let is_secret =
        |it: &toml::Value| it.get("secret").and_then(toml::Value::as_bool) == Some(true);
    variables
        .iter()
        .map(|(name, about)| (name.clone(), is_secret(about)))
        .collect()
}

/// The keys that a `ConfigMap` or Secret has.
fn keys(object: &Value) -> BTreeSet<&str> {
    let parts = ["/data", "/stringData", "/binaryData"];
    parts
        .iter()
        .flat_map(|part| entries(object, part))
        .map(|it| it.0)
        .collect()
}

/// Each variable is bound once, secrets from a Secret, to a key of its own name; and each key is a variable's.
fn variables(app: &Value, resources: &[Value], problems: &mut Vec<String>) {
    let declared = declared();
    let mut bound = BTreeSet::new();
    let mut read: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for variable in list(app, "/spec/variables") {
        let variable_name = text(variable, "/name");
        let Some(is_secret) = declared.get(variable_name) else {
            problems.push(format!("spin.toml has no variable `{variable_name}`"));
            continue;
        };
        if !bound.insert(variable_name) {
            problems.push(format!("`{variable_name}` is bound twice"));
        }
        let (kind, at) = if *is_secret {
            ("Secret", "/valueFrom/secretKeyRef")
        } else {
            ("ConfigMap", "/valueFrom/configMapKeyRef")
        };
        let Some(reference) = variable.pointer(at) else {
            problems.push(format!("`{variable_name}` is not from a {kind}"));
            continue;
        };
        let (object, key) = (text(reference, "/name"), text(reference, "/key"));
        if key != variable_name {
            problems.push(format!("`{variable_name}` is read from the key `{key}`"));
        }
        read.entry((kind, object)).or_default().insert(key);
        let is_optional = reference["optional"] == Value::Bool(true);
        match of_kind(resources, kind).find(|it| name(it) == object) {
            None => problems.push(format!(
                "there is no {kind} `{object}`, which `{variable_name}` is read from"
            )),
            Some(found) if !is_optional && !keys(found).contains(key) => {
                problems.push(format!("the {kind} `{object}` has no key `{key}`"));
            }
            Some(_) => {}
        }
    }
    for missing in declared.keys().filter(|it| !bound.contains(it.as_str())) {
        problems.push(format!("the SpinApp does not bind `{missing}`"));
    }
    for ((kind, object), wanted) in read {
        for found in of_kind(resources, kind).filter(|it| name(it) == object) {
            for key in keys(found).difference(&wanted) {
                problems.push(format!("nothing reads `{key}` of the {kind} `{object}`"));
            }
        }
    }
}

/// What the `SpinApp` runs with, and what scales it.
fn application(app: &Value, resources: &[Value], problems: &mut Vec<String>) {
    let secret = text(app, "/spec/runtimeConfig/loadFromSecret");
    let runtime = of_kind(resources, "Secret").find(|it| name(it) == secret);
    // The operator mounts this key, and says nothing where it is missing.
    if !runtime.is_some_and(|it| keys(it).contains("runtime-config.toml")) {
        problems.push(format!(
            "no Secret `{secret}` has a key `runtime-config.toml`"
        ));
    }
    let executor = text(app, "/spec/executor");
    if !of_kind(resources, "SpinAppExecutor").any(|it| name(it) == executor) {
        problems.push(format!("there is no SpinAppExecutor `{executor}`"));
    }
    let is_scaled = app.pointer("/spec/enableAutoscaling") == Some(&Value::Bool(true));
    // The operator's webhook refuses both at once.
    if is_scaled && app.pointer("/spec/replicas").is_some() {
        problems.push("`replicas` is set although an autoscaler decides".to_owned());
    }
    for scaler in of_kind(resources, "HorizontalPodAutoscaler") {
        let target = (
            text(scaler, "/spec/scaleTargetRef/kind"),
            text(scaler, "/spec/scaleTargetRef/name"),
        );
        if target != ("Deployment", name(app)) {
            problems.push(format!("the autoscaler is for {} `{}`", target.0, target.1));
        }
        let lowest = scaler.pointer("/spec/minReplicas").and_then(Value::as_u64);
        if lowest.is_none_or(|lowest| lowest < 2) {
            problems.push("the autoscaler may leave a single pod".to_owned());
        }
        if app.pointer("/spec/resources/requests/cpu").is_none() {
            problems.push("the autoscaler has no request of CPU to compare with".to_owned());
        }
    }
    for deployment in of_kind(resources, "Deployment") {
        for volume in list(deployment, "/spec/template/spec/volumes") {
            let wanted = [
                ("Secret", text(volume, "/secret/secretName")),
                (
                    "PersistentVolumeClaim",
                    text(volume, "/persistentVolumeClaim/claimName"),
                ),
            ];
            for (kind, wanted) in wanted.into_iter().filter(|it| !it.1.is_empty()) {
                if !of_kind(resources, kind).any(|it| name(it) == wanted) {
                    problems.push(format!("there is no {kind} `{wanted}` to mount"));
                }
            }
        }
    }
}

/// Whatever selects pods by labels selects some.
fn labels(app: &Value, resources: &[Value], problems: &mut Vec<String>) {
    let mut pods = vec![BTreeMap::from([(APP_LABEL, name(app))])];
    for deployment in of_kind(resources, "Deployment") {
        let labels = entries(deployment, "/spec/template/metadata/labels");
        pods.push(
            labels
                .map(|(key, value)| (key, value.as_str().unwrap_or_default()))
                .collect(),
        );
    }
    let mut check = |owner: &Value, selector: &Value, pointer: &str| {
        let selects = pods.iter().any(|labels| {
            let mut wanted = entries(selector, pointer).peekable();
            wanted.peek().is_some()
                && wanted.all(|(key, value)| labels.get(key).copied() == value.as_str())
        });
        if !selects {
            let kind = text(owner, "/kind");
            problems.push(format!("{kind} `{}` selects no pod", name(owner)));
        }
    };
    for resource in resources {
        match text(resource, "/kind") {
            "Service" => check(resource, resource, "/spec/selector"),
            "Deployment" | "PodDisruptionBudget" => {
                check(resource, resource, "/spec/selector/matchLabels");
            }
            "NetworkPolicy" => {
                check(resource, resource, "/spec/podSelector/matchLabels");
                for (rules, peers) in [("/spec/ingress", "/from"), ("/spec/egress", "/to")] {
                    let peers = list(resource, rules)
                        .iter()
                        .flat_map(|rule| list(rule, peers));
                    // Those of another namespace are not here.
                    for peer in peers.filter(|it| {
                        it.get("podSelector").is_some() && it.get("namespaceSelector").is_none()
                    }) {
                        check(resource, peer, "/podSelector/matchLabels");
                    }
                }
            }
            _ => {}
        }
    }
}

/// Who is let in at which port, and who is sent where.
fn ports(app: &Value, resources: &[Value], problems: &mut Vec<String>) {
    let containers = |resource| list(resource, "/spec/template/spec/containers").iter();
    let declared = |resource| containers(resource).flat_map(|it| list(it, "/ports"));
    let named: BTreeSet<&str> = of_kind(resources, "Deployment")
        .flat_map(declared)
        .map(|port| text(port, "/name"))
        .collect();
    let numbers: BTreeSet<u64> = of_kind(resources, "Deployment")
        .flat_map(declared)
        .filter_map(|port| port["containerPort"].as_u64())
        .collect();
    for service in of_kind(resources, "Service") {
        for port in list(service, "/spec/ports") {
            if !named.contains(text(port, "/targetPort")) {
                problems.push(format!(
                    "no container has the port that Service `{}` leads to",
                    name(service)
                ));
            }
        }
    }
    for policy in of_kind(resources, "NetworkPolicy") {
        let selected = policy
            .pointer("/spec/podSelector/matchLabels")
            .and_then(|it| it.get(APP_LABEL));
        for port in list(policy, "/spec/ingress")
            .iter()
            .flat_map(|rule| list(rule, "/ports"))
        {
            let number = port["port"].as_u64().unwrap_or_default();
            let is_right = if selected.is_some() {
                number == APP_PORT
            } else {
                numbers.contains(&number)
            };
            if !is_right {
                problems.push(format!(
                    "NetworkPolicy `{}` opens port {number}, where nothing listens",
                    name(policy)
                ));
            }
        }
    }
    for ingress in of_kind(resources, "Ingress") {
        let paths = list(ingress, "/spec/rules")
            .iter()
            .flat_map(|rule| list(rule, "/http/paths"));
        for path in paths {
            let service = text(path, "/backend/service/name");
            let port = path
                .pointer("/backend/service/port/number")
                .and_then(Value::as_u64);
            if service != name(app) || port != Some(APP_PORT) {
                problems.push(format!(
                    "Ingress `{}` leads to port {port:?} of `{service}`",
                    name(ingress)
                ));
            }
        }
    }
}
