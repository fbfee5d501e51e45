//! Faults on demand, as a client sees them.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use landfall_stand_in::{Fault, FaultKind};

use crate::client::{GitHub, Reply, exchange};

const TAGS: &str = "/repos/acme/network/git/matching-refs/tags";
const ZIPBALL: &str = "/repos/acme/network/zipball/refs/tags/v1.0.0";

#[test]
fn the_api_fails_as_github_does() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let itself = format!("{}{TAGS}", github.stand_in.api_url());
    let failure = |status, html| FaultKind::Failure { status, html };
    let html = Some(("content-type", "text/html; charset=utf-8"));
    let json = Some(("content-type", "application/json; charset=utf-8"));
    for (fault, status, header) in [
        (FaultKind::BadCredentials, 401, None),
        (FaultKind::PermissionDenied, 403, None),
        (
            FaultKind::RateLimited {
                status: 403,
                reset_after_seconds: 60,
            },
            403,
            Some(("x-ratelimit-remaining", "0")),
        ),
        (
            FaultKind::RateLimited {
                status: 429,
                reset_after_seconds: 60,
            },
            429,
            Some(("x-ratelimit-used", "5000")),
        ),
        (
            FaultKind::SecondaryRateLimited {
                status: 429,
                retry_after_seconds: Some(7),
            },
            429,
            Some(("retry-after", "7")),
        ),
        (
            FaultKind::SecondaryRateLimited {
                status: 403,
                retry_after_seconds: None,
            },
            403,
            None,
        ),
        (FaultKind::ServerError, 500, None),
        (
            FaultKind::BadGateway,
            502,
            Some(("content-type", "text/html; charset=utf-8")),
        ),
        (FaultKind::ServiceUnavailable, 503, None),
        (failure(500, true), 500, html),
        (failure(502, false), 502, json),
        (failure(503, true), 503, html),
        (failure(504, true), 504, html),
        (failure(504, false), 504, json),
        (FaultKind::Suspended, 403, json),
        (
            FaultKind::Html,
            200,
            Some(("content-type", "text/html; charset=utf-8")),
        ),
        (FaultKind::EmptyBody, 200, Some(("content-length", "0"))),
        (
            FaultKind::Answer {
                status: 451,
                headers: BTreeMap::from([("x-custom".to_owned(), "yes".to_owned())]),
                body: "blocked".to_owned(),
            },
            451,
            Some(("x-custom", "yes")),
        ),
        (FaultKind::RedirectLoop, 302, Some(("location", &itself))),
    ] {
        github
            .stand_in
            .add_fault(Fault::api("/repos/*/git/matching-refs/*", fault.clone()).times(2));
        assert_eq!(
            github.get("/repos/acme/network", &token).status,
            200,
            "another path"
        );
        for _ in 0..2 {
            let reply = github.get(TAGS, &token);
            assert_eq!(reply.status, status, "{fault:?}");
            if let Some((name, value)) = header {
                assert_eq!(reply.header(name), Some(value), "{fault:?}");
            }
        }
        assert_eq!(
            github.get(TAGS, &token).status,
            200,
            "after two times {fault:?}"
        );
    }
    assert_eq!(github.stand_in.faults(), []);
}

#[test]
fn a_fault_without_a_number_lasts_until_it_is_cleared() {
    let (github, _) = GitHub::with_network();
    github
        .stand_in
        .add_fault(Fault::api("*", FaultKind::ServerError));
    let statuses: Vec<u16> = (0..3).map(|_| github.get(TAGS, "").status).collect();
    assert_eq!(statuses, [500, 500, 500]);
    assert_eq!(github.stand_in.counts().billed, 0);
    github.stand_in.clear_faults();
    assert_eq!(github.get(TAGS, "").status, 404);
}

#[test]
fn half_an_answer_is_whole_to_http_alone() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let whole = github.get(TAGS, &token).body;
    github
        .stand_in
        .add_fault(Fault::api("*", FaultKind::HalfBody).times(1));
    let half = raw(&github, &token).unwrap();
    assert!(half.complete && half.body == whole[..whole.len() / 2]);
}

#[test]
fn half_an_answer_may_show_in_its_framing() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let whole = github.get(TAGS, &token).body;
    for (fault, length) in [
        (FaultKind::HalfBodyAbort, Some(whole.len().to_string())),
        (FaultKind::TruncatedChunks, None),
    ] {
        github
            .stand_in
            .add_fault(Fault::api("*", fault.clone()).times(1));
        let half = raw(&github, &token).unwrap();
        assert_eq!(half.header("content-length"), length.as_deref());
        assert_eq!(half.header("transfer-encoding").is_some(), length.is_none());
        assert!(half.status == 200 && !half.complete, "{fault:?}");
        assert_eq!(half.body, whole[..whole.len() / 2], "{fault:?}");
    }
    github
        .stand_in
        .add_fault(Fault::api("*", FaultKind::RubbishJson).times(1));
    let rubbish = raw(&github, &token).unwrap();
    assert!(rubbish.status == 200 && rubbish.complete);
    assert!(serde_json::from_slice::<serde_json::Value>(&rubbish.body).is_err());
}

#[test]
fn an_answer_is_late_or_never_comes() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    github
        .stand_in
        .add_fault(Fault::api("*", FaultKind::Stall { seconds: 1 }).times(1));
    let started = Instant::now();
    assert_eq!(github.get(TAGS, &token).status, 200);
    assert!(started.elapsed() >= Duration::from_secs(1));
    let delay = FaultKind::Delay { milliseconds: 200 };
    github.stand_in.add_fault(Fault::api("*", delay).times(1));
    let started = Instant::now();
    assert_eq!(github.get(TAGS, &token).status, 200);
    assert!(started.elapsed() >= Duration::from_millis(200));
    github
        .stand_in
        .add_fault(Fault::api("*", FaultKind::Drop).times(1));
    assert!(raw(&github, &token).is_err());
    assert_eq!(github.stand_in.log().last().unwrap().status, None);
}

#[test]
fn a_request_whose_client_gave_up_is_in_the_log() {
    let (github, _) = GitHub::with_network();
    github
        .stand_in
        .add_fault(Fault::api("*", FaultKind::Stall { seconds: 60 }));
    let authority = github.stand_in.api_url().strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(authority).unwrap();
    write!(socket, "GET {TAGS} HTTP/1.1\r\nhost: {authority}\r\n\r\n").unwrap();
    let started = Instant::now();
    while github.stand_in.log().is_empty() && started.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(socket);
    let log = github.stand_in.log();
    assert_eq!(
        (log.len(), log[0].path.as_str(), log[0].status),
        (1, TAGS, None)
    );
}

#[test]
fn an_archive_is_spoiled_in_every_way() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let whole = github.archive(ZIPBALL, &token).body;
    let length = whole.len() as u64;
    let spoiled = |fault: FaultKind| {
        github.stand_in.add_fault(Fault::next_archive(fault));
        github.archive(ZIPBALL, &token)
    };

    let reply = spoiled(FaultKind::ContentLength);
    assert_eq!(
        reply.header("content-length"),
        Some(length.to_string().as_str())
    );
    assert!(reply.complete && reply.body == whole);

    let reply = spoiled(FaultKind::TruncateAbort { after: 100 });
    assert!(!reply.complete && reply.body == whole[..100]);
    let reply = spoiled(FaultKind::TruncateEnd { after: 100 });
    assert!(reply.complete && reply.body == whole[..100]);

    let half = &whole[..whole.len() / 2];
    let reply = spoiled(FaultKind::HalfBody);
    assert!(reply.complete && reply.body == half);
    for fault in [FaultKind::HalfBodyAbort, FaultKind::TruncatedChunks] {
        let reply = spoiled(fault);
        assert!(!reply.complete && reply.body == half);
    }

    let reply = spoiled(FaultKind::WrongContentLength {
        length: length + 10,
    });
    assert!(!reply.complete && reply.body == whole);
    let reply = spoiled(FaultKind::WrongContentLength {
        length: length - 10,
    });
    assert!(reply.complete && reply.body == whole[..whole.len() - 10]);

    let started = Instant::now();
    let reply = spoiled(FaultKind::SlowDrip {
        bytes: 200,
        every_milliseconds: 20,
    });
    assert!(reply.complete && reply.body == whole);
    assert!(started.elapsed() >= Duration::from_millis(20 * length / 200));

    let started = Instant::now();
    let reply = spoiled(FaultKind::StallAfter {
        after: 10,
        seconds: 1,
    });
    assert!(reply.complete && reply.body == whole && started.elapsed() >= Duration::from_secs(1));

    let reply = spoiled(FaultKind::Garbage { bytes: 100_000 });
    assert!(reply.status == 200 && reply.complete && reply.body.len() == 100_000);
    assert!(!reply.body.starts_with(b"PK"));

    for (fault, status) in [
        (FaultKind::Html, 200),
        (FaultKind::EmptyBody, 200),
        (FaultKind::BadGateway, 502),
        (FaultKind::RubbishJson, 200),
        (FaultKind::Delay { milliseconds: 1 }, 200),
        (
            FaultKind::Failure {
                status: 504,
                html: true,
            },
            504,
        ),
        (FaultKind::MultipleChoices, 300),
        (
            FaultKind::Redirect {
                location: "http://archives.example/a.zip".to_owned(),
            },
            302,
        ),
        (FaultKind::RedirectLoop, 302),
    ] {
        let reply = spoiled(fault.clone());
        assert_eq!(reply.status, status, "{fault:?}");
        let late = matches!(fault, FaultKind::Delay { .. });
        assert_eq!(reply.body.starts_with(b"PK"), late, "{fault:?}");
    }
    assert!(
        github.archive(ZIPBALL, &token).body == whole,
        "nothing is left over"
    );
}

#[test]
fn an_oversize_archive_is_a_sound_zip() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    for content_length in [false, true] {
        let fault = FaultKind::Oversize {
            bytes: 3_000_000,
            content_length,
        };
        github.stand_in.add_fault(Fault::next_archive(fault));
        let reply = github.archive(ZIPBALL, &token);
        assert!(reply.complete && reply.body.len() > 3_000_000);
        assert_eq!(reply.header("content-length").is_some(), content_length);
        let mut zip = zip::ZipArchive::new(Cursor::new(reply.body)).unwrap();
        assert_eq!(zip.comment().len(), 40);
        let mut file = zip.by_index(1).unwrap();
        assert!(file.name().unwrap().starts_with("acme-network-"));
        let mut sink = Vec::new();
        // The reader compares the checksum at the end.
        std::io::copy(&mut file, &mut sink).unwrap();
        assert_eq!(sink.len(), 3_000_000);
    }
}

/// An answer that no schema is asked about.
fn raw(github: &GitHub, token: &str) -> Result<Reply, String> {
    let authority = github.stand_in.api_url().strip_prefix("http://").unwrap();
    let headers = [("user-agent", "landfall-test"), ("authorization", token)];
    exchange(authority, "GET", TAGS, &headers, b"")
}
