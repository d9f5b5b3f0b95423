// SPDX-License-Identifier: Apache-2.0
//! The handle on the past: which tables there are, and scans of them.

use crate::HistoryError;
use crate::changes::LABELS;
use crate::conform::Fit;
use crate::gather::{Chunk, standing};
use crate::known::{self, Known, said_rows};
use crate::layout::{Column, Role, columns, known, schema, union};
use crate::limits::HEARD_RECORDS;
use crate::newest::{FromJournal, Newest};
use crate::opinions::Opinions;
use crate::scan::{Batches, Part, Scan, nearest, wanted};
use crate::store::{FileEntry, Store, file_part};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::SchemaRef;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use wardroom_engine::Layout;
use wardroom_event::Micros;
use wardroom_journal::Keyring;

/// A table, and how much there is of it.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name: an event type's, or `labels`, `lists`, `policies`.
    pub name: Box<str>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Rows that lie in files.
    pub rows: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// How many files.
    pub files: u64,
    /// The times of the first and the last row that lie in files.
    pub times: Option<(Micros, Micros)>,
}

/// How the past is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the files are, where that is not `history` in the data directory.
    pub dir: Option<PathBuf>,
    /// How long rows stay in files after they came; for ever, where it does not say.
    pub keep: Option<Duration>,
}

/// The past of one data directory. What is written there meanwhile, by this process or another, is seen by the next scan.
pub struct Past {
    journal: PathBuf,
    keys: Keyring,
    keep: Option<Duration>,
    store: Store,
    state: Mutex<State>,
    /// Who said what of whom, once anybody has asked.
    opinions: Arc<RwLock<Opinions>>,
    /// The last record that the opinions were taken from.
    heard: Mutex<u64>,
}

struct State {
    newest: Newest,
    /// The columns of each layout of a table, the newest first.
    layouts: BTreeMap<Box<str>, Vec<Arc<[Column]>>>,
}

impl State {
    fn met(&mut self, layout: &Layout) {
        self.add(&layout.event_type, columns(layout).into());
    }

    fn add(&mut self, table: &str, columns: Arc<[Column]>) {
        let known = self.layouts.entry(table.into()).or_default();
        known.retain(|c| **c != *columns);
        known.insert(0, columns);
        known.truncate(crate::limits::LAYOUTS);
    }

    fn columns(&self, table: &str) -> Option<Vec<Column>> {
        let of_events = |layouts: &Vec<Arc<[Column]>>| union(layouts.iter().map(|c| &**c));
        let standing = || standing().into_iter().find(|(name, _)| **name == *table).map(|(_, c)| c);
        self.layouts.get(table).map(of_events).or_else(standing)
    }

    fn names(&self) -> Vec<Box<str>> {
        let standing = standing().into_iter().map(|(name, _)| name);
        self.layouts.keys().cloned().chain(standing.filter(|n| !self.layouts.contains_key(n))).collect()
    }
}

impl Past {
    /// Opens the past of a data directory, an encrypted one with its keys. Nothing is read before it is asked for.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn open(data: &Path, keys: &Keyring, options: &Options) -> Result<Past, HistoryError> {
        let journal = data.join("journal");
        let dir = options.dir.clone().unwrap_or_else(|| data.join("history"));
        let store = Store::open(&dir, keys)?;
        let newest = Newest::new(&journal, keys, 0);
        let state = Mutex::new(State { newest, layouts: BTreeMap::new() });
        Ok(Past {
            journal,
            keys: keys.clone(),
            keep: options.keep,
            store,
            state,
            opinions: Arc::default(),
            heard: Mutex::new(0),
        })
    }

    /// How long rows stay in files.
    pub fn keep(&self) -> Option<Duration> {
        self.keep
    }

    /// The files.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where the journal is.
    pub fn journal(&self) -> &Path {
        &self.journal
    }

    /// How many values scans have read as missing since this was opened, for their columns have a type now that cannot hold
    /// them.
    pub fn lost(&self) -> u64 {
        self.store.lost().load(Ordering::Relaxed)
    }

    /// The keys of the journal.
    pub fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// The tables, by name.
    ///
    /// # Errors
    /// When what has been written since cannot be read.
    pub fn tables(&self) -> Result<Vec<Table>, HistoryError> {
        let (state, files) = self.look()?;
        let table = |name: Box<str>| {
            let mut table = Table {
                columns: state.columns(&name).unwrap_or_default(),
                name,
                rows: 0,
                bytes: 0,
                files: 0,
                times: None,
            };
            for file in files.of(&table.name) {
                table.rows += file.rows;
                table.bytes += file.bytes;
                table.files += 1;
                let (first, last) = table.times.unwrap_or(file.times());
                table.times = Some((first.min(file.times().0), last.max(file.times().1)));
            }
            table
        };
        Ok(state.names().into_iter().map(table).collect())
    }

    /// The columns of a table, as all its layouts together have them.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn columns(&self, table: &str) -> Result<Vec<Column>, HistoryError> {
        let (state, _) = self.look()?;
        state.columns(table).ok_or_else(|| no_table(&state, table))
    }

    /// Their Arrow schema.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn schema(&self, table: &str) -> Result<SchemaRef, HistoryError> {
        Ok(schema(&self.columns(table)?))
    }

    /// The names that columns of a table had, in whichever layout.
    ///
    /// # Errors
    /// When what has been written since cannot be read.
    pub fn names_as_written(&self, table: &str) -> Result<BTreeSet<Box<str>>, HistoryError> {
        let (state, _) = self.look()?;
        let layouts = state.layouts.get(table).into_iter().flatten();
        Ok(layouts.flat_map(|columns| columns.iter()).map(|column| column.name.clone()).collect())
    }

    /// The columns that a scan gives only where they are named: what is known of an event at a time.
    pub fn known_columns(&self) -> Vec<Column> {
        known()
    }

    /// Up to which record there is anything, and when the newest event arrived.
    ///
    /// # Errors
    /// When what has been written since cannot be read.
    pub fn newest(&self) -> Result<(u64, Option<Micros>), HistoryError> {
        let (state, files) = self.look()?;
        let events = files.all().iter().filter(|f| state.layouts.contains_key(&f.table));
        let received = events.map(FileEntry::received).max();
        Ok((state.newest.to, state.newest.received.max(received)))
    }

    /// Begins a scan. What is there at this moment is what it gives.
    ///
    /// # Errors
    /// When there is no such table or column, or what has been written since cannot be read.
    pub fn scan(&self, scan: &Scan) -> Result<Vec<Part>, HistoryError> {
        self.scan_with(scan, None)
    }

    /// As [`Past::scan`], but each part has the columns that its events had when they were written, by the names and with the
    /// types of then: what was a field at one time and served at another is not the same column. A part leaves out what it
    /// does not have. Columns must be named. Events that lack a value that their type demanded, which is kept no longer, are
    /// left out and counted in `faded`.
    ///
    /// # Errors
    /// As [`Past::scan`].
    pub(crate) fn scan_as_written(
        &self,
        scan: &Scan,
        faded: &Arc<AtomicU64>,
    ) -> Result<Vec<Part>, HistoryError> {
        self.scan_with(scan, Some(faded))
    }

    fn scan_with(&self, scan: &Scan, as_then: Option<&Arc<AtomicU64>>) -> Result<Vec<Part>, HistoryError> {
        let known = match known::is_asked(scan.columns.as_deref()) {
            true => Some(self.known(scan.as_of, &scan.stop)?),
            false => None,
        };
        let (state, files) = self.look()?;
        let all = state.columns(&scan.table).ok_or_else(|| no_table(&state, &scan.table))?;
        let wanted: Arc<[Column]> = match as_then {
            Some(_) => Arc::default(),
            None => wanted(scan, &all, &self.known_columns())?.into(),
        };
        let scan = Arc::new(scan.clone());
        let mut parts = Vec::new();
        for file in files.of(&scan.table).filter(|f| scan.may_hold(f.times(), f.seqs())) {
            let own = as_then.zip(self.store.columns(file));
            let own = own.map(|(faded, there)| (as_written(&scan, &there), faded.clone()));
            let Some((own, faded)) = own else {
                parts.push(file_part(&self.store, file, &scan, &wanted, known.clone()));
                continue;
            };
            let part = file_part(&self.store, file, &scan, &own, known.clone());
            parts.push(Part::new(part.rows_hint(), move || {
                Ok(Box::new(part.read().map(move |batch| whole(batch?, &own, &faded))) as Batches)
            }));
        }
        let exported = files.exported();
        if state.newest.overflown {
            let (first, last) = scan.seqs.unwrap_or((0, u64::MAX));
            let seqs = (first.max(exported + 1), last.min(state.newest.to));
            let (journal, keys, as_then) = (self.journal.clone(), self.keys.clone(), as_then.cloned());
            let (scan, wanted, lost) = (scan.clone(), wanted.clone(), self.store.lost().clone());
            parts.push(Part::new(seqs.1.saturating_sub(seqs.0), move || {
                let chunks = FromJournal::open(&journal, &keys, &scan.table, seqs)?;
                let fitted = chunks.map(move |chunk| {
                    let chunk = chunk?;
                    let Some(faded) = &as_then else {
                        return fitted(&scan, &wanted, known.as_ref(), &chunk, 0, &lost);
                    };
                    let own = as_written(&scan, &chunk.columns);
                    whole(fitted(&scan, &own, known.as_ref(), &chunk, 0, &lost)?, &own, faded)
                });
                Ok(Box::new(fitted) as Batches)
            }));
        } else {
            let chunks = state.newest.chunks()?.into_iter();
            let may = |c: &Chunk| c.table == scan.table && scan.may_hold(c.times, c.seqs);
            for chunk in chunks.filter(|c| may(c) && c.seqs.1 > exported) {
                let (scan, wanted, lost) = (scan.clone(), wanted.clone(), self.store.lost().clone());
                let known = known.clone();
                let (wanted, faded) = match as_then {
                    Some(faded) => (as_written(&scan, &chunk.columns), Some(faded.clone())),
                    None => (wanted, None),
                };
                parts.push(Part::new(chunk.batch.num_rows() as u64, move || {
                    let batch = fitted(&scan, &wanted, known.as_ref(), &chunk, exported, &lost)?;
                    let batch = match &faded {
                        Some(faded) => whole(batch, &wanted, faded)?,
                        None => batch,
                    };
                    Ok(Box::new(std::iter::once(Ok(batch))) as Batches)
                }));
            }
        }
        Ok(parts)
    }

    /// Lets go of what was read of the journal and of what was said: it is written anew there.
    pub(crate) fn read_anew(&self) -> Result<(), HistoryError> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *self.opinions.write().unwrap_or_else(PoisonError::into_inner) = Opinions::default();
        *heard = 0;
        let exported = self.store.files()?.exported();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let received = state.newest.received;
        state.newest = Newest::new(&self.journal, &self.keys, exported);
        state.newest.received = received;
        Ok(())
    }

    /// What a scan needs to tell what was known of events; as of the newest record where it does not say when.
    fn known(&self, as_of: Option<Micros>, stop: &Arc<AtomicBool>) -> Result<Known, HistoryError> {
        let received = self.newest()?.1;
        let said = self.opinions(stop, Opinions::newest)?;
        let as_of = as_of.or(received.max(said)).unwrap_or(Micros(0));
        Ok(Known { opinions: self.opinions.clone(), as_of })
    }

    /// Asks who said what of whom, up to what has been written by now. The first who asks waits until all of it is read.
    ///
    /// # Errors
    /// When it cannot be read, or is more than is held in memory.
    pub fn opinions<T>(
        &self,
        stop: &Arc<AtomicBool>,
        ask: impl FnOnce(&Opinions) -> T,
    ) -> Result<T, HistoryError> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let (to, _) = self.newest()?;
        while *heard < to {
            let next = to.min(heard.saturating_add(HEARD_RECORDS));
            let seqs = Some((*heard + 1, next));
            let scan = Scan { seqs, stop: stop.clone(), ..Scan::of(LABELS) };
            let mut rows = Vec::new();
            for batch in self.scan(&scan)?.into_iter().flat_map(Part::read) {
                rows.extend(said_rows(&batch?));
            }
            rows.sort_by_key(|row| row.seq);
            let mut opinions = self.opinions.write().unwrap_or_else(PoisonError::into_inner);
            if let Err(e) = rows.into_iter().try_for_each(|row| opinions.take(row)) {
                // Half of it would be wrong: whoever asks next begins again.
                (*opinions, *heard) = (Opinions::default(), 0);
                return Err(e);
            }
            *heard = next;
        }
        Ok(ask(&self.opinions.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Looks at what has been written since.
    fn look(&self) -> Result<(std::sync::MutexGuard<'_, State>, Arc<crate::store::Files>), HistoryError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (files, changed) = self.store.look()?;
        if changed {
            let exported = files.exported();
            if exported > state.newest.to || state.layouts.is_empty() {
                state.newest = Newest::new(&self.journal, &self.keys, exported);
            }
            for (table, columns) in files.layouts() {
                if !state.layouts.get(table).is_some_and(|known| known.iter().any(|k| **k == **columns)) {
                    state.add(table, columns.clone());
                }
            }
            state.newest.forget(exported);
        }
        for layout in state.newest.follow()? {
            state.met(&layout);
        }
        Ok((state, files))
    }
}

/// The columns that are named, of those that a part has.
fn as_written(scan: &Scan, there: &[Column]) -> Arc<[Column]> {
    let known = known();
    let find = |name: &str| there.iter().chain(&known).find(|column| *column.name == *name).cloned();
    scan.columns.iter().flatten().filter_map(|name| find(name)).collect()
}

/// The rows that lack nothing that their type demands, of the columns that are there; the others are counted.
fn whole(batch: RecordBatch, columns: &[Column], faded: &AtomicU64) -> Result<RecordBatch, HistoryError> {
    let demanded = columns.iter().filter(|c| c.role == Role::Field && !c.field.may_lack());
    let arrays = demanded.filter_map(|column| batch.column_by_name(&column.name));
    let lacking: Vec<ArrayRef> = arrays.filter(|array| array.null_count() > 0).cloned().collect();
    if lacking.is_empty() {
        return Ok(batch);
    }
    let is_whole = |row: usize| Some(lacking.iter().all(|array| array.is_valid(row)));
    let keep: BooleanArray = (0..batch.num_rows()).map(is_whole).collect();
    faded.fetch_add((batch.num_rows() - keep.true_count()) as u64, Ordering::Relaxed);
    Ok(arrow_select::filter::filter_record_batch(&batch, &keep)?)
}

/// The rows asked for of a chunk, with the columns asked for.
fn fitted(
    scan: &Scan,
    wanted: &[Column],
    known: Option<&Known>,
    chunk: &Chunk,
    exported: u64,
    lost: &AtomicU64,
) -> Result<arrow_array::RecordBatch, HistoryError> {
    if scan.is_stopped() {
        return Err(HistoryError::Stopped);
    }
    let place = |name: &str| chunk.columns.iter().position(|c| *c.name == *name).unwrap_or(0);
    let mut scan = scan.clone();
    if chunk.seqs.0 <= exported {
        let (first, last) = scan.seqs.unwrap_or((0, u64::MAX));
        scan.seqs = Some((first.max(exported + 1), last));
    }
    let batch = scan.keep(chunk.batch.clone(), place("seq"), place("time"))?;
    let (batch, gone) =
        known::fitted(&Fit::new(&chunk.columns, wanted), known, &chunk.columns, &batch, |at| at)?;
    lost.fetch_add(gone, Ordering::Relaxed);
    Ok(batch)
}

fn no_table(state: &State, name: &str) -> HistoryError {
    let names = state.names();
    HistoryError::NoTable { name: name.into(), nearest: nearest(name, names.iter().map(|n| &**n)) }
}
