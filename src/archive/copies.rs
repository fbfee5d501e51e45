//! What symbolic links stand for, once the whole archive has gone by. What is in memory is sent at once; for the rest the
//! archive is read again, and files are sent under the names of the links that lead to them.
//!
//! GitHub's bytes may differ between two downloads of one commit, but what is in them may not: each file is taken by
//! its name, and held against the CRC and the size that the first reading's central directory has for it.

use std::rc::Rc;

use super::descriptor::{Streamed, streamed};
use super::entry::Place;
use super::links;
use super::rerooter::{Next, State};
use super::zip::{self, Facts, Local};
use super::{Refusal, Rerooter, Step};

/// An entry of the output that a link stands for.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) name: Rc<[u8]>,
    pub(super) facts: Facts,
    pub(super) mode: u16,
    pub(super) offset: u64,
}

/// Something in memory that has to be sent.
#[derive(Debug)]
pub(super) enum Waiting {
    /// An entry that was held back and is no link.
    Entry(usize),
    /// An entry that a link stands for, under its name: one that was held back, a directory, or an empty file.
    Copy(Rc<[u8]>, usize),
}

impl Rerooter {
    /// Finds out what links stand for, and what that takes.
    pub(super) fn plan(&mut self) -> Result<Step, Refusal> {
        let plan = links::resolve(&self.tree, &self.entries, |link| {
            self.output_name(link).is_some()
        })?;
        for (name, source) in plan.copies {
            let (Some(entry), Some(name)) = (self.entries.get(source), self.output_name(&name))
            else {
                continue;
            };
            let name: Rc<[u8]> = name.into();
            if entry.held().is_some() || entry.facts.size == 0 {
                self.waiting.push_back(Waiting::Copy(name, source));
            } else {
                self.wanted.entry(source).or_default().push(name);
            }
        }
        // Each further reading serves one more name of each file that is too large to be kept in memory.
        let is_costly = |(source, names): (&usize, &Vec<_>)| {
            let facts = self
                .entries
                .get(*source)
                .map(|entry| entry.facts)
                .unwrap_or_default();
            let is_kept = facts.compressed <= MAX_REPEATED && !facts.has_descriptor();
            !is_kept && names.len() > MAX_READINGS
        };
        if self.wanted.iter().any(is_costly) {
            return Err(Refusal::Links);
        }
        let held = self.entries.iter().enumerate();
        let held = held.filter(|(_, entry)| {
            let is_wanted = self.output_name(&entry.name).is_some();
            entry.held().is_some() && !entry.is_link() && is_wanted
        });
        let held: Vec<Waiting> = held.map(|(index, _)| Waiting::Entry(index)).collect();
        self.waiting.extend(held);
        self.dropped = plan.dropped;
        self.state = State::Waiting;
        Ok(Step::More)
    }

    /// Sends what is in memory, a piece at a time.
    pub(super) fn waiting(&mut self, out: &mut Vec<u8>) -> Step {
        let before = out.len();
        let mut noted = Vec::new();
        while out.len() - before < PIECE {
            let Some(waiting) = self.waiting.pop_front() else {
                self.note_all(&noted);
                return self.read_again_or_finish();
            };
            let offset = self.written + (out.len() - before) as u64;
            let (Waiting::Entry(index) | Waiting::Copy(_, index)) = waiting;
            let sub_tree = self.sub_tree.len();
            let Some(entry) = self.entries.get_mut(index) else {
                continue;
            };
            let data = entry.held().unwrap_or_default();
            if let Waiting::Copy(name, _) = &waiting
                && self.watch.is_some()
            {
                noted.push((Rc::clone(name), data.to_vec()));
            }
            let facts = if data.is_empty() {
                entry.facts.of_nothing()
            } else {
                entry.facts
            };
            match waiting {
                Waiting::Entry(_) => {
                    let name = entry.name.get(sub_tree..).unwrap_or_default();
                    zip::write_local(facts, false, name, out);
                    out.extend(data);
                    entry.place = Place::Written(offset);
                }
                Waiting::Copy(name, _) => {
                    zip::write_local(facts, false, &name, out);
                    out.extend(data);
                    self.copies.push(Copy {
                        name,
                        facts,
                        mode: entry.output_mode(),
                        offset,
                    });
                }
            }
        }
        self.note_all(&noted);
        Step::More
    }

    fn note_all(&mut self, noted: &[(Rc<[u8]>, Vec<u8>)]) {
        for (name, data) in noted {
            self.note_held(name, data);
        }
    }

    /// Where links need files that have gone by, the archive is read again; otherwise this is the end.
    fn read_again_or_finish(&mut self) -> Step {
        if self.wanted.is_empty() {
            self.state = State::Finish(0);
            return Step::More;
        }
        self.state = State::Again;
        self.readings += 1;
        self.read = 0;
        Step::Reopen
    }

    /// A local header of a later reading.
    pub(super) fn again(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Step, Refusal> {
        if self.wanted.is_empty() {
            return Ok(self.read_again_or_finish());
        }
        let local = match Next::of(input)? {
            Next::Need(n) => return Ok(Step::Need(n)),
            Next::Local(local) => local,
            Next::Central if self.readings as usize <= MAX_READINGS => {
                return Ok(self.read_again_or_finish());
            }
            Next::Central => return Err(Refusal::Changed),
        };
        let name = local
            .name
            .strip_prefix(&*self.root)
            .ok_or(Refusal::Changed)?;
        let entry = self.tree.entry(name).ok_or(Refusal::Changed)?;
        let facts = local.facts;
        let header = local.length as u64;
        let whole = header.saturating_add(facts.compressed);
        let next = self.wanted.get(&entry).and_then(|names| names.last());
        let next = next.map(Rc::clone);
        let is_watched = next
            .as_ref()
            .is_some_and(|name| self.watches(&local, name).is_some());
        let Some(names) = self.wanted.get_mut(&entry) else {
            if facts.has_descriptor() {
                self.state = State::AgainStreamed {
                    entry,
                    before: 0,
                    copy: None,
                };
                return Ok(Step::Skip(header));
            }
            return Ok(Step::Skip(whole));
        };
        // A small file that several links stand for, or that is taken note of, stays in the buffer until all of them have it.
        let is_repeated = (names.len() > 1 || is_watched)
            && !facts.has_descriptor()
            && facts.compressed <= MAX_REPEATED;
        let data = if is_repeated {
            let end = usize::try_from(whole).unwrap_or(usize::MAX);
            let Some(data) = input.get(local.length..end) else {
                return Ok(Step::Need(end));
            };
            data
        } else {
            &[]
        };
        let Some(name) = names.pop() else {
            return Err(Refusal::Changed);
        };
        if names.is_empty() {
            self.wanted.remove(&entry);
        }
        if let Some(name) = next.filter(|_| is_watched) {
            self.note(&local, &name, None, input);
        }
        self.send_header(&local, entry, name, out)?;
        if is_repeated {
            out.extend(data);
            return Ok(Step::More);
        }
        self.state = if facts.has_descriptor() {
            State::AgainStreamed {
                entry,
                before: 0,
                copy: self.copies.len().checked_sub(1),
            }
        } else {
            State::Data(facts.compressed)
        };
        Ok(Step::Skip(header))
    }

    fn send_header(
        &mut self,
        local: &Local<'_>,
        entry: usize,
        name: Rc<[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let facts = local.facts;
        let known = self.entries.get(entry).ok_or(Refusal::Changed)?;
        if !facts.has_descriptor() && content(facts) != content(known.facts) {
            return Err(Refusal::Changed);
        }
        zip::write_local(facts, local.is_zip64, &name, out);
        self.copies.push(Copy {
            name,
            facts,
            mode: known.output_mode(),
            offset: self.written,
        });
        Ok(())
    }

    /// Data of a later reading whose length is not known yet.
    pub(super) fn again_streamed(
        &mut self,
        input: &[u8],
        entry: usize,
        before: u64,
        copy: Option<usize>,
    ) -> Result<Step, Refusal> {
        let known = self.entries.get(entry).ok_or(Refusal::Changed)?;
        let n = match streamed(input, before, known.is_directory()) {
            Streamed::Need(n) => return Ok(Step::Need(n)),
            Streamed::Part(n) => {
                self.state = State::AgainStreamed {
                    entry,
                    before: before + n,
                    copy,
                };
                n
            }
            Streamed::End(found) => {
                if (found.crc, found.size) != content(known.facts) {
                    return Err(Refusal::Changed);
                }
                if let Some(copy) = copy.and_then(|copy| self.copies.get_mut(copy)) {
                    copy.facts.crc = found.crc;
                    copy.facts.compressed = found.compressed;
                    copy.facts.size = found.size;
                }
                self.state = State::Again;
                found.end as u64
            }
        };
        Ok(if copy.is_some() {
            Step::Copy(n)
        } else {
            Step::Skip(n)
        })
    }
}

/// What stays the same however a file is compressed.
fn content(facts: Facts) -> (u32, u64) {
    (facts.crc, facts.size)
}

/// What is sent at once of what is in memory.
const PIECE: usize = 64 << 10;
/// A file up to this size that several links stand for is kept in memory while it is sent to each.
const MAX_REPEATED: u64 = 4 << 20;
/// A larger one costs a reading for each.
const MAX_READINGS: usize = 8;
