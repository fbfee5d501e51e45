//! Bodies: one boxed type for every direction, and the bodies that tests and error answers are made of.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Frame;

/// A streaming body of requests and responses, towards clients and towards GitHub alike.
pub type Body = wasmtime_wasi_http::WasiBody;

/// Why a body broke off, or why an outbound request got no response; the component sees the wasi:http error code of it.
pub type BodyError = wasmtime_wasi_http::Error;

/// A body without a byte.
#[must_use]
pub fn empty() -> Body {
    Empty::new().map_err(never).boxed_unsync()
}

/// A body of bytes that are already there; its length is known.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(never).boxed_unsync()
}

/// A body of these chunks in turn, without a known length; an error breaks it off.
#[must_use]
pub fn chunks(chunks: impl IntoIterator<Item = Result<Bytes, BodyError>>) -> Body {
    Chunks(chunks.into_iter().collect()).boxed_unsync()
}

struct Chunks(VecDeque<Result<Bytes, BodyError>>);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| chunk.map(Frame::data)))
    }
}

fn never(never: Infallible) -> BodyError {
    match never {}
}
