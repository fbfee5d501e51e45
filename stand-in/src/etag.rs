//! `ETag`s and conditional requests
//! (<https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>).
//! How GitHub makes them is not documented; the rule is the one of <https://github.com/bored-engineer/github-conditional-http-transport>,
//! which fits recorded responses: SHA-256 over the values of the request headers that `Vary` names, and the uncompressed body.

use std::fmt::Write as _;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, ETAG,
    IF_NONE_MATCH, LINK, VARY,
};
use http::{HeaderMap, HeaderName, StatusCode};
use ring::digest::{Context, SHA256};
use ring::hmac;

use crate::answer::{Answer, Content};
use crate::knobs::Etags;
use crate::token::random;

/// What GitHub names in `Vary`, repetition included.
pub(crate) const VARIES: &str =
    "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With";

/// The headers that count, in this order, where `Vary` names them.
const HASHED: [HeaderName; 3] = [ACCEPT, AUTHORIZATION, COOKIE];

/// The same for as long as the stand-in runs.
pub(crate) struct Salt(hmac::Key);

impl Salt {
    pub(crate) fn new() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &random(32)))
    }
}

/// A 200 with its `ETag`, compressed when the client takes gzip; or the 304 that `If-None-Match` asked for, without body and `Link`.
/// `If-Modified-Since` has no effect: GitHub's answers to it are not to be relied on for refs, and nothing here says `Last-Modified`.
pub(crate) fn conditional(
    answer: Answer,
    request: &HeaderMap,
    style: Etags,
    salt: &Salt,
) -> Answer {
    let Content::Whole(body) = &answer.content else {
        return answer;
    };
    if answer.status != StatusCode::OK {
        return answer;
    }
    let opaque = match style {
        Etags::None => None,
        Etags::Random => Some(hex(&random(32))),
        Etags::Rule | Etags::Opaque => {
            let vary = answer.headers.get(VARY).and_then(|vary| vary.to_str().ok());
            let hashed = hashed(vary.unwrap_or_default(), request, body);
            Some(match style {
                Etags::Opaque => hex(hmac::sign(&salt.0, &hashed).as_ref()),
                _ => hex(&hashed),
            })
        }
    };
    if let Some(opaque) = &opaque
        && style != Etags::Random
        && matches(request, opaque)
    {
        let mut unchanged = answer.header(ETAG, &format!("\"{opaque}\""));
        unchanged.status = StatusCode::NOT_MODIFIED;
        unchanged.content = Content::Whole(Bytes::new());
        unchanged.headers.remove(LINK);
        unchanged.headers.remove(CONTENT_TYPE);
        return unchanged;
    }
    let compressed = if takes_gzip(request) {
        gzip(body)
    } else {
        None
    };
    let weak = if compressed.is_some() { "W/" } else { "" };
    let mut answer = match opaque {
        Some(opaque) => answer.header(ETAG, &format!("{weak}\"{opaque}\"")),
        None => answer,
    };
    if let Some(compressed) = compressed {
        answer.content = Content::Whole(compressed);
        answer = answer.header(CONTENT_ENCODING, "gzip");
    }
    answer
}

/// SHA-256 over `value:` of every header that counts, and the body.
fn hashed(vary: &str, request: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    for name in HASHED {
        let varies = vary
            .split(',')
            .any(|listed| name.as_str().eq_ignore_ascii_case(listed.trim()));
        if varies && let Some(value) = request.get(&name) {
            context.update(value.as_bytes());
            context.update(b":");
        }
    }
    context.update(body);
    context.finish().as_ref().to_vec()
}

/// Whether one of the validators in `If-None-Match` is this one, strong or weak (RFC 9110, section 13.1.2). One without
/// quotes matches nothing.
fn matches(request: &HeaderMap, opaque: &str) -> bool {
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|validator| {
            let strong = validator.strip_prefix("W/").unwrap_or(validator);
            validator == "*"
                || strong
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                    == Some(opaque)
        })
}

/// A `q` of nothing but zeros refuses.
fn takes_gzip(request: &HeaderMap) -> bool {
    request
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            let refused = weight
                .trim()
                .strip_prefix("q=")
                .is_some_and(|weight| weight.chars().all(|digit| matches!(digit, '0' | '.')));
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        })
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    Some(encoder.finish().ok()?.into())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_validator_needs_quotes_and_may_be_weak_and_one_of_several() {
        for (value, expected) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x\", W/\"abc\" ,\"y\"", true),
            ("*", true),
            ("abc", false),
            ("\"abc", false),
            ("w/\"abc\"", false),
            ("\"ABC\"", false),
            ("", false),
        ] {
            let request = HeaderMap::from_iter([(IF_NONE_MATCH, value.parse().unwrap())]);
            assert_eq!(matches(&request, "abc"), expected, "{value}");
        }
    }

    #[test]
    fn the_headers_that_vary_names_are_hashed_in_a_fixed_order() {
        let header = HeaderValue::from_static;
        let request = HeaderMap::from_iter([
            (COOKIE, header("c")),
            (AUTHORIZATION, header("b")),
            (ACCEPT, header("a")),
        ]);
        let plain = |text: &[u8]| ring::digest::digest(&SHA256, text).as_ref().to_vec();
        for (vary, expected) in [
            (VARIES, &b"a:b:c:[]"[..]),
            ("Accept, Accept-Encoding", b"a:[]"),
            ("cookie,authorization", b"b:c:[]"),
            ("", b"[]"),
        ] {
            assert_eq!(hashed(vary, &request, b"[]"), plain(expected), "{vary}");
        }
        assert_eq!(
            hashed(VARIES, &HeaderMap::new(), b"[]"),
            plain(b"[]"),
            "absent headers leave nothing"
        );
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (value, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("identity", false),
        ] {
            let request = HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]);
            assert_eq!(takes_gzip(&request), expected, "{value}");
        }
    }
}
