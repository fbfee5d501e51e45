//! What the tests of the real components share: the artifacts, a registry made of one, and what plays GitHub for
//! it. The scenarios are those of the native tests.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    missing_docs,
    reason = "only tests are here, and a test's failure is its message"
)]

pub mod archives;
pub mod artifact;
pub mod registry;
#[path = "../../support/mod.rs"]
pub mod support;
