//! The versions of one repository: the module's that is named, or of one that is chosen.

use landfall::catalogue::{Catalogue, Source};
use landfall::error::{Error, NotFound};
use landfall::github::Repository;
use landfall::github::limits::Purpose;
use landfall::github::refs::Tags;
use landfall::module::{ModuleAddress, ObjectId};
use landfall::version::{ModuleVersion, Releases};

use super::app::AGAIN;
use super::credential::Seen;
use super::report::{Report, foreign};
use super::{Patient, archive, catalogue};

/// Checks the catalogue, versions, and the archive of the newest.
pub(super) async fn check(
    patient: &Patient<'_>,
    module: Option<&ModuleAddress>,
    seen: &mut Seen,
    report: &mut Report,
) {
    let Some(catalogue) = catalogue::check(patient, report).await else {
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
    let mut templates = patient.config.repository_names.iter();
    let owner = patient
        .config
        .allowed_owners
        .iter()
        .find(|it| it.as_str() == repository.owner);
    let address = module.cloned().or_else(|| {
        let owner = owner?;
        templates.find_map(|it| it.read(owner, &repository.name))
    });
    let is_archive =
        archive::check(patient, &repository, &newest.object, &newest.tag, report).await;
    if is_archive && let Some(version) = ModuleVersion::from_tag(&newest.version) {
        seen.version = Some((address, version));
    }
}

/// The newest version of a repository.
struct Newest {
    version: String,
    tag: String,
    object: ObjectId,
}

/// The repository of a module, by the catalogue or by its name.
async fn look_for(
    patient: &Patient<'_>,
    module: &ModuleAddress,
    catalogue: &Catalogue,
    report: &mut Report,
) -> Option<(Repository, Newest)> {
    let config = &patient.config;
    let (owner, sources) = if let Some(place) = catalogue.find(module) {
        (place.owner, vec![place.source])
    } else {
        let names = config.repository_names.iter();
        let sources = names.map(|it| Source::whole(&it.repository(module)));
        (module.namespace.clone(), sources.collect())
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
    let version = if prefix.is_empty() { "v1.0.0" } else { "1.0.0" };
    let example = format!("git tag {prefix}{version} && git push origin {prefix}{version}");
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

const MAX_CANDIDATES: usize = 8;
const MAX_NAMED: usize = 5;
