//! Single requests, and answers that are read and thrown away.

use std::io::Read as _;
use std::time::{Duration, Instant};

use ureq::Agent;

use crate::Result;
use crate::load::Page;
use crate::server::Server;

/// A client with a token; its connections stay open.
pub(crate) struct Client {
    agent: Agent,
    authorization: String,
}

/// What came of a body that was thrown away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
    pub(crate) bytes: u64,
    /// From the request to the body's first byte.
    pub(crate) first_byte: Duration,
    /// To its last one.
    pub(crate) took: Duration,
}

impl Client {
    pub(crate) fn new(token: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_mins(2)))
            .build();
        Self {
            agent: config.new_agent(),
            authorization: format!("Bearer {token}"),
        }
    }

    /// A page of a server: what it answers with status 200.
    pub(crate) fn page(&self, server: &Server, path: &str) -> Result<Page> {
        let mut answer = self.send(&server.url(path), 200).map_err(with(server))?;
        let body = answer.body_mut().read_to_vec()?;
        Ok(Page {
            path: path.to_owned(),
            body,
        })
    }

    /// Whether a server answers with these very bytes.
    pub(crate) fn check(&self, server: &Server, page: &Page) -> Result<()> {
        let got = self.page(server, &page.path)?;
        if got.body != page.body {
            let (got, wanted) = (got.body.len(), page.body.len());
            let path = &page.path;
            return Err(format!("{path}: {got} bytes that are not the {wanted} expected").into());
        }
        Ok(())
    }

    /// Where the archive of a version is.
    pub(crate) fn archive(&self, server: &Server, download: &str) -> Result<String> {
        let answer = self
            .send(&server.url(download), 204)
            .map_err(with(server))?;
        let location = answer.headers().get("x-terraform-get");
        let location = location.ok_or_else(|| format!("{download}: no x-terraform-get"))?;
        Ok(location.to_str()?.to_owned())
    }

    /// Receives a body whole, and forgets it.
    pub(crate) fn discard(&self, url: &str) -> Result<Transfer> {
        let began = Instant::now();
        let mut reader = self.send(url, 200)?.into_body().into_reader();
        let mut buffer = vec![0; 256 * 1024];
        let mut bytes = reader.read(&mut buffer)? as u64;
        let first_byte = began.elapsed();
        loop {
            match reader.read(&mut buffer)? as u64 {
                0 => break,
                more => bytes += more,
            }
        }
        Ok(Transfer {
            bytes,
            first_byte,
            took: began.elapsed(),
        })
    }

    fn send(&self, url: &str, wanted: u16) -> Result<ureq::http::Response<ureq::Body>> {
        let request = self.agent.get(url);
        let request = request.header("authorization", &self.authorization);
        let mut answer = request.call().map_err(|error| format!("{url}: {error}"))?;
        let status = answer.status().as_u16();
        if status != wanted {
            let text = answer.body_mut().read_to_string().unwrap_or_default();
            return Err(format!("{url}: {status} instead of {wanted}: {text}").into());
        }
        Ok(answer)
    }
}

/// An error with what the server says of it.
fn with(server: &Server) -> impl Fn(Box<dyn std::error::Error>) -> String {
    |error| format!("{error}\n{}", server.said())
}
