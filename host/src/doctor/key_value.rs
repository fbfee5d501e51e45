//! Whether the data directory can be used as `landfall serve` uses it. Nothing is made there that was not there before: what doctor makes as
//! one user, serve could not write as another.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::report::{Report, foreign};
use crate::{StartError, Store};

const CHECK: &str = "key-value";

/// Writes, reads and removes something.
pub(super) fn check(data: &Path, report: &mut Report) {
    let shown = data.display().to_string();
    if data.join(FILE).is_file() {
        return check_file(data, &shown, report);
    }
    let place = existing(data);
    if !place.is_dir() {
        let finding = format!("{} is no directory", place.display());
        return report.wrong(CHECK, &shown, &finding, MEND);
    }
    let probe = place.join(format!(".landfall-doctor-{}", std::process::id()));
    match try_to_write(&probe) {
        Ok(()) => report.ok(CHECK, &shown, "it is new, and can be written"),
        Err(error) => {
            let finding = format!(
                "{} cannot be written: {}",
                place.display(),
                foreign(&error.to_string())
            );
            report.wrong(CHECK, &shown, &finding, MEND);
        }
    }
}

fn check_file(data: &Path, shown: &str, report: &mut Report) {
    let store = match Store::open(data) {
        Ok(store) => store,
        Err(StartError::InUse(_)) => {
            return report.cannot(
                CHECK,
                shown,
                "another process has it open, as it should while `landfall serve` runs",
                "",
            );
        }
        Err(error) => {
            let text = error.to_string();
            let (finding, mend) = text.split_once("; ").unwrap_or((&text, MEND));
            let mend = if mend.contains("may be deleted") {
                "delete the file, of which GitHub knows everything"
            } else {
                mend
            };
            return report.wrong(CHECK, shown, finding, mend);
        }
    };
    let key = format!("doctor/{}", std::process::id());
    let written = store.set(&key, CHECK.as_bytes()).and_then(|()| {
        let read = store.get(&key)?;
        // What could not be written to disk is told to the next who writes.
        std::thread::sleep(COLLECTED);
        store.delete(&key).map(|()| read)
    });
    match written {
        Ok(Some(read)) if read == CHECK.as_bytes() => {
            report.ok(CHECK, shown, "writes, reads and removes");
        }
        Ok(_) => report.wrong(
            CHECK,
            shown,
            "it does not give back what was written",
            "delete the file, of which GitHub knows everything",
        ),
        Err(error) => report.wrong(CHECK, shown, &foreign(&error.to_string()), MEND),
    }
}

/// Makes a file and removes it. What is there already is somebody else's, and may be a link to what must not be written.
fn try_to_write(probe: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(probe)?;
    let written = file.write_all(CHECK.as_bytes());
    written.and(fs::remove_file(probe))
}

/// The directory, or the nearest above it that is there.
fn existing(data: &Path) -> PathBuf {
    let whole = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let place = whole.ancestors().find(|it| it.exists());
    place.unwrap_or(&whole).to_owned()
}

const FILE: &str = "landfall.redb";
const MEND: &str = "make room on the disk and let the user who runs `landfall serve` write there, or name another directory with --data";
/// Longer than writes are collected.
const COLLECTED: Duration = Duration::from_millis(400);

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::Variables;

    #[test]
    fn a_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let precious = directory.path().join("precious");
        fs::write(&precious, "all of it").unwrap();
        let probe = format!(".landfall-doctor-{}", std::process::id());
        let probe = directory.path().join(probe);
        std::os::unix::fs::symlink(&precious, &probe).unwrap();
        let mut report = Report::new(&Variables::default());
        check(&directory.path().join("data"), &mut report);
        assert!(report.has_wrong(CHECK), "{}", report.text());
        assert_eq!(fs::read_to_string(&precious).unwrap(), "all of it");
        // Without it there is nothing to say, and nothing stays behind.
        fs::remove_file(&probe).unwrap();
        let mut report = Report::new(&Variables::default());
        check(&directory.path().join("data"), &mut report);
        assert!(report.is_ok() && !probe.exists(), "{}", report.text());
    }
}
