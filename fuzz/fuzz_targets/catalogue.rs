//! No text breaks the reading of a catalogue, where it leads is always a folder of a repository, and every module that tags or folders tell of is
//! found where its tags are.

#![no_main]

use landfall::catalogue::Catalogue;
use landfall::module::{ModuleAddress, Namespace, ObjectId};
use landfall::pins::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &str, &str, &str, Vec<String>)| {
    let (text, namespace, name, system, names) = data;
    let commit = Target::Commit(ObjectId::parse(&"1".repeat(40)).expect("an id"));
    let tags: Vec<(String, Target)> = names.iter().map(|name| (name.clone(), commit.clone())).collect();
    let owner = Namespace::parse("acme").expect("a name");
    // What it is made of is seldom hit by chance.
    let entry = format!(
        "[[module]]\naddress = \"{namespace}/{name}/{system}\"\nrepository = \"acme/x\"\npath = \"m/*\"\ntag_prefix = \"{{name}}/v\"\n"
    );
    for text in [text, &entry, &format!("{entry}{text}")] {
        let Ok(catalogue) = Catalogue::parse(text) else {
            continue;
        };
        for (address, source) in catalogue.enumerate(&owner, "x", &tags, &names) {
            let place = catalogue.find(&address).expect("what is enumerated is found");
            assert_eq!(place.source, source);
            assert!(source.prefix().starts_with(&catalogue.common_prefix(&owner, "x")));
        }
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
