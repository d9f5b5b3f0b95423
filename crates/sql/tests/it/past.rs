// SPDX-License-Identifier: Apache-2.0
//! A small past: logins, sign-ups, labels and policies, as `history` stores them.

use std::collections::HashMap;
use std::sync::Arc;
use wardroom_event::Micros;
use wardroom_sql::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, DurationMicrosecondArray, FixedSizeBinaryArray, Float64Array,
    Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, StructArray, TimestampMicrosecondArray,
    UInt8Array, UInt64Array,
};
use wardroom_sql::arrow::buffer::OffsetBuffer;
use wardroom_sql::arrow::datatypes::{DataType, Field, Fields, Schema};
use wardroom_sql::{Answer, Mask, Memory, Options, Session, SqlEngine, SqlError};

/// 2026-01-05 12:00:00 UTC.
pub(crate) const NOON: i64 = 1_767_614_400_000_000;
const MINUTE: i64 = 60_000_000;

/// A column with its role and the type of the policy language.
type Column = (&'static str, &'static str, &'static str, ArrayRef);

fn batch(columns: Vec<Column>) -> RecordBatch {
    let fields = columns.iter().map(|(name, role, kind, array)| {
        let metadata: HashMap<String, String> = [
            ("wardroom.role".to_owned(), (*role).to_owned()),
            ("wardroom.type".to_owned(), (*kind).to_owned()),
        ]
        .into();
        Field::new(*name, array.data_type().clone(), true).with_metadata(metadata)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.into_iter().map(|c| c.3).collect()).unwrap()
}

fn texts(rows: usize, text: impl Fn(usize) -> Option<String>) -> ArrayRef {
    Arc::new((0..rows).map(text).collect::<StringArray>())
}

fn times(rows: usize, minute: impl Fn(usize) -> i64) -> ArrayRef {
    let times = (0..rows).map(|row| Some(NOON + minute(row) * MINUTE)).collect::<TimestampMicrosecondArray>();
    Arc::new(times.with_timezone("UTC"))
}

pub(crate) fn ip_bytes(text: &str) -> Vec<u8> {
    match text.parse().unwrap() {
        std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped().octets().to_vec(),
        std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// A rule spoke of every other event.
fn signals(rows: usize) -> ArrayRef {
    let speaking: Vec<usize> = (0..rows).filter(|row| row % 2 == 1).collect();
    let said = |text: &str| texts(speaking.len(), |_| Some(text.to_owned()));
    let because = texts(speaking.len(), |at| Some(format!("account {} failed", account(speaking[at]))));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("rule", said("core.bruteforce")),
        ("verdict", said("block")),
        ("decides", Arc::new(BooleanArray::from(vec![true; speaking.len()]))),
        ("because", because),
        ("packed", Arc::new(BinaryArray::from(vec![&b"alice"[..]; speaking.len()]))),
    ];
    let fields: Fields =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let items = StructArray::new(fields.clone(), columns.into_iter().map(|c| c.1).collect(), None);
    let item = Arc::new(Field::new("item", DataType::Struct(fields), true));
    let offsets = OffsetBuffer::from_lengths((0..rows).map(|row| row % 2));
    Arc::new(wardroom_sql::arrow::array::ListArray::new(item, offsets, Arc::new(items), None))
}

pub(crate) fn account(row: usize) -> String {
    ["alice", "alina", "bob"][row % 3].to_owned()
}

fn meta(first: u64, rows: usize) -> Vec<Column> {
    vec![
        ("seq", "meta", "int", Arc::new((0..rows as u64).map(|n| Some(first + n)).collect::<UInt64Array>())),
        ("time", "meta", "time", times(rows, |row| row as i64)),
        ("received", "meta", "time", times(rows, |row| row as i64)),
        ("id", "meta", "text", texts(rows, |row| Some(format!("e{}", first + row as u64)))),
        ("source", "meta", "text", texts(rows, |_| Some("edge".into()))),
        ("policy", "meta", "text", texts(rows, |_| Some("abc123".into()))),
        (
            "verdict",
            "meta",
            "text",
            texts(rows, |row| Some(if row % 2 == 1 { "block" } else { "allow" }.into())),
        ),
        ("flags", "meta", "int", Arc::new(UInt8Array::from(vec![0; rows]))),
        ("signals", "meta", "list", signals(rows)),
        ("labels", "meta", "list(text)", labels_of(rows)),
        ("class", "meta", "text", texts(rows, |row| (row % 3 == 0).then(|| "abuse".into()))),
    ]
}

fn labels_of(rows: usize) -> ArrayRef {
    let mut labels = ListBuilder::new(StringBuilder::new());
    (0..rows).for_each(|row| labels.append_value((row % 3 == 0).then_some(Some("abuse"))));
    Arc::new(labels.finish())
}

fn logins(first: u64, rows: usize) -> RecordBatch {
    let mut columns = meta(first, rows);
    let ips: Vec<Vec<u8>> = (0..rows).map(|row| ip_bytes(&format!("203.0.113.{}", row % 5))).collect();
    let mut tags = ListBuilder::new(StringBuilder::new());
    (0..rows).for_each(|row| tags.append_value([Some(account(row)), None]));
    columns.extend::<Vec<Column>>(vec![
        ("account", "field", "account", texts(rows, |row| Some(account(row)))),
        (
            "email",
            "field",
            "email",
            texts(rows, |row| (row % 4 != 0).then(|| format!("{}@example.org", account(row)))),
        ),
        ("ip", "field", "ip", Arc::new(FixedSizeBinaryArray::try_from_iter(ips.into_iter()).unwrap())),
        ("ok", "field", "bool", Arc::new((0..rows).map(|row| Some(row % 2 == 0)).collect::<BooleanArray>())),
        ("age", "field", "duration", Arc::new(DurationMicrosecondArray::from(vec![90_500_000; rows]))),
        ("peers", "field", "list(account)", Arc::new(tags.finish())),
        ("ip.country", "fact", "text", texts(rows, |row| Some(["DE", "FR"][row % 2].into()))),
        ("failures", "served", "int", Arc::new((0..rows as i64).map(Some).collect::<Int64Array>())),
        (
            "score",
            "served",
            "number",
            Arc::new((0..rows).map(|row| Some(row as f64 / 2.0)).collect::<Float64Array>()),
        ),
    ]);
    batch(columns)
}

fn signups() -> RecordBatch {
    let mut columns = meta(100, 4);
    columns.push(("account", "field", "account", texts(4, |row| Some(account(row)))));
    columns.push((
        "plan",
        "field",
        "enum(\"free\", \"paid\")",
        texts(4, |row| Some(["free", "paid"][row % 2].into())),
    ));
    batch(columns)
}

fn labels() -> RecordBatch {
    let subjects = [("account", "alice"), ("ip", "203.0.113.4"), ("event", "3"), ("what", "alice")];
    batch(vec![
        ("seq", "meta", "int", Arc::new(UInt64Array::from(vec![200, 201, 202, 203]))),
        ("known", "meta", "time", times(4, |row| row as i64)),
        ("subject_kind", "meta", "text", texts(4, |row| Some(subjects[row].0.into()))),
        ("subject", "meta", "text", texts(4, |row| Some(subjects[row].1.into()))),
        ("label", "meta", "text", texts(4, |_| Some("abuse".into()))),
        ("says", "meta", "bool", Arc::new(BooleanArray::from(vec![true; 4]))),
        ("note", "meta", "text", texts(4, |_| Some("alice said so".into()))),
    ])
}

/// The past of all tests: ten logins in two parts, four sign-ups, labels.
pub(crate) fn memory() -> Memory {
    Memory::default()
        .with("login", true, vec![logins(1, 6), logins(7, 4)])
        .with("signup", true, vec![signups()])
        .with("labels", false, vec![labels()])
}

pub(crate) fn engine() -> (SqlEngine, Arc<Memory>) {
    engine_with(memory(), Options::default())
}

pub(crate) fn engine_with(memory: Memory, options: Options) -> (SqlEngine, Arc<Memory>) {
    let memory = Arc::new(memory);
    (SqlEngine::new(memory.clone(), options).unwrap(), memory)
}

/// Many rows, for what takes long.
pub(crate) fn many(rows: usize) -> Memory {
    Memory::default().with("login", true, (0..8).map(|part| logins(part * rows as u64, rows)).collect())
}

pub(crate) fn whole() -> Session {
    Session::whole("ann", Micros(NOON))
}

pub(crate) fn masked() -> Session {
    Session::masked("ann", Micros(NOON), Mask::new([7; 16]))
}

/// The answer as lines, columns first.
pub(crate) async fn lines(engine: &SqlEngine, sql: &str, session: Session) -> Result<Vec<String>, SqlError> {
    let answer = engine.query(sql, session).await?;
    let mut lines =
        vec![answer.schema().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join("|")];
    for batch in all(answer).await? {
        let text = |column: &ArrayRef, row: usize| {
            let options = wardroom_sql::arrow::util::display::FormatOptions::default().with_null("-");
            let shown =
                wardroom_sql::arrow::util::display::ArrayFormatter::try_new(column, &options).unwrap();
            shown.value(row).to_string()
        };
        for row in 0..batch.num_rows() {
            lines.push(batch.columns().iter().map(|c| text(c, row)).collect::<Vec<_>>().join("|"));
        }
    }
    Ok(lines)
}

pub(crate) async fn all(mut answer: Answer) -> Result<Vec<RecordBatch>, SqlError> {
    let mut batches = Vec::new();
    while let Some(batch) =
        std::future::poll_fn(|cx| futures_util::Stream::poll_next(std::pin::Pin::new(&mut answer), cx)).await
    {
        batches.push(batch?);
    }
    Ok(batches)
}
