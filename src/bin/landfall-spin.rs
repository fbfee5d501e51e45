//! `landfall-spin.wasm`: Landfall on Spin, SpinKube, Fermyon Cloud and Wasm Functions, with Spin's key-value store
//! `default` and its variables.

#[cfg(target_family = "wasm")]
mod component {
    use landfall::host::HostError;
    use landfall::wasi_http::{self, Interfaces};
    use spin_sdk::{key_value, variables};
    use wasip2::exports::http::incoming_handler::Guest;
    use wasip2::http::types::{IncomingRequest, ResponseOutparam};

    struct Landfall;

    impl Guest for Landfall {
        fn handle(request: IncomingRequest, out: ResponseOutparam) {
            wasi_http::serve(Interfaces { variable, get, set }, &request, out);
        }
    }

    wasip2::http::proxy::export!(Landfall with_types_in wasip2);

    fn variable(name: &str) -> Result<Option<String>, HostError> {
        match variables::get(name) {
            Ok(value) => Ok(Some(value)),
            Err(variables::Error::Undefined(_)) => Ok(None),
            Err(error) => Err(HostError::Store(error.to_string())),
        }
    }

    fn get(key: &str) -> Result<Option<Vec<u8>>, HostError> {
        key_value::Store::open_default()
            .and_then(|store| store.get(key))
            .map_err(|error| HostError::Store(error.to_string()))
    }

    fn set(key: &str, value: &[u8]) -> Result<(), HostError> {
        key_value::Store::open_default()
            .and_then(|store| store.set(key, value))
            .map_err(|error| HostError::Store(error.to_string()))
    }
}

fn main() {}
