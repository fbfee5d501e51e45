//! A GitHub for tests, the demo and benches: GitHub's REST surface for Apps, tags and archives, on two loopback origins,
//! over real bare git repositories. What it says about data is what `git` says; how it says it follows GitHub's documentation,
//! its `OpenAPI` description (`schemas/`), and recorded responses. It is for development only: its App's key is public.
//!
//! | file | noun |
//! |---|---|
//! | `server.rs` | [`StandIn`]: start, stop, and everything that a test may change; the way of a request |
//! | `api.rs`, `route.rs` | the API's origin: checks, addresses, dispatch |
//! | `app.rs` | the App and its JSON Web Tokens |
//! | `installation.rs` | accounts, installations, minting |
//! | `token.rs` | who is asking, and what they may see |
//! | `repository.rs`, `refs.rs` | repositories, refs, tag objects |
//! | `archive.rs`, `oversize.rs` | the archive origin |
//! | `fault.rs` | faults on demand |
//! | `log.rs` | what was asked |
//! | `control.rs` | all of it over HTTP, for tests of another process |
//! | `world.rs`, `clock.rs`, `git.rs`, `answer.rs` | state, time, `git` processes, responses |
//! | `fixture.rs`, `demo.rs` | sample repositories |
//!
//! Not there yet: `ETag` and 304, rate limits that count down, `/tags` and listings, webhooks, Actions' OIDC issuer, git over HTTP.

#![expect(
    clippy::result_large_err,
    reason = "a refusal is an answer like any other, and is sent as often"
)]

mod answer;
mod api;
mod app;
mod archive;
mod clock;
mod control;
pub mod demo;
mod fault;
pub mod fixture;
mod git;
mod installation;
mod log;
mod oversize;
mod refs;
mod repository;
mod route;
mod server;
mod token;
mod world;

pub use control::Counts;
pub use fault::{Fault, FaultKind};
pub use installation::{AccountKind, Installation, Selection};
pub use log::{Credential, LogEntry, Origin};
pub use repository::Visibility;
pub use server::{StandIn, StandInConfig};
pub use token::PersonalToken;
pub use world::Knobs;
