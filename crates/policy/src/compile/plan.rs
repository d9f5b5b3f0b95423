// SPDX-License-Identifier: Apache-2.0
//! What is served for events of one type: each value once, what it is computed from before it.

use super::operand::Operand;
use super::{number, value};
use crate::ir::{CheckedFeature, Computed as Lazily, Each, KeyName, Node, Typed};
use crate::program::{Computed, Here, KeyPath, List, ListId, Plan, Reads, Serve, Source};
use wardroom_event::{EventType, Part, Schema, Shape, Type, TypeId};
use wardroom_report::Loc;

/// What is served where an expression is compiled.
pub(super) enum Serving<'a> {
    /// The event type's plan, which grows by each value the expression reads.
    Grows(&'a mut Plan),
    /// A plan that is done: an expression of it is looked into, and reads what is served already.
    Stands(&'a Plan),
}

/// The slot of what is not served; it reads as missing.
const NOWHERE: usize = usize::MAX;

impl Serving<'_> {
    pub(super) fn plan(&self) -> &Plan {
        match self {
            Serving::Grows(plan) => plan,
            Serving::Stands(plan) => plan,
        }
    }

    fn slot(&self, is_it: impl Fn(&Serve) -> bool) -> Option<usize> {
        let found = self.plan().serve.iter().position(is_it);
        found.or(matches!(self, Serving::Stands(_)).then_some(NOWHERE))
    }

    fn add(&mut self, serve: Serve) -> usize {
        let Serving::Grows(plan) = self else { return NOWHERE };
        plan.serve.push(serve);
        plan.serve.len() - 1
    }
}

/// Where an expression is compiled.
pub(crate) struct Scope<'a> {
    pub(super) plan: Serving<'a>,
    pub(super) features: &'a [CheckedFeature],
    pub(super) lists: &'a [List],
    pub(super) computed: &'a [Lazily],
    pub(super) schema: &'a Schema,
    pub(super) on: TypeId,
    /// What is compiled is a comprehension that is served itself.
    pub(super) within: bool,
}

/// What every expression of a policy is compiled against.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) features: &'a [CheckedFeature],
    pub(super) lists: &'a [List],
    pub(super) computed: &'a [Lazily],
    pub(super) schema: &'a Schema,
}

impl<'a> Scope<'a> {
    /// Expressions about events of one type.
    pub(super) fn new(plan: Serving<'a>, ground: Ground<'a>, on: TypeId) -> Scope<'a> {
        let Ground { features, lists, computed, schema } = ground;
        Scope { plan, features, lists, computed, schema, on, within: false }
    }

    /// The served slot of a feature's figure.
    pub(super) fn feature(&mut self, feature: usize, reads: Reads) -> usize {
        let is_it = |s: &Serve| matches!(&s.source, Source::Feature { feature: f, reads: r, .. } if *f == feature && *r == reads);
        if let Some(slot) = self.plan.slot(is_it) {
            return slot;
        }
        let declared = &self.features[feature];
        let key = declared.by.iter().map(|k| self.path(k)).collect();
        let here = declared.place.as_ref().map(|(lat, lon)| {
            let (lat, lon) = (self.degrees(lat), self.degrees(lon));
            Here(lat, lon)
        });
        let part = Reads::PARTS.iter().find(|(_, r, _)| *r == reads);
        let id = match part {
            Some((name, ..)) => format!("{}.{name}", declared.id).into(),
            None => declared.id.clone(),
        };
        let kind = part.map_or(declared.kind, |(_, _, kind)| *kind);
        self.add(id, kind, Source::Feature { feature, reads, key, own: None, here })
    }

    /// The served slot of a computed value; what it reads is served before it.
    pub(super) fn computed(&mut self, number: usize) -> usize {
        let lazily = &self.computed[number];
        let is_it = |s: &Serve| matches!(s.source, Source::Computed(_)) && s.id == lazily.id;
        if let Some(slot) = self.plan.slot(is_it) {
            return slot;
        }
        let within = std::mem::replace(&mut self.within, false);
        let of = value::value(&lazily.typed, self);
        self.within = within;
        self.add(lazily.id.clone(), lazily.typed.kind, Source::Computed(Computed(of)))
    }

    /// The served slot of whether an entity bears a label.
    pub(super) fn label(&mut self, of: KeyPath, kind: Type, name: &str) -> usize {
        let is_it =
            |s: &Serve| matches!(&s.source, Source::Label { of: o, name: n, .. } if *o == of && **n == *name);
        if let Some(slot) = self.plan.slot(is_it) {
            return slot;
        }
        let id = format!("labelled({}, \"{name}\")", words(self.schema.get(self.on), of)).into();
        self.add(id, Type::Bool, Source::Label { of, kind, name: name.into() })
    }

    /// Whether rules add to a list.
    pub(super) fn changes(&self, list: ListId) -> bool {
        self.lists.get(list.0).is_some_and(|l| l.changes)
    }

    /// The served slot of a look into a list that rules add to.
    pub(super) fn listed(&mut self, list: ListId, needle: &Typed) -> usize {
        let id = listed_id(self.schema.get(self.on), &self.lists[list.0], needle);
        let is_it = |s: &Serve| matches!(s.source, Source::Listed { .. }) && s.id == id;
        if let Some(slot) = self.plan.slot(is_it) {
            return slot;
        }
        let of = Computed(value::value(needle, self));
        self.add(id, Type::Bool, Source::Listed { list, of })
    }

    /// The served slot of a comprehension that looks items up in a list that rules add to.
    pub(super) fn looked_up(&mut self, typed: &Typed) -> usize {
        let id = looked_up_id(typed);
        let is_it = |s: &Serve| matches!(s.source, Source::Computed(_)) && s.id == id;
        if let Some(slot) = self.plan.slot(is_it) {
            return slot;
        }
        self.within = true;
        let of = value::value(typed, self);
        self.within = false;
        self.add(id, typed.kind, Source::Computed(Computed(of)))
    }

    fn add(&mut self, id: Box<str>, kind: Type, source: Source) -> usize {
        self.plan.add(Serve { id, kind, source })
    }

    /// Where a key part lies in events of this type. A fact has a slot of its own.
    fn path(&self, key: &KeyName) -> KeyPath {
        let event = self.schema.get(self.on);
        match key.part {
            Some(part) if part.is_fact() => {
                KeyPath { slot: event.slot(&key.written()).unwrap_or(usize::MAX), part: None }
            }
            part => KeyPath { slot: event.slot(&key.field).unwrap_or(usize::MAX), part },
        }
    }

    /// A number that is a field of the event, or a fact of one.
    fn degrees(&mut self, name: &KeyName) -> super::NumberFn {
        let KeyPath { slot, part } = self.path(name);
        let kind = if name.part.is_some() { Type::Number } else { name.field_kind };
        let loc = Loc::default();
        let field = Typed { node: Node::Field(slot), kind, loc };
        let typed = match part {
            Some(part) => Typed { node: Node::Part(part, field.into()), kind: Type::Number, loc },
            None => field,
        };
        let typed = if kind == Type::Int {
            Typed { node: Node::Widen(typed.into()), kind: Type::Number, loc }
        } else {
            typed
        };
        number::number(&typed, self)
    }

    /// How many values one item of a list field has.
    pub(super) fn width(&self, of: &Typed) -> usize {
        width(self.schema.get(self.on), of)
    }

    /// An operand that is asked for once an event, for many rules.
    pub(super) fn guard(&mut self, typed: &Typed) -> Operand {
        Operand::of(typed, self)
    }
}

/// What a look into a list that rules add to is called.
pub(crate) fn listed_id(event: &EventType, list: &List, needle: &Typed) -> Box<str> {
    let what = match &needle.node {
        Node::Field(slot) => words(event, KeyPath { slot: *slot, part: None }),
        Node::Part(part, of) => match of.node {
            Node::Field(slot) => words(event, KeyPath { slot, part: Some(*part) }),
            _ => place("value", needle.loc),
        },
        _ => place("value", needle.loc),
    };
    format!("{what} in {}", list.id).into()
}

/// What a comprehension that is served is called.
pub(crate) fn looked_up_id(typed: &Typed) -> Box<str> {
    place("items", typed.loc).into()
}

/// What has no words of its own is called by where it stands: in which file, at which byte.
fn place(what: &str, loc: Loc) -> String {
    format!("{what} at {}:{}", loc.file.0, loc.start)
}

/// Whether a comprehension looks items up in a list that rules add to. What the list held is part of the decision, and
/// there may be many items: so the whole of it is served.
pub(crate) fn looks_up_items(each: &Each, lists: &[List]) -> bool {
    std::iter::once(&each.body).chain(&each.filter).any(|typed| looks_up(typed, lists))
}

fn looks_up(typed: &Typed, lists: &[List]) -> bool {
    let own = match &typed.node {
        Node::InList(list, needle) => lists.get(list.0).is_some_and(|l| l.changes) && needle.reads_item(),
        _ => false,
    };
    own || typed.children().into_iter().any(|child| looks_up(child, lists))
}

/// A path as it is written.
fn words(event: &EventType, path: KeyPath) -> String {
    let field = event.fields.get(path.slot).map_or("?", |f| &f.name);
    path.part.map_or(field.to_owned(), |part: Part| format!("{field}.{}", part.name()))
}

/// How many values one item of a list field has.
pub(crate) fn width(event: &EventType, of: &Typed) -> usize {
    let Node::Field(slot) = of.node else { return 1 };
    let shape = event.fields.get(slot).and_then(|f| f.shape.as_deref());
    match shape {
        Some(Shape::Items { fields, .. }) => fields.len(),
        _ => 1,
    }
}
