//! Where log lines go: the component's stdout and stderr, and the host's own lines.
//!
//! A component writes a line in pieces; instances run side by side. Lines are therefore put together for each
//! instance and written whole.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::Metrics;

/// A line that grows longer than this is written in parts, so that a component can't make the host hold more.
const LONGEST_LINE: usize = 64 * 1024;

/// Where lines go. Clones write to the same place.
#[derive(Clone, Debug, Default)]
pub struct Output {
    captured: Option<Arc<Mutex<Vec<u8>>>>,
    metrics: Option<Metrics>,
}

impl Output {
    /// To this process's stdout and stderr.
    #[must_use]
    pub fn inherited() -> Self {
        Self::default()
    }

    /// Into memory, stdout and stderr together, for tests that assert on log lines.
    #[must_use]
    pub fn captured() -> Self {
        Self {
            captured: Some(Arc::default()),
            metrics: None,
        }
    }

    /// The same, and what the component writes to stderr is counted.
    #[must_use]
    pub fn counted(self, metrics: Metrics) -> Self {
        Self {
            metrics: Some(metrics),
            ..self
        }
    }

    /// Every line captured so far; empty where output is inherited.
    #[must_use]
    pub fn text(&self) -> String {
        self.captured.as_ref().map_or_else(String::new, |captured| {
            String::from_utf8_lossy(&lock(captured)).into_owned()
        })
    }

    /// Writes one line of the host's own to stderr.
    pub fn line(&self, text: &str) {
        self.write(Stream::Stderr, format!("landfall: {text}\n").as_bytes());
    }

    /// Writes the line of a request that the component gave no answer to.
    pub(crate) fn failure(&self, text: &str) {
        if let Some(metrics) = &self.metrics {
            metrics.component_failed();
        }
        self.line(text);
    }

    pub(crate) fn stdout(&self) -> impl StdoutStream + use<> {
        Lines::new(self.clone(), Stream::Stdout)
    }

    pub(crate) fn stderr(&self) -> impl StdoutStream + use<> {
        Lines::new(self.clone(), Stream::Stderr)
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        // A closed stderr is no reason to fail a request.
        let _ = match (&self.captured, stream) {
            (Some(captured), _) => {
                lock(captured).extend_from_slice(bytes);
                Ok(())
            }
            (None, Stream::Stdout) => std::io::stdout().write_all(bytes),
            (None, Stream::Stderr) => std::io::stderr().write_all(bytes),
        };
    }
}

#[derive(Clone, Copy, Debug)]
enum Stream {
    Stdout,
    Stderr,
}

/// One of an instance's streams. A component may open it anew for every piece, so the unfinished line is shared.
#[derive(Clone)]
struct Lines(Arc<Unfinished>);

struct Unfinished {
    output: Output,
    stream: Stream,
    line: Mutex<Vec<u8>>,
}

impl Lines {
    fn new(output: Output, stream: Stream) -> Self {
        Self(Arc::new(Unfinished {
            output,
            stream,
            line: Mutex::default(),
        }))
    }

    fn push(&self, bytes: &[u8]) {
        let mut line = lock(&self.0.line);
        line.extend_from_slice(bytes);
        let whole = match line.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if line.len() > LONGEST_LINE => line.len(),
            None => return,
        };
        let rest = line.split_off(whole);
        self.0.write(&line);
        *line = rest;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let line = self.line.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !line.is_empty() {
            line.push(b'\n');
            let line = std::mem::take(line);
            self.write(&line);
        }
    }
}

impl Unfinished {
    /// Whole lines.
    fn write(&self, lines: &[u8]) {
        if let (Some(metrics), Stream::Stderr) = (&self.output.metrics, self.stream) {
            metrics.observe(lines);
        }
        self.output.write(self.stream, lines);
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this one.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_two_instances_do_not_mix() {
        let output = Output::captured();
        let (one, two) = (
            Lines::new(output.clone(), Stream::Stderr),
            Lines::new(output.clone(), Stream::Stderr),
        );
        one.push(b"on");
        two.push(b"tw");
        one.clone().push(b"e\n");
        two.push(b"o\nunfinished");
        drop((one, two));
        assert_eq!(output.text(), "one\ntwo\nunfinished\n");
    }

    #[test]
    fn an_endless_line_is_written_in_parts() {
        let output = Output::captured();
        let lines = Lines::new(output.clone(), Stream::Stdout);
        lines.push(&vec![b'x'; LONGEST_LINE + 1]);
        assert_eq!(output.text().len(), LONGEST_LINE + 1);
    }
}
