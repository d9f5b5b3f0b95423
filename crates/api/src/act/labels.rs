// SPDX-License-Identifier: Apache-2.0
//! Labels: said one by one or by the file, and read as they were known at a time.

use super::{aside, held, read};
use crate::answer::Seq;
use crate::api::{Api, json_of};
use crate::body::{self, Patience};
use crate::explain::query;
use crate::keys::Role;
use crate::limits;
use crate::problem::{BAD_ACT, BAD_QUERY, Problem, ProblemBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::{IntoParams, ToSchema};
use wardroom_engine::acts::{Act, Body, Deed, Done, JobHead, JobStep, Step, Subject};
use wardroom_engine::{Acted, Engine, StoredEffect};
use wardroom_event::{EventId, Micros, Sight};
use wardroom_history::act::{Import, Read, Row, csv, entity, ndjson};
use wardroom_history::labels::{Classes, Opinion, Said, class_at, known_at};

/// Labels to be said.
#[derive(Deserialize, ToSchema)]
#[schema(as = Labels, example = json!({"labels": [
    {"subject": {"account": "ann"}, "label": "abuse", "confidence": 0.9, "expires": "30d", "note": "chargeback"},
    {"subject": {"event": "123"}, "label": "good"},
]}))]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelsBody {
    /// The labels: of each `subject` (an entity by its type, or an event by its record or by `source` and `id`), `label`, and
    /// where wanted `says` (false: it does not bear it), `until` or `expires`, `confidence`, `note`, `time`, `source`.
    #[schema(value_type = Vec<Object>)]
    labels: Vec<Row>,
}

/// Say labels
///
/// Each is an opinion of its own: that of another source is not overwritten. What rules see of an entity is the last word. Those
/// that cannot be said are told in their places, and hold no other up.
#[utoipa::path(
    post, path = "/v1/labels", tag = "acting", security(("key" = ["act"])), request_body = LabelsBody,
    responses(
        (status = 200, description = "What became of each, in order: `act` (its record), `before` and `after` (false, true, or until when), or `refused`", body = Object),
        (status = 422, description = "The body is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn say(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Act)?;
    let (parts, sent) = request.into_parts();
    let LabelsBody { labels } = read(&api, &parts.headers, sent).await?;
    if labels.len() > limits::LABELS {
        let most = limits::LABELS;
        return Err(Problem::new(
            BAD_ACT,
            format!("{} labels, where {most} are the most; more of them are imported", labels.len()),
        ));
    }
    let now = api.now();
    let (mut acts, mut answers) = (Vec::new(), Vec::new());
    for row in labels {
        match said(&api, &row, &who, now).await {
            Ok(act) => {
                answers.push(None);
                acts.push(act);
            }
            Err(why) => answers.push(Some(json!({ "refused": why }))),
        }
    }
    let engine = api.engine().clone();
    let done = aside("say labels", move || wardroom_history::act::block_on(engine.act(acts, now)));
    let mut done = done.await?.map_err(|e| api.refused(e))?.into_iter();
    let answers = answers.into_iter().map(|refused| refused.unwrap_or_else(|| answer(done.next())));
    json_of(&json!({ "labels": answers.collect::<Vec<Json>>() }))
}

/// What became of an act.
pub(super) fn answer(done: Option<Done>) -> Json {
    match done {
        Some(Done::Made { seq, before, after }) => {
            json!({ "act": Seq(seq), "before": held(before), "after": held(after) })
        }
        Some(Done::Refused(why)) => json!({ "refused": why.to_string() }),
        _ => json!({ "refused": "it was not asked for" }),
    }
}

/// The act that a row asks for.
async fn said(api: &Api, row: &Row, who: &str, now: Micros) -> Result<Act, String> {
    let source = match row.source.as_deref() {
        None => format!("key:{who}"),
        Some(source) => source_of(source)?,
    };
    let deed = deed(api, row.read(now)?).await?;
    Ok(Act { deed, source: source.into(), by: who.into(), item: None })
}

/// Whose word it may be said to be: that of a rule is the rule's.
fn source_of(source: &str) -> Result<String, String> {
    let ours = ["import:", "case:"].iter().any(|kind| source.starts_with(kind) && source.len() > kind.len());
    match ours {
        true => Ok(source.to_owned()),
        false => Err(format!("`source` is `import:NAME` or `case:QUEUE`, not `{source}`")),
    }
}

async fn deed(api: &Api, read: Read) -> Result<Deed, String> {
    match read {
        Read::Deed(deed) => Ok(deed),
        Read::ById(source, id, deed) => {
            let found = api.engine().find(EventId { source, id: id.clone() }).await;
            let seq = found.map_err(|e| e.to_string())?;
            let seq = seq.ok_or_else(|| {
                format!("no event of the last day has the id `{id}`; name it by its number")
            })?;
            Ok(match deed {
                Deed::Label { label, says, until, confidence, note, about, .. } => {
                    let subject = Subject::Event(seq);
                    Deed::Label { subject, label, says, until, confidence, note, about }
                }
                other => other,
            })
        }
    }
}

/// Whose labels a file holds.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    /// Whose word it is: `import:NAME`. That of the key where it does not say.
    #[param(required = false)]
    source: Option<String>,
}

/// Import labels
///
/// CSV whose first line names its columns (`subject`, `label`, and of `says`, `until`, `expires`, `confidence`, `note`, `time` those
/// that are wanted), or one JSON object a line. Every line is imported or told as a fault with its number. The labels become a
/// job, which can be looked at and undone. The same `Idempotency-Key` again gives the same job.
#[utoipa::path(
    post, path = "/v1/labels/import", tag = "acting", security(("key" = ["act"])),
    params(ImportQuery, ("Idempotency-Key" = Option<String>, Header, description = "Asking twice with one key is asking once")),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 202, description = "The `job` that says them, how many `labels` it has, and the `faults` of other lines", body = Object),
        (status = 422, description = "No line of it can be read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "It is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn import(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Act)?;
    let ImportQuery { source } = query(request.uri())?;
    let source = match source {
        None => format!("key:{who}"),
        Some(source) => source_of(&source).map_err(|why| Problem::new(BAD_QUERY, why))?,
    };
    let (parts, sent) = request.into_parts();
    let kind = body::content_type(&parts.headers, body::LABELS)?;
    let key = idempotency_key(&parts.headers)?;
    let bytes = body::whole(sent, limits::IMPORT_BYTES, Patience::from(api.options())).await?;
    let import = aside("read labels", move || match kind {
        "text/csv" => csv(&bytes),
        _ => Ok(ndjson(&bytes)),
    });
    let import = import.await?.map_err(|why| Problem::new(BAD_ACT, why))?;
    let now = api.now();
    let (deeds, import) = deeds(&api, import, now).await;
    let labels = deeds.len();
    if labels == 0 {
        let first = import
            .faults
            .first()
            .map_or("it has no lines".to_owned(), |f| format!("line {}: {}", f.line, f.why));
        return Err(Problem::new(BAD_ACT, format!("nothing of it can be imported; {first}")));
    }
    let head = JobHead {
        at: now,
        by: (&*who).into(),
        source: source.into(),
        key,
        what: r#"{"labels":{}}"#.into(),
        from: "a file".into(),
        reason: "".into(),
        items: 0,
        parts: Vec::new(),
        second: false,
    };
    let job = api.engine().plan(head, &deeds).await?;
    start(&api, job, &who, now).await?;
    tracing::info!(key = %who, job, labels, faults = import.faults.len() + import.more, "labels are imported");
    let body =
        json!({ "job": Seq(job), "labels": labels, "faults": import.faults, "more_faults": import.more });
    Ok((StatusCode::ACCEPTED, json_of(&body)?).into_response())
}

/// Has a job done that was planned a moment ago, or some time before by the same key: then it is what it is.
async fn start(api: &Api, job: u64, who: &str, now: Micros) -> Result<(), Problem> {
    let fresh = api.engine().job(job).is_some_and(|job| job.phase == wardroom_engine::acts::Phase::Preview);
    if fresh {
        let step = JobStep { job, step: Step::Start, at: now, by: who.into() };
        api.engine().step_job(step).await?;
        api.options().acting.wake();
    }
    Ok(())
}

async fn deeds(api: &Api, mut import: Import, now: Micros) -> (Vec<Deed>, Import) {
    let mut deeds = Vec::new();
    for (line, row) in std::mem::take(&mut import.rows) {
        let read = if row.source.is_some() {
            Err("`source` is said once for all lines, in the request".to_owned())
        } else if deeds.len() >= wardroom_engine::limits::JOB_ITEMS {
            Err(format!("an import has {} labels at most", wardroom_engine::limits::JOB_ITEMS))
        } else {
            row.read(now)
        };
        let deed = match read {
            Ok(read) => deed(api, read).await,
            Err(why) => Err(why),
        };
        match deed
            .and_then(|deed| wardroom_engine::acts::fits(&deed).map(|()| deed).map_err(|e| e.to_string()))
        {
            Ok(deed) => deeds.push(deed),
            Err(why) => import.fault(line, why),
        }
    }
    import.faults.sort_by_key(|fault| fault.line);
    (deeds, import)
}

/// What asking for it twice is known by; empty where there is none.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Box<str>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok("".into()) };
    let plain = key.to_str().ok().filter(|key| (1..=limits::IDEMPOTENCY_KEY_BYTES).contains(&key.len()));
    let most = limits::IDEMPOTENCY_KEY_BYTES;
    plain
        .map(Into::into)
        .ok_or_else(|| Problem::new(BAD_QUERY, format!("Idempotency-Key has 1 to {most} plain characters")))
}

/// Of whom, and when.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpinionsQuery {
    /// `account:ann`, `event:123`.
    subject: String,
    /// What was known at this time (RFC 3339); now, where it does not say.
    #[param(required = false)]
    as_of: Option<String>,
}

/// What somebody said.
#[derive(Serialize, ToSchema)]
#[schema(as = Opinion)]
struct OpinionBody {
    /// Its record.
    #[schema(value_type = Seq)]
    act: Seq,
    /// When it was said.
    known: String,
    /// Whose word it is.
    source: String,
    /// The label.
    label: String,
    /// Whether the subject bears it.
    says: bool,
    /// Until when that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    until: Option<String>,
    /// How sure the source is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    confidence: Option<f64>,
    /// Whether it counts at that time: it is not over, its source has not said otherwise, and it was not undone.
    counts: bool,
}

/// Read labels
///
/// All that was ever said of a subject up to a time, by whom, and what of it counts then. It reads the journal as far as it is
/// kept.
#[utoipa::path(
    get, path = "/v1/labels", tag = "acting", security(("key" = ["read"])), params(OpinionsQuery),
    responses(
        (status = 200, description = "`opinions`, in the order in which they were said, the `labels` that count, and the `class` (`abuse`, `good`, `disputed`) where they make one", body = Object),
        (status = 400, description = "The query is not understood", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn opinions(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let OpinionsQuery { subject, as_of } = query(request.uri())?;
    let bad = |why: String| Problem::new(BAD_QUERY, why);
    let subject = subject_of(&subject).map_err(bad)?;
    let at = match as_of {
        None => api.now(),
        Some(text) => Micros::parse(&text).ok_or_else(|| bad(format!("`as_of` is no time: `{text}`")))?,
    };
    let engine = api.engine().clone();
    let all = aside("read labels", move || opinions_of(&engine, &subject)).await??;
    let counting: Vec<u64> = known_at(&all, at).map(|opinion| opinion.seq).collect();
    let labels = wardroom_history::labels::labels_at(&all, at);
    let class = class_at(&all, &Classes::default(), at).map(|class| class.name());
    let shown =
        all.iter().filter(|o| o.known <= at && !matches!(o.said, Said::Undone(_))).map(|o| OpinionBody {
            act: Seq(o.seq),
            known: o.known.to_string(),
            source: o.source.to_string(),
            label: o.label.to_string(),
            says: o.said == Said::Yes,
            until: o.until.map(|until| until.to_string()),
            confidence: o.confidence,
            counts: counting.contains(&o.seq),
        });
    json_of(&json!({ "opinions": shown.collect::<Vec<_>>(), "labels": labels, "class": class }))
}

fn subject_of(text: &str) -> Result<Subject, String> {
    let (kind, value) =
        text.split_once(':').ok_or("`subject` is `account:NAME`, `event:NUMBER` and so on")?;
    if kind == "event" {
        let number = value.parse().map_err(|_| format!("`{value}` is no number of an event"))?;
        return Ok(Subject::Event(number));
    }
    entity(kind, value).map(|(kind, value)| Subject::Entity { kind, value })
}

/// All that was ever said of a subject, and what was undone.
pub(crate) fn opinions_of(
    engine: &Engine,
    subject: &Subject,
) -> Result<Vec<Opinion>, wardroom_engine::EngineError> {
    let mut all: Vec<Opinion> = Vec::new();
    engine.acts_between(1, u64::MAX, |seq, acted| match acted {
        Acted::Act(record) => match record.body {
            Body::Made { deed: Deed::Label { subject: of, label, says, until, confidence, .. }, .. }
                if of == *subject =>
            {
                let said = if says { Said::Yes } else { Said::No };
                all.push(Opinion {
                    seq,
                    known: record.at,
                    source: record.source,
                    label,
                    said,
                    until,
                    confidence,
                });
            }
            Body::Undone { act, .. } if all.iter().any(|o| o.seq == act) => {
                let (source, label) = (record.source, "".into());
                let said = Said::Undone(act);
                all.push(Opinion {
                    seq,
                    known: record.at,
                    source,
                    label,
                    said,
                    until: None,
                    confidence: None,
                });
            }
            _ => {}
        },
        Acted::Again(record) => {
            for change in record.changes {
                let wardroom_engine::acts::Mark::Label { kind, value, name } = change.mark else { continue };
                if *subject == (Subject::Entity { kind, value }) {
                    all.push(by_rule(seq, record.at, &change.rule, name, change.after.end()));
                }
            }
        }
        Acted::Rule { rule, at, effect: StoredEffect::Label { kind, value, name, until }, .. } => {
            if *subject == (Subject::Entity { kind, value }) {
                all.push(by_rule(seq, at, &rule, name, until));
            }
        }
        Acted::Rule { .. } => {}
    })?;
    Ok(all)
}

fn by_rule(seq: u64, known: Micros, rule: &str, label: Box<str>, until: Option<Micros>) -> Opinion {
    let source = format!("rule:{rule}").into();
    Opinion { seq, known, source, label, said: Said::Yes, until, confidence: None }
}

/// Undo an act
///
/// What it changed is what it was, where nothing has changed it since; what is not is told.
#[utoipa::path(
    post, path = "/v1/acts/{act}/undo", tag = "acting", security(("key" = ["act"])),
    params(("act" = String, Path, description = "The act's record")),
    responses(
        (status = 200, description = "The `act` of undoing, how much is `restored`, and what is `left`, each in words", body = Object),
        (status = 404, description = "There is no such act", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "It is none that can be undone", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn undo(
    State(api): State<Api>,
    axum::extract::Path(act): axum::extract::Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let who = api.admit(&headers, Role::Act)?;
    let act: u64 =
        act.parse().map_err(|_| Problem::new(crate::problem::NO_ACT, "an act is named by its number"))?;
    let (engine, now, by) = (api.engine().clone(), api.now(), who.clone());
    let done = aside("undo an act", move || {
        let source = format!("key:{by}");
        wardroom_history::act::block_on(wardroom_history::act::undo(&engine, act, &source, &by, now))
    });
    match done.await?? {
        Done::Undone { seq, restored, left } => {
            tracing::info!(key = %who, act, "an act is undone");
            json_of(&json!({ "act": Seq(seq), "restored": restored, "left": left }))
        }
        Done::Refused(why) => Err(why.into()),
        other => Err(Problem::ours("undo an act", &format!("{other:?}"))),
    }
}

/// How much of what an answer shows is masked.
pub(crate) fn sight(api: &Api, headers: &HeaderMap, reveal: bool) -> Result<Sight, Problem> {
    match reveal {
        false => Ok(Sight::Masked),
        true => api.admit(headers, Role::Reveal).map(|_| Sight::Full),
    }
}
