//! The key-value store: one file that lasts, and the stand-ins that tests need.
//!
//! Landfall's correctness never depends on what is stored: a lost value costs a request to GitHub. So a file that can't
//! be read may be deleted, and that is what the error says.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend,
    TableDefinition,
};

use crate::StartError;

const ENTRIES: TableDefinition<&str, &[u8]> = TableDefinition::new("entries");

/// Memory for pages of the file, in bytes. A registry's hot entries are some hundreds of a few KiB.
const PAGE_CACHE: usize = 32 * 1024 * 1024;

/// The one store that a component sees: `default` to Spin's interface, `default` or the empty name to wasi:keyvalue.
///
/// Clones are the same store. Reads take microseconds; a write is on disk when it returns, which takes milliseconds.
#[derive(Clone)]
pub struct Store(Arc<Kind>);

enum Kind {
    Kept(Database),
    Forgetful,
    Failing,
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
        private_directory(directory).map_err(|error| {
            StartError::Data(format!(
                "can't create the data directory {}: {error}",
                directory.display()
            ))
        })?;
        let path = directory.join("landfall.redb");
        let unusable = |error: &dyn fmt::Display| {
            StartError::Data(format!(
                "can't use the key-value file {}: {error}; it holds nothing that Landfall can't ask GitHub for again, \
                 so a damaged file may be deleted",
                path.display()
            ))
        };
        let file = private_file(&path).map_err(|error| {
            StartError::Data(format!(
                "can't open the key-value file {} for writing: {error}",
                path.display()
            ))
        })?;
        let taken = || {
            StartError::Data(format!(
                "the data directory {} is in use by another process; stop that one, or choose another with --data",
                directory.display()
            ))
        };
        let opened = FileBackend::new(file).and_then(kept);
        opened.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => taken(),
            other => unusable(&other),
        })
    }

    /// A store that lives as long as its clones.
    ///
    /// # Errors
    /// When memory is short.
    pub fn in_memory() -> Result<Self, StartError> {
        kept(InMemoryBackend::new())
            .map_err(|error| StartError::Data(format!("can't make a store in memory: {error}")))
    }

    /// A store that accepts every write and remembers none: the worst host that Landfall must be right on.
    #[must_use]
    pub fn forgetful() -> Self {
        Self(Arc::new(Kind::Forgetful))
    }

    /// A store in which every operation fails.
    #[must_use]
    pub fn failing() -> Self {
        Self(Arc::new(Kind::Failing))
    }

    /// The value of `key`, where there is one.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(database) = self.database()? else {
            return Ok(None);
        };
        let table = database
            .begin_read()
            .map_err(failed)?
            .open_table(ENTRIES)
            .map_err(failed)?;
        Ok(table
            .get(key)
            .map_err(failed)?
            .map(|value| value.value().to_vec()))
    }

    /// Sets `key` to `value`, which is on disk when this returns.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let Some(database) = self.database()? else {
            return Ok(());
        };
        let transaction = database.begin_write().map_err(failed)?;
        transaction
            .open_table(ENTRIES)
            .map_err(failed)?
            .insert(key, value)
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Removes `key`; one that isn't there is no error.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn delete(&self, key: &str) -> Result<(), StoreError> {
        let Some(database) = self.database()? else {
            return Ok(());
        };
        let transaction = database.begin_write().map_err(failed)?;
        transaction
            .open_table(ENTRIES)
            .map_err(failed)?
            .remove(key)
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Every key, in order of their bytes.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn keys(&self) -> Result<Vec<String>, StoreError> {
        let Some(database) = self.database()? else {
            return Ok(Vec::new());
        };
        let table = database
            .begin_read()
            .map_err(failed)?
            .open_table(ENTRIES)
            .map_err(failed)?;
        let entries = table.iter().map_err(failed)?;
        entries
            .map(|entry| entry.map(|(key, _)| key.value().to_owned()).map_err(failed))
            .collect()
    }

    fn database(&self) -> Result<Option<&Database>, StoreError> {
        match &*self.0 {
            Kind::Kept(database) => Ok(Some(database)),
            Kind::Forgetful => Ok(None),
            Kind::Failing => Err(StoreError("this store always fails".to_owned())),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.0 {
            Kind::Kept(_) => "Store::Kept",
            Kind::Forgetful => "Store::Forgetful",
            Kind::Failing => "Store::Failing",
        })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

/// Opens the database and makes its table, so that no reader has to think of a store that was never written.
fn kept(backend: impl StorageBackend) -> Result<Store, DatabaseError> {
    let database = Builder::new()
        .set_cache_size(PAGE_CACHE)
        .create_with_backend(backend)?;
    let made = || -> Result<(), redb::Error> {
        let transaction = database.begin_write()?;
        transaction.open_table(ENTRIES)?;
        Ok(transaction.commit()?)
    };
    match made() {
        Ok(()) => Ok(Store(Arc::new(Kind::Kept(database)))),
        Err(error) => Err(std::io::Error::other(error).into()),
    }
}

fn failed(error: impl fmt::Display) -> StoreError {
    StoreError(error.to_string())
}

#[cfg(unix)]
fn private_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn private_directory(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

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
        drop(store);

        let store = Store::open(directory.path()).unwrap();
        assert_eq!(store.get("v1/a").unwrap().as_deref(), Some(&b"second"[..]));
        assert_eq!(store.get("v1/b").unwrap(), None);
        assert_eq!(store.keys().unwrap(), ["v1/a"]);
    }

    #[test]
    fn an_open_store_is_locked_and_the_error_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let _store = Store::open(directory.path()).unwrap();
        let error = Store::open(directory.path()).unwrap_err();
        assert!(
            matches!(&error, StartError::Data(text) if text.contains("--data")),
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

        let store = Store::failing();
        assert!(store.get("k").is_err() && store.set("k", b"v").is_err());
        assert!(store.delete("k").is_err() && store.keys().is_err());
    }

    #[test]
    fn a_store_in_memory_keeps_values() {
        let store = Store::in_memory().unwrap();
        store.set("k", &vec![1; 1 << 20]).unwrap();
        assert_eq!(
            store.clone().get("k").unwrap().map(|value| value.len()),
            Some(1 << 20)
        );
    }
}
