// SPDX-License-Identifier: Apache-2.0
//! One event in, one answer out: `/v1/decide` and `/v1/record`.

use crate::answer::{self, DecisionBody, RecordBody};
use crate::api::{Api, json};
use crate::body;
use crate::keys::Role;
use crate::limits;
use crate::passage;
use crate::problem::{Problem, ProblemBody};
use crate::trace::Stages;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use wardroom_engine::{Client, Work};

/// Judge an event
///
/// Takes one event as JSON, in CloudEvents 1.0 structured form or bare, and answers with its verdict once the decision
/// is durable. The same `source` and `id` within a day give the same decision, with `repeated`.
#[utoipa::path(
    post, path = "/v1/decide", tag = "events", security(("key" = ["ingest"])),
    request_body(description = "One event, at most 64 KiB", content(
        (serde_json::Value = "application/json", example = json!({
            "type": "login", "id": "7f1c", "time": "2026-01-05T10:00:00Z",
            "account": "alice", "ip": "203.0.113.7", "ok": false
        })),
        (serde_json::Value = "application/cloudevents+json", example = json!({
            "specversion": "1.0", "type": "login", "source": "/edge/1", "id": "7f1c",
            "time": "2026-01-05T10:00:00Z", "data": {"account": "alice", "ip": "203.0.113.7", "ok": false}
        })),
    )),
    responses(
        (status = 200, description = "The decision, durable", body = DecisionBody),
        (status = 400, description = "Not JSON, or cut off", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Recorded earlier without a decision, or its type changed meanwhile", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Another content type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The event has faults: all of them", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "More than the key's limit, or than its share of the server; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn decide(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    one(&api, request, Work::Decide).await
}

/// Record an event
///
/// As `/v1/decide`, but the event is only counted and written down, not judged.
#[utoipa::path(
    post, path = "/v1/record", tag = "events", security(("key" = ["ingest"])),
    request_body(description = "One event, at most 64 KiB", content(
        (serde_json::Value = "application/json"),
        (serde_json::Value = "application/cloudevents+json"),
    )),
    responses(
        (status = 200, description = "The record, durable", body = RecordBody),
        (status = 400, description = "Not JSON, or cut off", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Its type changed meanwhile", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Another content type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The event has faults: all of them", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "More than the key's limit, or than its share of the server; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn record(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    one(&api, request, Work::Record).await
}

async fn one(api: &Api, request: Request, work: Work) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let key = api.admit_key(&head.headers, Role::Ingest)?;
    let begun = api.spend(&key).and_then(|()| body::content_type(&head.headers, body::EVENT));
    let answered = match begun {
        Ok(_) => answer_one(api, key.client, body, work).await,
        Err(problem) => Err(problem),
    };
    answered.inspect_err(|problem| {
        api.metrics().refused(problem.kind());
        passage::current().inspect(|passage| passage.problem(problem.kind().slug));
    })
}

async fn answer_one(api: &Api, client: Client, body: Body, work: Work) -> Result<Response, Problem> {
    let passage = passage::current();
    let mut stages = Stages::of(passage.as_ref().and_then(|p| p.trace()));
    let bytes = body::whole(body, limits::EVENT_BYTES, api.options().into()).await?;
    stages.end("read");
    let event = api.engine().intake(&bytes, api.now())?;
    stages.end("intake");
    let id = event.id.clone();
    let heard = passage.as_ref().filter(|p| p.is_heard());
    let heard = heard.map(|passage| (passage, Box::<str>::from(event.type_name())));
    let probe = stages.probe();
    let outcomes = api.engine().submit_probed(client, vec![event], work, probe.clone()).await;
    stages.end_at_marks(probe.as_deref());
    let outcomes = outcomes.map_err(|e| api.refused(e))?;
    let settled = answer::settle(api, work, &[&id], outcomes).await.pop();
    let settled = settled.unwrap_or_else(|| Err(Problem::ours("answer", &"the engine gave no outcome")))?;
    if let Some((passage, kind)) = &heard {
        passage.decided(settled.outline(&id, Some(kind)));
    }
    let mut out = Vec::with_capacity(256);
    settled.write(None, &id, &mut out)?;
    stages.end("reply");
    Ok(json(out))
}
