//! One instance of the component: made for one request, gone when the work behind its response is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Request, Response};
use tokio::sync::oneshot;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store as Instance};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
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
    shared: Arc<Shared>,
}

/// The component's answer: a response, or the wasi:http error code it chose instead.
pub(crate) type Answer = Result<Response<Body>, ErrorCode>;

impl Guest {
    /// Runs a fresh instance on `request` to the instance's end, which may be long after `answer` was sent. `trapped` is
    /// set before anything that the instance owns goes away: to the response's body a trap would look like its end.
    pub(crate) async fn run(
        shared: Arc<Shared>,
        request: Request<Body>,
        answer: oneshot::Sender<Answer>,
        trapped: &AtomicBool,
    ) -> Result<(), String> {
        let component = shared.component.clone();
        let mut instance = Instance::new(component.engine(), Self::new(shared));
        instance.limiter(|guest| &mut guest.memory);
        let ended = async {
            let proxy = component.pre().instantiate_async(&mut instance).await?;
            let mut http = instance.data_mut().http();
            let request = http.new_incoming_request(Scheme::Http, request)?;
            let answer = http.new_response_outparam(answer)?;
            proxy
                .wasi_http_incoming_handler()
                .call_handle(&mut instance, request, answer)
                .await
        };
        let ended = ended.await;
        let memory = &instance.data().memory;
        ended.map_err(|error| {
            trapped.store(true, Ordering::Release);
            let why = error.root_cause();
            if memory.refused {
                format!(
                    "it needed more than its {} MiB of memory ({why})",
                    memory.limit / (1024 * 1024)
                )
            } else {
                why.to_string()
            }
        })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(crate) fn variables(&self) -> &Variables {
        &self.shared.variables
    }

    /// Nothing of this machine is in it: no files, no environment, no arguments, no sockets.
    fn new(shared: Arc<Shared>) -> Self {
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
                outbound: shared.outbound.clone(),
                output: shared.output.clone(),
            },
            memory: Memory {
                limit: shared.component.limits().memory,
                used: 0,
                refused: false,
            },
            shared,
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.shared
            .peak_memory
            .fetch_max(self.memory.used, Ordering::Relaxed);
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
