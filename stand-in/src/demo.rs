//! The sample modules of `make demo`. They use Terraform's built-in `terraform_data` alone, so `init` downloads no provider.

use std::io;
use std::path::{Path, PathBuf};

use crate::fixture::Repository;

/// Who owns the sample repositories.
pub const OWNER: &str = "acme";

const VERSIONS: &str = r#"terraform {
  required_version = ">= 1.4"
}
"#;

/// Writes three repositories under `directory/acme` and gives their git directories:
///
/// | repository | shows |
/// |---|---|
/// | `terraform-null-greeting` | `acme/greeting/null`, found by Terraform's naming convention |
/// | `vpc-demo` | `acme/vpc-demo/null`, found by its plain name, with the submodule `//modules/subnet` |
/// | `terraform-null-labels` | `acme/labels/null`, whose `versions.tf` is a symbolic link |
///
/// Each has the versions 1.0.0, 1.1.0 (an annotated tag) and 2.0.0-beta.1, and tags that are no versions.
pub fn write_repositories(directory: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(vec![
        greeting(directory)?,
        vpc(directory)?,
        labels(directory)?,
    ])
}

fn greeting(directory: &Path) -> io::Result<PathBuf> {
    let repository = Repository::new(directory, OWNER, "terraform-null-greeting")
        .file("README.md", "# greeting\n\nSays hello to `name`.\n")
        .file("versions.tf", VERSIONS)
        .file(
            "variables.tf",
            r#"variable "name" {
  description = "Who is greeted."
  type        = string
  default     = "world"
}
"#,
        )
        .file(
            "main.tf",
            r#"resource "terraform_data" "greeting" {
  input = "Hello, ${var.name}!"
}
"#,
        )
        .file(
            "outputs.tf",
            r#"output "greeting" {
  description = "The greeting."
  value       = terraform_data.greeting.output
}
"#,
        );
    let next = |repository: Repository| {
        repository.file(
            "main.tf",
            r#"resource "terraform_data" "greeting" {
  input = "Hello, ${title(var.name)}!"
}
"#,
        )
    };
    let beta = |repository: Repository| {
        repository.file(
            "main.tf",
            r#"resource "terraform_data" "greeting" {
  input = "Good day, ${title(var.name)}."
}
"#,
        )
    };
    versions(repository, next, beta).build()
}

fn vpc(directory: &Path) -> io::Result<PathBuf> {
    let repository = Repository::new(directory, OWNER, "vpc-demo")
        .file(
            "README.md",
            "# vpc-demo\n\nA network of subnets that exists in the state alone.\n",
        )
        .file("versions.tf", VERSIONS)
        .file(
            "main.tf",
            r#"variable "cidr" {
  description = "The network's addresses."
  type        = string
  default     = "10.0.0.0/16"
}

variable "subnets" {
  description = "How many subnets there are."
  type        = number
  default     = 2
}

module "subnet" {
  source = "./modules/subnet"
  count  = var.subnets

  cidr = cidrsubnet(var.cidr, 8, count.index)
}

output "subnets" {
  description = "The subnets' addresses."
  value       = module.subnet[*].cidr
}
"#,
        )
        .file("modules/subnet/versions.tf", VERSIONS)
        .file(
            "modules/subnet/main.tf",
            r#"variable "cidr" {
  description = "The subnet's addresses."
  type        = string
}

resource "terraform_data" "subnet" {
  input = var.cidr
}

output "cidr" {
  description = "The subnet's addresses."
  value       = terraform_data.subnet.output
}
"#,
        )
        .executable("scripts/plan.sh", "#!/bin/sh\nexec terraform plan \"$@\"\n");
    let next =
        |repository: Repository| repository.file("CHANGELOG.md", "# 1.1.0\n\nA changelog.\n");
    let beta =
        |repository: Repository| repository.file("CHANGELOG.md", "# 2.0.0-beta.1\n\n# 1.1.0\n");
    versions(repository, next, beta).build()
}

fn labels(directory: &Path) -> io::Result<PathBuf> {
    let repository = Repository::new(directory, OWNER, "terraform-null-labels")
        .file(
            "README.md",
            "# labels\n\nThe labels that everything here carries.\n",
        )
        .file("shared/versions.tf", VERSIONS)
        .symlink("versions.tf", "shared/versions.tf")
        .file(
            "main.tf",
            r#"variable "team" {
  description = "Who is asked first."
  type        = string
}

resource "terraform_data" "labels" {
  input = { team = var.team, managed_by = "terraform" }
}

output "labels" {
  description = "The labels."
  value       = terraform_data.labels.output
}
"#,
        );
    let next =
        |repository: Repository| repository.file("CHANGELOG.md", "# 1.1.0\n\nA changelog.\n");
    let beta =
        |repository: Repository| repository.file("CHANGELOG.md", "# 2.0.0-beta.1\n\n# 1.1.0\n");
    versions(repository, next, beta).build()
}

/// The tags that every sample has.
fn versions(
    first: Repository,
    next: impl FnOnce(Repository) -> Repository,
    beta: impl FnOnce(Repository) -> Repository,
) -> Repository {
    let first = first
        .commit("Add the module")
        .tag("v1.0.0")
        .tag("nightly")
        .tag("v1.0");
    let next = next(first)
        .commit("Improve the module")
        .annotated_tag("v1.1.0")
        .tag("latest");
    beta(next)
        .commit("Try something else")
        .tag("v2.0.0-beta.1")
        .tag("release-candidate")
}
