//! A component that runs, and a GitHub that it asks.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt as _;
use landfall_host::{
    Body, BodyError, Build, Clock, Component, Host, HostConfig, Metrics, Outbound, Output, Store,
    StoreFault, Variables, body,
};

use crate::support::github::{Answer, Asked, Fault, GitHub};
use crate::support::scenario::{Ask, Got, Scenario, StoreKind};

pub struct Registry {
    pub host: Host,
    pub output: Output,
    /// What is counted of its lines.
    pub metrics: Metrics,
    pub clock: Clock,
    store: Store,
    seen: usize,
}

impl Registry {
    pub fn new(
        component: Component,
        variables: &[(&'static str, String)],
        store: StoreKind,
        outbound: Outbound,
    ) -> Self {
        let metrics = Metrics::new(&Build {
            version: "0",
            component: String::new(),
        });
        let output = Output::captured().counted(metrics.clone());
        let clock = Clock::system();
        let kept = match store {
            StoreKind::Forgets => Store::forgetful(),
            _ => Store::in_memory(),
        };
        kept.set_fault(fault(store));
        let host = Host::new(HostConfig {
            variables: Variables::new(
                variables
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            )
            .unwrap(),
            store: kept.clone(),
            outbound,
            output: output.clone(),
            clock: clock.clone(),
            ..HostConfig::new(component)
        });
        Self {
            host,
            output,
            metrics,
            clock,
            store: kept,
            seen: 0,
        }
    }

    /// All that is stored, where it can be read.
    pub fn stored(&self) -> Vec<(String, Vec<u8>)> {
        let keys = self.store.keys().unwrap_or_default();
        let value = |key: String| Some((key.clone(), self.store.get(&key).ok()??));
        keys.into_iter().filter_map(value).collect()
    }

    /// Sets the clock to when scenarios begin.
    pub fn begin(&self, scenario: &Scenario) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let start = START_MS + scenario.skew * 1000;
        let offset = start - i64::try_from(now.as_millis()).unwrap();
        self.clock.set_offset_ms(offset);
    }

    /// Asks, and waits until everything behind the answer is done too.
    pub async fn ask(&mut self, ask: &Ask) -> Got {
        self.try_ask(ask).await.unwrap()
    }

    /// Asks what can be asked: what is no URI or no header never reaches a component.
    pub async fn try_ask(&mut self, ask: &Ask) -> Option<Got> {
        if let Some(store) = ask.store {
            self.store.set_fault(fault(store));
        }
        // A target that is no URI never reaches a component: hosts refuse it.
        let target = ask.target.replace(' ', "%20");
        let mut request = http::Request::builder()
            .method(ask.method)
            .uri(format!("https://registry.example{target}"));
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        let request = request.body(body::full(ask.body.clone())).ok()?;
        let response = self.host.handle(request).await.unwrap();
        let (head, mut body) = response.into_parts();
        let (mut bytes, mut is_broken) = (Vec::new(), false);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Err(_) => is_broken = true,
            }
        }
        drop(body);
        self.host.idle().await;
        let text = self.output.text();
        let log = text[self.seen..].lines().map(str::to_owned).collect();
        self.seen = text.len();
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        Some(Got {
            status: head.status.as_u16(),
            headers: head.headers.iter().map(header).collect(),
            body: bytes,
            is_broken,
            log,
        })
    }
}

/// The first second of 2026, which the scripted answers are of.
const START_MS: i64 = 1_767_225_600_000;

fn fault(store: StoreKind) -> StoreFault {
    match store {
        StoreKind::Keeps | StoreKind::Forgets => StoreFault::None,
        StoreKind::Fails => StoreFault::Both,
        StoreKind::FailsToRead => StoreFault::Get,
        StoreKind::FailsToWrite => StoreFault::Set,
        StoreKind::Corrupts => StoreFault::Corrupt,
    }
}

/// The scripted GitHub behind a component's outgoing requests.
pub fn scripted(github: &Arc<GitHub>) -> Outbound {
    let github = Arc::clone(github);
    Outbound::hook(move |request| {
        let github = Arc::clone(&github);
        async move { answer(&github, request).await }
    })
}

/// What the script answers to a component's request.
pub async fn answer(
    github: &GitHub,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, BodyError> {
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        let value = head.headers.get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    let asked = Asked {
        method: head.method.to_string(),
        url: head.uri.to_string(),
        authorization: header("authorization"),
        accept: header("accept"),
        if_none_match: header("if-none-match"),
        body: body.collect().await?.to_bytes().to_vec(),
    };
    let Answer {
        status,
        headers,
        body,
        fault,
        ..
    } = github.answer(&asked);
    let pieces = |length: usize| -> Vec<_> {
        body[..length.min(body.len())]
            .chunks(5000)
            .map(|piece| Ok(bytes::Bytes::copy_from_slice(piece)))
            .collect()
    };
    let body = match fault {
        Fault::Timeout => return Err(BodyError::ConnectionReadTimeout),
        Fault::Refused => return Err(BodyError::ConnectionRefused),
        Fault::None => body::chunks(pieces(body.len())),
        Fault::End(length) => body::chunks(pieces(length)),
        Fault::Break(length) => body::chunks(
            pieces(length)
                .into_iter()
                .chain([Err(BodyError::ConnectionTerminated)]),
        ),
    };
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response.body(body).unwrap())
}
