// SPDX-License-Identifier: Apache-2.0
//! Ids for events that come from lines of a log: the same each time the log is read.

use siphasher::sip128::{Hasher128, SipHasher24};
use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;

/// How many of the latest lines are compared to find identical ones. Identical lines have the same second on them,
/// so they stand close together; beyond this many lines they would get the same id, and count once.
const WINDOW: usize = 8192;

/// Gives lines their ids. The key is no secret: whoever can write the log needs no collision.
#[derive(Debug)]
pub struct LineIds {
    reader: &'static str,
    latest: VecDeque<u128>,
    /// How often each line of `latest` was seen while it stood there.
    seen: HashMap<u128, u32>,
}

/// A line: the hash of its bytes, and how many identical ones came shortly before.
#[derive(Clone, Copy, Debug)]
pub struct LineId {
    hash: u128,
    ordinal: u32,
}

impl LineIds {
    /// For one reader, named so that two readers of one file give different ids.
    pub fn new(reader: &'static str) -> LineIds {
        LineIds { reader, latest: VecDeque::new(), seen: HashMap::new() }
    }

    /// Takes note of a line.
    pub fn line(&mut self, line: &str) -> LineId {
        let mut hasher = SipHasher24::new();
        hasher.write(self.reader.as_bytes());
        hasher.write_u8(0);
        hasher.write(line.as_bytes());
        let hash = hasher.finish128().as_u128();
        if let Some(count) = self.seen.get_mut(&hash) {
            *count = count.saturating_add(1);
            return LineId { hash, ordinal: *count };
        }
        if self.latest.len() == WINDOW
            && let Some(old) = self.latest.pop_front()
        {
            self.seen.remove(&old);
        }
        self.latest.push_back(hash);
        self.seen.insert(hash, 0);
        LineId { hash, ordinal: 0 }
    }
}

impl LineId {
    /// The id of the line's event; `repeat` tells apart the several of one line.
    pub fn event(self, repeat: u32) -> String {
        let mut hasher = SipHasher24::new();
        hasher.write_u128(self.hash);
        hasher.write_u32(self.ordinal);
        hasher.write_u32(repeat);
        format!("{:032x}", hasher.finish128().as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_lines_get_different_ids_the_same_each_time() {
        let read = || {
            let mut ids = LineIds::new("r");
            ["a", "b", "a", "a"].map(|line| ids.line(line).event(0))
        };
        let first = read();
        assert_eq!(first, read());
        assert!((0..4).all(|i| (0..i).all(|j| first[i] != first[j])), "{first:?}");
        assert_ne!(LineIds::new("r").line("a").event(0), LineIds::new("r").line("a").event(1));
        assert_ne!(LineIds::new("r").line("a").event(0), LineIds::new("s").line("a").event(0));
    }

    #[test]
    fn memory_is_bounded() {
        let mut ids = LineIds::new("r");
        for n in 0..3 * WINDOW {
            ids.line(&n.to_string());
        }
        assert_eq!((ids.latest.len(), ids.seen.len()), (WINDOW, WINDOW));
    }
}
