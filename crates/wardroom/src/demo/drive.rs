// SPDX-License-Identifier: Apache-2.0
//! Sends the simulated traffic over one streaming HTTP request, and reads the answers as they come.

use super::board::{Answer, Board};
use super::proof;
use crate::cli::Demo;
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use wardroom_event::Micros;
use wardroom_policy::Verdict;
use wardroom_sim::{Campaigns, Happening, Settings, Truth, World};

/// How much of the provider's past is fed before the clock starts: one working day and the night after it, so that
/// people are known where they live and where they work.
const PAST: i64 = 33 * 3600 * 1_000_000;
/// Minutes of simulated time within which every kind of attack has begun.
const ATTACKED_WITHIN: u32 = 30;
/// How often events are sent.
const TICK: Duration = Duration::from_millis(20);
/// Most bytes in one piece of the request.
const PIECE: usize = 64 * 1024;

/// Most events of the past under way: who is challenged there proves who they are a quarter of an hour later at most.
const AHEAD: usize = 256;

/// What is sent and not yet answered, in order.
type Sent = Arc<Mutex<VecDeque<Asked>>>;

/// What an answer is about.
struct Asked {
    about: About,
    /// What follows if the answer is a challenge: the owner passes it, and the provider tells.
    proof: Option<String>,
}

enum About {
    /// An event of the day before.
    Past,
    /// A challenge that was passed.
    Proof,
    /// An event of the demo: when it happened, and what it was.
    Event(i64, Truth),
}

/// Challenges that owners have passed, to be told.
type Proofs = Arc<Mutex<Vec<String>>>;

pub(crate) struct Driver {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) board: Arc<Mutex<Board>>,
    pub(crate) simulated: Arc<AtomicI64>,
    /// When the demo begins, in simulated time.
    pub(crate) morning: Micros,
    pub(crate) args: Demo,
}

type Pieces = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;

impl Driver {
    /// Drives until the seconds asked for have passed, or for good.
    pub(crate) async fn run(self) -> Result<()> {
        let (pieces, body) = mpsc::channel(16);
        let (sent, proofs) = (Sent::default(), Proofs::default());
        let reading = read(self.request(body).await?, sent.clone(), proofs.clone(), self.board.clone());
        let reader = tokio::spawn(reading);
        self.past(&pieces, &sent, &proofs).await?;
        self.live(&pieces, &sent, &proofs).await?;
        drop(pieces);
        reader.await.context("the reader of answers failed")?
    }

    async fn request(
        &self,
        body: mpsc::Receiver<Result<Frame<Bytes>, Infallible>>,
    ) -> Result<impl Future<Output = Result<Response<Incoming>>> + Send + 'static> {
        let stream =
            TcpStream::connect(self.address).await.context("cannot connect to the demo's own server")?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let stream = futures(body);
        let request = Request::post("/v1/stream?mode=decide")
            .header("host", self.address.to_string())
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/x-ndjson")
            .body(StreamBody::new(stream))?;
        Ok(async move { Ok(sender.send_request(request).await?) })
    }

    fn world(&self, start: Micros, campaigns: Campaigns) -> World {
        World::new(Settings {
            seed: self.args.seed,
            start: start.0,
            accounts: self.args.accounts,
            campaigns,
            ..Settings::default()
        })
    }

    /// The provider did not open this morning: honest traffic of the day before, as fast as it goes.
    async fn past(&self, pieces: &Pieces, sent: &Sent, proofs: &Proofs) -> Result<()> {
        let begin = self.morning.minus(wardroom_event::Span(PAST));
        let mut piece = String::with_capacity(PIECE + 1024);
        for happening in self.world(begin, Campaigns::none()) {
            if happening.arrival >= self.morning.0 {
                break;
            }
            tell(proofs, sent, &mut piece);
            write(&happening, Some("past"), &mut piece);
            lock(sent).push_back(Asked { about: About::Past, proof: proof::of(&happening, Some("past")) });
            if lock(sent).len() >= AHEAD {
                send(pieces, &mut piece).await?;
                until_answered(pieces, sent, AHEAD / 2).await?;
            }
        }
        send(pieces, &mut piece).await?;
        until_answered(pieces, sent, 0).await
    }

    async fn live(&self, pieces: &Pieces, sent: &Sent, proofs: &Proofs) -> Result<()> {
        let campaigns = Campaigns { begin_within_minutes: Some(ATTACKED_WITHIN), ..Campaigns::default() };
        let mut world = self.world(self.morning, campaigns).peekable();
        let began = Instant::now();
        lock(&self.board).live_since = Some(began);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut piece = String::new();
        loop {
            tick.tick().await;
            let elapsed = began.elapsed();
            if self.args.seconds.is_some_and(|n| elapsed >= Duration::from_secs(n)) {
                return Ok(());
            }
            let passed = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX) * i64::from(self.args.speed);
            let now = self.morning.0 + passed;
            self.simulated.store(now, Relaxed);
            lock(&self.board).simulated = Micros(now).to_string();
            tell(proofs, sent, &mut piece);
            while let Some(happening) = world.next_if(|h| h.arrival <= now) {
                write(&happening, None, &mut piece);
                let proof = proof::of(&happening, None);
                lock(sent).push_back(Asked { about: About::Event(happening.time, happening.truth), proof });
                if piece.len() >= PIECE {
                    send(pieces, &mut piece).await?;
                }
            }
            send(pieces, &mut piece).await?;
        }
    }
}

/// The pieces as a stream.
fn futures<T>(mut receiver: mpsc::Receiver<T>) -> impl futures_util::Stream<Item = T> {
    futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx))
}

/// One event as a line. The past has a source of its own: its ids are drawn like those of the day.
fn write(happening: &Happening, source: Option<&str>, out: &mut String) {
    match source {
        None => happening.event.write_json(out),
        Some(source) => {
            let start = out.len();
            happening.event.write_json(out);
            out.insert_str(start + 1, &format!("\"source\":\"{source}\","));
        }
    }
    out.push('\n');
}

/// Waits until no more than so many events are under way.
async fn until_answered(pieces: &Pieces, sent: &Sent, most: usize) -> Result<()> {
    while lock(sent).len() > most {
        if pieces.is_closed() {
            bail!("the demo's server closed the stream");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Challenges passed since the last time.
fn tell(proofs: &Proofs, sent: &Sent, piece: &mut String) {
    for proof in std::mem::take(&mut *lock(proofs)) {
        piece.push_str(&proof);
        piece.push('\n');
        lock(sent).push_back(Asked { about: About::Proof, proof: None });
    }
}

async fn send(pieces: &Pieces, piece: &mut String) -> Result<()> {
    if piece.is_empty() {
        return Ok(());
    }
    let bytes = Bytes::from(std::mem::take(piece));
    pieces.send(Ok(Frame::data(bytes))).await.ok().context("the demo's server closed the stream")
}

/// A line of the server's answer, as far as the demo reads it.
#[derive(Deserialize)]
struct Line {
    verdict: Option<String>,
    #[serde(default)]
    signals: Vec<SignalLine>,
}

#[derive(Deserialize)]
struct SignalLine {
    rule: String,
    because: String,
}

async fn read(
    response: impl Future<Output = Result<Response<Incoming>>>,
    sent: Sent,
    proofs: Proofs,
    board: Arc<Mutex<Board>>,
) -> Result<()> {
    let response = response.await?;
    if !response.status().is_success() {
        bail!("the demo's server answered {}", response.status());
    }
    let mut body = response.into_body();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        rest.extend_from_slice(&data);
        let end = rest.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        for line in rest[..end].split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            take(line, &sent, &proofs, &board);
        }
        rest.drain(..end);
    }
    Ok(())
}

fn take(line: &[u8], sent: &Sent, proofs: &Proofs, board: &Mutex<Board>) {
    let Some(asked) = lock(sent).pop_front() else {
        return;
    };
    let parsed: Option<Line> = serde_json::from_slice(line).ok();
    let verdict = parsed.as_ref().and_then(|l| Verdict::named(l.verdict.as_deref()?));
    if let (Some(Verdict::Challenge), Some(proof)) = (verdict, asked.proof) {
        lock(proofs).push(proof);
    }
    let mut board = lock(board);
    let (time, truth) = match asked.about {
        About::Past => {
            board.past += 1;
            return;
        }
        About::Proof => return,
        About::Event(time, truth) => (time, truth),
    };
    let (Some(verdict), Some(parsed)) = (verdict, parsed) else {
        board.problems += 1;
        return;
    };
    let first = parsed.signals.into_iter().next();
    let (rule, because) = first.map_or_else(Default::default, |s| (s.rule, s.because));
    board.add(Micros(time).to_string(), &truth, Answer { verdict, rule, because });
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
