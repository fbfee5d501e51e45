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
