// SPDX-License-Identifier: Apache-2.0
//! A past to be tested on: events with what was served, as Parquet files, and as a journal.

use super::{WORK, engine};
use anyhow::{Context, Result};
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array, types::Int32Type,
};
use arrow_schema::{Field, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wardroom_engine::Config;
use wardroom_event::{Micros, Span};
use wardroom_history::backtest::{BacktestError, Batches, Rows, Want};
use wardroom_policy::Bundle;

/// Rows of a file, of a row group, and of a batch.
const FILE: usize = 1_000_000;
const GROUP: usize = 131_072;
const BATCH: usize = 8_192;
/// When it begins, and what lies between two events.
const BEGIN: i64 = 1_767_614_400_000_000;
const STEP: i64 = 100_000;

const EVENT: &str = "event login:\n    account: account\n    ok:      bool\n    tries:   int\n    score:   number\n    kind:    text\n\n\
    feature seen = count(login, by=account, last=\"1h\")\n\n";

/// A rule's condition, for both worlds: five predicates, more or less strict.
pub(super) struct Condition {
    pub(super) tries: i64,
    pub(super) score: f64,
    pub(super) seen: i64,
    pub(super) kind: &'static str,
}

/// The first so many conditions.
pub(super) fn rules(many: usize) -> Vec<Condition> {
    let kinds = ["hosting", "mobile", "vpn", "residential"];
    let rule = |n: usize| Condition {
        tries: 4 + (n % 5) as i64,
        score: 0.1 + (n % 7) as f64 / 20.0,
        seen: 25 + (n % 11) as i64,
        kind: kinds[n % 4],
    };
    (0..many).map(rule).collect()
}

/// A policy with so many rules.
pub(super) fn policy(many: usize) -> Bundle {
    let mut text = EVENT.to_owned();
    for (n, rule) in rules(many).iter().enumerate() {
        let Condition { tries, score, seen, kind } = rule;
        let _ = writeln!(
            text,
            "rule r{n} on login:\n    when    tries >= {tries} and score < {score:?} and seen > {seen} and kind == \"{kind}\" and not ok\n    \
             then    review\n    because \"{n}\"\n    mode    shadow\n"
        );
    }
    Bundle::single("bench.ward", &text)
}

/// A policy with windows that the first did not count.
pub(super) fn windows() -> Bundle {
    let text = EVENT.replace("feature seen = count(login, by=account, last=\"1h\")\n\n", "")
        + "feature fails  = count(login, where=not ok, by=account, last=\"1h\")\n\
           feature kinds  = distinct(kind, of=login, by=account, last=\"1d\")\n\
           feature tried  = sum(tries, of=login, by=kind, last=\"10m\")\n\n\
           rule many on login:\n    when    fails >= 3 and kinds >= 3 and tried > 100\n    then    review\n    because \"{fails} {kinds} {tried}\"\n";
    Bundle::single("windows.ward", &text)
}

/// SplitMix64, bounded.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

const KINDS: [&str; 5] = ["hosting", "mobile", "residential", "vpn", "education"];

/// Events in files.
pub(super) struct Parquets {
    files: Vec<PathBuf>,
    pub(super) rows: usize,
    pub(super) bytes: u64,
}

impl Parquets {
    pub(super) fn write(dir: &Path, rows: usize) -> Result<Parquets> {
        std::fs::create_dir_all(dir)?;
        let mut dice = Dice(1);
        let (mut files, mut bytes) = (Vec::new(), 0);
        for (at, first) in (0..rows).step_by(FILE).enumerate() {
            let path = dir.join(format!("{at}.parquet"));
            let many = FILE.min(rows - first);
            let batch = batch(&mut dice, first, many)?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
                .set_max_row_group_row_count(Some(GROUP))
                .build();
            let mut writer = ArrowWriter::try_new(File::create(&path)?, batch.schema(), Some(properties))?;
            writer.write(&batch)?;
            writer.close()?;
            bytes += std::fs::metadata(&path)?.len();
            files.push(path);
        }
        Ok(Parquets { files, rows, bytes })
    }

    fn read(&self, file: &Path, group: usize, columns: &[Box<str>]) -> Result<Batches<'_>> {
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(
            File::open(file)?,
            ArrowReaderOptions::new(),
        )?;
        let wanted = builder.schema().fields().iter().enumerate();
        let wanted: Vec<usize> =
            wanted.filter(|(_, f)| columns.iter().any(|c| **c == **f.name())).map(|(at, _)| at).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
        let reader =
            builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(BATCH).build()?;
        Ok(Box::new(reader.map(|batch| batch.map_err(|e| BacktestError::Rows(e.to_string())))))
    }
}

fn batch(dice: &mut Dice, first: usize, rows: usize) -> Result<RecordBatch> {
    let verdicts: DictionaryArray<Int32Type> =
        (0..rows).map(|_| Some(if dice.below(50) == 0 { "block" } else { "allow" })).collect();
    let account: StringArray = (0..rows).map(|_| Some(format!("a{}", dice.below(100_000)))).collect();
    let ok: BooleanArray = (0..rows).map(|_| Some(dice.below(2) == 0)).collect();
    let tries: Int64Array = (0..rows).map(|_| Some(dice.below(9) as i64)).collect();
    let score: Float64Array = (0..rows).map(|_| Some(dice.below(1000) as f64 / 1000.0)).collect();
    let kind: DictionaryArray<Int32Type> = (0..rows).map(|_| Some(KINDS[dice.below(5) as usize])).collect();
    let seen: Int64Array = (0..rows).map(|_| Some(dice.below(40) as i64)).collect();
    let time = (0..rows).map(|row| BEGIN + (first + row) as i64 * STEP);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("seq", Arc::new((0..rows).map(|row| (first + row) as u64 + 1).collect::<UInt64Array>())),
        ("time", Arc::new(TimestampMicrosecondArray::from_iter_values(time).with_timezone("UTC"))),
        ("verdict", Arc::new(verdicts)),
        ("account", Arc::new(account)),
        ("ok", Arc::new(ok)),
        ("tries", Arc::new(tries)),
        ("score", Arc::new(score)),
        ("kind", Arc::new(kind)),
        ("seen", Arc::new(seen)),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

impl Rows for Parquets {
    fn parts(&self, want: &Want) -> Result<Vec<Batches<'_>>, BacktestError> {
        let mut parts: Vec<Batches<'_>> = Vec::new();
        for file in &self.files {
            let opened = || -> Result<usize> {
                let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
                Ok(builder.metadata().num_row_groups())
            };
            let fault = |e: anyhow::Error| BacktestError::Rows(e.to_string());
            for group in 0..opened().map_err(fault)? {
                parts.push(self.read(file, group, &want.columns).map_err(fault)?);
            }
        }
        Ok(parts)
    }

    fn columns(&self, _: &str) -> Result<Vec<Box<str>>, BacktestError> {
        Ok(["seq", "time", "verdict", "account", "ok", "tries", "score", "kind", "seen"]
            .map(Box::from)
            .to_vec())
    }

    fn last(&self) -> u64 {
        self.rows as u64
    }

    fn delays(&self, _: Micros, _: Micros) -> Result<Vec<Span>, BacktestError> {
        Ok(Vec::new())
    }
}

/// Records so many events, and writes the same into a Parquet file for those who count windows over one.
pub(super) fn record(config: &Config, events: usize, folder: &Path) -> Result<()> {
    let (engine, runtime) = engine(config)?;
    // So few accounts that each comes again, however few events there are.
    let (mut dice, accounts) = (Dice(2), (events as u64 / 20).max(20));
    let reader = engine.reader();
    let (mut who, mut went, mut many, mut kinds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for first in (0..events).step_by(128) {
        let event = |n: usize| {
            let at = Micros(BEGIN + n as i64 * STEP);
            let (account, ok, tries) =
                (format!("a{}", dice.below(accounts)), dice.below(2) == 0, dice.below(9));
            let (score, kind) = (dice.below(1000) as f64 / 1000.0, KINDS[dice.below(5) as usize]);
            let json = format!(
                r#"{{"type":"login","id":"{n}","time":"{at}","account":"{account}","ok":{ok},"tries":{tries},"score":{score},"kind":"{kind}"}}"#,
            );
            who.push(account);
            went.push(Some(ok));
            many.push(tries as i64);
            kinds.push(kind);
            reader.intake(json.as_bytes(), at).map_err(|faults| anyhow::anyhow!("{faults}"))
        };
        let some = (first..events.min(first + 128)).map(event).collect::<Result<Vec<_>>>()?;
        runtime.block_on(engine.submit(some, WORK)).context("the engine stopped")?;
    }
    runtime.block_on(engine.close());
    let time = (0..events).map(|row| BEGIN + row as i64 * STEP);
    let columns: [(&str, ArrayRef); 5] = [
        ("time", Arc::new(TimestampMicrosecondArray::from_iter_values(time).with_timezone("UTC"))),
        ("account", Arc::new(StringArray::from(who))),
        ("ok", Arc::new(BooleanArray::from(went))),
        ("tries", Arc::new(Int64Array::from(many))),
        ("kind", Arc::new(StringArray::from(kinds))),
    ];
    let batch = RecordBatch::try_from_iter(columns)?;
    std::fs::create_dir_all(folder)?;
    let mut writer = ArrowWriter::try_new(File::create(folder.join("0.parquet"))?, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}
