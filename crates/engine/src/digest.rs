// SPDX-License-Identifier: Apache-2.0
//! What a fold needs of the journal's records, found out beside the thread that counts: which tables are told what, under
//! which keys.
//!
//! A restart is as fast as the slower of two threads, so this one does all that needs no counter: it reads no more of an
//! event than some counter looks at, hashes ids and keys, and asks filters. It builds no events: the one of each type that
//! filters look at is filled anew each time. What it says is what [`Memory::count`](crate::memory::Memory::count) would do.

use crate::EngineError;
use crate::active::Active;
use crate::apart::{Apart, Record};
use crate::cast::targets;
use crate::keys::Keys;
use crate::memory::takes;
use crate::record::{Dictionary, Input, Unreadable, kind, open_event, skip_value, value};
use crate::seen::IdHasher;
use std::ops::Range;
use std::sync::Arc;
use wardroom_event::{Event, EventId, Micros, TypeId, Value};
use wardroom_journal::{Frame, frame_bytes};
use wardroom_policy::{Row, Taken};
use wardroom_state::{Item, Key, Keyer, Sighting, TableId};

/// Something that a table is told.
pub(crate) struct Told {
    pub(crate) table: TableId,
    pub(crate) key: Key,
    what: What,
}

/// A sighting that owns what it is of.
enum What {
    Plain,
    Item(Item),
    Amount(i64),
    Held(Value),
    Mark(bool),
    Steps(bool, bool),
    Place(f64, f64),
}

impl Told {
    pub(crate) fn sighting(&self) -> Sighting<'_> {
        match &self.what {
            What::Plain => Sighting::Plain,
            What::Item(item) => Sighting::Item(*item),
            What::Amount(amount) => Sighting::Amount(*amount),
            What::Held(value) => Sighting::Held(value),
            What::Mark(mark) => Sighting::Mark(*mark),
            What::Steps(first, then) => Sighting::Steps { first: *first, then: *then },
            What::Place(lat, lon) => Sighting::Place { lat: *lat, lon: *lon },
        }
    }
}

/// A record, as far as a fold needs it.
pub(crate) enum Digested {
    Event {
        seq: u64,
        id: u64,
        received: Micros,
        /// The time it is counted under.
        at: Micros,
        /// Whether the policy lacks its type.
        is_foreign: bool,
        /// What tables are told of it, among what the batch says.
        told: Range<usize>,
    },
    /// Anything else.
    Other(Record),
}

/// Records in the journal's order.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Digested>,
    pub(crate) told: Vec<Told>,
    /// Frames they came from, among them those that say nothing about what is counted.
    pub(crate) frames: u64,
    /// Bytes of those.
    pub(crate) bytes: u64,
}

impl Batch {
    /// Empty, with the room it had.
    pub(crate) fn emptied(mut self) -> Batch {
        self.records.clear();
        self.told.clear();
        Batch { records: self.records, told: self.told, frames: 0, bytes: 0 }
    }
}

/// A walk along the journal's records.
pub(crate) struct Digest {
    active: Arc<Active>,
    keyer: Keyer,
    ids: IdHasher,
    feeds: Vec<Option<TableId>>,
    apart: Apart,
    /// Names of the policy that events were made under.
    made_under: Option<Box<Dictionary>>,
    /// For each of its types: which type of the policy to count under it is, and where to each value goes; none for one that
    /// no counter looks at.
    targets: Vec<Option<(TypeId, Vec<Option<usize>>)>>,
    /// An event of each type of the policy to count under, to be filled.
    blanks: Vec<Event>,
}

impl Digest {
    /// Begins where `made_under` is in force; at the journal's beginning, where there is none.
    pub(crate) fn new(
        active: Arc<Active>,
        keyer: Keyer,
        ids: IdHasher,
        feeds: &[Option<TableId>],
        made_under: Option<Dictionary>,
    ) -> Digest {
        let schema = active.program.schema.clone();
        let blank = |kind: TypeId| Event {
            schema: schema.clone(),
            kind,
            id: EventId { source: "".into(), id: "".into() },
            time: Micros(0),
            received: Micros(0),
            values: vec![Value::Missing; schema.get(kind).fields.len()].into(),
        };
        let blanks = schema.iter().map(|(kind, _)| blank(kind)).collect();
        let mut digest = Digest {
            apart: match &made_under {
                Some(dictionary) => Apart::under(schema.clone(), dictionary.clone()),
                None => Apart::new(schema.clone()),
            },
            active,
            keyer,
            ids,
            feeds: feeds.to_vec(),
            made_under: None,
            targets: Vec::new(),
            blanks,
        };
        if let Some(dictionary) = made_under {
            digest.policy(Box::new(dictionary));
        }
        digest
    }

    /// The same where a repair has left gaps before.
    pub(crate) fn after_gaps(mut self, gaps: bool) -> Digest {
        self.apart = self.apart.after_gaps(gaps);
        self
    }

    /// Adds the next frame to a batch.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>, batch: &mut Batch) -> Result<(), EngineError> {
        batch.frames += u64::from(!frame.is_prologue());
        batch.bytes += frame_bytes(frame.payload.len());
        if !frame.is_prologue() && matches!(frame.kind, kind::DECIDED | kind::RECORDED) {
            if self.apart.is_orphan(frame) {
                return Ok(());
            }
            let seq = frame.position.seq;
            return self.event(seq, frame, batch).map_err(|why| EngineError::Record { seq, why });
        }
        if let Some(record) = self.apart.frame(frame)? {
            if let Record::Policy(found) = &record {
                self.policy(found.clone());
            }
            batch.records.push(Digested::Other(record));
        }
        Ok(())
    }

    fn policy(&mut self, found: Box<Dictionary>) {
        let program = &self.active.program;
        self.targets = targets(&found.schema, &program.schema);
        for (kind, targets) in self.targets.iter_mut().flatten() {
            let counts = &program.plan(*kind).count;
            let fed = |feature: usize| self.feeds.get(feature).copied().flatten().is_some();
            let is_read = |slot: usize| counts.iter().any(|c| fed(c.feature) && c.reads.contains(&slot));
            targets.iter_mut().for_each(|target| *target = target.filter(|slot| is_read(*slot)));
        }
        self.made_under = Some(found);
    }

    fn event(&mut self, seq: u64, frame: &Frame<'_>, batch: &mut Batch) -> Result<(), Unreadable> {
        let dictionary = self.made_under.as_ref().ok_or("an event before any policy")?;
        let mut input = Input::new(frame.payload);
        let head = open_event(&mut input, dictionary)?;
        let (id, received) = (self.ids.hash(head.source, head.id), head.received);
        let begin = batch.told.len();
        let at = head.time.min(received);
        let fields = dictionary.schema.get(head.kind).fields.len();
        let target = self.targets.get(usize::from(head.kind.0)).and_then(Option::as_ref);
        let Some((kind, targets)) = target else {
            (0..fields).try_for_each(|_| skip_value(&mut input))?;
            finish(input, frame.kind)?;
            let told = begin..begin;
            batch.records.push(Digested::Event { seq, id, received, at, is_foreign: true, told });
            return Ok(());
        };
        let blank = self.blanks.get_mut(usize::from(kind.0)).ok_or("an event type that is not there")?;
        (blank.time, blank.received) = (head.time, received);
        blank.values.fill(Value::Missing);
        for target in targets {
            match target.and_then(|slot| blank.values.get_mut(slot)) {
                Some(place) => *place = value(&mut input)?,
                None => skip_value(&mut input)?,
            }
        }
        finish(input, frame.kind)?;
        self.tell(usize::from(kind.0), &mut batch.told);
        let told = begin..batch.told.len();
        batch.records.push(Digested::Event { seq, id, received, at, is_foreign: false, told });
        Ok(())
    }

    /// What tables are told of the event in hand.
    fn tell(&self, kind: usize, out: &mut Vec<Told>) {
        let event = &self.blanks[kind];
        let row = Row::new(event, &[], &*self.active);
        let mut keys = Keys::new(&self.keyer, event);
        for count in &self.active.program.plan(event.kind).count {
            let Some(table) = self.feeds.get(count.feature).copied().flatten() else {
                continue;
            };
            let Some(Some(taken)) = takes(count, &row) else {
                continue;
            };
            if let (Some(key), Some(what)) = (keys.of(&count.key), self.what(taken)) {
                out.push(Told { table, key, what });
            }
        }
    }

    fn what(&self, taken: Taken) -> Option<What> {
        Some(match taken {
            Taken::Plain => What::Plain,
            Taken::Item(value) => What::Item(self.keyer.item([&value])?),
            Taken::Amount(amount) => What::Amount(amount),
            Taken::Held(value) => What::Held(value),
            Taken::Mark(mark) => What::Mark(mark),
            Taken::Steps(first, then) => What::Steps(first, then),
            Taken::Place(lat, lon) => What::Place(lat, lon),
        })
    }
}

/// What was judged follows a decided event; nothing follows one that was only recorded.
fn finish(input: Input<'_>, of: u8) -> Result<(), Unreadable> {
    if of == kind::DECIDED { Ok(()) } else { input.finish() }
}
