// SPDX-License-Identifier: Apache-2.0
//! Jobs: planned with a preview, approved by a second person where they are large, started, watched, stopped, undone.

use super::labels::{idempotency_key, sight};
use super::{aside, find, read};
use crate::answer::Seq;
use crate::api::{Api, json_of};
use crate::explain::query;
use crate::keys::Role;
use crate::limits;
use crate::problem::{BAD_ACT, NO_JOB, Problem, ProblemBody};
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use utoipa::{IntoParams, ToSchema};
use wardroom_engine::acts::{Job, JobHead, JobStep, Step};
use wardroom_engine::limits as engine;
use wardroom_event::Sight;
use wardroom_history::act::{Asked, Found, Plan, entity, entries, plan, preview};

/// A job to be planned.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewJob, example = json!({
    "do": {"label": {"name": "abuse", "on": "account", "expires": "30d"}},
    "where": {"seqs": ["123", "124"]},
    "reason": "the wave of 5 January",
    "dry_run": false,
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJobBody {
    /// What is done with each: `label` (`name`, `on`: `event`, a field, or a part of one; `says`, `until` or `expires`,
    /// `confidence`, `note`), `list` or `unlist` (`list`, `value`: a field; `until` or `expires`), `case` (`queue`), `again`,
    /// `webhook` (`name`).
    #[serde(rename = "do")]
    #[schema(value_type = Object)]
    asked: Asked,
    /// With what: `seqs` (records of events), `entities` (such as `{"account": "ann"}`), `query` or `sql` (a text).
    #[serde(rename = "where")]
    #[schema(value_type = Object)]
    from: Where,
    /// Most that is taken of what a query finds; 100,000 where it does not say.
    #[serde(default)]
    cap: Option<usize>,
    /// Why.
    #[serde(default)]
    reason: Box<str>,
    /// Only look what would become of it: nothing is on record.
    #[serde(default)]
    dry_run: bool,
    /// Show identifiers of people whole in the samples; needs the role `reveal` as well.
    #[serde(default)]
    reveal: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Where {
    Seqs(Vec<Number>),
    Entities(Vec<Map<String, Json>>),
    Query(String),
    Sql(String),
}

/// A record's number: as a text, or as a number where a program has such numbers.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

impl Number {
    fn read(&self) -> Result<u64, Problem> {
        match self {
            Number::Number(number) => Ok(*number),
            Number::Text(text) => {
                text.parse().map_err(|_| Problem::new(BAD_ACT, format!("`{text}` is no number of a record")))
            }
        }
    }
}

impl Where {
    /// What it was, as it is put on record: of a list of numbers, how many.
    fn shown(&self) -> Json {
        match self {
            Where::Seqs(seqs) => json!({ "seqs": seqs.len() }),
            Where::Entities(entities) => json!({ "entities": entities.len() }),
            Where::Query(text) => json!({ "query": text }),
            Where::Sql(text) => json!({ "sql": text }),
        }
    }

    fn most(&self) -> usize {
        match self {
            Where::Seqs(seqs) => seqs.len(),
            Where::Entities(entities) => entities.len(),
            Where::Query(_) | Where::Sql(_) => 0,
        }
    }
}

async fn found(api: &Api, from: Where, cap: usize, sight: Sight) -> Result<Found, Problem> {
    let count = from.most();
    if count > cap {
        return Err(Problem::new(BAD_ACT, format!("{count} are given, and the most is {cap}")));
    }
    match from {
        Where::Seqs(seqs) => Ok(Found::Events(seqs.iter().map(Number::read).collect::<Result<_, _>>()?)),
        Where::Entities(entities) => {
            let one = |map: &Map<String, Json>| match map.iter().next() {
                Some((kind, Json::String(text))) if map.len() == 1 => {
                    entity(kind, text).map_err(|why| Problem::new(BAD_ACT, why))
                }
                _ => Err(Problem::new(BAD_ACT, "an entity is one name of a type with a text")),
            };
            Ok(Found::Values(entities.iter().map(one).collect::<Result<_, _>>()?))
        }
        Where::Query(text) => find::by_query(api, &text, cap).await,
        Where::Sql(text) => find::by_sql(api, &text, cap, sight).await,
    }
}

/// Plan a job
///
/// The set is frozen, and nothing is done yet: the answer says what would become of each item. A job of more items than the
/// server is configured for needs the approval of another person (a key of another name, with the role `approve`). It may be
/// started for a day. The same `Idempotency-Key` again gives the same job.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "acting", security(("key" = ["act"])), request_body = NewJobBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Asking twice with one key is asking once")),
    responses(
        (status = 200, description = "A dry run: the `preview`", body = Object),
        (status = 201, description = "The job, with its `preview`", body = Object),
        (status = 409, description = "Too many jobs are open", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be understood, or there is nothing to do", body = ProblemBody, content_type = "application/problem+json"),
        (status = 501, description = "The server has nothing to look for events with", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn new(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Act)?;
    let (parts, sent) = request.into_parts();
    let key = idempotency_key(&parts.headers)?;
    let asked: NewJobBody = read(&api, &parts.headers, sent).await?;
    let sight = sight(&api, &parts.headers, asked.reveal)?;
    let cap = asked.cap.unwrap_or(engine::JOB_ITEMS).min(engine::JOB_ITEMS);
    let from = asked.from.shown();
    let found = found(&api, asked.from, cap, sight).await?;
    let NewJobBody { asked, reason, dry_run, .. } = asked;
    let (status, body) =
        plan_on(&api, &who, Wanted { asked, found, from, reason, dry_run, sight, key }).await?;
    Ok((status, json_of(&body)?).into_response())
}

/// What is to be done with what was found.
pub(crate) struct Wanted {
    pub(crate) asked: Asked,
    pub(crate) found: Found,
    /// What it was found by, as it is put on record.
    pub(crate) from: Json,
    pub(crate) reason: Box<str>,
    /// Nothing is on record: only the preview is said.
    pub(crate) dry_run: bool,
    pub(crate) sight: Sight,
    pub(crate) key: Box<str>,
}

/// Plans a job over what was found and says what would become of it.
pub(crate) async fn plan_on(api: &Api, who: &str, wanted: Wanted) -> Result<(StatusCode, Json), Problem> {
    let Wanted { asked, found, from, reason, dry_run, sight, key } = wanted;
    let (what, now) = (json!(asked), api.now());
    let deeds = api.engine().clone();
    let plan = aside("plan a job", move || plan(&deeds, &asked, &found, now)).await??;
    let (looking, held) = (api.engine().clone(), plan);
    let looked = aside("preview a job", move || {
        let seen = wardroom_history::act::block_on(preview(&looking, &held, sight, now));
        (seen, held)
    });
    let (seen, plan): (_, Plan) = looked.await?;
    let seen = seen.map_err(|e| api.refused(e))?;
    if dry_run {
        return Ok((StatusCode::OK, json!({ "preview": seen })));
    }
    let second = plan.items.len() > api.options().acting.second_person_above;
    let head = JobHead {
        at: now,
        by: who.into(),
        source: format!("key:{who}").into(),
        key,
        what: what.to_string().into(),
        from: from.to_string().into(),
        reason,
        items: 0,
        parts: Vec::new(),
        second,
    };
    let id = api.engine().plan(head, &plan.items).await?;
    tracing::info!(key = %who, job = id, items = plan.items.len(), "a job is planned");
    let job = api.engine().job(id).ok_or_else(|| Problem::new(NO_JOB, "it is not listed any more"))?;
    let mut body = shown(&job);
    body["preview"] = json!(seen);
    Ok((StatusCode::CREATED, body))
}

fn shown(job: &Job) -> Json {
    let text =
        |text: &str| serde_json::from_str::<Json>(text).unwrap_or_else(|_| Json::String(text.to_owned()));
    let done = match job.phase {
        wardroom_engine::acts::Phase::Undoing | wardroom_engine::acts::Phase::Undone => {
            job.next - job.left.min(job.next)
        }
        _ => job.next,
    };
    let of = match job.phase {
        wardroom_engine::acts::Phase::Undoing | wardroom_engine::acts::Phase::Undone => job.next,
        _ => job.head.items,
    };
    let progress = if of == 0 { 1.0 } else { f64::from(done) / f64::from(of) };
    json!({
        "id": Seq(job.id),
        "state": job.phase.name(),
        "do": text(&job.head.what),
        "where": text(&job.head.from),
        "reason": &*job.head.reason,
        "items": job.head.items,
        "done": job.next,
        "progress": progress,
        "counts": {
            "made": job.tally.made,
            "same": job.tally.same,
            "refused": job.tally.refused,
            "restored": job.tally.restored,
            "left": job.tally.left,
        },
        "planned_by": &*job.head.by,
        "planned": job.head.at.to_string(),
        "needs_approval": job.head.second && job.approved.is_none(),
        "approved_by": job.approved,
        "stepped": job.stepped.to_string(),
    })
}

/// List jobs
///
/// Those that are open and the newest of the others, the newest first.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "acting", security(("key" = ["read"])),
    responses((status = 200, description = "The `jobs`", body = Object))
)]
pub(crate) async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    api.admit(&headers, Role::Read)?;
    let jobs = api.engine().jobs();
    json_of(&json!({ "jobs": jobs.iter().rev().map(shown).collect::<Vec<_>>() }))
}

fn job_of(api: &Api, id: &str) -> Result<Job, Problem> {
    let number = id.parse().ok();
    number.and_then(|id| api.engine().job(id)).ok_or_else(|| {
        Problem::new(
            NO_JOB,
            "a job's id is what /v1/jobs lists; of those that are over the newest are listed",
        )
    })
}

/// Look at a job
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "acting", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job", body = Object),
        (status = 404, description = "There is no such job", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn one(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    api.admit(&headers, Role::Read)?;
    json_of(&shown(&job_of(&api, &id)?))
}

/// How a job is stopped.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelQuery {
    /// `keep`: what was done stays, and can be undone later. `undo`: it is undone, the last item first.
    #[serde(default)]
    #[param(required = false, value_type = String, pattern = "^(keep|undo)$")]
    done: Kept,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    #[default]
    Keep,
    Undo,
}

/// Take a step of a job
///
/// `approve` (role `approve`, by another than who planned it), `start`, `cancel` (what was done stays, or with `?done=undo` is
/// undone), `undo` (all that was done, the last item first; what something else has changed since is left and told in the log).
#[utoipa::path(
    post, path = "/v1/jobs/{id}/{step}", tag = "acting", security(("key" = ["act", "approve"])),
    params(
        ("id" = String, Path, description = "The job's id"),
        ("step" = String, Path, description = "`approve`, `start`, `cancel` or `undo`"),
        CancelQuery,
    ),
    responses(
        (status = 200, description = "The job, where it stands now", body = Object),
        (status = 404, description = "There is no such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is not where that can be done", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn step(
    State(api): State<Api>,
    Path((id, step)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let role = if step == "approve" { Role::Approve } else { Role::Act };
    let who = api.admit(request.headers(), role)?;
    let CancelQuery { done } = query(request.uri())?;
    let job = job_of(&api, &id)?;
    let step = match (&*step, done) {
        ("approve", _) => Step::Approve,
        ("start", _) => Step::Start,
        ("cancel", Kept::Keep) => Step::Stop,
        // Of one that was not begun there is nothing to undo.
        ("cancel", Kept::Undo) if !job.phase.is_under_way() => Step::Stop,
        ("cancel", Kept::Undo) | ("undo", _) => Step::Undo,
        _ => {
            return Err(Problem::new(
                crate::problem::NO_ROUTE,
                "a job is taken on by approve, start, cancel or undo",
            ));
        }
    };
    let step = JobStep { job: job.id, step, at: api.now(), by: (&*who).into() };
    let name = step.step.name();
    api.engine().step_job(step).await?;
    api.options().acting.wake();
    tracing::info!(key = %who, job = job.id, step = name, "a job goes a step");
    json_of(&shown(&job_of(&api, &id)?))
}

/// Which part of a log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// To go on: `seq` of the last line before.
    #[serde(default)]
    #[param(required = false, value_type = String)]
    after: u64,
    /// How many lines at most; 10,000 where it does not say.
    #[serde(default = "usual")]
    #[param(required = false)]
    limit: usize,
    /// Show identifiers of people whole; needs the role `reveal` as well.
    #[serde(default)]
    #[param(required = false)]
    reveal: bool,
}

fn usual() -> usize {
    limits::LOG_LINES
}

/// Read a job's log
///
/// One JSON object a line, in the order of their records: of each item what was done, what it changed, and why it could not be.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/log", tag = "acting", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The job's id"), LogQuery),
    responses(
        (status = 200, description = "The log", body = String, content_type = "application/x-ndjson"),
        (status = 404, description = "There is no such job", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn log(
    State(api): State<Api>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let LogQuery { after, limit, reveal } = query(request.uri())?;
    let sight = sight(&api, request.headers(), reveal)?;
    let job = job_of(&api, &id)?;
    let (engine, limit) = (api.engine().clone(), limit.min(limits::LOG_LINES));
    let lines = aside("read a job's log", move || {
        let (mut lines, mut count) = (Vec::new(), 0);
        entries(&engine, &job, after, sight, |entry| {
            if count < limit && serde_json::to_writer(&mut lines, &entry).is_ok() {
                lines.push(b'\n');
                count += 1;
            }
        })?;
        Ok::<_, wardroom_engine::EngineError>(lines)
    });
    let mut response = Response::new(lines.await??.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}
