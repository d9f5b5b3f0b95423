// SPDX-License-Identifier: Apache-2.0
//! Adding up amounts. Tiles add up in 128 bits, so that no order of sightings makes a sum fail that another does not.

use crate::by_tile::{ByTile, Part, StoredPart};
use crate::bytes::{Pen, Source, Unreadable};
use crate::shared::Grain;
use crate::table::{Counter, Table};
use crate::window::Sight;
use crate::{Key, Reading, Sighting};
use wardroom_event::Micros;

/// The amounts of a key.
pub(crate) type Sums = ByTile<Added>;

/// The sum of a tile. Packed, because a tile of four bytes stands beside it.
#[derive(Clone, Copy)]
#[repr(Rust, packed(4))]
pub(crate) struct Added {
    total: i128,
    count: u32,
}

/// A sum that fits into a cell.
#[derive(Clone, Copy)]
#[repr(Rust, packed(2))]
pub(crate) struct SmallSum {
    total: i64,
    count: u16,
}

impl Added {
    fn one(amount: i64) -> Added {
        Added { total: amount.into(), count: 1 }
    }
}

impl Part for Added {
    type Small = SmallSum;

    /// A full tile takes no more of either, so that the mean stays what it was.
    fn merge(&mut self, other: Added) {
        if let Some(count) = { self.count }.checked_add(other.count) {
            *self = Added { total: self.total + other.total, count };
        }
    }

    fn small(self) -> Option<SmallSum> {
        Some(SmallSum { total: i64::try_from(self.total).ok()?, count: u16::try_from(self.count).ok()? })
    }

    fn large(small: SmallSum) -> Added {
        Added { total: { small.total }.into(), count: { small.count }.into() }
    }
}

impl Counter for Sums {
    type Rule = ();

    fn settle(&mut self, live: Sight, grain: &Grain) {
        ByTile::settle(self, live, grain);
    }

    fn add(table: &mut Table<Sums>, key: Key, sighting: Sighting<'_>, time: Micros) {
        if let Sighting::Amount(amount) = sighting {
            table.see(key, time, |sums, at| sums.add(Added::one(amount), at));
        }
    }

    fn read(table: &Table<Sums>, view: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        let (mut total, mut count) = (0i128, 0u64);
        let mut take = |part: Added| {
            total += part.total;
            count += u64::from(part.count);
        };
        if let Some((sums, sight)) = table.find(view, key, now) {
            sums.each(sight, &mut take);
        }
        if let (Some(Sighting::Amount(amount)), Some(_)) = (with, table.in_hand(view, now)) {
            take(Added::one(amount));
        }
        Reading::Sum { total: i64::try_from(total).ok(), count }
    }
}

impl StoredPart for Added {
    const LEAST: usize = 2;

    /// The total as 64 bits where they hold it, which is said by the lowest bit of the count.
    fn encode(&self, pen: &mut Pen<'_>) {
        let (total, count) = (self.total, u64::from(self.count));
        match i64::try_from(total) {
            Ok(total) => {
                pen.number(count << 1);
                pen.signed(total);
            }
            Err(_) => {
                pen.number(count << 1 | 1);
                pen.bytes(&total.to_le_bytes());
            }
        }
    }

    fn decode(from: &mut Source<'_>) -> Result<Added, Unreadable> {
        let head = from.number()?;
        let count = u32::try_from(head >> 1).map_err(|_| Unreadable::No("count of amounts"))?;
        let total = if head & 1 == 0 { from.signed()?.into() } else { i128::from_le_bytes(from.array()?) };
        // So many amounts add up to no more, and so no two totals to what 128 bits do not hold.
        let most = u128::from(count) << 63;
        if total.unsigned_abs() > most {
            Err(Unreadable::No("total of so few"))
        } else {
            Ok(Added { total, count })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Moment;

    #[test]
    fn a_cell_is_16_bytes_and_a_tile_24() {
        assert_eq!(size_of::<Sums>(), 16);
        assert_eq!(size_of::<(u32, Added)>(), 24);
    }

    #[test]
    fn sums_pass_64_bits_and_come_back() {
        let mut sums = Sums::None;
        let mut check = |amount: i64, expect: i128, heap: bool| {
            let at = Moment::at(5, 5);
            sums.add(Added::one(amount), at);
            let mut total = 0;
            sums.each(at.live, |part| total += part.total);
            assert_eq!((total, crate::generations::Cell::heap(&sums) > 0), (expect, heap));
        };
        check(i64::MAX, i64::MAX.into(), false);
        check(i64::MAX, 2 * i128::from(i64::MAX), true);
        check(i64::MIN, i128::from(i64::MAX) - 1, true);
    }
}
