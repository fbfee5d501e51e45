//! What is wrong with a configuration, and the mend: `landfall doctor`.
//!
//! GitHub is asked by the component's own code (`native.rs`), so that what is found here is what the component would find. The checks
//! come in the order in which a person mends what they find; one that needs another is skipped where that one failed.
//!
//! | file | checks |
//! |---|---|
//! | `variables.rs` | names, values and the file of the variables |
//! | `private_key.rs` | the App's key |
//! | `connection.rs` | a name, a port, a certificate |
//! | `api.rs` | GitHub's API, and the clock by its |
//! | `app.rs` | the App and its webhook |
//! | `installation.rs` | each owner's installation |
//! | `credential.rs` | tokens, what they see, and limits |
//! | `catalogue.rs`, `repository.rs`, `archive.rs` | the catalogue, a repository's versions, an archive |
//! | `key_value.rs` | the data directory |
//! | `readers.rs` | who may read |
//! | `public_address.rs` | the registry as a client sees it |
//! | `report.rs` | [`Report`] and [`Finding`] |

mod api;
mod app;
mod archive;
mod catalogue;
mod connection;
mod credential;
mod installation;
mod key_value;
mod private_key;
mod public_address;
mod readers;
mod report;
mod repository;
mod variables;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use landfall::config::{Config, Credential};
use landfall::github::GitHub;
use landfall::github::inspect::Deadline;
use landfall::host::Host as _;
use landfall::module::ModuleAddress;
use tokio::time::timeout_at;

use self::app::App;
use self::credential::Seen;
pub use self::report::{Finding, Outcome, Report};
use crate::native::Native;
use crate::{Outbound, Variables};

/// What is to be examined.
#[derive(Debug)]
pub struct Doctor {
    /// The variables, as `landfall serve` collects them.
    pub variables: Variables,
    /// Their file, if there is one.
    pub variables_file: Option<PathBuf>,
    /// The directory of the key-value file.
    pub data: PathBuf,
    /// The module whose versions are looked for; otherwise a repository is chosen.
    pub module: Option<ModuleAddress>,
    /// Where clients reach the registry, where that is not `base_url`.
    pub url: Option<String>,
}

/// What checks of GitHub need.
struct Patient<'a> {
    config: Rc<Config>,
    native: &'a Native<'a>,
    /// Asked as the variables say.
    github: GitHub<'a, Native<'a>>,
    /// Asked without any credential.
    public: GitHub<'a, Native<'a>>,
    /// When all checks have to be done.
    until: Instant,
}

impl Doctor {
    /// Runs all checks, within a minute.
    pub async fn examine(&self) -> Report {
        let began = Instant::now();
        let end = (began + ALL).into();
        let mut report = Report::new(&self.variables);
        let config = variables::check(self, &mut report);
        let has_key = private_key::check(&self.variables, &mut report);
        let config = config.filter(|_| has_key);

        let until = began + FOR_GITHUB;
        // What is wrong with who may read keeps nobody from finding out what is wrong with the App.
        let known = config.clone();
        let known = known.or_else(|| variables::of_github(&self.variables).filter(|_| has_key));
        let known = known.as_ref();
        // Each call ends with `until`; a body that comes byte by byte does not.
        let examined = self.examine_github(known, until, &mut report);
        let seen = if let Ok(seen) = timeout_at((until + SLOW).into(), examined).await {
            seen
        } else {
            skip_what_was_not_reached(known, &mut report);
            None
        };

        key_value::check(&self.data, &mut report);
        if let Some(config) = &config {
            readers::check(config, seen.as_ref(), &mut report);
            let issuers = self.examine_issuers(config, &mut report);
            if timeout_at(end, issuers).await.is_err() {
                report.skip_for_time(&["issuers"]);
            }
        } else {
            let needed = needed_by_all(&report);
            report.skip(&["readers", "issuers"], needed);
        }
        let base = self.variables.get("base_url").map(str::trim);
        let url = self.url.as_deref().or(base.filter(|it| !it.is_empty()));
        let address = public_address::check(url, config.as_deref(), seen.as_ref(), &mut report);
        if timeout_at(end, address).await.is_err() {
            report.skip_for_time(&["public address"]);
        }
        report
    }

    async fn examine_issuers(&self, config: &Config, report: &mut Report) {
        if let Ok(outbound) = Outbound::network(&self.variables) {
            let native = Native::new(&self.variables, outbound);
            readers::check_issuers(config, &native, report).await;
        }
    }

    /// What the credential sees, if GitHub takes it.
    async fn examine_github(
        &self,
        config: Option<&Rc<Config>>,
        until: Instant,
        report: &mut Report,
    ) -> Option<Seen> {
        let public = self
            .variables
            .only(&["github_api_url", "github_archive_hosts"]);
        let outbound = match Outbound::network(&public) {
            Ok(outbound) => outbound,
            Err(error) => {
                report.wrong("api", "", &error.to_string(), "");
                report.skip(&["clock"], "api");
                report.skip(&AFTER_API, "api");
                return None;
            }
        };
        let native = Native::new(&public, outbound.clone());
        // What a configuration needs beside where GitHub is, so that GitHub can be looked for with any that is wrong.
        let whole = public.with([("allowed_owners", "github"), ("anonymous_read", "true")]);
        let Ok(basis) = Config::load(&Native::new(&whole, outbound.clone())) else {
            report.skip(&["connection", "api", "clock"], "variables");
            report.skip(&AFTER_API, "variables");
            return None;
        };
        let basis = Rc::new(basis);
        let anonymous = GitHub::new(&native, Rc::clone(&basis), None);
        let rules = self.variables.get("oidc_rules").unwrap_or_default();
        let takes_id_tokens = !rules.trim().is_empty();
        if !api::check(&basis, &anonymous, &native, takes_id_tokens, until, report).await {
            report.skip(&["clock"], "api");
            report.skip(&AFTER_API, "api");
            return None;
        }
        let Some(config) = config else {
            let needed = needed_by_all(report);
            report.skip(&AFTER_API, needed);
            return None;
        };
        let native = Native::new(&self.variables, outbound);
        let patient = Patient {
            config: Rc::clone(config),
            native: &native,
            github: GitHub::new(&native, Rc::clone(config), None),
            public: GitHub::new(&native, basis, None),
            until,
        };
        let seen = patient.examine(self, report).await;
        patient.check_response_time(report);
        seen
    }
}

impl Patient<'_> {
    async fn examine(&self, doctor: &Doctor, report: &mut Report) -> Option<Seen> {
        let owners = match &self.config.credential {
            Credential::App { .. } => {
                let Some(app) = App::check(self, report).await else {
                    report.skip(&["webhook", "installation"], "app");
                    report.skip(&["token"], "app");
                    report.skip(&AFTER_TOKEN, "app");
                    return None;
                };
                let url = doctor.url.as_deref();
                let url = url.filter(|it| !public_address::has_credentials(it));
                app.check_hook(self, url, report).await;
                installation::check(self, &app, report).await
            }
            Credential::Token(_) | Credential::Anonymous => {
                if !self.check_token(report).await {
                    report.skip(&AFTER_TOKEN, "token");
                    return None;
                }
                self.config.allowed_owners.clone()
            }
        };
        if owners.is_empty() {
            report.skip(&["token"], "installation");
            report.skip(&AFTER_TOKEN, "installation");
            return None;
        }
        let mut seen = Seen::default();
        for owner in &owners {
            if self.is_over() {
                report.skip_for_time(&["token", "rate limit"]);
                break;
            }
            if self.look_around(owner, &mut seen, report).await {
                self.check_limit(owner, report).await;
            }
        }
        if seen.is_nothing() {
            report.skip(&["catalogue", "versions", "archive"], "token");
            return Some(seen);
        }
        if self.is_over() {
            report.skip_for_time(&["catalogue", "versions", "archive"]);
            return Some(seen);
        }
        repository::check(self, doctor.module.as_ref(), &mut seen, report).await;
        Some(seen)
    }

    /// Terraform gives an answer ten seconds, of which this is one part.
    fn check_response_time(&self, report: &mut Report) {
        match self.native.slowest() {
            Some((host, took)) if took > SLOW => report.warning(
                "response time",
                &host,
                &format!("took {:.1} s to begin an answer", took.as_secs_f32()),
                "look for what slows the way there: Terraform waits 10 s for an answer that needs several of GitHub's",
            ),
            Some((_, took)) => {
                let took = took.as_millis();
                report.ok("response time", "", &format!("at most {took} ms"));
            }
            None => {}
        }
    }

    /// Until when a call has to be answered.
    fn deadline(&self) -> Deadline {
        let left = self.until.saturating_duration_since(Instant::now());
        Deadline::after(self.native.now(), left.min(CALL))
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}

/// What GitHub's checks had no time for.
fn skip_what_was_not_reached(config: Option<&Rc<Config>>, report: &mut Report) {
    let is_app = |it: &Rc<Config>| matches!(it.credential, Credential::App { .. });
    let has_app = config.is_none_or(is_app);
    let all = ["connection", "api", "clock"].into_iter().chain(AFTER_API);
    let left: Vec<_> = all
        .filter(|it| has_app || !["app", "installation"].contains(it))
        .filter(|it| report.is_silent(it))
        .collect();
    report.skip_for_time(&left);
}

/// What needs the API.
const AFTER_API: [&str; 7] = [
    "app",
    "installation",
    "token",
    "rate limit",
    "catalogue",
    "versions",
    "archive",
];
/// What needs a token.
const AFTER_TOKEN: [&str; 4] = ["rate limit", "catalogue", "versions", "archive"];

/// What stands against everything that needs a configuration.
fn needed_by_all(report: &Report) -> &'static str {
    if report.has_wrong("private key") {
        "private key"
    } else {
        "variables"
    }
}

/// For all checks of GitHub, each of which may take its time to the end.
const FOR_GITHUB: Duration = Duration::from_secs(40);
/// For all checks together.
const ALL: Duration = Duration::from_mins(1);
/// For one call.
const CALL: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_had_no_time_is_skipped_and_what_was_found_stays() {
        let mut report = Report::new(&Variables::default());
        for check in ["connection", "api", "clock", "token", "rate limit"] {
            report.ok(check, "", "is good");
        }
        let variables = Variables::new([
            ("allowed_owners", "acme"),
            ("anonymous_read", "true"),
            ("github_token", "ghp_0123456789abcdef"),
        ]);
        let config = variables::of_github(&variables.unwrap()).unwrap();
        skip_what_was_not_reached(Some(&config), &mut report);
        let skipped: Vec<_> = report.findings().iter().skip(5).collect();
        let checks: Vec<_> = skipped.iter().map(|it| it.check).collect();
        // A token has no App.
        assert_eq!(checks, ["catalogue", "versions", "archive"]);
        assert!(skipped.iter().all(|it| it.outcome == Outcome::Skipped));
        assert!(skipped.iter().all(|it| it.finding == "no time was left"));
    }
}
