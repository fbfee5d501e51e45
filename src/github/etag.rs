//! Free revalidation: the `If-None-Match` under which GitHub answers 304, which it does not bill.
//!
//! GitHub's `ETag`s are bound to the `Authorization` value, so each hourly token makes all of them worthless. But what
//! they are is known: the SHA-256 of the values of `Accept`, `Authorization` and `Cookie`, as far as `Vary` names them and
//! they were sent, each with a colon behind it, and then the body. So the right one for any token can be computed from
//! a body that was kept. That is nowhere documented; the rule is held against every `ETag` that comes, and where it does
//! not hold, the one that GitHub sent is used with the same token, or none. At worst a call is billed.
//! `If-Modified-Since` is never sent: with it, GitHub takes changed refs for unchanged ones.

use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ACCEPT;

/// How a kept body is revalidated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Validator {
    /// By the rule.
    Rule(Hashed),
    /// By the `ETag` that came with the body, as long as the token is the same.
    Sent {
        /// With its quotes.
        etag: String,
        /// A digest of the `Authorization` value.
        authorization: [u8; 8],
    },
    /// Not before this time, in milliseconds since 1970, unless the rule holds again: the `ETag`s are random.
    None {
        /// See there.
        until: u64,
    },
}

/// Which headers are hashed before the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashed {
    accept: bool,
    authorization: bool,
}

impl Validator {
    /// What to revalidate a body with that just came in. `before` is how the same body was revalidated, in vain; `now` is
    /// in milliseconds since 1970.
    pub(crate) fn of(
        headers: &HeaderMap,
        authorization: Option<&HeaderValue>,
        body: &[u8],
        before: Option<&Self>,
        now: u64,
    ) -> Self {
        let none = Self::None { until: now };
        let Some(etag) = headers.get(header::ETAG).and_then(|it| it.to_str().ok()) else {
            return none;
        };
        let is_right = |hashed: &Hashed| opaque(etag) == Some(&*hashed.sum(authorization, body));
        if let Some(hashed) = Hashed::candidates(headers).into_iter().find(is_right) {
            return Self::Rule(hashed);
        }
        match before {
            Some(Self::None { until }) if *until > now => Self::None { until: *until },
            Some(Self::Sent {
                authorization: known,
                ..
            }) if *known == digest(authorization) => Self::None {
                until: now + GIVE_UP_MS,
            },
            _ => Self::Sent {
                etag: etag.to_owned(),
                authorization: digest(authorization),
            },
        }
    }

    /// What to revalidate a body with that is not kept, as long as the token is the same.
    pub(crate) fn sent(headers: &HeaderMap, authorization: Option<&HeaderValue>, now: u64) -> Self {
        match headers.get(header::ETAG).and_then(|it| it.to_str().ok()) {
            None => Self::None { until: now },
            Some(etag) => Self::Sent {
                etag: etag.to_owned(),
                authorization: digest(authorization),
            },
        }
    }

    /// The `If-None-Match` for this credential.
    pub(crate) fn condition(
        &self,
        authorization: Option<&HeaderValue>,
        body: &[u8],
    ) -> Option<HeaderValue> {
        match self {
            Self::Rule(hashed) => {
                let sum = hashed.sum(authorization, body);
                HeaderValue::try_from(format!("\"{sum}\"")).ok()
            }
            Self::Sent {
                etag,
                authorization: known,
            } => (*known == digest(authorization))
                .then(|| HeaderValue::from_str(etag).ok())
                .flatten(),
            Self::None { .. } => None,
        }
    }
}

impl Hashed {
    /// What `Vary` says, and what it would say if nothing in between had changed it.
    fn candidates(headers: &HeaderMap) -> [Self; 2] {
        let both = Self {
            accept: true,
            authorization: true,
        };
        [Self::of(headers), both]
    }

    fn of(headers: &HeaderMap) -> Self {
        let varies = |name: &str| {
            let values = headers.get_all(header::VARY).iter();
            values
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|it| it.trim().eq_ignore_ascii_case(name))
        };
        Self {
            accept: varies("accept"),
            authorization: varies("authorization"),
        }
    }

    fn sum(self, authorization: Option<&HeaderValue>, body: &[u8]) -> String {
        let mut sum = Sha256::new();
        if self.accept {
            sum.update(ACCEPT);
            sum.update(":");
        }
        if let Some(authorization) = authorization.filter(|_| self.authorization) {
            sum.update(authorization.as_bytes());
            sum.update(":");
        }
        sum.update(body);
        hex::encode(sum.finalize())
    }
}

/// What is between the quotes, of a strong `ETag` or a weak one.
fn opaque(etag: &str) -> Option<&str> {
    let etag = etag.strip_prefix("W/").unwrap_or(etag);
    etag.strip_prefix('"')?.strip_suffix('"')
}

/// Tells tokens apart, and no more.
fn digest(authorization: Option<&HeaderValue>) -> [u8; 8] {
    let bytes = authorization.map_or(&[][..], HeaderValue::as_bytes);
    let sum = Sha256::digest(bytes);
    sum.first_chunk().copied().unwrap_or_default()
}

const GIVE_UP_MS: u64 = 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(etag: &str, vary: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, etag.parse().unwrap());
        for vary in vary {
            headers.append(header::VARY, HeaderValue::from_static(vary));
        }
        headers
    }

    #[test]
    fn the_condition_follows_the_token_where_the_rule_holds_and_degrades_where_not() {
        let a = HeaderValue::from_static("Bearer ghs_a");
        let b = HeaderValue::from_static("Bearer ghs_b");
        let sum = |text: &str| hex::encode(Sha256::digest(text));
        let of_a = sum("application/vnd.github+json:Bearer ghs_a:[]");
        let of_b = format!("\"{}\"", sum("application/vnd.github+json:Bearer ghs_b:[]"));
        let vary = &[
            "Accept, Authorization, Cookie, X-GitHub-OTP",
            "Accept-Encoding",
        ][..];
        let of =
            |headers: &HeaderMap, before| Validator::of(headers, Some(&a), b"[]", before, 1000);

        // The rule, in all the forms that GitHub writes it in.
        for etag in [format!("\"{of_a}\""), format!("W/\"{of_a}\"")] {
            let rule = of(&headers(&etag, vary), None);
            assert!(matches!(rule, Validator::Rule(_)), "{etag}");
            assert_eq!(rule.condition(Some(&b), b"[]").unwrap(), *of_b);
        }
        // Without Authorization in Vary, and without a token.
        let plain = headers(&format!("\"{}\"", sum("[]")), &["Accept-Encoding"]);
        assert!(matches!(of(&plain, None), Validator::Rule(_)));
        let anonymous = headers(
            &format!("\"{}\"", sum("application/vnd.github+json:[]")),
            vary,
        );
        assert!(matches!(
            Validator::of(&anonymous, None, b"[]", None, 0),
            Validator::Rule(_)
        ));

        // A proxy changed `Vary`.
        let changed = headers(&format!("\"{of_a}\""), &["Accept-Encoding"]);
        assert!(matches!(of(&changed, None), Validator::Rule(_)));

        // Some other rule: what was sent, for the same token.
        let opaque = headers("W/\"opaque\"", vary);
        let sent = of(&opaque, None);
        assert_eq!(sent.condition(Some(&a), b"[]").unwrap(), "W/\"opaque\"");
        assert_eq!(sent.condition(Some(&b), b"[]"), None);
        // In vain: none at all, for an hour.
        let none = of(&headers("\"random\"", vary), Some(&sent));
        assert_eq!(
            none,
            Validator::None {
                until: 1000 + GIVE_UP_MS
            }
        );
        assert_eq!(none.condition(Some(&a), b"[]"), None);
        assert_eq!(of(&opaque, Some(&none)), none);
        let over = Validator::None { until: 1000 };
        assert_eq!(of(&opaque, Some(&over)), sent);
        // And back, as soon as the rule holds.
        assert!(matches!(
            of(&headers(&format!("\"{of_a}\""), vary), Some(&none)),
            Validator::Rule(_)
        ));
        assert_eq!(of(&HeaderMap::new(), None), Validator::None { until: 1000 });
    }
}
