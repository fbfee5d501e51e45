//! What the native tests and the tests of both components share: a scripted GitHub, the scenarios, and what is written
//! down of each. A scenario says what is asked and what GitHub answers; what Landfall makes of it stands in
//! `tests/snapshots/`, the same for all three.

pub mod attacks;
pub mod catalogue_file;
pub mod events;
pub mod freshness;
pub mod github;
pub mod id_tokens;
pub mod integrity;
pub mod lists;
pub mod matrix;
pub mod module_details;
pub mod monorepo;
pub mod readers;
pub mod scenario;
pub mod scenarios;
pub mod secrets;
pub mod traces;
pub mod webhooks;
pub mod zips;
