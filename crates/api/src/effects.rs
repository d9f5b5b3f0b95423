// SPDX-License-Identifier: Apache-2.0
//! Effects that go out: which are on their way, which were given up, and once more for those.

use crate::answer::Seq;
use crate::api::{Api, json_of};
use crate::explain::query;
use crate::keys::Role;
use crate::limits;
use crate::problem::{BAD_QUERY, BUSY, NO_EFFECT, NO_RETRY, Problem, ProblemBody};
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wardroom_engine::{Listed, Retried, RetryError, State as Stage, Wanted};
use wardroom_event::Micros;

/// Which effects.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EffectsQuery {
    /// `pending`: on their way, in the order of their decisions. `dead`: given up, the newest first. `cases`: opened cases,
    /// the newest first.
    #[param(value_type = String, pattern = "^(pending|dead|cases)$")]
    state: StageName,
    /// How many at most; 100 where it does not say, and never more than 1000.
    #[serde(default = "usual")]
    #[param(required = false)]
    limit: usize,
}

fn usual() -> usize {
    100
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum StageName {
    Pending,
    Dead,
    Cases,
}

/// Effects in one state.
#[derive(Serialize, ToSchema)]
#[schema(as = Effects, example = json!({
    "state": "dead",
    "total": 1,
    "effects": [{
        "key": "6a0f0e1d2c3b4a59-123-0",
        "decision": "123",
        "effect": "webhook",
        "name": "session-revoke",
        "attempts": 12,
        "at": "2026-01-07T10:00:00Z",
        "why": "12 attempts; the last: HTTP 500"
    }]
}))]
struct EffectsBody {
    /// The state asked for.
    #[schema(value_type = String, pattern = "^(pending|dead|cases)$")]
    state: StageName,
    /// How many there are. Of dead letters and cases the newest 1024 are listed; the journal has all.
    total: usize,
    /// The first of them.
    #[schema(value_type = Vec<ListedBody>)]
    effects: Vec<ListedBody>,
}

/// An effect.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedEffect)]
struct ListedBody {
    /// Its key, under which it goes out each time.
    key: String,
    /// The decision it follows from.
    #[schema(value_type = Seq)]
    decision: Seq,
    /// `case`, `notify` or `webhook`.
    effect: &'static str,
    /// The queue, desk or webhook.
    name: String,
    /// How often it was tried.
    attempts: u32,
    /// When it is tried next, was given up, or was opened.
    at: String,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    why: Option<String>,
}

impl From<Listed> for ListedBody {
    fn from(listed: Listed) -> ListedBody {
        ListedBody {
            key: listed.key,
            decision: Seq(listed.decision),
            effect: listed.destination.channel.name(),
            name: listed.destination.name.to_string(),
            attempts: listed.attempts,
            at: listed.at.to_string(),
            why: listed.why.map(Into::into),
        }
    }
}

/// An effect is on its way again.
#[derive(Serialize, ToSchema)]
#[schema(as = Retried)]
struct RetriedBody<'a> {
    /// Its key.
    key: &'a str,
    /// Always `pending`.
    #[schema(value_type = String)]
    state: StageName,
}

/// Which dead letters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadQuery {
    /// Those to this queue, desk or webhook; all of them where it does not say.
    #[param(required = false)]
    name: Option<String>,
    /// Those given up at this time (RFC 3339) or later.
    #[param(required = false)]
    since: Option<String>,
    /// To go on: `next` of the answer before.
    #[serde(default)]
    #[param(required = false, value_type = String)]
    after: u64,
}

/// Dead letters are on their way again.
#[derive(Serialize, ToSchema)]
#[schema(as = RetriedDead)]
struct RetriedDeadBody {
    /// The keys of those that are.
    retried: Vec<String>,
    /// Those that are not, each with the reason.
    refused: Vec<RefusedBody>,
    /// Where to go on, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Seq>, nullable = false)]
    next: Option<Seq>,
    /// Too many effects are on their way: go on when there are fewer.
    full: bool,
}

/// A dead letter that stays one.
#[derive(Serialize, ToSchema)]
#[schema(as = RefusedEffect)]
struct RefusedBody {
    /// Its key.
    key: String,
    /// Why it cannot be sent.
    why: String,
}

/// List effects
///
/// Cases, notifications and webhooks that rules asked for. Labels and list entries are none of them: they take effect with
/// the decision.
#[utoipa::path(
    get, path = "/v1/effects", tag = "effects", security(("key" = ["read"])), params(EffectsQuery),
    responses(
        (status = 200, description = "Those in that state", body = EffectsBody),
        (status = 400, description = "The query is not understood", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let EffectsQuery { state, limit } = query(request.uri())?;
    if limit > limits::EFFECTS_LISTED {
        return Err(Problem::new(
            BAD_QUERY,
            format!("`limit` is {limit}; the most is {}", limits::EFFECTS_LISTED),
        ));
    }
    let stage = match state {
        StageName::Pending => Stage::Pending,
        StageName::Dead => Stage::Dead,
        StageName::Cases => Stage::Cases,
    };
    let listing = api.engine().outbox().list(stage, limit);
    let effects = listing.effects.into_iter().map(ListedBody::from).collect();
    json_of(&EffectsBody { state, total: listing.total, effects })
}

/// Send an effect again
///
/// One that was given up, one that waits for its next attempt, or any other of a decision that the journal still has. It
/// keeps its key, so that a receiver that had it can tell.
#[utoipa::path(
    post, path = "/v1/effects/{key}/retry", tag = "effects", security(("key" = ["admin"])),
    params(("key" = String, Path, description = "The effect's key")),
    responses(
        (status = 200, description = "It is on its way, on record", body = RetriedBody),
        (status = 404, description = "There is no such effect", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It cannot be sent", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn retry(
    State(api): State<Api>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let who = api.admit(&headers, Role::Admin)?;
    match api.engine().outbox().retry(&key, api.now()).await {
        Ok(()) => {
            tracing::info!(key = %who, effect = %key, "an effect is sent again");
            json_of(&RetriedBody { key: &key, state: StageName::Pending })
        }
        Err(RetryError::Unknown(_)) => {
            Err(Problem::new(NO_EFFECT, "an effect's key is what /v1/effects lists as `key`"))
        }
        Err(RetryError::Busy) => {
            Err(Problem::new(BUSY, "too many effects are on their way; ask again when there are fewer"))
        }
        Err(RetryError::Journal(why)) => Err(Problem::ours("read the journal", &why)),
        Err(RetryError::Submit(error)) => Err(api.refused(error)),
        Err(
            error @ (RetryError::NotYet | RetryError::Case | RetryError::Gone | RetryError::NotConfigured(_)),
        ) => Err(Problem::new(NO_RETRY, error.to_string())),
    }
}

/// Send dead letters again
///
/// All that the journal has, the oldest first, at most 1024 of them; `next` says where to go on. One that cannot be sent
/// is listed with the reason and holds no other up.
#[utoipa::path(
    post, path = "/v1/effects/retry", tag = "effects", security(("key" = ["admin"])), params(DeadQuery),
    responses(
        (status = 200, description = "They are on their way, on record, but for those that are refused", body = RetriedDeadBody),
        (status = 400, description = "The query is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn retry_dead(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Admin)?;
    let DeadQuery { name, since, after } = query(request.uri())?;
    let no_time = || Problem::new(BAD_QUERY, "`since` is no time such as 2026-01-05T12:00:00Z");
    let since = since.map(|text| Micros::parse(&text).ok_or_else(no_time)).transpose()?;
    let outbox = api.engine().outbox().clone();
    // Those given up a moment ago as well.
    outbox.write(false).await.map_err(|e| api.refused(e))?;
    let wanted = Wanted { name: name.map(Into::into), since, after };
    let looked = {
        let outbox = outbox.clone();
        tokio::task::spawn_blocking(move || outbox.dead_letters(&wanted)).await
    };
    let found = looked.map_err(|e| Problem::ours("look for dead letters", &e))??;
    let Retried { keys, refused, next, is_full } =
        outbox.retry_all(found, api.now()).await.map_err(|e| api.refused(e))?;
    tracing::info!(key = %who, retried = keys.len(), refused = refused.len(), "dead letters are sent again");
    let refused = refused.into_iter().map(|(key, why)| RefusedBody { key, why: why.to_string() });
    json_of(&RetriedDeadBody {
        retried: keys,
        refused: refused.collect(),
        next: next.map(Seq),
        full: is_full,
    })
}
