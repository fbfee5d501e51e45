//! Files' names that are not everyone's.

use super::{Build, MAIN, released, simple};

pub(super) const ALL: &[(&str, Build)] = &[
    // Latin-1, and no UTF-8 at all.
    ("terraform-aws-latin1-names", |it| {
        let it = it
            .file_of_bytes(b"caf\xe9.txt", "coffee\n")
            .file_of_bytes(b"caf\xe9.tf", "variable \"coffee\" {\n  default = 1\n}\n")
            .file_of_bytes(b"modules/\xff/main.tf", MAIN);
        simple(it, &[])
    }),
    ("terraform-aws-unicode-names", |it| {
        simple(
            it,
            &[
                ("a file.txt", "blank\n"),
                (
                    "gr\u{f6}\u{df}e.tf",
                    "variable \"size\" {\n  default = 1\n}\n",
                ),
                ("\u{5927}\u{304d}\u{3055}/\u{1f980}.txt", "crab\n"),
                // The same letter twice, as one character and as two.
                ("\u{e9}.txt", "composed\n"),
                ("e\u{301}.txt", "decomposed\n"),
                ("modules/a part/main.tf", MAIN),
                ("a:b?*|<>.txt", "not for Windows\n"),
                ("-dash.txt", "dash\n"),
                ("$(x) `y` 'z' \"w\" %41 #1.txt", "shell\n"),
                ("~main.tf", "variable \"tilde\" {\n  default = 1\n}\n"),
            ],
        )
    }),
    ("terraform-aws-backslash", |it| {
        simple(
            it,
            &[
                ("a\\b.txt", "backslash\n"),
                ("line\nbreak.txt", "two lines\n"),
            ],
        )
    }),
    ("terraform-aws-case-twins", |it| {
        simple(
            it,
            &[
                ("Main.tf", "variable \"upper\" {\n  default = 1\n}\n"),
                ("README.md", "upper\n"),
                ("readme.md", "lower\n"),
                ("Modules/x/main.tf", MAIN),
                ("modules/y/main.tf", MAIN),
            ],
        )
    }),
    // What editors and tests leave beside configuration. Terraform reads `~main.tf`, and none of these.
    ("terraform-aws-other-files", |it| {
        let wrong = "variable \"wrong\" {}\n";
        released(
            it,
            &[
                ("main.tf", "variable \"right\" {\n  default = 1\n}\n"),
                ("main.tf~", wrong),
                ("#main.tf#", wrong),
                (".#main.tf", wrong),
                ("main.tf.bak", wrong),
                ("main.TF", wrong),
                ("main.tofu", wrong),
                ("main.tf.tmpl", wrong),
                ("main.json", "{\"variable\":{\"wrong\":{}}}"),
                ("main.tftest.hcl", "run \"x\" {}\n"),
                ("tests/x.tftest.hcl", "run \"x\" {}\n"),
                ("terraform.tfvars", "wrong = 1\n"),
                ("x.auto.tfvars.json", "{\"wrong\":1}"),
                (".tf", wrong),
            ],
        )
    }),
];
