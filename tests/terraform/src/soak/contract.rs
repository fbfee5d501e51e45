//! Which answers are right, and which are lost requests.
//!
//! - Every module was asked about before anything failed. So its `versions` are 200 with all of them, and its location is a 204, whatever
//!   GitHub does. Discovery and the list of modules are 200.
//! - An archive is whole, and git finds the files of the version in it. It may break off where GitHub broke this module's archive off, and
//!   be a 503 (or a 502, of nonsense) where GitHub failed of late and it is not kept. The same goes for details. There are at least
//!   as many whole archives as there are such answers.
//! - What is no request of any client's gets an error of the client's.
//! - There is no 500, no answer without an end, and no connection that is refused or cut, until the end was asked for.
//! - After that, what was asked a second before is still answered (or longer before, where one in a hundred answers takes longer: on a
//!   machine that has no time for the server, it has not read the request), and no answer that has begun is cut; what came later may
//!   find nobody.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// What came of all requests.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Sums>);

#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) requests: usize,
    /// By status; 0 where there was none.
    pub(crate) by_status: BTreeMap<u16, usize>,
    /// What was left or excused, by name.
    pub(crate) excused: BTreeMap<&'static str, usize>,
    /// Archives that came whole and right.
    pub(crate) whole: usize,
    /// Requests that were lost.
    pub(crate) lost: usize,
    /// The first of them, in words.
    pub(crate) samples: Vec<String>,
    /// How long warm answers took, since the last report and in all.
    pub(crate) latest: Vec<Duration>,
    pub(crate) latencies: Vec<Duration>,
    /// What a hundredth of the answers took longer than, by the last report.
    pub(crate) p99: Duration,
}

impl Ledger {
    /// A request was answered with a status, or not at all.
    pub(crate) fn answered(&self, status: u16) {
        let mut sums = self.0.lock().unwrap();
        sums.requests += 1;
        *sums.by_status.entry(status).or_default() += 1;
    }

    /// How long an answer took that costs GitHub nothing.
    pub(crate) fn took(&self, time: Duration) {
        let mut sums = self.0.lock().unwrap();
        sums.latest.push(time);
        sums.latencies.push(time);
    }

    /// An archive came whole.
    pub(crate) fn whole(&self) {
        self.0.lock().unwrap().whole += 1;
    }

    /// It is not as it should be, for a reason.
    pub(crate) fn excused(&self, why: &'static str) {
        let mut sums = self.0.lock().unwrap();
        *sums.excused.entry(why).or_default() += 1;
    }

    /// A request was lost.
    pub(crate) fn lost(&self, what: String) {
        let mut sums = self.0.lock().unwrap();
        sums.lost += 1;
        if sums.samples.len() < SAMPLES {
            sums.samples.push(what);
        }
    }

    /// Looks at the sums.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Sums) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }
}

/// The middle, the last hundredth, and the longest, in milliseconds.
pub(crate) fn percentiles(times: &mut [Duration]) -> [f64; 3] {
    times.sort_unstable();
    let at = |part: usize| {
        let index = (times.len() * part / 100).min(times.len().saturating_sub(1));
        times
            .get(index)
            .map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    [at(50), at(99), at(100)]
}

/// Why something that depends on GitHub is excused.
pub(crate) const WITHOUT_GITHUB: &str = "not to be had while GitHub failed";

const SAMPLES: usize = 20;
