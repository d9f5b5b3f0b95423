// SPDX-License-Identifier: Apache-2.0
//! Times by key within a window, and until when a key is banned.

use std::collections::{HashMap, VecDeque};

/// Times remembered of one key: no limit here is greater.
const TIMES: usize = 256;
/// Keys beyond which those that have expired are dropped.
const KEYS: usize = 1 << 20;

/// Times of the last while, by key.
#[derive(Debug)]
pub(crate) struct Recent {
    window: i64,
    keys: HashMap<u64, VecDeque<i64>>,
    /// How many keys make the next sweep worth it.
    sweep_at: usize,
}

impl Recent {
    pub(crate) fn new(window: i64) -> Recent {
        Recent { window, keys: HashMap::new(), sweep_at: KEYS }
    }

    /// How many times of the window a key has.
    pub(crate) fn count(&mut self, key: u64, now: i64) -> usize {
        let Some(times) = self.keys.get_mut(&key) else { return 0 };
        while times.front().is_some_and(|first| *first <= now - self.window) {
            times.pop_front();
        }
        times.len()
    }

    /// Adds a time, and gives how many there are with it.
    pub(crate) fn add(&mut self, key: u64, now: i64) -> usize {
        if self.keys.len() >= self.sweep_at {
            let since = now - self.window;
            self.keys.retain(|_, times| times.back().is_some_and(|last| *last > since));
            self.sweep_at = KEYS.max(2 * self.keys.len());
        }
        let times = self.keys.entry(key).or_default();
        if times.len() >= TIMES {
            times.pop_front();
        }
        times.push_back(now);
        self.count(key, now)
    }

    /// Begins anew with a key.
    pub(crate) fn clear(&mut self, key: u64) {
        self.keys.remove(&key);
    }
}

/// Keys that are banned, each until a time.
#[derive(Debug, Default)]
pub(crate) struct Bans {
    until: HashMap<u64, i64>,
}

impl Bans {
    pub(crate) fn holds(&self, key: u64, now: i64) -> bool {
        self.until.get(&key).is_some_and(|until| *until > now)
    }

    pub(crate) fn add(&mut self, key: u64, now: i64, lasts: i64) {
        if self.until.len() >= KEYS {
            self.until.retain(|_, until| *until > now);
        }
        self.until.insert(key, now + lasts);
    }
}
