// SPDX-License-Identifier: Apache-2.0
//! A decision with its explanation: what came, what was known, what was judged and why.
//!
//! Identifiers of people are masked. Seeing them whole takes the role `reveal`, and the log keeps who looked at which
//! decision.

use crate::answer::{self, Seq, SignalBody, VerdictName};
use crate::api::{Api, json_of};
use crate::keys::Role;
use crate::passage;
use crate::problem::{BAD_QUERY, NO_DECISION, Problem, ProblemBody};
use axum::extract::{Query, Request, State};
use axum::http::Uri;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};
use wardroom_engine::{Active, Standing, Stored, StoredEffect, StoredSignal};
use wardroom_event::{EventId, Field, Micros, Sight, Type, Value};
use wardroom_policy::{Feature, Flip, Piece, Trace, Tri};

/// A decision or record with its explanation.
#[derive(Serialize, ToSchema)]
#[schema(as = Explanation)]
pub(crate) struct ExplanationBody<'a> {
    /// The decision's number.
    #[schema(value_type = Seq)]
    decision: Seq,
    /// The event's type.
    event_type: &'a str,
    /// The event's id.
    event_id: &'a str,
    /// Who sent it, as CloudEvents `source`; empty where none was given.
    source: &'a str,
    /// When it happened.
    time: String,
    /// When it arrived.
    received: String,
    /// What it said.
    #[schema(value_type = Vec<ValueBody>)]
    fields: Vec<ValueBody<'a>>,
    /// The version of the policy it was judged by.
    policy: &'a str,
    /// Whether that policy is in force now; features have their definitions only then.
    policy_in_force: bool,
    /// The answer; `null` for an event that was only recorded.
    #[schema(value_type = Option<VerdictName>)]
    verdict: Option<VerdictName>,
    /// What the caller was told to ask for.
    ask: Option<&'a str>,
    /// Every rule that fired, deciding ones first, strongest first.
    #[schema(value_type = Vec<SignalBody>)]
    signals: Vec<SignalBody<'a>>,
    /// What followed beyond the answer, in the order of the signals.
    #[schema(value_type = Vec<EffectBody>)]
    effects: Vec<EffectBody<'a>>,
    /// The features as they were at that moment.
    #[schema(value_type = Vec<FeatureBody>)]
    features: Vec<FeatureBody<'a>>,
    /// Ids of the features that were unknown: they counted neither for nor against.
    unknown: Vec<&'a str>,
    /// How every rule that was asked stood, term by term; only while the policy that judged is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<RuleBody>>, nullable = false)]
    rules: Option<Vec<RuleBody<'a>>>,
    /// Judging tripped over a fault of the server, so that the verdict lacks it.
    degraded: bool,
    /// Whether identifiers of people are masked here.
    masked: bool,
}

/// A named value.
#[derive(Serialize, ToSchema)]
#[schema(as = Value)]
struct ValueBody<'a> {
    /// The field's name.
    name: &'a str,
    /// Its type, as policy writes it.
    #[serde(rename = "type")]
    kind: String,
    /// A boolean or number as such, a list as an array, a record in it as an object of what is known of it, anything else
    /// as text; `null` where it is unknown. A size is in bytes, a rate a second.
    #[schema(value_type = Option<serde_json::Value>)]
    value: Shown<'a>,
}

/// A feature as it was served.
#[derive(Serialize, ToSchema)]
#[schema(as = ServedFeature)]
struct FeatureBody<'a> {
    /// Its id.
    id: &'a str,
    /// The type it reads as.
    #[serde(rename = "type")]
    kind: &'static str,
    /// A boolean or number as such, anything else as text; `null` where it is unknown. A size is in bytes, a rate a
    /// second.
    #[schema(value_type = Option<serde_json::Value>)]
    value: Shown<'a>,
    /// What it counts, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    definition: Option<&'a str>,
    /// Where its window began; up to a sixtieth of the window earlier may have counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    from: Option<String>,
    /// Where its window ended: the event's time, or its arrival where that was earlier; the event itself is not included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    to: Option<String>,
}

/// How a rule stood on the event.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleStanding)]
struct RuleBody<'a> {
    /// Its id.
    rule: &'a str,
    /// What it says when it fires; null for a rule that only has effects.
    #[schema(value_type = Option<VerdictName>)]
    verdict: Option<VerdictName>,
    /// `live`, `canary` or `shadow`.
    mode: &'static str,
    /// Whether its condition held: `true`, `false` or `unknown`.
    holds: &'static str,
    /// The terms of its condition, which must all hold.
    #[schema(value_type = Vec<TermBody>)]
    terms: Vec<TermBody<'a>>,
    /// What would turn it, those that are enough alone first. At most 32, and none where the terms have no parts: there is
    /// a bound on what is shown of one decision, and rules that fired come first.
    flips: Vec<FlipBody>,
}

/// A term of a rule's condition.
#[derive(Serialize, ToSchema)]
#[schema(as = Term)]
struct TermBody<'a> {
    /// As it is written.
    text: &'a str,
    /// Whether it held: `true`, `false` or `unknown`.
    holds: &'static str,
    /// What it is made of.
    parts: Vec<PartBody>,
}

/// A part of a condition, and what it was.
#[derive(Serialize, ToSchema)]
#[schema(as = Part)]
struct PartBody {
    /// As it is written; an item of a list field by its number.
    text: Box<str>,
    /// `field`, `feature`, `evidence`, `score`, `model`, `table`, `list`, `label` or `item`; left out of what is only
    /// computed on the spot.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = false)]
    what: &'static str,
    /// Its type, as policy writes it.
    #[serde(rename = "type")]
    kind: &'static str,
    /// As in `fields`; of a list how many values it has.
    #[schema(value_type = Option<serde_json::Value>)]
    value: Shown<'static>,
    /// More about it: what a feature counts, which row of a table fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    note: Option<Box<str>>,
    /// Of an input of a model: what it adds, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    adds: Option<f64>,
    /// What it is made of; constants are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion, required = false)]
    parts: Vec<PartBody>,
    /// There are more parts than are shown.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    cut: bool,
}

fn is_false(b: &bool) -> bool {
    !b
}

/// A change that would turn a rule.
#[derive(Serialize, ToSchema)]
#[schema(as = Flip)]
struct FlipBody {
    /// The term it is about, from 0.
    term: usize,
    /// What it is and what it would have to be, such as `failures is 3; at 5 it would hold`.
    text: String,
    /// Whether this change alone would turn the rule.
    alone: bool,
}

/// What followed from a decision beyond the answer.
#[derive(Serialize, ToSchema)]
#[schema(as = Effect)]
struct EffectBody<'a> {
    /// The rule it follows from.
    rule: &'a str,
    /// `label`, `list`, `case`, `notify` or `webhook`.
    effect: &'static str,
    /// It in one line, such as `label(203.0.113.0/24, "farm")`.
    text: String,
    /// The label, list, queue, desk or webhook.
    name: &'a str,
    /// Whom or what it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value: Option<String>,
    /// Until when it holds; left out where it holds for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    until: Option<String>,
}

impl<'a> EffectBody<'a> {
    fn of(rule: &'a str, effect: &'a StoredEffect, sight: Sight) -> EffectBody<'a> {
        let time = |until: &Option<Micros>| until.map(|at| at.to_string());
        let shown = |value: &Value, kind: Type| Some(value.show(kind, sight));
        let (what, name, value, until): (_, &str, _, _) = match effect {
            StoredEffect::Label { kind, value, name, until } => {
                ("label", name, shown(value, *kind), time(until))
            }
            StoredEffect::List { list, kind, value, until } => {
                ("list", list, shown(value, *kind), time(until))
            }
            StoredEffect::Case(queue) => ("case", queue, None, None),
            StoredEffect::Notify(whom) => ("notify", whom, None, None),
            StoredEffect::Webhook(hook) => ("webhook", hook, None, None),
        };
        EffectBody { rule, effect: what, text: effect.show(sight), name, value, until }
    }
}

impl PartBody {
    fn of(trace: Trace, sight: Sight) -> PartBody {
        PartBody {
            text: trace.text,
            what: trace.what,
            kind: trace.kind.name(),
            value: Shown::of(&trace.value, trace.kind, sight),
            note: trace.note,
            adds: trace.adds,
            parts: trace.parts.into_iter().map(|part| PartBody::of(part, sight)).collect(),
            cut: trace.cut,
        }
    }
}

impl<'a> RuleBody<'a> {
    fn of(standing: Standing<'a>, sight: Sight) -> RuleBody<'a> {
        let mut traces = standing.traces.into_iter();
        let mut term = |(text, holds): (&'a str, Tri)| {
            let parts = traces.next().map_or(Vec::new(), |trace| trace.parts);
            let parts = parts.into_iter().map(|part| PartBody::of(part, sight)).collect();
            TermBody { text, holds: holds.name(), parts }
        };
        let flip = |flip: Flip| FlipBody {
            term: flip.term,
            text: Piece::join(&flip.words, sight),
            alone: flip.alone,
        };
        RuleBody {
            rule: standing.rule,
            verdict: standing.verdict.map(VerdictName),
            mode: standing.mode.name(),
            holds: standing.holds.name(),
            terms: standing.terms.into_iter().map(&mut term).collect(),
            flips: standing.flips.into_iter().map(flip).collect(),
        }
    }
}

/// A value as JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Unknown,
    Bool(bool),
    Int(i64),
    Number(f64),
    Text(String),
    List(Vec<Shown<'a>>),
    #[serde(serialize_with = "members")]
    Record(Vec<(&'a str, Shown<'a>)>),
}

/// In the order of the record's fields.
fn members<S: Serializer>(members: &[(&str, Shown<'_>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
}

impl<'a> Shown<'a> {
    fn field(field: &'a Field, value: &Value, sight: Sight) -> Shown<'a> {
        match (value, field.items()) {
            (Value::List(_), []) => Shown::of(value, field.kind, sight),
            (Value::List(values), fields) => Shown::List(
                values.chunks(fields.len()).map(|item| Shown::item(fields, item, sight)).collect(),
            ),
            _ => Shown::of(value, field.kind, sight),
        }
    }

    fn item(fields: &'a [Field], values: &[Value], sight: Sight) -> Shown<'a> {
        match (fields, values) {
            ([field], [value]) if field.name.is_empty() => Shown::of(value, field.kind, sight),
            _ => {
                let known = fields.iter().zip(values).filter(|(_, value)| !value.is_missing());
                Shown::Record(known.map(|(f, v)| (&*f.name, Shown::of(v, f.kind, sight))).collect())
            }
        }
    }

    fn of(value: &Value, kind: Type, sight: Sight) -> Shown<'a> {
        match value {
            Value::Missing => Shown::Unknown,
            Value::Bool(b) => Shown::Bool(*b),
            Value::Int(n) => Shown::Int(*n),
            Value::Number(n) => Shown::Number(*n),
            other => Shown::Text(other.show(kind, sight)),
        }
    }
}

/// How a decision is shown.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetQuery {
    /// Show identifiers of people whole; takes the role `reveal`, and is logged.
    #[serde(default)]
    #[param(required = false)]
    reveal: bool,
}

/// Which decision, by its event.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindQuery {
    /// The event's id.
    event: String,
    /// The event's CloudEvents `source`, where it had one.
    #[serde(default)]
    #[param(required = false)]
    source: String,
    /// Show identifiers of people whole; takes the role `reveal`, and is logged.
    #[serde(default)]
    #[param(required = false)]
    reveal: bool,
}

/// Explain a decision
#[utoipa::path(
    get, path = "/v1/decisions/{id}", tag = "decisions", security(("key" = ["read"]), ("key" = ["read", "reveal"])),
    params(("id" = String, Path, description = "The decision's number"), GetQuery),
    responses(
        (status = 200, description = "The decision with its explanation", body = ExplanationBody),
        (status = 400, description = "The query is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such decision", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let headers = request.headers();
    let who = api.admit(headers, Role::Read)?;
    let query: GetQuery = query(request.uri())?;
    let sight = sight(&api, headers, query.reveal)?;
    let id = request.uri().path().rsplit('/').next().unwrap_or("");
    let none = || Problem::new(NO_DECISION, "a decision's number is what /v1/decide gave as `decision`");
    let seq: u64 = id.parse().map_err(|_| none())?;
    let stored = stored(&api, seq).await?.ok_or_else(none)?;
    explain(&api, &who, &stored, sight)
}

/// Find a decision by its event
///
/// Event ids are remembered for a day.
#[utoipa::path(
    get, path = "/v1/decisions", tag = "decisions", security(("key" = ["read"]), ("key" = ["read", "reveal"])),
    params(FindQuery),
    responses(
        (status = 200, description = "The decision with its explanation", body = ExplanationBody),
        (status = 400, description = "The query is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such decision", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "The key has its share of searches waiting; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much is asked for, or the server is shutting down; see Retry-After", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn find(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let headers = request.headers();
    let key = api.admit_key(headers, Role::Read)?;
    let query: FindQuery = query(request.uri())?;
    let sight = sight(&api, headers, query.reveal)?;
    let id = EventId { source: query.source.into(), id: query.event.into() };
    let none = || Problem::new(NO_DECISION, "no event of the last day has this id and this source");
    let seq =
        api.engine().find_for(key.client, id.clone()).await.map_err(|e| api.refused(e))?.ok_or_else(none)?;
    let stored = stored(&api, seq).await?.filter(|s| s.id == id).ok_or_else(none)?;
    explain(&api, &key.name, &stored, sight)
}

/// The query of a request.
pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let read = Query::<T>::try_from_uri(uri);
    read.map(|Query(query)| query).map_err(|e| Problem::new(BAD_QUERY, e.body_text()))
}

fn sight(api: &Api, headers: &HeaderMap, reveal: bool) -> Result<Sight, Problem> {
    if !reveal {
        return Ok(Sight::Masked);
    }
    api.admit(headers, Role::Reveal).map(|_| Sight::Full)
}

/// Reads the journal, away from the threads that answer requests.
async fn stored(api: &Api, seq: u64) -> Result<Option<Stored>, Problem> {
    let engine = api.engine().clone();
    let read = tokio::task::spawn_blocking(move || engine.decision(seq)).await;
    Ok(read.map_err(|e| Problem::ours("read a decision", &e))??)
}

fn explain(api: &Api, who: &str, stored: &Stored, sight: Sight) -> Result<Response, Problem> {
    if sight == Sight::Full {
        let request = passage::id();
        let event_id = passage::printable(&stored.id.id);
        tracing::info!(%request, key = who, decision = stored.seq, event_id, "identifiers of people were revealed");
    }
    let active = api.engine().active();
    let mut response = json_of(&explanation(stored, &active, sight))?;
    // What it shows depends on the key, and may name people.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A decision with its explanation, as the API gives it: for those who read the journal themselves.
#[must_use]
pub fn explained(stored: &Stored, active: &Active, sight: Sight) -> serde_json::Value {
    // It has no maps with other keys than texts, and no numbers that JSON has not.
    serde_json::to_value(explanation(stored, active, sight)).unwrap_or_default()
}

fn effects(signals: &[StoredSignal], sight: Sight) -> Vec<EffectBody<'_>> {
    let mut all = Vec::new();
    for signal in signals {
        all.extend(signal.effects.iter().map(|e| EffectBody::of(&signal.rule, e, sight)));
    }
    all
}

fn explanation<'a>(stored: &'a Stored, active: &'a Active, sight: Sight) -> ExplanationBody<'a> {
    let in_force = *active.program.version.0 == *stored.policy;
    let served = stored.judged.as_ref().map_or(&[][..], |j| &j.served);
    let defined = |id: &str| active.program.features.iter().find(|f| in_force && *f.id == *id);
    let feature = |(id, kind, value): &'a (Box<str>, Type, Value)| {
        feature(id, *kind, Shown::of(value, *kind, sight), defined(id), stored.time.min(stored.received))
    };
    let field = |(field, value): &'a (Field, Value)| ValueBody {
        name: &field.name,
        kind: field.type_name(),
        value: Shown::field(field, value, sight),
    };
    ExplanationBody {
        decision: Seq(stored.seq),
        event_type: &stored.event_type,
        event_id: &stored.id.id,
        source: &stored.id.source,
        time: stored.time.to_string(),
        received: stored.received.to_string(),
        fields: stored.fields.iter().map(field).collect(),
        policy: &stored.policy,
        policy_in_force: in_force,
        verdict: stored.judged.as_ref().map(|j| VerdictName(j.verdict)),
        ask: stored.ask(),
        signals: stored.judged.as_ref().map_or(Vec::new(), |j| answer::signals(&j.signals, sight)),
        effects: stored.judged.as_ref().map_or(Vec::new(), |j| effects(&j.signals, sight)),
        features: served.iter().map(feature).collect(),
        unknown: served.iter().filter(|(_, _, v)| v.is_missing()).map(|(id, ..)| &**id).collect(),
        rules: active.standings(stored).map(|all| all.into_iter().map(|s| RuleBody::of(s, sight)).collect()),
        degraded: stored.judged.as_ref().is_some_and(|j| j.fault),
        masked: sight == Sight::Masked,
    }
}

fn feature<'a>(
    id: &'a str,
    kind: Type,
    value: Shown<'a>,
    defined: Option<&'a Feature>,
    time: Micros,
) -> FeatureBody<'a> {
    FeatureBody {
        id,
        kind: kind.name(),
        value,
        definition: defined.map(|f| &*f.text),
        from: defined.and_then(|f| f.window).map(|w| time.minus(w).to_string()),
        to: defined.map(|_| time.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use wardroom_event::Shape;

    #[test]
    fn lists_are_arrays_and_each_value_is_masked_by_its_type() {
        let check = |record: Option<&str>, fields: &[Field], values: &[Value], sight: Sight, expect: &str| {
            let shape = Shape::Items { record: record.map(Into::into), fields: fields.into() };
            let field = Field { shape: Some(Arc::new(shape)), ..Field::plain("l", Type::List, true) };
            let shown = Shown::field(&field, &Value::List(values.into()), sight);
            assert_eq!(serde_json::to_string(&shown).unwrap(), expect);
        };
        let text = |t: &str| Value::Text(t.into());
        let account = [Field::plain("", Type::Account, false)];
        check(None, &account, &[text("alice"), text("bo")], Sight::Masked, r#"["al…","b…"]"#);
        check(None, &account, &[text("alice")], Sight::Full, r#"["alice"]"#);
        check(None, &account, &[], Sight::Full, "[]");
        let file = [Field::plain("size", Type::Size, false), Field::plain("by", Type::Account, true)];
        let values = [Value::Int(1000), text("alice"), Value::Int(7), Value::Missing];
        let expect = r#"[{"size":1000,"by":"al…"},{"size":7}]"#;
        check(Some("file"), &file, &values, Sight::Masked, expect);
    }
}
