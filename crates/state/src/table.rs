// SPDX-License-Identifier: Apache-2.0
//! One counter's table: the clock that decides what is late and what has expired, over cells of one kind.

use crate::generations::{Cell, Generations};
use crate::window::{Sight, Window, low};
use crate::{Key, Spec, Stats};
use wardroom_event::Micros;

/// A sighting that is in time: where it belongs and what of the past still counts.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    /// The low bits of its tile.
    pub(crate) tile: u32,
    /// Its time.
    pub(crate) time: Micros,
    /// The tiles that have not expired.
    pub(crate) live: Sight,
}

pub(crate) struct Table<C> {
    spec: Spec,
    window: Window,
    /// The greatest time added; before the first, the least there is.
    clock: Micros,
    late: u64,
    keys: Generations<C>,
}

impl<C: Cell> Table<C> {
    pub(crate) fn new(spec: Spec, most_keys: usize) -> Table<C> {
        let keys = Generations::new(most_keys);
        Table { spec, window: Window::new(spec), clock: Micros(i64::MIN), late: 0, keys }
    }

    pub(crate) fn spec(&self) -> Spec {
        self.spec
    }

    /// The cell of a key with the tiles that a reading at `now` sees; `None` where it can see nothing.
    pub(crate) fn read(&self, key: Key, now: Micros) -> Option<(&C, Sight)> {
        let cell = self.keys.get(key)?;
        let from = self.window.floor(now.max(self.clock));
        let sight = Sight::new(self.window.tile(self.clock), from, self.window.tile(now))?;
        Some((cell, sight))
    }

    /// Changes the cell of a key by a sighting at `time`, unless it comes too late to matter.
    pub(crate) fn add(&mut self, key: Key, time: Micros, change: impl FnOnce(&mut C, Moment)) {
        self.advance(time);
        let (clock, tile) = (self.window.tile(self.clock), self.window.tile(time));
        let from = self.window.floor(self.clock);
        let live = Sight::new(clock, from, clock).filter(|_| tile >= from);
        let Some(live) = live else {
            self.late += 1;
            return;
        };
        self.keys.update(key, clock, |cell| change(cell, Moment { tile: low(tile), time, live }));
    }

    fn advance(&mut self, time: Micros) {
        if time > self.clock {
            let before = self.window.tile(self.clock);
            self.clock = time;
            self.keys.expire(self.window.floor(time), before, self.window.tile(time));
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            keys: self.keys.len(),
            bytes: self.keys.bytes() + size_of::<Self>(),
            late_dropped: self.late,
            evicted: self.keys.evicted(),
        }
    }
}

#[cfg(test)]
impl Moment {
    /// A sighting in `tile` while the clock stands in tile `clock` and tiles live for 60.
    pub(crate) fn at(tile: i64, clock: i64) -> Moment {
        let live = Sight::new(clock, clock - 60, clock).unwrap();
        Moment { tile: low(tile), time: Micros(tile), live }
    }
}
