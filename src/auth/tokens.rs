//! The tokens of `tokens`: of each, its name, its digest, what it may read and until when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::entries::entries;
use super::scope::Scope;

/// One entry of `tokens`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What the log calls its holder.
    pub name: String,
    digest: [u8; 32],
    /// What it may read.
    pub scope: Scope,
    /// From when on it is refused.
    pub expires: Option<SystemTime>,
}

impl Token {
    /// Reads `tokens`: entries of `name sha256:HEX [owners=...] [modules=...] [expires=2027-01-01]`. A token ends when
    /// that day begins, in UTC, or at the time of RFC 3339 that is written there.
    ///
    /// # Errors
    /// One sentence for each entry that is wrong, with its number and never its text: it may be a token.
    pub fn parse(text: &str) -> Result<Vec<Self>, Vec<String>> {
        let entries = entries(text).map_err(|number| {
            vec![format!(
                "has an entry, number {number}, with a quote that does not end"
            )]
        })?;
        let mut tokens: Vec<Self> = Vec::new();
        let mut problems = Vec::new();
        if entries.len() > MAX_TOKENS {
            problems.push(format!("has more than {MAX_TOKENS} entries"));
        }
        for (index, words) in entries.iter().take(MAX_TOKENS).enumerate() {
            let number = index + 1;
            match Self::of_words(words) {
                Err(problem) => problems.push(format!("has a wrong entry, number {number}: {problem}")),
                Ok(token) if tokens.iter().any(|it| it.name == token.name) => problems.push(format!(
                    "has a wrong entry, number {number}: another one has the same name, which the log could not tell apart"
                )),
                Ok(token) if tokens.iter().any(|it| it.digest == token.digest) => {
                    problems.push(format!("has a wrong entry, number {number}: another one has the same digest"));
                }
                Ok(token) => tokens.push(token),
            }
        }
        if problems.is_empty() {
            Ok(tokens)
        } else {
            Err(problems)
        }
    }

    fn of_words(words: &[String]) -> Result<Self, &'static str> {
        if words.iter().any(|word| word.contains("lft_")) {
            return Err(
                "it has the token itself: `tokens` takes the second line that `landfall token new` prints. Make another \
                 token, because this one lies in your configuration now",
            );
        }
        let [name, digest, rest @ ..] = words else {
            return Err(FORM);
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.len() > 64 || !name.bytes().all(is_name) {
            return Err(
                "it does not begin with a name of at most 64 letters, digits, `.`, `-` and `_`",
            );
        }
        let mut bytes = [0; 32];
        let digits = digest.strip_prefix("sha256:").ok_or(FORM)?;
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| FORM)?;
        if bytes == <[u8; 32]>::from(Sha256::digest("")) {
            return Err("its digest is that of nothing at all");
        }
        let mut token = Self {
            name: name.clone(),
            digest: bytes,
            scope: Scope::default(),
            expires: None,
        };
        for word in rest {
            match (word.strip_prefix("expires="), token.scope.take(word)) {
                (Some(text), _) => {
                    let time = time(text)
                        .ok_or("its `expires=` is no date: write e.g. `expires=2027-01-01`")?;
                    token.expires = Some(token.expires.map_or(time, |known| known.min(time)));
                }
                (None, Some(result)) => result?,
                (None, None) => {
                    return Err(
                        "it has a word that is none of `owners=...`, `modules=...` and `expires=...`: lists are separated \
                         by commas, without blanks",
                    );
                }
            }
        }
        if token.scope.contradicts_itself() {
            return Err(CONTRADICTION);
        }
        Ok(token)
    }

    /// The entry of the token that was presented. All digests are compared, each in constant time: how long it takes
    /// tells nothing of how much of a token was right, and the digest already hides that.
    #[must_use]
    pub fn find<'t>(tokens: &'t [Self], presented: &str) -> Option<&'t Self> {
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let mut found = None;
        for token in tokens {
            if token.digest.ct_eq(&digest).into() {
                found = Some(token);
            }
        }
        found
    }

    /// Its SHA-256.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }
}

fn time(text: &str) -> Option<SystemTime> {
    let time = if text.len() == "2027-01-01".len() {
        humantime::parse_rfc3339(&format!("{text}T00:00:00Z"))
    } else {
        humantime::parse_rfc3339(text)
    };
    // What is before 1970 was not meant.
    time.ok()
        .filter(|time| *time > UNIX_EPOCH + Duration::from_secs(1))
}

/// All are compared for each request.
const MAX_TOKENS: usize = 1000;
const FORM: &str = "write `NAME sha256:HEX [owners=...] [modules=...] [expires=2027-01-01]`, as the second line that \
                    `landfall token new` prints";
/// Also for rules.
pub(super) const CONTRADICTION: &str =
    "its `modules=` names an owner that its `owners=` leaves out: both must allow what may be read";

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `secret`.
    const DIGEST: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    const OTHER: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25c";

    #[test]
    fn a_token_is_found_by_its_digest_alone() {
        let text = format!(
            "other sha256:{OTHER}\nci sha256:{} owners=acme; ",
            DIGEST.to_uppercase()
        );
        let tokens = Token::parse(&text).unwrap();
        let name = |presented| Token::find(&tokens, presented).map(|it| it.name.as_str());
        assert_eq!(name("secret"), Some("ci"));
        for wrong in ["", "Secret", "secret ", "secre", "ci", DIGEST] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_ends_when_its_day_begins() {
        let at = |text: &str| humantime::parse_rfc3339(text).unwrap();
        for (expires, last) in [
            ("2027-01-01", "2026-12-31T23:59:59Z"),
            ("2027-01-01T08:00:00Z", "2027-01-01T07:59:59Z"),
            ("2028-01-01 expires=2027-01-01", "2026-12-31T23:59:59Z"),
        ] {
            let tokens = Token::parse(&format!("ci sha256:{DIGEST} expires={expires}")).unwrap();
            assert!(!tokens[0].is_expired(at(last)), "{expires}");
            assert!(
                tokens[0].is_expired(at(last) + Duration::from_secs(1)),
                "{expires}"
            );
        }
        assert!(
            !Token::parse(&format!("ci sha256:{DIGEST}")).unwrap()[0]
                .is_expired(at("9999-01-01T00:00:00Z"))
        );
    }

    #[test]
    fn a_wrong_entry_is_named_by_its_number_and_never_by_its_text() {
        for (text, problem) in [
            ("MARKER".to_owned(), "number 1: write `NAME"),
            (
                format!("ok sha256:{DIGEST}; ci MARKER"),
                "number 2: write `NAME",
            ),
            ("ci sha256:MARKER".to_owned(), "write `NAME"),
            (format!("ci sha256:{}", &DIGEST[1..]), "write `NAME"),
            (format!("ci md5:{DIGEST}"), "write `NAME"),
            (format!("c/i sha256:{DIGEST}"), "does not begin with a name"),
            (format!("ci sha256:{DIGEST} owner=acme"), "none of `owners"),
            (
                format!("ci sha256:{DIGEST} owners=acme, labs"),
                "none of `owners",
            ),
            (format!("ci {DIGEST}"), "write `NAME"),
            ("ci lft_MARKER".to_owned(), "the token itself"),
            (format!("ci sha256:{DIGEST} lft_MARKER"), "the token itself"),
            (format!("ci sha256:{DIGEST} owners="), "`owners=`"),
            (format!("ci sha256:{DIGEST} modules=MARKER"), "`modules=`"),
            (
                format!("ci sha256:{DIGEST} expires=2027-13-01"),
                "`expires=`",
            ),
            (format!("ci sha256:{DIGEST} expires=soon"), "`expires=`"),
            (
                format!("ci sha256:{DIGEST} expires=\"2027-01-01"),
                "number 1, with a quote",
            ),
            (
                format!("ci sha256:{DIGEST} owners=acme modules=labs/*/*"),
                "leaves out",
            ),
            (
                format!("a sha256:{DIGEST}\nb sha256:{DIGEST}"),
                "number 2: another one has the same digest",
            ),
            (
                format!("a sha256:{DIGEST}\na sha256:{OTHER}"),
                "number 2: another one has the same name",
            ),
            (
                "ci sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
                    .to_owned(),
                "of nothing",
            ),
        ] {
            let problems = Token::parse(&text).unwrap_err();
            assert!(
                problems.len() == 1 && problems[0].contains(problem),
                "{text}: {problems:?}"
            );
            assert!(!problems[0].contains("MARKER"), "{problems:?}");
        }
    }
}
