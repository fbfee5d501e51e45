//! Accounts, the App's installations on them, and the minting of installation tokens
//! (<https://docs.github.com/en/rest/apps/apps>).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::rfc3339;
use crate::node_id;
use crate::profile::SLUG;
use crate::refusal;
use crate::repository::{self, Repository};
use crate::token::{self, Caller, Grant, InstallationToken};
use crate::world::{GitHub, World};

const CREATED_AT: &str = "2024-05-01T12:00:00Z";

/// An account that repositories belong to.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) login: String,
    pub(crate) kind: AccountKind,
}

/// Organizations answer under `/orgs` and `/users`, users under `/users` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// An organization: the kind of an account that nothing was said about.
    Organization,
    /// A person.
    User,
}

/// How the App is installed on an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Installation {
    /// Permission to level, `read` or `write`. Default `contents` and `metadata`, `read`.
    pub permissions: BTreeMap<String, String>,
    /// The account's repositories that the installation sees. Default all.
    pub repositories: Selection,
    /// A suspended installation is still found, but mints nothing and its tokens are refused.
    pub suspended: bool,
}

/// All repositories, or some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// All of them, those to come included.
    #[default]
    All,
    /// These, as `NAME` or `OWNER/NAME`; a rename keeps them selected, until another repository takes the name.
    Only(BTreeSet<String>),
}

/// An installation with its identity.
pub(crate) struct InstallationRecord {
    pub(crate) id: u64,
    /// The account's login in lower case.
    pub(crate) account: String,
    pub(crate) settings: Installation,
}

/// The body of a request for a token; all of it optional.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenRequest {
    repositories: Option<Vec<String>>,
    repository_ids: Option<Vec<u64>>,
    permissions: Option<BTreeMap<String, String>>,
}

/// `GET /orgs/{org}/installation` and `GET /users/{username}/installation`: an organization is found under both.
pub(crate) fn of_account(github: &GitHub, login: &str, kind: AccountKind) -> Answer {
    let world = github.world();
    let Some(account) = world.accounts.get(&login.to_lowercase()) else {
        return Answer::not_found();
    };
    if kind == AccountKind::Organization && account.kind == AccountKind::User {
        return Answer::not_found();
    }
    world
        .installation_of(login)
        .map_or_else(Answer::not_found, |record| found(github, &world, record))
}

/// `GET /repos/{owner}/{repo}/installation`: 404 too when the installation does not select the repository.
pub(crate) fn of_repository(github: &GitHub, repository: &Repository) -> Answer {
    let world = github.world();
    world
        .installation_of(&repository.owner)
        .filter(|record| world.selects(&record.settings.repositories, repository))
        .map_or_else(Answer::not_found, |record| found(github, &world, record))
}

/// `GET /users/{username}`, of which there is what every account has.
pub(crate) fn account(github: &GitHub, caller: &Caller, login: &str) -> Answer {
    if matches!(caller, Caller::App) {
        return Answer::bad_credentials();
    }
    github.scan();
    let world = github.world();
    world
        .accounts
        .get(&login.to_lowercase())
        .map_or_else(Answer::not_found, |account| {
            Answer::json(StatusCode::OK, &account_object(&github.api_url, account))
        })
}

/// `GET /app/installations/{installation_id}`.
pub(crate) fn of_id(github: &GitHub, id: u64) -> Answer {
    let world = github.world();
    world
        .installations
        .get(&id)
        .map_or_else(Answer::not_found, |record| found(github, &world, record))
}

/// `POST /app/installations/{installation_id}/access_tokens`.
pub(crate) async fn mint(github: &GitHub, id: u64, body: &Bytes) -> Answer {
    let request = if body.is_empty() {
        TokenRequest::default()
    } else {
        match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(_) => return Answer::error(StatusCode::BAD_REQUEST, "Problems parsing JSON"),
        }
    };
    let (mut minted, repositories) = match mint_in(github, &mut github.world(), id, &request) {
        Ok(minted) => minted,
        Err(answer) => return answer,
    };
    if let (Some(fields), Some(repositories)) = (minted.as_object_mut(), repositories) {
        match repository::objects(github, &repositories).await {
            Ok(objects) => fields.insert("repositories".to_owned(), Value::Array(objects)),
            Err(error) => return Answer::broken(&error),
        };
    }
    Answer::json(StatusCode::CREATED, &minted)
}

/// The minted token as JSON, and the repositories that it was asked for.
fn mint_in(
    github: &GitHub,
    world: &mut World,
    id: u64,
    request: &TokenRequest,
) -> Result<(Value, Option<Vec<Repository>>), Answer> {
    let record = world.installations.get(&id).ok_or_else(Answer::not_found)?;
    let settings = record.settings.clone();
    if settings.suspended {
        return Err(refusal::suspended());
    }
    let permissions = match &request.permissions {
        None => settings.permissions.clone(),
        Some(wanted) => {
            let granted = wanted.iter().all(|(permission, level)| {
                settings
                    .permissions
                    .get(permission)
                    .is_some_and(|has| covers(has, level))
            });
            if !granted {
                return Err(unprocessable(
                    "The permissions requested are not granted to this installation.",
                ));
            }
            wanted.clone()
        }
    };
    let repositories = wanted_repositories(world, record, request)?;
    let ids = repositories
        .as_ref()
        .map(|all| all.iter().map(|one| one.id).collect());
    let expires_at = world
        .now()
        .saturating_add(world.knobs.token_lifetime_seconds);
    let token = token::new_token(github.app.id, world.knobs.short_tokens, expires_at);
    let selection = match (&repositories, &settings.repositories) {
        (None, Selection::All) => "all",
        (Some(_), _) | (_, Selection::Only(_)) => "selected",
    };
    let minted = json!({
        "token": token,
        "expires_at": rfc3339(expires_at),
        "permissions": permissions,
        "repository_selection": selection,
    });
    let grant = Grant {
        installation: id,
        permissions,
        repositories: ids,
    };
    let lag_uses = world.knobs.token_lag_uses;
    world.tokens.insert(
        token,
        InstallationToken {
            grant,
            expires_at,
            lag_uses,
        },
    );
    world.mints += 1;
    Ok((minted, repositories))
}

fn wanted_repositories(
    world: &World,
    record: &InstallationRecord,
    request: &TokenRequest,
) -> Result<Option<Vec<Repository>>, Answer> {
    if request.repositories.is_none() && request.repository_ids.is_none() {
        return Ok(None);
    }
    let by_name = request
        .repositories
        .iter()
        .flatten()
        .map(|name| world.repository_named(&record.account, name));
    let by_id = request
        .repository_ids
        .iter()
        .flatten()
        .map(|id| world.repositories.get(id));
    let wanted: Option<Vec<Repository>> = by_name
        .chain(by_id)
        .map(|found| {
            found
                .filter(|repository| {
                    repository.owner.eq_ignore_ascii_case(&record.account)
                        && world.selects(&record.settings.repositories, repository)
                })
                .cloned()
        })
        .collect();
    match wanted {
        Some(wanted) => Ok(Some(wanted)),
        None => Err(unprocessable(
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )),
    }
}

/// Levels contain each other: who may write may read.
fn covers(has: &str, wanted: &str) -> bool {
    let rank = |level: &str| {
        ["read", "write", "admin"]
            .iter()
            .position(|known| *known == level)
    };
    rank(wanted).is_some_and(|wanted| rank(has).is_some_and(|has| has >= wanted))
}

fn unprocessable(message: &str) -> Answer {
    Answer::error(StatusCode::UNPROCESSABLE_ENTITY, message)
}

fn found(github: &GitHub, world: &World, record: &InstallationRecord) -> Answer {
    object(github, world, record).map_or_else(Answer::not_found, |object| {
        Answer::json(StatusCode::OK, &object)
    })
}

/// An installation as JSON.
pub(crate) fn object(github: &GitHub, world: &World, record: &InstallationRecord) -> Option<Value> {
    let account = world.accounts.get(&record.account)?;
    let api = &github.api_url;
    let id = record.id;
    let suspended = record.settings.suspended;
    Some(json!({
        "id": id,
        "client_id": github.app.client_id,
        "account": account_object(api, account),
        "repository_selection": match record.settings.repositories {
            Selection::All => "all",
            Selection::Only(_) => "selected",
        },
        "access_tokens_url": format!("{api}/app/installations/{id}/access_tokens"),
        "repositories_url": format!("{api}/installation/repositories"),
        "html_url": format!("https://github.com/organizations/{}/settings/installations/{id}", account.login),
        "app_id": github.app.id,
        "app_slug": SLUG,
        "target_id": account.id,
        "target_type": kind_name(account.kind),
        "permissions": record.settings.permissions,
        "events": [],
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "single_file_name": null,
        "has_multiple_single_files": false,
        "single_file_paths": [],
        "suspended_by": suspended.then(|| account_object(api, account)),
        "suspended_at": suspended.then_some(CREATED_AT),
    }))
}

/// GitHub's "simple user", which organizations are as well.
pub(crate) fn account_object(api: &str, account: &Account) -> Value {
    let login = &account.login;
    let user = format!("{api}/users/{login}");
    json!({
        "login": login,
        "id": account.id,
        "node_id": node_id::legacy("User", &account.id.to_string()),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{}?v=4", account.id),
        "gravatar_id": "",
        "url": user,
        "html_url": format!("https://github.com/{login}"),
        "followers_url": format!("{user}/followers"),
        "following_url": format!("{user}/following{{/other_user}}"),
        "gists_url": format!("{user}/gists{{/gist_id}}"),
        "starred_url": format!("{user}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{user}/subscriptions"),
        "organizations_url": format!("{user}/orgs"),
        "repos_url": format!("{user}/repos"),
        "events_url": format!("{user}/events{{/privacy}}"),
        "received_events_url": format!("{user}/received_events"),
        "type": kind_name(account.kind),
        "user_view_type": "public",
        "site_admin": false,
    })
}

impl Installation {
    /// Whether no repository of the account is left out.
    pub(crate) fn selects_all(&self) -> bool {
        self.repositories == Selection::All
    }
}

pub(crate) fn kind_name(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Organization => "Organization",
        AccountKind::User => "User",
    }
}

impl Default for Installation {
    fn default() -> Self {
        let read = |permission: &str| (permission.to_owned(), "read".to_owned());
        Self {
            permissions: [read("contents"), read("metadata")].into(),
            repositories: Selection::All,
            suspended: false,
        }
    }
}
