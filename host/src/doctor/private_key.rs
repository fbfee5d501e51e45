//! The App's private key: what else people put in its place, each told apart.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use landfall::config::{Config, Credential};
use landfall::github::inspect::key_bits;

use super::report::Report;
use crate::native::Native;
use crate::{BodyError, Outbound, Variables};

const CHECK: &str = "private key";

/// Whether nothing stands against it: it is one, or none is needed.
pub(super) fn check(variables: &Variables, report: &mut Report) -> bool {
    let text = variables
        .get("github_private_key")
        .unwrap_or_default()
        .trim();
    if text.is_empty() {
        return true;
    }
    match read(text) {
        Ok((bits, form)) => {
            let finding = format!("RSA {bits}, {form}");
            if bits < SMALLEST {
                report.warning(
                    CHECK,
                    "",
                    &finding,
                    "generate a new one on the App's settings page: GitHub makes 2048 bits",
                );
            } else {
                report.ok(CHECK, "", &finding);
            }
            true
        }
        Err(flaw) => {
            report.wrong(CHECK, "", flaw.finding(), &flaw.mend());
            false
        }
    }
}

/// What is no RSA private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    FileName,
    NoPem,
    PublicKey,
    OpenSsh,
    Encrypted,
    OtherAlgorithm,
    Certificate,
    OtherPem,
    Truncated,
    WrongLabel,
    Damaged,
}

impl Flaw {
    fn finding(self) -> &'static str {
        match self {
            Self::FileName => "it is a file's name",
            Self::NoPem => "it is no PEM: no line has `-----BEGIN RSA PRIVATE KEY-----`",
            Self::PublicKey => "it is a public key",
            Self::OpenSsh => "it is an OpenSSH key",
            Self::Encrypted => "it is encrypted with a passphrase",
            Self::OtherAlgorithm => "it is a key of another kind than RSA",
            Self::Certificate => "it is a certificate",
            Self::OtherPem => "it is a PEM of something else",
            Self::Truncated => "it is cut off, or a part of it is missing",
            Self::WrongLabel => "its first and last line do not say what is between them",
            Self::Damaged => "it is damaged: what is in it is no RSA key",
        }
    }

    fn mend(self) -> String {
        let what = match self {
            Self::FileName => {
                "set `github_private_key` to what is in that file, from `-----BEGIN` to the end, e.g. between \"\"\" in \
                 the variables file"
            }
            Self::Truncated | Self::Damaged => {
                "copy all of the `.pem` file again, from `-----BEGIN` to the last `-----`, or set \
                 `github_private_key` to what `base64 -w0 app.pem` prints"
            }
            Self::Encrypted => {
                "set `github_private_key` to what `openssl rsa -in app.pem -traditional` prints, which asks for the passphrase"
            }
            Self::WrongLabel => {
                "use the `.pem` file as GitHub gave it, or write `RSA PRIVATE KEY` for PKCS#1 and `PRIVATE KEY` for \
                 PKCS#8 into its first and last line"
            }
            Self::PublicKey => {
                "set `github_private_key` to the private key, the `.pem` file that GitHub gave when the key was \
                 generated; where it is lost, generate another one on the App's settings page"
            }
            Self::NoPem
            | Self::OpenSsh
            | Self::OtherAlgorithm
            | Self::Certificate
            | Self::OtherPem => {
                "set `github_private_key` to the content of the `.pem` file that GitHub gave for the App; \
                 `Generate a private key` on the App's settings page makes another one"
            }
        };
        what.to_owned()
    }
}

/// The key's size and form, as the component reads it.
fn read(text: &str) -> Result<(usize, &'static str), Flaw> {
    let Some(pem) = as_the_component(text) else {
        return Err(flaw(text));
    };
    let bits = key_bits(&pem).ok_or_else(|| flaw(&pem))?;
    let is_pkcs1 = pem.contains("BEGIN RSA PRIVATE KEY");
    Ok((bits, if is_pkcs1 { "PKCS#1" } else { "PKCS#8" }))
}

/// The PEM as the component lays it out, if it takes it for one.
fn as_the_component(text: &str) -> Option<String> {
    let variables = Variables::new([
        ("github_app_id", "1"),
        ("github_private_key", text),
        ("allowed_owners", "github"),
        ("anonymous_read", "true"),
    ]);
    let variables = variables.ok()?;
    let nowhere = Outbound::hook(|_| async { Err(BodyError::HttpRequestDenied) });
    match Config::load(&Native::new(&variables, nowhere))
        .ok()?
        .credential
    {
        Credential::App { private_key, .. } => Some(private_key.expose().to_owned()),
        Credential::Token(_) | Credential::Anonymous => None,
    }
}

/// What it is instead.
fn flaw(text: &str) -> Flaw {
    let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let decoded = BASE64_STANDARD.decode(packed).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.filter(|it| it.contains(BEGIN));
    let text = decoded.as_deref().unwrap_or(text);
    let Some((label, rest)) = text
        .split_once(BEGIN)
        .and_then(|it| it.1.split_once("-----"))
    else {
        let is_name = text.len() < 256 && !text.contains(char::is_whitespace);
        let is_name = is_name
            && (text.to_ascii_lowercase().ends_with(".pem") || text.starts_with(['/', '.', '~']));
        let is_ssh = text.starts_with("ssh-") || text.starts_with("ecdsa-");
        return match (is_name, is_ssh) {
            (_, true) => Flaw::PublicKey,
            (true, false) => Flaw::FileName,
            (false, false) => Flaw::NoPem,
        };
    };
    match label {
        "OPENSSH PRIVATE KEY" => Flaw::OpenSsh,
        "ENCRYPTED PRIVATE KEY" => Flaw::Encrypted,
        "EC PRIVATE KEY" | "DSA PRIVATE KEY" => Flaw::OtherAlgorithm,
        label if label.ends_with("PUBLIC KEY") => Flaw::PublicKey,
        label if label.ends_with("CERTIFICATE") => Flaw::Certificate,
        "RSA PRIVATE KEY" if rest.contains("ENCRYPTED") => Flaw::Encrypted,
        "RSA PRIVATE KEY" | "PRIVATE KEY" => content(label, rest),
        _ => Flaw::OtherPem,
    }
}

/// What is wrong with the content of a PEM of the right label.
fn content(label: &str, rest: &str) -> Flaw {
    let Some((body, end)) = rest.split_once("-----END ") else {
        return Flaw::Truncated;
    };
    let body = body.replace("\\r", "").replace("\\n", "").replace('\\', "");
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let Ok(der) = BASE64_STANDARD.decode(body) else {
        return Flaw::Truncated;
    };
    let [0x30, 0x82, high, low, content @ ..] = der.as_slice() else {
        // A shorter sequence is a key of another kind, e.g. of an elliptic curve.
        return if der.first() == Some(&0x30) {
            Flaw::OtherAlgorithm
        } else {
            Flaw::Damaged
        };
    };
    if usize::from(u16::from_be_bytes([*high, *low])) != content.len() {
        return Flaw::Truncated;
    }
    // After the version, PKCS#1 has the modulus and PKCS#8 says the algorithm.
    let is_right = match content {
        [2, 1, _, 0x02, ..] => label == "RSA PRIVATE KEY",
        [2, 1, _, 0x30, ..] => label == "PRIVATE KEY",
        _ => return Flaw::Damaged,
    };
    let ends_well = end.starts_with(&format!("{label}-----"));
    if is_right && ends_well {
        Flaw::Damaged
    } else {
        Flaw::WrongLabel
    }
}

/// Smaller ones are not what GitHub gives.
const SMALLEST: usize = 2048;
const BEGIN: &str = "-----BEGIN ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_private_key_is_told_apart() {
        let key = include_str!("../../../stand-in/test-only-app-key.pem").trim();
        let lines: Vec<&str> = key.lines().collect();
        let without = |from: usize, to: usize| {
            let kept = lines
                .iter()
                .enumerate()
                .filter(|(at, _)| !(from..to).contains(at));
            kept.map(|(_, line)| *line).collect::<Vec<_>>().join("\n")
        };
        let damaged = key.replacen(lines[10], &"A".repeat(lines[10].len()), 1);
        let encrypted = key.replacen(
            '\n',
            "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n",
            1,
        );
        let pem = |label: &str| {
            format!("-----BEGIN {label}-----\nMCowBQYDK2VwAyEA\n-----END {label}-----")
        };
        for (text, flaw) in [
            ("/etc/landfall/app.pem".to_owned(), Flaw::FileName),
            ("app.private-key.PEM".to_owned(), Flaw::FileName),
            ("~/app".to_owned(), Flaw::FileName),
            ("changeme".to_owned(), Flaw::NoPem),
            (lines[1..5].concat(), Flaw::NoPem),
            (
                "ssh-rsa AAAAB3NzaC1yc2E me@host".to_owned(),
                Flaw::PublicKey,
            ),
            (pem("PUBLIC KEY"), Flaw::PublicKey),
            (pem("RSA PUBLIC KEY"), Flaw::PublicKey),
            (BASE64_STANDARD.encode(pem("PUBLIC KEY")), Flaw::PublicKey),
            (pem("OPENSSH PRIVATE KEY"), Flaw::OpenSsh),
            (pem("ENCRYPTED PRIVATE KEY"), Flaw::Encrypted),
            (encrypted, Flaw::Encrypted),
            (pem("EC PRIVATE KEY"), Flaw::OtherAlgorithm),
            (pem("PRIVATE KEY"), Flaw::OtherAlgorithm),
            (pem("CERTIFICATE"), Flaw::Certificate),
            (pem("PGP MESSAGE"), Flaw::OtherPem),
            (without(5, 9), Flaw::Truncated),
            (without(20, 99), Flaw::Truncated),
            (key[..900].to_owned(), Flaw::Truncated),
            (
                key.replace("RSA PRIVATE KEY", "PRIVATE KEY"),
                Flaw::WrongLabel,
            ),
            (
                key.replacen("BEGIN RSA PRIVATE", "BEGIN PRIVATE", 1),
                Flaw::WrongLabel,
            ),
            (damaged, Flaw::Damaged),
        ] {
            assert_eq!(read(&text).unwrap_err(), flaw, "{text}");
        }
        assert_eq!(read(key), Ok((2048, "PKCS#1")));
        assert_eq!(read(&key.replace('\n', "\\n")), Ok((2048, "PKCS#1")));
        assert_eq!(read(&BASE64_STANDARD.encode(key)), Ok((2048, "PKCS#1")));
    }
}
