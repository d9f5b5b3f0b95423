// SPDX-License-Identifier: Apache-2.0
//! A query once its names and types are known: the checker writes it, the column executor is made from it.

use super::{Asked, Fold, Period};
use crate::ir::Typed;
use wardroom_event::{Field, Span, TypeId};

/// A checked query.
#[derive(Debug)]
pub(crate) struct CheckedQuery {
    pub(crate) on: TypeId,
    /// What fields stand for that are none of the event.
    pub(crate) asked: Vec<(Box<str>, Asked)>,
    pub(crate) filter: Option<Typed>,
    pub(crate) period: Period,
    pub(crate) per: Option<Span>,
    pub(crate) against: Option<Span>,
    pub(crate) keys: Vec<Named>,
    pub(crate) answer: CheckedAnswer,
}

/// A value, and the field that would hold it: its name and shape.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) typed: Typed,
    pub(crate) field: Field,
}

/// What is answered.
#[derive(Debug)]
pub(crate) enum CheckedAnswer {
    /// The events themselves.
    Rows { columns: Vec<Named>, by: Option<Typed>, bottom: bool, most: Option<usize> },
    /// What is added up over them.
    Groups { sums: Vec<CheckedSum>, by: super::By, bottom: bool, most: Option<usize> },
}

/// Something that is added up.
#[derive(Debug)]
pub(crate) struct CheckedSum {
    pub(crate) fold: Fold,
    pub(crate) of: Option<Typed>,
    pub(crate) field: Field,
    /// Whether it is part of the answer; else the answer is only put in its order.
    pub(crate) shown: bool,
}

impl CheckedQuery {
    /// Every expression of it.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Typed> {
        let (rows, sums) = match &self.answer {
            CheckedAnswer::Rows { columns, by, .. } => (Some((columns, by)), None),
            CheckedAnswer::Groups { sums, .. } => (None, Some(sums)),
        };
        let rows = rows.into_iter().flat_map(|(columns, by)| columns.iter().map(|c| &c.typed).chain(by));
        let sums = sums.into_iter().flatten().filter_map(|sum| sum.of.as_ref());
        self.filter.iter().chain(self.keys.iter().map(|k| &k.typed)).chain(rows).chain(sums)
    }
}
