//! The stand-in asked over real sockets. Data is compared with what `git` itself says, and every JSON answer is judged by
//! the schemas of GitHub's `OpenAPI` description on its way through [`client::Client`].

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod api;
mod archives;
mod client;
mod conditional;
mod contents;
mod control;
mod down;
mod faults;
mod fixtures;
mod id_tokens;
mod jwt;
mod limits;
mod listings;
mod names;
mod oidc;
mod process;
mod settings;
mod trees;
mod webhooks;
