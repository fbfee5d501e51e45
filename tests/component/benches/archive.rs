//! What an archive costs on its way through the component: time against a plain copy in the same run, peak linear memory,
//! and how early the first byte comes out. `make bench` runs it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints its figures, and fails by its message"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use landfall_component_tests::archives::{get_archive, huge, many_files, registry, streaming};
use landfall_component_tests::artifact::Artifact;
use landfall_host::{Body, body};

const MIB: u64 = 1 << 20;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!(
        "archive                 artifact  time     x plain copy  MB/s   peak memory  first byte after"
    );
    for size in [1, 10, 100, 1024] {
        let plain = plain(|| huge(size * MIB, &Arc::default())).await;
        for artifact in Artifact::ALL {
            let sent = Arc::new(AtomicU64::new(0));
            let source = Arc::clone(&sent);
            let body = move || huge(size * MIB, &source);
            let line = measure(artifact, streaming(body), &sent).await;
            line.print(
                &format!("one file of {size} MiB"),
                artifact,
                Some(plain),
                size * MIB,
            );
        }
    }
    for count in [1_000, 20_000] {
        let zip = bytes::Bytes::from(many_files(count));
        for artifact in Artifact::ALL {
            let (zip, length) = (zip.clone(), zip.len() as u64);
            let line = measure(
                artifact,
                streaming(move || body::full(zip.clone())),
                &Arc::default(),
            )
            .await;
            line.print(&format!("{count} small files"), artifact, None, length);
        }
    }
    for artifact in Artifact::ALL {
        println!("{artifact:?}: {} bytes of wasm", artifact.bytes().len());
    }
}

struct Line {
    took: Duration,
    first_byte_after: u64,
    peak: usize,
}

impl Line {
    fn print(&self, what: &str, artifact: Artifact, plain: Option<Duration>, bytes: u64) {
        let seconds = self.took.as_secs_f64();
        let ratio = plain
            .map(|plain| format!("{:.1}", seconds / plain.as_secs_f64()))
            .unwrap_or_default();
        println!(
            "{what:23} {:8}  {seconds:6.3} s  {ratio:>11}  {:5.0}  {:7.2} MiB  {:7} KiB",
            format!("{artifact:?}").to_lowercase(),
            bytes as f64 / 1e6 / seconds,
            self.peak as f64 / MIB as f64,
            self.first_byte_after / 1024,
        );
    }
}

/// One download, after one that warms up; `sent` counts what GitHub has sent.
async fn measure(
    artifact: Artifact,
    outbound: landfall_host::Outbound,
    sent: &Arc<AtomicU64>,
) -> Line {
    let registry = registry(artifact, outbound);
    let warm_up = registry.host.handle(get_archive()).await.unwrap();
    time(warm_up.into_body()).await;
    registry.host.idle().await;
    registry.host.reset_peak_memory();
    sent.store(0, Ordering::Relaxed);
    let request = get_archive();
    let began = Instant::now();
    let response = registry.host.handle(request).await.unwrap();
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap();
    let first_byte_after = sent.load(Ordering::Relaxed);
    drop(first);
    time(body).await;
    let took = began.elapsed();
    registry.host.idle().await;
    Line {
        took,
        first_byte_after,
        peak: registry.host.peak_memory(),
    }
}

/// How long it takes to receive the same body without Landfall, the second time.
async fn plain(body: impl Fn() -> Body) -> Duration {
    time(body()).await;
    time(body()).await
}

/// How long it takes to receive a body.
async fn time(mut body: Body) -> Duration {
    let began = Instant::now();
    while let Some(frame) = body.frame().await {
        frame.unwrap();
    }
    began.elapsed()
}
