// SPDX-License-Identifier: Apache-2.0
//! Rows out of a file: only the columns that are asked for, of only the row groups that may hold what is asked for.

use super::{FileEntry, Store, crypt};
use crate::HistoryError;
use crate::conform::Fit;
use crate::known::{self, Known};
use crate::layout::Column;
use crate::limits::READ_ROWS;
use crate::scan::{Batches, Part, Scan};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::bloom_filter::Sbbf;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::statistics::Statistics;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wardroom_event::{Micros, Type, Value};
use wardroom_journal::Keyring;
use wardroom_policy::form;

pub(super) type Builder = ParquetRecordBatchReaderBuilder<File>;

/// The rows of a file that are asked for, as a part.
pub(crate) fn file_part(
    store: &Store,
    file: &FileEntry,
    scan: &Arc<Scan>,
    wanted: &Arc<[Column]>,
    known: Option<Known>,
) -> Part {
    let sealed = SealedFile {
        path: store.dir().join(&file.path),
        entry: file.clone(),
        keys: store.keys.clone(),
        lost: store.lost().clone(),
    };
    let columns = store.columns(file);
    let (scan, wanted) = (scan.clone(), wanted.clone());
    // Where all rows are asked for, neither number nor time needs to be looked at.
    let all = scan.holds(file.times(), file.seqs());
    Part::new(file.rows, move || {
        let columns =
            columns.ok_or_else(|| sealed.strange("its layout is not known to this program".to_owned()))?;
        let scan =
            if all { Arc::new(Scan { from: None, to: None, seqs: None, ..(*scan).clone() }) } else { scan };
        sealed.read(&columns, &scan, &wanted, known)
    })
}

/// A file and what opens it.
pub(super) struct SealedFile {
    pub(super) path: PathBuf,
    pub(super) entry: FileEntry,
    pub(super) keys: Keyring,
    pub(super) lost: Arc<AtomicU64>,
}

impl SealedFile {
    fn strange(&self, why: String) -> HistoryError {
        HistoryError::Strange { path: self.path.clone(), why }
    }

    /// Opens it, if it is the file that the manifest means.
    pub(super) fn open(&self) -> Result<Builder, HistoryError> {
        let file = File::open(&self.path).map_err(HistoryError::file("open", &self.path))?;
        let bytes = file.metadata().map_err(HistoryError::file("look at", &self.path))?.len();
        if bytes != self.entry.bytes {
            let why = format!("it has {bytes} bytes where {} were written", self.entry.bytes);
            return Err(self.strange(why));
        }
        let mut options = ArrowReaderOptions::new();
        if self.entry.key().is_some() {
            let opening = crypt::opening(&self.keys, &self.entry.path, &self.path)?;
            options = options.with_file_decryption_properties(opening);
        }
        Builder::try_new_with_options(file, options).map_err(HistoryError::parquet("read", &self.path))
    }

    fn read(
        self,
        columns: &Arc<[Column]>,
        scan: &Arc<Scan>,
        wanted: &[Column],
        known: Option<Known>,
    ) -> Result<Batches, HistoryError> {
        let builder = self.open()?;
        let fit = Fit::new(columns, wanted);
        let mut reads = fit.reads();
        if scan.chooses() {
            reads.extend(["seq", "time"].iter().filter_map(|name| place(columns, name)));
        }
        if known.is_some() {
            reads.extend(known::needed(columns));
        }
        reads.sort_unstable();
        reads.dedup();
        let groups = groups(&builder, &self.path, columns, scan)?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), reads.iter().copied());
        let reader = builder
            .with_projection(mask)
            .with_row_groups(groups)
            .with_batch_size(READ_ROWS)
            .build()
            .map_err(HistoryError::parquet("read", &self.path))?;
        let (scan, columns) = (scan.clone(), columns.clone());
        let at = move |column: usize| reads.binary_search(&column).unwrap_or(0);
        let (seq, time) = (place(&columns, "seq").map_or(0, &at), place(&columns, "time").map_or(0, &at));
        let mut said = false;
        Ok(Box::new(reader.map(move |batch| {
            if scan.is_stopped() {
                return Err(HistoryError::Stopped);
            }
            let batch = batch.map_err(HistoryError::parquet("read", &self.path))?;
            let (batch, lost) = known::fitted(&fit, known.as_ref(), &columns, &scan.keep(batch, seq, time)?, &at)?;
            if lost > 0 {
                self.lost.fetch_add(lost, Ordering::Relaxed);
                if !std::mem::replace(&mut said, true) {
                    let file = self.path.display();
                    tracing::warn!(%file, "values of another type than their columns have now are read as missing");
                }
            }
            Ok(batch)
        })))
    }
}

fn place(columns: &[Column], name: &str) -> Option<usize> {
    columns.iter().position(|c| *c.name == *name)
}

/// The row groups that may hold what is asked for.
fn groups(
    builder: &Builder,
    path: &Path,
    columns: &[Column],
    scan: &Scan,
) -> Result<Vec<usize>, HistoryError> {
    let mut groups = Vec::new();
    for group in 0..builder.metadata().num_row_groups() {
        if may_be_between(builder, group, columns, scan) && may_equal(builder, path, group, columns, scan)? {
            groups.push(group);
        }
    }
    Ok(groups)
}

/// The statistics of a column that is no list.
fn statistics(builder: &Builder, group: usize, root: usize) -> Option<&Statistics> {
    let leaf = leaf(builder, root)?;
    builder.metadata().row_group(group).column(leaf).statistics()
}

/// A plain column is one leaf of the file's schema.
fn leaf(builder: &Builder, root: usize) -> Option<usize> {
    let schema = builder.parquet_schema();
    (root..schema.num_columns()).find(|leaf| schema.get_column_root_idx(*leaf) == root)
}

fn may_be_between(builder: &Builder, group: usize, columns: &[Column], scan: &Scan) -> bool {
    let whole = |name: &str| match place(columns, name).and_then(|at| statistics(builder, group, at)) {
        Some(Statistics::Int64(s)) => s.min_opt().copied().zip(s.max_opt().copied()),
        _ => None,
    };
    let times = whole("time").unwrap_or((i64::MIN, i64::MAX));
    // Numbers of records never reach the sign.
    let seqs = whole("seq").map_or((0, u64::MAX), |(a, b)| (a as u64, b as u64));
    scan.may_hold((Micros(times.0), Micros(times.1)), seqs)
}

fn may_equal(
    builder: &Builder,
    path: &Path,
    group: usize,
    columns: &[Column],
    scan: &Scan,
) -> Result<bool, HistoryError> {
    for (name, value) in &scan.equal {
        let Some(at) = place(columns, name) else { continue };
        let Some(looked) = Looked::of(value, columns[at].field.kind) else { continue };
        let Some(leaf) = leaf(builder, at) else { continue };
        if !looked.may_lie(statistics(builder, group, at)) {
            return Ok(false);
        }
        let filter = builder.get_row_group_column_bloom_filter(group, leaf);
        let filter = filter.map_err(HistoryError::parquet("read", path))?;
        if filter.is_some_and(|filter| !looked.may_be_in(&filter)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is looked for, as files hold it.
enum Looked {
    Whole(i64),
    Text(Vec<u8>),
    /// An address or a network, byte by byte.
    Fixed(Vec<u8>),
    /// The addresses of a network, from the first to the last.
    Within([u8; 16], [u8; 16]),
}

impl Looked {
    /// Nothing where files cannot tell.
    fn of(value: &Value, kind: Type) -> Option<Looked> {
        match (value, kind) {
            (Value::Text(text), _) => Some(Looked::Text(text.as_bytes().to_vec())),
            (Value::Int(n), Type::Int) => Some(Looked::Whole(*n)),
            (Value::Ip(ip), Type::Ip) => Some(Looked::Fixed(form::ip_bytes(*ip).to_vec())),
            (Value::Net(net), Type::Ip) => {
                Some(Looked::Within(form::ip_bytes(net.network()), form::ip_bytes(net.broadcast())))
            }
            _ => None,
        }
    }

    /// Whether a row group of these statistics may hold it.
    fn may_lie(&self, statistics: Option<&Statistics>) -> bool {
        let Some(statistics) = statistics else { return true };
        match self {
            Looked::Whole(n) => match statistics {
                Statistics::Int64(s) => {
                    s.min_opt().is_none_or(|min| n >= min) && s.max_opt().is_none_or(|max| n <= max)
                }
                _ => true,
            },
            Looked::Text(bytes) | Looked::Fixed(bytes) => overlaps(statistics, bytes, bytes),
            Looked::Within(first, last) => overlaps(statistics, first, last),
        }
    }

    fn may_be_in(&self, filter: &Sbbf) -> bool {
        match self {
            Looked::Text(bytes) => filter.check(&ByteArray::from(bytes.clone())),
            Looked::Fixed(bytes) => filter.check(&FixedLenByteArray::from(bytes.clone())),
            Looked::Whole(_) | Looked::Within(..) => true,
        }
    }
}

fn overlaps(statistics: &Statistics, first: &[u8], last: &[u8]) -> bool {
    let (min, max) = (statistics.min_bytes_opt(), statistics.max_bytes_opt());
    min.is_none_or(|min| last >= min) && max.is_none_or(|max| first <= max)
}
