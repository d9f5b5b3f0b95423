// SPDX-License-Identifier: Apache-2.0
//! A connection whose peer must take what is written to it: one that takes nothing, or next to nothing, for too long is
//! an error.
//!
//! Without it who asks and never reads, or reads a byte now and then, would hold a place among the connections for good.

use crate::limits;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream with a bound on how long writing may make no progress worth the name.
pub(crate) struct Outlet<S> {
    stream: S,
    most: Duration,
    /// Runs since the stream took nothing; gone when it has taken enough since, or all there was.
    stuck: Option<Stuck>,
}

struct Stuck {
    timer: Pin<Box<Sleep>>,
    /// Bytes taken since.
    taken: usize,
}

impl<S> Outlet<S> {
    pub(crate) fn new(stream: S, most: Duration) -> Outlet<S> {
        Outlet { stream, most, stuck: None }
    }

    /// A write that waits is an error once too little was taken for too long.
    fn bounded(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(Ok(written)) => {
                if let Some(stuck) = &mut self.stuck {
                    stuck.taken += written;
                    if stuck.taken >= limits::WRITE_LEAST {
                        self.stuck = None;
                    }
                }
                polled
            }
            Poll::Ready(Err(_)) => polled,
            Poll::Pending => {
                std::task::ready!(self.overdue(cx));
                let why = "the peer takes next to nothing of what is written";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
            }
        }
    }

    fn overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let most = self.most;
        let begin = || Stuck { timer: Box::pin(tokio::time::sleep(most)), taken: 0 };
        self.stuck.get_or_insert_with(begin).timer.as_mut().poll(cx)
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
        // Who writes flushes when all of it was taken: nothing is owed any more.
        if polled.is_ready() {
            self.stuck = None;
        }
        polled
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
    fn who_takes_a_byte_now_and_then_is_cut() {
        run(async {
            let (near, mut far) = duplex(4);
            let mut outlet = Outlet::new(near, Duration::from_millis(200));
            let drip = async {
                let mut byte = [0; 1];
                while far.read_exact(&mut byte).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let written = async {
                let written = outlet.write_all(&[7; 4000]).await;
                drop(outlet);
                written
            };
            let both = async { tokio::join!(written, drip) };
            let (written, ()) = tokio::time::timeout(Duration::from_secs(20), both).await.expect("it ends");
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn who_took_all_there_was_begins_anew() {
        run(async {
            let (near, mut far) = duplex(4);
            let mut outlet = Outlet::new(near, Duration::from_millis(500));
            let mut bytes = [0; 8];
            for _ in 0..8 {
                let (written, read) = tokio::join!(
                    async {
                        outlet.write_all(b"8 bytes.").await?;
                        outlet.flush().await
                    },
                    async {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        far.read_exact(&mut bytes).await
                    }
                );
                written.unwrap();
                read.unwrap();
            }
        });
    }

    #[test]
    fn who_is_slow_is_left_alone() {
        run(async {
            let (near, mut far) = duplex(limits::WRITE_LEAST);
            let mut outlet = Outlet::new(near, Duration::from_millis(500));
            let began = tokio::time::Instant::now();
            let read = async {
                let mut bytes = [0; limits::WRITE_LEAST];
                for _ in 0..10 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    far.read_exact(&mut bytes).await.unwrap();
                }
            };
            let (written, ()) = tokio::join!(outlet.write_all(&[7; 10 * limits::WRITE_LEAST]), read);
            written.unwrap();
            assert!(
                began.elapsed() > Duration::from_millis(500),
                "all of it takes longer than one write may"
            );
        });
    }
}
