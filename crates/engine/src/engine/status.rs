// SPDX-License-Identifier: Apache-2.0
//! The engine's own figures: as they are counted, and as they are shown.

use super::Engine;
use crate::judge::Judgement;
use crate::queue::Backlog;
use crate::snapshot::SnapshotStatus;
use std::sync::PoisonError;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed},
};
use wardroom_journal::Counters;
use wardroom_policy::Verdict;

/// Counters of the engine itself.
#[derive(Default)]
pub(crate) struct Stats {
    pub(crate) events: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) full: AtomicU64,
    pub(crate) faults: AtomicU64,
    pub(crate) seq: AtomicU64,
    /// The last record that would survive a power cut.
    pub(crate) durable: AtomicU64,
    /// The last decision with an effect that goes out; stored before it is durable.
    pub(crate) outward: AtomicU64,
    /// The first record that the outbox needs, of those it has looked at.
    pub(crate) outbox_needs: AtomicU64,
    /// The last record that the outbox has looked at.
    pub(crate) outbox_through: AtomicU64,
    pub(crate) state_bytes: AtomicU64,
    pub(crate) marks_bytes: AtomicU64,
    /// Changes of labels and lists that found no room.
    pub(crate) refused: AtomicU64,
    pub(crate) state_keys: AtomicU64,
    pub(crate) state_pairs: AtomicU64,
    pub(crate) ids: AtomicU64,
    pub(crate) ids_bytes: AtomicU64,
    pub(crate) ids_files: AtomicU64,
    pub(crate) forgets: AtomicU64,
    pub(crate) forgotten: AtomicU64,
    pub(crate) verdicts: [AtomicU64; 5],
}

impl Stats {
    /// The first record that the outbox needs: one with an effect that it has not seen, what it sends from, and what a
    /// restart reads to know what became of the others.
    pub(crate) fn outbox_needs(&self) -> u64 {
        let through = self.outbox_through.load(Acquire);
        let unread = if self.outward.load(Acquire) > through { through + 1 } else { u64::MAX };
        unread.min(self.outbox_needs.load(Acquire))
    }

    pub(crate) fn count(&self, judgement: &Judgement) {
        self.verdicts[judgement.verdict as usize].fetch_add(1, Relaxed);
    }
}

/// The engine's own figures, since it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Events recorded.
    pub events: u64,
    /// Events whose id came before.
    pub repeated: u64,
    /// Batches made durable.
    pub batches: u64,
    /// Events refused because the disk was full.
    pub full: u64,
    /// Events on which judging or counting tripped over a fault of our own.
    pub faults: u64,
    /// The newest record's number.
    pub seq: u64,
    /// What was written to the journal, and how often it was synced.
    pub journal: Counters,
    /// Bytes held by counters, labels and lists; event ids are apart ([`Status::ids_bytes`]). This and the next are looked at
    /// now and then, not for each event.
    pub state_bytes: u64,
    /// Those of them that labels and lists hold.
    pub marks_bytes: u64,
    /// Changes of labels and lists that found no room, and were not made.
    pub marks_refused: u64,
    /// Keys counted under.
    pub state_keys: u64,
    /// The same for each feature that counts: a key that several features share counts for each of them.
    pub state_pairs: u64,
    /// Event ids remembered, the bytes they take in memory, and the files that hold most of them.
    pub ids: u64,
    /// See [`Status::ids`].
    pub ids_bytes: u64,
    /// See [`Status::ids`].
    pub ids_files: u64,
    /// Most bytes that both together may be.
    pub memory_bytes: u64,
    /// How often a counter was told to forget keys for lack of memory.
    pub forgets: u64,
    /// Keys that were forgotten so and had not expired.
    pub forgotten: u64,
    /// About snapshots.
    pub snapshots: SnapshotStatus,
    /// Decisions by verdict.
    pub verdicts: [(Verdict, u64); 5],
    /// Features that are warming.
    pub warming: usize,
    /// Events of the journal that were counted for features that were warming.
    pub backfilled: u64,
    /// Pieces of work waiting for the sequencer.
    pub waiting: usize,
    /// The same in other measures, and for whom.
    pub backlog: Backlog,
    /// Why no more events are taken, if that is so.
    pub failed: Option<String>,
}

impl Engine {
    /// The engine's own figures.
    pub fn status(&self) -> Status {
        let stats = &self.shared.stats;
        let get = |n: &AtomicU64| n.load(Relaxed);
        let backlog = self.queue.backlog();
        Status {
            events: get(&stats.events),
            repeated: get(&stats.repeated),
            batches: get(&stats.batches),
            full: get(&stats.full),
            faults: get(&stats.faults),
            seq: get(&stats.seq),
            journal: self.shared.lookup.counters(),
            state_bytes: get(&stats.state_bytes),
            marks_bytes: get(&stats.marks_bytes),
            marks_refused: get(&stats.refused),
            state_keys: get(&stats.state_keys),
            state_pairs: get(&stats.state_pairs),
            ids: get(&stats.ids),
            ids_bytes: get(&stats.ids_bytes),
            ids_files: get(&stats.ids_files),
            memory_bytes: self.shared.memory_bytes,
            forgets: get(&stats.forgets),
            forgotten: get(&stats.forgotten),
            snapshots: self.shared.snapshots.status(),
            verdicts: Verdict::ALL.map(|v| (v, get(&stats.verdicts[v as usize]))),
            warming: self.shared.in_force().warming.len(),
            backfilled: self.shared.warmth.counted(),
            waiting: backlog.pieces,
            backlog,
            failed: self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
