//! The two listeners, and the way of a request: fault, answer, log.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{DATE, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::request::Parts;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::answer::{Answer, Body};
use crate::api;
use crate::archive;
use crate::clock::http_date;
use crate::control;
use crate::fault::FaultKind;
use crate::limit::InFlight;
use crate::log::{Credential, LogEntry, Origin};
use crate::oidc;
use crate::refusal;
use crate::world::GitHub;

const MAX_REQUEST_BODY: usize = 1024 * 1024;

pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{address} is not a loopback address, and the stand-in's key is public"),
        ));
    }
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

pub(crate) async fn listen(listener: tokio::net::TcpListener, github: Arc<GitHub>, origin: Origin) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        connections.spawn(connection(Arc::clone(&github), origin, socket));
        while connections.try_join_next().is_some() {}
    }
}

/// Serves a connection until its client leaves or GitHub goes down. The API's origin then still hears its control endpoints.
async fn connection(github: Arc<GitHub>, origin: Origin, socket: TcpStream) {
    let mut down = github.down.subscribe();
    if origin == Origin::Archive && *down.borrow_and_update() {
        github.world().refused += 1;
        return;
    }
    let service = service_fn(|request| serve(Arc::clone(&github), origin, request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            // A client that leaves and a connection dropped on purpose both end here.
            _ = connection.as_mut() => return,
            _ = down.changed() => {
                if *down.borrow_and_update() {
                    break;
                }
            }
        }
    }
    if origin == Origin::Api {
        // Whoever pressed the switch over this connection gets an answer.
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// An error is a dropped connection.
async fn serve(
    github: Arc<GitHub>,
    origin: Origin,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (request, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BODY).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    if origin == Origin::Api
        && let Some(path) = request.uri.path().strip_prefix(control::PREFIX)
    {
        let answer = control::answer(&github, &request.method, path, &body).await;
        return Ok(answer.into_response());
    }
    let mut down = github.down.subscribe();
    tokio::select! {
        biased;
        _ = down.wait_for(|down| *down) => {
            github.world().refused += 1;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        response = respond(&github, origin, &request, &body) => response,
    }
}

async fn respond(
    github: &Arc<GitHub>,
    origin: Origin,
    request: &Parts,
    body: &Bytes,
) -> io::Result<Response<Body>> {
    let is_limited = origin == Origin::Api && !oidc::owns(request.uri.path());
    let in_flight = is_limited.then(|| InFlight::enter(github));
    let too_many = in_flight.as_ref().is_some_and(|(_, too_many)| *too_many);
    let (fault, number) = {
        let mut world = github.world();
        let fault = if too_many {
            None
        } else {
            world.take_fault(origin, &request.method, request.uri.path())
        };
        (fault, world.log_request(entry(origin, request)))
    };
    if let Some(delay) = fault.as_ref().and_then(FaultKind::delay) {
        tokio::time::sleep(delay).await;
    }
    let (answer, billed) = if too_many {
        (refusal::secondary_rate_limited(429, None), false)
    } else {
        answer(github, origin, request, body, fault.as_ref())
            .await
            .ok_or(io::ErrorKind::ConnectionAborted)?
    };
    let now = {
        let mut world = github.world();
        world.log_answer(number, answer.status.as_u16(), billed);
        world.now()
    };
    Ok(answer.header(DATE, &http_date(now)).into_response())
}

fn entry(origin: Origin, request: &Parts) -> LogEntry {
    let if_none_match = request.headers.get(IF_NONE_MATCH);
    LogEntry {
        origin,
        method: request.method.to_string(),
        path: request.uri.path().to_owned(),
        credential: Credential::of(&request.headers),
        if_none_match: if_none_match
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        if_modified_since: request.headers.contains_key(IF_MODIFIED_SINCE),
        billed: false,
        status: None,
    }
}

/// The answer and whether it is billed, or `None` for a dropped connection. What a fault replaces has no effect and no price.
async fn answer(
    github: &GitHub,
    origin: Origin,
    request: &Parts,
    body: &Bytes,
    fault: Option<&FaultKind>,
) -> Option<(Answer, bool)> {
    if matches!(fault, Some(FaultKind::Drop)) {
        return None;
    }
    let requested = match origin {
        Origin::Api => format!("{}{}", github.api_url, request.uri),
        Origin::Archive => format!("http://{}{}", github.archive_origin, request.uri),
    };
    if let Some(answer) = fault.and_then(|fault| fault.replacement(github.now(), &requested)) {
        return Some((answer, false));
    }
    let (answer, billed) = match origin {
        Origin::Api if oidc::owns(request.uri.path()) => (oidc::answer(github, request), false),
        Origin::Api => {
            let api::Billed { answer, billed } = api::answer(github, request, body, fault).await;
            (answer, billed)
        }
        Origin::Archive => (archive::answer(github, request, fault).await, false),
    };
    let answer = match fault {
        Some(fault) => fault.spoil(answer),
        None => answer,
    };
    Some((answer, billed))
}
