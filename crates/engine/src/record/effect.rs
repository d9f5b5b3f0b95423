// SPDX-License-Identifier: Apache-2.0
//! Effects as bytes: within a signal, and as records of their own where they change what later events are judged by.

use super::Unreadable;
use super::bytes::{Input, put_i64, put_text, put_u64};
use super::values::{kind_byte, put_kind_byte, put_value, value};
use crate::decision::{Stored, StoredEffect};
use wardroom_event::Micros;

const VERSION: u8 = 1;

/// A change of labels or lists, with the decision and the rule it follows from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// The decision's number.
    pub(crate) decision: u64,
    /// When its event counts.
    pub(crate) at: Micros,
    /// The rule's id.
    pub(crate) rule: Box<str>,
    pub(crate) effect: StoredEffect,
}

impl Change {
    /// The changes that follow from a decision, in the order in which they are recorded.
    pub(crate) fn of(stored: &Stored) -> impl Iterator<Item = Change> {
        let (decision, at) = (stored.seq, stored.counted_at());
        let signals = stored.judged.iter().flat_map(|judged| &judged.signals);
        signals.flat_map(move |signal| {
            let effects = signal.effects.iter().filter(|e| e.changes_state());
            effects.map(move |e| Change { decision, at, rule: signal.rule.clone(), effect: e.clone() })
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_u64(out, self.decision);
        put_i64(out, self.at.0);
        put_text(out, &self.rule);
        put_effect(out, &self.effect);
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Change, Unreadable> {
        let mut input = Input::new(payload);
        let version = input.byte()?;
        if version != VERSION {
            return Err(format!("a change of version {version}; this program reads version {VERSION}"));
        }
        let decision = input.u64()?;
        let at = Micros(input.i64()?);
        let rule = input.text()?.into();
        let effect = effect(&mut input)?;
        input.finish()?;
        Ok(Change { decision, at, rule, effect })
    }
}

pub(super) fn put_effect(out: &mut Vec<u8>, effect: &StoredEffect) {
    match effect {
        StoredEffect::Label { kind, value, name, until } => {
            out.push(1);
            put_kind_byte(out, *kind);
            put_value(out, value);
            put_text(out, name);
            put_until(out, *until);
        }
        StoredEffect::List { list, kind, value, until } => {
            out.push(2);
            put_text(out, list);
            put_kind_byte(out, *kind);
            put_value(out, value);
            put_until(out, *until);
        }
        StoredEffect::Case(queue) => put_named(out, 3, queue),
        StoredEffect::Notify(whom) => put_named(out, 4, whom),
        StoredEffect::Webhook(hook) => put_named(out, 5, hook),
    }
}

fn put_named(out: &mut Vec<u8>, tag: u8, name: &str) {
    out.push(tag);
    put_text(out, name);
}

pub(crate) fn put_until(out: &mut Vec<u8>, until: Option<Micros>) {
    out.push(u8::from(until.is_some()));
    if let Some(until) = until {
        put_i64(out, until.0);
    }
}

pub(super) fn effect(input: &mut Input<'_>) -> Result<StoredEffect, Unreadable> {
    Ok(match input.byte()? {
        1 => {
            let (kind, value) = (kind_byte(input)?, value(input)?);
            StoredEffect::Label { kind, value, name: input.text()?.into(), until: until(input)? }
        }
        2 => {
            let list = input.text()?.into();
            let (kind, value) = (kind_byte(input)?, value(input)?);
            StoredEffect::List { list, kind, value, until: until(input)? }
        }
        3 => StoredEffect::Case(input.text()?.into()),
        4 => StoredEffect::Notify(input.text()?.into()),
        5 => StoredEffect::Webhook(input.text()?.into()),
        tag => return Err(format!("an unknown effect {tag}")),
    })
}

pub(crate) fn until(input: &mut Input<'_>) -> Result<Option<Micros>, Unreadable> {
    if input.byte()? == 0 { Ok(None) } else { Ok(Some(Micros(input.i64()?))) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::values::tests::any_value;
    use super::*;
    use proptest::prelude::*;
    use wardroom_event::Type;

    pub(crate) fn any_effect() -> impl Strategy<Value = StoredEffect> {
        let kind = prop::sample::select(Type::ALL.to_vec());
        let until = prop::option::of(any::<i64>().prop_map(Micros));
        let named = ".{0,12}".prop_map(Box::<str>::from);
        (0u8..5, kind, any_value(), named, until).prop_map(|(which, kind, value, name, until)| match which {
            0 => StoredEffect::Label { kind, value, name, until },
            1 => StoredEffect::List { list: name, kind, value, until },
            2 => StoredEffect::Case(name),
            3 => StoredEffect::Notify(name),
            _ => StoredEffect::Webhook(name),
        })
    }

    proptest! {
        #[test]
        fn a_change_comes_back(decision in any::<u64>(), rule in ".{0,20}", effect in any_effect(), junk in prop::collection::vec(any::<u8>(), 0..60)) {
            let change = Change { decision, at: Micros(decision as i64), rule: rule.into(), effect };
            let mut bytes = Vec::new();
            change.encode(&mut bytes);
            prop_assert_eq!(format!("{:?}", Change::decode(&bytes).unwrap()), format!("{change:?}"));
            let _ = Change::decode(&junk);
            bytes.pop();
            prop_assert!(Change::decode(&bytes).is_err());
        }
    }
}
