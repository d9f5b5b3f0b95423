// SPDX-License-Identifier: Apache-2.0
//! A policy that was in force once: how its records are read, and what of what it served means the same to another.

use crate::active::Active;
use crate::cast::Cast;
use crate::record::Dictionary;
use std::sync::Arc;
use wardroom_event::{EventType, TypeId};
use wardroom_policy::{Bundle, KeyPath, List, Plan, Program, Serve, Source, compile};

/// A policy under which records were made.
pub struct Made {
    pub(super) dictionary: Dictionary,
    pub(super) cast: Cast,
    /// By its event types: which of the values it served is each value of the policy that asks.
    pub(super) same: Vec<Vec<Option<usize>>>,
    /// By number of its features: those of the policy that asks with the same definition.
    features: Option<Vec<Vec<usize>>>,
}

impl Made {
    /// Reads the policy of a head, from its texts where they are there; `asks` is the policy that asks.
    pub(super) fn new(dictionary: Dictionary, bundle: Option<Bundle>, asks: &Arc<Active>) -> Made {
        let to = &asks.program;
        let cast = Cast::new(&dictionary.schema, &to.schema);
        if *dictionary.version == *to.version.0 {
            return Made::of(dictionary, cast, Some(to), to);
        }
        let whole = bundle.filter(|bundle| *bundle.version().0 == *dictionary.version);
        let program = whole.and_then(|bundle| compile(&bundle).program);
        // Its records are read by the names of its head: both must be of one mind.
        let program = program.filter(|program| *program.schema == *dictionary.schema);
        Made::of(dictionary, cast, program.as_ref(), to)
    }

    fn of(dictionary: Dictionary, cast: Cast, program: Option<&Program>, to: &Program) -> Made {
        let Some(program) = program else {
            let same = vec![Vec::new(); dictionary.schema.len()];
            return Made { dictionary, cast, same, features: None };
        };
        let same = program.schema.iter().map(|(kind, _)| same_served(program, kind, to));
        let alike = |definition: &str| {
            let features = to.features.iter().enumerate();
            features.filter(|(_, f)| *f.definition == *definition).map(|(number, _)| number).collect()
        };
        let features = program.features.iter().map(|f| alike(&f.definition)).collect();
        Made { same: same.collect(), dictionary, cast, features: Some(features) }
    }

    /// Whether its text was there and compiles.
    pub(super) fn is_readable(&self) -> bool {
        self.features.is_some()
    }

    /// Of the policy that asks, the features that were warming where these of this one were.
    pub(super) fn warming(&self, numbers: &[usize]) -> Vec<usize> {
        let Some(features) = &self.features else { return Vec::new() };
        numbers.iter().filter_map(|number| features.get(*number)).flatten().copied().collect()
    }
}

/// For each value that `to` serves for events of a type, which of those that `from` serves is the same: counted by the same
/// definition and read under the same key, or looked up in the same list. What is computed is not compared: it is computed
/// again. Nothing where the type is not there.
pub fn same_served(from: &Program, kind: TypeId, to: &Program) -> Vec<Option<usize>> {
    let old = from.schema.get(kind);
    let Some(new) = to.schema.id(&old.name) else { return Vec::new() };
    let (old_plan, new_plan): (&Plan, &Plan) = (from.plan(kind), to.plan(new));
    if from.version == to.version {
        return (0..new_plan.serve.len()).map(Some).collect();
    }
    let sides = Sides { from, to, old, new: to.schema.get(new) };
    let of = |serve: &Serve| old_plan.serve.iter().position(|was| sides.is_same(was, serve));
    new_plan.serve.iter().map(of).collect()
}

struct Sides<'a> {
    from: &'a Program,
    to: &'a Program,
    old: &'a EventType,
    new: &'a EventType,
}

impl Sides<'_> {
    fn is_same(&self, was: &Serve, is: &Serve) -> bool {
        match (&was.source, &is.source) {
            (
                Source::Feature { feature: a, reads: x, key: k, .. },
                Source::Feature { feature: b, reads: y, key: l, .. },
            ) => {
                let (a, b) = (&self.from.features[*a], &self.to.features[*b]);
                x == y
                    && a.definition == b.definition
                    && a.including_self == b.including_self
                    && k.len() == l.len()
                    && k.iter().zip(l).all(|(k, l)| self.is_same_path(*k, *l))
            }
            (Source::Label { of: a, kind: x, name: n }, Source::Label { of: b, kind: y, name: m }) => {
                x == y && n == m && self.is_same_path(*a, *b)
            }
            (Source::Listed { list: a, .. }, Source::Listed { list: b, .. }) => {
                // What has no words of its own is called by its place, which says nothing of what it is.
                let is_plain = !was.id.starts_with(PLACE);
                let lists = (self.from.lists.get(a.0), self.to.lists.get(b.0));
                is_plain && was.id == is.id && matches!(lists, (Some(a), Some(b)) if is_same_list(a, b))
            }
            _ => false,
        }
    }

    /// By name and type: slots differ between two policies.
    fn is_same_path(&self, a: KeyPath, b: KeyPath) -> bool {
        let (Some(x), Some(y)) = (self.old.fields.get(a.slot), self.new.fields.get(b.slot)) else {
            return false;
        };
        a.part == b.part && x.name == y.name && x.kind == y.kind
    }
}

/// How a look into a list begins that is called by its place.
const PLACE: &str = "value at ";

fn is_same_list(a: &List, b: &List) -> bool {
    a.kind == b.kind && a.matching == b.matching && a.entries == b.entries && a.changes == b.changes
}
