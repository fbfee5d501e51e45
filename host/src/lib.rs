//! `landfall serve` as a library: the component under an embedded wasmtime, with a key-value file that lasts.
//!
//! The host is thin. HTTP, clocks, randomness and streams are wasmtime's own; this crate adds what a registry needs
//! around them: a store that persists, variables, an allow-list for outbound requests, limits and a graceful end.
//! It offers both artifacts what they import, so `landfall-spin.wasm` and `landfall-wasi.wasm` run alike.
//!
//! The way of a request: [`Host::serve`] accepts it, [`Host::handle`] waits for one of the permits, an instance
//! is taken or made, the component answers, and the instance is at rest when the work it does behind its response is done.
//!
//! | file | noun |
//! |---|---|
//! | `host.rs` | [`Host`]: one component with its variables, store and outbound side; a request to a response |
//! | `serve.rs` | sockets, HTTP/1.1 and HTTP/2, the graceful end |
//! | `component.rs` | [`Engine`] and [`Component`]: limits, compiling, linking |
//! | `guest.rs` | one instance: what it owns, how much memory it may have |
//! | `instances.rs` | which instances answer more than one request |
//! | `imports.rs` | key-value and variables as the component imports them |
//! | `store.rs` | [`Store`]: the key-value file and its stand-ins for tests |
//! | `variables.rs` | [`Variables`]: flags, environment, file |
//! | `registration.rs` | [`Registration`]: a GitHub App for Landfall, and how GitHub makes it |
//! | `doctor.rs` | [`doctor`]: what is wrong with a configuration, and the mend |
//! | `native.rs` | the component's own code without WebAssembly, for the doctor |
//! | `outbound.rs` | [`Outbound`]: the way to GitHub, or a test's hook |
//! | `allow.rs` | which hosts may be asked |
//! | `trust.rs` | which certificates are believed |
//! | `metrics.rs` | [`Metrics`]: what is counted, and `/metrics` |
//! | `body.rs`, `clock.rs`, `output.rs`, `error.rs` | small nouns of the above |
//!
//! # Embedding it in a test
//!
//! ```no_run
//! use landfall_host::{body, Engine, Host, HostConfig, Outbound, Output, Store, Variables};
//!
//! # async fn example(wasm: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let component = Engine::shared()?.compile(wasm)?;
//! let host = Host::new(HostConfig {
//!     variables: Variables::new([("allowed_owners", "acme"), ("anonymous_read", "true")])?,
//!     store: Store::in_memory(),
//!     outbound: Outbound::hook(|request| async move {
//!         assert_eq!(request.uri().host(), Some("api.github.com"));
//!         Ok(http::Response::new(body::full("[]")))
//!     }),
//!     output: Output::captured(),
//!     ..HostConfig::new(component)
//! });
//! let request = http::Request::get("http://registry.test/healthz").body(body::empty())?;
//! let response = host.handle(request).await?;
//! host.idle().await;
//! # Ok(())
//! # }
//! ```

mod allow;
pub mod body;
mod clock;
mod component;
pub mod doctor;
mod error;
mod guest;
mod host;
mod imports;
mod instances;
mod metrics;
mod native;
mod outbound;
mod output;
mod registration;
mod serve;
mod store;
mod trust;
mod variables;

pub use allow::AllowList;
pub use body::{Body, BodyError};
pub use clock::Clock;
pub use component::{Component, Engine, Limits};
pub use error::{HandleError, StartError};
pub use host::{Host, HostConfig};
pub use metrics::{Build, Metrics, MetricsAccess};
pub use outbound::Outbound;
pub use output::Output;
pub use registration::{Registered, Registration, Wanted};
pub use serve::GRACE;
pub use store::{Store, StoreError, StoreFault};
pub use variables::Variables;
