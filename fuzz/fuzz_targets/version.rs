//! Whatever tags a repository has, each listed version is found again, once, and the newest comes first.
#![no_main]

use landfall::version::{ModuleVersion, Releases};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|tags: &str| {
    let releases = Releases::from_tags(tags.lines().map(|tag| (tag.to_owned(), ())));
    let listed: Vec<_> = releases.listed().map(|release| release.version.clone()).collect();
    for version in &listed {
        let requested = ModuleVersion::requested(&version.to_string()).unwrap();
        assert_eq!(releases.find(&requested).unwrap().version, *version);
        assert_eq!(listed.iter().filter(|it| it.is_same(version)).count(), 1);
    }
    if let Some(latest) = releases.latest(|_| true) {
        assert_eq!(listed.iter().find(|version| version.is_stable()), Some(&latest.version));
    }
    let _ = ModuleVersion::requested(tags);
});
