//! What only shows on a real host: streams, memory, time, and clients that go away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use landfall_component_tests::archives::{
    get_archive, huge, many_files, registry, registry_of, scenario, slow, streaming,
};
use landfall_component_tests::artifact::Artifact;
use landfall_component_tests::registry::{Registry, scripted};
use landfall_component_tests::support::scenario::StoreKind;
use landfall_component_tests::support::zips;
use landfall_host::{Body, BodyError, Engine, Limits, Outbound, Variables, body};

/// A large archive that a client has begun to receive.
struct Download {
    registry: Registry,
    body: Body,
    /// Bytes that GitHub has sent of the large file.
    sent: Arc<AtomicU64>,
}

impl Download {
    #[expect(clippy::unwrap_used, reason = "a test's failure is its message")]
    async fn begin(artifact: Artifact, length: u64) -> Self {
        let sent = Arc::new(AtomicU64::new(0));
        let source = Arc::clone(&sent);
        let registry = registry(artifact, streaming(move || huge(length, &source)));
        let response = registry.host.handle(get_archive()).await;
        let body = response.unwrap().into_body();
        Self {
            registry,
            body,
            sent,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_archive_streams_through_in_little_memory() {
    for artifact in Artifact::ALL {
        let Download {
            registry,
            mut body,
            sent,
        } = Download::begin(artifact, 100 << 20).await;
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(
            sent.load(Ordering::Relaxed) < 2 << 20,
            "the first byte comes before the second MiB is in"
        );
        let mut received = first.len() as u64;
        while let Some(frame) = body.frame().await {
            received += frame.unwrap().into_data().unwrap().len() as u64;
        }
        assert!(received > 100 << 20);
        registry.host.idle().await;
        let peak = registry.host.peak_memory();
        assert!(peak < 8 << 20, "{artifact:?}: {peak} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_small_files_stream_through_in_little_memory() {
    let zip = bytes::Bytes::from(many_files(20_000));
    for artifact in Artifact::ALL {
        let zip = zip.clone();
        let registry = registry(artifact, streaming(move || body::full(zip.clone())));
        let response = registry.host.handle(get_archive()).await.unwrap();
        let archive = response.into_body().collect().await.unwrap().to_bytes();
        registry.host.idle().await;
        let listed = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
        assert_eq!(listed.len(), 20_000);
        let peak = registry.host.peak_memory();
        assert!(peak < 64 << 20, "{artifact:?}: {peak} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_is_cut_at_any_tenth_byte_is_an_error_status() {
    let zip = bytes::Bytes::from(zips::zipball(&[
        ("main.tf", b"# main\n"),
        ("a/b.tf", b"# b\n"),
    ]));
    for artifact in Artifact::ALL {
        let length = Arc::new(AtomicU64::new(0));
        let outbound = streaming({
            let (zip, length) = (zip.clone(), Arc::clone(&length));
            move || {
                body::full(zip.slice(..usize::try_from(length.load(Ordering::Relaxed)).unwrap()))
            }
        });
        let registry = registry(artifact, outbound);
        for cut in (0..zip.len()).step_by(10) {
            length.store(cut as u64, Ordering::Relaxed);
            let response = registry.host.handle(get_archive()).await.unwrap();
            assert_eq!(
                response.status(),
                502,
                "{artifact:?}: {cut} of {} bytes",
                zip.len()
            );
        }
        length.store(zip.len() as u64, Ordering::Relaxed);
        assert_eq!(
            registry.host.handle(get_archive()).await.unwrap().status(),
            200
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_fails_in_mid_archive_breaks_it_off() {
    let limits = Limits {
        memory: 5 << 20,
        ..Limits::default()
    };
    let component = Engine::new(limits, None)
        .unwrap()
        .compile(&Artifact::Spin.bytes())
        .unwrap();
    let zip = bytes::Bytes::from(many_files(20_000));
    let registry = registry_of(component, streaming(move || body::full(zip.clone())));
    let response = registry.host.handle(get_archive()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        response.into_body().collect().await.is_err(),
        "a trap must not look like the end"
    );
    registry.host.idle().await;
    let log = registry.output.text();
    assert!(
        log.contains("the component failed: it needed more than its 5 MiB"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_stops_the_transfer_and_makes_no_trap() {
    for artifact in Artifact::ALL {
        let Download {
            registry,
            mut body,
            sent,
        } = Download::begin(artifact, 1 << 30).await;
        body.frame().await.unwrap().unwrap();
        drop(body);
        tokio::time::timeout(Duration::from_secs(5), registry.host.idle())
            .await
            .expect("the component ends");
        let at_the_end = sent.load(Ordering::Relaxed);
        assert!(at_the_end < 100 << 20, "{at_the_end} bytes went on");
        let log = registry.output.text();
        assert!(!log.contains("the component failed"), "{log}");
        assert!(log.contains(r#""error":"the client went away""#), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_github_that_does_not_answer_is_given_up_in_time() {
    let outbound = Outbound::hook(|_| async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        Err(BodyError::ConnectionRefused)
    });
    let mut registry = registry(Artifact::Wasi, outbound);
    let began = Instant::now();
    let ask = scenario("versions_are_listed_newest_first")
        .requests
        .remove(0);
    let got = registry.ask(&ask).await;
    // Terraform gives up after ten.
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(got.status, 503);
}

/// A client that waits for the first byte of a folder may wait for all that is before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_far_behind_in_a_slow_archive_is_waited_for() {
    const PIECE: u64 = 64 << 10;
    let outbound = streaming(|| {
        let pause = Duration::from_millis(100);
        slow(105 * PIECE, "modules/a/main.tf", pause, &Arc::default())
    });
    let mut variables = scenario("an_archive_arrives_without_its_top_folder").variables;
    let catalogue =
        "[[module]]\naddress = \"acme/vpc/aws\"\nrepository = \"acme/vpc\"\npath = \"modules/a\"\n";
    variables.push(("modules", catalogue.to_owned()));
    let component = Artifact::Spin.component();
    let registry = Registry::new(component, &variables, StoreKind::Keeps, outbound);
    let began = Instant::now();
    let response = registry.host.handle(get_archive()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    let archive = response.into_body().collect().await.unwrap().to_bytes();
    // More than opening an archive may take in all.
    assert!(
        began.elapsed() > Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(zips::describe(&archive), "100644        4 main.tf # 2\\n\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_are_all_answered() {
    let scenario = scenario("an_archive_arrives_without_its_top_folder");
    let github = scenario.github;
    let registry = Registry::new(
        Artifact::Spin.component(),
        &scenario.variables,
        StoreKind::Keeps,
        scripted(&github),
    );
    let host = registry.host.clone();
    let all = (0..32).map(|_| {
        let host = host.clone();
        tokio::spawn(async move {
            let response = host.handle(get_archive()).await.unwrap();
            assert_eq!(response.status(), 200);
            response.into_body().collect().await.unwrap().to_bytes()
        })
    });
    let mut archives = Vec::new();
    for one in all.collect::<Vec<_>>() {
        archives.push(one.await.unwrap());
    }
    assert!(archives.iter().all(|archive| *archive == archives[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_variables_say_anew_goes_for_the_next_request() {
    let versions = || {
        let request = http::Request::get("http://registry.test/v1/modules/acme/vpc/aws/versions");
        request.body(body::empty()).unwrap()
    };
    for artifact in Artifact::ALL {
        let registry = registry(artifact, streaming(body::empty));
        let status = async || registry.host.handle(versions()).await.unwrap().status();
        assert_eq!(status().await, 200);
        // An instance that has answered is waiting, and remembers who may read.
        registry.host.idle().await;
        assert_eq!(status().await, 200);
        let tokens = format!("ci sha256:{}", "0".repeat(64));
        let variables = [
            ("allowed_owners", "acme"),
            ("tokens", &tokens),
            ("github_token", "x"),
        ];
        let denied = Outbound::hook(async |_| Err(BodyError::HttpRequestDenied));
        registry
            .host
            .set_variables(Variables::new(variables).unwrap(), denied);
        assert_eq!(status().await, 401);
    }
}

/// What nests, each in a form that reaches the parser of Terraform's language.
fn nests(levels: usize) -> String {
    let around =
        |open: &str, close: &str| format!("{}1{}", open.repeat(levels), close.repeat(levels));
    let values = [
        around("[", "]"),
        around("(", ")"),
        around("{a=", "}"),
        around("{(", ")=1}"),
        around("f(", ")"),
        around("a[", "]"),
        around("\"${", "}\""),
        around("[for a in ", ": a]"),
        around("{for a in ", ": a => a}"),
        "!".repeat(levels) + "true",
        "-".repeat(levels) + "1",
        "a ? b : ".repeat(levels) + "c",
        around("{a= !!-(a ? ", ": 1)}"),
    ];
    let variables = values.iter().enumerate();
    let variables =
        variables.map(|(n, value)| format!("variable \"x{n}\" {{\n  default = {value}\n}}\n"));
    variables.collect::<Vec<_>>().concat()
}

/// A component's stack has 256 KiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_nests_overflows_the_stack() {
    for levels in [15, 29, 30, 31, 60, 1_000] {
        let configuration = nests(levels);
        let zip = bytes::Bytes::from(zips::zipball(&[("main.tf", configuration.as_bytes())]));
        for artifact in Artifact::ALL {
            let zip = zip.clone();
            let registry = registry(artifact, streaming(move || body::full(zip.clone())));
            let request = http::Request::get("http://registry.test/v1/modules/acme/vpc/aws/1.2.0")
                .body(body::empty())
                .unwrap();
            let response = registry.host.handle(request).await.unwrap();
            assert_eq!(response.status(), 200, "{artifact:?}, {levels} levels");
            let answer = response.into_body().collect().await.unwrap().to_bytes();
            let answer = String::from_utf8(answer.to_vec()).unwrap();
            assert!(answer.contains("\"x0\"") || levels > 60, "{answer}");
            registry.host.idle().await;
            let log = registry.output.text();
            assert!(
                !log.contains("failed"),
                "{artifact:?}, {levels} levels: {log}"
            );
        }
    }
    for levels in [100, 126, 1_000, 100_000] {
        let catalogue = format!(
            "x = {}{}",
            "[{x=".repeat(levels / 2),
            "}]".repeat(levels / 2)
        );
        let variables = [
            ("allowed_owners", "acme"),
            ("anonymous_read", "true"),
            ("modules", &catalogue),
        ];
        for artifact in Artifact::ALL {
            let registry = registry(artifact, streaming(body::empty));
            let denied = Outbound::hook(async |_| Err(BodyError::HttpRequestDenied));
            registry
                .host
                .set_variables(Variables::new(variables).unwrap(), denied);
            let request =
                http::Request::get("http://registry.test/v1/modules/acme/vpc/aws/versions");
            let request = request.body(body::empty()).unwrap();
            let response = registry.host.handle(request).await.unwrap();
            assert_eq!(response.status(), 503, "{artifact:?}, {levels} brackets");
        }
    }
}
