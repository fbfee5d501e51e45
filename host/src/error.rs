//! What can go wrong, by blame: what a person set up wrongly ([`StartError`]) and what a request ran into
//! ([`HandleError`]).

use std::fmt;

/// Something that the person who starts Landfall can mend. Each text says what and how; the process exits with code 2.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The component file is missing, is no component, or imports something that no Landfall build imports.
    Component(String),
    /// A variable has a bad name or value. The text never holds a value, which may be a secret.
    Variables(String),
    /// The data directory or the key-value file can't be used.
    Data(String),
    /// The data directory is in use by another process.
    InUse(String),
    /// The address can't be listened on.
    Listen(String),
    /// The certificates that were asked for can't be read.
    Trust(String),
    /// The machine doesn't let wasmtime run.
    Engine(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component(text)
            | Self::Variables(text)
            | Self::Data(text)
            | Self::InUse(text)
            | Self::Listen(text)
            | Self::Trust(text)
            | Self::Engine(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for StartError {}

/// Why the component gave no response to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleError {
    /// The request names no host, in its target or in `Host`; wasi:http can't carry that. The client is to blame.
    NoAuthority,
    /// The component answered with a wasi:http error code instead of a response.
    Refused(String),
    /// The component trapped, ran out of memory, or returned without a response.
    Trapped(String),
}

impl fmt::Display for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAuthority => f.write_str("the request names no host"),
            Self::Refused(code) => write!(f, "the component refused the request: {code}"),
            Self::Trapped(reason) => write!(f, "the component failed: {reason}"),
        }
    }
}

impl std::error::Error for HandleError {}
