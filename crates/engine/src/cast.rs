// SPDX-License-Identifier: Apache-2.0
//! Events of one policy as another would have them: what is counted is the whole past, and it was recorded under many.
//!
//! Values move by the name of their type and field. A field that the other policy lacks is left out; one that it has and
//! the event does not, or holds under another type, is missing, required or not. So whether an event counts in a feature
//! depends on the fields that feature looks at, and on no others: a policy that adds or drops a field next to them
//! changes no counter. [`Event::recast`] is stricter, since it makes events that are recorded as what they are now.

use std::sync::Arc;
use wardroom_event::{Event, EventType, Field, Schema, Type, TypeId, Value};

/// How events of one schema become those of another; found out once a policy, not once an event.
pub(crate) struct Cast {
    to: Arc<Schema>,
    /// By type of the old schema; `None` for the whole where nothing moves.
    moves: Option<Vec<Option<Move>>>,
}

/// The new type, and for each of its slots the old one.
type Move = (TypeId, Vec<Option<usize>>);

impl Cast {
    pub(crate) fn new(from: &Schema, to: &Arc<Schema>) -> Cast {
        let moves =
            || from.iter().map(|(_, old)| Some(to.id(&old.name)?).map(|id| (id, slots(old, to.get(id)))));
        Cast { to: to.clone(), moves: (*from != **to).then(|| moves().collect()) }
    }

    /// The event under the other schema; as it came where that has no such type.
    pub(crate) fn event(&self, mut event: Event) -> Result<Event, Event> {
        let Some(moves) = &self.moves else {
            if !Arc::ptr_eq(&event.schema, &self.to) {
                event.schema = self.to.clone();
            }
            return Ok(event);
        };
        let Some((kind, slots)) = moves.get(usize::from(event.kind.0)).and_then(Option::as_ref) else {
            return Err(event);
        };
        let mut old = event.values;
        let take = |slot: &Option<usize>| match slot.and_then(|slot| old.get_mut(slot)) {
            Some(value) => std::mem::replace(value, Value::Missing),
            None => Value::Missing,
        };
        event.values = slots.iter().map(take).collect();
        (event.schema, event.kind) = (self.to.clone(), *kind);
        Ok(event)
    }
}

/// For each type of the old schema, what it is in the new one, and where each of its values goes there.
pub(crate) fn targets(from: &Schema, to: &Schema) -> Vec<Option<(TypeId, Vec<Option<usize>>)>> {
    let target = |old: &EventType| {
        let id = to.id(&old.name)?;
        let mut targets = vec![None; old.fields.len()];
        for (new, old) in slots(old, to.get(id)).into_iter().enumerate() {
            if let Some(old) = old {
                targets[old] = Some(new);
            }
        }
        Some((id, targets))
    };
    from.iter().map(|(_, old)| target(old)).collect()
}

fn slots(old: &EventType, new: &EventType) -> Vec<Option<usize>> {
    let of = |field: &Field| old.slot(&field.name).filter(|slot| alike(&old.fields[*slot], field));
    new.fields.iter().map(of).collect()
}

/// Whether a value of one field is a value of the other.
fn alike(old: &Field, new: &Field) -> bool {
    old.kind == new.kind && (old.kind != Type::List || old.shape == new.shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_event::{EventId, Micros};

    /// Name, type, whether it may be absent.
    type Plain<'a> = (&'a str, Type, bool);

    fn schema(types: &[(&str, &[Plain<'_>])]) -> Arc<Schema> {
        let field = |(name, kind, optional): &Plain<'_>| Field::plain(*name, *kind, *optional);
        let types = types.iter().map(|(name, fields)| EventType {
            name: (*name).into(),
            fields: fields.iter().map(field).collect(),
        });
        Arc::new(Schema::new(types.collect()))
    }

    fn event(schema: &Arc<Schema>, values: &[Value]) -> Event {
        Event {
            schema: schema.clone(),
            kind: schema.id("hit").unwrap(),
            id: EventId { source: "".into(), id: "1".into() },
            time: Micros(1),
            received: Micros(2),
            values: values.into(),
        }
    }

    #[test]
    fn values_move_by_name_and_type() {
        let old: &[Plain<'_>] =
            &[("n", Type::Int, false), ("gone", Type::Text, false), ("word", Type::Text, true)];
        let from = schema(&[("other", &[]), ("hit", old)]);
        let values = [Value::Int(7), Value::Text("x".into()), Value::Text("w".into())];
        let check = |new: &[Plain<'_>], expect: &[Value]| {
            let to = schema(&[("hit", new)]);
            let cast = Cast::new(&from, &to).event(event(&from, &values)).unwrap();
            assert!(Arc::ptr_eq(&cast.schema, &to));
            assert_eq!((cast.type_name(), &*cast.values), ("hit", expect));
            assert_eq!((cast.time, cast.received, &*cast.id.id), (Micros(1), Micros(2), "1"));
        };
        let word = || Value::Text("w".into());
        check(&[("word", Type::Text, true), ("n", Type::Int, true)], &[word(), Value::Int(7)]);
        check(&[("word", Type::Text, false), ("new", Type::Ip, false)], &[word(), Value::Missing]);
        check(&[("n", Type::Number, false), ("word", Type::Domain, true)], &[Value::Missing, Value::Missing]);
        check(&[], &[]);
        let none = schema(&[("other", &[])]);
        let back = Cast::new(&from, &none).event(event(&from, &values)).unwrap_err();
        assert_eq!(*back.values, values, "it is given back whole");
    }

    #[test]
    fn equal_schemas_share_one() {
        let fields: &[Plain<'_>] = &[("n", Type::Int, false)];
        let (from, to) = (schema(&[("hit", fields)]), schema(&[("hit", fields)]));
        let cast = Cast::new(&from, &to).event(event(&from, &[Value::Int(1)])).unwrap();
        assert!(Arc::ptr_eq(&cast.schema, &to) && *cast.values == [Value::Int(1)]);
    }
}
