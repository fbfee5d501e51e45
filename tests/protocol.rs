//! Every scenario, natively and without a host: milliseconds for all of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "only tests are here, and a test's failure is its message"
)]

mod support;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, Request as HttpRequest, Response};
use landfall::app::{self, Body, Reply, Request};
use landfall::config::Remembered;
use landfall::host::{Host, HostError, Limits, Sink, Source};

use support::github::{Answer, Asked, Fault, GitHub};
use support::scenario::{Ask, Got, Kept, Scenario, StoreKind, Transcript};
use support::{attacks, secrets};

#[test]
fn every_scenario_goes_as_it_is_written_down() {
    for scenario in support::scenarios::all() {
        let host = FakeHost::new(&scenario);
        let mut transcript = Transcript::default();
        let mut kept = Kept::default();
        for ask in &scenario.requests {
            let filled = kept.fill(ask);
            let got = host.ask(&filled);
            kept.keep(&got);
            secrets::check(&scenario, &filled, &got, host.store.borrow().clone());
            transcript.add(ask, &got, &scenario.github);
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(&*scenario.name, transcript.text());
        });
    }
}

#[test]
fn every_fault_does_what_is_written_down() {
    for table in support::matrix::tables() {
        let mut lines = String::new();
        for cell in &table.cells {
            let host = FakeHost::new(&cell.scenario);
            let mut got = None;
            for ask in &cell.scenario.requests {
                let _ = cell.scenario.github.take_calls();
                let answer = host.ask(ask);
                secrets::check(&cell.scenario, ask, &answer, host.store.borrow().clone());
                got = Some(answer);
                let waited = host.waited.get();
                assert!(
                    waited <= Duration::from_secs(10),
                    "{}: {waited:?}",
                    cell.name
                );
            }
            cell.note(&mut lines, &got.unwrap());
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(table.name, lines);
        });
    }
}

#[test]
fn an_issuer_and_a_github_that_hang_take_ten_seconds_together() {
    // The keys of a week ago are too old; those of an hour ago are used.
    for (seconds, expected) in [(700_000, 503), (3601, 200)] {
        let jobs = support::readers::late_jobs(seconds);
        let scenario = support::readers::with_jobs("everything_hangs", jobs)
            .variable("cache_stale_seconds", "0");
        let host = FakeHost::new(&scenario);
        host.is_slow.set(true);
        for (ask, status) in scenario.requests.iter().zip([200, expected]) {
            assert_eq!(host.ask(ask).status, status, "{seconds}");
            assert!(
                host.waited.get() <= Duration::from_secs(10),
                "{:?}",
                host.waited.get()
            );
        }
    }
}

#[test]
fn nothing_comes_of_an_attack() {
    let scenario = attacks::attacked();
    let host = FakeHost::new(&scenario);
    let mut kept = Kept::default();
    kept.keep(&host.ask(&attacks::download()));
    let url = support::scenarios::get("{location}");
    let path = kept.fill(&url).target;
    assert_eq!(host.ask(&kept.fill(&url)).status, 200);
    let asks = attacks::bit_flips(&path)
        .into_iter()
        .chain(attacks::tricks(&path))
        .chain(attacks::random(10_000, &path));
    for ask in asks {
        let got = host.ask(&ask);
        attacks::check(&ask, &got);
        secrets::check(&scenario, &ask, &got, []);
    }
    assert_eq!(host.ask(&kept.fill(&url)).status, 200);
}

#[test]
fn a_warm_answer_reads_the_store_once_and_writes_nothing() {
    let all = support::scenarios::all();
    for (name, key) in [
        ("a_fresh_answer_costs_nothing", "acme/vpc"),
        // By the first of two templates, of which the second is looked at once.
        (
            "a_module_is_found_by_terraform_s_convention",
            "acme/terraform-google-network",
        ),
    ] {
        let scenario = all.iter().find(|it| it.name == name).unwrap();
        let host = FakeHost::new(scenario);
        for _ in 0..2 {
            let _ = host.ask(&scenario.requests[0]);
        }
        host.uses.take();
        assert_eq!(host.ask(&scenario.requests[0]).status, 200);
        assert_eq!(host.uses.take(), [format!("get landfall/3/entry/{key}/")]);
    }
}

/// Sixty of them are asked about at once: the rest follows behind the answers.
#[test]
fn a_search_of_a_thousand_modules_reads_one_value() {
    let scenario = support::lists::thousand();
    let host = FakeHost::new(&scenario);
    let mut unknown = usize::MAX;
    for _ in 0..20 {
        let got = host.ask(&support::scenarios::get(
            "/v1/modules/search?q=network&limit=100&offset=900",
        ));
        let text = String::from_utf8(got.body).unwrap();
        assert_eq!(text.matches("\"version\"").count(), 100);
        unknown = text.matches("\"version\":\"\"").count();
    }
    assert_eq!(unknown, 0);
    let calls = scenario.github.take_calls().len();
    assert!(calls < 1000 + 20 * 10 + 10, "{calls}");
    host.uses.take();
    let got = host.ask(&scenario.requests[0]);
    assert_eq!(host.uses.take(), ["get landfall/3/index/acme/0/"]);
    assert_eq!(scenario.github.take_calls(), [""; 0]);
    let found: serde_json::Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(found["modules"].as_array().unwrap().len(), 15);
    let value = host.store.borrow()["landfall/3/index/acme/0/"].len();
    assert!(value < 400_000, "{value}");
}

/// Two instances that write at the same time may leave the list of one and the history of the other.
#[test]
fn a_history_that_was_lost_or_is_older_than_its_list_costs_a_call_and_no_version() {
    const HISTORY: &str = "landfall/3/history/acme/vpc/";
    let download = support::scenarios::get("/v1/modules/acme/vpc/aws/1.3.0/download");
    for is_lost in [true, false] {
        let scenario = scenario("a_stale_answer_is_given_at_once_and_refreshed_behind");
        let host = FakeHost::new(&scenario);
        let _ = host.ask(&scenario.requests[0]);
        let older = host.store.borrow().get(HISTORY).cloned().unwrap();
        let _ = host.ask(&scenario.requests[1]);
        let mut store = host.store.borrow_mut();
        if is_lost {
            store.remove(HISTORY);
        } else {
            store.insert(HISTORY.to_owned(), older);
        }
        drop(store);
        let _ = scenario.github.take_calls();
        assert_eq!(host.ask(&download).status, 204);
        assert!(!scenario.github.take_calls().is_empty());
        assert_eq!(host.ask(&download).status, 204);
        assert!(scenario.github.take_calls().is_empty());
    }
}

/// Two instances ask at the same time, which a lease can't always prevent; the one that asked first is answered last.
#[test]
fn who_is_answered_last_undoes_nothing() {
    const COMMIT: &str = support::scenarios::COMMIT;
    let scenario = |list: &[(&'static str, &'static str, &'static str)]| {
        let tags = support::scenarios::tags(list);
        scenario("a_stale_answer_is_given_at_once_and_refreshed_behind")
            .on(support::scenarios::TAGS, [tags])
    };
    let old = [("v1.2.0", "commit", COMMIT)];
    let new = [("v1.2.0", "commit", COMMIT), ("v1.3.0", "commit", COMMIT)];
    let (first, second) = (scenario(&old), scenario(&new));
    let sooner = FakeHost::new(&second);
    sooner.now.set(sooner.now.get() + Duration::from_secs(1));
    let _ = sooner.ask(&second.requests[0]);
    let host = FakeHost::new(&first);
    host.meanwhile.replace(Some(sooner.store.take()));
    let got = host.ask(&first.requests[0]);
    assert!(host.meanwhile.borrow().is_none());
    assert!(String::from_utf8(got.body).unwrap().contains("1.3.0"));
    let _ = first.github.take_calls();
    let download = support::scenarios::get("/v1/modules/acme/vpc/aws/1.3.0/download");
    assert_eq!(host.ask(&download).status, 204);
    assert_eq!(first.github.take_calls(), [""; 0]);
}

#[test]
fn no_fault_keeps_a_client_waiting_for_more_than_ten_seconds() {
    for table in support::matrix::tables() {
        for cell in &table.cells {
            let host = FakeHost::new(&cell.scenario);
            host.is_slow.set(true);
            for ask in &cell.scenario.requests {
                let _ = host.ask(ask);
                let waited = host.waited.get();
                assert!(
                    waited <= Duration::from_secs(10),
                    "{}: {waited:?}",
                    cell.name
                );
            }
        }
    }
}

fn scenario(name: &str) -> Scenario {
    let mut all = support::freshness::all().into_iter();
    all.find(|it| it.name == name).unwrap()
}

type Store = HashMap<String, Vec<u8>>;

/// The outside world in memory. Time passes when someone waits.
struct FakeHost<'s> {
    scenario: &'s Scenario,
    now: Cell<SystemTime>,
    store: RefCell<Store>,
    kind: Cell<StoreKind>,
    has_reported: Cell<bool>,
    /// What others write while GitHub is asked for tags, for two seconds.
    meanwhile: RefCell<Option<Store>>,
    /// What was asked of the store.
    uses: RefCell<Vec<String>>,
    /// Another one each time, and the same in each run.
    randomness: Cell<u8>,
    /// Whether what does not answer in time takes that time.
    is_slow: Cell<bool>,
    /// How long the last client waited.
    waited: Cell<Duration>,
    log: RefCell<Vec<String>>,
}

impl<'s> FakeHost<'s> {
    fn new(scenario: &'s Scenario) -> Self {
        // GitHub's answers are of the first second of 2026.
        let now = 1_767_225_600_i64 + scenario.skew;
        let now = Cell::new(UNIX_EPOCH + Duration::from_secs(now.unsigned_abs()));
        Self {
            scenario,
            now,
            store: RefCell::default(),
            kind: Cell::new(scenario.store),
            has_reported: Cell::new(false),
            meanwhile: RefCell::default(),
            uses: RefCell::default(),
            randomness: Cell::new(6),
            is_slow: Cell::default(),
            waited: Cell::default(),
            log: RefCell::default(),
        }
    }

    fn ask(&self, ask: &Ask) -> Got {
        let passed = Duration::from_secs(ask.after.unsigned_abs());
        self.now.set(if ask.after < 0 {
            self.now.get() - passed
        } else {
            self.now.get() + passed
        });
        if let Some(trouble) = ask.trouble {
            self.scenario.github.trouble(trouble);
        }
        if let Some(store) = ask.store {
            self.kind.set(store);
        }
        self.has_reported.set(false);
        let began = self.now.get();
        let mut headers = HeaderMap::new();
        for (name, value) in &ask.headers {
            headers.append(*name, value.parse().unwrap());
        }
        let request = Request {
            method: ask.method.parse().unwrap(),
            target: ask.target.clone(),
            authority: Some("registry.example".to_owned()),
            headers,
        };
        pollster::block_on(async {
            let mut body = FakeSource {
                body: ask.body.clone(),
                end: Ok(()),
            };
            let Reply {
                response,
                record,
                after,
            } = app::handle(self, &Remembered::default(), &request, &mut body).await;
            let (head, body) = response.into_parts();
            let mut sink = FakeSink::default();
            let sent = match body {
                Body::Bytes(bytes) => {
                    sink.0 = bytes;
                    None
                }
                Body::Archive(archive) => Some(archive.send(&mut sink).await),
            };
            let is_broken = sent.as_ref().is_some_and(|sent| sent.result.is_err());
            record.finish(self, sent.as_ref());
            self.waited
                .set(self.now.get().duration_since(began).unwrap());
            after.settle(sent.as_ref()).await;
            let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
                (name.to_string(), value.to_str().unwrap().to_owned())
            };
            Got {
                status: head.status.as_u16(),
                headers: head.headers.iter().map(header).collect(),
                body: sink.0,
                is_broken,
                log: self.log.take(),
            }
        })
    }

    fn fails(&self, kinds: &[StoreKind]) -> bool {
        let fails = kinds.contains(&self.kind.get());
        if fails && !self.has_reported.replace(true) {
            self.log("key-value store: host interface failed: out of order");
        }
        fails
    }
}

impl Host for FakeHost<'_> {
    type Source = FakeSource;

    fn now(&self) -> SystemTime {
        self.now.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.now.set(self.now.get() + duration);
    }

    fn random(&self, buffer: &mut [u8]) {
        self.randomness.set(self.randomness.get().wrapping_add(1));
        buffer.fill(self.randomness.get());
    }

    fn variable(&self, name: &str) -> Result<Option<String>, HostError> {
        let found = self
            .scenario
            .variables
            .iter()
            .find(|(known, _)| *known == name);
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.uses.borrow_mut().push(format!("get {key}"));
        if self.fails(&[StoreKind::Fails, StoreKind::FailsToRead]) {
            return None;
        }
        let mut value = self.store.borrow().get(key).cloned();
        if self.kind.get() == StoreKind::Corrupts
            && let Some(byte) = value.as_mut().and_then(|it| it.last_mut())
        {
            *byte ^= 0x20;
        }
        value
    }

    fn set(&self, key: &str, value: &[u8]) {
        self.uses.borrow_mut().push(format!("set {key}"));
        let fails = self.fails(&[StoreKind::Fails, StoreKind::FailsToWrite]);
        if !fails && self.kind.get() != StoreKind::Forgets {
            self.store
                .borrow_mut()
                .insert(key.to_owned(), value.to_vec());
        }
    }

    async fn send(
        &self,
        request: HttpRequest<Vec<u8>>,
        limits: Limits,
    ) -> Result<Response<FakeSource>, HostError> {
        let github: &GitHub = &self.scenario.github;
        let header = |name: &str| {
            let value = request.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let Answer {
            status,
            headers,
            mut body,
            fault,
            ..
        } = github.answer(&Asked {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            authorization: header("authorization"),
            accept: header("accept"),
            if_none_match: header("if-none-match"),
            body: request.body().clone(),
        });
        if request.uri().path().ends_with("/matching-refs/tags")
            && let Some(store) = self.meanwhile.take()
        {
            self.store.borrow_mut().extend(store);
            self.sleep(Duration::from_secs(2)).await;
        }
        let mut end = Ok(());
        match fault {
            Fault::None => {}
            Fault::Timeout => {
                if self.is_slow.get() {
                    self.sleep(limits.head).await;
                }
                return Err(HostError::Timeout);
            }
            Fault::Refused => return Err(HostError::Upstream("refused".to_owned())),
            Fault::Break(length) => {
                body.truncate(length);
                end = Err(HostError::Upstream("broken".to_owned()));
            }
            Fault::End(length) => body.truncate(length),
        }
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        Ok(response.body(FakeSource { body, end }).unwrap())
    }

    fn log(&self, line: &str) {
        self.log.borrow_mut().push(line.to_owned());
    }
}

/// A body that comes in pieces of a few thousand bytes.
struct FakeSource {
    body: Vec<u8>,
    end: Result<(), HostError>,
}

impl Source for FakeSource {
    fn wait_at_most(&mut self, _: Duration) {}

    async fn read(&mut self, max: usize) -> Result<Vec<u8>, HostError> {
        if self.body.is_empty() {
            return self.end.clone().map(|()| Vec::new());
        }
        let rest = self.body.split_off(self.body.len().min(max).min(5000));
        Ok(std::mem::replace(&mut self.body, rest))
    }

    async fn skip(&mut self, n: u64) -> Result<u64, HostError> {
        Ok(self.read(usize::try_from(n).unwrap()).await?.len() as u64)
    }
}

#[derive(Default)]
struct FakeSink(Vec<u8>);

impl Sink<FakeSource> for FakeSink {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        self.0.extend(bytes);
        Ok(())
    }

    async fn splice(&mut self, source: &mut FakeSource, n: u64) -> Result<u64, HostError> {
        let bytes = source.read(usize::try_from(n).unwrap()).await?;
        self.0.extend(&bytes);
        Ok(bytes.len() as u64)
    }
}
