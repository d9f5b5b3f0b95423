// SPDX-License-Identifier: Apache-2.0
//! The past straight from the journal, where there are no columns on disk: the same rows, one after the other.

use super::BacktestError;
use super::rows::{Batches, Journal, Rows, Want};
use crate::changes::{said_again, said_by_act, said_by_rule};
use crate::{HistoryError, KIND, OfEvent, Opinions};
use arrow_array::{
    ArrayRef, BooleanArray, ListArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field as ArrowField, Schema};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use wardroom_engine::{EngineError, PastChange, Stored, StoredEffect, StoredSignal, Told, Walk};
use wardroom_event::{Field, Micros, Span, Type, Value};
use wardroom_journal::Reader;
use wardroom_policy::{compile, form};

/// Rows of one batch.
const ROWS: usize = 4096;

/// The journal's rows, up to a record.
pub struct JournalRows<'j> {
    journal: &'j Journal,
    through: u64,
    opinions: Opinions,
    /// By type of event.
    columns: HashMap<Box<str>, BTreeSet<Box<str>>>,
    /// By type: events of the period that lack what nobody could leave out, as of the last time they were read.
    faded: Mutex<HashMap<Box<str>, u64>>,
}

impl<'j> JournalRows<'j> {
    /// Goes through the journal once, for who said what.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(journal: &'j Journal, through: u64) -> Result<JournalRows<'j>, BacktestError> {
        let (opinions, columns, faded) = (Opinions::default(), HashMap::new(), Mutex::default());
        let mut rows = JournalRows { journal, through, opinions, columns, faded };
        let mut walk = rows.walk()?;
        // No type of event has no name: of what is told only opinions are left.
        while let Some(told) = walk.next("", Micros(0), Micros(0)).map_err(fault)? {
            rows.hear(told).map_err(fault)?;
        }
        for policy in &journal.policies {
            let Some(program) = policy.bundle.as_ref().and_then(|bundle| compile(bundle).program) else {
                continue;
            };
            for (kind, event) in program.schema.iter() {
                let of = rows.columns.entry(event.name.clone()).or_default();
                of.extend(META.map(Box::from));
                of.extend(event.fields.iter().map(|field| stored_name(&field.name, "field")));
                let served = program.plan(kind).serve.len();
                let plan = program.columns(kind);
                let names = (0..served).filter_map(|place| plan.served_column(place));
                of.extend(names.map(|name| stored_name(name, "served")));
            }
        }
        Ok(rows)
    }

    fn walk(&self) -> Result<Walk, BacktestError> {
        let reader = Reader::open(&self.journal.dir).map_err(fault)?.with_keys(&self.journal.keys);
        Ok(Walk::new(reader, self.through))
    }

    fn hear(&mut self, told: Told) -> Result<(), HistoryError> {
        let said = match told {
            Told::Event(_) => return Ok(()),
            Told::Label { seq, known, rule, kind, value, label: name, until } => {
                let effect = StoredEffect::Label { kind, value, name, until };
                said_by_rule(&PastChange { seq, decision: 0, at: known, known, rule, effect })
                    .into_iter()
                    .collect()
            }
            Told::Again(seq, again) => said_again(seq, &again),
            Told::Act(seq, act) => said_by_act(seq, &act),
        };
        said.into_iter().try_for_each(|row| self.opinions.hear(row))
    }

    /// What is said of an event, and of who and what it is about.
    fn said(&self, stored: &Stored) -> OfEvent<'_> {
        self.opinions.of_event(stored.seq, stored.fields.iter().map(|(field, value)| (field.kind, value)))
    }

    fn batch(&self, want: &Want, rows: &[Stored]) -> Result<RecordBatch, BacktestError> {
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for name in &want.columns {
            let found = match self.column(want, name, rows)? {
                Some(array) => Some((array, None)),
                None => self.value(name, rows)?.map(|(array, kind)| (array, Some(kind))),
            };
            if let Some((array, kind)) = found {
                let field = ArrowField::new(&**name, array.data_type().clone(), true);
                let typed = kind.map(|kind| (KIND.to_owned(), kind.name().to_owned()));
                fields.push(field.with_metadata(typed.into_iter().collect()));
                arrays.push(array);
            }
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(fault)
    }

    fn column(&self, want: &Want, name: &str, rows: &[Stored]) -> Result<Option<ArrayRef>, BacktestError> {
        let times = |of: &dyn Fn(&Stored) -> Micros| -> ArrayRef {
            let values = rows.iter().map(|stored| of(stored).0);
            Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
        };
        let texts = |of: &dyn Fn(&Stored) -> Option<String>| -> ArrayRef {
            Arc::new(rows.iter().map(of).collect::<StringArray>())
        };
        Ok(Some(match name {
            "seq" => Arc::new(rows.iter().map(|stored| stored.seq).collect::<UInt64Array>()),
            "time" => times(&|stored| stored.time),
            "received" => times(&|stored| stored.received),
            "policy" => texts(&|stored| Some(stored.policy.to_string())),
            "verdict" => texts(&|stored| Some(stored.judged.as_ref()?.verdict.name().to_owned())),
            "class" => texts(&|stored| Some(self.said(stored).class(want.as_of)?.to_owned())),
            "labels" => {
                let of = |stored: &Stored| {
                    let said = self.said(stored);
                    said.labels(want.as_of).into_iter().map(str::to_owned).collect::<Vec<_>>()
                };
                let all: Vec<Vec<String>> = rows.iter().map(of).collect();
                let texts: StringArray = all.iter().flatten().map(Some).collect();
                list(all.iter().map(Vec::len), Arc::new(texts))?
            }
            "signals" => signals(rows)?,
            _ => return Ok(None),
        }))
    }

    /// A field or a served value; none where these rows do not have it.
    fn value(&self, name: &str, rows: &[Stored]) -> Result<Option<(ArrayRef, Type)>, BacktestError> {
        let Some(first) = rows.first() else { return Ok(None) };
        let is_it = |own: &str, role: &str| *stored_name(own, role) == *name;
        if let Some(at) = first.fields.iter().position(|(field, _)| is_it(&field.name, "field")) {
            let field = first.fields[at].0.clone();
            let values: Vec<&Value> = rows.iter().map(|stored| &stored.fields[at].1).collect();
            return Ok(Some((form::array(&field, &values)?, field.kind)));
        }
        let taken = |id: &str| id == "time" || first.fields.iter().any(|(field, _)| *field.name == *id);
        let served = rows.iter().find_map(|stored| stored.judged.as_ref()).map(|judged| &judged.served);
        let place = served.and_then(|served| {
            served.iter().position(|(id, ..)| {
                let id = if taken(id) { format!("served:{id}") } else { id.to_string() };
                is_it(&id, "served")
            })
        });
        let (Some(at), Some(served)) = (place, served) else { return Ok(None) };
        let field = Field::plain(name, served[at].1, true);
        let missing = &Value::Missing;
        let of = |stored: &'_ Stored| stored.judged.as_ref().map(|judged| judged.served[at].2.clone());
        let values: Vec<Value> = rows.iter().map(|stored| of(stored).unwrap_or(missing.clone())).collect();
        Ok(Some((form::array(&field, &values.iter().collect::<Vec<_>>())?, field.kind)))
    }
}

/// Columns that belong to no policy.
pub(crate) const META: [&str; 12] = [
    "seq", "time", "received", "id", "source", "policy", "verdict", "flags", "skipped", "signals", "labels",
    "class",
];

/// What a policy's column is called among those.
pub(crate) fn stored_name(name: &str, role: &str) -> Box<str> {
    if META.contains(&name) { format!("{role}:{name}").into() } else { name.into() }
}

fn fault(error: impl std::fmt::Display) -> BacktestError {
    BacktestError::Rows(error.to_string())
}

fn list(lengths: impl Iterator<Item = usize>, values: ArrayRef) -> Result<ArrayRef, BacktestError> {
    let item = Arc::new(ArrowField::new("item", values.data_type().clone(), true));
    let list = ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), values, None);
    Ok(Arc::new(list.map_err(fault)?))
}

fn signals(rows: &[Stored]) -> Result<ArrayRef, BacktestError> {
    let of = |stored: &'_ Stored| stored.judged.as_ref().map_or(0, |judged| judged.signals.len());
    let all = || rows.iter().filter_map(|stored| stored.judged.as_ref()).flat_map(|judged| &judged.signals);
    let texts = |of: &dyn Fn(&StoredSignal) -> String| -> ArrayRef {
        Arc::new(all().map(|signal| Some(of(signal))).collect::<StringArray>())
    };
    let decides: BooleanArray = all().map(|signal| Some(signal.decides)).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("rule", texts(&|signal| signal.rule.to_string())),
        ("verdict", texts(&|signal| signal.verdict.name().to_owned())),
        ("decides", Arc::new(decides)),
    ];
    let fields =
        columns.iter().map(|(name, array)| Arc::new(ArrowField::new(*name, array.data_type().clone(), true)));
    debug_assert!(matches!(columns[2].1.data_type(), DataType::Boolean));
    let (fields, many) = (fields.collect(), all().count());
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let items = StructArray::try_new_with_length(fields, arrays, None, many).map_err(fault)?;
    list(rows.iter().map(of), Arc::new(items))
}

/// Batches as they are read, each of one policy's events.
struct Reading<'r> {
    rows: &'r JournalRows<'r>,
    want: Want,
    walk: Walk,
    /// The first of the batch to come.
    next: Option<Stored>,
    done: bool,
    /// Events that were left out.
    faded: u64,
}

/// Whether it lacks a value that its type demands: what was kept no longer. What would be decided of it now is no answer to
/// what was decided then.
fn is_faded(stored: &Stored) -> bool {
    stored.fields.iter().any(|(field, value)| value.is_missing() && !field.may_lack())
}

impl Reading<'_> {
    fn read(&mut self) -> Result<Option<RecordBatch>, BacktestError> {
        let mut batch: Vec<Stored> = self.next.take().into_iter().collect();
        while batch.len() < ROWS {
            let told = self.walk.next(&self.want.table, self.want.from, self.want.to);
            match told.map_err(|e: EngineError| fault(e))? {
                Some(Told::Event(stored)) if is_faded(&stored) => self.faded += 1,
                Some(Told::Event(stored)) => {
                    if batch.first().is_some_and(|first| first.policy != stored.policy) {
                        self.next = Some(*stored);
                        break;
                    }
                    batch.push(*stored);
                }
                Some(_) => {}
                None => {
                    self.done = true;
                    let mut faded = self.rows.faded.lock().unwrap_or_else(PoisonError::into_inner);
                    faded.insert(self.want.table.clone(), self.faded);
                    break;
                }
            }
        }
        if batch.is_empty() { Ok(None) } else { self.rows.batch(&self.want, &batch).map(Some) }
    }
}

impl Iterator for Reading<'_> {
    type Item = Result<RecordBatch, BacktestError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done && self.next.is_none() {
            return None;
        }
        let read = self.read();
        self.done |= read.is_err();
        read.transpose()
    }
}

impl Rows for JournalRows<'_> {
    fn parts(&self, want: &Want) -> Result<Vec<Batches<'_>>, BacktestError> {
        let walk = self.walk()?;
        Ok(vec![Box::new(Reading {
            rows: self,
            want: want.clone(),
            walk,
            next: None,
            done: false,
            faded: 0,
        })])
    }

    fn columns(&self, table: &str) -> Result<Vec<Box<str>>, BacktestError> {
        Ok(self.columns.get(table).into_iter().flatten().cloned().collect())
    }

    fn last(&self) -> u64 {
        self.through
    }

    fn faded(&self) -> u64 {
        self.faded.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn delays(&self, from: Micros, as_of: Micros) -> Result<Vec<Span>, BacktestError> {
        Ok(self.opinions.delays(from, as_of))
    }
}
