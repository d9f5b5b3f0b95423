// SPDX-License-Identifier: Apache-2.0
//! What is served for an event, in the order of its type's plan: counters, labels and changing lists as of now and
//! without the event in hand, and what is computed from those.

use crate::keys::Keys;
use crate::marks::Marks;
use crate::memory::Memory;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wardroom_event::{Event, Value};
use wardroom_policy::{Aggregate, Feature, Plan, Program, Reads, Row, Serve, Source, Taken, World};
use wardroom_state::{Keyer, Reading, Sighting};

/// Where served values come from.
#[derive(Clone, Copy)]
pub(crate) struct From<'a> {
    pub(crate) memory: &'a Memory,
    pub(crate) marks: &'a Marks,
    pub(crate) program: &'a Program,
}

/// The values of a plan, and whether making one of them tripped over a fault of our own: it is missing then, and so is
/// what comes after it.
pub(crate) fn serve(from: From<'_>, plan: &Plan, event: &Event, world: &dyn World) -> (Vec<Value>, bool) {
    let mut served: Vec<Value> = Vec::with_capacity(plan.serve.len());
    let mut keys = Keys::new(from.memory.keyer(), event);
    let all = catch_unwind(AssertUnwindSafe(|| {
        for one in &plan.serve {
            let value = self::one(from, plan, one, &Row::new(event, &served, world), &mut keys);
            served.push(bounded(value));
        }
    }));
    served.resize(plan.serve.len(), Value::Missing);
    (served, all.is_err())
}

/// What is served is kept with the decision, so a text has a bound; what reads it reads it as it is kept.
pub(crate) fn bounded(value: Value) -> Value {
    const MOST: usize = crate::limits::SERVED_TEXT_BYTES - 16;
    match value {
        Value::Text(text) if text.len() > MOST => Value::Text(text[..text.floor_char_boundary(MOST)].into()),
        value => value,
    }
}

/// One value, of a row that holds those before it.
fn one<'a>(from: From<'_>, plan: &Plan, serve: &'a Serve, row: &Row<'_>, keys: &mut Keys<'a>) -> Value {
    let From { memory, marks, program } = from;
    match &serve.source {
        Source::Computed(of) => of.of(row),
        Source::Label { of, kind, name } => {
            marks.labelled(*kind, &of.of(row.event), name, row.event.counted_at())
        }
        Source::Listed { list, of } => match of.of(row) {
            Value::Missing => Value::Missing,
            value => Value::Bool(row.world.contains(*list, &value, row.event.counted_at())),
        },
        Source::Feature { feature, reads, key, own, here } => {
            let declared = &program.features[*feature];
            let own = own.and_then(|at| plan.count.get(at)?.takes(row));
            let (key, now) = (keys.of(key), row.event.counted_at());
            if let (Some(here), Aggregate::Speed) = (here, declared.aggregate) {
                let speed = here.of(row).and_then(|place| memory.speed(*feature, key, now, place));
                return speed.map_or(Value::Missing, Value::Number);
            }
            let found = memory.read(*feature, key, now, own.as_ref(), |o| sighting(memory.keyer(), o));
            found.map_or(Value::Missing, |reading| figure(declared, *reads, reading))
        }
    }
}

/// What a counter is given of an event, in its own terms; `None` where there is nothing to tell apart.
pub(crate) fn sighting<'t>(keyer: &Keyer, taken: &'t Taken) -> Option<Sighting<'t>> {
    Some(match taken {
        Taken::Plain => Sighting::Plain,
        Taken::Item(value) => Sighting::Item(keyer.item([value])?),
        Taken::Amount(amount) => Sighting::Amount(*amount),
        Taken::Held(value) => Sighting::Held(value),
        Taken::Mark(mark) => Sighting::Mark(*mark),
        Taken::Steps(first, then) => Sighting::Steps { first: *first, then: *then },
        Taken::Place(lat, lon) => Sighting::Place { lat: *lat, lon: *lon },
    })
}

/// What a counter says, as the value of the feature.
pub(crate) fn figure(feature: &Feature, reads: Reads, reading: Reading) -> Value {
    let int = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    match (feature.aggregate, reading) {
        (Aggregate::Seen, Reading::Count(n)) => Value::Bool(n > 0),
        (Aggregate::Rate, Reading::Count(n)) => {
            let secs = feature.window.map_or(0.0, |w| w.as_secs_f64());
            if secs > 0.0 { Value::Number(n as f64 / secs) } else { Value::Missing }
        }
        (_, Reading::Count(n) | Reading::Sequence(n)) => int(n),
        (_, Reading::Distinct { count, .. }) => int(count),
        (_, Reading::FirstSeen(seen)) => seen.map_or(Value::Missing, Value::Time),
        (Aggregate::Sum(amount), Reading::Sum { total, .. }) => {
            total.map_or(Value::Missing, |n| amount.value(n))
        }
        (Aggregate::Mean(amount), Reading::Sum { total: Some(total), count }) if count > 0 => {
            amount.between(total as f64 / count as f64)
        }
        (Aggregate::Min(amount) | Aggregate::Max(amount), Reading::Extreme(Some(n))) => amount.value(n),
        (Aggregate::Quantile(amount, _), Reading::Quantile(Some(n))) => amount.between(n),
        (_, Reading::Last(value)) => value.unwrap_or(Value::Missing),
        (_, Reading::Ratio { hits, of }) if of > 0 => Value::Number(hits as f64 / of as f64),
        (_, Reading::Baseline { mean, spread, weeks }) => match reads {
            Reads::Weeks => Value::Int(weeks.into()),
            _ if weeks == 0 => Value::Missing,
            Reads::Spread => Value::Number(spread),
            Reads::Mean | Reads::Whole => Value::Number(mean),
        },
        (_, Reading::Speed(speed)) => speed.map_or(Value::Missing, Value::Number),
        _ => Value::Missing,
    }
}
