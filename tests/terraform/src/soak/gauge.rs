//! What the server uses as time goes by.

use std::time::Duration;

use landfall_terraform_tests::server::Server;
use landfall_terraform_tests::usage::Usage;

/// One look a second.
#[derive(Default)]
pub(crate) struct Gauge {
    readings: Vec<Reading>,
}

/// What is used at a moment since the load began.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    at: Duration,
    pub(crate) usage: Usage,
    /// Bytes of the store.
    pub(crate) kept: u64,
}

/// Something that is to stay as it is.
pub(crate) struct Flat {
    pub(crate) what: &'static str,
    /// After a fifth of the time, and at the end.
    pub(crate) then: u64,
    pub(crate) now: u64,
    pub(crate) most: u64,
}

impl Gauge {
    pub(crate) fn read(&mut self, server: &Server, at: Duration) -> Reading {
        let reading = Reading {
            at,
            usage: server.usage(),
            kept: server.kept_bytes(),
        };
        self.readings.push(reading);
        reading
    }

    /// Memory in MiB, descriptors, and the store in KiB, after the warm-up and at the end. A run of less than five minutes has no
    /// warm-up to speak of, and is held to a rough bound alone.
    pub(crate) fn flat(&self, time: Duration) -> [Flat; 3] {
        let is_short = time < Duration::from_mins(5);
        let flat = |what, of: fn(&Reading) -> u64, spare: u64, rough: u64| {
            let then = self.median(time.mul_f32(0.15), time.mul_f32(0.25), of);
            let now = self.median(time.mul_f32(0.9), time, of);
            Flat {
                what,
                then,
                now,
                most: if is_short {
                    rough
                } else {
                    then * 6 / 5 + spare
                },
            }
        };
        [
            flat("MiB of memory", |it| it.usage.resident_bytes >> 20, 16, 512),
            flat(
                "open descriptors",
                |it| it.usage.descriptors as u64,
                32,
                2048,
            ),
            flat("KiB in the store", |it| it.kept >> 10, 16 << 10, 1 << 20),
        ]
    }

    fn median(&self, from: Duration, to: Duration, of: fn(&Reading) -> u64) -> u64 {
        let within = self
            .readings
            .iter()
            .filter(|it| (from..=to).contains(&it.at));
        let mut values: Vec<u64> = within.map(of).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    }
}
