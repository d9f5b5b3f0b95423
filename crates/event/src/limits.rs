// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a stranger can make an event hold, each with a name.

/// Longest event, in bytes of JSON, that a surface may hand over.
pub const EVENT_BYTES: usize = 64 * 1024;
/// Most members of one JSON object.
pub const MEMBERS: usize = 256;
/// Most items of a list. Of a longer array one more is kept, so that it can be refused by its name.
pub const LIST_ITEMS: usize = 256;
/// Deepest nesting of objects and arrays; an event with a list of records under `data` needs four.
pub const DEPTH: usize = 8;
/// Longest text in a field, in bytes.
pub const TEXT_BYTES: usize = 8 * 1024;
/// Longest name of an entity (account, device, domain, …), in bytes. RFC 5321 allows 254 for an address.
pub const ENTITY_BYTES: usize = 320;
/// Longest event id or source, in bytes.
pub const ID_BYTES: usize = 256;
/// Most faults listed for one event; the rest is counted.
pub const FAULTS: usize = 32;
/// How far an event's time may lie after its arrival before it is refused: a clock that wrong would age out
/// every counter it touches.
pub const FUTURE: crate::Span = crate::Span::from_secs(3600);
