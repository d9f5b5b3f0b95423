// SPDX-License-Identifier: Apache-2.0
//! Snapshots between batches, and the segments of the journal that they make needless.

use super::{Sequencer, Task};
use crate::limits;
use crate::snapshot::Moment;
use std::sync::atomic::Ordering::Relaxed;

impl Sequencer {
    pub(super) fn begin_snapshot(&mut self) {
        // A snapshot would have them, and the journal behind it never.
        if self.failed.is_none() && self.settle_unrecorded().is_err() {
            return self.snapshots.failed("what follows from the last decision cannot be recorded first");
        }
        if self.writer.next_seq() > self.writer.committed_seq() + 1 {
            // What is counted must be committed.
            self.settle();
        }
        if self.failed.is_some() || self.dictionary.seq == 0 {
            return;
        }
        let tasks = self.filler.tasks.clone();
        let active = self.flow.active().clone();
        let moment = Moment {
            flow: &mut self.flow,
            seen: &self.seen,
            active: &active,
            dictionary: &self.dictionary,
            past: &self.past,
            seq: self.writer.committed_seq(),
            now: self.arrived,
            bytes: self.shared.stats.state_bytes.load(Relaxed),
        };
        self.snapshots.begin(moment, move || {
            // Where too much is asked already it needs no waking: it looks after each batch.
            if let Some(tasks) = tasks.upgrade() {
                let _ = tasks.control(Task::SnapshotWaits);
            }
        });
    }

    /// Takes some of a snapshot under way.
    pub(super) fn piece(&mut self) {
        if self.failed.is_none()
            && self.snapshots.step(&mut self.flow, &self.seen, self.writer.committed_seq())
        {
            // It shows records that a power cut may take until they are durable.
            self.sync();
            if self.failed.is_none() {
                self.snapshots.end();
            }
        }
    }

    /// At an orderly stop: finishes what is under way, or makes a snapshot if it saves more than it costs.
    pub(super) fn snapshot_at_stop(&mut self) {
        let bytes = self.shared.stats.state_bytes.load(Relaxed);
        if self.failed.is_some() || !self.snapshots.is_due_at_stop(bytes) {
            return;
        }
        if !self.snapshots.is_under_way() {
            self.begin_snapshot();
        }
        while self.failed.is_none() && self.snapshots.goes_on() {
            if self.snapshots.wants_piece() {
                self.piece();
            } else {
                // The disk is the slower one, and nobody else waits any more.
                std::thread::sleep(limits::SNAPSHOT_SLICE);
            }
            // Where it has failed there will never be room.
            self.snapshots.look(&mut self.flow);
        }
        self.snapshots.finish(&mut self.flow);
    }

    /// Removes one segment of the journal that nobody needs any more.
    pub(super) fn remove_segment(&mut self) {
        let Some(below) = self.snapshots.take_cut() else { return };
        // Effects are sent from the decisions they follow from, and what became of them is known from their records.
        let below = below.min(self.shared.stats.outbox_needs());
        // What the past's files do not hold yet lies nowhere else.
        let below = below.min(self.shared.history_needs());
        // A job that is under way goes on from its items.
        let below = below.min(self.past.jobs.needs(self.arrived));
        // What makes a record needless must not be lost before it.
        self.sync();
        if self.failed.is_some() {
            return;
        }
        match self.writer.remove_segments_below(below) {
            Ok(removed) => self.snapshots.figures().removed(removed.segments, removed.bytes),
            Err(error) => {
                tracing::error!(%error, "old segments of the journal cannot be removed now; it is tried again later");
                self.snapshots.drop_cut();
            }
        }
    }
}
