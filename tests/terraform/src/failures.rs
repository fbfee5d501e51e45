//! What has to fail: `init` says so with its exit code, and takes nothing for installed that did not arrive whole.

use landfall_stand_in::{Fault, FaultKind, Origin, StandIn, StandInConfig, Visibility};

use crate::Case;
use crate::client::{Client, Root};
use crate::modules::{LARGE, large, large_root, probe, probe_root, root_module};
use crate::world::{World, git};

/// Those of one client and one host.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = vec![
        Case::new("an_archive_that_breaks_off_anywhere_fails", |world| {
            truncated(world, |after| FaultKind::TruncateAbort { after });
        }),
        Case::new("an_archive_that_ends_early_anywhere_fails", |world| {
            truncated(world, |after| FaultKind::TruncateEnd { after });
        }),
        Case::new(
            "an_archive_whose_second_reading_breaks_off_fails",
            a_second_reading_that_breaks_off,
        ),
        Case::new(
            "an_archive_on_a_foreign_host_is_not_asked_for",
            a_foreign_host,
        ),
        Case::new("an_unknown_module_is_not_found", |world| {
            probe(world);
            let calls = [("probe", "acme/unknown/null", "1.0.0")];
            fails(world, &root_module(&calls), "Module not found");
        }),
        Case::new("a_repository_without_versions_is_not_found", |world| {
            let bare = world.repository("probe").file("main.tf", "");
            bare.commit("Begin").tag("nightly").build().unwrap();
            fails(world, &probe_root(), "Module not found");
        }),
        Case::new("an_unknown_version_is_not_found", |world| {
            probe(world);
            let calls = [("probe", "acme/probe/null", "1.0.1")];
            fails(
                world,
                &root_module(&calls),
                "Unresolvable module version constraint",
            );
        }),
        Case::new(
            "a_module_of_an_owner_who_is_not_allowed_is_not_found",
            an_owner_who_is_not_allowed,
        ),
    ];
    cases.extend(archives().map(|(name, fault, why)| {
        Case::new(name, move |world| {
            probe(world);
            order(world, fault);
            let root = fails(world, &probe_root(), why);
            assert!(archives_asked_for(world) > 0, "no archive was asked for");
            mended(world, &root, "probe");
        })
    }));
    cases.extend(apis().map(|(name, path, fault, why)| {
        Case::new(name, move |world| {
            probe(world);
            world.github.add_fault(Fault::api(path, fault));
            let root = fails(world, &probe_root(), why);
            mended(world, &root, "probe");
        })
    }));
    // What is mended has to work at once, and every archive has to come from GitHub.
    let forgetful = |case: Case| {
        case.with(&[
            ("archive_cache_bytes", "0"),
            ("cache_negative_seconds", "0"),
        ])
    };
    cases.into_iter().map(forgetful).collect()
}

/// By then Terraform has its 200, and some of the bytes.
pub(crate) fn a_large_archive_that_breaks_off(world: &World) {
    large(world);
    for fault in [
        FaultKind::TruncateAbort { after: LARGE / 2 },
        FaultKind::TruncateEnd { after: LARGE / 2 },
        FaultKind::TruncateAbort { after: LARGE },
        FaultKind::TruncateEnd { after: LARGE },
    ] {
        order(world, fault);
        let root = fails(world, &large_root(), "unexpected EOF");
        mended(world, &root, "large");
    }
}

/// What is wrong with the archive, and what `init` says.
fn archives() -> impl Iterator<Item = (&'static str, FaultKind, &'static str)> {
    let redirect = |location: &str| FaultKind::Redirect {
        location: location.to_owned(),
    };
    [
        ("an_archive_that_is_a_web_page_fails", FaultKind::Html, BAD),
        ("an_archive_that_is_empty_fails", FaultKind::EmptyBody, BAD),
        (
            "an_archive_that_is_no_zip_fails",
            FaultKind::Garbage { bytes: 100_000 },
            BAD,
        ),
        (
            "an_archive_that_is_longer_than_announced_fails",
            FaultKind::WrongContentLength { length: 500 },
            BAD,
        ),
        (
            "an_archive_of_a_name_for_two_commits_fails",
            FaultKind::MultipleChoices,
            BAD,
        ),
        (
            "an_archive_that_is_a_502_for_good_fails",
            FaultKind::BadGateway,
            UNAVAILABLE,
        ),
        (
            "an_archive_that_never_answers_fails",
            FaultKind::Drop,
            UNAVAILABLE,
        ),
        (
            "an_archive_that_leads_to_a_known_host_without_tls_fails",
            redirect("http://codeload.github.com/acme/probe/legacy.zip/v1.0.0"),
            BAD,
        ),
        (
            "an_archive_that_leads_to_a_foreign_address_without_tls_fails",
            redirect("http://192.0.2.1/acme/probe/legacy.zip/v1.0.0"),
            BAD,
        ),
        (
            "an_archive_that_leads_to_itself_fails",
            FaultKind::RedirectLoop,
            BAD,
        ),
    ]
    .into_iter()
}

/// What is wrong with which of the API's answers, and what `init` says.
fn apis() -> impl Iterator<Item = (&'static str, &'static str, FaultKind, &'static str)> {
    let retried = "the request failed after 2 attempts";
    [
        (
            "a_github_that_is_down_fails",
            "*",
            FaultKind::ServiceUnavailable,
            retried,
        ),
        (
            "a_github_that_answers_nothing_fails",
            "*",
            FaultKind::Drop,
            retried,
        ),
        (
            "a_github_that_answers_web_pages_fails",
            "*",
            FaultKind::Html,
            retried,
        ),
        (
            "a_credential_that_github_refuses_fails",
            "*",
            FaultKind::BadCredentials,
            retried,
        ),
        (
            "a_github_that_goes_down_before_the_archive_fails",
            "*/zipball/*",
            FaultKind::ServerError,
            UNAVAILABLE,
        ),
    ]
    .into_iter()
}

/// GitHub is to blame, and asking again does not help.
const BAD: &str = "bad response code: 502";
/// GitHub cannot be reached.
const UNAVAILABLE: &str = "bad response code: 503";

/// `init` fails and says why; nothing is installed as far as Terraform knows.
#[track_caller]
fn fails(world: &World, main: &str, why: &str) -> Root {
    let root = world.root(Client::Terraform, main);
    root.init().fails_with(why);
    for call in ["probe", "large"] {
        assert_eq!(root.accepted(call), None);
    }
    root.validate().fails_with("Module not installed");
    root
}

/// Once the faults are over the same root installs its module: they, and nothing else, were the reason, and nothing of
/// them is left.
#[track_caller]
fn mended(world: &World, root: &Root, module: &str) {
    world.github.clear_faults();
    root.init().succeeds();
    root.validate().succeeds();
    root.installed(module)
        .is_that_of(&world.committed(module, "v1.0.0"));
}

/// Spoils every archive from now on.
fn order(world: &World, fault: FaultKind) {
    world.github.clear_faults();
    world.github.add_fault(Fault {
        times: None,
        ..Fault::next_archive(fault)
    });
}

fn archives_asked_for(world: &World) -> usize {
    let log = world.github.log();
    log.iter()
        .filter(|entry| entry.origin == Origin::Archive)
        .count()
}

fn truncated(world: &World, fault: impl Fn(u64) -> FaultKind) {
    probe(world);
    let commit = world.commit("probe", "v1.0.0");
    let prefix = format!("--prefix=acme-probe-{}/", &commit[..7]);
    let archive = git(
        &world.git_dir("probe"),
        &["archive", "--format=zip", &prefix, &commit],
    );
    let length = archive.len() as u64;
    // In the first header, in a file's data, in the middle, in the directory at the end, in the comment, one byte short.
    for after in [
        0,
        1,
        29,
        100,
        length / 2,
        length - 100,
        length - 30,
        length - 1,
    ] {
        order(world, fault(after));
        let root = fails(world, &probe_root(), "bad response code: 50");
        mended(world, &root, "probe");
    }
}

/// The link in `acme/large` stands for a file that has gone by when the link is met.
fn a_second_reading_that_breaks_off(world: &World) {
    large(world);
    for fault in [
        Fault::next_archive(FaultKind::ContentLength),
        Fault::next_archive(FaultKind::TruncateAbort { after: LARGE / 2 }),
    ] {
        world.github.add_fault(fault);
    }
    let root = fails(world, &large_root(), "unexpected EOF");
    assert_eq!(archives_asked_for(world), 2);
    mended(world, &root, "large");
}

/// The foreign host has the very archive, and would give it to anyone.
fn a_foreign_host(world: &World) {
    probe(world);
    let foreign = StandIn::start(StandInConfig::default()).unwrap();
    foreign.add_repository("acme", "probe", Visibility::Public, world.git_dir("probe"));
    let location = format!(
        "http://{}/acme/probe/legacy.zip/{}",
        foreign.archive_origin(),
        world.commit("probe", "v1.0.0")
    );
    let redirect = FaultKind::Redirect { location };
    for fault in [
        Fault::api("*/zipball/*", redirect.clone()),
        Fault {
            times: None,
            ..Fault::next_archive(redirect)
        },
    ] {
        world.github.clear_faults();
        world.github.add_fault(fault);
        let root = fails(world, &probe_root(), BAD);
        assert_eq!(foreign.log(), []);
        mended(world, &root, "probe");
    }
}

/// The App could read the module.
fn an_owner_who_is_not_allowed(world: &World) {
    let module = world.repository_of("widgets", "probe").file("main.tf", "");
    module.commit("Begin").tag("v1.0.0").build().unwrap();
    let calls = [("probe", "widgets/probe/null", "1.0.0")];
    fails(world, &root_module(&calls), "Module not found");
    assert_eq!(world.github.log(), []);
}
