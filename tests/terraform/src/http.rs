//! A single request, where no client's own would do.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The status line and the headers, as they came.
    head: String,
    pub body: String,
}

/// GETs a path.
#[track_caller]
pub fn get(address: &str, path: &str) -> Answer {
    get_with(address, path, &[])
}

/// GETs a path with these headers.
#[track_caller]
pub fn get_with(address: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(address, "GET", path, headers, "")
}

/// Sends a request. The protocol's version is 1.0, in which a body is just what comes until the end. Of one that is no
/// text, what is is given.
#[track_caller]
pub fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let text = raw(address, &format!("{head}\r\n{body}"));
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// Sends these bytes, and gives what comes until the connection ends.
#[track_caller]
pub fn raw(address: &str, bytes: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    // Who refuses it does not read it to its end.
    let _ = socket.write_all(bytes.as_bytes());
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    assert!(read.is_ok() || !answer.is_empty(), "no answer: {read:?}");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The header by which a token is presented.
pub fn bearer(token: &str) -> (&'static str, String) {
    ("Authorization", format!("Bearer {token}"))
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
