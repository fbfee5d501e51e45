//! One run: everything is met once, then load and weather begin; in the end SIGTERM under load, and a start on what was kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use landfall_terraform_tests::http;
use landfall_terraform_tests::server::{Host, Server};
use landfall_terraform_tests::world::{Settings, World};
use serde_json::Value;
use tokio::runtime::{self, Runtime};
use tokio::task::JoinSet;

use crate::client::{Client, Ending, Shared, lists, versions_path};
use crate::contract::{Ledger, WITHOUT_GITHUB, percentiles};
use crate::fleet;
use crate::gauge::{Gauge, Reading};
use crate::weather::{PERMILLE, Sky};

/// How long, how many, and from which seed.
pub(crate) struct Plan {
    pub(crate) time: Duration,
    pub(crate) clients: usize,
    pub(crate) modules: usize,
    pub(crate) seed: u64,
}

/// Runs it, and gives how many promises were broken.
pub(crate) fn run(plan: &Plan) -> usize {
    let host = Host::LandfallSpin;
    let world = World::around(SETTINGS, |variables| Server::start(host, variables));
    let mut knobs = world.github.knobs();
    // What is used up is said by the weather.
    knobs.rate_limit = 100_000_000;
    world.github.set_knobs(knobs);
    let shared = Arc::new(Shared {
        address: world.address.clone(),
        modules: fleet::build(&world, plan.modules),
        ledger: Ledger::default(),
        sky: Sky::new(Arc::clone(&world.github)),
        is_over: false.into(),
        ending: None.into(),
    });
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    meet(&runtime, &shared);
    println!(
        "soak: {} clients for {:.0} s, {} modules, {} of 1,000 of GitHub's answers spoiled, seed {}",
        plan.clients,
        plan.time.as_secs_f32(),
        shared.modules.len(),
        PERMILLE,
        plan.seed
    );
    shared.sky.begins(plan.seed);
    let mut clients = JoinSet::new();
    for number in 0..plan.clients {
        let seed = plan.seed.wrapping_mul(1_000_003) + number as u64;
        let client = Client::new(Arc::clone(&shared), seed);
        clients.spawn_on(client.run(), runtime.handle());
    }
    let gauge = load(plan, &world.registry, &shared);

    let mut verdict = Verdict::default();
    let mut registry = world.registry;
    end(&mut verdict, &mut registry, &shared);
    runtime.block_on(async { while clients.join_next().await.is_some() {} });
    for flat in gauge.flat(plan.time) {
        let what = format!(
            "{}: {} after the warm-up, {} at the end, at most {}",
            flat.what, flat.then, flat.now, flat.most
        );
        verdict.holds(flat.now <= flat.most && flat.now > 0, &what);
    }
    read_log(&mut verdict, &registry.log());
    world.github.set_weather(None);
    world.github.set_down(true);
    let (again, address) = registry.again(host, &world.variables);
    start_anew(&mut verdict, &address, &shared);
    drop(again);
    sum_up(&mut verdict, &shared);
    verdict.broken
}

/// What held, a line each.
#[derive(Default)]
struct Verdict {
    broken: usize,
}

impl Verdict {
    fn holds(&mut self, is_so: bool, what: &str) {
        println!("{} {what}", if is_so { "ok    " } else { "BROKEN" });
        self.broken += usize::from(!is_so);
    }
}

/// SIGTERM, while all clients go on.
fn end(verdict: &mut Verdict, registry: &mut Server, shared: &Shared) {
    let read = shared.ledger.with(|sums| sums.p99.max(READ));
    let at = Instant::now();
    *shared.ending.lock().unwrap() = Some(Ending { at, read });
    registry.terminate();
    let status = registry.wait(END);
    let taken = at.elapsed();
    shared.is_over.store(true, Ordering::Relaxed);
    let how = status.map_or("killed".to_owned(), |it| it.to_string());
    let what = format!(
        "SIGTERM under load: {how} after {:.1} s; what was sent {:.1} s before has to be answered",
        taken.as_secs_f32(),
        read.as_secs_f32()
    );
    let is_clean = status.is_some_and(|it| it.success());
    verdict.holds(is_clean && taken < END, &what);
}

/// What the server itself says.
fn read_log(verdict: &mut Verdict, log: &str) {
    let mut cries = log
        .lines()
        .filter(|line| CRIES.iter().any(|cry| line.contains(cry)));
    let first = cries.next();
    let count = usize::from(first.is_some()) + cries.count();
    let what = format!(
        "lines of a component that failed: {count} {}",
        first.unwrap_or_default()
    );
    verdict.holds(first.is_none(), &what);
    for line in broken_archives(log) {
        println!("       broken by the server's own log: {line}");
    }
    for (what, count) in causes(log) {
        println!("       {count:>5} answers by the server's own log: {what}");
    }
    for line in slowest(log) {
        println!("       slow by the server's own log: {line}");
    }
}

/// With GitHub gone, everything is answered from what was kept.
fn start_anew(verdict: &mut Verdict, address: &str, shared: &Shared) {
    let known = shared.modules.iter().filter(|module| {
        let answer = http::get(address, &versions_path(module));
        answer.status == 200 && lists(answer.body.as_bytes(), module)
    });
    let (known, all) = (known.count(), shared.modules.len());
    let what = format!("started anew without GitHub: {known} of {all} modules are known");
    verdict.holds(known == all, &what);
}

/// What came of all requests. A run in which nothing was tried holds nothing.
fn sum_up(verdict: &mut Verdict, shared: &Shared) {
    let judged: usize = shared.modules.iter().map(fleet::Module::judged).sum();
    verdict.holds(
        judged > 0,
        &format!("different archives that git has judged: {judged}"),
    );
    let strikes = shared.sky.strikes();
    verdict.holds(
        strikes > 0,
        &format!("answers of GitHub's that were spoiled: {strikes}"),
    );
    shared.ledger.with(|sums| {
        let [p50, p99, max] = percentiles(&mut sums.latencies);
        println!(
            "       versions and locations: p50 {p50:.1} ms, p99 {p99:.1} ms, longest {max:.0} ms"
        );
        println!("       by status: {:?}", sums.by_status);
        println!("       excused: {:?}", sums.excused);
        let missed = sums
            .excused
            .get(WITHOUT_GITHUB)
            .copied()
            .unwrap_or_default();
        let what = format!(
            "archives that came whole: {}; what was not to be had without GitHub: {missed}",
            sums.whole
        );
        verdict.holds(sums.whole > missed, &what);
        for sample in &sums.samples {
            println!("       lost: {sample}");
        }
        let what = format!(
            "requests: {}, lost beyond the faults: {}",
            sums.requests, sums.lost
        );
        verdict.holds(sums.lost == 0 && sums.requests > 0, &what);
    });
}

/// Everything is asked for once, before anything fails.
fn meet(runtime: &Runtime, shared: &Arc<Shared>) {
    runtime.block_on(async {
        let mut meetings = JoinSet::new();
        let count = shared.modules.len();
        for part in 0..PARTS {
            let modules = count * part / PARTS..count * (part + 1) / PARTS;
            meetings.spawn(Client::new(Arc::clone(shared), 0).meet(modules));
        }
        while let Some(met) = meetings.join_next().await {
            met.unwrap();
        }
    });
    for path in ["/v1/modules", "/v1/modules/search?q=m001"] {
        let answer = http::get(&shared.address, path);
        assert_eq!(
            answer.status, 200,
            "{path}, before anything fails: {answer:?}"
        );
    }
}

/// The first lines of archives that were broken off.
fn broken_archives(log: &str) -> Vec<&str> {
    let lines = log.lines().filter(|line| {
        let is_broken = line.contains("\"status\":200") && line.contains("\"error\"");
        is_broken
            && line.contains("\"route\":\"archive\"")
            && !line.contains("the client went away")
    });
    lines.take(20).collect()
}

/// Why answers were not what was asked for, by route and status, in the server's words.
fn causes(log: &str) -> BTreeMap<String, usize> {
    let mut causes = BTreeMap::new();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for line in lines {
        if let (Some(route), Some(error)) = (line["route"].as_str(), line["error"].as_str()) {
            let start: String = error.chars().take(100).collect();
            let cause = format!("{route} {} {start}", line["status"]);
            *causes.entry(cause).or_default() += 1;
        }
    }
    causes
}

/// The lines of versions and locations that took longest.
fn slowest(log: &str) -> Vec<String> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut lines: Vec<Value> = lines
        .filter(|line| line["route"] == "versions" || line["route"] == "download")
        .collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line["duration_ms"].as_u64()));
    lines.iter().take(3).map(Value::to_string).collect()
}

/// The time of the load: a reading each second, and a line each ten.
fn load(plan: &Plan, server: &Server, shared: &Shared) -> Gauge {
    let began = Instant::now();
    let mut gauge = Gauge::default();
    let mut before = (Duration::ZERO, 0, server.usage().cpu);
    let mut seconds = 0;
    while began.elapsed() < plan.time {
        seconds += 1;
        let next = Duration::from_secs(seconds).min(plan.time);
        std::thread::sleep(next.saturating_sub(began.elapsed()));
        let at = began.elapsed().min(plan.time);
        let reading = gauge.read(server, at);
        // It keeps what was spoiled and asked, if nobody looks.
        shared.sky.strikes();
        shared.sky.clear_log();
        if seconds.is_multiple_of(10) {
            let requests = say(shared, at, &reading, before);
            before = (at, requests, reading.usage.cpu);
        }
    }
    gauge
}

/// One line; gives the requests so far.
fn say(
    shared: &Shared,
    at: Duration,
    reading: &Reading,
    before: (Duration, usize, Duration),
) -> usize {
    let (then, requests, cpu) = before;
    let seconds = at.saturating_sub(then).as_secs_f64();
    shared.ledger.with(|sums| {
        let [p50, p99, max] = percentiles(&mut sums.latest);
        sums.latest.clear();
        sums.p99 = Duration::from_secs_f64(p99 / 1000.0);
        println!(
            "{:>4.0} s  {:>7} requests  {:>5.0}/s  lost {}  p50 {p50:>6.1}  p99 {p99:>7.1}  longest {max:>6.0} ms  {:>4} MiB  {:>4} descriptors  \
             {:>3} MiB kept  {:>3.0} % cpu",
            at.as_secs_f64(),
            sums.requests,
            f64::from(u32::try_from(sums.requests - requests).unwrap_or(u32::MAX)) / seconds,
            sums.lost,
            reading.usage.resident_bytes >> 20,
            reading.usage.descriptors,
            reading.kept >> 20,
            (reading.usage.cpu.saturating_sub(cpu)).as_secs_f64() / seconds * 100.0,
        );
        sums.requests
    })
}

/// Lists are asked about again and again, and so are archives.
const SETTINGS: Settings = &[
    ("cache_fresh_seconds", "3"),
    ("cache_stale_seconds", "5"),
    ("cache_negative_seconds", "1"),
];
/// The grace of running requests, and what it takes to close the store.
const END: Duration = Duration::from_secs(33);
const PARTS: usize = 8;
/// By then a request that was sent has been read, where the machine has time for it.
const READ: Duration = Duration::from_secs(1);
/// What the host writes where a component traps or gives no answer.
const CRIES: [&str; 3] = ["the component failed", "trap", "panicked"];
