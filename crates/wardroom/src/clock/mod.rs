// SPDX-License-Identifier: Apache-2.0
//! The clock: the one place that reads it. Everything else is told the time.
//!
//! What is told follows the machine's clock, but for jumps far ahead ([`steady`]): counters go by the latest time they were
//! told, so a clock that is wrong for a minute would leave them wrong for as long as it was ahead. At a start there is nothing
//! to compare with but the journal ([`start`]).
//!
//! There is one for the whole program, as there is one machine below it.

mod limits;
mod start;
mod steady;

pub(crate) use start::{Gap, begin, gap};

use crate::terminal::lasting;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use steady::{Note, Reading, Steady};
use wardroom_event::{Micros, Span};

static CLOCK: Mutex<Option<Steady>> = Mutex::new(None);

/// Now, in UTC.
pub(crate) fn now() -> Micros {
    look().0
}

/// How far the machine's clock is ahead of the time that is told; nothing unless it jumped.
pub(crate) fn offset() -> Span {
    let (now, reading) = look();
    reading.wall.since(now)
}

/// Looks at the clock again and again, so that a jump is noticed when it comes and not with the next event.
pub(crate) async fn watch() {
    let mut tick = tokio::time::interval(Duration::from_secs(limits::LOOK_SECS));
    loop {
        tick.tick().await;
        now();
    }
}

fn look() -> (Micros, Reading) {
    let (now, reading, note) = {
        let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: no reading is older than the one before it.
        let reading = read();
        let (now, note) = clock.get_or_insert_with(|| Steady::new(reading, None)).tell(reading);
        (now, reading, note)
    };
    if let Some(note) = note {
        say(note, now, reading.wall);
    }
    (now, reading)
}

/// Begins anew: from here on jumps are measured from this moment, or from `newest` where that is later.
fn set(reading: Reading, newest: Option<Micros>) {
    *CLOCK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Steady::new(reading, newest));
}

#[allow(clippy::disallowed_methods, reason = "this is the edge where the clock is read")]
fn read() -> Reading {
    let wall = Micros(jiff::Timestamp::now().as_microsecond());
    let since = rustix::time::clock_gettime(RUNNING);
    Reading {
        running: Span(since.tv_sec.saturating_mul(1_000_000).saturating_add(since.tv_nsec / 1000)),
        wall,
    }
}

/// The clock that nobody sets. It goes on while the machine sleeps, for that is no jump.
#[cfg(target_os = "linux")]
const RUNNING: rustix::time::ClockId = rustix::time::ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const RUNNING: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

fn say(note: Note, now: Micros, clock: Micros) {
    let by = |by: Span| lasting(by.0.unsigned_abs() / 1_000_000);
    match note {
        Note::Held(span) => tracing::warn!(
            %now,
            %clock,
            "the clock jumped ahead by {} and is not followed; if it stays so for {}, it is",
            by(span),
            by(limits::PERSIST)
        ),
        Note::Taken(span) => {
            tracing::warn!(%now, "the clock was ahead by {} for {}: it is followed again", by(span), by(limits::PERSIST));
        }
        Note::Over => tracing::info!(%now, "the clock is right again"),
        Note::Back(span) => {
            tracing::warn!(%now, "the clock was set back by {}: until then events count as late", by(span));
        }
    }
}
