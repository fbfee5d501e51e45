//! No text breaks the reading of a catalogue, and where it leads is always a folder of a repository.

#![no_main]

use landfall::catalogue::Catalogue;
use landfall::module::ModuleAddress;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &str, &str, &str)| {
    let (text, namespace, name, system) = data;
    // What it is made of is seldom hit by chance.
    let entry = format!(
        "[[module]]\naddress = \"{namespace}/{name}/{system}\"\nrepository = \"acme/x\"\npath = \"m/*\"\ntag_prefix = \"{{name}}/v\"\n"
    );
    for text in [text, &entry, &format!("{entry}{text}")] {
        let Ok(catalogue) = Catalogue::parse(text) else {
            continue;
        };
        for address in [ModuleAddress::parse(namespace, name, system), ModuleAddress::parse("acme", "vpc", "aws")] {
            if let Some(place) = address.and_then(|address| catalogue.find(&address)) {
                for folder in [&place.root, &place.inner] {
                    assert!(folder.is_empty() || folder.split('/').all(|part| !matches!(part, "" | "." | "..")));
                    assert!(!folder.contains(['{', '}', '*']));
                }
                assert!(!place.source.prefix().contains(['{', '}', '*', ':']));
            }
        }
    }
});
