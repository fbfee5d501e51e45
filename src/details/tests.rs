//! What is read from files of many shapes.

use serde_json::{Value, json};

use super::*;

mod limits;

fn file(path: &str, content: impl AsRef<[u8]>) -> File {
    File {
        path: path.to_owned(),
        content: Some(content.as_ref().to_vec()),
    }
}

fn module(files: &[(&str, &str)]) -> Details {
    let files: Vec<File> = files.iter().map(|it| file(it.0, it.1)).collect();
    read("", &files)
}

/// The only part of a module of one file, which has nothing wrong.
fn part(source: &str) -> Part {
    let details = module(&[("main.tf", source)]);
    assert_eq!(details.problems, [""; 0], "{source}");
    details.root
}

fn input(argument: &str) -> Input {
    part(&format!("variable \"x\" {{\n{argument}\n}}\n")).inputs[0].clone()
}

#[test]
fn a_default_is_its_json_or_else_its_source() {
    for (source, default) in [
        ("\"eu\"", r#""eu""#),
        ("\"\"", r#""""#),
        ("null", "null"),
        ("true", "true"),
        ("{}", "{}"),
        ("[]", "[]"),
        ("0", "0"),
        ("-12", "-12"),
        ("- 1", "-1"),
        ("1.5", "1.5"),
        ("1.50", "1.5"),
        ("1.0", "1"),
        ("-0.25", "-0.25"),
        ("1e3", "1000"),
        ("18446744073709551615", "18446744073709551615"),
        ("(1)", "1"),
        ("[1, \"a\", true, null,]", r#"[1,"a",true,null]"#),
        ("[\n1, # one\n\n2 // two\n,]", "[1,2]"),
        ("{ b = 1, a = [{}] }", r#"{"a":[{}],"b":1}"#),
        (
            "{\n  \"b c\" = 1\n  a : {\n    /* c */ d = -1\n  }\n}",
            r#"{"a":{"d":-1},"b c":1}"#,
        ),
        (
            "{ 1 = 2, true = 3, (\"k\") = 4 }",
            r#"{"1":2,"k":4,"true":3}"#,
        ),
        (
            r#""a\tb\"c\\d\u00e9 $${x} %%{y}""#,
            r#""a\tb\"c\\dé ${x} %{y}""#,
        ),
        ("<<EOT\n a\n  b\nEOT", r#"" a\n  b\n""#),
        (
            "<<-EOT\n    a\n      b \"c\" # d {\n    EOT",
            r#""a\n  b \"c\" # d {\n""#,
        ),
        ("<<EOT\r\na\r\nEOT\r", r#""a\r\n""#),
        ("[<<A\nx\nA\n, 1]", r#"["x\n",1]"#),
        ("\"${1}\"", "1"),
        ("\"a${\"b\"}${1}\"", "\"ab1\""),
        ("\"a ${~1~} b\"", "\"a ${~1~} b\""),
        ("\"${[]}a\"", "\"${[]}a\""),
        ("\"%{if true}a%{endif}\"", "\"%{if true}a%{endif}\""),
        // Terraform refuses these as defaults; what is written is shown.
        ("tolist([1,2])", "tolist([1, 2])"),
        ("var.a == 1 ? {a=1}:{}", "var.a == 1 ? { a = 1 }:{}"),
        ("\"${var.a}-b\"", "\"${var.a}-b\""),
        (
            "[for x in [1] :\n  x if x != 2]",
            "[for x in [1] : x if x != 2]",
        ),
        (
            "{ for k, v in {} :\n k => v }",
            "{ for k, v in {} : k => v }",
        ),
        ("1 + 2", "1 + 2"),
        ("a >= b", "a >= b"),
    ] {
        let input = input(&format!("  default = {source}"));
        assert_eq!(input.default, default, "{source}");
        assert!(!input.required, "{source}");
    }
    let required = input("type = any");
    assert_eq!((required.required, &*required.default), (true, ""));
}

#[test]
fn a_type_is_its_source_on_one_line() {
    for (source, type_) in [
        ("string", "string"),
        ("any", "any"),
        ("\"string\"", "string"),
        ("\"list\"", "list"),
        ("\"map\"", "map"),
        ("list( string )", "list(string)"),
        ("map(any) # comment", "map(any)"),
        (
            "tuple([string,\n    number,\n  ])",
            "tuple([string, number])",
        ),
        (
            "object({\n    name   = string # its name\n\n    // nothing\n    tags=optional(map(string), {})\n    size = optional(number,-1)\n  })",
            "object({ name = string, tags = optional(map(string), {}), size = optional(number,-1) }",
        ),
        (
            "list(object({a=string,b=list(object({c=number}))}))",
            "list(object({ a = string, b = list(object({ c = number })) }))",
        ),
        (
            "object({\r\n  a = optional(string, \"x = {\\\"\")\r\n  /* two\r\n lines */ b = bool,\r\n})",
            r#"object({ a = optional(string, "x = {\""), b = bool })"#,
        ),
        ("object({})", "object({})"),
    ] {
        let type_ = type_.replace("optional(number,-1) }", "optional(number, -1) })");
        assert_eq!(input(&format!("type = {source}")).type_, type_, "{source}");
    }
    assert_eq!(input("").type_, "");
}

#[test]
fn a_variable_has_what_its_author_says() {
    for (source, description) in [
        ("\"It \\\"is\\\".\"", "It \"is\"."),
        (
            "<<EOT\nOne.\n  Two: `x = \"{\"`.\nEOT",
            "One.\n  Two: `x = \"{\"`.\n",
        ),
        ("<<-EOT\n    One.\n      Two.\n  EOT", "One.\n  Two.\n"),
        ("<<-EOF\n\tOne.\n\n\tTwo.\n\tEOF", "One.\n\nTwo.\n"),
        (
            "<<-EOF\r\n    One.\r\n  \r\n      Two.\r\n  EOF\r",
            "One.\r\n  \r\n  Two.\r\n",
        ),
        ("\"# no comment // at /* all\"", "# no comment // at /* all"),
        ("\"\u{fc}\u{1f980}\"", "\u{fc}\u{1f980}"),
    ] {
        let input = input(&format!("description = {source}"));
        assert_eq!(input.description, description, "{source}");
    }
    let all = input(
        "type = string\nsensitive = true\nnullable = false\nephemeral = true\ndeprecated = \"no\"\nvalidation {\n  condition = length(var.x) > 0 && can(regex(\"^[a-z{]+$\", var.x))\n  error_message = \"No ${var.x}.\"\n}",
    );
    assert!(all.sensitive && all.required);
    assert!(!input("sensitive = false").sensitive);
    assert!(input("sensitive = \"true\"").sensitive);
}

#[test]
fn a_module_is_what_its_blocks_declare() {
    let part = part(MODULE);
    let value = serde_json::to_value(&part).unwrap();
    let input = |name: &str, type_: &str| json!({"name": name, "type": type_, "description": "", "default": "", "required": true, "sensitive": false});
    let provider = |name: &str, source: &str, version: &str| json!({"name": name, "namespace": source.rsplit('/').nth(1), "source": source, "version": version});
    assert_eq!(
        value,
        json!({
            "path": "", "name": "", "readme": "", "empty": false,
            "inputs": [input("a", ""), input("b", "string")],
            "outputs": [
                {"name": "y", "description": "", "sensitive": false},
                {"name": "z", "description": "Last", "sensitive": true},
            ],
            "dependencies": [
                {"name": "git", "source": "git::https://example.com/x.git//y?ref=v1", "version": ""},
                {"name": "labels", "source": "cloudposse/label/null", "version": "0.25.0"},
                {"name": "subnets", "source": "./modules/subnet", "version": ""},
            ],
            "provider_dependencies": [
                provider("aws", "hashicorp/aws", ">= 4.0, < 6.0"),
                provider("google", "hashicorp/google", "~> 5.0"),
                provider("http", "hashicorp/http", ""),
                provider("mine", "registry.example.com/acme/mine", ""),
                provider("null", "hashicorp/null", ""),
                provider("old", "acme/old", "1.0"),
                provider("random", "hashicorp/random", "~> 3.0"),
                provider("tls2", "hashicorp/tls2", ""),
            ],
            "resources": [
                {"name": "this", "type": "aws_vpc"},
                {"name": "a", "type": "random_pet"},
                {"name": "t", "type": "terraform_data"},
                {"name": "quoted", "type": "tls_key"},
            ],
        })
    );
    // Carriage returns and a byte order mark change nothing.
    let windows = format!("\u{feff}{}", MODULE.replace('\n', "\r\n"));
    assert_eq!(self::part(&windows), part);
}

#[test]
fn json_says_the_same_in_every_form() {
    let forms = [
        r#"{"//": "c", "variable": {"//": "c", "x": {"type": "list(object({a=string}))", "description": "X ${y}", "default": [{"a": "b"}], "sensitive": true, "//": 1}},
            "output": {"o": {"value": "${var.x}"}}, "module": {"m": {"source": "./m"}}, "locals": {"a": 1},
            "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "1"}, "b": "2"}},
            "resource": {"aws_vpc": {"v": {"provider": "aws.x"}}, "c_d": {"e": {}}}, "data": {"f_g": {"h": {}}}}"#,
        r#"[{"variable": [{"x": [{"type": "list(object({a=string}))", "description": "X ${y}", "default": [{"a": "b"}], "sensitive": true}]}]},
            {"output": [{"o": {"value": "${var.x}"}}], "module": [{"m": {"source": "./m"}}], "output": null},
            {"terraform": [{"required_providers": [{"aws": {"source": "hashicorp/aws", "version": "1"}}, {"b": "2"}]}]},
            {"resource": [{"aws_vpc": [{"v": {"provider": "aws.x"}}]}, {"c_d": {"e": [{}]}}], "data": [{"f_g": {"h": {}}}]}]"#,
        r#"{"variable": {"x": {"type": "list(object({a=string}))", "description": "X ${y}", "default": [{"a": "b"}], "sensitive": true}},
            "output": {"o": {}}, "module": {"m": {"source": "./m"}}, "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "1"}}},
            "terraform": {"required_providers": {"b": "2"}}, "resource": {"c_d": {"e": {}}}, "resource": {"aws_vpc": {"v": {"provider": "aws.x"}}},
            "data": {"f_g": {"h": {}}}}"#,
    ];
    let expected = part(
        r#"
        variable "x" {
          type        = list(object({ a = string }))
          description = "X $${y}"
          default     = [{ a = "b" }]
          sensitive   = true
        }
        output "o" {}
        module "m" { source = "./m" }
        terraform {
          required_providers {
            aws = { source = "hashicorp/aws", version = "1" }
            b   = "2"
          }
        }
        resource "aws_vpc" "v" { provider = aws.x }
        resource "c_d" "e" {}
        data "f_g" "h" {}
        "#,
    );
    for form in forms {
        let details = module(&[("main.tf.json", form)]);
        assert_eq!(details.problems, [""; 0], "{form}");
        assert_eq!(details.root, expected, "{form}");
    }
}

#[test]
fn broken_json_is_said_and_other_files_are_read() {
    for (json, problem) in [
        (
            "{\n  \"variable\": }",
            "a.tf.json: line 2: expected value; the file is not read",
        ),
        (
            "",
            "a.tf.json: line 1: EOF while parsing a value; the file is not read",
        ),
        (
            "3",
            "a.tf.json: `the file` is neither an object nor a list of objects",
        ),
        (
            "{\"variable\": {\"x\": 3}}",
            "a.tf.json: `variable` is neither an object nor a list of objects",
        ),
        (
            "{\"variable\": {\"x\": [[]]}}",
            "a.tf.json: `variable` is neither an object nor a list of objects",
        ),
        (
            "{\"resource\": {\"x\": 3}}",
            "a.tf.json: `resource` is neither an object nor a list of objects",
        ),
        (
            "{\"terraform\": {\"required_providers\": 1}}",
            "a.tf.json: `required_providers` is neither an object nor a list of objects",
        ),
        (
            "{\"output\": {\"x\": {\"description\": []}}}",
            "a.tf.json: `description` is not understood",
        ),
        (
            &"[".repeat(200),
            "a.tf.json: line 1: recursion limit exceeded; the file is not read",
        ),
    ] {
        let details = module(&[("a.tf.json", json), ("b.tf", "variable \"b\" {}")]);
        assert_eq!(details.problems, [problem], "{json}");
        assert_eq!(details.root.inputs.len(), 1, "{json}");
    }
}

#[test]
fn what_is_broken_is_said_and_the_rest_is_read() {
    for (source, problems, inputs) in [
        (
            "variable \"a\" {\n  type = list(string\n}\n\nvariable \"b\" {\n}\n",
            vec!["line 3: a bracket closes that is not open"],
            "a b",
        ),
        (
            "variable \"a\" {\n  type = string\n\n\nvariable \"b\" {\n  default = 1\n}\n",
            vec!["line 1: the `{` is not closed"],
            "a b",
        ),
        (
            "variable \"a\" {\n  description = \"x\n  type = string\n}\nvariable \"b\" {}",
            vec!["line 2: the string has no end on its line"],
            "a b",
        ),
        (
            "variable \"a\" {\n  description = <<EOT\nx\n}\nvariable \"b\" {}",
            vec!["line 2: the heredoc has no end"],
            "a b",
        ),
        (
            "variable \"a\" {}\n}\nvariable \"b\" {}",
            vec!["line 2: neither an argument nor a block begins here"],
            "a b",
        ),
        (
            "variable \"a\" {}\n/* x\nvariable \"b\" {}",
            vec!["line 2: the comment has no end"],
            "a b",
        ),
        (
            "variable \"a\" {} variable \"b\" {}\nvariable \"c\" {}",
            vec!["line 1: the line should end here"],
            "a c",
        ),
        (
            "<<<<<<< HEAD\nvariable \"a\" {}\n=======\nvariable \"b\" {}\n>>>>>>> x\n",
            vec![
                "line 1: neither an argument nor a block begins here",
                "line 3: neither an argument nor a block begins here",
                "line 5: neither an argument nor a block begins here",
            ],
            "a b",
        ),
        (
            "variable \"a\" {\n  type string\n  default = \n  * = 1\n  sensitive = true\n}",
            vec![
                "line 2: neither `=` nor `{` is here",
                "line 3: the value is missing",
                "line 4: neither an argument nor a block begins here",
            ],
            "a",
        ),
        (
            "variable {}\nvariable \"a\" \"b\" {}\nvariable \"c\" {}",
            vec![
                "line 1: a `variable` has another number of labels",
                "line 2: a `variable` has another number of labels",
            ],
            "c",
        ),
        (
            "variable \"a\"\nvariable \"b\" {}",
            vec!["line 1: neither `=` nor `{` is here"],
            "b",
        ),
        (
            "variable \"a\" {\n  description = var.x\n  sensitive = [1]\n}",
            vec![
                "line 2: `description` is not understood",
                "line 3: `sensitive` is not understood",
            ],
            "a",
        ),
        (
            "variable \"a\" { default = 1 }\nvariable \"a\" { default = 2 }",
            vec!["line 2: variable `a` is declared before; that one stays"],
            "a",
        ),
        (
            "terraform {\n  required_providers {\n    aws = var.x\n  }\n}",
            vec!["line 3: the provider `aws` is not understood"],
            "",
        ),
    ] {
        let details = module(&[("main.tf", source), ("z.tf", "output \"z\" {}")]);
        let problems: Vec<String> = problems.iter().map(|it| format!("main.tf: {it}")).collect();
        let names: Vec<&str> = details.root.inputs.iter().map(|it| &*it.name).collect();
        assert_eq!(names.join(" "), inputs, "{source}\n{:?}", details.problems);
        assert_eq!(details.problems, problems, "{source}");
        assert_eq!(details.root.outputs.len(), 1);
    }
}

#[test]
fn what_stands_before_a_fault_in_a_block_is_known() {
    let details = module(&[(
        "main.tf",
        "variable \"a\" {\n  type = string\n  default = \"x\"\n  description = \"y\n}\n",
    )]);
    let input = &details.root.inputs[0];
    assert_eq!((&*input.type_, &*input.default), ("string", "\"x\""));
}

#[test]
fn overrides_change_what_the_others_declare() {
    let details = module(&[
        (
            "a_override.tf",
            "variable \"x\" {\n default = 2\n}\noutput \"o\" { description = \"new\" }\nmodule \"m\" { version = \"2\" }\nvariable \"new\" {}",
        ),
        (
            "override.tf.json",
            r#"{"variable": {"x": {"description": "json", "sensitive": true}}}"#,
        ),
        (
            "main.tf",
            "variable \"x\" {\n type = number\n default = 1\n description = \"d\"\n}\noutput \"o\" { sensitive = true }\nmodule \"m\" {\n source = \"a/b/c\"\n version = \"1\"\n}\nresource \"aws_a\" \"b\" {}\nterraform {\n required_providers {\n aws = { source = \"x/aws\", version = \"1\" }\n }\n}",
        ),
        (
            "override.tf",
            "resource \"aws_a\" \"b\" { x = 1 }\nterraform {\n required_providers {\n aws = { source = \"y/aws\", version = \"2\" }\n }\n}",
        ),
    ]);
    assert_eq!(
        details.problems,
        ["a_override.tf: line 6: variable `new` overrides none"]
    );
    let root = details.root;
    let x = &root.inputs[1];
    assert_eq!(
        (&*x.type_, &*x.default, &*x.description, x.sensitive),
        ("number", "2", "json", true)
    );
    assert_eq!(root.outputs[0].description, "new");
    assert!(root.outputs[0].sensitive);
    assert_eq!(
        (
            &*root.dependencies[0].source,
            &*root.dependencies[0].version
        ),
        ("a/b/c", "2")
    );
    assert_eq!(root.provider_dependencies.len(), 1);
    assert_eq!(
        (
            &*root.provider_dependencies[0].source,
            &*root.provider_dependencies[0].version
        ),
        ("y/aws", "2")
    );
    assert_eq!(root.resources.len(), 1);
}

#[test]
fn files_are_wanted_where_they_tell_something() {
    for (base, path, expected) in [
        ("", "main.tf", true),
        ("", "main.tf.json", true),
        ("", ".tf", false),
        ("", ".main.tf", false),
        ("", "#main.tf#", false),
        ("", "main.tf~", false),
        ("", "main.tfvars", false),
        ("", "README.md", true),
        ("", "readme.RST", true),
        ("", "READM\u{c9}", false),
        ("", "NOTES.md", false),
        ("", "modules/a/main.tf", true),
        ("", "modules/a/README", true),
        ("", "modules/a/b/main.tf", false),
        ("", "modules/main.tf", false),
        ("", "modules/README.md", false),
        ("", "modules//main.tf", false),
        ("", "modules/../main.tf", false),
        ("", "examples/a/main.tf", true),
        ("", "tests/a/main.tf", false),
        ("", "/main.tf", false),
        ("m/x", "m/x/main.tf", true),
        ("m/x", "m/x/modules/a/main.tf", true),
        ("m/x", "m/xy/main.tf", false),
        ("m/x", "m/x", false),
        ("m/x", "main.tf", false),
    ] {
        assert_eq!(is_wanted(base, path.as_bytes()), expected, "{base} {path}");
    }
    assert!(is_wanted("", b"\xff.tf"));
    assert!(!is_wanted("", b"\xff.txt"));
}

#[test]
fn parts_are_the_folders_of_a_module() {
    let details = module(&[
        ("README", "no"),
        ("readme.txt", "no"),
        ("README.md", "# It"),
        ("modules/b/main.tf", "variable \"x\" {}"),
        ("modules/a/Readme.MD", "a"),
        ("examples/full/main.tf", ""),
        ("LICENSE", "variable \"x\" {"),
    ]);
    assert_eq!(details.problems, [""; 0]);
    assert_eq!((&*details.root.readme, details.root.empty), ("# It", true));
    let of = |part: &Part| (part.path.clone(), part.name.clone(), part.empty);
    assert_eq!(
        details.submodules.iter().map(of).collect::<Vec<_>>(),
        [
            ("modules/a".into(), "a".into(), true),
            ("modules/b".into(), "b".into(), false)
        ]
    );
    assert_eq!(
        details.examples.iter().map(of).collect::<Vec<_>>(),
        [("examples/full".into(), "full".into(), false)]
    );
    assert_eq!(
        read("", &[]),
        Details {
            root: Part {
                empty: true,
                ..Part::default()
            },
            ..Details::default()
        }
    );
    let inner = read(
        "m/x",
        &[
            file("m/x/main.tf", "variable \"x\" {}"),
            file("main.tf", "variable \"y\" {}"),
        ],
    );
    assert_eq!(inner.root.inputs.len(), 1);
    assert_eq!(inner.root.inputs[0].name, "x");
}

#[test]
fn sources_that_leave_the_served_folder_are_said() {
    for (base, path, source, leaves) in [
        ("", "main.tf", "./modules/x", false),
        ("", "main.tf", "../shared", true),
        ("", "main.tf", "./a/../../b", true),
        ("", "main.tf", "./a/../b", false),
        ("", "main.tf", "..", true),
        ("", "main.tf", "git::https://x/../../y", false),
        ("", "modules/x/main.tf", "../../", false),
        ("", "modules/x/main.tf", "../y", false),
        ("", "modules/x/main.tf", "../../../shared", true),
        ("m/x", "m/x/main.tf", "../shared", false),
        ("m/x", "m/x/main.tf", "../../../shared", true),
        ("m/x", "m/x/examples/a/main.tf", "../../../../shared", false),
    ] {
        let call = format!("module \"m\" {{ source = \"{source}\" }}");
        let details = read(base, &[file(path, call)]);
        let name = path.strip_prefix("m/x/").unwrap_or(path);
        let problem = format!("{name}: `source = \"{source}\"` leads out of the module's folder");
        let expected = if leaves { vec![problem] } else { vec![] };
        assert_eq!(details.problems, expected, "{base} {path} {source}");
    }
}

#[test]
fn the_store_and_clients_get_the_same() {
    let details = module(&[
        (
            "main.tf",
            "variable \"x\" {\n default = {}\n}\nresource \"a_b\" \"c\" {}\n}",
        ),
        ("modules/m/main.tf", "output \"o\" { sensitive = true }"),
    ]);
    let bytes = postcard::to_stdvec(&details).unwrap();
    assert_eq!(postcard::from_bytes::<Details>(&bytes).unwrap(), details);
    let text = serde_json::to_string(&details).unwrap();
    assert_eq!(serde_json::from_str::<Details>(&text).unwrap(), details);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["root"]["inputs"][0]["default"], "{}");
}

const MODULE: &str = r#"
# A module { of every kind.
/* variable "no" {} */
terraform {
  required_version = ">= 1.0"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 4.0, < 6.0"
      configuration_aliases = [ aws.east, aws.west ]
    }
    random = "~> 3.0"
    mine = { source = "registry.example.com/acme/mine" }
    old  = { source = "registry.terraform.io/acme/old", version = "1.0" }
    null = { source = "null" }
    terraform = { source = "terraform.io/builtin/terraform" }
  }
  backend "s3" {}
  cloud { organization = "x" }
}
provider "google" {
  alias   = "eu"
  version = "~> 5.0"
}
provider "aws" { region = "eu-west-1" }
locals { a = { b = "}" } }
variable "b" { type = string }
variable a {}
output "z" {
  value       = "${jsonencode({ "a" = "${var.a}" })}"
  description = "Last"
  sensitive   = true
  depends_on  = [aws_vpc.this]
}
output "y" { value = 1 }
module "subnets" {
  source   = "./modules/subnet"
  for_each = toset(["a"])
  providers = { aws = aws.east }
}
module "labels" {
  source  = "cloudposse/label/null"
  version = "0.25.0"
  count   = 2
}
module "git" { source = "git::https://example.com/x.git//y?ref=v1" }
resource "aws_vpc" "this" {
  provider = aws.east
  tags     = merge({ "a" : 1 }, { for k, v in {} : k => v })
  dynamic "x" {
    for_each = []
    content { y = <<-EOT
      resource "no" "no" {
      EOT
    }
  }
  lifecycle { prevent_destroy = true }
}
resource "random_pet" "a" {}
resource "terraform_data" "t" { provisioner "local-exec" { command = "echo }" } }
resource "tls_key" "quoted" { provider = "tls2.x" }
data "http" "x" { url = "https://example.com" }
data "terraform_remote_state" "s" { backend = "local" }
ephemeral "vault_secret" "e" {}
moved {
  from = a.b
  to   = a.c
}
import {
  to = a.b
  id = "x"
}
removed {
  from = a.b
  lifecycle { destroy = false }
}
check "c" {
  assert {
    condition     = true
    error_message = "x"
  }
}
"#;
