//! The App: whether GitHub knows it, what it may, and where its webhooks go.

use std::collections::BTreeMap;

use landfall::config::Credential;
use landfall::github::classify::Meaning;
use landfall::github::inspect::Inspected;
use serde_json::Value;

use super::Patient;
use super::report::{Report, foreign};

/// The App, as GitHub describes it.
pub(super) struct App {
    pub(super) page: String,
    pub(super) permissions: Permissions,
    events: Vec<String>,
}

/// Permission to level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Permissions(BTreeMap<String, String>);

impl Permissions {
    /// Of an App, or of an installation.
    pub(super) fn of(document: &Value) -> Self {
        let fields = document.get("permissions").and_then(Value::as_object);
        let fields = fields.into_iter().flatten();
        let level = |level: &Value| foreign(level.as_str().unwrap_or_default());
        Self(
            fields
                .map(|(name, it)| (foreign(name), level(it)))
                .collect(),
        )
    }

    /// What Landfall needs and does not have.
    pub(super) fn missing(&self) -> Vec<String> {
        let missing = NEEDED.iter().filter(|name| !self.0.contains_key(**name));
        missing.map(|name| format!("{name}:read")).collect()
    }

    /// What Landfall does not need.
    pub(super) fn excess(&self) -> Vec<String> {
        let is_excess = |(name, level): &(&String, &String)| {
            !NEEDED.contains(&name.as_str()) || *level != "read"
        };
        let excess = self.0.iter().filter(is_excess);
        excess
            .map(|(name, level)| format!("{name}:{level}"))
            .collect()
    }

    /// What another has and this does not.
    pub(super) fn lacking(&self, other: &Self) -> Vec<String> {
        let lacking = other
            .0
            .iter()
            .filter(|(name, level)| self.0.get(*name) != Some(level));
        lacking
            .map(|(name, level)| format!("{name}:{level}"))
            .collect()
    }
}

impl App {
    /// Asks GitHub who the App is.
    pub(super) async fn check(patient: &Patient<'_>, report: &mut Report) -> Option<Self> {
        let answer = match patient
            .github
            .inspect_as_app("/app", patient.deadline())
            .await
        {
            Ok(answer) => answer,
            Err(error) => {
                report.wrong("app", "", &foreign(&error.to_string()), AGAIN);
                return None;
            }
        };
        let document = document(&answer).filter(|_| answer.meaning() == Meaning::Success);
        let Some(document) = document else {
            refused(patient, &answer, report);
            return None;
        };
        let text = |name: &str| {
            foreign(
                document
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            )
        };
        let events = document.get("events").and_then(Value::as_array);
        let app = Self {
            page: text("html_url"),
            permissions: Permissions::of(&document),
            events: events
                .into_iter()
                .flatten()
                .filter_map(|it| Some(foreign(it.as_str()?)))
                .collect(),
        };
        report.ok(
            "app",
            &text("slug"),
            &format!("GitHub knows `{}` by its key", text("name")),
        );
        let (missing, excess) = (app.permissions.missing(), app.permissions.excess());
        if !missing.is_empty() {
            report.wrong(
                "app",
                "permissions",
                &format!("it lacks {}", missing.join(", ")),
                "give it `Contents` and `Metadata`, read-only, under Permissions in its settings, and let each owner accept that",
            );
        }
        if !excess.is_empty() {
            report.warning(
                "app",
                "permissions",
                &format!("it may do more than Landfall needs: {}", excess.join(", ")),
                "leave it `Contents` and `Metadata`, read-only, and take everything else from it",
            );
        }
        Some(app)
    }

    /// Whether the App's webhooks come here.
    pub(super) async fn check_hook(
        &self,
        patient: &Patient<'_>,
        url: Option<&str>,
        report: &mut Report,
    ) {
        let path = "/app/hook/config";
        let answer = patient
            .github
            .inspect_as_app(path, patient.deadline())
            .await;
        let answer = answer.ok().filter(|it| it.meaning() == Meaning::Success);
        let Some(hook) = answer.as_ref().and_then(document) else {
            report.cannot("webhook", "", "GitHub does not tell the App's webhook", "");
            return;
        };
        let text = |name: &str| hook.get(name).and_then(Value::as_str).unwrap_or_default();
        let base = patient.config.base_url.as_deref().or(url);
        let own = base.map(|base| format!("{}/webhooks/github", base.trim_end_matches('/')));
        let found = text("url");
        let has_secret = patient.config.webhook_secret.is_some();
        if found.is_empty() {
            if has_secret {
                let own = own
                    .as_deref()
                    .unwrap_or("https://YOUR-HOST/webhooks/github");
                report.warning(
                    "webhook",
                    "",
                    "`webhook_secret` is set, but the App's webhook has no URL, so that none comes",
                    &format!("set the webhook's URL in the App's settings to {own}, or take `webhook_secret` out"),
                );
            } else {
                report.ok("webhook", "", "there is none, and none is needed");
            }
            return;
        }
        let is_own = own.as_deref() == Some(found);
        match (&own, has_secret) {
            (Some(own), true) if !is_own => {
                return report.warning(
                    "webhook",
                    "",
                    &format!("the App's webhooks go to {}, and not here", foreign(found)),
                    &format!("set the webhook's URL in the App's settings to {own}"),
                );
            }
            (Some(_), false) if is_own => {
                return report.warning(
                    "webhook",
                    "",
                    "the App's webhooks come here, and are refused, because `webhook_secret` is not set",
                    "set `webhook_secret` to the secret of the App's webhook, or take its URL out",
                );
            }
            (_, false) => {
                return report.ok(
                    "webhook",
                    "",
                    "the App has one that is not Landfall's, and none is needed",
                );
            }
            (_, true) => {}
        }
        if text("secret").is_empty() {
            return report.warning(
                "webhook",
                "",
                "the App's webhook has no secret, so that Landfall refuses what it sends",
                "set the webhook's secret in the App's settings to that of `webhook_secret`",
            );
        }
        if text("insecure_ssl") == "1" {
            return report.warning(
                "webhook",
                "",
                "GitHub does not check the certificate of where webhooks go",
                "enable SSL verification of the webhook in the App's settings",
            );
        }
        let missing = EVENTS
            .iter()
            .filter(|event| !self.events.iter().any(|it| it == *event));
        let missing: Vec<&str> = missing.copied().collect();
        if missing.is_empty() {
            report.ok(
                "webhook",
                "",
                &format!("GitHub sends them to {}", foreign(found)),
            );
        } else {
            report.warning(
                "webhook",
                "",
                &format!("the App does not subscribe to {}", missing.join(", ")),
                "subscribe to these events in the App's settings, under Permissions & events",
            );
        }
    }
}

/// What a refusal of the App itself means.
fn refused(patient: &Patient<'_>, answer: &Inspected, report: &mut Report) {
    let id = match &patient.config.credential {
        Credential::App { id, .. } => foreign(id),
        Credential::Token(_) | Credential::Anonymous => String::new(),
    };
    let said = answer.message().map(|it| foreign(&it));
    let said = said.map_or_else(String::new, |it| format!(": {it}"));
    let status = answer.status.as_u16();
    match answer.meaning() {
        Meaning::Unauthorized => report.wrong(
            "app",
            &id,
            &format!("GitHub does not accept `github_private_key` for this App{said}"),
            "generate a private key on the settings page of the App that `github_app_id` names, and set \
             `github_private_key` to it; the one that is set is of another App, or was deleted there",
        ),
        Meaning::NotFound => report.wrong(
            "app",
            &id,
            &format!("no App of this GitHub has this id{said}"),
            "set `github_app_id` to the App ID or the client ID on the App's settings page; the installation's id, which \
             stands in URLs, is another",
        ),
        _ => report.wrong("app", &id, &format!("GitHub answers {status}{said}"), AGAIN),
    }
}

/// A body that is JSON.
pub(super) fn document(answer: &Inspected) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok()
}

/// What Landfall asks its tokens for.
const NEEDED: [&str; 2] = ["contents", "metadata"];
/// What Landfall reads webhooks of.
const EVENTS: [&str; 5] = ["create", "delete", "push", "release", "repository"];
pub(super) const AGAIN: &str =
    "try again in a minute; https://www.githubstatus.com says how GitHub is";
