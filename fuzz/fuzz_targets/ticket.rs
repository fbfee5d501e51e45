//! No archive URL but the one that was made proves itself, and no registry token but one that was signed is one.

#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use http::Method;
use landfall::auth::Grant;
use landfall::auth::keys::SigningKeys;
use landfall::auth::registry_token::RegistryToken;
use landfall::auth::ticket::{self, Folder};
use landfall::config::Secret;
use landfall::route::{ModuleRoute, Route};
use libfuzzer_sys::fuzz_target;

const UNSIGNED: &str = "/archive/acme/vpc/aws/1.2.0/1111111111111111111111111111111111111111.zip";

fuzz_target!(|data: (&str, Vec<(u16, u8)>)| {
    let (text, flips) = data;
    let keys = SigningKeys {
        current: Secret::new("a key".to_owned()),
        previous: None,
    };
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let Ok(Route::Module(ModuleRoute::Archive(address, None))) = Route::parse(&Method::GET, UNSIGNED) else {
        panic!("no archive");
    };
    let bound = |_: &Grant| Some(&[7; 32][..]);
    let grant = Grant::Token { name: "ci".to_owned() };
    let made = ticket::issue(&keys, &address, Folder::of(""), &grant, &[7; 32], now);
    let path = address.path(Some(&made));

    let mut changed = path.clone().into_bytes();
    for (at, flip) in flips {
        let at = usize::from(at) % changed.len();
        changed[at] ^= flip;
    }
    for other in [String::from_utf8_lossy(&changed).into_owned(), format!("/archive/{text}")] {
        if let Ok(Route::Module(ModuleRoute::Archive(address, Some(ticket)))) = Route::parse(&Method::GET, &other)
            && ticket::redeem(&keys, &address, &ticket, bound, now).is_ok()
        {
            assert_eq!(other, path);
        }
    }
    if text != made {
        assert!(ticket::redeem(&keys, &address, text, bound, now).is_err());
    }
    assert!(RegistryToken::read(&keys, text).is_none());
    assert!(RegistryToken::read(&keys, &format!("lfr_{text}")).is_none());
    assert!(RegistryToken::read(&keys, &format!("lfr_{made}")).is_none());
});
