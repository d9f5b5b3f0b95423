// SPDX-License-Identifier: Apache-2.0
//! Room before a record, one commit behind a batch, the answers after it; and the end, where the journal fails.

use super::Sequencer;
use crate::acts::Done;
use crate::decision::Outcome;
use crate::engine::Durability;
use crate::error::SubmitError;
use crate::latency::Lap;
use crate::limits;
use std::sync::atomic::Ordering::{Relaxed, Release};
use wardroom_journal::JournalError;

impl Sequencer {
    pub(super) fn reserve(&mut self, bytes: u64) -> Result<(), SubmitError> {
        let mut reserved = self.writer.reserve(bytes);
        if matches!(reserved, Err(JournalError::Uncommitted { .. })) {
            // The segment is full. A piece of work may be half done: what it has appended is committed with the rest, and
            // answered when it is whole.
            self.settle();
            reserved = self.writer.reserve(bytes);
        }
        match reserved {
            Ok(()) => Ok(()),
            Err(e) if e.is_full() => {
                self.shared.stats.full.fetch_add(1, Relaxed);
                Err(SubmitError::Full(e.to_string()))
            }
            Err(e) => Err(self.fail(&e)),
        }
    }

    /// Makes the batch durable and answers it, if there is one.
    pub(super) fn answer(&mut self) {
        let waits = !self.waiting.is_empty() || !self.noted.is_empty();
        if waits || !self.acted.is_empty() || !self.planned.is_empty() {
            self.settle();
        }
    }

    /// Makes all that was appended durable and answers the work that is whole.
    pub(super) fn settle(&mut self) {
        let mut lap = Lap::begin();
        // A sync that is due goes with the batch.
        let due = self.shared.sync_asked.swap(false, Relaxed);
        let durability = if due { Durability::Sync } else { self.durability };
        let committed = self.writer.commit(durability.into());
        self.shared.clocks.committed.observe(lap.next(), 1);
        if let Err(e) = &committed {
            self.fail(e);
        }
        self.shared.stats.batches.fetch_add(1, Relaxed);
        self.shared.stats.seq.store(self.writer.committed_seq(), Relaxed);
        self.shared.stats.durable.store(self.writer.durable_seq(), Release);
        for (reply, last) in self.noted.drain(..) {
            let noted = match (&committed, &self.failed) {
                (Err(_), Some(why)) => Err(SubmitError::Failed(why.clone())),
                _ => Ok(last),
            };
            let _ = reply.send(noted);
        }
        for (reply, seq) in self.planned.drain(..) {
            let _ = reply.send(match (&committed, &self.failed) {
                (Err(_), Some(why)) => Err(SubmitError::Failed(why.clone()).into()),
                _ => Ok(seq),
            });
        }
        for (reply, mut done) in self.acted.drain(..) {
            if let (Err(_), Some(why)) = (&committed, &self.failed) {
                done.fill(Done::Refused(SubmitError::Failed(why.clone()).into()));
            }
            let _ = reply.send(done);
        }
        for (reply, mut outcomes, since) in self.waiting.drain(..) {
            self.shared.clocks.decided.observe(lap.began().saturating_duration_since(since), outcomes.len());
            if let (Err(_), Some(why)) = (&committed, &self.failed) {
                outcomes.fill(Outcome::Refused(SubmitError::Failed(why.clone())));
            }
            // Whoever asked may have gone; the record stays.
            let _ = reply.send(outcomes);
        }
        self.batch = 0;
        self.seen.tend(self.writer.durable_seq());
        let events = self.shared.stats.events.load(Relaxed);
        if events >= self.measure_at {
            self.measure_at = events + (events / 16).clamp(1, limits::MEASURE_EVENTS);
            self.measure();
        }
    }

    pub(crate) fn sync(&mut self) {
        if self.failed.is_none()
            && let Err(e) = self.writer.sync()
        {
            self.fail(&e);
        }
        self.shared.stats.durable.store(self.writer.durable_seq(), Release);
    }

    /// The journal failed: what was counted since is not what it holds. Nothing more is taken until a restart has
    /// folded the journal anew.
    pub(super) fn fail(&mut self, error: &JournalError) -> SubmitError {
        let why = error.to_string();
        self.stop_for(why.clone());
        SubmitError::Failed(why)
    }

    pub(super) fn stop_for(&mut self, why: String) {
        if self.failed.is_none() {
            tracing::error!(error = %why, "no more events are taken");
            self.shared.fail(&why);
            self.failed = Some(why);
        }
    }
}
