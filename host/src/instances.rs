//! Instances between two requests: an instance that has answered may answer the next, which costs a fraction of making one.
//!
//! That is sound because Landfall is written for an instance that is gone after its answer: it keeps nothing from one request to
//! the next but its variables, for seconds. An instance that trapped, has grown large, still holds a request's handle, or was made
//! with other variables is not used again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Variables;
use crate::guest::Instance;

/// An instance that has more linear memory than this is not kept: an archive of many files may have grown it once.
const LARGEST: usize = 1024 * 1024;

/// How long an instance may wait for a request.
const LONGEST_IDLE: Duration = Duration::from_secs(10);

/// Those that wait, the last one used at the end.
#[derive(Default)]
pub(crate) struct Instances(Mutex<Vec<Waiting>>);

struct Waiting {
    instance: Instance,
    since: Instant,
}

impl Instances {
    /// One that waits and was made with these variables: the one that was used last, whose memory is still in the
    /// processor's caches.
    pub(crate) fn take(&self, variables: &Arc<Variables>) -> Option<Instance> {
        let waiting = self.lock().pop()?.instance;
        waiting.has(variables).then_some(waiting)
    }

    /// Keeps one that has answered, if it is as good as a new one, for at most `requests` in all.
    pub(crate) fn give_back(&self, instance: Instance, variables: &Arc<Variables>, requests: u32) {
        if instance.answered() < requests
            && instance.memory() <= LARGEST
            && instance.is_clean()
            && instance.has(variables)
        {
            let since = Instant::now();
            self.lock().push(Waiting { instance, since });
        }
    }

    /// Drops those that have waited for too long. A place in the pool is only free when its instance is gone, so none is out of
    /// the list before.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        let mut waiting = self.lock();
        waiting.retain(|it| now.duration_since(it.since) < LONGEST_IDLE);
    }

    /// Drops all of them.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
