//! What only shows on a real host: streams, memory, time, and clients that go away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, channel::Channel};
use landfall_host::{Body, BodyError, Outbound, body};

use crate::artifact::Artifact;
use crate::registry::{Registry, scripted};
use crate::support::github::{Asked, GitHub};
use crate::support::scenario::{Ask, Scenario, StoreKind};
use crate::support::{scenarios, zips};

/// The scenario with this name: its configuration and its GitHub.
fn scenario(name: &str) -> Scenario {
    scenarios::all()
        .into_iter()
        .find(|scenario| scenario.name == name)
        .unwrap()
}

/// GitHub as in `world`, but archives come from `archive`.
fn streaming<F>(archive: F) -> Outbound
where
    F: Fn() -> Body + Send + Sync + 'static,
{
    let github = Arc::new(scenario("an_archive_arrives_without_its_top_folder").github);
    let archive = Arc::new(archive);
    Outbound::hook(move |request| {
        let (github, archive) = (Arc::clone(&github), Arc::clone(&archive));
        async move {
            if request.uri().host() == Some("codeload.github.com") {
                return Ok(http::Response::new(archive()));
            }
            respond(&github, &request)
        }
    })
}

fn respond(
    github: &GitHub,
    request: &http::Request<Body>,
) -> Result<http::Response<Body>, BodyError> {
    let authorization = request
        .headers()
        .get("authorization")
        .map(|it| it.to_str().unwrap().to_owned());
    let (method, url) = (request.method().to_string(), request.uri().to_string());
    let answer = github.answer(&Asked {
        method,
        url,
        authorization,
        body: Vec::new(),
    });
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(body::full(answer.body)).unwrap())
}

fn registry(artifact: Artifact, outbound: Outbound) -> Registry {
    let variables = scenario("an_archive_arrives_without_its_top_folder").variables;
    Registry::new(artifact, &variables, StoreKind::Keeps, outbound)
}

fn get_archive() -> http::Request<Body> {
    let ask = archive();
    http::Request::get(format!("https://registry.example{}", ask.target))
        .body(body::empty())
        .unwrap()
}

fn archive() -> Ask {
    scenario("an_archive_arrives_without_its_top_folder")
        .requests
        .remove(0)
}

/// A zip of `acme/vpc` with one stored file of `length` line feeds between two small ones, in pieces of 64 KiB that are
/// made when they are asked for; `sent` counts them.
fn huge(length: u64, sent: &Arc<AtomicU64>) -> Body {
    let (mut sender, channel) = Channel::new(1);
    let (start, end) = zips::around_a_large_file(length);
    let sent = Arc::clone(sent);
    tokio::spawn(async move {
        let block = bytes::Bytes::from(vec![b'\n'; 64 << 10]);
        if sender.send_data(start.into()).await.is_err() {
            return;
        }
        let mut left = length;
        while left > 0 {
            let piece = block.slice(..usize::try_from(left.min(block.len() as u64)).unwrap());
            left -= piece.len() as u64;
            sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            if sender.send_data(piece).await.is_err() {
                return;
            }
        }
        let _ = sender.send_data(end.into()).await;
    });
    channel
        .map_err(|never: std::convert::Infallible| match never {})
        .boxed_unsync()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_archive_streams_through_in_little_memory() {
    for artifact in Artifact::ALL {
        let sent = Arc::new(AtomicU64::new(0));
        let outbound = streaming({
            let sent = Arc::clone(&sent);
            move || huge(100 << 20, &sent)
        });
        let registry = registry(artifact, outbound);
        let mut body = registry
            .host
            .handle(get_archive())
            .await
            .unwrap()
            .into_body();
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
async fn a_client_that_hangs_up_stops_the_transfer_and_makes_no_trap() {
    for artifact in Artifact::ALL {
        let sent = Arc::new(AtomicU64::new(0));
        let outbound = streaming({
            let sent = Arc::clone(&sent);
            move || huge(1 << 30, &sent)
        });
        let registry = registry(artifact, outbound);
        let mut body = registry
            .host
            .handle(get_archive())
            .await
            .unwrap()
            .into_body();
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
        tokio::time::sleep(Duration::from_secs(60)).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_are_all_answered() {
    let scenario = scenario("an_archive_arrives_without_its_top_folder");
    let github = Arc::new(scenario.github);
    let registry = Registry::new(
        Artifact::Spin,
        &scenario.variables,
        StoreKind::Keeps,
        scripted(&github),
    );
    let host = registry.host.clone();
    let all = (0..64).map(|_| {
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
