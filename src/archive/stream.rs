//! Moves an archive from GitHub to a client, as the [`Rerooter`] says.
//!
//! What is small goes through memory in blocks, because each hand-over between the host's streams waits for both; what
//! is large is spliced from one to the other and never enters the component. The beginning is read before anything
//! is answered, so that a bad archive, and any failure of a small one, is an error status and not a broken download.

use std::time::Duration;

use super::{Refusal, Rerooter, Step};
use crate::config::Config;
use crate::details::File;
use crate::error::Error;
use crate::github::{GitHub, Repository};
use crate::host::{Deadline, Host, HostError, Sink, Source};
use crate::module::ObjectId;

/// A re-rooted archive on its way.
pub struct ArchiveStream<'h, H: Host> {
    github: GitHub<'h, H>,
    origin: ArchiveSource,
    source: H::Source,
    rerooter: Rerooter,
    /// Input that has been read, of which `consumed` bytes are done with.
    input: Vec<u8>,
    consumed: usize,
    out: Vec<u8>,
    pending: Pending,
    stop: Stop,
    /// How many bytes may be in memory because the archive may be so small that it is kept.
    room: usize,
    /// Until the client is told that the archive is coming: when to give up.
    opening: Option<Deadline>,
    /// When to give up after that.
    ending: Option<Deadline>,
}

/// What GitHub is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveSource {
    /// Where it is.
    pub repository: Repository,
    /// A commit, or the object of an annotated tag.
    pub object: ObjectId,
    /// Whether it is a commit: then the archive has to say so itself.
    pub is_commit: bool,
    /// The folder that is wanted; empty for all of it.
    pub path: String,
    /// The folder in that one that is a module of which the details are wanted.
    pub watched: Option<String>,
    /// How long all of it may take once it is open, where nobody gets it; a client may take as long as it likes.
    pub limit: Option<Duration>,
}

/// How an archive's way to the client ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// How many bytes the client got.
    pub bytes: u64,
    /// How many requests to GitHub it took in all.
    pub upstream_calls: u32,
    /// Whether it got all of them.
    pub result: Result<(), Error>,
    /// The commit that the archive says to be of.
    pub commit: Option<ObjectId>,
    /// The files that tell a module's details, where they are wanted.
    pub watched: Vec<File>,
}

/// What is left to do of the last step.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Copy(u64),
    Skip(u64),
}

/// Why filling `out` came to a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// There is enough to send.
    Full,
    /// The next so many bytes go straight from the source to the client.
    Splice(u64),
    /// There is no more.
    Done,
}

impl<'h, H: Host> ArchiveStream<'h, H> {
    /// Opens an archive, and reads as much of it as tells that it can be served: 256 KiB, or all of what is small enough
    /// to be kept. Where GitHub fails, it is tried once more: no client tries an archive again.
    ///
    /// # Errors
    /// GitHub's failures, and every [`Refusal`] that shows in what is read.
    pub async fn open(
        github: GitHub<'h, H>,
        origin: ArchiveSource,
        config: &Config,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let host = github.host();
        let try_open = || Self::try_open(&github, &origin, config, deadline);
        match try_open().await {
            Err(error) if is_worth_another_try(&error) && !deadline.left(host.now()).is_zero() => {
                host.log(&format!(
                    "archive of {}: {error}: trying once more",
                    origin.repository
                ));
                try_open().await
            }
            result => result,
        }
    }

    async fn try_open(
        github: &GitHub<'h, H>,
        origin: &ArchiveSource,
        config: &Config,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let ArchiveSource {
            repository,
            object,
            is_commit,
            path,
            watched,
            limit: _,
        } = origin;
        let mut rerooter = Rerooter::new(config.max_archive_bytes);
        if !path.is_empty() {
            rerooter = rerooter.sub_tree(path);
        }
        if let Some(base) = watched {
            rerooter = rerooter.watching(base);
        }
        let mut stream = Self {
            github: github.clone(),
            origin: origin.clone(),
            source: github.archive(repository, object, deadline).await?,
            rerooter: if *is_commit {
                rerooter.of_commit(object.clone())
            } else {
                rerooter
            },
            input: Vec::new(),
            consumed: 0,
            out: Vec::new(),
            pending: Pending::Skip(0),
            stop: Stop::Full,
            room: config.archive_bounds.bytes,
            opening: Some(deadline),
            ending: None,
        };
        stream.stop = stream.fill(PREFETCH.max(stream.room + 1)).await?;
        stream.room = 0;
        stream.opening = None;
        let now = github.host().now();
        stream.ending = origin.limit.map(|limit| Deadline::after(now, limit));
        stream.source.wait_at_most(IDLE_LIMIT);
        Ok(stream)
    }

    /// All of it, if it is so small that it is here.
    #[must_use]
    pub fn whole(&self) -> Option<&[u8]> {
        (self.stop == Stop::Done).then_some(&*self.out)
    }

    /// Sends the archive. If that fails, the response must be broken off, never ended.
    pub async fn send(mut self, sink: &mut impl Sink<H::Source>) -> Sent {
        let mut bytes = 0;
        let result = self.send_all(sink, &mut bytes).await;
        Sent {
            bytes,
            upstream_calls: self.github.calls(),
            commit: self.rerooter.commit(),
            watched: self.rerooter.watched(),
            result,
        }
    }

    async fn send_all(
        &mut self,
        sink: &mut impl Sink<H::Source>,
        sent: &mut u64,
    ) -> Result<(), Error> {
        loop {
            sink.write(&self.out).await?;
            *sent += self.out.len() as u64;
            self.out.clear();
            match self.stop {
                Stop::Full => {}
                Stop::Done => return Ok(()),
                Stop::Splice(n) => {
                    let mut left = n;
                    while left > 0 {
                        self.keep_time()?;
                        let moved = sink.splice(&mut self.source, left).await?;
                        if moved == 0 {
                            return Err(Refusal::Truncated.into());
                        }
                        left = left.saturating_sub(moved);
                        *sent += moved;
                    }
                }
            }
            self.stop = self.fill(BLOCK).await?;
        }
    }

    /// Goes on until `out` has `enough`, or until something is better sent without being looked at.
    async fn fill(&mut self, enough: usize) -> Result<Stop, Error> {
        loop {
            if let Some(n) = self.finish_step().await? {
                return Ok(Stop::Splice(n));
            }
            if self.out.len() >= enough || self.has_looked_long_enough() {
                return Ok(Stop::Full);
            }
            let input = self.input.get(self.consumed..).unwrap_or_default();
            match self.rerooter.step(input, &mut self.out)? {
                Step::Need(n) => {
                    while self.buffered() < n {
                        self.read().await?;
                    }
                }
                Step::Skip(n) => self.pending = Pending::Skip(n),
                Step::Copy(n) => self.pending = Pending::Copy(n),
                Step::More => {}
                Step::Reopen => {
                    let now = self.github.host().now();
                    let deadline = self.opening.or(self.ending);
                    let deadline = deadline.unwrap_or(Deadline::after(now, OPEN_LIMIT));
                    let ArchiveSource {
                        repository, object, ..
                    } = &self.origin;
                    self.source = match self.github.archive(repository, object, deadline).await {
                        Err(error) if is_worth_another_try(&error) => {
                            self.github.archive(repository, object, deadline).await?
                        }
                        result => result?,
                    };
                    self.input.clear();
                    self.consumed = 0;
                }
                Step::Done => {
                    self.report_dropped_links();
                    return Ok(Stop::Done);
                }
            }
        }
    }

    /// Does what is left of the last step, unless that is worth a splice of so many bytes.
    async fn finish_step(&mut self) -> Result<Option<u64>, Error> {
        match std::mem::replace(&mut self.pending, Pending::Skip(0)) {
            Pending::Skip(mut n) => {
                n -= take(&self.input, &mut self.consumed, n).len() as u64;
                while n > 0 {
                    if self.has_looked_long_enough() {
                        self.pending = Pending::Skip(n);
                        return Ok(None);
                    }
                    self.keep_time()?;
                    match self.source.skip(n).await? {
                        0 => return Err(Refusal::Truncated.into()),
                        skipped => n = n.saturating_sub(skipped),
                    }
                }
            }
            Pending::Copy(mut n) => loop {
                let data = take(&self.input, &mut self.consumed, n);
                n -= data.len() as u64;
                self.out.extend(data);
                let fits = self.out.len() as u64 + n <= self.room as u64;
                if n >= SPLICE_FROM && !fits {
                    return Ok(Some(n));
                }
                if n == 0 {
                    break;
                }
                self.read().await?;
            },
        }
        Ok(None)
    }

    /// Whether the client is better told that the archive is coming: a folder may be far behind in a large repository, and there is
    /// nothing wrong with the archive so far.
    fn has_looked_long_enough(&self) -> bool {
        let now = self.github.host().now();
        !self.origin.path.is_empty()
            && self
                .opening
                .is_some_and(|deadline| deadline.left(now) < TIME_FOR_OTHERS)
    }

    fn buffered(&self) -> usize {
        self.input.len() - self.consumed
    }

    /// No wait goes beyond the deadline of the opening.
    fn keep_time(&mut self) -> Result<(), Error> {
        if let Some(deadline) = self.opening.or(self.ending) {
            let left = deadline.left(self.github.host().now());
            if left.is_zero() {
                return Err(HostError::Timeout.into());
            }
            self.source.wait_at_most(left);
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Error> {
        self.keep_time()?;
        let bytes = self.source.read(BLOCK).await?;
        if bytes.is_empty() {
            return Err(Refusal::Truncated.into());
        }
        self.input.drain(..self.consumed);
        self.consumed = 0;
        self.input.extend(bytes);
        Ok(())
    }

    fn report_dropped_links(&self) {
        let dropped = self.rerooter.dropped();
        let ArchiveSource {
            repository, object, ..
        } = &self.origin;
        for link in dropped.iter().take(MAX_REPORTED) {
            let name = link.name.escape_default();
            self.github.host().log(&format!(
                "{repository} at {object}: link `{name}` left out: {}",
                link.reason
            ));
        }
        if let Some(more @ 1..) = dropped.len().checked_sub(MAX_REPORTED) {
            self.github.host().log(&format!(
                "{repository} at {object}: {more} more links left out"
            ));
        }
    }
}

fn is_worth_another_try(error: &Error) -> bool {
    matches!(
        error,
        Error::Unavailable(_) | Error::Unreachable(_) | Error::Archive(Refusal::Truncated)
    )
}

/// Takes at most `n` bytes of what has been read.
fn take<'i>(input: &'i [u8], consumed: &mut usize, n: u64) -> &'i [u8] {
    let rest = input.get(*consumed..).unwrap_or_default();
    let length = usize::try_from(n).unwrap_or(usize::MAX).min(rest.len());
    *consumed += length;
    rest.get(..length).unwrap_or_default()
}

/// What is left of the opening's time when a folder was looked for long enough.
const TIME_FOR_OTHERS: Duration = Duration::from_secs(4);
/// How long opening an archive again may take, when the client has some of it.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
/// A large archive may come slowly, but it comes.
pub(crate) const IDLE_LIMIT: Duration = Duration::from_secs(30);
/// What is read before a client is told that the archive is coming. Most modules are smaller.
const PREFETCH: usize = 256 << 10;
/// What is read and sent at once.
const BLOCK: usize = 64 << 10;
/// From here on a splice costs less than passing the bytes through memory.
const SPLICE_FROM: u64 = 64 << 10;
const MAX_REPORTED: usize = 20;
