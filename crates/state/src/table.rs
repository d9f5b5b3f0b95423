// SPDX-License-Identifier: Apache-2.0
//! One counter's table: the clock that decides what is late and what has expired, over cells of one kind.

use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::generations::Generations;
use crate::window::{Moment, Sight, Window, low};
use crate::{Key, Reading, Sighting, Spec, Stats};
use wardroom_event::Micros;

/// A kind of counter: how its cells are fed and read.
pub(crate) trait Counter: Stored + Send + Sync + Sized {
    /// What the kind is told once for the whole table.
    type Rule: Send + Sync;

    /// Adds a sighting at `time`.
    fn add(table: &mut Table<Self>, key: Key, sighting: Sighting<'_>, time: Micros);

    /// What is known of a key at `now`; as if the sighting `with` had been added at `now`, if there is one.
    fn read(table: &Table<Self>, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading;
}

/// A table of any kind.
pub(crate) trait AnyTable: Send + Sync {
    fn add(&mut self, key: Key, sighting: Sighting<'_>, time: Micros);
    fn read(&self, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading;
    fn spec(&self) -> Spec;
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
    spec: Spec,
    rule: C::Rule,
    window: Window,
    /// The greatest time added; before the first, the least there is.
    clock: Micros,
    /// The time of the sighting added first, under any key.
    began: Option<Micros>,
    late: u64,
    /// Most keys, beyond which some are to be forgotten.
    most: usize,
    /// The record in hand, by its number; the greatest there is where no key can have counted it.
    event: u64,
    keys: Generations<C>,
}

impl<C: Counter> Table<C> {
    pub(crate) fn new(spec: Spec, most_keys: usize, rule: C::Rule) -> Table<C> {
        let (window, keys) = (Window::new(spec), Generations::new());
        let clock = Micros(i64::MIN);
        Table { spec, rule, window, clock, began: None, late: 0, most: most_keys, event: u64::MAX, keys }
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// The greatest time added; before the first, the least there is.
    pub(crate) fn clock(&self) -> Micros {
        self.clock
    }

    pub(crate) fn rule(&self) -> &C::Rule {
        &self.rule
    }

    /// The cell of a key with the tiles that a reading at `now` sees; `None` where it can see nothing.
    pub(crate) fn find(&self, key: Key, now: Micros) -> Option<(&C, Sight)> {
        Some((self.keys.get(key)?, self.window.sight(self.clock, now)?))
    }

    /// The cell of a key, of which some may have expired.
    pub(crate) fn cell(&self, key: Key) -> Option<&C> {
        self.keys.get(key)
    }

    /// The cell of a key with the tiles from `from` to `to`; `None` where it can see nothing.
    pub(crate) fn between(&self, key: Key, from: i64, to: i64) -> Option<(&C, Sight)> {
        Some((self.keys.get(key)?, Sight::new(self.window.tile(self.clock), from, to)?))
    }

    /// The first tile of which a reading at `now` knows all: neither expired nor before the first sighting.
    pub(crate) fn known_from(&self, now: Micros) -> i64 {
        let began = self.began.map_or(i64::MAX, |time| self.window.tile(time));
        began.max(self.window.floor(self.clock.max(now)))
    }

    /// Where a sighting at `now` would belong once it is added; `None` where it would be late beyond use.
    pub(crate) fn in_hand(&self, now: Micros) -> Option<Moment> {
        self.window.moment(self.clock.max(now), now)
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
            let before = self.window.tile(self.clock);
            self.clock = time;
            self.keys.expire(self.window.floor(time), before, self.window.tile(time));
        }
        let at = self.window.moment(self.clock, time);
        self.late += u64::from(at.is_none());
        at
    }

    /// Changes the cell of a key.
    pub(crate) fn change(&mut self, key: Key, change: impl FnOnce(&mut C)) {
        self.keys.update(key, self.event, change);
    }
}

impl<C: Counter> AnyTable for Table<C> {
    fn add(&mut self, key: Key, sighting: Sighting<'_>, time: Micros) {
        C::add(self, key, sighting, time);
    }

    fn read(&self, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        C::read(self, key, now, with)
    }

    fn spec(&self) -> Spec {
        self.spec
    }

    fn stats(&self) -> Stats {
        Stats {
            keys: self.keys.len(),
            bytes: self.keys.bytes() + size_of::<Self>(),
            freeing: self.keys.freeing(),
            late_dropped: self.late,
            forgotten: self.keys.forgotten(),
            over_cap: self.keys.len() > self.most,
        }
    }

    fn set_event(&mut self, event: u64) {
        self.event = event;
    }

    fn forget(&mut self) {
        self.keys.forget(self.window.tile(self.clock), self.event);
    }

    fn tidy(&mut self) -> bool {
        self.keys.tidy();
        self.keys.freeing() > 0
    }

    fn write_head(&self, pen: &mut Pen<'_>) {
        self.spec.encode(pen);
        pen.signed(self.clock.0);
        pen.byte(self.began.is_some().into());
        self.began.into_iter().for_each(|began| pen.signed(began.0));
        pen.number(self.late);
        self.keys.write_head(pen);
    }

    fn load_head(&mut self, from: &mut Source<'_>) -> Result<(), Unreadable> {
        self.clock = Micros(from.signed()?);
        self.began = if from.byte()? == 0 { None } else { Some(Micros(from.signed()?)) };
        // Far from the greatest, so that it can be counted on from.
        self.late = from.number()?.min(u64::MAX >> 1);
        self.keys.load_head(from)?;
        from.end()
    }

    fn write(&mut self, from: u32, delta: bool, pen: &mut Pen<'_>) -> Option<u32> {
        pen.signed(self.clock.0);
        self.keys.write(from, delta, low(self.window.tile(self.clock)), pen)
    }

    fn load(&mut self, as_of: u64, from: &mut Source<'_>) -> Result<(), Unreadable> {
        let clock = Micros(from.signed()?);
        self.keys.load(as_of, low(self.window.tile(clock)), from)
    }
}
