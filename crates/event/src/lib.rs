// SPDX-License-Identifier: Apache-2.0
//! What happened, to whom, when: events, their types, entities and ids.
//!
//! This crate knows no surface and does no I/O: it turns bytes that somebody else received into a typed
//! [`Event`], or into every [`Fault`] it found, and says nothing about what should follow.
//!
//! The way of a value: `bytes → draft::Draft → read::read → Event`. Log readers build a [`Draft`] themselves and
//! enter at the same place, so one set of checks serves every door.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod draft;
mod entity;
mod event;
mod fault;
mod field;
pub mod limits;
mod line_ids;
mod nearest;
mod parse;
mod rate;
mod read;
mod schema;
mod shape;
mod size;
mod time;
mod url;
mod value;

pub use draft::{Draft, Raw};
pub use entity::{Facts, NoFacts, Part};
pub use event::{Event, EventId};
pub use fault::{Fault, Faults};
pub use field::{Fact, Field, Shape};
pub use line_ids::{LineId, LineIds};
pub use nearest::nearest;
pub use parse::parse_text;
pub use rate::{Rate, RateError};
pub use read::read;
pub use schema::{EventType, Schema, TypeId};
pub use size::{Size, SizeError};
pub use time::{Micros, Span, SpanError};
pub use value::{Repr, Sight, Type, Value};
