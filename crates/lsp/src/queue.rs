// SPDX-License-Identifier: Apache-2.0
//! Messages between the thread that reads them and the one that answers: in their order, and bounded in number.

use crate::frame::{self, Frame};
use crate::message::{self, Fault, INVALID_REQUEST, Incoming, REQUEST_CANCELLED};
use crate::server::{Server, Step};
use crate::{Ended, limits};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Serves one client until it leaves.
///
/// # Errors
/// When the output cannot be written: the client is gone.
pub fn serve(input: impl Read + Send + 'static, output: impl Write) -> io::Result<Ended> {
    let (send, receive) = sync_channel(limits::QUEUE);
    // Not joined: it may wait for a client that says nothing more.
    std::thread::spawn(move || read_all(input, &send));
    Queue { receive, waiting: VecDeque::new(), output, server: Server::default() }.run()
}

/// Reads until the end, or until the client says that it is one.
fn read_all(input: impl Read, send: &SyncSender<Incoming>) {
    let mut input = BufReader::new(input);
    loop {
        let (incoming, last) = match frame::read(&mut input) {
            Ok(Frame::Body(body)) => {
                let incoming = message::parse(&body);
                let last = matches!(&incoming, Incoming::Notification { method, .. } if method == "exit");
                (incoming, last)
            }
            Ok(Frame::Fault(why)) => (Incoming::Bad(Fault::new(INVALID_REQUEST, why)), false),
            Ok(Frame::Lost(why)) => {
                let _ = send.send(Incoming::Bad(Fault::new(INVALID_REQUEST, why)));
                (Incoming::End, true)
            }
            Ok(Frame::End) | Err(_) => (Incoming::End, true),
        };
        if send.send(incoming).is_err() || last {
            return;
        }
    }
}

struct Queue<W> {
    receive: Receiver<Incoming>,
    waiting: VecDeque<Incoming>,
    output: W,
    server: Server,
}

impl<W: Write> Queue<W> {
    fn run(mut self) -> io::Result<Ended> {
        loop {
            let step = match self.next()? {
                Incoming::Request { id, method, params } => {
                    let result = self.server.request(&method, params);
                    self.write(&message::response(&id, result))?;
                    Step::On
                }
                Incoming::Notification { method, params } => self.server.notification(&method, params),
                Incoming::Response => Step::On,
                Incoming::Bad(fault) => {
                    self.write(&message::response(&Value::Null, Err(fault)))?;
                    Step::On
                }
                Incoming::End => return Ok(Ended::Cut),
            };
            for told in self.server.told() {
                self.write(&told)?;
            }
            if let Step::End(ended) = step {
                return Ok(ended);
            }
        }
    }

    /// The next message. Before the client is waited for, it is told what is wrong with its policies.
    fn next(&mut self) -> io::Result<Incoming> {
        loop {
            while self.waiting.len() < limits::QUEUE
                && let Ok(incoming) = self.receive.try_recv()
            {
                self.take(incoming)?;
            }
            if let Some(next) = self.waiting.pop_front() {
                return Ok(next);
            }
            self.server.publish();
            for told in self.server.told() {
                self.write(&told)?;
            }
            match self.receive.recv() {
                Ok(incoming) => self.take(incoming)?,
                Err(_) => return Ok(Incoming::End),
            }
        }
    }

    /// Puts a message behind those that wait, or takes away the one that it cancels.
    fn take(&mut self, incoming: Incoming) -> io::Result<()> {
        match cancelled(&incoming) {
            Some(wanted) => {
                let found = self
                    .waiting
                    .iter()
                    .position(|w| matches!(w, Incoming::Request { id, .. } if *id == wanted));
                if let Some(Incoming::Request { id, .. }) = found.and_then(|at| self.waiting.remove(at)) {
                    let fault = Fault::new(REQUEST_CANCELLED, "cancelled by the client");
                    self.write(&message::response(&id, Err(fault)))?;
                }
            }
            None => self.waiting.push_back(incoming),
        }
        Ok(())
    }

    fn write(&mut self, value: &Value) -> io::Result<()> {
        frame::write(&mut self.output, value.to_string().as_bytes())
    }
}

/// The id of the request that a message cancels.
fn cancelled(incoming: &Incoming) -> Option<Value> {
    match incoming {
        Incoming::Notification { method, params } if method == "$/cancelRequest" => {
            Some(params.get("id").cloned().unwrap_or_default())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_waits_can_be_cancelled() {
        let (send, receive) = sync_channel(limits::QUEUE);
        let request =
            |id: i64| Incoming::Request { id: json!(id), method: "x".to_owned(), params: Value::Null };
        let cancel = |id: i64| Incoming::Notification {
            method: "$/cancelRequest".to_owned(),
            params: json!({"id": id}),
        };
        for incoming in [request(1), request(2), request(3), cancel(2), cancel(7), Incoming::End] {
            send.send(incoming).unwrap();
        }
        let mut output = Vec::new();
        let queue =
            Queue { receive, waiting: VecDeque::new(), output: &mut output, server: Server::default() };
        assert_eq!(queue.run().unwrap(), Ended::Cut);
        let mut rest = output.as_slice();
        let mut answers = Vec::new();
        while let Frame::Body(body) = frame::read(&mut rest).unwrap() {
            let answer: Value = serde_json::from_slice(&body).unwrap();
            answers.push((answer["id"].as_i64().unwrap(), answer["error"]["code"].as_i64().unwrap()));
        }
        let early = crate::message::NOT_INITIALIZED;
        assert_eq!(answers, [(2, REQUEST_CANCELLED), (1, early), (3, early)]);
    }
}
