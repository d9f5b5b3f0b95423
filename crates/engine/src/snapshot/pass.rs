// SPDX-License-Identifier: Apache-2.0
//! One pass over the state: what a snapshot holds, as sections, piece by piece.
//!
//! Pieces are taken between batches, so each shows another moment, and none shows the beginning. That is made good by the
//! fold after a restart, which begins where the pass began: a piece of a table knows the last record it has counted and
//! passes over what it is given once more; labels and list entries are set again to what they were set to, in order; and of
//! event ids only those are written that came before the pass.

use super::format::{Bad, section};
use crate::acts::Jobs;
use crate::flow::Flow;
use crate::limits;
use crate::marks;
use crate::record::{Dictionary, Input, Part, Unreadable, many, put_i64, put_len, put_text, put_u64};
use crate::seen::Seen;
use std::collections::HashMap;
use std::sync::Arc;
use wardroom_event::Micros;
use wardroom_policy::Bundle;
use wardroom_state::TableId;

/// The layout of a head.
const VERSION: u8 = 1;
/// That of a head that says something of jobs.
const JOBS_VERSION: u8 = 2;

/// What of the past is known beside the tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Past {
    /// The version that was last taken from the policy directory.
    pub(crate) directory: Option<Arc<str>>,
    /// Events of the journal so far.
    pub(crate) events: u64,
    /// Those of them that were not counted.
    pub(crate) uncounted: u64,
    /// The time of the first event.
    pub(crate) begins: Option<Micros>,
    /// Whether the journal says that features are warming.
    pub(crate) warming: bool,
    /// The jobs that are open, and the newest of the others.
    pub(crate) jobs: Jobs,
}

/// What the head of a snapshot says behind the policy's dictionary.
pub(super) fn write_rest(past: &Past, flow: &Flow, seen: &Seen) -> Vec<u8> {
    let mut out = vec![if past.jobs.is_empty() { VERSION } else { JOBS_VERSION }];
    put_text(&mut out, past.directory.as_deref().unwrap_or_default());
    put_u64(&mut out, past.events);
    put_u64(&mut out, past.uncounted);
    out.push(u8::from(past.begins.is_some()));
    put_i64(&mut out, past.begins.unwrap_or(Micros(0)).0);
    out.push(u8::from(past.warming));
    put_i64(&mut out, flow.marks_floor().0);
    let late = flow.late_beginnings();
    put_len(&mut out, late.len());
    for (definition, since) in late {
        put_text(&mut out, definition);
        put_i64(&mut out, since.0);
    }
    let (through, since) = seen.head();
    put_u64(&mut out, through);
    put_i64(&mut out, since.0);
    if !past.jobs.is_empty() {
        past.jobs.encode(&mut out);
    }
    out
}

/// A snapshot's head, read.
pub(super) struct Head {
    pub(super) dictionary: Dictionary,
    pub(super) past: Past,
    /// Up to which record event ids lie in files, and since when the youngest gather.
    pub(super) ids: (u64, Micros),
}

/// Reads the head of a snapshot, and takes up what it says of a flow, if there is one to be filled.
pub(super) fn read_head(payload: &[u8], flow: Option<&mut Flow>) -> Result<Head, Unreadable> {
    let mut input = Input::new(payload);
    let len = input.len()?;
    let dictionary = Dictionary::decode(input.take(len)?)?;
    let version = input.byte()?;
    if ![VERSION, JOBS_VERSION].contains(&version) {
        return Err(format!(
            "a head of version {version}; this program reads versions {VERSION} and {JOBS_VERSION}"
        ));
    }
    let directory = Some(input.text()?).filter(|version| !version.is_empty()).map(Arc::from);
    let (events, uncounted) = (input.u64()?, input.u64()?);
    let begins = (input.byte()? != 0).then_some(());
    let first = Micros(input.i64()?);
    let begins = begins.map(|()| first);
    let warming = input.byte()? != 0;
    let floor = Micros(input.i64()?);
    let late = many(&mut input, |i| Ok((Box::<str>::from(i.text()?), Micros(i.i64()?))))?;
    let ids = (input.u64()?, Micros(input.i64()?));
    let jobs = if version == JOBS_VERSION { Jobs::decode(&mut input)? } else { Jobs::default() };
    input.finish()?;
    if let Some(flow) = flow {
        flow.set_marks_floor(floor);
        flow.set_late_beginnings(late);
    }
    Ok(Head { dictionary, past: Past { directory, events, uncounted, begins, warming, jobs }, ids })
}

/// How far a pass has come.
enum Stage {
    Tables,
    Marks(marks::Cursor),
    /// The last record whose id is written.
    Seen(u64),
}

/// A pass under way.
pub(super) struct Pass {
    /// The last record counted when it began.
    begin: u64,
    /// It is whole, or holds what came after this record.
    after: Option<u64>,
    stage: Stage,
    /// The number that each table has in this snapshot.
    numbers: HashMap<TableId, u64>,
}

impl Pass {
    /// Begins one after record `begin`: all of the state, or what was touched since the pass that began after `after`.
    /// Gives a section for each table, whose own pass has begun.
    pub(super) fn begin(flow: &Flow, begin: u64, after: Option<u64>) -> (Pass, Vec<Vec<u8>>) {
        let mut numbers = HashMap::new();
        let mut tables = Vec::new();
        for (number, (id, definitions)) in (0..).zip(flow.served_by()) {
            numbers.insert(id, number);
            let mut out = Vec::new();
            put_u64(&mut out, number);
            put_len(&mut out, definitions.len());
            for (definition, window) in definitions {
                put_text(&mut out, &definition);
                put_len(&mut out, window);
            }
            flow.tables().head(id, &mut out);
            tables.push(out);
        }
        (Pass { begin, after, stage: Stage::Tables, numbers }, tables)
    }

    /// Appends the next piece to `out`, as it is after record `as_of`, and gives its kind; `None` when the pass is over. A
    /// piece may be empty: there is nothing to write then.
    pub(super) fn next(&mut self, flow: &mut Flow, seen: &Seen, as_of: u64, out: &mut Vec<u8>) -> Option<u8> {
        let all = self.after.is_none();
        if let Stage::Tables = self.stage {
            // Its number comes first, and is known only after it is written: eight bytes for all of them.
            out.extend_from_slice(&[0; 8]);
            if let Some(id) = flow.tables_mut().next_piece(as_of, out) {
                let number = self.numbers.get(&id).copied().unwrap_or(u64::MAX);
                out[..8].copy_from_slice(&number.to_le_bytes());
                return Some(section::PIECE);
            }
            out.clear();
            self.stage = Stage::Marks(marks::Cursor::default());
        }
        if let Stage::Marks(cursor) = &mut self.stage {
            match flow.write_marks(cursor, all, out) {
                Some(marks::Piece::Labels) => return Some(section::LABELS),
                Some(marks::Piece::List) => return Some(section::LIST),
                Some(marks::Piece::TakenOff) => return Some(section::TAKEN_OFF),
                None => self.stage = Stage::Seen(self.after.unwrap_or(0)),
            }
        }
        let Stage::Seen(after) = &mut self.stage else { return None };
        let mut ids = Vec::with_capacity(limits::IDS_PIECE);
        *after = seen.piece(*after, limits::IDS_PIECE, &mut ids)?;
        for (hash, seq) in ids.iter().filter(|(_, seq)| *seq <= self.begin) {
            out.extend_from_slice(&hash.to_le_bytes());
            put_u64(out, *seq);
        }
        // Those of later records the journal gives once more.
        (!out.is_empty()).then_some(section::SEEN)
    }
}

/// State being filled from a snapshot.
pub(super) struct Filling<'a> {
    pub(super) flow: &'a mut Flow,
    pub(super) seen: &'a mut Seen,
    /// The table of each number; none where the policy in force does not have it.
    tables: HashMap<u64, Option<TableId>>,
    is_delta: bool,
}

impl<'a> Filling<'a> {
    pub(super) fn new(flow: &'a mut Flow, seen: &'a mut Seen, is_delta: bool) -> Filling<'a> {
        Filling { flow, seen, tables: HashMap::new(), is_delta }
    }

    /// Takes up a section behind the head. Kinds of a later version are passed over.
    pub(super) fn section(&mut self, kind: u8, payload: &[u8]) -> Result<(), Bad> {
        match kind {
            section::TABLE => self.table(payload),
            section::PIECE => self.piece(payload),
            section::LABELS => self.flow.load_marks(marks::Piece::Labels, payload),
            section::LIST => self.flow.load_marks(marks::Piece::List, payload),
            section::TAKEN_OFF => self.flow.load_marks(marks::Piece::TakenOff, payload),
            section::SEEN => self.ids(payload),
            _ => Ok(()),
        }
    }

    fn table(&mut self, payload: &[u8]) -> Result<(), Bad> {
        let mut input = Input::new(payload);
        let number = input.u64()?;
        let window = |n: u64| usize::try_from(n).map_err(|_| "a number is too large".to_owned());
        let definitions = many(&mut input, |i| Ok((Box::<str>::from(i.text()?), window(i.u64()?)?)))?;
        let id = self.flow.load_table(&definitions, input.rest(), self.is_delta)?;
        self.tables.insert(number, id);
        Ok(())
    }

    fn ids(&mut self, payload: &[u8]) -> Result<(), Bad> {
        let mut input = Input::new(payload);
        let mut ids = Vec::new();
        while !input.is_empty() {
            ids.push((u64::from_le_bytes(input.array()?), input.u64()?));
        }
        self.seen.load(&ids);
        Ok(())
    }

    fn piece(&mut self, payload: &[u8]) -> Result<(), Bad> {
        let (number, piece) = payload.split_first_chunk().ok_or("a piece without a table")?;
        match self.tables.get(&u64::from_le_bytes(*number)) {
            None => Err("a piece of a table that was not named".to_owned()),
            Some(None) => Ok(()),
            Some(Some(id)) => self.flow.tables_mut().load_piece(*id, piece).map_err(|e| e.to_string()),
        }
    }
}

/// The policy's text, from its parts.
pub(super) fn text(parts: &[Vec<u8>]) -> Result<Bundle, Unreadable> {
    parts.iter().map(|part| Part::decode(part)).collect::<Result<_, _>>().map(Part::join)
}
