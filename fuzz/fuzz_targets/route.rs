//! Any path is a route or none, and an archive's route writes itself as it was read.
#![no_main]

use http::Method;
use landfall::route::{ModuleRoute, Route};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|path: &str| {
    if let Ok(Route::Module(ModuleRoute::Archive(archive, ticket))) = Route::parse(&Method::GET, path) {
        let again = Route::parse(&Method::GET, &archive.path(ticket.as_deref()));
        assert_eq!(again.unwrap(), Route::Module(ModuleRoute::Archive(archive, ticket)));
    }
});
