// SPDX-License-Identifier: Apache-2.0
//! How many sightings of how many are marked.

use crate::by_tile::{ByTile, Part, StoredPart};
use crate::bytes::{Pen, Source, Unreadable};
use crate::shared::Grain;
use crate::table::{Counter, Table};
use crate::window::Sight;
use crate::{Key, Reading, Sighting};
use wardroom_event::Micros;

/// The marks of a key.
pub(crate) type Marks = ByTile<Marked>;

/// The marks of a tile.
#[derive(Clone, Copy)]
pub(crate) struct Marked {
    hits: u32,
    of: u32,
}

impl Marked {
    fn one(hit: bool) -> Marked {
        Marked { hits: hit.into(), of: 1 }
    }
}

impl Part for Marked {
    type Small = Marked;

    /// A full tile takes no more of either, so that the hits do not catch up.
    fn merge(&mut self, other: Marked) {
        if let Some(of) = self.of.checked_add(other.of) {
            *self = Marked { hits: self.hits + other.hits, of };
        }
    }

    fn small(self) -> Option<Marked> {
        Some(self)
    }

    fn large(small: Marked) -> Marked {
        small
    }
}

impl Counter for Marks {
    type Rule = ();

    fn settle(&mut self, live: Sight, grain: &Grain) {
        ByTile::settle(self, live, grain);
    }

    fn add(table: &mut Table<Marks>, key: Key, sighting: Sighting<'_>, time: Micros) {
        if let Sighting::Mark(hit) = sighting {
            table.see(key, time, |marks, at| marks.add(Marked::one(hit), at));
        }
    }

    fn read(table: &Table<Marks>, view: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        let (mut hits, mut of) = (0u64, 0u64);
        let mut take = |part: Marked| {
            hits += u64::from(part.hits);
            of += u64::from(part.of);
        };
        if let Some((marks, sight)) = table.find(view, key, now) {
            marks.each(sight, &mut take);
        }
        if let (Some(Sighting::Mark(hit)), Some(_)) = (with, table.in_hand(view, now)) {
            take(Marked::one(hit));
        }
        Reading::Ratio { hits, of }
    }
}

impl StoredPart for Marked {
    const LEAST: usize = 2;

    fn encode(&self, pen: &mut Pen<'_>) {
        pen.number(self.hits.into());
        pen.number(self.of.into());
    }

    fn decode(from: &mut Source<'_>) -> Result<Marked, Unreadable> {
        let (hits, of) = (from.small()?, from.small()?);
        if hits > of { Err(Unreadable::No("ratio above one")) } else { Ok(Marked { hits, of }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_16_bytes() {
        assert_eq!(size_of::<Marks>(), 16);
    }

    #[test]
    fn a_full_tile_keeps_its_ratio() {
        let mut marked = Marked { hits: 1, of: u32::MAX };
        marked.merge(Marked::one(true));
        assert_eq!((marked.hits, marked.of), (1, u32::MAX));
    }
}
