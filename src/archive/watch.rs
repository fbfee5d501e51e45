//! Files that are taken note of while they go by: those that tell what a module takes and gives.

use std::rc::Rc;

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
    /// Of all files, inflated.
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
                watch.bytes += local.facts.size;
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
            .filter_map(|file| {
                let content = match &file.data {
                    Some(data) if !file.is_stored => {
                        let inflated =
                            miniz_oxide::inflate::decompress_to_vec_with_limit(data, file.size);
                        Some(inflated.ok()?)
                    }
                    data => data.clone(),
                };
                Some(File {
                    path: String::from_utf8_lossy(&file.name).into_owned(),
                    content,
                })
            })
            .collect()
    }
}

impl Watch {
    /// Where the length only follows the data, it is not looked for.
    fn fits(&self, facts: Facts) -> bool {
        let is_small = facts.compressed.max(facts.size) <= MAX_FILE;
        is_small && !facts.has_descriptor() && self.bytes + facts.size <= MAX_BYTES
    }
}

/// Of a larger file, only its name is taken note of.
const MAX_FILE: u64 = 2 << 20;
/// Of all files together.
const MAX_BYTES: u64 = 8 << 20;
