//! Bodies that are written while they are sent, and the ways to write them badly.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::answer::Content;
use crate::fault::FaultKind;

/// Before a body breaks off hyper gets so long to send what it holds, or that would be lost at random.
const FLUSH: Duration = Duration::from_millis(50);

/// A body under construction; dropping it ends the body, aborting it breaks the connection off.
pub(crate) type Tap = Sender<Bytes, io::Error>;

/// Copies the archive to the body, with the fault that was ordered.
pub(crate) async fn pour(
    mut archive: impl AsyncRead + Unpin,
    mut tap: Tap,
    fault: Option<FaultKind>,
) {
    let piece = match fault {
        Some(FaultKind::SlowDrip { bytes, .. }) => bytes.max(1),
        _ => 64 * 1024,
    };
    let mut buffer = vec![0; piece];
    let mut sent: u64 = 0;
    let mut stalled = false;
    loop {
        let read = match archive.read(&mut buffer).await {
            Ok(0) => {
                if matches!(fault, Some(FaultKind::WrongContentLength { .. })) {
                    tokio::time::sleep(FLUSH).await;
                }
                return;
            }
            Ok(read) => read,
            Err(error) => return tap.abort(error),
        };
        let mut bytes = Bytes::copy_from_slice(buffer.get(..read).unwrap_or_default());
        match fault {
            Some(FaultKind::TruncateAbort { after }) if sent + bytes.len() as u64 >= after => {
                let rest = bytes.split_to(up_to(after - sent, bytes.len()));
                let _ = tap.send_data(rest).await;
                tokio::time::sleep(FLUSH).await;
                return tap.abort(io::ErrorKind::ConnectionAborted.into());
            }
            Some(FaultKind::TruncateEnd { after }) if sent + bytes.len() as u64 >= after => {
                let rest = bytes.split_to(up_to(after - sent, bytes.len()));
                let _ = tap.send_data(rest).await;
                return;
            }
            Some(FaultKind::StallAfter { after, seconds })
                if !stalled && sent + bytes.len() as u64 >= after =>
            {
                stalled = true;
                let before = bytes.split_to(up_to(after - sent, bytes.len()));
                sent += before.len() as u64;
                if tap.send_data(before).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
            Some(FaultKind::SlowDrip {
                every_milliseconds, ..
            }) => {
                tokio::time::sleep(Duration::from_millis(every_milliseconds)).await;
            }
            _ => {}
        }
        sent += bytes.len() as u64;
        if tap.send_data(bytes).await.is_err() {
            return;
        }
    }
}

/// A body that a task fills.
pub(crate) fn poured<F>(pour: impl FnOnce(Tap) -> F) -> Content
where
    F: Future<Output = ()> + Send + 'static,
{
    let (tap, body) = Channel::new(1);
    tokio::spawn(pour(tap));
    Content::Stream(body.boxed_unsync())
}

/// These bytes, and then the connection is closed.
pub(crate) fn broken_off(bytes: Bytes) -> Content {
    poured(|mut tap| async move {
        let _ = tap.send_data(bytes).await;
        tokio::time::sleep(FLUSH).await;
        tap.abort(io::ErrorKind::ConnectionAborted.into());
    })
}

/// Bytes that no zip starts with, the same every time.
pub(crate) fn garbage(length: u64) -> Content {
    poured(move |mut tap: Tap| async move {
        let block: Bytes = (0..64 * 1024_u32)
            .map(|at| (at % 251) as u8)
            .collect::<Vec<u8>>()
            .into();
        let mut left = length;
        while left > 0 {
            let piece = block.slice(..up_to(left, block.len()));
            left -= piece.len() as u64;
            if tap.send_data(piece).await.is_err() {
                return;
            }
        }
    })
}

fn up_to(wanted: u64, most: usize) -> usize {
    usize::try_from(wanted).map_or(most, |wanted| wanted.min(most))
}
