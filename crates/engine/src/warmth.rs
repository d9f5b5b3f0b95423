// SPDX-License-Identifier: Apache-2.0
//! Which features are warming, and how far each is: what the sequencer, the back-fill and whoever asks have in common.
//!
//! A feature that a policy brings anew has a past: the journal. Until that is counted the feature is *warming* and reads
//! as missing, for a cold counter knows nothing, which is not zero. The sequencer says here which features want their
//! past, the back-fill offers here what it has counted, and the handle shows how far it is.

use crate::active::Active;
use crate::backfill::Fill;
use crate::error::EngineError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A feature that is warming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warming {
    /// The feature's id.
    pub feature: Box<str>,
    /// The journal's record from which on it has been in force.
    pub from_seq: u64,
    /// Records of the journal that were counted for it.
    pub done: u64,
    /// Records there are by now.
    pub of: u64,
    /// How fast that goes, in records a second; 0 where it waits for its turn.
    pub events_per_second: u64,
    /// How long it may still take; unknown where it waits.
    pub remaining: Option<Duration>,
}

/// How far one feature's past is counted.
#[derive(Debug)]
pub(crate) struct Progress {
    from_seq: u64,
    done: AtomicU64,
    rate: AtomicU64,
}

impl Progress {
    pub(crate) fn note(&self, done: u64, rate: u64) {
        self.done.store(done, Relaxed);
        self.rate.store(rate, Relaxed);
    }

    /// As callers see it, where the journal has this many records.
    pub(crate) fn show(&self, feature: &str, of: u64) -> Warming {
        let (done, rate) = (self.done.load(Relaxed).min(of), self.rate.load(Relaxed));
        let left = (of - done).saturating_mul(1000).checked_div(rate);
        Warming {
            feature: feature.into(),
            from_seq: self.from_seq,
            done,
            of,
            events_per_second: rate,
            remaining: left.map(Duration::from_millis),
        }
    }
}

/// A definition whose past is wanted.
pub(crate) type Wanted = (Box<str>, Arc<Progress>);

/// What a back-fill has counted, to be put in force.
pub(crate) struct Offer {
    pub(crate) fill: Box<Fill>,
    /// Where to say what became of it.
    pub(crate) reply: SyncSender<Answer>,
}

/// What becomes of an offer.
pub(crate) enum Answer {
    /// It is in force.
    Taken,
    /// Too many records came since: count them first.
    Again(Box<Fill>),
    /// What came since cannot be counted.
    Fault(EngineError),
}

/// What is asked of the back-fill. There is at most one thread of it.
#[derive(Default)]
pub(crate) struct Orders {
    /// The policy in force.
    pub(crate) active: Option<Arc<Active>>,
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) offer: Option<Offer>,
    /// Whether there is a thread.
    pub(crate) running: bool,
    pub(crate) paused: bool,
    pub(crate) stopped: bool,
}

/// Between the sequencer and the back-fill.
#[derive(Default)]
pub(crate) struct Warmth {
    orders: Mutex<Orders>,
    bell: Condvar,
    /// The orders changed: the back-fill looks at them before its next record.
    changed: AtomicBool,
    offered: AtomicBool,
    /// Events counted for features that were warming.
    counted: AtomicU64,
}

impl Warmth {
    pub(crate) fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the orders and wakes the back-fill.
    pub(crate) fn order<T>(&self, change: impl FnOnce(&mut Orders) -> T) -> T {
        let mut orders = self.orders();
        let done = change(&mut orders);
        self.changed.store(true, Release);
        self.bell.notify_all();
        done
    }

    /// Says which definitions of the policy in force want their past; what was under way for them goes on. Gives how far
    /// each of them is.
    pub(crate) fn want(&self, active: &Arc<Active>, cold: &[usize], seq: u64) -> Vec<(usize, Arc<Progress>)> {
        self.order(|orders| {
            let before = std::mem::take(&mut orders.wanted);
            orders.active = Some(active.clone());
            let mut shown = Vec::with_capacity(cold.len());
            for number in cold {
                let definition = &active.program.features[*number].definition;
                let known = orders.wanted.iter().chain(&before).find(|(d, _)| d == definition);
                let progress = known.map_or_else(|| Arc::new(Progress::from(seq)), |(_, p)| p.clone());
                if !orders.wanted.iter().any(|(d, _)| d == definition) {
                    orders.wanted.push((definition.clone(), progress.clone()));
                }
                shown.push((*number, progress));
            }
            shown
        })
    }

    /// Whether the orders changed since this was asked last.
    pub(crate) fn changed(&self) -> bool {
        self.changed.load(Relaxed) && self.changed.swap(false, Acquire)
    }

    /// Waits while the back-fill is paused; gives the orders then.
    pub(crate) fn unpaused(&self) -> MutexGuard<'_, Orders> {
        let mut orders = self.orders();
        while orders.paused && !orders.stopped {
            orders = self.bell.wait(orders).unwrap_or_else(PoisonError::into_inner);
        }
        orders
    }

    /// Waits this long, or until the orders change.
    pub(crate) fn rest(&self, how_long: Duration) {
        let orders = self.orders();
        if !self.changed.load(Relaxed) {
            drop(self.bell.wait_timeout(orders, how_long).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Lays out an offer. Where the engine has stopped, it is dropped, and with it the end to answer to.
    pub(crate) fn offer(&self, offer: Offer) {
        let mut orders = self.orders();
        if !orders.stopped {
            orders.offer = Some(offer);
            self.offered.store(true, Release);
        }
    }

    /// Tells the back-fill to end, and takes back what it offers.
    pub(crate) fn stop(&self) {
        drop(self.order(|orders| {
            orders.stopped = true;
            orders.offer.take()
        }));
    }

    /// What is offered, if anything is. Costs next to nothing where nothing is.
    pub(crate) fn take_offer(&self) -> Option<Offer> {
        if !self.offered.load(Relaxed) || !self.offered.swap(false, Acquire) {
            return None;
        }
        self.orders().offer.take()
    }

    pub(crate) fn count(&self, events: u64) {
        self.counted.fetch_add(events, Relaxed);
    }

    pub(crate) fn counted(&self) -> u64 {
        self.counted.load(Relaxed)
    }
}

impl Progress {
    fn from(seq: u64) -> Progress {
        Progress { from_seq: seq, done: AtomicU64::new(0), rate: AtomicU64::new(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_what_is_left_at_the_pace_so_far() {
        let check = |done, rate, of, expect: (u64, Option<u64>)| {
            let progress = Progress::from(9);
            progress.note(done, rate);
            let shown = progress.show("f", of);
            let remaining = shown.remaining.map(|r| r.as_millis() as u64);
            assert_eq!((shown.from_seq, shown.of, shown.done, remaining), (9, of, expect.0, expect.1));
        };
        check(0, 0, 100, (0, None));
        check(50, 10, 100, (50, Some(5000)));
        check(99, 1_000, 100, (99, Some(1)));
        check(100, 10, 100, (100, Some(0)));
        // The journal's end as it was known may lie behind what was counted.
        check(101, 10, 100, (100, Some(0)));
        check(0, 1, u64::MAX, (0, Some(u64::MAX)));
    }
}
