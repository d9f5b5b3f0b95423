// SPDX-License-Identifier: Apache-2.0
//! What is usual at this hour of the week: how often a key was seen in the same hours of the weeks before.

use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::count::Tiles;
use crate::generations::Cell;
use crate::table::{Counter, Table};
use crate::{Key, Reading, Sighting, limits};
use wardroom_event::{Micros, Span};

/// The hours in which a key was seen.
#[derive(Default)]
pub(crate) struct Hours(Tiles);

/// What is compared.
#[derive(Clone, Copy)]
pub(crate) struct Weeks {
    /// How long the window is that is being compared with.
    span: Span,
    /// How many whole weeks are looked at.
    most: i64,
}

impl Weeks {
    pub(crate) fn new(span: Span, over: Option<Span>) -> Weeks {
        Weeks { span, most: over.map_or(0, |over| over.0 / limits::WEEK.0) }
    }

    /// How many hours stand for the window: as many as hold it.
    pub(crate) fn hours(span: Span) -> i64 {
        (span.0 + limits::HOUR.0 - 1).div_euclid(limits::HOUR.0).max(1)
    }
}

impl Cell for Hours {
    fn heap(&self) -> usize {
        self.0.heap()
    }
}

impl Stored for Hours {
    fn parts(&self) -> usize {
        self.0.parts()
    }

    fn encode(&self, pen: &mut Pen<'_>) {
        self.0.encode(pen);
    }

    fn decode(from: &mut Source<'_>) -> Result<Hours, Unreadable> {
        Tiles::decode(from).map(Hours)
    }
}

impl Counter for Hours {
    type Rule = Weeks;

    fn add(table: &mut Table<Hours>, key: Key, _: Sighting<'_>, time: Micros) {
        table.see(key, time, |hours, at| hours.0.add(at));
    }

    /// The event in hand belongs to no week before it, so nothing changes with it.
    fn read(table: &Table<Hours>, _: usize, key: Key, now: Micros, _: Option<Sighting<'_>>) -> Reading {
        let Weeks { span, most } = *table.rule();
        let hours = Weeks::hours(span);
        let mut usual = Usual::default();
        for week in 1..=most {
            let to = table.window().tile(now.minus(Span(week * limits::WEEK.0)));
            let from = to - hours + 1;
            if from < table.known_from(now) {
                break;
            }
            usual.add(table.between(key, from, to).map_or(0, |(cell, sight)| cell.0.count(sight)));
        }
        usual.reading(span.0 as f64 / (hours * limits::HOUR.0) as f64)
    }
}

/// Counts of weeks, added up exactly.
#[derive(Default)]
struct Usual {
    weeks: u32,
    sum: u128,
    squares: u128,
}

impl Usual {
    fn add(&mut self, count: u64) {
        let count = u128::from(count);
        self.weeks += 1;
        self.sum += count;
        self.squares += count * count;
    }

    /// With counts scaled.
    fn reading(&self, scale: f64) -> Reading {
        let weeks = u128::from(self.weeks);
        let variance = weeks * self.squares - self.sum * self.sum;
        let per_week = scale / f64::from(self.weeks.max(1));
        Reading::Baseline {
            mean: self.sum as f64 * per_week,
            spread: (variance as f64).sqrt() * per_week,
            weeks: self.weeks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_hold_the_span() {
        let check =
            |secs: i64, expect: i64| assert_eq!(Weeks::hours(Span::from_secs(secs)), expect, "{secs}");
        check(1, 1);
        check(3600, 1);
        check(3601, 2);
        check(86_400, 24);
    }

    #[test]
    fn mean_and_spread_are_of_all_weeks() {
        let check = |counts: &[u64], scale: f64, mean: f64, spread: f64| {
            let mut usual = Usual::default();
            counts.iter().for_each(|n| usual.add(*n));
            let weeks = counts.len() as u32;
            assert_eq!(usual.reading(scale), Reading::Baseline { mean, spread, weeks }, "{counts:?}");
        };
        check(&[], 1.0, 0.0, 0.0);
        check(&[7], 1.0, 7.0, 0.0);
        check(&[2, 4], 1.0, 3.0, 1.0);
        check(&[2, 4], 0.5, 1.5, 0.5);
        check(&[0, 0, 0, 8], 1.0, 2.0, 12f64.sqrt());
        let most = u64::from(u32::MAX) * 9600;
        check(&[most; 57], 1.0, most as f64, 0.0);
    }
}
