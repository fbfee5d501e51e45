//! The records of a zip file: read from bytes, written to bytes, nothing else.
//!
//! Layout by PKWARE's APPNOTE 6.3.10; the section of each record is named at its type. Only what git, GitHub and the
//! usual writers produce is read: one disk, stored or deflated, not encrypted.

use super::Refusal;

/// Section 4.3.7. Precedes each entry's data.
pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Section 4.3.12. One for each entry, after all data.
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
/// Section 4.3.9. May begin a data descriptor.
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// Section 4.3.14.
pub(super) const ZIP64_END: [u8; 4] = *b"PK\x06\x06";
/// Section 4.3.15.
pub(super) const ZIP64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
/// Section 4.3.16.
pub(super) const END: [u8; 4] = *b"PK\x05\x06";

/// Bytes of a local header before its name.
pub(super) const LOCAL_LENGTH: usize = 30;
/// Bytes of a central record before its name.
pub(super) const CENTRAL_LENGTH: usize = 46;
/// Bytes of a zip64 end record, without data that nobody defined yet.
pub(super) const ZIP64_END_LENGTH: usize = 56;
/// Bytes of a zip64 locator.
pub(super) const ZIP64_LOCATOR_LENGTH: usize = 20;
/// Bytes of an end record before its comment.
pub(super) const END_LENGTH: usize = 22;

/// In place of a number that stands in the zip64 extra field.
const IN_EXTRA: u32 = u32::MAX;
const ZIP64_EXTRA: u16 = 1;
const ENCRYPTED: u16 = 1;
const HAS_DESCRIPTOR: u16 = 1 << 3;
/// Flags that mean the entry's bytes are not plain data: patches, strong encryption, masked headers.
const UNREADABLE: u16 = ENCRYPTED | 1 << 5 | 1 << 6 | 1 << 13;
/// The name is UTF-8.
const IS_UTF8: u16 = 1 << 11;
const UNIX: u16 = 3;
/// macOS, which has unix modes too.
const DARWIN: u16 = 19;

/// What the two headers of an entry both say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) time: u16,
    pub(super) date: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
}

impl Facts {
    /// Whether sizes and CRC follow the data, and the header before it has none.
    pub(super) fn has_descriptor(self) -> bool {
        self.flags & HAS_DESCRIPTOR != 0
    }

    pub(super) fn is_stored(self) -> bool {
        self.method == 0
    }

    /// The same entry without content, e.g. a directory.
    pub(super) fn of_nothing(self) -> Self {
        let flags = self.flags & IS_UTF8;
        Self {
            flags,
            time: self.time,
            date: self.date,
            ..Self::default()
        }
    }

    fn check(self) -> Result<Self, Refusal> {
        if self.flags & UNREADABLE != 0 || !matches!(self.method, 0 | 8) {
            return Err(Refusal::Unsupported);
        }
        Ok(self)
    }
}

/// A local header, section 4.3.7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Local<'a> {
    pub(super) facts: Facts,
    pub(super) name: &'a [u8],
    /// Bytes of the whole header.
    pub(super) length: usize,
    /// Whether sizes are 64 bits wide, in the descriptor too.
    pub(super) is_zip64: bool,
}

impl<'a> Local<'a> {
    /// How many bytes the header at the front of `input` has, once [`LOCAL_LENGTH`] of them are there.
    pub(super) fn length(input: &[u8]) -> Result<usize, Refusal> {
        let mut fields = Fields(input.get(26..).unwrap_or_default());
        Ok(LOCAL_LENGTH + bounded_name(fields.u16()?)? + usize::from(fields.u16()?))
    }

    /// Reads a whole header.
    pub(super) fn read(input: &'a [u8]) -> Result<Self, Refusal> {
        let mut fields = Fields(input);
        fields.take(6)?;
        let mut facts = fields.facts()?;
        let (name_length, extra_length) = (fields.u16()?, fields.u16()?);
        let name = fields.take(name_length.into())?;
        let extra = Fields(fields.take(extra_length.into())?).extra(ZIP64_EXTRA)?;
        let is_zip64 = extra.is_some();
        let mut extra = extra.unwrap_or(Fields(&[]));
        for size in [&mut facts.size, &mut facts.compressed] {
            extra.widen(size)?;
        }
        let length = LOCAL_LENGTH + usize::from(name_length) + usize::from(extra_length);
        Ok(Self {
            facts: facts.check()?,
            name,
            length,
            is_zip64,
        })
    }
}

/// Writes a local header, without extra fields that say nothing about the data.
pub(super) fn write_local(facts: Facts, is_zip64: bool, name: &[u8], out: &mut Vec<u8>) {
    out.extend(LOCAL);
    out.extend(version_needed(is_zip64).to_le_bytes());
    // A descriptor's sizes are not known yet; where others are too wide, the zip64 field has them.
    write_facts(facts, is_zip64, out);
    out.extend(short(name.len()).to_le_bytes());
    out.extend(if is_zip64 { 20u16 } else { 0 }.to_le_bytes());
    out.extend(name);
    if is_zip64 {
        out.extend(ZIP64_EXTRA.to_le_bytes());
        out.extend(16u16.to_le_bytes());
        out.extend(facts.size.to_le_bytes());
        out.extend(facts.compressed.to_le_bytes());
    }
}

/// A central record, section 4.3.12.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Central<'a> {
    pub(super) facts: Facts,
    pub(super) name: &'a [u8],
    /// The unix mode, where the writer knew one.
    pub(super) mode: Option<u16>,
    /// Where the local header is.
    pub(super) offset: u64,
    /// Bytes of the whole record.
    pub(super) length: usize,
}

impl<'a> Central<'a> {
    /// How many bytes the record at the front of `input` has, once [`CENTRAL_LENGTH`] of them are there.
    pub(super) fn length(input: &[u8]) -> Result<usize, Refusal> {
        let mut fields = Fields(input.get(28..).unwrap_or_default());
        let name = bounded_name(fields.u16()?)?;
        Ok(CENTRAL_LENGTH + name + usize::from(fields.u16()?) + usize::from(fields.u16()?))
    }

    /// Reads a whole record.
    pub(super) fn read(input: &'a [u8]) -> Result<Self, Refusal> {
        let mut fields = Fields(input);
        fields.take(4)?;
        let made_by = fields.u16()?;
        fields.u16()?;
        let mut facts = fields.facts()?;
        let (name_length, extra_length, comment_length) =
            (fields.u16()?, fields.u16()?, fields.u16()?);
        fields.take(4)?;
        let attributes = fields.u32()?;
        let mut offset = u64::from(fields.u32()?);
        let name = fields.take(name_length.into())?;
        let extra = fields.take(extra_length.into())?;
        let mut extra = Fields(extra).extra(ZIP64_EXTRA)?.unwrap_or(Fields(&[]));
        for number in [&mut facts.size, &mut facts.compressed, &mut offset] {
            extra.widen(number)?;
        }
        let mode = matches!(made_by >> 8, UNIX | DARWIN).then_some((attributes >> 16) as u16);
        let lengths = [name_length, extra_length, comment_length];
        let length = CENTRAL_LENGTH + lengths.map(usize::from).iter().sum::<usize>();
        Ok(Self {
            facts: facts.check()?,
            name,
            mode,
            offset,
            length,
        })
    }

    /// Writes the record of an entry, with a mode that every extractor can use.
    pub(super) fn write(facts: Facts, name: &[u8], mode: u16, offset: u64, out: &mut Vec<u8>) {
        let numbers = [facts.size, facts.compressed, offset];
        let is_zip64 = numbers.iter().any(|number| *number >= u64::from(IN_EXTRA));
        let is_directory = name.ends_with(b"/");
        out.extend(CENTRAL);
        out.extend((UNIX << 8 | version_needed(is_zip64)).to_le_bytes());
        out.extend(version_needed(is_zip64).to_le_bytes());
        write_facts(facts, is_zip64, out);
        out.extend(short(name.len()).to_le_bytes());
        out.extend(if is_zip64 { 28u16 } else { 0 }.to_le_bytes());
        // No comment, disk 0, no internal attributes.
        out.extend([0; 6]);
        let dos = if is_directory { 0x10 } else { 0 };
        out.extend((u32::from(mode) << 16 | dos).to_le_bytes());
        out.extend(narrow(offset, is_zip64).to_le_bytes());
        out.extend(name);
        if is_zip64 {
            out.extend(ZIP64_EXTRA.to_le_bytes());
            out.extend(24u16.to_le_bytes());
            out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
    }
}

/// Where the central directory is, sections 4.3.14 to 4.3.16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) entries: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

impl Directory {
    /// Reads a zip64 end record.
    pub(super) fn read_zip64(input: &[u8]) -> Result<Self, Refusal> {
        let mut fields = Fields(input);
        fields.take(32)?;
        Ok(Self {
            entries: fields.u64()?,
            size: fields.u64()?,
            offset: fields.u64()?,
        })
    }

    /// Reads an end record, whose numbers give way to the zip64 record's where they are too narrow; and the comment's
    /// length.
    pub(super) fn read(input: &[u8], zip64: Option<Self>) -> Result<(Self, usize), Refusal> {
        let mut fields = Fields(input);
        fields.take(8)?;
        let (entries_here, entries) = (fields.u16()?, fields.u16()?);
        if entries_here != entries {
            return Err(Refusal::Broken);
        }
        let (size, offset, comment) = (fields.u32()?, fields.u32()?, fields.u16()?);
        let wide = |narrow: u64, limit: u64, wide: fn(Self) -> u64| match zip64 {
            Some(zip64) if narrow == limit => wide(zip64),
            _ => narrow,
        };
        let directory = Self {
            entries: wide(entries.into(), u16::MAX.into(), |it| it.entries),
            size: wide(size.into(), IN_EXTRA.into(), |it| it.size),
            offset: wide(offset.into(), IN_EXTRA.into(), |it| it.offset),
        };
        Ok((directory, comment.into()))
    }

    /// Writes all end records that these numbers need.
    pub(super) fn write(self, comment: &[u8], out: &mut Vec<u8>) {
        let Self {
            entries,
            size,
            offset,
        } = self;
        let limit = u64::from(IN_EXTRA);
        let is_zip64 = entries >= u16::MAX.into() || size >= limit || offset >= limit;
        if is_zip64 {
            out.extend(ZIP64_END);
            out.extend(44u64.to_le_bytes());
            out.extend(45u16.to_le_bytes());
            out.extend(45u16.to_le_bytes());
            out.extend([0; 8]);
            out.extend(
                [entries, entries, size, offset]
                    .iter()
                    .flat_map(|it| it.to_le_bytes()),
            );
            out.extend(ZIP64_LOCATOR);
            out.extend([0; 4]);
            out.extend((offset + size).to_le_bytes());
            out.extend(1u32.to_le_bytes());
        }
        let count = if is_zip64 {
            u16::MAX
        } else {
            u16::try_from(entries).unwrap_or(u16::MAX)
        };
        out.extend(END);
        out.extend([0; 4]);
        out.extend(count.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(narrow(size, is_zip64).to_le_bytes());
        out.extend(narrow(offset, is_zip64).to_le_bytes());
        out.extend(short(comment.len()).to_le_bytes());
        out.extend(comment);
    }
}

/// Little-endian fields, from the front.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Refusal::Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        self.take(N)?.try_into().map_err(|_| Refusal::Broken)
    }

    fn u16(&mut self) -> Result<u16, Refusal> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Refusal> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Refusal> {
        self.array().map(u64::from_le_bytes)
    }

    /// The run of fields that both headers have in the same order.
    fn facts(&mut self) -> Result<Facts, Refusal> {
        Ok(Facts {
            flags: self.u16()?,
            method: self.u16()?,
            time: self.u16()?,
            date: self.u16()?,
            crc: self.u32()?,
            compressed: self.u32()?.into(),
            size: self.u32()?.into(),
        })
    }

    /// The extra field of a kind, section 4.5.1. Trailing bytes that are no field are left alone, as readers do.
    fn extra(mut self, kind: u16) -> Result<Option<Self>, Refusal> {
        while self.0.len() >= 4 {
            let (id, length) = (self.u16()?, self.u16()?);
            let body = self.take(length.into())?;
            if id == kind {
                return Ok(Some(Self(body)));
            }
        }
        Ok(None)
    }

    /// Replaces a number that stands in the zip64 field, section 4.5.3.
    fn widen(&mut self, number: &mut u64) -> Result<(), Refusal> {
        if *number == u64::from(IN_EXTRA) && !self.0.is_empty() {
            *number = self.u64()?;
        }
        Ok(())
    }
}

fn write_facts(facts: Facts, is_zip64: bool, out: &mut Vec<u8>) {
    for number in [facts.flags, facts.method, facts.time, facts.date] {
        out.extend(number.to_le_bytes());
    }
    out.extend(facts.crc.to_le_bytes());
    out.extend(narrow(facts.compressed, is_zip64).to_le_bytes());
    out.extend(narrow(facts.size, is_zip64).to_le_bytes());
}

fn narrow(number: u64, is_zip64: bool) -> u32 {
    if is_zip64 {
        IN_EXTRA
    } else {
        u32::try_from(number).unwrap_or(IN_EXTRA)
    }
}

/// Names and comments were 16 bits long when they were read, and only get shorter.
fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn version_needed(is_zip64: bool) -> u16 {
    if is_zip64 { 45 } else { 20 }
}

fn bounded_name(length: u16) -> Result<usize, Refusal> {
    let length = usize::from(length);
    if length > MAX_NAME {
        Err(Refusal::Name)
    } else {
        Ok(length)
    }
}

/// No file system takes a longer path.
pub(super) const MAX_NAME: usize = 4096;
