//! The rows: what is tried in a world of its own, and what is known beforehand to be different where.

use std::any::Any;
use std::cell::RefCell;
use std::ops::Deref;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use landfall_terraform_tests::programs::Program;
use landfall_terraform_tests::server::{Host, Server};
use landfall_terraform_tests::world::{Settings, World};

/// What has to hold on every host, and what holds instead where a store forgets.
pub(crate) struct Scenario {
    /// A sentence.
    pub(crate) name: &'static str,
    /// Whether it takes more than a few seconds.
    pub(crate) is_slow: bool,
    settings: Settings,
    needs: Option<Program>,
    run: fn(&Stage),
    difference: Option<Difference>,
}

/// A host with a registry on it, and the GitHub behind it.
pub(crate) struct Stage {
    host: Host,
    world: World,
}

impl Deref for Stage {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Stage {
    /// The same GitHub, and another registry on the same host, with these changes.
    pub(crate) fn changed(&self, changes: &[(&'static str, &str)]) -> Self {
        let host = self.host;
        let start = |variables: &_| Server::start(host, variables);
        let world = self.world.with(changes, start);
        Self { host, world }
    }
}

/// What holds instead on some hosts.
struct Difference {
    at: Place,
    why: &'static str,
    run: fn(&Stage),
}

/// Where it is that something differs.
enum Place {
    /// Where the store forgets everything after each request.
    Forgetful,
    On(Host),
}

impl Place {
    fn has(&self, host: Host) -> bool {
        match self {
            Self::Forgetful => !host.keeps(),
            Self::On(one) => *one == host,
        }
    }
}

/// What came of a scenario on a host.
pub(crate) enum Outcome {
    Holds,
    /// It holds as far as it can, which was declared for this reason.
    Differs(&'static str),
    /// One line: what was expected and got.
    Failed(String),
    /// Without a program that it needs.
    NotTried(Program),
    NotInstalled,
}

impl Scenario {
    /// With Landfall's own defaults, read by everyone.
    pub(crate) fn new(name: &'static str, run: fn(&Stage)) -> Self {
        Self {
            name,
            is_slow: false,
            settings: &[],
            needs: None,
            run,
            difference: None,
        }
    }

    /// With these variables.
    pub(crate) fn with(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// It takes more than a few seconds.
    pub(crate) fn slow(self) -> Self {
        Self {
            is_slow: true,
            ..self
        }
    }

    /// It needs a program beside the host.
    pub(crate) fn needs(self, program: Program) -> Self {
        Self {
            needs: Some(program),
            ..self
        }
    }

    /// What holds instead on a host whose store forgets everything after each request, and why.
    pub(crate) fn forgotten(self, why: &'static str, run: fn(&Stage)) -> Self {
        self.differs(Place::Forgetful, why, run)
    }

    /// What holds instead on one host, and why.
    pub(crate) fn on(self, host: Host, why: &'static str, run: fn(&Stage)) -> Self {
        self.differs(Place::On(host), why, run)
    }

    fn differs(self, at: Place, why: &'static str, run: fn(&Stage)) -> Self {
        let difference = Some(Difference { at, why, run });
        Self { difference, ..self }
    }

    /// Runs it on a host, in a world of its own.
    pub(crate) fn run(&self, host: Host) -> (Outcome, Duration) {
        let began = Instant::now();
        (self.outcome(host), began.elapsed())
    }

    fn outcome(&self, host: Host) -> Outcome {
        if let Some(program) = self.needs.filter(|program| !program.is_on_path()) {
            return Outcome::NotTried(program);
        }
        let difference = self.difference.as_ref().filter(|it| it.at.has(host));
        let run = difference.map_or(self.run, |it| it.run);
        let tried = panic::catch_unwind(AssertUnwindSafe(|| {
            let start = |variables: &_| Server::start(host, variables);
            let world = World::around(self.settings, start);
            let stage = Stage { host, world };
            let tried = panic::catch_unwind(AssertUnwindSafe(|| {
                run(&stage);
                let leaks = stage.github.counts().leaks;
                assert_eq!(leaks, 0, "credentials for the archives' host");
            }));
            if tried.is_err() && std::env::var_os("VERBOSE").is_some() {
                eprintln!("{}", stage.registry.log());
            }
            tried
        }));
        match tried.and_then(|it| it) {
            Err(panic) => Outcome::Failed(one_line(panic.as_ref())),
            Ok(()) => difference.map_or(Outcome::Holds, |it| Outcome::Differs(it.why)),
        }
    }
}

impl Outcome {
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Holds => "ok".to_owned(),
            Self::Differs(_) => "ok (note)".to_owned(),
            Self::Failed(why) => format!("FAILED: {why}"),
            Self::NotTried(program) => format!("not tried: no `{}`", program.name()),
            Self::NotInstalled => "not installed".to_owned(),
        }
    }
}

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A panic is a scenario's failure, which has its line in the report.
pub(crate) fn quiet() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        PLACE.with_borrow_mut(|kept| *kept = place.unwrap_or_default());
    }));
}

fn one_line(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
    let mut line = words.join(" ");
    if let Some((at, _)) = line.char_indices().nth(LINE) {
        line.truncate(at);
        line.push_str(" ...");
    }
    PLACE.with_borrow(|place| format!("{line} ({place})"))
}

const LINE: usize = 600;
