//! Landfall as its users meet it: what its suites are made of. Modes of files, symbolic links and `/proc` are part of what is
//! looked at: this is for Linux.
//!
//! | suite | what it is about |
//! |---|---|
//! | `main.rs` | the real clients against every host |
//! | `portability/` | one table of scenarios on every host |
//! | `soak/` | many clients for minutes, before a GitHub that fails now and then |
//!
//! | file | noun |
//! |---|---|
//! | `programs.rs` | which programs there are, and the artifacts under test |
//! | `process.rs` | child processes, none of which outlives its time |
//! | `server.rs` | Landfall on a host |
//! | `usage.rs` | what a process uses: memory, processor time, descriptors |
//! | `embedded.rs` | Landfall in this process, with a clock that can be moved |
//! | `http.rs` | a single request, where no client's own would do |
//! | `exchange.rs` | requests whose bodies stream, are left, or break off |
//! | `world.rs` | one trial's GitHub and registry |
//! | `client.rs` | a root module, and what a client does with it |
//! | `tree.rs` | files: those of a commit, and those that were installed |
//! | `readers.rs` | who may read |
//! | `judge.rs` | what an archive holds, as git calls it |
//! | `modules.rs` | the modules of several trials |

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::panic,
    clippy::return_self_not_must_use,
    clippy::unwrap_used,
    missing_docs,
    reason = "only tests are here, and a test's failure is its message"
)]

pub mod client;
pub mod embedded;
pub mod exchange;
pub mod http;
pub mod judge;
pub mod modules;
pub mod process;
pub mod programs;
pub mod readers;
pub mod server;
pub mod tree;
pub mod usage;
pub mod world;
