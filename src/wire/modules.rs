//! The documents of the public registry's own routes: lists and details of modules.
//!
//! <https://developer.hashicorp.com/terraform/registry/api-docs>

use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::details::Details;
use crate::query::Page;
use crate::registry::details::ModuleDetails;
use crate::registry::index::Summary;

/// A page of modules.
#[must_use]
pub fn list(page: &Page) -> Response<Vec<u8>> {
    let mut meta = Map::new();
    meta.insert("limit".to_owned(), page.limit.into());
    meta.insert("current_offset".to_owned(), page.offset.into());
    for (name, other) in [("next", &page.next), ("prev", &page.previous)] {
        if let Some((offset, url)) = other {
            meta.insert(format!("{name}_offset"), (*offset).into());
            meta.insert(format!("{name}_url"), url.clone().into());
        }
    }
    let modules: Vec<Value> = page.modules.iter().map(summary).collect();
    document(&json!({ "meta": meta, "modules": modules }))
}

/// Everything about a version of a module.
#[must_use]
pub fn details(module: &ModuleDetails) -> Response<Vec<u8>> {
    let mut document = summary(&module.summary);
    let Details {
        root,
        submodules,
        examples,
        problems,
    } = &module.details;
    if let Value::Object(fields) = &mut document {
        let mut root = json!(root);
        let address = &module.summary.address;
        if let Value::Object(root) = &mut root {
            root.insert("name".to_owned(), address.name.as_str().into());
        }
        for (name, value) in [
            ("tag", json!(module.tag)),
            ("root", root),
            ("submodules", json!(submodules)),
            ("examples", json!(examples)),
            ("providers", json!([address.system.as_str()])),
            ("versions", json!(module.versions)),
        ] {
            fields.insert(name.to_owned(), value);
        }
        if !problems.is_empty() {
            fields.insert("problems".to_owned(), json!(problems));
        }
    }
    self::document(&document)
}

/// What lists have of a module, and its details too. Nobody counts downloads here, or verifies.
fn summary(module: &Summary) -> Value {
    let address = &module.address;
    let version = module.version.as_ref().map(ToString::to_string);
    let id = match &version {
        Some(version) => format!("{address}/{version}"),
        None => address.to_string(),
    };
    // Clients that read a time out of it take null, and not nothing.
    let pushed_at = Some(&module.pushed_at).filter(|it| !it.is_empty());
    let mut document = json!({
        "id": id,
        "owner": module.owner.as_str(),
        "namespace": address.namespace.as_str(),
        "name": address.name.as_str(),
        "version": version,
        "provider": address.system.as_str(),
        "description": module.description,
        "source": module.source,
        "published_at": pushed_at,
        "downloads": 0,
        "verified": false,
    });
    if let (Value::Object(fields), Some(reason)) = (&mut document, &module.deprecation) {
        fields.insert("deprecation".to_owned(), json!({ "reason": reason }));
    }
    document
}

fn document(document: &Value) -> Response<Vec<u8>> {
    super::private(super::json(StatusCode::OK, document.to_string().into()))
}
