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
            let of = self.values.get(fact.of).filter(|value| !value.is_missing());
            let found = of.map(|value| facts.fact(fact.part, value));
            self.values[slot] = found.unwrap_or(Value::Missing);
        }
    }

    /// Puts what `pseudonym` gives in the place of each value that is declared to be hashed. After [`Event::enrich`], for what
    /// is known of a value is not known of its hash.
    pub fn hash(&mut self, pseudonym: impl Fn(Type, &Value) -> Value) {
        let fields = &self.schema.get(self.kind).fields;
        for (field, value) in fields.iter().zip(self.values.iter_mut()) {
            if field.hashed && !value.is_missing() {
                *value = pseudonym(field.kind, value);
            }
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
        (kind, _) if kind != old.kind || new.hashed != old.hashed => false,
        (Type::Enum, Value::Text(text)) => new.members().contains(text),
        (Type::List, _) => new.shape == old.shape,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventType, Fact, NoFacts, Part, Shape};
    use proptest::prelude::*;

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    fn one_of(name: &str, members: &[&str]) -> Field {
        let shape = Shape::OneOf(members.iter().map(|m| (*m).into()).collect());
        Field { shape: Some(Arc::new(shape)), ..Field::plain(name, Type::Enum, true) }
    }

    fn list(name: &str, kind: Type) -> Field {
        let fields = [Field::plain("", kind, false)].into();
        let shape = Shape::Items { record: None, fields };
        Field { shape: Some(Arc::new(shape)), ..Field::plain(name, Type::List, true) }
    }

    fn fact(name: &str, of: usize, part: Part, kind: Type) -> Field {
        Field { fact: Some(Fact { of, part }), ..Field::plain(name, kind, true) }
    }

    fn schema(fields: &[Field]) -> Arc<Schema> {
        Arc::new(Schema::new(vec![EventType { name: "e".into(), fields: fields.to_vec() }]))
    }

    fn event(fields: &[Field], values: &[Value]) -> Event {
        Event {
            schema: schema(fields),
            kind: TypeId(0),
            id: EventId { source: "s".into(), id: "1".into() },
            time: Micros(1),
            received: Micros(2),
            values: values.into(),
        }
    }

    #[test]
    fn values_move_by_name_or_not_at_all() {
        let check = |old: &Field, value: Value, new: &[Field], expect: Option<&[Value]>| {
            let old = event(std::slice::from_ref(old), &[value]);
            let got = old.recast(&schema(new));
            assert_eq!(got.as_ref().map(|e| &*e.values), expect, "{old:?} {new:?}");
        };
        let a = Field::plain("a", Type::Int, true);
        let b = Field::plain("b", Type::Int, true);
        let required = Field::plain("b", Type::Int, false);
        check(&a, Value::Int(1), &[b.clone(), a.clone()], Some(&[Value::Missing, Value::Int(1)]));
        check(&a, Value::Int(1), &[], None);
        check(&a, Value::Missing, &[], Some(&[]));
        check(&a, Value::Int(1), &[Field::plain("a", Type::Size, true)], None);
        check(&a, Value::Int(1), &[a.clone(), required], None);

        let plan = one_of("plan", &["free", "paid"]);
        let more = one_of("plan", &["gold", "paid", "free"]);
        let fewer = one_of("plan", &["free"]);
        check(&plan, text("paid"), &[more], Some(&[text("paid")]));
        check(&plan, text("paid"), std::slice::from_ref(&fewer), None);
        check(&plan, text("free"), std::slice::from_ref(&fewer), Some(&[text("free")]));
        check(&plan, text("free"), &[Field::plain("plan", Type::Text, true)], None);
        check(&Field::plain("plan", Type::Text, true), text("free"), &[fewer], None);

        let urls = Value::List([text("http://a")].into());
        check(
            &list("l", Type::Url),
            urls.clone(),
            &[list("l", Type::Url)],
            Some(std::slice::from_ref(&urls)),
        );
        check(&list("l", Type::Url), urls, &[list("l", Type::Text)], None);
        check(&list("l", Type::Url), Value::Missing, &[list("l", Type::Text)], Some(&[Value::Missing]));

        let asn = fact("ip.asn", 0, Part::IpAsn, Type::Int);
        check(&asn, Value::Int(1), &[], Some(&[]));
        check(&asn, Value::Int(1), &[a.clone(), asn.clone()], Some(&[Value::Missing, Value::Int(1)]));
        check(&asn, Value::Int(1), &[fact("ip.asn", 0, Part::IpAsn, Type::Text)], Some(&[Value::Missing]));
        let demanding = Field { optional: false, ..asn };
        check(&a, Value::Int(1), &[a.clone(), demanding], Some(&[Value::Int(1), Value::Missing]));
    }

    /// Says what it was asked.
    struct Echo;

    impl Facts for Echo {
        fn fact(&self, part: Part, value: &Value) -> Value {
            text(&format!("{part:?} {}", value.show(Type::Ip, crate::Sight::Full)))
        }
    }

    #[test]
    fn facts_are_filled_where_they_are_missing() {
        let fields = [
            Field::plain("ip", Type::Ip, true),
            Field::plain("note", Type::Text, true),
            fact("ip.kind", 0, Part::IpKind, Type::Text),
            fact("ip.country", 0, Part::IpCountry, Type::Text),
            fact("note.shape", 1, Part::TextShape, Type::Text),
            // Of a field that is not there: from a record that says so.
            fact("x.kind", 9, Part::IpKind, Type::Text),
        ];
        let ip = Value::Ip("192.0.2.1".parse().unwrap());
        let missing = || Value::Missing;
        let given = [ip.clone(), missing(), text("vpn"), missing(), missing(), missing()];
        let mut event = event(&fields, &given);
        let before = event.clone();
        event.enrich(&NoFacts);
        assert_eq!(event, before);
        event.enrich(&Echo);
        let country = text("IpCountry 192.0.2.1");
        assert_eq!(*event.values, [ip, missing(), text("vpn"), country, missing(), missing()]);
        let after = event.clone();
        event.enrich(&Echo);
        assert_eq!(event, after);
    }

    proptest! {
        /// There and back: an order of fields, and whatever stands between them, loses nothing.
        #[test]
        fn an_event_comes_back_from_a_wider_schema(
            values in proptest::collection::vec(prop_oneof![Just(Value::Missing), any::<i64>().prop_map(Value::Int)], 1..6),
            order in Just((0..8usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let fields: Vec<Field> =
                (0..8).map(|n| Field::plain(format!("f{n}"), Type::Int, true)).collect();
            let old = event(&fields[..values.len()], &values);
            let wider: Vec<Field> = order.iter().map(|n| fields[*n].clone()).collect();
            let moved = old.recast(&schema(&wider)).unwrap();
            for (place, n) in order.iter().enumerate() {
                prop_assert_eq!(&moved.values[place], values.get(*n).unwrap_or(&Value::Missing));
            }
            prop_assert_eq!(moved.recast(&old.schema), Some(old));
        }
    }
}
