// SPDX-License-Identifier: Apache-2.0
//! Many events on one request: lines out, lines back in the same order, both at once.

use super::answer::{self, Outcome};
use super::schedule::Arrival;
use super::single::{Connection, request};
use super::{Shared, limits, lock};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout_at};

/// A body that is made while it is sent. It ends when its sender is dropped.
pub(super) struct Feed(pub(super) mpsc::Receiver<Bytes>);

impl Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Cuts pieces into lines; a line may go over several pieces.
#[derive(Default)]
pub(super) struct Lines {
    carry: Vec<u8>,
}

impl Lines {
    /// Gives each line that `piece` completes, without its end. Empty lines are passed over. A line that is longer than
    /// [`limits::ANSWER_BYTES`] is given cut, which no reader will take for an answer.
    pub(super) fn push(&mut self, piece: &[u8], mut line: impl FnMut(&[u8])) {
        let mut give = |bytes: &[u8]| {
            if !bytes.trim_ascii().is_empty() {
                line(bytes);
            }
        };
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            if self.carry.is_empty() {
                give(&rest[..end]);
            } else {
                self.keep(&rest[..end]);
                give(&self.carry);
                self.carry.clear();
            }
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = limits::ANSWER_BYTES.saturating_sub(self.carry.len());
        self.carry.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// What was sent on one stream and has no answer yet, oldest first, with the time of sending.
struct Pending {
    queue: Mutex<VecDeque<(Arrival, Instant)>>,
    /// A permit for each event that may still be sent.
    room: Semaphore,
}

/// Keeps one stream going until there are no more events; one that broke is made again.
pub(super) async fn work(shared: Arc<Shared>, in_flight: usize) {
    let mut first = None;
    loop {
        // A stream without an event to send is not opened: the next may never come.
        first = match first.take() {
            Some(arrival) => Some(arrival),
            None => shared.next().await,
        };
        if first.is_none() {
            return;
        }
        let pending = Pending { queue: Mutex::new(VecDeque::new()), room: Semaphore::new(in_flight) };
        let end = one(&shared, &pending, &mut first).await;
        settle(&shared, &pending, &end);
        if end.is_err() {
            sleep(limits::BACK_OFF).await;
        }
    }
}

/// Counts what a stream left without an answer.
fn settle(shared: &Shared, pending: &Pending, end: &Result<(), String>) {
    let (left, now) = (std::mem::take(&mut *lock(&pending.queue)), Instant::now());
    let mut tally = shared.tally();
    for (arrival, started) in left {
        match end {
            Err(fault) => tally.done(&arrival, started, now, &Outcome::Error((&**fault).into())),
            Ok(()) => tally.unanswered(&arrival, started, now),
        }
    }
}

/// One stream from its request to the end of its answer, or to the time when nobody waits any longer.
///
/// # Errors
/// What broke it, as the name under which the events it leaves behind are counted.
async fn one(shared: &Shared, pending: &Pending, first: &mut Option<Arrival>) -> Result<(), String> {
    let give_up = shared.window.give_up.into();
    let Ok(opened) = timeout_at(give_up, Connection::<Feed>::open(&shared.target)).await else {
        return Ok(());
    };
    // The event in hand must fail with its connection, or it would be tried again for ever and never count.
    let mut connection = opened.map_err(|_| {
        lock(&pending.queue).extend(first.take().map(|arrival| (arrival, Instant::now())));
        "connect".to_owned()
    })?;
    let (pieces, feed) = mpsc::channel(limits::PIECES);
    let response = connection.sender.send_request(request(&shared.target, Feed(feed)));
    let mut writer = pin!(write(shared, pending, first.take(), pieces));
    let mut reader = pin!(timeout_at(give_up, async {
        let response = response.await.map_err(|_| "no answer".to_owned())?;
        read(shared, pending, response).await
    }));
    let end = tokio::select! {
        biased;
        end = &mut reader => end,
        () = &mut writer => reader.await,
    };
    // Events without an answer when nobody waits any longer are unanswered, and not the stream's fault.
    end.unwrap_or(Ok(()))
}

/// Sends events as they fall due, as many in one piece as are due and have room. Returning ends the body.
async fn write(shared: &Shared, pending: &Pending, first: Option<Arrival>, pieces: mpsc::Sender<Bytes>) {
    let mut next = first;
    loop {
        let Ok(room) = pending.room.acquire().await else {
            return;
        };
        room.forget();
        let arrival = match next.take() {
            Some(arrival) => arrival,
            None => match shared.next().await {
                Some(arrival) => arrival,
                None => return,
            },
        };
        // From here to the sending nothing waits: no event is taken and then forgotten.
        let piece = piece(shared, pending, arrival);
        if pieces.send(piece).await.is_err() {
            return;
        }
    }
}

/// The lines of `arrival` and of whatever else is due now.
fn piece(shared: &Shared, pending: &Pending, arrival: Arrival) -> Bytes {
    let mut lines = Vec::new();
    let mut queue = lock(&pending.queue);
    let mut next = Some(arrival);
    let mut count = 0;
    while let Some(arrival) = next {
        shared.events.write(arrival.number, &mut lines);
        lines.push(b'\n');
        queue.push_back((arrival, Instant::now()));
        count += 1;
        next = match pending.room.try_acquire() {
            Ok(room) if count < limits::PIECE => {
                let more = shared.next_now();
                // Room that is not used is given back.
                if more.is_some() {
                    room.forget();
                }
                more
            }
            _ => None,
        };
    }
    lines.into()
}

/// Reads answers until the stream ends.
async fn read(shared: &Shared, pending: &Pending, response: hyper::Response<Incoming>) -> Result<(), String> {
    let status = response.status();
    if !status.is_success() {
        return Err(status.as_u16().to_string());
    }
    let mut body = response.into_body();
    let mut lines = Lines::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "answer cut off".to_owned())?;
        let Some(bytes) = frame.data_ref() else {
            continue;
        };
        let now = Instant::now();
        let mut answered = 0;
        {
            let (mut tally, mut queue) = (shared.tally(), lock(&pending.queue));
            lines.push(bytes, |line| {
                if let Some((arrival, started)) = queue.pop_front() {
                    tally.done(&arrival, started, now, &answer::read(200, line));
                    answered += 1;
                }
            });
        }
        pending.room.add_permits(answered);
    }
    let left = lock(&pending.queue).len();
    if left > 0 { Err("stream ended early".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_wherever_pieces_are_cut() {
        let text = b"{\"a\":1}\n\n{\"b\":2}\r\n  \n{\"c\":3}\n{\"open\"";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece, |line| found.push(String::from_utf8_lossy(line.trim_ascii()).into_owned()));
            }
            assert_eq!(found, ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"], "pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            lines.push(&[b'x'; 64 * 1024], |_| {});
        }
        assert_eq!(lines.carry.len(), limits::ANSWER_BYTES);
    }
}
