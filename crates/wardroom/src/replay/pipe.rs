// SPDX-License-Identifier: Apache-2.0
//! A pipe or a terminal, read by a thread of its own: who waits for more can stop waiting.
//!
//! A read that blocks does not hear Ctrl-C, and what came before it would be judged only when more comes. So a read
//! here gives [`ErrorKind::WouldBlock`] when nothing has come for a while, and may be tried again.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Most bytes read at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait to be taken: beyond them the writer waits, as it does at any pipe.
const PIECES: usize = 2;

pub(crate) struct Pipe {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    taken: usize,
    patience: Duration,
}

impl Pipe {
    /// Reads what `open` gives; opening may block too, as it does at a FIFO without a writer. A read waits for at most
    /// `patience`.
    ///
    /// # Errors
    /// When there is no thread to be had. What opening and reading give comes out of reads.
    pub(crate) fn new<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        patience: Duration,
    ) -> io::Result<Pipe> {
        let (sender, pieces) = sync_channel(PIECES);
        // Left behind when nobody takes its pieces any more: the end of the process ends its read.
        let pump = move || {
            if let Err(e) = open().and_then(|source| pump(source, &sender)) {
                let _ = sender.send(Err(e));
            }
        };
        std::thread::Builder::new().name("pipe".to_owned()).spawn(pump)?;
        Ok(Pipe { pieces, piece: Vec::new(), taken: 0, patience })
    }
}

fn pump(mut source: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        match source.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(n) => piece.truncate(n),
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        }
        if sender.send(Ok(piece)).is_err() {
            return Ok(());
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.piece.len() {
            self.piece = match self.pieces.recv_timeout(self.patience) {
                Ok(piece) => piece?,
                Err(RecvTimeoutError::Timeout) => return Err(ErrorKind::WouldBlock.into()),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            };
            self.taken = 0;
        }
        let rest = &self.piece[self.taken..];
        let n = rest.len().min(into.len());
        into[..n].copy_from_slice(&rest[..n]);
        self.taken += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_comes_is_read_and_silence_is_said() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut pipe = Pipe::new(move || Ok(reader), Duration::from_millis(1)).unwrap();
        let mut into = [0; 4];
        assert_eq!(pipe.read(&mut into).unwrap_err().kind(), ErrorKind::WouldBlock);
        writer.write_all(b"abcdef").unwrap();
        drop(writer);
        let mut all = Vec::new();
        loop {
            match pipe.read(&mut into) {
                Ok(0) => break,
                Ok(n) => all.extend_from_slice(&into[..n]),
                Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
            }
        }
        assert_eq!(all, b"abcdef");
        assert_eq!(pipe.read(&mut into).unwrap(), 0, "an end stays one");
    }

    #[test]
    fn what_cannot_be_opened_is_said_once() {
        let open = || Err::<io::Empty, _>(ErrorKind::PermissionDenied.into());
        let mut pipe = Pipe::new(open, Duration::from_secs(60)).unwrap();
        assert_eq!(pipe.read(&mut [0]).unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(pipe.read(&mut [0]).unwrap(), 0);
    }
}
