// SPDX-License-Identifier: Apache-2.0
//! The value that came last.

use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::generations::Cell;
use crate::table::{Counter, Table};
use crate::window::{Moment, Sight};
use crate::{Key, Reading, Sighting, limits};
use wardroom_event::{Micros, Value};

/// The newest value of a key. In a box, because a value is larger than a cell should be.
#[derive(Default)]
pub(crate) struct Last(Option<Box<Newest>>);

struct Newest {
    tile: u32,
    time: Micros,
    /// Missing where it was too long to be held.
    value: Value,
}

impl Cell for Last {
    fn heap(&self) -> usize {
        self.0.as_ref().map_or(0, |newest| size_of::<Newest>() + outside(&newest.value).unwrap_or(0))
    }
}

impl Counter for Last {
    type Rule = ();

    const HOLDS: bool = true;

    fn exchange(&mut self, change: &mut dyn FnMut(&Value) -> Option<Value>) {
        if let Some(newest) = &mut self.0
            && let Some(other) = change(&newest.value)
        {
            newest.value = kept(&other);
        }
    }

    fn add(table: &mut Table<Last>, key: Key, sighting: Sighting<'_>, time: Micros) {
        if let Some(value) = held(sighting) {
            table.see(key, time, |last, at| last.add(value, at));
        }
    }

    fn read(table: &Table<Last>, view: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        let found = table.find(view, key, now).and_then(|(last, sight)| last.newest(sight));
        let in_hand = with.and_then(held).filter(|_| table.in_hand(view, now).is_some());
        let value = match in_hand {
            Some(value) if found.is_none_or(|newest| newest.time <= now) => Some(kept(value)),
            _ => found.map(|newest| newest.value.clone()),
        };
        Reading::Last(value.filter(|value| !value.is_missing()))
    }
}

impl Last {
    fn add(&mut self, value: &Value, at: Moment) {
        if self.0.as_ref().is_none_or(|newest| newest.time <= at.time) {
            self.0 = Some(Box::new(Newest { tile: at.tile, time: at.time, value: kept(value) }));
        }
    }

    fn newest(&self, sight: Sight) -> Option<&Newest> {
        self.0.as_deref().filter(|newest| sight.keeps(newest.tile))
    }
}

/// The value of a sighting that has one.
fn held(sighting: Sighting<'_>) -> Option<&Value> {
    match sighting {
        Sighting::Held(value) if !value.is_missing() => Some(value),
        _ => None,
    }
}

/// What is kept of a value: all of it or nothing.
fn kept(value: &Value) -> Value {
    match outside(value) {
        Some(bytes) if bytes <= limits::HELD_BYTES => value.clone(),
        _ => Value::Missing,
    }
}

/// How many bytes a value holds outside itself; unknown of what is no single value.
fn outside(value: &Value) -> Option<usize> {
    match value {
        Value::Text(text) => Some(text.len()),
        Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Time(_) | Value::Duration(_) => Some(0),
        Value::Ip(_) | Value::Net(_) => Some(0),
        _ => None,
    }
}

impl Stored for Last {
    /// So many as tiles would take as many bytes.
    fn parts(&self) -> usize {
        self.0.as_ref().map_or(0, |newest| outside(&newest.value).unwrap_or(0) / 16)
    }

    fn encode(&self, pen: &mut Pen<'_>) {
        match &self.0 {
            None => pen.byte(0),
            Some(newest) => {
                pen.byte(1);
                pen.tile(newest.tile);
                pen.signed(newest.time.0);
                pen.value(&newest.value);
            }
        }
    }

    fn decode(from: &mut Source<'_>) -> Result<Last, Unreadable> {
        Ok(Last(match from.byte()? {
            0 => None,
            1 => {
                let (tile, time) = (from.tile()?, Micros(from.signed()?));
                Some(Box::new(Newest { tile, time, value: from.value(limits::HELD_BYTES)? }))
            }
            _ => return Err(Unreadable::No("form of a last value")),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_not_held() {
        let check = |len: usize, expect: bool| {
            let text = Value::Text("x".repeat(len).into());
            let mut last = Last::default();
            last.add(&Value::Int(1), Moment::at(5, 5));
            last.add(&text, Moment::at(5, 5));
            let newest = last.newest(Moment::at(5, 5).live).unwrap();
            assert_eq!(newest.value, if expect { text } else { Value::Missing }, "{len}");
            assert_eq!(last.heap(), size_of::<Newest>() + if expect { len } else { 0 });
        };
        check(0, true);
        check(limits::HELD_BYTES, true);
        check(limits::HELD_BYTES + 1, false);
        check(1 << 20, false);
    }

    #[test]
    fn a_cell_is_8_bytes() {
        assert_eq!(size_of::<Last>(), 8);
    }
}
