// SPDX-License-Identifier: Apache-2.0
//! Records that no event brings: what became of effects, and what the journal is still owed.

use super::Sequencer;
use crate::error::SubmitError;
use crate::limits;
use crate::record::{Checkpoint, kind};
use wardroom_journal::frame_bytes;

impl Sequencer {
    /// Appends what the outbox hands over; it is durable with the batch. Gives the number of the last record.
    pub(super) fn note(
        &mut self,
        records: &[Vec<u8>],
        checkpoint: Option<Vec<u8>>,
    ) -> Result<u64, SubmitError> {
        if let Some(why) = &self.failed {
            return Err(SubmitError::Failed(why.clone()));
        }
        self.settle_unrecorded()?;
        let bytes = |payload: &Vec<u8>| frame_bytes(payload.len());
        self.reserve(records.iter().chain(&checkpoint).map(bytes).sum())?;
        for record in records {
            self.writer.append(kind::EFFECT, record).map_err(|e| self.fail(&e))?;
        }
        if let Some(mut checkpoint) = checkpoint {
            Checkpoint::stamp(&mut checkpoint, self.writer.next_seq() - 1);
            self.writer.append(kind::OUTBOX, &checkpoint).map_err(|e| self.fail(&e))?;
            self.checkpoint = checkpoint;
            self.set_prologue().map_err(|e| self.fail(&e))?;
        }
        Ok(self.writer.next_seq() - 1)
    }

    /// Appends where the outbox stands, before any work: durable when this returns. Gives the number of the record.
    pub(crate) fn note_first(&mut self, checkpoint: Vec<u8>) -> Result<u64, SubmitError> {
        let last = self.note(&[], Some(checkpoint))?;
        self.settle();
        self.sync();
        match &self.failed {
            Some(why) => Err(SubmitError::Failed(why.clone())),
            None => Ok(last),
        }
    }

    /// Writes down what follows from the last decision of the engine before, if that was cut short.
    pub(super) fn settle_unrecorded(&mut self) -> Result<(), SubmitError> {
        if self.unrecorded.is_empty() {
            return Ok(());
        }
        self.reserve(self.unrecorded.len() as u64 * frame_bytes(limits::CHANGE_BYTES))?;
        for change in std::mem::take(&mut self.unrecorded) {
            self.record.clear();
            change.encode(&mut self.record);
            self.writer.append(kind::CHANGE, &self.record).map_err(|e| self.fail(&e))?;
        }
        Ok(())
    }

    /// Writes down which features are warming, if that has changed: nothing is served under it before.
    pub(super) fn settle_owed(&mut self) -> Result<(), SubmitError> {
        self.settle_unrecorded()?;
        let Some(owed) = &self.owed else {
            return Ok(());
        };
        let (payload, warming) = (owed.encode(), !owed.features.is_empty());
        self.reserve(frame_bytes(payload.len()))?;
        self.writer.append(kind::WARMING, &payload).map_err(|e| self.fail(&e))?;
        self.past.warming = warming;
        self.owed = None;
        Ok(())
    }
}
