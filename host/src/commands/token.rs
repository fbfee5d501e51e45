//! `landfall token new`: a token, and the entry of `tokens` that lets its holder read.

use std::io::Write;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use landfall::auth::tokens::Token;
use landfall_host::StartError;
use sha2::{Digest as _, Sha256};

/// Make tokens for the variable `tokens`.
#[derive(Args)]
pub(crate) struct Tokens {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Subcommand)]
enum TokenCommand {
    New(New),
}

/// Make a token.
///
/// Prints two lines: the token, which is for whoever reads modules and is shown this once, and its entry for the variable
/// `tokens`, which has only the token's SHA-256.
#[derive(Args)]
#[command(after_help = "\
The holder sets the token for Terraform or OpenTofu, with the registry's host name in place of modules.example.com:
  export TF_TOKEN_modules_example_com=lft_...
The operator adds the entry to `tokens`, one a line or separated by `;`, and takes it out to revoke the token.")]
struct New {
    /// What the log calls the token's holder: letters, digits, `.`, `-` and `_`.
    #[arg(long)]
    name: String,

    /// Only modules of these GitHub owners, separated by commas [default: all that are served].
    #[arg(long, value_name = "OWNERS")]
    owners: Option<String>,

    /// Only these modules, separated by commas: `acme/vpc/*,acme/*/aws`.
    #[arg(long, value_name = "MODULES")]
    modules: Option<String>,

    /// Refuse the token from this day on (UTC), or from this time on (RFC 3339).
    #[arg(long, value_name = "2027-01-01")]
    expires: Option<String>,
}

impl Tokens {
    pub(crate) fn run(self) -> Result<(), StartError> {
        let TokenCommand::New(new) = self.command;
        let mut random = [0; 32];
        getrandom::fill(&mut random)
            .map_err(|error| StartError::Engine(format!("no random numbers: {error}")))?;
        let token = format!("lft_{}", BASE64_URL_SAFE_NO_PAD.encode(random));
        let entry = new.entry(&token)?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{token}\n{entry}")
            .map_err(|error| StartError::Engine(format!("can't write the token: {error}")))
    }
}

impl New {
    /// The entry of `token`, as the component reads it.
    fn entry(&self, token: &str) -> Result<String, StartError> {
        let parts = [
            ("owners", &self.owners),
            ("modules", &self.modules),
            ("expires", &self.expires),
        ];
        let mut words = vec![
            self.name.clone(),
            format!("sha256:{:x}", Sha256::digest(token)),
        ];
        for (name, value) in parts {
            words.extend(value.as_ref().map(|value| format!("{name}={value}")));
        }
        let entry = words.join(" ");
        // What makes it another entry than was meant: a blank, a quote, a semicolon.
        let values = [Some(&self.name)]
            .into_iter()
            .chain(parts.map(|it| it.1.as_ref()));
        let is_word = |value: &String| {
            !value.is_empty() && !value.contains([' ', '\t', '\n', '"', ';', '#', '\\'])
        };
        if !values.flatten().all(is_word) {
            return Err(StartError::Variables(
                "--name, --owners, --modules and --expires are words: not empty, several separated by commas, without blanks"
                    .to_owned(),
            ));
        }
        let parsed = Token::parse(&entry).map_err(|problems| {
            StartError::Variables(format!(
                "as an entry of `tokens`, this {}",
                problems.join("; ")
            ))
        })?;
        if parsed
            .iter()
            .any(|token| token.is_expired(SystemTime::now()))
        {
            return Err(StartError::Variables(
                "--expires is over already: the token would never be accepted".to_owned(),
            ));
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, owners: Option<&str>, modules: Option<&str>, expires: Option<&str>) -> New {
        New {
            name: name.to_owned(),
            owners: owners.map(str::to_owned),
            modules: modules.map(str::to_owned),
            expires: expires.map(str::to_owned),
        }
    }

    #[test]
    fn an_entry_finds_its_token_and_no_other() {
        let new = new(
            "ci",
            Some("acme,labs"),
            Some("acme/vpc/*"),
            Some("2127-01-01"),
        );
        let entry = new.entry("lft_x").unwrap();
        assert!(
            entry.ends_with(" owners=acme,labs modules=acme/vpc/* expires=2127-01-01"),
            "{entry}"
        );
        let tokens = Token::parse(&entry).unwrap();
        assert_eq!(Token::find(&tokens, "lft_x").unwrap().name, "ci");
        assert!(Token::find(&tokens, "lft_y").is_none());
    }

    #[test]
    fn what_would_be_no_entry_is_refused() {
        for new in [
            new("", None, None, None),
            new("c i", None, None, None),
            new("ci;x", None, None, None),
            new("#ci", None, None, None),
            new("c/i", None, None, None),
            new("ci", Some("acme, labs"), None, None),
            new("ci", Some(""), None, None),
            new("ci", None, Some("acme/vpc"), None),
            new("ci", None, None, Some("soon")),
            new("ci", None, None, Some("2020-01-01")),
        ] {
            assert!(new.entry("lft_x").is_err(), "{}", new.name);
        }
    }
}
