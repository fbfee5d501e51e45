//! What a request presents in `Authorization`.

use base64::Engine as _;
use http::{HeaderMap, header};

use crate::config::{BASE64_ANY_PADDING, Secret};

/// What a request presents.
#[derive(Clone, Debug)]
pub enum Presented {
    /// Nothing. An empty token is nothing, too: `TF_TOKEN_x=""` sends one.
    Nothing,
    /// A token.
    Token(Secret),
    /// Something that no client of a registry sends.
    Unreadable,
}

impl Presented {
    /// Reads `Authorization`: `Bearer TOKEN`, or `Basic` with the token as password, whoever the user is. That is what
    /// netrc makes of it for archives, and Checkov for everything.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Self::Nothing;
        };
        let text = value.to_str().ok().filter(|it| it.len() <= MAX_LENGTH);
        let (Some(text), None) = (text, values.next()) else {
            return Self::Unreadable;
        };
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let token = match scheme.to_ascii_lowercase().as_str() {
            "" => Some(String::new()),
            "bearer" => Some(rest.trim().to_owned()),
            "basic" => password(rest.trim()),
            _ => None,
        };
        match token {
            None => Self::Unreadable,
            Some(token) if token.is_empty() => Self::Nothing,
            // No token has anything else in it; `echo "" | sha256sum` is the digest of a line break.
            Some(token) if !token.bytes().all(|byte| byte.is_ascii_graphic()) => Self::Unreadable,
            Some(token) => Self::Token(Secret::new(token)),
        }
    }
}

fn password(encoded: &str) -> Option<String> {
    let bytes = BASE64_ANY_PADDING.decode(encoded).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (_, password) = text.split_once(':')?;
    Some(password.to_owned())
}

/// An ID token has 2 to 4 KB.
const MAX_LENGTH: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        match Presented::read(&headers) {
            Presented::Nothing => Ok(None),
            Presented::Token(token) => Ok(Some(token.expose().to_owned())),
            Presented::Unreadable => Err(()),
        }
    }

    #[test]
    fn a_token_is_what_follows_bearer_or_the_password_of_basic() {
        let token = |text: &str| Ok(Some(text.to_owned()));
        let long = format!("Bearer {}", "a".repeat(16 << 10));
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&[""], Ok(None)),
            (&["Bearer"], Ok(None)),
            (&["Bearer "], Ok(None)),
            (&["Bearer abc"], token("abc")),
            (&["bEARER   abc "], token("abc")),
            (&["Bearer a b"], Err(())),
            (&["Basic eDoK"], Err(())),
            (&["Basic eDrDqQ=="], Err(())),
            (&["Basic dXNlcjphYmM="], token("abc")),
            (&["basic dXNlcjphYmM"], token("abc")),
            (&["Basic OmE6Yg=="], token("a:b")),
            (&["Basic dXNlcjo="], Ok(None)),
            (&["Basic"], Err(())),
            (&["Basic dXNlcg=="], Err(())),
            (&["Basic ???"], Err(())),
            (&["Basic gIA="], Err(())),
            (&["Digest username=x"], Err(())),
            (&["abc"], Err(())),
            (&["Bearerabc"], Err(())),
            (&["Bearer a", "Bearer b"], Err(())),
            (&["Bearer a", "Bearer a"], Err(())),
            (&[&long], Err(())),
        ] {
            assert_eq!(read(values), expected, "{values:?}");
        }
    }
}
