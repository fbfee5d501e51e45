//! Repositories: who finds them under which name, and their object.

use std::io;
use std::path::PathBuf;

use http::header::HeaderName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::clock::rfc3339;
use crate::installation::{AccountKind, account_object};
use crate::node_id::Node;
use crate::refusal::{self, Block};
use crate::route::Target;
use crate::tips::{self, Tips};
use crate::token::{Caller, may_read};
use crate::world::GitHub;

const CREATED_AT: &str = "2024-05-01T12:00:00Z";

/// A bare git repository under a name.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) visibility: Visibility,
    pub(crate) git_dir: PathBuf,
    /// Read-only, which shows in its object alone.
    pub(crate) archived: bool,
    pub(crate) block: Option<Block>,
    pub(crate) about: About,
}

/// What is said of a repository, and has no other effect.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) description: Option<String>,
    pub(crate) topics: Vec<String>,
    /// Seconds since 1970, in place of the date of the newest ref.
    pub(crate) pushed_at: Option<i64>,
    /// In place of github.com's.
    pub(crate) html_url: Option<String>,
}

/// Who sees a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everyone, without a credential too.
    Public,
    /// Who holds a token that selects it.
    #[default]
    Private,
}

/// The repository that a request means, for a caller with `permission`. `rest` is the path after the repository's name,
/// still encoded, to follow in a redirect. Refusals: 404 for who may not know of it, 301 for an old name,
/// 451 or 403 for one that is blocked, 403 without the permission.
pub(crate) fn find(
    github: &GitHub,
    caller: &Caller,
    target: &Target,
    permission: &str,
    rest: &str,
) -> Result<Repository, Answer> {
    let repository = locate(github, target).ok_or_else(Answer::not_found)?;
    if !github.world().sees(caller, &repository) {
        return Err(Answer::not_found());
    }
    redirect_to_id(github, target, &repository, rest)?;
    if let Some(block) = repository.block {
        return Err(refusal::blocked(block));
    }
    if may_read(caller, &repository, permission) {
        Ok(repository)
    } else {
        let needed = format!("{permission}=read");
        Err(refusal::permission_denied().header(
            HeaderName::from_static("x-accepted-github-permissions"),
            &needed,
        ))
    }
}

/// As [`find`] for the App itself, which asks for its installation and sees what it is installed on.
pub(crate) fn find_for_app(
    github: &GitHub,
    target: &Target,
    rest: &str,
) -> Result<Repository, Answer> {
    let repository = locate(github, target).ok_or_else(Answer::not_found)?;
    redirect_to_id(github, target, &repository, rest)?;
    Ok(repository)
}

/// `GET /repos/{owner}/{repo}`: the "full repository".
pub(crate) async fn object(github: &GitHub, repository: &Repository) -> io::Result<Value> {
    let mut objects = objects(github, std::slice::from_ref(repository)).await?;
    Ok(objects.pop().unwrap_or_default())
}

/// The [`object`] of each.
pub(crate) async fn objects(
    github: &GitHub,
    repositories: &[Repository],
) -> io::Result<Vec<Value>> {
    let tips = tips::of(github, repositories).await?;
    Ok(repositories
        .iter()
        .zip(tips)
        .map(|(repository, tips)| described(github, repository, &tips))
        .collect())
}

/// The address of a repository, by its name of now.
pub(crate) fn url(github: &GitHub, repository: &Repository) -> String {
    format!(
        "{}/repos/{}/{}",
        github.api_url, repository.owner, repository.name
    )
}

impl Repository {
    /// `OWNER/NAME`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Its page.
    pub(crate) fn html_url(&self) -> String {
        let own = self.about.html_url.clone();
        own.unwrap_or_else(|| format!("https://github.com/{}", self.full_name()))
    }
}

fn described(github: &GitHub, repository: &Repository, tips: &Tips) -> Value {
    let About {
        description,
        topics,
        pushed_at,
        ..
    } = &repository.about;
    let pushed_at = pushed_at
        .or(tips.newest)
        .map_or_else(|| CREATED_AT.to_owned(), rfc3339);
    let (account, style) = {
        let mut world = github.world();
        let style = world.knobs.node_ids;
        (world.account(&repository.owner).clone(), style)
    };
    let owner = account_object(&github.api_url, &account);
    let full_name = repository.full_name();
    let html = repository.html_url();
    let mut fields = links(&url(github, repository));
    let own = json!({
        "id": repository.id,
        "node_id": Node::Repository(repository.id).id(style),
        "name": repository.name,
        "full_name": full_name,
        "private": repository.visibility == Visibility::Private,
        "visibility": repository.visibility,
        "owner": owner,
        "html_url": html,
        "git_url": format!("git://github.com/{full_name}.git"),
        "ssh_url": format!("git@github.com:{full_name}.git"),
        "clone_url": format!("https://github.com/{full_name}.git"),
        "svn_url": format!("https://github.com/{full_name}"),
        "mirror_url": null,
        "homepage": null,
        "description": description,
        "language": "HCL",
        "license": null,
        "topics": topics,
        "default_branch": tips.default_branch,
        "created_at": CREATED_AT,
        "updated_at": pushed_at,
        "pushed_at": pushed_at,
        "archived": repository.archived,
        "disabled": false,
        "fork": false,
        "is_template": false,
        "allow_forking": true,
        "web_commit_signoff_required": false,
        "has_issues": true,
        "has_projects": true,
        "has_wiki": true,
        "has_pages": false,
        "has_downloads": true,
        "has_discussions": false,
    });
    if let Value::Object(own) = own {
        fields.extend(own);
    }
    for nothing in [
        "size",
        "forks",
        "forks_count",
        "stargazers_count",
        "watchers",
        "watchers_count",
        "open_issues",
        "open_issues_count",
        "network_count",
        "subscribers_count",
    ] {
        fields.insert(nothing.to_owned(), 0.into());
    }
    if account.kind == AccountKind::Organization {
        fields.insert("organization".to_owned(), owner_of(&fields));
    }
    Value::Object(fields)
}

fn locate(github: &GitHub, target: &Target) -> Option<Repository> {
    let known = || {
        let world = github.world();
        match target {
            Target::Named { owner, name } => world.repository_named(owner, name).cloned(),
            Target::Numbered(id) => world.repositories.get(id).cloned(),
        }
    };
    known().or_else(|| {
        github.scan();
        known()
    })
}

/// An old name is answered by the id's address, which stays.
fn redirect_to_id(
    github: &GitHub,
    target: &Target,
    repository: &Repository,
    rest: &str,
) -> Result<(), Answer> {
    match target {
        Target::Named { owner, name }
            if !owner.eq_ignore_ascii_case(&repository.owner)
                || !name.eq_ignore_ascii_case(&repository.name) =>
        {
            let location = format!("{}/repositories/{}{rest}", github.api_url, repository.id);
            Err(Answer::moved_permanently(&location))
        }
        Target::Named { .. } | Target::Numbered(_) => Ok(()),
    }
}

fn owner_of(fields: &Map<String, Value>) -> Value {
    fields.get("owner").cloned().unwrap_or_default()
}

/// The addresses of everything about a repository, most of them URI templates.
fn links(url: &str) -> Map<String, Value> {
    let mut links = Map::new();
    links.insert("url".to_owned(), url.into());
    for (name, rest) in [
        ("archive_url", "/{archive_format}{/ref}"),
        ("assignees_url", "/assignees{/user}"),
        ("blobs_url", "/git/blobs{/sha}"),
        ("branches_url", "/branches{/branch}"),
        ("collaborators_url", "/collaborators{/collaborator}"),
        ("comments_url", "/comments{/number}"),
        ("commits_url", "/commits{/sha}"),
        ("compare_url", "/compare/{base}...{head}"),
        ("contents_url", "/contents/{+path}"),
        ("contributors_url", "/contributors"),
        ("deployments_url", "/deployments"),
        ("downloads_url", "/downloads"),
        ("events_url", "/events"),
        ("forks_url", "/forks"),
        ("git_commits_url", "/git/commits{/sha}"),
        ("git_refs_url", "/git/refs{/sha}"),
        ("git_tags_url", "/git/tags{/sha}"),
        ("hooks_url", "/hooks"),
        ("issue_comment_url", "/issues/comments{/number}"),
        ("issue_events_url", "/issues/events{/number}"),
        ("issues_url", "/issues{/number}"),
        ("keys_url", "/keys{/key_id}"),
        ("labels_url", "/labels{/name}"),
        ("languages_url", "/languages"),
        ("merges_url", "/merges"),
        ("milestones_url", "/milestones{/number}"),
        (
            "notifications_url",
            "/notifications{?since,all,participating}",
        ),
        ("pulls_url", "/pulls{/number}"),
        ("releases_url", "/releases{/id}"),
        ("stargazers_url", "/stargazers"),
        ("statuses_url", "/statuses/{sha}"),
        ("subscribers_url", "/subscribers"),
        ("subscription_url", "/subscription"),
        ("tags_url", "/tags"),
        ("teams_url", "/teams"),
        ("trees_url", "/git/trees{/sha}"),
    ] {
        links.insert(name.to_owned(), format!("{url}{rest}").into());
    }
    links
}
