// SPDX-License-Identifier: Apache-2.0
//! From a [`Draft`] to a typed [`Event`]: every field checked, every fault reported at once.

use crate::fault::pointer;
use crate::parse::value;
use crate::{Draft, Event, EventId, Faults, Field, Micros, Raw, Schema, Shape, Type, Value, limits, nearest};
use smallvec::{SmallVec, smallvec};
use std::borrow::Cow;
use std::sync::Arc;

/// Types a draft against `schema`. `received` is its arrival and its time where it names none; `new_id` gives an id
/// to an event that brought none.
///
/// # Errors
/// Every fault of the event: unknown type or field, missing field, wrong value, a time far in the future.
pub fn read(
    draft: Draft<'_>,
    schema: &Arc<Schema>,
    received: Micros,
    new_id: impl FnOnce() -> Box<str>,
) -> Result<Event, Faults> {
    let Some(kind) = schema.id(&draft.kind) else {
        return Err(unknown_type(&draft.kind, schema));
    };
    let mut faults = Faults::new();
    let event = schema.get(kind);
    let mut values = Vec::with_capacity(event.fields.len());
    let place = Place { prefix: draft.prefix, item: None, owner: ("event type", &event.name) };
    members(&draft.fields, &event.fields, place, &mut values, &mut faults);
    let time = draft.time.unwrap_or(received);
    if time > received.plus(limits::FUTURE) {
        let message = format!("`time` is {time}, more than {} after it arrived ({received})", limits::FUTURE);
        faults.add("/time", "future_time", message);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let id = EventId {
        source: draft.source.map_or_else(Box::default, |s| s.into()),
        id: draft.id.map_or_else(new_id, |id| id.into()),
    };
    Ok(Event { schema: schema.clone(), kind, id, time, received, values: values.into() })
}

fn unknown_type(name: &str, schema: &Schema) -> Faults {
    let names: Vec<&str> = schema.iter().map(|(_, t)| &*t.name).collect();
    let shown: String = name.chars().take(64).collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the policy knows: {}", names.join(", ")),
    };
    Faults::one("/type", "unknown_type", format!("no event type `{shown}`; {help}"))
}

/// Where an object stands in what was sent, and what it is to be. Its words are made only for a fault.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// Where the event's fields stand: `""` or `"/data"`.
    prefix: &'a str,
    /// The list it is in, and its number there.
    item: Option<(&'a str, usize)>,
    /// What declares its fields: a kind of declaration and a name.
    owner: (&'static str, &'a str),
}

impl Place<'_> {
    /// The JSON pointer of the object.
    fn here(self) -> String {
        match self.item {
            Some((list, number)) => format!("{}/{number}", pointer(self.prefix, list)),
            None => self.prefix.to_owned(),
        }
    }

    /// The JSON pointer of one of its members.
    fn pointer(self, name: &str) -> String {
        pointer(&self.here(), name)
    }

    /// How one of its members is called: `size`, or `attachments[3].size`.
    fn name(self, member: &str) -> String {
        match self.item {
            Some((list, number)) => format!("{list}[{number}].{member}"),
            None => member.to_owned(),
        }
    }
}

/// Appends the values of `fields`, in their order, to `values`.
fn members(
    given: &[(Cow<'_, str>, Raw<'_>)],
    fields: &[Field],
    place: Place<'_>,
    values: &mut Vec<Value>,
    faults: &mut Faults,
) {
    let first = values.len();
    values.resize(first + fields.len(), Value::Missing);
    // On the stack, for all but the widest types.
    let mut seen: SmallVec<[bool; 64]> = smallvec![false; fields.len()];
    for (name, raw) in given {
        let Some(slot) = fields.iter().position(|f| *f.name == **name) else {
            unknown_field(fields, place, name, faults);
            continue;
        };
        if std::mem::replace(&mut seen[slot], true) {
            let message = format!("`{}` is given twice", place.name(name));
            faults.add(place.pointer(name), "repeated", message);
        }
        let read = match &fields[slot] {
            field if field.kind == Type::List && place.item.is_none() => list(raw, field, place, faults),
            field => value(raw, field).map_err(|why| wrong_value(place, name, &why, faults)),
        };
        if let Ok(value) = read {
            seen[slot] = !value.is_missing();
            values[first + slot] = value;
        }
    }
    for (field, seen) in fields.iter().zip(seen) {
        if !seen && !field.may_lack() {
            missing_field(field, place, faults);
        }
    }
}

/// What was wrong is among the faults.
struct Told;

/// The value of a list field: its items one after the other.
fn list(raw: &Raw<'_>, field: &Field, place: Place<'_>, faults: &mut Faults) -> Result<Value, Told> {
    let (items, shape) = match (raw, field.shape.as_deref()) {
        (Raw::Null, _) => return Ok(Value::Missing),
        (Raw::List(items), Some(Shape::Items { record, fields })) => (items, (record, fields)),
        _ => {
            let why = format!("must be an array, a {}; this is {}", field.type_name(), raw.what());
            return Err(wrong_value(place, &field.name, &why, faults));
        }
    };
    if items.len() > limits::LIST_ITEMS {
        let why = format!("has more than {} items", limits::LIST_ITEMS);
        return Err(wrong_value(place, &field.name, &why, faults));
    }
    let (record, fields) = shape;
    let mut values = Vec::with_capacity(items.len() * fields.len());
    for (number, raw) in items.iter().enumerate() {
        let owner = ("record", record.as_deref().unwrap_or_default());
        let place = Place { item: Some((&field.name, number)), owner, ..place };
        match (raw, &**fields) {
            (Raw::Map(given), _) if record.is_some() => members(given, fields, place, &mut values, faults),
            (_, [field]) if record.is_none() => values.extend(item(raw, field, place, faults)),
            _ => {
                let why = format!("must be an object, a record `{}`; this is {}", owner.1, raw.what());
                wrong_item(place, &why, faults);
            }
        }
    }
    Ok(Value::List(values.into()))
}

/// One plain value of a list.
fn item(raw: &Raw<'_>, field: &Field, place: Place<'_>, faults: &mut Faults) -> Option<Value> {
    let why = match value(raw, field) {
        Ok(Value::Missing) => "must not be null; leave it out".to_owned(),
        Ok(value) => return Some(value),
        Err(why) => why,
    };
    wrong_item(place, &why, faults);
    None
}

fn wrong_item(place: Place<'_>, why: &str, faults: &mut Faults) {
    let (list, number) = place.item.unwrap_or_default();
    faults.add(place.here(), "wrong_value", format!("`{list}[{number}]` {why}"));
}

fn wrong_value(place: Place<'_>, name: &str, why: &str, faults: &mut Faults) -> Told {
    faults.add(place.pointer(name), "wrong_value", format!("`{}` {why}", place.name(name)));
    Told
}

fn unknown_field(fields: &[Field], place: Place<'_>, name: &str, faults: &mut Faults) {
    let help = match nearest(name, fields.iter().map(|f| &*f.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            // Facts may be brought and need not be known.
            let declared = fields.iter().filter(|f| f.fact.is_none());
            let names: Vec<&str> = declared.map(|f| &*f.name).collect();
            format!("its fields are: {}", names.join(", "))
        }
    };
    let shown: String = name.chars().take(64).collect();
    let (kind, owner) = place.owner;
    faults.add(
        place.pointer(name),
        "unknown_field",
        format!("{kind} `{owner}` has no field `{shown}`; {help}"),
    );
}

fn missing_field(field: &Field, place: Place<'_>, faults: &mut Faults) {
    let (kind, owner) = place.owner;
    let (name, type_name) = (place.name(&field.name), field.type_name());
    faults.add(
        place.here(),
        "missing_field",
        format!("`{name}` ({type_name}) is required by {kind} `{owner}`"),
    );
}

#[cfg(test)]
mod tests;
