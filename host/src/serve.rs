//! Sockets: HTTP/1.1 and HTTP/2 with prior knowledge on one port, and an end that lets running requests finish.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::{Body, BodyError, HandleError, Host, body};

/// How long running requests, and the work behind sent responses, may go on after the end was asked for.
pub const GRACE: Duration = Duration::from_secs(30);

/// How long a client may take to send a request's head, and how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// Bytes of a request's head. Landfall's longest legal request has a bearer token and a path of some hundred bytes.
const HEAD_BYTES: u32 = 64 * 1024;

/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 256;

impl Host {
    /// Serves `listener` until `end` resolves, then stops accepting and waits for running requests, and the work behind
    /// sent responses, for at most [`GRACE`].
    pub async fn serve(&self, listener: TcpListener, end: impl Future<Output = ()>) {
        let server = Arc::new(server());
        let connections = GracefulShutdown::new();
        let (ending, ended) = watch::channel(false);
        tokio::select! {
            never = async {
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => {
                            let (server, host) = (server.clone(), self.clone());
                            tokio::spawn(connection(server, host, stream, connections.watcher(), ended.clone()));
                        }
                        Err(error) => self.wait_out(&error).await,
                    }
                }
            } => never,
            never = self.expire() => never,
            () = end => {}
        }
        drop(listener);
        // Connections that have sent nothing yet leave at this; the others finish what they are at.
        ending.send_replace(true);
        let finished = timeout(GRACE, async {
            connections.shutdown().await;
            self.idle().await;
        });
        if finished.await.is_err() {
            self.output().line(&format!(
                "{} requests were cut off after {} s",
                self.running(),
                GRACE.as_secs()
            ));
        }
        // Whoever still holds this host holds its store, too.
        if let Err(error) = self.store().flush() {
            self.output()
                .line(&format!("what was learned last is not on disk: {error}"));
        }
    }

    /// Once a second.
    async fn expire(&self) {
        loop {
            sleep(Duration::from_secs(1)).await;
            self.expire_instances();
        }
    }

    /// A connection that died in the queue is its client's business; a process out of descriptors must wait for some.
    async fn wait_out(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if !matches!(
            error.kind(),
            ConnectionAborted | ConnectionReset | Interrupted
        ) {
            self.output()
                .line(&format!("can't accept a connection: {error}"));
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let request = request.map(|body| body.map_err(BodyError::from).boxed_unsync());
        Ok(self.handle(request).await.unwrap_or_else(|error| {
            // The component's own failure stays in the log; clients get no more than the blame.
            let (status, text) = match error {
                HandleError::NoAuthority => {
                    (StatusCode::BAD_REQUEST, "the request names no host\n")
                }
                HandleError::Refused(_) | HandleError::Trapped(_) => {
                    (StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
                }
            };
            let mut response = Response::new(body::full(text));
            *response.status_mut() = status;
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            response
        }))
    }
}

fn server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES as usize);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES)
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(HEAD_TIME);
    server
}

async fn connection(
    server: Arc<auto::Builder<TokioExecutor>>,
    host: Host,
    stream: TcpStream,
    watcher: Watcher,
    mut ended: watch::Receiver<bool>,
) {
    // An answer is one or two writes; waiting to join them would cost 40 ms.
    let _ = stream.set_nodelay(true);
    // The protocol is told by the first bytes, and nothing else bounds the wait for them.
    let mut first = [0];
    let greeted = tokio::select! {
        // A request that has come already is answered.
        biased;
        greeted = timeout(HEAD_TIME, stream.peek(&mut first)) => greeted,
        _ = ended.wait_for(|ended| *ended) => return,
    };
    if matches!(greeted, Ok(Ok(bytes)) if bytes > 0) {
        let service = service_fn(move |request| host.clone().answer(request));
        let exchange = server.serve_connection(TokioIo::new(stream), service);
        // Its error is a client that hung up or spoke no HTTP.
        let _ = watcher.watch(exchange.into_owned()).await;
    }
}
