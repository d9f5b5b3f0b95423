// SPDX-License-Identifier: Apache-2.0
//! Parts by tile: what a key that is seen in many tiles holds of each.

use crate::bytes::{Pen, Source, Unreadable};
use crate::shared::Grain;
use crate::window::Sight;
use smallvec::{SmallVec, smallvec};

/// A part of each tile, the oldest tile first, each tile once. Four stand in the strip itself.
pub(crate) struct Strip<P>(SmallVec<[(u32, P); 4]>);

impl<P> Default for Strip<P> {
    fn default() -> Strip<P> {
        Strip(SmallVec::new())
    }
}

impl<P> Strip<P> {
    /// A strip of one tile.
    pub(crate) fn of(tile: u32, part: P) -> Strip<P> {
        Strip(smallvec![(tile, part)])
    }

    pub(crate) fn heap(&self) -> usize {
        if self.0.spilled() { self.0.capacity() * size_of::<(u32, P)>() } else { 0 }
    }

    /// The part of a tile; where there is none, what `new` makes of the part of the next newer tile. Most sightings
    /// are of the newest tile, so the search begins there.
    pub(crate) fn part(&mut self, tile: u32, live: Sight, new: impl FnOnce(Option<&P>) -> P) -> &mut P {
        let age = live.age(tile);
        let after = self.0.iter().rposition(|(t, _)| live.age(*t) >= age).map_or(0, |i| i + 1);
        let at = match after.checked_sub(1) {
            Some(i) if self.0[i].0 == tile => i,
            _ => {
                let part = new(self.0.get(after).map(|(_, part)| part));
                self.0.insert(after, (tile, part));
                after
            }
        };
        &mut self.0[at].1
    }

    /// Makes room for a tile that is new, where there is none: joins what only longer windows see.
    pub(crate) fn make_room(&mut self, grain: &Grain, merge: impl FnMut(&mut P, P))
    where
        P: Copy,
    {
        if grain.joins() && self.0.len() == self.0.capacity() {
            self.join(grain, merge);
        }
    }

    /// Joins the tiles that only longer windows see.
    pub(crate) fn join(&mut self, grain: &Grain, mut merge: impl FnMut(&mut P, P))
    where
        P: Copy,
    {
        let coarse = self.0.partition_point(|(tile, _)| grain.is_coarse(*tile));
        let mut kept = 0;
        for i in 0..coarse {
            let (tile, part) = (grain.first_of(self.0[i].0), self.0[i].1);
            match self.0[..kept].last_mut() {
                Some((before, held)) if *before == tile => merge(held, part),
                _ => {
                    self.0[kept] = (tile, part);
                    kept += 1;
                }
            }
        }
        self.0.drain(kept..coarse);
    }

    /// Gives back room that is not needed.
    pub(crate) fn shrink(&mut self) {
        if self.0.spilled() && 2 * self.0.len() <= self.0.capacity() {
            self.0.shrink_to_fit();
        }
    }

    /// Every tile with its part.
    pub(crate) fn tiles(&self) -> &[(u32, P)] {
        &self.0
    }

    /// Every tile with its part.
    pub(crate) fn tiles_mut(&mut self) -> &mut [(u32, P)] {
        &mut self.0
    }

    /// The tiles in sight.
    pub(crate) fn seen(&self, sight: Sight) -> &[(u32, P)] {
        let to = self.0.partition_point(|(tile, _)| sight.age(*tile) >= sight.youngest());
        self.0.get(self.expired(sight)..to).unwrap_or_default()
    }

    /// The tiles that lie after the older end of what is in sight.
    pub(crate) fn kept(&self, sight: Sight) -> &[(u32, P)] {
        &self.0[self.expired(sight)..]
    }

    /// Forgets what has expired.
    pub(crate) fn trim(&mut self, live: Sight) {
        let gone = self.expired(live);
        self.0.drain(..gone);
    }

    /// How many tiles lie before what is in sight.
    fn expired(&self, sight: Sight) -> usize {
        self.0.partition_point(|(tile, _)| !sight.keeps(*tile))
    }
}

impl<P> Strip<P> {
    /// Writes each tile with its part.
    pub(crate) fn write(&self, pen: &mut Pen<'_>, part: impl Fn(&P, &mut Pen<'_>)) {
        pen.number(self.0.len() as u64);
        for (tile, p) in &self.0 {
            pen.tile(*tile);
            part(p, pen);
        }
    }

    /// Reads what was written, of parts that each take at least so many bytes.
    pub(crate) fn read<'a>(
        from: &mut Source<'a>,
        least: usize,
        part: impl Fn(&mut Source<'a>) -> Result<P, Unreadable>,
    ) -> Result<Strip<P>, Unreadable> {
        let count = from.count(1 + least)?;
        let tiles: Result<SmallVec<_>, _> = (0..count).map(|_| Ok((from.tile()?, part(from)?))).collect();
        tiles.map(Strip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::Windows;
    use crate::{Kind, Spec};
    use wardroom_event::{Micros, Span};

    #[test]
    fn tiles_are_in_order_whatever_order_they_come_in() {
        let mut strip = Strip::default();
        let live = Sight::new(70, 10, 70).unwrap();
        for tile in [50, 70, 10, 30, 50, 60, 10] {
            *strip.part(tile, live, |_| 0) += 1;
        }
        assert_eq!(strip.tiles(), [(10, 2), (30, 1), (50, 2), (60, 1), (70, 1)]);
        let check = |from, to, expect: &[u32]| {
            let seen = strip.seen(Sight::new(70, from, to).unwrap());
            assert_eq!(seen.iter().map(|(tile, _)| *tile).collect::<Vec<_>>(), expect, "{from} to {to}");
        };
        check(10, 70, &[10, 30, 50, 60, 70]);
        check(11, 60, &[30, 50, 60]);
        check(31, 49, &[]);
        check(60, 30, &[]);
        assert_eq!(strip.kept(Sight::new(70, 31, 20).unwrap()).len(), 3);
        assert_eq!(strip.heap(), 8 * size_of::<(u32, i32)>());
        strip.trim(Sight::new(80, 51, 80).unwrap());
        assert_eq!(strip.tiles(), [(60, 1), (70, 1)]);
    }

    #[test]
    fn what_only_longer_windows_see_is_joined() {
        let spec = |secs| Spec::new(Kind::Count, Some(Span::from_secs(secs))).unwrap();
        let windows = Windows::new(&[spec(60), spec(600)]);
        let mut strip = Strip::default();
        let clock = Micros(1_000_000_000);
        let live = windows.live(clock).unwrap();
        for tile in [391, 399, 400, 409, 410, 938, 939, 940, 945, 1000] {
            strip.part(tile, live, |_| 1);
        }
        strip.join(&windows.grain(clock), |held, part| *held += part);
        let expect = [(390, 2), (400, 2), (410, 1), (930, 2), (940, 1), (945, 1), (1000, 1)];
        assert_eq!(strip.tiles(), expect);
        strip.shrink();
        assert_eq!(strip.heap(), 7 * size_of::<(u32, i32)>());
        strip.join(&windows.grain(clock), |_, _| unreachable!("it is joined"));
        assert_eq!(strip.tiles(), expect);
    }

    #[test]
    fn a_new_part_knows_the_next_newer() {
        let mut strip = Strip::default();
        let live = Sight::new(70, 10, 70).unwrap();
        let mut check = |tile, part, newer: Option<u32>| {
            strip.part(tile, live, |next| {
                assert_eq!(next.copied(), newer);
                part
            });
        };
        check(50, 1, None);
        check(60, 2, None);
        check(40, 3, Some(1));
        check(55, 4, Some(2));
    }
}
