//! No secret comes out: not in a response, not in the log, not in the store. Every request of every scenario is looked at.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::scenario::{Ask, Got, Scenario};

/// Looks for every secret of a scenario in what came of a request, and in all that is stored.
pub fn check(
    scenario: &Scenario,
    ask: &Ask,
    got: &Got,
    stored: impl IntoIterator<Item = (String, Vec<u8>)>,
) {
    let configured = configured(scenario);
    let presented = presented(ask);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut places = Vec::new();
    for (name, value) in &got.headers {
        places.push(("a header", format!("{name}: {value}")));
    }
    for line in &got.log {
        places.push(("the log", line.clone()));
    }
    places.push(("the body", text(&got.body)));
    for (key, value) in stored {
        places.push(("the store", format!("{key} {}", text(&value))));
    }
    // It is what was asked for.
    let is_exchange = ask.target.ends_with("/v1/token") && got.status == 200;
    for (place, content) in &places {
        for secret in configured.iter().chain(&presented) {
            assert!(
                !content.contains(secret.as_str()),
                "{}: {secret:?} is in {place}: {content}",
                scenario.name
            );
        }
        for start in ALWAYS {
            let is_asked_for = start == "lfr_" && is_exchange && *place == "the body";
            assert!(
                is_asked_for || !has(content, start),
                "{}: `{start}` is in {place}: {content}",
                scenario.name
            );
        }
    }
    for ticket in tickets(ask, got) {
        for (place, content) in places.iter().filter(|(place, _)| !place.starts_with("a ")) {
            let is_asked_for = *place == "the body" && got.status == 200;
            assert!(
                is_asked_for || !content.contains(&ticket),
                "{}: a ticket is in {place}: {content}",
                scenario.name
            );
        }
    }
}

/// Whether a secret that begins like this is in it: what is encrypted has any four letters now and then.
fn has(content: &str, start: &str) -> bool {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let mut rests = content.match_indices(start).map(|(at, _)| &content[at..]);
    rests.any(|rest| rest.chars().take_while(is_part).count() >= start.len() + 6)
}

/// What the operator has set. Of the private key, each line of its base64.
fn configured(scenario: &Scenario) -> Vec<String> {
    let mut secrets = Vec::new();
    for (name, value) in &scenario.variables {
        match *name {
            "github_private_key" => {
                secrets.extend(value.lines().map(str::to_owned));
            }
            "github_token" | "webhook_secret" | "url_signing_key" | "url_signing_key_previous" => {
                secrets.push(value.clone());
            }
            "tokens" => {
                let words = value.split([' ', ';', '\n']);
                secrets.extend(
                    words
                        .filter_map(|it| it.strip_prefix("sha256:"))
                        .map(str::to_owned),
                );
            }
            _ => {}
        }
    }
    secrets.retain(|secret| secret.len() >= 8 && !secret.starts_with("-----"));
    secrets
}

/// What the client has sent in `Authorization`.
fn presented(ask: &Ask) -> Vec<String> {
    let mut secrets = Vec::new();
    for (_, value) in ask
        .headers
        .iter()
        .filter(|(name, _)| *name == "authorization")
    {
        let token = value.split_once(' ').map_or(value.as_str(), |it| it.1);
        secrets.push(token.to_owned());
        if let Ok(Ok(text)) = BASE64_STANDARD.decode(token).map(String::from_utf8) {
            secrets.extend(text.split_once(':').map(|it| it.1.to_owned()));
        }
    }
    secrets.retain(|secret| secret.len() >= 8);
    secrets
}

/// What proves an archive's URL: of the one that was asked for, and of the one that was given.
fn tickets(ask: &Ask, got: &Got) -> Vec<String> {
    let location = got
        .headers
        .iter()
        .find(|(name, _)| name == "x-terraform-get");
    let urls = [Some(ask.target.as_str()), location.map(|it| it.1.as_str())];
    let mut tickets = Vec::new();
    for url in urls.into_iter().flatten() {
        let (_, last) = url.rsplit_once('/').unwrap_or_default();
        tickets.extend(last.strip_suffix(".zip").map(str::to_owned));
    }
    // An object's id is no secret.
    tickets.retain(|ticket| ticket.len() > 64);
    tickets
}

/// What scenarios call a secret, GitHub's tokens, the tokens in archive URLs, the operator's tokens, registry tokens, and the beginning of
/// every JSON Web Token.
const ALWAYS: [&str; 6] = ["MARKER", "ghs_", "token=SECRET", "lft_", "lfr_", "eyJ"];
