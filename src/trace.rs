//! What a request is a part of, as its client says: a W3C trace context, for the log.
//!
//! It goes into log lines and nowhere else: no header of a client's is passed on. <https://www.w3.org/TR/trace-context/#traceparent-header>

use std::rc::Rc;

use http::{HeaderMap, HeaderName};

/// A `traceparent` that is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace(Rc<str>);

impl Trace {
    /// Reads a request's, if it has one, and no more than one.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?.to_str().ok()?;
        let is_only = values.next().is_none();
        Self::parse(value).filter(|_| is_only)
    }

    /// Version 00 ends after its flags. Later ones begin in the same way, and go on after a dash.
    fn parse(value: &str) -> Option<Self> {
        let (head, rest) = value.split_at_checked(LENGTH)?;
        let mut parts = head.split('-');
        let mut part = |length: usize| parts.next().filter(|it| it.len() == length);
        let (version, id, parent, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let is_end = rest.is_empty() || (version != "00" && rest.starts_with('-'));
        let is_sound = is_end
            && version != "ff"
            && [version, id, parent, flags].into_iter().all(is_hex)
            && [id, parent].into_iter().all(is_set);
        is_sound.then(|| Self(head.into()))
    }

    /// The trace's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.get(3..35).unwrap_or_default()
    }

    /// The id of the span that the request was sent in.
    #[must_use]
    pub fn parent(&self) -> &str {
        self.0.get(36..52).unwrap_or_default()
    }
}

fn is_hex(part: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    part.bytes().all(is_digit)
}

/// Zero is no id.
fn is_set(part: &str) -> bool {
    part.bytes().any(|byte| byte != b'0')
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// `00-`, an id of 32 digits, `-`, one of 16, `-`, and two for flags.
const LENGTH: usize = 55;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    #[test]
    fn what_the_standard_has_is_read() {
        for (version, flags) in [
            ("00", "01"),
            ("00", "00"),
            ("00", "ff"),
            ("01", "01"),
            ("cc", "01"),
            ("cc", "01-what-the-future-will-be-like"),
            ("cc", "01-"),
        ] {
            let value = format!("{version}-{ID}-{PARENT}-{flags}");
            let trace = Trace::parse(&value).expect(&value);
            assert_eq!((trace.id(), trace.parent()), (ID, PARENT));
        }
    }

    #[test]
    fn only_one_is_read() {
        let value = format!("00-{ID}-{PARENT}-01").parse().unwrap();
        let mut headers = HeaderMap::new();
        assert_eq!(Trace::read(&headers), None);
        headers.append("traceparent", value);
        assert!(Trace::read(&headers).is_some());
        headers.append("traceparent", headers["traceparent"].clone());
        assert_eq!(Trace::read(&headers), None);
    }

    #[test]
    fn everything_else_is_ignored() {
        let zeros = |n| "0".repeat(n);
        for value in [
            String::new(),
            "00".to_owned(),
            format!("00-{ID}-{PARENT}"),
            format!("00-{ID}-{PARENT}-"),
            format!("00-{ID}-{PARENT}-1"),
            format!("00-{ID}-{PARENT}-0"),
            format!("00-{ID}-{PARENT}-001"),
            format!("00-{ID}-{PARENT}-01-"),
            format!("00-{ID}-{PARENT}-01-more"),
            format!("00-{ID}-{PARENT}-01."),
            format!("00-{ID}-{PARENT}-.1"),
            format!("00-{ID}-{PARENT}-0A"),
            format!("cc-{ID}-{PARENT}-01.what-the-future"),
            format!("cc-{ID}-{PARENT}-011"),
            format!("ff-{ID}-{PARENT}-01"),
            format!("FF-{ID}-{PARENT}-01"),
            format!("0-{ID}-{PARENT}-01"),
            format!("0-{ID}-{PARENT}-011"),
            format!("000-{ID}-{PARENT}-1"),
            format!(".0-{ID}-{PARENT}-01"),
            format!("00-{}-{PARENT}-01", zeros(32)),
            format!("00-{ID}-{}-01", zeros(16)),
            format!("00-{}-{PARENT}-01", ID.to_uppercase()),
            format!("00-{ID}-{}-01", PARENT.to_uppercase()),
            format!("00-{}-{PARENT}-01", ID.replace('0', "g")),
            format!("00-{ID}1-{}-01", &PARENT[1..]),
            format!("00-{}-{PARENT}1-01", &ID[1..]),
            format!("00-{ID}-{}-01", &PARENT[1..]),
            format!("00_{ID}_{PARENT}_01"),
            format!("00-{ID}--{}-01", &PARENT[1..]),
            format!("00-{ID}-{PARENT}-01,00-{ID}-{PARENT}-01"),
            format!("00 {ID} {PARENT} 01"),
            "-".repeat(55),
            "0".repeat(55),
            "é".repeat(30),
            format!("00-{ID}-{PARENT}-01{}", "0".repeat(60_000)),
        ] {
            assert_eq!(Trace::parse(&value), None, "{value}");
        }
    }
}
