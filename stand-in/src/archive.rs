//! Archives: the API's redirect, and the second origin that the bytes come from
//! (<https://docs.github.com/en/rest/repos/contents#download-a-repository-archive-zip>).
//! The bytes are `git archive`'s, with the folder name and the comment of the archives that GitHub serves.

use std::fmt::Write as _;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use ring::digest::{SHA256, digest};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::answer::{Answer, Content};
use crate::fault::{FaultKind, multiple_choices, redirect};
use crate::git;
use crate::log::Credential;
use crate::oversize;
use crate::refs;
use crate::repository::{Repository, Visibility};
use crate::route::decode;
use crate::token::alphanumeric;
use crate::world::GitHub;

/// What one redirect opened, for some minutes.
pub(crate) struct ArchiveToken {
    /// The only path it opens, decoded.
    path: String,
    expires_at: i64,
}

/// Before a body breaks off hyper gets so long to send what it holds, or that would be lost at random.
const FLUSH: Duration = Duration::from_millis(50);

/// A body under construction; dropping it ends the body, aborting it breaks the connection off.
type Tap = Sender<Bytes, io::Error>;

/// `GET …/zipball/{ref}`: 302 to the second origin, whether or not the ref exists. A private repository's address holds a token.
pub(crate) fn zipball(github: &GitHub, repository: &Repository, reference: &str) -> Answer {
    let reference = if reference.is_empty() {
        "HEAD"
    } else {
        reference
    };
    let path = format!(
        "/{}/{}/legacy.zip/{reference}",
        repository.owner, repository.name
    );
    let mut location = format!("http://{}{path}", github.archive_origin);
    if repository.visibility == Visibility::Private {
        let token = alphanumeric(29);
        location.push_str("?token=");
        location.push_str(&token);
        let mut world = github.world();
        let expires_at = world
            .now()
            .saturating_add(world.knobs.archive_token_lifetime_seconds);
        world.archive_tokens.insert(
            token,
            ArchiveToken {
                path: decode(&path),
                expires_at,
            },
        );
    }
    redirect(&location)
}

/// Everything that the second origin answers. A request with an `Authorization` header is one too many: its sender gives
/// a GitHub credential to another host, and gets a 400.
pub(crate) async fn answer(
    github: &GitHub,
    request: &http::request::Parts,
    fault: Option<&FaultKind>,
) -> Answer {
    if Credential::of(&request.headers) != Credential::None {
        let message = "400: an Authorization header does not belong here\n";
        return text(StatusCode::BAD_REQUEST, message);
    }
    if request.method != Method::GET && request.method != Method::HEAD {
        return not_found();
    }
    let path = decode(request.uri.path());
    let Some((owner, name, reference)) = parse(&path) else {
        return not_found();
    };
    let Some(repository) = opened(github, &path, owner, name, request.uri.query()) else {
        return not_found();
    };
    match resolve(&repository, reference).await {
        Ok(Commit::Found(sha)) => deliver(&repository, &sha, fault).await,
        Ok(Commit::Ambiguous) => multiple_choices(),
        Ok(Commit::Missing) => not_found(),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

enum Commit {
    Found(String),
    /// A short name that is a branch and a tag.
    Ambiguous,
    Missing,
}

/// `/{owner}/{name}/legacy.zip/{ref}`.
fn parse(path: &str) -> Option<(&str, &str, &str)> {
    let mut segments = path.strip_prefix('/')?.splitn(4, '/');
    let (owner, name) = (segments.next()?, segments.next()?);
    (segments.next()? == "legacy.zip").then_some((owner, name, segments.next()?))
}

/// The repository, when it is public or the token opens this very path.
fn opened(
    github: &GitHub,
    path: &str,
    owner: &str,
    name: &str,
    query: Option<&str>,
) -> Option<Repository> {
    let world = github.world();
    let repository = world.repository_named(owner, name)?.clone();
    if repository.visibility == Visibility::Public {
        return Some(repository);
    }
    let token = query?
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))?;
    let opens = world.archive_tokens.get(token)?;
    (opens.path == path && opens.expires_at > world.now()).then_some(repository)
}

async fn resolve(repository: &Repository, reference: &str) -> io::Result<Commit> {
    if refs::is_full_sha(reference) {
        return Ok(peel(repository, reference).await);
    }
    let references = refs::list(repository).await?;
    let object = |name: &str| {
        references
            .iter()
            .find(|found| found.name == name)
            .map(|found| found.object.clone())
    };
    if reference == "HEAD" {
        return Ok(peel(repository, "HEAD").await);
    }
    if reference.starts_with("refs/") {
        return Ok(match object(reference) {
            Some(object) => peel(repository, &object).await,
            None => Commit::Missing,
        });
    }
    let branch = object(&format!("refs/heads/{reference}"));
    let tag = object(&format!("refs/tags/{reference}"));
    Ok(match (branch, tag) {
        (Some(_), Some(_)) => Commit::Ambiguous,
        (Some(object), None) | (None, Some(object)) => peel(repository, &object).await,
        (None, None) if is_short_sha(reference) => peel(repository, reference).await,
        (None, None) => Commit::Missing,
    })
}

async fn peel(repository: &Repository, object: &str) -> Commit {
    let commit = format!("{object}^{{commit}}");
    match git::find(
        &repository.git_dir,
        ["rev-parse", "--verify", "--quiet", &commit],
    )
    .await
    {
        Some(sha) => Commit::Found(String::from_utf8_lossy(&sha).trim().to_owned()),
        None => Commit::Missing,
    }
}

fn is_short_sha(text: &str) -> bool {
    (7..40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The archive of a commit, whole or spoiled.
async fn deliver(repository: &Repository, sha: &str, fault: Option<&FaultKind>) -> Answer {
    let short = sha.get(..7).unwrap_or(sha);
    let folder = format!("{}-{}-{short}", repository.owner, repository.name);
    let mut answer = Answer::empty(StatusCode::OK)
        .header(CONTENT_TYPE, "application/zip")
        .header(
            CONTENT_DISPOSITION,
            &format!("attachment; filename={folder}.zip"),
        )
        .header(ETAG, &etag(&folder))
        .header(VARY, "Authorization,Accept-Encoding,Origin");
    let content = match fault {
        Some(FaultKind::ContentLength) => whole(repository, sha, &folder).await.map(Content::Whole),
        Some(FaultKind::Garbage { bytes }) => Ok(garbage(*bytes)),
        Some(FaultKind::Oversize {
            bytes,
            content_length,
        }) => {
            let zip = oversize::Zip::new(&folder, sha, *bytes);
            if *content_length {
                set_length(&mut answer.headers, zip.len());
            }
            Ok(poured(|tap| zip.pour(tap)))
        }
        Some(FaultKind::WrongContentLength { length }) => {
            set_length(&mut answer.headers, *length);
            stream(repository, sha, &folder, fault.cloned())
        }
        _ => stream(repository, sha, &folder, fault.cloned()),
    };
    match content {
        Ok(content) => Answer { content, ..answer },
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

/// 64 hexadecimal digits that say nothing.
fn etag(folder: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in digest(&SHA256, folder.as_bytes()).as_ref() {
        let _ = write!(hex, "{byte:02x}");
    }
    format!("W/\"{hex}\"")
}

fn git_archive(repository: &Repository, sha: &str, folder: &str) -> tokio::process::Command {
    let mut command = git::command(&repository.git_dir);
    command.args([
        "archive",
        "--format=zip",
        &format!("--prefix={folder}/"),
        sha,
    ]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut command = tokio::process::Command::from(command);
    // A reader who leaves takes the process along.
    command.kill_on_drop(true);
    command
}

async fn whole(repository: &Repository, sha: &str, folder: &str) -> io::Result<Bytes> {
    Ok(git_archive(repository, sha, folder)
        .output()
        .await?
        .stdout
        .into())
}

fn stream(
    repository: &Repository,
    sha: &str,
    folder: &str,
    fault: Option<FaultKind>,
) -> io::Result<Content> {
    let mut child = git_archive(repository, sha, folder).spawn()?;
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("git has no output"))?;
    Ok(poured(|tap| async move {
        pour(stdout, tap, fault).await;
        // Reaps the process; a fault may have left it in the middle of its output.
        let _ = child.start_kill();
        let _ = child.wait().await;
    }))
}

/// Copies the archive to the body, with the fault that was ordered.
async fn pour(mut archive: impl AsyncRead + Unpin, mut tap: Tap, fault: Option<FaultKind>) {
    let piece = match fault {
        Some(FaultKind::SlowDrip { bytes, .. }) => bytes.max(1),
        _ => 64 * 1024,
    };
    let mut buffer = vec![0; piece];
    let mut sent: u64 = 0;
    let mut stalled = false;
    loop {
        let read = match archive.read(&mut buffer).await {
            Ok(0) => {
                if matches!(fault, Some(FaultKind::WrongContentLength { .. })) {
                    tokio::time::sleep(FLUSH).await;
                }
                return;
            }
            Ok(read) => read,
            Err(error) => return tap.abort(error),
        };
        let mut bytes = Bytes::copy_from_slice(buffer.get(..read).unwrap_or_default());
        match fault {
            Some(FaultKind::TruncateAbort { after }) if sent + bytes.len() as u64 >= after => {
                let rest = bytes.split_to(up_to(after - sent, bytes.len()));
                let _ = tap.send_data(rest).await;
                tokio::time::sleep(FLUSH).await;
                return tap.abort(io::ErrorKind::ConnectionAborted.into());
            }
            Some(FaultKind::TruncateEnd { after }) if sent + bytes.len() as u64 >= after => {
                let rest = bytes.split_to(up_to(after - sent, bytes.len()));
                let _ = tap.send_data(rest).await;
                return;
            }
            Some(FaultKind::StallAfter { after, seconds })
                if !stalled && sent + bytes.len() as u64 >= after =>
            {
                stalled = true;
                let before = bytes.split_to(up_to(after - sent, bytes.len()));
                sent += before.len() as u64;
                if tap.send_data(before).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
            Some(FaultKind::SlowDrip {
                every_milliseconds, ..
            }) => {
                tokio::time::sleep(Duration::from_millis(every_milliseconds)).await;
            }
            _ => {}
        }
        sent += bytes.len() as u64;
        if tap.send_data(bytes).await.is_err() {
            return;
        }
    }
}

/// A body that a task fills.
fn poured<F>(pour: impl FnOnce(Tap) -> F) -> Content
where
    F: Future<Output = ()> + Send + 'static,
{
    let (tap, body) = Channel::new(1);
    tokio::spawn(pour(tap));
    Content::Stream(body.boxed_unsync())
}

/// Bytes that no zip starts with, the same every time.
fn garbage(length: u64) -> Content {
    poured(move |mut tap: Tap| async move {
        let block: Bytes = (0..64 * 1024_u32)
            .map(|at| (at % 251) as u8)
            .collect::<Vec<u8>>()
            .into();
        let mut left = length;
        while left > 0 {
            let piece = block.slice(..up_to(left, block.len()));
            left -= piece.len() as u64;
            if tap.send_data(piece).await.is_err() {
                return;
            }
        }
    })
}

fn up_to(wanted: u64, most: usize) -> usize {
    usize::try_from(wanted).map_or(most, |wanted| wanted.min(most))
}

fn set_length(headers: &mut HeaderMap, length: u64) {
    headers.insert(CONTENT_LENGTH, length.into());
}

fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, "404: Not Found")
}

fn text(status: StatusCode, body: &str) -> Answer {
    Answer::whole(status, "text/plain; charset=utf-8", body.to_owned())
}
