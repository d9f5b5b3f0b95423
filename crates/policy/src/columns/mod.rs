// SPDX-License-Identifier: Apache-2.0
//! The column executor: the same rules over Arrow record batches, three-valued truths out. For the past: a backtest
//! asks a rule of millions of stored events.
//!
//! It evaluates the typed program that the online executor was compiled from, and gives the same answer for every
//! row, to the bit: property tests hold the two together. What has a loop of its own here are comparisons, `and`, `or`
//! and `not`, arithmetic, sameness and containment of texts and addresses; parts, function calls, tables, models,
//! regular expressions and lists go row by row through the functions the online executor calls, and only for rows that
//! are still open when their turn comes.
//!
//! A batch holds one event type: its time, its fields in slot order, the values served for it ([`ColumnPlan::schema`];
//! `form.rs` says how each type lies in Arrow). What evidence, scores and computed features were worth can be computed
//! anew from the rest ([`ColumnPlan::recompute`]); counters, labels and lists that change cannot: what they were
//! is stored, or a replay finds it out.

mod bits;
mod column;
mod each;
pub mod form;
mod frame;
mod made;
mod number;
mod reads;
#[cfg(test)]
mod tests;
mod translate;
mod truth;
mod value;

pub use bits::TriColumn;
pub use made::{ColumnValue, StoredValues};
pub use reads::RuleReads;

use crate::program::{Program, Source};
use crate::{Tri, World};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{ArrowError, Schema as ArrowSchema, SchemaRef};
use bits::Bits;
use column::Column;
use frame::{Frame, Place, ROWS, TIME};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use translate::{FIELDS, Translator};
use truth::Truth;
use wardroom_event::{Event, Field, Micros, Type, TypeId, Value};

/// How the values of a field lie in Arrow, lists and what is in them included; each may be null.
pub fn column_field(field: &Field) -> arrow_schema::Field {
    form::arrow_field(field)
}

/// Values of a field as an array.
///
/// # Errors
/// When a value is not of the field's type.
pub fn column_array(field: &Field, values: &[&Value]) -> Result<ArrayRef, ColumnError> {
    form::array(field, values)
}

/// An array as values of a field: what [`column_array`] was given.
///
/// # Errors
/// When the array is of another type.
pub fn column_values(field: &Field, array: &ArrayRef) -> Result<Vec<Value>, ColumnError> {
    let column = Column::of(field, array)?;
    Ok((0..array.len()).map(|row| column.value(row)).collect())
}

/// Why a batch cannot be evaluated or built.
#[derive(Debug)]
pub enum ColumnError {
    /// A column that is read is not there.
    Absent {
        /// Its name.
        name: Box<str>,
    },
    /// A column is of a type that cannot hold its values.
    Type {
        /// Its name.
        name: Box<str>,
        /// The Arrow type that the plan's schema has.
        expects: Box<str>,
        /// The one it has.
        found: Box<str>,
    },
    /// A value does not fit its column.
    Value {
        /// The column's name.
        name: Box<str>,
        /// The row.
        row: usize,
    },
    /// The rows and what is served for them are not equally many, or an event has other fields than the plan.
    Rows,
    /// Arrow's own.
    Arrow(ArrowError),
}

impl fmt::Display for ColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnError::Absent { name } => write!(f, "there is no column `{name}`"),
            ColumnError::Type { name, expects, found } => {
                write!(f, "column `{name}` is {found}; it must be {expects}")
            }
            ColumnError::Value { name, row } => {
                write!(f, "the value of row {row} does not fit column `{name}`")
            }
            ColumnError::Rows => f.write_str("the rows are not of this plan"),
            ColumnError::Arrow(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ColumnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ColumnError::Arrow(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ArrowError> for ColumnError {
    fn from(error: ArrowError) -> ColumnError {
        ColumnError::Arrow(error)
    }
}

/// How events of one type lie in columns, with what is served for them.
pub struct ColumnPlan<'p> {
    program: &'p Program,
    kind: TypeId,
    /// The columns: the time, the fields in slot order, the served values in the plan's order.
    fields: Vec<Field>,
    schema: SchemaRef,
}

/// A batch that has every column of a plan.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The batch, its columns in the plan's order.
    pub batch: RecordBatch,
    /// The columns that were not there: they are missing in every row.
    pub absent: Vec<Box<str>>,
}

/// One row of a batch as it was before it lay in columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// When the event happened.
    pub time: Micros,
    /// Its values, in the slots of its type.
    pub values: Vec<Value>,
    /// What was served for it, in the plan's order.
    pub served: Vec<Value>,
}

/// The rows of a batch.
pub struct StoredRows {
    columns: Vec<Column>,
    fields: usize,
    len: usize,
}

impl StoredRows {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One row; `None` where there are not so many.
    pub fn get(&self, row: usize) -> Option<Stored> {
        let mut values = (row < self.len).then(|| self.columns.iter().map(|c| c.value(row)))?;
        let Some(Value::Time(time)) = values.next() else { return None };
        let mut fields: Vec<Value> = values.collect();
        let served = fields.split_off(self.fields);
        Some(Stored { time, values: fields, served })
    }
}

impl Program {
    /// How events of this type lie in columns.
    pub fn columns(&self, kind: TypeId) -> ColumnPlan<'_> {
        let mut fields = vec![Field::plain("time", Type::Time, false)];
        fields.extend(self.schema.get(kind).fields.iter().cloned());
        for serve in &self.plan(kind).serve {
            let mut name = serve.id.to_string();
            // A feature may have a field's name.
            while fields.iter().any(|f| *f.name == *name) {
                name.insert_str(0, "served:");
            }
            fields.push(Field::plain(name, serve.kind, true));
        }
        let arrow: Vec<_> = fields.iter().map(form::arrow_field).collect();
        ColumnPlan { program: self, kind, fields, schema: Arc::new(ArrowSchema::new(arrow)) }
    }
}

impl ColumnPlan<'_> {
    /// The columns: `time`, one for each field by its name (facts among them), one for each served value by its id.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows to columns.
    ///
    /// # Errors
    /// When an event is not of this plan's type, or a value not of its field's.
    pub fn batch(&self, events: &[Event], served: &[Vec<Value>]) -> Result<RecordBatch, ColumnError> {
        let plan = self.program.plan(self.kind);
        let declared = self.program.schema.get(self.kind).fields.len();
        let fits = |e: &Event, s: &Vec<Value>| {
            e.kind == self.kind && e.values.len() == declared && s.len() == plan.serve.len()
        };
        if events.len() != served.len() || !events.iter().zip(served).all(|(e, s)| fits(e, s)) {
            return Err(ColumnError::Rows);
        }
        let times: Vec<Value> = events.iter().map(|e| Value::Time(e.time)).collect();
        let column = |at: usize| -> Vec<&Value> {
            match at.checked_sub(FIELDS) {
                None => times.iter().collect(),
                Some(slot) if slot < declared => events.iter().map(|e| &e.values[slot]).collect(),
                Some(slot) => served.iter().map(|s| &s[slot - declared]).collect(),
            }
        };
        let arrays = self.fields.iter().enumerate().map(|(at, field)| form::array(field, &column(at)));
        self.assemble(arrays.collect::<Result<_, _>>()?, events.len())
    }

    fn assemble(&self, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, ColumnError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)
    }

    /// Columns to rows.
    ///
    /// # Errors
    /// When a column is not there, or not of its type.
    pub fn rows(&self, batch: &RecordBatch) -> Result<StoredRows, ColumnError> {
        let columns = (0..self.fields.len()).map(|at| self.bind(batch, at));
        let fields = self.program.schema.get(self.kind).fields.len();
        Ok(StoredRows { columns: columns.collect::<Result<_, _>>()?, fields, len: batch.num_rows() })
    }

    /// A batch that was written under another policy as one of this plan: columns by name, those that were not there
    /// missing in every row. A rule over such a column is mostly unknown: what is served is better recomputed or
    /// replayed.
    ///
    /// # Errors
    /// When the time is not there.
    pub fn fit(&self, batch: &RecordBatch) -> Result<Fitted, ColumnError> {
        let (mut arrays, mut fields, mut absent) = (Vec::new(), Vec::new(), Vec::new());
        for (at, field) in self.schema.fields().iter().enumerate() {
            match batch.column_by_name(field.name()) {
                Some(array) => {
                    fields.push(Arc::new(field.as_ref().clone().with_data_type(array.data_type().clone())));
                    arrays.push(array.clone());
                }
                None if at == TIME => return Err(ColumnError::Absent { name: field.name().as_str().into() }),
                None => {
                    absent.push(field.name().as_str().into());
                    fields.push(field.clone());
                    arrays.push(new_null_array(field.data_type(), batch.num_rows()));
                }
            }
        }
        let schema = Arc::new(ArrowSchema::new(fields));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(Fitted { batch: RecordBatch::try_new_with_options(schema, arrays, &options)?, absent })
    }

    /// A rule's condition over columns, whatever its mode; `None` where it judges another type of event. When the rule
    /// is valid and whom its canary decides is not part of its condition.
    pub fn rule(&self, rule: usize) -> Option<ColumnRule> {
        let rule = self.program.rules.get(rule).filter(|r| r.on == self.kind)?;
        let mut translator = Translator::new(self.program, self.kind);
        let terms = rule.terms.iter().map(|term| translator.truth(&term.typed)).collect();
        let reads = translator.reads.iter().filter_map(|at| Some((*at, self.fields.get(*at)?.clone())));
        Some(ColumnRule { reads: reads.collect(), width: self.fields.len(), terms: Truth::All(terms) })
    }

    /// The batch with what is computed from the rest, evidence, scores, models and computed features, put in: columns
    /// that were there are replaced. All others must be there that these read.
    ///
    /// # Errors
    /// When a column is not there, or not of its type.
    pub fn recompute(&self, batch: &RecordBatch, world: &dyn World) -> Result<RecordBatch, ColumnError> {
        self.recompute_some(batch, world, |_| true, usize::MAX)
    }

    /// As [`ColumnPlan::recompute`], but only those of the computed values that `wanted` names by their place among what
    /// is served. Texts are cut at so many bytes, as whoever serves them cuts them.
    ///
    /// # Errors
    /// When a column is not there, or not of its type.
    pub fn recompute_some(
        &self,
        batch: &RecordBatch,
        world: &dyn World,
        wanted: impl Fn(usize) -> bool,
        most_text: usize,
    ) -> Result<RecordBatch, ColumnError> {
        let declared = FIELDS + self.program.schema.get(self.kind).fields.len();
        let mut columns: Vec<Option<Column>> = vec![None; self.fields.len()];
        let mut made: HashMap<usize, ArrayRef> = HashMap::new();
        for (at, serve) in self.program.plan(self.kind).serve.iter().enumerate() {
            if !matches!(serve.source, Source::Computed(_)) || !wanted(at) {
                continue;
            }
            let is_it = |c: &&crate::ir::Computed| c.id == serve.id && c.on == self.kind;
            let Some(computed) = self.program.computed.iter().find(is_it) else { continue };
            let mut translator = Translator::new(self.program, self.kind);
            let operand = translator.operand(&computed.typed);
            for read in translator.reads {
                if columns[read].is_none() {
                    columns[read] = Some(self.bind(batch, read)?);
                }
            }
            let at = declared + at;
            let mut values: Vec<Value> = Vec::with_capacity(batch.num_rows());
            frames(&columns, batch.num_rows(), world, |frame| {
                let lane = operand.eval(frame, &Bits::all(frame.len));
                values.extend((0..frame.len).map(|row| cut(lane.value(row).into_owned(), most_text)));
            });
            let array = form::array(&self.fields[at], &values.iter().collect::<Vec<_>>())?;
            columns[at] = Some(Column::of(&self.fields[at], &array)?);
            made.insert(at, array);
        }
        self.replaced(batch, &made)
    }

    /// The batch with some columns of the plan replaced, or added behind the others.
    fn replaced(
        &self,
        batch: &RecordBatch,
        made: &HashMap<usize, ArrayRef>,
    ) -> Result<RecordBatch, ColumnError> {
        let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
        let mut arrays = batch.columns().to_vec();
        for (at, field) in self.schema.fields().iter().enumerate() {
            let Some(array) = made.get(&at) else { continue };
            match batch.schema().index_of(field.name()) {
                Ok(there) => (fields[there], arrays[there]) = (field.clone(), array.clone()),
                Err(_) => {
                    fields.push(field.clone());
                    arrays.push(array.clone());
                }
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::new(ArrowSchema::new(fields)), arrays, &options)?)
    }

    /// A column, by its place.
    pub(crate) fn field(&self, at: usize) -> Option<&Field> {
        self.fields.get(at)
    }

    fn bind(&self, batch: &RecordBatch, at: usize) -> Result<Column, ColumnError> {
        bind(batch, at, &self.fields[at])
    }
}

fn bind(batch: &RecordBatch, at: usize, field: &Field) -> Result<Column, ColumnError> {
    let absent = || ColumnError::Absent { name: field.name.clone() };
    let column = Column::of(field, batch.column_by_name(&field.name).ok_or_else(absent)?)?;
    match column.nulls.as_ref().and_then(|nulls| nulls.iter().position(|valid| !valid)) {
        Some(row) if at == TIME => Err(ColumnError::Value { name: field.name.clone(), row }),
        _ => Ok(column),
    }
}

/// A text of no more than so many bytes.
fn cut(value: Value, most: usize) -> Value {
    match value {
        Value::Text(text) if text.len() > most => Value::Text(text[..text.floor_char_boundary(most)].into()),
        value => value,
    }
}

/// Goes through the rows of bound columns, some at a time.
fn frames(columns: &[Option<Column>], rows: usize, world: &dyn World, mut each: impl FnMut(&Frame<'_>)) {
    for start in (0..rows).step_by(ROWS) {
        let len = ROWS.min(rows - start);
        each(&Frame { columns, place: Place::From(start), len, items: None, world });
    }
}

/// A rule's condition over columns.
pub struct ColumnRule {
    /// The columns it reads, by their places in the plan.
    reads: Vec<(usize, Field)>,
    /// How many columns the plan has.
    width: usize,
    terms: Truth,
}

impl ColumnRule {
    /// The names of the columns it reads: a batch needs no others.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.reads.iter().map(|(_, field)| &*field.name)
    }

    /// Whether it holds, for each row: what [`Rule::holds`](crate::Rule::holds) says of that row. Columns are found by
    /// name. Terms are asked in order, and what is dear only of rows that no earlier term has made false.
    ///
    /// # Errors
    /// When a column it reads is not there, or not of its type.
    pub fn evaluate(&self, batch: &RecordBatch, world: &dyn World) -> Result<TriColumn, ColumnError> {
        let mut columns: Vec<Option<Column>> = vec![None; self.width];
        for (at, field) in &self.reads {
            columns[*at] = Some(bind(batch, *at, field)?);
        }
        let mut out = TriColumn::of(Tri::Unknown, 0);
        frames(&columns, batch.num_rows(), world, |frame| {
            out.append(&self.terms.eval(frame, &Bits::all(frame.len)));
        });
        Ok(out)
    }
}
