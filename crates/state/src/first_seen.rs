// SPDX-License-Identifier: Apache-2.0
//! When a key was first seen; and in which tile last, for it is forgotten after the window.

use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::generations::Cell;
use crate::table::{Counter, Table};
use crate::window::{Moment, Sight};
use crate::{Key, Reading, Sighting};
use wardroom_event::Micros;

/// The sightings of a key since it was last forgotten.
#[derive(Default)]
pub(crate) enum Seen {
    /// None.
    #[default]
    Never,
    /// The least time, and the latest tile.
    Since { last: u32, first: Micros },
}

impl Cell for Seen {
    fn heap(&self) -> usize {
        0
    }
}

impl Counter for Seen {
    type Rule = ();

    fn add(table: &mut Table<Seen>, key: Key, _: Sighting<'_>, time: Micros) {
        table.see(key, time, Seen::add);
    }

    fn read(table: &Table<Seen>, view: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        let first = table.find(view, key, now).and_then(|(seen, sight)| seen.first(sight));
        let in_hand = with.and_then(|_| table.in_hand(view, now)).map(|at| at.time);
        Reading::FirstSeen(first.into_iter().chain(in_hand).min())
    }
}

impl Seen {
    pub(crate) fn add(&mut self, at: Moment) {
        *self = match *self {
            Seen::Since { last, first } if at.live.keeps(last) => {
                let last = if at.live.age(at.tile) < at.live.age(last) { at.tile } else { last };
                Seen::Since { last, first: first.min(at.time) }
            }
            _ => Seen::Since { last: at.tile, first: at.time },
        }
    }

    /// When the key was first seen, unless it is forgotten.
    pub(crate) fn first(&self, sight: Sight) -> Option<Micros> {
        match self {
            Seen::Since { last, first } if sight.keeps(*last) => Some(*first),
            _ => None,
        }
    }
}

impl Stored for Seen {
    fn encode(&self, pen: &mut Pen<'_>) {
        match self {
            Seen::Never => pen.byte(0),
            Seen::Since { last, first } => {
                pen.byte(1);
                pen.tile(*last);
                pen.signed(first.0);
            }
        }
    }

    fn decode(from: &mut Source<'_>) -> Result<Seen, Unreadable> {
        Ok(match from.byte()? {
            0 => Seen::Never,
            1 => Seen::Since { last: from.tile()?, first: Micros(from.signed()?) },
            _ => return Err(Unreadable::No("form of a first sighting")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_sighting_lowers_the_first_and_not_the_last() {
        let mut seen = Seen::Never;
        let check = |seen: &Seen, clock: i64, expect: Option<i64>| {
            assert_eq!(seen.first(Moment::at(clock, clock).live), expect.map(Micros), "at {clock}");
        };
        check(&seen, 0, None);
        seen.add(Moment::at(50, 50));
        seen.add(Moment::at(20, 50));
        check(&seen, 110, Some(20));
        check(&seen, 111, None);
        seen.add(Moment::at(111, 111));
        check(&seen, 111, Some(111));
    }

    #[test]
    fn a_cell_is_16_bytes() {
        assert_eq!(size_of::<Seen>(), 16);
    }
}
