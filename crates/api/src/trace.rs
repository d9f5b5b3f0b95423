// SPDX-License-Identifier: Apache-2.0
//! Traces: where the time of a request went, as spans that somebody else writes down and sends.
//!
//! This crate only measures. Who wants traces passes in a [`Traces`], which says of each trace whether it is wanted and
//! takes the finished spans; it must do so without waiting. What a caller sends as `traceparent` (W3C Trace Context) is
//! gone by: its trace goes on here, and its choice whether to sample is kept.

use crate::passage::fresh;
use axum::http::HeaderMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wardroom_engine::Probe;
use wardroom_event::Micros;

/// Who takes finished traces.
pub trait Traces: Send + Sync {
    /// Whether a trace with this id that begins here is wanted.
    fn wants(&self, trace_id: [u8; 16]) -> bool;
    /// Takes the spans of a request. Called while its answer waits: it must not block.
    fn take(&self, spans: Vec<Span>);
    /// How many spans were sent, and how many were let go of for want of room or of anybody who takes them.
    fn figures(&self) -> (u64, u64);
}

impl fmt::Debug for dyn Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces(…)")
    }
}

/// A stretch of time with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace it is part of.
    pub trace_id: [u8; 16],
    /// Its own id.
    pub id: [u8; 8],
    /// The span that it is part of.
    pub parent: Option<[u8; 8]>,
    /// What was done.
    pub name: &'static str,
    /// Whether it is a request that somebody else sent.
    pub is_request: bool,
    /// When it began, in nanoseconds since 1970.
    pub start_nanos: u64,
    /// When it ended.
    pub end_nanos: u64,
    /// Whether it failed by a fault of the server.
    pub failed: bool,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Attribute)>,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// Words.
    Text(Box<str>),
    /// A number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

/// A trace in the making: that of one request.
pub(crate) struct Draft {
    trace_id: [u8; 16],
    root: [u8; 8],
    parent: Option<[u8; 8]>,
    /// When it began: by the wall, in nanoseconds since 1970, and by the clock that never goes back.
    start_nanos: u64,
    began: Instant,
    spans: Mutex<Vec<Span>>,
}

impl Draft {
    /// A request's trace, where it is wanted.
    pub(crate) fn begin(
        traces: &dyn Traces,
        headers: &HeaderMap,
        now: Micros,
        began: Instant,
    ) -> Option<Draft> {
        let given = headers.get("traceparent").and_then(|v| v.to_str().ok()).and_then(parse);
        let trace_id = given.map_or_else(fresh_trace, |given| given.trace_id);
        let wanted = given.map_or_else(|| traces.wants(trace_id), |given| given.is_sampled);
        wanted.then(|| Draft {
            trace_id,
            root: fresh().to_be_bytes(),
            parent: given.map(|given| given.parent),
            start_nanos: u64::try_from(now.0).unwrap_or(0).saturating_mul(1000),
            began,
            spans: Mutex::default(),
        })
    }

    /// A stage of it, from `since` until now.
    pub(crate) fn stage(
        &self,
        name: &'static str,
        since: Instant,
        attributes: Vec<(&'static str, Attribute)>,
    ) {
        self.between(name, since, Instant::now(), attributes);
    }

    fn between(
        &self,
        name: &'static str,
        from: Instant,
        to: Instant,
        attributes: Vec<(&'static str, Attribute)>,
    ) {
        let after = |at: Instant| at.saturating_duration_since(self.began);
        let span = self.span(fresh().to_be_bytes(), name, after(from), after(to));
        let span = Span { parent: Some(self.root), attributes, ..span };
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    fn span(&self, id: [u8; 8], name: &'static str, from: Duration, to: Duration) -> Span {
        let at = |after: Duration| {
            self.start_nanos.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX))
        };
        Span {
            trace_id: self.trace_id,
            id,
            parent: self.parent,
            name,
            is_request: false,
            start_nanos: at(from),
            end_nanos: at(to),
            failed: false,
            attributes: Vec::new(),
        }
    }

    /// Its spans: the request first, then its stages so far.
    pub(crate) fn finish(
        &self,
        took: Duration,
        failed: bool,
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Vec<Span> {
        let root = self.span(self.root, "request", Duration::ZERO, took);
        let mut all = vec![Span { is_request: true, failed, attributes, ..root }];
        all.append(&mut self.spans.lock().unwrap_or_else(PoisonError::into_inner));
        all
    }

    /// Its stages since it was finished: those of a stream go on after the answer has begun.
    pub(crate) fn rest(&self) -> Vec<Span> {
        std::mem::take(&mut *self.spans.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One after the other, the stages of a request; nothing where it is not traced.
pub(crate) struct Stages<'a> {
    draft: Option<&'a Draft>,
    since: Instant,
}

impl<'a> Stages<'a> {
    pub(crate) fn of(draft: Option<&'a Draft>) -> Stages<'a> {
        Stages { draft, since: Instant::now() }
    }

    /// What was done since the one before.
    pub(crate) fn end(&mut self, name: &'static str) {
        if let Some(draft) = self.draft {
            draft.stage(name, self.since, Vec::new());
            self.since = Instant::now();
        }
    }
}

impl Stages<'_> {
    /// What the engine marks its stages with, where they are wanted.
    pub(crate) fn probe(&self) -> Option<Arc<Probe>> {
        self.draft.map(|_| Arc::default())
    }

    /// What the engine did since the stage before: the wait for its turn, counting and judging, the wait for the disk.
    pub(crate) fn end_at_marks(&mut self, probe: Option<&Probe>) {
        let Some(draft) = self.draft else { return };
        let Some((taken, judged)) = probe.and_then(Probe::marks) else {
            // Refused: it never came to its turn.
            return self.end("queue");
        };
        let now = Instant::now();
        for (name, from, to) in
            [("queue", self.since, taken), ("judge", taken, judged), ("commit", judged, now)]
        {
            draft.between(name, from, to, Vec::new());
        }
        self.since = now;
    }
}

fn fresh_trace() -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&fresh().to_be_bytes());
    id[8..].copy_from_slice(&fresh().to_be_bytes());
    id
}

/// What a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Given {
    trace_id: [u8; 16],
    parent: [u8; 8],
    is_sampled: bool,
}

/// Reads `00-<trace>-<span>-<flags>`. A later version may have more behind it.
fn parse(text: &str) -> Option<Given> {
    let (version, rest) = text.split_at_checked(2)?;
    let version = hex::<1>(version)?;
    let mut parts = rest.strip_prefix('-')?.splitn(4, '-');
    let trace_id = hex::<16>(parts.next()?)?;
    let parent = hex::<8>(parts.next()?)?;
    let flags = hex::<1>(parts.next()?)?;
    let more = parts.next().is_some();
    let is_good = version != [0xff] && trace_id != [0; 16] && parent != [0; 8] && !(version == [0] && more);
    is_good.then_some(Given { trace_id, parent, is_sampled: flags[0] & 1 == 1 })
}

/// Exactly so many bytes in lower-case hex digits.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let bytes = text.as_bytes();
    if bytes.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, two) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        *byte = digit(two[0])? << 4 | digit(two[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_the_standard_has_it() {
        let check = |text: &str, expect: Option<bool>| {
            assert_eq!(parse(text).map(|given| given.is_sampled), expect, "{text}");
        };
        check(GOOD, Some(true));
        check(&GOOD.replace("-01", "-00"), Some(false));
        check(&GOOD.replace("-01", "-03"), Some(true));
        check(&format!("{GOOD}-more"), None);
        check(&format!("01{}-more", &GOOD[2..]), Some(true));
        check(&format!("ff{}", &GOOD[2..]), None);
        check(&GOOD.to_uppercase(), None);
        check(&GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)), None);
        check(&GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)), None);
        check(&GOOD[..54], None);
        check("", None);
        check("0é-", None);
        let given = parse(GOOD).unwrap();
        assert_eq!((given.trace_id[0], given.parent[7]), (0x4b, 0xb7));
    }

    struct Never;

    impl Traces for Never {
        fn wants(&self, _: [u8; 16]) -> bool {
            false
        }
        fn take(&self, _: Vec<Span>) {}
        fn figures(&self) -> (u64, u64) {
            (0, 0)
        }
    }

    #[test]
    fn who_began_a_trace_says_whether_it_is_sampled() {
        let begin = |parent: Option<&str>| {
            let mut headers = HeaderMap::new();
            parent.map(|parent| headers.insert("traceparent", parent.parse().unwrap()));
            Draft::begin(&Never, &headers, Micros(5), Instant::now())
        };
        assert!(begin(None).is_none());
        assert!(begin(Some("nonsense")).is_none());
        let draft = begin(Some(GOOD)).unwrap();
        draft.stage("intake", Instant::now(), Vec::new());
        let spans = draft.finish(Duration::from_nanos(7), false, Vec::new());
        assert_eq!(
            (spans[0].start_nanos, spans[0].end_nanos, spans[0].parent),
            (5000, 5007, Some([0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]))
        );
        assert_eq!((spans[1].name, spans[1].parent), ("intake", Some(spans[0].id)));
        assert!(spans[1].end_nanos >= spans[1].start_nanos && draft.rest().is_empty());
    }
}
