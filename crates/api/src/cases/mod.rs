// SPDX-License-Identifier: Apache-2.0
//! Cases: what waits for a person, by when, with what there is to know, and what came of it.

mod desk;
mod evidence;

pub use desk::Deadlines;
pub(crate) use desk::Desk;

use crate::act::{aside, labels, read};
use crate::answer::Seq;
use crate::api::{Api, json_of};
use crate::explain::query;
use crate::keys::Role;
use crate::limits;
use crate::passage;
use crate::problem::{BAD_ACT, BAD_QUERY, NO_CASE, Problem, ProblemBody, WRONG_STATE};
use axum::extract::{Path, Request, State};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;
use desk::{Case, CaseOutcome, Word};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use wardroom_engine::Stored;
use wardroom_engine::acts::{Act, Deed, Done, Subject};
use wardroom_event::{Micros, Sight, Type};
use wardroom_history::query::Look;

/// Which cases.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CasesQuery {
    /// `waiting` (those that are not closed, which is usual), `open` (those that nobody has), `claimed`, `closed`, `overdue`, `all`.
    #[serde(default = "waiting")]
    #[param(required = false, value_type = String, pattern = "^(waiting|open|claimed|closed|overdue|all)$")]
    state: String,
    /// Those of this queue.
    #[param(required = false)]
    queue: Option<String>,
    /// How many at most; 100 where it does not say, and never more than 1000.
    #[serde(default = "usual")]
    #[param(required = false)]
    limit: usize,
    /// Show identifiers of people whole; takes the role `reveal`, and is logged.
    #[serde(default)]
    #[param(required = false)]
    reveal: bool,
}

fn waiting() -> String {
    "waiting".to_owned()
}

fn usual() -> usize {
    100
}

/// A case.
#[derive(Serialize, ToSchema)]
#[schema(as = Case)]
pub(crate) struct CaseBody {
    /// Its key: the effect's.
    key: String,
    /// Its queue.
    queue: String,
    /// `open`, `claimed` or `closed`.
    state: &'static str,
    /// The decision that it is about.
    #[schema(value_type = Seq)]
    decision: Seq,
    /// The type of its event.
    event_type: String,
    /// Whose account it is about, where the event names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    account: Option<String>,
    /// When it was opened.
    opened: String,
    /// By when somebody is to have closed it.
    due: String,
    /// Whether that is over.
    overdue: bool,
    /// How long it has been there, in seconds.
    age_secs: i64,
    /// Who has taken it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<WordBody>, nullable = false)]
    claimed: Option<WordBody>,
    /// Who closed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<WordBody>, nullable = false)]
    closed: Option<WordBody>,
}

/// Who did something about a case, and when.
#[derive(Serialize, ToSchema)]
#[schema(as = CaseWord)]
pub(crate) struct WordBody {
    /// The record: what is undone with `/v1/acts/{act}/undo`.
    #[schema(value_type = Seq)]
    act: Seq,
    /// The name of the key.
    by: String,
    /// When.
    at: String,
    /// What they wrote.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = false)]
    note: String,
    /// What came of it: `owner`, `attacker` or `unclear`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    outcome: Option<&'static str>,
}

impl WordBody {
    fn of(word: &Word, outcome: Option<CaseOutcome>) -> WordBody {
        WordBody {
            act: Seq(word.act),
            by: word.by.to_string(),
            at: word.at.to_string(),
            note: word.note.to_string(),
            outcome: outcome.map(CaseOutcome::name),
        }
    }
}

impl CaseBody {
    fn of(case: &Case, stored: Option<&Stored>, look: Look, now: Micros) -> CaseBody {
        CaseBody {
            key: case.key.clone(),
            queue: case.queue.to_string(),
            state: case.state(),
            decision: Seq(case.event),
            event_type: stored.map_or(String::new(), |it| it.event_type.to_string()),
            account: stored.and_then(|it| account_of(it, look)),
            opened: case.opened.to_string(),
            due: case.due.to_string(),
            overdue: case.is_overdue(now),
            age_secs: now.since(case.opened).0 / 1_000_000,
            claimed: case.claimed.as_ref().map(|word| WordBody::of(word, None)),
            closed: case.closed.as_ref().map(|(word, outcome)| WordBody::of(word, Some(*outcome))),
        }
    }
}

/// The account that an event names first.
fn account_of(stored: &Stored, look: Look) -> Option<String> {
    let (field, value) = stored.fields.iter().find(|(field, _)| field.kind == Type::Account)?;
    (!value.is_missing()).then(|| look.text(field, value))
}

fn look(api: &Api, sight: Sight) -> Look {
    Look { sight, secret: api.options().secret }
}

/// Cases and how many of them are overdue. Blocks on the disk.
fn all(api: &Api) -> Result<Vec<Case>, Problem> {
    Ok(api.desk().all(api.engine(), &api.options().deadlines)?)
}

/// How many cases wait, and how many of them are overdue: for the metrics.
pub(crate) async fn figures(api: &Api) -> (u64, u64) {
    let (looked, now) = (api.clone(), api.now());
    let counted = aside("count cases", move || {
        let cases = all(&looked)?;
        let waiting = cases.iter().filter(|case| case.closed.is_none()).count();
        let overdue = cases.iter().filter(|case| case.is_overdue(now)).count();
        Ok::<_, Problem>((waiting as u64, overdue as u64))
    });
    // What cannot be read is in the log already, and the other figures do not depend on it.
    counted.await.and_then(|counted| counted).unwrap_or_default()
}

/// List cases
///
/// Those that are due first at the front. Of all cases the newest 1024 are known, as far as the journal has their events.
#[utoipa::path(
    get, path = "/v1/cases", tag = "cases", security(("key" = ["read"]), ("key" = ["read", "reveal"])), params(CasesQuery),
    responses(
        (status = 200, description = "`cases`, how many there are in that state (`total`), and how many are `overdue`", body = Object),
        (status = 400, description = "The query is not understood", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Read)?;
    let CasesQuery { state, queue, limit, reveal } = query(request.uri())?;
    let wanted = wanted(&state)?;
    if limit > limits::EFFECTS_LISTED {
        let most = limits::EFFECTS_LISTED;
        return Err(Problem::new(BAD_QUERY, format!("`limit` is {limit}; the most is {most}")));
    }
    let sight = labels::sight(&api, request.headers(), reveal)?;
    tell(sight, &who, "cases");
    let now = api.now();
    let body = aside("list cases", move || {
        let cases = all(&api)?;
        let overdue = cases.iter().filter(|case| case.is_overdue(now)).count();
        let fits = |case: &&Case| wanted(case, now) && queue.as_deref().is_none_or(|of| *case.queue == *of);
        let total = cases.iter().filter(fits).count();
        let shown = cases.iter().filter(fits).take(limit).map(|case| {
            let stored = api.engine().decision(case.event)?;
            Ok(CaseBody::of(case, stored.as_ref(), look(&api, sight), now))
        });
        let shown = shown.collect::<Result<Vec<_>, Problem>>()?;
        Ok::<_, Problem>(json!({ "cases": shown, "total": total, "overdue": overdue }))
    });
    private(json_of(&body.await??)?)
}

fn wanted(state: &str) -> Result<fn(&Case, Micros) -> bool, Problem> {
    Ok(match state {
        "waiting" => |case, _| case.closed.is_none(),
        "open" => |case, _| case.state() == "open",
        "claimed" => |case, _| case.state() == "claimed",
        "closed" => |case, _| case.closed.is_some(),
        "overdue" => |case, now| case.is_overdue(now),
        "all" => |_, _| true,
        _ => {
            let states = "waiting, open, claimed, closed, overdue, all";
            return Err(Problem::new(BAD_QUERY, format!("`state` is one of {states}")));
        }
    })
}

/// The log keeps who saw identifiers of people.
fn tell(sight: Sight, who: &str, of: &str) {
    if sight == Sight::Full {
        let request = passage::id();
        tracing::info!(%request, key = who, of, "identifiers of people were revealed");
    }
}

/// What it shows depends on the key, and may name people.
fn private(mut response: Response) -> Result<Response, Problem> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn find(cases: Vec<Case>, key: &str) -> Result<Case, Problem> {
    let found = cases.into_iter().find(|case| case.key == key);
    found.ok_or_else(|| Problem::new(NO_CASE, "a case's key is what /v1/cases lists as `key`"))
}

/// How a case is shown.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseQuery {
    /// Show identifiers of people whole; takes the role `reveal`, and is logged.
    #[serde(default)]
    #[param(required = false)]
    reveal: bool,
}

/// What there is to know of a case
///
/// The decision with its explanation, what else happened to the account lately, what was said of both, other cases of the account, and what
/// its owner reported.
#[utoipa::path(
    get, path = "/v1/cases/{key}", tag = "cases", security(("key" = ["read"]), ("key" = ["read", "reveal"])),
    params(("key" = String, Path, description = "The case's key"), CaseQuery),
    responses(
        (status = 200, description = "`case`, `decision` (as `/v1/decisions/{id}` gives it), `events`, `labels`, `cases`, `reports`, and `notes` on what could not be had", body = Object),
        (status = 404, description = "There is no such case", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Enough questions are being answered; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(api): State<Api>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Read)?;
    let CaseQuery { reveal } = query(request.uri())?;
    let sight = labels::sight(&api, request.headers(), reveal)?;
    tell(sight, &who, "a case");
    private(json_of(&evidence::bundle(&api, &key, sight).await?)?)
}

/// Who takes a case.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Claim, example = json!({"take_over": false}))]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimBody {
    /// Also where somebody else has it.
    #[serde(default)]
    take_over: bool,
    /// In words.
    #[serde(default)]
    note: String,
}

/// Take a case
///
/// It is said of the case's event, by the source `case:QUEUE`, that it is `case.claimed`: an act like others, which is undone like others.
#[utoipa::path(
    post, path = "/v1/cases/{key}/claim", tag = "cases", security(("key" = ["act"])), request_body = ClaimBody,
    params(("key" = String, Path, description = "The case's key")),
    responses(
        (status = 200, description = "The `act`, and the `case`", body = Object),
        (status = 404, description = "There is no such case", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else has it, or it is closed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The body is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn claim(
    State(api): State<Api>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Act)?;
    let (parts, sent) = request.into_parts();
    let ClaimBody { take_over, note } = read(&api, &parts.headers, sent).await?;
    let note = noted(note)?;
    let _alone = api.desk().deciding.lock().await;
    let case = case_of(&api, &key).await?;
    still_open(&case)?;
    if let Some(word) = case.claimed.as_ref().filter(|word| *word.by != *who && !take_over) {
        let detail = format!("`{}` has it since {}; `take_over` takes it from them", word.by, word.at);
        return Err(Problem::new(WRONG_STATE, detail));
    }
    decide(&api, &case, &who, &[(desk::claimed().to_owned(), note)]).await
}

/// What came of a case.
#[derive(Deserialize, ToSchema)]
#[schema(as = Close, example = json!({"outcome": "attacker", "note": "the owner was asleep"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseBody {
    /// `owner`, `attacker` or `unclear`.
    #[schema(pattern = "^(owner|attacker|unclear)$")]
    outcome: String,
    /// In words, at most 1 KiB.
    #[serde(default)]
    note: String,
}

/// Close a case
///
/// It is said of its event, by the source `case:QUEUE`, that it is `case.closed.OUTCOME`; and `good` where it was the owner, `abuse` where it was an
/// attacker. Undoing the first opens it again.
#[utoipa::path(
    post, path = "/v1/cases/{key}/close", tag = "cases", security(("key" = ["act"])), request_body = CloseBody,
    params(("key" = String, Path, description = "The case's key")),
    responses(
        (status = 200, description = "The `acts`, and the `case`", body = Object),
        (status = 404, description = "There is no such case", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is closed already", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The body is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Nothing is taken now; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn close(
    State(api): State<Api>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let who = api.admit(request.headers(), Role::Act)?;
    let (parts, sent) = request.into_parts();
    let CloseBody { outcome, note } = read(&api, &parts.headers, sent).await?;
    let wrong = || Problem::new(BAD_ACT, "`outcome` is owner, attacker or unclear");
    let outcome = CaseOutcome::named(&outcome).ok_or_else(wrong)?;
    let note = noted(note)?;
    let _alone = api.desk().deciding.lock().await;
    let case = case_of(&api, &key).await?;
    still_open(&case)?;
    let mut said = vec![(outcome.label(), note)];
    said.extend(outcome.class().map(|class| (class.to_owned(), format!("case {}", case.key))));
    decide(&api, &case, &who, &said).await
}

fn noted(note: String) -> Result<String, Problem> {
    let most = limits::CASE_NOTE_BYTES;
    match note.len() <= most {
        true => Ok(note),
        false => Err(Problem::new(BAD_ACT, format!("`note` has {} bytes; the most is {most}", note.len()))),
    }
}

fn still_open(case: &Case) -> Result<(), Problem> {
    let Some((word, outcome)) = &case.closed else { return Ok(()) };
    let detail = format!(
        "`{}` closed it at {} as `{}`; undoing act {} opens it again",
        word.by,
        word.at,
        outcome.name(),
        word.act
    );
    Err(Problem::new(WRONG_STATE, detail))
}

async fn case_of(api: &Api, key: &str) -> Result<Case, Problem> {
    let (api, key) = (api.clone(), key.to_owned());
    aside("look for a case", move || find(all(&api)?, &key)).await?
}

/// Says these labels of a case's event, in the words of its queue.
async fn decide(api: &Api, case: &Case, who: &str, said: &[(String, String)]) -> Result<Response, Problem> {
    let act = |(label, note): &(String, String)| Act {
        deed: Deed::Label {
            subject: Subject::Event(case.event),
            label: label.as_str().into(),
            says: true,
            until: None,
            confidence: None,
            note: note.as_str().into(),
            about: None,
        },
        source: desk::source(&case.queue).into(),
        by: who.into(),
        item: None,
    };
    let acts: Vec<Act> = said.iter().map(act).collect();
    let (engine, now) = (api.engine().clone(), api.now());
    let done =
        aside("say what becomes of a case", move || wardroom_history::act::block_on(engine.act(acts, now)));
    let done = done.await?.map_err(|e| api.refused(e))?;
    let mut made = Vec::new();
    for done in done {
        match done {
            Done::Made { seq, .. } => made.push(Seq(seq)),
            Done::Refused(why) => return Err(why.into()),
            other => return Err(Problem::ours("say what becomes of a case", &format!("{other:?}"))),
        }
    }
    tracing::info!(key = who, case = %case.key, label = said.first().map_or("", |(label, _)| label), "a case moves on");
    let (again, sight) = (case_of(api, &case.key).await?, look(api, Sight::Masked));
    let (engine, event) = (api.engine().clone(), case.event);
    let stored = aside("read a decision", move || engine.decision(event)).await??;
    private(json_of(
        &json!({ "acts": made, "case": CaseBody::of(&again, stored.as_ref(), sight, api.now()) }),
    )?)
}
