//! Archives: the API's redirect, and the second origin that the bytes come from
//! (<https://docs.github.com/en/rest/repos/contents#download-a-repository-archive-zip>).
//! The bytes are `git archive`'s, with the folder name and the comment of the archives that GitHub serves.

use std::io;
use std::process::Stdio;

use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, Method, StatusCode};
use ring::digest::{SHA256, digest};

use crate::answer::{Answer, Content};
use crate::etag::hex;
use crate::fault::{FaultKind, multiple_choices, redirect};
use crate::git;
use crate::log::Credential;
use crate::oversize;
use crate::refs;
use crate::repository::{Repository, Visibility};
use crate::route::decode;
use crate::stream::{garbage, pour, poured};
use crate::token::alphanumeric;
use crate::world::GitHub;

/// What one redirect opened, for some minutes.
pub(crate) struct ArchiveToken {
    /// The only path it opens, decoded.
    path: String,
    expires_at: i64,
}

/// The two kinds of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Zip,
    Tarball,
}

/// `GET …/zipball/{ref}` and `…/tarball/{ref}`: 302 to the second origin, whether or not the ref exists. A private repository's
/// address holds a token.
pub(crate) fn redirected(
    github: &GitHub,
    repository: &Repository,
    format: Format,
    reference: &str,
) -> Answer {
    let reference = if reference.is_empty() {
        "HEAD"
    } else {
        reference
    };
    let path = format!(
        "/{}/{}/legacy.{}/{reference}",
        repository.owner,
        repository.name,
        format.extension()
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
    let Some((owner, name, format, reference)) = parse(&path) else {
        return not_found();
    };
    let Some(repository) = opened(github, &path, owner, name, request.uri.query()) else {
        return not_found();
    };
    match resolve(&repository, reference).await {
        Ok(Commit::Found(sha)) => deliver(&repository, format, &sha, fault).await,
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

impl Format {
    /// As in file names, and for `git archive`.
    fn extension(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tarball => "tar.gz",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Zip => "application/zip",
            Self::Tarball => "application/x-gzip",
        }
    }
}

/// `/{owner}/{name}/legacy.zip/{ref}`, or `legacy.tar.gz`.
fn parse(path: &str) -> Option<(&str, &str, Format, &str)> {
    let mut segments = path.strip_prefix('/')?.splitn(4, '/');
    let (owner, name) = (segments.next()?, segments.next()?);
    let format = match segments.next()? {
        "legacy.zip" => Format::Zip,
        "legacy.tar.gz" => Format::Tarball,
        _ => return None,
    };
    Some((owner, name, format, segments.next()?))
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
    let commit = refs::commit(repository, object).await;
    commit.map_or(Commit::Missing, Commit::Found)
}

fn is_short_sha(text: &str) -> bool {
    (7..40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The archive of a commit, whole or spoiled.
async fn deliver(
    repository: &Repository,
    format: Format,
    sha: &str,
    fault: Option<&FaultKind>,
) -> Answer {
    let short = sha.get(..7).unwrap_or(sha);
    let folder = format!("{}-{}-{short}", repository.owner, repository.name);
    let file = format!("{folder}.{}", format.extension());
    let mut answer = Answer::empty(StatusCode::OK)
        .header(CONTENT_TYPE, format.content_type())
        .header(CONTENT_DISPOSITION, &format!("attachment; filename={file}"))
        .header(ETAG, &etag(&file))
        .header(VARY, "Authorization,Accept-Encoding,Origin");
    let content = match fault {
        Some(fault) if fault.needs_whole() => {
            let whole = git_archive(repository, format, sha, &folder).output().await;
            whole.map(|output| Content::Whole(output.stdout.into()))
        }
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
            piped(git_archive(repository, format, sha, &folder), fault)
        }
        _ => piped(git_archive(repository, format, sha, &folder), fault),
    };
    match content {
        Ok(content) => Answer { content, ..answer },
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

/// 64 hexadecimal digits that say nothing.
fn etag(file: &str) -> String {
    format!("W/\"{}\"", hex(digest(&SHA256, file.as_bytes()).as_ref()))
}

fn git_archive(
    repository: &Repository,
    format: Format,
    sha: &str,
    folder: &str,
) -> tokio::process::Command {
    let mut command = git::command(&repository.git_dir);
    command.args([
        "archive",
        &format!("--format={}", format.extension()),
        &format!("--prefix={folder}/"),
        sha,
    ]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut command = tokio::process::Command::from(command);
    // A reader who leaves takes the process along.
    command.kill_on_drop(true);
    command
}

/// The output of a process as a body.
fn piped(mut command: tokio::process::Command, fault: Option<&FaultKind>) -> io::Result<Content> {
    let mut child = command.spawn()?;
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("git has no output"))?;
    let fault = fault.cloned();
    Ok(poured(|tap| async move {
        pour(stdout, tap, fault).await;
        // Reaps the process; a fault may have left it in the middle of its output.
        let _ = child.start_kill();
        let _ = child.wait().await;
    }))
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
