//! The knobs: what a test may turn while the stand-in runs.

use serde::{Deserialize, Serialize};

use crate::oidc_key::OidcAlgorithm;

/// What a test may turn while the stand-in runs. The defaults are what GitHub documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// The stand-in's clock runs ahead of the machine's by so much (behind, when negative). Seen in the `Date` header, in the
    /// verdict on JSON Web Tokens, and in everything that expires. Default 0.
    pub clock_offset_seconds: i64,
    /// The life of installation tokens minted from now on. Default 3,600.
    pub token_lifetime_seconds: i64,
    /// The first so many uses of a token minted from now on are answered 401, as GitHub does for some seconds until a token
    /// has reached every replica. Default 0.
    pub token_lag_uses: u32,
    /// Mint the 40 characters of before 2026, not the some 520 of `ghs_<App id>_<JSON Web Token>`. Default no.
    pub short_tokens: bool,
    /// How the tokens of a suspended installation are answered: 403, or 401 as if they were unknown. Default 403.
    pub suspended_status: u16,
    /// The life of the token in an archive's redirect. Default 300, as documented.
    pub archive_token_lifetime_seconds: i64,
    /// How `ETag`s are made. Default by GitHub's rule.
    pub etags: Etags,
    /// How node ids of refs, tags and repositories are made. Default as GitHub makes them today.
    pub node_ids: NodeIds,
    /// Billed calls in one window of an installation or a personal token. Default 5,000.
    pub rate_limit: u64,
    /// Billed calls in one window of everyone who sends no credential. Default 60.
    pub anonymous_rate_limit: u64,
    /// How long a window is; it starts with its first call. Default 3,600.
    pub rate_window_seconds: i64,
    /// The status of a call beyond the limit, 403 or 429: GitHub documents both. Default 403.
    pub rate_exceeded_status: u16,
    /// With more API requests than this under way at once, the one too many gets a secondary limit's 429 (GitHub: 100).
    /// Default no bound.
    pub max_concurrent: Option<u32>,
    /// A caller who spends more points in a minute (1 for a GET, 5 for a POST) gets a secondary limit's 403 with `retry-after`.
    /// GitHub counts 900 for each endpoint, the stand-in for all together. Default no bound.
    pub points_per_minute: Option<u32>,
    /// What follows the API's base in the OIDC issuer, as enterprises have it: `acme-corp`. Discovery and keys are found below
    /// it then, and there alone. Default nothing.
    pub oidc_issuer_suffix: String,
    /// How ID tokens are signed. Another algorithm brings another key, as a rotation does. Default RS256.
    pub oidc_algorithm: OidcAlgorithm,
    /// Whether the key of before the last rotation is still published. Default yes.
    pub oidc_keep_former_key: bool,
    /// Whether the key of after the next rotation is published already. Default no.
    pub oidc_publish_next_key: bool,
}

/// How `ETag`s are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Etags {
    /// By the rule that GitHub was seen to follow: SHA-256 over the request headers that `Vary` names, and the body.
    #[default]
    Rule,
    /// Over the same, with a secret: one that was sent still matches, but none can be foretold.
    Opaque,
    /// A new one each time, which never matches.
    Random,
    /// No `ETag` at all.
    None,
}

/// How node ids are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeIds {
    /// A prefix and base64url of `MessagePack`, with the repository's id inside.
    #[default]
    Current,
    /// Base64 of a text, with the repository's id inside.
    Legacy,
    /// A digest that says nothing.
    Opaque,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            clock_offset_seconds: 0,
            token_lifetime_seconds: 3_600,
            token_lag_uses: 0,
            short_tokens: false,
            suspended_status: 403,
            archive_token_lifetime_seconds: 300,
            etags: Etags::default(),
            node_ids: NodeIds::default(),
            rate_limit: 5_000,
            anonymous_rate_limit: 60,
            rate_window_seconds: 3_600,
            rate_exceeded_status: 403,
            max_concurrent: None,
            points_per_minute: None,
            oidc_issuer_suffix: String::new(),
            oidc_algorithm: OidcAlgorithm::default(),
            oidc_keep_former_key: true,
            oidc_publish_next_key: false,
        }
    }
}
