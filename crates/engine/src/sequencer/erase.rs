// SPDX-License-Identifier: Apache-2.0
//! An erasure, as far as it is the sequencer's: the record that says so, what is held in memory, and a segment that ends
//! there. Between two batches.

use super::Sequencer;
use crate::erase::{Eraser, Erasing, Met};
use crate::error::SubmitError;
use crate::limits;
use crate::record::{kind, scrub};
use std::sync::Arc;
use wardroom_event::Type;
use wardroom_journal::frame_bytes;

impl Sequencer {
    /// Gives the record's number, the last of its segment, and what was met in memory.
    pub(super) fn erase(&mut self, eraser: Arc<Eraser>, record: &[u8]) -> Result<(u64, Met), SubmitError> {
        if let Some(why) = &self.failed {
            return Err(SubmitError::Failed(why.clone()));
        }
        self.settle_owed()?;
        self.reserve(frame_bytes(record.len()))?;
        let seq = self.writer.append(kind::ERASURE, record).map_err(|e| self.fail(&e))?.seq;
        self.settle();
        self.sync();
        if let Some(why) = &self.failed {
            return Err(SubmitError::Failed(why.clone()));
        }
        // What the outbox wrote down of failures stands at the head of each segment.
        let mut hand = Erasing { eraser: &eraser, met: Met::default() };
        if let Ok(Some(checkpoint)) = scrub(kind::OUTBOX, &self.checkpoint, None, &mut hand) {
            self.checkpoint = checkpoint;
            self.set_prologue().map_err(|e| self.fail(&e))?;
        }
        let jobs = self.past.jobs.scrub(&mut hand);
        jobs.into_iter().for_each(|job| self.shared.show_jobs(&self.past.jobs, job));
        match self.writer.rotate() {
            Ok(()) => {}
            Err(e) if e.is_full() => return Err(SubmitError::Full(e.to_string())),
            Err(e) => return Err(self.fail(&e)),
        }
        self.snapshots.abandon(&mut self.flow);
        let mut met = hand.met;
        met.add(self.flow.erase(&eraser));
        let subject = eraser.subject();
        let any_case = subject.kind() == Type::Email;
        subject.values().for_each(|value| self.flow.make_new(value, any_case));
        // What a back-fill has counted from records before is told when it is handed over.
        self.erasers.push(eraser);
        if self.erasers.len() > limits::ERASERS {
            self.erasers.remove(0);
        }
        Ok((seq, met))
    }
}
