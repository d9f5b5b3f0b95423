// SPDX-License-Identifier: Apache-2.0
//! The security log of an account, for its owner: by way of the product that they use.

use super::past::{self, Seen, Wanted};
use super::token::Mint;
use crate::api::{Api, json_of};
use crate::explain::query;
use crate::keys::Role;
use crate::limits;
use crate::problem::{BAD_QUERY, Problem, ProblemBody};
use axum::extract::{Path, Request, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use utoipa::{IntoParams, ToSchema};
use wardroom_account::sentinel::{Did, Entry, FIELDS, Happening, KINDS, Origin, What, Words, entries};
use wardroom_event::{Micros, Sight, Value};

/// Which part of a log, and how.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// How many entries at most; 50 where it does not say, and never more than 200.
    #[param(required = false)]
    limit: Option<usize>,
    /// What was before this time (RFC 3339): `next` of the answer before.
    #[param(required = false)]
    before: Option<String>,
    /// `json` or `html`; as `Accept` says where it does not.
    #[param(required = false, value_type = Option<String>, pattern = "^(json|html)$")]
    format: Option<String>,
}

/// A security log.
#[derive(Serialize, ToSchema)]
#[schema(as = SecurityLog)]
struct LogBody {
    /// Whose it is.
    account: String,
    /// As of when.
    made: String,
    /// What happened, the newest first.
    #[schema(value_type = Vec<EntryBody>)]
    entries: Vec<EntryBody>,
    /// Where to go on, as `before`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// An entry of a security log.
#[derive(Serialize, ToSchema)]
#[schema(as = LogEntry)]
struct EntryBody {
    /// When; of several the newest.
    time: String,
    /// When the first of several was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    since: Option<String>,
    /// Of how many events it tells.
    count: usize,
    /// The ids of these events, of many the first twenty.
    events: Vec<String>,
    /// What happened.
    what: WordsBody,
    /// From where.
    from: WordsBody,
    /// With what program.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<WordsBody>, nullable = false)]
    with: Option<WordsBody>,
    /// What we did.
    did: WordsBody,
    /// What the owner can do.
    #[schema(value_type = Vec<WordsBody>)]
    can: Vec<WordsBody>,
    /// Whether it deserves a look.
    suspicious: bool,
    /// The link "this was not me", where that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    not_me: Option<String>,
}

/// A message: in English, and what it takes to say it in another language.
#[derive(Serialize, ToSchema)]
#[schema(as = LogWords)]
struct WordsBody {
    /// Its id.
    id: &'static str,
    /// Its parameters, as they came.
    params: BTreeMap<&'static str, String>,
    /// It in English.
    text: String,
}

impl From<Words> for WordsBody {
    fn from(words: Words) -> WordsBody {
        WordsBody { id: words.id, params: words.params, text: words.text }
    }
}

impl EntryBody {
    fn of(entry: Entry, not_me: Option<String>) -> EntryBody {
        EntryBody {
            time: entry.time.to_string(),
            since: entry.since.map(|since| since.to_string()),
            count: entry.count,
            events: entry.events.iter().map(|id| id.to_string()).collect(),
            what: entry.what.into(),
            from: entry.from.into(),
            with: entry.with.map(Into::into),
            did: entry.did.into(),
            can: entry.can.into_iter().map(Into::into).collect(),
            suspicious: entry.is_suspicious,
            not_me,
        }
    }
}

/// The security log of an account
///
/// What happened to it, from where, what was done, and what its owner can do: in words for the owner, without rules, scores or anything of
/// others. For the backend of the product, which knows who is logged in.
#[utoipa::path(
    get, path = "/v1/accounts/{account}/log", tag = "sentinel", security(("key" = ["subject"])),
    params(("account" = String, Path, description = "The account, as events name it"), LogQuery),
    responses(
        (status = 200, description = "The log", content((LogBody = "application/json"), (String = "text/html"))),
        (status = 400, description = "The query is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 501, description = "This server keeps no history", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Enough questions are being answered; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "It took too long", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get(
    State(api): State<Api>,
    Path(account): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Subject)?;
    let LogQuery { limit, before, format } = query(request.uri())?;
    let as_page = wants_page(format.as_deref(), request.headers())?;
    let bad = |why: String| Problem::new(BAD_QUERY, why);
    if account.is_empty() || account.len() > limits::ACCOUNT_BYTES {
        return Err(bad(format!("an account's name has 1 to {} bytes", limits::ACCOUNT_BYTES)));
    }
    let (most, usual) = limits::LOG_ENTRIES;
    let limit = limit.unwrap_or(usual);
    if limit == 0 || limit > most {
        return Err(bad(format!("`limit` is between 1 and {most}")));
    }
    let no_time = |text: String| bad(format!("`before` is no time such as 2026-01-05T12:00:00Z: `{text}`"));
    let to = before.map(|text| Micros::parse(&text).ok_or_else(|| no_time(text))).transpose()?;
    let wanted = Wanted { fields: Some(&FIELDS), to, most: limits::LOG_EVENTS };
    let seen = past::of_account(&api, Value::Text(account.as_str().into()), Some(&KINDS), wanted).await?;
    // Whose log it was is nobody's business but theirs: the log of the server names the key.
    tracing::debug!(key = &*who, events = seen.len(), "a security log was read");
    let (entries, next) = told(&api, &account, seen, limit);
    let mut response = match as_page {
        true => {
            let mut page =
                Response::new(api.options().sentinel.page.page(&account, api.now(), &entries).into());
            page.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            page
        }
        false => json_of(&LogBody {
            account,
            made: api.now().to_string(),
            entries: entries.into_iter().map(|(entry, link)| EntryBody::of(entry, link)).collect(),
            next,
        })?,
    };
    harden(response.headers_mut());
    Ok(response)
}

/// The first entries with their links, and where to go on.
fn told(
    api: &Api,
    account: &str,
    seen: Vec<Seen>,
    limit: usize,
) -> (Vec<(Entry, Option<String>)>, Option<String>) {
    let whole = seen.len() < limits::LOG_EVENTS;
    let oldest = seen.last().map(|it| it.row.time);
    let ids: HashMap<u64, (Box<str>, Box<str>)> =
        seen.iter().map(|it| (it.row.seq, (it.row.id.source.clone(), it.row.id.id.clone()))).collect();
    let mut entries = entries(seen.iter().filter_map(happening).collect());
    let next = match entries.get(limit) {
        // Of the first that is left out it is the end: what is at the border is in one of both.
        Some(left_out) => Some(Micros(left_out.time.0 + 1)),
        None => oldest.filter(|_| !whole),
    };
    entries.truncate(limit);
    let (mint, until) = (Mint::new(&api.options().secret), api.now().plus(api.options().sentinel.valid));
    // Where accounts are kept as hashes the owner's word could not name theirs.
    let hashed = seen.first().and_then(|it| it.fields.first()).is_some_and(|field| field.hashed);
    let link = |entry: &Entry| {
        let (source, id) = ids.get(&entry.seq).filter(|_| entry.may_be_disowned && !hashed)?;
        let token = mint.make(entry.seq, until, (source, id), account);
        Some(format!("{}/v1/not-me/{token}", api.options().sentinel.url))
    };
    let linked = entries.into_iter().map(|entry| {
        let link = link(&entry);
        (entry, link)
    });
    (linked.collect(), next.map(|next| next.to_string()))
}

/// An event as the log tells it; none where it is not told there.
pub(super) fn happening(seen: &Seen) -> Option<Happening> {
    let field = |name: &str| {
        let at = seen.fields.iter().position(|field| *field.name == *name)?;
        let value = seen.row.values.get(at).filter(|value| !value.is_missing())?;
        Some(seen.fields[at].show(value, Sight::Full))
    };
    let judged = seen.row.judged.as_ref();
    let ask = judged.and_then(|judged| judged.signals.first().filter(|s| s.decides)?.ask.as_deref());
    Some(Happening {
        seq: seen.row.seq,
        event: seen.row.id.id.clone(),
        time: seen.row.time,
        what: What::of(&seen.event_type, field)?,
        origin: Origin::of(field),
        did: Did::of(judged.map(|judged| judged.verdict.name()), ask),
    })
}

fn wants_page(format: Option<&str>, headers: &HeaderMap) -> Result<bool, Problem> {
    match format {
        Some("html") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(Problem::new(BAD_QUERY, "`format` is json or html")),
        None => {
            let accept = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
            let mut kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or("").trim());
            let known = kinds.find(|kind| ["text/html", "application/json"].contains(kind));
            Ok(known == Some("text/html"))
        }
    }
}

/// A page about somebody's account runs nothing, loads nothing, stands in no other page, and tells nobody where it was read.
pub(super) fn harden(headers: &mut HeaderMap) {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let fixed = [
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("content-security-policy"), policy),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
