// SPDX-License-Identifier: Apache-2.0
//! The greatest or the least amount.

use crate::by_tile::{ByTile, Part, StoredPart};
use crate::bytes::{Pen, Source, Unreadable};
use crate::shared::Grain;
use crate::table::{Counter, Table};
use crate::window::Sight;
use crate::{Key, Reading, Sighting};
use wardroom_event::Micros;

/// The extremes of a key.
pub(crate) type Extremes = ByTile<Peak>;

/// The greatest of a tile.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peak(i64);

/// Which extreme: for the least, amounts are held with all bits turned, which turns their order and loses nothing.
#[derive(Clone, Copy)]
pub(crate) struct Side {
    pub(crate) max: bool,
}

impl Side {
    fn turn(self, amount: i64) -> i64 {
        if self.max { amount } else { !amount }
    }
}

impl Part for Peak {
    type Small = i64;

    fn merge(&mut self, other: Peak) {
        *self = (*self).max(other);
    }

    fn small(self) -> Option<i64> {
        Some(self.0)
    }

    fn large(small: i64) -> Peak {
        Peak(small)
    }
}

impl Counter for Extremes {
    type Rule = Side;

    fn settle(&mut self, live: Sight, grain: &Grain) {
        ByTile::settle(self, live, grain);
    }

    fn add(table: &mut Table<Extremes>, key: Key, sighting: Sighting<'_>, time: Micros) {
        if let Sighting::Amount(amount) = sighting {
            let peak = Peak(table.rule().turn(amount));
            table.see(key, time, |extremes, at| extremes.add(peak, at));
        }
    }

    fn read(
        table: &Table<Extremes>,
        view: usize,
        key: Key,
        now: Micros,
        with: Option<Sighting<'_>>,
    ) -> Reading {
        let side = *table.rule();
        let mut peak = None;
        if let Some((extremes, sight)) = table.find(view, key, now) {
            extremes.each(sight, |part| peak = peak.max(Some(part)));
        }
        if let (Some(Sighting::Amount(amount)), Some(_)) = (with, table.in_hand(view, now)) {
            peak = peak.max(Some(Peak(side.turn(amount))));
        }
        Reading::Extreme(peak.map(|peak| side.turn(peak.0)))
    }
}

impl StoredPart for Peak {
    const LEAST: usize = 1;

    fn encode(&self, pen: &mut Pen<'_>) {
        pen.signed(self.0);
    }

    fn decode(from: &mut Source<'_>) -> Result<Peak, Unreadable> {
        from.signed().map(Peak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_16_bytes() {
        assert_eq!(size_of::<Extremes>(), 16);
    }

    #[test]
    fn turning_turns_the_order_and_back() {
        let least = Side { max: false };
        let amounts = [i64::MIN, -1, 0, 1, i64::MAX];
        assert!(amounts.windows(2).all(|pair| least.turn(pair[0]) > least.turn(pair[1])));
        assert!(amounts.iter().all(|amount| least.turn(least.turn(*amount)) == *amount));
    }
}
