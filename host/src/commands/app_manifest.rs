//! `landfall app-manifest`: a GitHub App with the permissions that Landfall needs, and no others.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use landfall_host::{Outbound, Registration, StartError, Wanted};

/// Register a GitHub App for Landfall.
///
/// Prints the App's manifest, and how to register it: with a link that fills GitHub's form, or, with --html, by a page whose button
/// sends the manifest; then GitHub makes the key itself, and `--code` fetches it. The App may read contents and metadata, and is
/// private. Nothing is sent to anyone, but the code to GitHub.
#[derive(Args)]
#[command(after_help = "\
Examples:
  landfall app-manifest --url https://modules.example.com --owner acme
  landfall app-manifest --url https://modules.example.com --owner acme --webhook --html app.html
  landfall app-manifest --url https://modules.example.com --owner acme --webhook --code CODE --out landfall.toml")]
pub(crate) struct AppManifest {
    /// Where clients reach Landfall; `base_url` in the configuration.
    #[arg(long, value_name = "URL")]
    url: String,

    /// The organisation, or with --personal the person, whose App it is to be.
    #[arg(long, value_name = "NAME")]
    owner: String,

    /// The owner is a person, not an organisation.
    #[arg(long)]
    personal: bool,

    /// What the App is called; no two Apps of a GitHub have the same name [default: landfall-OWNER].
    #[arg(long)]
    name: Option<String>,

    /// GitHub Enterprise Server or ghe.com, where people look at it: `https://github.example.com`.
    #[arg(long, value_name = "URL")]
    github_url: Option<String>,

    /// Have GitHub tell of new tags at once, at URL/webhooks/github, which it has to reach.
    #[arg(long)]
    webhook: bool,

    /// Write the page that sends the manifest to FILE, which must not exist, and open that in a browser.
    #[arg(long, value_name = "FILE", conflicts_with = "code")]
    html: Option<PathBuf>,

    /// The code that GitHub gave after the page: what follows `code=` in the browser's address. Good for an hour, and once.
    #[arg(long, requires = "out")]
    code: Option<String>,

    /// With --code: write the variables, with the App's key, to FILE, which must not exist; only you can read it.
    #[arg(long, value_name = "FILE", requires = "code")]
    out: Option<PathBuf>,
}

impl AppManifest {
    pub(crate) fn run(self) -> Result<(), StartError> {
        let registration = Registration::new(Wanted {
            base_url: &self.url,
            owner: &self.owner,
            is_personal: self.personal,
            name: self.name.as_deref(),
            github_url: self.github_url.as_deref(),
            webhook: self.webhook,
        })?;
        match (&self.code, &self.out, &self.html) {
            (Some(code), Some(out), _) => redeem(&registration, code, out),
            (_, _, Some(html)) => self.write_page(&registration, html),
            _ => self.explain(&registration),
        }
    }

    /// The manifest for programs, the link for people.
    fn explain(&self, registration: &Registration) -> Result<(), StartError> {
        print(&registration.manifest())?;
        let secret = "Under Webhook, set a secret of your own (`openssl rand -hex 32`); it is `webhook_secret`.";
        let install = format!(
            "Under \"Install App\", install it for `{}`, on the repositories that are modules.",
            self.owner
        );
        let steps = [
            self.webhook.then_some(secret),
            Some(
                "Press \"Create GitHub App\"; \"App ID\" on the page that follows is `github_app_id`.",
            ),
            Some("Generate a private key there: the content of the file is `github_private_key`."),
            Some(&install),
        ];
        let steps: Vec<String> = steps
            .into_iter()
            .flatten()
            .zip(2..)
            .map(|(step, number)| format!("{number}. {step}"))
            .collect();
        say(&format!(
            "\nTo register this App:\n1. Open the link, which fills GitHub's form, and look at what it says:\n\n   {}\n\n{}",
            registration.link(),
            steps.join("\n"),
        ))
    }

    fn write_page(&self, registration: &Registration, html: &Path) -> Result<(), StartError> {
        let shown = html.display();
        std::fs::File::create_new(html)
            .and_then(|mut file| file.write_all(registration.page().as_bytes()))
            .map_err(|error| {
                StartError::Data(format!(
                    "can't make {shown}: {error}; --html takes a file that does not exist yet"
                ))
            })?;
        say(&format!(
            "Open {shown} in a browser that is signed in to GitHub, and press its button. GitHub then sends the browser to\n\
             {}?code=CODE, whether or not anything answers there. Within an hour, run the same command with\n\
             `--code CODE --out landfall.toml` in place of `--html {shown}`.",
            self.url,
        ))
    }
}

fn redeem(registration: &Registration, code: &str, out: &Path) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::Engine(format!("can't start its threads: {error}")))?;
    let outbound = Outbound::network(&registration.api_variables()?)?;
    // Before the code is used up, and after all else that may fail.
    let mut file = create(out).map_err(|error| {
        StartError::Data(format!(
            "can't make {}: {error}; --out takes a file that does not exist yet",
            out.display()
        ))
    })?;
    let registered = match runtime.block_on(registration.redeem(code, outbound)) {
        Ok(registered) => registered,
        Err(error) => {
            // Empty, and ours.
            let _ = std::fs::remove_file(out);
            return Err(error);
        }
    };
    file.write_all(registration.variables_file(&registered).as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| {
            // Half of a key is none.
            let _ = std::fs::remove_file(out);
            StartError::Data(format!(
                "can't write {}: {error}; the App is registered, and its code is used up: generate a key on the App's \
                 settings page",
                out.display()
            ))
        })?;
    let out = out.display();
    let page = registered.installation_page();
    say(&format!(
        "{out} has the App's id and key. Install the App on the repositories that are modules:\n\n  {page}\n\n\
         and put an entry of `landfall token new` into `tokens` in {out}."
    ))
}

/// A file that only its owner can read.
fn create(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn print(text: &str) -> Result<(), StartError> {
    writeln!(std::io::stdout(), "{text}")
        .map_err(|error| StartError::Engine(format!("can't write to stdout: {error}")))
}

/// On stderr: stdout is the manifest's alone.
fn say(text: &str) -> Result<(), StartError> {
    writeln!(std::io::stderr(), "{text}")
        .map_err(|error| StartError::Engine(format!("can't write to stderr: {error}")))
}
