//! GitHub's archives, made with a library of others.

use std::fmt::Write as _;
use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The zip of a repository `acme/vpc` as GitHub names its top folder.
pub fn zipball(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_of(
        &files
            .iter()
            .map(|(name, data)| (format!("acme-vpc-1111111/{name}"), *data))
            .collect::<Vec<_>>(),
        &[],
    )
}

/// A zip of these names, and of these symbolic links.
pub fn zip_of(files: &[(String, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in files {
        writer.start_file(name, stored).unwrap();
        writer.write_all(data).unwrap();
    }
    for (name, target) in links {
        writer.add_symlink(*name, *target, stored).unwrap();
    }
    writer.set_comment("1111111111111111111111111111111111111111");
    writer.finish().unwrap().into_inner()
}

/// What comes before and after the `length` bytes of a large stored file in a zip between two small files. Its CRC is
/// wrong, which is no concern of who only moves it.
pub fn around_a_large_file(length: u64) -> (Vec<u8>, Vec<u8>) {
    let unchanged = zipball(&[
        ("first.tf", b"# 1\n"),
        ("large", b""),
        ("last.tf", b"# 2\n"),
    ]);
    let mut zip = unchanged.clone();
    let length = u32::try_from(length).unwrap();
    let find = |signature: &[u8], nth: usize| {
        unchanged
            .windows(4)
            .enumerate()
            .filter(|(_, it)| *it == signature)
            .map(|(at, _)| at)
            .nth(nth)
            .unwrap()
    };
    let mut add = |at: usize| {
        let field: &mut [u8; 4] = zip[at..].first_chunk_mut().unwrap();
        *field = (u32::from_le_bytes(*field) + length).to_le_bytes();
    };
    let local = find(b"PK\x03\x04", 1);
    let central = find(b"PK\x01\x02", 1);
    let next = find(b"PK\x01\x02", 2);
    let end = find(b"PK\x05\x06", 0);
    let sizes = [local + 18, local + 22, central + 20, central + 24];
    let offsets = [next + 42, end + 16];
    sizes.into_iter().chain(offsets).for_each(&mut add);
    let after = zip.split_off(local + 30 + "acme-vpc-1111111/large".len());
    (zip, after)
}

/// What a client would unpack, a line a file.
pub fn describe(zip: &[u8]) -> String {
    let mut archive = match ZipArchive::new(Cursor::new(zip)) {
        Ok(archive) => archive,
        Err(error) => return format!("no zip: {error}"),
    };
    let mut text = String::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let (name, mode) = (file.name().to_owned(), file.unix_mode().unwrap_or(0));
        let mut data = Vec::new();
        file.read_to_end(&mut data).unwrap();
        let shown = String::from_utf8_lossy(&data[..data.len().min(40)])
            .escape_debug()
            .to_string();
        writeln!(text, "{mode:06o} {:>8} {name} {shown}", data.len()).unwrap();
    }
    text
}
