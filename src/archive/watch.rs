//! Files that are taken note of while they go by: those that tell what a module takes and gives.

use std::rc::Rc;

use miniz_oxide::inflate;

use super::Rerooter;
use super::entry::Entry;
use super::zip::{Facts, Local};
use crate::details::{self, File};

/// What is taken note of, and what was so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// The folder of the output that the module is.
    base: String,
    files: Vec<Watched>,
    /// Of all files, as they are in the archive or inflated, whichever is more.
    bytes: u64,
}

/// A file, as it is in the archive.
#[derive(Clone, Debug)]
struct Watched {
    /// In the output.
    name: Rc<[u8]>,
    /// The entry of the input that it is; `None` for what a link stands for.
    entry: Option<usize>,
    is_stored: bool,
    size: usize,
    /// `None` for what is too large.
    data: Option<Vec<u8>>,
}

impl Rerooter {
    /// Takes note of the files that tell something of the module in the folder `base` of the output, as [`details::is_wanted`] has it.
    /// They are [`Rerooter::watched`] in the end.
    #[must_use]
    pub fn watching(mut self, base: &str) -> Self {
        self.watch = Some(Watch {
            base: base.to_owned(),
            ..Watch::default()
        });
        self
    }

    /// How much of the input it takes to take note of an entry, whose name in the output is `name`; `None` for one that is not to be.
    pub(super) fn watches(&self, local: &Local<'_>, name: &[u8]) -> Option<usize> {
        let watch = self.watch.as_ref()?;
        if !details::is_wanted(&watch.base, name) {
            return None;
        }
        // Of what is too large, only that it is there.
        let data = if watch.fits(local.facts) {
            usize::try_from(local.facts.compressed).ok()?
        } else {
            0
        };
        Some(local.length + data)
    }

    /// Takes note of an entry, of which `input` has all.
    pub(super) fn note(
        &mut self,
        local: &Local<'_>,
        name: &[u8],
        entry: Option<usize>,
        input: &[u8],
    ) {
        let Some(end) = self.watches(local, name) else {
            return;
        };
        if let (Some(watch), Some(data)) = (&mut self.watch, input.get(local.length..end)) {
            let fits = watch.fits(local.facts);
            if fits {
                watch.bytes += bytes_of(local.facts);
            }
            watch.files.push(Watched {
                name: name.into(),
                entry,
                is_stored: local.facts.is_stored(),
                size: usize::try_from(local.facts.size).unwrap_or_default(),
                data: fits.then(|| data.to_vec()),
            });
        }
    }

    /// The same of what a link stands for that is in memory: it is stored.
    pub(super) fn note_held(&mut self, name: &[u8], data: &[u8]) {
        let Some(watch) = self.watch.as_mut() else {
            return;
        };
        let size = data.len() as u64;
        if details::is_wanted(&watch.base, name) {
            let fits = watch.bytes + size <= MAX_BYTES;
            if fits {
                watch.bytes += size;
            }
            watch.files.push(Watched {
                name: name.into(),
                entry: None,
                is_stored: true,
                size: data.len(),
                data: fits.then(|| data.to_vec()),
            });
        }
    }

    /// The files that were taken note of, once everything is written. Links are what they stand for.
    #[must_use]
    pub fn watched(&self) -> Vec<File> {
        let files = self.watch.iter().flat_map(|watch| &watch.files);
        let is_link = |entry: usize| self.entries.get(entry).is_some_and(Entry::is_link);
        files
            .filter(|file| !file.entry.is_some_and(is_link))
            .map(|file| File {
                path: String::from_utf8_lossy(&file.name).into_owned(),
                content: match &file.data {
                    // What is larger than it says is as what is too large.
                    Some(data) if !file.is_stored => {
                        inflate::decompress_to_vec_with_limit(data, file.size).ok()
                    }
                    data => data.clone(),
                },
            })
            .collect()
    }
}

impl Watch {
    /// Where the length only follows the data, it is not looked for.
    fn fits(&self, facts: Facts) -> bool {
        let bytes = bytes_of(facts);
        bytes <= MAX_FILE && !facts.has_descriptor() && self.bytes + bytes <= MAX_BYTES
    }
}

/// What an entry may take in memory. What it says of its size need not be so.
fn bytes_of(facts: Facts) -> u64 {
    facts.compressed.max(facts.size)
}

/// Of a larger file, only its name is taken note of.
const MAX_FILE: u64 = 2 << 20;
/// Of all files together.
const MAX_BYTES: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: usize = 30;

    fn deflated(data: &[u8], size: u64) -> (Facts, Vec<u8>) {
        let data = miniz_oxide::deflate::compress_to_vec(data, 6);
        let facts = Facts {
            method: 8,
            compressed: data.len() as u64,
            size,
            ..Facts::default()
        };
        (facts, [vec![0; HEADER], data].concat())
    }

    fn note(rerooter: &mut Rerooter, facts: Facts, input: &[u8]) {
        let local = Local {
            facts,
            name: b"main.tf",
            length: HEADER,
            is_zip64: false,
        };
        rerooter.note(&local, b"main.tf", None, input);
    }

    #[test]
    fn entries_take_no_more_memory_than_is_said() {
        let noise: Vec<u8> = (0..1u32 << 20)
            .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3])
            .collect();
        for size in [0, 100, 1 << 20] {
            let mut rerooter = Rerooter::new(u64::MAX).watching("");
            let facts = Facts {
                compressed: noise.len() as u64,
                size,
                ..Facts::default()
            };
            let input = [vec![0; HEADER], noise.clone()].concat();
            for _ in 0..20 {
                note(&mut rerooter, facts, &input);
            }
            rerooter.note_held(b"a.tf", &noise);
            let watched = rerooter.watched();
            let held = watched.iter().flat_map(|it| &it.content);
            assert_eq!(held.map(|it| it.len() as u64).sum::<u64>(), MAX_BYTES);
            // Each is there all the same, so that it is said what is not read.
            assert_eq!(watched.len(), 21);
        }
    }

    #[test]
    fn what_is_not_as_it_says_is_said_to_be_not_read() {
        let text = b"variable \"a\" {}".as_slice();
        let length = text.len() as u64;
        let (facts, input) = deflated(text, length);
        let (of_nothing, nothing) = deflated(b"", 0);
        let large = Facts {
            size: MAX_FILE + 1,
            ..facts
        };
        let with_descriptor = Facts {
            flags: 1 << 3,
            compressed: 0,
            size: 0,
            ..facts
        };
        let mut broken = input.clone();
        broken[HEADER] = 0xff;
        for (facts, input, content) in [
            (facts, &input, Some(text)),
            (of_nothing, &nothing, Some(&[][..])),
            (deflated(text, length + 1).0, &input, Some(text)),
            (deflated(text, length - 1).0, &input, None),
            (deflated(text, 0).0, &input, None),
            (large, &input, None),
            (with_descriptor, &input, None),
            (facts, &broken, None),
        ] {
            let mut rerooter = Rerooter::new(u64::MAX).watching("");
            note(&mut rerooter, facts, input);
            let files = rerooter.watched();
            assert_eq!(files.len(), 1, "{facts:?}");
            assert_eq!(files[0].content.as_deref(), content, "{facts:?}");
            let problems = details::read("", &files).problems;
            let expected =
                ["main.tf: is not read: it is too large, or all files together are".to_owned()];
            assert_eq!(problems, expected[usize::from(content.is_some())..]);
        }
    }
}
