// SPDX-License-Identifier: Apache-2.0
//! One connection of a mail server: bytes between its socket and a conversation, and time limits on both.

use super::Door;
use crate::limits;
use std::io::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wardroom_mail::door::Next;

/// Serves a connection until one of both sides ends it.
pub(super) async fn serve(door: &Door, mut stream: TcpStream) -> Result<()> {
    let _ = stream.set_nodelay(true);
    let options = &door.options;
    let mut conversation = options.protocol.begin(options.message_bytes);
    let (mut out, mut read) = (Vec::new(), vec![0; limits::MAIL_READ_BYTES]);
    let mut closing = door.closing.clone();
    loop {
        match conversation.next(&mut out) {
            Next::Ask(question) => {
                let answer = door.answer(*question).await;
                conversation.answer(&answer, &mut out);
                // Answers to what was asked at once do not gather.
                flush(&mut stream, &mut out).await?;
            }
            Next::More => {
                flush(&mut stream, &mut out).await?;
                let count = tokio::select! {
                    // Whoever is in the middle of a message is cut off: its server does as it is configured to.
                    _ = closing.wait_for(|closing| *closing) => return Ok(()),
                    count = timeout(options.idle, stream.read(&mut read)) => {
                        count.map_err(|_| Error::new(ErrorKind::TimedOut, "nothing came for too long"))??
                    }
                };
                match count {
                    0 => conversation.end(),
                    count => conversation.hear(&read[..count]),
                }
            }
            Next::Close(wrong) => {
                if let Some(wrong) = wrong {
                    tracing::warn!(listener = %options.name, "a mail server sent what is not understood: {wrong}");
                }
                flush(&mut stream, &mut out).await?;
                return stream.shutdown().await;
            }
        }
    }
}

async fn flush(stream: &mut TcpStream, out: &mut Vec<u8>) -> Result<()> {
    if !out.is_empty() {
        let written = timeout(limits::WRITE_TIMEOUT, stream.write_all(out)).await;
        written.map_err(|_| Error::new(ErrorKind::TimedOut, "the peer takes nothing"))??;
        out.clear();
    }
    Ok(())
}
