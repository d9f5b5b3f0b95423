// SPDX-License-Identifier: Apache-2.0
//! The wall clock: the one place that reads it. Everything else is told the time.

use wardroom_event::Micros;

/// Now, in UTC.
#[allow(clippy::disallowed_methods, reason = "this is the edge where the clock is read")]
pub(crate) fn now() -> Micros {
    Micros(jiff::Timestamp::now().as_microsecond())
}
