//! Who may read, and until when.

use std::time::SystemTime;

use landfall::auth::check_issuer;
use landfall::config::Config;

use super::credential::{DAY, SOON, Seen};
use super::report::{Report, foreign};
use crate::native::Native;

const CHECK: &str = "readers";

/// That nobody may read is no configuration: variables say so.
pub(super) fn check(config: &Config, seen: Option<&Seen>, report: &mut Report) {
    let readers = &config.readers;
    let now = SystemTime::now();
    if readers.everyone {
        let repositories = seen.into_iter().flat_map(|it| &it.repositories);
        let private = repositories.filter(|it| it.is_private).count();
        if private == 0 {
            report.ok(CHECK, "", "everyone who can reach the registry");
        } else {
            let are = if private == 1 {
                "repository is"
            } else {
                "repositories are"
            };
            report.warning(
                CHECK,
                "",
                &format!("`anonymous_read` serves everyone who can reach the registry, and {private} {are} private"),
                "set `tokens` or `oidc_rules` in its place, if not everyone may see them",
            );
        }
        return;
    }
    for token in &readers.tokens {
        let name = foreign(&token.name);
        let mend = || {
            format!(
                "make another one with `landfall token new --name {name}`, and put its entry in the place of this one in `tokens`"
            )
        };
        match token.expires.map(|expires| expires.duration_since(now)) {
            Some(Err(_)) => report.warning(CHECK, &name, "this token has expired", &mend()),
            Some(Ok(left)) if left < SOON => {
                let finding = format!("this token expires in {} days", left.as_secs() / DAY);
                report.warning(CHECK, &name, &finding, &mend());
            }
            Some(Ok(_)) | None => {}
        }
    }
    let rules = readers.workloads.as_ref().map_or(0, |it| it.rules.len());
    let tokens = readers
        .tokens
        .iter()
        .filter(|it| !it.is_expired(now))
        .count();
    if tokens == 0 && rules == 0 {
        report.wrong(
            CHECK,
            "",
            "every token has expired, and so nobody may read",
            "set `tokens` to the second line that `landfall token new` prints",
        );
    } else {
        report.ok(
            CHECK,
            "",
            &format!(
                "{} and {}",
                counted(tokens, "token"),
                counted(rules, "rule of `oidc_rules`")
            ),
        );
    }
}

/// Whether the keys of each issuer of ID tokens can be had.
pub(super) async fn check_issuers(config: &Config, native: &Native<'_>, report: &mut Report) {
    let issuers = config.readers.workloads.iter().flat_map(|it| &it.issuers);
    for issuer in issuers.take(MAX_ISSUERS) {
        match check_issuer(native, issuer).await {
            Ok(()) => report.ok("issuers", issuer, "its keys can be had"),
            Err(error) => report.wrong(
                "issuers",
                issuer,
                &foreign(&error.to_string()),
                "correct `oidc_issuers`: each as its tokens name it in `iss`, to the letter; and let this machine reach it",
            ),
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    let (first, rest) = what.split_once(' ').unwrap_or((what, ""));
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {first}{plural} {rest}")
        .trim_end()
        .to_owned()
}

/// Each may take five seconds.
const MAX_ISSUERS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1, "token"), "1 token");
        assert_eq!(
            counted(2, "rule of `oidc_rules`"),
            "2 rules of `oidc_rules`"
        );
    }
}
