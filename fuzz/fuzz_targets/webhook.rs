//! Whatever a webhook says, it names at most so many repositories, and a name is never made of two.
#![no_main]

use landfall::webhook::Hint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|delivery: (u8, &[u8])| {
    let events = ["push", "create", "repository", "installation", "installation_repositories", "ping"];
    let event = events[usize::from(delivery.0) % events.len()];
    let Some(hint) = Hint::read(event, &mut &*delivery.1) else {
        return;
    };
    assert!(hint.repositories.len() <= 2000);
    assert!(event != "ping" || hint == Hint::default());
});
