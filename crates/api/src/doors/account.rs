// SPDX-License-Identifier: Apache-2.0
//! One's own code asks before and after it has looked at a password.

use super::{judge, note, password};
use crate::answer::DecisionBody;
use crate::api::{Api, json};
use crate::body;
use crate::keys::Role;
use crate::limits;
use crate::problem::{Problem, ProblemBody};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use wardroom_engine::Client;
use wardroom_event::Draft;

/// Ask before a password is looked at
///
/// Takes an event of type `attempt` as `/v1/decide` does, without saying its type, and `password_sha1`, from which `password` is
/// made and which is forgotten. Answers with the decision and with what to do.
#[utoipa::path(
    post, path = "/v1/account/attempt", tag = "doors", security(("key" = ["ingest"])),
    request_body(description = "The fields of an `attempt`, at most 64 KiB", content(
        (serde_json::Value = "application/json", example = json!({
            "account": "alice", "ip": "203.0.113.7", "protocol": "web",
            "password_sha1": "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"
        })),
        (serde_json::Value = "application/cloudevents+json"),
    )),
    responses(
        (status = 200, description = "The decision, durable, with what to do", body = DecisionBody),
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
pub(crate) async fn attempt(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    door(&api, request, "attempt").await
}

/// Tell what came of a login
///
/// As `/v1/account/attempt`, with an event of type `login`: whether the password was right is in `ok`.
#[utoipa::path(
    post, path = "/v1/account/login", tag = "doors", security(("key" = ["ingest"])),
    request_body(description = "The fields of a `login`, at most 64 KiB", content(
        (serde_json::Value = "application/json", example = json!({
            "id": "7f1c", "account": "alice", "ip": "203.0.113.7", "ok": true, "device": "d-1",
            "password_sha1": "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"
        })),
        (serde_json::Value = "application/cloudevents+json"),
    )),
    responses(
        (status = 200, description = "The decision, durable, with what to do", body = DecisionBody),
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
pub(crate) async fn login(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    door(&api, request, "login").await
}

async fn door(api: &Api, request: Request, kind: &'static str) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let key = api.admit_key(&head.headers, Role::Ingest)?;
    let begun = api.spend(&key).and_then(|()| body::content_type(&head.headers, body::EVENT));
    let answered = match begun {
        Ok(_) => answer(api, key.client, body, kind).await,
        Err(problem) => Err(problem),
    };
    answered.inspect_err(|problem| note(api, problem))
}

async fn answer(api: &Api, client: Client, body: Body, kind: &'static str) -> Result<Response, Problem> {
    let bytes = body::whole(body, limits::EVENT_BYTES, api.options().into()).await?;
    let mut draft = Draft::from_json_of(kind, &bytes)?;
    password::forget(api, &mut draft)?;
    let judged = judge(api, client, draft).await?;
    let mut out = Vec::with_capacity(256);
    judged.settled.write_with(None, &judged.id, judged.settled.step(), &mut out)?;
    Ok(json(out))
}
