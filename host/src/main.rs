//! `landfall`: the command line.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use landfall_host::Output;

use crate::commands::app_manifest::AppManifest;
use crate::commands::doctor::Doctor;
use crate::commands::serve::Serve;
use crate::commands::token::Tokens;

/// A private Terraform and OpenTofu module registry: Git tags are the versions.
#[derive(Parser)]
#[command(name = "landfall", version)]
struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    AppManifest(AppManifest),
    Serve(Serve),
    Doctor(Doctor),
    Token(Tokens),
}

fn main() -> ExitCode {
    let done = match Flags::parse().command {
        Command::AppManifest(app_manifest) => app_manifest.run(),
        Command::Serve(serve) => serve.run(),
        // Its exit code says what it found.
        Command::Doctor(doctor) => return doctor.run(),
        Command::Token(tokens) => tokens.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Output::inherited().line(&error.to_string());
            ExitCode::from(2)
        }
    }
}
