//! Requests over HTTP/1.1 whose answers stream, are left in the middle, or break off.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::runtime::{self, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A connection that requests go over, one after the other. Dropping it hangs up.
pub struct Connection {
    address: String,
    sender: http1::SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

/// Why an answer did not come, or did not come whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Nobody takes the connection.
    Refused,
    /// Nothing comes for too long.
    Silent,
    /// The connection ended too early.
    Cut(String),
}

impl Connection {
    /// Connects to `127.0.0.1:PORT`. With `receive_bytes`, so little is on its way that a sender notices a slow reader.
    pub async fn open(address: &str, receive_bytes: Option<u32>) -> Result<Self, Broken> {
        let refused = |_| Broken::Refused;
        let socket = TcpSocket::new_v4().map_err(refused)?;
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(bytes).map_err(refused)?;
        }
        let to: SocketAddr = address.parse().map_err(|_| Broken::Refused)?;
        let stream = socket.connect(to).await.map_err(refused)?;
        let _ = stream.set_nodelay(true);
        let mut builder = http1::Builder::new();
        if let Some(bytes) = receive_bytes {
            builder.max_buf_size(usize::try_from(bytes).unwrap_or(usize::MAX).max(8192));
        }
        let (sender, connection) = builder
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Broken::cut)?;
        let driver = tokio::spawn(async move {
            // Who waits for an answer gets the error.
            let _ = connection.await;
        });
        Ok(Self {
            address: address.to_owned(),
            sender,
            driver,
        })
    }

    /// Whether another request can go over it.
    pub async fn is_ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Response<Incoming>, Broken> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("Host", &self.address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        let request = request
            .body(body)
            .map_err(|it| Broken::Cut(it.to_string()))?;
        let answer = timeout(PATIENCE, self.sender.send_request(request)).await;
        answer.map_err(|_| Broken::Silent)?.map_err(Broken::cut)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The next piece of a body; `None` at its end.
pub async fn piece(body: &mut Incoming) -> Result<Option<Bytes>, Broken> {
    loop {
        let frame = timeout(PATIENCE, body.frame()).await;
        match frame.map_err(|_| Broken::Silent)? {
            None => return Ok(None),
            Some(Err(error)) => return Err(Broken::cut(error)),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

impl Broken {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is what `map_err` is given"
    )]
    fn cut(error: hyper::Error) -> Self {
        let source = std::error::Error::source(&error);
        let source = source.map_or_else(String::new, |source| format!(": {source}"));
        Self::Cut(format!("{error}{source}"))
    }
}

/// One answer, whose body is read when it is asked for.
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    body: Incoming,
    // The connection ends on its runtime.
    _connection: Connection,
    runtime: Runtime,
}

impl Reply {
    /// `GET`s a path over a connection of its own, and waits for the answer's head.
    #[track_caller]
    pub fn get(address: &str, path: &str) -> Self {
        Self::open(address, path, None)
    }

    /// The same of a client whose receive buffer is small.
    #[track_caller]
    pub fn get_slowly(address: &str, path: &str) -> Self {
        Self::open(address, path, Some(4096))
    }

    #[track_caller]
    fn open(address: &str, path: &str, receive_bytes: Option<u32>) -> Self {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let opened = runtime.block_on(async {
            let mut connection = Connection::open(address, receive_bytes).await?;
            let answer = connection.send(Method::GET, path, &[], "").await?;
            Ok::<_, Broken>((connection, answer))
        });
        let (connection, answer) = opened.unwrap_or_else(|broken| panic!("{path}: {broken:?}"));
        let (head, body) = answer.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            _connection: connection,
            runtime,
        }
    }

    /// The next piece of the body; `None` at its end.
    pub fn piece(&mut self) -> Result<Option<Bytes>, Broken> {
        self.runtime.block_on(piece(&mut self.body))
    }

    /// Waits without reading.
    pub fn pause(&self, time: Duration) {
        self.runtime
            .block_on(async { tokio::time::sleep(time).await });
    }

    /// All that is left of the body.
    pub fn rest(mut self) -> Result<Vec<u8>, Broken> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece()? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// Nothing of Landfall's takes longer.
const PATIENCE: Duration = Duration::from_secs(100);
