// SPDX-License-Identifier: Apache-2.0
//! How long values are kept: those of a field, or of all events of a type, go when they are older.
//!
//! A sealed segment of the journal is written anew once all of it is old enough, so a value goes up to one segment late. Like
//! a segment that goes as a whole it has to lie before the older of two whole snapshots: a restart goes on from counters that
//! have counted the values, and never counts records that lack them. Numbers of records, ids, times and verdicts stay.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::record::{Going, forget, kind, read_with};
use crate::snapshot;
use std::collections::BTreeMap;
use wardroom_event::{Micros, Span};
use wardroom_journal::{Fate, Frame};

/// How long the values of a field are kept, or of all fields of a type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keep {
    /// The event type.
    pub event: Box<str>,
    /// The field; all of them where none is named.
    pub field: Option<Box<str>>,
    /// How long, from when an event arrives.
    pub span: Span,
}

/// What is kept how long, and what was done about it.
#[derive(Clone, Debug, Default)]
pub struct Keeps {
    all: Vec<Keep>,
    /// By the segment's first record: how many of them were applied to it.
    done: BTreeMap<u64, usize>,
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Segments written anew.
    pub segments: u64,
    /// Values that went.
    pub values: u64,
    /// Segments that are old enough and still needed: by a restart, or by what is to be sent.
    pub waiting: u64,
}

impl Keeps {
    /// Of these.
    pub fn new(mut all: Vec<Keep>) -> Keeps {
        all.sort();
        all.dedup();
        Keeps { all, done: BTreeMap::new() }
    }

    /// Whether nothing goes, ever.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many of them apply to what arrived before `newest`.
    pub fn due(&self, newest: Micros, now: Micros) -> usize {
        self.all.iter().filter(|keep| newest.plus(keep.span) <= now).count()
    }

    /// What goes of a type's events that arrived before `newest`; none where nothing does.
    pub fn going(&self, event: &str, newest: Micros, now: Micros) -> Option<Going> {
        let due = self.all.iter().filter(|keep| *keep.event == *event && newest.plus(keep.span) <= now);
        let mut going = Going::default();
        for keep in due {
            match &keep.field {
                None => going.all = true,
                Some(field) => going.fields.push(field.clone()),
            }
        }
        (going.all || !going.fields.is_empty()).then_some(going)
    }
}

impl Engine {
    /// Takes what is kept no longer from the journal. For a thread that may block: it may read all of the journal, though
    /// nothing twice for the same reason.
    ///
    /// # Errors
    /// When a segment cannot be read or written: it is as it was.
    pub fn retain(&self, keeps: &mut Keeps, now: Micros) -> Result<Retained, EngineError> {
        let mut retained = Retained::default();
        if keeps.is_empty() {
            return Ok(retained);
        }
        let lookup = &self.shared.lookup;
        let needed = self.needed_from()?;
        let sealed = lookup.sealed()?;
        keeps.done.retain(|first, _| sealed.iter().any(|segment| segment.first_seq == *first));
        for segment in sealed {
            let newest = Micros(segment.sealed_micros);
            let due = keeps.due(newest, now);
            if due == 0 || keeps.done.get(&segment.first_seq) == Some(&due) {
                continue;
            }
            if segment.last_seq > needed {
                retained.waiting += 1;
                continue;
            }
            let mut values = 0;
            let each = |frame: Frame<'_>| self.kept_of(&frame, keeps, newest, now, &mut values);
            let done = lookup.rewrite(segment.first_seq, each)?;
            retained.segments += u64::from(done.is_some_and(|done| done.replaced > 0));
            retained.values += values;
            keeps.done.insert(segment.first_seq, due);
        }
        Ok(retained)
    }

    /// The last record that no restart and no effect needs.
    fn needed_from(&self) -> Result<u64, EngineError> {
        let dir = snapshot::directory(&self.data);
        let older = snapshot::older(&*self.disk, &dir);
        let older = older.map_err(|source| EngineError::File { doing: "list", path: dir, source })?;
        let sent = self.shared.stats.outbox_needs().saturating_sub(1);
        Ok(older.unwrap_or(0).min(sent))
    }

    fn kept_of(
        &self,
        frame: &Frame<'_>,
        keeps: &Keeps,
        newest: Micros,
        now: Micros,
        values: &mut u64,
    ) -> Result<Fate, EngineError> {
        let seq = frame.position.seq;
        let unreadable = |why| EngineError::Record { seq, why };
        if !matches!(frame.kind, kind::DECIDED | kind::RECORDED | kind::AGAIN) {
            return Ok(Fate::Keep);
        }
        let Some(policy) = read_with(frame.kind, frame.payload).map_err(unreadable)? else {
            return Ok(Fate::Keep);
        };
        let dictionary = self.shared.dictionary(policy, frame.position.segment)?;
        let going = |event: &str| keeps.going(event, newest, now);
        let out = forget(frame.kind, frame.payload, &dictionary, going);
        Ok(match out.map_err(unreadable)? {
            Some((payload, gone)) => {
                *values += gone;
                Fate::Replace(payload)
            }
            None => Fate::Keep,
        })
    }
}
