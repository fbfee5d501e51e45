//! Weather: faults that nobody orders one by one, at a rate and by a seed.

use std::time::Instant;

use fastrand::Rng;
use http::Method;

use crate::fault::{Fault, FaultKind};
use crate::log::Origin;

/// How often something goes wrong, and what.
#[derive(Clone, Debug)]
pub struct Weather {
    /// The same seed draws the same faults for the same requests in the same order.
    pub seed: u64,
    /// Of a thousand requests, so many are spoiled.
    pub permille: u32,
    /// One of those that match a request is drawn; how many more [`times`](Fault::times) is not looked at, as long as it is
    /// not 0. A request that none matches is spared.
    pub faults: Vec<Fault>,
}

/// A request that the weather has spoiled.
#[derive(Clone, Debug)]
pub struct Strike {
    /// The origin that was asked.
    pub origin: Origin,
    /// The path as sent.
    pub path: String,
    /// What went wrong.
    pub fault: FaultKind,
    /// When the request came.
    pub at: Instant,
}

/// The weather as it goes on.
pub(crate) struct Sky {
    weather: Weather,
    rng: Rng,
    pub(crate) strikes: Vec<Strike>,
}

impl Sky {
    pub(crate) fn new(weather: Weather) -> Self {
        Self {
            rng: Rng::with_seed(weather.seed),
            weather,
            strikes: Vec::new(),
        }
    }

    /// What a request is spoiled with, if it is.
    pub(crate) fn strike(
        &mut self,
        origin: Origin,
        method: &Method,
        path: &str,
    ) -> Option<FaultKind> {
        if self.rng.u32(0..1000) >= self.weather.permille {
            return None;
        }
        let faults = self.weather.faults.iter();
        let matching: Vec<&Fault> = faults
            .filter(|fault| fault.matches(origin, method, path))
            .collect();
        let fault = self.rng.choice(matching)?.fault.clone();
        self.strikes.push(Strike {
            origin,
            path: path.to_owned(),
            fault: fault.clone(),
            at: Instant::now(),
        });
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_faults_at_the_rate() {
        let strikes = |seed| {
            let mut sky = Sky::new(Weather {
                seed,
                permille: 50,
                faults: vec![
                    Fault::api("/repos/*", FaultKind::ServerError),
                    Fault::api("*", FaultKind::Drop),
                    Fault::next_archive(FaultKind::Html),
                ],
            });
            for number in 0..10_000 {
                let path = if number % 2 == 0 {
                    "/repos/a/b"
                } else {
                    "/app"
                };
                sky.strike(Origin::Api, &Method::GET, path);
            }
            let strikes = sky.strikes.into_iter();
            let strikes = strikes.map(|it| (it.path, it.fault));
            strikes.collect::<Vec<_>>()
        };
        let first = strikes(1);
        assert!((400..600).contains(&first.len()), "{}", first.len());
        assert_eq!(first, strikes(1));
        assert_ne!(first, strikes(2));
        assert!(first.contains(&("/repos/a/b".to_owned(), FaultKind::ServerError)));
        assert!(!first.contains(&("/app".to_owned(), FaultKind::ServerError)));
    }
}
