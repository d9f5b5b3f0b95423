// SPDX-License-Identifier: Apache-2.0
//! When an effect is tried again, and when a destination is left alone for a while.
//!
//! Waits are spread, so that what failed together does not come back together. The spread is a hash of the effect and the
//! attempt: nothing here is random, and a test sees the schedule that production has.

use crate::decision::EffectId;
use crate::limits;
use wardroom_event::Span;

/// How long to wait after so many failed attempts; between three quarters and five quarters of the plain back-off.
pub(super) fn wait(seed: u64, id: EffectId, attempts: u32) -> Span {
    let plain = grown(limits::OUTBOX_FIRST_WAIT, 3, attempts.saturating_sub(1), limits::OUTBOX_LONGEST_WAIT);
    spread(plain, mix(seed ^ mix(id.decision ^ mix(u64::from(id.index) << 32 | u64::from(attempts)))))
}

/// How long a destination that failed so often in a row is left alone.
pub(super) fn pause(seed: u64, failures: u32) -> Span {
    let further = failures.saturating_sub(limits::OUTBOX_PAUSE_AFTER);
    let plain = grown(limits::OUTBOX_FIRST_PAUSE, 2, further, limits::OUTBOX_LONGEST_PAUSE);
    spread(plain, mix(seed ^ u64::from(failures)))
}

fn grown(first: Span, factor: i64, times: u32, most: Span) -> Span {
    Span(factor.checked_pow(times).and_then(|f| first.0.checked_mul(f)).map_or(most.0, |n| n.min(most.0)))
}

/// Between three quarters and five quarters of a span, by a hash.
fn spread(plain: Span, hash: u64) -> Span {
    let share = i64::try_from(hash >> 48).unwrap_or(0);
    Span(plain.0 - plain.0 / 4 + (plain.0 / 2) / 65_536 * share)
}

/// The finalizer of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(decision: u64) -> EffectId {
        EffectId { decision, index: 0 }
    }

    #[test]
    fn waits_grow_to_a_bound_and_are_spread_about_the_plain_back_off() {
        let plain = [5, 15, 45, 135, 405, 1215, 3645, 10_935, 28_800, 28_800, 28_800];
        for (n, secs) in (1u32..).zip(plain) {
            let waits: Vec<i64> = (0..1000).map(|d| wait(7, id(d), n).0).collect();
            let (least, most) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
            assert!(least >= secs * 750_000 && most <= secs * 1_250_000, "{n}: {least} {most}");
            assert!(most - least > secs * 450_000, "they are spread: {n}: {least} {most}");
        }
        assert_eq!(plain.len() as u32 + 1, limits::OUTBOX_ATTEMPTS, "one wait between two attempts");
        assert_eq!(wait(7, id(3), 2), wait(7, id(3), 2));
        assert!(wait(7, id(3), u32::MAX) <= Span(limits::OUTBOX_LONGEST_WAIT.0 / 4 * 5));
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let check = |failures: u32, secs: i64| {
            let pause = pause(1, failures).0;
            assert!(pause >= secs * 750_000 && pause <= secs * 1_250_000, "{failures}: {pause}");
        };
        check(5, 10);
        check(6, 20);
        check(10, 320);
        check(11, 600);
        check(u32::MAX, 600);
    }
}
