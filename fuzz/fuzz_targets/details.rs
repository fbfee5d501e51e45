//! No file of a module breaks the reading, what is read survives the store, and it is written on one line where it should be.

#![no_main]

use landfall::details::{self, Details, File};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let file = |path: &str, content: &[u8]| File { path: path.to_owned(), content: Some(content.to_vec()) };
    let within = |before: &str, after: &str| [before.as_bytes(), data, after.as_bytes()].concat();
    let sources = [
        data.to_vec(),
        // What it is made of is seldom hit by chance.
        within("variable \"x\" {\n  type = ", "\n}\n"),
        within("variable \"x\" {\n  default = ", "\n}\n"),
        within("terraform {\n  required_providers {\n    x = ", "\n  }\n}\n"),
    ];
    for source in &sources {
        let files = [
            file("main.tf", source),
            file("main.tf.json", source),
            file("modules/x/override.tf", source),
            file("README.md", source),
        ];
        assert!(files.iter().all(|file| details::is_wanted("", file.path.as_bytes())));
        let details = details::read("", &files);
        assert!(details.problems.len() <= 21);
        assert!(details.problems.iter().all(|line| !line.contains('\n') && line.len() <= 310));
        let text = serde_json::to_string(&details).unwrap();
        assert_eq!(serde_json::from_str::<Details>(&text).unwrap(), details);
        for parts in [&details.submodules, &details.examples] {
            assert!(parts.is_sorted_by(|a, b| a.path < b.path));
        }
        for input in &details.root.inputs {
            assert_eq!(input.required, input.default.is_empty(), "{input:?}");
        }
    }
});
