//! The stand-in's handle, its two listeners, and the way of a request: fault, answer, log.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::header::DATE;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::answer::{Answer, Body};
use crate::api;
use crate::app::{App, PRIVATE_KEY_PEM};
use crate::archive;
use crate::clock::http_date;
use crate::control::{self, Counts};
use crate::fault::{Fault, FaultKind};
use crate::installation::{AccountKind, Installation};
use crate::log::{Credential, LogEntry, Origin};
use crate::repository::Visibility;
use crate::token::PersonalToken;
use crate::world::{GitHub, Knobs, World};

const MAX_REQUEST_BODY: usize = 1024 * 1024;

/// How a stand-in starts. [`Knobs`] are what may change later.
#[derive(Clone, Debug)]
pub struct StandInConfig {
    /// Where the REST API listens; port 0 is any free one. Loopback only.
    pub listen: SocketAddr,
    /// Where archives are served; port 0 is any free one. Loopback only.
    pub archive_listen: SocketAddr,
    /// The App's numeric id.
    pub app_id: u64,
    /// The App's client id, the other name that it may sign with.
    pub client_id: String,
    /// A directory of bare repositories, `OWNER/NAME.git`: private, or public with a file `git-daemon-export-ok` inside.
    /// They are found when first asked for, and the App is installed on their owners.
    pub repositories: Option<PathBuf>,
    /// The initial knobs.
    pub knobs: Knobs,
}

/// A running stand-in for GitHub. It has a thread and a runtime of its own, so a test may block; dropping it stops it.
pub struct StandIn {
    github: Arc<GitHub>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Listens on both origins. Fails when an address is taken or not a loopback one.
    pub fn start(config: StandInConfig) -> io::Result<Self> {
        let api = bind(config.listen)?;
        let archives = bind(config.archive_listen)?;
        let github = Arc::new(GitHub {
            app: App::new(config.app_id, config.client_id)?,
            api_url: format!("http://{}", api.local_addr()?),
            archive_origin: archives.local_addr()?.to_string(),
            repositories: config.repositories,
            world: Mutex::new(World::new(config.knobs)),
        });
        github.scan();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let (api, archives) = {
            let _context = runtime.enter();
            (
                tokio::net::TcpListener::from_std(api)?,
                tokio::net::TcpListener::from_std(archives)?,
            )
        };
        let shared = Arc::clone(&github);
        let thread = std::thread::Builder::new()
            .name("stand-in".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = listen(api, Arc::clone(&shared), Origin::Api) => {}
                        () = listen(archives, shared, Origin::Archive) => {}
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_background();
            })?;
        Ok(Self {
            github,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The REST API's base, `http://127.0.0.1:PORT`, for `github_api_url`.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.github.api_url
    }

    /// The archives' host and port, `127.0.0.1:PORT`, for `github_archive_hosts`.
    #[must_use]
    pub fn archive_origin(&self) -> &str {
        &self.github.archive_origin
    }

    /// The App's id.
    #[must_use]
    pub fn app_id(&self) -> u64 {
        self.github.app.id
    }

    /// The App's client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.github.app.client_id
    }

    /// The App's private key, PKCS#1 in PEM as GitHub hands it out. It is the same for every stand-in.
    #[must_use]
    pub fn private_key_pem(&self) -> &'static str {
        PRIVATE_KEY_PEM
    }

    /// Adds a bare repository and gives its id. A name that another repository had before a rename is taken over.
    pub fn add_repository(
        &self,
        owner: &str,
        name: &str,
        visibility: Visibility,
        git_dir: impl Into<PathBuf>,
    ) -> u64 {
        self.github
            .world()
            .add_repository(owner, name, visibility, git_dir.into())
    }

    /// Makes a repository public or private; `false` when there is none of the name.
    #[must_use]
    pub fn set_visibility(&self, owner: &str, name: &str, visibility: Visibility) -> bool {
        let mut world = self.github.world();
        let id = world.repository_named(owner, name).map(|found| found.id);
        id.and_then(|id| world.repositories.get_mut(&id))
            .map(|repository| repository.visibility = visibility)
            .is_some()
    }

    /// Renames or transfers a repository, both `OWNER/NAME`: the old name redirects. `false` when there is none of the name.
    #[must_use]
    pub fn rename_repository(&self, from: &str, to: &str) -> bool {
        self.github.scan();
        control::renamed(&mut self.github.world(), from, to).is_some()
    }

    /// Deletes a repository on GitHub; its git directory stays.
    #[must_use]
    pub fn remove_repository(&self, owner: &str, name: &str) -> bool {
        let mut world = self.github.world();
        let id = world.repository_named(owner, name).map(|found| found.id);
        id.and_then(|id| world.repositories.remove(&id)).is_some()
    }

    /// Says whether an account is an organization (as all are at first) or a user.
    pub fn set_account_kind(&self, login: &str, kind: AccountKind) {
        self.github.world().account(login).kind = kind;
    }

    /// Installs the App on an account, or changes its installation there. Gives the installation's id.
    #[expect(
        clippy::must_use_candidate,
        reason = "most tests need no id, the App finds it itself"
    )]
    pub fn install(&self, owner: &str, installation: Installation) -> u64 {
        self.github.world().install(owner, installation)
    }

    /// Takes the App's installation away.
    pub fn uninstall(&self, owner: &str) {
        self.github.world().uninstall(owner);
    }

    /// Makes a personal token known.
    pub fn add_personal_token(&self, token: &str, personal: PersonalToken) {
        self.github
            .world()
            .personal_tokens
            .insert(token.to_owned(), personal);
    }

    /// The knobs as they stand.
    #[must_use]
    pub fn knobs(&self) -> Knobs {
        self.github.world().knobs.clone()
    }

    /// Turns the knobs.
    pub fn set_knobs(&self, knobs: Knobs) {
        self.github.world().knobs = knobs;
    }

    /// Orders a fault; those ordered before it come first.
    pub fn add_fault(&self, fault: Fault) {
        self.github.world().faults.push(fault);
    }

    /// The faults that are still to come.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.github.world().faults.clone()
    }

    /// Cancels all faults.
    pub fn clear_faults(&self) {
        self.github.world().faults.clear();
    }

    /// Every request since the start or the last [`clear_log`](Self::clear_log).
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.github.world().log().to_vec()
    }

    /// Empties the log.
    pub fn clear_log(&self) {
        self.github.world().clear_log();
    }

    /// Sums: tokens minted, billed calls, credentials brought to the archive origin.
    #[must_use]
    pub fn counts(&self) -> Counts {
        control::counts(&self.github.world())
    }
}

impl Default for StandInConfig {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: any_port,
            archive_listen: any_port,
            app_id: 1001,
            client_id: "Iv23liLandfallStandI".to_owned(),
            repositories: None,
            knobs: Knobs::default(),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{address} is not a loopback address, and the stand-in's key is public"),
        ));
    }
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn listen(listener: tokio::net::TcpListener, github: Arc<GitHub>, origin: Origin) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        let github = Arc::clone(&github);
        connections.spawn(async move {
            let service = service_fn(|request| serve(Arc::clone(&github), origin, request));
            // A client that leaves and a connection dropped on purpose both end here.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// An error is a dropped connection.
async fn serve(
    github: Arc<GitHub>,
    origin: Origin,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (request, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BODY).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    let path = request.uri.path();
    if origin == Origin::Api
        && let Some(path) = path.strip_prefix(control::PREFIX)
    {
        return Ok(control::answer(&github, &request.method, path, &body).into_response());
    }
    let (fault, number) = {
        let mut world = github.world();
        let fault = world.take_fault(origin, &request.method, path);
        let entry = LogEntry {
            origin,
            method: request.method.to_string(),
            path: path.to_owned(),
            credential: Credential::of(&request.headers),
            billed: false,
            status: None,
        };
        (fault, world.log_request(entry))
    };
    if let Some(delay) = fault.as_ref().and_then(FaultKind::delay) {
        tokio::time::sleep(delay).await;
    }
    let (answer, billed) = answer(&github, origin, &request, &body, fault.as_ref())
        .await
        .ok_or(io::ErrorKind::ConnectionAborted)?;
    let now = {
        let mut world = github.world();
        world.log_answer(number, answer.status.as_u16(), billed);
        world.now()
    };
    Ok(answer.header(DATE, &http_date(now)).into_response())
}

/// The answer and whether it is billed, or `None` for a dropped connection. What a fault replaces has no effect and no price.
async fn answer(
    github: &GitHub,
    origin: Origin,
    request: &http::request::Parts,
    body: &Bytes,
    fault: Option<&FaultKind>,
) -> Option<(Answer, bool)> {
    if matches!(fault, Some(FaultKind::Drop)) {
        return None;
    }
    let requested = match origin {
        Origin::Api => format!("{}{}", github.api_url, request.uri),
        Origin::Archive => format!("http://{}{}", github.archive_origin, request.uri),
    };
    if let Some(answer) = fault.and_then(|fault| fault.replacement(github.now(), &requested)) {
        return Some((answer, false));
    }
    let (answer, billed) = match origin {
        Origin::Api => {
            let api::Billed { answer, billed } = api::answer(github, request, body).await;
            (answer, billed)
        }
        Origin::Archive => (archive::answer(github, request, fault).await, false),
    };
    let answer = match fault {
        Some(fault) => fault.spoil(answer),
        None => answer,
    };
    Some((answer, billed))
}
