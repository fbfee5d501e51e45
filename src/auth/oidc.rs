//! Who a job of GitHub Actions, or of another issuer of ID tokens, is, and which of `oidc_rules` let it read.
//!
//! - <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>
//! - <https://docs.github.com/en/actions/reference/security/oidc>

use sha2::{Digest as _, Sha256};

use super::claims::Claims;
use super::entries::entries;
use super::scope::Scope;
use super::tokens::CONTRADICTION;

/// Who may sign in with an ID token, and what for.
#[derive(Clone, Debug)]
pub struct Workloads {
    /// `oidc_issuers`: each as its tokens name it, to the letter.
    pub issuers: Vec<String>,
    /// `oidc_audience`: whom a token must be for.
    pub audience: String,
    /// `oidc_rules`.
    pub rules: Vec<Rule>,
}

/// One entry of `oidc_rules`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    conditions: Vec<(&'static str, Wanted)>,
    /// What a token that the rule holds for may read.
    pub scope: Scope,
    /// Tells rules apart, and one from what it was before it, the issuers or the audience were changed.
    pub fingerprint: u64,
}

/// What a claim has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Exactly(String),
    StartsWith(String),
}

impl Rule {
    /// Reads `oidc_rules`: entries of `claim=value [claim=value ...] -> [owners=...] [modules=...]`.
    ///
    /// # Errors
    /// One sentence for each entry that is wrong, with its number.
    pub fn parse(text: &str, issuers: &[String], audience: &str) -> Result<Vec<Self>, Vec<String>> {
        let entries = entries(text).map_err(|number| {
            vec![format!(
                "has a rule, number {number}, with a quote that does not end"
            )]
        })?;
        let mut problems = Vec::new();
        if entries.len() > MAX_RULES {
            problems.push(format!("has more than {MAX_RULES} rules"));
        }
        let mut rules = Vec::new();
        for (index, words) in entries.iter().take(MAX_RULES).enumerate() {
            match Self::of_words(words, issuers, audience) {
                Ok(rule) => rules.push(rule),
                Err(problem) => {
                    problems.push(format!("has a wrong rule, number {}: {problem}", index + 1));
                }
            }
        }
        if problems.is_empty() {
            Ok(rules)
        } else {
            Err(problems)
        }
    }

    fn of_words(
        words: &[String],
        issuers: &[String],
        audience: &str,
    ) -> Result<Self, &'static str> {
        let arrow = words.iter().position(|word| word == "->").ok_or(FORM)?;
        let (conditions, scopes) = words.split_at(arrow);
        let mut scope = Scope::default();
        for word in scopes.iter().skip(1) {
            scope.take(word).ok_or(FORM)??;
        }
        if scope.is_everything() {
            return Err("it lets nothing be read: write `owners=...` or `modules=...` behind `->`");
        }
        if scope.contradicts_itself() {
            return Err(CONTRADICTION);
        }
        let conditions = conditions
            .iter()
            .map(|word| condition(word))
            .collect::<Result<Vec<_>, _>>()?;
        let is_twice = |(at, (name, _)): (usize, &(&str, Wanted))| {
            conditions.iter().take(at).any(|(before, _)| before == name)
        };
        if conditions.iter().enumerate().any(is_twice) {
            return Err("a claim comes twice, and it cannot be both: write two rules");
        }
        let is_other = |(name, wanted): &(&str, Wanted)| {
            *name == "iss" && !issuers.iter().any(|issuer| wanted.allows(issuer))
        };
        if conditions.iter().any(is_other) {
            return Err("its `iss` is not in `oidc_issuers`");
        }
        if conditions.is_empty() {
            return Err("it would let everyone in: write `claim=value` before `->`");
        }
        let names_issuer = conditions.iter().any(|(name, _)| *name == "iss");
        if issuers.len() > 1 && !names_issuer {
            return Err(
                "with several `oidc_issuers` it has to name its `iss`: ids and names of one are not those of another",
            );
        }
        // Whatever a token was let in by is in it.
        let sum = Sha256::digest(format!(
            "{}\n\n{audience}\n\n{}",
            issuers.join("\n"),
            words.join("\n")
        ));
        let rule = Self {
            conditions,
            scope,
            fingerprint: sum
                .first_chunk()
                .map_or(0, |bytes| u64::from_le_bytes(*bytes)),
        };
        if rule.lets_anyone_in(issuers) {
            return Err(
                "it would let every repository on GitHub in: name the `repository_owner_id`, `repository_id` or `repository` \
                 that it is for; a workflow can be called by anyone",
            );
        }
        Ok(rule)
    }

    /// Whether it holds for jobs of anyone's: everyone on GitHub gets tokens of its issuer, for any audience.
    fn lets_anyone_in(&self, issuers: &[String]) -> bool {
        let mut claims = self.conditions.iter().map(|(claim, _)| claim);
        let holds_for = |issuer: &str| {
            let mut named = self.conditions.iter().filter(|(claim, _)| *claim == "iss");
            named.all(|(_, wanted)| wanted.allows(issuer))
        };
        let is_for_all =
            |issuer: &String| EVERYONES.contains(&issuer.as_str()) && holds_for(issuer);
        issuers.iter().any(is_for_all) && !claims.any(|claim| IDENTITIES.contains(claim))
    }

    /// Whether every claim of the rule is as it has to be.
    #[must_use]
    pub fn holds(&self, claims: &Claims) -> bool {
        self.conditions.iter().all(|(claim, wanted)| {
            let value = claims.text(claim);
            value.is_some_and(|value| match *claim {
                REPOSITORY => wanted.allows(&value.to_ascii_lowercase()),
                _ => wanted.allows(&value),
            })
        })
    }
}

fn condition(word: &str) -> Result<(&'static str, Wanted), &'static str> {
    let (name, value) = word.split_once('=').ok_or(FORM)?;
    let claim = CLAIMS.into_iter().find(|claim| *claim == name).ok_or(
        "it names a claim that rules are not made of: they are `iss`, `repository_owner_id`, `repository_id`, \
         `repository`, `job_workflow_ref`, `environment`, `ref` and `event_name`",
    )?;
    let folded = match claim {
        REPOSITORY => value.to_ascii_lowercase(),
        _ => value.to_owned(),
    };
    let (wanted, text) = match folded.strip_suffix('*') {
        Some(start) => (Wanted::StartsWith(start.to_owned()), start),
        None => (Wanted::Exactly(folded.clone()), folded.as_str()),
    };
    if value.is_empty() || text.contains('*') {
        return Err("a value is empty, or has a `*` that is not its end");
    }
    let is_exact = matches!(wanted, Wanted::Exactly(_));
    match claim {
        "iss" | "repository_owner_id" | "repository_id" if !is_exact => {
            Err("`iss` and ids are compared whole: a `*` would let others in")
        }
        "repository_owner_id" | "repository_id"
            if !text.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Err(
                "an id is a number, which does not change with the name: `gh api repos/OWNER/NAME` has both",
            )
        }
        REPOSITORY if text.contains(',') => Err("a value is one value: write two rules"),
        REPOSITORY | "job_workflow_ref"
            if text.split_once('/').is_none_or(|it| it.0.is_empty()) =>
        {
            Err(
                "`repository` and `job_workflow_ref` begin with an owner and `/`: without it, owners whose name begins alike \
             would be let in",
            )
        }
        _ => Ok((claim, wanted)),
    }
}

impl Wanted {
    fn allows(&self, value: &str) -> bool {
        match self {
            Self::Exactly(known) => known == value,
            Self::StartsWith(start) => value.starts_with(start.as_str()),
        }
    }
}

/// The issuer of GitHub Actions' ID tokens on github.com.
pub const GITHUB_ACTIONS: &str = "https://token.actions.githubusercontent.com";
/// What rules are made of. Never `sub`: its form differs between repositories, and changes with names.
pub(super) const CLAIMS: [&str; 8] = [
    "iss",
    "repository_owner_id",
    "repository_id",
    REPOSITORY,
    "job_workflow_ref",
    "environment",
    "ref",
    "event_name",
];
/// GitHub compares names without regard to case; in rules they are lower case.
const REPOSITORY: &str = "repository";
/// What tells one owner's jobs from those of all others.
const IDENTITIES: [&str; 3] = ["repository_owner_id", "repository_id", REPOSITORY];
/// Issuers whose tokens anyone can get.
const EVERYONES: [&str; 4] = [
    GITHUB_ACTIONS,
    "https://gitlab.com",
    "https://agent.buildkite.com",
    "https://accounts.google.com",
];
/// Each is tried for each token.
const MAX_RULES: usize = 200;
const FORM: &str = "write `claim=value [claim=value ...] -> owners=... modules=...`";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::claims::tests::{claims, job};
    use super::*;

    const AUDIENCE: &str = "https://modules.example.com";

    fn issuers() -> Vec<String> {
        vec![GITHUB_ACTIONS.to_owned()]
    }

    #[test]
    fn a_rule_holds_where_each_of_its_claims_does() {
        for (rule, holds) in [
            ("repository_owner_id=9001", true),
            ("repository_owner_id=900", false),
            ("repository_owner_id=9001 ref=refs/heads/main", true),
            ("repository_owner_id=9001 ref=refs/heads/dev", false),
            ("repository_id=42 environment=\"Production EU\"", true),
            ("repository=acme/infra event_name=push", true),
            ("repository=acme/* ref=refs/*", true),
            ("repository=acme/in", false),
            ("repository=Acme/Infra", true),
            ("repository=ACME/*", true),
            ("repository=labs/*", false),
            (
                "repository_owner_id=9001 job_workflow_ref=acme/ci/.github/workflows/plan.yml@*",
                true,
            ),
            (
                "repository_owner_id=9001 job_workflow_ref=acme/ci/.github/workflows/other.yml@*",
                false,
            ),
            (
                "iss=https://token.actions.githubusercontent.com repository_id=42",
                true,
            ),
        ] {
            let rules =
                Rule::parse(&format!("{rule} -> owners=acme"), &issuers(), AUDIENCE).unwrap();
            assert_eq!(rules[0].holds(&claims(job())), holds, "{rule}");
        }
        let rules = Rule::parse(
            "repository_id=42 environment=* -> owners=acme",
            &issuers(),
            AUDIENCE,
        )
        .unwrap();
        let mut without = job();
        without.as_object_mut().unwrap().remove("environment");
        assert!(!rules[0].holds(&claims(without)));
        let numbers = json!({ "repository_id": 42, "environment": "x" });
        assert!(rules[0].holds(&claims(numbers)));
        let odd = json!({ "repository_id": ["42"], "environment": "x" });
        assert!(!rules[0].holds(&claims(odd)));
    }

    #[test]
    fn a_rule_that_is_wrong_or_lets_anyone_in_is_refused() {
        let own = vec!["https://forge.example/api/actions".to_owned()];
        for (issuers, rule, problem) in [
            (issuers(), "repository_id=42", "write `claim=value"),
            (issuers(), "repository_id=42 ->", "lets nothing be read"),
            (issuers(), "-> owners=acme", "let everyone in"),
            (own.clone(), "-> owners=acme", "let everyone in"),
            (
                issuers(),
                "repository_id=1 repository_id=2 -> owners=acme",
                "comes twice",
            ),
            (
                issuers(),
                "repository=acme/a,acme/b -> owners=acme",
                "one value",
            ),
            (issuers(), "repository_id=42 -> owners=", "`owners=`"),
            (
                issuers(),
                "repository_id=42 -> owner=acme",
                "write `claim=value",
            ),
            (
                issuers(),
                "repository_id=42 -> owners=acme modules=labs/*/*",
                "leaves out",
            ),
            (
                issuers(),
                "sub=repo:acme/infra:* -> owners=acme",
                "rules are not made of",
            ),
            (issuers(), "repository_id= -> owners=acme", "empty"),
            (
                issuers(),
                "repository_id=4* -> owners=acme",
                "compared whole",
            ),
            (
                issuers(),
                "iss=https://t* repository_id=4 -> owners=acme",
                "compared whole",
            ),
            (
                issuers(),
                "repository_owner_id=acme -> owners=acme",
                "is a number",
            ),
            (
                issuers(),
                "repository=acme* -> owners=acme",
                "begin with an owner",
            ),
            (
                issuers(),
                "repository=* -> owners=acme",
                "begin with an owner",
            ),
            (
                issuers(),
                "job_workflow_ref=/x* -> owners=acme",
                "begin with an owner",
            ),
            (
                issuers(),
                "repository_id=42 ref=refs/*/x -> owners=acme",
                "`*` that is not its end",
            ),
            (
                issuers(),
                "environment=production -> owners=acme",
                "every repository on GitHub",
            ),
            (
                issuers(),
                "job_workflow_ref=acme/ci/.github/workflows/plan.yml@* -> owners=acme",
                "every repository on GitHub",
            ),
            (
                vec!["https://gitlab.com".to_owned()],
                "ref=main -> owners=acme",
                "every repository",
            ),
            (own.clone(), "environment=production -> owners=acme", ""),
            (
                [own.clone(), issuers()].concat(),
                "repository_id=42 -> owners=acme",
                "has to name its `iss`",
            ),
            (
                [own, issuers()].concat(),
                "iss=https://forge.example/api/actions ref=refs/heads/main -> owners=acme",
                "",
            ),
            (
                issuers(),
                "iss=https://token.actions.githubusercontent.com ref=refs/heads/main -> owners=acme",
                "every repository",
            ),
            (
                issuers(),
                "iss=https://ghes.example/_services/token ref=refs/heads/main -> owners=acme",
                "not in `oidc_issuers`",
            ),
            (issuers(), "repository_id=42 \"x -> owners=acme", "quote"),
        ] {
            match Rule::parse(rule, &issuers, AUDIENCE) {
                Ok(_) => assert_eq!(problem, "", "{rule}"),
                Err(problems) => assert!(
                    problems.len() == 1 && !problem.is_empty() && problems[0].contains(problem),
                    "{rule}: {problems:?}"
                ),
            }
        }
    }

    #[test]
    fn a_changed_rule_is_another_rule() {
        let fingerprint =
            |text: &str| Rule::parse(text, &issuers(), AUDIENCE).unwrap()[0].fingerprint;
        let rule = "repository_id=42 ref=refs/heads/main -> owners=acme";
        assert_eq!(
            fingerprint(rule),
            fingerprint(&format!(" {} ", rule.replace(' ', "\t")))
        );
        for other in [
            "repository_id=42 ref=refs/heads/main -> owners=acme,labs",
            "repository_id=42 -> owners=acme",
            "ref=refs/heads/main repository_id=42 -> owners=acme",
        ] {
            assert_ne!(fingerprint(rule), fingerprint(other), "{other}");
        }
        for (issuers, audience) in [
            (issuers(), "https://other.example"),
            (vec!["https://ghes.example".to_owned()], AUDIENCE),
        ] {
            let other = Rule::parse(rule, &issuers, audience).unwrap();
            assert_ne!(fingerprint(rule), other[0].fingerprint, "{audience}");
        }
    }
}
