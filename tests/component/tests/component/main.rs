//! The two components as they are shipped, under the embedded host. GitHub is a hook, asked by its real address.

mod artifact;
mod behaviour;
mod registry;
mod scenarios;
mod shape;
#[path = "../../../support/mod.rs"]
mod support;
