// SPDX-License-Identifier: Apache-2.0
//! What callers were told, and must stay true.

use super::mirror::Mirror;
use std::collections::{BTreeMap, BTreeSet};
use wardroom_engine::{Outcome, StoredSignal};
use wardroom_event::{Micros, Span};
use wardroom_policy::Verdict;

/// For how long the same id gives the same decision.
const WINDOW: Span = Span::from_secs(24 * 3600);

/// An answer that was given.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) seq: u64,
    received: Micros,
    /// A later arrival lies so far ahead that the id may be forgotten.
    may_be_forgotten: bool,
    /// What was said, if it was judged and the caller was told so.
    said: Option<(Verdict, Vec<StoredSignal>)>,
}

#[derive(Default)]
pub(super) struct Promises {
    /// The newest answer of each id.
    answers: BTreeMap<u64, Answer>,
    /// Ids that were sent and had no answer, or one that says nothing.
    unsure: BTreeSet<u64>,
    /// The last record that a caller knows of: it survives a kill.
    pub(super) acknowledged: u64,
    /// The last record that is promised to survive a power cut.
    pub(super) durable: u64,
    latest: Option<Micros>,
}

impl Promises {
    /// An event is handed over, which arrived at that time.
    pub(super) fn sent(&mut self, id: u64, received: Micros) {
        if self.latest.is_none_or(|latest| received > latest) {
            self.latest = Some(received);
            for answer in self.answers.values_mut() {
                answer.may_be_forgotten |= received >= answer.received.plus(WINDOW);
            }
        }
        if !self.answers.contains_key(&id) {
            self.unsure.insert(id);
        }
    }

    pub(super) fn known(&self) -> impl Iterator<Item = u64> {
        self.answers.keys().copied()
    }

    pub(super) fn unsure(&self) -> impl Iterator<Item = u64> {
        self.unsure.iter().copied()
    }

    pub(super) fn answer(&self, id: u64) -> Option<&Answer> {
        self.answers.get(&id)
    }

    pub(super) fn must_be_known(&self, id: u64) -> bool {
        self.answers.get(&id).is_some_and(|a| !a.may_be_forgotten)
    }

    /// A caller is told what became of an event.
    pub(super) fn outcome(&mut self, id: u64, received: Micros, outcome: &Outcome) -> Result<(), String> {
        match outcome {
            Outcome::Decided { seq, verdict, signals, fault, skipped, .. } => {
                if *fault || *skipped > 0 {
                    return Err(format!("event {id} tripped or was cut short"));
                }
                self.fresh(id, *seq, received, Some((*verdict, signals.clone())))
            }
            Outcome::Recorded { seq } => self.fresh(id, *seq, received, None),
            Outcome::Repeated { seq } => self.repeated(id, *seq, received),
            Outcome::Refused(_) => Ok(()),
        }
    }

    fn fresh(
        &mut self,
        id: u64,
        seq: u64,
        received: Micros,
        said: Option<(Verdict, Vec<StoredSignal>)>,
    ) -> Result<(), String> {
        if let Some(before) = self.answers.get(&id).filter(|a| !a.may_be_forgotten) {
            return Err(format!("event {id} was taken as {seq}, and had been as {}", before.seq));
        }
        if seq <= self.acknowledged && self.answers.values().any(|a| a.seq == seq) {
            return Err(format!("number {seq} was given twice"));
        }
        self.note(id, Answer { seq, received, may_be_forgotten: false, said });
        Ok(())
    }

    fn repeated(&mut self, id: u64, seq: u64, received: Micros) -> Result<(), String> {
        match self.answers.get(&id) {
            Some(before) if before.seq == seq => Ok(()),
            Some(before) => Err(format!("event {id} is {}, and now said to be {seq}", before.seq)),
            None if self.unsure.contains(&id) => {
                self.note(id, Answer { seq, received, may_be_forgotten: false, said: None });
                Ok(())
            }
            None => Err(format!("event {id} was never taken, and is said to be {seq}")),
        }
    }

    fn note(&mut self, id: u64, answer: Answer) {
        self.unsure.remove(&id);
        self.acknowledged = self.acknowledged.max(answer.seq);
        self.answers.insert(id, answer);
    }

    /// A caller is told that an event was not taken.
    pub(super) fn not_taken(&mut self, id: u64) -> Result<(), String> {
        if self.must_be_known(id) {
            return Err(format!("event {id} was taken, and now it is refused"));
        }
        self.unsure.remove(&id);
        Ok(())
    }

    /// All that was acknowledged is durable now.
    pub(super) fn synced(&mut self, last: u64) {
        self.durable = self.durable.max(last);
    }

    /// Holds what was said against the records, of which those after `kept` are new to the model. What was answered by a
    /// number above `floor` may be gone, and its id with it. From here on nothing is unsure.
    pub(super) fn settle(&mut self, mirror: &Mirror, kept: u64, floor: u64) -> Result<(), String> {
        let there = |id, seq| mirror.stored(seq).is_some_and(|stored| number(&stored.id.id) == Some(id));
        self.answers.retain(|id, a| a.seq <= floor || there(*id, a.seq));
        for (id, answer) in &self.answers {
            answer.stands(*id, mirror)?;
        }
        for seq in kept + 1..=mirror.last() {
            let Some(stored) = mirror.stored(seq) else { continue };
            let id = number(&stored.id.id).ok_or("an event that nobody sent")?;
            match self.answers.get(&id) {
                Some(answer) if answer.seq == seq => continue,
                Some(answer) if !answer.may_be_forgotten => {
                    return Err(format!("event {id} is there a second time, as {seq}"));
                }
                None if !self.unsure.contains(&id) => {
                    return Err(format!("event {id} was refused or gone, and is there as {seq}"));
                }
                _ => {}
            }
            let received = stored.received;
            self.answers.insert(id, Answer { seq, received, may_be_forgotten: false, said: None });
        }
        self.unsure.clear();
        self.acknowledged = mirror.last();
        self.durable = mirror.last();
        Ok(())
    }
}

impl Answer {
    /// That the record is this event's, and says what the caller was told.
    pub(super) fn stands(&self, id: u64, mirror: &Mirror) -> Result<(), String> {
        let stored = mirror.stored(self.seq).ok_or_else(|| format!("event {id} is not at {}", self.seq))?;
        if number(&stored.id.id) != Some(id) {
            return Err(format!("event {id} was {}, where {} stands", self.seq, stored.id.id));
        }
        let Some((verdict, signals)) = &self.said else {
            return Ok(());
        };
        let judged = stored.judged.as_ref().ok_or_else(|| format!("event {id} was judged, and is not"))?;
        if judged.verdict != *verdict || judged.signals != *signals {
            return Err(format!("event {id} was {verdict} {signals:?}, and is {judged:?}"));
        }
        Ok(())
    }
}

/// An id as the events of a life have it.
pub(super) fn name(id: u64) -> String {
    format!("e{id}")
}

fn number(id: &str) -> Option<u64> {
    id.strip_prefix('e')?.parse().ok()
}
