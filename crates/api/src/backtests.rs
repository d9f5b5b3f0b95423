// SPDX-License-Identifier: Apache-2.0
//! Backtests over HTTP: begun, watched, fetched, removed. What they are is the history's matter.

use crate::api::{Api, json_of};
use crate::body;
use crate::keys::Role;
use crate::limits;
use crate::problem::{
    BAD_BACKTEST, BUSY, NO_BACKTEST, NO_ROUTE, NOT_DONE, NOT_JSON, PolicyFaults, Problem, ProblemBody,
};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use wardroom_history::backtest::{Ask, BacktestError, Desk, DeskError, Found, Report, Status, markdown};

/// A backtest that was begun.
#[derive(Serialize, ToSchema)]
#[schema(as = BacktestBegun, example = json!({"id": "b_3fa1c09b77de"}))]
struct BegunBody {
    /// Its id: the same question over the same past has the same.
    id: String,
}

/// A backtest.
#[derive(Serialize, ToSchema)]
#[schema(as = Backtest)]
struct BacktestBody {
    /// Its id.
    id: String,
    /// Its title, if it has one.
    title: Option<String>,
    /// When it was asked for.
    asked: String,
    /// `waiting`, `running`, `done`, `failed` or `stopped`.
    #[schema(pattern = "^(waiting|running|done|failed|stopped)$")]
    state: String,
    /// How far it is, from 0 to 1.
    progress: f64,
    /// Why it failed.
    error: Option<String>,
    /// Whether it keeps within its limits, once it is done.
    passes: Option<bool>,
    /// What it found, once it is done: the book's page of backtests has its fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    report: Option<Report>,
}

impl BacktestBody {
    fn new(status: Status, report: Option<Report>) -> BacktestBody {
        let Status { id, title, asked, state, progress, error, passes } = status;
        BacktestBody { id, title, asked, state, progress, error, passes, report }
    }
}

/// All backtests.
#[derive(Serialize, ToSchema)]
#[schema(as = Backtests)]
struct BacktestsBody {
    /// The newest first.
    backtests: Vec<BacktestBody>,
}

/// Begin a backtest
///
/// What a rule, or a whole policy, would have done to the events of a period. It is done beside what comes in, a few at a
/// time; further ones wait.
#[utoipa::path(
    post, path = "/v1/backtests", tag = "backtests", security(("key" = ["read"])),
    request_body(
        content = Object, content_type = "application/json",
        description = "What is asked. `rule`: text to be put into the policy in force, or `files`: a whole policy by path, or `rules`: \
            ids of rules in force; `against`: a whole policy to compare with. `from`, `to`, `as_of` (RFC 3339) and `last` (`30d`). \
            `costs`: `false_block`, `missed_abuse`, `review_minute`. `limits`: `max_new_blocks`, `min_precision` and others. `title`, \
            `brief`, `recorded`, `as_written`, `way`; `reveal` takes a key with that role.",
        example = json!({
            "rule": "rule burst on login:\n    when    failures >= 5\n    then    block\n    because \"{failures}\"\n",
            "last": "30d", "limits": {"max_new_blocks": 50}
        }),
    ),
    responses(
        (status = 202, description = "It is begun, or was before", body = BegunBody,
            headers(("Location" = String, description = "Where it is looked at"))),
        (status = 400, description = "The body is not JSON, or says something that is not known", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be done", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many wait already", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn begin(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let desk = desk(&api)?;
    let (parts, body) = request.into_parts();
    body::content_type(&parts.headers, &["application/json"])?;
    let bytes = body::whole(body, limits::BACKTEST_BYTES, api.options().into()).await?;
    let ask: Ask = serde_json::from_slice(&bytes).map_err(|e| Problem::new(NOT_JSON, e.to_string()))?;
    if ask.reveal {
        api.admit(&parts.headers, Role::Reveal)?;
    }
    let now = api.now();
    let id = blocking(move || desk.begin(ask, now)).await?.map_err(refused)?;
    let location = format!("/v1/backtests/{id}");
    let mut response = json_of(&BegunBody { id })?;
    *response.status_mut() = StatusCode::ACCEPTED;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// List backtests
///
/// Those that wait or are under way, and those that are kept, without their reports.
#[utoipa::path(
    get, path = "/v1/backtests", tag = "backtests", security(("key" = ["read"])),
    responses((status = 200, description = "All there are, the newest first", body = BacktestsBody))
)]
pub(crate) async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    api.admit(&headers, Role::Read)?;
    let desk = desk(&api)?;
    let all = blocking(move || desk.list()).await?;
    json_of(&BacktestsBody {
        backtests: all.into_iter().map(|status| BacktestBody::new(status, None)).collect(),
    })
}

/// Look at a backtest
///
/// How far it is and, once it is done, what it found. With `Accept: text/markdown` the report as a page.
#[utoipa::path(
    get, path = "/v1/backtests/{id}", tag = "backtests", security(("key" = ["read"])),
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "It", content((BacktestBody = "application/json"), (String = "text/markdown"))),
        (status = 404, description = "There is no such backtest", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "There is no page of it yet", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    api.admit(&headers, Role::Read)?;
    let desk = desk(&api)?;
    let found = blocking(move || desk.get(&id)).await?;
    let Found { status, report, error } =
        found.ok_or_else(|| Problem::new(NO_BACKTEST, "it was removed, or the id is none of this server"))?;
    if report.as_ref().is_some_and(|report| report.ask.reveal) {
        api.admit(&headers, Role::Reveal)?;
    }
    if let Some(BacktestError::Policy { diagnostics, sources }) = error.as_deref() {
        return Err(Problem::bad_draft(PolicyFaults::new(diagnostics, sources)));
    }
    let wants_page =
        headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/markdown"));
    if !wants_page {
        return json_of(&BacktestBody::new(status, report));
    }
    let report = report.ok_or_else(|| Problem::new(NOT_DONE, format!("it is {}", status.state)))?;
    let mut response = Response::new(Body::from(markdown(&report)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8"));
    Ok(response)
}

/// Remove a backtest
///
/// One that is under way is stopped.
#[utoipa::path(
    delete, path = "/v1/backtests/{id}", tag = "backtests", security(("key" = ["read"])),
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such backtest", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remove(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    api.admit(&headers, Role::Read)?;
    let desk = desk(&api)?;
    let removed =
        blocking(move || desk.remove(&id)).await?.map_err(|e| Problem::ours("remove a backtest", &e))?;
    if removed {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new(NO_BACKTEST, "it was removed before, or never was"))
    }
}

fn desk(api: &Api) -> Result<Desk, Problem> {
    api.options().backtests.clone().ok_or_else(|| Problem::new(NO_ROUTE, "this server does no backtests"))
}

fn refused(error: DeskError) -> Problem {
    match error {
        DeskError::Busy => {
            Problem::new(BUSY, "too many backtests wait already; begin it again when there are fewer")
        }
        DeskError::Backtest(BacktestError::Policy { diagnostics, sources }) => {
            Problem::bad_policy(PolicyFaults::new(&diagnostics, &sources))
        }
        DeskError::Backtest(BacktestError::Rows(why)) => Problem::ours("look at the past", &why),
        DeskError::Backtest(other) => Problem::new(BAD_BACKTEST, other.to_string()),
    }
}

/// Does what reads files where that keeps nobody waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Problem::ours("look at a backtest", &Arc::new(e)))
}
