//! Landfall: a private Terraform and OpenTofu module registry in one WebAssembly component. A git tag is a version.
//!
//! # The way of a request
//! `src/bin/` (what a host offers) → `wasi_http` (its request) → [`app::handle`] → [`route::Route::parse`] →
//! [`config::Config::load`] → [`auth::Access`] (who may read) → [`registry::Registry`] → what [`cache`] has, or [`github::GitHub`] → [`wire`] (the response)
//! → the response is sent → [`record::Record::finish`] (the log line) → [`registry::Registry::settle`] (what is owed).
//!
//! # The files
//! | file | what it is about |
//! |---|---|
//! | [`app`] | one request, one answer |
//! | [`route`] | every path there is |
//! | [`config`] | every variable there is |
//! | [`auth`] | who may read: tokens, CI jobs' ID tokens, archive URLs that prove themselves |
//! | [`catalogue`] | which folder of which repository a module is, and what its tags begin with |
//! | [`lifecycle`] | which versions are not to be used: yanked, too old, too new |
//! | [`client`] | what a client calls itself |
//! | [`module`] | a module's address, and the repository that it is in |
//! | [`version`] | a module's versions, and the tags that they are |
//! | [`pins`] | what each version's tag was first seen to be |
//! | [`registry`] | the product: versions, download, archive, lists, details; which repository, and when GitHub is asked |
//! | [`query`] | what a list or a search is asked for, and what fits |
//! | [`cache`] | what is kept between requests, and what that is good for |
//! | [`github`] | signing in ([`github::app`]), tags ([`github::refs`]), zips ([`github::archive`]), repositories ([`github::listing`]), files ([`github::contents`]), what responses mean ([`github::classify`]), free revalidation ([`github::etag`]), limits ([`github::limits`]) |
//! | [`webhook`] | GitHub's hints that something has changed |
//! | [`archive`] | the zip without its top folder: a machine without I/O ([`archive::Rerooter`]), and what moves the bytes ([`archive::stream`]) |
//! | [`details`] | what a module takes and gives, read from its files |
//! | [`wire`] | the protocol's documents and headers |
//! | [`error`] | every failure, by blame, and its status |
//! | [`record`] | the log's one line a request |
//! | `event` | its lines for calls to GitHub, and for what else operators count |
//! | `line` | a line of the log, field by field |
//! | [`trace`] | what a request is a part of, as its client says |
//! | [`host`] | the port: everything outside |
//! | `wasi_http` | that port on WASI, for both bins; only compiled for WebAssembly |

pub mod app;
pub mod archive;
pub mod auth;
pub mod cache;
pub mod catalogue;
pub mod client;
pub mod config;
pub mod details;
pub mod error;
mod event;
pub mod github;
pub mod host;
pub mod lifecycle;
mod line;
pub mod module;
pub mod pins;
pub mod query;
pub mod record;
pub mod registry;
pub mod route;
pub mod trace;
pub mod version;
#[cfg(target_family = "wasm")]
pub mod wasi_http;
pub mod webhook;
pub mod wire;
