//! Where archives come from: GitHub's second host, which here does nothing but send, from memory, as fast as it is received.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use crate::Result;
use crate::zip::{Zip, block};

/// A server of archives; it lives as long as the bench.
pub(crate) struct Source {
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
}

impl Source {
    /// Serves each archive at `/INDEX`.
    pub(crate) fn start(archives: Vec<Zip>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let archives = Arc::new(archives);
        let block = Arc::new(chunk(&block()));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (archives, block) = (Arc::clone(&archives), Arc::clone(&block));
                // Who leaves in the middle is missed by nobody: the client's count of bytes tells.
                thread::spawn(move || serve(stream, &archives, &block));
            }
        });
        Ok(Self { address })
    }

    pub(crate) fn url(&self, index: usize) -> String {
        format!("http://{}/{index}", self.address)
    }
}

/// Answers the requests of a connection, in chunks: GitHub does not know the length of what it makes while it sends it.
fn serve(mut stream: TcpStream, archives: &[Zip], block: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        let index = path.trim_start_matches('/').parse().ok();
        let Some(zip) = index.and_then(|index: usize| archives.get(index)) else {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        };
        stream.write_all(HEAD)?;
        stream.write_all(&chunk(&zip.before))?;
        for _ in 0..zip.blocks {
            stream.write_all(block)?;
        }
        if !zip.after.is_empty() {
            stream.write_all(&chunk(&zip.after))?;
        }
        stream.write_all(b"0\r\n\r\n")?;
    }
}

/// <https://www.rfc-editor.org/rfc/rfc9112#section-7.1>
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/zip\r\ntransfer-encoding: chunked\r\n\r\n";
