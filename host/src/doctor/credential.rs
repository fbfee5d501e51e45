//! What the credential is good for: a token for each owner, which repositories it sees, and how much of GitHub's limit is left.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use landfall::config::Credential;
use landfall::error::Error;
use landfall::github::classify::Meaning;
use landfall::github::inspect::Inspected;
use landfall::host::Host as _;
use landfall::module::{ModuleAddress, Namespace};
use landfall::version::ModuleVersion;
use serde_json::Value;

use super::Patient;
use super::app::{AGAIN, document};
use super::report::{Report, foreign};

/// What was seen of GitHub.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) repositories: Vec<SeenRepository>,
    /// A version that can be installed, and what clients call its module, where that is known.
    pub(super) version: Option<(Option<ModuleAddress>, ModuleVersion)>,
    /// Whether some owner could be looked at.
    is_something: bool,
}

/// A repository that the credential sees.
#[derive(Clone, Debug)]
pub(super) struct SeenRepository {
    pub(super) owner: Namespace,
    pub(super) name: String,
    pub(super) is_private: bool,
}

impl Seen {
    pub(super) fn is_nothing(&self) -> bool {
        !self.is_something
    }
}

impl Patient<'_> {
    /// Whether `github_token` is good, or there is none and none is needed.
    pub(super) async fn check_token(&self, report: &mut Report) -> bool {
        if let Credential::Anonymous = self.config.credential {
            report.warning(
                "token",
                "",
                "neither `github_app_id` nor `github_token` is set: only public repositories are served, with 60 calls an hour",
                "set `github_app_id` and `github_private_key`",
            );
            return true;
        }
        // Free of charge.
        let answer = match self
            .github
            .inspect("", "/rate_limit", self.deadline())
            .await
        {
            Ok(answer) => answer,
            Err(error) => {
                report.wrong("token", "", &foreign(&error.to_string()), AGAIN);
                return false;
            }
        };
        let said = answer
            .message()
            .map(|it| format!(": {}", foreign(&it)))
            .unwrap_or_default();
        match answer.meaning() {
            // An Enterprise Server without limits has no such path.
            Meaning::Success | Meaning::NotFound => {
                self.judge_token(&answer.headers, report);
                true
            }
            Meaning::Unauthorized => {
                report.wrong(
                    "token",
                    "",
                    &format!("GitHub does not accept `github_token`: it has expired, was revoked, or is not a token of this GitHub{said}"),
                    "set `github_token` to one that is valid, or better, use a GitHub App",
                );
                false
            }
            _ => {
                let finding = format!("GitHub answers {}{said}", answer.status.as_u16());
                report.wrong("token", "", &finding, AGAIN);
                false
            }
        }
    }

    /// What headers tell of a personal token.
    fn judge_token(&self, headers: &HeaderMap, report: &mut Report) {
        let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
        let scopes = text("x-oauth-scopes")
            .unwrap_or_default()
            .split(',')
            .map(str::trim);
        let excess: Vec<String> = scopes
            .filter(|it| !it.is_empty() && !SCOPES.contains(it))
            .map(foreign)
            .collect();
        let ends = text("github-authentication-token-expiration").and_then(time);
        let left = ends.and_then(|ends| ends.duration_since(self.native.now()).ok());
        let mut is_silent = true;
        if !excess.is_empty() {
            is_silent = false;
            report.warning(
                "token",
                "",
                &format!(
                    "`github_token` may do more than Landfall needs: {}",
                    excess.join(", ")
                ),
                "use a fine-grained token with Contents: read, or a GitHub App",
            );
        }
        if let Some(left) = left.filter(|left| *left < SOON) {
            is_silent = false;
            report.warning(
                "token",
                "",
                &format!("`github_token` expires in {} days", left.as_secs() / DAY),
                "generate another one, or use a GitHub App, whose key does not expire",
            );
        }
        if is_silent {
            report.ok("token", "", "GitHub accepts `github_token`");
        }
    }

    /// Which repositories of an owner the credential sees. `false` where it is good for nothing there.
    pub(super) async fn look_around(
        &self,
        owner: &Namespace,
        seen: &mut Seen,
        report: &mut Report,
    ) -> bool {
        let paths = match self.config.credential {
            Credential::App { .. } => vec!["/installation/repositories?per_page=100".to_owned()],
            Credential::Token(_) | Credential::Anonymous => vec![
                format!("/orgs/{owner}/repos?per_page=100&sort=pushed"),
                format!("/users/{owner}/repos?per_page=100&sort=pushed"),
            ],
        };
        let mut last = None;
        for path in paths {
            match self
                .github
                .inspect(owner.as_str(), &path, self.deadline())
                .await
            {
                Ok(answer) if answer.meaning() == Meaning::NotFound => last = Some(answer),
                Ok(answer) if answer.meaning() == Meaning::Success => {
                    self.list(owner, &answer, seen, report);
                    return true;
                }
                Ok(answer) => {
                    refused(owner, &answer, report);
                    return false;
                }
                Err(error) => {
                    report.wrong(
                        "token",
                        owner.as_str(),
                        &refusal(&error),
                        token_mend(&error),
                    );
                    return false;
                }
            }
        }
        if last.is_some() {
            report.wrong(
                "token",
                owner.as_str(),
                "no owner of this GitHub is called that, or the token may not know of it",
                &format!("correct {owner} in `allowed_owners`, or take it out"),
            );
        }
        false
    }

    /// Takes note of a list of repositories.
    fn list(&self, owner: &Namespace, answer: &Inspected, seen: &mut Seen, report: &mut Report) {
        seen.is_something = true;
        let document = document(answer).unwrap_or_default();
        let list = document.get("repositories").unwrap_or(&document);
        let list: Vec<SeenRepository> = list
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| {
                Some(SeenRepository {
                    owner: owner.clone(),
                    name: it.get("name")?.as_str()?.to_owned(),
                    is_private: it.get("private")?.as_bool()?,
                })
            })
            .collect();
        let total = document.get("total_count").and_then(Value::as_u64);
        let total = total.unwrap_or(list.len() as u64);
        let count = match total {
            1 => "1 repository is".to_owned(),
            100 if document.is_array() => "100 repositories or more are".to_owned(),
            total => format!("{total} repositories are"),
        };
        if total == 0 {
            let mend = match self.config.credential {
                Credential::App { .. } => {
                    "select the repositories that are modules in the App's installation there"
                }
                Credential::Token(_) => "let the token read them, or use a GitHub App",
                Credential::Anonymous => {
                    "set `github_app_id` and `github_private_key` to serve private repositories"
                }
            };
            report.wrong("token", owner.as_str(), "it sees no repository", mend);
        } else {
            let how = match self.config.credential {
                Credential::App { .. } => "GitHub gives a token, and ",
                Credential::Token(_) | Credential::Anonymous => "",
            };
            report.ok("token", owner.as_str(), &format!("{how}{count} to be seen"));
        }
        seen.repositories.extend(list);
    }

    /// How much of the limit is left for what is asked about an owner.
    pub(super) async fn check_limit(&self, owner: &Namespace, report: &mut Report) {
        let answer = self
            .github
            .inspect(owner.as_str(), "/rate_limit", self.deadline())
            .await;
        let Ok(answer) = answer else {
            return report.cannot("rate limit", owner.as_str(), "GitHub does not tell it", "");
        };
        let document = document(&answer).filter(|_| answer.meaning() == Meaning::Success);
        let core = document
            .as_ref()
            .and_then(|it| it.pointer("/resources/core"));
        let number = |name: &str| core.and_then(|it| it.get(name)).and_then(Value::as_u64);
        let (Some(limit), Some(remaining)) = (number("limit"), number("remaining")) else {
            // So answers an Enterprise Server without limits.
            return report.ok("rate limit", owner.as_str(), "there is none");
        };
        let now = self
            .native
            .now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let minutes = number("reset")
            .unwrap_or(0)
            .saturating_sub(now.as_secs())
            .div_ceil(60);
        let left = format!("{remaining} of {limit} calls are left");
        if remaining.saturating_mul(100) < limit.saturating_mul(self.config.reserve_percent)
            || remaining == 0
        {
            report.warning(
                "rate limit",
                owner.as_str(),
                &format!("{left}, less than `github_reserve_percent` leaves to others: only what is known is served"),
                &format!("wait {minutes} minutes, and look for who else uses this credential"),
            );
        } else if remaining.saturating_mul(10) < limit {
            report.warning(
                "rate limit",
                owner.as_str(),
                &left,
                &format!(
                    "look for who else uses this credential; it begins anew in {minutes} minutes"
                ),
            );
        } else {
            report.ok("rate limit", owner.as_str(), &left);
        }
    }
}

/// What a refusal means, for the owner it is about.
fn refused(owner: &Namespace, answer: &Inspected, report: &mut Report) {
    let said = answer
        .message()
        .map(|it| format!(": {}", foreign(&it)))
        .unwrap_or_default();
    let needs_sso = answer.headers.contains_key("x-github-sso");
    let (finding, mend) = match answer.meaning() {
        Meaning::Forbidden if needs_sso => (
            format!("its organisation wants single sign-on for `github_token`{said}"),
            "authorise the token for the organisation with `Configure SSO` in the list of your tokens, or use a GitHub App",
        ),
        Meaning::Forbidden | Meaning::Unauthorized => (
            format!("GitHub refuses the credential there{said}"),
            "let it read contents and metadata there; an organisation may also allow no tokens of this kind, or no \
             address but some",
        ),
        Meaning::Limited(_) => (
            format!("GitHub's rate limit is reached{said}"),
            "wait until it begins anew, within the hour",
        ),
        _ => (
            format!("GitHub answers {}{said}", answer.status.as_u16()),
            AGAIN,
        ),
    };
    report.wrong("token", owner.as_str(), &finding, mend);
}

/// Why there is no token.
fn refusal(error: &Error) -> String {
    foreign(&error.to_string())
}

fn token_mend(error: &Error) -> &'static str {
    match error {
        Error::Rejected(_) => {
            "let the App have `Contents` and `Metadata`, read-only, let the owner accept that, and see that it is not suspended"
        }
        _ => AGAIN,
    }
}

/// `2026-12-01 00:00:00 UTC`, or with an offset, of which a day more or less does not matter here.
fn time(text: &str) -> Option<SystemTime> {
    let mut words = text.split(' ');
    let (day, time) = (words.next()?, words.next()?);
    humantime::parse_rfc3339(&format!("{day}T{time}Z")).ok()
}

/// What a classic token may have: there is no scope that only reads private repositories.
const SCOPES: [&str; 3] = ["repo", "public_repo", "read:org"];
pub(super) const DAY: u64 = 24 * 60 * 60;
/// Time enough to do something about it.
pub(super) const SOON: Duration = Duration::from_secs(14 * DAY);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_s_end_is_read_as_github_writes_it() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_hours(498_912);
        assert_eq!(time("2026-12-01 00:00:00 UTC"), Some(end));
        assert_eq!(time("2026-12-01 00:00:00 +0100"), Some(end));
        assert_eq!(time("never"), None);
    }
}
