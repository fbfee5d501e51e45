//! What there is to serve: the catalogue, the versions of one repository, and the archive of the newest of them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use landfall::catalogue::{Catalogue, Source};
use landfall::error::{Error, NotFound};
use landfall::github::Repository;
use landfall::github::classify::Meaning;
use landfall::github::limits::Purpose;
use landfall::github::refs::Tags;
use landfall::host::{HostError, Source as _};
use landfall::module::{ModuleAddress, ObjectId};
use landfall::version::Releases;

use super::Patient;
use super::app::{AGAIN, document};
use super::credential::Seen;
use super::report::{Report, foreign, parted};

/// Checks all three.
pub(super) async fn check(
    patient: &Patient<'_>,
    module: Option<&ModuleAddress>,
    seen: &mut Seen,
    report: &mut Report,
) {
    let Some(catalogue) = read_catalogue(patient, report).await else {
        report.skip(&["versions", "archive"], "catalogue");
        return;
    };
    let found = match module {
        Some(module) => look_for(patient, module, &catalogue, report).await,
        None => choose(patient, &catalogue, seen, report).await,
    };
    let Some((repository, newest)) = found else {
        report.skip(&["archive"], "versions");
        return;
    };
    let templates = patient.config.repository_names.iter();
    let owner = patient
        .config
        .allowed_owners
        .iter()
        .find(|it| it.as_str() == repository.owner);
    let address = module.cloned().or_else(|| {
        let owner = owner?;
        templates
            .filter_map(|it| it.read(owner, &repository.name))
            .next()
    });
    let is_archive = check_archive(patient, &repository, &newest.object, &newest.tag, report).await;
    if is_archive && let Some(version) = landfall::version::ModuleVersion::from_tag(&newest.version)
    {
        seen.version = Some((address, version));
    }
}

/// The newest version of a repository.
struct Newest {
    version: String,
    tag: String,
    object: ObjectId,
}

/// The catalogue in force; `None` where it is wrong.
async fn read_catalogue(patient: &Patient<'_>, report: &mut Report) -> Option<Catalogue> {
    const CHECK: &str = "catalogue";
    let config = &patient.config;
    let Some(place) = &config.catalogue_repository else {
        if config.catalogue != Catalogue::default() {
            report.ok(CHECK, "", "`modules` is right");
        }
        return Some(config.catalogue.clone());
    };
    let subject = format!("{place}/landfall.toml");
    let path = format!("/repos/{place}/contents/landfall.toml");
    let answer = match patient
        .github
        .inspect(place.owner.as_str(), &path, patient.deadline())
        .await
    {
        Ok(answer) => answer,
        Err(error) => {
            report.wrong(CHECK, &subject, &foreign(&error.to_string()), AGAIN);
            return None;
        }
    };
    match answer.meaning() {
        Meaning::Success => {}
        Meaning::NotFound => {
            report.wrong(
                CHECK,
                &subject,
                "it is not there, or may not be read",
                &format!("add `landfall.toml` to the default branch of {place}, and let the App or token read it; or correct `catalogue_repository`"),
            );
            return None;
        }
        _ => {
            let finding = format!("GitHub answers {}", answer.status.as_u16());
            report.wrong(CHECK, &subject, &finding, AGAIN);
            return None;
        }
    }
    let text = document(&answer).and_then(|file| {
        let content = file.get("content")?.as_str()?;
        let packed: String = content.split_whitespace().collect();
        String::from_utf8(BASE64_STANDARD.decode(packed).ok()?).ok()
    });
    let Some(text) = text else {
        report.wrong(
            CHECK,
            &subject,
            "it is no text, or has more than 1 MB",
            "write it as docs/publishing.md says",
        );
        return None;
    };
    match Catalogue::parse(&text).and_then(|it| it.served_by(&config.allowed_owners)) {
        Ok(catalogue) => {
            report.ok(CHECK, &subject, "it is right");
            Some(catalogue)
        }
        Err(problems) => {
            for problem in &problems {
                let (finding, mend) = parted(problem);
                let mend = if mend.is_empty() {
                    "correct the file; docs/publishing.md has all of it"
                } else {
                    mend
                };
                report.wrong(CHECK, &subject, &foreign(finding), mend);
            }
            None
        }
    }
}

/// The repository of a module, by the catalogue or by its name.
async fn look_for(
    patient: &Patient<'_>,
    module: &ModuleAddress,
    catalogue: &Catalogue,
    report: &mut Report,
) -> Option<(Repository, Newest)> {
    let config = &patient.config;
    let (owner, sources) = match catalogue.find(module) {
        Some(place) => (place.owner, vec![place.source]),
        None => {
            let names = config
                .repository_names
                .iter()
                .map(|it| it.repository(module));
            (
                module.namespace.clone(),
                names.map(|it| Source::whole(&it)).collect(),
            )
        }
    };
    let subject = module.to_string();
    let Some(owner) = config.owner(&owner) else {
        report.wrong(
            "versions",
            &subject,
            &format!("{owner} is not served"),
            &format!("add {owner} to `allowed_owners`, or name another module with --module"),
        );
        return None;
    };
    let mut names = Vec::new();
    for source in sources {
        let repository = Repository {
            owner: owner.to_string(),
            name: source.repository().to_owned(),
            id: None,
        };
        match tags(patient, &repository, source.prefix()).await {
            Err(Error::NotFound(NotFound::Repository)) => names.push(repository.to_string()),
            Err(error) => {
                report.wrong("versions", &subject, &foreign(&error.to_string()), AGAIN);
                return None;
            }
            Ok(listed) => {
                return newest(&repository, source.prefix(), listed, report)
                    .map(|it| (repository, it));
            }
        }
    }
    report.wrong(
        "versions",
        &subject,
        &format!("there is none of its repositories, or the credential does not see it: {}", names.join(", ")),
        "name the repository like that, select it in the App's installation, or add the module to the catalogue",
    );
    None
}

/// Some repository that has a version.
async fn choose(
    patient: &Patient<'_>,
    catalogue: &Catalogue,
    seen: &Seen,
    report: &mut Report,
) -> Option<(Repository, Newest)> {
    let mut candidates: Vec<_> = seen
        .repositories
        .iter()
        .filter(|it| !catalogue.has_repository(&it.owner, &it.name))
        .collect();
    candidates.sort_by_key(|it| !it.name.starts_with("terraform-"));
    let mut looked_at = Vec::new();
    for candidate in candidates.iter().take(MAX_CANDIDATES) {
        if patient.is_over() {
            break;
        }
        let repository = Repository {
            owner: candidate.owner.to_string(),
            name: candidate.name.clone(),
            id: None,
        };
        looked_at.push(repository.to_string());
        let Ok(listed) = tags(patient, &repository, "").await else {
            continue;
        };
        let has_version = !Releases::from_tags(listed.iter().cloned()).is_empty();
        let is_only_one = candidates.len() == 1;
        if has_version || is_only_one {
            return newest(&repository, "", listed, report).map(|it| (repository, it));
        }
    }
    if looked_at.is_empty() {
        report.cannot(
            "versions",
            "",
            "every repository is in the catalogue, which says for each module what its tags begin with",
            "name one with --module NAMESPACE/NAME/SYSTEM",
        );
    } else {
        report.warning(
            "versions",
            "",
            &format!(
                "none of these has a tag that is a version: {}",
                looked_at.join(", ")
            ),
            "tag one like v1.0.0, or name a module with --module NAMESPACE/NAME/SYSTEM",
        );
    }
    None
}

type Listed = Vec<(String, landfall::pins::Target)>;

async fn tags(
    patient: &Patient<'_>,
    repository: &Repository,
    prefix: &str,
) -> Result<Listed, Error> {
    let tags = patient
        .github
        .tags(repository, prefix, None, Purpose::First, patient.deadline());
    Ok(match tags.await? {
        Tags::Listed(listed) => listed.tags,
        Tags::Unchanged => Vec::new(),
    })
}

/// The newest version, if one of the tags is any.
fn newest(
    repository: &Repository,
    prefix: &str,
    tags: Listed,
    report: &mut Report,
) -> Option<Newest> {
    let names: Vec<String> = tags
        .iter()
        .take(MAX_NAMED)
        .map(|(name, _)| foreign(name))
        .collect();
    let count = tags.len();
    let releases = Releases::from_tags(tags);
    let subject = repository.to_string();
    let example = format!("git tag {prefix}v1.0.0 && git push origin {prefix}v1.0.0");
    let Some(release) = releases.iter().next() else {
        let finding = match (count, prefix) {
            (0, "") => "it has no tag, and a tag is a version".to_owned(),
            (0, prefix) => format!("it has no tag that begins with {}", foreign(prefix)),
            (count, _) => format!(
                "none of its {count} tags is a version ({}): those are like v1.2.3 or 1.2.3, with all three numbers",
                names.join(", ")
            ),
        };
        report.wrong("versions", &subject, &finding, &example);
        return None;
    };
    let listed = releases.listed().count();
    let newest = format!("{listed} versions, the newest is {}", release.version);
    report.ok(
        "versions",
        &subject,
        &if listed == 1 {
            format!("1 version: {}", release.version)
        } else {
            newest
        },
    );
    Some(Newest {
        version: release.version.to_string(),
        tag: release.tag.clone(),
        object: release.target.object().clone(),
    })
}

/// Whether the archive of a version comes, and is one.
async fn check_archive(
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
        Ok(mut source) => beginning(&mut source).await.map_err(Error::from),
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
                Error::Malformed(_) => parted(&text),
                _ => (text.as_str(), AGAIN),
            };
            report.wrong(CHECK, &subject, &foreign(finding), mend);
            return false;
        }
    };
    match top_folder(&bytes) {
        Some(folder) => {
            report.ok(
                CHECK,
                &subject,
                &format!("it is a zip with everything in {}", foreign(&folder)),
            );
            true
        }
        None => {
            let finding = if bytes.starts_with(b"PK") {
                "it is a zip without a top folder"
            } else {
                "what comes is no zip: a proxy in between may answer with a page of its own"
            };
            report.wrong(
                CHECK,
                &subject,
                finding,
                "let what is in between pass archives on as they are",
            );
            false
        }
    }
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
async fn beginning(source: &mut crate::native::Incoming) -> Result<Vec<u8>, HostError> {
    source.wait_at_most(super::SLOW);
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

const MAX_CANDIDATES: usize = 8;
const MAX_NAMED: usize = 5;
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
