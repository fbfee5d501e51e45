//! `deploy/fermyon/`: settings against the limits that its README names, and the README's figures against both.

use crate::documents;
use crate::references;
use crate::settings::Settings;

/// Of a value, in bytes; an archive has a head of less than a KB before it.
const VALUE: usize = 1_000_000;
const HEAD: usize = 1_000;
/// Fermyon Cloud: keys of a store, and outbound requests an hour.
const KEYS: usize = 1_024;
const REQUESTS: usize = 500;
/// `src/cache/`: leases, details, and where archives, details, the catalogue and an issuer's keys are.
const FIXED_KEYS: usize = 64 + 100 + 4;
/// An owner's names, list, token and limits.
const OWNER_KEYS: usize = 4;
/// A repository's answer, and what its tags were first seen to be.
const SOURCE_KEYS: usize = 2;

pub(crate) fn settings_fit() {
    let cloud = Settings::of_lines(&documents::file("deploy/fermyon/cloud.env"));
    let functions = Settings::of_toml(&documents::file("deploy/fermyon/wasm-functions.toml"));
    let declared = references::declared();
    for settings in [&cloud, &functions] {
        for name in settings.0.keys() {
            let is_secret = declared
                .get(name)
                .unwrap_or_else(|| panic!("no variable `{name}`"));
            assert!(
                !is_secret,
                "`{name}` does not belong into a file of the repository"
            );
        }
    }
    let (cloud, functions) = (cloud.with_secrets().load(), functions.with_secrets().load());
    for (config, body) in [(&cloud, 10_000_000), (&functions, 10 << 20)] {
        assert!(config.max_archive_bytes < body);
        assert!(config.archive_bounds.bytes + HEAD <= VALUE);
    }
    // The host may end a component when its answer is sent.
    assert_eq!(cloud.lifetimes.stale, 0);

    let readme = documents::file("deploy/fermyon/README.md");
    let kept = cloud.archive_bounds.entries;
    let by_keys = (KEYS - FIXED_KEYS - OWNER_KEYS - kept) / SOURCE_KEYS;
    let hourly = 3600 / usize::try_from(cloud.lifetimes.fresh).unwrap();
    assert_eq!(hourly, 1);
    // A hundred archives at two requests, a token at two; each module once an hour, and a name that does not exist once a day.
    let left = REQUESTS - 2 * 100 - 2;
    let by_requests = left * 24 / 25;
    let by_default = left / 60;
    for figure in [
        format!("**{by_keys} modules** fit beside {kept} archives"),
        format!(
            "**{by_requests} modules** fit for one owner at 3,600 s, and {by_default} at the default"
        ),
    ] {
        assert!(readme.contains(&figure), "README.md does not say: {figure}");
    }
}
