// SPDX-License-Identifier: Apache-2.0
//! One event: whether it came before, its record, its number, what it counts and what follows from it.

use super::Sequencer;
use crate::decision::Outcome;
use crate::error::SubmitError;
use crate::judge::Judgement;
use crate::latency::Lap;
use crate::limits;
use crate::record::{Change, encode_decided, encode_recorded, kind};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Instant;
use tokio::sync::oneshot;
use wardroom_event::{Event, EventId, Field, Value};
use wardroom_journal::frame_bytes;

impl Sequencer {
    pub(super) fn events(
        &mut self,
        events: Vec<Event>,
        judge: bool,
        reply: oneshot::Sender<Vec<Outcome>>,
        since: Instant,
    ) {
        let (count, mut lap) = (events.len(), Lap::begin());
        self.shared.clocks.queued.observe(lap.began().saturating_duration_since(since), count);
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            outcomes.push(self.event(event, judge).unwrap_or_else(Outcome::Refused));
        }
        self.batch += count;
        self.waiting.push((reply, outcomes, since));
        if let Some(each) = lap.next().checked_div(u32::try_from(count).unwrap_or(u32::MAX)) {
            self.shared.clocks.sequenced.observe(each, count);
        }
    }

    fn event(&mut self, event: Event, judge: bool) -> Result<Outcome, SubmitError> {
        if let Some(why) = &self.failed {
            return Err(SubmitError::Failed(why.clone()));
        }
        #[cfg(test)]
        assert!(&*event.id.id != super::tests::TRIPS, "a fault of our own, on purpose");
        if let Some(seq) = self.known(&event.id)? {
            self.shared.stats.repeated.fetch_add(1, Relaxed);
            return Ok(Outcome::Repeated { seq });
        }
        let event = self.fit(event)?;
        self.settle_owed()?;
        self.arrived = event.received;
        self.writer.set_now_micros(event.received.0);
        let (kind, judgement) = self.write_down(&event, judge);
        // From here on nothing may fail but the disk: what is counted is in the journal, and the other way round.
        let changes = judgement.as_ref().map_or(0, changes);
        self.room(&event, changes)?;
        let tripped = self.flow.tally(&event) || judgement.as_ref().is_some_and(|j| j.fault);
        let seq = self.writer.append(kind, &self.record).map_err(|e| self.fail(&e))?.seq;
        self.seen.insert(&event.id, seq, event.received);
        self.snapshots.wrote(frame_bytes(self.record.len()));
        self.follow(seq, &event, judgement.as_ref())?;
        if judgement.as_ref().is_some_and(goes_out) {
            self.shared.stats.outward.store(seq, Release);
        }
        self.past.events += 1;
        if self.past.begins.is_none() {
            self.past.begins = Some(event.counted_at());
            self.shared.begin(event.counted_at());
        }
        self.shared.stats.events.fetch_add(1, Relaxed);
        self.shared.stats.faults.fetch_add(u64::from(tripped), Relaxed);
        let Some(judgement) = judgement else {
            return Ok(Outcome::Recorded { seq });
        };
        self.shared.stats.count(&judgement);
        let rules = &self.dictionary.rules;
        let signals = judgement.signals.into_iter().map(|s| {
            let rule = rules.get(s.rule).map_or("", |id| id);
            s.named(rule)
        });
        Ok(Outcome::Decided {
            seq,
            policy: self.dictionary.version.clone(),
            verdict: judgement.verdict,
            signals: signals.collect(),
            fault: judgement.fault,
            skipped: judgement.skipped,
        })
    }

    /// The record with this id. Where the disk does not say, the engine stops: to decide again would be to guess.
    fn known(&mut self, id: &EventId) -> Result<Option<u64>, SubmitError> {
        self.seen.find(id).map_err(|error| {
            let why = error.to_string();
            self.stop_for(why.clone());
            SubmitError::Failed(why)
        })
    }

    /// The event under the schema in force: a policy may have changed since it was read.
    fn fit(&self, event: Event) -> Result<Event, SubmitError> {
        let schema = &self.flow.active().program.schema;
        if Arc::ptr_eq(&event.schema, schema) {
            return whole(event);
        }
        let event = whole(event)?;
        event.recast(schema).ok_or_else(|| SubmitError::TypeChanged(event.type_name().to_owned()))
    }

    /// Judges the event, if it is to be, and fills `record` with what the journal will hold of it.
    fn write_down(&mut self, event: &Event, judge: bool) -> (u8, Option<Judgement>) {
        self.record.clear();
        if !judge {
            encode_recorded(self.dictionary.seq, event, &mut self.record);
            return (kind::RECORDED, None);
        }
        let step = self.flow.look(event, None);
        encode_decided(self.dictionary.seq, event, &step, &mut self.record);
        (kind::DECIDED, Some(step.judgement))
    }

    /// Makes sure of room for `record` before the event is counted, so that a full disk is met while nothing has
    /// happened yet.
    fn room(&mut self, event: &Event, changes: u64) -> Result<(), SubmitError> {
        let bytes = self.record.len();
        if bytes > limits::RECORD_BYTES {
            // Intake and swapping bound what a record can hold: who built this event went past them.
            let message = format!("an event of {bytes} bytes, where {} is the most", limits::RECORD_BYTES);
            tracing::error!(id = %event.id.id, "{message}");
            return Err(SubmitError::Failed(message));
        }
        self.reserve(frame_bytes(bytes) + changes * frame_bytes(limits::CHANGE_BYTES))
    }

    /// Makes and records the changes of labels and lists that follow from a decision; there is room for them on disk. What
    /// found no room in memory did not happen, and is not recorded.
    fn follow(&mut self, seq: u64, event: &Event, judgement: Option<&Judgement>) -> Result<(), SubmitError> {
        let at = event.counted_at();
        for signal in judgement.iter().flat_map(|j| &j.signals) {
            for effect in signal.effects.iter().filter(|e| e.changes_state()) {
                if !self.flow.change(effect, at) {
                    self.shared.stats.refused.fetch_add(1, Relaxed);
                    continue;
                }
                let rule = self.dictionary.rules.get(signal.rule).cloned().unwrap_or_default();
                let change = Change { decision: seq, at, rule, effect: effect.clone() };
                self.record.clear();
                change.encode(&mut self.record);
                self.writer.append(kind::CHANGE, &self.record).map_err(|e| self.fail(&e))?;
            }
        }
        Ok(())
    }

    /// The number of the record with this id, once it can be read. Only one that waits for its sync causes a sync: who
    /// asks for others must not break up the batches.
    pub(super) fn find(&mut self, id: &EventId) -> Result<Option<u64>, SubmitError> {
        let Some(seq) = self.known(id)? else {
            return Ok(None);
        };
        if seq > self.writer.committed_seq() {
            self.answer();
        }
        // If that failed, it is remembered and not recorded.
        Ok(Some(seq).filter(|seq| *seq <= self.writer.committed_seq()))
    }
}

/// Whether an effect of a judgement goes out.
pub(super) fn goes_out(judgement: &Judgement) -> bool {
    judgement.signals.iter().flat_map(|s| &s.effects).any(|e| !e.changes_state())
}

/// How many changes of labels and lists follow from a judgement.
fn changes(judgement: &Judgement) -> u64 {
    let effects = judgement.signals.iter().flat_map(|s| &s.effects);
    effects.filter(|e| e.changes_state()).count() as u64
}

/// An event that is what its schema says. Intake makes no other; one that is not could be written and never read again.
fn whole(event: Event) -> Result<Event, SubmitError> {
    let known = usize::from(event.kind.0) < event.schema.len();
    if known {
        let fields = &event.schema.get(event.kind).fields;
        if fields.len() == event.values.len() && fields.iter().zip(&event.values).all(|(f, v)| even(f, v)) {
            return Ok(event);
        }
    }
    let message = format!("an event of type number {} with {} values", event.kind.0, event.values.len());
    tracing::error!(id = %event.id.id, "{message}, which its schema does not have");
    Err(SubmitError::Failed(message))
}

/// Whether a value, if it is a list, has whole items of plain values.
fn even(field: &Field, value: &Value) -> bool {
    match value {
        Value::List(values) => {
            let whole = values.len().checked_rem(field.items().len()) == Some(0);
            whole && !values.iter().any(|v| matches!(v, Value::List(_)))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_event::{Shape, Type};

    #[test]
    fn lists_have_whole_items_and_no_lists_in_them() {
        let list = |width: usize| {
            let fields = vec![Field::plain("x", Type::Int, true); width].into();
            let shape = Shape::Items { record: Some("r".into()), fields };
            Field { shape: Some(shape.into()), ..Field::plain("l", Type::List, true) }
        };
        let check = |field: Field, values: Vec<Value>, expect: bool| {
            assert_eq!(even(&field, &Value::List(values.into())), expect, "{field:?}");
        };
        let none = || Value::Missing;
        check(list(2), vec![], true);
        check(list(2), vec![none(), Value::Int(1)], true);
        check(list(2), vec![none(); 3], false);
        check(list(1), vec![Value::List(Box::default())], false);
        check(Field::plain("l", Type::List, true), vec![], false);
        assert!(even(&list(2), &none()));
    }
}
