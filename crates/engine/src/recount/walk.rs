// SPDX-License-Identifier: Apache-2.0
//! The journal as it is told: events of one type with what was decided, and who said what of whom, in order.

use crate::acts::{ActRecord, AgainRecord};
use crate::decision::{Stored, StoredEffect};
use crate::error::EngineError;
use crate::record::{Change, Dictionary, Input, decode_stored, kind, open_event};
use wardroom_event::{Micros, Type, Value};
use wardroom_journal::Reader;

/// Something that the journal tells.
pub enum Told {
    /// An event, with what was decided.
    Event(Box<Stored>),
    /// A rule gave an entity a label.
    Label {
        /// The record that says so.
        seq: u64,
        /// Since when it is known: when the event arrived that it follows from, as far as that is told.
        known: Micros,
        /// The rule.
        rule: Box<str>,
        /// The entity's type.
        kind: Type,
        /// The entity.
        value: Value,
        /// The label.
        label: Box<str>,
        /// Until when.
        until: Option<Micros>,
    },
    /// Somebody acted: the number of the record, and what it says.
    Act(u64, ActRecord),
    /// An event was judged once more, and what followed of labels and lists: the number of the record, and what it says.
    Again(u64, AgainRecord),
}

/// A walk along a journal that somebody else may be writing.
pub struct Walk {
    reader: Reader,
    through: u64,
    made_under: Option<Dictionary>,
    /// The last event, and when it arrived.
    last: Option<(u64, Micros)>,
}

impl Walk {
    /// From where the reader stands to this record.
    pub fn new(reader: Reader, through: u64) -> Walk {
        Walk { reader, through, made_under: None, last: None }
    }

    /// The next that is told: of events only those of the type `event` that happened from `from` on and before `to`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next(&mut self, event: &str, from: Micros, to: Micros) -> Result<Option<Told>, EngineError> {
        while let Some(frame) = self.reader.next_frame()? {
            let seq = frame.position.seq;
            let bad = |why| EngineError::Record { seq, why };
            if frame.kind == kind::POLICY {
                let found = Dictionary::decode(frame.payload).map_err(bad)?;
                if self.made_under.as_ref().is_none_or(|known| known.seq != found.seq) {
                    self.made_under = Some(found);
                }
                continue;
            }
            if frame.is_prologue() {
                continue;
            }
            if seq > self.through {
                break;
            }
            match frame.kind {
                kind::DECIDED | kind::RECORDED => {
                    let Some(dictionary) = &self.made_under else { continue };
                    // An event whose policy's record a repair found lost cannot be read.
                    let Ok(head) = open_event(&mut Input::new(frame.payload), dictionary) else { continue };
                    self.last = Some((seq, head.received));
                    let is_wanted = *dictionary.schema.get(head.kind).name == *event;
                    if !is_wanted || head.time < from || head.time >= to {
                        continue;
                    }
                    let judged = frame.kind == kind::DECIDED;
                    let stored = decode_stored(seq, judged, frame.payload, dictionary).map_err(bad)?;
                    return Ok(Some(Told::Event(Box::new(stored))));
                }
                kind::CHANGE => {
                    let Change { decision, at, rule, effect } = Change::decode(frame.payload).map_err(bad)?;
                    if let StoredEffect::Label { kind, value, name: label, until } = effect {
                        let last = self.last.filter(|(last, _)| *last == decision);
                        let known = last.map_or(at, |(_, received)| received);
                        return Ok(Some(Told::Label { seq, known, rule, kind, value, label, until }));
                    }
                }
                kind::ACT => {
                    return Ok(Some(Told::Act(seq, ActRecord::decode(frame.payload).map_err(bad)?)));
                }
                kind::AGAIN => {
                    let (record, _) = AgainRecord::split(frame.payload).map_err(bad)?;
                    return Ok(Some(Told::Again(seq, record)));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}
