//! `landfall-stand-in`: the stand-in for GitHub as a process, and the sample repositories of the demo.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use landfall_stand_in::{StandIn, StandInConfig, demo};
use serde_json::json;

/// A GitHub for tests and demos, over the bare git repositories of a directory. Loopback only.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Write three sample Terraform module repositories under DIR/acme.
    DemoRepositories {
        /// Where the repositories go.
        directory: PathBuf,
    },
}

#[derive(clap::Args)]
struct Serve {
    /// Bare repositories as DIR/OWNER/NAME.git; public with a file git-daemon-export-ok inside, private otherwise.
    #[arg(long, value_name = "DIR")]
    repositories: Option<PathBuf>,
    /// Where the REST API listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where archives are served.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    archive_listen: SocketAddr,
    /// The GitHub App's id.
    #[arg(long, value_name = "N", default_value_t = 1001)]
    app_id: u64,
    /// Write the GitHub App's private key (the same every time, and public) to FILE.
    #[arg(long, value_name = "FILE")]
    private_key_out: Option<PathBuf>,
    /// Write the addresses and ids as JSON to FILE once both origins listen.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::DemoRepositories { directory }) => {
            for git_dir in demo::write_repositories(&directory)? {
                print_line(&git_dir.display().to_string())?;
            }
            Ok(())
        }
        None => serve(arguments.serve),
    }
}

fn serve(arguments: Serve) -> io::Result<()> {
    let stand_in = StandIn::start(StandInConfig {
        listen: arguments.listen,
        archive_listen: arguments.archive_listen,
        app_id: arguments.app_id,
        repositories: arguments.repositories,
        ..StandInConfig::default()
    })?;
    if let Some(path) = &arguments.private_key_out {
        fs::write(path, stand_in.private_key_pem())?;
    }
    print_line(stand_in.api_url())?;
    print_line(stand_in.archive_origin())?;
    if let Some(path) = &arguments.ready_file {
        write_whole(path, &ready(&stand_in))?;
    }
    loop {
        std::thread::park();
    }
}

fn ready(stand_in: &StandIn) -> String {
    let ready = json!({
        "api_url": stand_in.api_url(),
        "archive_origin": stand_in.archive_origin(),
        "oidc_issuer": stand_in.oidc_issuer(),
        "app_id": stand_in.app_id(),
        "client_id": stand_in.client_id(),
    });
    format!("{ready}\n")
}

/// Whoever waits for the file finds all of it.
fn write_whole(path: &Path, content: &str) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    fs::write(&partial, content)?;
    fs::rename(&partial, path)
}

fn print_line(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
