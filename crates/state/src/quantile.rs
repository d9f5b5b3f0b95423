// SPDX-License-Identifier: Apache-2.0
//! The amount that a given share of the amounts does not exceed, to within 1 %.
//!
//! Amounts are counted in buckets: those below 128 one by one, greater ones with 64 buckets for each power of two, of
//! which the middle stands for all. So a reading is off by at most 1/128 of itself. DDSketch (Masson, Rim and Lee 2019)
//! cuts its buckets by a logarithm and needs a fifth fewer; these are cut by shifts, which are the same on every machine.

use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::generations::Cell;
use crate::shared::Grain;
use crate::table::{Counter, Table};
use crate::window::{Moment, Sight};
use crate::{Key, Reading, Sighting, limits};
use wardroom_event::Micros;

/// A bucket's number: that of the amount's magnitude, negative where the amount is. So they are in order of amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Index(i16);

/// Buckets of each power of two.
const PER_POWER: u64 = 64;

impl Index {
    /// The greatest magnitude's: that of `i64::MIN`.
    const MOST: u16 = 64 * 57 + 64;

    fn of(amount: i64) -> Index {
        let size = amount.unsigned_abs();
        let shift = (size / PER_POWER).checked_ilog2().unwrap_or(0);
        let index = u64::from(shift) * PER_POWER + (size >> shift);
        Index(if amount < 0 { -(index as i16) } else { index as i16 })
    }

    /// The middle of the bucket.
    fn amount(self) -> f64 {
        let index = u64::from(self.0.unsigned_abs());
        let shift = (index / PER_POWER).saturating_sub(1);
        let least = (index - shift * PER_POWER) << shift;
        let middle = least as f64 + ((1u64 << shift) - 1) as f64 / 2.0;
        if self.0 < 0 { -middle } else { middle }
    }

    /// The order of magnitudes; of two of one magnitude the negative comes first.
    fn magnitude(self) -> (u16, i16) {
        (self.0.unsigned_abs(), self.0)
    }
}

/// How many amounts of a tile lie in a bucket.
#[derive(Clone, Copy)]
struct Bucket {
    tile: u32,
    index: Index,
    count: u32,
}

/// The buckets of a key.
#[derive(Default)]
pub(crate) enum Buckets {
    /// None.
    #[default]
    None,
    /// One.
    One { index: i16, tile: u32, count: u32 },
    /// More. In a box, because in place they would make every cell twice as large.
    Many(Box<Many>),
}

/// The oldest tile first, and in a tile the least amounts.
pub(crate) struct Many(Vec<Bucket>);

impl Cell for Buckets {
    fn heap(&self) -> usize {
        match self {
            Buckets::None | Buckets::One { .. } => 0,
            Buckets::Many(many) => size_of::<Many>() + many.0.capacity() * size_of::<Bucket>(),
        }
    }
}

impl Counter for Buckets {
    /// The share, in thousandths.
    type Rule = u16;

    fn settle(&mut self, live: Sight, grain: &Grain) {
        self.trim(live);
        if let Buckets::Many(many) = self {
            many.join(grain);
            many.0.shrink_to(2 * many.0.len());
        }
    }

    fn add(table: &mut Table<Buckets>, key: Key, sighting: Sighting<'_>, time: Micros) {
        if let Sighting::Amount(amount) = sighting {
            table.see(key, time, |buckets, at| buckets.add(Index::of(amount), at));
        }
    }

    fn read(
        table: &Table<Buckets>,
        view: usize,
        key: Key,
        now: Micros,
        with: Option<Sighting<'_>>,
    ) -> Reading {
        let mut seen = Vec::new();
        if let Some((buckets, sight)) = table.find(view, key, now) {
            buckets.each(sight, |bucket| seen.push(bucket));
        }
        // What falls together beyond the bound does so in the window's own tiles, of which these may be parts.
        if view > 0 && seen.len() > limits::QUANTILE_BUCKETS {
            seen = joined(&seen, |tile| table.first_of(view, tile));
        }
        let mut counts: Vec<_> = seen.iter().map(|bucket| (bucket.index, bucket.count)).collect();
        if let (Some(Sighting::Amount(amount)), Some(_)) = (with, table.in_hand(view, now)) {
            counts.push((Index::of(amount), 1));
        }
        Reading::Quantile(pick(&counts, *table.rule()))
    }
}

/// The middle of the bucket that holds the amount of the given rank.
fn pick(counts: &[(Index, u32)], share: u16) -> Option<f64> {
    let least = counts.iter().map(|(index, _)| index.0).min()?;
    let most = counts.iter().map(|(index, _)| index.0).max()?;
    let mut sums = vec![0u64; most.abs_diff(least) as usize + 1];
    for (index, count) in counts {
        sums[index.0.abs_diff(least) as usize] += u64::from(*count);
    }
    let rank = rank(sums.iter().sum(), share);
    let mut below = 0;
    let at = sums.iter().position(|n| {
        below += n;
        below >= rank
    })?;
    Some(Index(least + at as i16).amount())
}

/// Which of `of` amounts is the one that the share does not exceed, counted from 1: the nearest rank.
fn rank(of: u64, share: u16) -> u64 {
    let rank = (u128::from(of) * u128::from(share)).div_ceil(1000);
    (rank as u64).max(1)
}

impl Buckets {
    fn add(&mut self, index: Index, at: Moment) {
        self.trim(at.live);
        match self {
            Buckets::None => *self = Buckets::One { index: index.0, tile: at.tile, count: 1 },
            Buckets::One { index: held, tile, count } if (*held, *tile) == (index.0, at.tile) => {
                *count = count.saturating_add(1);
            }
            Buckets::One { index: held, tile, count } => {
                let held = Bucket { tile: *tile, index: Index(*held), count: *count };
                let mut many = Many(vec![held]);
                many.add(index, at);
                *self = Buckets::Many(Box::new(many));
            }
            Buckets::Many(many) => many.add(index, at),
        }
    }

    /// Gives each bucket in sight.
    fn each(&self, sight: Sight, mut take: impl FnMut(Bucket)) {
        match *self {
            Buckets::None => (),
            Buckets::One { index, tile, count } => {
                if sight.sees(tile) {
                    take(Bucket { tile, index: Index(index), count });
                }
            }
            Buckets::Many(ref many) => many.seen(sight).iter().for_each(|bucket| take(*bucket)),
        }
    }

    /// Forgets what has expired.
    fn trim(&mut self, live: Sight) {
        match self {
            Buckets::One { tile, .. } if !live.keeps(*tile) => *self = Buckets::None,
            Buckets::None | Buckets::One { .. } => (),
            Buckets::Many(many) => {
                many.trim(live);
                match *many.0.as_slice() {
                    [] => *self = Buckets::None,
                    [Bucket { tile, index, count }] => {
                        *self = Buckets::One { index: index.0, tile, count };
                    }
                    _ => (),
                }
            }
        }
    }
}

/// The buckets of tiles that are one where they have the same first tile. Nothing shows that they were apart: the greatest
/// magnitudes of all are among the greatest of each, and what falls together in one of them falls together in all.
fn joined(buckets: &[Bucket], first_of: impl Fn(u32) -> u32) -> Vec<Bucket> {
    let mut all = Vec::with_capacity(buckets.len());
    for parts in buckets.chunk_by(|a, b| first_of(a.tile) == first_of(b.tile)) {
        let mut one: Vec<Bucket> =
            parts.iter().map(|bucket| Bucket { tile: first_of(bucket.tile), ..*bucket }).collect();
        one.sort_unstable_by_key(|bucket| bucket.index);
        one.dedup_by(|next, held| {
            let same = next.index == held.index;
            held.count = held.count.saturating_add(if same { next.count } else { 0 });
            same
        });
        fall_together(&mut one);
        all.append(&mut one);
    }
    all
}

/// Of a tile with too many buckets, adds those of the smallest magnitudes to the smallest that is kept.
fn fall_together(tile: &mut Vec<Bucket>) {
    if tile.len() <= limits::QUANTILE_BUCKETS {
        return;
    }
    tile.sort_unstable_by_key(|bucket| std::cmp::Reverse(bucket.index.magnitude()));
    let rest = tile.drain(limits::QUANTILE_BUCKETS..).fold(0u32, |n, bucket| n.saturating_add(bucket.count));
    if let Some(smallest) = tile.last_mut() {
        smallest.count = smallest.count.saturating_add(rest);
    }
    tile.sort_unstable_by_key(|bucket| bucket.index);
}

impl Many {
    fn add(&mut self, index: Index, at: Moment) {
        let place = |bucket: &Bucket| (std::cmp::Reverse(at.live.age(bucket.tile)), bucket.index);
        let new = Bucket { tile: at.tile, index, count: 1 };
        match self.0.binary_search_by_key(&place(&new), place) {
            Ok(i) => self.0[i].count = self.0[i].count.saturating_add(1),
            Err(_) if at.grain.joins() && self.0.len() == self.0.capacity() => {
                self.join(&at.grain);
                self.0.reserve(1);
                self.add(index, at);
            }
            Err(i) => {
                self.0.insert(i, new);
                self.collapse(at);
            }
        }
    }

    /// Joins the tiles that only longer windows see.
    fn join(&mut self, grain: &Grain) {
        let coarse = self.0.partition_point(|bucket| grain.is_coarse(bucket.tile));
        if coarse > 0 {
            let joined = joined(&self.0[..coarse], |tile| grain.first_of(tile));
            self.0.splice(..coarse, joined);
        }
    }

    /// Where the tile has one bucket too many, adds the smallest magnitude to the next.
    fn collapse(&mut self, at: Moment) {
        let age = at.live.age(at.tile);
        let from = self.0.partition_point(|bucket| at.live.age(bucket.tile) > age);
        let to = self.0.partition_point(|bucket| at.live.age(bucket.tile) >= age);
        if to.saturating_sub(from) <= limits::QUANTILE_BUCKETS {
            return;
        }
        let mut smallest: Vec<usize> = (from..to).collect();
        let (_, next, _) = smallest.select_nth_unstable_by_key(1, |i| self.0[*i].index.magnitude());
        let (next, least) = (*next, smallest[0]);
        self.0[next].count = self.0[next].count.saturating_add(self.0[least].count);
        self.0.remove(least);
    }

    fn seen(&self, sight: Sight) -> &[Bucket] {
        let to = self.0.partition_point(|bucket| sight.age(bucket.tile) >= sight.youngest());
        self.0.get(self.expired(sight)..to).unwrap_or_default()
    }

    fn trim(&mut self, live: Sight) {
        let gone = self.expired(live);
        if gone > 0 {
            self.0.drain(..gone);
            self.0.shrink_to(2 * self.0.len());
        }
    }

    fn expired(&self, sight: Sight) -> usize {
        self.0.partition_point(|bucket| !sight.keeps(bucket.tile))
    }
}

impl Stored for Buckets {
    fn parts(&self) -> usize {
        match self {
            Buckets::None | Buckets::One { .. } => 0,
            Buckets::Many(many) => many.0.len(),
        }
    }

    fn encode(&self, pen: &mut Pen<'_>) {
        match *self {
            Buckets::None => pen.byte(0),
            Buckets::One { index, tile, count } => {
                pen.byte(1);
                Bucket { tile, index: Index(index), count }.encode(pen);
            }
            Buckets::Many(ref many) => {
                pen.byte(2);
                pen.number(many.0.len() as u64);
                many.0.iter().for_each(|bucket| bucket.encode(pen));
            }
        }
    }

    fn decode(from: &mut Source<'_>) -> Result<Buckets, Unreadable> {
        Ok(match from.byte()? {
            0 => Buckets::None,
            1 => {
                let Bucket { tile, index, count } = Bucket::decode(from)?;
                Buckets::One { index: index.0, tile, count }
            }
            2 => {
                let count = from.count(3)?;
                let buckets: Result<_, _> = (0..count).map(|_| Bucket::decode(from)).collect();
                Buckets::Many(Box::new(Many(buckets?)))
            }
            _ => return Err(Unreadable::No("form of buckets")),
        })
    }
}

impl Bucket {
    fn encode(self, pen: &mut Pen<'_>) {
        pen.tile(self.tile);
        pen.signed(self.index.0.into());
        pen.number(self.count.into());
    }

    fn decode(from: &mut Source<'_>) -> Result<Bucket, Unreadable> {
        let (tile, index, count) = (from.tile()?, from.signed()?, from.small()?);
        let index = i16::try_from(index).ok().filter(|index| index.unsigned_abs() <= Index::MOST);
        Ok(Bucket { tile, index: Index(index.ok_or(Unreadable::No("bucket"))?), count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_amounts_are_exact_and_buckets_join() {
        for amount in -127..=127 {
            assert_eq!(Index::of(amount).amount(), amount as f64);
        }
        let check = |amount: i64, expect: i16| assert_eq!(Index::of(amount), Index(expect), "{amount}");
        check(127, 127);
        check(128, 128);
        check(129, 128);
        check(255, 191);
        check(256, 192);
        check(-256, -192);
        check(i64::MAX, 3711);
        check(i64::MIN, -3712);
    }

    proptest! {
        #[test]
        fn an_amount_is_within_a_128th(size in any::<i64>(), shift in 0u32..64) {
            let amount = size >> shift;
            let read = Index::of(amount).amount();
            prop_assert!((read - amount as f64).abs() <= (amount as f64).abs() / 128.0, "{} reads {}", amount, read);
            prop_assert!(Index::of(amount) >= Index::of(amount.saturating_sub(1)));
        }
    }

    #[test]
    fn ranks_are_the_nearest() {
        let check = |of: u64, share: u16, expect: u64| assert_eq!(rank(of, share), expect, "{share} of {of}");
        check(1, 0, 1);
        check(1, 1000, 1);
        check(100, 950, 95);
        check(100, 951, 96);
        check(3, 500, 2);
        check(4, 500, 2);
        check(u64::MAX, 1000, u64::MAX);
    }

    /// However tiles are cut and joined, in whatever order, the buckets are those of one tile from the beginning.
    #[test]
    fn joining_tiles_shows_in_no_bucket() {
        let most = limits::QUANTILE_BUCKETS as i64;
        let mut apart = Buckets::None;
        let mut whole = Buckets::None;
        for n in 0..5 * most {
            let index = Index((n * 7919 % (2 * most) - most) as i16);
            apart.add(index, Moment::at(n % 3, 5));
            whole.add(index, Moment::at(0, 5));
        }
        let all = |buckets: &Buckets| {
            let mut all = Vec::new();
            buckets.each(Moment::at(5, 5).live, |bucket| all.push(bucket));
            all
        };
        let plain = |of: &[Bucket]| of.iter().map(|b| (b.tile, b.index, b.count)).collect::<Vec<_>>();
        assert_eq!(plain(&joined(&all(&apart), |_| 0)), plain(&all(&whole)));
        let two = joined(&all(&apart), |tile| tile / 2 * 2);
        assert_eq!(plain(&joined(&two, |_| 0)), plain(&all(&whole)));
    }

    /// Reads the share of everything in sight.
    fn read(buckets: &Buckets, clock: i64, share: u16) -> Option<f64> {
        let mut counts = Vec::new();
        buckets.each(Moment::at(clock, clock).live, |bucket| counts.push((bucket.index, bucket.count)));
        pick(&counts, share)
    }

    #[test]
    fn beyond_the_bound_the_smallest_magnitudes_fall_together() {
        let most = limits::QUANTILE_BUCKETS as i64;
        let amount = |n: i64| Index(n as i16).amount() as i64;
        for order in [1, 7, 11] {
            let mut buckets = Buckets::None;
            for n in 0..most + 100 {
                let n = n * order % (most + 100);
                buckets.add(Index::of(if n % 2 == 0 { amount(n) } else { -amount(n) }), Moment::at(5, 5));
            }
            let Buckets::Many(many) = &buckets else { panic!("there are many") };
            assert_eq!(many.0.len(), limits::QUANTILE_BUCKETS);
            assert_eq!(many.0.iter().map(|bucket| u64::from(bucket.count)).sum::<u64>(), most as u64 + 100);
            let smallest = many.0.iter().min_by_key(|bucket| bucket.index.magnitude()).unwrap();
            assert_eq!((smallest.index, smallest.count), (Index(100), 101), "{order}");
            assert_eq!(read(&buckets, 5, 1000), Some(Index((most + 98) as i16).amount()));
        }
    }

    #[test]
    fn what_expired_gives_its_memory_back() {
        let mut buckets = Buckets::None;
        (0..300).for_each(|n| buckets.add(Index::of(n), Moment::at(0, 0)));
        let full = buckets.heap();
        buckets.add(Index::of(7), Moment::at(30, 30));
        buckets.add(Index::of(9), Moment::at(31, 31));
        assert_eq!(read(&buckets, 61, 1000), Some(9.0));
        buckets.add(Index::of(9), Moment::at(61, 61));
        assert!(buckets.heap() < full / 10);
        buckets.add(Index::of(1), Moment::at(200, 200));
        assert_eq!((buckets.heap(), read(&buckets, 200, 500)), (0, Some(1.0)));
        assert_eq!(read(&buckets, 300, 500), None);
    }

    #[test]
    fn a_cell_is_16_bytes() {
        assert_eq!(size_of::<Buckets>(), 16);
    }
}
