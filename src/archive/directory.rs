//! The central directory: the input's is held against the entries that went by, and the output's is written.

use super::entry::Place;
use super::rerooter::State;
use super::zip::{self, Central, Directory, Facts};
use super::{Refusal, Rerooter, Step};
use crate::module::ObjectId;

impl Rerooter {
    /// A central record, or one of the records behind the last of them.
    pub(super) fn central(&mut self, input: &[u8]) -> Result<Step, Refusal> {
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
                if directory != self.directory || directory.entries != self.entries.len() as u64 {
                    return Err(Refusal::Broken);
                }
                self.keep_commit(comment)?;
                self.state = State::Plan;
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

    /// GitHub's comment is the commit's id, which must be the right one, and is kept. Any other comment is not: it might
    /// look like an end record to who searches for one from behind.
    fn keep_commit(&mut self, comment: &[u8]) -> Result<(), Refusal> {
        let Some(commit) = std::str::from_utf8(comment).ok().and_then(ObjectId::parse) else {
            return Ok(());
        };
        if self.commit.as_ref().is_some_and(|wanted| *wanted != commit) {
            return Err(Refusal::Changed);
        }
        comment.clone_into(&mut self.comment);
        Ok(())
    }

    /// Writes the central directory, in pieces, and the end of the archive.
    pub(super) fn finish(&mut self, first: usize, out: &mut Vec<u8>) -> Result<Step, Refusal> {
        let copies = self
            .copies
            .iter()
            .map(|it| (it.facts, &*it.name, it.mode, it.offset));
        let entries = self.entries.iter().filter_map(|entry| match entry.place {
            // A link that did not look like one was sent, and is forgotten here.
            Place::Written(_) if entry.is_link() => None,
            Place::Written(offset) => {
                let name = self.output_name(&entry.name)?;
                Some((entry.facts, name, entry.output_mode(), offset))
            }
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
            return Err(if self.has_sub_tree() {
                Refusal::NoSubTree
            } else {
                Refusal::Empty
            });
        }
        self.directory.write(&self.comment, out);
        self.state = State::Done;
        Ok(Step::Done)
    }
}

const RECORDS_AT_ONCE: usize = 1000;
