//! Many requests: wrk, which counts what was answered, and what it cost the server.

use std::time::Duration;

use serde::Deserialize;

use crate::Result;
use crate::bench::Bench;
use crate::client::Client;
use crate::figure::{middle, middle_of};
use crate::programs::Program;
use crate::server::Server;

/// A path, and the bytes that it is answered with.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

/// What came of a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    /// Half of the requests took no longer.
    pub(crate) p50: Duration,
    /// Of a hundred requests, one took longer.
    pub(crate) p99: Duration,
    /// User and system time of the server's processes for one request, in microseconds.
    pub(crate) cpu: f64,
}

impl Sample {
    /// Asks a server for a page on so many connections, after a short while of the same that does not count. Fails when one
    /// answer is not 200 or another page, or when a connection fails.
    pub(crate) fn take(
        bench: &Bench,
        server: &Server,
        page: &Page,
        connections: u32,
        time: Duration,
    ) -> Result<Self> {
        let client = Client::new(&bench.token);
        client.check(server, page)?;
        wrk(bench, server, page, connections, WARM_UP)?;
        let before = server.tree().cpu()?;
        let said = wrk(bench, server, page, connections, time)?;
        let cpu = server.tree().cpu()?.saturating_sub(before);
        if said.requests < 1.0 {
            let seconds = time.as_secs();
            return Err(format!("{}: no answer in {seconds} s", page.path).into());
        }
        client.check(server, page)?;
        Ok(Self {
            per_second: said.requests / (said.microseconds / 1e6),
            p50: Duration::from_micros(said.p50),
            p99: Duration::from_micros(said.p99),
            cpu: cpu.as_secs_f64() * 1e6 / said.requests,
        })
    }

    /// The median of each figure.
    pub(crate) fn median(samples: &[Self]) -> Result<Self> {
        let of = |figure: fn(&Self) -> f64| middle_of(samples.iter().map(figure));
        let time = |figure: fn(&Self) -> Duration| middle(samples.iter().map(figure));
        Ok(Self {
            per_second: of(|it| it.per_second)?,
            p50: time(|it| it.p50)?,
            p99: time(|it| it.p99)?,
            cpu: of(|it| it.cpu)?,
        })
    }
}

/// What wrk says, by [`SCRIPT`].
#[derive(Deserialize)]
struct Said {
    requests: f64,
    microseconds: f64,
    /// Heads and bodies.
    bytes: f64,
    /// Answers of 400 and above.
    status: u64,
    connect: u64,
    read: u64,
    write: u64,
    timeout: u64,
    p50: u64,
    p99: u64,
}

fn wrk(
    bench: &Bench,
    server: &Server,
    page: &Page,
    connections: u32,
    time: Duration,
) -> Result<Said> {
    let script = tempfile::Builder::new().suffix(".lua").tempfile()?;
    std::fs::write(script.path(), SCRIPT)?;
    let output = Program::Wrk
        .command()
        .args(["--threads", "1", "--latency", "--timeout", "30s"])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs().max(1))])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", bench.token),
        ])
        .arg("--script")
        .arg(script.path())
        .arg(server.url(&page.path))
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().rfind(|line| line.starts_with('{'));
    let path = &page.path;
    let line = line.ok_or_else(|| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        format!("{path}: wrk has no figures: {text}{stderr}")
    })?;
    let said: Said = serde_json::from_str(line)?;
    let failed = said.status + said.connect + said.read + said.write + said.timeout;
    // An answer that is neither an error nor the page is shorter.
    let is_short = said.bytes < said.requests * page.body.len() as f64;
    if failed > 0 || is_short {
        let log = server.said();
        return Err(format!("{path}: not all was answered as it should be: {line}\n{log}").into());
    }
    Ok(said)
}

const WARM_UP: Duration = Duration::from_secs(1);

/// wrk's own summary in a form that can be read.
const SCRIPT: &str = r#"
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"bytes":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status, errors.connect, errors.read, errors.write,
    errors.timeout, latency:percentile(50), latency:percentile(99)))
end
"#;
