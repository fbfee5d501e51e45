//! What the App says of itself: `GET /app` (<https://docs.github.com/rest/apps/apps#get-the-authenticated-app>), and its webhook as it is
//! set up (<https://docs.github.com/rest/apps/webhooks#get-a-webhook-configuration-for-an-app>).

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::node_id;
use crate::world::GitHub;

/// The last part of the App's page.
pub(crate) const SLUG: &str = "landfall-stand-in";

const OWNER: &str = "landfall-developers";
const OWNER_ID: u64 = 1;
const CREATED_AT: &str = "2024-05-01T12:00:00Z";

/// What the App asks for where it is installed, and where its webhooks go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Permission to level, `read` or `write`. Default `contents` and `metadata`, `read`. An installation has what was accepted
    /// there, which is its own.
    pub permissions: BTreeMap<String, String>,
    /// The events that the App subscribes to. Default none.
    pub events: Vec<String>,
    /// Its webhook. Default one without an address.
    pub hook: Hook,
}

/// The App's webhook. An App without one has one without an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hook {
    /// Where deliveries go.
    pub url: Option<String>,
    /// `json` or `form`.
    pub content_type: String,
    /// Whether deliveries are signed.
    pub has_secret: bool,
    /// Whether deliveries go to whom no certificate proves.
    pub insecure_ssl: bool,
}

impl GitHub {
    /// `GET /app`.
    pub(crate) fn profile(&self) -> Answer {
        let world = self.world();
        let profile = &world.profile;
        let web = "https://github.com";
        Answer::json(
            StatusCode::OK,
            &json!({
                "id": self.app.id,
                "slug": SLUG,
                "client_id": self.app.client_id,
                "node_id": node_id::legacy("App", &self.app.id.to_string()),
                "owner": {
                    "login": OWNER,
                    "id": OWNER_ID,
                    "node_id": node_id::legacy("Organization", &OWNER_ID.to_string()),
                    "url": format!("{}/orgs/{OWNER}", self.api_url),
                    "type": "Organization",
                },
                "name": "Landfall stand-in",
                "description": "",
                "external_url": "https://example.com",
                "html_url": format!("{web}/apps/{SLUG}"),
                "created_at": CREATED_AT,
                "updated_at": CREATED_AT,
                "permissions": profile.permissions,
                "events": profile.events,
                "installations_count": world.installations.len(),
            }),
        )
    }

    /// `GET /app/hook/config`.
    pub(crate) fn hook_config(&self) -> Answer {
        let hook = self.world().profile.hook.clone();
        let mut config = json!({
            "content_type": hook.content_type,
            "insecure_ssl": if hook.insecure_ssl { "1" } else { "0" },
            "url": hook.url,
        });
        if let Some(fields) = config.as_object_mut().filter(|_| hook.has_secret) {
            fields.insert("secret".to_owned(), Value::from("********"));
        }
        Answer::json(StatusCode::OK, &config)
    }
}

impl Default for Profile {
    fn default() -> Self {
        let read = |permission: &str| (permission.to_owned(), "read".to_owned());
        Self {
            permissions: [read("contents"), read("metadata")].into(),
            events: Vec::new(),
            hook: Hook::default(),
        }
    }
}

impl Default for Hook {
    fn default() -> Self {
        Self {
            url: None,
            content_type: "json".to_owned(),
            has_secret: false,
            insecure_ssl: false,
        }
    }
}
