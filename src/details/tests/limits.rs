//! Files of strangers: what is large, deep or no configuration at all.

use proptest::prelude::*;

use super::super::json::MAX_VALUES;
use super::super::syntax::MAX_ARGUMENTS;
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
fn all_files_together_are_bounded() {
    let half = format!("{}\n", "#".repeat(MAX_FILE / 2));
    let files: Vec<File> = ["modules/a", "modules/b", "modules/c", "modules/d"]
        .iter()
        .map(|part| file(&format!("{part}/main.tf"), &half))
        .chain([
            file("examples/a/main.tf", "variable \"a\" {}"),
            file("main.tf", "variable \"a\" {}"),
        ])
        .collect();
    let details = read("", &files);
    assert_eq!(
        details.problems,
        ["modules/d/main.tf: is not read: all files together have more than 2097152 bytes"]
    );
    let inputs = (details.root.inputs.len(), details.examples[0].inputs.len());
    assert_eq!(inputs, (1, 1));

    // 31 READMEs of 256 KiB were an answer of 46 MiB.
    let readme = "\u{1}".repeat(MAX_README);
    let paths = (0..30).map(|i| format!("modules/{i:02}/README.md"));
    let files: Vec<File> = paths
        .chain(["README.md".to_owned(), "examples/a/README".to_owned()])
        .map(|path| file(&path, &readme))
        .collect();
    let details = read("", &files);
    assert_eq!(details.root.readme, "\u{fffd}".repeat(MAX_README / 3));
    let lengths = details.submodules.iter().map(|it| it.readme.len());
    assert!(lengths.clone().all(|it| it <= MAX_README_OF_PART));
    assert_eq!(lengths.filter(|it| *it > 0).count(), 12);
    assert_eq!(
        details.problems[..3],
        [
            "README.md: is cut behind 262144 bytes",
            "modules/00/README.md: is cut behind 65536 bytes",
            "modules/01/README.md: is cut behind 65536 bytes",
        ]
    );
    assert_eq!(
        details.problems[14],
        "modules/12/README.md: is left out: all READMEs together have more than 1048576 bytes"
    );
    let text = serde_json::to_string(&details).unwrap();
    assert!(text.len() < MAX_READMES + 64 * 1024);

    // What a file says of itself grows not much more.
    let value = "\u{1}\\n".repeat(20_000);
    let blocks = (0..30).map(|i| {
        format!(
            "variable \"v{i}\" {{\n default = \"{value}\"\n description = <<E\n{value}\nE\n}}\n"
        )
    });
    let files: Vec<File> = blocks
        .enumerate()
        .map(|(i, block)| file(&format!("{i}.tf"), block))
        .collect();
    let text = serde_json::to_string(&read("", &files)).unwrap();
    assert!(text.len() < 3 * MAX_CONFIGURATION, "{}", text.len());
}

#[test]
fn json_of_very_many_values_is_not_read() {
    for (count, problems) in [
        (MAX_VALUES - 4, vec![]),
        (
            MAX_VALUES - 3,
            vec!["main.tf.json: line 1: it has more than 50000 values; the file is not read"],
        ),
    ] {
        let list = vec!["1"; count].join(",");
        let json = format!("{{\"variable\": {{\"x\": {{\"default\": [{list}]}}}}}}");
        assert_eq!(read("", &[file("main.tf.json", json)]).problems, problems);
    }
}

#[test]
fn blocks_of_very_many_arguments_are_read_in_part() {
    let many = "a = 1\n".repeat(MAX_ARGUMENTS);
    let blocks = format!(
        "variable \"a\" {{\n{many}}}\nvariable \"b\" {{\n{many}default = 1\n}}\noutput \"c\" {{}}\n"
    );
    let details = read("", &[file("main.tf", blocks)]);
    assert_eq!(
        details.problems,
        ["main.tf: of a `variable` only 10000 arguments are read"]
    );
    assert_eq!(
        (details.root.inputs.len(), details.root.outputs.len()),
        (2, 1)
    );

    let many = (0..9_000).map(|i| format!("p{i} = \"1\"\n"));
    let many: String = many.collect();
    let block = format!("terraform {{\n required_providers {{\n{many}}}\n}}\n");
    let details = read("", &[file("main.tf", block)]);
    assert_eq!(
        details.problems,
        ["only 5000 providers of all folders are listed"]
    );
}

#[test]
fn names_longer_than_a_disk_takes_are_not_wanted() {
    for (length, expected) in [(255, true), (256, false)] {
        let long = "x".repeat(length);
        assert_eq!(
            is_wanted("", format!("{}.tf", &long[3..]).as_bytes()),
            expected
        );
        assert_eq!(
            is_wanted("", format!("modules/{long}/a.tf").as_bytes()),
            expected
        );
    }
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
    let name = format!("{}\n.tf", "\u{fc}".repeat(125));
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

/// Reads files that are each as large as they may be. What takes time as the square of their length takes minutes.
fn is_read_soon(files: &[(&str, &str)]) {
    let shown: String = files[0].1.chars().take(60).collect();
    let files: Vec<File> = files.iter().map(|it| file(it.0, it.1)).collect();
    let start = std::time::Instant::now();
    drop(read("", &files));
    let took = start.elapsed();
    assert!(took.as_secs() < 5, "{took:?} for {shown}");
}

#[test]
fn reading_takes_time_as_there_is_text() {
    let of = |part: &str| part.repeat(MAX_FILE / part.len());
    for content in [
        of("a"),
        of("{"),
        of("\""),
        of("a\n"),
        of("a {\n"),
        of("a = <<E\n"),
        of("variable \"a\" {\n"),
        of("variable \"a\" {}\n"),
        of("variable \"a\" {\n?\n}\n"),
        of("variable \"a\" {\n?\n?\n?\n?\n?\n?\n?\n?\n?\n?\n?\n}\n"),
        of("variable \"a\" {\na = [\n}\n"),
        of("variable \"a\" {\na = <<E\n}\n"),
        of("variable \"a\" {\n/*\n}\n"),
        of("?\nvariable \"a\" {}\n"),
        of("terraform {\nrequired_providers {\n?\n}\n}\n"),
        of("output \"a\" {\ndescription = a\n}\n"),
        of("module \"m\" {\nsource = a\n}\n"),
        of("resource \"a\" \"b\" {\nprovider = \"\"\n}\n"),
        of("/*"),
        of("/**/"),
        of("#\n"),
        of("//"),
        of("<"),
        of("<<"),
        of("<<-"),
        of("<<E "),
        of("variable \"${\" {\n"),
        of(" "),
        of("\r"),
        of("\r\n"),
        of("\"${"),
        of("a=1\n"),
        of("variable "),
        of("variable \"\" "),
        of("variable \t"),
        of("\u{fc}"),
        of("\0"),
    ] {
        is_read_soon(&[("main.tf", &content)]);
        is_read_soon(&[("override.tf", &content)]);
        is_read_soon(&[("main.tf.json", &content)]);
        is_read_soon(&[("README.md", &content)]);
        let head = "variable \"a\" {\n default = ";
        let inside = format!(
            "{head}[{}]\n}}\n",
            &content[..content.floor_char_boundary(MAX_FILE - 40)]
        );
        is_read_soon(&[("main.tf", &inside)]);
        is_read_soon(&[("main.tf", &inside.replace("default", "type"))]);
    }
}

#[test]
fn values_are_parsed_in_a_time_as_there_is_text() {
    let keys: Vec<String> = (0..490).map(|i| format!("k{i}=1\n")).collect();
    let of = |part: &str| part.repeat(64_000 / part.len());
    for value in [
        format!("{{{}}}", keys.concat()),
        format!("{{{}}}", "a=1,".repeat(490)),
        format!("{{{}}}", of("a=1,")),
        format!("[{}]", of("1,")),
        format!("[{}]", of("{},")),
        format!("[{}]", of("\n")),
        format!("[{}]", of("/**/")),
        format!("[{}]", of("#\n")),
        format!("[{}]", of("<<-E\n a\n E\n,")),
        format!("f({})", of("1,")),
        format!("\"{}\"", of("a")),
        format!("\"{}\"", of("\\n")),
        format!("\"{}\"", of("\\u00e9")),
        format!("\"{}\"", of("$")),
        format!("\"{}\"", of("$${")),
        format!("\"{}\"", of("${1}")),
        format!("\"{}\"", of("\u{fc}")),
        format!("<<E\n{}\nE", of(" \n")),
        format!("<<E\n{}\nE", of("E ")),
        format!("<<-E\n{}\nE", of(" a\n")),
        format!("<<-E\n{}\nE", of(" ")),
        format!("{}1", of("1+")),
        format!("{}a", of("a.")),
        format!("a{}", of("[0]")),
        format!("a{}", of("[*]")),
        format!("a{}", of(".*")),
        format!("{}a()", of("a::")),
        format!("({})", of(" ")),
        of("1"),
        format!("0.{}", of("1")),
        format!("1e{}", of("1")),
        of("a"),
    ] {
        // A quarter of a file, since most of them are slow without optimisation.
        let count = MAX_FILE / 4 / (value.len() + 40);
        for name in ["default", "type", "description"] {
            let blocks =
                (0..count).map(|i| format!("variable \"v{i}\" {{\n {name} = {value}\n}}\n"));
            is_read_soon(&[("main.tf", &blocks.collect::<String>())]);
        }
        let providers = (0..count).map(|i| format!("  p{i} = {value}\n"));
        let providers: String = providers.collect();
        let block = format!("terraform {{\n required_providers {{\n{providers} }}\n}}\n");
        is_read_soon(&[("main.tf", &block)]);
    }
}

#[test]
fn json_and_overrides_are_read_in_a_time_as_there_is_text() {
    let of = |part: &str| part.repeat(MAX_FILE / part.len() - 20);
    let object = |members: &str| format!("{{{}}}", members.trim_end_matches(','));
    for members in [
        of("\"variable\":{\"a\":{}},"),
        of("\"variable\":1,"),
        of("\"resource\":{\"a\":{\"b\":{}}},"),
        of("\"//\":1,"),
        of("\"a\":1,"),
        format!("\"variable\":{{{}\"a\":1}}", of("\"a\":{},")),
        format!("\"variable\":[{}{{}}]", of("{\"a\":{}},")),
        format!("\"variable\":{{\"a\":[{}{{}}]}}", of("{},")),
        format!("\"variable\":{{\"a\":{{{}\"a\":1}}}}", of("\"default\":1,")),
        format!(
            "\"variable\":{{\"a\":{{\"default\":{{{}\"a\":1}}}}}}",
            of("\"a\":1,")
        ),
        format!(
            "\"variable\":{{\"a\":{{\"default\":[{}1]}}}}",
            of("{\"a\":1},")
        ),
        format!(
            "\"terraform\":{{\"required_providers\":{{{}\"a\":1}}}}",
            of("\"a\":\"1\",")
        ),
        format!(
            "\"terraform\":{{{}\"a\":1}}",
            of("\"required_providers\":[],")
        ),
    ] {
        let content = object(&members);
        is_read_soon(&[("main.tf.json", &content)]);
        is_read_soon(&[("override.tf.json", &content)]);
    }

    // What one block says is looked at no more for each other block that changes it.
    let far = format!("./{}", "../".repeat(200_000));
    let call = format!("{{\"module\":{{\"m\":{{\"source\":\"{far}\"}}}}}}");
    for over in ["source = a", "source = \"./a\"", "version = \"1\"", ""] {
        let over = format!("module \"m\" {{\n{over}\n}}\n");
        is_read_soon(&[("main.tf.json", &call), ("override.tf", &of(&over))]);
    }
    let long = "x".repeat(250);
    let faults = of("variable \"\" {\n?\n}\n");
    is_read_soon(&[(&format!("{long}.tf"), &faults)]);
    let name = "v".repeat(MAX_FILE / 2);
    let again = format!("variable \"{name}\" {{}}\n");
    is_read_soon(&[
        ("a.tf", &again),
        ("b.tf", &again),
        ("override.tf", &of("variable \"v\" {}\n")),
    ]);

    // Many files, of one folder and of many.
    let files: Vec<File> = (0..50_000).map(|i| file(&format!("{i}.tf"), "?")).collect();
    let folders = (0..50_000).map(|i| file(&format!("modules/{i}/README.md"), "a"));
    let files: Vec<File> = files.into_iter().chain(folders).collect();
    let start = std::time::Instant::now();
    drop(read("", &files));
    assert!(start.elapsed().as_secs() < 5);
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
