// SPDX-License-Identifier: Apache-2.0
//! Many events over one connection: one a line in, one answer a line out, in the same order.
//!
//! Nothing here is queued without bound: at most [`limits::STREAM_BATCHES`] batches are under way, and reading goes on
//! only when the oldest has been handed to the connection. So a reader who does not read stops its own writing, through
//! TCP, and nobody else's. A sender must therefore read while it writes.
//!
//! A batch waits for its turn among those of its key, and for its key's rate, while answers to those before it go out.

use crate::answer::{self, Settled, StreamAnswer};
use crate::api::Api;
use crate::body;
use crate::keys::{Held, Role};
use crate::limits;
use crate::lines::{Line, Lines};
use crate::passage::{self, Passage};
use crate::problem::{BAD_QUERY, Problem, ProblemBody, TOO_LARGE};
use crate::trace::Attribute;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::stream::{self, FuturesOrdered};
use http_body_util::BodyExt;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use utoipa::IntoParams;
use wardroom_engine::{Intake, SubmitError, Work};
use wardroom_event::{Event, EventId};

/// What to do with the events.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamQuery {
    /// `decide` (the default) or `record`.
    #[serde(default)]
    #[param(required = false, value_type = String, pattern = "^(decide|record)$")]
    mode: Mode,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Decide,
    Record,
}

impl From<Mode> for Work {
    fn from(mode: Mode) -> Work {
        match mode {
            Mode::Decide => Work::Decide,
            Mode::Record => Work::Record,
        }
    }
}

/// Judge or record many events
///
/// One event a line, of at most 64 KiB each; for every line that is not empty one line of answer, in the same order,
/// with the number of the input's line. A bad line is answered with its problem and the stream goes on. Read the
/// answers while you write: a sender that does not read is not read from. A stream is slowed down to its key's rate and to
/// its key's share of the server, where single events are refused. When the server shuts down it ends its
/// answer; lines without an answer are sent again, under the same ids.
#[utoipa::path(
    post, path = "/v1/stream", tag = "events", security(("key" = ["ingest"])), params(StreamQuery),
    request_body(content = String, content_type = "application/x-ndjson", description = "One event a line"),
    responses(
        (status = 200, description = "One answer a line", body = StreamAnswer, content_type = "application/x-ndjson"),
        (status = 400, description = "The query is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Another content type", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn stream(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let key = api.admit_key(&head.headers, Role::Ingest)?;
    let query = Query::<StreamQuery>::try_from_uri(&head.uri);
    let Query(query) =
        query.map_err(|e| Problem::new(BAD_QUERY, format!("`mode` is decide or record: {e}")))?;
    body::content_type(&head.headers, body::STREAM)?;
    let flow = Flow {
        closing: api.closing(),
        passage: passage::current(),
        api,
        key,
        work: query.mode.into(),
        body,
        lines: Lines::new(limits::EVENT_BYTES),
        handing: None,
        under_way: FuturesOrdered::new(),
        reading: true,
    };
    let answers = stream::unfold(flow, |mut flow| async move {
        // The stream outlives its handler, and goes on being that request's.
        let bytes = match flow.passage.clone() {
            Some(passage) => passage.scope(flow.next()).await?,
            None => flow.next().await?,
        };
        Some((Ok::<_, std::convert::Infallible>(bytes), flow))
    });
    let mut response = Response::new(Body::from_stream(answers));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// What gives a batch's lines of answer.
type Answers = BoxFuture<'static, Bytes>;

struct Flow {
    api: Api,
    passage: Option<Arc<Passage>>,
    key: Arc<Held>,
    work: Work,
    body: Body,
    lines: Lines,
    /// The batch that waits for its place in the engine's queue.
    handing: Option<BoxFuture<'static, Answers>>,
    /// Batches with the engine, in order, each giving its lines of answer.
    under_way: FuturesOrdered<Answers>,
    reading: bool,
    closing: watch::Receiver<bool>,
}

/// Lines that go to the engine together: each with its event's id or what is wrong with it.
#[derive(Default)]
struct Batch {
    lines: Vec<(u64, Result<EventId, Problem>)>,
    events: Vec<Event>,
    /// Bytes of their text.
    bytes: usize,
}

impl Batch {
    /// Whether what has come must go before more is taken: it is bounded in lines and in bytes.
    fn is_full(&self) -> bool {
        self.lines.len() >= limits::STREAM_BATCH || self.bytes >= limits::BATCH_BYTES
    }
}

impl Flow {
    /// The next lines of answer; none when all that was read is answered.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.has_room()
                && let Some(batch) = self.batch()
            {
                self.handing =
                    Some(Box::pin(hand_over(self.api.clone(), self.key.clone(), self.work, batch)));
            }
            let settled = self.handing.is_none() && self.under_way.is_empty();
            if !self.reading && settled {
                return None;
            }
            let room = self.reading && self.has_room();
            tokio::select! {
                biased;
                Some(answers) = self.under_way.next(), if !self.under_way.is_empty() => return Some(answers),
                Some(answers) = OptionFuture::from(self.handing.as_mut()), if self.handing.is_some() => {
                    self.handing = None;
                    self.under_way.push_back(answers);
                }
                _ = self.closing.wait_for(|closing| *closing), if self.reading => {
                    self.reading = false;
                    self.lines.clear();
                    // It may wait for long, and has not been handed over: its lines are sent again.
                    self.handing = None;
                }
                () = tokio::time::sleep(self.api.options().stream_idle), if room && settled => {
                    tracing::debug!("a stream that lay still was ended");
                    self.reading = false;
                    self.lines.clear();
                }
                frame = self.body.frame(), if room => match frame {
                    Some(Ok(frame)) => {
                        if let Ok(piece) = frame.into_data() {
                            self.lines.feed(piece);
                        }
                    }
                    Some(Err(e)) => {
                        tracing::debug!(error = %e, "a stream was cut off");
                        self.reading = false;
                        self.lines.clear();
                    }
                    None => self.reading = false,
                },
            }
        }
    }

    /// Whether one more batch may be under way.
    fn has_room(&self) -> bool {
        self.handing.is_none() && self.under_way.len() < limits::STREAM_BATCHES
    }

    /// The lines that have arrived, as many as go together.
    fn batch(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        let (received, reader) = (self.api.now(), self.api.engine().reader());
        while !batch.is_full() {
            let next = self.lines.next();
            let next = if self.reading { next } else { next.or_else(|| self.lines.finish()) };
            let Some(line) = next else {
                break;
            };
            let number = line.number;
            batch.bytes += line.text.as_ref().map_or(0, Bytes::len);
            let read = intake(&reader, line, received);
            let read = read.inspect_err(|problem| self.api.metrics().refused(problem.kind()));
            batch.lines.push((
                number,
                read.map(|event| {
                    let id = event.id.clone();
                    batch.events.push(event);
                    id
                }),
            ));
        }
        (!batch.lines.is_empty()).then_some(batch)
    }
}

fn intake(reader: &Intake, line: Line, received: wardroom_event::Micros) -> Result<Event, Problem> {
    let Some(text) = line.text else {
        return Err(Problem::new(TOO_LARGE, format!("a line may have {} bytes", limits::EVENT_BYTES)));
    };
    Ok(reader.intake(&text, received)?)
}

/// Gives a batch its place in the engine's queue, once its key may send as much, and gives what will give its answers.
/// Taking the places one by one is what keeps the order.
async fn hand_over(api: Api, key: Arc<Held>, work: Work, batch: Batch) -> Answers {
    let Batch { lines, events, bytes: _ } = batch;
    if events.is_empty() {
        return Box::pin(async move { answers(&api, work, lines, Ok(Vec::new())).await });
    }
    let since = Instant::now();
    if let Some(limiter) = &key.limiter {
        let wait = limiter.owe(api.uptime(), events.len());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
    let queued = api.engine().enqueue_for(key.client, events, work).await;
    Box::pin(async move {
        let outcomes = match queued {
            Ok(outcomes) => outcomes.await,
            Err(e) => Err(e),
        };
        let count = lines.len();
        let answers = answers(&api, work, lines, outcomes).await;
        trace_batch(&api, since, count);
        answers
    })
}

/// A batch of a stream, in that request's trace: from its place in the queue until its answers are written.
fn trace_batch(api: &Api, since: Instant, lines: usize) {
    let passage = passage::current();
    if let (Some(trace), Some(traces)) = (passage.as_ref().and_then(|p| p.trace()), &api.options().traces) {
        let lines = i64::try_from(lines).unwrap_or(i64::MAX);
        trace.stage("batch", since, vec![("wardroom.lines", Attribute::Int(lines))]);
        traces.take(trace.rest());
    }
}

async fn answers(
    api: &Api,
    work: Work,
    lines: Vec<(u64, Result<EventId, Problem>)>,
    outcomes: Result<Vec<wardroom_engine::Outcome>, SubmitError>,
) -> Bytes {
    let passage = passage::current().filter(|p| p.is_heard());
    let ids: Vec<&EventId> = lines.iter().filter_map(|(_, read)| read.as_ref().ok()).collect();
    let settled = match outcomes {
        Ok(outcomes) => answer::settle(api, work, &ids, outcomes).await,
        Err(error) => ids.iter().map(|_| Err(api.refused(error.clone()))).collect(),
    };
    let mut settled = settled.into_iter();
    let mut out = Vec::with_capacity(lines.len() * 192);
    for (number, read) in &lines {
        match read {
            Ok(id) => {
                let none = || Err(Problem::ours("answer", &"the engine gave no outcome"));
                let settled = settled.next().unwrap_or_else(none);
                if let (Some(passage), Ok(settled)) = (&passage, &settled) {
                    passage.log_event(api, &settled.outline(id, None));
                }
                write_line(api, *number, id, settled, &mut out);
            }
            Err(problem) => answer::write_problem(*number, problem, &mut out),
        }
        out.push(b'\n');
    }
    out.into()
}

fn write_line(api: &Api, number: u64, id: &EventId, settled: Result<Settled, Problem>, out: &mut Vec<u8>) {
    let start = out.len();
    if let Err(problem) = settled.and_then(|settled| settled.write(Some(number), id, out)) {
        api.metrics().refused(problem.kind());
        out.truncate(start);
        answer::write_problem(number, &problem, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_bounded_in_lines_and_in_bytes() {
        let check = |lines: u64, bytes: usize, full: bool| {
            let problem = || Err(Problem::new(TOO_LARGE, "for want of an event"));
            let batch =
                Batch { lines: (0..lines).map(|n| (n, problem())).collect(), bytes, ..Batch::default() };
            assert_eq!(batch.is_full(), full, "{lines} lines of {bytes} bytes");
        };
        let most = limits::STREAM_BATCH as u64;
        check(0, 0, false);
        check(most - 1, limits::BATCH_BYTES - 1, false);
        check(most, 0, true);
        check(1, limits::BATCH_BYTES, true);
    }
}
