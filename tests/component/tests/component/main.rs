//! The two components as they are shipped, under the embedded host. GitHub is a hook, asked by its real address.

mod attacks;
mod behaviour;
mod freshness;
mod scenarios;
mod shape;
