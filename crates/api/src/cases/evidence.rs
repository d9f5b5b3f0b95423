// SPDX-License-Identifier: Apache-2.0
//! What there is to know of a case, in one answer: a person who decides about somebody's account should not have to put it
//! together from six.

use super::{CaseBody, all, find, look};
use crate::act::aside;
use crate::act::labels::opinions_of;
use crate::answer::Seq;
use crate::api::Api;
use crate::explain::explained;
use crate::limits;
use crate::problem::Problem;
use crate::sentinel::past::{self, Seen};
use serde_json::{Value as Json, json};
use wardroom_engine::Stored;
use wardroom_engine::acts::Subject;
use wardroom_event::{Field, Sight, Type, Value};
use wardroom_history::labels::{Opinion, Said, known_at};
use wardroom_history::query::Look;

/// The event type in which owners say what was theirs.
const REPORT: &str = "owner_report";

/// The bundle of a case.
pub(super) async fn bundle(api: &Api, key: &str, sight: Sight) -> Result<Json, Problem> {
    let (inner, key, now, look) = (api.clone(), key.to_owned(), api.now(), look(api, sight));
    let found = aside("look for a case", move || {
        let cases = all(&inner)?;
        let case = find(cases.clone(), &key)?;
        let stored = inner.engine().decision(case.event)?;
        let account = stored.as_ref().and_then(account_of);
        let others = others(&inner, &cases, &case.key, account.as_ref(), look)?;
        let labels = labels(&inner, case.event, account.as_ref(), now)?;
        let shown = CaseBody::of(&case, stored.as_ref(), look, now);
        let decision = stored.as_ref().map(|stored| explained(stored, &inner.engine().active(), sight));
        Ok::<_, Problem>((
            json!({ "case": shown, "decision": decision, "cases": others, "labels": labels }),
            account,
        ))
    });
    let (mut bundle, account) = found.await??;
    let mut notes = Vec::new();
    let (mut events, mut reports) = (Vec::new(), Vec::new());
    match &account {
        None => notes.push("the event names no account"),
        Some(_) if api.options().history.is_none() => notes.push("this server keeps no history"),
        Some((_, value)) => {
            let wanted = past::Wanted { fields: None, to: None, most: limits::CASE_EVENTS };
            let seen = past::of_account(api, value.clone(), None, wanted).await?;
            for it in &seen {
                let into = if *it.event_type == *REPORT { &mut reports } else { &mut events };
                into.push(event(it, look));
            }
        }
    }
    bundle["events"] = events.into();
    bundle["reports"] = reports.into();
    bundle["notes"] = json!(notes);
    Ok(bundle)
}

/// The account that an event names first.
fn account_of(stored: &Stored) -> Option<(Field, Value)> {
    let found =
        stored.fields.iter().find(|(field, value)| field.kind == Type::Account && !value.is_missing());
    found.cloned()
}

fn event(seen: &Seen, look: Look) -> Json {
    let known = seen.fields.iter().zip(&seen.row.values).filter(|(_, value)| !value.is_missing());
    let fields: serde_json::Map<String, Json> =
        known.map(|(field, value)| (field.name.to_string(), look.text(field, value).into())).collect();
    let judged = seen.row.judged.as_ref();
    let rules = judged.map(|judged| {
        judged.signals.iter().filter(|s| s.decides).map(|s| s.rule.to_string()).collect::<Vec<_>>()
    });
    json!({
        "decision": Seq(seen.row.seq),
        "type": &*seen.event_type,
        "time": seen.row.time.to_string(),
        "verdict": judged.map(|judged| judged.verdict.name()),
        "ask": judged.and_then(|judged| judged.signals.first().filter(|s| s.decides)?.ask.as_deref()),
        "rules": rules.unwrap_or_default(),
        "fields": fields,
    })
}

/// Other cases about the same account.
fn others(
    api: &Api,
    cases: &[super::Case],
    key: &str,
    account: Option<&(Field, Value)>,
    look: Look,
) -> Result<Vec<CaseBody>, Problem> {
    let Some((_, account)) = account else { return Ok(Vec::new()) };
    let mut others = Vec::new();
    for case in cases.iter().filter(|case| case.key != key) {
        let stored = api.engine().decision(case.event)?;
        if stored.as_ref().and_then(account_of).is_some_and(|(_, of)| of == *account) {
            others.push(CaseBody::of(case, stored.as_ref(), look, api.now()));
        }
    }
    Ok(others)
}

/// What was said of the event and of the account, and what of it counts.
fn labels(
    api: &Api,
    event: u64,
    account: Option<&(Field, Value)>,
    now: wardroom_event::Micros,
) -> Result<Json, Problem> {
    let of = |subject: &Subject| -> Result<Vec<Json>, Problem> {
        let all = opinions_of(api.engine(), subject)?;
        let counting: Vec<u64> = known_at(&all, now).map(|opinion| opinion.seq).collect();
        let said = all.iter().filter(|opinion| !matches!(opinion.said, Said::Undone(_)));
        Ok(said.map(|opinion| opinion_body(opinion, counting.contains(&opinion.seq))).collect())
    };
    let account = account.map(|(field, value)| Subject::Entity { kind: field.kind, value: value.clone() });
    Ok(json!({
        "event": of(&Subject::Event(event))?,
        "account": account.as_ref().map(of).transpose()?.unwrap_or_default(),
    }))
}

fn opinion_body(opinion: &Opinion, counts: bool) -> Json {
    json!({
        "act": Seq(opinion.seq),
        "known": opinion.known.to_string(),
        "source": opinion.source.to_string(),
        "label": opinion.label.to_string(),
        "says": opinion.said == Said::Yes,
        "counts": counts,
    })
}
