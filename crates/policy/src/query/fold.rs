// SPDX-License-Identifier: Apache-2.0
//! What can be added up over many events.

use wardroom_event::{Repr, Type};

/// How many values become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fold {
    /// How many events.
    Count,
    /// For how many a condition holds.
    Holds,
    /// For which share a condition holds, of those for which it is known.
    Share,
    /// How many different values.
    Distinct,
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The value of the earliest event that has one.
    First,
    /// The value of the latest event that has one.
    Last,
    /// The least value that at least this share of the values does not exceed.
    Quantile(f64),
}

/// The words for them.
pub(crate) const AGGREGATES: [&str; 11] =
    ["count", "share", "distinct", "sum", "mean", "min", "max", "first", "last", "median", "quantile"];

impl Fold {
    /// The one that a word stands for. `count` with a condition, and `quantile` with its share, are made of it.
    pub(crate) fn named(word: &str) -> Option<Fold> {
        Some(match word {
            "count" => Fold::Count,
            "share" => Fold::Share,
            "distinct" => Fold::Distinct,
            "sum" => Fold::Sum,
            "mean" => Fold::Mean,
            "min" => Fold::Min,
            "max" => Fold::Max,
            "first" => Fold::First,
            "last" => Fold::Last,
            "median" | "quantile" => Fold::Quantile(0.5),
            _ => return None,
        })
    }

    /// The type of what comes of values of this type; `None` where they cannot be folded so.
    pub(crate) fn gives(self, of: Type) -> Option<Type> {
        let measure = matches!(of, Type::Int | Type::Number | Type::Duration | Type::Size | Type::Rate);
        match self {
            Fold::Count => Some(Type::Int),
            Fold::Holds => (of == Type::Bool).then_some(Type::Int),
            Fold::Share => (of == Type::Bool).then_some(Type::Number),
            Fold::Distinct => (of != Type::List).then_some(Type::Int),
            Fold::Sum => measure.then_some(of),
            Fold::Mean => measure.then_some(if of == Type::Int { Type::Number } else { of }),
            Fold::Min | Fold::Max => (measure || of == Type::Time).then_some(of),
            Fold::Quantile(_) => (measure || of == Type::Time).then_some(of),
            Fold::First | Fold::Last => (of != Type::List).then_some(of),
        }
    }

    /// Whether the answer can be put in the order of what it gives.
    pub(crate) fn orders(kind: Type) -> bool {
        matches!(kind.repr(), Repr::Int | Repr::Number | Repr::Time | Repr::Duration)
    }
}
