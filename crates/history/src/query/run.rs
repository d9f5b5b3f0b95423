// SPDX-License-Identifier: Apache-2.0
//! Running a query: parts of the past shared out among threads, each batch filtered, keyed and added up.

use super::answer::{self, Answer, Counts};
use super::budget::{Budget, Progress};
use super::error::QueryError;
use super::fit::Fitter;
use super::groups::Groups;
use super::limits;
use super::lists::Lists;
use super::rows::Best;
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt64Type};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Schema;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use wardroom_event::{Field, Micros, Span, Value};
use wardroom_policy::query::{self, Query};
use wardroom_policy::{ColumnError, TriColumn};
use wardroom_state::{Keyer, Secret};

/// Batches of a part of the past, one after the other.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, QueryError>> + Send>;

/// A part of the past that one thread reads.
pub struct Part {
    /// How many rows it has at most.
    pub rows: u64,
    /// Opens it.
    pub open: Box<dyn FnOnce() -> Batches + Send>,
}

/// How a query is to be run.
pub struct Ask {
    /// What `last` counts from.
    pub now: Micros,
    /// From when on, whatever the query says: the later of both.
    pub from: Option<Micros>,
    /// Until when: the earlier of both.
    pub to: Option<Micros>,
    /// Most rows of the answer, whatever the query says.
    pub limit: usize,
    /// Most threads.
    pub threads: usize,
    /// Most memory, in bytes.
    pub memory: usize,
    /// Keys the hashes by which values are told apart: those of one installation agree.
    pub secret: [u8; 16],
    /// What a policy's lists are looked into with; where fields are kept as hashes, with the keys for them.
    pub keyer: Keyer,
    /// Ends it.
    pub stop: Arc<AtomicBool>,
    /// How far it is.
    pub progress: Arc<Progress>,
}

impl Ask {
    /// With the usual bounds.
    pub fn new(now: Micros, secret: [u8; 16]) -> Ask {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Ask {
            now,
            from: None,
            to: None,
            limit: limits::ROWS_USUAL,
            threads: threads.min(limits::THREADS),
            memory: limits::MEMORY,
            secret,
            keyer: Keyer::new(Secret(secret)),
            stop: Arc::default(),
            progress: Arc::default(),
        }
    }

    /// From when to when a query is asked; half-open.
    pub fn period(&self, query: &Query) -> (Option<Micros>, Option<Micros>) {
        let (from, to) = query.period.at(self.now);
        (from.max(self.from), to.into_iter().chain(self.to).min())
    }
}

/// What is wanted of a table for a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Wants {
    /// The columns that are read.
    pub columns: Vec<Box<str>>,
    /// What a row's columns must be equal to for it to matter: rows that are not need not be given.
    pub equal: Vec<(Box<str>, Value)>,
    /// From when.
    pub from: Option<Micros>,
    /// Until when, without it.
    pub to: Option<Micros>,
}

/// The periods of a query, the one before it second where there is one, and what is wanted of the table for each.
pub fn wants(query: &Query, ask: &Ask, table: &Schema) -> Vec<Wants> {
    let fitter = Fitter::new(query, table);
    let equal = query
        .equal()
        .iter()
        .filter_map(|(field, value)| Some((Box::from(fitter.column(&field.name)?), value.clone())));
    let (from, to) = ask.period(query);
    let now = Wants { columns: fitter.columns(), equal: equal.collect(), from, to };
    let earlier = |span: Span| Wants {
        from: from.map(|t| t.minus(span)),
        to: to.map(|t| t.minus(span)),
        ..now.clone()
    };
    let before = query.against.map(earlier);
    std::iter::once(now.clone()).chain(before).collect()
}

/// Runs a query over a table of this schema. `parts` gives the parts of the past that hold what is wanted; rows beside may
/// be among them.
///
/// # Errors
/// [`QueryError`] says why there is no answer.
pub fn run(
    query: &Query,
    ask: &Ask,
    table: &Schema,
    mut parts: impl FnMut(&Wants) -> Result<Vec<Part>, QueryError>,
) -> Result<Answer, QueryError> {
    let budget = Budget::new(ask.memory, ask.stop.clone());
    let world = Lists::of(&query.program, &ask.keyer)?;
    let fitter = Fitter::new(query, table);
    let wants = wants(query, ask, table);
    let opened = wants.iter().map(&mut parts).collect::<Result<Vec<Vec<Part>>, QueryError>>()?;
    let rows = opened.iter().flatten().map(|part| part.rows).sum();
    ask.progress.of.store(rows, Relaxed);
    let mut found = Vec::new();
    for (wants, parts) in wants.iter().zip(opened) {
        let scan = Scan { query, ask, fitter: &fitter, world: &world, wants, budget: &budget };
        found.push(scan.all(parts)?);
    }
    answer::answer(query, ask, fitter.notes.clone(), found, &budget)
}

/// What one pass over the past found.
pub(super) struct Found {
    pub(super) counts: Counts,
    pub(super) held: Held,
}

/// What is held of the events that matter.
pub(super) enum Held {
    Groups(Groups),
    Best(Best),
}

struct Scan<'a> {
    query: &'a Query,
    ask: &'a Ask,
    fitter: &'a Fitter<'a>,
    world: &'a Lists,
    wants: &'a Wants,
    budget: &'a Budget,
}

impl Scan<'_> {
    fn nothing(&self) -> Held {
        match &self.query.answer {
            query::Answer::Groups { sums, .. } => {
                Held::Groups(Groups::new(self.query, sums, self.ask.secret))
            }
            query::Answer::Rows { by, bottom, most, .. } => {
                let most = most.unwrap_or(usize::MAX).min(self.ask.limit.saturating_add(1)).max(1);
                Held::Best(Best::new(most, *bottom, by.is_some()))
            }
        }
    }

    /// Reads all parts, as many at once as there are threads.
    fn all(&self, parts: Vec<Part>) -> Result<Found, QueryError> {
        let threads = self.ask.threads.min(parts.len()).max(1);
        let left = Mutex::new(parts.into_iter());
        let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
        let first = Found { counts: Counts::default(), held: self.nothing() };
        // The hashes of all tables must agree, or nothing could be joined in one pass.
        let fresh = || match &first.held {
            Held::Groups(groups) => Held::Groups(groups.fresh()),
            Held::Best(_) => self.nothing(),
        };
        let work = |mut found: Found| -> Result<Found, QueryError> {
            while let Some(part) = next() {
                for batch in (part.open)() {
                    self.budget.goes_on()?;
                    self.batch(&batch?, &mut found)?;
                }
            }
            Ok(found)
        };
        let others: Vec<Found> =
            (1..threads).map(|_| Found { counts: Counts::default(), held: fresh() }).collect();
        let done = std::thread::scope(|scope| {
            let work = &work;
            let running: Vec<_> = others.into_iter().map(|found| scope.spawn(move || work(found))).collect();
            let mut done = vec![work(first)];
            let joined =
                running.into_iter().map(|t| t.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
            done.extend(joined);
            done
        });
        let mut done = done.into_iter();
        let mut all = match done.next() {
            Some(first) => first?,
            None => return Err(QueryError::Stopped),
        };
        for found in done {
            self.join(&mut all, found?)?;
        }
        Ok(all)
    }

    fn join(&self, all: &mut Found, other: Found) -> Result<(), QueryError> {
        all.counts.add(&other.counts);
        match (&mut all.held, other.held) {
            (Held::Groups(groups), Held::Groups(other)) => {
                groups.absorb(&other, self.budget, |key| key)?;
                self.budget.give(other.held());
            }
            (Held::Best(best), Held::Best(other)) => best.absorb(other, self.budget),
            _ => debug_assert!(false, "two kinds of answers"),
        }
        Ok(())
    }

    fn batch(&self, batch: &RecordBatch, found: &mut Found) -> Result<(), QueryError> {
        let rows = batch.num_rows();
        self.ask.progress.rows.fetch_add(rows as u64, Relaxed);
        let seqs = seqs(batch, rows);
        let fitted = self.fitter.fit(batch, self.world)?;
        let times = times(&fitted)?;
        let matched = self.matched(&fitted, times, &mut found.counts)?;
        if matched.is_empty() {
            return Ok(());
        }
        match (&self.query.answer, &mut found.held) {
            (query::Answer::Groups { sums, .. }, Held::Groups(groups)) => {
                let among = among(&matched, rows);
                let value =
                    |of: &wardroom_policy::ColumnValue| of.evaluate(&fitted, among.as_ref(), self.world);
                let keys: Vec<ArrayRef> =
                    self.query.keys.iter().map(|key| value(&key.of)).collect::<Result<_, _>>()?;
                let sums: Vec<Option<ArrayRef>> = sums
                    .iter()
                    .map(|sum| sum.of.as_ref().map(&value).transpose())
                    .collect::<Result<_, _>>()?;
                groups.add(&matched, &keys, &sums, (times, &seqs), self.budget)
            }
            (query::Answer::Rows { columns, by, .. }, Held::Best(best)) => {
                let among_all = among(&matched, rows);
                let by = by.as_ref().map(|by| by.evaluate(&fitted, among_all.as_ref(), self.world));
                let candidates = best.candidates(&matched, by.transpose()?.as_ref(), times, &seqs);
                if candidates.is_empty() {
                    return Ok(());
                }
                let picked: Vec<u32> = candidates.iter().map(|(_, row)| *row).collect();
                let among = among(&picked, rows);
                let column = |shown: &'_ query::Shown| shown.of.evaluate(&fitted, among.as_ref(), self.world);
                let arrays = columns.iter().map(column).collect::<Result<Vec<ArrayRef>, _>>()?;
                let fields: Vec<(&Field, ArrayRef)> = columns.iter().map(|c| &c.field).zip(arrays).collect();
                best.take(&candidates, &fields, self.budget)
            }
            _ => Ok(()),
        }
    }

    /// The rows of the period for which the condition holds.
    fn matched(
        &self,
        batch: &RecordBatch,
        times: &[i64],
        counts: &mut Counts,
    ) -> Result<Vec<u32>, QueryError> {
        let (from, to) = (self.wants.from.map_or(i64::MIN, |t| t.0), self.wants.to.map_or(i64::MAX, |t| t.0));
        let within = |row: &usize| (from..to).contains(&times[*row]) || (to == i64::MAX && times[*row] == to);
        let (mut rows, mut unknown) = (Vec::new(), 0);
        match &self.query.filter {
            None => rows.extend((0..times.len()).filter(within).map(|row| row as u32)),
            Some(filter) => {
                let truths = filter.holds(batch, self.world)?;
                rows.extend(truths.rows_true().filter(within).map(|row| row as u32));
                if truths.count_unknown() > 0 {
                    let is_unknown = |row: &usize| truths.get(*row) == wardroom_policy::Tri::Unknown;
                    unknown = (0..times.len()).filter(is_unknown).filter(within).count() as u64;
                }
            }
        }
        counts.rows += (0..times.len()).filter(within).count() as u64;
        counts.matched += rows.len() as u64;
        counts.unknown += unknown;
        Ok(rows)
    }
}

/// Which rows of a batch are asked about; none where it is all of them.
fn among(rows: &[u32], len: usize) -> Option<TriColumn> {
    (rows.len() < len).then(|| TriColumn::picked(rows.iter().map(|row| *row as usize), len))
}

/// The numbers of events; where a table has none, they have none to be told apart by.
fn seqs(batch: &RecordBatch, rows: usize) -> Vec<u64> {
    let column = batch.column_by_name(query::Own::Seq.name());
    match column.and_then(|array| array.as_primitive_opt::<UInt64Type>()) {
        Some(seqs) => seqs.values().to_vec(),
        None => vec![0; rows],
    }
}

fn times(batch: &RecordBatch) -> Result<&[i64], QueryError> {
    let absent = || QueryError::Column(ColumnError::Absent { name: "time".into() });
    let column = batch.column_by_name("time").ok_or_else(absent)?;
    let times = column.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(absent)?;
    Ok(times.values())
}
