// SPDX-License-Identifier: Apache-2.0
//! Erasing a subject: one at a time, beside all else; its report when it is done.
//!
//! Who erases knows more than the engine: there are files of others in the data directory. So this module hands the subject
//! over and shows what it is told.

use crate::api::{Api, json_of};
use crate::body;
use crate::keys::Role;
use crate::limits;
use crate::problem::{BAD_SUBJECT, ERASING, NO_ERASURE, NOT_JSON, Problem, ProblemBody};
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Who erases subjects.
pub trait Erasures: Send + Sync {
    /// Begins an erasure, and gives its id.
    ///
    /// # Errors
    /// Why it was not begun.
    fn begin(&self, subject: &str) -> Result<String, NotBegun>;

    /// How far one is; none where there is none of this id.
    fn show(&self, id: &str) -> Option<Erasure>;
}

/// Why an erasure was not begun. Nothing here repeats the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotBegun {
    /// The subject is none.
    Subject(String),
    /// Another is under way.
    Busy,
}

/// How far an erasure is.
#[derive(Clone, Debug, Default)]
pub struct Erasure {
    /// How much of it is done, from 0 to 1.
    pub progress: f64,
    /// Why it failed, if it has: it can be asked for again.
    pub failed: Option<String>,
    /// Its report, once it is done.
    pub report: Option<Value>,
}

/// Whom to erase.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubjectToErase, example = json!({"subject": "account:alice"}))]
pub(crate) struct SubjectBody {
    /// `TYPE:VALUE`.
    subject: String,
}

/// How far an erasure is.
#[derive(Serialize, ToSchema)]
#[schema(as = Erasure)]
struct ErasureBody<'a> {
    /// Its id.
    id: &'a str,
    /// `running`, `done` or `failed`.
    state: &'static str,
    /// From 0 to 1.
    progress: f64,
    /// Why it failed: what was begun goes on when the same subject is asked for again.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    /// What was looked at, what was replaced where, and what a second look found; without the subject itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    report: Option<&'a Value>,
}

impl<'a> ErasureBody<'a> {
    fn of(id: &'a str, erasure: &'a Erasure) -> ErasureBody<'a> {
        let state = match (&erasure.failed, &erasure.report) {
            (Some(_), _) => "failed",
            (None, Some(_)) => "done",
            (None, None) => "running",
        };
        let Erasure { progress, failed, report } = erasure;
        ErasureBody { id, state, progress: *progress, why: failed.as_deref(), report: report.as_ref() }
    }
}

/// Erase a subject
///
/// From all that came before: journal, snapshots, lists, history. A random token takes its place, so that what was counted of
/// others stays as it is. The answer comes at once; ask for its report.
#[utoipa::path(
    post, path = "/v1/erasures", tag = "privacy", security(("key" = ["admin"])), request_body = SubjectBody,
    responses(
        (status = 200, description = "It is begun", body = ErasureBody),
        (status = 400, description = "The body is not JSON of this form", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Another is under way", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "This is no subject", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn begin(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Admin)?;
    let erasures = api.options().erasures.clone().ok_or_else(none)?;
    let bytes = body::whole(request.into_body(), limits::SUBJECT_BODY_BYTES, api.options().into()).await?;
    // What is wrong with it is not repeated: a log must not get the subject.
    let read = serde_json::from_slice(&bytes);
    let SubjectBody { subject } =
        read.map_err(|_| Problem::new(NOT_JSON, "send {\"subject\": \"TYPE:VALUE\"}"))?;
    let id = erasures.begin(&subject).map_err(|why| match why {
        NotBegun::Subject(why) => Problem::new(BAD_SUBJECT, why),
        NotBegun::Busy => Problem::new(ERASING, "ask again when it is done"),
    })?;
    tracing::info!(key = %who, erasure = %id, "a subject is being erased");
    let erasure = erasures.show(&id).unwrap_or_default();
    json_of(&ErasureBody::of(&id, &erasure))
}

/// Read an erasure's report
#[utoipa::path(
    get, path = "/v1/erasures/{id}", tag = "privacy", security(("key" = ["admin"])),
    params(("id" = String, Path, description = "The erasure's id")),
    responses(
        (status = 200, description = "How far it is", body = ErasureBody),
        (status = 404, description = "There is no such erasure", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    api.admit(&headers, Role::Admin)?;
    let erasures = api.options().erasures.clone().ok_or_else(none)?;
    let erasure = erasures.show(&id).ok_or_else(none)?;
    json_of(&ErasureBody::of(&id, &erasure))
}

fn none() -> Problem {
    Problem::new(NO_ERASURE, "an erasure's id is what POST /v1/erasures gives")
}
