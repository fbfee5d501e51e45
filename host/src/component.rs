//! Compiled code: the engine with its limits, and the component linked to what this host offers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use wasmtime::component::Linker;
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig,
};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::guest::Guest;
use crate::{StartError, imports};

/// Pages of a finished instance that stay mapped for the next one, in bytes: mapping and unmapping them costs more
/// than answering a request does.
const MEMORY_KEPT: usize = 1024 * 1024;
const TABLES_KEPT: usize = 128 * 1024;

/// Core instances and tables that a component of this toolchain is made of, with room: the module, its shims, an adapter.
const PARTS: u32 = 8;

/// What instances may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests that run at once, the work behind their responses included; more wait. 1024 unless told otherwise.
    pub requests: u32,
    /// Linear memory of one instance, in bytes. 64 MiB unless told otherwise.
    pub memory: usize,
    /// Requests that one instance answers, one after another: 1 makes a new one for each. 1000 unless told otherwise.
    pub reuse: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 1024,
            memory: 64 * 1024 * 1024,
            reuse: 1000,
        }
    }
}

/// Compiles components, and holds the memory that their instances are made in. Clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    engine: wasmtime::Engine,
    limits: Limits,
}

impl Engine {
    /// An engine with these limits, which keeps compiled code in the directory `compiled`, where one is given.
    ///
    /// Instances come from a pool. Where the address space is too small for one, they are made one by one, at more cost.
    ///
    /// # Errors
    /// When the directory can't be used, or wasmtime doesn't run on this machine.
    pub fn new(limits: Limits, compiled: Option<&Path>) -> Result<Self, StartError> {
        let cache = compiled.map(cache).transpose()?;
        let mut config = Config::new();
        config.cache(cache).allocation_strategy(pool(limits));
        let pooled = wasmtime::Engine::new(&config);
        let engine = pooled.or_else(|_| {
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            config
                .memory_reservation(limits.memory as u64)
                .memory_guard_size(0);
            wasmtime::Engine::new(&config)
        });
        let engine = engine
            .map_err(|error| StartError::Engine(format!("wasmtime can't run here: {error:#}")))?;
        Ok(Self { engine, limits })
    }

    /// The engine that all tests of a process share: one pool, default limits.
    ///
    /// # Errors
    /// When wasmtime doesn't run on this machine.
    pub fn shared() -> Result<&'static Self, StartError> {
        static SHARED: OnceLock<Result<Engine, StartError>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::new(Limits::default(), None))
            .as_ref()
            .map_err(StartError::clone)
    }

    /// Compiles a component and links it. Seconds of work; share what comes out.
    ///
    /// # Errors
    /// When `wasm` is no component, exports no `wasi:http/incoming-handler`, or imports what this host doesn't offer.
    pub fn compile(&self, wasm: &[u8]) -> Result<Component, StartError> {
        let linked = || -> wasmtime::Result<ProxyPre<Guest>> {
            let component = wasmtime::component::Component::new(&self.engine, wasm)?;
            let mut linker = Linker::new(&self.engine);
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
            imports::add_to_linker(&mut linker)?;
            ProxyPre::new(linker.instantiate_pre(&component)?)
        };
        match linked() {
            Ok(pre) => Ok(Component(Arc::new(Linked {
                pre,
                limits: self.limits,
            }))),
            Err(error) => {
                // Of a file that is no WebAssembly, the rest is its bytes.
                let why = format!("{error:#}");
                let why = why.lines().next().unwrap_or_default();
                Err(StartError::Component(format!(
                    "this isn't a component of Landfall's: {why}"
                )))
            }
        }
    }

    /// Compiles the component in the file at `path`, as [`Engine::compile`] does.
    ///
    /// # Errors
    /// As [`Engine::compile`], and when the file can't be read.
    pub fn load(&self, path: &Path) -> Result<Component, StartError> {
        let shown = path.display();
        let wasm = std::fs::read(path).map_err(|error| {
            StartError::Component(format!("can't read the component file {shown}: {error}"))
        })?;
        self.compile(&wasm)
            .map_err(|error| StartError::Component(format!("{shown}: {error}")))
    }
}

/// A component, compiled and linked, of which an instance can be made for each request. Clones are the same component.
#[derive(Clone)]
pub struct Component(Arc<Linked>);

struct Linked {
    pre: ProxyPre<Guest>,
    limits: Limits,
}

impl Component {
    /// The names of the interfaces that the component imports, versions included.
    #[must_use]
    pub fn imports(&self) -> Vec<String> {
        let kind = self.pre().instance_pre().component().component_type();
        kind.imports(self.engine())
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    pub(crate) fn pre(&self) -> &ProxyPre<Guest> {
        &self.0.pre
    }

    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        self.0.pre.engine()
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.limits
    }
}

fn pool(limits: Limits) -> PoolingAllocationConfig {
    let parts = limits.requests.saturating_mul(PARTS);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.requests)
        .total_stacks(limits.requests)
        .total_memories(limits.requests)
        .total_tables(parts)
        .total_core_instances(parts)
        .max_memory_size(limits.memory)
        .linear_memory_keep_resident(MEMORY_KEPT)
        // Linux since 6.7 tells which pages were written to, so that only these are cleared.
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(TABLES_KEPT);
    pool
}

fn cache(directory: &Path) -> Result<Cache, StartError> {
    let unusable = |error: &dyn std::fmt::Display| {
        StartError::Data(format!(
            "can't keep compiled code in {}: {error}",
            directory.display()
        ))
    };
    // wasmtime takes absolute paths alone.
    let absolute: PathBuf = std::path::absolute(directory).map_err(|error| unusable(&error))?;
    let mut config = CacheConfig::new();
    config.with_directory(absolute);
    Cache::new(config).map_err(|error| unusable(&format_args!("{error:#}")))
}
