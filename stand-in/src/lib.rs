//! A GitHub for tests, the demo and benches: GitHub's REST surface for Apps, repositories, tags, files and archives, on two
//! loopback origins, over real bare git repositories. What it says about data is what `git` says; how it says it follows GitHub's documentation,
//! its `OpenAPI` description (`schemas/`), and recorded responses. It is for development only: its App's key is public.
//!
//! | file | noun |
//! |---|---|
//! | `stand_in.rs`, `settings.rs` | [`StandIn`]: start, stop, and everything that a test may change |
//! | `server.rs` | the two listeners; the way of a request |
//! | `api.rs`, `route.rs` | the API's origin: checks, addresses, dispatch |
//! | `knobs.rs` | what may be turned while it runs |
//! | `app.rs` | the App and its JSON Web Tokens |
//! | `profile.rs` | what the App says of itself, and its webhook's configuration |
//! | `installation.rs` | accounts, installations, minting |
//! | `token.rs` | who is asking, and what they may see |
//! | `limit.rs` | primary and secondary rate limits |
//! | `etag.rs` | `ETag`s and 304 |
//! | `repository.rs`, `refs.rs`, `tips.rs`, `node_id.rs` | repositories, refs, tag objects, and their global names |
//! | `contents.rs`, `tree.rs` | files and directories of a commit |
//! | `listing.rs`, `paging.rs` | the lists that come in pages |
//! | `archive.rs`, `oversize.rs`, `stream.rs` | the archive origin, and bodies that are written while they are sent |
//! | `fault.rs`, `weather.rs` | faults on demand, and at random |
//! | `refusal.rs`, `glob.rs` | GitHub's refusals, patterns of paths |
//! | `log.rs`, `counts.rs` | what was asked |
//! | `oidc.rs`, `oidc_key.rs`, `id_token.rs` | Actions' OIDC issuer: its answers, its keys, what tokens say |
//! | `webhook.rs`, `webhook_event.rs` | deliveries, and what they tell |
//! | `control.rs` | all of it over HTTP, for tests of another process |
//! | `world.rs`, `clock.rs`, `git.rs`, `answer.rs` | state, time, `git` processes, responses |
//! | `fixture.rs`, `demo.rs` | sample repositories |
//!
//! Not there yet: releases, READMEs by their own address, GraphQL, the list of past deliveries, git over HTTP.

#![expect(
    clippy::result_large_err,
    reason = "a refusal is an answer like any other, and is sent as often"
)]

mod answer;
mod api;
mod app;
mod archive;
mod clock;
mod contents;
mod control;
mod counts;
pub mod demo;
mod etag;
mod fault;
pub mod fixture;
mod git;
mod glob;
mod id_token;
mod installation;
mod knobs;
mod limit;
mod listing;
mod log;
mod node_id;
mod oidc;
mod oidc_key;
mod oversize;
mod paging;
mod profile;
mod refs;
mod refusal;
mod repository;
mod route;
mod server;
mod settings;
mod stand_in;
mod stream;
mod tips;
mod token;
mod tree;
mod weather;
mod webhook;
mod webhook_event;
mod world;

pub use counts::Counts;
pub use fault::{Fault, FaultKind};
pub use id_token::{IdToken, SubjectForm};
pub use installation::{AccountKind, Installation, Selection};
pub use knobs::{Etags, Knobs, NodeIds};
pub use log::{Credential, LogEntry, Origin};
pub use oidc_key::OidcAlgorithm;
pub use profile::{Hook, Profile};
pub use refusal::Block;
pub use repository::Visibility;
pub use stand_in::{StandIn, StandInConfig};
pub use token::PersonalToken;
pub use weather::{Strike, Weather};
pub use webhook::{Delivery, Tag, Webhook};
pub use webhook_event::{Event, RefType, RepositorySummary, Subject};
