//! What archives may have in them beside configuration.

use landfall_stand_in::fixture::Repository;

use super::{Build, MAIN, released, simple};

pub(super) const ALL: &[(&str, Build)] = &[
    ("terraform-aws-submodules", submodules),
    ("terraform-aws-huge-readme", huge_readme),
    ("terraform-aws-too-large", too_large),
    ("terraform-aws-no-tf", |it| {
        released(it, &[("README.md", "Nothing yet\n"), ("docs/a.txt", "a\n")])
    }),
    ("terraform-aws-only-parts", |it| {
        let output = "output \"x\" {\n  value = 1\n}\n";
        released(it, &[("modules/x/main.tf", output), ("README", "Parts\n")])
    }),
    ("terraform-aws-export", export),
    ("terraform-aws-attributes", attributes),
    ("terraform-aws-hidden", hidden),
    ("terraform-aws-deep", deep),
    ("terraform-aws-git-submodule", |it| {
        let it = it.submodule("vendored", "1111111111111111111111111111111111111111");
        simple(
            it,
            &[(
                ".gitmodules",
                "[submodule \"vendored\"]\n\tpath = vendored\n\turl = https://example.com/x.git\n",
            )],
        )
    }),
    ("terraform-aws-executable", |it| {
        let it = it
            .executable("run.sh", "#!/bin/sh\nexit 0\n")
            .executable("x", "x");
        simple(it, &[("plain.sh", "#!/bin/sh\n")])
    }),
    ("terraform-aws-empty-files", |it| {
        released(
            it,
            &[
                ("main.tf", ""),
                ("README.md", ""),
                ("a/empty.txt", ""),
                ("blank.tf", "\n\n"),
            ],
        )
    }),
    ("terraform-aws-many-files", |it| {
        let it = (0..300).fold(it, |it, number| {
            it.file(&format!("files/{number:03}.txt"), format!("file {number}"))
        });
        simple(it, &[])
    }),
    ("terraform-aws-zip-inside", zip_inside),
    ("terraform-aws-readmes", |it| {
        simple(
            it,
            &[
                ("README.rst", "rst\n"),
                ("README", "bare\n"),
                ("readme.MD", "lower\n"),
                ("modules/x/Readme.txt", "text\n"),
                ("examples/README.md", "of no example\n"),
                ("docs/README.md", "docs\n"),
            ],
        )
    }),
    ("terraform-aws-nested-parts", |it| {
        simple(
            it,
            &[
                ("modules/README.md", "of no module\n"),
                ("modules/a/b/main.tf", MAIN),
                ("modules/c/README.md", "only a README\n"),
                ("modules/d/notes.txt", "nothing\n"),
                ("modules/e/main.tf", MAIN),
                ("modules/e/modules/f/main.tf", MAIN),
                ("examples/one/main.tf", MAIN),
                ("examples/one/modules/x/main.tf", MAIN),
                ("example/two/main.tf", MAIN),
                ("test/modules/g/main.tf", MAIN),
            ],
        )
    }),
];

/// Parts that refer to each other, and an example that refers to all.
fn submodules(it: Repository) -> Repository {
    let x = "module \"y\" {\n  source = \"../y\"\n}\n\noutput \"x\" {\n  value = module.y.y\n}\n";
    let y = "output \"y\" {\n  description = \"Of y.\"\n  value       = \"y\"\n}\n";
    simple(
        it,
        &[
            ("modules/x/main.tf", x),
            ("modules/y/main.tf", y),
            (
                "calls.tf",
                "module \"x\" {\n  source = \"./modules/x\"\n}\n\nmodule \"y\" {\n  source = \"./modules/x/../y/\"\n}\n",
            ),
            (
                "examples/all/main.tf",
                "module \"all\" {\n  source = \"../../\"\n}\n\nmodule \"x\" {\n  source = \"../../modules/x\"\n}\n\nmodule \"out\" {\n  source = \"../../../elsewhere\"\n}\n",
            ),
        ],
    )
}

/// 600 KB, with a character of three bytes across the place where it is cut.
fn huge_readme(it: Repository) -> Repository {
    let line = "A line of a README that does not end. \u{2026}\n";
    let text = format!("# Huge\n\n{}", line.repeat(600_000 / line.len()));
    simple(it, &[("README.md", &text)])
}

/// More than what is read of a file, and than what is taken note of.
fn too_large(it: Repository) -> Repository {
    let comment = "# A comment that says nothing, again and again.\n";
    let large = |bytes: usize| comment.repeat(bytes / comment.len() + 1);
    let text = format!("{}variable \"unread\" {{}}\n", large(1_200_000));
    let larger = format!("{}variable \"unseen\" {{}}\n", large(2_500_000));
    let readme = large(2_500_000);
    simple(
        it,
        &[
            ("large.tf", &text),
            ("larger.tf", &larger),
            ("README.md", &readme),
            ("small.tf", "variable \"read\" {}\n"),
        ],
    )
}

/// `export-ignore` takes files out of archives, and leaves links to them behind.
fn export(it: Repository) -> Repository {
    let it = it.symlink("link.txt", "docs/a.txt");
    simple(
        it,
        &[
            (
                ".gitattributes",
                "/docs export-ignore\n/tests/** export-ignore\nsecret.tf export-ignore\n.github export-ignore\n",
            ),
            ("docs/a.txt", "a\n"),
            ("tests/main.tf", MAIN),
            ("secret.tf", "variable \"secret\" {}\n"),
            (".github/workflows/ci.yml", "on: push\n"),
            ("kept.tf", "variable \"kept\" {\n  default = 1\n}\n"),
        ],
    )
}

/// Attributes by which git changes bytes on their way into an archive.
fn attributes(it: Repository) -> Repository {
    simple(
        it,
        &[
            (
                ".gitattributes",
                "*.bat text eol=crlf\nversion.txt export-subst\n*.tf text eol=crlf\n",
            ),
            ("run.bat", "@echo off\necho run\n"),
            ("version.txt", "$Format:%s$\n"),
            (
                "eol.tf",
                "variable \"eol\" {\n  description = <<-EOT\n    one\n    two\n  EOT\n  default     = 1\n}\n",
            ),
        ],
    )
}

fn hidden(it: Repository) -> Repository {
    simple(
        it,
        &[
            (
                ".terraform.lock.hcl",
                "# This file is maintained automatically.\n",
            ),
            (".terraform-version", "1.11.4\n"),
            (".hidden.tf", "variable \"hidden\" {}\n"),
            (".github/README.md", "# Of GitHub\n"),
            (".gitignore", ".terraform/\n"),
            (".terraform/modules/modules.json", "{\"Modules\":[]}"),
            ("modules/.x/main.tf", MAIN),
        ],
    )
}

/// Twenty folders deep, and a long path.
fn deep(it: Repository) -> Repository {
    let folders: Vec<String> = (1..=20).map(|level| format!("level{level}")).collect();
    let path = format!("{}/file.txt", folders.join("/"));
    let long = format!("{}/{}.txt", "f".repeat(200), "n".repeat(200));
    simple(it, &[(&path, "deep\n"), (&long, "long\n")])
}

/// A zip that is stored as it is: its directory is no directory of the archive.
fn zip_inside(it: Repository) -> Repository {
    // As `zip -0` makes it, of the file `a` with the text `a`.
    let mut zip = Vec::new();
    zip.extend(
        b"PK\x03\x04\x0a\0\0\0\0\0\0\0\x21\0\x43\xbe\xb7\xe8\x01\0\0\0\x01\0\0\0\x01\0\0\0aa",
    );
    let start = zip.len();
    zip.extend(b"PK\x01\x02\x1e\x03\x0a\0\0\0\0\0\0\0\x21\0\x43\xbe\xb7\xe8\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\xa4\x81\0\0\0\0a");
    let length = zip.len() - start;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(u32::try_from(length).unwrap().to_le_bytes());
    zip.extend(u32::try_from(start).unwrap().to_le_bytes());
    zip.extend(b"\0\0");
    let it = it.file("lambda.zip", &zip).file("zz.zip", &zip);
    simple(it, &[])
}
