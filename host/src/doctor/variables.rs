//! The variables: their names, what is wrong with their values, and who may read their file.

use std::path::Path;
use std::rc::Rc;

use landfall::config::{Config, KEY_MEND};

use super::Doctor;
use super::report::{Report, SECRETS, parted};
use crate::native::Native;
use crate::{Outbound, Variables};

const CHECK: &str = "variables";

/// What GitHub is asked with and for.
const OF_GITHUB: [&str; 12] = [
    "allowed_owners",
    "base_url",
    "catalogue_repository",
    "github_api_url",
    "github_app_id",
    "github_archive_hosts",
    "github_installation_id",
    "github_private_key",
    "github_token",
    "modules",
    "repository_names",
    "webhook_secret",
];

/// The configuration, if it is one. What is wrong with the private key is not said here.
pub(super) fn check(doctor: &Doctor, report: &mut Report) -> Option<Rc<Config>> {
    let variables = &doctor.variables;
    check_names(variables, report);
    let config = match load(variables) {
        Ok(config) => Some(Rc::new(config)),
        Err(problems) => {
            for problem in &problems {
                report_problem(problem, report);
            }
            None
        }
    };
    check_secrets(variables, report);
    if let Some(config) = &config {
        check_contradictions(variables, config, report);
    }
    if let Some(file) = &doctor.variables_file {
        check_file(file, report);
    }
    if report.is_silent(CHECK) {
        let count = variables.iter().count();
        report.ok(CHECK, "", &format!("{count} are set"));
    }
    config
}

/// What the variables say of GitHub alone, if that is right.
pub(super) fn of_github(variables: &Variables) -> Option<Rc<Config>> {
    let variables = variables.only(&OF_GITHUB);
    let variables = variables.with([("anonymous_read", "true")]);
    load(&variables).ok().map(Rc::new)
}

/// As the component reads them. A way out is not needed for that.
fn load(variables: &Variables) -> Result<Config, Vec<String>> {
    let nowhere = Outbound::hook(|_| async { Err(crate::BodyError::HttpRequestDenied) });
    Config::load(&Native::new(variables, nowhere))
}

fn check_names(variables: &Variables, report: &mut Report) {
    for (name, meant) in variables.unknown() {
        match meant {
            Some(meant) => report.wrong(
                CHECK,
                name,
                "no variable is called that, so that it is as good as not set",
                &format!("write `{meant}`"),
            ),
            None => report.warning(
                CHECK,
                name,
                "no variable is called that",
                "take it out; docs/configuration.md has all names",
            ),
        }
    }
}

/// `NAME is wrong: do that`.
fn report_problem(problem: &str, report: &mut Report) {
    let (finding, mend) = parted(problem);
    let named = finding
        .strip_prefix('`')
        .and_then(|rest| rest.split_once("` "));
    match named {
        // A sentence about several variables.
        Some((name, _)) if name.contains('`') => report.wrong(CHECK, "", finding, mend),
        Some(("github_private_key", rest)) if KEY_MEND.starts_with(rest) => {}
        Some((name, rest)) => report.wrong(CHECK, name, rest, mend),
        None => report.wrong(CHECK, "", finding, mend),
    }
}

fn check_secrets(variables: &Variables, report: &mut Report) {
    for name in SECRETS {
        if variables
            .get(name)
            .is_some_and(|value| value.trim().is_empty())
        {
            report.warning(
                CHECK,
                name,
                "is set, and empty, which is as good as not set",
                "give it its value, or take it out",
            );
        }
    }
}

fn check_contradictions(variables: &Variables, config: &Config, report: &mut Report) {
    let is_set = |name: &&str| variables.get(name).is_some_and(|it| !it.trim().is_empty());
    if config.readers.workloads.is_none() {
        for name in ["oidc_audience", "oidc_issuers"]
            .iter()
            .filter(|it| is_set(it))
        {
            report.warning(
                CHECK,
                name,
                "has no effect without `oidc_rules`",
                "set `oidc_rules`, or take it out",
            );
        }
    }
    if config.readers.everyone {
        for name in ["tokens", "oidc_rules"].iter().filter(|it| is_set(it)) {
            report.warning(
                CHECK,
                name,
                "keeps nobody out: with `anonymous_read` everyone may read",
                "set `anonymous_read` to `false`, or take it out",
            );
        }
    }
}

#[cfg(unix)]
fn check_file(file: &Path, report: &mut Report) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = file.metadata() else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o777;
    // A group of its own may read it: a service gets the file that way.
    if mode & 0o027 != 0 {
        let shown = file.display();
        report.warning(
            CHECK,
            "",
            &format!(
                "others on this machine may read {shown}, or its group change it (mode {mode:o})"
            ),
            &format!("chmod g-w,o= {shown}"),
        );
    }
}

#[cfg(not(unix))]
fn check_file(_: &Path, _: &mut Report) {}
