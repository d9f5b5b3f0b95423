// SPDX-License-Identifier: Apache-2.0
//! The clock at a start, when the journal is all there is to hold it against.

use super::{limits, read, set};
use crate::terminal::lasting;
use anyhow::{Result, bail};
use std::path::Path;
use wardroom_engine::Glance;
use wardroom_event::{Micros, Span};
use wardroom_journal::Keyring;

/// How the clock stands to the newest record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// As far past it as may be.
    Fine(Span),
    /// So far past it that the clock may be wrong: nothing is to be counted by it unasked.
    Far(Span),
    /// So far before it that the clock was set back, or was wrong before.
    Before(Span),
}

/// How the clock stands to the newest record.
pub(crate) fn gap(now: Micros, newest: Micros) -> Gap {
    let past = now.since(newest);
    if past > limits::START_GAP {
        Gap::Far(past)
    } else if past.0 < -limits::JUMP.0 {
        Gap::Before(Span(past.0.saturating_neg()))
    } else {
        Gap::Fine(past)
    }
}

/// Begins telling the time for an engine over `data`, whose journal nobody writes yet. `is_right` says that somebody looked
/// at the clock.
///
/// # Errors
/// When the clock is so far past the newest record that it may be wrong.
pub(crate) fn begin(data: &Path, keys: &Keyring, is_right: bool) -> Result<()> {
    // What cannot be read is told by whoever opens it.
    let newest = Glance::at(&data.join("journal"), keys).ok().and_then(|glance| glance.newest);
    let reading = read();
    set(reading, newest);
    let Some(newest) = newest else { return Ok(()) };
    let now = reading.wall;
    match gap(now, newest) {
        Gap::Far(past) if !is_right => bail!("{}", far(data, now, newest, past)),
        Gap::Far(past) => tracing::warn!(%now, %newest, "the newest record is {} old", in_words(past)),
        Gap::Before(by) => tracing::warn!(
            %now,
            %newest,
            "the clock is {} before the newest record: until it has passed that, events count as late",
            in_words(by)
        ),
        Gap::Fine(_) => {}
    }
    Ok(())
}

fn far(data: &Path, now: Micros, newest: Micros, past: Span) -> String {
    format!(
        "the clock says {now}, and the newest record in {} is of {newest}, {} before; if the clock is right, and this is an old \
         backup or was long out of use, say so with --clock-is-right; if not, set it first: what a wrong clock counts stays counted",
        data.display(),
        in_words(past)
    )
}

fn in_words(span: Span) -> String {
    lasting(span.0.unsigned_abs() / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_held_against_the_newest_record() {
        let day = |days: i64| Micros(Span::from_secs(days * 86_400).0);
        let check = |now: Micros, newest: Micros, expect: Gap| assert_eq!(gap(now, newest), expect);
        check(day(100), day(100), Gap::Fine(Span(0)));
        check(day(135), day(100), Gap::Fine(Span(day(35).0)));
        check(Micros(day(135).0 + 1), day(100), Gap::Far(Span(day(35).0 + 1)));
        check(day(100), Micros(day(100).0 + 3_600_000_000), Gap::Fine(Span(-3_600_000_000)));
        check(day(100), Micros(day(100).0 + 3_600_000_001), Gap::Before(Span(3_600_000_001)));
        check(Micros(i64::MIN), Micros(i64::MAX), Gap::Before(Span(i64::MAX)));
        check(Micros(i64::MAX), Micros(i64::MIN), Gap::Far(Span(i64::MAX)));
    }
}
