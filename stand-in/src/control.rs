//! The control endpoints, `/_stand-in/…` on the API's origin: what [`StandIn`](crate::StandIn) does in Rust, for tests of another process.

use std::path::PathBuf;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::fault::Fault;
use crate::installation::{AccountKind, Installation};
use crate::log::{Credential, Origin};
use crate::repository::Visibility;
use crate::token::PersonalToken;
use crate::world::{GitHub, Knobs, World};

/// The path of every control endpoint.
pub(crate) const PREFIX: &str = "/_stand-in/";

/// Sums over the log since it was last cleared, and over the stand-in's whole life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Installation tokens minted since the start.
    pub mints: u64,
    /// Requests in the log that GitHub would have billed.
    pub billed: usize,
    /// Requests in the log that brought a credential to the archive origin. Anything but 0 is a leak.
    pub leaks: usize,
}

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

/// Answers a control request; `path` is what follows [`PREFIX`].
pub(crate) fn answer(github: &GitHub, method: &Method, path: &str, body: &Bytes) -> Answer {
    let segments: Vec<&str> = path.split('/').collect();
    control(github, method, &segments, body).unwrap_or_else(|refusal| refusal)
}

fn control(
    github: &GitHub,
    method: &Method,
    segments: &[&str],
    body: &Bytes,
) -> Result<Answer, Answer> {
    let mut world = github.world();
    match (method.as_str(), segments) {
        ("GET", ["log"]) => Ok(ok(&json!(world.log()))),
        ("DELETE", ["log"]) => {
            world.clear_log();
            Ok(done())
        }
        ("GET", ["counts"]) => Ok(ok(&json!(counts(&world)))),
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
            drop(world);
            github.scan();
            renamed(&mut github.world(), &from, &to).ok_or_else(Answer::not_found)?;
            Ok(done())
        }
        ("PUT", ["repositories", owner, name, "visibility"]) => {
            let visibility = parse(body)?;
            let id = id_of(&world, owner, name)?;
            if let Some(repository) = world.repositories.get_mut(&id) {
                repository.visibility = visibility;
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

pub(crate) fn counts(world: &World) -> Counts {
    Counts {
        mints: world.mints,
        billed: world.log().iter().filter(|entry| entry.billed).count(),
        leaks: world
            .log()
            .iter()
            .filter(|entry| entry.origin == Origin::Archive && entry.credential != Credential::None)
            .count(),
    }
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
