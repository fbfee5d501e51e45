//! Each owner's installation of the App.

use landfall::config::Credential;
use landfall::github::classify::Meaning;
use landfall::module::Namespace;
use serde_json::Value;

use super::Patient;
use super::app::{AGAIN, App, Permissions, document};
use super::report::{Report, foreign};

const CHECK: &str = "installation";

/// The owners for which there is one that can be used.
pub(super) async fn check(patient: &Patient<'_>, app: &App, report: &mut Report) -> Vec<Namespace> {
    let mut usable = Vec::new();
    for owner in &patient.config.allowed_owners {
        if patient.is_over() {
            report.skip_for_time(&[CHECK]);
            break;
        }
        match find(patient, owner).await {
            Found::Installation(installation) => {
                if judge(patient, app, owner, &installation, report) {
                    usable.push(owner.clone());
                }
            }
            Found::Nothing => missing(patient, app, owner, report).await,
            Found::Failure(finding) => report.wrong(CHECK, owner.as_str(), &finding, AGAIN),
        }
    }
    usable
}

enum Found {
    Installation(Value),
    Nothing,
    Failure(String),
}

/// The configured one, or the owner's, who may be an organisation or a user.
async fn find(patient: &Patient<'_>, owner: &Namespace) -> Found {
    let paths = match configured(patient) {
        Some(id) => vec![format!("/app/installations/{id}")],
        None => vec![
            format!("/orgs/{owner}/installation"),
            format!("/users/{owner}/installation"),
        ],
    };
    for path in paths {
        let answer = match patient
            .github
            .inspect_as_app(&path, patient.deadline())
            .await
        {
            Ok(answer) => answer,
            Err(error) => return Found::Failure(foreign(&error.to_string())),
        };
        match (answer.meaning(), document(&answer)) {
            (Meaning::NotFound, _) => {}
            (Meaning::Success, Some(installation)) => return Found::Installation(installation),
            _ => {
                let said = answer.message().map(|it| format!(": {}", foreign(&it)));
                let status = answer.status.as_u16();
                return Found::Failure(format!(
                    "GitHub answers {status}{}",
                    said.unwrap_or_default()
                ));
            }
        }
    }
    Found::Nothing
}

/// Whether an installation can be used for an owner.
fn judge(
    patient: &Patient<'_>,
    app: &App,
    owner: &Namespace,
    installation: &Value,
    report: &mut Report,
) -> bool {
    let text = |value: Option<&Value>| foreign(value.and_then(Value::as_str).unwrap_or_default());
    let login = text(installation.pointer("/account/login"));
    let page = text(installation.get("html_url"));
    let is_owners = login.eq_ignore_ascii_case(owner.as_str());
    if !is_owners && let Some(id) = configured(patient) {
        report.wrong(
            CHECK,
            owner.as_str(),
            &format!("`github_installation_id` {id} is the installation of {login}"),
            "take `github_installation_id` out, and each owner's is found",
        );
        return false;
    }
    if !is_owners {
        report.wrong(
            CHECK,
            owner.as_str(),
            &format!("it is called {login} now"),
            &format!("write {login} in `allowed_owners`, and in modules' addresses"),
        );
        return false;
    }
    if installation
        .get("suspended_at")
        .is_some_and(|it| !it.is_null())
    {
        report.wrong(
            CHECK,
            owner.as_str(),
            "the App is suspended there",
            &format!("unsuspend it at {page}"),
        );
        return false;
    }
    let permissions = Permissions::of(installation);
    let missing = permissions.missing();
    if !missing.is_empty() {
        let is_asked = app.permissions.missing().is_empty();
        let mend = if is_asked {
            format!("accept the App's new permissions at {page}")
        } else {
            format!("give them to the App in its settings, and accept them at {page}")
        };
        let finding = format!("the App lacks {} there", missing.join(", "));
        report.wrong(CHECK, owner.as_str(), &finding, &mend);
        return false;
    }
    let open = permissions.lacking(&app.permissions);
    if !open.is_empty() {
        report.warning(
            CHECK,
            owner.as_str(),
            &format!(
                "permissions that the App asks for are not accepted there: {}",
                open.join(", ")
            ),
            &format!("accept them at {page}, or take them from the App"),
        );
        return true;
    }
    let selection = match installation
        .get("repository_selection")
        .and_then(Value::as_str)
    {
        Some("selected") => "selected repositories",
        _ => "all repositories",
    };
    report.ok(
        CHECK,
        owner.as_str(),
        &format!("the App is installed on {selection}"),
    );
    true
}

/// What to say of an owner without one.
async fn missing(patient: &Patient<'_>, app: &App, owner: &Namespace, report: &mut Report) {
    if let Some(id) = configured(patient) {
        report.wrong(
            CHECK,
            owner.as_str(),
            &format!("`github_installation_id` {id} is not an installation of this App"),
            "take `github_installation_id` out, and each owner's is found",
        );
        return;
    }
    let path = format!("/users/{owner}");
    let answer = patient.public.inspect("", &path, patient.deadline()).await;
    let exists = !answer.is_ok_and(|it| it.meaning() == Meaning::NotFound);
    let others = installed_on(patient).await;
    let similar = others
        .iter()
        .map(|login| {
            (
                strsim::jaro_winkler(&owner.as_str().to_lowercase(), &login.to_lowercase()),
                login,
            )
        })
        .filter(|(similarity, _)| *similarity > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let meant = similar.map(|(_, login)| login);
    match (exists, meant) {
        (false, Some(meant)) => report.wrong(
            CHECK,
            owner.as_str(),
            "no owner of this GitHub is called that",
            &format!("write {meant} in `allowed_owners`, on which the App is installed"),
        ),
        (false, None) => report.wrong(
            CHECK,
            owner.as_str(),
            "no owner of this GitHub is called that",
            "correct its name in `allowed_owners`, or take it out",
        ),
        (true, _) => report.wrong(
            CHECK,
            owner.as_str(),
            "the App is not installed",
            &format!(
                "install it at {}/installations/new, or take {owner} out of `allowed_owners`",
                app.page
            ),
        ),
    }
}

/// Where the App is installed, the first hundred of them.
async fn installed_on(patient: &Patient<'_>) -> Vec<String> {
    let path = "/app/installations?per_page=100";
    let answer = patient
        .github
        .inspect_as_app(path, patient.deadline())
        .await
        .ok();
    let list = answer.as_ref().and_then(document);
    let list = list
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    list.filter_map(|it| Some(foreign(it.pointer("/account/login")?.as_str()?)))
        .collect()
}

fn configured(patient: &Patient<'_>) -> Option<u64> {
    match &patient.config.credential {
        Credential::App { installation, .. } => *installation,
        Credential::Token(_) | Credential::Anonymous => None,
    }
}
