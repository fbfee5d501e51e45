//! A client, and the root module that it works on.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;
use crate::programs::Program;
use crate::tree::{self, Tree};

/// A program that installs modules.
#[derive(Clone, Copy)]
pub enum Client {
    Terraform,
    Tofu,
}

impl Client {
    pub const ALL: [Self; 2] = [Self::Terraform, Self::Tofu];

    pub fn name(self) -> &'static str {
        self.program().name()
    }

    pub fn program(self) -> Program {
        match self {
            Self::Terraform => Program::Terraform,
            Self::Tofu => Program::Tofu,
        }
    }
}

/// A root module in a directory of its own.
pub struct Root {
    client: Client,
    directory: TempDir,
    environment: Vec<(String, String)>,
}

/// How a client is told its token for a host.
#[derive(Clone, Copy)]
pub enum By {
    /// `TF_TOKEN_...`.
    Variable,
    /// A `credentials` block in its configuration.
    Block,
}

impl Root {
    /// Writes `main.tf`, and a configuration by which `mods.example`, and the registry's `address` itself, are the registry
    /// there, without discovery or TLS.
    pub fn new(client: Client, address: &str, main: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let configuration: String = [HOST, address]
            .map(|host| {
                format!(
                    "host \"{host}\" {{\n  services = {{ \"modules.v1\" = \"http://{address}/v1/modules/\" }}\n}}\n"
                )
            })
            .concat();
        fs::write(directory.path().join(CONFIGURATION), configuration).unwrap();
        fs::write(directory.path().join("main.tf"), main).unwrap();
        Self {
            client,
            directory,
            environment: Vec::new(),
        }
    }

    /// With a token for `mods.example`.
    pub fn with_token(self, token: &str) -> Self {
        self.with_credentials(By::Variable, HOST, token)
    }

    /// With a token for a host, or for `HOST:PORT`.
    pub fn with_credentials(mut self, by: By, host: &str, token: &str) -> Self {
        match by {
            By::Variable => {
                let name = host.replace('-', "__").replace('.', "_");
                let variable = (format!("TF_TOKEN_{name}"), token.to_owned());
                self.environment.push(variable);
            }
            By::Block => {
                let path = self.directory.path().join(CONFIGURATION);
                let mut configuration = fs::read_to_string(&path).unwrap();
                let _ = write!(
                    configuration,
                    "credentials \"{host}\" {{\n  token = \"{token}\"\n}}\n"
                );
                fs::write(path, configuration).unwrap();
            }
        }
        self
    }

    /// With a `.netrc` in its home.
    pub fn with_netrc(self, netrc: &str) -> Self {
        fs::write(self.directory.path().join(".netrc"), netrc).unwrap();
        self
    }

    /// `init`: installs the modules.
    pub fn init(&self) -> Run {
        self.run(&["init", "-no-color", "-input=false"])
    }

    /// `validate`, which needs every module in its place.
    pub fn validate(&self) -> Run {
        self.run(&["validate", "-no-color"])
    }

    /// `plan` and `apply`; gives the outputs, by name.
    pub fn apply(&self) -> Value {
        self.run(&["plan", "-no-color", "-input=false", "-out=saved.plan"])
            .succeeds();
        self.run(&["apply", "-no-color", "-input=false", "saved.plan"])
            .succeeds();
        let outputs = self.run(&["output", "-no-color", "-json"]).succeeds();
        let outputs: Value = serde_json::from_str(&outputs.stdout).unwrap();
        let values = outputs.as_object().unwrap().iter();
        values
            .map(|(name, output)| (name.clone(), output["value"].clone()))
            .collect()
    }

    /// `plan`, and what `show` makes of it: the configuration, as the client itself has read it.
    pub fn configuration(&self) -> Value {
        self.run(&["plan", "-no-color", "-input=false", "-out=saved.plan"])
            .succeeds();
        let shown = self.run(&["show", "-no-color", "-json", "saved.plan"]);
        let mut shown: Value = serde_json::from_str(&shown.succeeds().stdout).unwrap();
        shown["configuration"].take()
    }

    /// Where the files are that were installed for a module call.
    pub fn place(&self, call: &str) -> PathBuf {
        self.modules().join(call)
    }

    /// The files that were installed for a module call.
    pub fn installed(&self, call: &str) -> Tree {
        tree::installed(&self.modules().join(call))
    }

    /// The version that the client took for a module call, and the directory below the call's own that it uses. `None`
    /// when it does not take the call for installed.
    pub fn accepted(&self, call: &str) -> Option<(String, String)> {
        let list = fs::read(self.modules().join("modules.json")).ok()?;
        let list: Value = serde_json::from_slice(&list).unwrap();
        let modules = list["Modules"].as_array()?;
        let module = modules.iter().find(|module| module["Key"] == call)?;
        let directory = Path::new(module["Dir"].as_str()?);
        let below = directory
            .strip_prefix(Path::new(".terraform/modules").join(call))
            .unwrap();
        Some((
            module["Version"].as_str()?.to_owned(),
            below.to_str()?.to_owned(),
        ))
    }

    fn modules(&self) -> PathBuf {
        self.directory.path().join(".terraform").join("modules")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let home = self.directory.path();
        let mut command = self.client.program().command(home);
        command
            .args(arguments)
            .current_dir(home)
            .env("TF_CLI_CONFIG_FILE", home.join(CONFIGURATION))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            // Nothing but the loopback can be reached, which needs no proxy.
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .envs(self.environment.iter().cloned());
        let mut process = Process::start(&mut command);
        Run {
            status: process.wait(LIMIT),
            command: format!("{} {}", self.client.name(), arguments.join(" ")),
            stdout: process.stdout(),
            stderr: process.stderr(),
        }
    }
}

/// A command that has ended.
pub struct Run {
    /// What was written to stdout.
    pub stdout: String,
    /// What was written to stderr.
    pub stderr: String,
    command: String,
    /// `None` when it was killed at its limit.
    status: Option<ExitStatus>,
}

impl Run {
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert!(self.status.is_some_and(|status| status.success()), "{self}");
        self
    }

    /// It failed, in its time and not by a signal, and said why. Line breaks, and the frame around errors, do not count.
    #[track_caller]
    pub fn fails_with(self, why: &str) -> Self {
        let code = self.status.and_then(|status| status.code());
        assert!(code.is_some_and(|code| code != 0), "{self}");
        let words = self.complaint();
        assert!(words.contains(why), "nothing says `{why}`: {self}");
        self
    }

    /// What was written to stderr, on one line and without frames.
    pub fn complaint(&self) -> String {
        let words: Vec<&str> = self.stderr.split_whitespace().collect();
        words.join(" ").replace(" │ ", " ")
    }

    /// A text appears nowhere in what was written.
    #[track_caller]
    pub fn hides(self, secret: &str) -> Self {
        let is_hidden = [&self.stdout, &self.stderr]
            .iter()
            .all(|text| !text.contains(secret));
        assert!(is_hidden, "it says what is secret: {self}");
        self
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stdout,
            stderr,
            command,
            status,
        } = self;
        match status {
            Some(status) => write!(f, "`{command}`: {status}")?,
            None => write!(f, "`{command}`: not done within {} s", LIMIT.as_secs())?,
        }
        write!(f, "\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}

/// The host that stands in the sources of root modules.
pub const HOST: &str = "mods.example";
const CONFIGURATION: &str = "client.tfrc";
const LIMIT: Duration = Duration::from_mins(1);
