// SPDX-License-Identifier: Apache-2.0
//! A connection whose peer must take what is written to it: one that takes nothing for too long is an error.
//!
//! Without it who asks and never reads would hold a place among the connections for good.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream with a bound on how long a write may make no progress at all.
pub(crate) struct Outlet<S> {
    stream: S,
    most: Duration,
    /// Runs while the stream takes nothing; gone as soon as it takes something.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Outlet<S> {
    pub(crate) fn new(stream: S, most: Duration) -> Outlet<S> {
        Outlet { stream, most, stuck: None }
    }

    /// A write that waits is an error once it has waited for too long.
    fn bounded<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stuck = None;
            return polled;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.most)));
        std::task::ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing of what is written")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Outlet<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Outlet<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.bounded(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.bounded(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        // A socket has nothing to flush and is done at once: that is no sign of a peer that reads.
        if polled.is_ready() { polled } else { self.bounded(cx, polled) }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn who_takes_nothing_is_cut() {
        run(async {
            let (near, _far) = duplex(4);
            let mut outlet = Outlet::new(near, Duration::from_millis(50));
            let written = tokio::time::timeout(Duration::from_secs(20), outlet.write_all(b"too much")).await;
            assert_eq!(written.expect("it ends").unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn who_is_slow_is_left_alone() {
        run(async {
            let (near, mut far) = duplex(4);
            let mut outlet = Outlet::new(near, Duration::from_millis(500));
            let began = tokio::time::Instant::now();
            let read = async {
                let mut bytes = [0; 4];
                for _ in 0..10 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    far.read_exact(&mut bytes).await.unwrap();
                }
            };
            let (written, ()) = tokio::join!(outlet.write_all(&[7; 40]), read);
            written.unwrap();
            assert!(
                began.elapsed() > Duration::from_millis(500),
                "all of it takes longer than one write may"
            );
        });
    }
}
