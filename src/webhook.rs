//! GitHub's webhooks: a hint that something has changed, and nothing more. They get lost, come twice, and don't come at
//! all when more than three tags are pushed at once, so nothing depends on them but how soon a change shows.
//!
//! <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>

use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Duration;

use hmac::{Hmac, Mac as _};
use http::{HeaderMap, header};
use serde::Deserialize;
use sha2::Sha256;

use crate::config::Secret;
use crate::error::{Error, NotFound};
use crate::host::{Deadline, Host, Source};

/// What a webhook is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Owner and name of each repository that may not be as it was, under each name that it has or had.
    pub repositories: Vec<(String, String)>,
    /// The owner whose repositories may be others now.
    pub owner: Option<String>,
    /// Whether the repositories may have other names or topics, or be new or gone.
    pub is_about_lists: bool,
}

/// Receives a webhook: at most [`MAX_BODY`] bytes that are signed with `secret`.
///
/// # Errors
/// [`NotFound::Path`] where there is no secret, [`Error::Unsigned`], [`Error::TooLarge`], and [`Error::BadRequest`] for
/// what is signed and is no webhook.
pub async fn receive(
    host: &impl Host,
    secret: Option<&Secret>,
    headers: &HeaderMap,
    body: &mut impl Source,
) -> Result<Hint, Error> {
    let deadline = Deadline::after(host.now(), RECEIVE_LIMIT);
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
    let mut received = Received::default();
    let mut size = 0;
    loop {
        let left = deadline.left(host.now());
        if left.is_zero() {
            return Err(Error::ClientGone);
        }
        body.wait_at_most(left);
        let piece = body.read(READ).await.map_err(|_| Error::ClientGone)?;
        if piece.is_empty() {
            break;
        }
        mac.update(&piece);
        size += piece.len();
        if size > MAX_BODY {
            return Err(Error::TooLarge);
        }
        received.push(piece);
    }
    // In constant time.
    mac.verify_slice(&signature).map_err(|_| Error::Unsigned)?;
    let event = text("x-github-event").unwrap_or_default();
    let is_form = text(header::CONTENT_TYPE.as_str())
        .is_some_and(|it| it.starts_with("application/x-www-form-urlencoded"));
    let hint = if is_form {
        Hint::read(event, &mut FormPayload::of(received))
    } else {
        Hint::read(event, &mut received)
    };
    hint.ok_or(Error::BadRequest("this is not a webhook of GitHub's"))
}

/// A body as it came, in pieces: 25 MB in one would not fit into the memory that hosts give.
#[derive(Default)]
struct Received {
    pieces: VecDeque<Vec<u8>>,
    /// How much of the first piece is read.
    read: usize,
}

impl Received {
    fn push(&mut self, piece: Vec<u8>) {
        match self.pieces.back_mut() {
            Some(last) if last.len() < READ => last.extend(piece),
            _ => self.pieces.push_back(piece),
        }
    }
}

impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.front() {
            let mut rest = piece.get(self.read..).unwrap_or_default();
            let length = rest.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                self.read += length;
                return Ok(length);
            }
            self.pieces.pop_front();
            self.read = 0;
        }
        Ok(0)
    }
}

/// The payload in a form, which is its one field `payload`: `payload=%7B%22ref%22...`
struct FormPayload {
    form: io::Bytes<io::BufReader<Received>>,
    is_over: bool,
}

impl FormPayload {
    /// A form that begins otherwise has an empty payload.
    fn of(received: Received) -> Self {
        let mut form = io::BufReader::new(received);
        let mut name = [0; 8];
        let is_payload = form.read_exact(&mut name).is_ok() && name == *b"payload=";
        Self {
            form: form.bytes(),
            is_over: !is_payload,
        }
    }

    fn next(&mut self) -> io::Result<Option<u8>> {
        if self.is_over {
            return Ok(None);
        }
        let mut next = || self.form.next().transpose();
        Ok(match next()? {
            None | Some(b'&') => {
                self.is_over = true;
                None
            }
            Some(b'+') => Some(b' '),
            Some(b'%') => {
                let digits = [next()?, next()?].map(Option::unwrap_or_default);
                let mut byte = [0];
                hex::decode_to_slice(digits, &mut byte).map_err(io::Error::other)?;
                let [byte] = byte;
                Some(byte)
            }
            other => other,
        })
    }
}

impl Read for FormPayload {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        for byte in buffer {
            match self.next()? {
                None => break,
                Some(next) => *byte = next,
            }
            length += 1;
        }
        Ok(length)
    }
}

impl Hint {
    /// What a delivery is about; nothing, for events that don't matter here; `None` for what is no payload of its event.
    #[must_use]
    pub fn read(event: &str, payload: &mut dyn Read) -> Option<Self> {
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
        let payload: Payload = serde_json::from_reader(io::BufReader::new(payload)).ok()?;
        let is_installation = event.starts_with("installation");
        let account = payload.installation.and_then(|it| it.account);
        let owner = account.and_then(|it| it.login).filter(|_| is_installation);
        let changes = payload.changes.unwrap_or_default();
        let renamed_from = changes.repository.and_then(|it| it.name).map(|it| it.from);
        let moved_from = changes
            .owner
            .and_then(|it| it.from)
            .and_then(|from| from.organization.or(from.user)?.login);
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
            let Some(now) = repository.owner_and_name() else {
                continue;
            };
            let former_owner = moved_from.as_ref().unwrap_or(&now.0);
            let former_name = renamed_from.as_ref().unwrap_or(&now.1);
            let former = (former_owner.clone(), former_name.clone());
            if former != now {
                repositories.push(former);
            }
            repositories.push(now);
        }
        Some(Self {
            repositories,
            owner,
            is_about_lists: is_installation || event == "repository",
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
    full_name: Option<String>,
    name: Option<String>,
    owner: Option<Account>,
}

impl Repository {
    fn owner_and_name(self) -> Option<(String, String)> {
        let split = self.full_name.as_deref().and_then(|it| it.split_once('/'));
        match split {
            Some((owner, name)) => Some((owner.to_owned(), name.to_owned())),
            None => Some((self.owner?.login?, self.name?)),
        }
    }
}

#[derive(Deserialize)]
struct Installation {
    account: Option<Account>,
}

#[derive(Deserialize)]
struct Account {
    /// An enterprise has none.
    login: Option<String>,
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
/// GitHub gives up after ten seconds.
const RECEIVE_LIMIT: Duration = Duration::from_secs(10);
/// Each costs a look into the store.
const MAX_REPOSITORIES: usize = 1000;
