//! The machine: what state it is in, and its first reading of an archive.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::copies::{Copy, Waiting};
use super::descriptor::{Streamed, streamed};
use super::entry::{Entry, Place, Tree, check_path};
use super::links::{Dropped, could_be_target};
use super::watch::Watch;
use super::zip::{self, Directory, Facts, Local};
use super::{Refusal, Step};
use crate::module::ObjectId;

/// Takes the top folder off a zip that goes by, and leaves out what is not in a folder below it, where only that is wanted.
#[derive(Debug)]
pub struct Rerooter {
    /// How many bytes the input may have, and with copies for links the output.
    limit: u64,
    /// The commit that the archive must be of, if it says of which it is.
    pub(super) commit: Option<ObjectId>,
    /// The folder that is wanted, with a slash at its end; empty for everything.
    pub(super) sub_tree: Vec<u8>,
    pub(super) state: State,
    /// Where in the input the next byte is.
    pub(super) read: u64,
    /// Where in the output the next byte will be.
    pub(super) written: u64,
    /// The top folder, with its slash; empty until the first entry.
    pub(super) root: Vec<u8>,
    /// In the order of the input.
    pub(super) entries: Vec<Entry>,
    pub(super) tree: Tree,
    held_bytes: usize,
    pub(super) directory: Directory,
    pub(super) zip64: Option<Directory>,
    pub(super) comment: Vec<u8>,
    /// What is in memory and has to be sent before anything else.
    pub(super) waiting: VecDeque<Waiting>,
    /// What is to be copied for links: by the entry that is needed, the names that it is needed for.
    pub(super) wanted: HashMap<usize, Vec<Rc<[u8]>>>,
    pub(super) copies: Vec<Copy>,
    pub(super) dropped: Vec<Dropped>,
    pub(super) readings: u32,
    pub(super) watch: Option<Watch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A local header or the central directory comes next.
    Header,
    /// Data of known length comes next.
    Data(u64),
    /// Data comes next that ends with a descriptor; so much of it has gone by.
    Streamed { entry: usize, before: u64 },
    /// A central record, or one of the end records, comes next.
    Central,
    /// All input has been read. What links need is found out next.
    Plan,
    /// Entries that were held back come next.
    Waiting,
    /// Reading again: a local header comes next.
    Again,
    /// Reading again: data that ends with a descriptor, copied for a link or skipped.
    AgainStreamed {
        entry: usize,
        before: u64,
        copy: Option<usize>,
    },
    /// The central directory is written, from this entry on.
    Finish(usize),
    /// Everything is written.
    Done,
}

impl Rerooter {
    /// For an input of at most `limit` bytes, whose output with what links stand for has to keep to that as well.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            commit: None,
            sub_tree: Vec::new(),
            state: State::Header,
            read: 0,
            written: 0,
            root: Vec::new(),
            entries: Vec::new(),
            tree: Tree::default(),
            held_bytes: 0,
            directory: Directory {
                entries: 0,
                size: 0,
                offset: 0,
            },
            zip64: None,
            comment: Vec::new(),
            waiting: VecDeque::new(),
            wanted: HashMap::new(),
            copies: Vec::new(),
            dropped: Vec::new(),
            readings: 1,
            watch: None,
        }
    }

    /// Refuses an archive that says to be of another commit: GitHub's do so in their top folder's name, before anything
    /// else, and in their comment, after everything else.
    #[must_use]
    pub fn of_commit(mut self, commit: ObjectId) -> Self {
        self.commit = Some(commit);
        self
    }

    /// Leaves out everything that is not in the folder at `path`, and puts what is in it at the root. Links in it may lead to
    /// what is outside of it: copies of that come with it. A file of this name, or nothing, is [`Refusal::NoSubTree`].
    #[must_use]
    pub fn sub_tree(mut self, path: &str) -> Self {
        self.sub_tree = format!("{path}/").into_bytes();
        self
    }

    /// A name in the output, with nothing left of it for the folder that is wanted itself; `None` for what is not in it.
    pub(super) fn output_name<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        name.strip_prefix(self.sub_tree.as_slice())
    }

    /// Whether only a folder is wanted.
    pub(super) fn has_sub_tree(&self) -> bool {
        !self.sub_tree.is_empty()
    }

    /// Looks at `input`, which begins where the last step left off, appends to `out` what is to be sent, and says what
    /// is to be done after that. [`Step::Skip`] and [`Step::Copy`] must be done in full before the next call, however
    /// little of it is in the buffer yet.
    ///
    /// # Errors
    /// A [`Refusal`] is final.
    pub fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Step, Refusal> {
        let before = out.len();
        let step = match self.state {
            State::Header => self.header(input, out)?,
            State::Data(length) => {
                self.state = if self.readings == 1 {
                    State::Header
                } else {
                    State::Again
                };
                Step::Copy(length)
            }
            State::Streamed { entry, before } => self.streamed(input, entry, before)?,
            State::Central => self.central(input)?,
            State::Plan => self.plan()?,
            State::Waiting => self.waiting(out),
            State::Again => self.again(input, out)?,
            State::AgainStreamed {
                entry,
                before,
                copy,
            } => self.again_streamed(input, entry, before, copy)?,
            State::Finish(first) => self.finish(first, out)?,
            State::Done => Step::Done,
        };
        self.written += (out.len() - before) as u64;
        match step {
            Step::Skip(n) => self.read = self.read.saturating_add(n),
            Step::Copy(n) => {
                self.read = self.read.saturating_add(n);
                self.written = self.written.saturating_add(n);
            }
            Step::Need(_) | Step::More | Step::Reopen | Step::Done => {}
        }
        let has_copies = !self.copies.is_empty();
        if self.read > self.limit || (has_copies && self.written > self.limit) {
            return Err(Refusal::TooLarge);
        }
        Ok(step)
    }

    /// The commit that the archive says to be of, once all of it was read.
    #[must_use]
    pub fn commit(&self) -> Option<ObjectId> {
        ObjectId::parse(std::str::from_utf8(&self.comment).ok()?)
    }

    /// The links that were left out, once everything is written.
    #[must_use]
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// A local header of the first reading.
    fn header(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Step, Refusal> {
        let local = match Next::of(input)? {
            Next::Need(n) => return Ok(Step::Need(n)),
            Next::Local(local) => local,
            Next::Central if self.entries.is_empty() => return Err(Refusal::Broken),
            Next::Central => {
                self.directory.offset = self.read;
                self.state = State::Central;
                return Ok(Step::More);
            }
        };
        let facts = local.facts;
        let held = match data_if_small(&local, input) {
            Err(need) => return Ok(Step::Need(need)),
            Ok(data) => data.filter(|text| could_be_target(text)),
        };
        let held = held.filter(|text| self.held_bytes + text.len() <= MAX_HELD);
        let name = self.strip_root(local.name)?;
        let entry = self.entries.len();
        let output = self.output_name(&name).map(<[u8]>::len);
        if let Some(output) = output.and_then(|length| name.get(name.len() - length..)) {
            match self.watches(&local, output) {
                Some(need) if input.len() < need => return Ok(Step::Need(need)),
                Some(_) => self.note(&local, output, Some(entry), input),
                None => {}
            }
        }
        self.tree.insert(&name, entry)?;
        let place = if let Some(text) = held {
            self.held_bytes += text.len();
            Place::Held(text.into())
        } else {
            match self.output_name(&name) {
                None | Some([]) => Place::Omitted,
                Some(name) => {
                    zip::write_local(facts, local.is_zip64, name, out);
                    Place::Written(self.written)
                }
            }
        };
        let header = local.length as u64;
        let step = match (&place, facts.has_descriptor()) {
            (Place::Written(_) | Place::Omitted, true) => {
                self.state = State::Streamed { entry, before: 0 };
                Step::Skip(header)
            }
            (Place::Written(_), false) => {
                self.state = State::Data(facts.compressed);
                Step::Skip(header)
            }
            (Place::Held(_) | Place::Omitted, _) => {
                Step::Skip(header.saturating_add(facts.compressed))
            }
        };
        let offset = self.read;
        let entry = Entry {
            name,
            facts,
            offset,
            place,
            mode: None,
        };
        if entry.is_directory() && facts.size > 0 {
            return Err(Refusal::Broken);
        }
        self.entries.push(entry);
        Ok(step)
    }

    /// Data of the first reading whose length is not known yet.
    fn streamed(&mut self, input: &[u8], index: usize, before: u64) -> Result<Step, Refusal> {
        let entry = self.entries.get_mut(index).ok_or(Refusal::Broken)?;
        let n = match streamed(input, before, entry.is_directory()) {
            Streamed::Need(n) => return Ok(Step::Need(n)),
            Streamed::Part(n) => {
                self.state = State::Streamed {
                    entry: index,
                    before: before + n,
                };
                n
            }
            Streamed::End(found) => {
                entry.facts = Facts {
                    crc: found.crc,
                    compressed: found.compressed,
                    size: found.size,
                    ..entry.facts
                };
                self.state = State::Header;
                found.end as u64
            }
        };
        if entry.is_directory() && entry.facts.size > 0 {
            return Err(Refusal::Broken);
        }
        Ok(match entry.place {
            Place::Omitted => Step::Skip(n),
            Place::Written(_) | Place::Held(_) => Step::Copy(n),
        })
    }

    /// Takes the top folder off a name; the first entry tells which it is.
    fn strip_root(&mut self, full: &[u8]) -> Result<Rc<[u8]>, Refusal> {
        if self.root.is_empty() {
            let slash = full
                .iter()
                .position(|byte| *byte == b'/')
                .ok_or(Refusal::TopFolder)?;
            let folder = full.get(..slash).unwrap_or_default();
            check_path(folder)?;
            if self
                .commit
                .as_ref()
                .is_some_and(|it| !may_be_of(folder, it))
            {
                return Err(Refusal::Changed);
            }
            self.root = full.get(..=slash).unwrap_or_default().to_vec();
        }
        Ok(full
            .strip_prefix(&*self.root)
            .ok_or(Refusal::TopFolder)?
            .into())
    }
}

/// Whether a top folder `owner-repository-1a2b3c4` may be of this commit. A name that does not end so tells nothing.
fn may_be_of(folder: &[u8], commit: &ObjectId) -> bool {
    let start = folder
        .rsplit(|byte| *byte == b'-')
        .next()
        .unwrap_or_default();
    let is_id = (SHORT_ID..=commit.as_str().len()).contains(&start.len())
        && start
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    !is_id || commit.as_str().as_bytes().starts_with(start)
}

/// What comes next where a local header may be.
pub(super) enum Next<'a> {
    Need(usize),
    Local(Local<'a>),
    Central,
}

impl<'a> Next<'a> {
    pub(super) fn of(input: &'a [u8]) -> Result<Self, Refusal> {
        let Some(signature) = input.first_chunk::<4>() else {
            return Ok(Self::Need(4));
        };
        match *signature {
            zip::LOCAL => {}
            zip::CENTRAL => return Ok(Self::Central),
            zip::END | zip::ZIP64_END => return Err(Refusal::Empty),
            _ => return Err(Refusal::Broken),
        }
        if input.len() < zip::LOCAL_LENGTH {
            return Ok(Self::Need(zip::LOCAL_LENGTH));
        }
        let length = Local::length(input)?;
        if input.len() < length {
            return Ok(Self::Need(length));
        }
        Local::read(input).map(Self::Local)
    }
}

/// The data of an entry that is stored, and small enough for a link's text: git stores links so. `Err` is how much input
/// it takes to have it all.
fn data_if_small<'a>(local: &Local<'_>, input: &'a [u8]) -> Result<Option<&'a [u8]>, usize> {
    let facts = local.facts;
    let length = usize::try_from(facts.compressed).unwrap_or(usize::MAX);
    let is_small = facts.is_stored()
        && !facts.has_descriptor()
        && facts.size == facts.compressed
        && (1..=zip::MAX_NAME).contains(&length);
    if !is_small {
        return Ok(None);
    }
    let end = local.length + length;
    input.get(local.length..end).map(Some).ok_or(end)
}

/// GitHub shortens ids to seven digits, or more where that is not enough.
const SHORT_ID: usize = 7;
/// Of what could be links. Beyond it, links are taken for files, and left out in the end.
const MAX_HELD: usize = 4 << 20;
