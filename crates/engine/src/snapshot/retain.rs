// SPDX-License-Identifier: Apache-2.0
//! Retention: which sealed segments of the journal may go.
//!
//! A segment goes when it is older than the age or beyond the size that was set, and nobody needs it: everything in it lies
//! before the older of two whole snapshots, so that a restart has two ways to go on. Counters keep what they have counted;
//! what is lost is that decisions of that time can be looked up, and that new features are counted from then on.

use std::time::Duration;
use wardroom_event::Micros;
use wardroom_journal::Sealed;

/// How much of the journal is kept, in age and in bytes of sealed segments. Without limits all of it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Segments whose youngest record came longer ago than this may go.
    pub age: Option<Duration>,
    /// The oldest segments may go while all sealed ones together are larger than this.
    pub bytes: Option<u64>,
}

impl Retention {
    pub(super) fn is_limited(&self) -> bool {
        self.age.is_some() || self.bytes.is_some()
    }

    /// What of these segments, the oldest first, may go at that time, where all from record `needed + 1` on is needed: for
    /// each, the record after its last.
    pub(super) fn cut(&self, sealed: &[Sealed], needed: u64, now: Micros) -> Vec<u64> {
        let mut held: u64 = sealed.iter().map(|segment| segment.bytes).sum();
        let mut cut = Vec::new();
        for segment in sealed.iter().take_while(|segment| segment.last_seq <= needed) {
            let age = now.0.saturating_sub(segment.sealed_micros);
            let is_old = self.age.is_some_and(|most| i128::from(age) > most.as_micros() as i128);
            let is_beyond = self.bytes.is_some_and(|most| held > most);
            if !is_old && !is_beyond {
                break;
            }
            held -= segment.bytes;
            cut.push(segment.last_seq + 1);
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_or_too_much_goes_unless_it_is_needed() {
        // Ten segments of ten records and 100 bytes, one a second.
        let segment = |n: u64| Sealed {
            first_seq: 10 * n + 1,
            last_seq: 10 * n + 10,
            bytes: 100,
            created_micros: n as i64 * 1_000_000,
            sealed_micros: (n as i64 + 1) * 1_000_000,
        };
        let sealed: Vec<Sealed> = (0..10).map(segment).collect();
        let check = |age: Option<u64>, bytes, needed, expect: Option<u64>| {
            let retention = Retention { age: age.map(Duration::from_secs), bytes };
            let cut = retention.cut(&sealed, needed, Micros(10_000_000));
            assert!(cut.iter().copied().eq((1..).map(|n| 10 * n + 1).take(cut.len())), "one by one");
            assert_eq!(cut.last().copied(), expect, "{age:?} {bytes:?} {needed}");
        };
        check(None, None, 100, None);
        check(Some(5), None, 100, Some(41));
        check(Some(5), None, 25, Some(21));
        check(Some(5), None, 9, None);
        check(Some(100), None, 100, None);
        check(None, Some(250), 100, Some(81));
        check(None, Some(250), 40, Some(41));
        check(None, Some(1000), 100, None);
        check(None, Some(0), 100, Some(101));
        check(Some(7), Some(550), 100, Some(51));
        check(Some(3), Some(950), 100, Some(61));
        // A clock that went back makes nothing old.
        let cut = Retention { age: Some(Duration::ZERO), bytes: None }.cut(&sealed, 100, Micros(i64::MIN));
        assert_eq!(cut, Vec::<u64>::new());
    }
}
