// SPDX-License-Identifier: Apache-2.0
//! Intake: what a stranger sent becomes a typed event, or a list of its faults.

use super::shared::InForce;
use crate::limits;
use crate::record::event_bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wardroom_event::{Draft, Event, Facts, Faults, Micros, read};

/// A policy and a library of facts to type events with.
pub struct Intake {
    pub(super) force: Arc<InForce>,
    pub(super) facts: Arc<dyn Facts>,
}

impl Intake {
    /// Types one JSON event.
    ///
    /// # Errors
    /// Every fault of the event.
    pub fn intake(&self, json: &[u8], received: Micros) -> Result<Event, Faults> {
        self.intake_draft(Draft::from_json(json)?, received)
    }

    /// As [`Intake::intake`], from a draft that a log reader made.
    ///
    /// # Errors
    /// Every fault of the event.
    pub fn intake_draft(&self, draft: Draft<'_>, received: Micros) -> Result<Event, Faults> {
        let mut event = read(draft, &self.force.active.program.schema, received, || new_id(received))?;
        event.enrich(&*self.facts);
        self.force.active.hash(&mut event);
        let bytes = event_bytes(&event);
        if bytes > limits::EVENT_BYTES {
            let message =
                format!("the event takes {bytes} bytes in the journal; the most is {}", limits::EVENT_BYTES);
            return Err(Faults::one("", "too_large", message));
        }
        Ok(event)
    }
}

/// An id for an event that brought none: 128 random bits.
fn new_id(received: Micros) -> Box<str> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness the id must still not meet another: it is then as unique as its time and place in line.
        tracing::warn!("the system gives no random bytes");
        return format!("{:016x}-{:x}", received.0, MADE.fetch_add(1, Relaxed)).into();
    }
    bytes.iter().map(|b| format!("{b:02x}")).collect::<String>().into()
}
