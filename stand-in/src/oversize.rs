//! A sound zip of any size below 4 GiB, made while it is sent: the folder of the archive, and in it one stored file of zeros.

use std::io;

use bytes::{BufMut as _, Bytes, BytesMut};
use crc32fast::Hasher;
use http_body_util::channel::Sender;

const BLOCK: usize = 256 * 1024;
/// 1980-01-01, the earliest date that a zip can say.
const DOS_DATE: u16 = 0x21;

/// The zip's parts around its zeros.
pub(crate) struct Zip {
    before: Bytes,
    zeros: u64,
    after: Bytes,
}

impl Zip {
    /// `sha` becomes the zip's comment, as in the archives that GitHub serves. More than fits without zip64 is cut.
    pub(crate) fn new(folder: &str, sha: &str, zeros: u64) -> Self {
        let zeros = zeros.min(u64::from(u32::MAX) - 1024 * 1024);
        let size = u32::try_from(zeros).unwrap_or(u32::MAX);
        let directory = format!("{folder}/");
        let file = format!("{folder}/oversize.tf");

        let mut before = BytesMut::new();
        local_header(&mut before, &directory, 0, 0);
        let file_at = before.len();
        let checksum = checksum_of_zeros(zeros);
        local_header(&mut before, &file, checksum, size);

        let mut after = BytesMut::new();
        central_header(&mut after, &directory, 0, 0, 0);
        central_header(&mut after, &file, checksum, size, field(file_at));
        let central_size = after.len();
        after.put_slice(b"PK\x05\x06\0\0\0\0");
        after.put_u16_le(2);
        after.put_u16_le(2);
        after.put_u32_le(field(central_size));
        after.put_u32_le(field(before.len()).saturating_add(size));
        after.put_u16_le(name_length(sha));
        after.put_slice(sha.as_bytes());
        Self {
            before: before.freeze(),
            zeros,
            after: after.freeze(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.before.len() as u64 + self.zeros + self.after.len() as u64
    }

    pub(crate) async fn pour(self, mut tap: Sender<Bytes, io::Error>) {
        let block = Bytes::from(vec![0; BLOCK]);
        if tap.send_data(self.before).await.is_err() {
            return;
        }
        let mut left = self.zeros;
        while left > 0 {
            let piece = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
            left -= piece as u64;
            if tap.send_data(block.slice(..piece)).await.is_err() {
                return;
            }
        }
        let _ = tap.send_data(self.after).await;
    }
}

fn local_header(zip: &mut BytesMut, name: &str, checksum: u32, size: u32) {
    zip.put_slice(b"PK\x03\x04");
    common_fields(zip, name, checksum, size);
    zip.put_slice(name.as_bytes());
}

fn central_header(zip: &mut BytesMut, name: &str, checksum: u32, size: u32, at: u32) {
    zip.put_slice(b"PK\x01\x02");
    zip.put_u16_le(10);
    common_fields(zip, name, checksum, size);
    // No comment, disk 0, no attributes.
    zip.put_slice(&[0; 10]);
    zip.put_u32_le(at);
    zip.put_slice(name.as_bytes());
}

/// From "version needed" to "extra field length", which local and central headers share.
fn common_fields(zip: &mut BytesMut, name: &str, checksum: u32, size: u32) {
    zip.put_u16_le(10);
    // No flags, stored, midnight.
    zip.put_slice(&[0; 6]);
    zip.put_u16_le(DOS_DATE);
    zip.put_u32_le(checksum);
    zip.put_u32_le(size);
    zip.put_u32_le(size);
    zip.put_u16_le(name_length(name));
    zip.put_u16_le(0);
}

fn checksum_of_zeros(zeros: u64) -> u32 {
    let block = vec![0; BLOCK];
    let mut hasher = Hasher::new();
    let mut left = zeros;
    while left > 0 {
        let piece = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
        hasher.update(block.get(..piece).unwrap_or_default());
        left -= piece as u64;
    }
    hasher.finalize()
}

fn field(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn name_length(name: &str) -> u16 {
    u16::try_from(name.len()).unwrap_or(u16::MAX)
}
