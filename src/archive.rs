//! A module's archive: GitHub's zip with its top folder taken off.
//!
//! GitHub puts everything below `owner-repository-sha/`, and every current Terraform then installs an empty module
//! without a word. [`Rerooter`] takes the folder off while the zip goes by. It does no I/O: it looks at the bytes in
//! front of it and says what to do next, so that whole files move from one of the host's streams to the other without
//! entering the component (see `stream`). Nothing is inflated, and memory is bounded by the number of entries.
//!
//! **Symbolic links** become what they point at, because Terraform's unzip writes a link's text into a plain file.
//! A link looks like any small stored file until the central directory, at the zip's end, tells. So what could be
//! a link is held back until then, and where there are links, the zip is read again for the files that they need.
//!
//! Whatever is wrong is a [`Refusal`], and nothing that is refused ever looks complete to a client: the central
//! directory is the last thing written.

mod copies;
mod links;
pub mod stream;
mod zip;

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use self::links::Tree;
pub use self::links::{Dropped, Reason};
use self::zip::{Central, Descriptor, Directory, Facts, Local};
use crate::module::ObjectId;

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
    /// It has more than 100,000 entries, or 16 MiB of names.
    TooMany,
    /// Its symbolic links stand for more than 10,000 files, or for one large file many times.
    Links,
    /// It has no files.
    Empty,
    /// It was not the same when it was read again.
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
            Self::Changed => "it changed while it was read",
        })
    }
}

/// Takes the top folder off a zip that goes by.
#[derive(Debug)]
pub struct Rerooter {
    /// How many bytes the input may have.
    limit: u64,
    state: State,
    /// Where in the input the next byte is.
    read: u64,
    /// Where in the output the next byte will be.
    written: u64,
    /// The top folder, with its slash; empty until the first entry.
    root: Vec<u8>,
    /// In the order of the input.
    entries: Vec<Entry>,
    tree: Tree,
    name_bytes: usize,
    held_bytes: usize,
    directory: Directory,
    zip64: Option<Directory>,
    comment: Vec<u8>,
    /// What is to be copied for links: by the entry that is needed, the names that it is needed for.
    wanted: HashMap<usize, Vec<Rc<[u8]>>>,
    copies: Vec<Output>,
    dropped: Vec<Dropped>,
    readings: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A local header or the central directory comes next.
    Header,
    /// Data of known length comes next.
    Data(u64),
    /// Data comes next that ends with a descriptor; so much of it has gone by.
    Streamed { entry: usize, before: u64 },
    /// A central record, or one of the end records, comes next.
    Central,
    /// All input has been read. Entries that were held back come next, and then what links need.
    Held,
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

/// One entry of the input.
#[derive(Debug)]
struct Entry {
    /// Without the top folder; of a directory with its slash; of the top folder itself empty.
    name: Rc<[u8]>,
    facts: Facts,
    /// Where its header is in the input.
    offset: u64,
    place: Place,
    /// What the central directory says; `None` until it has been read.
    mode: Option<u16>,
}

/// Where an entry is in the output.
#[derive(Debug)]
enum Place {
    /// Its header is here.
    Written(u64),
    /// Nowhere yet: it may be a link.
    Held(Box<[u8]>),
    /// Nowhere: the top folder, and links.
    Omitted,
}

/// An entry of the output that a link stands for.
#[derive(Debug)]
struct Output {
    name: Rc<[u8]>,
    facts: Facts,
    mode: u16,
    offset: u64,
}

impl Entry {
    fn is_directory(&self) -> bool {
        self.name.is_empty() || self.name.ends_with(b"/")
    }

    fn is_link(&self) -> bool {
        self.mode.is_some_and(|mode| mode & TYPE == LINK)
    }

    /// 0755 or 0644: Terraform's unzip takes a mode as it is, and makes a file of mode 0 unreadable.
    fn output_mode(&self) -> u16 {
        let is_executable = self.mode.is_some_and(|mode| mode & 0o111 != 0);
        match (self.is_directory(), is_executable) {
            (true, _) => DIRECTORY | 0o755,
            (false, true) => FILE | 0o755,
            (false, false) => FILE | 0o644,
        }
    }

    /// The text of a link.
    fn target(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Held(text) => Some(text),
            Place::Written(_) | Place::Omitted => None,
        }
    }
}

impl Rerooter {
    /// For an input of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            state: State::Header,
            read: 0,
            written: 0,
            root: Vec::new(),
            entries: Vec::new(),
            tree: Tree::default(),
            name_bytes: 0,
            held_bytes: 0,
            directory: Directory {
                entries: 0,
                size: 0,
                offset: 0,
            },
            zip64: None,
            comment: Vec::new(),
            wanted: HashMap::new(),
            copies: Vec::new(),
            dropped: Vec::new(),
            readings: 1,
        }
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
            State::Held => self.held(out)?,
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
        // Links may make the output larger than the input was, but not larger than an input may be.
        if self.read > self.limit || (self.readings > 1 && self.written > self.limit) {
            return Err(Refusal::TooLarge);
        }
        Ok(step)
    }

    /// The links that were left out, once everything is written.
    #[must_use]
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// The commit that the archive says it is of, once everything is written: GitHub puts its id into the zip's comment.
    #[must_use]
    pub fn comment(&self) -> &[u8] {
        &self.comment
    }

    /// A local header of the first reading.
    fn header(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Step, Refusal> {
        let local = match next_local(input)? {
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
            Ok(data) => data.filter(|text| links::could_be_target(text)),
        };
        let held = held.filter(|text| self.held_bytes + text.len() <= MAX_HELD);
        let name = self.name(local.name)?;
        let entry = self.entries.len();
        self.tree.insert(&name, entry)?;
        let place = if name.is_empty() {
            Place::Omitted
        } else if let Some(text) = held {
            self.held_bytes += text.len();
            Place::Held(text.into())
        } else {
            zip::write_local(facts, local.is_zip64, &name, out);
            Place::Written(self.written)
        };
        let step = match (&place, facts.has_descriptor()) {
            (Place::Held(_), _) => Step::Skip(local.length as u64 + facts.compressed),
            (Place::Written(_), false) if facts.compressed > 0 => {
                self.state = State::Data(facts.compressed);
                Step::Skip(local.length as u64)
            }
            (Place::Written(_) | Place::Omitted, true) => {
                self.state = State::Streamed { entry, before: 0 };
                Step::Skip(local.length as u64)
            }
            (Place::Written(_), false) => Step::Skip(local.length as u64),
            // A top folder with content of its own would be no folder.
            (Place::Omitted, false) if facts.compressed == 0 => Step::Skip(local.length as u64),
            (Place::Omitted, false) => return Err(Refusal::Broken),
        };
        let offset = self.read;
        self.entries.push(Entry {
            name,
            facts,
            offset,
            place,
            mode: None,
        });
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
            Streamed::End(found, n) => {
                let Descriptor {
                    crc,
                    compressed,
                    size,
                    ..
                } = found;
                entry.facts = Facts {
                    crc,
                    compressed,
                    size,
                    ..entry.facts
                };
                self.state = State::Header;
                n
            }
        };
        match entry.place {
            Place::Omitted if n > zip::DESCRIPTOR_TAIL as u64 => Err(Refusal::Broken),
            Place::Omitted => Ok(Step::Skip(n)),
            Place::Written(_) | Place::Held(_) => Ok(Step::Copy(n)),
        }
    }

    /// A central record, or one of the records behind the last of them.
    fn central(&mut self, input: &[u8]) -> Result<Step, Refusal> {
        let Some(signature) = input.first_chunk::<4>() else {
            return Ok(Step::Need(4));
        };
        if *signature != zip::CENTRAL && self.directory.size == 0 {
            self.directory.size = self.read - self.directory.offset;
        }
        let fixed = match *signature {
            zip::CENTRAL => zip::CENTRAL_LENGTH,
            zip::ZIP64_END => zip::ZIP64_END_LENGTH,
            zip::ZIP64_LOCATOR => zip::ZIP64_LOCATOR_LENGTH,
            zip::END => zip::END_LENGTH,
            _ => return Err(Refusal::Broken),
        };
        if input.len() < fixed {
            return Ok(Step::Need(fixed));
        }
        match *signature {
            zip::CENTRAL => {
                let length = Central::length(input)?;
                if input.len() < length {
                    return Ok(Step::Need(length));
                }
                let record = Central::read(input)?;
                self.check(&record)?;
                Ok(Step::Skip(record.length as u64))
            }
            zip::ZIP64_END => {
                self.zip64 = Some(Directory::read_zip64(input)?);
                Ok(Step::Skip(fixed as u64))
            }
            zip::ZIP64_LOCATOR => Ok(Step::Skip(fixed as u64)),
            _ => {
                let (directory, comment) = Directory::read(input, self.zip64)?;
                let Some(comment) = input.get(fixed..fixed + comment) else {
                    return Ok(Step::Need(fixed + comment));
                };
                if directory != self.directory
                    || self.directory.entries != self.entries.len() as u64
                {
                    return Err(Refusal::Broken);
                }
                // Any other comment might look like an end record to who searches for one from behind.
                let is_commit =
                    std::str::from_utf8(comment).is_ok_and(|it| ObjectId::parse(it).is_some());
                if is_commit {
                    comment.clone_into(&mut self.comment);
                }
                self.state = State::Held;
                Ok(Step::Skip((fixed + comment.len()) as u64))
            }
        }
    }

    /// Holds a central record against the entry that it is about, so that no two readers see two archives.
    fn check(&mut self, record: &Central<'_>) -> Result<(), Refusal> {
        let index = self
            .entries
            .binary_search_by_key(&record.offset, |entry| entry.offset)
            .map_err(|_| Refusal::Broken)?;
        let entry = self.entries.get_mut(index).ok_or(Refusal::Broken)?;
        let data = |facts: Facts| (facts.method, facts.crc, facts.compressed, facts.size);
        let is_same = record.name.strip_prefix(&*self.root) == Some(&*entry.name)
            && data(record.facts) == data(entry.facts)
            && entry.mode.is_none();
        if !is_same {
            return Err(Refusal::Broken);
        }
        entry.mode = Some(record.mode.unwrap_or(0));
        self.directory.entries += 1;
        Ok(())
    }

    /// Writes the entries that turned out to be plain files, and finds out what the links need.
    fn held(&mut self, out: &mut Vec<u8>) -> Result<Step, Refusal> {
        let plan = self.tree.resolve(&self.entries)?;
        let (written, before) = (self.written, out.len());
        let mut emit = |facts: Facts, name: &[u8], data: &[u8]| {
            let offset = written + (out.len() - before) as u64;
            zip::write_local(facts, false, name, out);
            out.extend(data);
            offset
        };
        for (name, source) in plan.copies {
            let Some(entry) = self.entries.get(source) else {
                continue;
            };
            let data = match &entry.place {
                Place::Held(data) => data,
                _ if entry.is_directory() => &[][..],
                Place::Written(_) | Place::Omitted => {
                    self.wanted.entry(source).or_default().push(name);
                    continue;
                }
            };
            let facts = if entry.is_directory() {
                Facts::default()
            } else {
                entry.facts
            };
            let offset = emit(facts, &name, data);
            self.copies.push(Output {
                name,
                facts,
                mode: entry.output_mode(),
                offset,
            });
        }
        for entry in &mut self.entries {
            let offset = match &entry.place {
                Place::Held(data) if !entry.is_link() => emit(entry.facts, &entry.name, data),
                Place::Held(_) | Place::Written(_) | Place::Omitted => continue,
            };
            entry.place = Place::Written(offset);
        }
        self.dropped = plan.dropped;
        Ok(self.read_again_or_finish())
    }

    /// Writes the central directory, in pieces, and the end of the archive.
    fn finish(&mut self, first: usize, out: &mut Vec<u8>) -> Result<Step, Refusal> {
        let copies = self
            .copies
            .iter()
            .map(|it| (it.facts, &it.name, it.mode, it.offset));
        let entries = self.entries.iter().filter_map(|entry| match entry.place {
            // A link that did not look like one was sent, and is forgotten here.
            Place::Written(_) if entry.is_link() => None,
            Place::Written(offset) => Some((entry.facts, &entry.name, entry.output_mode(), offset)),
            Place::Held(_) | Place::Omitted => None,
        });
        let before = out.len();
        let mut written = 0;
        for (facts, name, mode, offset) in entries.chain(copies).skip(first).take(RECORDS_AT_ONCE) {
            Central::write(facts, name, mode, offset, out);
            written += 1;
        }
        if first == 0 {
            self.directory = Directory {
                entries: 0,
                size: 0,
                offset: self.written,
            };
        }
        self.directory.entries += written as u64;
        self.directory.size += (out.len() - before) as u64;
        if written == RECORDS_AT_ONCE {
            self.state = State::Finish(first + written);
            return Ok(Step::More);
        }
        if self.directory.entries == 0 {
            return Err(Refusal::Empty);
        }
        self.directory.write(&self.comment, out);
        self.state = State::Done;
        Ok(Step::Done)
    }

    /// Takes the top folder off a name, and refuses what could leave the module or surprise a file system.
    fn name(&mut self, full: &[u8]) -> Result<Rc<[u8]>, Refusal> {
        if self.root.is_empty() {
            let slash = full
                .iter()
                .position(|byte| *byte == b'/')
                .ok_or(Refusal::TopFolder)?;
            self.root = full.get(..=slash).unwrap_or_default().to_vec();
            check_name(&self.root)?;
        }
        let name = full.strip_prefix(&*self.root).ok_or(Refusal::TopFolder)?;
        if !name.is_empty() {
            check_name(name)?;
        }
        self.name_bytes += name.len();
        if self.entries.len() >= MAX_ENTRIES || self.name_bytes > MAX_NAME_BYTES {
            return Err(Refusal::TooMany);
        }
        Ok(name.into())
    }
}

/// What comes next where a local header may be.
enum Next<'a> {
    Need(usize),
    Local(Local<'a>),
    Central,
}

fn next_local(input: &[u8]) -> Result<Next<'_>, Refusal> {
    let Some(signature) = input.first_chunk::<4>() else {
        return Ok(Next::Need(4));
    };
    match *signature {
        zip::LOCAL => {}
        zip::CENTRAL => return Ok(Next::Central),
        zip::END | zip::ZIP64_END => return Err(Refusal::Empty),
        _ => return Err(Refusal::Broken),
    }
    if input.len() < zip::LOCAL_LENGTH {
        return Ok(Next::Need(zip::LOCAL_LENGTH));
    }
    let length = Local::length(input)?;
    if input.len() < length {
        return Ok(Next::Need(length));
    }
    Local::read(input).map(Next::Local)
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

/// What to do about data that ends with a descriptor.
enum Streamed {
    Need(usize),
    /// So much of it is data.
    Part(u64),
    /// It ends after so many bytes, the descriptor included.
    End(Descriptor, u64),
}

fn streamed(input: &[u8], before: u64, is_directory: bool) -> Streamed {
    if let Some(found) = zip::find_descriptor(input, before, is_directory) {
        return Streamed::End(found, found.end as u64);
    }
    match input.len().saturating_sub(zip::DESCRIPTOR_TAIL) {
        0 => Streamed::Need(input.len() + 1),
        part => Streamed::Part(part as u64),
    }
}

fn check_name(name: &[u8]) -> Result<(), Refusal> {
    let path = name.strip_suffix(b"/").unwrap_or(name);
    let is_part = |part: &[u8]| {
        // A backslash is a character like others here, and separates folders on Windows.
        let climbs = part.split(|byte| *byte == b'\\').any(|it| it == b"..");
        !part.is_empty() && part != b"." && !climbs && !part.contains(&0)
    };
    let parts = path.split(|byte| *byte == b'/');
    let is_sound = parts.clone().all(is_part) && parts.count() <= MAX_DEPTH;
    if is_sound { Ok(()) } else { Err(Refusal::Name) }
}

const TYPE: u16 = 0o170_000;
const LINK: u16 = 0o120_000;
const FILE: u16 = 0o100_000;
const DIRECTORY: u16 = 0o040_000;

/// As many as GitHub lists of a tree. Each costs about 200 bytes of memory.
const MAX_ENTRIES: usize = 100_000;
const MAX_NAME_BYTES: usize = 16 << 20;
const MAX_DEPTH: usize = 100;
/// Of what could be links. Beyond it, links are taken for files, and left out in the end.
const MAX_HELD: usize = 4 << 20;
const RECORDS_AT_ONCE: usize = 1000;

#[cfg(test)]
mod tests;
