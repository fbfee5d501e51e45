//! No `Authorization` breaks its reading, and what comes out of it was in it.

#![no_main]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue, header};
use landfall::auth::presented::Presented;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(data) {
        headers.insert(header::AUTHORIZATION, value);
    }
    if let Presented::Token(token) = Presented::read(&headers) {
        let token = token.expose();
        assert!(!token.is_empty());
        let is_in = |text: &[u8]| text.windows(token.len()).any(|part| part == token.as_bytes());
        let words = data.split(u8::is_ascii_whitespace);
        let decoded = words.filter_map(|word| {
            let padded = [word, &b"==="[..(4 - word.len() % 4) % 4]].concat();
            BASE64_STANDARD.decode(padded).ok()
        });
        assert!(is_in(data) || decoded.into_iter().any(|text| is_in(&text)));
    }
    // What is sent as a password is read back.
    let text = String::from_utf8_lossy(data);
    if !text.is_empty() && text.len() < 8000 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let encoded = BASE64_STANDARD.encode(format!("user:{text}"));
        headers.insert(header::AUTHORIZATION, format!("Basic {encoded}").parse().unwrap());
        let Presented::Token(token) = Presented::read(&headers) else {
            panic!("a password was not read");
        };
        assert_eq!(token.expose(), text);
    }
});
