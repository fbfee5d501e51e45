//! The registry's protocol: discovery, versions, locations, lists, details; methods and addresses.

use std::time::{Duration, Instant};

use ::http::Method;
use landfall_terraform_tests::client::Client;
use landfall_terraform_tests::exchange::{Connection, piece};
use landfall_terraform_tests::http::{self, Answer};
use landfall_terraform_tests::modules::{convention, module, probe, probe_root};
use landfall_terraform_tests::programs::Program;
use landfall_terraform_tests::server::Host;
use landfall_terraform_tests::world::Settings;

use crate::ask::{
    archive, asked, get, is_error, is_tree_of, is_turned_away, json, listed, located, location,
    versions, versions_path,
};
use crate::scenario::{Scenario, Stage};

pub(crate) fn all() -> Vec<Scenario> {
    const CATALOGUE: Settings = &[(
        "modules",
        "[[module]]\naddress = \"acme/{name}/null\"\nrepository = \"acme/monorepo\"\npath = \"modules/*\"\ntag_prefix = \"{name}/v\"\n",
    )];
    vec![
        Scenario::new("versions_are_listed_newest_first_without_junk_tags", junk_tags),
        Scenario::new("five_thousand_tags_are_listed_within_ten_seconds", five_thousand),
        Scenario::new("what_does_not_exist_is_a_404_in_json", unknown),
        Scenario::new("a_location_is_a_204_with_an_absolute_url", a_location),
        Scenario::new("the_latest_version_is_the_newest_stable_one", latest),
        Scenario::new("the_headers_of_a_proxy_decide_the_url", forwarded),
        Scenario::new("a_base_url_decides_the_url", |stage| {
            probe(stage);
            let stage = stage.changed(&[("base_url", "https://modules.example.com/registry")]);
            let answer = download(&stage, &[("X-Forwarded-Host", "evil.example")]);
            is_at(&answer, "https://modules.example.com/registry/archive/acme/probe/null/1.0.0/");
        }),
        Scenario::new("modules_are_listed_and_found", lists),
        Scenario::new("details_are_told", details),
        Scenario::new("a_folder_of_a_repository_is_a_module", folder).with(CATALOGUE),
        Scenario::new("other_methods_are_refused", methods),
        Scenario::new("head_is_get_without_a_body", head),
        Scenario::new("a_target_that_is_too_long_is_refused", |stage| {
            let path = format!("{}?{}", versions_path("probe"), "x".repeat(9000));
            assert_eq!(get(stage, &path).status, 414);
            is_alive(stage);
        }),
        Scenario::new("headers_that_are_too_large_are_refused", large_headers),
        Scenario::new("paths_lead_nowhere_else", traversal),
        Scenario::new("what_is_no_http_harms_nobody", |stage| {
            is_turned_away(stage, WITHOUT_HOST);
            junk(stage);
        })
        .on(
            Host::Wasmtime,
            "wasmtime answers a request without a `Host` with a 500 of its own, before the component is asked; all else holds",
            |stage| {
                let answer = http::raw(&stage.address, WITHOUT_HOST);
                assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
                junk(stage);
            },
        ),
        Scenario::new("one_connection_carries_many_requests", keep_alive),
        Scenario::new("terraform_installs_a_module", |stage| {
            probe(stage);
            let root = stage.root(Client::Terraform, &probe_root());
            root.init().succeeds();
            let committed = stage.committed("probe", "v1.0.0");
            root.installed("probe").is_that_of(&committed);
        })
        .needs(Program::Terraform),
        Scenario::new("tofu_installs_a_module", |stage| {
            probe(stage);
            let root = stage.root(Client::Tofu, &probe_root());
            root.init().succeeds();
            let committed = stage.committed("probe", "v1.0.0");
            root.installed("probe").is_that_of(&committed);
        })
        .needs(Program::Tofu),
    ]
}

const WITHOUT_HOST: &str = "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n";

#[track_caller]
pub(crate) fn is_alive(stage: &Stage) {
    let answer = get(stage, "/healthz");
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn junk_tags(stage: &Stage) {
    let mut repository = stage
        .repository("probe")
        .file("main.tf", module("probe"))
        .commit("Add it");
    for tag in [
        "v1.2.0",
        "1.10.0",
        "v1.9.0",
        "v2.0.0-rc.1",
        "nightly",
        "v1",
        "v1.2",
        "1.2.3.4",
        "release-1.0.0",
        "v01.2.3",
        "vv1.0.0",
        "latest",
        "v1.2.0_x",
        "V3.0.0x",
    ] {
        repository = repository.tag(tag);
    }
    repository.annotated_tag("v0.1.0+build.5").build().unwrap();
    let answer = get(stage, &versions_path("probe"));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(
        listed(&answer),
        ["2.0.0-rc.1", "1.10.0", "1.9.0", "1.2.0", "0.1.0+build.5"]
    );
}

fn five_thousand(stage: &Stage) {
    let mut repository = stage
        .repository("old")
        .file("main.tf", module("old"))
        .commit("Add it");
    for minor in 0..50 {
        for patch in 0..100 {
            repository = repository.tag(&format!("v1.{minor}.{patch}"));
        }
    }
    repository.build().unwrap();
    let began = Instant::now();
    let versions = versions(stage, "old");
    let taken = began.elapsed();
    assert_eq!(versions.len(), 5000);
    assert_eq!((&*versions[0], &*versions[4999]), ("1.49.99", "1.0.0"));
    assert!(
        taken < Duration::from_secs(10),
        "Terraform gives up before {taken:?}"
    );
}

fn unknown(stage: &Stage) {
    probe(stage);
    for (path, text) in [
        (&*versions_path("unknown"), "no such module"),
        ("/v1/modules/widgets/probe/null/versions", "no such module"),
        (
            "/v1/modules/acme/probe/null/9.9.9/download",
            "no such version",
        ),
        (
            "/v1/modules/acme/probe/null/nightly/download",
            "nothing is found",
        ),
        ("/v1/modules/acme/Probe_/nu.ll/versions", "nothing is found"),
        ("/v1/providers/acme/probe/versions", "nothing is found"),
        ("/", "nothing is found"),
        ("/status", "nothing is found"),
    ] {
        is_error(&get(stage, path), 404, text);
    }
    assert_eq!(
        asked(stage, "widgets"),
        [""; 0],
        "an owner who is not served"
    );
}

#[track_caller]
fn download(stage: &Stage, headers: &[(&str, &str)]) -> Answer {
    let path = "/v1/modules/acme/probe/null/1.0.0/download";
    let answer = http::get_with(&stage.address, path, headers);
    assert_eq!((answer.status, &*answer.body), (204, ""), "{answer:?}");
    answer
}

#[track_caller]
fn is_at(answer: &Answer, start: &str) {
    let location = answer.header("X-Terraform-Get").unwrap();
    assert!(
        location.starts_with(start),
        "{location} does not start with {start}"
    );
    assert!(location.ends_with(".zip"), "{location}");
}

fn a_location(stage: &Stage) {
    probe(stage);
    let answer = download(stage, &[]);
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    is_at(
        &answer,
        &format!("http://{}/archive/acme/probe/null/1.0.0/", stage.address),
    );
}

fn latest(stage: &Stage) {
    stage
        .repository("probe")
        .file("main.tf", module("old"))
        .commit("Add it")
        .tag("v1.9.0")
        .file("main.tf", module("stable"))
        .commit("Change it")
        .tag("v1.10.0")
        .file("main.tf", module("next"))
        .commit("Change it again")
        .tag("v2.0.0-beta.1")
        .build()
        .unwrap();
    for path in [
        "/v1/modules/acme/probe/null/download",
        "/v1/modules/acme/probe/null/latest/download",
    ] {
        let location = located(stage, &get(stage, path));
        assert!(location.contains("/1.10.0/"), "{location}");
    }
    is_tree_of(
        stage,
        &archive(stage, "probe", "1.10.0"),
        "probe",
        "v1.10.0^{tree}",
    );
}

fn forwarded(stage: &Stage) {
    probe(stage);
    let headers = [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "modules.example.com"),
    ];
    is_at(
        &download(stage, &headers),
        "https://modules.example.com/archive/acme/probe/null/1.0.0/",
    );
}

fn lists(stage: &Stage) {
    probe(stage);
    convention(stage, "network");
    convention(stage, "database");
    for (path, names) in [
        ("/v1/modules", &["database", "network"][..]),
        ("/v1/modules/acme", &["database", "network"]),
        ("/v1/modules/acme/network", &["network"]),
        ("/v1/modules/search?q=data", &["database"]),
        ("/v1/modules/search?q=nothing-like-it", &[]),
    ] {
        let answer = get(stage, path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let document = json(&answer);
        let modules = document["modules"].as_array().unwrap();
        let mut found: Vec<&str> = modules
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        assert_eq!(found, names, "{path}");
        assert!(
            modules.iter().all(|it| it["version"] == "1.0.0"),
            "{path}: {answer:?}"
        );
    }
}

fn details(stage: &Stage) {
    stage
        .repository("probe")
        .file(
            "main.tf",
            "variable \"region\" {\n  type        = string\n  description = \"Where it is\"\n}\n\noutput \"id\" {\n  value = 1\n}\n",
        )
        .file("README.md", "# A probe\n")
        .file("modules/part/main.tf", module("part"))
        .commit("Add the module")
        .tag("v1.0.0")
        .build()
        .unwrap();
    for path in [
        "/v1/modules/acme/probe/null/1.0.0",
        "/v1/modules/acme/probe/null",
    ] {
        let answer = get(stage, path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let document = json(&answer);
        let root = &document["root"];
        assert_eq!(root["inputs"][0]["name"], "region");
        assert_eq!(root["inputs"][0]["description"], "Where it is");
        assert_eq!(root["outputs"][0]["name"], "id");
        assert_eq!(root["readme"], "# A probe\n");
        assert_eq!(document["submodules"][0]["path"], "modules/part");
        assert_eq!(document["version"], "1.0.0");
    }
}

fn folder(stage: &Stage) {
    stage
        .repository("monorepo")
        .file("README.md", "Two modules.\n")
        .file("modules/network/main.tf", module("network"))
        .file("modules/network/part/main.tf", module("part"))
        .file("modules/database/main.tf", module("database"))
        .commit("Add them")
        .tag("network/v1.0.0")
        .tag("database/v3.0.0")
        .tag("v9.9.9")
        .build()
        .unwrap();
    assert_eq!(versions(stage, "network"), ["1.0.0"]);
    let archive = archive(stage, "network", "1.0.0");
    is_tree_of(
        stage,
        &archive,
        "monorepo",
        "network/v1.0.0:modules/network",
    );
    is_error(
        &get(stage, &versions_path("monorepo")),
        404,
        "no such module",
    );
}

fn methods(stage: &Stage) {
    probe(stage);
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        for path in [
            &*versions_path("probe"),
            "/.well-known/terraform.json",
            "/healthz",
        ] {
            let answer = http::send(&stage.address, method, path, &[], "");
            is_error(&answer, 405, "method");
            assert_eq!(answer.header("Allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
    let answer = http::send(&stage.address, "GET", "/webhooks/github", &[], "");
    assert_eq!(answer.header("Allow"), Some("POST"), "{answer:?}");
    assert_eq!(stage.github.log(), []);
}

fn head(stage: &Stage) {
    probe(stage);
    let path = versions_path("probe");
    let whole = get(stage, &path);
    let head = http::send(&stage.address, "HEAD", &path, &[], "");
    assert_eq!((head.status, &*head.body), (200, ""), "{head:?}");
    assert_eq!(head.header("Content-Type"), whole.header("Content-Type"));
    let location = location(stage, "probe", "1.0.0");
    stage.github.clear_log();
    let head = http::send(&stage.address, "HEAD", &location, &[], "");
    assert_eq!((head.status, &*head.body), (200, ""), "{head:?}");
    assert_eq!(head.header("Content-Type"), Some("application/zip"));
    assert_eq!(
        stage.github.log(),
        [],
        "HEAD of an archive asks GitHub nothing"
    );
}

fn large_headers(stage: &Stage) {
    probe(stage);
    let large = "x".repeat(70_000);
    let answer = http::raw(
        &stage.address,
        &format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nX-Large: {large}\r\nConnection: close\r\n\r\n",
            versions_path("probe"),
            stage.address
        ),
    );
    assert!(
        answer.starts_with("HTTP/1.1 431"),
        "{}",
        &answer[..answer.len().min(200)]
    );
    assert_eq!(stage.github.log(), []);
    is_alive(stage);
}

fn traversal(stage: &Stage) {
    probe(stage);
    for path in [
        "/v1/modules/acme/../widgets/null/versions",
        "/v1/modules/acme/..%2f..%2fwidgets/null/versions",
        "/v1/modules/acme/%2e%2e/null/versions",
        "/v1/modules/acme/probe%00/null/versions",
        "/v1/modules/acme/probe/null/../../../../etc/passwd",
        "/v1/modules//probe/null/versions",
        "/v1/modules/acme/probe/null/1.0.0/../download",
        "/archive/acme/probe/null/1.0.0/../../../../etc/passwd.zip",
        "/archive/acme/probe/null/1.0.0/HEAD.zip",
        "/archive/acme/probe/null/1.0.0/main.zip",
        "/archive/acme/probe/null/v1.0.0/0000000000000000000000000000000000000000.zip",
        "/../../etc/passwd",
        "/v1/modules/acme/probe@evil.example/null/versions",
        "/v1/modules/acme/probe%0d%0aX-Evil:%201/null/versions",
        "//evil.example/v1/modules/acme/probe/null/versions",
    ] {
        let answer = get(stage, path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        assert_eq!(answer.header("X-Evil"), None);
    }
    assert_eq!(stage.github.log(), []);
}

fn junk(stage: &Stage) {
    probe(stage);
    for bytes in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
        "POST /v1/token HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
    ] {
        is_turned_away(stage, bytes);
    }
    is_alive(stage);
    assert_eq!(versions(stage, "probe"), ["1.0.0"]);
}

fn keep_alive(stage: &Stage) {
    probe(stage);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut connection = Connection::open(&stage.address, None).await.unwrap();
        for path in [
            "/healthz",
            &versions_path("probe"),
            "/nowhere",
            &versions_path("probe"),
        ] {
            let answer = connection.send(Method::GET, path, &[], "").await.unwrap();
            let expected = if path == "/nowhere" { 404 } else { 200 };
            assert_eq!(answer.status().as_u16(), expected, "{path}");
            let mut body = answer.into_body();
            while piece(&mut body).await.unwrap().is_some() {}
            assert!(connection.is_ready().await, "{path} closes the connection");
        }
    });
}
