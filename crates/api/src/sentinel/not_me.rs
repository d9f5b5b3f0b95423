// SPDX-License-Identifier: Apache-2.0
//! The link "this was not me": a page that asks, and a form that is taken down as the owner's report.
//!
//! The token in the path is the authority, and good for this one act; nobody is logged in. Following the link does nothing: mail is
//! looked through by programs that follow links. What the form says is an event like any other, judged by the policy, which
//! decides what follows.

use super::log::{happening, harden};
use super::past::{self, Wanted};
use super::token::{Mint, Token};
use crate::api::Api;
use crate::body::{self, Patience};
use crate::limits;
use crate::problem::Problem;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::json;
use wardroom_account::sentinel::{Did, Entry, FIELDS, Happening, Origin, Said, What, entries, not_me};
use wardroom_engine::{Outcome, Stored, Work};
use wardroom_event::{Sight, Type, Value};

/// The event type in which owners say what was theirs.
const REPORT: &str = "owner_report";
/// What stands as the source of these events: their ids are made here.
const SOURCE: &str = "wardroom:not-me";
/// What is looked through for what the owner said before.
const SAID: [&str; 1] = [REPORT];

/// What a token leads to.
struct About {
    seq: u64,
    /// The event's id, as the owner's report names it.
    event: Box<str>,
    account: Value,
    entry: Option<Entry>,
}

/// Ask whether something was the owner
///
/// The page behind a link of the security log. It changes nothing: programs that look through mail follow links.
#[utoipa::path(
    get, path = "/v1/not-me/{token}", tag = "sentinel",
    params(("token" = String, Path, description = "The token of the link")),
    responses(
        (status = 200, description = "A page that asks", body = String, content_type = "text/html"),
        (status = 404, description = "A page: the link is none of ours", body = String, content_type = "text/html"),
        (status = 410, description = "A page: the link is over", body = String, content_type = "text/html"),
        (status = 503, description = "A page: too many ask; see Retry-After", body = String, content_type = "text/html"),
    )
)]
pub(crate) async fn ask(State(api): State<Api>, Path(token): Path<String>) -> Response {
    match found(&api, &token).await {
        Ok(about) => page(Said::Asks, StatusCode::OK, about.entry.as_ref()),
        Err(said) => page(said, status(said), None),
    }
}

/// Say that something was not the owner, or that it was
///
/// Taken down as `owner_report` about the event, and judged: the policy decides what follows. Said twice it is said once.
#[utoipa::path(
    post, path = "/v1/not-me/{token}", tag = "sentinel",
    params(("token" = String, Path, description = "The token of the link")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "`answer=not-me`, or `answer=me`; nothing is `not-me`"),
    responses(
        (status = 200, description = "A page: it is taken down", body = String, content_type = "text/html"),
        (status = 404, description = "A page: the link is none of ours", body = String, content_type = "text/html"),
        (status = 410, description = "A page: the link is over", body = String, content_type = "text/html"),
        (status = 503, description = "A page: it could not be taken down now", body = String, content_type = "text/html"),
    )
)]
pub(crate) async fn say(State(api): State<Api>, Path(token): Path<String>, request: Request) -> Response {
    let about = match found(&api, &token).await {
        Ok(about) => about,
        Err(said) => return page(said, status(said), None),
    };
    let Ok(form) =
        body::whole(request.into_body(), limits::NOT_ME_FORM_BYTES, Patience::from(api.options())).await
    else {
        return page(Said::Unknown, StatusCode::BAD_REQUEST, None);
    };
    let mine = form.split(|b| *b == b'&').any(|pair| pair == b"answer=me");
    match take_down(&api, &about, mine).await {
        Ok(()) => {
            let said = if mine { Said::Mine } else { Said::NotMine };
            page(said, StatusCode::OK, about.entry.as_ref())
        }
        Err(problem) => {
            let why = problem.kind().slug;
            tracing::warn!(decision = about.seq, why, "an owner's report could not be taken down");
            page(Said::Later, status(Said::Later), about.entry.as_ref())
        }
    }
}

/// What a token leads to, or what there is to say instead.
async fn found(api: &Api, text: &str) -> Result<About, Said> {
    if api.not_me().is_some_and(|limiter| limiter.take(api.uptime(), 1).is_err()) {
        return Err(Said::Later);
    }
    let mint = Mint::new(&api.options().secret);
    // Nothing is read from the disk for what was not made here.
    let token = mint.read(text).ok_or(Said::Unknown)?;
    if token.until < api.now() {
        return Err(Said::Expired);
    }
    let engine = api.engine().clone();
    let stored = tokio::task::spawn_blocking(move || engine.decision(token.seq)).await;
    let stored = stored.ok().and_then(Result::ok).flatten().ok_or(Said::Unknown)?;
    about(&mint, &token, &stored).ok_or(Said::Unknown)
}

fn about(mint: &Mint, token: &Token, stored: &Stored) -> Option<About> {
    let named =
        stored.fields.iter().find(|(field, _)| *field.name == *"account" && field.kind == Type::Account);
    let account = named.map(|(_, value)| value)?;
    let Value::Text(name) = account else { return None };
    let id = (&*stored.id.source, &*stored.id.id);
    if stored.seq != token.seq || !mint.is_about(token, id, name) {
        return None;
    }
    let told = told(stored).and_then(|it| entries(vec![it]).pop());
    Some(About { seq: stored.seq, event: stored.id.id.clone(), account: account.clone(), entry: told })
}

fn told(stored: &Stored) -> Option<Happening> {
    let field = |name: &str| {
        let (field, value) = stored.fields.iter().find(|(field, _)| *field.name == *name)?;
        (!value.is_missing()).then(|| field.show(value, Sight::Full))
    };
    Some(Happening {
        seq: stored.seq,
        event: stored.id.id.clone(),
        time: stored.time,
        what: What::of(&stored.event_type, field)?,
        origin: Origin::of(field),
        did: Did::of(stored.judged.as_ref().map(|judged| judged.verdict.name()), stored.ask()),
    })
}

/// Has the owner's word judged, unless it is what they said last.
async fn take_down(api: &Api, about: &About, mine: bool) -> Result<(), Problem> {
    let (said, times) = said_before(api, about).await?;
    if said == Some(mine) {
        return Ok(());
    }
    let Value::Text(account) = &about.account else { return Ok(()) };
    // The same click twice has one id, and so is one event; another word has the next.
    let event = json!({
        "type": REPORT,
        "source": SOURCE,
        "specversion": "1.0",
        "id": format!("{}-{times}", about.seq),
        "data": { "account": &**account, "about": &*about.event, "mine": mine },
    });
    let event = api.engine().intake(event.to_string().as_bytes(), api.now())?;
    let outcomes = api.engine().submit(vec![event], Work::Decide).await.map_err(|e| api.refused(e))?;
    match outcomes.into_iter().next() {
        Some(Outcome::Refused(error)) => Err(api.refused(error)),
        Some(Outcome::Decided { seq, signals, .. }) => {
            api.metrics().signals(&signals);
            tracing::info!(
                decision = seq,
                about = about.seq,
                mine,
                "an owner said whether something was theirs"
            );
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What the owner said last about this event, and how often they said something.
async fn said_before(api: &Api, about: &About) -> Result<(Option<bool>, usize), Problem> {
    let wanted = Wanted { fields: Some(&FIELDS), to: None, most: limits::LOG_EVENTS };
    let seen = past::of_account(api, about.account.clone(), Some(&SAID), wanted).await?;
    let here = seen.iter().filter(|it| {
        let at = it.fields.iter().position(|field| *field.name == *"about");
        at.and_then(|at| it.row.values.get(at))
            .is_some_and(|value| *value == Value::Text(about.event.as_ref().into()))
    });
    let words: Vec<bool> = here
        .filter_map(|it| match happening(it)?.what {
            What::Report { mine } => Some(mine),
            _ => None,
        })
        .collect();
    Ok((words.first().copied(), words.len()))
}

fn status(said: Said) -> StatusCode {
    match said {
        Said::Asks | Said::Mine | Said::NotMine => StatusCode::OK,
        Said::Expired => StatusCode::GONE,
        Said::Unknown => StatusCode::NOT_FOUND,
        Said::Later => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn page(said: Said, status: StatusCode, entry: Option<&Entry>) -> Response {
    let mut response = Response::new(not_me(said, entry).into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if said == Said::Later {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    harden(headers);
    response
}
