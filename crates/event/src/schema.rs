// SPDX-License-Identifier: Apache-2.0
//! Event types as policy declares them: their names and fields.

use crate::Field;
use std::collections::HashMap;

/// The number of an event type within one [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u16);

/// One declared event type. A field's place in `fields` is its slot in [`crate::Event::values`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventType {
    /// Its name.
    pub name: Box<str>,
    /// Its fields, in slot order.
    pub fields: Vec<Field>,
}

impl EventType {
    /// The slot of the field called `name`.
    pub fn slot(&self, name: &str) -> Option<usize> {
        // A type has a dozen fields: walking them beats hashing the name.
        self.fields.iter().position(|f| &*f.name == name)
    }
}

/// All event types of one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    types: Vec<EventType>,
    by_name: HashMap<Box<str>, TypeId>,
}

impl Schema {
    /// A schema of these types; their order gives their [`TypeId`]s. Of two with one name the first wins.
    pub fn new(types: Vec<EventType>) -> Schema {
        let mut by_name = HashMap::with_capacity(types.len());
        for (i, t) in types.iter().enumerate() {
            let id = TypeId(u16::try_from(i).unwrap_or(u16::MAX));
            by_name.entry(t.name.clone()).or_insert(id);
        }
        Schema { types, by_name }
    }

    /// The id of the type called `name`.
    pub fn id(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    /// The type with this id.
    ///
    /// # Panics
    /// When the id came from another schema: that is our own fault.
    pub fn get(&self, id: TypeId) -> &EventType {
        &self.types[usize::from(id.0)]
    }

    /// Every type with its id.
    pub fn iter(&self) -> impl Iterator<Item = (TypeId, &EventType)> {
        self.types.iter().enumerate().map(|(i, t)| (TypeId(u16::try_from(i).unwrap_or(u16::MAX)), t))
    }

    /// How many types there are.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }
}
