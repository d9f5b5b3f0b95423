// SPDX-License-Identifier: Apache-2.0
//! Event ids that came before: for a day, the same id gives the same decision.

use crate::limits;
use hashbrown::HashMap;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use wardroom_event::{EventId, Micros};
use wardroom_state::Secret;

/// Ids of the last one to two windows, in two halves: the older is dropped whole when the newer is full of time or of
/// entries, so forgetting costs no scan.
pub(crate) struct Seen {
    hasher: SipHasher13,
    young: HashMap<u64, u64>,
    old: HashMap<u64, u64>,
    young_since: Micros,
    /// Most ids in each half.
    most: usize,
}

impl Seen {
    pub(crate) fn new(secret: Secret) -> Seen {
        Seen::bounded(secret, limits::SEEN_IDS)
    }

    fn bounded(secret: Secret, most: usize) -> Seen {
        Seen {
            most,
            hasher: SipHasher13::new_with_key(&secret.0),
            young: HashMap::new(),
            old: HashMap::new(),
            young_since: Micros(i64::MIN),
        }
    }

    /// The number of the record with this id, if it came before.
    pub(crate) fn find(&self, id: &EventId) -> Option<u64> {
        let hash = self.hash(id);
        self.young.get(&hash).or_else(|| self.old.get(&hash)).copied()
    }

    /// Remembers a record's id.
    pub(crate) fn insert(&mut self, id: &EventId, seq: u64, received: Micros) {
        let due = received >= self.young_since.plus(limits::SEEN_WINDOW);
        if due || self.young.len() >= self.most {
            self.old = std::mem::take(&mut self.young);
            self.young_since = received;
        }
        self.young.insert(self.hash(id), seq);
    }

    /// 64 bits under the installation's secret: nobody can aim a collision, and one by chance has odds below 1 in 10¹²
    /// for each event at the largest size.
    fn hash(&self, id: &EventId) -> u64 {
        let mut hasher = self.hasher;
        hasher.write_usize(id.source.len());
        hasher.write(id.source.as_bytes());
        hasher.write(id.id.as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_known_for_a_window_and_then_forgotten() {
        let mut seen = Seen::new(Secret([7; 16]));
        let id = |n: u64| EventId { source: "s".into(), id: n.to_string().into() };
        let hour = |h: i64| Micros(h * 3_600_000_000);
        seen.insert(&id(1), 1, hour(0));
        assert_eq!(seen.find(&id(1)), Some(1));
        seen.insert(&id(2), 2, hour(24));
        assert_eq!(seen.find(&id(1)), Some(1));
        seen.insert(&id(3), 3, hour(48));
        assert_eq!((seen.find(&id(1)), seen.find(&id(2))), (None, Some(2)));
        let split = EventId { source: "s2".into(), id: "".into() };
        assert_ne!(seen.hash(&split), seen.hash(&id(2)));
    }

    #[test]
    fn memory_is_bounded_by_the_number_of_ids() {
        let mut seen = Seen::bounded(Secret([7; 16]), 100);
        let id = |n: u64| EventId { source: "s".into(), id: n.to_string().into() };
        for n in 0..10_000 {
            seen.insert(&id(n), n, Micros(0));
            assert!(seen.young.len() + seen.old.len() <= 200);
            let newest = n.saturating_sub(99)..=n;
            assert!(
                newest.into_iter().all(|n| seen.find(&id(n)) == Some(n)),
                "the last 100 are known, at {n}"
            );
        }
        assert_eq!(seen.find(&id(0)), None);
    }

    #[test]
    fn a_clock_that_jumps_forgets_nothing_early() {
        let mut seen = Seen::new(Secret([7; 16]));
        let id = |n: u64| EventId { source: "".into(), id: n.to_string().into() };
        for (n, received) in [0, i64::MAX, i64::MIN, 0].into_iter().enumerate() {
            seen.insert(&id(n as u64), n as u64, Micros(received));
        }
        assert!((1..4).all(|n| seen.find(&id(n)) == Some(n)));
    }
}
