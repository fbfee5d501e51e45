//! What webhooks tell, in the shape of <https://github.com/octokit/webhooks>' examples: the fields that a registry may read,
//! and those that its reader may trip over.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::knobs::NodeIds;
use crate::node_id::{Node, legacy};

/// The repository and the installation that a delivery is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The installation's id.
    pub installation: u64,
    /// The repository as it is now.
    pub repository: RepositorySummary,
}

/// What deliveries say of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositorySummary {
    /// The repository's id.
    pub id: u64,
    /// The owner's login.
    pub owner: String,
    /// The owner's id.
    #[serde(default)]
    pub owner_id: u64,
    /// The name without the owner.
    pub name: String,
    /// Whether it is private.
    #[serde(default)]
    pub private: bool,
}

/// A branch or a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefType {
    /// A branch.
    Branch,
    /// A tag.
    Tag,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The hook was set up. Of the App alone: no installation, no repository.
    Ping,
    /// A branch or tag is new.
    Create {
        /// Which of them.
        ref_type: RefType,
        /// The short name, as GitHub sends it.
        name: String,
    },
    /// A branch or tag is gone.
    Delete {
        /// Which of them.
        ref_type: RefType,
        /// The short name, as GitHub sends it.
        name: String,
    },
    /// A ref was created, moved or deleted.
    Push {
        /// The full name, `refs/tags/v1.0.0`.
        reference: String,
        /// The SHA before; absent for a new ref, and sent as 40 zeros.
        #[serde(default)]
        before: Option<String>,
        /// The SHA after; absent for a deleted ref, and sent as 40 zeros.
        #[serde(default)]
        after: Option<String>,
        /// Whether it was by force.
        #[serde(default)]
        forced: bool,
    },
    /// Something about a release.
    Release {
        /// `published`, `created`, `edited`, `deleted`, `prereleased`, `released`, `unpublished`.
        action: String,
        /// The release's tag.
        tag: String,
    },
    /// Something about the repository that needs no further word.
    Repository {
        /// `created`, `deleted`, `archived`, `unarchived`, `privatized`, `publicized`, `edited`.
        action: String,
    },
    /// The repository has the subject's name now.
    RepositoryRenamed {
        /// The name before, without the owner.
        from: String,
    },
    /// The repository has the subject's owner now. GitHub tells this to the new owner only.
    RepositoryTransferred {
        /// The login of the owner before.
        from: String,
    },
    /// Something about the installation. It is about no single repository, and `repository` is left out.
    Installation {
        /// `created`, `deleted`, `suspend`, `unsuspend`, `new_permissions_accepted`.
        action: String,
        /// The repositories that the installation may see.
        #[serde(default)]
        repositories: Vec<RepositorySummary>,
    },
    /// The installation's selection changed. `repository` is left out, too.
    InstallationRepositories {
        /// What was added; the action is `removed` when it is empty.
        #[serde(default)]
        added: Vec<RepositorySummary>,
        /// What was removed.
        #[serde(default)]
        removed: Vec<RepositorySummary>,
    },
}

impl Event {
    /// The name in `X-GitHub-Event`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Create { .. } => "create",
            Self::Delete { .. } => "delete",
            Self::Push { .. } => "push",
            Self::Release { .. } => "release",
            Self::Repository { .. }
            | Self::RepositoryRenamed { .. }
            | Self::RepositoryTransferred { .. } => "repository",
            Self::Installation { .. } => "installation",
            Self::InstallationRepositories { .. } => "installation_repositories",
        }
    }

    /// The payload, a JSON object.
    #[must_use]
    pub fn payload(&self, subject: &Subject) -> Value {
        let own = match self {
            Self::Ping => return json!({ "zen": "Keep it logically awesome." }),
            Self::Create { ref_type, name } => json!({
                "ref": name,
                "ref_type": ref_type,
                "master_branch": "main",
                "description": null,
                "pusher_type": "user",
            }),
            Self::Delete { ref_type, name } => json!({
                "ref": name,
                "ref_type": ref_type,
                "pusher_type": "user",
            }),
            Self::Push {
                reference,
                before,
                after,
                forced,
            } => push(
                subject,
                reference,
                before.as_deref(),
                after.as_deref(),
                *forced,
            ),
            Self::Release { action, tag } => json!({
                "action": action,
                "release": {
                    "id": 1,
                    "tag_name": tag,
                    "target_commitish": "main",
                    "name": tag,
                    "draft": false,
                    "prerelease": action == "prereleased",
                    "immutable": false,
                    "created_at": "2024-05-01T12:00:00Z",
                    "published_at": "2024-05-01T12:00:00Z",
                    "assets": [],
                    "body": null,
                },
            }),
            Self::Repository { action } => json!({ "action": action }),
            Self::RepositoryRenamed { from } => json!({
                "action": "renamed",
                "changes": { "repository": { "name": { "from": from } } },
            }),
            Self::RepositoryTransferred { from } => json!({
                "action": "transferred",
                "changes": { "owner": { "from": { "organization": { "login": from } } } },
            }),
            Self::Installation {
                action,
                repositories,
            } => json!({
                "action": action,
                "repositories": summaries(repositories),
                "requester": null,
            }),
            Self::InstallationRepositories { added, removed } => json!({
                "action": if added.is_empty() { "removed" } else { "added" },
                "repository_selection": "selected",
                "repositories_added": summaries(added),
                "repositories_removed": summaries(removed),
                "requester": null,
            }),
        };
        let mut fields = match own {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let id = subject.installation;
        let mut installation = json!({
            "id": id,
            "node_id": legacy("IntegrationInstallation", &id.to_string()),
        });
        let owner = account(&subject.repository);
        if let Self::Installation { action, .. } = self {
            let suspended = (action == "suspend").then_some("2024-05-01T12:00:00Z");
            if let Some(installation) = installation.as_object_mut() {
                installation.insert("account".to_owned(), owner.clone());
                installation.insert("suspended_at".to_owned(), json!(suspended));
            }
        } else if !matches!(self, Self::InstallationRepositories { .. }) {
            fields.insert("repository".to_owned(), repository(&subject.repository));
            fields.insert("organization".to_owned(), owner.clone());
        } else if let Some(installation) = installation.as_object_mut() {
            installation.insert("account".to_owned(), owner.clone());
        }
        fields.insert("installation".to_owned(), installation);
        fields.insert(
            "sender".to_owned(),
            json!({ "login": "mona", "id": 2, "type": "User" }),
        );
        Value::Object(fields)
    }
}

impl RepositorySummary {
    /// `OWNER/NAME`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

fn push(
    subject: &Subject,
    reference: &str,
    before: Option<&str>,
    after: Option<&str>,
    forced: bool,
) -> Value {
    let zeros = "0".repeat(40);
    let head = after.map(|after| json!({ "id": after, "message": "A commit" }));
    let full_name = subject.repository.full_name();
    json!({
        "ref": reference,
        "before": before.unwrap_or(&zeros),
        "after": after.unwrap_or(&zeros),
        "base_ref": null,
        "created": before.is_none(),
        "deleted": after.is_none(),
        "forced": forced,
        "compare": format!("https://github.com/{full_name}/compare/{reference}"),
        "commits": [],
        "head_commit": head,
        "pusher": { "name": "mona", "email": "mona@example.com" },
    })
}

fn repository(summary: &RepositorySummary) -> Value {
    let mut repository = short(summary);
    if let Some(fields) = repository.as_object_mut() {
        fields.insert("owner".to_owned(), account(summary));
        fields.insert("default_branch".to_owned(), "main".into());
        let visibility = if summary.private { "private" } else { "public" };
        fields.insert("visibility".to_owned(), visibility.into());
    }
    repository
}

fn summaries(repositories: &[RepositorySummary]) -> Vec<Value> {
    repositories.iter().map(short).collect()
}

fn short(summary: &RepositorySummary) -> Value {
    json!({
        "id": summary.id,
        "node_id": Node::Repository(summary.id).id(NodeIds::Current),
        "name": summary.name,
        "full_name": summary.full_name(),
        "private": summary.private,
    })
}

fn account(summary: &RepositorySummary) -> Value {
    json!({
        "login": summary.owner,
        "id": summary.owner_id,
        "node_id": legacy("User", &summary.owner_id.to_string()),
        "type": "Organization",
    })
}
