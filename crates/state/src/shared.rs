// SPDX-License-Identifier: Apache-2.0
//! Several windows over one table: what counters have in common that differ in nothing but their window.
//!
//! The tiles of the windows lie in each other: each is a whole number of tiles of the next shorter window, all
//! beginning at 1970. A cell holds tiles of the shortest window, the *fine* ones, as long as that window can see them.
//! Once only longer windows do, those that lie in one tile of the shortest of these are joined, and stand under the first of
//! them. So a tile in a cell is a fine one always, and how long it is follows from its age and need not be kept.
//!
//! Why no reading shows it: a window sees whole tiles of its own. A joined tile lies before everything that a shorter window
//! sees, and within one tile of each longer one. What is not joined yet reads the same; so joining can wait until a
//! cell needs room, or until the table comes by ([`Table`](crate::table::Table)).
//!
//! A late sighting goes to its fine tile, or to the joined one that it belongs to by now. One too late for a shorter
//! window and not for a longer one is not in sight of the shorter.
//!
//! Left out on purpose: `first_seen` and `sequence`, whose cells are histories that differ from window to window; `baseline`,
//! whose tiles are hours; and `distinct`: which items a sample lets go, and when, follows from all that its window holds,
//! so above the exact bound the estimates of a shared sample would be others than those of one kept apart.

use crate::window::{Moment, Sight, Window, low};
use crate::{Kind, Spec, limits};
use smallvec::{SmallVec, smallvec};
use wardroom_event::Micros;

/// Which of several counters over the same sightings share a table, by their places in `specs`: each group has the
/// shortest window first. Those that are the same are in one group, once for each.
///
/// Greedy from the shortest window on: a window joins the first group whose longest tile fits into its own.
pub(crate) fn groups(specs: &[Spec]) -> Vec<SmallVec<[usize; 1]>> {
    let mut order: Vec<usize> = (0..specs.len()).collect();
    order.sort_by_key(|i| specs[*i].window());
    let mut groups: Vec<SmallVec<[usize; 1]>> = Vec::new();
    for i in order {
        match groups.iter_mut().find(|group| fits(specs, group, specs[i])) {
            Some(group) => group.push(i),
            None => groups.push(smallvec![i]),
        }
    }
    groups
}

/// Whether a counter can have the longest window of a group.
fn fits(specs: &[Spec], group: &[usize], spec: Spec) -> bool {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return false };
    let (first, last) = (specs[*first], specs[*last]);
    if spec == last {
        return true;
    }
    let windows = 1 + group.windows(2).filter(|pair| specs[pair[0]] != specs[pair[1]]).count();
    let tile = |spec: Spec| Window::new(spec).tile_len();
    spec.kind() == first.kind()
        && shares(spec.kind())
        && first.window().is_some()
        && spec.window().is_some()
        && windows < limits::SHARED_WINDOWS
        && tile(spec) % tile(last) == 0
        && tile(spec) / tile(first) <= limits::SHARED_RATIO
}

/// Whether windows of the kind can share a table.
fn shares(kind: Kind) -> bool {
    match kind {
        Kind::Count | Kind::Sum | Kind::Extreme { .. } | Kind::Ratio | Kind::Quantile { .. } => true,
        Kind::Last | Kind::Speed => true,
        Kind::Distinct | Kind::FirstSeen | Kind::Baseline { .. } | Kind::Sequence { .. } => false,
    }
}

/// The windows of a table, the shortest first.
pub(crate) struct Windows(SmallVec<[Level; 1]>);

struct Level {
    spec: Spec,
    window: Window,
    /// How many fine tiles one of its own is.
    ratio: i64,
}

impl Windows {
    /// Of counters that differ only in window and whose tiles lie in each other; at least one.
    pub(crate) fn new(specs: &[Spec]) -> Windows {
        let fine = specs.first().map_or(1, |spec| Window::new(*spec).tile_len());
        let level = |spec: &Spec| {
            let window = Window::new(*spec);
            Level { spec: *spec, window, ratio: window.tile_len() / fine }
        };
        Windows(specs.iter().map(level).collect())
    }

    /// What each window is read as.
    pub(crate) fn specs(&self) -> impl ExactSizeIterator<Item = Spec> {
        self.0.iter().map(|level| level.spec)
    }

    /// The shortest window.
    pub(crate) fn finest(&self) -> Window {
        self.0[0].window
    }

    /// The first of the fine tiles that are one in that window's own. The tile lies not after the clock's.
    pub(crate) fn first_of(&self, view: usize, clock: Micros, tile: u32) -> u32 {
        let clock = self.tile(clock);
        let tile = clock - i64::from(low(clock).wrapping_sub(tile));
        low(tile - tile.rem_euclid(self.0[view].ratio))
    }

    /// The fine tile of a time.
    pub(crate) fn tile(&self, t: Micros) -> i64 {
        self.0[0].window.tile(t)
    }

    /// The first fine tile that any reading at `t` sees.
    pub(crate) fn floor(&self, t: Micros) -> i64 {
        self.longest().floor(t)
    }

    fn longest(&self) -> &Level {
        &self.0[self.0.len() - 1]
    }

    /// The fine tiles that a reading of one window at `now` sees; `None` where that can be nothing.
    pub(crate) fn sight(&self, view: usize, clock: Micros, now: Micros) -> Option<Sight> {
        let level = &self.0[view];
        let latest = clock.max(now);
        let from = level.floor(latest);
        let to = level.window.tile(now).saturating_mul(level.ratio).saturating_add(level.ratio - 1);
        let some = from <= self.tile(clock);
        some.then(|| Sight::new(self.tile(latest), from, to)).flatten()
    }

    /// The fine tiles that some window can see.
    pub(crate) fn live(&self, clock: Micros) -> Option<Sight> {
        self.sight(self.0.len() - 1, clock, clock)
    }

    /// Where a sighting belongs; `None` where it is late beyond use. The clock is not before it.
    pub(crate) fn moment(&self, clock: Micros, time: Micros, grain: Grain) -> Option<Moment> {
        let live = self.live(clock)?;
        let takes = self.longest().window.takes(clock, time);
        takes.then(|| Moment { tile: grain.first_of(low(self.tile(time))), time, live, grain })
    }

    /// Where a sighting would belong that comes next; `None` where it would be late beyond use in one window.
    pub(crate) fn in_hand(&self, view: usize, clock: Micros, now: Micros) -> Option<Moment> {
        let latest = clock.max(now);
        let takes = self.0[view].window.takes(latest, now);
        takes.then(|| self.moment(latest, now, Grain::even(self.tile(latest)))).flatten()
    }

    /// What is joined while the clock stands there.
    pub(crate) fn grain(&self, clock: Micros) -> Grain {
        let mut grain = Grain::even(self.tile(clock));
        for pair in self.0.windows(2) {
            let [shorter, longer] = pair else { continue };
            let age = self.tile(clock).saturating_sub(shorter.floor(clock));
            let (Ok(oldest), Ok(ratio)) = (u32::try_from(age), u32::try_from(longer.ratio)) else { continue };
            if let Some(step) = grain.steps.get_mut(grain.len) {
                *step = Step { oldest, ratio };
                grain.len += 1;
            }
        }
        grain
    }
}

impl Level {
    /// The first fine tile that a reading at `t` sees.
    fn floor(&self, t: Micros) -> i64 {
        self.window.floor(t).saturating_mul(self.ratio)
    }
}

/// Which fine tiles are one, by their age: none where there is one window.
#[derive(Clone, Copy)]
pub(crate) struct Grain {
    /// The clock's fine tile.
    clock: i64,
    steps: [Step; limits::SHARED_WINDOWS - 1],
    /// How many steps there are, the newest first.
    len: usize,
}

/// Tiles older than `oldest` are joined by so many.
#[derive(Clone, Copy)]
struct Step {
    oldest: u32,
    ratio: u32,
}

impl Grain {
    /// None are joined.
    pub(crate) fn even(clock: i64) -> Grain {
        Grain { clock, steps: [Step { oldest: u32::MAX, ratio: 1 }; limits::SHARED_WINDOWS - 1], len: 0 }
    }

    /// Whether any are joined.
    pub(crate) fn joins(&self) -> bool {
        self.len > 0
    }

    /// The first of the tiles that are one with this one.
    pub(crate) fn first_of(&self, tile: u32) -> u32 {
        let age = low(self.clock).wrapping_sub(tile);
        match self.steps[..self.len].iter().rev().find(|step| age > step.oldest) {
            None => tile,
            Some(step) => {
                let tile = self.clock - i64::from(age);
                low(tile - tile.rem_euclid(step.ratio.into()))
            }
        }
    }

    /// Whether a tile may have to be joined with others.
    pub(crate) fn is_coarse(&self, tile: u32) -> bool {
        let age = low(self.clock).wrapping_sub(tile);
        self.steps[..self.len].first().is_some_and(|step| age > step.oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_event::Span;

    fn count(secs: i64) -> Spec {
        Spec::new(Kind::Count, Some(Span::from_secs(secs))).unwrap()
    }

    fn windows(secs: &[i64]) -> Windows {
        Windows::new(&secs.iter().map(|secs| count(*secs)).collect::<Vec<_>>())
    }

    #[test]
    fn windows_share_where_their_tiles_lie_in_each_other() {
        let check = |secs: &[i64], expect: &[&[usize]]| {
            let specs: Vec<Spec> = secs.iter().map(|secs| count(*secs)).collect();
            assert_eq!(groups(&specs).iter().map(|g| g.to_vec()).collect::<Vec<_>>(), expect, "{secs:?}");
        };
        check(&[], &[]);
        check(&[60], &[&[0]]);
        check(&[86_400, 600, 3600], &[&[1, 2, 0]]);
        check(&[600, 3600, 600], &[&[0, 2, 1]]);
        // 90 s have tiles of 1.5 s, which do not fill those of 2 s.
        check(&[60, 90, 120, 180], &[&[0, 2], &[1, 3]]);
        // 7 days are 10 080 minutes, too many for 16 bits with the minute's own sixtieths.
        check(&[60, 3600, 7 * 86_400], &[&[0, 1], &[2]]);
        let many: Vec<i64> = (0..10).map(|n| 60 << n).collect();
        check(&many, &[&[0, 1, 2, 3, 4, 5, 6, 7], &[8, 9]]);
    }

    #[test]
    fn only_kinds_that_add_up_share() {
        let over = |kind, secs| Spec::new(kind, Some(Span::from_secs(secs))).unwrap();
        let check = |kind, expect: usize| {
            assert_eq!(groups(&[over(kind, 600), over(kind, 3600)]).len(), expect, "{kind:?}");
        };
        check(Kind::Sum, 1);
        check(Kind::Last, 1);
        check(Kind::Distinct, 2);
        check(Kind::FirstSeen, 2);
        let mixed = [over(Kind::Count, 600), over(Kind::Sum, 600), over(Kind::Quantile { q: 5 }, 600)];
        assert_eq!(groups(&mixed).len(), 3);
        let for_ever = Spec::new(Kind::Last, None).unwrap();
        assert_eq!(groups(&[for_ever, over(Kind::Last, 600), for_ever]).len(), 2);
    }

    /// Against the rule itself, tile by tile.
    #[test]
    fn tiles_are_joined_once_shorter_windows_cannot_see_them() {
        for clock in [0, 59_999_999, 1_767_607_200_123_456, -77_777_777_777] {
            let windows = windows(&[60, 600, 3600]);
            let clock = Micros(clock);
            let grain = windows.grain(clock);
            assert!(grain.joins());
            for tile in windows.floor(clock)..=windows.tile(clock) {
                let shortest = windows.0.iter().position(|level| tile >= level.floor(clock)).unwrap();
                let ratio = [1, 10, 60][shortest];
                let first = tile.div_euclid(ratio) * ratio;
                assert_eq!(grain.first_of(low(tile)), low(first), "{tile} at {clock}");
                assert_eq!(grain.first_of(low(first)), low(first), "the first stays where it is");
                assert_eq!(grain.is_coarse(low(tile)), shortest > 0);
            }
        }
        assert!(!windows(&[60]).grain(Micros(5)).joins());
    }
}
