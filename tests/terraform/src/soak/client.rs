//! One client: what it asks for, and how badly it behaves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use http::{Method, Response};
use hyper::body::Incoming;
use landfall_terraform_tests::exchange::{Broken, Connection, piece};
use landfall_terraform_tests::world::OWNER;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::contract::{Ledger, WITHOUT_GITHUB};
use crate::fleet::Module;
use crate::weather::Sky;

/// What all clients know.
pub(crate) struct Shared {
    pub(crate) address: String,
    pub(crate) modules: Vec<Module>,
    pub(crate) ledger: Ledger,
    pub(crate) sky: Sky,
    /// No new request is sent.
    pub(crate) is_over: AtomicBool,
    /// Since the server was asked to end.
    pub(crate) ending: Mutex<Option<Ending>>,
}

/// The server was asked to end.
#[derive(Clone, Copy)]
pub(crate) struct Ending {
    pub(crate) at: Instant,
    /// What was sent so long before has been read by then.
    pub(crate) read: Duration,
}

/// A client that asks again and again.
pub(crate) struct Client {
    shared: Arc<Shared>,
    rng: Rng,
    connection: Option<Connection>,
}

/// A reason to stop: the server has ended, as it was asked to.
struct Ended;

impl Client {
    pub(crate) fn new(shared: Arc<Shared>, seed: u64) -> Self {
        Self {
            shared,
            rng: Rng::with_seed(seed),
            connection: None,
        }
    }

    /// Asks until it is over.
    pub(crate) async fn run(mut self) {
        while !self.shared.is_over.load(Ordering::Relaxed) {
            let asked = match self.rng.u32(0..100) {
                0..70 => self.versions().await,
                70..85 => {
                    let (at, which) = self.version();
                    self.location(at, which).await.map(drop)
                }
                85..95 => self.archive().await,
                _ => self.others().await,
            };
            if asked.is_err() {
                return;
            }
        }
    }

    /// Asks for the versions and archives of each of these, before anything fails.
    pub(crate) async fn meet(mut self, modules: std::ops::Range<usize>) {
        for at in modules {
            let path = versions_path(&self.shared.modules[at]);
            let answer = self.whole(Method::GET, &path).await;
            let status = answer.ok().flatten().map(|(status, _)| status);
            assert_eq!(status, Some(200), "{path}, before anything fails");
            for which in 0..2 {
                let Ok(Some(path)) = self.location(at, which).await else {
                    panic!("{path} has no location, before anything fails");
                };
                let archive = self.whole(Method::GET, &path).await.ok().flatten();
                let (_, archive) = archive.unwrap_or_default();
                assert!(self.shared.modules[at].has(which, &archive), "{path}");
            }
        }
    }

    fn module(&mut self) -> usize {
        self.rng.usize(0..self.shared.modules.len())
    }

    fn version(&mut self) -> (usize, usize) {
        (self.module(), self.rng.usize(0..2))
    }

    async fn versions(&mut self) -> Result<(), Ended> {
        let at = self.module();
        let path = versions_path(&self.shared.modules[at]);
        let began = Instant::now();
        let Some((status, body)) = self.whole(Method::GET, &path).await? else {
            return Ok(());
        };
        self.shared.ledger.took(began.elapsed());
        let module = &self.shared.modules[at];
        if status != 200 || !lists(&body, module) {
            self.lost(&path, status, &body);
        }
        Ok(())
    }

    /// The path of an archive.
    async fn location(&mut self, at: usize, which: usize) -> Result<Option<String>, Ended> {
        let module = &self.shared.modules[at];
        let path = format!(
            "/v1/modules/{OWNER}/{}/null/{}/download",
            module.name,
            module.version(which)
        );
        let began = Instant::now();
        let Some(answer) = self.send(Method::GET, &path).await? else {
            return Ok(None);
        };
        self.shared.ledger.took(began.elapsed());
        let status = answer.status().as_u16();
        let location = answer.headers().get("x-terraform-get").cloned();
        let body = self.rest(answer.into_body(), &path).await?;
        let location = location.as_ref().and_then(|it| it.to_str().ok());
        let archive =
            location.and_then(|it| it.strip_prefix(&format!("http://{}", self.shared.address)));
        match archive {
            Some(archive) if status == 204 && archive.contains(&self.shared.modules[at].name) => {
                Ok(Some(archive.to_owned()))
            }
            _ => {
                self.lost(&path, status, &body.unwrap_or_default());
                Ok(None)
            }
        }
    }

    /// Some hang up in the middle of it, and some read it slowly.
    async fn archive(&mut self) -> Result<(), Ended> {
        let (at, which) = self.version();
        let Some(path) = self.location(at, which).await? else {
            return Ok(());
        };
        let manner = self.rng.u32(0..100);
        let Some(answer) = self.send(Method::GET, &path).await? else {
            return Ok(());
        };
        let status = answer.status().as_u16();
        let mut body = answer.into_body();
        let mut bytes = Vec::new();
        loop {
            match piece(&mut body).await {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => break,
                Err(broken) => {
                    self.connection = None;
                    return self.broken_archive(at, status, &broken);
                }
            }
            if manner < 8 && status == 200 {
                self.shared
                    .ledger
                    .excused("left by its client in the middle");
                self.connection = None;
                return Ok(());
            }
            if manner < 16 {
                sleep(Duration::from_millis(50)).await;
            }
        }
        if status == 200 {
            let shared = Arc::clone(&self.shared);
            let judged = tokio::task::spawn_blocking(move || {
                let is_right = shared.modules[at].has(which, &bytes);
                (is_right, bytes.len())
            });
            match judged.await {
                Ok((true, _)) => self.shared.ledger.whole(),
                Ok((false, length)) => {
                    let what = format!("{path}: {length} bytes that are not the version's");
                    self.shared.ledger.lost(what);
                }
                Err(_) => {}
            }
        } else {
            self.failed(&path, status, &bytes);
        }
        Ok(())
    }

    /// An answer that depends on GitHub.
    fn failed(&self, path: &str, status: u16, body: &[u8]) {
        if matches!(status, 502 | 503) && self.shared.sky.excuses_a_failure() {
            self.shared.ledger.excused(WITHOUT_GITHUB);
        } else {
            self.lost(path, status, body);
        }
    }

    fn broken_archive(&self, at: usize, status: u16, broken: &Broken) -> Result<(), Ended> {
        let module = &self.shared.modules[at];
        let ending = *self.shared.ending.lock().unwrap();
        if self.shared.sky.excuses_a_broken_archive(&module.name) {
            self.shared.ledger.excused("broken off as GitHub's was");
        } else if ending.is_some_and(|it| it.at.elapsed() >= GRACE) {
            self.shared.ledger.excused("longer than the grace");
        } else {
            let what = format!("an archive of {} ({status}) broke: {broken:?}", module.name);
            self.shared.ledger.lost(what);
        }
        if ending.is_some() { Err(Ended) } else { Ok(()) }
    }

    async fn others(&mut self) -> Result<(), Ended> {
        let at = self.module();
        let name = self.shared.modules[at].name.clone();
        match self.rng.u32(0..8) {
            0 => {
                self.is("/.well-known/terraform.json", Method::GET, 200)
                    .await
            }
            1 => self.is("/v1/modules?limit=5", Method::GET, 200).await,
            2 => {
                self.is(&format!("/v1/modules/search?q={name}"), Method::GET, 200)
                    .await
            }
            3 => {
                let path = format!("/v1/modules/{OWNER}/{name}/null/1.0.0");
                if let Some((status, body)) = self.whole(Method::GET, &path).await? {
                    if status != 200 {
                        self.failed(&path, status, &body);
                    } else if !String::from_utf8_lossy(&body).contains(&name) {
                        self.lost(&path, status, &body);
                    }
                }
                Ok(())
            }
            4 => {
                self.is(
                    &format!("/v1/modules/{OWNER}/{name}/null/versions"),
                    Method::DELETE,
                    405,
                )
                .await
            }
            5 => {
                self.is("/archive/acme/m001/null/1.0.0/HEAD.zip", Method::GET, 404)
                    .await
            }
            6 => {
                self.is(&format!("/nowhere?{}", "x".repeat(9000)), Method::GET, 414)
                    .await
            }
            _ => self.junk().await,
        }
    }

    /// A request whose status is always the same.
    async fn is(&mut self, path: &str, method: Method, expected: u16) -> Result<(), Ended> {
        if let Some((status, body)) = self.whole(method, path).await?
            && status != expected
        {
            self.lost(path, status, &body);
        }
        Ok(())
    }

    /// Bytes that are no HTTP, or half a request and then nothing.
    async fn junk(&mut self) -> Result<(), Ended> {
        const JUNK: [&[u8]; 4] = [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /v1/modules/acme/m001/null/vers",
            b"POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
        ];
        let bytes = JUNK[self.rng.usize(0..JUNK.len())];
        let Ok(mut stream) = TcpStream::connect(&self.shared.address).await else {
            return self.refused();
        };
        let _ = stream.write_all(bytes).await;
        let mut answer = [0; 32];
        let read = timeout(Duration::from_millis(50), stream.read(&mut answer)).await;
        if matches!(read, Ok(Ok(_))) && answer.starts_with(b"HTTP/1.1 5") {
            self.shared.ledger.lost(format!(
                "an error of the server's for {}",
                bytes.escape_ascii()
            ));
        }
        self.shared.ledger.excused("no HTTP");
        Ok(())
    }

    /// A request and its whole answer, `None` where the server ends or it is lost.
    async fn whole(&mut self, method: Method, path: &str) -> Result<Option<(u16, Vec<u8>)>, Ended> {
        let Some(answer) = self.send(method, path).await? else {
            return Ok(None);
        };
        let status = answer.status().as_u16();
        let body = self.rest(answer.into_body(), path).await?;
        Ok(body.map(|body| (status, body)))
    }

    async fn rest(&mut self, mut body: Incoming, path: &str) -> Result<Option<Vec<u8>>, Ended> {
        let mut bytes = Vec::new();
        loop {
            match piece(&mut body).await {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => return Ok(Some(bytes)),
                Err(broken) => {
                    self.connection = None;
                    let what = format!("{path}: the answer broke off: {broken:?}");
                    self.shared.ledger.lost(what);
                    return Ok(None);
                }
            }
        }
    }

    /// Sends a request over the connection that is there, or a new one.
    async fn send(
        &mut self,
        method: Method,
        path: &str,
    ) -> Result<Option<Response<Incoming>>, Ended> {
        let mut connection = match self.usable().await {
            Some(connection) => connection,
            None => match Connection::open(&self.shared.address, None).await {
                Ok(connection) => connection,
                Err(_) => return self.refused().map(|()| None),
            },
        };
        let began = Instant::now();
        match connection.send(method, path, &[], "").await {
            Ok(answer) => {
                self.shared.ledger.answered(answer.status().as_u16());
                self.connection = Some(connection);
                Ok(Some(answer))
            }
            Err(broken) => {
                self.shared.ledger.answered(0);
                let ending = *self.shared.ending.lock().unwrap();
                match ending {
                    // It may not have been read yet.
                    Some(ending) if began + ending.read > ending.at => {
                        self.shared.ledger.excused("came with the end");
                    }
                    Some(ending) if ending.at.elapsed() >= GRACE => {
                        self.shared.ledger.excused("longer than the grace");
                    }
                    _ => self
                        .shared
                        .ledger
                        .lost(format!("{path}: no answer: {broken:?}")),
                }
                if ending.is_some() {
                    Err(Ended)
                } else {
                    Ok(None)
                }
            }
        }
    }

    /// The connection of before, if the server has left it open.
    async fn usable(&mut self) -> Option<Connection> {
        let mut connection = self.connection.take()?;
        connection.is_ready().await.then_some(connection)
    }

    /// Nobody takes the connection.
    fn refused(&self) -> Result<(), Ended> {
        if self.shared.ending.lock().unwrap().is_some() {
            return Err(Ended);
        }
        self.shared
            .ledger
            .lost("a connection was refused".to_owned());
        Ok(())
    }

    fn lost(&self, path: &str, status: u16, body: &[u8]) {
        let body = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        self.shared.ledger.lost(format!("{path}: {status} {body}"));
    }
}

/// Where a module's versions are.
pub(crate) fn versions_path(module: &Module) -> String {
    format!("/v1/modules/{OWNER}/{}/null/versions", module.name)
}

/// Whether a document has all versions of a module, newest first, and nothing else.
pub(crate) fn lists(body: &[u8], module: &Module) -> bool {
    let document: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let versions = document["modules"][0]["versions"].as_array();
    versions.is_some_and(|versions| {
        let versions = versions
            .iter()
            .map(|it| it["version"].as_str().unwrap_or_default());
        versions.eq(module.versions.iter().map(String::as_str))
    })
}

/// What `landfall serve` leaves running requests, and a little less.
const GRACE: Duration = Duration::from_secs(29);
