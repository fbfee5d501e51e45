//! Many clients for minutes on `landfall serve`, before a GitHub that fails now and then. `make soak MINUTES=5 CLIENTS=256` runs
//! it as long as it takes; as one of all tests it takes ten seconds. What has to hold is in `contract.rs`.
//!
//! | file | noun |
//! |---|---|
//! | `fleet.rs` | many modules, and what git says of them |
//! | `weather.rs` | what goes wrong at GitHub, and what that excuses |
//! | `contract.rs` | which answers are right, and which are lost requests |
//! | `client.rs` | one client: what it asks for, and how badly it behaves |
//! | `gauge.rs` | what the server uses as time goes by |
//! | `run.rs` | one run, from the first request to the last: warm-up, load, SIGTERM, start anew |
//!
//! | variable | meaning |
//! |---|---|
//! | `SOAK_MINUTES` | how long; without it, one short trial runs as libtest's do |
//! | `SOAK_CLIENTS` | how many clients at once; 256 |
//! | `SOAK_SEED` | what clients and weather draw from; 1 |

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a trial fails by panicking, and this is a command with an output"
)]

mod client;
mod contract;
mod fleet;
mod gauge;
mod run;
mod weather;

use std::env;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::run::{Plan, run};

fn main() -> ExitCode {
    let minutes: f32 = variable("SOAK_MINUTES", 0.0);
    if minutes > 0.0 {
        let broken = run(&Plan {
            time: Duration::from_secs_f32(minutes * 60.0),
            clients: variable("SOAK_CLIENTS", 256),
            modules: 200,
            seed: variable("SOAK_SEED", 1),
        });
        return if broken == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let short = || {
        let broken = run(&Plan {
            time: Duration::from_secs(10),
            clients: 64,
            modules: 40,
            seed: 1,
        });
        if broken == 0 {
            Ok(())
        } else {
            Err(Failed::from(format!("{broken} promises are broken")))
        }
    };
    let trial = Trial::test(
        "sixty_four_clients_lose_nothing_to_a_github_that_fails",
        short,
    );
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

/// The number that a variable of the environment is.
fn variable<T: FromStr>(name: &str, default: T) -> T {
    let value = env::var(name).ok().filter(|value| !value.is_empty());
    value.map_or(default, |value| {
        let number = value.parse().ok();
        number.unwrap_or_else(|| panic!("{name} is no number: {value}"))
    })
}
