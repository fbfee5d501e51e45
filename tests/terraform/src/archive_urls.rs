//! What an archive's URL proves, how long it does, and how often it is used.

use serde_json::Value;

use crate::Case;
use crate::client::Client;
use crate::credentials::{NARROW_TOKEN, TOKEN, TOKENS, installs_probe};
use crate::embedded::Embedded;
use crate::http::{self, Answer, bearer};
use crate::modules::{module, probe, probe_root, root_module};
use crate::world::{Settings, World};

/// Those of one artifact.
pub(crate) fn all() -> Vec<Case<Embedded>> {
    const DIRECT: Settings = &[
        ("anonymous_read", "false"),
        ("tokens", TOKENS),
        ("direct_download", "true"),
    ];
    const SIGNED: Settings = &[
        ("anonymous_read", "false"),
        ("tokens", TOKENS),
        ("url_signing_key", FIRST_KEY),
    ];
    vec![
        Case::new("ten_submodules_cost_one_archive", ten_submodules).with(SIGNED),
        Case::new("a_location_is_the_same_for_a_quarter_of_an_hour", a_quarter).with(SIGNED),
        Case::new("opentofu_downloads_with_its_token_when_told_to", direct).with(DIRECT),
        Case::new("an_archive_url_expires", expired).with(SIGNED),
        Case::new("an_archive_url_is_good_for_one_archive", altered).with(SIGNED),
        Case::new(
            "an_archive_url_is_good_as_long_as_what_it_was_made_by",
            changed,
        )
        .with(SIGNED),
    ]
}

/// The path of the archive of `acme/probe`, without and with a ticket.
#[track_caller]
pub(crate) fn path_of_probe(world: &World<Embedded>, token: &str) -> (String, String) {
    let location = location(&download(world, token, &[]));
    let signed = location.strip_prefix(&format!("http://{}", world.address));
    let signed = signed.unwrap().to_owned();
    let (path, _) = signed.rsplit_once('/').unwrap();
    (format!("{path}.zip"), signed)
}

/// A root that calls an archive by its URL.
pub(crate) fn archive_root(url: &str) -> String {
    format!("module \"probe\" {{\n  source = \"{url}\"\n}}\n")
}

/// Where the archive of `acme/probe` is, for someone with a token.
fn download(world: &World<Embedded>, token: &str, headers: &[(&str, &str)]) -> Answer {
    let (name, value) = bearer(token);
    let headers = [headers, &[(name, &value)]].concat();
    let path = "/v1/modules/acme/probe/null/1.0.0/download";
    http::get_with(&world.address, path, &headers)
}

#[track_caller]
fn location(answer: &Answer) -> String {
    assert!(matches!(answer.status, 200 | 204), "{answer:?}");
    answer.header("X-Terraform-Get").unwrap().to_owned()
}

/// Terraform asks for the location once, and takes one location for one download.
fn ten_submodules(world: &World<Embedded>) {
    let mut repository = world.repository("x");
    let names: Vec<String> = (1..=10).map(|number| format!("m{number}")).collect();
    for name in &names {
        repository = repository.file(&format!("modules/{name}/main.tf"), module(name));
    }
    repository.commit("Add them").tag("v1.0.0").build().unwrap();
    let sources: Vec<String> = names
        .iter()
        .map(|name| format!("acme/x/aws//modules/{name}"))
        .collect();
    let calls: Vec<_> = names
        .iter()
        .zip(&sources)
        .map(|(name, source)| (&**name, &**source, "1.0.0"))
        .collect();
    world.begin_quarter();
    let root = world.root(Client::Terraform, &root_module(&calls));
    let root = root.with_token(TOKEN);
    root.init().succeeds();
    let committed = world.committed("x", "v1.0.0");
    for name in &names {
        root.installed(name).is_that_of(&committed);
    }
    let archives = world.registry.requests("archive");
    let methods: Vec<_> = archives.iter().map(|line| &line["method"]).collect();
    assert_eq!(methods, ["HEAD", "GET"]);
    assert_eq!(world.registry.requests("download").len(), 1);
    assert_eq!(world.github.counts().archives, 1);
}

/// OpenTofu asks for the location of each submodule, and takes one location for one download.
fn a_quarter(world: &World<Embedded>) {
    probe(world);
    world.begin_quarter();
    let tofu = [("User-Agent", "OpenTofu/1.11.0")];
    let first = location(&download(world, TOKEN, &tofu));
    for _ in 1..10 {
        world.pass(5);
        let answer = download(world, TOKEN, &tofu);
        assert_eq!(answer.status, 204);
        assert_eq!(location(&answer), first);
    }
    // Nobody is told to download directly where that is not allowed.
    let newer = download(world, TOKEN, &[("User-Agent", "OpenTofu/1.12.0")]);
    assert_eq!((newer.status, location(&newer)), (204, first.clone()));
    assert_eq!(newer.header("Vary"), None);
    let requests = world.registry.requests("download");
    assert_eq!(requests[0]["client"], "OpenTofu/1.11.0");
    world.begin_quarter();
    assert_ne!(location(&download(world, TOKEN, &tofu)), first);
}

fn direct(world: &World<Embedded>) {
    probe(world);
    world.begin_quarter();
    for client in ["OpenTofu/1.12.0", "OpenTofu/1.13.0-dev", "OpenTofu/2.0.0"] {
        let answer = download(world, TOKEN, &[("User-Agent", client)]);
        assert_eq!(answer.status, 200, "{client}");
        assert_eq!(answer.header("Vary"), Some("User-Agent"));
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        let document: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(document["use_registry_credentials"], true);
        let (plain, signed) = path_of_probe(world, TOKEN);
        let url = |path: &str| format!("http://{}{path}", world.address);
        assert_eq!(document["location"], url(&plain));
        assert_eq!(location(&answer), url(&signed));
        assert_eq!(archive(world, &plain, None).status, 401);
        assert_eq!(archive(world, &plain, Some("wrong")).status, 401);
        is_archive(&archive(world, &plain, Some(TOKEN)));
        is_archive(&archive(world, &signed, None));
    }
    for client in [
        "OpenTofu/1.11.0",
        "OpenTofu/1.9.1",
        "Terraform/1.12.0",
        "HashiCorp Terraform/1.14.0 (+https://www.terraform.io)",
        "curl/8.12.0",
    ] {
        let answer = download(world, TOKEN, &[("User-Agent", client)]);
        assert_eq!((answer.status, &*answer.body), (204, ""), "{client}");
        assert_eq!(answer.header("Vary"), Some("User-Agent"));
    }
    let root = world.root(Client::Terraform, &probe_root());
    installs_probe(world, &root.with_token(NARROW_TOKEN));
}

/// Half an hour is between the location and the archive.
fn expired(world: &World<Embedded>) {
    probe(world);
    let (_, signed) = path_of_probe(world, TOKEN);
    let main = archive_root(&format!("http://{}{signed}", world.address));
    installs_probe(world, &world.root(Client::Terraform, &main));
    world.pass(31 * 60);
    let answer = archive(world, &signed, None);
    assert_eq!(answer.status, 403);
    let kind = answer.header("Content-Type").unwrap();
    assert!(kind.starts_with("text/plain"), "{kind}");
    assert_eq!(answer.body.trim_end().lines().count(), 1, "{answer:?}");
    assert!(answer.body.contains("run `terraform init`"), "{answer:?}");
    let head = http::send(&world.address, "HEAD", &signed, &[], "");
    assert_eq!((head.status, &*head.body), (403, ""));
    let root = world.root(Client::Terraform, &main);
    root.init().fails_with("bad response code: 403");
    // To do what the text says helps.
    let root = world.root(Client::Terraform, &probe_root());
    installs_probe(world, &root.with_token(TOKEN));
    let ticket = signed.rsplit_once('/').unwrap().1.trim_end_matches(".zip");
    assert!(!world.registry.log().contains(ticket));
}

fn altered(world: &World<Embedded>) {
    probe(world);
    let (plain, signed) = path_of_probe(world, TOKEN);
    is_archive(&archive(world, &signed, None));
    let (start, ticket) = signed.rsplit_once('/').unwrap();
    let (first, rest) = ticket.split_at(1);
    let other = if first == "A" { "B" } else { "A" };
    for path in [
        format!("{start}/{other}{rest}"),
        format!("{start}/{rest}"),
        format!("{start}/{first}.zip"),
        format!("{start}/.zip"),
        signed.replace("/probe/", "/other/"),
        signed.replace("/null/", "/aws/"),
        signed.replace("/1.0.0/", "/1.0.1/"),
        signed.replace("/1.0.0/", "/v1.0.0/"),
    ] {
        assert_ne!(path, signed);
        // Not even with a token: what was altered is no address of Landfall's.
        for token in [None, Some(TOKEN)] {
            assert_eq!(archive(world, &path, token).status, 404, "{path}");
        }
    }
    assert_eq!(archive(world, &plain, None).status, 401);
}

/// The same URL at registries whose variables were changed since it was made.
fn changed(world: &World<Embedded>) {
    probe(world);
    let (_, signed) = path_of_probe(world, TOKEN);
    let (everything, others) = TOKENS.split_once('\n').unwrap();
    let narrowed = |word: &str| format!("{everything} {word}\n{others}");
    let unsaid: &[(&str, &str)] = &[];
    for (changes, status) in [
        (unsaid, 200),
        (&[("url_signing_key", SECOND_KEY)], 404),
        (
            &[
                ("url_signing_key", SECOND_KEY),
                ("url_signing_key_previous", FIRST_KEY),
            ],
            200,
        ),
        (&[("tokens", others)], 404),
        (&[("tokens", &narrowed("modules=acme/probe/*"))], 200),
        (&[("tokens", &narrowed("modules=acme/other/*"))], 404),
        (&[("tokens", &narrowed("expires=2020-01-01"))], 403),
        (&[("anonymous_read", "true")], 200),
    ] {
        let changes: Vec<_> = changes.to_vec();
        let answer = archive(&world.again(&changes), &signed, None);
        assert_eq!(answer.status, status, "{changes:?}: {answer:?}");
        if status == 200 {
            is_archive(&answer);
        }
    }
}

fn archive(world: &World<Embedded>, path: &str, token: Option<&str>) -> Answer {
    let header = token.map(bearer);
    let headers: Vec<_> = header
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    http::get_with(&world.address, path, &headers)
}

#[track_caller]
fn is_archive(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.starts_with("PK"), "{answer:?}");
}

const FIRST_KEY: &str = "the first key, of many bytes";
const SECOND_KEY: &str = "the second key, of many bytes";
