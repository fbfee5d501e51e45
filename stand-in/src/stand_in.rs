//! The stand-in's handle: start, stop, and everything that a test may change.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use crate::app::{App, PRIVATE_KEY_PEM};
use crate::counts::Counts;
use crate::etag::Salt;
use crate::fault::Fault;
use crate::id_token::IdToken;
use crate::installation::{AccountKind, Installation};
use crate::knobs::Knobs;
use crate::log::{LogEntry, Origin};
use crate::oidc_key::Keys;
use crate::profile::Profile;
use crate::server::{bind, listen};
use crate::tips::Remembered;
use crate::token::PersonalToken;
use crate::weather::{Sky, Strike, Weather};
use crate::webhook::Webhook;
use crate::webhook_event::Subject;
use crate::world::{GitHub, World};

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
    pub(crate) github: Arc<GitHub>,
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
            salt: Salt::new(),
            down: watch::Sender::new(false),
            oidc_keys: Mutex::new(Keys::new(config.knobs.oidc_algorithm)?),
            tips: Remembered::default(),
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

    /// Changes what the App says of itself. Installations keep the permissions that they have.
    pub fn set_profile(&self, profile: Profile) {
        self.github.world().profile = profile;
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

    /// Sets the weather, in which faults come at random where none was ordered; without one, none do.
    pub fn set_weather(&self, weather: Option<Weather>) {
        self.github.world().sky = weather.map(Sky::new);
    }

    /// What the weather has spoiled since it was set or this was asked.
    #[must_use]
    pub fn take_strikes(&self) -> Vec<Strike> {
        let mut world = self.github.world();
        let sky = world.sky.as_mut();
        sky.map(|sky| std::mem::take(&mut sky.strikes))
            .unwrap_or_default()
    }

    /// Every request since the start or the last [`clear_log`](Self::clear_log).
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.github.world().log().to_vec()
    }

    /// Empties the log and sets all [`counts`](Self::counts) to 0.
    pub fn clear_log(&self) {
        self.github.world().clear_log();
    }

    /// Sums over all that was asked since the start or the last [`clear_log`](Self::clear_log).
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::of(&self.github.world())
    }

    /// The [`counts`](Self::counts), which start at 0 from here, as does the log.
    #[must_use]
    pub fn take_counts(&self) -> Counts {
        let mut world = self.github.world();
        let counts = Counts::of(&world);
        world.clear_log();
        counts
    }

    /// Sets how much of its primary limit the installation on an account has used in this window; `false` without an installation.
    #[must_use]
    pub fn set_used(&self, owner: &str, used: u64) -> bool {
        self.github.scan();
        self.github.world().set_used(owner, used).is_some()
    }

    /// Takes both origins away: what is under way breaks off, and every connection is closed at once (the API's as soon as it
    /// is asked for anything but a control endpoint), until it is set back.
    pub fn set_down(&self, down: bool) {
        self.github.down.send_replace(down);
    }

    /// What webhooks about a repository say of it; `None` without such a repository or without an installation on its owner.
    #[must_use]
    pub fn subject(&self, owner: &str, name: &str) -> Option<Subject> {
        self.github.scan();
        self.github.world().subject(owner, name)
    }

    /// Actions' OIDC issuer, the value of `iss`: [`api_url`](Self::api_url), and [`Knobs::oidc_issuer_suffix`] after a slash.
    #[must_use]
    pub fn oidc_issuer(&self) -> String {
        self.github.issuer()
    }

    /// An ID token as the issuer signs it now. Empty if the system has no randomness to sign with.
    #[must_use]
    pub fn id_token(&self, token: &IdToken) -> String {
        self.github.id_token(token, None).unwrap_or_default()
    }

    /// Makes another key sign ID tokens, and gives its id, which no key had before. What is published of the others is up to
    /// [`Knobs::oidc_keep_former_key`] and [`Knobs::oidc_publish_next_key`].
    #[expect(
        clippy::must_use_candidate,
        reason = "most tests find the id in a token's header"
    )]
    pub fn rotate_oidc_keys(&self) -> String {
        self.github.rotate_keys().unwrap_or_default()
    }

    /// Where a job asks for its ID token: the value of `ACTIONS_ID_TOKEN_REQUEST_URL`, to which it adds `&audience=…`.
    #[must_use]
    pub fn actions_request_url(&self) -> String {
        self.github.id_token_url()
    }

    /// What a job asks with, the value of `ACTIONS_ID_TOKEN_REQUEST_TOKEN`: it gets this ID token each time.
    #[must_use]
    pub fn actions_request_token(&self, token: IdToken) -> String {
        self.github.new_request_token(token)
    }

    /// The App's webhook, signed with this secret.
    #[must_use]
    pub fn webhook(&self, secret: &str) -> Webhook {
        Webhook::new(secret).app(self.app_id())
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
