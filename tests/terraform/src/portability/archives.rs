//! Archives: what is in them, and clients of every kind.

use std::io::Write as _;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use landfall_stand_in::{Fault, FaultKind, Origin};
use landfall_terraform_tests::exchange::{Broken, Reply};
use landfall_terraform_tests::modules::{LARGE, large, probe};
use landfall_terraform_tests::process::poll;

use crate::ask::{archive, asked, is_error, is_tree_of, location, versions};
use crate::protocol::is_alive;
use crate::scenario::{Scenario, Stage};

pub(crate) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("an_archive_holds_the_tree_of_the_commit", git_s_tree),
        Scenario::new("a_small_archive_is_fetched_once", |stage| {
            three_times(stage, 1)
        })
        .forgotten(FORGETS, |stage| three_times(stage, 3)),
        Scenario::new("a_slow_client_gets_the_whole_archive", slow_client),
        Scenario::new("archives_at_once_are_each_whole", at_once),
        Scenario::new(
            "an_archive_of_200_mb_streams_with_flat_memory",
            two_hundred_megabytes,
        )
        .slow(),
        Scenario::new("a_client_that_hangs_up_leaves_the_server_idle", |stage| {
            hang_up(
                stage,
                FaultKind::Oversize {
                    bytes: 500 << 20,
                    content_length: false,
                },
            );
        }),
        Scenario::new(
            "a_client_that_hangs_up_on_a_slow_archive_leaves_the_server_idle",
            |stage| {
                hang_up(
                    stage,
                    FaultKind::SlowDrip {
                        bytes: 64 << 10,
                        every_milliseconds: 50,
                    },
                );
            },
        ),
        Scenario::new(
            "an_archive_that_breaks_off_is_not_taken_for_the_whole",
            |stage| {
                breaks_off(stage, FaultKind::TruncateAbort { after: LARGE / 2 });
            },
        ),
        Scenario::new(
            "an_archive_that_ends_early_is_not_taken_for_the_whole",
            |stage| {
                breaks_off(stage, FaultKind::TruncateEnd { after: LARGE / 2 });
            },
        ),
        Scenario::new("an_archive_that_stalls_is_given_up", stalls).slow(),
        Scenario::new("an_archive_that_is_no_zip_is_a_502", |stage| {
            bad(stage, FaultKind::Garbage { bytes: 100_000 })
        }),
        Scenario::new("an_archive_that_is_a_web_page_is_a_502", |stage| {
            bad(stage, FaultKind::Html)
        }),
        Scenario::new("an_archive_that_is_too_large_is_refused", |stage| {
            let stage = stage.changed(&[("max_archive_bytes", "100000")]);
            bad(
                &stage,
                FaultKind::Oversize {
                    bytes: 1 << 20,
                    content_length: true,
                },
            );
        }),
        Scenario::new("an_archive_on_a_foreign_host_is_not_fetched", |stage| {
            let location = "http://192.0.2.1/acme/probe/legacy.zip/v1.0.0".to_owned();
            bad(stage, FaultKind::Redirect { location });
        }),
    ]
}

/// Why calls are repeated on a host whose store forgets.
pub(crate) const FORGETS: &str = "its key-value store forgets everything after each request: nothing is kept, so each request asks GitHub anew";

fn git_s_tree(stage: &Stage) {
    stage
        .repository("probe")
        .file("main.tf", "# module\n")
        .executable("bin/run.sh", "#!/bin/sh\n")
        .file("modules/part/main.tf", "x".repeat(100_000))
        .file("empty.tf", "")
        .file("grüße/ünïcode.tf", "# ü\n")
        .file(
            "data.bin",
            (0..=255u8).cycle().take(300_000).collect::<Vec<u8>>(),
        )
        .commit("Add the module")
        .tag("v1.0.0")
        .file("main.tf", "# changed\n")
        .commit("Change it")
        .annotated_tag("v1.1.0")
        .build()
        .unwrap();
    for version in ["1.0.0", "1.1.0"] {
        let archive = archive(stage, "probe", version);
        is_tree_of(stage, &archive, "probe", &format!("v{version}^{{tree}}"));
    }
}

fn three_times(stage: &Stage, archives: usize) {
    probe(stage);
    let location = location(stage, "probe", "1.0.0");
    for _ in 0..3 {
        let reply = Reply::get(&stage.address, &location);
        is_tree_of(stage, &reply.rest().unwrap(), "probe", "v1.0.0^{tree}");
    }
    assert_eq!(
        stage.github.counts().archives,
        archives,
        "archives of GitHub's"
    );
}

/// The archive of `acme/large`, which has a link in it.
#[track_caller]
fn is_large(stage: &Stage, archive: &[u8]) {
    let length = archive.len() as u64;
    assert!((LARGE..LARGE + 10_000).contains(&length), "{length} bytes");
    assert_eq!(archive, self::archive(stage, "large", "1.0.0"));
}

fn slow_client(stage: &Stage) {
    large(stage);
    let mut reply = Reply::get_slowly(&stage.address, &location(stage, "large", "1.0.0"));
    let (mut archive, mut pause_at) = (Vec::new(), 0);
    while let Some(piece) = reply.piece().unwrap() {
        archive.extend_from_slice(&piece);
        if archive.len() >= pause_at {
            pause_at += 256 << 10;
            reply.pause(Duration::from_millis(250));
        }
    }
    is_large(stage, &archive);
}

fn at_once(stage: &Stage) {
    large(stage);
    let whole = archive(stage, "large", "1.0.0");
    let location = location(stage, "large", "1.0.0");
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| Reply::get(&stage.address, &location).rest()))
            .collect();
        for client in clients {
            let archive = client.join().unwrap().unwrap();
            assert!(
                archive == whole,
                "{} bytes, not {}",
                archive.len(),
                whole.len()
            );
        }
    });
}

fn two_hundred_megabytes(stage: &Stage) {
    const SIZE: u64 = 200 << 20;
    const ROOM: u64 = 64 << 20;
    probe(stage);
    let location = location(stage, "probe", "1.0.0");
    let oversize = FaultKind::Oversize {
        bytes: SIZE,
        content_length: false,
    };
    order(stage, oversize);
    // What the first archive needs once is needed by then.
    let before = {
        let mut reply = Reply::get(&stage.address, &location);
        reply.piece().unwrap();
        drop(reply);
        is_alive(stage);
        stage.registry.usage().resident_bytes
    };
    let mut reply = Reply::get(&stage.address, &location);
    assert_eq!(reply.status, 200);
    let (mut length, mut most, mut next) = (0, 0, 0);
    let mut end = Vec::new();
    while let Some(piece) = reply.piece().unwrap() {
        length += piece.len() as u64;
        end.extend_from_slice(&piece);
        let excess = end.len().saturating_sub(100);
        end.drain(..excess);
        if length >= next {
            next += 16 << 20;
            most = most.max(stage.registry.usage().resident_bytes);
        }
    }
    assert!((SIZE..SIZE + 10_000).contains(&length), "{length} bytes");
    let has_directory = end.windows(4).any(|it| it == b"PK\x05\x06");
    assert!(has_directory, "the archive has no end");
    let growth = most.saturating_sub(before);
    assert!(
        growth < ROOM,
        "{} MiB more for an archive of 200",
        growth >> 20
    );
}

/// Spoils every archive from now on.
fn order(stage: &Stage, fault: FaultKind) {
    stage.github.clear_faults();
    let fault = Fault {
        times: None,
        ..Fault::next_archive(fault)
    };
    stage.github.add_fault(fault);
}

/// Within five seconds hardly any processor time is used, and other clients are served.
fn hang_up(stage: &Stage, fault: FaultKind) {
    large(stage);
    let location = location(stage, "large", "1.0.0");
    order(stage, fault);
    for _ in 0..3 {
        let mut reply = Reply::get(&stage.address, &location);
        assert_eq!(reply.status, 200);
        assert!(reply.piece().unwrap().is_some());
    }
    // One that is gone before it has its answer.
    let mut socket = TcpStream::connect(&stage.address).unwrap();
    write!(
        socket,
        "GET {location} HTTP/1.1\r\nHost: {}\r\n\r\n",
        stage.address
    )
    .unwrap();
    drop(socket);
    let idle = poll(Duration::from_secs(5), || {
        let before = stage.registry.usage().cpu;
        sleep(Duration::from_secs(1));
        let used = stage.registry.usage().cpu - before;
        (used < Duration::from_millis(60)).then_some(())
    });
    assert!(
        idle.is_some(),
        "it is still at work five seconds after its clients have gone"
    );
    stage.github.clear_faults();
    assert_eq!(versions(stage, "large"), ["1.0.0"]);
    is_large(stage, &archive(stage, "large", "1.0.0"));
}

fn breaks_off(stage: &Stage, fault: FaultKind) {
    large(stage);
    let location = location(stage, "large", "1.0.0");
    order(stage, fault);
    let reply = Reply::get(&stage.address, &location);
    if reply.status == 200 {
        let rest = reply.rest();
        let length = rest.as_ref().map(Vec::len);
        assert!(
            matches!(rest, Err(Broken::Cut(_))),
            "whole to its client: {length:?}"
        );
    } else {
        assert!(matches!(reply.status, 502 | 503), "{}", reply.status);
    }
    stage.github.clear_faults();
    is_large(stage, &archive(stage, "large", "1.0.0"));
}

fn stalls(stage: &Stage) {
    large(stage);
    let location = location(stage, "large", "1.0.0");
    order(
        stage,
        FaultKind::StallAfter {
            after: LARGE / 2,
            seconds: 300,
        },
    );
    let began = Instant::now();
    let reply = Reply::get(&stage.address, &location);
    assert_eq!(reply.status, 200);
    let rest = reply.rest().map(|it| it.len());
    let taken = began.elapsed();
    assert!(matches!(rest, Err(Broken::Cut(_))), "{rest:?}");
    assert!(taken < Duration::from_secs(45), "given up after {taken:?}");
    stage.github.clear_faults();
    is_large(stage, &archive(stage, "large", "1.0.0"));
}

fn bad(stage: &Stage, fault: FaultKind) {
    probe(stage);
    let path = location(stage, "probe", "1.0.0");
    order(stage, fault);
    is_error(&crate::ask::get(stage, &path), 502, "");
    let log = stage.github.log();
    assert!(
        log.iter().any(|it| it.origin == Origin::Archive),
        "no archive was asked for"
    );
    assert_eq!(asked(stage, "192.0.2.1"), [""; 0]);
    stage.github.clear_faults();
    is_tree_of(
        stage,
        &archive(stage, "probe", "1.0.0"),
        "probe",
        "v1.0.0^{tree}",
    );
}
