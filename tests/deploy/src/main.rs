//! What `deploy/` has, against the published schemas and the programs that read it, and what a release is made with. Nothing here uses
//! the network.
//!
//! | file | noun |
//! |---|---|
//! | `documents.rs` | the YAML of `deploy/`, and resources of Kubernetes in it |
//! | `schema.rs` | what a resource may have: SpinKube's published definitions, and Kubernetes' own types |
//! | `references.rs` | what resources say of each other, and of `spin.toml` |
//! | `settings.rs` | variables, as the component reads them |
//! | `kustomize.rs` | an overlay: what it generates, and what `kubectl kustomize` makes of it |
//! | `mistakes.rs` | mistakes that have to be found |
//! | `programs.rs` | which programs there are |
//! | `release.rs` | versions, and the workflows that make a release |
//! | `compose.rs`, `systemd.rs`, `fermyon.rs` | the other directories |
//!
//! A trial whose program is not on the PATH is ignored, and says which is missing:
//!
//! ```text
//! test [no `kubectl` on the PATH] kustomize_builds_every_overlay ... ignored
//! ```

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a trial fails by panicking, as a test does; clippy.toml knows tests by an attribute that these lack"
)]

mod compose;
mod documents;
mod fermyon;
mod kustomize;
mod mistakes;
mod programs;
mod references;
mod release;
mod schema;
mod settings;
mod systemd;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::programs::Program;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("all_yaml_is_well_formed", None, documents::are_well_formed),
        trial(
            "every_resource_fits_its_schema",
            None,
            kustomize::resources_fit,
        ),
        trial(
            "every_reference_leads_somewhere",
            None,
            kustomize::references_lead,
        ),
        trial("every_mistake_is_found", None, mistakes::are_found),
        trial(
            "the_readme_makes_every_secret",
            None,
            kustomize::secrets_are_made,
        ),
        trial(
            "an_overlay_configures_landfall",
            None,
            kustomize::settings_are_sound,
        ),
        trial(
            "fermyon_settings_keep_within_its_limits",
            None,
            fermyon::settings_fit,
        ),
        trial(
            "compose_files_hold_no_secret_and_no_right",
            None,
            compose::files_are_sound,
        ),
        trial("every_version_is_the_same", None, release::versions_agree),
        trial(
            "the_documented_layout_is_the_stores",
            None,
            release::layout_is_the_documented_one,
        ),
        trial(
            "workflows_are_pinned_and_may_only_read",
            None,
            release::workflows_are_pinned,
        ),
        trial(
            "release_scripts_are_well_formed",
            None,
            release::scripts_are_well_formed,
        ),
        trial(
            "kustomize_builds_every_overlay",
            Some(Program::Kubectl),
            kustomize::overlays_build,
        ),
        trial(
            "systemd_finds_nothing_wrong_in_the_unit",
            Some(Program::SystemdAnalyze),
            systemd::unit_is_sound,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, program: Option<Program>, run: fn()) -> Trial {
    let missing = program
        .filter(|program| !program.is_on_path())
        .map(|program| format!("no `{}` on the PATH", program.name()));
    Trial::test(name, move || {
        run();
        Ok(())
    })
    .with_ignored_flag(missing.is_some())
    .with_kind(missing.unwrap_or_default())
}

/// Fails with everything that is wrong, one line each.
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}
