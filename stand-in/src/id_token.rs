//! The claims of Actions' ID tokens (<https://docs.github.com/en/actions/reference/security/oidc>).

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::repository::Visibility;
use crate::token::random;
use crate::webhook::uuid;
use crate::world::World;

/// What the issuer says that it may put into a token.
pub(crate) const CLAIMS: &[&str] = &[
    "sub",
    "aud",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "ref",
    "sha",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "enterprise",
    "enterprise_id",
    "run_id",
    "run_number",
    "run_attempt",
    "actor",
    "actor_id",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "head_ref",
    "base_ref",
    "event_name",
    "ref_type",
    "ref_protected",
    "environment",
    "job_workflow_ref",
    "job_workflow_sha",
    "repository_visibility",
    "runner_environment",
    "issuer_scope",
    "check_run_id",
];

/// The commit of every run.
const SHA: &str = "7c1f2b3a4d5e6f708192a3b4c5d6e7f8091a2b3c";

/// A job of a workflow, as an ID token tells of it. The defaults are those of a push to `main` of `acme/infra`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdToken {
    /// `OWNER/NAME`. One that the stand-in has is told with its ids, name of today and visibility; of another the ids are
    /// made from the name, the same each time, and it is private.
    pub repository: String,
    /// `aud`. Default `https://github.com/OWNER`; a job that asks for another at [`StandIn::actions_request_url`] gets that.
    ///
    /// [`StandIn::actions_request_url`]: crate::StandIn::actions_request_url
    pub audience: Option<String>,
    /// The full ref of the run, `refs/heads/main`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The job's environment. Default none.
    pub environment: Option<String>,
    /// What the run was started by, `push`.
    pub event_name: String,
    /// `OWNER/NAME/.github/workflows/FILE@REF` of the workflow that the job is written in. Default one of the repository itself.
    pub job_workflow_ref: Option<String>,
    /// How `sub` names the repository.
    pub subject: SubjectForm,
    /// From `iat`, which is now, to `exp`. Default 300.
    pub lifetime_seconds: i64,
    /// From `nbf` to `iat`. Default 600.
    pub not_before_seconds: i64,
    /// Further claims; they replace those of the same name, and null takes one away.
    pub claims: Map<String, Value>,
    /// The same for the header. The signature stays that of the issuer's key.
    pub header: Map<String, Value>,
}

/// How `sub` names the repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectForm {
    /// `repo:OWNER/NAME:…`: repositories of before 2026-07-15, and GitHub Enterprise Server.
    #[default]
    Names,
    /// `repo:OWNER@OWNER_ID/NAME@ID:…`: repositories that were created, renamed or transferred since then.
    Ids,
}

/// Who issues a token, and when.
pub(crate) struct Issued<'a> {
    pub(crate) issuer: &'a str,
    /// Empty, or the path of an enterprise's issuer.
    pub(crate) enterprise: &'a str,
    pub(crate) now: i64,
}

/// A repository as tokens tell of it.
struct Facts {
    owner: String,
    owner_id: u64,
    name: String,
    id: u64,
    visibility: Visibility,
}

impl IdToken {
    /// A push to `main` of `OWNER/NAME`.
    #[must_use]
    pub fn of(repository: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            ..Self::default()
        }
    }

    /// With a further claim, or another value of one; null takes it away.
    #[must_use]
    pub fn with_claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// All claims. `audience` is what the job asked for.
    pub(crate) fn payload(
        &self,
        world: &World,
        issued: &Issued<'_>,
        audience: Option<&str>,
    ) -> Value {
        let facts = Facts::of(world, &self.repository);
        let Facts { owner, name, .. } = &facts;
        let own_workflow = format!(
            "{owner}/{name}/.github/workflows/release.yml@{}",
            self.reference
        );
        let default_audience = format!("https://github.com/{owner}");
        let ref_type = match self.reference.strip_prefix("refs/tags/") {
            Some(_) => "tag",
            None => "branch",
        };
        let (head_ref, base_ref) = if self.event_name.starts_with("pull_request") {
            ("change", "main")
        } else {
            ("", "")
        };
        let mut claims = json!({
            "jti": uuid(&random(16)),
            "sub": self.sub(&facts),
            "aud": audience.or(self.audience.as_deref()).unwrap_or(&default_audience),
            "iss": issued.issuer,
            "iat": issued.now,
            "nbf": issued.now.saturating_sub(self.not_before_seconds),
            "exp": issued.now.saturating_add(self.lifetime_seconds),
            "repository": format!("{owner}/{name}"),
            "repository_id": facts.id.to_string(),
            "repository_owner": owner,
            "repository_owner_id": facts.owner_id.to_string(),
            "repository_visibility": facts.visibility,
            "ref": self.reference,
            "ref_type": ref_type,
            "ref_protected": "false",
            "head_ref": head_ref,
            "base_ref": base_ref,
            "sha": SHA,
            "event_name": self.event_name,
            "workflow": "Release",
            "workflow_ref": own_workflow,
            "workflow_sha": SHA,
            "job_workflow_ref": self.job_workflow_ref.as_ref().unwrap_or(&own_workflow),
            "job_workflow_sha": SHA,
            "actor": "mona",
            "actor_id": "12",
            "run_id": "4242424242",
            "run_number": "7",
            "run_attempt": "1",
            "check_run_id": "31313131313",
            "runner_environment": "github-hosted",
        });
        let mut further = Map::new();
        if let Some(environment) = &self.environment {
            further.insert("environment".to_owned(), environment.as_str().into());
        }
        if !issued.enterprise.is_empty() {
            let id = id_from_name(issued.enterprise).to_string();
            further.insert("enterprise".to_owned(), issued.enterprise.into());
            further.insert("enterprise_id".to_owned(), id.into());
        }
        replace(&mut claims, &further);
        replace(&mut claims, &self.claims);
        claims
    }

    fn sub(&self, facts: &Facts) -> String {
        let Facts {
            owner,
            owner_id,
            name,
            id,
            ..
        } = facts;
        let repository = match self.subject {
            SubjectForm::Names => format!("{owner}/{name}"),
            SubjectForm::Ids => format!("{owner}@{owner_id}/{name}@{id}"),
        };
        let what = match &self.environment {
            // A colon would start another part.
            Some(environment) => format!("environment:{}", environment.replace(':', "%3A")),
            None if self.event_name == "pull_request" => "pull_request".to_owned(),
            None => format!("ref:{}", self.reference),
        };
        format!("repo:{repository}:{what}")
    }
}

impl Facts {
    fn of(world: &World, repository: &str) -> Self {
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        let found = world.repository_named(owner, name);
        let owner = found.map_or(owner, |found| &found.owner);
        let account = world.accounts.get(&owner.to_lowercase());
        Self {
            owner: account.map_or(owner, |account| &account.login).to_owned(),
            owner_id: account.map_or_else(|| id_from_name(owner), |account| account.id),
            name: found.map_or(name, |found| &found.name).to_owned(),
            id: found.map_or_else(|| id_from_name(repository), |found| found.id),
            visibility: found.map_or(Visibility::Private, |found| found.visibility),
        }
    }
}

impl Default for IdToken {
    fn default() -> Self {
        Self {
            repository: "acme/infra".to_owned(),
            audience: None,
            reference: "refs/heads/main".to_owned(),
            environment: None,
            event_name: "push".to_owned(),
            job_workflow_ref: None,
            subject: SubjectForm::default(),
            lifetime_seconds: 300,
            not_before_seconds: 600,
            claims: Map::new(),
            header: Map::new(),
        }
    }
}

/// Fields of an object replaced; null takes one away.
pub(crate) fn replace(object: &mut Value, further: &Map<String, Value>) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    for (name, value) in further {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
}

/// The id of what the stand-in does not have: from the name alone, and of another size than those it gives.
fn id_from_name(name: &str) -> u64 {
    let digest = digest(&SHA256, name.to_lowercase().as_bytes());
    let (id, _) = digest
        .as_ref()
        .split_first_chunk()
        .unwrap_or((&[0; 4], &[]));
    1_000_000 + u64::from(u32::from_be_bytes(*id))
}
