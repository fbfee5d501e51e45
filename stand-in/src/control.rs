//! The control endpoints, `/_stand-in/…` on the API's origin: what [`StandIn`](crate::StandIn) does in Rust, for tests of another process.
//! They answer while GitHub is down, too.
//!
//! | endpoint | body, and what comes back |
//! |---|---|
//! | `GET`, `DELETE log` | every [`LogEntry`](crate::LogEntry) |
//! | `GET`, `DELETE counts` | [`Counts`]; `DELETE` gives them and starts anew |
//! | `GET`, `POST`, `DELETE faults` | [`Fault`]s, one or a list |
//! | `GET`, `PATCH knobs` | [`Knobs`], any of them |
//! | `GET`, `PUT down` | `true` or `false` |
//! | `PUT used/{owner}` | a number |
//! | `POST webhooks` | `{url, secret, repository, event, tags, form, guid, wrongly_signed}`, the first three required; a list of `{guid, status}` |
//! | `POST repositories` | `{owner, name, git_dir, visibility}`; `{id}` |
//! | `DELETE repositories/{owner}/{name}` | |
//! | `PUT repositories/{owner}/{name}/visibility`, `…/archived`, `…/block` | `"public"` or `"private"`; `true` or `false`; `"dmca"`, `"tos"` or `null` |
//! | `PUT repositories/{owner}/{name}/description`, `…/topics`, `…/html_url` | a string or `null`; a list of strings; a string or `null` |
//! | `PUT repositories/{owner}/{name}/pushed_at`, `…/default_branch` | seconds since 1970 or `null`; a string |
//! | `PUT repositories/{owner}/{name}/files/{path}` | the file's bytes, for a commit of its own on the default branch; `{sha}` |
//! | `POST renames` | `{from, to}`, both `OWNER/NAME` |
//! | `PUT accounts/{login}/kind` | `"organization"` or `"user"` |
//! | `PUT`, `DELETE installations/{owner}` | [`Installation`] or nothing; `{id}` |
//! | `PUT personal-tokens/{token}` | [`PersonalToken`] or nothing |
//! | `POST id-tokens` | [`IdToken`] or nothing; `{token}` |
//! | `POST actions-request-tokens` | [`IdToken`] or nothing; `{url, token}` |
//! | `GET oidc`, `POST oidc/rotate` | `{issuer}`; `{kid}` |

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::counts::Counts;
use crate::fault::Fault;
use crate::id_token::IdToken;
use crate::installation::{AccountKind, Installation};
use crate::knobs::Knobs;
use crate::repository::Visibility;
use crate::route::decode;
use crate::settings;
use crate::token::PersonalToken;
use crate::webhook::{Tag, Webhook};
use crate::webhook_event::Event;
use crate::world::{GitHub, World};

/// The path of every control endpoint.
pub(crate) const PREFIX: &str = "/_stand-in/";

/// A repository as the control endpoint takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRepository {
    owner: String,
    name: String,
    git_dir: PathBuf,
    #[serde(default)]
    visibility: Visibility,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    /// `OWNER/NAME`.
    from: String,
    to: String,
}

/// One fault or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Faults {
    Several(Vec<Fault>),
    One(Fault),
}

/// Deliveries to be sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deliveries {
    /// `http://` and where.
    url: String,
    secret: String,
    /// `OWNER/NAME`.
    repository: String,
    #[serde(default)]
    event: Option<Event>,
    /// The tags of one push.
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    form: bool,
    /// Another GUID than a new one; for a redelivery that of before.
    #[serde(default)]
    guid: Option<String>,
    #[serde(default)]
    wrongly_signed: bool,
}

/// Answers a control request; `path` is what follows [`PREFIX`].
pub(crate) async fn answer(github: &GitHub, method: &Method, path: &str, body: &Bytes) -> Answer {
    if path == "webhooks" && method == Method::POST {
        return deliver(github, body)
            .await
            .unwrap_or_else(|refusal| refusal);
    }
    let segments: Vec<&str> = path.split('/').collect();
    let answer = match segments.as_slice() {
        ["id-tokens" | "actions-request-tokens" | "oidc", ..] => {
            issue(github, method, &segments, body)
        }
        ["repositories", owner, name, "default_branch" | "files", ..] => {
            write(github, method, &segments, owner, name, body)
        }
        [
            "repositories" | "renames" | "accounts" | "installations" | "personal-tokens",
            ..,
        ] => {
            // What the directory holds may be changed before anyone asked GitHub for it.
            github.scan();
            populate(github, method, &segments, body)
        }
        _ => switch(github, method, &segments, body),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

/// Sends deliveries, and says under which GUIDs and how each was answered; no status is a receiver that was not reached.
async fn deliver(github: &GitHub, body: &Bytes) -> Result<Answer, Answer> {
    let wanted: Deliveries = parse(body)?;
    let (owner, name) = wanted
        .repository
        .split_once('/')
        .ok_or_else(Answer::not_found)?;
    github.scan();
    let subject = github.world().subject(owner, name);
    let subject = subject.ok_or_else(Answer::not_found)?;
    let mut webhook = Webhook::new(&wanted.secret).app(github.app.id);
    webhook.form = wanted.form;
    let event = wanted.event.iter();
    let mut told = Vec::new();
    for delivery in event
        .map(|event| webhook.delivery(event, &subject))
        .chain(webhook.push_tags(&subject, &wanted.tags))
    {
        let delivery = match &wanted.guid {
            Some(guid) => delivery.with_guid(guid),
            None => delivery,
        };
        let delivery = if wanted.wrongly_signed {
            delivery.wrongly_signed()
        } else {
            delivery
        };
        let (guid, url) = (delivery.guid().to_owned(), wanted.url.clone());
        let status = tokio::task::spawn_blocking(move || delivery.send(&url)).await;
        let status = status.ok().and_then(Result::ok);
        told.push(json!({ "guid": guid, "status": status }));
    }
    Ok(ok(&json!(told)))
}

/// What is asked, what goes wrong, and the knobs.
fn switch(
    github: &GitHub,
    method: &Method,
    segments: &[&str],
    body: &Bytes,
) -> Result<Answer, Answer> {
    if let ["used", ..] = segments {
        github.scan();
    }
    let mut world = github.world();
    match (method.as_str(), segments) {
        ("GET", ["log"]) => Ok(ok(&json!(world.log()))),
        ("DELETE", ["log"]) => {
            world.clear_log();
            Ok(done())
        }
        ("GET", ["counts"]) => Ok(ok(&json!(Counts::of(&world)))),
        ("DELETE", ["counts"]) => {
            let counts = Counts::of(&world);
            world.clear_log();
            Ok(ok(&json!(counts)))
        }
        ("PUT", ["used", owner]) => {
            let used = parse(body)?;
            world.set_used(owner, used).ok_or_else(Answer::not_found)?;
            Ok(done())
        }
        ("GET", ["down"]) => Ok(ok(&json!(*github.down.borrow()))),
        ("PUT", ["down"]) => {
            github.down.send_replace(parse(body)?);
            Ok(done())
        }
        ("GET", ["faults"]) => Ok(ok(&json!(world.faults))),
        ("POST", ["faults"]) => {
            match parse(body)? {
                Faults::Several(faults) => world.faults.extend(faults),
                Faults::One(fault) => world.faults.push(fault),
            }
            Ok(done())
        }
        ("DELETE", ["faults"]) => {
            world.faults.clear();
            Ok(done())
        }
        ("GET", ["knobs"]) => Ok(ok(&json!(world.knobs))),
        ("PATCH" | "POST", ["knobs"]) => {
            world.knobs = turned(&world.knobs, body)?;
            Ok(ok(&json!(world.knobs)))
        }
        _ => Err(Answer::not_found()),
    }
}

/// Repositories, accounts, installations and tokens.
fn populate(
    github: &GitHub,
    method: &Method,
    segments: &[&str],
    body: &Bytes,
) -> Result<Answer, Answer> {
    let mut world = github.world();
    match (method.as_str(), segments) {
        ("POST", ["repositories"]) => {
            let NewRepository {
                owner,
                name,
                git_dir,
                visibility,
            } = parse(body)?;
            let id = world.add_repository(&owner, &name, visibility, git_dir);
            Ok(ok(&json!({ "id": id })))
        }
        ("POST", ["renames"]) => {
            let Rename { from, to } = parse(body)?;
            renamed(&mut world, &from, &to).ok_or_else(Answer::not_found)?;
            Ok(done())
        }
        ("PUT", ["repositories", owner, name, what]) => {
            let found = world.repository_named_mut(owner, name);
            let found = found.ok_or_else(Answer::not_found)?;
            match *what {
                "visibility" => found.visibility = parse(body)?,
                "archived" => found.archived = parse(body)?,
                "block" => found.block = parse(body)?,
                "description" => found.about.description = parse(body)?,
                "topics" => found.about.topics = parse(body)?,
                "pushed_at" => found.about.pushed_at = parse(body)?,
                "html_url" => found.about.html_url = parse(body)?,
                _ => return Err(Answer::not_found()),
            }
            Ok(done())
        }
        ("DELETE", ["repositories", owner, name]) => {
            let id = id_of(&world, owner, name)?;
            world.repositories.remove(&id);
            Ok(done())
        }
        ("PUT", ["accounts", login, "kind"]) => {
            let kind: AccountKind = parse(body)?;
            world.account(login).kind = kind;
            Ok(done())
        }
        ("PUT", ["installations", owner]) => {
            let settings: Installation = if body.is_empty() {
                Installation::default()
            } else {
                parse(body)?
            };
            Ok(ok(&json!({ "id": world.install(owner, settings) })))
        }
        ("DELETE", ["installations", owner]) => {
            world.uninstall(owner);
            Ok(done())
        }
        ("PUT", ["personal-tokens", token]) => {
            let personal: PersonalToken = if body.is_empty() {
                PersonalToken::default()
            } else {
                parse(body)?
            };
            world.personal_tokens.insert((*token).to_owned(), personal);
            Ok(done())
        }
        _ => Err(Answer::not_found()),
    }
}

/// What is kept in a git directory.
fn write(
    github: &GitHub,
    method: &Method,
    segments: &[&str],
    owner: &str,
    name: &str,
    body: &Bytes,
) -> Result<Answer, Answer> {
    let git_dir = settings::git_dir(github, owner, name).map_err(|_| Answer::not_found())?;
    let refused = |error: io::Error| Answer::error(StatusCode::BAD_REQUEST, &error.to_string());
    match (method.as_str(), segments) {
        ("PUT", [_, _, _, "default_branch"]) => {
            let branch: String = parse(body)?;
            settings::set_default_branch(&git_dir, &branch).map_err(refused)?;
            Ok(done())
        }
        ("PUT", [_, _, _, "files", path @ ..]) if !path.is_empty() => {
            let path = decode(&path.join("/"));
            let sha = settings::commit_file(github, owner, name, &path, body).map_err(refused)?;
            Ok(ok(&json!({ "sha": sha })))
        }
        _ => Err(Answer::not_found()),
    }
}

/// ID tokens and their keys.
fn issue(
    github: &GitHub,
    method: &Method,
    segments: &[&str],
    body: &Bytes,
) -> Result<Answer, Answer> {
    let token = || -> Result<IdToken, Answer> {
        if body.is_empty() {
            Ok(IdToken::default())
        } else {
            parse(body)
        }
    };
    let answer = match (method.as_str(), segments) {
        ("GET", ["oidc"]) => json!({ "issuer": github.issuer() }),
        ("POST", ["oidc", "rotate"]) => {
            let kid = github.rotate_keys();
            json!({ "kid": kid.map_err(|error| Answer::broken(&error))? })
        }
        ("POST", ["id-tokens"]) => {
            let token = github.id_token(&token()?, None);
            json!({ "token": token.map_err(|error| Answer::broken(&error))? })
        }
        ("POST", ["actions-request-tokens"]) => json!({
            "url": github.id_token_url(),
            "token": github.new_request_token(token()?),
        }),
        _ => return Err(Answer::not_found()),
    };
    Ok(ok(&answer))
}

/// `from` and `to` are `OWNER/NAME`.
pub(crate) fn renamed(world: &mut World, from: &str, to: &str) -> Option<()> {
    let (owner, name) = from.split_once('/')?;
    let id = world.repository_named(owner, name)?.id;
    let (owner, name) = to.split_once('/')?;
    world.rename_repository(id, owner, name).then_some(())
}

fn id_of(world: &World, owner: &str, name: &str) -> Result<u64, Answer> {
    world
        .repository_named(owner, name)
        .map(|found| found.id)
        .ok_or_else(Answer::not_found)
}

/// The knobs with those in the body turned, the others left.
fn turned(knobs: &Knobs, body: &Bytes) -> Result<Knobs, Answer> {
    let mut merged = serde_json::to_value(knobs).map_err(|error| bad_request(&error))?;
    let turned: Value = parse(body)?;
    if let (Value::Object(merged), Value::Object(turned)) = (&mut merged, turned) {
        merged.extend(turned);
    }
    serde_json::from_value(merged).map_err(|error| bad_request(&error))
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Answer> {
    serde_json::from_slice(body).map_err(|error| bad_request(&error))
}

fn bad_request(error: &serde_json::Error) -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, &error.to_string())
}

fn ok(value: &Value) -> Answer {
    Answer::json(StatusCode::OK, value)
}

fn done() -> Answer {
    Answer::empty(StatusCode::NO_CONTENT)
}
