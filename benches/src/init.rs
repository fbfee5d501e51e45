//! `terraform init` through Landfall: how long it takes, and what GitHub is asked meanwhile.

use std::fmt::Write as _;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use landfall_stand_in::{LogEntry, Origin};
use tempfile::TempDir;

use crate::Result;
use crate::bench::{Bench, OWNER};
use crate::figure::time;
use crate::github::{GitHub, set};
use crate::programs::Program;
use crate::server::{Instances, Server};
use crate::table::Table;
use crate::targets::Measured;

pub(crate) fn measure(bench: &Bench, _: &mut Measured) -> Result<()> {
    if !Program::all_there(&[Program::Terraform], "`terraform init`") {
        return Ok(());
    }
    let github = GitHub::start()?;
    let most = COUNTS.iter().max().copied().unwrap_or_default();
    for number in 0..most {
        github.module(&format!("part-{number}"), 3)?;
    }
    let variables = github.variables(bench);
    let mut table = Table::new(&[
        "modules",
        "store",
        "time",
        "look-ups",
        "tokens",
        "tag lists",
        "tag lists, 304",
        "archives",
        "other",
    ]);
    let mut rows = Vec::new();
    let mut stores = Vec::new();
    for count in COUNTS {
        let data = bench.data()?;
        let server = Server::landfall(bench, Instances::Reused, &variables, data.path())?;
        for what in ["empty", "a moment later"] {
            let (took, calls) = counted(&github, || init(bench, &server, count))?;
            rows.push((count, what, took, calls));
        }
        stores.push((count, data));
    }
    // What an hour does to a list: it is given once more while GitHub is asked behind the answer, and is fresh again.
    let mut later = variables;
    let fresh = FRESH.as_secs().to_string();
    set(&mut later, "cache_fresh_seconds", &fresh);
    sleep(FRESH);
    for (count, data) in stores {
        let server = Server::landfall(bench, Instances::Reused, &later, data.path())?;
        let (took, calls) = counted(&github, || init(bench, &server, count))?;
        rows.push((count, "an hour later", took, calls));
    }
    rows.sort_by_key(|(count, ..)| *count);
    for (count, what, took, calls) in rows {
        table.row(calls.row(count, what, took));
    }
    table.print(
        "`terraform init` of so many modules of one owner, and calls to GitHub",
        "Each in a fresh directory; Terraform's own start is in the time. GitHub does not bill a 304. An archive is an answer of \
         the API, which leads to the host that has it. The hour is one of \
         `cache_fresh_seconds` set to 5 and a wait as long, with GitHub's token still good.",
    );
    Ok(())
}

/// Installs modules in a new directory.
fn init(bench: &Bench, server: &Server, count: usize) -> Result<Duration> {
    let directory = TempDir::new()?;
    let root = directory.path();
    let configuration = root.join("client.tfrc");
    let services = format!("\"modules.v1\" = \"{}\"", server.url("/v1/modules/"));
    fs::write(
        &configuration,
        format!("host \"{HOST}\" {{\n  services = {{ {services} }}\n}}\n"),
    )?;
    let mut main = String::new();
    for number in 0..count {
        write!(
            main,
            "module \"part-{number}\" {{\n  source  = \"{HOST}/{OWNER}/part-{number}/null\"\n  version = \"~> 1.0\"\n}}\n"
        )?;
    }
    fs::write(root.join("main.tf"), main)?;
    let mut command = Program::Terraform.command();
    command
        .args(["init", "-no-color", "-input=false"])
        .current_dir(root)
        .env("HOME", root)
        .env("TF_CLI_CONFIG_FILE", configuration)
        .env("TF_TOKEN_mods_example", &bench.token)
        .env("TF_IN_AUTOMATION", "1")
        .env("CHECKPOINT_DISABLE", "1");
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("terraform init: {stderr}\n{}", server.said()).into());
    }
    for number in 0..count {
        let file = format!(".terraform/modules/part-{number}/main.tf");
        if !root.join(&file).is_file() {
            return Err(format!("terraform init did not install {file}").into());
        }
    }
    Ok(took)
}

/// What GitHub was asked, by kind.
#[derive(Debug, Default)]
struct Calls {
    look_ups: usize,
    tokens: usize,
    lists: usize,
    unchanged: usize,
    archives: usize,
    other: usize,
}

impl Calls {
    fn of(log: &[LogEntry]) -> Self {
        let mut calls = Self::default();
        for entry in log {
            let counter = match entry.origin {
                // The second half of an archive.
                Origin::Archive => continue,
                Origin::Api if entry.path.contains("/zipball/") => &mut calls.archives,
                Origin::Api if entry.path.ends_with("/access_tokens") => &mut calls.tokens,
                Origin::Api if entry.path.ends_with("/installation") => &mut calls.look_ups,
                Origin::Api if entry.path.contains("/git/matching-refs/") => match entry.status {
                    Some(304) => &mut calls.unchanged,
                    _ => &mut calls.lists,
                },
                Origin::Api => &mut calls.other,
            };
            *counter += 1;
        }
        calls
    }

    fn row(&self, modules: usize, store: &str, took: Duration) -> [String; 9] {
        [
            modules.to_string(),
            store.to_owned(),
            time(took),
            self.look_ups.to_string(),
            self.tokens.to_string(),
            self.lists.to_string(),
            self.unchanged.to_string(),
            self.archives.to_string(),
            self.other.to_string(),
        ]
    }
}

/// What GitHub is asked by something, the work behind answers included.
fn counted<T>(github: &GitHub, work: impl FnOnce() -> Result<T>) -> Result<(T, Calls)> {
    github.stand_in.clear_log();
    let done = work()?;
    github.wait_until_quiet();
    Ok((done, Calls::of(&github.stand_in.log())))
}

const HOST: &str = "mods.example";
const COUNTS: [usize; 3] = [1, 10, 50];
/// Longer than an init takes, so that each list is asked for once.
const FRESH: Duration = Duration::from_secs(5);
