// SPDX-License-Identifier: Apache-2.0
//! What an expression is evaluated on: the event in hand, the features served to it, the lists.

use crate::program::ListId;
use wardroom_event::{Event, Micros, Value};

/// What a policy asks of its installation, and nothing else: both answers are the same whenever they are asked for.
pub trait World {
    /// Whether the list holds the value at that time. Never asked for a missing value, nor, save while values are
    /// served, for a list that rules add to: what those held is served.
    fn contains(&self, list: ListId, value: &Value, at: Micros) -> bool;

    /// Where in the million an entity falls for a rule's canary: the same place every time, and another for another
    /// rule.
    fn bucket(&self, rule: &str, entity: &Value) -> u32;
}

/// The input of one judgement. Everything a rule can see is here; there is no clock and no randomness.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The event in hand.
    pub event: &'a Event,
    /// The values of the features its plan serves, in the plan's order.
    pub served: &'a [Value],
    /// The policy's lists, and its canaries' buckets.
    pub world: &'a dyn World,
    /// The item that a comprehension looks at; empty elsewhere.
    pub item: &'a [Value],
}

impl<'a> Row<'a> {
    /// The row of an event with what is served for it.
    pub fn new(event: &'a Event, served: &'a [Value], world: &'a dyn World) -> Row<'a> {
        Row { event, served, world, item: &[] }
    }
}

/// Kleene's three truth values. The order makes `and` the least and `or` the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tri {
    /// It does not hold.
    False = 0,
    /// An input is missing and the answer depends on it.
    Unknown = 1,
    /// It holds.
    True = 2,
}

impl Tri {
    /// True or false.
    pub fn known(holds: bool) -> Tri {
        if holds { Tri::True } else { Tri::False }
    }

    /// What is known of an optional truth.
    pub fn of(holds: Option<bool>) -> Tri {
        holds.map_or(Tri::Unknown, Tri::known)
    }

    /// The opposite; unknown stays unknown.
    pub fn negate(self) -> Tri {
        match self {
            Tri::False => Tri::True,
            Tri::Unknown => Tri::Unknown,
            Tri::True => Tri::False,
        }
    }

    /// The truth where it is known.
    pub fn get(self) -> Option<bool> {
        match self {
            Tri::False => Some(false),
            Tri::Unknown => None,
            Tri::True => Some(true),
        }
    }

    /// Its name in explanations.
    pub fn name(self) -> &'static str {
        match self {
            Tri::False => "false",
            Tri::Unknown => "unknown",
            Tri::True => "true",
        }
    }
}
