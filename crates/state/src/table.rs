// SPDX-License-Identifier: Apache-2.0
//! A table: the clock that decides what is late and what has expired, over cells of one kind. It is read over one window
//! or over several (see [`shared`](crate::shared)), which are numbered from the shortest on.

use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::generations::Generations;
use crate::shared::{Grain, Windows};
use crate::window::{Moment, Sight, Window, low};
use crate::{Key, Reading, Sighting, Spec, Stats, limits};
use wardroom_event::Micros;

/// A kind of counter: how its cells are fed and read.
pub(crate) trait Counter: Stored + Send + Sync + Sized {
    /// What the kind is told once for the whole table.
    type Rule: Send + Sync;

    /// Joins what only longer windows still see, and gives room back; without a change to any reading.
    fn settle(&mut self, _live: Sight, _grain: &Grain) {}

    /// Adds a sighting at `time`.
    fn add(table: &mut Table<Self>, key: Key, sighting: Sighting<'_>, time: Micros);

    /// Whether such a sighting moves the clock.
    fn arrives(_: Sighting<'_>) -> bool {
        true
    }

    /// What is known of a key at `now` over one window; as if the sighting `with` had been added at `now`, if there is
    /// one.
    fn read(table: &Table<Self>, view: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading;
}

/// A table of any kind.
pub(crate) trait AnyTable: Send + Sync {
    fn add(&mut self, key: Key, sighting: Sighting<'_>, time: Micros);
    /// Moves the clock as adding that would.
    fn tick(&mut self, sighting: Sighting<'_>, time: Micros);
    fn read(&self, view: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading;
    /// What it is read as, the shortest window first.
    fn specs(&self) -> Vec<Spec>;
    fn stats(&self) -> Stats;

    /// From now on sightings belong to the record of that number.
    fn set_event(&mut self, event: u64);
    /// Forgets the keys touched longest ago.
    fn forget(&mut self);
    /// Frees some of what has gone; whether there is more.
    fn tidy(&mut self) -> bool;

    /// Writes all but the keys.
    fn write_head(&self, pen: &mut Pen<'_>);
    /// Reads that, after the spec.
    fn load_head(&mut self, from: &mut Source<'_>) -> Result<(), Unreadable>;
    /// Writes some shards from a place on, see [`Generations::write`].
    fn write(&mut self, from: u32, delta: bool, pen: &mut Pen<'_>) -> Option<u32>;
    /// Reads some shards.
    fn load(&mut self, as_of: u64, from: &mut Source<'_>) -> Result<(), Unreadable>;
}

pub(crate) struct Table<C: Counter> {
    rule: C::Rule,
    windows: Windows,
    /// What the clock joins, as of the beginning of its tile.
    grain: Grain,
    /// The greatest time added; before the first, the least there is.
    clock: Micros,
    /// The clock's tile.
    tile: i64,
    /// The time of the sighting added first, under any key.
    began: Option<Micros>,
    late: u64,
    /// Most keys.
    most: usize,
    /// The record in hand, by its number; the greatest there is where no key can have counted it.
    event: u64,
    keys: Generations<C>,
}

impl<C: Counter> Table<C> {
    pub(crate) fn new(specs: &[Spec], most_keys: usize, rule: C::Rule) -> Table<C> {
        let windows = Windows::new(specs);
        let clock = Micros(i64::MIN);
        Table {
            rule,
            clock,
            tile: windows.tile(clock),
            windows,
            grain: Grain::even(0),
            began: None,
            late: 0,
            most: most_keys,
            event: u64::MAX,
            keys: Generations::new(),
        }
    }

    /// The window of a table that has one.
    pub(crate) fn window(&self) -> Window {
        self.windows.finest()
    }

    /// The greatest time added; before the first, the least there is.
    pub(crate) fn clock(&self) -> Micros {
        self.clock
    }

    pub(crate) fn rule(&self) -> &C::Rule {
        &self.rule
    }

    /// The cell of a key with the tiles that a reading of a window at `now` sees; `None` where it can see nothing.
    pub(crate) fn find(&self, view: usize, key: Key, now: Micros) -> Option<(&C, Sight)> {
        Some((self.keys.get(key)?, self.windows.sight(view, self.clock, now)?))
    }

    /// The cell of a key, of which some may have expired.
    pub(crate) fn cell(&self, key: Key) -> Option<&C> {
        self.keys.get(key)
    }

    /// The cell of a key with the tiles from `from` to `to`; `None` where it can see nothing.
    pub(crate) fn between(&self, key: Key, from: i64, to: i64) -> Option<(&C, Sight)> {
        Some((self.keys.get(key)?, Sight::new(self.tile, from, to)?))
    }

    /// The first of the tiles that are one in that window's own. The tile lies not after the clock's.
    pub(crate) fn first_of(&self, view: usize, tile: u32) -> u32 {
        self.windows.first_of(view, self.clock, tile)
    }

    /// The first tile of which a reading at `now` knows all: neither expired nor before the first sighting.
    pub(crate) fn known_from(&self, now: Micros) -> i64 {
        let began = self.began.map_or(i64::MAX, |time| self.windows.tile(time));
        began.max(self.windows.floor(self.clock.max(now)))
    }

    /// Where a sighting at `now` would belong once it is added; `None` where it would be late beyond use in the window.
    pub(crate) fn in_hand(&self, view: usize, now: Micros) -> Option<Moment> {
        self.windows.in_hand(view, self.clock, now)
    }

    /// Changes the cell of a key by a sighting at `time`, unless it comes too late to matter.
    pub(crate) fn see(&mut self, key: Key, time: Micros, change: impl FnOnce(&mut C, Moment)) {
        if let Some(at) = self.arrive(time) {
            self.change(key, |cell| change(cell, at));
        }
    }

    /// Moves the clock; where a sighting at `time` belongs, unless it comes too late to matter.
    pub(crate) fn arrive(&mut self, time: Micros) -> Option<Moment> {
        self.began.get_or_insert(time);
        if time > self.clock {
            let before = self.tile;
            self.set_clock(time);
            self.keys.expire(self.windows.floor(time), before, self.tile);
        }
        let at = self.windows.moment(self.clock, time, self.grain);
        self.late += u64::from(at.is_none());
        at
    }

    fn set_clock(&mut self, time: Micros) {
        let tile = self.windows.tile(time);
        if tile != self.tile {
            self.grain = self.windows.grain(time);
        }
        (self.clock, self.tile) = (time, tile);
    }

    /// Changes the cell of a key; and passes some others, to join in them what only longer windows still see. Only how
    /// much room they take depends on which.
    pub(crate) fn change(&mut self, key: Key, change: impl FnOnce(&mut C)) {
        self.keys.update(key, self.event, change);
        if self.grain.joins()
            && let Some(live) = self.windows.live(self.clock)
        {
            let grain = self.grain;
            self.keys.join(limits::SETTLE_STEP, self.event, |cell| cell.settle(live, &grain));
        }
    }
}

impl<C: Counter> AnyTable for Table<C> {
    fn add(&mut self, key: Key, sighting: Sighting<'_>, time: Micros) {
        C::add(self, key, sighting, time);
    }

    fn tick(&mut self, sighting: Sighting<'_>, time: Micros) {
        if C::arrives(sighting) {
            self.arrive(time);
        }
    }

    fn read(&self, view: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        C::read(self, view, key, now, with)
    }

    fn specs(&self) -> Vec<Spec> {
        self.windows.specs().collect()
    }

    fn stats(&self) -> Stats {
        Stats {
            keys: self.keys.len(),
            bytes: self.keys.bytes() + size_of::<Self>(),
            freeing: self.keys.freeing(),
            late_dropped: self.late,
            forgotten: self.keys.forgotten(),
            young: self.keys.young(),
            over_cap: self.keys.young() >= (self.most / 2).max(1),
        }
    }

    fn set_event(&mut self, event: u64) {
        self.event = event;
    }

    fn forget(&mut self) {
        self.keys.forget(self.tile, self.event);
    }

    fn tidy(&mut self) -> bool {
        self.keys.tidy();
        self.keys.freeing() > 0
    }

    fn write_head(&self, pen: &mut Pen<'_>) {
        pen.byte(self.windows.specs().len() as u8);
        self.windows.specs().for_each(|spec| spec.encode(pen));
        pen.signed(self.clock.0);
        pen.byte(self.began.is_some().into());
        self.began.into_iter().for_each(|began| pen.signed(began.0));
        pen.number(self.late);
        self.keys.write_head(pen);
    }

    fn load_head(&mut self, from: &mut Source<'_>) -> Result<(), Unreadable> {
        self.set_clock(Micros(from.signed()?));
        self.began = if from.byte()? == 0 { None } else { Some(Micros(from.signed()?)) };
        // Far from the greatest, so that it can be counted on from.
        self.late = from.number()?.min(u64::MAX >> 1);
        self.keys.load_head(from)?;
        from.end()
    }

    fn write(&mut self, from: u32, delta: bool, pen: &mut Pen<'_>) -> Option<u32> {
        pen.signed(self.clock.0);
        self.keys.write(from, delta, low(self.tile), pen)
    }

    fn load(&mut self, as_of: u64, from: &mut Source<'_>) -> Result<(), Unreadable> {
        let clock = Micros(from.signed()?);
        self.keys.load(as_of, low(self.windows.tile(clock)), from)
    }
}
