//! Landfall as its users meet it: the real `terraform` and `tofu`, against every host that the components are made for,
//! with real repositories behind GitHub's stand-in. Nothing here uses the network. Modes of files and symbolic links are
//! part of what is compared: this is for Unix.
//!
//! | file | noun |
//! |---|---|
//! | `programs.rs` | which programs there are, and the artifacts under test |
//! | `process.rs` | child processes, none of which outlives its time |
//! | `server.rs` | Landfall on a host |
//! | `world.rs` | one trial's GitHub and registry |
//! | `client.rs` | a root module, and what a client does with it |
//! | `tree.rs` | files: those of a commit, and those that were installed |
//! | `five_modules.rs` | what every client has to install from every host |
//! | `installs.rs` | what else has to install |
//! | `failures.rs` | what has to fail |
//! | `modules.rs` | the modules of several trials |
//!
//! A trial whose programs are not all on the PATH is ignored, and says which is missing:
//!
//! ```text
//! test [no `spin` on the PATH] terraform_installs_five_modules_from_spin_up ... ignored
//! ```
//!
//! The artifacts are built first, with the cargo that runs this, unless `LANDFALL_BIN` names the `landfall` program, and
//! `LANDFALL_WASM_DIR` the directory of both components.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a trial fails by panicking, as a test does; clippy.toml knows tests by an attribute that these lack"
)]

mod client;
mod failures;
mod five_modules;
mod installs;
mod modules;
mod process;
mod programs;
mod server;
mod tree;
mod world;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::client::Client;
use crate::programs::{Artifacts, Program};
use crate::server::Host;
use crate::world::World;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !arguments.list {
        Artifacts::get();
    }
    let install = Client::ALL.into_iter().flat_map(|client| {
        Host::ALL.map(|host| {
            let name = format!(
                "{}_installs_five_modules_from_{}",
                client.name(),
                host.name()
            );
            trial(&name, client, host, move |world| {
                five_modules::install(world, client);
            })
        })
    });
    // Each host has its own way to break off what it has begun to send.
    let break_off = Host::ALL.map(|host| {
        let name = format!("a_large_archive_that_breaks_off_fails_from_{}", host.name());
        let run = failures::a_large_archive_that_breaks_off;
        trial(&name, Client::Terraform, host, run)
    });
    let others = installs::all().into_iter().chain(failures::all());
    let others = others.map(|case| {
        let Case {
            name,
            variables,
            run,
        } = case;
        let (client, host) = (Client::Terraform, Host::LandfallSpin);
        trial_with(name, client, host, variables, run)
    });
    libtest_mimic::run(&arguments, install.chain(break_off).chain(others).collect()).exit_code()
}

/// What one trial does, for one client on one host.
struct Case {
    name: &'static str,
    /// Landfall's variables, beside those that say where GitHub is.
    variables: &'static [(&'static str, &'static str)],
    run: Box<dyn FnOnce(&World) + Send>,
}

impl Case {
    fn new(name: &'static str, run: impl FnOnce(&World) + Send + 'static) -> Self {
        Self {
            name,
            variables: &[],
            run: Box::new(run),
        }
    }

    /// With these variables.
    fn with(self, variables: &'static [(&'static str, &'static str)]) -> Self {
        Self { variables, ..self }
    }
}

/// A trial with Landfall's own defaults.
fn trial(
    name: &str,
    client: Client,
    host: Host,
    run: impl FnOnce(&World) + Send + 'static,
) -> Trial {
    trial_with(name, client, host, &[], run)
}

/// A trial in a world of its own, which is ignored where a program is missing. No trial lets a credential get out.
fn trial_with(
    name: &str,
    client: Client,
    host: Host,
    variables: &'static [(&'static str, &'static str)],
    run: impl FnOnce(&World) + Send + 'static,
) -> Trial {
    let needed = [Some(Program::Git), Some(client.program()), host.program()];
    let missing = needed
        .into_iter()
        .flatten()
        .find(|program| !program.is_on_path())
        .map(|program| format!("no `{}` on the PATH", program.name()));
    let reason = missing.clone();
    let run = move || {
        if let Some(reason) = reason {
            return Err(Failed::from(reason));
        }
        let world = World::start(host, variables);
        let result = catch_unwind(AssertUnwindSafe(|| {
            run(&world);
            assert_eq!(
                world.github.counts().leaks,
                0,
                "credentials for the archives' host"
            );
        }));
        result.map_err(|panic| {
            let message = message(panic.as_ref());
            Failed::from(format!("{message}\n{}", world.registry.log()))
        })
    };
    Trial::test(name, run)
        .with_ignored_flag(missing.is_some())
        .with_kind(missing.unwrap_or_default())
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default()
}
