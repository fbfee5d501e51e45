//! One instance of the component, and what it owns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Request, Response};
use tokio::sync::oneshot;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::host::Shared;
use crate::outbound::Hooks;
use crate::{Body, Store, Variables};

/// What an instance owns.
pub(crate) struct Guest {
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    memory: Memory,
    variables: Arc<Variables>,
    shared: Arc<Shared>,
}

/// An instance, at rest.
pub(crate) struct Instance {
    store: wasmtime::Store<Guest>,
    proxy: Proxy,
    answered: u32,
    /// Handles that it held after its first answer: the streams of its log.
    handles: Option<usize>,
    is_clean: bool,
}

/// The component's answer: a response, or the wasi:http error code it chose instead.
pub(crate) type Answer = Result<Response<Body>, ErrorCode>;

impl Instance {
    /// A fresh one.
    pub(crate) async fn new(shared: Arc<Shared>) -> Result<Self, String> {
        let component = shared.component.clone();
        let mut store = wasmtime::Store::new(component.engine(), Guest::new(shared));
        store.limiter(|guest| &mut guest.memory);
        match component.pre().instantiate_async(&mut store).await {
            Ok(proxy) => Ok(Self {
                store,
                proxy,
                answered: 0,
                handles: None,
                is_clean: true,
            }),
            Err(error) => Err(store.data().memory.explain(&error)),
        }
    }

    /// Answers `request`, and does what is left to do then, which may take long after `answer` was sent. An instance that
    /// fails is gone; `trapped` is set before anything that it owns goes away: to the response's body a trap would look like
    /// its end.
    pub(crate) async fn run(
        mut self,
        request: Request<Body>,
        answer: oneshot::Sender<Answer>,
        trapped: &AtomicBool,
    ) -> Result<Self, String> {
        let ended = async {
            let mut http = self.store.data_mut().http();
            let request = http.new_incoming_request(Scheme::Http, request)?;
            let answer = http.new_response_outparam(answer)?;
            self.proxy
                .wasi_http_incoming_handler()
                .call_handle(&mut self.store, request, answer)
                .await
        };
        match ended.await {
            Ok(()) => {
                self.answered = self.answered.saturating_add(1);
                let handles = self.store.data_mut().table.iter_mut().count();
                self.is_clean = handles <= *self.handles.get_or_insert(handles);
                Ok(self)
            }
            Err(error) => {
                trapped.store(true, Ordering::Release);
                Err(self.store.data().memory.explain(&error))
            }
        }
    }

    /// How many requests it has answered.
    pub(crate) fn answered(&self) -> u32 {
        self.answered
    }

    /// Its linear memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.store.data().memory.used
    }

    /// Whether it has given back every handle that it was given for its last request.
    pub(crate) fn is_clean(&self) -> bool {
        self.is_clean
    }

    /// Whether it was made with these variables.
    pub(crate) fn has(&self, variables: &Arc<Variables>) -> bool {
        Arc::ptr_eq(&self.store.data().variables, variables)
    }
}

impl Guest {
    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Nothing of this machine is in it: no files, no environment, no arguments, no sockets.
    fn new(shared: Arc<Shared>) -> Self {
        let settings = shared.settings();
        let wasi = WasiCtx::builder()
            .stdout(shared.output.stdout())
            .stderr(shared.output.stderr())
            .wall_clock(shared.clock.clone())
            .build();
        Self {
            table: ResourceTable::new(),
            wasi,
            http: WasiHttpCtx::new(),
            hooks: Hooks {
                outbound: settings.outbound,
                output: shared.output.clone(),
            },
            memory: Memory {
                limit: shared.component.limits().memory,
                used: 0,
                refused: false,
            },
            variables: settings.variables,
            shared,
        }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

/// The instance's linear memories together, in bytes. They only grow, so what is used is also the peak.
struct Memory {
    limit: usize,
    used: usize,
    refused: bool,
}

impl Memory {
    /// Why an instance failed, for the log.
    fn explain(&self, error: &wasmtime::Error) -> String {
        let why = error.root_cause();
        if self.refused {
            format!(
                "it needed more than its {} MiB of memory ({why})",
                self.limit / (1024 * 1024)
            )
        } else {
            why.to_string()
        }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}
