// SPDX-License-Identifier: Apache-2.0
//! How much memory the state takes, and what is forgotten where that is more than it may.

use super::Sequencer;
use crate::limits;
use crate::record::{ForgetRecord, kind};
use std::sync::atomic::Ordering::Relaxed;
use wardroom_journal::frame_bytes;

impl Sequencer {
    /// Looks at the size of the state. It walks every table: not to be done for each batch.
    pub(super) fn measure(&mut self) {
        let (size, ids) = (self.flow.size(), self.seen.size());
        self.shared.stats.state_bytes.store(size.bytes as u64, Relaxed);
        self.shared.stats.marks_bytes.store(self.flow.marks_bytes() as u64, Relaxed);
        self.shared.stats.state_keys.store(size.keys as u64, Relaxed);
        self.shared.stats.state_pairs.store(size.pairs as u64, Relaxed);
        self.shared.stats.ids.store(ids.ids, Relaxed);
        self.shared.stats.ids_bytes.store(ids.bytes as u64, Relaxed);
        self.shared.stats.ids_files.store(ids.chunks as u64, Relaxed);
        self.shared.stats.forgotten.store(self.flow.forgotten(), Relaxed);
        self.measured = true;
        self.say_refused();
    }

    /// Says how many changes of labels and lists found no room since it was said last, and not too often.
    fn say_refused(&mut self) {
        let refused = self.shared.stats.refused.load(Relaxed);
        let (said, when) = self.refused_said;
        if refused > said && when.is_none_or(|when| self.arrived >= when.plus(limits::REFUSED_SAID)) {
            tracing::warn!(
                changes = refused - said,
                bytes = self.flow.marks_bytes(),
                "labels and list entries found no room and were not made: give more `memory`, or let them expire"
            );
            self.refused_said = (refused, Some(self.arrived));
        }
    }

    /// Forgets keys where the state takes more memory than it may. A record says so, for a restart must forget the same at
    /// the same place; all of them go with one commit.
    pub(super) fn keep_within(&mut self) {
        if self.forget_excess() {
            self.settle();
        }
    }

    /// Whether something was appended.
    fn forget_excess(&mut self) -> bool {
        let mut appended = false;
        for _ in 0..limits::FORGETS {
            let Some(definitions) = self.flow.excess(self.memory, self.seen.size().bytes) else {
                break;
            };
            let record = ForgetRecord { definitions };
            let payload = record.encode();
            // On a full disk there is nothing more to count either.
            if self.settle_unrecorded().is_err() || self.reserve(frame_bytes(payload.len())).is_err() {
                break;
            }
            match self.writer.append(kind::FORGET, &payload) {
                Ok(_) => self.flow.forget(&record.definitions),
                Err(e) => {
                    self.fail(&e);
                    return false;
                }
            }
            appended = true;
            self.shared.stats.forgets.fetch_add(1, Relaxed);
        }
        appended
    }
}
