//! What an ID token says of its holder, and whether that is for this registry and good now. Who signed it is `jws`'s concern.
//!
//! - <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>
//! - <https://docs.github.com/en/actions/reference/security/oidc>

use std::borrow::Cow;
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::oidc::{CLAIMS, Workloads};
use crate::host::seconds;

/// What an ID token says of its holder.
#[derive(Clone, Debug)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Reads a token's second part.
    pub(super) fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// A claim, where it is a text or a whole number.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.0.get(name)? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(number) if !number.is_f64() => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// A time in seconds since 1970. Fractions are allowed (RFC 7519), and don't matter.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is beyond i64 is as far away as its end"
    )]
    fn time(&self, name: &str) -> Result<Option<i64>, &'static str> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(seconds) => Ok(Some(seconds as i64)),
                None => Err("a time of this ID token is no number"),
            },
        }
    }

    /// The repository whose job it is, for the log; where there is none, the issuer.
    #[must_use]
    pub fn repository(&self) -> String {
        let name = self.text("repository").or_else(|| self.text("iss"));
        name.unwrap_or_default().chars().take(200).collect()
    }

    /// What rules are made of, for the log of a refused token.
    #[must_use]
    pub fn summary(&self) -> String {
        let parts = CLAIMS.iter().filter_map(|name| {
            let value = self.text(name)?;
            let is_plain = value.len() <= 200 && value.bytes().all(|byte| byte.is_ascii_graphic());
            let shown = if is_plain { &value } else { "?" };
            Some(format!("{name}={shown}"))
        });
        parts.collect::<Vec<_>>().join(" ")
    }

    /// The issuer, if the token is one of its, for this registry, and good now.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn check<'w>(
        &self,
        workloads: &'w Workloads,
        now: SystemTime,
    ) -> Result<&'w str, &'static str> {
        let Some(Value::String(issuer)) = self.0.get("iss") else {
            return Err("this ID token has no `iss`");
        };
        let issuer = workloads
            .issuers
            .iter()
            .find(|known| *known == issuer)
            .ok_or("this ID token is of an issuer that is not in `oidc_issuers`")?;
        let is_ours = |value: &Value| value.as_str() == Some(workloads.audience.as_str());
        let is_for_us = match self.0.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().any(is_ours),
            Some(audience) => is_ours(audience),
            None => false,
        };
        if !is_for_us {
            return Err("this ID token is for another audience than `oidc_audience`");
        }
        let now = i64::try_from(seconds(now)).unwrap_or(i64::MAX);
        let expires = self.time("exp")?.ok_or("this ID token has no `exp`")?;
        if now >= expires.saturating_add(LEEWAY) {
            return Err("this ID token has expired");
        }
        let is_early =
            |time: Option<i64>| time.is_some_and(|time| now < time.saturating_sub(LEEWAY));
        if is_early(self.time("nbf")?) || is_early(self.time("iat")?) {
            return Err("this ID token is not valid yet");
        }
        Ok(issuer)
    }
}

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 60;

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::super::oidc::GITHUB_ACTIONS;
    use super::*;

    const NOW: u64 = 1_800_000_000;

    pub(in crate::auth) fn claims(value: Value) -> Claims {
        let Value::Object(map) = value else { panic!() };
        Claims::new(map)
    }

    /// What a job of `acme/infra` says of itself.
    pub(in crate::auth) fn job() -> Value {
        json!({
            "iss": GITHUB_ACTIONS, "aud": "https://modules.example.com",
            "exp": 1_800_000_300, "nbf": 1_799_999_400, "iat": 1_800_000_000,
            "sub": "repo:acme/infra:ref:refs/heads/main",
            "repository": "acme/infra", "repository_id": "42", "repository_owner_id": "9001",
            "job_workflow_ref": "acme/ci/.github/workflows/plan.yml@refs/heads/main",
            "environment": "Production EU", "ref": "refs/heads/main", "event_name": "push",
        })
    }

    #[test]
    fn a_token_is_of_a_known_issuer_for_this_registry_and_good_now() {
        let workloads = Workloads {
            issuers: vec![GITHUB_ACTIONS.to_owned()],
            audience: "https://modules.example.com".to_owned(),
            rules: Vec::new(),
        };
        let checked = |change: Value, now: u64| {
            let mut job = job();
            for (name, value) in change.as_object().unwrap() {
                job[name] = value.clone();
            }
            let now = UNIX_EPOCH + Duration::from_secs(now);
            claims(job).check(&workloads, now).map(str::to_owned)
        };
        for (change, now, problem) in [
            (json!({}), NOW, ""),
            (
                json!({ "aud": ["x", "https://modules.example.com"] }),
                NOW,
                "",
            ),
            (json!({}), NOW + 359, ""),
            (json!({ "exp": 1_800_000_300.5 }), NOW, ""),
            (json!({}), NOW + 360, "has expired"),
            (json!({ "exp": null }), NOW, "no number"),
            (json!({ "exp": "2100-01-01" }), NOW, "no number"),
            (json!({ "nbf": NOW + 60 }), NOW, ""),
            (json!({ "nbf": NOW + 61 }), NOW, "not valid yet"),
            (json!({ "iat": NOW + 61 }), NOW, "not valid yet"),
            (json!({ "exp": 1e300, "iat": 1e300 }), NOW, "not valid yet"),
            (json!({ "aud": "https://github.com/acme" }), NOW, "audience"),
            (json!({ "aud": [] }), NOW, "audience"),
            (
                json!({ "aud": { "x": "https://modules.example.com" } }),
                NOW,
                "audience",
            ),
            (
                json!({ "aud": "https://modules.example.com/" }),
                NOW,
                "audience",
            ),
            (
                json!({ "iss": "https://token.actions.githubusercontent.com/" }),
                NOW,
                "oidc_issuers",
            ),
            (
                json!({ "iss": "https://token.actions.githubusercontent.com/acme" }),
                NOW,
                "oidc_issuers",
            ),
            (
                json!({ "iss": "HTTPS://token.actions.githubusercontent.com" }),
                NOW,
                "oidc_issuers",
            ),
            (json!({ "iss": 7 }), NOW, "no `iss`"),
        ] {
            match checked(change.clone(), now) {
                Ok(issuer) => {
                    assert_eq!((issuer.as_str(), problem), (GITHUB_ACTIONS, ""), "{change}");
                }
                Err(text) => assert!(
                    !problem.is_empty() && text.contains(problem),
                    "{change}: {text}"
                ),
            }
        }
        let mut job = job();
        job.as_object_mut().unwrap().remove("exp");
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        assert!(claims(job).check(&workloads, now).is_err());
    }
}
