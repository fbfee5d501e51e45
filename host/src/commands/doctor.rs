//! `landfall doctor`: what is wrong with a configuration, and the mend.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use landfall::module::ModuleAddress;
use landfall_host::{Output, StartError, doctor};

use super::variable_flags::{SOURCES, VariableFlags};

/// Check a configuration against the real GitHub.
///
/// Reads the variables as `serve` does, asks GitHub with them, looks at the data directory and at the registry's public address, and prints
/// a line for each check: ok, warning, wrong or skipped, what was found, and the mend. It takes a minute at most, leaves nothing behind,
/// and prints no secret. `serve` may be running.
#[derive(Args)]
#[command(after_help = format!("{SOURCES}
Exit codes:
  0  all right, or warnings alone
  1  something is wrong
  2  a bad flag, or variables that can't be read"))]
pub(crate) struct Doctor {
    /// Directory of the key-value file, as `serve` uses it.
    #[arg(long, value_name = "DIR", default_value = ".landfall")]
    data: PathBuf,

    #[command(flatten)]
    variables: VariableFlags,

    /// A module to look for [default: a repository that has a version].
    #[arg(long, value_name = "NAMESPACE/NAME/SYSTEM", value_parser = module)]
    module: Option<ModuleAddress>,

    /// Where clients reach the registry [default: `base_url`].
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Print one JSON document instead of lines.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Whether nothing is wrong.
    pub(crate) fn run(self) -> ExitCode {
        match self.examine() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(error) => {
                Output::inherited().line(&error.to_string());
                ExitCode::from(2)
            }
        }
    }

    fn examine(self) -> Result<bool, StartError> {
        let variables = self.variables.collect()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| StartError::Engine(format!("can't start its threads: {error}")))?;
        let doctor = doctor::Doctor {
            variables,
            variables_file: self.variables.file().map(PathBuf::from),
            data: self.data,
            module: self.module,
            url: self.url,
        };
        let report = runtime.block_on(doctor.examine());
        // A name that is still being looked up is not waited for.
        runtime.shutdown_timeout(Duration::from_millis(100));
        let text = if self.json {
            format!("{}\n", report.json())
        } else {
            report.text()
        };
        // Nobody may be reading it; the exit code says it, too.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(report.is_ok())
    }
}

fn module(text: &str) -> Result<ModuleAddress, String> {
    let address = match text.split('/').collect::<Vec<_>>().as_slice() {
        [namespace, name, system] => ModuleAddress::parse(namespace, name, system),
        _ => None,
    };
    address
        .ok_or_else(|| "write it as modules' addresses are written, e.g. acme/vpc/aws".to_owned())
}
