//! The refusals and failures that GitHub answers with, on their own account or as faults.

use http::StatusCode;
use http::header::RETRY_AFTER;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::Answer;

const RATE_LIMITS: &str =
    "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";

/// Why GitHub shows a repository to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A takedown notice: 451.
    Dmca,
    /// A breach of the terms of service: 403, in the same shape.
    Tos,
}

/// `Repository access blocked` with its `block` (recorded in <https://github.com/github/rest-api-description/issues/3314>).
pub(crate) fn blocked(block: Block) -> Answer {
    let (status, reason) = match block {
        Block::Dmca => (StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "dmca"),
        Block::Tos => (StatusCode::FORBIDDEN, "tos"),
    };
    Answer::json(
        status,
        &json!({
            "message": "Repository access blocked",
            "block": {
                "reason": reason,
                "created_at": "2024-05-02T12:00:00Z",
                "html_url": format!("https://github.com/{reason}"),
            },
        }),
    )
}

/// 403 for a token that sees the repository but lacks the permission.
pub(crate) fn permission_denied() -> Answer {
    Answer::error(
        StatusCode::FORBIDDEN,
        "Resource not accessible by integration",
    )
}

/// 403 of every use of a suspended installation.
pub(crate) fn suspended() -> Answer {
    Answer::error(
        StatusCode::FORBIDDEN,
        "This installation has been suspended",
    )
}

/// 403 or 429 of a primary limit, without its headers.
pub(crate) fn rate_limited(status: u16, whose: &str) -> Answer {
    let message = format!("API rate limit exceeded for {whose}.");
    Answer::error_with(code(status), &message, RATE_LIMITS)
}

/// 403 or 429 of a secondary limit.
pub(crate) fn secondary_rate_limited(status: u16, retry_after: Option<u64>) -> Answer {
    let answer = Answer::error_with(
        code(status),
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        &format!("{RATE_LIMITS}#about-secondary-rate-limits"),
    );
    match retry_after {
        Some(seconds) => answer.header(RETRY_AFTER, &seconds.to_string()),
        None => answer,
    }
}

/// The HTML page of GitHub's front ends.
pub(crate) fn page(status: StatusCode) -> Answer {
    Answer::whole(
        status,
        "text/html; charset=utf-8",
        "<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head>\
         <body><p><strong>We had issues producing the response to your request.</strong></p></body></html>\n",
    )
}

/// A status from outside; an impossible one is 500.
pub(crate) fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
