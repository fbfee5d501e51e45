//! Landfall as its users meet it: the real `terraform` and `tofu`, against every host that the components are made for,
//! with real repositories behind GitHub's stand-in. Nothing here uses the network. Modes of files and symbolic links are
//! part of what is compared: this is for Unix.
//!
//! What several suites use is in `lib.rs`.
//!
//! | file | noun |
//! |---|---|
//! | `five_modules.rs` | what every client has to install from every host |
//! | `installs.rs` | what else has to install |
//! | `failures.rs` | what has to fail |
//! | `freshness.rs` | what GitHub is asked, and what shows of it, as time goes by |
//! | `one_flight.rs` | a hundred requests at once |
//! | `moved_tags.rs` | versions that are no longer what they were |
//! | `credentials.rs` | who may read: tokens, netrc, and nobody |
//! | `archive_urls.rs` | what an archive's URL proves, how long, and how often it is used |
//! | `ci_jobs.rs` | jobs that install with an ID token |
//! | `metrics.rs` | `/metrics`, and what graphs and alerts ask of it |
//! | `limits.rs` | what works when GitHub's rate limit is all but used up |
//! | `shapes.rs` | repositories of every shape, against a table of what is to come of them |
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

mod archive_urls;
mod ci_jobs;
mod credentials;
mod failures;
mod five_modules;
mod freshness;
mod installs;
mod limits;
mod metrics;
mod monorepo;
mod moved_tags;
mod one_flight;
mod shapes;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use landfall_terraform_tests::{
    client, embedded, http, modules, process, programs, readers, server, tree, world,
};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::client::Client;
use crate::embedded::{Artifact, Embedded, Keeps};
use crate::programs::{Artifacts, Program};
use crate::server::{Host, Server};
use crate::world::{Settings, World};

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
            let run = move |world: &World| five_modules::install(world, client);
            trial(Case::new(name, run), client, host)
        })
    });
    // Each host has its own way to break off what it has begun to send.
    let break_off = Host::ALL.map(|host| {
        let name = format!("a_large_archive_that_breaks_off_fails_from_{}", host.name());
        let case = Case::new(name, failures::a_large_archive_that_breaks_off);
        trial(case, Client::Terraform, host)
    });
    let closed = Host::ALL.map(|host| trial(ci_jobs::on(host), Client::Terraform, host));
    let others = installs::all().into_iter().chain(failures::all());
    let others = others.map(|case| trial(case, Client::Terraform, Host::LandfallSpin));
    let from_both = Artifact::ALL.into_iter().flat_map(|artifact| {
        let cases = freshness::of_both().into_iter().chain(one_flight::all());
        cases.map(move |case| {
            let name = format!("{}_from_{}", case.name, artifact.name());
            embedded(Case { name, ..case }, artifact, Keeps::Everything)
        })
    });
    let from_one = freshness::of_one()
        .into_iter()
        .chain(moved_tags::all())
        .chain(limits::all())
        .chain(credentials::all())
        .chain(archive_urls::all())
        .chain(ci_jobs::all())
        .chain(monorepo::all());
    let from_one = from_one.map(|case| embedded(case, Artifact::Spin, Keeps::Everything));
    let without_memory = embedded(freshness::without_memory(), Artifact::Spin, Keeps::Nothing);
    let measured = metrics::all().into_iter().map(|(case, needed)| {
        let flags = ["--metrics", "127.0.0.1:0"];
        let start = move |variables: &_| Server::start_with(Host::LandfallSpin, variables, &flags);
        trial_of(case, needed, start, Server::log)
    });
    let trials = install
        .chain(break_off)
        .chain(closed)
        .chain(others)
        .chain(from_both)
        .chain(from_one)
        .chain([without_memory])
        .chain(measured)
        .chain(shapes::all());
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// What one trial does, in a world of its own.
struct Case<R = Server> {
    name: String,
    /// Beside the variables that say where GitHub is.
    settings: Settings,
    run: Run<R>,
}

type Run<R> = Box<dyn FnOnce(&World<R>) + Send>;

impl<R> Case<R> {
    /// With Landfall's own defaults.
    fn new(name: impl Into<String>, run: impl FnOnce(&World<R>) + Send + 'static) -> Self {
        Self {
            name: name.into(),
            settings: &[],
            run: Box::new(run),
        }
    }

    /// With these variables.
    fn with(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }
}

/// A trial for one client on one host.
fn trial(case: Case, client: Client, host: Host) -> Trial {
    let needed = [Some(client.program()), host.program()];
    let start = move |variables: &_| Server::start(host, variables);
    trial_of(case, needed.into_iter().flatten(), start, Server::log)
}

/// A trial for Terraform, with Landfall in this process.
fn embedded(case: Case<Embedded>, artifact: Artifact, keeps: Keeps) -> Trial {
    let start = move |variables: &_| Embedded::start(artifact, keeps, variables);
    trial_of(case, [Program::Terraform], start, Embedded::log)
}

/// A trial in a world of its own, which is ignored where a program is missing. No trial lets a credential get out.
fn trial_of<R: 'static>(
    case: Case<R>,
    needed: impl IntoIterator<Item = Program>,
    start: impl FnOnce(&server::Variables) -> (R, String) + Send + 'static,
    log: fn(&R) -> String,
) -> Trial {
    let missing = [Program::Git]
        .into_iter()
        .chain(needed)
        .find(|program| !program.is_on_path())
        .map(|program| format!("no `{}` on the PATH", program.name()));
    let reason = missing.clone();
    let Case {
        name,
        settings,
        run,
    } = case;
    let run = move || {
        if let Some(reason) = reason {
            return Err(Failed::from(reason));
        }
        let world = World::around(settings, start);
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
            Failed::from(format!("{message}\n{}", log(&world.registry)))
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
