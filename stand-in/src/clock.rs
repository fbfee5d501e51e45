//! Times on the wire. The stand-in's own clock is the machine's plus [`Knobs::clock_offset_seconds`](crate::Knobs).

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Seconds since 1970 by the machine's clock.
pub(crate) fn machine_seconds() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| {
            i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
        })
}

/// `2022-09-21T16:16:08Z`, the form of every time in GitHub's JSON.
pub(crate) fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or_default()
        .to_string()
}

/// `Wed, 21 Sep 2022 16:16:08 GMT`, the `Date` header (RFC 9110, section 5.6.7).
pub(crate) fn http_date(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .unwrap_or_default()
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_github_writes_them() {
        assert_eq!(rfc3339(1_663_776_968), "2022-09-21T16:16:08Z");
        assert_eq!(http_date(1_663_776_968), "Wed, 21 Sep 2022 16:16:08 GMT");
    }
}
