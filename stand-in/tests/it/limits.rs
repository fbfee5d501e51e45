//! Primary and secondary rate limits.

use std::thread;

use landfall_stand_in::{Counts, Fault, FaultKind, Knobs, PersonalToken};

use crate::client::{GitHub, Reply};

const TAGS: &str = "/repos/acme/network/git/matching-refs/tags";
const ZIPBALL: &str = "/repos/acme/network/zipball/refs/tags/v1.0.0";

/// Limit, remaining, used.
fn standing(reply: &Reply) -> Option<[u64; 3]> {
    let number = |name: &str| {
        let value = reply.header(&format!("x-ratelimit-{name}"))?;
        Some(value.parse().unwrap())
    };
    Some([number("limit")?, number("remaining")?, number("used")?])
}

#[test]
fn every_caller_has_a_bucket_and_only_some_calls_come_out_of_it() {
    let (github, _) = GitHub::with_network();
    github
        .stand_in
        .add_personal_token("ghp_one", PersonalToken::default());
    let (token, second, jwt) = (github.token(), github.token(), github.jwt());
    let (token, second) = (token.as_str(), second.as_str());
    for (path, authorization, expected) in [
        (TAGS, token, Some([5_000, 4_999, 1])),
        (TAGS, second, Some([5_000, 4_998, 2])),
        ("/repos/acme/nothing", token, Some([5_000, 4_997, 3])),
        (ZIPBALL, token, Some([5_000, 4_997, 3])),
        (
            "/repos/acme/network/tarball/main",
            token,
            Some([5_000, 4_997, 3]),
        ),
        ("/rate_limit", token, Some([5_000, 4_997, 3])),
        (TAGS, "Bearer ghp_one", Some([5_000, 4_999, 1])),
        (TAGS, "", Some([60, 59, 1])),
        (TAGS, "Bearer ghp_unknown", None),
        ("/orgs/acme/installation", &jwt, None),
        (TAGS, token, Some([5_000, 4_996, 4])),
    ] {
        let reply = github.get(path, authorization);
        assert_eq!(standing(&reply), expected, "{path} with {authorization}");
        if expected.is_some() {
            assert_eq!(reply.header("x-ratelimit-resource"), Some("core"));
        }
    }
    assert_eq!(github.stand_in.counts().billed, 6);
    let overview = github.get("/rate_limit", token).json();
    assert_eq!(overview["resources"]["core"]["used"], 4);
    assert_eq!(overview["rate"]["remaining"], 4_996);
    let version = [("x-github-api-version", "2026-03-10")];
    let overview = github.get_with("/rate_limit", token, &version).json();
    assert_eq!(overview.get("rate"), None);
}

#[test]
fn a_bucket_that_is_empty_refuses_until_its_window_is_over() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    for status in [403, 429] {
        let knobs = Knobs {
            rate_limit: 10,
            rate_window_seconds: 100,
            rate_exceeded_status: status,
            ..Knobs::default()
        };
        github.stand_in.set_knobs(knobs.clone());
        assert!(github.stand_in.set_used("Acme", 9));
        let last = github.get(TAGS, &token);
        assert_eq!((last.status, standing(&last)), (200, Some([10, 0, 10])));
        let etag = last.header("etag").unwrap();
        github.stand_in.clear_log();
        for (path, further) in [
            (TAGS, vec![]),
            (TAGS, vec![("if-none-match", etag)]),
            (ZIPBALL, vec![]),
        ] {
            let refused = github.get_with(path, &token, &further);
            assert_eq!(refused.status, status);
            assert_eq!(standing(&refused), Some([10, 0, 10]));
            assert!(
                refused
                    .message()
                    .starts_with("API rate limit exceeded for installation ID "),
            );
            assert_eq!(refused.header("retry-after"), None);
        }
        assert_eq!(github.stand_in.counts().billed, 0);
        assert_eq!(github.get("/rate_limit", &token).status, 200);
        assert_eq!(github.mint("").status, 201, "the App's own calls");
        assert_eq!(github.get(TAGS, "").status, 404, "another bucket");

        let reset: i64 = last.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert!((90..=100).contains(&(reset - crate::client::now())));
        github.stand_in.set_knobs(Knobs {
            clock_offset_seconds: 101,
            ..knobs
        });
        let fresh = github.get(TAGS, &token);
        assert_eq!((fresh.status, standing(&fresh)), (200, Some([10, 9, 1])));
    }
    assert!(!github.stand_in.set_used("nobody", 1));
}

#[test]
fn too_many_points_in_a_minute_are_a_secondary_limit() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    github.stand_in.set_knobs(Knobs {
        points_per_minute: Some(6),
        ..Knobs::default()
    });
    for expected in [200, 200, 200, 200, 200, 200, 403] {
        let reply = github.get(TAGS, &token);
        assert_eq!(reply.status, expected);
        if expected == 403 {
            assert!(
                reply
                    .message()
                    .starts_with("You have exceeded a secondary rate limit")
            );
            let documentation = reply.json()["documentation_url"].to_string();
            assert!(documentation.contains("secondary-rate-limits\""));
            let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait));
            assert_eq!(standing(&reply), Some([5_000, 4_994, 6]));
        }
    }
    // A lookup and a mint are 6 points of the App's.
    assert_eq!(github.mint("").status, 201);
    let refused = github.get("/orgs/acme/installation", &github.jwt());
    assert_eq!((refused.status, standing(&refused)), (403, None));
}

#[test]
fn too_many_requests_at_once_are_a_secondary_limit() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    github.stand_in.set_knobs(Knobs {
        max_concurrent: Some(3),
        ..Knobs::default()
    });
    let slow = FaultKind::Delay {
        milliseconds: 1_000,
    };
    github.stand_in.add_fault(Fault::api(TAGS, slow));
    let statuses = || {
        let mut statuses: Vec<u16> = thread::scope(|scope| {
            let threads: Vec<_> = (0..5)
                .map(|_| scope.spawn(|| github.get(TAGS, &token).status))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        statuses.sort_unstable();
        statuses
    };
    assert_eq!(statuses(), [200, 200, 200, 429, 429]);
    let peak = github.stand_in.take_counts().peak_concurrency;
    assert!((4..=5).contains(&peak), "{peak}");
    github.stand_in.set_knobs(Knobs::default());
    assert_eq!(statuses(), [200; 5]);
    assert_eq!(github.stand_in.counts().peak_concurrency, 5);
}

#[test]
fn counts_start_anew_when_they_are_taken() {
    let (github, _) = GitHub::with_network();
    let token = github.token();
    github.get(TAGS, &token);
    github.archive(ZIPBALL, &token);
    let counts = github.stand_in.take_counts();
    assert_eq!(
        (counts.mints, counts.lookups, counts.billed, counts.archives),
        (1, 1, 1, 1)
    );
    assert_eq!(github.stand_in.counts(), Counts::default());
    assert_eq!(github.stand_in.log(), []);
    let used = standing(&github.get(TAGS, &token));
    assert_eq!(used, Some([5_000, 4_998, 2]), "GitHub forgets nothing");
}
