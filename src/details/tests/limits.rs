//! Files of strangers: what is large, deep or no configuration at all.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_too_large_is_said_and_left_out() {
    let large = [
        file("main.tf", vec![b'\n'; MAX_FILE + 1]),
        file("a.tf", b"variable \"a\" {}\n# \xff"),
        file("b.tf", "variable \"b\" {}"),
    ];
    let details = read("", &large);
    assert_eq!(
        details.problems,
        [
            "a.tf: line 2: is not UTF-8",
            "main.tf: has more than 1048576 bytes and is not read"
        ]
    );
    assert_eq!(details.root.inputs.len(), 2);

    let readme = format!("a{}", "\u{fc}".repeat(MAX_README));
    let details = read("", &[file("README.md", &readme)]);
    assert_eq!(details.root.readme, readme[..MAX_README - 1]);
    assert_eq!(details.problems, ["README.md: is cut behind 262144 bytes"]);
    let details = read("", &[file("README.md", b"a\xffb")]);
    assert_eq!(details.root.readme, "a\u{fffd}b");
    let details = read("", &[file("README.md", "\u{feff}# Title\n")]);
    assert_eq!(details.root.readme, "# Title\n");

    let not_there = |path: &str| File {
        path: path.to_owned(),
        content: None,
    };
    let details = read("", &[not_there("README.md"), not_there("main.tf")]);
    assert_eq!(
        details.problems,
        [
            "main.tf: is not read: it is too large, or all files together are",
            "README.md: is not read: it is too large, or all files together are"
        ]
    );
    assert!(!details.root.empty);

    let many: Vec<String> = (0..6_000)
        .map(|i| format!("variable \"v{i:04}\" {{}}\n"))
        .collect();
    let many = many.concat();
    let details = read(
        "",
        &[file("main.tf", &many), file("modules/a/main.tf", &many)],
    );
    assert_eq!(details.root.inputs.len(), MAX_ENTRIES);
    assert_eq!(details.submodules[0].inputs.len(), 0);
    assert_eq!(
        details.problems,
        ["only 5000 inputs of all folders are listed"]
    );

    let parts: Vec<File> = (0..600)
        .map(|i| file(&format!("modules/m{i:03}/main.tf"), ""))
        .chain([file("examples/a/main.tf", "")])
        .collect();
    let details = read("", &parts);
    assert_eq!(
        (details.submodules.len(), details.examples.len()),
        (MAX_PARTS, 0)
    );
    assert_eq!(
        details.problems,
        ["only 500 submodules and examples are read"]
    );
}

#[test]
fn problems_are_few_and_short() {
    let files: Vec<File> = (0..30).map(|i| file(&format!("{i:02}.tf"), "}")).collect();
    let problems = read("", &files).problems;
    assert_eq!(problems.len(), 21);
    assert_eq!(problems[20], "and 10 more");
    let problems = read("", &[file("main.tf", ")\n".repeat(50))]).problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    let broken = "variable \"a\" {}\n)\n".repeat(50);
    let problems = read("", &[file("main.tf", broken)]).problems;
    assert_eq!(
        problems
            .iter()
            .filter(|it| it.ends_with("the rest is not read"))
            .count(),
        1,
        "{problems:?}"
    );
    let name = format!("{}\n.tf", "\u{fc}".repeat(400));
    let problems = read("", &[file(&name, "}")]).problems;
    assert!(problems[0].len() < 310 && problems[0].ends_with('\u{2026}'));
}

/// What nests deepest, each in a form that reaches the parser.
fn nests(levels: usize) -> Vec<String> {
    let around =
        |open: &str, close: &str| format!("{}1{}", open.repeat(levels), close.repeat(levels));
    let objects = around("{a=", "}");
    vec![
        around("[", "]"),
        around("(", ")"),
        objects.clone(),
        around("{(", ")=1}"),
        around("f(", ")"),
        around("a[", "]"),
        around("\"${", "}\""),
        around("[for a in ", ": a]"),
        around("{for a in ", ": a => a}"),
        around("[for a in b : a if ", "]"),
        around("%{ if true }", "%{ endif }"),
        format!(
            "\"{}{}\"",
            "%{if true}".repeat(levels),
            "%{endif}".repeat(levels)
        ),
        format!(
            "\"{}{}\"",
            "%{for a in b}".repeat(levels),
            "%{endfor}".repeat(levels)
        ),
        "!".repeat(levels) + "true",
        "-".repeat(levels) + "1",
        "a ? b : ".repeat(levels) + "c",
        "a ? ".repeat(levels) + "b" + &" : c".repeat(levels),
        "1 + ".repeat(levels) + "1",
        "a.b".repeat(levels),
        "[0]".repeat(levels),
        format!("a{}", "[0]".repeat(levels)),
        format!("{}\n{}", "<<E\n${".repeat(levels), "}\nE\n".repeat(levels)),
        "a::".repeat(levels) + "b()",
        objects.replace('=', "= !!-(a ? ").replace('}', ": 1)}"),
    ]
}

/// WebAssembly's stack is 1 MiB. Its frames are smaller than those of a build without optimisation.
#[test]
fn no_nesting_overflows_the_stack() {
    for levels in [5, 15, 29, 30, 31, 60, 64, 65, 1_000, 100_000] {
        for nest in nests(levels) {
            for source in [
                format!("variable \"x\" {{\n  default = {nest}\n}}\n"),
                format!("terraform {{\n required_providers {{\n x = {nest}\n }}\n}}\n"),
                nest.clone(),
            ] {
                let thread = std::thread::Builder::new().stack_size(1024 * 1024);
                let details = thread
                    .spawn(move || read("", &[file("main.tf", source)]))
                    .unwrap();
                details.join().unwrap();
            }
        }
    }
}

#[test]
fn reading_takes_time_as_there_is_text() {
    let of = |part: &str| part.repeat(MAX_FILE / part.len());
    let keys: Vec<String> = (0..990).map(|i| format!("k{i}=1\n")).collect();
    let keys = keys.concat();
    let objects: Vec<String> = (0..100)
        .map(|i| format!("variable \"v{i}\" {{\n default = {{{keys}}}\n}}\n"))
        .collect();
    let objects = objects.concat();
    for content in [
        of("a"),
        of("{"),
        of("\""),
        of("a\n"),
        of("a {\n"),
        of("a = <<E\n"),
        of("variable \"a\" {\n"),
        of("variable \"a\" {}\n"),
        of("/*"),
        of("variable \"${\" {\n"),
        of(" "),
        of("\"${"),
        of("a=1\n"),
        format!("variable \"a\" {{\n default = {{{}}}\n}}", of("a=1,")),
        format!("variable \"a\" {{\n default = [{}]\n}}", of("1,")),
        format!("variable \"a\" {{\n default = \"{}\"\n}}", of("\\n")),
        format!("variable \"a\" {{\n default = <<E\n{}\nE\n}}", of(" \n")),
        format!("variable \"a\" {{\n default = {}1\n}}", of("1+")),
        format!("variable \"a\" {{\n{}\n}}", of("a=(\n")),
        objects,
    ] {
        let start = std::time::Instant::now();
        let shown: String = content.chars().take(40).collect();
        let content: String = content.chars().take(MAX_FILE).collect();
        drop(read(
            "",
            &[file("main.tf", &content), file("main.tf.json", &content)],
        ));
        assert!(start.elapsed().as_secs() < 20, "{shown}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_reading(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for name in ["main.tf", "main.tf.json", "README.md", "modules/x/override.tf"] {
            let _ = read("", &[file(name, &bytes)]);
        }
        let _ = is_wanted("", &bytes);
    }

    #[test]
    fn no_pieces_break_the_reading(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        let source = pieces.concat();
        let _ = read("", &[file("main.tf", &source)]);
        let _ = read("", &[file("main.tf", format!("variable \"x\" {{\n type = {source}\n}}"))]);
        let _ = read("", &[file("main.tf", format!("variable \"x\" {{\n default = {source}\n}}"))]);
        let _ = read("", &[file("main.tf", format!("terraform {{\n required_providers {{\n x = {source}\n}}\n}}"))]);
    }
}

const PIECES: &[&str] = &[
    "variable",
    "output",
    "module",
    "resource",
    "terraform",
    "required_providers",
    "default",
    "type",
    "description",
    "source",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\"",
    "\"a\"",
    "\\",
    "\\u12",
    "$",
    "${",
    "%{",
    "$${",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "=",
    "==",
    "=>",
    ",",
    ":",
    "::",
    ".",
    "...",
    "?",
    "!",
    "-",
    "+",
    "*",
    "/",
    "//",
    "/*",
    "*/",
    "#",
    "<<EOT\n",
    "<<-EOT\n",
    "\nEOT\n",
    "  EOT",
    "~",
    "~}",
    "for",
    " in ",
    "if",
    "else",
    "endif",
    "endfor",
    "null",
    "true",
    "1",
    "1e9",
    "1e999",
    "0.5",
    "\u{e9}",
    "\u{1f980}",
    "\u{feff}",
    "\0",
    "x",
    "x = 1\n",
];
