//! Key-value and variables as the two artifacts import them: Spin's interfaces and WASI's, over one [`Store`](crate::Store) and one
//! set of variables.
//!
//! Nothing here waits for the disk.

use wasmtime::component::{HasSelf, Linker, Resource};

use crate::guest::Guest;
use crate::{StoreError, variables};

use self::fermyon::spin::{key_value, variables as spin_variables};
use self::wasi::config::store as config;
use self::wasi::keyvalue::store as keyvalue;

wasmtime::component::bindgen!({
    path: "wit",
    world: "landfall:host/imports",
    imports: { default: trappable },
    with: {
        "fermyon:spin/key-value.store": Bucket,
        "wasi:keyvalue/store.bucket": Bucket,
    },
});

/// An open store. There is one, so a handle says no more than that it was opened.
#[expect(
    unreachable_pub,
    reason = "the generated bindings export it beside their own types"
)]
pub struct Bucket;

/// Offers the four interfaces to a component.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    Imports::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

/// The labels of the one store: Spin's, and what hosts of wasi:keyvalue call theirs.
const SPIN_LABEL: &str = "default";
const WASI_LABELS: [&str; 2] = ["", "default"];

impl key_value::Host for Guest {}

impl key_value::HostStore for Guest {
    fn open(
        &mut self,
        label: String,
    ) -> wasmtime::Result<Result<Resource<Bucket>, key_value::Error>> {
        if label != SPIN_LABEL {
            return Ok(Err(key_value::Error::NoSuchStore));
        }
        Ok(Ok(self.table.push(Bucket)?))
    }

    fn get(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, key_value::Error>> {
        Ok(self.store().get(&key).map_err(Into::into))
    }

    fn set(
        &mut self,
        _: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), key_value::Error>> {
        Ok(self.store().set(&key, &value).map_err(Into::into))
    }

    fn delete(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<(), key_value::Error>> {
        Ok(self.store().delete(&key).map_err(Into::into))
    }

    fn exists(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<bool, key_value::Error>> {
        Ok(self
            .store()
            .get(&key)
            .map(|value| value.is_some())
            .map_err(Into::into))
    }

    fn get_keys(
        &mut self,
        _: Resource<Bucket>,
    ) -> wasmtime::Result<Result<Vec<String>, key_value::Error>> {
        Ok(self.store().keys().map_err(Into::into))
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl keyvalue::Host for Guest {
    fn open(
        &mut self,
        identifier: String,
    ) -> wasmtime::Result<Result<Resource<Bucket>, keyvalue::Error>> {
        if !WASI_LABELS.contains(&identifier.as_str()) {
            return Ok(Err(keyvalue::Error::NoSuchStore));
        }
        Ok(Ok(self.table.push(Bucket)?))
    }
}

impl keyvalue::HostBucket for Guest {
    fn get(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, keyvalue::Error>> {
        Ok(self.store().get(&key).map_err(Into::into))
    }

    fn set(
        &mut self,
        _: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), keyvalue::Error>> {
        Ok(self.store().set(&key, &value).map_err(Into::into))
    }

    fn delete(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<(), keyvalue::Error>> {
        Ok(self.store().delete(&key).map_err(Into::into))
    }

    fn exists(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<bool, keyvalue::Error>> {
        Ok(self
            .store()
            .get(&key)
            .map(|value| value.is_some())
            .map_err(Into::into))
    }

    fn list_keys(
        &mut self,
        _: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> wasmtime::Result<Result<keyvalue::KeyResponse, keyvalue::Error>> {
        // All keys are one page; whoever comes back with a cursor is past it.
        let keys = if cursor.is_some() {
            Ok(Vec::new())
        } else {
            self.store().keys()
        };
        Ok(keys
            .map(|keys| keyvalue::KeyResponse { keys, cursor: None })
            .map_err(Into::into))
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl spin_variables::Host for Guest {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, spin_variables::Error>> {
        Ok(match self.variables().get(&name) {
            Some(value) => Ok(value.to_owned()),
            None if variables::is_name(&name) => Err(spin_variables::Error::Undefined(name)),
            None => Err(spin_variables::Error::InvalidName(name)),
        })
    }
}

impl config::Host for Guest {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, config::Error>> {
        Ok(Ok(self.variables().get(&key).map(str::to_owned)))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, config::Error>> {
        let pairs = self
            .variables()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Ok(pairs.collect()))
    }
}

impl From<StoreError> for key_value::Error {
    fn from(error: StoreError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<StoreError> for keyvalue::Error {
    fn from(error: StoreError) -> Self {
        Self::Other(error.to_string())
    }
}
