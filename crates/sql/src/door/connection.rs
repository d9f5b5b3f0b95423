// SPDX-License-Identifier: Apache-2.0
//! One connection's bytes: messages in, within their bounds, and answers out, to peers that take them.

use super::wire::{self, Message};
use super::{Door, session, startup};
use crate::limits;
use bytes::{Buf, Bytes, BytesMut};
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A stream either way: plain or within TLS.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection.
pub(super) struct Wire {
    pub(super) stream: Box<dyn Duplex>,
    pub(super) inbox: BytesMut,
    /// What is to be written.
    pub(super) out: BytesMut,
    /// Longest message that is taken now.
    pub(super) most: usize,
}

/// Lets a client in, or not, and answers it until it goes.
pub(super) async fn serve(door: &Door, stream: TcpStream, peer: SocketAddr) -> Result<()> {
    let _ = stream.set_nodelay(true);
    let begun = timeout(limits::STARTUP, startup::begin(door, stream, peer)).await;
    let begun = begun.map_err(|_| Error::new(ErrorKind::TimedOut, "it was not let in in time"))??;
    match begun {
        Some((wire, admitted)) => session::serve(door, wire, admitted).await,
        None => Ok(()),
    }
}

fn malformed(error: wire::Malformed) -> Error {
    Error::new(ErrorKind::InvalidData, error)
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Duplex>) -> Wire {
        Wire { stream, inbox: BytesMut::new(), out: BytesMut::new(), most: limits::STARTUP_BYTES }
    }

    /// Reads more; false when the peer has ended. May be dropped half way: nothing is lost.
    pub(super) async fn fill(&mut self) -> Result<bool> {
        self.inbox.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.inbox).await? > 0)
    }

    /// Waits until the peer is gone. What it sends meanwhile is kept, up to a message's bound.
    pub(super) async fn gone(&mut self) -> Error {
        while self.inbox.len() < self.most {
            match self.fill().await {
                Ok(true) => {}
                Ok(false) => return ErrorKind::UnexpectedEof.into(),
                Err(error) => return error,
            }
        }
        std::future::pending().await
    }

    /// A message without a type: what a connection begins with.
    pub(super) async fn first(&mut self) -> Result<Option<wire::First>> {
        loop {
            if let Some(length) = self.length(0)?
                && self.inbox.len() >= length
            {
                let mut body = self.inbox.split_to(length);
                body.advance(4);
                return wire::first(&body).map(Some).map_err(malformed);
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// The next message that is there already.
    pub(super) fn buffered(&mut self) -> Result<Option<Message>> {
        let Some(length) = self.length(1)? else { return Ok(None) };
        if self.inbox.len() < length + 1 {
            return Ok(None);
        }
        let kind = self.inbox.get_u8();
        self.inbox.advance(4);
        let body: Bytes = self.inbox.split_to(length - 4).freeze();
        wire::message(kind, &body).map(Some).map_err(malformed)
    }

    /// The next message; none when the peer has ended.
    pub(super) async fn message(&mut self) -> Result<Option<Message>> {
        loop {
            if let Some(message) = self.buffered()? {
                return Ok(Some(message));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// The length that stands at `at`, itself included, if it is there; it is one that is taken.
    fn length(&self, at: usize) -> Result<Option<usize>> {
        let Some(bytes) = self.inbox.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()) else {
            return Ok(None);
        };
        let length = usize::try_from(i32::from_be_bytes(bytes)).ok().filter(|length| *length >= 4);
        match length {
            Some(length) if length <= self.most => Ok(Some(length)),
            _ => Err(malformed(wire::Malformed("its length is not one that is taken"))),
        }
    }

    /// Writes what there is to write.
    pub(super) async fn flush(&mut self) -> Result<()> {
        while !self.out.is_empty() {
            let wrote = timeout(limits::WRITE_TIMEOUT, self.stream.write_buf(&mut self.out)).await;
            let wrote = wrote.map_err(|_| Error::new(ErrorKind::TimedOut, "the peer takes nothing"))??;
            if wrote == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        timeout(limits::WRITE_TIMEOUT, self.stream.flush())
            .await
            .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }

    /// Writes if there is much.
    pub(super) async fn flush_if_much(&mut self) -> Result<()> {
        if self.out.len() >= limits::WRITE_BYTES { self.flush().await } else { Ok(()) }
    }
}

/// Bytes of room for one read.
const READ_BYTES: usize = 8 * 1024;
