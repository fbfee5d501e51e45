//! Whether GitHub's API is where `github_api_url` says, and what its clock says about this machine's.

use std::time::{Instant, SystemTime};

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use landfall::config::Config;
use landfall::github::GitHub;
use landfall::github::inspect::{Deadline, Inspected};
use landfall::host::Host as _;

use super::CALL;
use super::connection::{Place, Whose};
use super::report::{Report, foreign};
use crate::native::Native;

/// Whether it is there.
pub(super) async fn check(
    basis: &Config,
    github: &GitHub<'_, Native<'_>>,
    native: &Native<'_>,
    takes_id_tokens: bool,
    until: Instant,
    report: &mut Report,
) -> bool {
    let base = basis.github.api_base();
    let Some(place) = Place::of_url(base) else {
        return false;
    };
    match place.connect().await {
        Ok(how) => report.ok("connection", &place.name(), &how),
        Err(fault) => {
            let mend = fault.mend(&place, Whose::GitHubs);
            report.wrong("connection", &place.name(), &fault.finding(), &mend);
            report.skip(&["api"], "connection");
            return false;
        }
    }
    let left = until.saturating_duration_since(Instant::now());
    let deadline = Deadline::after(native.now(), left.min(CALL));
    // Free of charge, and answered to everyone.
    let answer = match github.inspect("", "/rate_limit", deadline).await {
        Ok(answer) => answer,
        Err(error) => {
            report.wrong("api", base, &foreign(&error.to_string()), URL_MEND);
            return false;
        }
    };
    if answer.status.is_server_error() {
        let status = answer.status.as_u16();
        let finding = format!("GitHub, or what is in front of it, answers {status}");
        report.wrong(
            "api",
            base,
            &finding,
            "try again later; https://www.githubstatus.com says how GitHub is",
        );
        return false;
    }
    if !is_github(&answer.headers) || answer.body.trim_ascii_start().starts_with(b"<") {
        report.wrong("api", base, &stranger(&answer), URL_MEND);
        return false;
    }
    let version = answer.headers.get("x-github-enterprise-version");
    let version = version.and_then(|it| it.to_str().ok()).map(foreign);
    let version = version.map_or_else(String::new, |it| format!(", Enterprise Server {it}"));
    report.ok("api", "", &format!("{base} is GitHub's API{version}"));
    match answer.date() {
        Some(date) => check_clock(date, native.now(), takes_id_tokens, report),
        None => report.cannot("clock", "", "GitHub's answer has no `Date`", ""),
    }
    true
}

/// GitHub sets these whatever it answers, and no proxy's page has them.
fn is_github(headers: &HeaderMap) -> bool {
    let mut names = ["x-github-request-id", "x-github-media-type"].iter();
    names.any(|name| headers.contains_key(*name))
}

fn stranger(answer: &Inspected) -> String {
    let kind = answer
        .headers
        .get(CONTENT_TYPE)
        .and_then(|it| it.to_str().ok());
    let kind = foreign(kind.unwrap_or("no content type"));
    format!(
        "what answers is not GitHub's API (status {}, {kind})",
        answer.status.as_u16()
    )
}

/// A JWT that is refused for its time is signed anew by GitHub's clock; everything else goes by this machine's.
fn check_clock(date: SystemTime, now: SystemTime, takes_id_tokens: bool, report: &mut Report) {
    let (skew, is_ahead) = match now.duration_since(date) {
        Ok(skew) => (skew.as_secs(), true),
        Err(error) => (error.duration().as_secs(), false),
    };
    if skew <= TOLERATED {
        report.ok("clock", "", &format!("within {TOLERATED} s of GitHub's"));
        return;
    }
    let side = if is_ahead { "ahead of" } else { "behind" };
    let is_jwt_refused = skew > if is_ahead { JWT_AHEAD } else { JWT_BEHIND };
    let are_id_tokens_refused =
        takes_id_tokens && skew > if is_ahead { ID_AHEAD } else { ID_BEHIND };
    let mut finding = format!("{skew} s {side} GitHub's: `expires=` of tokens counts by it");
    if is_jwt_refused {
        finding += ", each installation token costs a call more";
    }
    if are_id_tokens_refused {
        finding += ", and ID tokens are refused";
    }
    if are_id_tokens_refused || skew > WORST {
        report.wrong("clock", "", &finding, CLOCK_MEND);
    } else {
        report.warning("clock", "", &finding, CLOCK_MEND);
    }
}

const URL_MEND: &str = "correct `github_api_url`: https://api.github.com, https://HOST/api/v3 of a GitHub Enterprise Server, or \
                        https://api.SUB.ghe.com; or let what is in between pass GitHub's answers on";
const CLOCK_MEND: &str = "let NTP set this machine's clock";
/// As much as the component lets pass, in seconds.
const TOLERATED: u64 = 30;
/// A JWT says that it was made a minute ago, and is good for eight.
const JWT_AHEAD: u64 = 60;
const JWT_BEHIND: u64 = 480;
/// An ID token of GitHub's is good for five minutes, and a minute more or less is let pass at both ends.
const ID_AHEAD: u64 = 360;
const ID_BEHIND: u64 = 60;
/// More than this is no clock to go by.
const WORST: u64 = 300;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_follows_from_a_wrong_clock_is_said() {
        let date = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        for (skew, takes_id_tokens, line) in [
            (
                30,
                true,
                "ok       clock            within 30 s of GitHub's",
            ),
            (
                -30,
                true,
                "ok       clock            within 30 s of GitHub's",
            ),
            (
                31,
                true,
                "warning  clock            31 s ahead of GitHub's: `expires=` of tokens counts by it; let NTP set this machine's clock",
            ),
            (
                61,
                true,
                "warning  clock            61 s ahead of GitHub's: `expires=` of tokens counts by it, each installation token costs a \
                 call more; let NTP set this machine's clock",
            ),
            (
                361,
                true,
                "wrong    clock            361 s ahead of GitHub's: `expires=` of tokens counts by it, each installation token costs \
                 a call more, and ID tokens are refused; let NTP set this machine's clock",
            ),
            (
                -61,
                false,
                "warning  clock            61 s behind GitHub's: `expires=` of tokens counts by it; let NTP set this machine's clock",
            ),
            (
                -61,
                true,
                "wrong    clock            61 s behind GitHub's: `expires=` of tokens counts by it, and ID tokens are refused; let \
                 NTP set this machine's clock",
            ),
            (
                -481,
                false,
                "wrong    clock            481 s behind GitHub's: `expires=` of tokens counts by it, each installation token costs a \
                 call more; let NTP set this machine's clock",
            ),
        ] {
            let by = Duration::from_secs(u64::try_from(i64::abs(skew)).unwrap());
            let now = if skew < 0 { date - by } else { date + by };
            let mut report = Report::new(&crate::Variables::default());
            check_clock(date, now, takes_id_tokens, &mut report);
            assert_eq!(report.text().trim_end(), line);
        }
    }
}
