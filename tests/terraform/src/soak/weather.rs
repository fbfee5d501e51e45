//! What goes wrong at GitHub, and what that excuses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use landfall_stand_in::{Fault, FaultKind, Origin, StandIn, Strike, Weather};
use landfall_terraform_tests::modules::conventional;

/// One of so many requests is spoiled.
pub(crate) const PERMILLE: u32 = 50;

/// The weather over GitHub, which says afterwards what it has spoiled.
pub(crate) struct Sky {
    github: Arc<StandIn>,
    strikes: Mutex<Strikes>,
}

#[derive(Default)]
struct Strikes {
    recent: Vec<Strike>,
    all: usize,
}

impl Sky {
    /// It is fine at first.
    pub(crate) fn new(github: Arc<StandIn>) -> Self {
        Self {
            github,
            strikes: Mutex::default(),
        }
    }

    /// From now on things go wrong.
    pub(crate) fn begins(&self, seed: u64) {
        self.github.set_weather(Some(Weather {
            seed,
            permille: PERMILLE,
            faults: faults(),
        }));
    }

    /// How much was spoiled.
    pub(crate) fn strikes(&self) -> usize {
        self.look();
        self.strikes.lock().unwrap().all
    }

    /// Whether something that makes GitHub fail happened of late: then what is not kept cannot be had.
    pub(crate) fn excuses_a_failure(&self) -> bool {
        self.look();
        let strikes = self.strikes.lock().unwrap();
        strikes.recent.iter().any(|it| is_harm(&it.fault))
    }

    /// Whether an archive of this module was spoiled of late. Each time excuses one that is broken.
    pub(crate) fn excuses_a_broken_archive(&self, module: &str) -> bool {
        self.look();
        let repository = format!("/{}/", conventional(module));
        let mut strikes = self.strikes.lock().unwrap();
        let at = strikes.recent.iter().position(|it| {
            it.origin == Origin::Archive && it.path.contains(&repository) && is_harm(&it.fault)
        });
        at.map(|at| strikes.recent.remove(at)).is_some()
    }

    /// Takes note of what was spoiled, and forgets what is too old to be felt. Nor does GitHub have to remember it all.
    fn look(&self) {
        let mut strikes = self.strikes.lock().unwrap();
        let new = self.github.take_strikes();
        strikes.all += new.len();
        strikes.recent.extend(new);
        strikes.recent.retain(|it| it.at.elapsed() < FELT);
    }

    /// Keeps GitHub's log from growing.
    pub(crate) fn clear_log(&self) {
        self.github.clear_log();
    }
}

/// Whether it is more than a delay.
fn is_harm(fault: &FaultKind) -> bool {
    !matches!(
        fault,
        FaultKind::Delay { .. } | FaultKind::SlowDrip { .. } | FaultKind::ContentLength
    )
}

/// Latency, failures, resets, stalls, limits, refused tokens and nonsense. What an App's own token is asked for is not refused: that
/// would be another App.
fn faults() -> Vec<Fault> {
    let api = [
        FaultKind::Delay { milliseconds: 100 },
        FaultKind::Delay { milliseconds: 1500 },
        FaultKind::Stall { seconds: 8 },
        FaultKind::ServerError,
        FaultKind::BadGateway,
        FaultKind::ServiceUnavailable,
        FaultKind::Drop,
        FaultKind::HalfBodyAbort,
        FaultKind::RubbishJson,
        FaultKind::Html,
        FaultKind::RateLimited {
            status: 403,
            reset_after_seconds: 2,
        },
        FaultKind::SecondaryRateLimited {
            status: 429,
            retry_after_seconds: Some(1),
        },
        FaultKind::SecondaryRateLimited {
            status: 403,
            retry_after_seconds: Some(2),
        },
    ];
    let archive = [
        FaultKind::Delay { milliseconds: 1000 },
        FaultKind::ServerError,
        FaultKind::BadGateway,
        FaultKind::Drop,
        FaultKind::Html,
        FaultKind::ContentLength,
        FaultKind::TruncateAbort { after: 100 },
        FaultKind::TruncateAbort { after: 300_000 },
        FaultKind::TruncateEnd { after: 1000 },
        FaultKind::TruncateEnd { after: 600_000 },
        FaultKind::SlowDrip {
            bytes: 100_000,
            every_milliseconds: 100,
        },
        FaultKind::StallAfter {
            after: 200_000,
            seconds: 40,
        },
        FaultKind::Garbage { bytes: 50_000 },
    ];
    let api = api.map(|fault| Fault::api("*", fault));
    let archive = archive.map(|fault| Fault {
        times: None,
        ..Fault::next_archive(fault)
    });
    let refused = Fault::api("/repos/*", FaultKind::BadCredentials);
    api.into_iter().chain(archive).chain([refused]).collect()
}

/// How long a fault is felt: an archive that stalls is given up after half a minute or a whole one, and clients may read slowly.
const FELT: Duration = Duration::from_secs(100);
