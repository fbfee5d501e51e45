//! The wall clock that the component reads, which tests may move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmtime_wasi::HostWallClock;

/// The system's time plus an offset. Clones share the offset, and instances that already run see a change of it.
///
/// The monotonic clock, which timeouts are measured on, isn't moved.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The system's time as it is.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Moves the clock forward by `by`, to the millisecond.
    pub fn advance(&self, by: Duration) {
        self.turn_ms(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
    }

    /// Moves the clock by so many milliseconds, back where they are negative.
    pub fn turn_ms(&self, by: i64) {
        self.offset_ms.fetch_add(by, Ordering::Relaxed);
    }

    /// Sets how far the clock is ahead of the system's time, in milliseconds; negative is behind.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let offset = self.offset_ms.load(Ordering::Relaxed);
        let distance = Duration::from_millis(offset.unsigned_abs());
        if offset < 0 {
            now.saturating_sub(distance)
        } else {
            now.saturating_add(distance)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_of_a_clock_sees_it_advance() {
        let clock = Clock::system();
        let seen = clock.clone();
        let before = seen.now();
        clock.advance(Duration::from_hours(1));
        assert!(seen.now() >= before + Duration::from_hours(1));
        clock.turn_ms(-7_200_000);
        assert!(seen.now() < before);
        clock.set_offset_ms(-3_600_000);
        assert!(seen.now() < before);
    }
}
