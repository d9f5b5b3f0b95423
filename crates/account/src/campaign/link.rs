// SPDX-License-Identifier: Apache-2.0
//! Edges between sign-ups, drawn without comparing all with all.
//!
//! Two are linked if what they share is more than chance gives anybody among so many: `log` of how many there are, and a
//! margin, for there are hundreds of ways in which two can come to the same sum. So an honest sign-up seldom finds a stranger
//! that is as near to it, and strangers do not hang together. Sharing circumstance alone links nobody: something they *did* must be alike as well.
//!
//! Who is compared: those in the block of a rare key all with all; in the block of a common key those that share a second one,
//! each with the few that came just before. Of a machine's thousand, each then meets another of them.

use super::index::Index;
use super::limits::{ALL_PAIRS, COMPARISONS, REPRESENTATIVES};
use super::traits::Family;
use super::union::Union;
use std::collections::HashMap;

/// What must be shared beyond `log` of how many there are, in nats: on the first of these levels cohorts hang together that a
/// sweep looks at; from the second on campaigns are looked for, each level within the one before it.
pub(super) const LEVELS: [f64; 5] = [7.0, 9.0, 11.0, 14.0, 18.0];
/// After so many keys it is asked whether to stop.
const STOP_EACH: u32 = 64;
/// Which part of the line two common keys must reach together for those who share both to be compared.
const SECOND: f64 = 2.0;
/// Fewer sign-ups are taken for so many: the world is larger than what is seen of it.
const WORLD_LEAST: usize = 1000;

/// Sign-ups that are linked, level by level.
pub(super) struct Linked {
    pub(super) levels: Vec<Union>,
    /// How many pairs were compared.
    pub(super) comparisons: u64,
    /// Whether some were not, for there were too many.
    pub(super) is_cut: bool,
}

impl Linked {
    /// Links what an index holds.
    #[cfg(test)]
    pub(super) fn of(index: &Index) -> Linked {
        Linked::until(index, &|| false)
    }

    /// Links what an index holds, until it is told to stop.
    pub(super) fn until(index: &Index, stop: &dyn Fn() -> bool) -> Linked {
        let levels = LEVELS.map(|_| Union::new(index.signups.len())).into();
        let mut linked = Linked { levels, comparisons: 0, is_cut: false };
        let line = line(index);
        for key in 0..index.keys.len() as u32 {
            if index.keys[key as usize].weight <= 0.0 {
                continue;
            }
            if key % STOP_EACH == 0 && stop() {
                linked.is_cut = true;
                break;
            }
            match index.holders(key).len() {
                ..=ALL_PAIRS => linked.all_pairs(index, index.holders(key), line),
                _ => linked.by_second(index, key, line),
            }
        }
        linked
    }

    fn all_pairs(&mut self, index: &Index, holders: &[u32], line: f64) {
        for (at, a) in holders.iter().enumerate() {
            for b in &holders[..at] {
                self.compare(index, *a, *b, line);
            }
        }
    }

    /// Within a common key's block, by the second key that is shared.
    fn by_second(&mut self, index: &Index, first: u32, line: f64) {
        let one = &index.keys[first as usize];
        let mut recent: HashMap<u32, [u32; REPRESENTATIVES]> = HashMap::new();
        for at in index.holders(first) {
            for second in &*index.of[*at as usize] {
                let other = &index.keys[*second as usize];
                let is_new = other.kind.family() != one.kind.family() && other.weight > 0.0;
                // Each pair of common keys once; a rare key has a block of its own.
                let is_common = *second > first && index.holders(*second).len() > ALL_PAIRS;
                if !is_new || !is_common || one.weight + other.weight < line / SECOND {
                    continue;
                }
                let before = recent.entry(*second).or_insert([u32::MAX; REPRESENTATIVES]);
                for other in *before {
                    if other != u32::MAX {
                        self.compare(index, *at, other, line);
                    }
                }
                before.rotate_right(1);
                before[0] = *at;
            }
        }
    }

    fn compare(&mut self, index: &Index, a: u32, b: u32, line: f64) {
        let highest = self.levels.len() - 1;
        if self.levels[highest].is_joined(a, b) {
            return;
        }
        if self.comparisons >= COMPARISONS {
            self.is_cut = true;
            return;
        }
        self.comparisons += 1;
        if !index.is_alike(a, b) {
            return;
        }
        let said = nats(&index.shared(a, b)) - line;
        for (level, more) in self.levels.iter_mut().zip(LEVELS) {
            if said >= more {
                level.join(a, b);
            }
        }
    }
}

/// What two must share to be linked on the first level.
pub(super) fn line(index: &Index) -> f64 {
    (index.signups.len().max(WORLD_LEAST) as f64).ln()
}

/// What two share in all, where conduct is among it.
pub(super) fn nats(shared: &[f64; Family::COUNT]) -> f64 {
    let is_conduct = shared[Family::Device as usize..].iter().any(|nats| *nats > 0.0);
    if is_conduct { shared.iter().sum() } else { 0.0 }
}
