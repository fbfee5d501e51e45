//! Configuration, in all ways that it can be written, and in some that are wrong.

use landfall_stand_in::fixture::Repository;

use super::{Build, released, simple};

/// Configuration that Terraform takes.
pub(super) const ALL: &[(&str, Build)] = &[
    ("terraform-aws-json", json),
    ("terraform-aws-json-mixed", json_mixed),
    ("terraform-aws-crlf", crlf),
    ("terraform-aws-bom", |it| {
        simple(
            it,
            &[
                ("bom.tf", "\u{feff}variable \"bom\" {\n  default = 1\n}\n"),
                ("README.md", "\u{feff}# Marked\n"),
            ],
        )
    }),
    ("terraform-aws-overrides", overrides),
    ("terraform-aws-heredocs", |it| {
        simple(it, &[("heredocs.tf", include_str!("syntax/heredocs.tf"))])
    }),
    ("terraform-aws-grammar", |it| {
        simple(
            it,
            &[
                ("grammar.tf", include_str!("syntax/grammar.tf")),
                ("modules/a/main.tf", "output \"a\" {\n  value = 1\n}"),
            ],
        )
    }),
    ("terraform-aws-defaults", |it| {
        simple(it, &[("defaults.tf", include_str!("syntax/defaults.tf"))])
    }),
    ("terraform-aws-literals", |it| {
        simple(it, &[("literals.tf", include_str!("syntax/literals.tf"))])
    }),
    ("terraform-aws-flags", |it| {
        simple(it, &[("flags.tf", include_str!("syntax/flags.tf"))])
    }),
    ("terraform-aws-other-blocks", |it| {
        simple(it, &[("others.tf", include_str!("syntax/others.tf"))])
    }),
    ("terraform-aws-builtin", |it| {
        let text = "terraform {\n  required_version = \">= 1.4\"\n  required_providers {\n    built = {\n      source = \"terraform.io/builtin/terraform\"\n    }\n  }\n}\n\nresource \"terraform_data\" \"built\" {\n  provider = built\n}\n\ndata \"terraform_remote_state\" \"state\" {\n  count   = 0\n  backend = \"local\"\n}\n\noutput \"code\" {\n  value = provider::built::encode_expr({})\n}\n";
        released(it, &[("main.tf", text)])
    }),
    ("terraform-aws-calls-registry", |it| {
        let text = "module \"plain\" {\n  source   = \"mods.example/acme/plain/aws\"\n  version  = \"~> 1.1, != 1.10.0\"\n  for_each = toset([\"a\"])\n  name     = each.key\n}\n\nmodule \"part\" {\n  source  = \"mods.example/acme/plain/aws//modules/part\"\n  version = \"1.2.0\"\n}\n";
        released(it, &[("main.tf", text)])
    }),
];

/// Configuration that Terraform does not take, or not here.
pub(super) const MORE: &[(&str, Build)] = &[
    ("terraform-aws-broken", |it| {
        simple(
            it,
            &[
                (
                    "broken.tf",
                    "variable \"before\" {\n  default = 1\n}\n\nvariable \"broken\" {\n  default = [1,\n\nvariable \"after\" {\n  default = 2\n}\n\noutput \"last\" {\n  value = var.after\n}\n",
                ),
                ("good.tf", "variable \"good\" {\n  default = 3\n}\n"),
                (
                    "broken.tf.json",
                    "{\"variable\": {\"json\": {\n\"default\": 1}\n",
                ),
            ],
        )
    }),
    ("terraform-aws-bom-json", |it| {
        simple(
            it,
            &[(
                "bom.tf.json",
                "\u{feff}{\"variable\":{\"bom\":{\"default\":1}}}\n",
            )],
        )
    }),
    ("terraform-aws-quoted-types", |it| {
        simple(
            it,
            &[(
                "variables.tf",
                "variable \"name\" {\n  type        = \"string\"\n  description = \"Of old.\"\n}\n\nvariable \"list\" {\n  type    = \"list\"\n  default = [\"${1}\"]\n}\n\nvariable \"map\" {\n  type = \"map\"\n  default {\n    a = \"b\"\n  }\n}\n",
            )],
        )
    }),
    ("terraform-aws-latin1-text", |it| {
        let it = it.file(
            "latin1.tf",
            b"# caf\xe9\nvariable \"unread\" {\n  default = 1\n}\n",
        );
        let it = it.file("README.md", b"# Caf\xe9\n");
        simple(
            it,
            &[("good.tf", "variable \"read\" {\n  default = 1\n}\n")],
        )
    }),
    ("terraform-aws-latin1-strings", |it| {
        let it = it.file(
            "latin1.tf",
            b"variable \"x\" {\n  description = \"caf\xe9\"\n  default     = 1\n}\n",
        );
        simple(it, &[])
    }),
    ("terraform-aws-duplicates", |it| {
        simple(
            it,
            &[
                ("a.tf", "variable \"twice\" {\n  default = 1\n}\n"),
                (
                    "b.tf",
                    "variable \"twice\" {\n  default = 2\n}\n\noutput \"x\" {\n  value = 1\n}\n\noutput \"x\" {\n  value = 2\n}\n",
                ),
            ],
        )
    }),
    ("terraform-aws-providers", |it| {
        released(it, &[("main.tf", include_str!("syntax/providers.tf"))])
    }),
];

fn json(it: Repository) -> Repository {
    released(
        it,
        &[
            (
                "main.tf.json",
                r#"{
  "//": "A comment",
  "variable": {
    "name": {"type": "string", "description": "What it is called.", "default": "it"},
    "list": [{"type": "list(number)", "default": [1, 2.5, "3"], "//": "no argument"}],
    "raw": {"default": "${1} %{x}"},
    "needed": {}
  },
  "output": [
    {"name": {"value": "${var.name}", "description": "The same."}},
    {"secret": {"value": "x", "sensitive": true}}
  ],
  "resource": {"terraform_data": {"it": {"input": "${var.name}"}, "other": [{}]}},
  "module": {"part": {"source": "./modules/part"}},
  "locals": {"x": 1}
}
"#,
            ),
            (
                "modules/part/part.tf.json",
                "{\"output\":{\"part\":{\"value\":\"${1}\"}}}",
            ),
        ],
    )
}

fn json_mixed(it: Repository) -> Repository {
    simple(
        it,
        &[
            (
                "variables.tf.json",
                r#"{"variable": {"from_json": {"default": {"a": [true, null]}, "description": "JSON $${x}"}}}"#,
            ),
            (
                "variables.tf",
                "variable \"from_hcl\" {\n  default = 1\n}\n",
            ),
            (
                "array.tf.json",
                r#"[{"output": {"from_list": {"value": 1}}}]"#,
            ),
            (
                "override.tf.json",
                r#"{"variable": {"from_hcl": {"default": 2}}}"#,
            ),
        ],
    )
}

fn crlf(it: Repository) -> Repository {
    let text = "variable \"name\" {\n  type        = object({\n    a = string # first\n    b = optional(number, 1)\n  })\n  default     = {\n    a = \"x\"\n  }\n  description = <<EOT\nOne\n  two\nEOT\n}\n\n/* A comment\n   of two lines */ output \"o\" {\n  value = 1 // one\n}\n\nvariable \"indented\" {\n  default = <<-EOT\n    one\n      two\n  EOT\n}\n";
    let readme = "# Windows\n\nTwo lines\n";
    simple(
        it,
        &[
            ("variables.tf", &text.replace('\n', "\r\n")),
            ("README.md", &readme.replace('\n', "\r\n")),
        ],
    )
}

fn overrides(it: Repository) -> Repository {
    simple(
        it,
        &[
            (
                "variables.tf",
                "variable \"a\" {\n  type        = string\n  default     = \"a\"\n  description = \"First.\"\n}\n\nvariable \"b\" {\n  type = number\n}\n\nvariable \"c\" {\n  default   = \"c\"\n  sensitive = true\n}\n",
            ),
            (
                "outputs.tf",
                "output \"a\" {\n  value       = var.a\n  description = \"First.\"\n}\n",
            ),
            (
                "calls.tf",
                "module \"part\" {\n  source = \"./modules/one\"\n}\n",
            ),
            ("modules/one/main.tf", "output \"one\" {\n  value = 1\n}\n"),
            ("modules/two/main.tf", "output \"two\" {\n  value = 2\n}\n"),
            (
                "a_override.tf",
                "variable \"a\" {\n  default = \"from a_override\"\n}\n\nvariable \"b\" {\n  default = 1\n}\n\nmodule \"part\" {\n  source = \"./modules/two\"\n}\n",
            ),
            (
                "override.tf",
                "variable \"a\" {\n  default = \"from override\"\n}\n\noutput \"a\" {\n  description = \"Second.\"\n}\n\nresource \"terraform_data\" \"it\" {\n  input = \"overridden\"\n}\n",
            ),
            (
                "z_override.tf.json",
                r#"{"variable": {"c": {"description": "From JSON."}}}"#,
            ),
            (
                "nooverride.tf",
                "variable \"d\" {\n  default = \"no override\"\n}\n",
            ),
        ],
    )
}
