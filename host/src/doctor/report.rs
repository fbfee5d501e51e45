//! What was found, as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::Variables;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and may cost something later.
    Warning,
    /// Something does not work.
    Wrong,
    /// Nothing is known: another check has to be right first.
    Skipped,
}

impl Outcome {
    /// As it is printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
            Self::Skipped => "skipped",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// Which of several: an owner, a repository, a variable.
    pub subject: Option<String>,
    /// How that went.
    pub outcome: Outcome,
    /// What was found.
    pub finding: String,
    /// What to do about it.
    pub mend: Option<String>,
}

/// Everything that was found, in the order in which it is to be mended. No secret is in it.
#[derive(Debug)]
pub struct Report {
    findings: Vec<Finding>,
    secrets: Vec<String>,
}

impl Report {
    /// An empty report that none of the secrets in `variables` gets into.
    pub(super) fn new(variables: &Variables) -> Self {
        let values = variables.iter();
        let secrets = values.filter(|(name, _)| SECRETS.contains(name));
        let lines = secrets.flat_map(|(_, value)| value.lines().chain([value]));
        let secrets = lines
            .map(str::trim)
            .filter(|it| it.len() >= SHORTEST_SECRET);
        Self {
            findings: Vec::new(),
            secrets: secrets.map(str::to_owned).collect(),
        }
    }

    /// All of it.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.findings.iter().all(|it| it.outcome != Outcome::Wrong)
    }

    /// One line for each finding, aligned.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for it in &self.findings {
            let subject = it.subject.as_ref().map(|it| format!("{it}: "));
            let mend = it.mend.as_ref().map(|it| format!("; {it}"));
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{:<8} {:<16} {}{}{}",
                it.outcome.as_str(),
                it.check,
                subject.unwrap_or_default(),
                it.finding,
                mend.unwrap_or_default()
            );
        }
        text
    }

    /// One document.
    #[must_use]
    pub fn json(&self) -> String {
        let finding = |it: &Finding| -> Value {
            json!({
                "check": it.check,
                "subject": it.subject,
                "outcome": it.outcome.as_str(),
                "finding": it.finding,
                "mend": it.mend,
            })
        };
        let checks: Vec<Value> = self.findings.iter().map(finding).collect();
        json!({ "ok": self.is_ok(), "checks": checks }).to_string()
    }

    pub(super) fn ok(&mut self, check: &'static str, subject: &str, finding: &str) {
        self.push(check, subject, Outcome::Ok, finding, "");
    }

    pub(super) fn warning(
        &mut self,
        check: &'static str,
        subject: &str,
        finding: &str,
        mend: &str,
    ) {
        self.push(check, subject, Outcome::Warning, finding, mend);
    }

    pub(super) fn wrong(&mut self, check: &'static str, subject: &str, finding: &str, mend: &str) {
        self.push(check, subject, Outcome::Wrong, finding, mend);
    }

    /// These have to wait until another check is right.
    pub(super) fn skip(&mut self, checks: &[&'static str], needed: &str) {
        for check in checks {
            let finding = format!("needs `{needed}` to be right");
            self.push(check, "", Outcome::Skipped, &finding, "");
        }
    }

    /// This could not be checked.
    pub(super) fn cannot(&mut self, check: &'static str, subject: &str, finding: &str, mend: &str) {
        self.push(check, subject, Outcome::Skipped, finding, mend);
    }

    /// These would take too long.
    pub(super) fn skip_for_time(&mut self, checks: &[&'static str]) {
        for check in checks {
            self.push(check, "", Outcome::Skipped, "no time was left", "");
        }
    }

    pub(super) fn has_wrong(&self, check: &str) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|it| it.check == check && it.outcome == Outcome::Wrong)
    }

    /// Of this check nothing was found yet.
    pub(super) fn is_silent(&self, check: &str) -> bool {
        self.findings.iter().all(|it| it.check != check)
    }

    fn push(
        &mut self,
        check: &'static str,
        subject: &str,
        outcome: Outcome,
        finding: &str,
        mend: &str,
    ) {
        let text = |text: &str| Some(self.safe(text)).filter(|it| !it.is_empty());
        self.findings.push(Finding {
            check,
            subject: text(subject),
            outcome,
            finding: self.safe(finding),
            mend: text(mend),
        });
    }

    /// One line without a secret.
    fn safe(&self, text: &str) -> String {
        let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
        for secret in &self.secrets {
            text = text.replace(secret, "[secret]");
        }
        text
    }
}

/// What others wrote, made fit for a line: of bounded length, without what could be a token.
pub(super) fn foreign(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect();
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "_-.+=~".contains(c);
    let mut clean = String::new();
    let mut word = String::new();
    for c in text.chars().map(Some).chain([None]) {
        if let Some(c) = c.filter(|c| is_of_token(*c)) {
            word.push(c);
            continue;
        }
        let is_word = word.len() < SHORTEST_TOKEN;
        clean.push_str(if is_word { &word } else { "[...]" });
        word.clear();
        clean.extend(c);
    }
    clean
}

/// What is wrong and what to do, of a sentence that says both.
pub(super) fn parted(sentence: &str) -> (&str, &str) {
    let mut colons = sentence.match_indices(": ");
    let part = colons.find_map(|(at, _)| {
        let (finding, mend) = sentence.split_at_checked(at)?;
        let mend = mend.strip_prefix(": ")?;
        let verb = mend.split(' ').next()?;
        VERBS.contains(&verb).then_some((finding, mend))
    });
    part.unwrap_or((sentence, ""))
}

/// The variables that are secrets, and those that hold some by mistake.
pub(super) const SECRETS: [&str; 5] = [
    "github_private_key",
    "github_token",
    "url_signing_key",
    "url_signing_key_previous",
    "webhook_secret",
];

/// What sentences of the component's begin a mend with.
const VERBS: [&str; 13] = [
    "add", "check", "correct", "install", "keep", "leave", "lists", "name", "run", "set", "take",
    "use", "write",
];

/// Shorter ones are words of every text.
const SHORTEST_SECRET: usize = 8;
const SHORTEST_TOKEN: usize = 32;
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_one_short_line_without_tokens() {
        let token = "ghs_1001_eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiJ4In0.c2lnbmF0dXJl";
        let text = format!("bad\r\n\u{1b}[31mtoken {token}, see https://docs.github.com/rest");
        assert_eq!(
            foreign(&text),
            "bad  [31mtoken [...], see https://docs.github.com/rest"
        );
        assert_eq!(foreign(&"ab ".repeat(200)).len(), 200);
        assert_eq!(foreign(&"\u{fc}".repeat(900)).chars().count(), 200);
    }

    #[test]
    fn no_secret_gets_into_a_report() {
        let variables = Variables::new([
            ("github_token", "ghp_0123456789"),
            (
                "github_private_key",
                "-----BEGIN X-----\nMIIEowIBAAKCAQEA\n",
            ),
            ("webhook_secret", "a"),
            ("allowed_owners", "acme-corporation"),
        ])
        .unwrap();
        let mut report = Report::new(&variables);
        report.wrong(
            "api",
            "acme-corporation",
            "said ghp_0123456789\nMIIEowIBAAKCAQEA",
            "mend ghp_0123456789",
        );
        assert_eq!(
            report.text(),
            "wrong    api              acme-corporation: said [secret][secret]; mend [secret]\n"
        );
        assert!(!report.json().contains("ghp_") && !report.is_ok());
    }

    #[test]
    fn a_sentence_is_parted_where_the_mend_begins() {
        for (sentence, parts) in [
            (
                "`a` is missing: set it to 1",
                ("`a` is missing", "set it to 1"),
            ),
            (
                "`a` has a wrong entry, number 1: it has no name",
                ("`a` has a wrong entry, number 1: it has no name", ""),
            ),
            (
                "`a` has a wrong entry, number 1: its `expires=` is no date: write e.g. `expires=2027-01-01`",
                (
                    "`a` has a wrong entry, number 1: its `expires=` is no date",
                    "write e.g. `expires=2027-01-01`",
                ),
            ),
            ("plain", ("plain", "")),
        ] {
            assert_eq!(parted(sentence), parts);
        }
    }
}
