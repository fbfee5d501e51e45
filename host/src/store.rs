//! The key-value store: one file that lasts, and the stand-ins that tests need.
//!
//! Landfall's correctness never depends on what is stored: a lost value costs a request to GitHub. So writes are not
//! waited for: a value can be read at once, and is on disk a moment later. That is what makes a claim on the store, as
//! Landfall's leases are, quick enough to hold among requests that come at the same time.

mod disk;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::disk::Disk;
use crate::StartError;

/// The one store that a component sees: `default` to Spin's interface, `default` or the empty name to wasi:keyvalue.
///
/// Clones are the same store. Reads and writes take microseconds; what was written is on disk within a second, and when
/// the last clone is dropped.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    kind: Kind,
    fault: AtomicU8,
}

enum Kind {
    Disk(Disk),
    Memory(Mutex<BTreeMap<String, Vec<u8>>>),
    Forgetful,
}

/// What goes wrong with a store, for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum StoreFault {
    /// Nothing.
    None,
    /// Every read fails.
    Get,
    /// Every write fails.
    Set,
    /// Everything fails.
    Both,
    /// A byte of every value that is read is not what was written.
    Corrupt,
}

/// The store's own failure: the disk is full, or the file was damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(String);

impl Store {
    /// The store in `landfall.redb` in `directory`. Both are created where they are missing, for their owner alone.
    ///
    /// # Errors
    /// When the directory or file can't be made, read or written, or another process has the file open.
    pub fn open(directory: &Path) -> Result<Self, StartError> {
        Disk::open(directory).map(|disk| Self::of(Kind::Disk(disk)))
    }

    /// A store that lives as long as its clones.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::of(Kind::Memory(Mutex::default()))
    }

    /// A store that accepts every write and remembers none: the worst host that Landfall must be right on.
    #[must_use]
    pub fn forgetful() -> Self {
        Self::of(Kind::Forgetful)
    }

    fn of(kind: Kind) -> Self {
        Self(Arc::new(Shared {
            kind,
            fault: AtomicU8::new(StoreFault::None as u8),
        }))
    }

    /// From now on, everything goes wrong in this way.
    pub fn set_fault(&self, fault: StoreFault) {
        self.0.fault.store(fault as u8, Ordering::Release);
    }

    /// The value of `key`, where there is one.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.fails(&[StoreFault::Get, StoreFault::Both])?;
        let mut value = match &self.0.kind {
            Kind::Disk(disk) => disk.get(key)?,
            Kind::Memory(entries) => lock(entries).get(key).cloned(),
            Kind::Forgetful => None,
        };
        if self.has(StoreFault::Corrupt)
            && let Some(byte) = value.as_mut().and_then(|value| value.last_mut())
        {
            *byte ^= 0x20;
        }
        Ok(value)
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// When the file could not be written lately.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.fails(&[StoreFault::Set, StoreFault::Both])?;
        match &self.0.kind {
            Kind::Disk(disk) => disk.write(key, Some(value)),
            Kind::Memory(entries) => {
                lock(entries).insert(key.to_owned(), value.to_vec());
                Ok(())
            }
            Kind::Forgetful => Ok(()),
        }
    }

    /// Removes `key`; one that isn't there is no error.
    ///
    /// # Errors
    /// When the file could not be written lately.
    pub fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.fails(&[StoreFault::Set, StoreFault::Both])?;
        match &self.0.kind {
            Kind::Disk(disk) => disk.write(key, None),
            Kind::Memory(entries) => {
                lock(entries).remove(key);
                Ok(())
            }
            Kind::Forgetful => Ok(()),
        }
    }

    /// Every key, in order of their bytes.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.fails(&[StoreFault::Get, StoreFault::Both])?;
        match &self.0.kind {
            Kind::Disk(disk) => disk.keys(),
            Kind::Memory(entries) => Ok(lock(entries).keys().cloned().collect()),
            Kind::Forgetful => Ok(Vec::new()),
        }
    }

    /// Bytes of its file, or of its values where it has none.
    pub(crate) fn size(&self) -> u64 {
        match &self.0.kind {
            Kind::Disk(disk) => disk.size(),
            Kind::Memory(entries) => lock(entries).values().map(|value| value.len() as u64).sum(),
            Kind::Forgetful => 0,
        }
    }

    /// Waits until everything that was written is on disk.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn flush(&self) -> Result<(), StoreError> {
        match &self.0.kind {
            Kind::Disk(disk) => disk.flush(),
            Kind::Memory(_) | Kind::Forgetful => Ok(()),
        }
    }

    fn has(&self, fault: StoreFault) -> bool {
        self.0.fault.load(Ordering::Acquire) == fault as u8
    }

    fn fails(&self, faults: &[StoreFault]) -> Result<(), StoreError> {
        if faults.iter().any(|fault| self.has(*fault)) {
            return Err(StoreError("this store fails".to_owned()));
        }
        Ok(())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.kind {
            Kind::Disk(_) => "Store::Disk",
            Kind::Memory(_) => "Store::Memory",
            Kind::Forgetful => "Store::Forgetful",
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_there_after_the_store_was_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        store.set("v1/a", b"first").unwrap();
        store.set("v1/a", b"second").unwrap();
        store.set("v1/b", b"gone").unwrap();
        store.delete("v1/b").unwrap();
        store.delete("v1/never").unwrap();
        assert_eq!(store.get("v1/a").unwrap().as_deref(), Some(&b"second"[..]));
        assert_eq!(store.get("v1/b").unwrap(), None);
        drop(store);

        let store = Store::open(directory.path()).unwrap();
        assert_eq!(store.get("v1/a").unwrap().as_deref(), Some(&b"second"[..]));
        assert_eq!(store.get("v1/b").unwrap(), None);
        assert_eq!(store.keys().unwrap(), ["v1/a"]);
    }

    #[test]
    fn a_value_is_on_disk_within_a_second() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        store.set("v1/a", b"value").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(1));
        // As a process that was killed leaves it.
        let copy = tempfile::tempdir().unwrap();
        let file = |directory: &tempfile::TempDir| directory.path().join("landfall.redb");
        std::fs::copy(file(&directory), file(&copy)).unwrap();
        let copy = Store::open(copy.path()).unwrap();
        assert_eq!(copy.get("v1/a").unwrap().as_deref(), Some(&b"value"[..]));
    }

    #[test]
    fn what_is_read_is_what_was_written_last_wherever_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let (small, large) = (vec![1; 100], vec![2; 200 << 10]);
        for is_flushed in [false, true] {
            for value in [
                Some(&small),
                Some(&large),
                Some(&small),
                None,
                Some(&large),
                None,
            ] {
                match value {
                    Some(value) => store.set("v1/a", value).unwrap(),
                    None => store.delete("v1/a").unwrap(),
                }
                if is_flushed {
                    store.flush().unwrap();
                }
                for _ in 0..2 {
                    assert_eq!(store.get("v1/a").unwrap().as_ref(), value);
                }
            }
        }
        // More than is kept in memory.
        let value = |n: u32| [n.to_be_bytes().to_vec(), vec![0; 60 << 10]].concat();
        for n in 0..1_000 {
            store.set(&format!("v1/{n}"), &value(n)).unwrap();
        }
        store.flush().unwrap();
        for n in 0..1_000 {
            let got = store.get(&format!("v1/{n}")).unwrap();
            assert!(got == Some(value(n)), "{n}");
        }
    }

    #[test]
    fn an_open_store_is_locked_and_the_error_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let _store = Store::open(directory.path()).unwrap();
        let error = Store::open(directory.path()).unwrap_err();
        assert!(
            matches!(&error, StartError::InUse(text) if text.contains("--data")),
            "{error}"
        );
    }

    #[test]
    fn a_damaged_file_is_reported_with_the_mend() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("landfall.redb"), vec![7; 8192]).unwrap();
        let error = Store::open(directory.path()).unwrap_err();
        assert!(error.to_string().contains("may be deleted"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn directory_and_file_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/data");
        Store::open(&directory).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join("landfall.redb")), 0o600);
    }

    #[test]
    fn stand_ins_forget_and_fail() {
        let store = Store::forgetful();
        store.set("k", b"v").unwrap();
        assert_eq!(store.get("k").unwrap(), None);
        assert!(store.keys().unwrap().is_empty());

        let store = Store::in_memory();
        store.set("k", b"v").unwrap();
        store.set_fault(StoreFault::Get);
        assert!(store.get("k").is_err() && store.set("k", b"v").is_ok());
        store.set_fault(StoreFault::Set);
        assert!(store.get("k").is_ok() && store.set("k", b"v").is_err());
        store.set_fault(StoreFault::Corrupt);
        assert!(store.get("k").unwrap() != Some(b"v".to_vec()));
        store.set_fault(StoreFault::Both);
        assert!(store.delete("k").is_err() && store.keys().is_err());
    }

    #[test]
    fn a_store_in_memory_keeps_values() {
        let store = Store::in_memory();
        store.set("k", &vec![1; 1 << 20]).unwrap();
        assert_eq!(
            store.clone().get("k").unwrap().map(|value| value.len()),
            Some(1 << 20)
        );
    }
}
