// SPDX-License-Identifier: Apache-2.0
//! A server to test against, and a client that sends exactly the bytes it is told to.

use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wardroom_api::{Api, Keys, Options, Role, serve};
use wardroom_engine::{Config, Engine};
use wardroom_event::Micros;
use wardroom_history::Past;
use wardroom_history::backtest::{Desk, Files, Setting};
use wardroom_policy::Bundle;

/// When everything happens: Monday, 5 January 2026, noon UTC.
pub(crate) const NOW: Micros = Micros(1_767_614_400_000_000);

pub(crate) const PATH: &str = "ssh/login.ward";

pub(crate) const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?
    client: text?

feature failures       = count(login, where=not ok, by=ip, last="1h")
feature accounts       = distinct(account, of=login, by=ip, last="1d")
feature device_logins  = count(login, by=device, last="30d")

rule brute_force on login:
    when    not ok and failures >= 3
    then    block
    because "{failures} failed logins from {ip}; now for {account}"
    owner   "abuse-desk"

rule step_up on login:
    when    ok and accounts >= 2
    then    challenge("second factor")
    because "{accounts} accounts from {ip}"

rule new_device on login:
    when    device_logins == 0
    then    review
    because "no login from this device yet"
    missing review
    mode    shadow
"#;

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) engine: Arc<Engine>,
    pub(crate) api: Api,
    pub(crate) dir: TempDir,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    tokens: Vec<(Role, String)>,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::with(|_| ()).await
    }

    /// A server with other options than the defaults. It has one key for each role.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Server {
        Server::over(|options, _| change(options)).await
    }

    /// The same, whose past can be asked.
    pub(crate) async fn with_past(change: impl FnOnce(&mut Options)) -> Server {
        let past = |options: &mut Options, data: &Path| {
            let past = Past::open(data, &Files::plain(data).keys, &wardroom_history::Options::default());
            options.history = Some(Arc::new(past.unwrap()));
            change(options);
        };
        Server::over(past).await
    }

    async fn over(change: impl FnOnce(&mut Options, &Path)) -> Server {
        let dir = tempfile::tempdir().unwrap();
        let bundle = Bundle::single(PATH, POLICY);
        let (engine, _) = Engine::open(&Config::new(dir.path()), Some(bundle), NOW).unwrap();
        let engine = Arc::new(engine);
        let path = dir.path().join("keys.toml");
        let issue = |role: Role| {
            let issued = Keys::issue(&path, &format!("{role}-key"), &[role], NOW).unwrap();
            (role, issued.token.expose().to_owned())
        };
        let tokens = Role::ALL.map(issue).to_vec();
        let mut options = Options::new(|| NOW);
        options.backtests = Some(Desk::new(Files::plain(dir.path()), Setting::default(), 1));
        change(&mut options, dir.path());
        let api = Api::new(engine.clone(), Keys::load(&path).unwrap(), options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve(listener, api.clone(), shutdown));
        Server { addr, engine, api, dir, stop: Some(stop), task: Some(task), tokens }
    }

    pub(crate) fn token(&self, role: Role) -> &str {
        &self.tokens.iter().find(|(r, _)| *r == role).unwrap().1
    }

    /// A key with both roles.
    pub(crate) fn token_of(&self, roles: &[Role]) -> String {
        let path = self.dir.path().join("keys.toml");
        let token = Keys::issue(&path, "both", roles, NOW).unwrap().token.expose().to_owned();
        self.api.replace_keys(Keys::load(&path).unwrap());
        token
    }

    /// Tells the server to stop, without waiting for it.
    pub(crate) fn stop(&mut self) -> JoinHandle<()> {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.take().unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// One request on a connection of its own.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<(&str, &[u8])>,
    ) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n");
        if let Some(token) = token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        let bytes = match body {
            Some((kind, bytes)) => {
                head += &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", bytes.len());
                bytes
            }
            None => b"",
        };
        self.raw(&[head.as_bytes(), b"\r\n", bytes].concat()).await
    }

    pub(crate) async fn get(&self, path: &str, role: Role) -> Answer {
        self.call("GET", path, Some(self.token(role)), None).await
    }

    pub(crate) async fn decide(&self, event: &str) -> Answer {
        let body = Some(("application/json", event.as_bytes()));
        self.call("POST", "/v1/decide", Some(self.token(Role::Ingest)), body).await
    }

    pub(crate) async fn record(&self, event: &str) -> Answer {
        let body = Some(("application/json", event.as_bytes()));
        self.call("POST", "/v1/record", Some(self.token(Role::Ingest)), body).await
    }

    /// Sends bytes as they are and reads until the server closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        Answer::read(&mut stream).await
    }
}

/// One login by number, failed.
pub(crate) fn failed(id: &str) -> String {
    format!(r#"{{"type":"login","id":"{id}","account":"alice","ip":"203.0.113.7","ok":false}}"#)
}

/// One login, good.
pub(crate) fn login(id: &str, account: &str, ip: &str) -> String {
    format!(r#"{{"type":"login","id":"{id}","account":"{account}","ip":"{ip}","ok":true}}"#)
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(stream: &mut TcpStream) -> Answer {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        let _ = tokio::time::timeout(Duration::from_secs(20), read).await.expect("an answer in time");
        Answer::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Answer {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let rest = &bytes[end + 4..];
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        Answer { status, head, body: if chunked { unchunk(rest) } else { rest.to_vec() } }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|l| l.split_once(": "));
        lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The answer as JSON, which must have this status.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// That it is this problem, in its form. Gives it.
    pub(crate) fn problem(self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let json = self.json();
        assert_eq!(json["type"], format!("/problems/{slug}"), "{json}");
        assert_eq!(json["status"], status);
        assert!(json["title"].is_string() && json["detail"].is_string(), "{json}");
        json
    }
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = bytes.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 4 + size..];
    }
    panic!("the answer does not end");
}

/// A stream of lines, written and read at will.
pub(crate) struct Lines {
    pub(crate) write: OwnedWriteHalf,
    pub(crate) read: Answers,
}

/// The reading half of a stream.
pub(crate) struct Answers {
    read: BufReader<OwnedReadHalf>,
    pending: Vec<u8>,
    done: bool,
}

impl Lines {
    pub(crate) async fn open(server: &Server, query: &str) -> Lines {
        Lines::with(server, query, server.token(Role::Ingest)).await
    }

    /// Under a certain key.
    pub(crate) async fn with(server: &Server, query: &str, token: &str) -> Lines {
        Lines::over(token, query, server.connect().await).await
    }

    /// Over a connection that takes few bytes at a time.
    pub(crate) async fn narrow(server: &Server) -> Lines {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.set_send_buffer_size(4096).unwrap();
        Lines::over(server.token(Role::Ingest), "", socket.connect(server.addr).await.unwrap()).await
    }

    async fn over(token: &str, query: &str, stream: TcpStream) -> Lines {
        let (read, mut write) = stream.into_split();
        let head = format!(
            "POST /v1/stream{query} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        write.write_all(head.as_bytes()).await.unwrap();
        let mut read = BufReader::new(read);
        let mut line = String::new();
        read.read_line(&mut line).await.unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        while line.trim() != "" {
            line.clear();
            read.read_line(&mut line).await.unwrap();
        }
        Lines { write, read: Answers { read, pending: Vec::new(), done: false } }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        let chunk = format!("{:x}\r\n{text}\r\n", text.len());
        self.write.write_all(chunk.as_bytes()).await.unwrap();
    }

    pub(crate) async fn end(&mut self) {
        self.write.write_all(b"0\r\n\r\n").await.unwrap();
    }

    /// The next answer; `None` at the proper end of the stream.
    pub(crate) async fn answer(&mut self) -> Option<Value> {
        self.read.next().await
    }

    /// Every answer to these lines.
    pub(crate) async fn all(server: &Server, query: &str, text: &str) -> Vec<Value> {
        let mut lines = Lines::open(server, query).await;
        lines.send(text).await;
        lines.end().await;
        let mut answers = Vec::new();
        while let Some(answer) = lines.answer().await {
            answers.push(answer);
        }
        answers
    }
}

impl Answers {
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.line());
        let line = next.await.expect("an answer in time")?;
        Some(serde_json::from_slice(&line).unwrap())
    }

    async fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.pending.iter().position(|b| *b == b'\n') {
                let rest = self.pending.split_off(end + 1);
                return Some(std::mem::replace(&mut self.pending, rest));
            }
            if self.done {
                assert!(self.pending.is_empty(), "half a line: {}", String::from_utf8_lossy(&self.pending));
                return None;
            }
            let mut size = String::new();
            self.read.read_line(&mut size).await.unwrap();
            let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
            self.done = size == 0;
            let mut chunk = vec![0; size + 2];
            self.read.read_exact(&mut chunk).await.unwrap();
            self.pending.extend_from_slice(&chunk[..size]);
        }
    }
}
