//! An App that GitHub has registered: its id and key, for the code that GitHub's redirect had.

use std::fmt::Write as _;

use http::header::{ACCEPT, CONTENT_LENGTH, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use wasmtime_wasi_http::WasiHttpHooks;

use super::{Registration, refuse};
use crate::outbound::Hooks;
use crate::{Outbound, Output, StartError, Variables, body};

/// What GitHub gives for a code: the App's id and key, and its webhook's secret. Has no `Debug`.
#[derive(Deserialize)]
pub struct Registered {
    id: u64,
    /// The App's page, where it is installed.
    html_url: String,
    pem: String,
    webhook_secret: Option<String>,
}

/// An answer to a code is about 6 KB.
const LARGEST_ANSWER: usize = 256 * 1024;

impl Registration {
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
}

impl Registered {
    /// Where the App is installed.
    #[must_use]
    pub fn installation_page(&self) -> String {
        format!("{}/installations/new", self.html_url)
    }
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
    use crate::Wanted;

    fn acme() -> Registration {
        let wanted = Wanted {
            base_url: "https://modules.example.com",
            owner: "acme",
            webhook: true,
            ..Wanted::default()
        };
        Registration::new(wanted).unwrap()
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
        let registration = acme();
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
        let registration = acme();
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
