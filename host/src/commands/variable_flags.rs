//! Where a command's variables come from.

use std::path::{Path, PathBuf};

use clap::Args;
use landfall_host::{StartError, Variables};

/// Said in the help of each command that takes them.
pub(super) const SOURCES: &str = "\
Variables, the first that sets one counts:
  --variable NAME=VALUE             flags
  LANDFALL_VARIABLE_<NAME>=VALUE    environment: LANDFALL_VARIABLE_GITHUB_APP_ID sets github_app_id
  --variables-file FILE             TOML: github_app_id = \"1234\"
";

/// The flags.
#[derive(Args)]
pub(super) struct VariableFlags {
    /// Set a variable; may be repeated. Other users of the machine can see it: secrets go into the file or environment.
    #[arg(long, value_name = "NAME=VALUE")]
    variable: Vec<String>,

    /// Set variables from a TOML file: strings, integers, true, false, lists of strings.
    #[arg(long, value_name = "FILE")]
    variables_file: Option<PathBuf>,
}

impl VariableFlags {
    /// The variables, by flags, environment and file.
    pub(super) fn collect(&self) -> Result<Variables, StartError> {
        Variables::collect(&self.variable, std::env::vars_os(), self.file())
    }

    /// The file, where there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.variables_file.as_deref()
    }
}
