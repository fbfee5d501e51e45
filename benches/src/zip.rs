//! Archives as GitHub makes them: one folder above all, and the commit as the comment. Large ones are never whole in memory.

use crc32fast::Hasher;

/// A zip of stored files between which one may be large.
pub(crate) struct Zip {
    pub(crate) before: Vec<u8>,
    /// How often [`block`] comes between.
    pub(crate) blocks: usize,
    pub(crate) after: Vec<u8>,
}

/// A megabyte, as figures count it.
pub(crate) const BLOCK: usize = 1_000_000;

impl Zip {
    /// The archive of a commit: one large file, of so many megabytes, between two small ones.
    pub(crate) fn large(commit: &str, megabytes: usize) -> Self {
        let mut writer = Writer::of(commit);
        writer.file("main.tf", b"# The first file.\n");
        let block = block();
        let mut hasher = Hasher::new();
        for _ in 0..megabytes {
            hasher.update(&block);
        }
        writer.begin("large.bin", hasher.finalize(), megabytes * BLOCK);
        let before = std::mem::take(&mut writer.zip);
        writer.passed = before.len() + megabytes * BLOCK;
        writer.file("versions.tf", b"# The last file.\n");
        Self {
            before,
            blocks: megabytes,
            after: writer.finish(),
        }
    }

    /// The archive of a commit: so many small files, twenty to a folder.
    pub(crate) fn small(commit: &str, count: usize) -> Self {
        let mut writer = Writer::of(commit);
        for number in 0..count {
            let name = format!("modules/m{}/file-{number}.tf", number / 20);
            writer.file(&name, format!("variable \"v{number}\" {{}}\n").as_bytes());
        }
        Self {
            before: writer.finish(),
            blocks: 0,
            after: Vec::new(),
        }
    }

    /// Its length, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.before.len() + self.blocks * BLOCK + self.after.len()
    }
}

/// Bytes that do not deflate.
pub(crate) fn block() -> Vec<u8> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    noise.take(BLOCK / 8).flatten().collect()
}

/// The format: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, 4.3.
struct Writer<'a> {
    commit: &'a str,
    /// What was written since the large file, or all.
    zip: Vec<u8>,
    /// How much was before.
    passed: usize,
    directory: Vec<u8>,
    files: usize,
}

impl<'a> Writer<'a> {
    /// With the top folder in it.
    fn of(commit: &'a str) -> Self {
        let mut writer = Self {
            commit,
            zip: Vec::new(),
            passed: 0,
            directory: Vec::new(),
            files: 0,
        };
        writer.begin("", 0, 0);
        writer
    }

    fn file(&mut self, name: &str, bytes: &[u8]) {
        self.begin(name, crc32fast::hash(bytes), bytes.len());
        self.zip.extend_from_slice(bytes);
    }

    /// Everything of a file but its bytes.
    fn begin(&mut self, name: &str, checksum: u32, length: usize) {
        let at = self.passed + self.zip.len();
        let id = self.commit.get(..7).unwrap_or(self.commit);
        let name = format!("acme-terraform-null-archive-{id}/{name}");
        let mut common = Vec::new();
        // Version 1.0, no flags, stored, the first day that a zip knows.
        common.extend([10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
        common.extend(checksum.to_le_bytes());
        common.extend(field(length));
        common.extend(field(length));
        common.extend(short(name.len()));
        common.extend([0, 0]);

        self.zip.extend(b"PK\x03\x04");
        self.zip.extend(&common);
        self.zip.extend(name.as_bytes());

        self.directory.extend(b"PK\x01\x02\x0a\0");
        self.directory.extend(&common);
        // No comment, disk 0, no attributes.
        self.directory.extend([0; 10]);
        self.directory.extend(field(at));
        self.directory.extend(name.as_bytes());
        self.files += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let at = self.passed + self.zip.len();
        let count = short(self.files);
        self.zip.extend(&self.directory);
        self.zip.extend(b"PK\x05\x06\0\0\0\0");
        self.zip.extend(count);
        self.zip.extend(count);
        self.zip.extend(field(self.directory.len()));
        self.zip.extend(field(at));
        self.zip.extend(short(self.commit.len()));
        self.zip.extend(self.commit.as_bytes());
        self.zip
    }
}

/// All that is written here is below 4 GiB.
fn field(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes()
}

fn short(value: usize) -> [u8; 2] {
    u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::*;

    const COMMIT: &str = "1111111111111111111111111111111111111111";

    #[test]
    fn another_reads_what_is_written() {
        for (zip, files) in [(Zip::large(COMMIT, 3), 4), (Zip::small(COMMIT, 50), 51)] {
            let length = zip.len();
            let whole = [zip.before, block().repeat(zip.blocks), zip.after].concat();
            assert_eq!(whole.len(), length);
            let mut archive = ::zip::ZipArchive::new(Cursor::new(whole)).unwrap();
            assert_eq!(archive.len(), files);
            assert_eq!(archive.comment(), COMMIT.as_bytes());
            for index in 0..files {
                let mut file = archive.by_index(index).unwrap();
                assert!(
                    file.name()
                        .starts_with("acme-terraform-null-archive-1111111/")
                );
                // Compares the checksum at the end.
                file.read_to_end(&mut Vec::new()).unwrap();
            }
        }
    }
}
