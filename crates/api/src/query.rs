// SPDX-License-Identifier: Apache-2.0
//! Questions about the past: a query of the policy language, or SQL where that is built in.
//!
//! An answer is there before its first byte is sent, so that what goes wrong is a problem document and not half an answer;
//! then it goes out in pieces. A question ends when its time is up, and when whoever asked is gone.

use crate::api::{Api, Options};
use crate::body::{self, Patience};
use crate::keys::Role;
use crate::limits;
use crate::passage;
use crate::problem::{
    BAD_BODY, BAD_QUESTION, BUSY, NO_HISTORY, PolicyFaults, Problem, ProblemBody, QUESTION_TOO_LARGE,
    QUESTION_TOO_LONG, SQL_LEFT_OUT, WRONG_ACCEPT,
};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use utoipa::ToSchema;
use wardroom_engine::Engine;
use wardroom_event::{Micros, Sight, Span};
use wardroom_history::query::{self, About, Answered, Ask, Format, Look, QueryError, Rows, WriteError};
use wardroom_policy::query::{compile, parse_time};

/// A question in SQL.
pub struct SqlQuestion {
    /// Its text.
    pub text: String,
    /// As of when labels are known; as of now where it does not say.
    pub as_of: Option<Micros>,
    /// Most rows of the answer.
    pub limit: usize,
    /// What of people may be seen.
    pub look: Look,
    /// When it is.
    pub now: Micros,
    /// Ends it: its time is up, or nobody waits for it.
    pub stop: Arc<AtomicBool>,
}

/// Why a question in SQL has no answer.
#[derive(Debug)]
pub enum SqlError {
    /// It is not understood, or asks for what there is not: in words for whoever asked.
    Fault(String),
    /// Something else went wrong.
    Query(QueryError),
}

/// Who answers SQL. Without one there is none here.
pub trait Sql: Send + Sync {
    /// The rows of an answer. Called on a thread that may block.
    ///
    /// # Errors
    /// [`SqlError`] says why there are none.
    fn ask(&self, question: SqlQuestion) -> Result<Box<dyn Rows>, SqlError>;
}

/// A question about the past.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Question, example = json!({
    "query": "login where not ok last \"7d\" by ip.net show count, distinct(account) top 20",
}))]
pub(crate) struct QuestionBody {
    /// A query of the policy language; or else `sql`.
    #[serde(default)]
    query: Option<String>,
    /// A query in SQL, where this server has that built in.
    #[serde(default)]
    sql: Option<String>,
    /// From when on, whatever the query says: RFC 3339, or a day.
    #[serde(default)]
    from: Option<String>,
    /// Until when, without it.
    #[serde(default)]
    to: Option<String>,
    /// Labels as they were known then; as they are known now where it does not say.
    #[serde(default)]
    as_of: Option<String>,
    /// Most rows of the answer; 1000 where it does not say, and never more than 1,000,000.
    #[serde(default)]
    limit: Option<usize>,
    /// How long it may take, such as `30s`, which is usual; ten minutes at most.
    #[serde(default)]
    timeout: Option<String>,
    /// Show identifiers of people whole; takes the role `reveal`, and is logged.
    #[serde(default)]
    reveal: bool,
}

/// An answer as JSON.
#[derive(ToSchema)]
#[schema(as = QueryAnswer)]
#[allow(dead_code, reason = "describes what is written piece by piece")]
pub(crate) struct AnswerBody {
    /// Its columns.
    columns: Vec<ColumnBody>,
    /// Its rows: a value for each column. A time is RFC 3339, a length of time in seconds, a size in bytes; `null` is unknown.
    /// Identifiers of people are masked, each with a tag by which it is told from others.
    rows: Vec<Vec<Json>>,
    /// Whether there are more rows than the limit allows.
    truncated: bool,
    /// How many groups there were, before `top` and the limit.
    groups: Option<u64>,
    /// For how many events the condition holds.
    matched: Option<u64>,
    /// For how many it is unknown: they are in no answer.
    unknown: Option<u64>,
    /// From when on, where that is bounded.
    from: Option<String>,
    /// Until when, without it.
    to: Option<String>,
    /// What else there is to say: values that nobody kept, estimates, warnings.
    notes: Vec<String>,
    /// How long it took.
    took_ms: u64,
}

/// A column of an answer.
#[derive(ToSchema)]
#[schema(as = QueryColumn)]
#[allow(dead_code, reason = "describes what is written piece by piece")]
pub(crate) struct ColumnBody {
    /// Its name.
    name: String,
    /// Its type, as policy names it.
    #[schema(rename = "type")]
    r#type: String,
    /// `plain`, `key`, `step`, `sum`, `before` or `change`.
    role: Option<String>,
    /// How far its values may be off, as a share of themselves, in 95 of 100 answers; left out where they are exact.
    error: Option<f64>,
    /// For how many events what was added up is unknown; left out where there are none.
    unknown: Option<u64>,
}

/// What was asked, once it is understood.
struct Asked {
    text: String,
    is_sql: bool,
    from: Option<Micros>,
    to: Option<Micros>,
    as_of: Option<Micros>,
    limit: usize,
    timeout: Duration,
    look: Look,

    now: Micros,
    stop: Arc<AtomicBool>,
}

/// What an answer holds while it is read: a place among those that are answered, and what ends the work when it is gone.
pub(crate) type Held = (OwnedSemaphorePermit, Stops);

/// Sets the flag when it goes: what works for a question ends when nobody waits for it.
pub(crate) struct Stops(Arc<AtomicBool>);

impl Drop for Stops {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Ask about the past
///
/// A query of the policy language, or SQL. `Accept` says in which form the answer is wanted.
#[utoipa::path(
    post, path = "/v1/query", tag = "past", security(("key" = ["read"]), ("key" = ["read", "reveal"])),
    request_body(content = QuestionBody, description = "What is asked"),
    responses(
        (status = 200, description = "The answer", content(
            (AnswerBody = "application/json"),
            (String = "application/x-ndjson"),
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
        )),
        (status = 400, description = "The body is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 406, description = "No such form of an answer", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The query has faults, or needs more than it may", body = ProblemBody, content_type = "application/problem+json"),
        (status = 501, description = "This server has no SQL, or no history", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Enough questions are being answered; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "It took too long", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ask(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let began = Instant::now();
    let who = api.admit(request.headers(), Role::Read)?;
    let (parts, body) = request.into_parts();
    body::content_type(&parts.headers, &["application/json"])?;
    let format = accepted(&parts.headers)?;
    let bytes = body::whole(body, limits::QUESTION_BYTES, Patience::from(api.options())).await?;
    let body: QuestionBody =
        serde_json::from_slice(&bytes).map_err(|e| Problem::new(BAD_BODY, e.to_string()))?;
    let asked = understood(&api, &parts.headers, body)?;
    if asked.look.sight == Sight::Full {
        let request = passage::id();
        // Not its text: who asks about somebody names them.
        let (sql, characters) = (asked.is_sql, asked.text.chars().count());
        tracing::info!(%request, key = &*who, sql, characters, "identifiers of people were revealed");
    }
    let held = held(&api, &asked)?;
    let (rows, warnings) = answered(&api, asked).await?;
    Ok(sent(rows, format, warnings, began, held))
}

fn held(api: &Api, asked: &Asked) -> Result<Held, Problem> {
    Ok((permit(api)?, Stops(asked.stop.clone())))
}

fn permit(api: &Api) -> Result<OwnedSemaphorePermit, Problem> {
    api.asking().try_acquire_owned().map_err(|_| {
        Problem::new(BUSY, format!("{} questions are being answered already", limits::QUESTIONS))
    })
}

/// The rows of an answer for whoever acts on them, and what is held while they are read.
pub(crate) async fn rows(
    api: &Api,
    text: String,
    is_sql: bool,
    limit: usize,
    sight: Sight,
) -> Result<(Box<dyn Rows>, Held), Problem> {
    let asked = Asked {
        text,
        is_sql,
        from: None,
        to: None,
        as_of: None,
        limit,
        timeout: query::limits::TIMEOUT,
        look: Look { sight, secret: api.options().secret },
        now: api.now(),
        stop: Arc::default(),
    };
    let held = held(api, &asked)?;
    Ok((answered(api, asked).await?.0, held))
}

/// The form that is wanted.
fn accepted(headers: &HeaderMap) -> Result<Format, Problem> {
    let accept = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("*/*");
    let mut kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or("").trim());
    let known = |kind: &str| match kind.to_ascii_lowercase().as_str() {
        "application/json" | "*/*" | "application/*" => Some(Format::Json),
        "application/x-ndjson" | "application/ndjson" => Some(Format::Ndjson),
        "text/csv" => Some(Format::Csv),
        "application/vnd.apache.arrow.stream" => Some(Format::Arrow),
        _ => None,
    };
    kinds.find_map(known).ok_or_else(|| {
        let forms = "application/json, application/x-ndjson, text/csv, application/vnd.apache.arrow.stream";
        Problem::new(WRONG_ACCEPT, format!("an answer comes as one of: {forms}"))
    })
}

fn content_type(format: Format) -> HeaderValue {
    HeaderValue::from_static(match format {
        Format::Json => "application/json",
        Format::Ndjson => "application/x-ndjson",
        Format::Csv => "text/csv; charset=utf-8; header=present",
        Format::Arrow => "application/vnd.apache.arrow.stream",
    })
}

fn understood(api: &Api, headers: &HeaderMap, body: QuestionBody) -> Result<Asked, Problem> {
    let (text, is_sql) = match (body.query, body.sql) {
        (Some(query), None) => (query, false),
        (None, Some(sql)) => (sql, true),
        _ => return Err(Problem::new(BAD_BODY, "send `query` or `sql`, one of them")),
    };
    let time = |name: &str, text: Option<String>| {
        let parse = |text: String| {
            parse_time(&text).ok_or_else(|| {
                let like = "2026-11-01, or a time with its zone, 2026-11-01T10:00:00Z";
                Problem::new(BAD_BODY, format!("`{name}` must be a day such as {like}"))
            })
        };
        text.map(parse).transpose()
    };
    let sight = if body.reveal {
        api.admit(headers, Role::Reveal)?;
        Sight::Full
    } else {
        Sight::Masked
    };
    let limit = body.limit.unwrap_or(query::limits::ROWS_USUAL);
    if limit == 0 || limit > query::limits::ROWS {
        let most = query::limits::ROWS;
        return Err(Problem::new(BAD_BODY, format!("`limit` must be between 1 and {most}")));
    }
    Ok(Asked {
        text,
        is_sql,
        from: time("from", body.from)?,
        to: time("to", body.to)?,
        as_of: time("as_of", body.as_of)?,
        limit,
        timeout: timeout(body.timeout)?,
        look: Look { sight, secret: api.options().secret },
        now: api.now(),
        stop: Arc::default(),
    })
}

pub(crate) fn timeout(text: Option<String>) -> Result<Duration, Problem> {
    let Some(text) = text else { return Ok(query::limits::TIMEOUT) };
    let most = query::limits::TIMEOUT_MOST;
    let span = Span::parse(&text).ok().and_then(|span| u64::try_from(span.0).ok());
    let time = span.map(Duration::from_micros).filter(|t| !t.is_zero() && *t <= most);
    let why = || format!("`timeout` is a length of time such as 30s, {} s at most", most.as_secs());
    time.ok_or_else(|| Problem::new(BAD_BODY, why()))
}

/// Does what a question about the past takes, in its place among those that are answered, until its time is up or nobody waits for
/// it any more: then the flag that `work` is given is set.
pub(crate) async fn aside_until<T: Send + 'static>(
    api: &Api,
    timeout: Duration,
    work: impl FnOnce(Arc<AtomicBool>) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let stop: Arc<AtomicBool> = Arc::default();
    let permit = permit(api)?;
    let _stops = Stops(stop.clone());
    let flag = stop.clone();
    let mut work = tokio::task::spawn_blocking(move || {
        let done = work(flag);
        drop(permit);
        done
    });
    let Ok(done) = tokio::time::timeout(timeout, &mut work).await else {
        stop.store(true, Relaxed);
        return Err(too_long(timeout));
    };
    done.map_err(|e| Problem::ours("answer a question", &e))?
}

fn too_long(timeout: Duration) -> Problem {
    let detail = format!("it was not there after {} s", timeout.as_secs_f64());
    Problem::new(QUESTION_TOO_LONG, detail + "; ask for less, or allow more with `timeout`")
}

/// The answer, or what is wrong with the question; and warnings, which stand beside it.
async fn answered(api: &Api, asked: Asked) -> Result<(Box<dyn Rows>, Vec<String>), Problem> {
    let (stop, timeout) = (asked.stop.clone(), asked.timeout);
    let (options, engine) = (api.options().clone(), api.engine().clone());
    let mut work = tokio::task::spawn_blocking(move || {
        if asked.is_sql { sql(&options, asked) } else { of_policy(&options, &engine, asked) }
    });
    let done = match tokio::time::timeout(timeout, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            stop.store(true, Relaxed);
            // It sees the flag between two batches. What it says then is that it was stopped.
            let _ = work.await;
            return Err(too_long(timeout));
        }
    };
    done.map_err(|e| Problem::ours("answer a question", &e))?
}

type Work = Result<(Box<dyn Rows>, Vec<String>), Problem>;

fn sql(options: &Options, asked: Asked) -> Work {
    let Some(sql) = &options.sql else {
        let how =
            "this build of the server has no SQL: build with `--features sql`, or ask in the policy language";
        return Err(Problem::new(SQL_LEFT_OUT, how));
    };
    let Asked { text, as_of, limit, look, now, stop, .. } = asked;
    let rows = sql.ask(SqlQuestion { text, as_of, limit, look, now, stop });
    rows.map(|rows| (rows, Vec::new())).map_err(|error| match error {
        SqlError::Fault(words) => Problem::new(BAD_QUESTION, words),
        SqlError::Query(error) => failed(error),
    })
}

fn of_policy(options: &Options, engine: &Engine, asked: Asked) -> Work {
    let Some(past) = &options.past else {
        return Err(Problem::new(NO_HISTORY, "this server keeps no history that can be asked"));
    };
    let compiled = compile(&engine.active().bundle, &asked.text);
    let faults = || PolicyFaults::new(&compiled.diagnostics, &compiled.sources);
    let Some(query) = &compiled.query else { return Err(Problem::bad_question(faults())) };
    let warnings = compiled.diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
    let ask = Ask {
        from: asked.from,
        to: asked.to,
        limit: asked.limit,
        stop: asked.stop.clone(),
        keyer: engine.keyer().clone(),
        ..Ask::new(asked.now, options.secret)
    };
    let answer = query::ask(past.as_ref(), query, &ask, asked.as_of).map_err(failed)?;
    Ok((Box::new(Answered::new(answer, asked.look)), warnings))
}

/// Why there is no answer, as the caller is told it.
pub(crate) fn failed(error: QueryError) -> Problem {
    match error {
        QueryError::Stopped => Problem::new(QUESTION_TOO_LONG, "it was stopped"),
        QueryError::Groups | QueryError::Memory => Problem::new(QUESTION_TOO_LARGE, error.to_string()),
        error => Problem::ours("answer a question", &error),
    }
}

/// The answer on its way, piece by piece; what is held for it is let go when it is gone.
fn sent(
    mut rows: Box<dyn Rows>,
    format: Format,
    warnings: Vec<String>,
    began: Instant,
    held: Held,
) -> Response {
    let (pieces, taken) = mpsc::channel::<Result<Bytes, io::Error>>(limits::QUESTION_PIECES);
    tokio::task::spawn_blocking(move || {
        let more = |about: &About| more(about, warnings, began);
        let put = |bytes: Vec<u8>| bytes.is_empty() || pieces.blocking_send(Ok(bytes.into())).is_ok();
        match query::write(rows.as_mut(), format, more, put) {
            Ok(_) | Err(WriteError::Gone) => {}
            Err(error) => {
                tracing::error!(error = %error, "an answer broke off");
                // The connection is cut, so that nobody takes the part for the whole.
                let _ = pieces.blocking_send(Err(io::Error::other("the answer broke off")));
            }
        }
        drop(held);
    });
    let stream = unfold(taken, |mut taken| async { taken.recv().await.map(|piece| (piece, taken)) });
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(format));
    // What it shows depends on the key, and may name people.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What stands beside the rows.
fn more(about: &About, warnings: Vec<String>, began: Instant) -> Map<String, Json> {
    let mut more = match serde_json::to_value(about) {
        Ok(Json::Object(more)) => more,
        _ => Map::new(),
    };
    if let Some(Json::Array(notes)) = more.get_mut("notes") {
        notes.extend(warnings.into_iter().map(Json::String));
    }
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    more.insert("took_ms".to_owned(), json!(took));
    more
}
