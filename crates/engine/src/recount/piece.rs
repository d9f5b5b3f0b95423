// SPDX-License-Identifier: Apache-2.0
//! A piece of the journal taken apart: what counters are told, and what is asked of them for each event in the period.

use super::raw::Raw;
use super::{Recount, Take, is_event};
use crate::apart::Record;
use crate::digest::{Batch, Digest, Digested};
use crate::error::EngineError;
use crate::flow::Flow;
use crate::keys::Keys;
use crate::memory::takes;
use crate::record::{decode_served, kind, time_of};
use crate::seen::IdHasher;
use crate::serve::{figure, sighting};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wardroom_event::{Event, Micros, Value};
use wardroom_journal::Frame;
use wardroom_policy::{Aggregate, Reads, Row, Source, Taken};
use wardroom_state::{Key, Keyer, TableId};

/// A piece, taken apart.
pub(super) struct Piece {
    batch: Batch,
    /// The events asked about, in order.
    pub(super) asked: Vec<Question>,
    asks: Vec<Ask>,
    /// The places of records that change labels or lists.
    pub(super) changes: Vec<usize>,
    /// Events, and when the first was counted.
    pub(super) counted: u64,
    pub(super) begins: Option<Micros>,
}

/// An event asked about.
pub(super) struct Question {
    /// The place of its record in the piece.
    pub(super) record: usize,
    pub(super) seq: u64,
    pub(super) event: Event,
    /// What is known by now of what it is served: what was stored, and what counters said.
    pub(super) served: Vec<Value>,
    /// The place from which on serving trips over a fault of our own.
    pub(super) trips: usize,
    asks: Range<usize>,
}

/// What is asked of a counter.
struct Ask {
    question: usize,
    place: usize,
    feature: usize,
    reads: Reads,
    key: Key,
    own: Option<Taken>,
    here: Option<(f64, f64)>,
}

/// What a counter said: of which question, at which place.
pub(super) type Answer = (usize, usize, Value);

/// Takes a piece apart.
pub(super) fn take_apart(
    raw: Raw,
    recount: &Recount,
    keyer: &Keyer,
    feeds: &[Option<TableId>],
) -> Result<Piece, EngineError> {
    let made_under = raw.made.as_ref().map(|made| made.dictionary.clone());
    let digest = Digest::new(recount.active.clone(), keyer.clone(), IdHasher::idle(), feeds, made_under);
    let mut digest = digest.after_gaps(raw.gaps);
    let (batch, asked, asks, changes) = (Batch::default(), Vec::new(), Vec::new(), Vec::new());
    let mut piece = Piece { batch, asked, asks, changes, counted: 0, begins: None };
    for frame in raw.frames() {
        let before = piece.batch.records.len();
        digest.frame(&frame, &mut piece.batch)?;
        let Some(record) = piece.batch.records.get(before) else { continue };
        match record {
            Digested::Event { at, .. } => {
                piece.counted += 1;
                piece.begins.get_or_insert(*at);
                let seq = frame.position.seq;
                let asked = piece.question(&raw, &frame, recount, keyer, before);
                asked.map_err(|why| EngineError::Record { seq, why })?;
            }
            Digested::Other(Record::Change(_) | Record::Act(..) | Record::Again(..)) => {
                piece.changes.push(before);
            }
            Digested::Other(_) => {}
        }
    }
    Ok(piece)
}

impl Piece {
    /// Notes what is asked for an event, if anything is.
    fn question(
        &mut self,
        raw: &Raw,
        frame: &Frame<'_>,
        recount: &Recount,
        keyer: &Keyer,
        record: usize,
    ) -> Result<(), String> {
        debug_assert!(is_event(frame.kind));
        let judged = frame.kind == kind::DECIDED;
        let Some(made) = raw.made.as_ref().filter(|_| judged || recount.recorded) else { return Ok(()) };
        let time = time_of(frame.payload, &made.dictionary)?;
        if time < recount.from || time >= recount.to {
            return Ok(());
        }
        let (event, stored) = decode_served(frame.payload, judged, &made.dictionary)?;
        let was = usize::from(event.kind.0);
        let Ok(event) = made.cast.event(event) else { return Ok(()) };
        let Some(Some(takes)) = recount.takes.get(usize::from(event.kind.0)) else { return Ok(()) };
        let same = made.same.get(was).map_or(&[][..], Vec::as_slice);
        let value = |(place, take): (usize, &Take)| match take {
            Take::Stored => same.get(place).copied().flatten().and_then(|at| stored.get(at)).cloned(),
            Take::Skip | Take::Anew => None,
        };
        let served: Vec<Value> =
            takes.iter().enumerate().map(|at| value(at).unwrap_or(Value::Missing)).collect();
        let begin = self.asks.len();
        let trips = self.ask(&event, takes, &raw.warming, recount, keyer);
        let (seq, asks) = (frame.position.seq, begin..self.asks.len());
        self.asked.push(Question { record, seq, event, served, trips, asks });
        Ok(())
    }

    /// Notes what is asked of counters for an event; gives the place where serving would trip.
    fn ask(
        &mut self,
        event: &Event,
        takes_: &[Take],
        warming: &Arc<[usize]>,
        recount: &Recount,
        keyer: &Keyer,
    ) -> usize {
        let question = self.asked.len();
        let plan = recount.active.program.plan(event.kind);
        let row = Row::new(event, &[], &*recount.active);
        let mut keys = Keys::new(keyer, event);
        for (place, (serve, take)) in plan.serve.iter().zip(takes_).enumerate() {
            let (Source::Feature { feature, reads, key, own, here }, Take::Anew) = (&serve.source, take)
            else {
                continue;
            };
            if warming.contains(feature) {
                continue;
            }
            let own = match own.and_then(|at| plan.count.get(at)).map(|count| takes(count, &row)) {
                Some(None) => return place,
                Some(Some(own)) => own,
                None => None,
            };
            let here = match here {
                Some(here) => match catch_unwind(AssertUnwindSafe(|| here.of(&row))) {
                    Ok(here) => here,
                    Err(_) => return place,
                },
                None => None,
            };
            let (feature, reads) = (*feature, *reads);
            if let Some(key) = keys.of(key) {
                self.asks.push(Ask { question, place, feature, reads, key, own, here });
            }
        }
        usize::MAX
    }

    /// Counts the records whose keys are here, and answers for those.
    pub(super) fn count(&self, flow: &mut Flow, is_here: impl Fn(Key) -> bool) -> Vec<Answer> {
        let mut answers = Vec::new();
        let mut questions = self.asked.iter().peekable();
        for (place, record) in self.batch.records.iter().enumerate() {
            match record {
                Digested::Event { at, told, .. } => {
                    if let Some(question) = questions.next_if(|q| q.record == place) {
                        let asks = self.asks[question.asks.clone()].iter().filter(|ask| is_here(ask.key));
                        answers.extend(asks.map(|ask| (ask.question, ask.place, ask.read(flow, *at))));
                    }
                    flow.told_some(&self.batch.told[told.clone()], *at, &is_here);
                }
                Digested::Other(Record::Forget(_, found)) => flow.forget(&found.definitions),
                Digested::Other(_) => {}
            }
        }
        answers
    }

    /// Makes the change of labels and lists that a record says.
    pub(super) fn change(&self, place: usize, flow: &mut Flow) {
        match self.batch.records.get(place) {
            Some(Digested::Other(Record::Change(change))) => flow.restore(&change.effect, change.at),
            Some(Digested::Other(Record::Act(_, act))) => flow.act(act),
            Some(Digested::Other(Record::Again(_, again))) => flow.again(again),
            _ => {}
        }
    }

    /// Takes up what counters said.
    pub(super) fn answer(&mut self, answers: Vec<Answer>) {
        for (question, place, value) in answers {
            self.asked[question].served[place] = value;
        }
    }
}

impl Ask {
    fn read(&self, flow: &Flow, now: Micros) -> Value {
        let (memory, declared) = (flow.memory(), &flow.active().program.features[self.feature]);
        if let Aggregate::Speed = declared.aggregate {
            let speed = self.here.and_then(|place| memory.speed(self.feature, Some(self.key), now, place));
            return speed.map_or(Value::Missing, Value::Number);
        }
        let keyer = memory.keyer();
        let found =
            memory.read(self.feature, Some(self.key), now, self.own.as_ref(), |own| sighting(keyer, own));
        found.map_or(Value::Missing, |reading| figure(declared, self.reads, reading))
    }
}
