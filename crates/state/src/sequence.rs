// SPDX-License-Identifier: Apache-2.0
//! How often a number of sightings of one sort was followed by one of another: five failures, then a success.

use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::count::Tiles;
use crate::generations::Cell;
use crate::table::{Counter, Table};
use crate::window::Window;
use crate::{Key, Reading, Sighting};
use wardroom_event::{Micros, Span};

/// What makes a sequence, and the windows it is counted in.
#[derive(Clone, Copy)]
pub(crate) struct Course {
    times: u64,
    /// For the firsts.
    within: Window,
    /// For the sequences.
    over: Window,
}

impl Course {
    pub(crate) fn new(times: u32, within: Span, over: Option<Span>) -> Course {
        let over = Window::sliding(over.unwrap_or(within));
        Course { times: times.into(), within: Window::sliding(within), over }
    }
}

/// The firsts and the sequences of a key.
pub(crate) enum Progress {
    /// No sequence yet, as for most keys.
    Firsts(Tiles),
    /// Some. In a box, because in place they would make every cell twice as large.
    Both(Box<Both>),
}

#[derive(Default)]
pub(crate) struct Both {
    firsts: Tiles,
    done: Tiles,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::Firsts(Tiles::default())
    }
}

impl Cell for Progress {
    fn heap(&self) -> usize {
        match self {
            Progress::Firsts(firsts) => firsts.heap(),
            Progress::Both(both) => size_of::<Both>() + both.firsts.heap() + both.done.heap(),
        }
    }
}

impl Stored for Progress {
    fn parts(&self) -> usize {
        match self {
            Progress::Firsts(firsts) => firsts.parts(),
            Progress::Both(both) => both.firsts.parts() + both.done.parts(),
        }
    }

    fn encode(&self, pen: &mut Pen<'_>) {
        match self {
            Progress::Firsts(firsts) => {
                pen.byte(0);
                firsts.encode(pen);
            }
            Progress::Both(both) => {
                pen.byte(1);
                both.firsts.encode(pen);
                both.done.encode(pen);
            }
        }
    }

    fn decode(from: &mut Source<'_>) -> Result<Progress, Unreadable> {
        Ok(match from.byte()? {
            0 => Progress::Firsts(Tiles::decode(from)?),
            1 => Progress::Both(Box::new(Both { firsts: Tiles::decode(from)?, done: Tiles::decode(from)? })),
            _ => return Err(Unreadable::No("form of a sequence")),
        })
    }
}

impl Counter for Progress {
    type Rule = Course;

    fn add(table: &mut Table<Progress>, key: Key, sighting: Sighting<'_>, time: Micros) {
        let Sighting::Steps { first, then } = sighting else { return };
        if !Progress::arrives(sighting) || table.arrive(time).is_none() {
            return;
        }
        let course = *table.rule();
        let clock = table.clock();
        let completes = then && completes(table, key, time) && course.over.moment(clock, time).is_some();
        let first = first && course.within.moment(clock, time).is_some();
        if first || completes {
            table.change(key, |progress| progress.add(course, clock, time, first, completes));
        }
    }

    fn arrives(sighting: Sighting<'_>) -> bool {
        matches!(sighting, Sighting::Steps { first, then } if first || then)
    }

    fn read(table: &Table<Progress>, _: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        let over = table.rule().over;
        let cell = table.cell(key);
        let done = cell.and_then(Progress::done).zip(over.sight(table.clock(), now));
        let before = done.map_or(0, |(done, sight)| done.count(sight));
        let in_hand = matches!(with, Some(Sighting::Steps { then: true, .. }))
            && completes(table, key, now)
            && over.moment(table.clock().max(now), now).is_some();
        Reading::Sequence(before + u64::from(in_hand))
    }
}

/// Whether enough firsts lie in sight of `now`.
fn completes(table: &Table<Progress>, key: Key, now: Micros) -> bool {
    let course = table.rule();
    let firsts = table.cell(key).map(Progress::firsts).zip(course.within.sight(table.clock(), now));
    firsts.is_some_and(|(firsts, sight)| firsts.count(sight) >= course.times)
}

impl Progress {
    fn firsts(&self) -> &Tiles {
        match self {
            Progress::Firsts(firsts) => firsts,
            Progress::Both(both) => &both.firsts,
        }
    }

    fn done(&self) -> Option<&Tiles> {
        match self {
            Progress::Firsts(_) => None,
            Progress::Both(both) => Some(&both.done),
        }
    }

    /// Adds to either or both; whatever has expired goes from both, so that none holds a tile older than a cell lives.
    fn add(&mut self, course: Course, clock: Micros, time: Micros, first: bool, done: bool) {
        if let (Progress::Firsts(firsts), true) = (&mut *self, done) {
            let firsts = std::mem::take(firsts);
            *self = Progress::Both(Box::new(Both { firsts, done: Tiles::default() }));
        }
        let (firsts, sequences) = match self {
            Progress::Firsts(firsts) => (firsts, None),
            Progress::Both(both) => (&mut both.firsts, Some(&mut both.done)),
        };
        add(firsts, course.within, clock, time, first);
        if let Some(sequences) = sequences {
            add(sequences, course.over, clock, time, done);
            if sequences.is_empty() {
                *self = Progress::Firsts(std::mem::take(firsts));
            }
        }
    }
}

fn add(tiles: &mut Tiles, window: Window, clock: Micros, time: Micros, some: bool) {
    window.live(clock).into_iter().for_each(|live| tiles.trim(live));
    window.moment(clock, time).filter(|_| some).into_iter().for_each(|at| tiles.add(at));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_16_bytes() {
        assert_eq!(size_of::<Progress>(), 16);
    }
}
