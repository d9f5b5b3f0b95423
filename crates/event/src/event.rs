// SPDX-License-Identifier: Apache-2.0
//! An event: something that happened, typed and ready to be sequenced.

use crate::{Facts, Field, Micros, Schema, Type, TypeId, Value};
use std::sync::Arc;

/// What makes an event the same event when it is sent again: who sent it and the id it was given there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventId {
    /// CloudEvents `source`; empty where none was given.
    pub source: Box<str>,
    /// The sender's id.
    pub id: Box<str>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The schema it was read with; a policy swapped in later may have another.
    pub schema: Arc<Schema>,
    /// Its type within `schema`.
    pub kind: TypeId,
    /// Its identity.
    pub id: EventId,
    /// When it happened, as its sender says.
    pub time: Micros,
    /// When it arrived here.
    pub received: Micros,
    /// Field values in the slots of its type.
    pub values: Box<[Value]>,
}

impl Event {
    /// The name of its type.
    pub fn type_name(&self) -> &str {
        &self.schema.get(self.kind).name
    }

    /// The time it is counted under: its own, or its arrival where its own lies after that. A sender's clock that
    /// runs ahead must not age the counters that others share with it.
    pub fn counted_at(&self) -> Micros {
        self.time.min(self.received)
    }

    /// Fills the facts it lacks from `facts`. What its sender brought stays as it is.
    pub fn enrich(&mut self, facts: &dyn Facts) {
        let fields = &self.schema.get(self.kind).fields;
        for (slot, field) in fields.iter().enumerate() {
            let Some(fact) = field.fact else { continue };
            if !self.values.get(slot).is_some_and(Value::is_missing) {
                continue;
            }
            let found = self.values.get(fact.of).map(|value| facts.fact(fact.part, value));
            self.values[slot] = found.unwrap_or(Value::Missing);
        }
    }

    /// The same event under another schema: values move by field name. `None` when the other schema has no such
    /// type, lacks a field the event holds, holds it under another type or shape, has an enum without its value, or
    /// requires a field the event lacks. Facts that the other schema does not have are left behind.
    pub fn recast(&self, schema: &Arc<Schema>) -> Option<Event> {
        let old = self.schema.get(self.kind);
        let kind = schema.id(&old.name)?;
        let new = schema.get(kind);
        let mut values = vec![Value::Missing; new.fields.len()];
        for (field, value) in old.fields.iter().zip(&self.values) {
            if value.is_missing() {
                continue;
            }
            let slot = new.slot(&field.name).filter(|slot| takes(&new.fields[*slot], field, value));
            match slot {
                Some(slot) => values[slot] = value.clone(),
                None if field.fact.is_some() => {}
                None => return None,
            }
        }
        let complete = new.fields.iter().zip(&values).all(|(f, v)| f.may_lack() || !v.is_missing());
        complete.then(|| Event { schema: schema.clone(), kind, values: values.into(), ..self.clone() })
    }
}

/// Whether a value of the field `old` may stand in `new`.
fn takes(new: &Field, old: &Field, value: &Value) -> bool {
    match (new.kind, value) {
        (kind, _) if kind != old.kind => false,
        (Type::Enum, Value::Text(text)) => new.members().contains(text),
        (Type::List, _) => new.shape == old.shape,
        _ => true,
    }
}
