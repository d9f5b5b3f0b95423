// SPDX-License-Identifier: Apache-2.0
//! A client with nothing clever in it: it sends what it is told and reads what comes.

use crate::process::DEADLINE;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Whom to ask, and with which key.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The body of a success, as JSON.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:#?}");
        self.json()
    }

    /// The body of this problem, as JSON.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{self:#?}");
        let json = self.json();
        assert_eq!(json["type"], format!("/problems/{slug}"), "{json}");
        assert!(self.head.to_lowercase().contains("content-type: application/problem+json"), "{self:#?}");
        json
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }
}

impl Client {
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "", "").unwrap()
    }

    /// One event, for a decision.
    pub(crate) fn decide(&self, event: &str) -> Answer {
        self.call("POST", "/v1/decide", "application/json", event).unwrap()
    }

    /// One request on a connection of its own.
    pub(crate) fn call(&self, method: &str, path: &str, kind: &str, body: &str) -> std::io::Result<Answer> {
        Connection::open(self)?.call(method, path, kind, body)
    }

    /// All answers to these lines, over one streaming request.
    pub(crate) fn stream(&self, lines: &[String]) -> Vec<Value> {
        let (mut sender, mut answers) = stream(self).unwrap();
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        // A sender must read while it writes.
        let writer = std::thread::spawn(move || {
            sender.send(&text).unwrap();
            sender.end().unwrap();
        });
        let mut all = Vec::with_capacity(lines.len());
        while let Some(answer) = answers.next().unwrap() {
            all.push(answer);
        }
        writer.join().unwrap();
        all
    }
}

/// A connection that is kept.
pub(crate) struct Connection {
    client: Client,
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(client: &Client) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(client.address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Connection { client: client.clone(), stream: BufReader::new(stream) })
    }

    /// One request; the connection stays open.
    pub(crate) fn call(
        &mut self,
        method: &str,
        path: &str,
        kind: &str,
        body: &str,
    ) -> std::io::Result<Answer> {
        self.call_with(method, path, "", kind, body)
    }

    /// The same with more headers, each with the end of its line.
    pub(crate) fn call_with(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        kind: &str,
        body: &str,
    ) -> std::io::Result<Answer> {
        let mut head = self.client.head(method, path) + headers;
        if !kind.is_empty() {
            head += &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
        }
        self.stream.get_mut().write_all(format!("{head}\r\n{body}").as_bytes())?;
        let (status, head) = read_head(&mut self.stream)?;
        let lower = head.to_lowercase();
        let mut bytes = Vec::new();
        if lower.contains("transfer-encoding: chunked") {
            while let Some(chunk) = read_chunk(&mut self.stream)? {
                bytes.extend(chunk);
            }
        } else {
            let length = lower.lines().find_map(|l| l.strip_prefix("content-length: "));
            bytes.resize(length.map_or(0, |l| l.trim().parse().unwrap()), 0);
            self.stream.read_exact(&mut bytes)?;
        }
        Ok(Answer { status, head, body: String::from_utf8(bytes).unwrap() })
    }
}

impl Client {
    fn head(&self, method: &str, path: &str) -> String {
        let Client { address, token } = self;
        let key = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{key}")
    }
}

/// Opens a streaming request: what sends events, and what reads their answers.
pub(crate) fn stream(client: &Client) -> std::io::Result<(Sender, Answers)> {
    let mut stream = TcpStream::connect(client.address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let head = client.head("POST", "/v1/stream?mode=decide");
    let rest = "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(format!("{head}{rest}").as_bytes())?;
    let reader = BufReader::new(stream.try_clone()?);
    Ok((Sender(stream), Answers { reader, begun: false, pending: Vec::new() }))
}

/// The sending half of a stream.
pub(crate) struct Sender(TcpStream);

impl Sender {
    /// Whole lines.
    pub(crate) fn send(&mut self, lines: &str) -> std::io::Result<()> {
        self.0.write_all(format!("{:x}\r\n{lines}\r\n", lines.len()).as_bytes())
    }

    pub(crate) fn end(&mut self) -> std::io::Result<()> {
        self.0.write_all(b"0\r\n\r\n")
    }
}

/// The reading half of a stream.
pub(crate) struct Answers {
    reader: BufReader<TcpStream>,
    begun: bool,
    pending: Vec<u8>,
}

impl Answers {
    /// The next answer; `None` at the proper end.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<Value>> {
        if !self.begun {
            let (status, head) = read_head(&mut self.reader)?;
            assert_eq!(status, 200, "{head}");
            self.begun = true;
        }
        loop {
            if let Some(end) = self.pending.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line).unwrap()));
            }
            match read_chunk(&mut self.reader)? {
                Some(chunk) => self.pending.extend(chunk),
                None => return Ok(None),
            }
        }
    }
}

fn read_head(reader: &mut impl BufRead) -> std::io::Result<(u16, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(cut());
        }
    }
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    Ok((status.unwrap_or_else(|| panic!("a status: {head}")), head))
}

/// The next chunk; `None` at the proper end.
fn read_chunk(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut size = String::new();
    reader.read_line(&mut size)?;
    if !size.ends_with('\n') {
        return Err(cut());
    }
    let size = usize::from_str_radix(size.trim(), 16).unwrap_or_else(|_| panic!("a chunk's size: {size}"));
    let mut chunk = vec![0; size + 2];
    reader.read_exact(&mut chunk)?;
    chunk.truncate(size);
    Ok((size > 0).then_some(chunk))
}

fn cut() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the connection was cut")
}
