// SPDX-License-Identifier: Apache-2.0
//! What goes wrong, as the caller is told it: problem details (RFC 9457).
//!
//! Two messages are kept apart. The caller learns what it did and what would be right, or that it should come back.
//! The log learns what the system said: paths, system errors, panics. An incident number joins the two where the
//! fault is ours. Every type of problem stands in [`ALL`], and the book's page lists the same.

use crate::limits;
use crate::passage;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;
use utoipa::ToSchema;
use wardroom_engine::{EngineError, SubmitError, Whose};
use wardroom_event::{Fault, Faults};
use wardroom_report::{Diagnostic, Sources};

/// A type of problem: what stays the same about it whenever it occurs.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// Its name; `type` is `/problems/` and this.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What it is, in a few words.
    pub title: &'static str,
    /// After how many seconds the same request may succeed, where it may and nothing better is known.
    pub retry_after_secs: Option<u16>,
}

macro_rules! problems {
    ($($name:ident $slug:literal $status:literal $retry:expr, $title:literal)*) => {
        $(pub(crate) const $name: &ProblemType =
            &ProblemType { slug: $slug, status: $status, title: $title, retry_after_secs: $retry };)*
        /// Every type of problem there is, by status.
        pub const ALL: &[&ProblemType] = &[$($name),*];
    };
}

problems! {
    NOT_JSON "not_json" 400 None, "The body is not JSON"
    BAD_QUERY "bad_query" 400 None, "The query is not understood"
    BAD_PRECONDITION "bad_precondition" 400 None, "The If-Match header is not understood"
    BAD_BODY "bad_body" 400 None, "The body is not understood"
    CUT_BODY "cut_body" 400 None, "The body ended too early"
    NO_KEY "no_key" 401 None, "A valid key is required"
    MISSING_ROLE "missing_role" 403 None, "The key lacks a role"
    NO_ROUTE "no_route" 404 None, "There is nothing at this path"
    NO_ERASURE "no_erasure" 404 None, "There is no such erasure"
    NO_DECISION "no_decision" 404 None, "There is no such decision"
    NO_BACKTEST "no_backtest" 404 None, "There is no such backtest"
    NO_EFFECT "no_effect" 404 None, "There is no such effect"
    NO_CASE "no_case" 404 None, "There is no such case"
    NO_JOB "no_job" 404 None, "There is no such job"
    NO_ACT "no_act" 404 None, "There is no such act"
    NO_CAMPAIGN "no_campaign" 404 None, "There is no such campaign"
    NO_LIST "no_list" 404 None, "There is no such list"
    NO_RANGES "no_ranges" 404 None, "There is no list of such hashes"
    WRONG_METHOD "wrong_method" 405 None, "The path does not take this method"
    WRONG_ACCEPT "wrong_accept" 406 None, "The answer has no such form"
    SLOW_BODY "slow_body" 408 None, "The body took too long"
    ONLY_RECORDED "only_recorded" 409 None, "The event was recorded without a decision"
    TYPE_CHANGED "type_changed" 409 None, "The event type changed meanwhile"
    NOT_DONE "not_done" 409 Some(1), "The backtest is not done"
    NO_RETRY "no_retry" 409 None, "The effect cannot be sent"
    WRONG_STATE "wrong_state" 409 None, "The job is not where that can be done"
    ERASING "erasing" 409 None, "Another erasure is under way"
    POLICY_CHANGED "policy_changed" 412 None, "Another policy is in force"
    TOO_LARGE "too_large" 413 None, "The body is too large"
    WRONG_CONTENT_TYPE "wrong_content_type" 415 None, "The content type is not read here"
    BAD_ACT "bad_act" 422 None, "What is asked for cannot be done"
    BAD_BACKTEST "bad_backtest" 422 None, "The backtest cannot be done"
    BAD_EVENT "bad_event" 422 None, "The event has faults"
    BAD_SUBJECT "bad_subject" 422 None, "This is no subject to erase"
    BAD_POLICY "bad_policy" 422 None, "The policy has faults"
    BAD_QUESTION "bad_question" 422 None, "The query has faults"
    QUESTION_TOO_LARGE "question_too_large" 422 None, "The query needs more than it may"
    RATE_LIMITED "rate_limited" 429 Some(1), "The key sends more than its limit"
    SHARE_USED "share_used" 429 Some(1), "The key has its share of work waiting"
    INTERNAL "internal" 500 None, "A fault of the server"
    SQL_LEFT_OUT "sql_left_out" 501 None, "This server has no SQL"
    NO_HISTORY "no_history" 501 None, "This server keeps no history"
    BUSY "busy" 503 Some(1), "Too much work is waiting"
    FAILED "failed" 503 Some(30), "The journal failed"
    CLOSING "closing" 503 Some(5), "The server is shutting down"
    QUESTION_TOO_LONG "question_too_long" 504 None, "The query took too long"
    DISK_FULL "disk_full" 507 None, "The disk is full"
}

impl ProblemType {
    /// The HTTP status; every number above is one.
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// One occurrence of a problem. Boxed, because it travels in every `Result` of the hot path.
#[derive(Debug)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: &'static ProblemType,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    more: usize,
    policy: Option<PolicyFaults>,
    incident: Option<String>,
    /// Known better than from the type of problem alone.
    retry_after_secs: Option<u16>,
}

/// What is wrong with a policy, for programs and for people.
#[derive(Debug)]
pub(crate) struct PolicyFaults {
    pub(crate) diagnostics: Box<RawValue>,
    pub(crate) rendered: String,
}

impl PolicyFaults {
    pub(crate) fn new(diagnostics: &[Diagnostic], sources: &Sources) -> PolicyFaults {
        let json = wardroom_report::to_json(diagnostics, sources);
        PolicyFaults {
            diagnostics: RawValue::from_string(json).unwrap_or_default(),
            rendered: wardroom_report::render(diagnostics, sources, false),
        }
    }
}

/// Problem details as they are sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/problems/bad_event",
    "title": "The event has faults",
    "status": 422,
    "detail": "/acount: event type `login` has no field `acount`; did you mean `account`?",
    "faults": [{
        "pointer": "/acount",
        "code": "unknown_field",
        "message": "event type `login` has no field `acount`; did you mean `account`?"
    }]
}))]
pub(crate) struct ProblemBody<'a> {
    /// Names the type of problem: a path that the documentation lists.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: TypePath,
    /// The type in a few words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, and what would be right.
    detail: &'a str,
    /// Everything wrong with the event or the policy's paths, each with its place.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FaultBody>, required = false)]
    faults: &'a [Fault],
    /// How many more faults there are than are listed.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    more: usize,
    /// Everything wrong with the policy or query, in the form of `wardroom check --json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>, nullable = false)]
    diagnostics: Option<&'a RawValue>,
    /// The same, drawn for a terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rendered: Option<&'a str>,
    /// Finds the matching line in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    incident: Option<&'a str>,
    /// After how many seconds to send it again; as the header `Retry-After`, which a line of a stream cannot have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after_secs: Option<u16>,
}

/// One thing wrong with what was sent.
#[derive(ToSchema)]
#[schema(as = Fault)]
#[allow(dead_code, reason = "describes `wardroom_event::Fault`, which knows no OpenAPI")]
pub(crate) struct FaultBody {
    /// Where: a JSON pointer (RFC 6901); empty for the whole.
    pointer: String,
    /// A stable name for programs.
    code: String,
    /// What is wrong and what would be right.
    message: String,
}

struct TypePath(&'static str);

impl Serialize for TypePath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("/problems/{}", self.0))
    }
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Problem {
    pub(crate) fn new(kind: &'static ProblemType, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem(Box::new(Inner {
            kind,
            detail: detail.into(),
            faults: Vec::new(),
            more: 0,
            policy: None,
            incident: None,
            retry_after_secs: None,
        }))
    }

    /// A fault of the server: the log gets all of it, the caller a number to quote.
    pub(crate) fn ours(doing: &str, error: &dyn Display) -> Problem {
        let mut bytes = [0u8; 8];
        let _ = getrandom::fill(&mut bytes);
        let incident: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let request = passage::id();
        tracing::error!(%request, incident, doing, error = %error, "a request failed by a fault of the server");
        let mut problem = Problem::new(INTERNAL, "the server tripped over itself; its log names the reason");
        problem.0.incident = Some(incident);
        problem
    }

    pub(crate) fn with_faults(kind: &'static ProblemType, faults: &Faults) -> Problem {
        let mut problem = Problem::new(kind, faults.to_string());
        problem.0.faults = faults.list().to_vec();
        problem.0.more = faults.more();
        problem
    }

    pub(crate) fn bad_policy(faults: PolicyFaults) -> Problem {
        let mut problem = Problem::new(BAD_POLICY, "the policy has errors; the one before stays in force");
        problem.0.policy = Some(faults);
        problem
    }

    /// A policy, or a rule in it, that cannot be tried.
    pub(crate) fn bad_draft(faults: PolicyFaults) -> Problem {
        let mut problem =
            Problem::new(BAD_POLICY, "nothing was tried; `rendered` says what is wrong with the policy");
        problem.0.policy = Some(faults);
        problem
    }

    /// A query that cannot be asked.
    pub(crate) fn bad_question(faults: PolicyFaults) -> Problem {
        let mut problem =
            Problem::new(BAD_QUESTION, "nothing was asked; `rendered` says what is wrong with it");
        problem.0.policy = Some(faults);
        problem
    }

    /// The same, with a time to come back that is known.
    fn after(mut self, secs: u16) -> Problem {
        self.0.retry_after_secs = Some(secs);
        self
    }

    /// More than a key's own limit.
    pub(crate) fn rate_limited(wait: Duration) -> Problem {
        let (least, most) = limits::RETRY_SECS;
        let secs = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        let secs = u16::try_from(secs).unwrap_or(most).clamp(least, most);
        let detail =
            format!("nothing was recorded; the limit is this key's own. Send the event again in {secs} s");
        Problem::new(RATE_LIMITED, detail).after(secs)
    }

    /// Too much waits already.
    fn busy(whose: Whose, secs: u16) -> Problem {
        let (kind, why) = match whose {
            Whose::Client => (SHARE_USED, "other keys are served; this one has its share of work waiting"),
            Whose::Server => (BUSY, "the server as a whole has too much work waiting"),
        };
        Problem::new(kind, format!("nothing was recorded; {why}. Send the event again in {secs} s"))
            .after(secs)
    }

    fn retry_after_secs(&self) -> Option<u16> {
        self.0.retry_after_secs.or(self.0.kind.retry_after_secs)
    }

    pub(crate) fn kind(&self) -> &'static ProblemType {
        self.0.kind
    }

    /// As it is sent, alone or within a line of a stream.
    pub(crate) fn body(&self) -> ProblemBody<'_> {
        let inner = &*self.0;
        ProblemBody {
            kind: TypePath(inner.kind.slug),
            title: inner.kind.title,
            status: inner.kind.status,
            detail: &inner.detail,
            faults: &inner.faults,
            more: inner.more,
            diagnostics: inner.policy.as_ref().map(|p| &*p.diagnostics),
            rendered: inner.policy.as_ref().map(|p| &*p.rendered),
            incident: inner.incident.as_deref(),
            retry_after_secs: self.retry_after_secs(),
        }
    }
}

/// An event that could not be typed. JSON that does not parse is another matter than JSON that says something wrong.
impl From<Faults> for Problem {
    fn from(faults: Faults) -> Problem {
        let code = faults.list().first().map(|f| f.code);
        let kind = match code {
            Some("not_json") => NOT_JSON,
            Some("too_large") => TOO_LARGE,
            _ => BAD_EVENT,
        };
        Problem::with_faults(kind, &faults)
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Problem {
        match error {
            SubmitError::Busy { whose, retry_after_secs } => Problem::busy(whose, retry_after_secs),
            SubmitError::Full(_) => {
                Problem::new(DISK_FULL, "nothing was recorded; everything accepted before is safe")
            }
            SubmitError::Failed(_) => Problem::new(
                FAILED,
                "whether the event was recorded is not known: send it again under the same id once the server is \
                 ready. Its log names the reason",
            ),
            SubmitError::Closed => Problem::new(CLOSING, "send the event again under the same id"),
            SubmitError::TypeChanged(name) => {
                let shown: String = name.chars().take(64).collect();
                Problem::new(
                    TYPE_CHANGED,
                    format!(
                        "another policy came into force and `{shown}` is not what it was; send the event again"
                    ),
                )
            }
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Problem {
        Problem::ours("read the journal", &error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.kind();
        // Strings, numbers and ready JSON: writing them cannot fail.
        let bytes = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = (kind.status(), bytes).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(secs) = self.retry_after_secs() {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        if kind.status == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_apart_and_have_a_status_of_their_own() {
        let mut slugs: Vec<_> = ALL.iter().map(|p| p.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), ALL.len());
        assert!(ALL.iter().all(|p| StatusCode::from_u16(p.status).is_ok()));
        assert!(ALL.windows(2).all(|p| p[0].status <= p[1].status), "by status");
    }

    #[test]
    fn when_to_come_back_is_told_in_seconds_and_bounded() {
        let check = |problem: Problem, expect: &str| {
            let secs = problem.retry_after_secs().map(|s| s.to_string()).unwrap_or_default();
            let json = serde_json::to_value(problem.body()).unwrap();
            let body = json.get("retry_after_secs").map(ToString::to_string).unwrap_or_default();
            let response = problem.into_response();
            let header = response.headers().get(RETRY_AFTER).map_or("", |v| v.to_str().unwrap());
            assert_eq!((header, &*secs, &*body), (expect, expect, expect));
        };
        check(Problem::rate_limited(Duration::from_millis(1)), "1");
        check(Problem::rate_limited(Duration::from_millis(1001)), "2");
        check(Problem::rate_limited(Duration::MAX), "30");
        check(Problem::busy(Whose::Client, 7), "7");
        check(Problem::busy(Whose::Server, 9), "9");
        check(Problem::new(CLOSING, ""), "5");
        check(Problem::new(NO_KEY, ""), "");
    }

    #[test]
    fn what_the_system_said_stays_in_the_log() {
        let check = |error: SubmitError, slug: &str| {
            let problem = Problem::from(error);
            let json = serde_json::to_string(&problem.body()).unwrap();
            assert_eq!(problem.kind().slug, slug);
            assert!(!json.contains("/var/lib"), "{json}");
        };
        check(SubmitError::Full("/var/lib/w: no space".into()), "disk_full");
        check(SubmitError::Failed("/var/lib/w: input/output error".into()), "failed");
        check(SubmitError::Busy { whose: Whose::Server, retry_after_secs: 3 }, "busy");
        check(SubmitError::Busy { whose: Whose::Client, retry_after_secs: 3 }, "share_used");
        check(SubmitError::Closed, "closing");
        check(SubmitError::TypeChanged("login".into()), "type_changed");
        let ours = Problem::ours("read", &"/var/lib/w: bad");
        let json = serde_json::to_string(&ours.body()).unwrap();
        assert!(json.contains("\"incident\":\"") && !json.contains("/var/lib"), "{json}");
    }
}
