//! `landfall serve`: the registry on this machine.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use landfall_host::{
    Build, Clock, Engine, GRACE, Host, HostConfig, Limits, Metrics, MetricsAccess, Outbound,
    Output, StartError, Store, Variables,
};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::variable_flags::{SOURCES, VariableFlags};

/// Serve the registry from this machine.
///
/// Runs Landfall's WebAssembly component, keeps what it learns from GitHub in a file, and lets it reach GitHub's hosts
/// alone. Put a proxy that ends TLS before it: Terraform takes modules from https registries only.
#[derive(Args)]
#[command(after_help = format!("{SOURCES}
SSL_CERT_FILE and SSL_CERT_DIR name the certificates of a private CA, such as a GitHub Enterprise Server's; otherwise
the system's are believed.

Signals:
  SIGHUP   reads --variables-file anew, for the next request on: tokens are revoked, and keys changed, without a restart
  SIGINT, SIGTERM  stop, once running requests have ended

Exit codes:
  0  stopped by SIGINT or SIGTERM; running requests get 30 s to finish, a second signal stops at once
  2  a bad flag, a variable's name or form, a taken address, a data directory or component that can't be used"))]
pub(crate) struct Serve {
    /// Address to listen on; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3000")]
    listen: String,

    /// Directory for the key-value file and compiled code, one process at a time; made if missing.
    #[arg(long, value_name = "DIR", default_value = ".landfall")]
    data: PathBuf,

    /// Serve metrics at http://HOST:PORT/metrics, apart from the registry; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "HOST:PORT")]
    metrics: Option<String>,

    /// Show metrics only to who presents the bearer token in this file.
    #[arg(long, value_name = "FILE", requires = "metrics")]
    metrics_token_file: Option<PathBuf>,

    #[command(flatten)]
    variables: VariableFlags,

    /// The component, landfall-spin.wasm or landfall-wasi.wasm [default: landfall-spin.wasm beside this program, else
    /// in target/wasm32-wasip2/release].
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,

    /// Requests that run at once; more wait.
    #[arg(long, value_name = "N", default_value_t = Limits::default().requests, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    max_requests: u32,

    /// Memory of one request's instance, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    max_memory: u16,

    /// Requests that one instance answers, one after another; 1 makes a new instance for each request, at twice the cost.
    #[arg(long, value_name = "N", default_value_t = Limits::default().reuse, value_parser = clap::value_parser!(u32).range(1..))]
    max_reuse: u32,
}

impl Serve {
    /// Serves until a signal ends it.
    pub(crate) fn run(self) -> Result<(), StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| StartError::Engine(format!("can't start its threads: {error}")))?;
        let served = runtime.block_on(self.serve());
        // What didn't end within its grace is left behind, not waited for.
        runtime.shutdown_timeout(Duration::from_millis(100));
        served
    }

    async fn serve(self) -> Result<(), StartError> {
        // A hangup must not end what is still starting.
        let mut signals = Signals::new()
            .map_err(|error| StartError::Engine(format!("can't wait for signals: {error}")))?;
        let (variables, outbound) = self.settings()?;
        let component = self.component_file()?;
        let listener = listen(&self.listen, "--listen").await?;
        let metrics = self.metrics(&component).await?;
        let store = self.store().await?;
        let limits = Limits {
            requests: self.max_requests,
            memory: usize::from(self.max_memory) * 1024 * 1024,
            reuse: self.max_reuse,
        };
        let engine = Engine::new(limits, Some(&self.data.join("compiled")))?;
        let component = engine.load(&component)?;
        let output = match &metrics {
            Some((_, _, metrics)) => Output::inherited().counted(metrics.clone()),
            None => Output::inherited(),
        };
        let host = Host::new(HostConfig {
            component,
            variables,
            store,
            outbound,
            output,
            clock: Clock::system(),
        });
        let metrics = metrics.map(|(listener, access, metrics)| {
            tokio::spawn(metrics.serve(listener, access, host.clone()))
        });
        announce(&listener)?;
        Output::inherited().line("/readyz says whether it can serve modules, or what to mend");
        let stopping = host.clone();
        host.serve(listener, async move {
            while let Signal::Reload = signals.next().await {
                self.reload(&stopping);
            }
            let running = stopping.running();
            Output::inherited().line(&format!(
                "stopping; requests still running: {running}, for {} s at most; a second signal stops at once",
                GRACE.as_secs()
            ));
            tokio::spawn(async move {
                while let Signal::Reload = signals.next().await {}
                std::process::exit(1);
            });
        })
        .await;
        if let Some(metrics) = metrics {
            metrics.abort();
        }
        Ok(())
    }

    /// The store. `landfall doctor` has it open for a moment, and a process that is ending a little longer.
    async fn store(&self) -> Result<Store, StartError> {
        let began = Instant::now();
        loop {
            match Store::open(&self.data) {
                Err(StartError::InUse(_)) if began.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                opened => return opened,
            }
        }
    }

    /// The variables, and where they let the component go.
    fn settings(&self) -> Result<(Variables, Outbound), StartError> {
        let variables = self.variables.collect()?;
        for (name, meant) in variables.unknown() {
            let meant =
                meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            Output::inherited().line(&format!("warning: no variable is called `{name}`{meant}"));
        }
        let outbound = Outbound::network(&variables)?;
        Ok((variables, outbound))
    }

    /// Reads the variables anew. Those that can't be read change nothing.
    fn reload(&self, host: &Host) {
        let output = Output::inherited();
        if self.variables.file().is_none() {
            output.line("there is nothing to read anew: variables come from a --variables-file, or stay as they are");
            return;
        }
        match self.settings() {
            Ok((variables, outbound)) => {
                host.set_variables(variables, outbound);
                output.line("the variables were read anew; /readyz says whether they are right");
            }
            Err(error) => output.line(&format!("{error}; the variables stay as they were")),
        }
    }

    /// Where metrics are served, to whom, and what is counted.
    async fn metrics(
        &self,
        component: &Path,
    ) -> Result<Option<(TcpListener, MetricsAccess, Metrics)>, StartError> {
        let Some(address) = &self.metrics else {
            return Ok(None);
        };
        let access = MetricsAccess::new(self.metrics_token_file.clone())?;
        let listener = listen(address, "--metrics").await?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError::Listen(error.to_string()))?;
        let output = Output::inherited();
        output.line(&format!("metrics are at http://{address}/metrics"));
        if let Some(warning) = access.warning(address) {
            output.line(&warning);
        }
        // What can't be read is said when it is loaded.
        let wasm = std::fs::read(component).unwrap_or_default();
        let metrics = Metrics::new(&Build {
            version: env!("CARGO_PKG_VERSION"),
            component: format!("{:x}", Sha256::digest(&wasm)),
        });
        Ok(Some((listener, access, metrics)))
    }

    fn component_file(&self) -> Result<PathBuf, StartError> {
        if let Some(path) = &self.component {
            return Ok(path.clone());
        }
        let beside = std::env::current_exe()
            .ok()
            .and_then(|exe| Some(exe.parent()?.join("landfall-spin.wasm")));
        let built = Path::new("target/wasm32-wasip2/release/landfall-spin.wasm").to_owned();
        let places: Vec<PathBuf> = beside.into_iter().chain([built]).collect();
        places
            .iter()
            .find(|place| place.is_file())
            .cloned()
            .ok_or_else(|| {
                let looked: Vec<String> = places
                    .iter()
                    .map(|place| place.display().to_string())
                    .collect();
                StartError::Component(format!(
                    "no component at {}; name it with --component, or build it with `make wasm`",
                    looked.join(" or ")
                ))
            })
    }
}

async fn listen(address: &str, flag: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| {
        StartError::Listen(match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("{address} is taken by another process; choose another address with {flag}")
            }
            _ => format!("can't listen on {address}: {error}; {flag} takes HOST:PORT"),
        })
    })
}

/// The one line on stdout. Scripts wait for it and read the port from it.
fn announce(listener: &TcpListener) -> Result<(), StartError> {
    let address = listener
        .local_addr()
        .map_err(|error| StartError::Listen(error.to_string()))?;
    let mut stdout = std::io::stdout();
    // Nobody may be reading it.
    let _ =
        writeln!(stdout, "landfall: listening on http://{address}").and_then(|()| stdout.flush());
    Ok(())
}

/// How long another process may still have the store.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a signal asks for.
enum Signal {
    /// To read the variables anew: SIGHUP.
    Reload,
    /// To stop: SIGINT and SIGTERM.
    Stop,
}

/// Signals that have come.
#[cfg(unix)]
struct Signals {
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Signal {
        self.0.recv().await;
        Signal::Stop
    }
}
