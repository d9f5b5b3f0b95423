// SPDX-License-Identifier: Apache-2.0
//! Lists: which there are, whether a value is on one, and people's entries.

use super::labels::answer;
use super::{aside, held, read};
use crate::api::{Api, json_of};
use crate::explain::query;
use crate::keys::Role;
use crate::limits;
use crate::problem::{BAD_ACT, BAD_QUERY, NO_LIST, Problem, ProblemBody};
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use utoipa::{IntoParams, ToSchema};
use wardroom_engine::Active;
use wardroom_engine::acts::{Act, Deed, Done, Held};
use wardroom_event::{Micros, Span, Value, nearest, parse_text};
use wardroom_policy::{List, ListId, Matching, World};

fn shown(list: &List) -> Json {
    let matching = match list.matching {
        Matching::Same => "same",
        Matching::Suffix => "suffix",
        Matching::Pattern => "pattern",
    };
    json!({
        "id": &*list.id,
        "type": list.kind.name(),
        "matching": matching,
        "entries": list.entries.len(),
        "changes": list.changes && list.matching != Matching::Pattern,
    })
}

/// List the lists
///
/// Those of the policy in force: `entries` counts what its text has, and `changes` says whether rules and people put more on it.
#[utoipa::path(
    get, path = "/v1/lists", tag = "acting", security(("key" = ["read"])),
    responses((status = 200, description = "The `lists`", body = Object))
)]
pub(crate) async fn all(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    api.admit(&headers, Role::Read)?;
    let active = api.engine().active();
    json_of(&json!({ "lists": active.program.lists.iter().map(shown).collect::<Vec<_>>() }))
}

/// Which value.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// The value that is looked for.
    #[param(required = false)]
    value: Option<String>,
}

/// Look at a list
///
/// With a `value`, whether it is on the list: by the policy's text (`in_text`, through a network or a suffix as well), and as an
/// entry of its own that a rule or a person put there (`entry`: false, true, or until when).
#[utoipa::path(
    get, path = "/v1/lists/{id}", tag = "acting", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The list's id"), ListQuery),
    responses(
        (status = 200, description = "The list", body = Object),
        (status = 404, description = "There is no such list", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn one(
    State(api): State<Api>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let ListQuery { value } = query(request.uri())?;
    let active = api.engine().active();
    let (number, list) = find(&active, &id)?;
    let mut said = shown(list);
    if let Some(text) = value {
        let value =
            parse_text(&text, list.kind).map_err(|why| Problem::new(BAD_QUERY, format!("`value` {why}")))?;
        said["in_text"] = Json::Bool(active.contains(ListId(number), &value, api.now()));
        said["entry"] = held(entry(&api, list, value).await?);
    }
    json_of(&said)
}

/// Whether a value is an entry that somebody put there: what would be found before it was put there again.
async fn entry(api: &Api, list: &List, value: Value) -> Result<Held, Problem> {
    let deed = Deed::List { list: list.id.clone(), kind: list.kind, value, put: true, until: None };
    let act = Act { deed, source: "".into(), by: "".into(), item: None };
    let would = api.engine().would(vec![act], api.now()).await.map_err(|e| api.refused(e))?;
    Ok(match would.first() {
        Some(Done::Made { before, .. }) => *before,
        _ => Held::Not,
    })
}

fn find<'a>(active: &'a Active, id: &str) -> Result<(usize, &'a List), Problem> {
    let lists = &active.program.lists;
    let found = lists.iter().enumerate().find(|(_, list)| *list.id == *id);
    found.ok_or_else(|| {
        let near = nearest(id, lists.iter().map(|list| &*list.id));
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Problem::new(NO_LIST, format!("the policy in force has no such list{near}"))
    })
}

/// Entries to be put on a list, or taken off it.
#[derive(Deserialize, ToSchema)]
#[schema(as = Entries, example = json!({"put": ["192.0.2.1"], "expires": "7d", "remove": ["198.51.100.0/24"]}))]
#[serde(deny_unknown_fields)]
pub(crate) struct EntriesBody {
    /// Those that are put on it. One that is there gets the new end.
    #[serde(default)]
    put: Vec<String>,
    /// Those that are taken off it.
    #[serde(default)]
    remove: Vec<String>,
    /// Until when they are on it (RFC 3339); for good where neither this nor `expires` says.
    #[serde(default)]
    until: Option<String>,
    /// For how long from now, instead.
    #[serde(default)]
    expires: Option<String>,
}

/// Change a list
///
/// One that rules may change, or whose entries the policy's text leaves to people. What cannot be done is told in its place, and
/// holds no other up.
#[utoipa::path(
    post, path = "/v1/lists/{id}/entries", tag = "acting", security(("key" = ["act"])), request_body = EntriesBody,
    params(("id" = String, Path, description = "The list's id")),
    responses(
        (status = 200, description = "What became of each, those put first: `act`, `before` and `after`, or `refused`", body = Object),
        (status = 404, description = "There is no such list", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The body is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change(
    State(api): State<Api>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Act)?;
    let (parts, sent) = request.into_parts();
    let entries: EntriesBody = read(&api, &parts.headers, sent).await?;
    let (count, most) = (entries.put.len() + entries.remove.len(), limits::LABELS);
    if count > most {
        return Err(Problem::new(BAD_ACT, format!("{count} entries, where {most} are the most at once")));
    }
    let active = api.engine().active();
    let (_, list) = find(&active, &id)?;
    let (now, mut acts, mut answers) = (api.now(), Vec::new(), Vec::new());
    let until = until(&entries, now).map_err(|why| Problem::new(BAD_ACT, why))?;
    let texts = entries.put.iter().map(|text| (text, true)).chain(entries.remove.iter().map(|t| (t, false)));
    for (text, put) in texts {
        match parse_text(text, list.kind) {
            Ok(value) => {
                let until = until.filter(|_| put);
                let deed = Deed::List { list: list.id.clone(), kind: list.kind, value, put, until };
                let (source, by) = (format!("key:{who}").into(), (&*who).into());
                acts.push(Act { deed, source, by, item: None });
                answers.push(None);
            }
            Err(why) => answers.push(Some(json!({ "refused": format!("`{text}` {why}") }))),
        }
    }
    let engine = api.engine().clone();
    let done = aside("change a list", move || wardroom_history::act::block_on(engine.act(acts, now))).await?;
    let mut done = done.map_err(|e| api.refused(e))?.into_iter();
    let answers = answers.into_iter().map(|refused| refused.unwrap_or_else(|| answer(done.next())));
    json_of(&json!({ "entries": answers.collect::<Vec<Json>>() }))
}

fn until(entries: &EntriesBody, now: Micros) -> Result<Option<Micros>, String> {
    match (&entries.until, &entries.expires) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err("give `until` or `expires`, not both".to_owned()),
        (Some(text), None) => {
            Micros::parse(text).map(Some).ok_or_else(|| format!("`until` is no time: `{text}`"))
        }
        (None, Some(text)) => match Span::parse(text) {
            Ok(span) => Ok(Some(now.plus(span))),
            Err(why) => Err(format!("`expires` is no length of time: {why}")),
        },
    }
}
