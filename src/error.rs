//! Every way a request can fail, by who is to blame, and the one map from there to a status.
//!
//! Two texts for each: [`Error::public`] is what the client reads, [`Error`]'s `Display` is what the log reads.
//! Only the second may name what an operator alone should know.

use std::time::Duration;

use http::StatusCode;

use crate::archive::Refusal;
use crate::host::HostError;

/// Why a request is not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The client: nothing has this address, or the client may not know that something has.
    NotFound(NotFound),
    /// The client: the address is right, the method is not.
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: &'static str,
    },
    /// The client: the request cannot be understood. The text says what to mend.
    BadRequest(&'static str),
    /// The client: it has not proven who it is.
    Unauthorized(Denial),
    /// The client: an archive's URL whose time is over.
    UrlExpired,
    /// The client: a webhook that is not signed, or not with `webhook_secret`.
    Unsigned,
    /// The client: a body that is larger than any that is taken.
    TooLarge,
    /// The client: a path and query that are longer than any that is taken.
    TargetTooLong,
    /// The client: more headers than are taken.
    HeadersTooLarge,
    /// The operator: variables are missing or wrong. One sentence a problem, values never included.
    Misconfigured(Vec<String>),
    /// GitHub, or the operator's App: the credential or its permissions were refused (401, 403).
    Rejected(String),
    /// GitHub: a primary or secondary rate limit.
    Limited {
        /// What GitHub asks to wait; clients are never told more than ten seconds.
        retry_after: Duration,
    },
    /// GitHub: 5xx, or something that cannot be asked now.
    Unavailable(String),
    /// GitHub: no connection, or no answer in time.
    Unreachable(String),
    /// GitHub: an answer that is not what the API promises.
    Malformed(String),
    /// The issuer of an ID token: its keys cannot be had.
    IssuerUnavailable(String),
    /// The repository: its archive cannot be served as a module.
    Archive(Refusal),
    /// The repository: it is not what it was first seen to be.
    Integrity(Integrity),
    /// The client's connection ended in mid-answer.
    ClientGone,
}

/// Why someone is nobody who may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// No credential, or an empty one.
    Nothing,
    /// An `Authorization` that is neither `Bearer` nor `Basic`, or comes twice.
    Unreadable,
    /// No token of this registry's.
    Unknown,
    /// One whose time is over.
    Expired,
    /// A registry token of which each rule was changed or taken away.
    Revoked,
    /// An ID token that is not good here. The text says why, without a word of the token's.
    IdToken(&'static str),
    /// An ID token that no rule of `oidc_rules` holds for.
    NoRule,
}

/// What is not as it was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// The tag of a version points elsewhere, and `moved_tags` is `refuse`.
    Moved,
    /// Another repository has taken the name of the one that was there.
    Replaced,
}

/// What was not found. All are 404, and the client's text tells only what the client may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// No route has this path, or a name in it cannot exist.
    Path,
    /// The caller may not read this module.
    Scope,
    /// The URL of an archive is not as Landfall made it.
    Ticket,
    /// The namespace is not in `allowed_owners`.
    Owner,
    /// The App is not installed for an allowed owner.
    Installation,
    /// No repository of the configured names exists or is visible.
    Repository,
    /// The repository has no commit, or no tag that is a version.
    Versions,
    /// The repository has no tag for this version, or none that was seen to point at this object.
    Version,
    /// The version is yanked, or older than `minimum_version`.
    Yanked,
    /// The version is not known for as long as `hold_back` says.
    HeldBack,
    /// GitHub has no archive of the commit.
    Archive,
}

impl Error {
    /// The status that a client gets, decided here alone.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadRequest(_) | Self::ClientGone => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) | Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::UrlExpired => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Misconfigured(_)
            | Self::Limited { .. }
            | Self::Unavailable(_)
            | Self::Unreachable(_)
            | Self::IssuerUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Rejected(_) | Self::Malformed(_) | Self::Archive(_) => StatusCode::BAD_GATEWAY,
            // Terraform does not try it again, and shows the text.
            Self::Integrity(_) => StatusCode::CONFLICT,
        }
    }

    /// Whether it is GitHub that fails, for a while and for whatever it is asked: no reason to forget what it said before.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Limited { .. }
            | Self::Unavailable(_)
            | Self::Unreachable(_)
            | Self::Malformed(_) => true,
            Self::NotFound(_)
            | Self::MethodNotAllowed { .. }
            | Self::BadRequest(_)
            | Self::Unauthorized(_)
            | Self::UrlExpired
            | Self::Unsigned
            | Self::TooLarge
            | Self::TargetTooLong
            | Self::HeadersTooLarge
            | Self::Misconfigured(_)
            | Self::Rejected(_)
            | Self::IssuerUnavailable(_)
            | Self::Archive(_)
            | Self::Integrity(_)
            | Self::ClientGone => false,
        }
    }

    /// Seconds for `Retry-After`, where waiting helps. Terraform sleeps exactly that long, in silence and
    /// without a cap of its own, so this is between 1 and 10 whatever GitHub asks for.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Limited { retry_after } => Some(retry_after.as_secs().clamp(1, 10)),
            Self::Unavailable(_) | Self::Unreachable(_) | Self::IssuerUnavailable(_) => Some(2),
            Self::NotFound(_)
            | Self::MethodNotAllowed { .. }
            | Self::BadRequest(_)
            | Self::Unauthorized(_)
            | Self::UrlExpired
            | Self::Unsigned
            | Self::TooLarge
            | Self::TargetTooLong
            | Self::HeadersTooLarge
            | Self::Misconfigured(_)
            | Self::Rejected(_)
            | Self::Malformed(_)
            | Self::Archive(_)
            | Self::Integrity(_)
            | Self::ClientGone => None,
        }
    }

    /// What the client reads: short sentences, no value of a variable, no word of GitHub's.
    #[must_use]
    pub fn public(&self) -> Vec<String> {
        let text = match self {
            Self::NotFound(NotFound::Path | NotFound::Ticket) => "nothing is found at this address",
            // What one may not know of is no other than what does not exist.
            Self::NotFound(
                NotFound::Scope
                | NotFound::Owner
                | NotFound::Installation
                | NotFound::Repository
                | NotFound::Versions,
            ) => "no such module, or it has no version yet",
            Self::NotFound(NotFound::Version | NotFound::Archive) => {
                "no such version of this module"
            }
            Self::NotFound(NotFound::Yanked) => {
                "this version is not to be used any more: it was yanked, or is too old"
            }
            Self::NotFound(NotFound::HeldBack) => {
                "this version is new, and held back for a while: please try again later"
            }
            Self::MethodNotAllowed { .. } => "this method is not allowed here",
            Self::BadRequest(text) => text,
            Self::Unauthorized(denial) => denial.public(),
            Self::UrlExpired => {
                "this archive's URL has expired: run `terraform init` (or `tofu init`) again"
            }
            Self::Unsigned => "this is not signed with this registry's `webhook_secret`",
            Self::TooLarge => "this is too large",
            Self::TargetTooLong => "this address is too long",
            Self::HeadersTooLarge => "these headers are too large",
            Self::Misconfigured(_) => {
                "this registry is not configured rightly yet: its operator finds what to mend at /readyz"
            }
            Self::Rejected(_) => {
                "GitHub refuses this registry's credential: its operator finds the reason in the log"
            }
            Self::Limited { .. } => "GitHub's rate limit is reached, please try again later",
            Self::Unavailable(_) | Self::Unreachable(_) => {
                "GitHub cannot be reached, please try again later"
            }
            Self::Malformed(_) => "GitHub's answer cannot be used, please try again later",
            Self::IssuerUnavailable(_) => {
                "the issuer of this ID token cannot be asked for its keys, please try again later"
            }
            Self::Archive(refusal) => {
                return vec![format!("this module's archive is refused: {refusal}")];
            }
            Self::Integrity(Integrity::Moved) => {
                "the tag of this version was moved after it was first seen, and this registry refuses it"
            }
            Self::Integrity(Integrity::Replaced) => {
                "another repository has taken the name of this module's"
            }
            Self::ClientGone => "the connection was closed",
        };
        vec![text.to_owned()]
    }
}

/// What the log reads.
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound(NotFound::Path) => f.write_str("no such route or impossible name"),
            Self::NotFound(NotFound::Scope) => f.write_str("out of the caller's scope"),
            Self::NotFound(NotFound::Ticket) => {
                f.write_str("the URL of an archive that Landfall did not make like this")
            }
            Self::NotFound(NotFound::Owner) => f.write_str("namespace is not in `allowed_owners`"),
            Self::NotFound(NotFound::Installation) => {
                f.write_str("the GitHub App is not installed for this owner")
            }
            Self::NotFound(NotFound::Repository) => {
                f.write_str("no repository of `repository_names` exists or is visible")
            }
            Self::NotFound(NotFound::Versions) => f.write_str("the repository has no version tag"),
            Self::NotFound(NotFound::Version) => f.write_str("the repository has no such version"),
            Self::NotFound(NotFound::Yanked) => {
                f.write_str("the version is yanked, or older than `minimum_version`")
            }
            Self::NotFound(NotFound::HeldBack) => {
                f.write_str("the version is not known for as long as `hold_back` says")
            }
            Self::NotFound(NotFound::Archive) => {
                f.write_str("GitHub has no archive of this commit")
            }
            Self::MethodNotAllowed { allow } => write!(f, "method not allowed, only {allow}"),
            Self::BadRequest(text) => f.write_str(text),
            Self::Unauthorized(denial) => f.write_str(denial.detail()),
            Self::UrlExpired => f.write_str("the URL of an archive whose time is over"),
            Self::Unsigned => f.write_str("a webhook without the right signature"),
            Self::TooLarge => f.write_str("a body that is too large"),
            Self::TargetTooLong => f.write_str("a path and query that are too long"),
            Self::HeadersTooLarge => f.write_str("headers that are too large"),
            Self::Misconfigured(problems) => f.write_str(&problems.join("; ")),
            Self::Rejected(detail) => write!(f, "GitHub refused the credential: {detail}"),
            Self::Limited { retry_after } => {
                write!(
                    f,
                    "GitHub's rate limit, {} s to wait",
                    retry_after.as_secs()
                )
            }
            Self::Unavailable(detail) | Self::Unreachable(detail) => {
                write!(f, "GitHub is unavailable: {detail}")
            }
            Self::Malformed(detail) => write!(f, "GitHub's answer is malformed: {detail}"),
            Self::IssuerUnavailable(detail) => {
                write!(
                    f,
                    "the keys of an issuer of `oidc_issuers` cannot be had: {detail}"
                )
            }
            Self::Archive(refusal) => write!(f, "archive refused: {refusal}"),
            Self::Integrity(Integrity::Moved) => {
                f.write_str("integrity: the version's tag was moved, and `moved_tags` is `refuse`")
            }
            Self::Integrity(Integrity::Replaced) => {
                f.write_str("integrity: another repository has taken this one's name")
            }
            Self::ClientGone => f.write_str("the client went away"),
        }
    }
}

impl std::error::Error for Error {}

/// A failed call to GitHub. A failed store is never an error of a request: callers treat it as a miss.
impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        match error {
            HostError::ClientGone => Self::ClientGone,
            HostError::TooLarge(_) => Self::Malformed(error.to_string()),
            HostError::Store(_)
            | HostError::Denied(_)
            | HostError::Timeout
            | HostError::Upstream(_) => Self::Unreachable(error.to_string()),
        }
    }
}

impl Denial {
    fn public(self) -> &'static str {
        match self {
            Self::Nothing => {
                "a token of this registry is needed: set it as `TF_TOKEN_...`, or in a `credentials` block"
            }
            Self::Unreadable => {
                "this `Authorization` cannot be read: send `Bearer` and a token of this registry"
            }
            Self::Unknown => "this is no token of this registry",
            Self::Expired => "this token has expired",
            Self::Revoked => "what this token was made by is no longer there: sign in again",
            // Which claims would do is not for guessing: the log has the reason.
            Self::IdToken(_) | Self::NoRule => {
                "this ID token is not accepted here: the registry's log has the reason"
            }
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::Nothing => "no token",
            Self::Unreadable => "an unreadable `Authorization`",
            Self::Unknown => "an unknown token",
            Self::Expired => "an expired token",
            Self::Revoked => "a registry token whose rules were changed",
            Self::IdToken(text) => text,
            Self::NoRule => "no rule of `oidc_rules` holds for this ID token",
        }
    }
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        Self::Unauthorized(denial)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Archive(refusal)
    }
}
