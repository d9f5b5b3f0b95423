// SPDX-License-Identifier: Apache-2.0
//! A record of an event without what is kept no longer.
//!
//! A field that goes takes with it what was looked up about it. Of what was served and said in reasons nobody can tell what
//! came of it, so texts, addresses and lists among that go too, and numbers stay: counts name nobody. Missing stands in
//! their place, also where the event's type demands a value: a reader that finds it missing knows why.

use super::super::event::open_event;
use super::super::{Dictionary, Hand, Input, Unreadable, kind};
use super::Pen;
use crate::acts::AgainRecord;
use crate::decision::StoredSignal;
use wardroom_event::{Field, Repr, Type, Value};

/// What goes of the events of a type: all values, or those of some fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Going {
    pub(crate) all: bool,
    pub(crate) fields: Vec<Box<str>>,
}

impl Going {
    /// For each of a type's fields, whether its values go: what was looked up about a field goes with it.
    pub fn slots(&self, fields: &[Field]) -> Vec<bool> {
        let is_named = |field: &Field| self.all || self.fields.contains(&field.name);
        let goes = |field: &Field| {
            let about = field.fact.and_then(|fact| fields.get(fact.of));
            is_named(field) || about.is_some_and(is_named)
        };
        fields.iter().map(goes).collect()
    }

    /// Whether a value of this form, served for an event of which a field goes, goes with it.
    pub fn takes_form(&self, repr: Repr) -> bool {
        self.all || matches!(repr, Repr::Text | Repr::Ip | Repr::Net | Repr::List)
    }

    fn takes(&self, value: &Value) -> bool {
        let may_tell = matches!(value, Value::Text(_) | Value::Ip(_) | Value::Net(_) | Value::List(_));
        may_tell || (self.all && !value.is_missing())
    }

    /// Takes from a signal of such an event what goes with it; whether there was any.
    pub fn signal(&self, signal: &mut StoredSignal) -> bool {
        let mut hand = Forgetting { slots: Vec::new(), going: self, values: 0, any: true };
        super::scrub_signal(signal, &mut hand)
    }
}

/// The payload of a record of an event, of kind 1, 2 or 14, without what is `going` of its type; none where nothing of it is
/// there. Gives also how many values went.
pub(crate) fn forget(
    of: u8,
    payload: &[u8],
    dictionary: &Dictionary,
    going: impl Fn(&str) -> Option<Going>,
) -> Result<Option<(Vec<u8>, u64)>, Unreadable> {
    let decided = if of == kind::AGAIN { AgainRecord::split(payload)?.1 } else { payload };
    let head = open_event(&mut Input::new(decided), dictionary)?;
    let event = dictionary.schema.get(head.kind);
    let Some(going) = going(&event.name) else { return Ok(None) };
    let mut hand = Forgetting { slots: going.slots(&event.fields), going: &going, values: 0, any: false };
    let mut pen =
        Pen { out: payload[..payload.len() - decided.len()].to_vec(), changed: false, hand: &mut hand };
    pen.event(decided, of != kind::RECORDED, dictionary)?;
    let (out, changed) = (pen.out, pen.changed);
    Ok(changed.then_some((out, hand.values)))
}

struct Forgetting<'a> {
    slots: Vec<bool>,
    going: &'a Going,
    values: u64,
    /// A field of this event went.
    any: bool,
}

impl Hand for Forgetting<'_> {
    fn field(&mut self, slot: usize, _: Option<Type>, value: &Value) -> Option<Value> {
        if value.is_missing() || !self.slots.get(slot).copied().unwrap_or(false) {
            return None;
        }
        (self.any, self.values) = (true, self.values + 1);
        Some(Value::Missing)
    }

    fn value(&mut self, _: Option<Type>, value: &Value) -> Option<Value> {
        let goes = self.any && self.going.takes(value);
        self.values += u64::from(goes);
        goes.then_some(Value::Missing)
    }

    fn text(&mut self, _: &str) -> Option<String> {
        None
    }

    fn id(&mut self, _: &str) -> Option<String> {
        None
    }
}
