// SPDX-License-Identifier: Apache-2.0
//! Records of the journal, gathered into batches: by table, and events by their layout.

use crate::HistoryError;
use crate::changes::{
    InForce, LABELS, LISTS, POLICIES, Row, Said, policy_batch, policy_columns, said_again, said_batch,
    said_by_act, said_by_rule, said_columns,
};
use crate::layout::{Column, columns};
use crate::limits::BATCH_ROWS;
use crate::rows::batch;
use arrow_array::RecordBatch;
use std::collections::BTreeMap;
use std::sync::Arc;
use wardroom_engine::{Layout, PastEvent, PolicyRecord, Record, Records};
use wardroom_event::Micros;
use wardroom_journal::Frame;

/// Rows of one table and layout, with what they lie between.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) table: Box<str>,
    pub(crate) columns: Arc<[Column]>,
    pub(crate) batch: RecordBatch,
    /// Their first and last number.
    pub(crate) seqs: (u64, u64),
    /// The first and the last time of theirs.
    pub(crate) times: (Micros, Micros),
    /// When the last of them arrived, or was said.
    pub(crate) received: Micros,
}

enum Rows {
    Events(Arc<[Column]>, Vec<PastEvent>),
    Said(Vec<Said>),
    Policies(Vec<InForce>),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Rows::Events(_, events) => events.len(),
            Rows::Said(rows) => rows.len(),
            Rows::Policies(rows) => rows.len(),
        }
    }
}

/// Gathers what frames hold.
#[derive(Default)]
pub(crate) struct Gather {
    records: Records,
    /// Only this table, where one is named.
    only: Option<Box<str>>,
    /// By table, and events by the policy whose layout they have.
    rows: BTreeMap<(Box<str>, u64), Rows>,
    /// The columns of each layout that was met.
    columns: BTreeMap<(Box<str>, u64), Arc<[Column]>>,
    /// Layouts met since they were last asked for.
    met: Vec<Arc<Layout>>,
    last_policy: u64,
    /// When the newest event arrived.
    received: Option<Micros>,
}

impl Gather {
    /// Gathers everything.
    pub(crate) fn new() -> Gather {
        Gather::default()
    }

    /// Gathers one table.
    pub(crate) fn only(table: &str) -> Gather {
        Gather { only: Some(table.into()), ..Gather::default() }
    }

    /// Takes a frame; gives a chunk where one is full. Frames before `from` are only looked at for the names they bring.
    pub(crate) fn take(&mut self, frame: &Frame<'_>, from: u64) -> Result<Option<Chunk>, HistoryError> {
        let (seq, prologue) = (frame.position.seq, frame.is_prologue());
        let only = self.only.as_deref();
        let before = seq < from || prologue;
        let wanted = |layout: &Layout| only.is_none_or(|only| *layout.event_type == *only);
        if before {
            return match self.records.pass(frame)? {
                Some(policy) => self.policy(&policy, true),
                None => Ok(None),
            };
        }
        match self.records.read_some(frame, wanted)? {
            Some(Record::Event(event)) => self.event(*event),
            Some(Record::Policy(policy)) => self.policy(&policy, false),
            Some(Record::Change(change)) => self.said(said_by_rule(&change).into_iter().collect()),
            Some(Record::Act(seq, act)) => self.said(said_by_act(seq, &act)),
            Some(Record::Again(seq, again)) => self.said(said_again(seq, &again)),
            _ => Ok(None),
        }
    }

    /// When the newest event arrived.
    pub(crate) fn received(&self) -> Option<Micros> {
        self.received
    }

    /// Rows of one record. Where two tables are full with it, the second waits for its next row.
    fn said(&mut self, rows: Vec<Row>) -> Result<Option<Chunk>, HistoryError> {
        let (mut labels, mut lists) = (Vec::new(), Vec::new());
        rows.into_iter().for_each(|(t, said)| if t == LABELS { labels.push(said) } else { lists.push(said) });
        let there = [(LABELS, labels), (LISTS, lists)].into_iter().filter(|(_, rows)| !rows.is_empty());
        let tables: Vec<&str> = there.map(|(table, rows)| self.put(table, Rows::Said(rows))).collect();
        let full = tables.into_iter().find(|table| self.is_full(table));
        full.map_or(Ok(None), |table| self.flush(&(table.into(), 0)))
    }

    /// The layouts met since this was last asked.
    pub(crate) fn take_met(&mut self) -> Vec<Arc<Layout>> {
        std::mem::take(&mut self.met)
    }

    fn policy(&mut self, policy: &PolicyRecord, before: bool) -> Result<Option<Chunk>, HistoryError> {
        if policy.seq > self.last_policy {
            self.last_policy = policy.seq;
            self.met.extend(policy.layouts.iter().cloned());
        }
        if before {
            return Ok(None);
        }
        self.row(POLICIES, Rows::Policies(vec![InForce::of(policy)]))
    }

    fn event(&mut self, event: PastEvent) -> Result<Option<Chunk>, HistoryError> {
        self.received = self.received.max(Some(event.event.received));
        let key = (event.layout.event_type.clone(), event.layout.policy_seq);
        if !self.rows.contains_key(&key) {
            let held = self.columns.entry(key.clone()).or_insert_with(|| columns(&event.layout).into());
            self.rows.insert(key.clone(), Rows::Events(held.clone(), Vec::new()));
        }
        let Some(Rows::Events(_, events)) = self.rows.get_mut(&key) else { return Ok(None) };
        events.push(event);
        if events.len() >= BATCH_ROWS { self.flush(&key) } else { Ok(None) }
    }

    fn row(&mut self, table: &str, rows: Rows) -> Result<Option<Chunk>, HistoryError> {
        self.put(table, rows);
        if self.is_full(table) { self.flush(&(table.into(), 0)) } else { Ok(None) }
    }

    /// Puts rows to those of their table; gives the table.
    fn put<'t>(&mut self, table: &'t str, rows: Rows) -> &'t str {
        if self.only.as_deref().is_none_or(|only| only == table) {
            let key = (table.into(), 0);
            match (self.rows.get_mut(&key), rows) {
                (Some(Rows::Said(held)), Rows::Said(new)) => held.extend(new),
                (Some(Rows::Policies(held)), Rows::Policies(new)) => held.extend(new),
                (_, rows) => drop(self.rows.insert(key, rows)),
            }
        }
        table
    }

    fn is_full(&self, table: &str) -> bool {
        self.rows.get(&(table.into(), 0)).is_some_and(|rows| rows.len() >= BATCH_ROWS)
    }

    fn flush(&mut self, key: &(Box<str>, u64)) -> Result<Option<Chunk>, HistoryError> {
        self.rows.remove(key).map(|rows| chunk(&key.0, &rows)).transpose()
    }

    /// What is left, as chunks that are not full.
    pub(crate) fn finish(&mut self) -> Result<Vec<Chunk>, HistoryError> {
        let rest = self.peek()?;
        self.rows.clear();
        Ok(rest)
    }

    /// The same, and it stays.
    pub(crate) fn peek(&self) -> Result<Vec<Chunk>, HistoryError> {
        self.rows.iter().map(|((table, _), rows)| chunk(table, rows)).collect()
    }
}

fn chunk(table: &str, rows: &Rows) -> Result<Chunk, HistoryError> {
    let (columns, batch, seqs, times, received) = match rows {
        Rows::Events(columns, events) => {
            let refs: Vec<&PastEvent> = events.iter().collect();
            let batch = batch(columns, &refs)?;
            let seqs = span(events.iter().map(|e| e.seq));
            let received = events.iter().map(|e| e.event.received).max();
            (columns.clone(), batch, seqs, span(events.iter().map(|e| e.event.time)), received)
        }
        Rows::Said(rows) => {
            let columns: Arc<[Column]> = said_columns(table).into();
            let batch = said_batch(&columns, rows)?;
            let received = rows.iter().map(|r| r.known).max();
            let times = span(rows.iter().map(|r| r.time));
            (columns, batch, span(rows.iter().map(|r| r.seq)), times, received)
        }
        Rows::Policies(rows) => {
            let columns: Arc<[Column]> = policy_columns().into();
            let batch = policy_batch(&columns, rows)?;
            let times = span(rows.iter().map(|r| r.time));
            (columns, batch, span(rows.iter().map(|r| r.seq)), times, times.map(|t| t.1))
        }
    };
    let nothing = (Micros(0), Micros(0));
    Ok(Chunk {
        table: table.into(),
        columns,
        batch,
        seqs: seqs.unwrap_or((0, 0)),
        times: times.unwrap_or(nothing),
        received: received.unwrap_or(Micros(0)),
    })
}

fn span<T: Ord + Copy>(mut values: impl Iterator<Item = T>) -> Option<(T, T)> {
    let first = values.next()?;
    Some(values.fold((first, first), |(low, high), v| (low.min(v), high.max(v))))
}

/// The tables that are there without any event.
pub(crate) fn standing() -> Vec<(Box<str>, Vec<Column>)> {
    vec![
        (LABELS.into(), said_columns(LABELS)),
        (LISTS.into(), said_columns(LISTS)),
        (POLICIES.into(), policy_columns()),
    ]
}
