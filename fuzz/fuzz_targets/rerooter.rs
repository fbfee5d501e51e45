//! Any bytes, in pieces of any size, are refused or become a zip that another library reads, with safe names and modes.
#![no_main]

use std::io::Cursor;

use landfall::archive::{Refusal, Rerooter, Step};
use libfuzzer_sys::fuzz_target;

const LIMIT: u64 = 1 << 20;

fuzz_target!(|input: (u16, &[u8])| {
    let (chunk, bytes) = input;
    let plain = || Rerooter::new(LIMIT);
    let Ok(out) = reroot(plain(), bytes, usize::from(chunk).max(1)) else { return };
    assert_eq!(reroot(plain(), bytes, 1 << 20).as_ref(), Ok(&out), "how the bytes arrive makes no difference");
    assert_eq!(reroot(plain().watching(""), bytes, 7).as_ref(), Ok(&out), "nor does what is taken note of");
    let mut archive = zip::ZipArchive::new(Cursor::new(&out)).expect("a zip comes out");
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).expect("each header is sound");
        assert!(file.enclosed_name().is_some(), "{:?}", file.name());
        assert!(!file.name().split('/').any(|part| part == ".."));
        assert!(matches!(file.unix_mode().map(|mode| mode & 0o777), Some(0o644 | 0o755)));
        assert!(!file.is_symlink());
    }
});

fn reroot(mut rerooter: Rerooter, bytes: &[u8], chunk: usize) -> Result<Vec<u8>, Refusal> {
    let (mut input, mut window, mut out) = (bytes, 0, Vec::new());
    loop {
        match rerooter.step(&input[..window], &mut out)? {
            Step::Need(n) if n > input.len() => return Err(Refusal::Truncated),
            Step::Need(n) => {
                assert!(n > window, "asked for what it has");
                window = n.max(chunk).min(input.len());
            }
            Step::Skip(n) => {
                let n = usize::try_from(n).unwrap();
                input = input.get(n..).ok_or(Refusal::Truncated)?;
                window = window.saturating_sub(n);
            }
            Step::Copy(n) => {
                let n = usize::try_from(n).unwrap();
                let (data, rest) = input.split_at_checked(n).ok_or(Refusal::Truncated)?;
                out.extend(data);
                input = rest;
                window = window.saturating_sub(n);
            }
            Step::More => {}
            Step::Reopen => (input, window) = (bytes, 0),
            Step::Done => return Ok(out),
        }
    }
}
