//! Whether an archive comes, and is one.

use landfall::error::Error;
use landfall::github::Repository;
use landfall::host::{HostError, Source as _};
use landfall::module::ObjectId;
use tokio::time::timeout;

use super::app::AGAIN;
use super::report::{Report, foreign, parted};
use super::{CALL, Patient, SLOW};
use crate::native::Incoming;

/// Asks for the archive of a version, and reads where it begins.
pub(super) async fn check(
    patient: &Patient<'_>,
    repository: &Repository,
    object: &ObjectId,
    tag: &str,
    report: &mut Report,
) -> bool {
    const CHECK: &str = "archive";
    let subject = format!("{repository} {}", foreign(tag));
    let said = patient.native.said().len();
    let archive = patient
        .github
        .archive(repository, object, patient.deadline())
        .await;
    let begun = match archive {
        // Pauses have a limit of their own; what comes byte by byte has none.
        Ok(mut source) => {
            let Ok(begun) = timeout(CALL, beginning(&mut source)).await else {
                let finding = format!("its beginning did not come within {} s", CALL.as_secs());
                report.wrong(CHECK, &subject, &finding, TOO_SLOW);
                return false;
            };
            begun.map_err(Error::from)
        }
        Err(error) => Err(error),
    };
    let bytes = match begun {
        Ok(bytes) => bytes,
        Err(error) => {
            let text = error.to_string();
            let lines = patient.native.said();
            let line = lines.get(said..).unwrap_or_default().trim_end();
            let (finding, mend) = match &error {
                Error::Archive(_) => (
                    text.as_str(),
                    "set `max_archive_bytes` higher, or make the repository smaller",
                ),
                Error::Unreachable(_) if line.contains("denied") => parted_denial(line),
                Error::Unreachable(_) => (
                    text.as_str(),
                    "let this machine reach the host that archives come from, too",
                ),
                Error::Malformed(_) => {
                    // The path before it has nothing but the commit to tell.
                    let told = text.find("it redirects").and_then(|at| text.get(at..));
                    parted(told.unwrap_or(&text))
                }
                _ => (text.as_str(), AGAIN),
            };
            report.wrong(CHECK, &subject, &foreign(finding), mend);
            return false;
        }
    };
    if let Some(folder) = top_folder(&bytes) {
        let finding = format!("it is a zip, in the folder {}", foreign(&folder));
        report.ok(CHECK, &subject, &finding);
        return true;
    }
    let finding = if bytes.starts_with(b"PK") {
        "it is a zip without a top folder"
    } else {
        "what comes is no zip: a proxy in between may answer with a page of its own"
    };
    let mend = "let what is in between pass archives on as they are";
    report.wrong(CHECK, &subject, finding, mend);
    false
}

/// `landfall: denied X: Y; if Z`.
fn parted_denial(line: &str) -> (&str, &'static str) {
    let finding = line.split(": it isn't").next().unwrap_or(line);
    (
        finding.strip_prefix("landfall: ").unwrap_or(finding),
        "add the host to `github_archive_hosts`, if it is where your GitHub's archives come from",
    )
}

/// The first bytes of an archive: a header and a name.
async fn beginning(source: &mut Incoming) -> Result<Vec<u8>, HostError> {
    source.wait_at_most(SLOW);
    let mut bytes = Vec::new();
    while bytes.len() < BEGINNING {
        let more = source.read(BEGINNING).await?;
        if more.is_empty() {
            break;
        }
        bytes.extend(more);
    }
    Ok(bytes)
}

/// The folder of a zip's first entry.
fn top_folder(bytes: &[u8]) -> Option<String> {
    let rest = bytes.strip_prefix(b"PK\x03\x04")?;
    let length = u16::from_le_bytes([*rest.get(22)?, *rest.get(23)?]);
    let name = rest.get(26..)?.get(..usize::from(length))?;
    let name = std::str::from_utf8(name).ok()?;
    let (folder, _) = name.split_once('/')?;
    (!folder.is_empty()).then(|| folder.to_owned())
}

const TOO_SLOW: &str = "look for what slows the way to the host that archives come from: a proxy that looks into them may";
/// More than a header and a name.
const BEGINNING: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_folder_is_that_of_the_first_entry() {
        let zip = |name: &[u8]| {
            let mut zip = b"PK\x03\x04".to_vec();
            zip.extend([0; 22]);
            zip.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            zip.extend([0; 2]);
            zip.extend(name);
            zip
        };
        for (bytes, folder) in [
            (zip(b"acme-vpc-0123456/"), Some("acme-vpc-0123456")),
            (zip(b"acme-vpc-0123456/main.tf"), Some("acme-vpc-0123456")),
            (zip(b"main.tf"), None),
            (zip(b"/main.tf"), None),
            (b"PK\x03\x04".to_vec(), None),
            (b"PK\x05\x06".to_vec(), None),
            (b"<html>".to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(top_folder(&bytes).as_deref(), folder, "{bytes:?}");
        }
    }
}
