//! Mistakes that have to be found: what finds nothing in good files could be blind.

use serde_json::{Value, json};

use crate::documents::text;
use crate::{kustomize, references, schema};

/// Where in which resource, what is put there (`null` takes it out), and what has to be said about it.
type Mistake = (
    &'static str,
    &'static str,
    &'static str,
    Value,
    &'static str,
);

pub(crate) fn are_found() {
    let good: Vec<Value> = kustomize::resources("example")
        .into_iter()
        .map(|it| it.value)
        .collect();
    for (kind, name, pointer, value, said) in mistakes() {
        let mut resources = good.clone();
        let resource = resources
            .iter_mut()
            .find(|it| text(it, "/kind") == kind && text(it, "/metadata/name") == name)
            .unwrap_or_else(|| panic!("there is no {kind} `{name}`"));
        put(resource, pointer, value);
        let problems: Vec<String> = resources
            .iter()
            .flat_map(schema::problems)
            .chain(references::problems(&resources))
            .collect();
        assert!(
            problems.iter().any(|problem| problem.contains(said)),
            "{kind} {pointer}: nobody said `{said}`: {problems:#?}"
        );
    }
}

fn put(resource: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = resource
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("there is no {parent}"));
    match (parent, value) {
        (Value::Object(object), Value::Null) => {
            object.remove(key).unwrap();
        }
        (Value::Array(items), Value::Null) => {
            items.remove(key.parse().unwrap());
        }
        (parent @ Value::Object(_), value) => parent[key] = value,
        (parent, value) => parent[key.parse::<usize>().unwrap()] = value,
    }
}

#[expect(clippy::too_many_lines, reason = "one table of many rows")]
fn mistakes() -> Vec<Mistake> {
    let app = |pointer, value, said| ("SpinApp", "landfall", pointer, value, said);
    vec![
        // Against the published definitions.
        app("/spec/replica", json!(2), "replica"),
        app("/spec/enableAutoscaling", json!("yes"), "boolean"),
        app(
            "/spec/image",
            Value::Null,
            "\"image\" is a required property",
        ),
        app("/spec/checks/readiness/httpGet/port", json!(80), "port"),
        app(
            "/spec/checks/liveness/timeoutSeconds",
            json!("5s"),
            "integer",
        ),
        app("/spec/resources/limits/memory", json!("512 MB"), "512 MB"),
        app(
            "/spec/variables/0/valueFrom/configMapKeyRef/key",
            Value::Null,
            "\"key\" is a required property",
        ),
        app(
            "/spec/runtimeConfig/fromSecret",
            json!("landfall"),
            "fromSecret",
        ),
        app("/metadata/label", json!({}), "unknown field /label"),
        (
            "SpinAppExecutor",
            "landfall",
            "/spec/deploymentConfig/runtimeClass",
            json!("x"),
            "runtimeClass",
        ),
        (
            "SpinAppExecutor",
            "landfall",
            "/spec/createDeployment",
            Value::Null,
            "createDeployment",
        ),
        // Against Kubernetes' own types.
        (
            "Deployment",
            "landfall-valkey",
            "/spec/template/spec/containers/0/securityContex",
            json!({}),
            "unknown field",
        ),
        (
            "HorizontalPodAutoscaler",
            "landfall",
            "/spec/minReplicas",
            json!("2"),
            "invalid type",
        ),
        (
            "NetworkPolicy",
            "landfall",
            "/spec/ingress/0/from/0/namespaceSelector/labels",
            json!({}),
            "unknown field",
        ),
        (
            "Service",
            "landfall-valkey",
            "/apiVersion",
            json!("v2"),
            "no schema is known",
        ),
        // Between resources, and of spin.toml.
        app(
            "/spec/variables/0",
            Value::Null,
            "does not bind `allowed_owners`",
        ),
        app(
            "/spec/variables/0/name",
            json!("allowed_owner"),
            "no variable `allowed_owner`",
        ),
        app(
            "/spec/variables/1/name",
            json!("allowed_owners"),
            "bound twice",
        ),
        app(
            "/spec/variables/0/valueFrom/configMapKeyRef/name",
            json!("landfal"),
            "no ConfigMap `landfal`",
        ),
        app(
            "/spec/variables/0/valueFrom/configMapKeyRef/key",
            json!("owners"),
            "from the key `owners`",
        ),
        app(
            "/spec/variables/0/valueFrom",
            json!({"secretKeyRef": {"name": "landfall", "key": "allowed_owners"}}),
            "is not from a ConfigMap",
        ),
        app(
            "/spec/runtimeConfig/loadFromSecret",
            json!("landfall"),
            "runtime-config.toml",
        ),
        app(
            "/spec/executor",
            json!("containerd-shim-spin"),
            "no SpinAppExecutor",
        ),
        app("/spec/replicas", json!(2), "`replicas` is set"),
        app("/metadata/name", json!("registry"), "selects no pod"),
        (
            "ConfigMap",
            "landfall",
            "/data/allowed_owner",
            json!("acme"),
            "nothing reads `allowed_owner`",
        ),
        (
            "ConfigMap",
            "landfall",
            "/data/allowed_owners",
            Value::Null,
            "no key `allowed_owners`",
        ),
        (
            "HorizontalPodAutoscaler",
            "landfall",
            "/spec/scaleTargetRef/name",
            json!("x"),
            "the autoscaler is for",
        ),
        (
            "HorizontalPodAutoscaler",
            "landfall",
            "/spec/minReplicas",
            json!(1),
            "a single pod",
        ),
        (
            "PodDisruptionBudget",
            "landfall",
            "/spec/selector/matchLabels",
            json!({"app": "landfall"}),
            "selects no pod",
        ),
        (
            "NetworkPolicy",
            "landfall",
            "/spec/ingress/0/ports/0/port",
            json!(8080),
            "opens port 8080",
        ),
        (
            "NetworkPolicy",
            "landfall-valkey",
            "/spec/ingress/0/from/0/podSelector/matchLabels",
            json!({"app": "x"}),
            "selects no pod",
        ),
        (
            "Service",
            "landfall-valkey",
            "/spec/ports/0/targetPort",
            json!("redis"),
            "no container has the port",
        ),
        (
            "Deployment",
            "landfall-valkey",
            "/spec/template/spec/volumes/0/secret/secretName",
            json!("x"),
            "to mount",
        ),
        (
            "Ingress",
            "landfall",
            "/spec/rules/0/http/paths/1/backend/service/port/number",
            json!(3000),
            "leads to port",
        ),
    ]
}
