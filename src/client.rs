//! Which client asks, as far as it says so. It is for the log, and for one answer's form; nobody is let in for it.

use http::{HeaderMap, header};

/// The name and version that a client gives itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    name: String,
    version: String,
}

impl Client {
    /// Reads `User-Agent`: the first word of the form `NAME/VERSION`. Terraform writes
    /// `HashiCorp Terraform/1.11.4 (+https://www.terraform.io)`. Longer words are none: they may be anything.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
        let is_name = |text: &str| {
            (1..=MAX_PART).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let is_version = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_digit())
                && text.len() <= MAX_PART
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte))
        };
        let mut words = text.split_whitespace().take(MAX_WORDS);
        words.find_map(|word| {
            let (name, version) = word.split_once('/')?;
            (is_name(name) && is_version(version)).then(|| Self {
                name: name.to_owned(),
                version: version.to_owned(),
            })
        })
    }

    /// Whether it downloads an archive with its registry token when it is told to: OpenTofu does, from 1.12 on.
    #[must_use]
    pub fn can_download_directly(&self) -> bool {
        let mut numbers = self.version.split('.').map(str::parse::<u32>);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
            return false;
        };
        self.name == "OpenTofu" && (major, minor) >= (1, 12)
    }
}

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.name, self.version)
    }
}

const MAX_PART: usize = 40;
const MAX_WORDS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_the_first_name_with_a_version() {
        let long = format!("{}/1", "a".repeat(41));
        for (text, client, is_direct) in [
            (
                "HashiCorp Terraform/1.11.4 (+https://www.terraform.io)",
                Some("Terraform/1.11.4"),
                false,
            ),
            (
                "OpenTofu/1.11.0 (+https://www.opentofu.org)",
                Some("OpenTofu/1.11.0"),
                false,
            ),
            (
                "OpenTofu/1.12.0 (+https://www.opentofu.org)",
                Some("OpenTofu/1.12.0"),
                true,
            ),
            ("OpenTofu/1.12.0-beta1", Some("OpenTofu/1.12.0-beta1"), true),
            ("OpenTofu/2.0.0", Some("OpenTofu/2.0.0"), true),
            ("OpenTofu/1.9.9", Some("OpenTofu/1.9.9"), false),
            ("OpenTofu/1", Some("OpenTofu/1"), false),
            ("OpenTofu/dev", None, false),
            ("NotOpenTofu/1.12.0", Some("NotOpenTofu/1.12.0"), false),
            ("curl/8.5.0 OpenTofu/1.12.0", Some("curl/8.5.0"), false),
            ("Go-http-client/1.1", Some("Go-http-client/1.1"), false),
            (
                "python-requests/2.32.3",
                Some("python-requests/2.32.3"),
                false,
            ),
            (
                "RenovateBot/39.99.0 (https://github.com/renovatebot/renovate)",
                Some("RenovateBot/39.99.0"),
                false,
            ),
            ("", None, false),
            ("a b c", None, false),
            ("lft_abc", None, false),
            (&long, None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, text.parse().unwrap());
            let read = Client::read(&headers);
            assert_eq!(
                read.as_ref().map(ToString::to_string).as_deref(),
                client,
                "{text}"
            );
            assert_eq!(
                read.is_some_and(|it| it.can_download_directly()),
                is_direct,
                "{text}"
            );
        }
        assert_eq!(Client::read(&HeaderMap::new()), None);
    }
}
