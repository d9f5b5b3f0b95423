// SPDX-License-Identifier: Apache-2.0
//! Dead letters, all of them, and once more for those that are wanted.
//!
//! The books keep the newest; the journal has every one whose decision it has, for a letter is given up after its decision.
//! So they are looked for there, a bounded part at a time, and what was asked for since is passed over.

use super::{Outbox, RetryError};
use crate::decision::{Destination, EffectId};
use crate::error::{EngineError, SubmitError};
use crate::limits;
use crate::record::{EffectRecord, Happened, kind};
use std::collections::BTreeMap;
use wardroom_event::Micros;

/// Which dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those to the destinations of this name; of any where it is missing.
    pub name: Option<Box<str>>,
    /// Those given up at this time or after it.
    pub since: Option<Micros>,
    /// Those given up by a record after this one.
    pub after: u64,
}

impl Wanted {
    fn takes(&self, record: &EffectRecord) -> bool {
        self.name.as_ref().is_none_or(|name| **name == *record.destination.name)
            && self.since.is_none_or(|since| record.at >= since)
    }
}

/// A dead letter of the journal.
#[derive(Clone, Debug)]
struct Letter {
    /// The record that gave it up.
    seq: u64,
    id: EffectId,
    destination: Destination,
}

/// Dead letters that were found, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct DeadLetters {
    letters: Vec<Letter>,
    /// After which record there are more.
    next: Option<u64>,
}

/// What became of asking for dead letters again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// The keys of those that are on their way, on record.
    pub keys: Vec<String>,
    /// The keys of those that are not, and why not: asking again changes nothing before something else has changed.
    pub refused: Vec<(String, RetryError)>,
    /// After which record to go on, where these were not all.
    pub next: Option<u64>,
    /// There are too many on their way for more: go on when there are fewer.
    pub is_full: bool,
}

impl Outbox {
    /// Looks for dead letters in the journal, at most [`limits::RETRIED`]. Blocks on the disk: it reads what is behind
    /// `wanted.after`. What is not on record yet is not found.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn dead_letters(&self, wanted: &Wanted) -> Result<DeadLetters, EngineError> {
        let mut found: BTreeMap<EffectId, Letter> = BTreeMap::new();
        let (mut last, mut next) = (wanted.after, None);
        let from = wanted.after.saturating_add(1);
        self.shared.lookup.range(from, u64::MAX, |frame| {
            if frame.kind != kind::EFFECT {
                return Ok::<(), EngineError>(());
            }
            let seq = frame.position.seq;
            let record =
                EffectRecord::decode(frame.payload).map_err(|why| EngineError::Record { seq, why })?;
            found.remove(&record.id);
            if !matches!(record.happened, Happened::Dead(_)) || !wanted.takes(&record) {
                return Ok(());
            }
            // Once there was one too many, those after it are left, so that none is passed over.
            if next.is_some() || found.len() >= limits::RETRIED {
                next = Some(last);
            } else {
                last = seq;
                let EffectRecord { id, destination, .. } = record;
                found.insert(id, Letter { seq, id, destination });
            }
            Ok(())
        })?;
        let mut letters: Vec<Letter> = found.into_values().collect();
        letters.sort_unstable_by_key(|letter| letter.seq);
        Ok(DeadLetters { letters, next })
    }

    /// Sends dead letters again, as soon as may be. One that cannot be had holds no other up.
    ///
    /// # Errors
    /// When the sequencer does not take what is to be written down. Those before are on their way.
    pub async fn retry_all(&self, found: DeadLetters, now: Micros) -> Result<Retried, SubmitError> {
        let mut retried = Retried { next: found.next, ..Retried::default() };
        for letter in found.letters {
            let key = self.key(letter.id);
            match self.ask(letter.id, letter.destination, now) {
                Ok(()) => retried.keys.push(key),
                Err(RetryError::Busy) => {
                    retried.is_full = true;
                    retried.next = Some(letter.seq - 1);
                    break;
                }
                Err(why) => retried.refused.push((key, why)),
            }
            if retried.keys.len().is_multiple_of(limits::OUTBOX_NOTE) {
                self.write(false).await?;
            }
        }
        self.write(false).await?;
        Ok(retried)
    }

    /// Puts an effect that is under way or dead, or that the journal has, on its way again.
    pub(super) fn ask(&self, id: EffectId, destination: Destination, now: Micros) -> Result<(), RetryError> {
        if id.decision < self.shared.lookup.first_seq() {
            return Err(RetryError::Gone);
        }
        self.ledger().ask(id, destination, now)?;
        self.say_needs();
        Ok(())
    }
}
