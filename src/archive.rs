//! A module's archive: GitHub's zip with its top folder taken off.
//!
//! GitHub puts everything below `owner-repository-sha/`, and every current Terraform then installs an empty module
//! without a word. [`Rerooter`] takes the folder off while the zip goes by. It does no I/O: it looks at the bytes in
//! front of it and says what to do next, so that whole files move from one of the host's streams to the other without
//! entering the component (see `stream`). Nothing is inflated, and memory is bounded by the number of files and folders.
//!
//! **Symbolic links** become what they point at, because Terraform's unzip writes a link's text into a plain file.
//! A link looks like any small stored file until the central directory, at the zip's end, tells. So what could be
//! a link is held back until then, and where there are links, the zip is read again for the files that they need.
//!
//! Whatever is wrong is a [`Refusal`]. The central directory is the last thing written, and after a refusal it never is;
//! still, a connection must then be broken off: readers that search a file for a directory from behind may find that of
//! a zip inside the zip.
//!
//! - `rerooter`: the machine, and its first reading
//! - `directory`: the central directory, read and written
//! - `copies`: what links stand for, and the second reading
//! - `links`: where links lead; `entry`: entries, and the tree of their names
//! - `zip`, `descriptor`: the records of the file format
//! - `watch`: files that are taken note of in passing
//! - [`stream`]: what moves the bytes

mod copies;
mod descriptor;
mod directory;
mod entry;
mod links;
mod rerooter;
pub mod stream;
mod watch;
mod zip;

use std::fmt;

pub use self::links::{Dropped, Reason};
pub use self::rerooter::Rerooter;

/// What to do next, after the bytes that were put into `out` have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read on until this many bytes of input are in the buffer.
    Need(usize),
    /// Drop this many bytes of input.
    Skip(u64),
    /// Send this many bytes of input as they are.
    Copy(u64),
    /// Come again: there is more to send.
    More,
    /// Open the same archive again, and read it from its first byte.
    Reopen,
    /// The archive is complete. What is left of the input does not matter.
    Done,
}

/// Why an archive is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no zip, or its parts contradict each other.
    Broken,
    /// It ended too early.
    Truncated,
    /// It is compressed or encrypted in a way that Terraform cannot read.
    Unsupported,
    /// A name is absolute, has `..`, or is longer or deeper than file systems take.
    Name,
    /// Two names are the same, or one is a file and the folder of another.
    Collision,
    /// Not everything is in one top folder.
    TopFolder,
    /// It has more than `max_archive_bytes`.
    TooLarge,
    /// It has more than 100,000 files and folders, or 16 MiB of names.
    TooMany,
    /// Its symbolic links stand for more than 10,000 files, or for one large file many times.
    Links,
    /// It has no files.
    Empty,
    /// It has no files in the folder that is the module.
    NoSubTree,
    /// It was not the same when it was read again, or is of another commit.
    Changed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "it is not a sound zip file",
            Self::Truncated => "it ends too early",
            Self::Unsupported => "its compression or encryption is not supported",
            Self::Name => "it has a name that is absolute, leads out of the module, or is too long",
            Self::Collision => "two of its names collide",
            Self::TopFolder => "it has more than one top folder",
            Self::TooLarge => "it is larger than `max_archive_bytes`",
            Self::TooMany => "it has too many files",
            Self::Links => "its symbolic links stand for too many or too large files",
            Self::Empty => "it has no files",
            Self::NoSubTree => "it has no files in the module's `path`",
            Self::Changed => "it is not what was asked for, or changed while it was read",
        })
    }
}

#[cfg(test)]
mod tests;
