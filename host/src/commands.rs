//! The commands of `landfall`, one file each.

pub(crate) mod app_manifest;
pub(crate) mod doctor;
pub(crate) mod serve;
pub(crate) mod token;
mod variable_flags;
