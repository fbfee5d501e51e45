//! Landfall in this process, on a store and a clock that a trial has in its hands.

use std::future::pending;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use landfall_host::{
    Clock, Component, Engine, Host, HostConfig, Limits, Outbound, Output, Store, Variables,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};

use crate::http::{self, Answer};
use crate::programs::Artifacts;
use crate::server;
use crate::world::{OWNER, World};

/// Which component.
#[derive(Clone, Copy)]
pub enum Artifact {
    Spin,
    Wasi,
}

impl Artifact {
    pub const ALL: [Self; 2] = [Self::Spin, Self::Wasi];

    pub fn name(self) -> &'static str {
        match self {
            Self::Spin => "landfall_spin_wasm",
            Self::Wasi => "landfall_wasi_wasm",
        }
    }

    /// Compiled once for all trials.
    fn component(self) -> Component {
        let [spin, wasi] = &*COMPONENTS;
        match self {
            Self::Spin => spin.clone(),
            Self::Wasi => wasi.clone(),
        }
    }
}

static COMPONENTS: LazyLock<[Component; 2]> = LazyLock::new(|| {
    let artifacts = Artifacts::get();
    let engine = Engine::new(Limits::default(), Some(&artifacts.compiled)).unwrap();
    [&artifacts.spin, &artifacts.wasi].map(|file| engine.load(file).unwrap())
});

/// What the store is worth.
#[derive(Clone, Copy)]
pub enum Keeps {
    /// It is the file that `landfall serve` has.
    Everything,
    /// It forgets what was written at once.
    Nothing,
}

/// A registry that runs in this process until it is dropped.
pub struct Embedded {
    host: Host,
    clock: Clock,
    output: Output,
    runtime: Runtime,
    // After everything that may still write to it.
    _data: TempDir,
}

impl Embedded {
    /// Starts Landfall on a free port. Gives `127.0.0.1:PORT`, too.
    pub fn start(
        artifact: Artifact,
        keeps: Keeps,
        variables: &server::Variables,
    ) -> (Self, String) {
        let data = TempDir::new().unwrap();
        let (clock, output) = (Clock::system(), Output::captured());
        let variables = Variables::new(variables.iter().cloned()).unwrap();
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let host = Host::new(HostConfig {
            outbound: Outbound::network(&variables).unwrap(),
            variables,
            store: store(keeps, data.path()),
            output: output.clone(),
            clock: clock.clone(),
            ..HostConfig::new(artifact.component())
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let served = host.clone();
        runtime.spawn(async move { served.serve(listener, pending()).await });
        let embedded = Self {
            host,
            clock,
            output,
            runtime,
            _data: data,
        };
        (embedded, address)
    }

    /// Every line that Landfall has written.
    pub fn log(&self) -> String {
        self.output.text()
    }

    /// Waits until nothing runs any more, what is done behind answers included.
    pub fn settle(&self) {
        self.runtime.block_on(self.host.idle());
    }

    /// What the log has of the requests for a route, in order.
    pub fn requests(&self, route: &str) -> Vec<Value> {
        self.settle();
        let log = self.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .filter(|line: &Value| line["route"] == route)
            .collect()
    }
}

fn store(keeps: Keeps, directory: &Path) -> Store {
    match keeps {
        Keeps::Everything => Store::open(directory).unwrap(),
        Keeps::Nothing => Store::forgetful(),
    }
}

impl World<Embedded> {
    /// Lets time pass, for Landfall and for GitHub alike, when Landfall is done with all it was asked.
    pub fn pass(&self, seconds: u32) {
        self.registry.settle();
        let clock = &self.registry.clock;
        clock.advance(Duration::from_secs(seconds.into()));
        let mut knobs = self.github.knobs();
        knobs.clock_offset_seconds += i64::from(seconds);
        self.github.set_knobs(knobs);
    }

    /// Lets time pass until a quarter of an hour begins.
    pub fn begin_quarter(&self) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let offset = self.github.knobs().clock_offset_seconds;
        let now = since.as_secs().checked_add_signed(offset).unwrap();
        self.pass(u32::try_from(QUARTER - now % QUARTER).unwrap());
    }

    /// The same GitHub, and the same time, with another registry, in which these variables are others.
    pub fn again(&self, changes: &[(&'static str, &str)]) -> Self {
        let start = |variables: &_| Embedded::start(Artifact::Spin, Keeps::Everything, variables);
        let world = self.with(changes, start);
        let offset = self.github.knobs().clock_offset_seconds;
        let offset = Duration::from_secs(offset.try_into().unwrap());
        world.registry.clock.advance(offset);
        world
    }

    /// What Landfall says of the versions of `acme/NAME/null`.
    #[track_caller]
    pub fn versions(&self, name: &str) -> Answer {
        http::get(&self.address, &versions_path(name))
    }

    /// Asks for the versions of `acme/NAME/null`, and waits until what is then done behind the answer is done.
    #[track_caller]
    pub fn refresh(&self, name: &str) {
        self.versions(name);
        self.registry.settle();
    }

    /// The paths of the API that were asked for since the log was emptied and that contain `part`.
    pub fn asked(&self, part: &str) -> Vec<String> {
        self.registry.settle();
        let log = self.github.log().into_iter();
        log.map(|entry| entry.path)
            .filter(|path| path.contains(part))
            .collect()
    }
}

/// Where Landfall says which versions `acme/NAME/null` has.
pub fn versions_path(name: &str) -> String {
    format!("/v1/modules/{OWNER}/{name}/null/versions")
}

/// What a call for a list of tags has in its path.
pub const LIST: &str = "/git/matching-refs/";
/// For how many seconds an archive's URL stays the same.
const QUARTER: u64 = 900;
/// A list is no longer fresh, but stale.
pub const STALE: u32 = 61;
/// A list is expired, and so is the token that it was asked with.
pub const EXPIRED: u32 = 3_700;
