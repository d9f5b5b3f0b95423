// SPDX-License-Identifier: Apache-2.0
//! What is left to serve once counters have answered: labels, lists that change, and what is computed.

use super::piece::Question;
use super::{Asked, Recount, Take};
use crate::marks::{Marks, Surroundings};
use crate::serve::bounded;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wardroom_event::{TypeId, Value};
use wardroom_policy::{Row, Serve, Source, World as _};

/// A comprehension that looks into a list that changes is called by its place.
const ITEMS: &str = "items at ";

/// Whether labels or lists that change are looked at anew.
pub(super) fn looks_at_marks(recount: &Recount) -> bool {
    let looks = |serve: &Serve| match &serve.source {
        Source::Label { .. } | Source::Listed { .. } => true,
        Source::Computed(_) => serve.id.starts_with(ITEMS),
        Source::Feature { .. } => false,
    };
    let kinds = recount.takes.iter().enumerate();
    kinds.filter_map(|(kind, takes)| Some((kind, takes.as_ref()?))).any(|(kind, takes)| {
        let plan = recount.active.program.plan(TypeId(kind as u16));
        plan.serve.iter().zip(takes).any(|(serve, take)| *take == Take::Anew && looks(serve))
    })
}

/// What an event is served: what is known by now, and the rest in the plan's order.
pub(super) fn serve(recount: &Recount, marks: &Marks, question: Question) -> Asked {
    let Question { seq, event, mut served, trips, .. } = question;
    let active = &recount.active;
    let world = Surroundings { active, marks };
    let plan = active.program.plan(event.kind);
    let takes = recount.takes.get(usize::from(event.kind.0)).and_then(Option::as_ref);
    let mut place = 0;
    let made = catch_unwind(AssertUnwindSafe(|| {
        for (serve, take) in plan.serve.iter().zip(takes.into_iter().flatten()) {
            if place >= trips {
                return false;
            }
            if *take == Take::Anew {
                let row = Row::new(&event, &served[..place], &world);
                let value = match &serve.source {
                    Source::Feature { .. } => None,
                    Source::Computed(of) => Some(of.of(&row)),
                    Source::Label { of, kind, name } => {
                        Some(marks.labelled(*kind, &of.of(&event), name, event.counted_at()))
                    }
                    Source::Listed { list, of } => Some(match of.of(&row) {
                        Value::Missing => Value::Missing,
                        value => Value::Bool(world.contains(*list, &value, event.counted_at())),
                    }),
                };
                if let Some(value) = value {
                    served[place] = value;
                }
                let value = std::mem::replace(&mut served[place], Value::Missing);
                served[place] = bounded(value);
            }
            place += 1;
        }
        true
    }));
    let tripped = !made.unwrap_or(false);
    if tripped {
        // As it is live: what comes after it is missing.
        served[place..].fill(Value::Missing);
    }
    Asked { seq, event, served, tripped }
}
