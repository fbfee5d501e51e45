//! GitHub is down.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use landfall_stand_in::{Fault, FaultKind};

use crate::client::{GitHub, exchange};

const TAGS: &str = "/repos/acme/network/git/matching-refs/tags";

#[test]
fn both_origins_close_every_connection_until_github_is_back() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    let redirect = github.get("/repos/acme/network/zipball/main", &token);
    let location = redirect.header("location").unwrap().to_owned();
    let archives = github.stand_in.archive_origin();
    let path = location.split_once(archives).unwrap().1;
    let api = github.stand_in.api_url().strip_prefix("http://").unwrap();
    let headers = [
        ("user-agent", "landfall-test"),
        ("authorization", token.as_str()),
    ];
    let both = || {
        [
            exchange(api, "GET", TAGS, &headers, b"").is_ok(),
            exchange(archives, "GET", path, &[], b"").is_ok(),
        ]
    };
    assert_eq!(both(), [true, true]);
    github.stand_in.clear_log();
    github.stand_in.set_down(true);
    assert_eq!(both(), [false, false]);
    assert_eq!(github.stand_in.counts().refused, 2);
    assert_eq!(github.stand_in.log(), []);
    github.stand_in.set_down(false);
    assert_eq!(both(), [true, true]);

    for down in ["true", "false"] {
        let reply = github.send("PUT", "/_stand-in/down", "", down);
        assert_eq!(reply.status, 204, "the switch works from either side");
        assert_eq!(both(), [down == "false"; 2]);
    }
}

#[test]
fn what_is_under_way_breaks_off() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    github
        .stand_in
        .add_fault(Fault::api(TAGS, FaultKind::Silence));
    let drip = FaultKind::SlowDrip {
        bytes: 1,
        every_milliseconds: 50,
    };
    github.stand_in.add_fault(Fault::next_archive(drip));
    let redirect = github.get("/repos/acme/network/zipball/main", &token);
    let api = github.stand_in.api_url().strip_prefix("http://").unwrap();
    let idle = TcpStream::connect(api).unwrap();
    let started = Instant::now();
    thread::scope(|scope| {
        let silent = scope.spawn(|| {
            let headers = [("user-agent", "landfall-test")];
            exchange(api, "GET", TAGS, &headers, b"").is_err()
        });
        let archive = scope.spawn(|| github.fetch(redirect.header("location").unwrap()).complete);
        thread::sleep(Duration::from_millis(300));
        github.stand_in.set_down(true);
        assert!(silent.join().unwrap(), "an answer after all");
        assert!(!archive.join().unwrap(), "the whole archive after all");
    });
    let mut nothing = [0];
    assert_eq!(
        std::io::Read::read(&mut &idle, &mut nothing).unwrap_or(0),
        0
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}
