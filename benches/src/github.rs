//! The GitHub behind Landfall: the stand-in, in this process, with repositories by Terraform's naming convention.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use landfall_stand_in::fixture::Repository;
use landfall_stand_in::{Knobs, StandIn, StandInConfig};
use tempfile::TempDir;

use crate::Result;
use crate::bench::{Bench, OWNER};
use crate::server::Variables;

/// GitHub, and the directory that its repositories are in.
pub(crate) struct GitHub {
    pub(crate) stand_in: StandIn,
    pub(crate) directory: TempDir,
}

impl GitHub {
    /// Without repositories, and with a limit that no load reaches.
    pub(crate) fn start() -> Result<Self> {
        let directory = TempDir::new()?;
        let stand_in = StandIn::start(StandInConfig {
            repositories: Some(directory.path().to_owned()),
            knobs: Knobs {
                rate_limit: 1_000_000_000,
                ..Knobs::default()
            },
            ..StandInConfig::default()
        })?;
        Ok(Self {
            stand_in,
            directory,
        })
    }

    /// The module `acme/NAME/null` with so many versions, from 1.0.0 on, of one small file.
    pub(crate) fn module(&self, name: &str, versions: usize) -> Result<()> {
        let repository = repository(name);
        let mut repository = Repository::new(self.directory.path(), OWNER, &repository)
            .file("main.tf", module(name))
            .commit("Add the module");
        for version in 0..versions {
            repository = repository.tag(&format!("v1.{}.{}", version / 100, version % 100));
        }
        repository.build()?;
        Ok(())
    }

    /// The commit of all versions of the module `acme/NAME/null`.
    pub(crate) fn commit(&self, name: &str) -> Result<String> {
        let owner = self.directory.path().join(OWNER);
        let output = Command::new("git")
            .arg("--git-dir")
            .arg(owner.join(format!("{}.git", repository(name))))
            .args(["rev-parse", "HEAD"])
            .output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Waits until nobody asks any more: work goes on behind answers.
    pub(crate) fn wait_until_quiet(&self) {
        let mut asked = self.stand_in.log().len();
        loop {
            sleep(QUIET);
            let now = self.stand_in.log().len();
            if now == asked {
                return;
            }
            asked = now;
        }
    }

    /// What Landfall needs to know: where GitHub is, the App, and the token that reads. Lists stay fresh.
    pub(crate) fn variables(&self, bench: &Bench) -> Variables {
        vec![
            ("github_api_url", self.stand_in.api_url().to_owned()),
            (
                "github_archive_hosts",
                self.stand_in.archive_origin().to_owned(),
            ),
            ("github_app_id", self.stand_in.app_id().to_string()),
            (
                "github_private_key",
                self.stand_in.private_key_pem().to_owned(),
            ),
            ("allowed_owners", OWNER.to_owned()),
            ("tokens", bench.entry.clone()),
            ("cache_fresh_seconds", "86400".to_owned()),
        ]
    }
}

/// Sets a variable that is there already, or is not.
pub(crate) fn set(variables: &mut Variables, name: &'static str, value: &str) {
    variables.retain(|(it, _)| *it != name);
    variables.push((name, value.to_owned()));
}

/// The path of a module's versions.
pub(crate) fn versions_path(name: &str) -> String {
    format!("/v1/modules/{OWNER}/{name}/null/versions")
}

/// How many versions an answer has.
pub(crate) fn count_versions(document: &[u8]) -> Result<usize> {
    let document: serde_json::Value = serde_json::from_slice(document)?;
    let versions = document.pointer("/modules/0/versions");
    let versions = versions.and_then(serde_json::Value::as_array);
    Ok(versions.ok_or("an answer without versions")?.len())
}

/// The repository of the module `acme/NAME/null`, by the first of `repository_names`.
pub(crate) fn repository(name: &str) -> String {
    format!("terraform-null-{name}")
}

fn module(says: &str) -> String {
    format!(
        "resource \"terraform_data\" \"it\" {{\n  input = \"{says}\"\n}}\n\n\
         output \"says\" {{\n  value = terraform_data.it.output\n}}\n"
    )
}

/// Nobody asks any more when nobody did for so long.
const QUIET: Duration = Duration::from_millis(300);
