// SPDX-License-Identifier: Apache-2.0
//! Traces sent to a collector: OTLP over HTTP, as JSON.
//!
//! Written here rather than taken from `opentelemetry-otlp`, which brings seventeen crates that nothing else needs, a code
//! generator among them, and threads of its own; what is sent is one kind of message, and this file is all of it. The
//! names are those of `opentelemetry/proto/trace/v1/trace.proto` in the JSON form that the specification gives: camelCase,
//! ids in hex, 64-bit numbers as text.
//!
//! A verdict never waits for it. Spans go into a queue of bounded length; what finds no room is let go of and counted, and
//! so is what a collector does not take after a few tries. Plain HTTP only: a collector stands beside the server, and it
//! knows how to go on through TLS.

use crate::ask::Server;
use crate::config::Telemetry;
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use serde::Serialize;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use wardroom_api::{Attribute, Span, Traces};

/// How much may wait, and for how long.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Requests whose spans wait to be sent.
    queue: usize,
    /// Most spans of one message.
    batch: usize,
    /// How long spans wait for company.
    gather: Duration,
    /// How long a collector may take.
    answer: Duration,
    /// How often a message is sent before it is let go of, and how long it rests in between at first.
    tries: u32,
    rest: Duration,
    /// How long what waits at a stop may take.
    farewell: Duration,
}

const BOUNDS: Bounds = Bounds {
    queue: 2048,
    batch: 1024,
    gather: Duration::from_secs(1),
    answer: Duration::from_secs(10),
    tries: 3,
    rest: Duration::from_secs(1),
    farewell: Duration::from_secs(3),
};
/// Largest file of headers, in bytes.
const HEADERS_BYTES: u64 = 64 << 10;
/// How often the log hears of a collector that takes nothing.
const COMPLAIN: Duration = Duration::from_secs(60);

/// What gives spans to the task that sends them.
struct Queue {
    spans: mpsc::Sender<Vec<Span>>,
    /// Traces with a number below this are wanted; see [`Traces::wants`].
    below: u64,
    figures: Arc<Figures>,
}

#[derive(Default)]
struct Figures {
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl Traces for Queue {
    fn wants(&self, trace_id: [u8; 16]) -> bool {
        // The last eight bytes are what is random in an id of anybody's making.
        let mut number = [0; 8];
        number.copy_from_slice(&trace_id[8..]);
        self.below == u64::MAX || u64::from_be_bytes(number) < self.below
    }

    fn take(&self, spans: Vec<Span>) {
        if let Err(TrySendError::Full(spans) | TrySendError::Closed(spans)) = self.spans.try_send(spans) {
            self.figures.dropped.fetch_add(spans.len() as u64, Relaxed);
        }
    }

    fn figures(&self) -> (u64, u64) {
        (self.figures.sent.load(Relaxed), self.figures.dropped.load(Relaxed))
    }
}

/// Sends traces, until it is finished.
pub(crate) struct Exporter {
    queue: Arc<Queue>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    farewell: Duration,
}

impl Exporter {
    /// Starts sending to the collector of the configuration; nothing where it names none.
    pub(crate) fn start(telemetry: &Telemetry) -> Result<Option<Exporter>> {
        Exporter::bounded(telemetry, BOUNDS)
    }

    fn bounded(telemetry: &Telemetry, bounds: Bounds) -> Result<Option<Exporter>> {
        let Some(url) = &telemetry.otlp.value else {
            return Ok(None);
        };
        let server = Server::named(url).context("`telemetry.otlp` takes no other")?;
        let headers = telemetry.headers.value.as_deref().map(headers).transpose()?.unwrap_or_default();
        let (spans, waiting) = mpsc::channel(bounds.queue);
        let (stop, stopped) = oneshot::channel();
        let figures = Arc::<Figures>::default();
        let sender = Sender {
            server,
            headers,
            service: telemetry.service.value.clone(),
            bounds,
            figures: figures.clone(),
            complained: None,
        };
        let task = tokio::spawn(sender.run(waiting, stopped));
        let ratio = telemetry.sample.value;
        let below = if ratio >= 1.0 { u64::MAX } else { (ratio * u64::MAX as f64) as u64 };
        let queue = Arc::new(Queue { spans, below, figures });
        Ok(Some(Exporter { queue, stop, task, farewell: bounds.farewell }))
    }

    /// What the API gives its traces to.
    pub(crate) fn traces(&self) -> Arc<dyn Traces> {
        self.queue.clone()
    }

    /// Sends what waits, as far as there is time.
    pub(crate) async fn finish(self) {
        let _ = self.stop.send(());
        if timeout(self.farewell, self.task).await.is_err() {
            tracing::warn!("traces that waited at the stop are not sent: the collector does not take them");
        }
    }
}

/// Headers for the collector, such as its key: lines `Name: value`. A value never stands in an error.
fn headers(path: &Path) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let about = || format!("cannot read the headers for the collector in {}", path.display());
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(HEADERS_BYTES).read_to_string(&mut text))
        .with_context(about)?;
    let lines =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(n, line)| {
            let parts = line.split_once(':');
            let header = parts.and_then(|(name, value)| {
                let mut value = HeaderValue::from_str(value.trim()).ok()?;
                value.set_sensitive(true);
                Some((name.trim().parse().ok()?, value))
            });
            header.with_context(|| {
                format!("{}:{}: no header such as `Authorization: Bearer …`", path.display(), n + 1)
            })
        })
        .collect()
}

struct Sender {
    server: Server,
    headers: Vec<(HeaderName, HeaderValue)>,
    service: String,
    bounds: Bounds,
    figures: Arc<Figures>,
    complained: Option<Instant>,
}

impl Sender {
    async fn run(mut self, mut waiting: mpsc::Receiver<Vec<Span>>, mut stopped: oneshot::Receiver<()>) {
        loop {
            let first = tokio::select! {
                biased;
                first = waiting.recv() => first,
                _ = &mut stopped => break,
            };
            let Some(mut batch) = first else { return };
            let until = Instant::now() + self.bounds.gather;
            while batch.len() < self.bounds.batch {
                tokio::select! {
                    more = timeout_at(until, waiting.recv()) => match more {
                        Ok(Some(more)) => batch.extend(more),
                        _ => break,
                    },
                    _ = &mut stopped => {
                        self.send(batch).await;
                        return self.last(waiting).await;
                    }
                }
            }
            self.send(batch).await;
        }
        self.last(waiting).await;
    }

    /// What waits at a stop.
    async fn last(mut self, mut waiting: mpsc::Receiver<Vec<Span>>) {
        waiting.close();
        let mut batch = Vec::new();
        while let Some(more) = waiting.recv().await {
            batch.extend(more);
            if batch.len() >= self.bounds.batch {
                self.send(std::mem::take(&mut batch)).await;
            }
        }
        if !batch.is_empty() {
            self.send(batch).await;
        }
    }

    /// Sends a message, again where that may help, and counts what became of it.
    async fn send(&mut self, spans: Vec<Span>) {
        let count = spans.len() as u64;
        let body = Bytes::from(message(&self.service, &spans));
        let mut rest = self.bounds.rest;
        for tries_left in (0..self.bounds.tries).rev() {
            let error = match self.post(body.clone()).await {
                Ok(200..=299) => {
                    self.figures.sent.fetch_add(count, Relaxed);
                    return;
                }
                // Those that the specification calls retryable.
                Ok(status @ (429 | 502 | 503 | 504)) => format!("it answers {status}"),
                Ok(status) => {
                    self.drop(count, &format!("it answers {status}"));
                    return;
                }
                Err(e) => format!("{e:#}"),
            };
            if tries_left == 0 {
                self.drop(count, &error);
                return;
            }
            sleep(rest).await;
            rest *= 2;
        }
    }

    async fn post(&self, body: Bytes) -> Result<u16> {
        let posted = timeout(self.bounds.answer, self.server.post("/v1/traces", &self.headers, body));
        match posted.await {
            Ok(answered) => answered,
            Err(_) => bail!("it does not answer within {:?}", self.bounds.answer),
        }
    }

    fn drop(&mut self, count: u64, why: &str) {
        self.figures.dropped.fetch_add(count, Relaxed);
        if self.complained.is_none_or(|at| at.elapsed() >= COMPLAIN) {
            self.complained = Some(Instant::now());
            tracing::warn!(
                collector = self.server.url(),
                spans = count,
                "the collector takes no traces: {why}"
            );
        }
    }
}

/// `ExportTraceServiceRequest`, as far as there is something to say in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Resource<'a>,
    scope_spans: [ScopeSpans; 1],
}

#[derive(Serialize)]
struct Resource<'a> {
    attributes: [KeyValue<'a>; 2],
}

#[derive(Serialize)]
struct ScopeSpans {
    scope: Scope,
    spans: Vec<SpanBody>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanBody {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: &'static str,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<KeyValue<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<SpanStatus>,
}

#[derive(Serialize)]
struct SpanStatus {
    code: u8,
}

#[derive(Serialize)]
struct KeyValue<'a> {
    key: &'a str,
    value: AnyValue,
}

#[derive(Serialize)]
enum AnyValue {
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "intValue")]
    Int(String),
    #[serde(rename = "boolValue")]
    Bool(bool),
}

/// `SPAN_KIND_INTERNAL` and `SPAN_KIND_SERVER`.
const KINDS: [u8; 2] = [1, 2];
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

fn message(service: &str, spans: &[Span]) -> Vec<u8> {
    let text = |key, value: &str| KeyValue { key, value: AnyValue::Text(value.to_owned()) };
    let version = env!("CARGO_PKG_VERSION");
    let message = Message {
        resource_spans: [ResourceSpans {
            resource: Resource {
                attributes: [text("service.name", service), text("service.version", version)],
            },
            scope_spans: [ScopeSpans {
                scope: Scope { name: "wardroom", version },
                spans: spans.iter().map(SpanBody::of).collect(),
            }],
        }],
    };
    // Texts and numbers: writing them to memory cannot fail.
    serde_json::to_vec(&message).unwrap_or_default()
}

impl SpanBody {
    fn of(span: &Span) -> SpanBody {
        let attribute = |(key, value): &(&'static str, Attribute)| KeyValue {
            key,
            value: match value {
                Attribute::Text(text) => AnyValue::Text(text.to_string()),
                Attribute::Int(n) => AnyValue::Int(n.to_string()),
                Attribute::Bool(b) => AnyValue::Bool(*b),
            },
        };
        SpanBody {
            trace_id: hex(&span.trace_id),
            span_id: hex(&span.id),
            parent_span_id: span.parent.map(|id| hex(&id)),
            name: span.name,
            kind: KINDS[usize::from(span.is_request)],
            start_time_unix_nano: span.start_nanos.to_string(),
            end_time_unix_nano: span.end_nanos.to_string(),
            attributes: span.attributes.iter().map(attribute).collect(),
            status: span.failed.then_some(SpanStatus { code: ERROR }),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::path::PathBuf;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn span(name: &'static str) -> Span {
        Span {
            trace_id: [0xab; 16],
            id: [1; 8],
            parent: Some([2; 8]),
            name,
            is_request: true,
            start_nanos: 5,
            end_nanos: 9,
            failed: true,
            attributes: vec![
                ("text", Attribute::Text("a".into())),
                ("int", Attribute::Int(-7)),
                ("bool", Attribute::Bool(true)),
            ],
        }
    }

    #[test]
    fn a_message_is_as_the_specification_has_it() {
        let said: Value = serde_json::from_slice(&message("shop", &[span("request")])).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let expect = json!({"resourceSpans": [{
            "resource": {"attributes": [
                {"key": "service.name", "value": {"stringValue": "shop"}},
                {"key": "service.version", "value": {"stringValue": version}},
            ]},
            "scopeSpans": [{
                "scope": {"name": "wardroom", "version": version},
                "spans": [{
                    "traceId": "abababababababababababababababab",
                    "spanId": "0101010101010101",
                    "parentSpanId": "0202020202020202",
                    "name": "request",
                    "kind": 2,
                    "startTimeUnixNano": "5",
                    "endTimeUnixNano": "9",
                    "attributes": [
                        {"key": "text", "value": {"stringValue": "a"}},
                        {"key": "int", "value": {"intValue": "-7"}},
                        {"key": "bool", "value": {"boolValue": true}},
                    ],
                    "status": {"code": 2},
                }],
            }],
        }]});
        assert_eq!(said, expect);
    }

    fn telemetry(url: &str, sample: f64, headers: Option<PathBuf>) -> Telemetry {
        let mut telemetry = Telemetry::default();
        telemetry.otlp.or_given(Some(Some(url.to_owned())));
        telemetry.sample.or_given(Some(sample));
        telemetry.headers.or_given(Some(headers));
        telemetry
    }

    /// A collector that answers each request with the next of these statuses, and gives their heads and bodies.
    async fn collector(statuses: Vec<u16>) -> (String, JoinHandle<Vec<(String, Value)>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let mut got = Vec::new();
            for status in statuses {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = Vec::new();
                let (head, body) = loop {
                    let mut piece = [0; 4096];
                    let n = stream.read(&mut piece).await.unwrap();
                    bytes.extend_from_slice(&piece[..n]);
                    let text = String::from_utf8(bytes.clone()).unwrap();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head
                        .to_lowercase()
                        .lines()
                        .find_map(|l| l.strip_prefix("content-length: ").map(str::to_owned));
                    if body.len() == length.unwrap().parse::<usize>().unwrap() {
                        break (head.to_owned(), body.to_owned());
                    }
                };
                got.push((head, serde_json::from_str(&body).unwrap()));
                let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 2\r\n\r\n{{}}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            got
        });
        (url, task)
    }

    const QUICK: Bounds = Bounds {
        queue: 2,
        batch: 4,
        gather: Duration::from_millis(1),
        answer: Duration::from_secs(20),
        tries: 3,
        rest: Duration::from_millis(1),
        farewell: Duration::from_secs(20),
    };

    fn run(work: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    }

    #[test]
    fn what_is_refused_for_a_while_is_sent_again_and_what_is_refused_for_good_is_let_go_of() {
        run(async {
            for (statuses, sent, dropped) in [
                (vec![200], 3, 0),
                (vec![503, 429, 200], 3, 0),
                (vec![503, 503, 504], 0, 3),
                (vec![400], 0, 3),
            ] {
                let dir = tempfile::tempdir().unwrap();
                let headers = dir.path().join("headers");
                std::fs::write(&headers, "# the key\nX-Key: hush\n\n").unwrap();
                let (url, collected) = collector(statuses.clone()).await;
                let started = Exporter::bounded(&telemetry(&url, 1.0, Some(headers)), QUICK);
                let exporter = started.unwrap().unwrap();
                let traces = exporter.traces();
                traces.take(vec![span("request"), span("intake"), span("reply")]);
                exporter.finish().await;
                let got = collected.await.unwrap();
                assert_eq!((got.len(), traces.figures()), (statuses.len(), (sent, dropped)), "{statuses:?}");
                for (head, body) in got {
                    let head = head.to_lowercase();
                    assert!(
                        head.starts_with("post /v1/traces http/1.1") && head.contains("x-key: hush"),
                        "{head}"
                    );
                    assert!(head.contains("content-type: application/json"), "{head}");
                    assert_eq!(
                        body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().len(),
                        3
                    );
                }
            }
        });
    }

    #[test]
    fn a_collector_that_takes_nothing_holds_nobody_up() {
        run(async {
            // It accepts, and never answers.
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let bounds = Bounds { farewell: Duration::from_millis(1), ..QUICK };
            let exporter = Exporter::bounded(&telemetry(&url, 1.0, None), bounds).unwrap().unwrap();
            let traces = exporter.traces();
            for _ in 0..1000 {
                traces.take(vec![span("request")]);
                tokio::task::yield_now().await;
            }
            let (sent, dropped) = traces.figures();
            assert_eq!(sent, 0);
            // Two wait in the queue, at most four in the message under way.
            assert!((994..1000).contains(&dropped), "{dropped}");
            exporter.finish().await;
            drop(listener);
        });
    }

    #[test]
    fn a_share_of_the_traces_is_wanted() {
        run(async {
            let wants = |sample: f64| {
                let exporter =
                    Exporter::start(&telemetry("http://127.0.0.1:9", sample, None)).unwrap().unwrap();
                let traces = exporter.traces();
                (0..=255).filter(|n| traces.wants([0, 0, 0, 0, 0, 0, 0, 0, *n, 7, 7, 7, 7, 7, 7, 7])).count()
            };
            assert_eq!((wants(0.0), wants(0.25), wants(1.0)), (0, 64, 256));
        });
    }

    #[test]
    fn what_cannot_be_sent_to_is_refused_at_once() {
        run(async {
            assert!(
                Exporter::start(&Telemetry::default()).unwrap().is_none(),
                "off unless somebody asks for it"
            );
            let said = |telemetry: &Telemetry| format!("{:#}", Exporter::start(telemetry).err().unwrap());
            assert!(said(&telemetry("https://x", 1.0, None)).contains("http://host:port"));
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("headers");
            std::fs::write(&file, "Authorization Bearer hush\n").unwrap();
            let said = said(&telemetry("http://x", 1.0, Some(file)));
            assert!(said.contains("headers:1: no header such as") && !said.contains("hush"), "{said}");
        });
    }
}
