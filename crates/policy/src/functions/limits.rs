// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a function reads and gives, each with a name.

/// Longest text that a function gives, in bytes; what is longer is cut. Changing case makes a text at most three
/// times as long, so that a field's text never reaches it that way.
pub(crate) const RESULT_BYTES: usize = 4 * wardroom_event::limits::TEXT_BYTES;
/// How many characters of each text `distance` and `similarity` compare.
pub(crate) const COMPARED_CHARS: usize = 64;
/// How many characters of a text `entropy` looks at.
pub(crate) const ENTROPY_CHARS: usize = 1024;
/// Longest text that `int` and `number` read, in bytes.
pub(crate) const NUMERAL_BYTES: usize = 64;
/// Most digits that `round` keeps, and most that it rounds away before the point.
pub(crate) const DIGITS: i64 = 15;
/// Longest label of a domain name, in bytes (RFC 1035).
pub(crate) const LABEL_BYTES: usize = 63;
