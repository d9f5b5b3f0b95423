// SPDX-License-Identifier: Apache-2.0
//! An engine that is turned by hand: for simulations, where threads would make two runs of one seed differ.
//!
//! It is the same sequencer, the same journal and the same back-fill. Only who says "now" is another: the scheduler
//! elsewhere, the caller here. What waits in the queue when a turn begins is one batch, as it is under load.

use crate::EngineError;
use crate::backfill::ByHand;
use crate::limits;
use crate::queue::{Taken, Taker};
use crate::sequencer::{Sequencer, Task};

/// The crank of an engine without threads; see [`Engine::open_stepped`](crate::Engine::open_stepped). Dropping it is a
/// kill: what waits is neither done nor answered, and what is open is let go of.
pub struct Stepper {
    sequencer: Sequencer,
    tasks: Taker<Task>,
    fill: ByHand,
    todo: Vec<Taken<Task>>,
}

impl Stepper {
    pub(crate) fn new(sequencer: Sequencer, tasks: Taker<Task>) -> Stepper {
        Stepper { sequencer, tasks, fill: ByHand::default(), todo: Vec::new() }
    }

    /// Does all the work that waits, makes it durable and answers it. False once the engine was told to close, and has.
    pub fn turn(&mut self) -> bool {
        self.tasks.take_now(limits::BATCH_EVENTS, &mut self.todo);
        self.sequencer.turn(&mut self.todo)
    }

    /// Syncs what was answered without: what the clock asks for with [`Durability::Interval`](crate::Durability).
    pub fn sync(&mut self) {
        self.sequencer.sync();
    }

    /// Counts the past of features that are warming on, by at most so many records.
    ///
    /// # Errors
    /// When the journal cannot be read; the next call begins anew.
    pub fn backfill(&mut self, records: u64) -> Result<(), EngineError> {
        self.fill.step(&mut self.sequencer, records)
    }
}
