//! Registries whose archives are made while they are sent: of any size, and never whole in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, channel::Channel};
use landfall_host::{Body, Component, Outbound, body};

use crate::artifact::Artifact;
use crate::registry::{Registry, answer};
use crate::support::scenario::{Ask, Scenario, StoreKind};
use crate::support::{scenarios, zips};

/// The scenario with this name: its configuration and its GitHub.
pub fn scenario(name: &str) -> Scenario {
    scenarios::all()
        .into_iter()
        .find(|scenario| scenario.name == name)
        .unwrap()
}

/// GitHub as in `world`, but archives come from `archive`.
pub fn streaming<F>(archive: F) -> Outbound
where
    F: Fn() -> Body + Send + Sync + 'static,
{
    let github = scenario("an_archive_arrives_without_its_top_folder").github;
    let archive = Arc::new(archive);
    Outbound::hook(move |request| {
        let (github, archive) = (Arc::clone(&github), Arc::clone(&archive));
        async move {
            if request.uri().host() == Some("codeload.github.com") {
                return Ok(http::Response::new(archive()));
            }
            answer(&github, request).await
        }
    })
}

/// A registry with an App for `acme`.
pub fn registry(artifact: Artifact, outbound: Outbound) -> Registry {
    registry_of(artifact.component(), outbound)
}

/// The same, of a component that was compiled for it.
pub fn registry_of(component: Component, outbound: Outbound) -> Registry {
    let variables = scenario("an_archive_arrives_without_its_top_folder").variables;
    Registry::new(component, &variables, StoreKind::Keeps, outbound)
}

pub fn get_archive() -> http::Request<Body> {
    let ask = archive();
    http::Request::get(format!("https://registry.example{}", ask.target))
        .body(body::empty())
        .unwrap()
}

pub fn archive() -> Ask {
    scenarios::get(scenarios::ARCHIVE)
}

/// A zip of `acme/vpc` with one stored file of `length` line feeds between two small ones, in pieces of 64 KiB that are
/// made when they are asked for; `sent` counts them.
pub fn huge(length: u64, sent: &Arc<AtomicU64>) -> Body {
    slow(length, "last.tf", Duration::ZERO, sent)
}

/// The same with another name for the last file, and a pause before each piece.
pub fn slow(length: u64, last: &str, pause: Duration, sent: &Arc<AtomicU64>) -> Body {
    let (mut sender, channel) = Channel::new(1);
    let (start, end) = around_a_large_file(length, last);
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
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
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

/// A zip of `acme/vpc` with so many small text files.
pub fn many_files(count: usize) -> Vec<u8> {
    let names: Vec<String> = (0..count)
        .map(|n| format!("modules/m{}/file-{n}.tf", n / 20))
        .collect();
    let texts: Vec<String> = (0..count)
        .map(|n| format!("variable \"v{n}\" {{}}\n"))
        .collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&texts)
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    zips::zipball(&files)
}

/// What comes before and after the `length` bytes of a large stored file in a zip between two small files. Its CRC is
/// wrong, which is no concern of who only moves it.
fn around_a_large_file(length: u64, last: &str) -> (Vec<u8>, Vec<u8>) {
    let unchanged = zips::zipball(&[("first.tf", b"# 1\n"), ("large", b""), (last, b"# 2\n")]);
    let mut zip = unchanged.clone();
    let length = u32::try_from(length).unwrap();
    let find = |signature: &[u8], nth: usize| {
        unchanged
            .windows(4)
            .enumerate()
            .filter(|(_, it)| *it == signature)
            .map(|(at, _)| at)
            .nth(nth)
            .unwrap()
    };
    let mut add = |at: usize| {
        let field: &mut [u8; 4] = zip[at..].first_chunk_mut().unwrap();
        *field = (u32::from_le_bytes(*field) + length).to_le_bytes();
    };
    let local = find(b"PK\x03\x04", 1);
    let central = find(b"PK\x01\x02", 1);
    let next = find(b"PK\x01\x02", 2);
    let end = find(b"PK\x05\x06", 0);
    let sizes = [local + 18, local + 22, central + 20, central + 24];
    let offsets = [next + 42, end + 16];
    sizes.into_iter().chain(offsets).for_each(&mut add);
    let after = zip.split_off(local + 30 + "acme-vpc-1111111/large".len());
    (zip, after)
}
