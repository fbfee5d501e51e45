//! `landfall-wasi.wasm`: Landfall on `wasmtime serve` and wasmCloud, with the drafts of `wasi:keyvalue` and `wasi:config`
//! that both offer (`wit/`).

#[cfg(target_family = "wasm")]
mod component {
    use landfall::host::HostError;
    use landfall::wasi_http::{self, Interfaces};
    use wasip2::exports::http::incoming_handler::Guest;
    use wasip2::http::types::{IncomingRequest, ResponseOutparam};

    use self::bindings::wasi::config::store as config;
    use self::bindings::wasi::keyvalue::store as keyvalue;

    #[expect(clippy::pedantic, reason = "generated code")]
    mod bindings {
        wit_bindgen::generate!({ path: "wit", world: "landfall", generate_all });
    }

    struct Landfall;

    impl Guest for Landfall {
        fn handle(request: IncomingRequest, out: ResponseOutparam) {
            wasi_http::serve(Interfaces { variable, get, set }, &request, out);
        }
    }

    wasip2::http::proxy::export!(Landfall with_types_in wasip2);

    fn variable(name: &str) -> Result<Option<String>, HostError> {
        config::get(name).map_err(|error| HostError::Store(format!("{error:?}")))
    }

    fn get(key: &str) -> Result<Option<Vec<u8>>, HostError> {
        keyvalue::open("")
            .and_then(|bucket| bucket.get(key))
            .map_err(|error| HostError::Store(format!("{error:?}")))
    }

    fn set(key: &str, value: &[u8]) -> Result<(), HostError> {
        keyvalue::open("")
            .and_then(|bucket| bucket.set(key, value))
            .map_err(|error| HostError::Store(format!("{error:?}")))
    }
}

fn main() {}
