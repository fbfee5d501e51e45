//! The re-rooter against git's own archives, against zips of other writers, and against zips that nobody should send.
//! The judge of what comes out is the `zip` crate.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::process::Command;

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipArchive, ZipWriter};
use proptest::prelude::*;

use super::zip::{Central, Directory, Facts};
use super::*;
use crate::module::ObjectId;

/// Does what `stream` does, over bytes in memory that arrive `chunk` at a time.
fn reroot_with(inputs: &[&[u8]], chunk: usize, limit: u64) -> Result<(Vec<u8>, Rerooter), Refusal> {
    run(Rerooter::new(limit), inputs, chunk)
}

fn run(
    mut rerooter: Rerooter,
    inputs: &[&[u8]],
    chunk: usize,
) -> Result<(Vec<u8>, Rerooter), Refusal> {
    let mut out = Vec::new();
    let mut readings = inputs.iter();
    let mut input = *readings.next().unwrap();
    let mut window = 0;
    for _ in 0..10_000_000 {
        let visible = &input[..window.min(input.len())];
        match rerooter.step(visible, &mut out)? {
            Step::Need(n) => {
                assert!(n > visible.len(), "asked for what it has");
                if n > input.len() {
                    return Err(Refusal::Truncated);
                }
                window = n.max(chunk).min(input.len());
            }
            Step::Skip(n) => {
                let n = usize::try_from(n).unwrap();
                input = input.get(n..).ok_or(Refusal::Truncated)?;
                window = window.saturating_sub(n);
            }
            Step::Copy(n) => {
                let n = usize::try_from(n).unwrap();
                let (data, rest) = input.split_at_checked(n).ok_or(Refusal::Truncated)?;
                out.extend(data);
                input = rest;
                window = window.saturating_sub(n);
            }
            Step::More => {}
            Step::Reopen => {
                input = readings.next().unwrap_or(&inputs[0]);
                window = 0;
            }
            Step::Done => return Ok((out, rerooter)),
        }
    }
    panic!("the re-rooter never ends");
}

fn reroot_sub_tree(input: &[u8], path: &str, chunk: usize) -> Result<Vec<u8>, Refusal> {
    let rerooter = Rerooter::new(u64::MAX).sub_tree(path);
    run(rerooter, &[input], chunk).map(|(out, _)| out)
}

fn reroot(input: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (whole, _) = reroot_with(&[input], 1 << 20, u64::MAX)?;
    for chunk in [1, 97] {
        assert_eq!(
            reroot_with(&[input], chunk, u64::MAX)?.0,
            whole,
            "chunks of {chunk}"
        );
        // Whether files are taken note of makes no difference.
        let watching = Rerooter::new(u64::MAX).watching("");
        assert_eq!(run(watching, &[input], chunk)?.0, whole);
    }
    Ok(whole)
}

/// Names, modes and contents, as an independent reader sees them.
fn read(zip: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    let files = (0..archive.len()).map(|index| {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (
            file.name().to_owned(),
            (file.unix_mode().unwrap_or(0), content),
        )
    });
    files.collect()
}

/// A zip's entry as it is spelled out byte for byte, for what no writer writes.
#[derive(Clone)]
struct Raw {
    name: Vec<u8>,
    data: Vec<u8>,
    mode: u32,
    method: u16,
    flags: u16,
}

fn raw(name: &str, data: &[u8]) -> Raw {
    Raw {
        name: name.into(),
        data: data.to_vec(),
        mode: 0o100_644,
        method: 0,
        flags: 0,
    }
}

fn build(entries: &[Raw], comment: &[u8]) -> Vec<u8> {
    let mut zip = Vec::new();
    let mut central = Vec::new();
    for Raw {
        name,
        data,
        mode,
        method,
        flags,
    } in entries
    {
        let offset = u32::try_from(zip.len()).unwrap();
        let facts = Facts {
            flags: *flags,
            method: *method,
            time: 0,
            date: 33,
            crc: crc32(data),
            compressed: data.len() as u64,
            size: data.len() as u64,
        };
        zip::write_local(facts, false, name, &mut zip);
        zip.extend(data);
        Central::write(
            facts,
            name,
            u16::try_from(*mode).unwrap(),
            offset.into(),
            &mut central,
        );
    }
    let directory = Directory {
        entries: entries.len() as u64,
        size: central.len() as u64,
        offset: zip.len() as u64,
    };
    zip.extend(central);
    directory.write(comment, &mut zip);
    zip
}

fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    };
    !data.iter().fold(!0, step)
}

fn git(directory: &std::path::Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([
            ("GIT_AUTHOR_NAME", "a"),
            ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ])
        .envs([
            ("GIT_COMMITTER_NAME", "a"),
            ("GIT_COMMITTER_EMAIL", "a@example.com"),
        ])
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// `git archive` of a tree, as GitHub serves it.
#[cfg(unix)]
fn git_archive(files: &[(&str, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    for (name, content) in files {
        std::fs::write(at(name), content).unwrap();
    }
    for (name, target) in links {
        std::os::unix::fs::symlink(target, at(name)).unwrap();
    }
    git(directory.path(), &["init", "-q"]);
    git(directory.path(), &["add", "-A"]);
    if directory.path().join("run.sh").exists() {
        git(directory.path(), &["update-index", "--chmod=+x", "run.sh"]);
    }
    git(directory.path(), &["commit", "-qm", "one"]);
    git(
        directory.path(),
        &[
            "archive",
            "--format=zip",
            "--prefix=acme-vpc-0123456/",
            "HEAD",
        ],
    )
}

#[cfg(unix)]
#[test]
fn git_s_archive_arrives_without_its_top_folder() {
    let noise: Vec<u8> = (0..100_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2])
        .collect();
    let files: [(&str, &[u8]); 9] = [
        ("main.tf", b"variable \"name\" {}\n"),
        ("crlf.tf", b"locals {\r\n}\r\n"),
        ("empty", b""),
        ("version", b"1.0.0"),
        ("run.sh", b"#!/bin/sh\n"),
        (
            "modules/deep/er/main.tf",
            b"# a\n# a\n# a\n# a\n# a\n# a\n# a\n",
        ),
        ("na\u{ef}ve/\u{65e5}\u{672c}.tf", b"\n"),
        ("with space/a..b", b"x\n"),
        ("noise.bin", &noise),
    ];
    let zip = git_archive(&files, &[]);
    let (out, rerooter) = reroot_with(&[&zip], 1000, u64::MAX).unwrap();
    assert_eq!(out, reroot(&zip).unwrap());
    let found = read(&out);
    for (name, content) in files {
        let mode = if name == "run.sh" {
            0o100_755
        } else {
            0o100_644
        };
        assert_eq!(found[name], (mode, content.to_vec()), "{name}");
    }
    let directories = [
        "modules/",
        "modules/deep/",
        "modules/deep/er/",
        "na\u{ef}ve/",
        "with space/",
    ];
    assert!(
        directories
            .iter()
            .all(|name| found[*name] == (0o040_755, Vec::new()))
    );
    assert_eq!(found.len(), files.len() + directories.len());
    assert_eq!(rerooter.comment.len(), 40, "the commit's id is kept");
}

#[cfg(unix)]
#[test]
fn links_arrive_as_what_they_stand_for() {
    let long = b"terraform {\n  required_version = \">= 1.0\"\n}\n".repeat(40);
    let files: [(&str, &[u8]); 6] = [
        ("main.tf", b"# root\n"),
        ("tag", b"held back"),
        ("shared/versions.tf", &long),
        ("shared/sub/a.tf", b"# a\n"),
        ("shared/sub/b.tf", b"# b"),
        ("modules/x/main.tf", b"# x\n"),
    ];
    let links = [
        ("versions.tf", "shared/versions.tf"),
        ("modules/x/versions.tf", "../../shared/versions.tf"),
        ("modules/x/through.tf", "../y/sub/a.tf"),
        ("modules/x/main", "main.tf"),
        ("modules/y", "../shared"),
        ("shared/sub/up.tf", "../versions.tf"),
        ("shared/sub/tag", "../../tag"),
        ("chain", "modules/../versions.tf"),
        ("dot", "./modules/./x//main.tf"),
        ("dangling", "nowhere.tf"),
        ("under-a-file", "main.tf/x"),
        ("out", "../../etc/passwd"),
        ("absolute", "/etc/passwd"),
        ("self", "self"),
        ("ping", "pong"),
        ("pong", "ping"),
        ("modules/all", ".."),
        ("modules/x/here", "."),
    ];
    let zip = git_archive(&files, &links);
    let (out, rerooter) = reroot_with(&[&zip], 1 << 20, u64::MAX).unwrap();
    assert_eq!(out, reroot(&zip).unwrap());
    let found = read(&out);
    let content = |name: &str| String::from_utf8(found[name].1.clone()).unwrap();
    let long = String::from_utf8(long).unwrap();
    for (name, expected) in [
        ("versions.tf", &*long),
        ("modules/x/versions.tf", &long),
        ("modules/x/through.tf", "# a\n"),
        ("modules/x/main", "# x\n"),
        ("modules/y/versions.tf", &long),
        ("modules/y/sub/a.tf", "# a\n"),
        ("modules/y/sub/b.tf", "# b"),
        ("modules/y/sub/up.tf", &long),
        ("modules/y/sub/tag", "held back"),
        ("shared/sub/up.tf", &long),
        ("shared/sub/tag", "held back"),
        ("chain", &long),
        ("dot", "# x\n"),
        ("tag", "held back"),
    ] {
        assert_eq!(content(name), expected, "{name}");
    }
    let dropped: BTreeMap<&str, Reason> = rerooter
        .dropped()
        .iter()
        .map(|it| (it.name.as_str(), it.reason))
        .collect();
    assert_eq!(
        dropped,
        BTreeMap::from([
            ("absolute", Reason::LeadsOut),
            ("dangling", Reason::Dangling),
            ("modules/all", Reason::Loop),
            ("modules/x/here", Reason::Loop),
            ("out", Reason::LeadsOut),
            ("ping", Reason::Loop),
            ("pong", Reason::Loop),
            ("self", Reason::Loop),
            ("under-a-file", Reason::Dangling),
        ])
    );
    assert!(dropped.keys().all(|name| !found.contains_key(*name)));
    assert!(
        found
            .values()
            .all(|(mode, _)| mode & 0o170_000 != 0o120_000),
        "no link is left"
    );
}

fn link(name: &str, target: &str) -> Raw {
    Raw {
        mode: 0o120_777,
        ..raw(name, target.as_bytes())
    }
}

/// What is in a folder of the whole archive is what comes of that folder alone: links into it, out of it and across are copies in both.
#[test]
fn a_folder_arrives_as_it_is_in_the_whole() {
    let long = b"variable \"x\" {}\n".repeat(300);
    let files: [(&str, &[u8]); 9] = [
        ("main.tf", b"# root\n"),
        ("held", b"held back"),
        ("modules/vpc/main.tf", b"# vpc\n"),
        ("modules/vpc/held", b"held too"),
        ("modules/vpc/templates/a.tpl", &long),
        ("modules/vpc-old/main.tf", b"# old\n"),
        ("modules/dns/main.tf", &long),
        ("shared/versions.tf", &long),
        ("shared/tag", b"v1"),
    ];
    let links = [
        ("modules/vpc/versions.tf", "../../shared/versions.tf"),
        ("modules/vpc/tag", "../../shared/tag"),
        ("modules/vpc/dns", "../dns"),
        ("modules/vpc/own", "templates"),
        ("modules/vpc/through", "../link/tag"),
        ("modules/link", "../shared"),
        ("modules/vpc/everything", "../.."),
        ("modules/vpc/out", "../../../etc/passwd"),
        ("elsewhere", "modules/vpc"),
    ];
    let zip = git_archive(&files, &links);
    let whole = read(&reroot(&zip).unwrap());
    for path in [
        "modules/vpc",
        "modules/dns",
        "modules",
        "shared",
        "modules/vpc/templates",
    ] {
        let start = format!("{path}/");
        let inside = whole.iter().filter_map(|(name, file)| {
            let rest = name.strip_prefix(&start).filter(|rest| !rest.is_empty())?;
            Some((rest.to_owned(), file.clone()))
        });
        let expected: BTreeMap<_, _> = inside.collect();
        let out = reroot_sub_tree(&zip, path, 1 << 20).unwrap();
        assert_eq!(read(&out), expected, "{path}");
        for chunk in [1, 97] {
            assert_eq!(reroot_sub_tree(&zip, path, chunk).unwrap(), out, "{path}");
        }
    }
    assert_eq!(whole["modules/vpc/dns/main.tf"].1, long);
    for path in [
        "nothing",
        "modules/vp",
        "main.tf",
        "modules/vpc/main.tf",
        "modules/link",
        "Modules",
    ] {
        assert_eq!(
            reroot_sub_tree(&zip, path, 97).unwrap_err(),
            Refusal::NoSubTree,
            "{path}"
        );
    }
}

#[test]
fn files_that_tell_of_a_module_are_taken_note_of() {
    let long = "# ".repeat(5000);
    let zip = git_archive(
        &[
            ("main.tf", b"variable \"a\" {}\n"),
            ("shared/outputs.tf", long.as_bytes()),
            ("shared/README.md", b"# Shared\n"),
            ("modules/net/main.tf", b""),
            ("modules/net/image.png", b"variable"),
            ("website/index.html", b"<p>"),
        ],
        &[
            ("outputs.tf", "shared/outputs.tf"),
            ("modules/shared", "../shared"),
            ("modules/net/outputs.tf", "../../shared/outputs.tf"),
            ("README.md", "nowhere"),
        ],
    );
    let shared = ["README.md", "outputs.tf"];
    for (sub_tree, base, expected) in [
        (
            "",
            "",
            &[
                "main.tf",
                "modules/net/main.tf",
                "modules/net/outputs.tf",
                "modules/shared/README.md",
                "modules/shared/outputs.tf",
                "outputs.tf",
            ][..],
        ),
        ("", "shared", &["shared/README.md", "shared/outputs.tf"]),
        ("shared", "", &shared),
        ("modules", "net", &["net/main.tf", "net/outputs.tf"]),
        ("website", "", &[]),
    ] {
        let mut rerooter = Rerooter::new(u64::MAX).watching(base);
        if !sub_tree.is_empty() {
            rerooter = rerooter.sub_tree(sub_tree);
        }
        let (out, rerooter) = run(rerooter, &[&zip], 97).unwrap();
        let mut watched = rerooter.watched();
        watched.sort_by(|a, b| a.path.cmp(&b.path));
        let paths: Vec<&str> = watched.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, expected, "{sub_tree} {base}");
        let files = read(&out);
        for file in &watched {
            let expected = Some(files[&file.path].1.clone());
            assert_eq!(file.content, expected, "{}", file.path);
        }
    }
}

#[test]
fn a_large_file_with_many_links_is_read_once_for_each() {
    let large = |length: u32| -> Vec<u8> {
        (0..length)
            .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3])
            .collect()
    };
    let zip = |length: u32, links: usize| {
        let mut entries = vec![raw("r/", b""), raw("r/large", &large(length))];
        entries.extend((0..links).map(|n| link(&format!("r/{n}"), "large")));
        build(&entries, b"")
    };
    for (length, links, is_served) in [
        (3 << 20, 20, true),
        (5 << 20, 3, true),
        (5 << 20, 8, true),
        (5 << 20, 9, false),
    ] {
        let out = reroot_with(&[&zip(length, links)], 1 << 16, u64::MAX);
        assert_eq!(out.is_ok(), is_served, "{links} links to {length} bytes");
        if let Ok((out, _)) = out {
            let found = read(&out);
            assert_eq!(found.len(), links + 1);
            assert!(found.values().all(|(_, data)| *data == large(length)));
        }
    }
}

#[test]
fn links_cannot_make_much_of_little() {
    let text = vec![b'x'; 4096];
    let many = |count: usize| {
        let mut entries = vec![raw("r/", b""), raw("r/file", &text)];
        entries.extend((0..count).map(|n| link(&format!("r/{n}"), "file")));
        build(&entries, b"")
    };
    // Nothing piles up: what is sent at once stays small, however much is in memory.
    let zip = many(2000);
    let mut rerooter = Rerooter::new(u64::MAX);
    let (mut input, mut out, mut largest) = (&zip[..], Vec::new(), 0);
    loop {
        let before = out.len();
        let step = rerooter.step(input, &mut out).unwrap();
        largest = largest.max(out.len() - before);
        match step {
            Step::Done => break,
            Step::Skip(n) => input = &input[usize::try_from(n).unwrap()..],
            Step::More => {}
            step => panic!("{step:?}"),
        }
    }
    assert!(largest < 128 << 10, "{largest} bytes at once");
    assert_eq!(read(&out).len(), 2001);
    let limit = zip.len() as u64;
    assert_eq!(
        reroot_with(&[&zip], 1 << 16, limit).unwrap_err(),
        Refusal::TooLarge
    );
    assert_eq!(
        reroot_with(&[&many(10_001)], 1 << 16, u64::MAX).unwrap_err(),
        Refusal::Links
    );

    // A maze: links into deep directories and out again, forty at a time.
    let deep = "z/".repeat(90);
    let back = format!("{deep}{}", "../z/".repeat(700));
    let mut entries = vec![raw("r/", b""), raw(&format!("r/{deep}end"), b"x\n")];
    entries.extend((0..38).map(|n| {
        link(
            &format!("r/m{n}"),
            &format!("{back}{}m{}", "../".repeat(90), n + 1),
        )
    }));
    entries.extend((0..500).map(|n| link(&format!("r/s{n}"), "m0")));
    assert_eq!(
        reroot_with(&[&build(&entries, b"")], 1 << 16, u64::MAX).unwrap_err(),
        Refusal::Links
    );
}

#[test]
fn a_link_to_nothing_costs_no_second_reading() {
    let empty = Raw {
        method: 0,
        ..raw("r/empty", b"")
    };
    let zip = build(
        &[
            raw("r/", b""),
            raw("r/dir/", b""),
            empty,
            link("r/a", "empty"),
            link("r/b", "dir"),
        ],
        b"",
    );
    let found = read(&reroot_with(&[&zip, b"never"], 1 << 16, u64::MAX).unwrap().0);
    assert_eq!(found["a"], (0o100_644, Vec::new()));
    assert_eq!(found["b/"], (0o040_755, Vec::new()));
}

#[test]
fn an_archive_that_changes_between_two_readings_is_refused() {
    let link = Raw {
        mode: 0o120_777,
        ..raw("r/link", b"main.tf")
    };
    let zip = |content: &[u8], name: &str| {
        build(&[raw("r/", b""), raw(name, content), link.clone()], b"")
    };
    let first = zip(b"one\n", "r/main.tf");
    for (second, why) in [
        (zip(b"two\n", "r/main.tf"), "another content"),
        (zip(b"one and more\n", "r/main.tf"), "another length"),
        (zip(b"one\n", "r/main2.tf"), "another name"),
        (zip(b"one\n", "q/main.tf"), "another top folder"),
        (b"<html>".to_vec(), "no zip"),
    ] {
        let refusal = reroot_with(&[&first, &second], 1 << 16, u64::MAX).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Changed | Refusal::Broken),
            "{why}: {refusal:?}"
        );
    }
    // GitHub may compress the same file in another way tomorrow.
    let mut deflated = ZipWriter::new(Cursor::new(Vec::new()));
    deflated
        .start_file("r/main.tf", SimpleFileOptions::default())
        .unwrap();
    deflated.write_all(b"one\n").unwrap();
    let deflated = deflated.finish().unwrap().into_inner();
    let out = reroot_with(&[&first, &deflated], 1 << 16, u64::MAX)
        .unwrap()
        .0;
    assert_eq!(read(&out)["link"].1, b"one\n");
}

#[test]
fn zips_of_other_writers_are_read() {
    let text = b"resource \"terraform_data\" \"x\" {}\n".repeat(100);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let wide = deflated.large_file(true);

    // Data descriptors: lengths come after the data. A zip in a zip has headers and descriptors of its own.
    let mut inner = ZipWriter::new_stream(Vec::new());
    inner.start_file("inner", deflated).unwrap();
    inner.write_all(&text).unwrap();
    let inner = inner.finish().unwrap().into_inner();
    let mut streamed = ZipWriter::new_stream(Vec::new());
    streamed.add_directory("r", stored).unwrap();
    for (name, options) in [
        ("r/deflated", deflated),
        ("r/stored", stored),
        ("r/wide", wide),
    ] {
        streamed.start_file(name, options).unwrap();
        streamed.write_all(&text).unwrap();
    }
    streamed.start_file("r/empty", stored).unwrap();
    streamed.start_file("r/inner.zip", stored).unwrap();
    streamed.write_all(&inner).unwrap();
    let streamed = streamed.finish().unwrap().into_inner();
    let found = read(&reroot(&streamed).unwrap());
    for name in ["deflated", "stored", "wide"] {
        assert_eq!(found[name], (0o100_644, text.clone()), "{name}");
    }
    assert_eq!(found["inner.zip"].1, inner);
    assert_eq!(found["empty"].1, b"");

    // zip64 fields, a comment, no directory entries.
    let mut sixty_four = ZipWriter::new(Cursor::new(Vec::new()));
    sixty_four.set_comment("0123456789abcdef0123456789abcdef01234567");
    sixty_four.start_file("r/wide", wide).unwrap();
    sixty_four.write_all(&text).unwrap();
    let sixty_four = sixty_four.finish().unwrap().into_inner();
    let (out, rerooter) = reroot_with(&[&sixty_four], 50, u64::MAX).unwrap();
    assert_eq!(read(&out)["wide"].1, text);
    assert_eq!(
        rerooter.comment,
        b"0123456789abcdef0123456789abcdef01234567"
    );

    // More entries than 16 bits can count.
    let many: Vec<Raw> = (0..70_000).map(|n| raw(&format!("r/{n}"), b"\n")).collect();
    let out = reroot_with(&[&build(&many, b"")], 1 << 16, u64::MAX)
        .unwrap()
        .0;
    assert_eq!(ZipArchive::new(Cursor::new(out)).unwrap().len(), 70_000);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_no_module_should_be_is_refused() {
    let long = format!("r/{}", "x".repeat(4095));
    let deep = format!("r/{}", "d/".repeat(101));
    let file = |name: &str| raw(name, b"x\n");
    let top = || raw("r/", b"");
    let sound = build(&[top(), file("r/a")], b"");
    let end = sound.len() - zip::END_LENGTH;
    let patched = |at: usize, byte: u8| {
        let mut zip = sound.clone();
        zip[at] = byte;
        zip
    };
    for (zip, refusal) in [
        (
            build(&[top(), file("r/../../etc/passwd")], b""),
            Refusal::Name,
        ),
        (build(&[top(), file("r/a/..")], b""), Refusal::Name),
        (build(&[top(), file("r/./a")], b""), Refusal::Name),
        (build(&[top(), file("r//etc/passwd")], b""), Refusal::Name),
        (build(&[file("/etc/passwd")], b""), Refusal::Name),
        (build(&[file("../a")], b""), Refusal::Name),
        (build(&[top(), file("r/a\0b")], b""), Refusal::Name),
        (build(&[top(), file("r/..\\..\\a")], b""), Refusal::Name),
        (build(&[top(), file(&long)], b""), Refusal::Name),
        (build(&[top(), raw(&deep, b"")], b""), Refusal::Name),
        (
            build(&[top(), file("r/a"), file("r/a")], b""),
            Refusal::Collision,
        ),
        (
            build(&[top(), raw("r/a/", b""), raw("r/a/", b"")], b""),
            Refusal::Collision,
        ),
        (
            build(&[top(), file("r/a"), file("r/a/b")], b""),
            Refusal::Collision,
        ),
        (
            build(&[top(), file("r/a/b"), file("r/a")], b""),
            Refusal::Collision,
        ),
        (
            build(&[top(), file("r/a"), raw("r/a/", b"")], b""),
            Refusal::Collision,
        ),
        (build(&[top(), top(), file("r/a")], b""), Refusal::Collision),
        (build(&[top(), file("q/a")], b""), Refusal::TopFolder),
        (build(&[top(), file("ra")], b""), Refusal::TopFolder),
        (build(&[file("a")], b""), Refusal::TopFolder),
        (build(&[top()], b""), Refusal::Empty),
        (build(&[], b""), Refusal::Empty),
        (
            build(
                &[
                    top(),
                    Raw {
                        method: 12,
                        ..file("r/a")
                    },
                ],
                b"",
            ),
            Refusal::Unsupported,
        ),
        (
            build(
                &[
                    top(),
                    Raw {
                        flags: 1,
                        ..file("r/a")
                    },
                ],
                b"",
            ),
            Refusal::Unsupported,
        ),
        (build(&[raw("r/", b"data")], b""), Refusal::Broken),
        (build(&[top(), raw("r/a/", b"data")], b""), Refusal::Broken),
        (
            b"<html><body>Not Found</body></html>".to_vec(),
            Refusal::Broken,
        ),
        (
            b"PK\x03\x04 garbage that goes on for a while without meaning".to_vec(),
            Refusal::Name,
        ),
        ([b"junk", &*sound].concat(), Refusal::Broken),
        (Vec::new(), Refusal::Truncated),
        (patched(end + 8, 9), Refusal::Broken),
        (patched(end + 10, 9), Refusal::Broken),
        (patched(end + 16, 9), Refusal::Broken),
        (patched(end + 12, 9), Refusal::Broken),
        (patched(end - 1, b'b'), Refusal::Broken),
        (patched(end - 30, 9), Refusal::Broken),
    ] {
        assert_eq!(
            reroot(&zip).unwrap_err(),
            refusal,
            "{}",
            String::from_utf8_lossy(&zip)
        );
    }
    assert!(reroot(&sound).is_ok());
    assert_eq!(
        reroot_with(&[&sound], 1, 50).unwrap_err(),
        Refusal::TooLarge
    );
}

#[test]
fn an_archive_of_another_commit_is_refused() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    for (comment, is_served) in [
        (commit, true),
        ("1123456789abcdef0123456789abcdef01234567", false),
        ("", true),
        ("main", true),
    ] {
        let zip = build(&[raw("r/", b""), raw("r/a", b"0\n")], comment.as_bytes());
        let mut rerooter = Rerooter::new(u64::MAX).of_commit(ObjectId::parse(commit).unwrap());
        let (mut input, mut out) = (&zip[..], Vec::new());
        let end = loop {
            match rerooter.step(input, &mut out) {
                Ok(Step::Skip(n) | Step::Copy(n)) => input = &input[usize::try_from(n).unwrap()..],
                Ok(Step::More) => {}
                end => break end,
            }
        };
        assert_eq!(
            end,
            if is_served {
                Ok(Step::Done)
            } else {
                Err(Refusal::Changed)
            },
            "{comment}"
        );
    }
}

#[test]
fn a_comment_that_looks_like_an_end_record_is_left_out() {
    let entries = [raw("r/", b""), raw("r/a", b"x\n")];
    let other = build(&[raw("r/b", b"y\n")], b"");
    let (out, _) = reroot_with(&[&build(&entries, &other)], 1 << 16, u64::MAX).unwrap();
    assert_eq!(read(&out).into_keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(out[out.len() - 2..], [0, 0]);
}

#[test]
fn an_archive_that_is_cut_anywhere_never_looks_complete() {
    // A zip in the zip has a central directory of its own, which must not be taken for the end.
    let inner = build(&[raw("inner", b"x\n")], b"");
    let files = [
        raw("r/", b""),
        raw("r/main.tf", b"# main\n"),
        raw("r/inner.zip", &inner),
    ];
    let zip = build(
        &[&files[..], &[link("r/link", "main.tf")]].concat(),
        b"comment",
    );
    let whole = reroot(&zip).unwrap();
    for length in 0..zip.len() {
        assert!(
            reroot(&zip[..length]).is_err(),
            "{length} of {} bytes",
            zip.len()
        );
    }
    assert_eq!(read(&whole).len(), 3);
}

proptest! {
    #[test]
    fn whatever_git_could_hold_comes_out_as_it_went_in(
        files in prop::collection::btree_map("[a-c]{1,2}(/[d-f]{1,2}){0,2}", prop::collection::vec(any::<u8>(), 0..200), 1..20),
        is_streamed: bool,
        is_stored: bool,
    ) {
        // A name that is another's folder can't be in git.
        let names: Vec<&String> = files.keys().collect();
        prop_assume!(!names.iter().any(|a| names.iter().any(|b| b.starts_with(&format!("{a}/")))));
        let method = if is_stored { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default().compression_method(method);
        let mut bytes = Vec::new();
        macro_rules! write {
            ($writer:expr) => {{
                let mut writer = $writer;
                for (name, content) in &files {
                    writer.start_file(format!("top/{name}"), options).unwrap();
                    writer.write_all(content).unwrap();
                }
                writer.finish().unwrap();
            }};
        }
        if is_streamed {
            write!(ZipWriter::new_stream(&mut bytes));
        } else {
            write!(ZipWriter::new(Cursor::new(&mut bytes)));
        }
        let found = read(&reroot(&bytes).unwrap());
        let expected: BTreeMap<_, _> = files.into_iter().map(|(name, data)| (name, (0o100_644, data))).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_damage_breaks_the_machine(at in 0usize..400, bytes in prop::collection::vec(any::<u8>(), 1..8)) {
        let link = Raw { mode: 0o120_777, ..raw("r/link", b"main.tf") };
        let streamed = Raw { flags: 8, ..raw("r/streamed", b"data") };
        let mut zip = build(&[raw("r/", b""), raw("r/main.tf", b"# main\n"), link, streamed], b"comment");
        for (offset, byte) in bytes.into_iter().enumerate() {
            if let Some(place) = zip.get_mut(at + offset) {
                *place = byte;
            }
        }
        let _ = reroot_with(&[&zip], 1 << 16, 1 << 20);
    }
}
