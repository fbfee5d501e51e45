//! Where data ends whose length only the descriptor behind it tells, section 4.3.9 of APPNOTE. Nothing is inflated for it.

use super::zip::{CENTRAL, DESCRIPTOR, Fields, LOCAL};

/// What to do about data that ends with a descriptor.
pub(super) enum Streamed {
    /// Read on until so much is there.
    Need(usize),
    /// So much of it is data.
    Part(u64),
    /// It ends here.
    End(Descriptor),
}

/// A data descriptor that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    /// Where in the window it ends and the next header begins.
    pub(super) end: usize,
}

/// Looks at what is there of the data, of which `before` bytes have gone by.
pub(super) fn streamed(input: &[u8], before: u64, is_directory: bool) -> Streamed {
    if let Some(found) = find(input, before, is_directory) {
        return Streamed::End(found);
    }
    match input.len().saturating_sub(TAIL) {
        0 => Streamed::Need(input.len() + 1),
        part => Streamed::Part(part as u64),
    }
}

/// The end is where a header follows and
/// one of the descriptor's four shapes before it states exactly the length that was seen.
fn find(window: &[u8], before: u64, is_directory: bool) -> Option<Descriptor> {
    let headers = window
        .windows(4)
        .enumerate()
        .filter(|(_, it)| *it == LOCAL || *it == CENTRAL);
    for (end, _) in headers {
        if is_directory && before == 0 && end == 0 {
            // Some writers announce a descriptor for a directory and leave it out.
            return Some(Descriptor {
                crc: 0,
                compressed: 0,
                size: 0,
                end,
            });
        }
        for (length, has_signature, is_zip64) in DESCRIPTORS {
            let Some(start) = end.checked_sub(length) else {
                continue;
            };
            let mut fields = Fields(window.get(start..end)?);
            if has_signature && fields.take(4).ok()? != DESCRIPTOR {
                continue;
            }
            let crc = fields.u32().ok()?;
            let mut number = || {
                if is_zip64 {
                    fields.u64()
                } else {
                    fields.u32().map(u64::from)
                }
            };
            let (compressed, size) = (number().ok()?, number().ok()?);
            if compressed == before + start as u64 {
                return Some(Descriptor {
                    crc,
                    compressed,
                    size,
                    end,
                });
            }
        }
    }
    None
}

/// The bytes that must stay in the window while the end is not found: the longest descriptor, and a header's
/// signature but for its last byte.
const TAIL: usize = 24 + 3;

/// Length, whether a signature comes first, whether sizes have 64 bits. The longest first: it is the least likely to be
/// met by chance.
const DESCRIPTORS: [(usize, bool, bool); 4] = [
    (24, true, true),
    (16, true, false),
    (20, false, true),
    (12, false, false),
];
