//! The second reading of an archive: files that symbolic links stand for are sent again under the links' names.
//!
//! GitHub's bytes may differ between two downloads of one commit, but what is in them may not: each file is taken by
//! its name, and held against the CRC and the size that the first reading's central directory has for it.

use std::rc::Rc;

use super::zip::{self, Facts, Local};
use super::{Next, Output, Refusal, Rerooter, State, Step, Streamed, next_local, streamed};

impl Rerooter {
    /// Where links need files that have gone by, the archive is read again; otherwise this is the end.
    pub(super) fn read_again_or_finish(&mut self) -> Step {
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
        let local = match next_local(input)? {
            Next::Need(n) => return Ok(Step::Need(n)),
            Next::Local(local) => local,
            // Each reading serves at least one name of each file that is left.
            Next::Central if self.readings <= MAX_READINGS => {
                return Ok(self.read_again_or_finish());
            }
            Next::Central => return Err(Refusal::Links),
        };
        let name = local
            .name
            .strip_prefix(&*self.root)
            .ok_or(Refusal::Changed)?;
        let entry = self.tree.entry(name).ok_or(Refusal::Changed)?;
        let header = local.length as u64;
        let Some(names) = self.wanted.get_mut(&entry) else {
            if local.facts.has_descriptor() {
                self.state = State::AgainStreamed {
                    entry,
                    before: 0,
                    copy: None,
                };
                return Ok(Step::Skip(header));
            }
            return Ok(Step::Skip(header.saturating_add(local.facts.compressed)));
        };
        let is_streamed = local.facts.has_descriptor();
        if names.len() > 1 && !is_streamed && local.facts.compressed <= MAX_REPEATED {
            return self.repeat(&local, entry, input, out);
        }
        let Some(name) = names.pop() else {
            return Err(Refusal::Changed);
        };
        if names.is_empty() {
            self.wanted.remove(&entry);
        }
        let copy = self.copies.len();
        self.send_header(&local, entry, name, out)?;
        self.state = if is_streamed {
            State::AgainStreamed {
                entry,
                before: 0,
                copy: Some(copy),
            }
        } else {
            State::Data(local.facts.compressed)
        };
        Ok(Step::Skip(header))
    }

    /// Sends one small file under all the names that it is needed for.
    fn repeat(
        &mut self,
        local: &Local<'_>,
        entry: usize,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Step, Refusal> {
        let end = local.length + usize::try_from(local.facts.compressed).unwrap_or(usize::MAX);
        let Some(data) = input.get(local.length..end) else {
            return Ok(Step::Need(end));
        };
        // One name a step, so that what is to be sent never piles up.
        let Some(names) = self.wanted.get_mut(&entry) else {
            return Err(Refusal::Changed);
        };
        let Some(name) = names.pop() else {
            return Err(Refusal::Changed);
        };
        let is_last = names.is_empty();
        self.send_header(local, entry, name, out)?;
        out.extend(data);
        if !is_last {
            return Ok(Step::More);
        }
        self.wanted.remove(&entry);
        Ok(Step::Skip(end as u64))
    }

    fn send_header(
        &mut self,
        local: &Local<'_>,
        entry: usize,
        name: Rc<[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let known = self.entries.get(entry).ok_or(Refusal::Changed)?;
        if !local.facts.has_descriptor() && content(local.facts) != content(known.facts) {
            return Err(Refusal::Changed);
        }
        zip::write_local(local.facts, local.is_zip64, &name, out);
        self.copies.push(Output {
            name,
            facts: local.facts,
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
            Streamed::End(found, n) => {
                let found = (found.crc, found.compressed, found.size);
                if (found.0, found.2) != content(known.facts) {
                    return Err(Refusal::Changed);
                }
                if let Some(copy) = copy.and_then(|copy| self.copies.get_mut(copy)) {
                    (copy.facts.crc, copy.facts.compressed, copy.facts.size) = found;
                }
                self.state = State::Again;
                n
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

/// A file up to this size that several links stand for is kept in memory while it is sent to each.
const MAX_REPEATED: u64 = 1 << 20;
/// A larger one costs a reading for each.
const MAX_READINGS: u32 = 8;
