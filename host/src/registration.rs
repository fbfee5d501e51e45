//! A GitHub App for Landfall: what it is registered with, the link that fills GitHub's form, and the key that GitHub makes for it.
//!
//! GitHub takes a registration in two ways. A [link](Registration::link) fills its form, and the person presses the button, makes a
//! key and downloads it
//! (<https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-using-url-parameters>). A
//! [page](Registration::page) sends a [manifest](Registration::manifest); GitHub makes the key and the webhook's secret, and gives
//! them for a code that is good once and for an hour ([`Registration::redeem`])
//! (<https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest>).

use std::fmt::Write as _;

use http::header::{ACCEPT, CONTENT_LENGTH, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use landfall::config::is_loopback_authority;
use serde::{Deserialize, Serialize};
use url::Url;
use wasmtime_wasi_http::WasiHttpHooks;

use crate::outbound::Hooks;
use crate::{Outbound, Output, StartError, Variables, body};

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

/// What GitHub gives for a code: the App's id and key, and its webhook's secret. Has no `Debug`.
#[derive(Deserialize)]
pub struct Registered {
    id: u64,
    /// The App's page, where it is installed.
    html_url: String,
    pem: String,
    webhook_secret: Option<String>,
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
/// An answer to a code is about 6 KB.
const LARGEST_ANSWER: usize = 256 * 1024;

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

    /// Gives GitHub the code that its redirect had, and gets what the App was registered with. `outbound` has to reach
    /// [`Self::api_url`].
    ///
    /// # Errors
    /// When the code is none, is over or was used before, or GitHub cannot be asked.
    pub async fn redeem(&self, code: &str, outbound: Outbound) -> Result<Registered, StartError> {
        let is_code = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if code.is_empty() || !code.bytes().all(is_code) {
            return Err(refuse(
                "--code is what follows `code=` in the address that GitHub sent the browser to",
            ));
        }
        let api = self.api_url();
        let unusual = |what: String| refuse(&format!("{api} gave no key for the code: {what}"));
        let request = Request::post(format!("{api}/app-manifests/{code}/conversions"))
            .header(ACCEPT, "application/vnd.github+json")
            .header(USER_AGENT, "landfall")
            .header("x-github-api-version", "2022-11-28")
            .header(CONTENT_LENGTH, 0)
            .body(body::empty())
            .map_err(|error| unusual(error.to_string()))?;
        let output = Output::inherited();
        let mut hooks = Hooks { outbound, output };
        let done = Box::new(std::future::ready(Ok(())));
        let sending = hooks.send_request(request, None, done);
        let (response, _) = Box::into_pin(sending)
            .await
            .map_err(|error| unusual(error.to_string()))?;
        let (head, answer) = response.into_parts();
        match head.status {
            StatusCode::CREATED => {}
            StatusCode::NOT_FOUND => {
                return Err(refuse(
                    "GitHub does not know the code: it is good for an hour and once; open the page again, or make a key on the \
                     App's page",
                ));
            }
            status => return Err(unusual(format!("it answered {status}"))),
        }
        let answer = Limited::new(answer, LARGEST_ANSWER)
            .collect()
            .await
            .map_err(|error| unusual(error.to_string()))?;
        // Not the error itself, which may quote the key.
        serde_json::from_slice(&answer.to_bytes())
            .map_err(|_| unusual("its answer has no `id`, `html_url` and `pem`".to_owned()))
    }

    /// Variables that reach [`Self::api_url`].
    ///
    /// # Errors
    /// None that a checked registration leads to.
    pub fn api_variables(&self) -> Result<Variables, StartError> {
        Variables::new([("github_api_url", self.api_url())])
    }

    /// What `landfall serve --variables-file` takes: all that is known now. It holds secrets.
    #[must_use]
    pub fn variables_file(&self, app: &Registered) -> String {
        let mut text = format!(
            "# Variables for `landfall serve --variables-file`. Keep this file to yourself: it holds the App's private key.\n\
             allowed_owners = [{}]\nbase_url = {}\n\n\
             # Who may read: the second line that `landfall token new --name ci` prints goes here; the first is the token.\n\
             tokens = [\n]\n\n",
            quote(&self.owner),
            quote(&self.base_url),
        );
        if self.api_url() != "https://api.github.com" {
            let _ = writeln!(text, "github_api_url = {}", quote(&self.api_url()));
        }
        let _ = writeln!(
            text,
            "github_app_id = \"{}\"\ngithub_private_key = {}",
            app.id,
            quote(&app.pem)
        );
        if let (true, Some(secret)) = (self.webhook, &app.webhook_secret) {
            let _ = writeln!(text, "webhook_secret = {}", quote(secret));
        }
        text
    }

    fn hook(&self) -> String {
        format!("{}/webhooks/github", self.base_url)
    }
}

impl Registered {
    /// Where the App is installed.
    #[must_use]
    pub fn installation_page(&self) -> String {
        format!("{}/installations/new", self.html_url)
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

/// TOML's own writing of a text, over several lines where it has several.
fn quote(text: &str) -> String {
    if text.contains('\n') && !text.contains("'''") && !text.contains('\r') {
        return format!("'''\n{text}'''");
    }
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    const ACME: Wanted = Wanted {
        base_url: "https://modules.example.com/",
        owner: "acme",
        is_personal: false,
        name: None,
        github_url: None,
        webhook: true,
    };

    fn registration(wanted: Wanted) -> Registration {
        Registration::new(wanted).unwrap()
    }

    #[test]
    fn the_manifest_asks_for_two_permissions_and_five_events() {
        assert_eq!(
            registration(ACME).manifest(),
            r#"{
  "name": "landfall-acme",
  "url": "https://modules.example.com",
  "hook_attributes": {
    "url": "https://modules.example.com/webhooks/github",
    "active": true
  },
  "redirect_url": "https://modules.example.com",
  "description": "Landfall: a private registry of Terraform modules",
  "public": false,
  "default_events": [
    "create",
    "delete",
    "push",
    "release",
    "repository"
  ],
  "default_permissions": {
    "contents": "read",
    "metadata": "read"
  }
}"#
        );
        let quiet = Wanted {
            webhook: false,
            name: Some("Modules \"& more\""),
            ..ACME
        };
        let manifest = registration(quiet).manifest();
        assert!(
            manifest.contains(r#""name": "Modules \"& more\"""#),
            "{manifest}"
        );
        assert!(manifest.contains(r#""active": false"#), "{manifest}");
        assert!(manifest.contains(r#""default_events": []"#), "{manifest}");
        let local = Wanted {
            base_url: "http://127.0.0.1:3000",
            ..quiet
        };
        let manifest = registration(local).manifest();
        assert!(!manifest.contains("hook_attributes"), "{manifest}");
        assert!(
            manifest.contains(r#""redirect_url": "http://127.0.0.1:3000""#),
            "{manifest}"
        );
    }

    #[test]
    fn the_link_fills_the_form_of_every_github() {
        let tail = "&description=Landfall%3A+a+private+registry+of+Terraform+modules\
                    &url=https%3A%2F%2Fmodules.example.com&public=false&contents=read&metadata=read";
        let hook = "&webhook_active=true&webhook_url=https%3A%2F%2Fmodules.example.com%2Fwebhooks%2Fgithub\
                    &events%5B%5D=create&events%5B%5D=delete&events%5B%5D=push&events%5B%5D=release&events%5B%5D=repository";
        let quiet = Wanted {
            webhook: false,
            ..ACME
        };
        for (wanted, form, name, hook, api) in [
            (
                ACME,
                "https://github.com/organizations/acme/settings/apps/new",
                "landfall-acme",
                hook,
                "https://api.github.com",
            ),
            (
                Wanted {
                    owner: "octocat",
                    is_personal: true,
                    name: Some("R&D modules + more="),
                    ..quiet
                },
                "https://github.com/settings/apps/new",
                "R%26D+modules+%2B+more%3D",
                "&webhook_active=false",
                "https://api.github.com",
            ),
            (
                Wanted {
                    github_url: Some("https://github.corp.example:8443/"),
                    ..quiet
                },
                "https://github.corp.example:8443/organizations/acme/settings/apps/new",
                "landfall-acme",
                "&webhook_active=false",
                "https://github.corp.example:8443/api/v3",
            ),
            (
                Wanted {
                    github_url: Some("https://acme.ghe.com"),
                    owner: "a-name-of-thirty-nine-characters-in-all",
                    ..quiet
                },
                "https://acme.ghe.com/organizations/a-name-of-thirty-nine-characters-in-all/settings/apps/new",
                "landfall-a-name-of-thirty-nine-cha",
                "&webhook_active=false",
                "https://api.acme.ghe.com",
            ),
        ] {
            let registration = registration(wanted);
            assert_eq!(
                registration.link(),
                format!("{form}?name={name}{tail}{hook}")
            );
            assert_eq!(registration.api_url(), api);
        }
    }

    #[test]
    fn the_page_sends_the_manifest_and_nothing_that_a_name_brings_in() {
        let name = Some("\"><script>alert('&')</script>");
        let registration = registration(Wanted { name, ..ACME });
        let page = registration.page();
        assert!(page.contains(
            r#"<form action="https://github.com/organizations/acme/settings/apps/new" method="post">"#
        ));
        assert!(!page.contains("<script"), "{page}");
        let value = page
            .split_once("value=\"")
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0;
        let sent = value
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        assert_eq!(sent, registration.manifest());
    }

    #[test]
    fn what_github_would_not_take_is_refused() {
        for (wanted, said) in [
            (
                Wanted {
                    base_url: "modules.example.com",
                    ..ACME
                },
                "--url is where clients",
            ),
            (
                Wanted {
                    base_url: "http://modules.example.com",
                    ..ACME
                },
                "--url is where clients",
            ),
            (
                Wanted {
                    base_url: "https://modules.example.com/?a=b",
                    ..ACME
                },
                "--url is where clients",
            ),
            (
                Wanted {
                    base_url: "https://me:secret@modules.example.com",
                    ..ACME
                },
                "--url is where clients",
            ),
            (
                Wanted {
                    base_url: "http://127.0.0.1:3000",
                    ..ACME
                },
                "cannot reach a loopback address",
            ),
            (Wanted { owner: "", ..ACME }, "--owner is the name"),
            (
                Wanted {
                    owner: "acme/vpc",
                    ..ACME
                },
                "--owner is the name",
            ),
            (
                Wanted {
                    owner: "acme?x=",
                    ..ACME
                },
                "--owner is the name",
            ),
            (
                Wanted {
                    name: Some(" "),
                    ..ACME
                },
                "--name has 1 to 34",
            ),
            (
                Wanted {
                    name: Some("a name of thirty-five characters..."),
                    ..ACME
                },
                "--name has 1 to 34",
            ),
            (
                Wanted {
                    github_url: Some("https://api.github.com"),
                    ..ACME
                },
                "not its API",
            ),
            (
                Wanted {
                    github_url: Some("https://github.corp.example/api/v3"),
                    ..ACME
                },
                "not its API",
            ),
        ] {
            let error = Registration::new(wanted).unwrap_err().to_string();
            assert!(error.contains(said), "{wanted:?}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    fn github(status: u16, answer: &'static str) -> Outbound {
        Outbound::hook(move |request| async move {
            assert_eq!(request.method(), "POST");
            assert_eq!(
                request.uri(),
                "https://api.github.com/app-manifests/a180b1a3-d_f/conversions"
            );
            assert_eq!(request.headers()["accept"], "application/vnd.github+json");
            let mut response = Response::new(body::full(answer));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            Ok(response)
        })
    }

    #[tokio::test]
    async fn a_code_becomes_a_variables_file() {
        let answer = r#"{"id": 1234, "slug": "landfall-acme", "html_url": "https://github.com/apps/landfall-acme",
            "client_id": "Iv23", "client_secret": "x", "webhook_secret": "e340154128314309424b7c8e90325147d99fdafa",
            "pem": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"}"#;
        let registration = registration(ACME);
        let app = registration
            .redeem("a180b1a3-d_f", github(201, answer))
            .await;
        let app = app.ok().unwrap();
        assert_eq!(
            app.installation_page(),
            "https://github.com/apps/landfall-acme/installations/new"
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), registration.variables_file(&app)).unwrap();
        let variables = Variables::collect(&[], [], Some(file.path())).unwrap();
        let pairs: Vec<(&str, &str)> = variables.iter().collect();
        assert_eq!(
            pairs,
            [
                ("allowed_owners", "acme"),
                ("base_url", "https://modules.example.com"),
                ("github_app_id", "1234"),
                (
                    "github_private_key",
                    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"
                ),
                ("tokens", ""),
                ("webhook_secret", "e340154128314309424b7c8e90325147d99fdafa"),
            ]
        );
    }

    #[tokio::test]
    async fn a_code_that_brings_nothing_says_why_and_no_secret() {
        let registration = registration(ACME);
        for (code, outbound, said) in [
            ("../../user", github(201, "{}"), "--code is what follows"),
            ("", github(201, "{}"), "--code is what follows"),
            (
                "a180b1a3-d_f",
                github(404, "{}"),
                "good for an hour and once",
            ),
            ("a180b1a3-d_f", github(502, "secret"), "502"),
            (
                "a180b1a3-d_f",
                github(201, r#"{"id": "secret"}"#),
                "has no `id`",
            ),
        ] {
            let error = registration
                .redeem(code, outbound)
                .await
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
