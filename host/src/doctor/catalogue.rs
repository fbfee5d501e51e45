//! The catalogue: the variable `modules`, or a repository's file.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use landfall::catalogue::Catalogue;
use landfall::github::classify::Meaning;

use super::Patient;
use super::app::{AGAIN, document};
use super::report::{Report, foreign, parted};

/// The catalogue in force; `None` where it is wrong.
pub(super) async fn check(patient: &Patient<'_>, report: &mut Report) -> Option<Catalogue> {
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
