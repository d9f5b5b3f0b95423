// SPDX-License-Identifier: Apache-2.0
//! When one piece of work came to each stage, for who traces it. Nothing reads a clock for work that nobody traces.

use std::sync::OnceLock;
use std::time::Instant;

/// Goes along with a piece of work. What it says is there once the outcomes are.
#[derive(Debug, Default)]
pub struct Probe {
    taken: OnceLock<Instant>,
    judged: OnceLock<Instant>,
}

impl Probe {
    /// The sequencer takes the work up.
    pub(crate) fn take(&self) {
        let _ = self.taken.set(Instant::now());
    }

    /// It is counted and judged, and waits to be made durable with its batch.
    pub(crate) fn judge(&self) {
        let _ = self.judged.set(Instant::now());
    }

    /// When the sequencer took the work up, and when it had counted and judged it; `None` where it did neither.
    pub fn marks(&self) -> Option<(Instant, Instant)> {
        Some((*self.taken.get()?, *self.judged.get()?))
    }
}
