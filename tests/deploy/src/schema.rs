//! What a resource may have. As strict as the API server with `--validate=strict`: a field that is not known is a mistake.

use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::documents::{self, text};

/// What is wrong with a resource, one sentence each.
pub(crate) fn problems(resource: &Value) -> Vec<String> {
    let (version, kind) = (text(resource, "/apiVersion"), text(resource, "/kind"));
    match (version, kind) {
        ("core.spinkube.dev/v1alpha1", "SpinApp") => custom(&SPIN_APP, resource),
        ("core.spinkube.dev/v1alpha1", "SpinAppExecutor") => custom(&SPIN_APP_EXECUTOR, resource),
        ("apps/v1", "Deployment") => typed::<Deployment>(resource),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => typed::<HorizontalPodAutoscaler>(resource),
        ("networking.k8s.io/v1", "Ingress") => typed::<Ingress>(resource),
        ("networking.k8s.io/v1", "NetworkPolicy") => typed::<NetworkPolicy>(resource),
        ("policy/v1", "PodDisruptionBudget") => typed::<PodDisruptionBudget>(resource),
        ("v1", "ConfigMap") => typed::<ConfigMap>(resource),
        ("v1", "Namespace") => typed::<Namespace>(resource),
        ("v1", "PersistentVolumeClaim") => typed::<PersistentVolumeClaim>(resource),
        ("v1", "Secret") => typed::<Secret>(resource),
        ("v1", "Service") => typed::<Service>(resource),
        _ => vec![format!("no schema is known for {version} {kind}")],
    }
}

static SPIN_APP: LazyLock<Validator> = LazyLock::new(|| published("spinapps"));
static SPIN_APP_EXECUTOR: LazyLock<Validator> = LazyLock::new(|| published("spinappexecutors"));

/// The schema of a custom resource definition, closed.
fn published(plural: &str) -> Validator {
    let path = format!("tests/deploy/schemas/{plural}.crd.yaml");
    let mut definitions = documents::read(&documents::file(&path), &path);
    let mut schema =
        definitions[0].value["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take();
    close(&mut schema);
    // The API server checks it as it does that of its own kinds: `custom` below.
    schema["properties"]["metadata"] = json!({"type": "object"});
    // OpenAPI 3.0 has its dialect from there.
    jsonschema::options()
        .with_draft(Draft::Draft4)
        .build(&schema)
        .unwrap()
}

/// Forbids what is not in a structural schema, except where it says to keep it.
fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let keeps = object.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    if object.get("type") == Some(&json!("object")) && !keeps {
        object
            .entry("additionalProperties")
            .or_insert(Value::Bool(false));
    }
    for (key, inner) in object {
        match key.as_str() {
            "properties" => inner.as_object_mut().unwrap().values_mut().for_each(close),
            "additionalProperties" | "items" => close(inner),
            _ => {}
        }
    }
}

fn custom(schema: &Validator, resource: &Value) -> Vec<String> {
    let wrong = schema
        .iter_errors(resource)
        .map(|error| format!("{error} at {}", error.instance_path()));
    let metadata = typed::<ObjectMeta>(&resource["metadata"]);
    wrong.chain(metadata).collect()
}

/// Reads `resource` as a type of Kubernetes: what it does not give back, it did not know.
fn typed<T: Serialize + DeserializeOwned>(resource: &Value) -> Vec<String> {
    let known: T = match serde_json::from_value(resource.clone()) {
        Ok(known) => known,
        Err(error) => return vec![error.to_string()],
    };
    let mut problems = Vec::new();
    compare(
        "",
        resource,
        &serde_json::to_value(known).unwrap(),
        &mut problems,
    );
    problems
}

fn compare(path: &str, written: &Value, known: &Value, problems: &mut Vec<String>) {
    match (written, known) {
        (Value::Object(written), Value::Object(known)) => {
            for (key, value) in written {
                let path = format!("{path}/{key}");
                match known.get(key) {
                    Some(known) => compare(&path, value, known, problems),
                    None => problems.push(format!("unknown field {path}")),
                }
            }
        }
        (Value::Array(written), Value::Array(known)) if written.len() == known.len() => {
            for (index, (written, known)) in written.iter().zip(known).enumerate() {
                compare(&format!("{path}/{index}"), written, known, problems);
            }
        }
        _ if written == known => {}
        _ => problems.push(format!("{path} is {written}, which is read as {known}")),
    }
}
