//! GitHub's webhooks: a hint that something has changed, and nothing more. They get lost, come twice, and don't come at
//! all when more than three tags are pushed at once, so nothing depends on them but how soon a change shows.
//!
//! <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>

use hmac::{Hmac, Mac as _};
use http::{HeaderMap, header};
use serde::Deserialize;
use sha2::Sha256;

use crate::config::Secret;
use crate::error::{Error, NotFound};
use crate::host::Source;

/// What a webhook is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Owner and name of each repository that may not be as it was, under each name that it has or had.
    pub repositories: Vec<(String, String)>,
    /// The owner whose repositories may be others now.
    pub owner: Option<String>,
}

/// Receives a webhook: at most [`MAX_BODY`] bytes that are signed with `secret`.
///
/// # Errors
/// [`NotFound::Path`] where there is no secret, [`Error::Unsigned`], [`Error::TooLarge`], and [`Error::BadRequest`] for
/// what is signed and is no webhook.
pub async fn receive(
    secret: Option<&Secret>,
    headers: &HeaderMap,
    body: &mut impl Source,
) -> Result<Hint, Error> {
    let secret = secret.ok_or(Error::NotFound(NotFound::Path))?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signature = text("x-hub-signature-256").and_then(|it| it.strip_prefix("sha256="));
    let signature = signature.and_then(|it| hex::decode(it).ok());
    let signature = signature.ok_or(Error::Unsigned)?;
    let length: Option<usize> =
        text(header::CONTENT_LENGTH.as_str()).and_then(|it| it.parse().ok());
    if length.is_some_and(|length| length > MAX_BODY) {
        return Err(Error::TooLarge);
    }
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_err(|_| Error::Unsigned)?;
    let mut bytes = Vec::with_capacity(length.unwrap_or(0));
    loop {
        let read = body.read(READ).await.map_err(|_| Error::ClientGone)?;
        if read.is_empty() {
            break;
        }
        mac.update(&read);
        bytes.extend(read);
        if bytes.len() > MAX_BODY {
            return Err(Error::TooLarge);
        }
    }
    // In constant time.
    mac.verify_slice(&signature).map_err(|_| Error::Unsigned)?;
    let is_form = text(header::CONTENT_TYPE.as_str())
        .is_some_and(|it| it.starts_with("application/x-www-form-urlencoded"));
    if is_form {
        let payload = url::form_urlencoded::parse(&bytes).find(|(name, _)| name == "payload");
        bytes = payload
            .map(|(_, json)| json.into_owned().into_bytes())
            .unwrap_or_default();
    }
    let event = text("x-github-event").unwrap_or_default();
    Hint::read(event, &bytes).ok_or(Error::BadRequest("this is not a webhook of GitHub's"))
}

impl Hint {
    /// What a delivery is about; nothing, for events that don't matter here; `None` for what is no payload.
    #[must_use]
    pub fn read(event: &str, payload: &[u8]) -> Option<Self> {
        let payload: Payload = serde_json::from_slice(payload).ok()?;
        let is_known = matches!(
            event,
            "create"
                | "delete"
                | "push"
                | "release"
                | "repository"
                | "installation"
                | "installation_repositories"
        );
        if !is_known {
            return Some(Self::default());
        }
        let is_installation = event.starts_with("installation");
        let account = payload.installation.and_then(|it| it.account);
        let owner = account.map(|it| it.login).filter(|_| is_installation);
        let changes = payload.changes.unwrap_or_default();
        let renamed_from = changes.repository.and_then(|it| it.name).map(|it| it.from);
        let moved_from = changes.owner.and_then(|it| it.from).and_then(|from| {
            let account = from.organization.or(from.user)?;
            Some(account.login)
        });
        let lists = [
            payload.repositories,
            payload.repositories_added,
            payload.repositories_removed,
        ];
        let mut repositories = Vec::new();
        let listed = lists.into_iter().flatten().flatten();
        for repository in payload
            .repository
            .into_iter()
            .chain(listed)
            .take(MAX_REPOSITORIES)
        {
            let Some((owner, name)) = repository.full_name.split_once('/') else {
                continue;
            };
            let former_owner = moved_from.as_deref().unwrap_or(owner);
            let former_name = renamed_from.as_deref().unwrap_or(name);
            let former = (former_owner.to_owned(), former_name.to_owned());
            let now = (owner.to_owned(), name.to_owned());
            if former != now {
                repositories.push(former);
            }
            repositories.push(now);
        }
        Some(Self {
            repositories,
            owner,
        })
    }
}

/// As far as it matters: everything may be missing.
#[derive(Deserialize)]
struct Payload {
    repository: Option<Repository>,
    repositories: Option<Vec<Repository>>,
    repositories_added: Option<Vec<Repository>>,
    repositories_removed: Option<Vec<Repository>>,
    installation: Option<Installation>,
    changes: Option<Changes>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize)]
struct Installation {
    account: Option<Account>,
}

#[derive(Deserialize)]
struct Account {
    login: String,
}

#[derive(Default, Deserialize)]
struct Changes {
    repository: Option<Renamed>,
    owner: Option<Transferred>,
}

#[derive(Deserialize)]
struct Renamed {
    name: Option<From<String>>,
}

#[derive(Deserialize)]
struct From<T> {
    from: T,
}

#[derive(Deserialize)]
struct Transferred {
    from: Option<FormerOwner>,
}

#[derive(Deserialize)]
struct FormerOwner {
    user: Option<Account>,
    organization: Option<Account>,
}

/// GitHub sends no more.
pub const MAX_BODY: usize = 25 << 20;
const READ: usize = 64 << 10;
/// Each costs a look into the store.
const MAX_REPOSITORIES: usize = 1000;
