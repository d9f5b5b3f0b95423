// SPDX-License-Identifier: Apache-2.0
//! What watches the server asks for: does it live, is it ready, its figures, its description.

use crate::api::{Api, json, json_of};
use crate::cases;
use crate::keys::Role;
use crate::problem::{CLOSING, FAILED, Problem, ProblemBody};
use crate::status;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

/// The process lives.
#[derive(Serialize, ToSchema)]
#[schema(as = Healthy)]
pub(crate) struct HealthyBody {
    /// Always true.
    ok: bool,
}

/// Events are taken.
#[derive(Serialize, ToSchema)]
#[schema(as = Ready)]
pub(crate) struct ReadyBody {
    /// Always true; otherwise the status is 503.
    ready: bool,
    /// The version of the policy in force.
    policy: String,
}

/// Does the process live?
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "It does", body = HealthyBody)))]
pub(crate) async fn healthz() -> Result<Response, Problem> {
    json_of(&HealthyBody { ok: true })
}

/// Are events taken?
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "They are", body = ReadyBody),
    (status = 503, description = "They are not: the journal failed, or the server is shutting down", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn readyz(State(api): State<Api>) -> Result<Response, Problem> {
    if *api.closing().borrow() {
        return Err(Problem::new(CLOSING, "no more events are taken"));
    }
    if api.engine().status().failed.is_some() {
        let detail = "the journal can no longer be written; the server's log names the reason, and a restart begins \
                      anew from what the journal holds";
        return Err(Problem::new(FAILED, detail));
    }
    json_of(&ReadyBody { ready: true, policy: api.engine().active().program.version.to_string() })
}

/// The server's figures
#[utoipa::path(
    get, path = "/metrics", tag = "health", security(("key" = ["read"]), ()),
    responses((status = 200, description = "In the OpenMetrics text format", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    if !api.options().metrics_open {
        api.admit(request.headers(), Role::Read)?;
    }
    let host = status::host(&api).await;
    let text = api
        .metrics()
        .text(&api, &host, cases::figures(&api).await)
        .map_err(|e| Problem::ours("write the metrics", &e))?;
    let mut response = Response::new(text.into());
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)))]
pub(crate) async fn openapi(State(api): State<Api>) -> Response {
    json(api.openapi())
}
