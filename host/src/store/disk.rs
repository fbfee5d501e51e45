//! The store's file. Writes are collected in memory and go to disk together, in the background: a write to disk of its own
//! takes milliseconds, and nobody needs to wait for it.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable,
    TableDefinition,
};

use super::{StoreError, lock};
use crate::StartError;

const ENTRIES: TableDefinition<&str, &[u8]> = TableDefinition::new("entries");

/// Memory for pages of the file, in bytes.
const PAGE_CACHE: usize = 8 * 1024 * 1024;

/// Bytes of values that were read or written lately and are kept in memory. A registry's hot entries are some hundreds of a
/// few KiB. When it is full it is emptied, which costs a few reads.
const MAX_RECENT: usize = 32 * 1024 * 1024;

/// A larger value is an archive: reading it costs little beside sending it.
const LARGEST_RECENT: usize = 64 * 1024;

/// Bytes that an entry takes beside its key and value, with room.
const ENTRY: usize = 128;

/// How long writes are collected.
const COLLECT: Duration = Duration::from_millis(200);

/// Bytes that may wait to be written. Beyond it, whoever writes does it himself.
const MAX_WAITING: usize = 64 * 1024 * 1024;

pub(super) struct Disk {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    path: PathBuf,
}

struct Shared {
    database: Database,
    state: Mutex<State>,
    /// Held from the choice of what is written until it is.
    writing: Mutex<()>,
    /// There is something to write, or no more will come.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What is not on disk yet; `None` for what was removed.
    waiting: HashMap<String, Option<Arc<[u8]>>>,
    bytes: usize,
    /// What is on disk under some keys, or soon will be.
    recent: HashMap<String, Option<Arc<[u8]>>>,
    recent_bytes: usize,
    /// How often something was written: what is read meanwhile may be of before.
    writes: u64,
    /// Why the last write to disk failed.
    failure: Option<StoreError>,
    is_closing: bool,
}

impl Disk {
    pub(super) fn open(directory: &Path) -> Result<Self, StartError> {
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
            StartError::InUse(format!(
                "the data directory {} is in use by another process; stop that one, or choose another with --data",
                directory.display()
            ))
        };
        let database =
            FileBackend::new(file)
                .and_then(open_database)
                .map_err(|error| match error {
                    DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                        taken()
                    }
                    other => unusable(&other),
                })?;
        let shared = Arc::new(Shared {
            database,
            state: Mutex::default(),
            writing: Mutex::default(),
            changed: Condvar::new(),
        });
        let writer = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.write_until_closed()
            })
            .map_err(|error| unusable(&error))?;
        Ok(Self {
            shared,
            writer: Some(writer),
            path,
        })
    }

    /// Bytes of the file.
    pub(super) fn size(&self) -> u64 {
        self.path.metadata().map_or(0, |file| file.len())
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let state = lock(&self.shared.state);
        let known = state.waiting.get(key).or_else(|| state.recent.get(key));
        if let Some(value) = known.cloned() {
            drop(state);
            return Ok(value.map(|value| value.to_vec()));
        }
        let writes = state.writes;
        drop(state);
        let value = self.entries()?.get(key).map_err(failed)?;
        let value = value.map(|value| value.value().to_vec());
        let mut state = lock(&self.shared.state);
        if state.writes == writes {
            state.keep(key, value.as_deref().map(Arc::from));
        }
        Ok(value)
    }

    pub(super) fn write(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        let mut state = lock(&self.shared.state);
        let value: Option<Arc<[u8]>> = value.map(Arc::from);
        state.bytes += value.as_ref().map_or(0, |value| value.len());
        state.writes += 1;
        state.keep(key, value.clone());
        state.waiting.insert(key.to_owned(), value);
        let is_full = state.bytes > MAX_WAITING;
        let failure = state.failure.clone();
        drop(state);
        self.shared.changed.notify_one();
        if is_full {
            return self.shared.write();
        }
        failure.map_or(Ok(()), Err)
    }

    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.shared.write()
    }

    pub(super) fn keys(&self) -> Result<Vec<String>, StoreError> {
        let state = lock(&self.shared.state);
        let mut keys = BTreeSet::new();
        for entry in self.entries()?.iter().map_err(failed)? {
            keys.insert(entry.map_err(failed)?.0.value().to_owned());
        }
        for (key, value) in &state.waiting {
            match value {
                Some(_) => keys.insert(key.clone()),
                None => keys.remove(key),
            };
        }
        Ok(keys.into_iter().collect())
    }
}

impl Disk {
    /// What is on disk.
    fn entries(&self) -> Result<ReadOnlyTable<&'static str, &'static [u8]>, StoreError> {
        let transaction = self.shared.database.begin_read().map_err(failed)?;
        transaction.open_table(ENTRIES).map_err(failed)
    }
}

impl State {
    /// Keeps a value at hand.
    fn keep(&mut self, key: &str, value: Option<Arc<[u8]>>) {
        let size = |value: &Option<Arc<[u8]>>| {
            ENTRY + key.len() + value.as_ref().map_or(0, |value| value.len())
        };
        if let Some(before) = self.recent.remove(key) {
            self.recent_bytes -= size(&before);
        }
        let added = size(&value);
        if added > LARGEST_RECENT {
            return;
        }
        if self.recent_bytes + added > MAX_RECENT {
            self.recent.clear();
            self.recent_bytes = 0;
        }
        self.recent_bytes += added;
        self.recent.insert(key.to_owned(), value);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        lock(&self.shared.state).is_closing = true;
        self.shared.changed.notify_one();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so.
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn write_until_closed(&self) {
        loop {
            let mut state = lock(&self.state);
            while state.waiting.is_empty() && !state.is_closing {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
            }
            let is_closing = state.is_closing;
            drop(state);
            if !is_closing {
                std::thread::sleep(COLLECT);
            }
            // What could not be written stays where it is, and the next write to the store is told.
            let result = self.write();
            if is_closing && (result.is_err() || lock(&self.state).waiting.is_empty()) {
                return;
            }
        }
    }

    /// Writes what waits, in one transaction.
    fn write(&self) -> Result<(), StoreError> {
        let _writing = lock(&self.writing);
        let batch: Vec<(String, Option<Arc<[u8]>>)> = {
            let state = lock(&self.state);
            let pair = |(key, value): (&String, &Option<Arc<[u8]>>)| (key.clone(), value.clone());
            state.waiting.iter().map(pair).collect()
        };
        let result = self.commit(&batch).map_err(failed);
        let mut state = lock(&self.state);
        state.failure = result.clone().err();
        let is_full = state.bytes > MAX_WAITING;
        for (key, written) in batch {
            let is_same = match (state.waiting.get(&key), &written) {
                (Some(Some(now)), Some(written)) => Arc::ptr_eq(now, written),
                (Some(None), None) => true,
                _ => false,
            };
            // A disk that is full must not fill memory too.
            if is_same && (result.is_ok() || is_full) {
                state.waiting.remove(&key);
            }
        }
        state.bytes = state
            .waiting
            .values()
            .flatten()
            .map(|value| value.len())
            .sum();
        result
    }

    fn commit(&self, batch: &[(String, Option<Arc<[u8]>>)]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(ENTRIES)?;
            for (key, value) in batch {
                match value {
                    Some(value) => table.insert(key.as_str(), &**value)?,
                    None => table.remove(key.as_str())?,
                };
            }
        }
        Ok(transaction.commit()?)
    }
}

/// Opens the database and makes its table, so that no reader has to think of a store that was never written.
fn open_database(backend: FileBackend) -> Result<Database, DatabaseError> {
    let database = Builder::new()
        .set_cache_size(PAGE_CACHE)
        .create_with_backend(backend)?;
    let made = || -> Result<(), redb::Error> {
        let transaction = database.begin_write()?;
        transaction.open_table(ENTRIES)?;
        Ok(transaction.commit()?)
    };
    match made() {
        Ok(()) => Ok(database),
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
