//! A GitHub App for Landfall: what it is registered with, the link that fills GitHub's form, and the key that GitHub makes for it.
//!
//! GitHub takes a registration in two ways. A [link](Registration::link) fills its form, and the person presses the button, makes a
//! key and downloads it
//! (<https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-using-url-parameters>). A
//! [page](Registration::page) sends a [manifest](Registration::manifest); GitHub makes the key and the webhook's secret, and gives
//! them for a code that is good once and for an hour ([`Registration::redeem`])
//! (<https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest>).

mod registered;
#[cfg(test)]
mod tests;

use landfall::config::is_loopback_authority;
use serde::Serialize;
use url::Url;

pub use self::registered::Registered;
use crate::StartError;

/// What a GitHub App for one Landfall is registered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Where clients reach Landfall, without a slash at the end.
    base_url: String,
    /// Whether that is a loopback address.
    is_local: bool,
    /// Whose App it is.
    owner: String,
    /// Whether the owner is a person, and no organisation.
    is_personal: bool,
    name: String,
    /// GitHub's pages, without a slash at the end.
    github: String,
    /// Whether GitHub is to tell of new tags.
    webhook: bool,
}

/// What a [`Registration`] is made of, as a person gives it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Where clients reach Landfall.
    pub base_url: &'a str,
    /// The organisation or person whose App it is.
    pub owner: &'a str,
    /// Whether that is a person.
    pub is_personal: bool,
    /// What the App is called; all Apps of a GitHub have different names.
    pub name: Option<&'a str>,
    /// Where GitHub's pages are, if not at <https://github.com>.
    pub github_url: Option<&'a str>,
    /// Whether GitHub is to tell of new tags.
    pub webhook: bool,
}

/// The manifest, in the order that GitHub's documentation has.
#[derive(Serialize)]
struct Manifest<'a> {
    name: &'a str,
    url: &'a str,
    /// GitHub takes no address here that it cannot reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    hook_attributes: Option<Hook>,
    redirect_url: &'a str,
    description: &'a str,
    public: bool,
    default_events: &'a [&'a str],
    default_permissions: Permissions,
}

#[derive(Serialize)]
struct Hook {
    url: String,
    active: bool,
}

#[derive(Serialize)]
struct Permissions {
    contents: &'static str,
    metadata: &'static str,
}

const DESCRIPTION: &str = "Landfall: a private registry of Terraform modules";
/// What `docs/configuration.md` says to subscribe to.
const EVENTS: [&str; 5] = ["create", "delete", "push", "release", "repository"];
const READ: &str = "read";
/// GitHub takes no longer name of an App.
const LONGEST_NAME: usize = 34;
impl Registration {
    /// Checks what is wanted.
    ///
    /// # Errors
    /// When a URL, the owner or the name is none, and when GitHub could not reach the webhook.
    pub fn new(wanted: Wanted) -> Result<Self, StartError> {
        let base_url = base_url(wanted.base_url).ok_or_else(|| {
            refuse(
                "--url is where clients reach Landfall: write it like https://modules.example.com",
            )
        })?;
        let github = wanted.github_url.unwrap_or("https://github.com");
        let github = web_url(github).ok_or_else(|| {
            refuse(
                "--github-url is where you look at GitHub, not its API: write it like https://github.example.com or \
                 https://acme.ghe.com",
            )
        })?;
        if !is_account(wanted.owner) {
            return Err(refuse(
                "--owner is the name of an organisation or a person on GitHub: letters, digits and `-`",
            ));
        }
        let is_local =
            Url::parse(&base_url).is_ok_and(|url| is_loopback_authority(url.authority()));
        if wanted.webhook && is_local {
            return Err(refuse(
                "GitHub cannot reach a loopback address: leave --webhook out, or give --url an address of the internet",
            ));
        }
        let own = format!("landfall-{}", wanted.owner);
        let name = wanted.name.map_or_else(
            || {
                own.get(..LONGEST_NAME)
                    .unwrap_or(&own)
                    .trim_end_matches('-')
                    .to_owned()
            },
            |name| name.trim().to_owned(),
        );
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(char::is_control)
        {
            return Err(refuse(
                "--name has 1 to 34 characters: GitHub takes no longer name",
            ));
        }
        Ok(Self {
            base_url,
            is_local,
            owner: wanted.owner.to_owned(),
            is_personal: wanted.is_personal,
            name,
            github,
            webhook: wanted.webhook,
        })
    }

    /// Where GitHub's form is.
    #[must_use]
    pub fn form(&self) -> String {
        let Self { github, owner, .. } = self;
        if self.is_personal {
            format!("{github}/settings/apps/new")
        } else {
            format!("{github}/organizations/{owner}/settings/apps/new")
        }
    }

    /// The form, filled.
    #[must_use]
    pub fn link(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("name", &self.name)
            .append_pair("description", DESCRIPTION)
            .append_pair("url", &self.base_url)
            .append_pair("public", "false")
            .append_pair("contents", READ)
            .append_pair("metadata", READ)
            .append_pair(
                "webhook_active",
                if self.webhook { "true" } else { "false" },
            );
        if self.webhook {
            query.append_pair("webhook_url", &self.hook());
            for event in EVENTS {
                query.append_pair("events[]", event);
            }
        }
        format!("{}?{}", self.form(), query.finish())
    }

    /// The manifest, as JSON of several lines.
    #[must_use]
    pub fn manifest(&self) -> String {
        let manifest = Manifest {
            name: &self.name,
            url: &self.base_url,
            hook_attributes: (!self.is_local).then(|| Hook {
                url: self.hook(),
                active: self.webhook,
            }),
            redirect_url: &self.base_url,
            description: DESCRIPTION,
            public: false,
            default_events: if self.webhook { &EVENTS } else { &[] },
            default_permissions: Permissions {
                contents: READ,
                metadata: READ,
            },
        };
        // Texts and booleans: there is nothing that JSON cannot say.
        serde_json::to_string_pretty(&manifest).unwrap_or_default()
    }

    /// A page with one button, which sends the manifest to GitHub.
    #[must_use]
    pub fn page(&self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>A GitHub App for Landfall</title>\n\
             <form action=\"{}\" method=\"post\">\n<input type=\"hidden\" name=\"manifest\" value=\"{}\">\n\
             <button>Register {} for {}</button>\n</form>\n",
            escape(&self.form()),
            escape(&self.manifest()),
            escape(&self.name),
            escape(&self.owner),
        )
    }

    /// Where GitHub's API is.
    #[must_use]
    pub fn api_url(&self) -> String {
        let (scheme, host) = self
            .github
            .split_once("://")
            .unwrap_or(("https", &self.github));
        if host == "github.com" || host.ends_with(".ghe.com") {
            format!("{scheme}://api.{host}")
        } else {
            format!("{scheme}://{host}/api/v3")
        }
    }

    fn hook(&self) -> String {
        format!("{}/webhooks/github", self.base_url)
    }
}

/// As the component takes `base_url`, less what is left out by mistake: https, or http on a loopback address.
fn base_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_safe =
        url.scheme() == "https" || url.scheme() == "http" && is_loopback_authority(url.authority());
    let is_plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !url.path().contains("//");
    let is_base = is_safe && is_plain && url.host().is_some();
    is_base.then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// GitHub's pages are at the root of a host.
fn web_url(text: &str) -> Option<String> {
    let url = base_url(text)?;
    let host = url.split_once("://")?.1;
    let is_root = !host.contains('/') && !host.starts_with("api.");
    is_root.then_some(url)
}

/// <https://docs.github.com/en/enterprise-cloud@latest/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication>;
/// `_` is in those of managed users.
fn is_account(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=39).contains(&name.len()) && name.bytes().all(is_part)
}

fn refuse(text: &str) -> StartError {
    StartError::Variables(text.to_owned())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // A browser makes line breaks of a value into CRLF when it sends it, which JSON does not mind.
            other => escaped.push(other),
        }
    }
    escaped
}
