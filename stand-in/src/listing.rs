//! The lists that come in pages: a repository's tags, the repositories of an installation or an account, the App's installations.

use std::collections::HashMap;
use std::io;

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::git;
use crate::installation::{self, AccountKind};
use crate::node_id::Node;
use crate::paging::Page;
use crate::repository::{self, Repository, Visibility};
use crate::route::{AccountTarget, encode};
use crate::token::{Caller, Grant, may_read};
use crate::world::GitHub;

/// `GET …/tags`: peeled, the highest version first (so recorded; undocumented). `Link` names the repository by its id.
pub(crate) async fn tags(
    github: &GitHub,
    repository: &Repository,
    page: &Page<'_>,
) -> io::Result<Answer> {
    let lines = git::read(
        &repository.git_dir,
        [
            "for-each-ref",
            "--sort=-version:refname",
            "--format=%(objectname) %(refname)",
            "refs/tags/",
        ],
    )
    .await?;
    // It fails where there is no tag.
    let peeled = git::find(&repository.git_dir, ["show-ref", "--tags", "--dereference"]).await;
    let peeled = String::from_utf8_lossy(&peeled.unwrap_or_default()).into_owned();
    let peeled: HashMap<&str, &str> = peeled
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(sha, name)| Some((name.strip_suffix("^{}")?, sha)))
        .collect();
    let api = repository::url(github, repository);
    let style = github.world().knobs.node_ids;
    let tags: Vec<Value> = String::from_utf8_lossy(&lines)
        .lines()
        .filter_map(|line| {
            let (object, full) = line.split_once(' ')?;
            let sha = peeled.get(full).copied().unwrap_or(object);
            let name = full.strip_prefix("refs/tags/")?;
            let path = encode(full);
            Some(json!({
                "name": name,
                "zipball_url": format!("{api}/zipball/{path}"),
                "tarball_url": format!("{api}/tarball/{path}"),
                "commit": { "sha": sha, "url": format!("{api}/commits/{sha}") },
                "node_id": Node::Reference(repository.id, full).id(style),
            }))
        })
        .collect();
    let count = tags.len();
    let answer = Answer::json(StatusCode::OK, &Value::Array(page.of(tags)));
    let address = format!("{}/repositories/{}/tags", github.api_url, repository.id);
    Ok(page.link(answer, &address, count))
}

/// `GET /installation/repositories`: what this token sees, public and private, in the order of ids.
pub(crate) async fn repositories(
    github: &GitHub,
    grant: &Grant,
    page: &Page<'_>,
) -> io::Result<Answer> {
    let (selection, seen) = {
        let world = github.world();
        let seen: Vec<Repository> = world
            .repositories
            .values()
            .filter(|repository| world.grants(grant, repository))
            .cloned()
            .collect();
        let settings = world.installations.get(&grant.installation);
        let all = settings.is_some_and(|record| record.settings.selects_all());
        let selection = if all && grant.repositories.is_none() {
            "all"
        } else {
            "selected"
        };
        (selection, seen)
    };
    let count = seen.len();
    let objects = repository::objects(github, &page.of(seen)).await?;
    let answer = Answer::json(
        StatusCode::OK,
        &json!({
            "total_count": count,
            "repository_selection": selection,
            "repositories": objects,
        }),
    );
    let address = format!("{}/installation/repositories", github.api_url);
    Ok(page.link(answer, &address, count))
}

/// `GET /orgs/{org}/repos`: of an organization what the caller sees, the newest first; `GET /users/{username}/repos`: of either
/// kind of account what is public, by name. `type`, `sort` and `direction` are not read. `Link` names the account by its id.
pub(crate) async fn of_account(
    github: &GitHub,
    caller: &Caller,
    account: &AccountTarget,
    kind: AccountKind,
    page: &Page<'_>,
) -> Result<io::Result<Answer>, Answer> {
    let (account, seen) = {
        let world = github.world();
        let account = world.account_of(account).cloned();
        let account = account.ok_or_else(Answer::not_found)?;
        if kind == AccountKind::Organization && account.kind == AccountKind::User {
            return Err(Answer::not_found());
        }
        let mut seen: Vec<Repository> = world
            .repositories
            .values()
            .filter(|found| found.owner == account.login)
            .filter(|found| match kind {
                AccountKind::Organization => {
                    world.sees(caller, found) && may_read(caller, found, "metadata")
                }
                AccountKind::User => found.visibility == Visibility::Public,
            })
            .cloned()
            .collect();
        match kind {
            AccountKind::Organization => seen.reverse(),
            AccountKind::User => seen.sort_by_key(|found| found.name.to_lowercase()),
        }
        (account, seen)
    };
    let count = seen.len();
    let collection = match kind {
        AccountKind::Organization => "organizations",
        AccountKind::User => "user",
    };
    let address = format!("{}/{collection}/{}/repos", github.api_url, account.id);
    let objects = repository::objects(github, &page.of(seen)).await;
    Ok(objects.map(|objects| {
        let answer = Answer::json(StatusCode::OK, &Value::Array(objects));
        page.link(answer, &address, count)
    }))
}

/// `GET /app/installations`, suspended ones included.
pub(crate) fn installations(github: &GitHub, page: &Page<'_>) -> Answer {
    let world = github.world();
    let all: Vec<Value> = world
        .installations
        .values()
        .filter_map(|record| installation::object(github, &world, record))
        .collect();
    let count = all.len();
    let answer = Answer::json(StatusCode::OK, &Value::Array(page.of(all)));
    page.link(
        answer,
        &format!("{}/app/installations", github.api_url),
        count,
    )
}
