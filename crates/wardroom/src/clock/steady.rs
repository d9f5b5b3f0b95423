// SPDX-License-Identifier: Apache-2.0
//! From two clocks, the machine's and one that nobody sets, the time that is told.
//!
//! **Ahead.** Whoever counts goes by the latest time it was told, and what expires by then is gone. So a step ahead is followed
//! at once only within [`limits::JUMP`]; also many small ones may not add up to more in [`limits::SETTLE`]. Beyond that the time
//! told goes on at its own pace until the machine's clock is back, or has stayed ahead for [`limits::PERSIST`].
//!
//! **Back** is followed at once: late events are counted late, and nothing is lost by it. A way back up to where the clock
//! would be without that step is no jump.

use super::limits;
use wardroom_event::{Micros, Span};

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// For how long the machine runs, by the clock that nobody sets.
    pub(super) running: Span,
    /// What the machine's clock says.
    pub(super) wall: Micros,
}

impl Reading {
    /// What the machine's clock says now if nobody set it since.
    fn on(self, running: Span) -> Micros {
        self.wall.plus(Span(running.0.saturating_sub(self.running.0).max(0)))
    }

    /// For how long it is past.
    fn past(self, running: Span) -> Span {
        Span(running.0.saturating_sub(self.running.0))
    }
}

/// What happened to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// It jumped so far ahead, and is not followed.
    Held(Span),
    /// It stayed so far ahead, and is followed from now on.
    Taken(Span),
    /// It was ahead and is back.
    Over,
    /// It was set so far back, and is followed.
    Back(Span),
}

/// The time that is told.
#[derive(Debug)]
pub(super) struct Steady {
    /// The last reading that was followed: the time told goes on from there.
    told: Reading,
    /// What steps ahead are measured from: the time told a while ago, or the latest to which it went back.
    base: Reading,
    /// The same, but never set back.
    most: Reading,
    /// Since when, and where, the clock is ahead.
    ahead: Option<Reading>,
}

impl Steady {
    /// Goes by the clock as it is. A time that was told before this, such as the journal's newest, is not ahead either.
    pub(super) fn new(now: Reading, newest: Option<Micros>) -> Steady {
        let most = Reading { wall: newest.map_or(now.wall, |newest| newest.max(now.wall)), ..now };
        Steady { told: now, base: now, most, ahead: None }
    }

    /// The time to tell, and what happened since the last time.
    pub(super) fn tell(&mut self, now: Reading) -> (Micros, Option<Note>) {
        let told = self.told.on(now.running);
        let by = now.wall.since(told);
        if self.is_near(now) {
            let over = self.ahead.take().map(|_| Note::Over);
            let back = (by.0 < -limits::JUMP.0).then_some(Note::Back(by));
            self.follow(now);
            return (now.wall, back.or(over));
        }
        match self.ahead {
            Some(ahead) if apart(now.wall, ahead.on(now.running)) <= limits::JUMP => {
                if ahead.past(now.running) < limits::PERSIST {
                    return (told, None);
                }
                *self = Steady::new(now, Some(self.most.on(now.running)));
                (now.wall, Some(Note::Taken(by)))
            }
            _ => {
                self.ahead = Some(now);
                (told, Some(Note::Held(by)))
            }
        }
    }

    /// Whether the clock is where it may be followed to at once.
    fn is_near(&self, now: Reading) -> bool {
        let (base, most) = (self.base.on(now.running), self.most.on(now.running));
        now.wall <= base.plus(limits::JUMP) || apart(now.wall, most) <= limits::JUMP
    }

    fn follow(&mut self, now: Reading) {
        self.told = now;
        let settled = self.base.past(now.running) >= limits::SETTLE;
        if settled || now.wall < self.base.on(now.running) {
            self.base = now;
        }
        if settled && now.wall > self.most.on(now.running) {
            self.most = now;
        }
    }
}

fn apart(a: Micros, b: Micros) -> Span {
    Span(a.since(b).0.saturating_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Note::{Back, Held, Over, Taken};

    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const YEAR: i64 = 365 * 24 * HOUR;

    /// At so many seconds of running, the clock is off by so much from where it began; then the time told is off by so
    /// much, and this is noted.
    type Row = (i64, i64, i64, Option<Note>);

    fn reading((running, off): (i64, i64)) -> Reading {
        Reading { running: Span::from_secs(running), wall: Micros(Span::from_secs(running + off).0) }
    }

    fn check_from(newest: Option<i64>, rows: &[Row]) {
        let newest = newest.map(|secs| Micros(Span::from_secs(secs).0));
        let mut steady = Steady::new(reading((0, 0)), newest);
        for row in rows {
            let (running, off, told, note) = *row;
            let expect = (reading((running, told)).wall, note);
            assert_eq!(steady.tell(reading((running, off))), expect, "{row:?} of {rows:?}");
        }
    }

    fn check(rows: &[Row]) {
        check_from(None, rows);
    }

    fn held(secs: i64) -> Option<Note> {
        Some(Held(Span::from_secs(secs)))
    }

    fn taken(secs: i64) -> Option<Note> {
        Some(Taken(Span::from_secs(secs)))
    }

    fn back(secs: i64) -> Option<Note> {
        Some(Back(Span::from_secs(-secs)))
    }

    #[test]
    fn small_steps_are_followed_at_once() {
        check(&[(1, 0, 0, None), (2, 5, 5, None), (3, -5, -5, None), (4, HOUR - 5, HOUR - 5, None)]);
        check(&[(1, HOUR, HOUR, None), (2, 0, 0, None), (3, HOUR, HOUR, None)]);
    }

    #[test]
    fn a_jump_ahead_is_not_followed_and_passes() {
        check(&[
            (1, 7, 7, None),
            (2, 10 * YEAR, 7, held(10 * YEAR - 7)),
            (3, 10 * YEAR, 7, None),
            (14 * MINUTE, 10 * YEAR + 1, 7, None),
            (14 * MINUTE + 1, 3, 3, Some(Over)),
            (14 * MINUTE + 2, 3, 3, None),
        ]);
        // The least that is one.
        check(&[(1, HOUR + 1, 0, held(HOUR + 1))]);
    }

    #[test]
    fn a_jump_ahead_that_stays_is_followed() {
        check(&[
            (10, YEAR, 0, held(YEAR)),
            (9 + 15 * MINUTE, YEAR, 0, None),
            (10 + 15 * MINUTE, YEAR, YEAR, taken(YEAR)),
            (11 + 15 * MINUTE, YEAR + 2, YEAR + 2, None),
            (12 + 15 * MINUTE, 2 * YEAR, YEAR + 2, held(YEAR - 2)),
        ]);
    }

    #[test]
    fn only_one_and_the_same_jump_stays() {
        check(&[
            (0, YEAR, 0, held(YEAR)),
            (10 * MINUTE, 2 * YEAR, 0, held(2 * YEAR)),
            (20 * MINUTE, 2 * YEAR, 0, None),
            (21 * MINUTE, 0, 0, Some(Over)),
            (22 * MINUTE, 2 * YEAR, 0, held(2 * YEAR)),
            (36 * MINUTE, 2 * YEAR, 0, None),
            (37 * MINUTE, 2 * YEAR, 2 * YEAR, taken(2 * YEAR)),
        ]);
    }

    #[test]
    fn a_step_back_is_followed_and_so_is_the_way_back_up() {
        check(&[
            (1, -50 * YEAR, -50 * YEAR, back(50 * YEAR)),
            (2, -50 * YEAR, -50 * YEAR, None),
            (3, 1, 1, None),
            (4, -50 * YEAR, -50 * YEAR, back(50 * YEAR + 1)),
            // Neither where it was nor where it would have been.
            (5, -20 * YEAR, -50 * YEAR, held(30 * YEAR)),
            (6, 0, 0, Some(Over)),
        ]);
    }

    #[test]
    fn a_clock_that_runs_too_fast_is_held_as_well() {
        let mut steady = Steady::new(reading((0, 0)), None);
        let (mut most, mut holds) = (0, 0);
        for second in 1..=1800 {
            let (told, note) = steady.tell(reading((second, second * 1000)));
            most = most.max(told.0 / 1_000_000 - second);
            holds += i64::from(matches!(note, Some(Held(_))));
        }
        assert!((1..=2 * HOUR).contains(&most) && holds > 1, "{most} s ahead, held {holds} times");
    }

    #[test]
    fn what_the_journal_was_told_already_is_no_jump() {
        check_from(Some(YEAR), &[(1, YEAR, YEAR, None)]);
        check_from(Some(-YEAR), &[(1, YEAR, 0, held(YEAR))]);
    }

    #[test]
    fn the_ends_of_the_range_are_no_trouble() {
        for wall in [i64::MIN, i64::MAX] {
            let mut steady = Steady::new(
                Reading { running: Span(0), wall: Micros(wall) },
                Some(Micros(-wall.max(-i64::MAX))),
            );
            for at in [0, i64::MAX, i64::MIN, 5] {
                steady.tell(Reading { running: Span(at), wall: Micros(at) });
            }
        }
    }
}
