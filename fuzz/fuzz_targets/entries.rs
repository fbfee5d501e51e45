//! No text breaks the reading of `tokens` and `oidc_rules`; what is wrong is said without a word of it; and what is read is
//! what stands there.

#![no_main]

use landfall::auth::entries::entries;
use landfall::auth::oidc::{GITHUB_ACTIONS, Rule};
use landfall::auth::tokens::Token;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(entries) = entries(text) {
        assert!(entries.iter().flatten().all(|word| !word.is_empty()));
    }
    match Token::parse(text) {
        Ok(tokens) => {
            assert!(Token::find(&tokens, "").is_none(), "nothing at all is a token");
            for token in &tokens {
                assert!(text.contains(&token.name));
            }
        }
        Err(problems) => assert!(!problems.is_empty() && is_quiet(&problems)),
    }
    let issuers = [GITHUB_ACTIONS.to_owned()];
    if let Err(problems) = Rule::parse(text, &issuers, "a") {
        assert!(!problems.is_empty() && is_quiet(&problems));
    }
});

/// Whether the problems are the same sentences whatever the text was, but for numbers.
fn is_quiet(problems: &[String]) -> bool {
    problems.iter().all(|it| it.len() < 300 && it.starts_with("has "))
}
