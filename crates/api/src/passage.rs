// SPDX-License-Identifier: Apache-2.0
//! A request on its way through the server: its id, whose it is, what it came to. For log lines and traces.
//!
//! It travels beside the request as a task's own value, so that what fails deep inside can name it without every function
//! carrying it along. Nothing here is formatted, and beyond the id nothing kept, unless somebody listens: a line is
//! logged for each request, or the request is traced.

use crate::api::Api;
use crate::keys::Held;
use crate::limits;
use crate::trace::{Attribute, Draft};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};
use tracing::Level;
use wardroom_event::EventId;
use wardroom_policy::Verdict;

/// The header that names a request, in both directions.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static PASSAGE: Arc<Passage>;
}

/// A request under way.
pub(crate) struct Passage {
    id: Box<str>,
    began: Instant,
    /// Whether anybody wants to know what it came to.
    heard: bool,
    key: OnceLock<Arc<str>>,
    decided: OnceLock<Decided>,
    problem: OnceLock<&'static str>,
    trace: Option<Draft>,
}

/// What an event came to.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    /// The record's number.
    pub(crate) seq: u64,
    /// The event's id, bounded and printable.
    event_id: Box<str>,
    /// Its type, where that is still known.
    event_type: Option<Box<str>>,
    /// None where it was only recorded.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) repeated: bool,
}

impl Decided {
    pub(crate) fn new(
        seq: u64,
        id: &EventId,
        event_type: Option<&str>,
        verdict: Option<Verdict>,
        repeated: bool,
    ) -> Decided {
        let (event_id, event_type) = (printable(&id.id).into(), event_type.map(Into::into));
        Decided { seq, event_id, event_type, verdict, repeated }
    }
}

/// An id as log lines have it: bounded, and without what would move a cursor or begin a line.
pub(crate) fn printable(id: &str) -> String {
    id.chars().take(limits::LOGGED_ID_CHARS).flat_map(char::escape_debug).collect()
}

impl Passage {
    /// A request that has come, with what its headers say.
    pub(crate) fn begin(api: &Api, headers: &HeaderMap) -> Arc<Passage> {
        let given = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).filter(|id| is_sane(id));
        let began = Instant::now();
        let traces = api.options().traces.as_deref();
        let trace = traces.and_then(|traces| Draft::begin(traces, headers, api.now(), began));
        Arc::new(Passage {
            id: given.map_or_else(|| format!("{:016x}", fresh()).into(), Into::into),
            began,
            heard: trace.is_some() || api.options().log_requests || tracing::enabled!(Level::DEBUG),
            key: OnceLock::new(),
            decided: OnceLock::new(),
            problem: OnceLock::new(),
            trace,
        })
    }

    /// Runs `work` as this request's.
    pub(crate) async fn scope<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        PASSAGE.scope(self.clone(), work).await
    }

    /// The same for what does not wait.
    pub(crate) fn sync_scope<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        PASSAGE.sync_scope(self.clone(), work)
    }

    /// Its id as a header.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        Some((REQUEST_ID, HeaderValue::from_str(&self.id).ok()?))
    }

    pub(crate) fn is_heard(&self) -> bool {
        self.heard
    }

    /// What its event came to.
    pub(crate) fn decided(&self, decided: Decided) {
        let _ = self.decided.set(decided);
    }

    /// Which type of problem it was answered with.
    pub(crate) fn problem(&self, slug: &'static str) {
        let _ = self.problem.set(slug);
    }

    /// The trace that it is part of, where it is traced.
    pub(crate) fn trace(&self) -> Option<&Draft> {
        self.trace.as_ref()
    }

    /// It is answered: a line in the log, and its trace is done.
    pub(crate) fn finish(&self, api: &Api, method: &Method, route: &'static str, status: u16) {
        if !self.heard {
            return;
        }
        let took = self.began.elapsed();
        self.log(api.options().log_requests, method, route, status, took);
        if let (Some(trace), Some(traces)) = (&self.trace, &api.options().traces) {
            traces.take(trace.finish(took, status >= 500, self.attributes(method, route, status)));
        }
    }

    fn log(&self, wanted: bool, method: &Method, route: &'static str, status: u16, took: Duration) {
        let decided = self.decided.get();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request = &*self.id,
                    key = self.key.get().map(|k| &**k),
                    method = method.as_str(),
                    route,
                    status,
                    took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                    decision = decided.map(|d| d.seq),
                    event_id = decided.map(|d| &*d.event_id),
                    event_type = decided.and_then(|d| d.event_type.as_deref()),
                    verdict = decided.and_then(|d| d.verdict).map(Verdict::name),
                    repeated = decided.map(|d| d.repeated),
                    problem = self.problem.get().copied(),
                    "answered"
                )
            };
        }
        if wanted { line!(info) } else { line!(debug) }
    }

    fn attributes(
        &self,
        method: &Method,
        route: &'static str,
        status: u16,
    ) -> Vec<(&'static str, Attribute)> {
        let mut all = vec![
            ("http.request.method", Attribute::Text(method.as_str().into())),
            ("http.route", Attribute::Text(route.into())),
            ("http.response.status_code", Attribute::Int(status.into())),
            ("wardroom.request", Attribute::Text(self.id.clone())),
        ];
        if let Some(key) = self.key.get() {
            all.push(("wardroom.key", Attribute::Text((&**key).into())));
        }
        if let Some(slug) = self.problem.get() {
            all.push(("wardroom.problem", Attribute::Text((*slug).into())));
        }
        if let Some(decided) = self.decided.get() {
            all.push(("wardroom.decision", Attribute::Int(i64::try_from(decided.seq).unwrap_or(i64::MAX))));
            all.extend(decided.event_type.clone().map(|kind| ("wardroom.event_type", Attribute::Text(kind))));
            all.push(("wardroom.repeated", Attribute::Bool(decided.repeated)));
            all.extend(decided.verdict.map(|v| ("wardroom.verdict", Attribute::Text(v.name().into()))));
        }
        all
    }

    /// A line for one event of a stream, where lines are logged.
    pub(crate) fn log_event(&self, api: &Api, decided: &Decided) {
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request = &*self.id,
                    key = self.key.get().map(|k| &**k),
                    decision = decided.seq,
                    event_id = &*decided.event_id,
                    verdict = decided.verdict.map(Verdict::name),
                    repeated = decided.repeated,
                    "answered"
                )
            };
        }
        if api.options().log_requests { line!(info) } else { line!(debug) }
    }
}

/// The request that is being answered, where this is done for one.
pub(crate) fn current() -> Option<Arc<Passage>> {
    PASSAGE.try_with(Arc::clone).ok()
}

/// Notes whose the request is that is being answered.
pub(crate) fn note_key(key: &Held) {
    let _ = PASSAGE.try_with(|passage| passage.key.set(key.name.clone()));
}

/// The id of the request that is being answered, for a log line.
pub(crate) fn id() -> Shown {
    Shown(current())
}

/// An id, or a dash where there is no request.
pub(crate) struct Shown(Option<Arc<Passage>>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref().map_or("-", |passage| &passage.id))
    }
}

/// Whether a client's name for its request can be taken as it is.
fn is_sane(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&b);
    (1..=limits::REQUEST_ID_BYTES).contains(&id.len()) && id.bytes().all(plain)
}

/// A number that no other call of this process gives, spread over all of them: for ids that must not meet and need not
/// be secret.
pub(crate) fn fresh() -> u64 {
    static NEXT: LazyLock<AtomicU64> =
        LazyLock::new(|| AtomicU64::new(RandomState::new().build_hasher().finish()));
    // The finalizer of SplitMix64, which is a permutation.
    let mut z = NEXT.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_requests_are_taken_when_they_are_sane() {
        let check = |id: &str, expect: bool| assert_eq!(is_sane(id), expect, "{id}");
        check("7f1c-EDGE_1/2.3:4", true);
        check(&"x".repeat(limits::REQUEST_ID_BYTES), true);
        check(&"x".repeat(limits::REQUEST_ID_BYTES + 1), false);
        check("", false);
        check("two words", false);
        check("\u{1b}[2J", false);
        check("\"quoted\"", false);
        check("größe", false);
    }

    #[test]
    fn ids_in_logs_are_bounded_and_keep_to_their_line() {
        assert_eq!(printable("a\nb\u{1b}c\u{202e}"), r"a\nb\u{1b}c\u{202e}");
        assert_eq!(printable(&"ä".repeat(500)).chars().count(), limits::LOGGED_ID_CHARS);
    }

    #[test]
    fn no_two_are_the_same() {
        let all: std::collections::HashSet<u64> = (0..10_000).map(|_| fresh()).collect();
        assert_eq!(all.len(), 10_000);
    }
}
