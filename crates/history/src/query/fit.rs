// SPDX-License-Identifier: Apache-2.0
//! Batches of the past as batches that a query reads: columns by name and role, whichever policy they were written under.
//!
//! What no policy had then is missing in every row. Where a value is computed from others, as scores are, and no policy ever
//! served it, it is computed from what was served then: that is said beside the answer.

use super::error::QueryError;
use arrow_array::builder::BooleanBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, RecordBatchOptions,
    StringArray, new_null_array,
};
use arrow_schema::{DataType, Schema, SchemaRef};
use std::collections::BTreeSet;
use std::sync::Arc;
use wardroom_event::{Field, Type};
use wardroom_policy::query::{Asked, Own, Query, Read, What};
use wardroom_policy::{ColumnValue, World, form};

/// What the metadata of a column calls its role.
pub const ROLE: &str = "wardroom.role";
/// Before the name of a field, or a served value, that another column had already.
const PREFIXES: [&str; 2] = ["field:", "served:"];
/// The column of signals: a list of structs with at least `rule`, `verdict` and `decides`.
const SIGNALS: &str = "signals";
/// The column of labels: a list of texts.
const LABELS: &str = "labels";

/// How the columns of a table become those of a query.
pub(super) struct Fitter<'q> {
    reads: Vec<Bound>,
    /// What is computed anew, in an order in which each has what it reads.
    computed: Vec<(Field, ColumnValue)>,
    schema: SchemaRef,
    /// What is to be said of it beside the answer.
    pub(super) notes: Vec<String>,
    query: &'q Query,
}

/// A column that the query reads, and the one of the table that it is read from.
struct Bound {
    read: Read,
    from: Option<Box<str>>,
}

impl<'q> Fitter<'q> {
    /// Between a query and a table of this schema.
    pub(super) fn new(query: &'q Query, table: &Schema) -> Fitter<'q> {
        let mut fitter = Fitter {
            reads: Vec::new(),
            computed: Vec::new(),
            schema: Arc::new(Schema::empty()),
            notes: Vec::new(),
            query,
        };
        let mut seen = BTreeSet::new();
        for read in query.reads() {
            fitter.bind(read, table, &mut seen);
        }
        let fields = fitter.reads.iter().map(|bound| form::arrow_field(&bound.read.field));
        fitter.schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        fitter
    }

    fn bind(&mut self, read: Read, table: &Schema, seen: &mut BTreeSet<Box<str>>) {
        if !seen.insert(read.field.name.clone()) {
            return;
        }
        let from = column_of(&read, table);
        let id = match &read.what {
            What::Served(id) if from.is_none() => id.clone(),
            _ => {
                if from.is_none() {
                    self.notes.push(unknown_everywhere(&read));
                }
                self.reads.push(Bound { read, from });
                return;
            }
        };
        match self.query.computed(&id) {
            Some((value, inputs)) => {
                inputs.into_iter().for_each(|input| self.bind(input, table, seen));
                self.notes.push(format!("`{id}` was never served: it is computed from what was"));
                self.computed.push((read.field, value));
            }
            None => {
                self.notes.push(unknown_everywhere(&read));
                self.reads.push(Bound { read, from: None });
            }
        }
    }

    /// The columns of the table that are read.
    pub(super) fn columns(&self) -> Vec<Box<str>> {
        let mut columns: Vec<Box<str>> = self.reads.iter().filter_map(|bound| bound.from.clone()).collect();
        // What tells events of one moment apart.
        columns.push(Own::Seq.name().into());
        columns.sort();
        columns.dedup();
        columns
    }

    /// Where the table has a column that the query reads.
    pub(super) fn column(&self, name: &str) -> Option<&str> {
        let bound = self.reads.iter().find(|bound| *bound.read.field.name == *name)?;
        match bound.read.what {
            // Lists of them are another thing than one of them.
            What::Asked(Asked::Fired(_) | Asked::Labelled(_) | Asked::Own(Own::DecidedBy | Own::Class)) => {
                None
            }
            _ => bound.from.as_deref(),
        }
    }

    /// A batch of the table as one of the query.
    pub(super) fn fit(&self, batch: &RecordBatch, world: &dyn World) -> Result<RecordBatch, QueryError> {
        let array = |bound: &Bound| {
            let array = bound.from.as_ref().and_then(|name| batch.column_by_name(name));
            let made = array.and_then(|array| made(&bound.read, array));
            made.unwrap_or_else(|| new_null_array(&form::data_type(&bound.read.field), batch.num_rows()))
        };
        let mut arrays: Vec<ArrayRef> = self.reads.iter().map(array).collect();
        let mut fields: Vec<_> = self.schema.fields().iter().cloned().collect();
        for (at, array) in arrays.iter().enumerate() {
            if fields[at].data_type() != array.data_type() {
                fields[at] = Arc::new(fields[at].as_ref().clone().with_data_type(array.data_type().clone()));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let whole = |fields: &Vec<_>, arrays: &Vec<ArrayRef>| {
            RecordBatch::try_new_with_options(Arc::new(Schema::new(fields.clone())), arrays.clone(), &options)
                .map_err(|error| QueryError::Column(error.into()))
        };
        let mut fitted = whole(&fields, &arrays)?;
        for (field, value) in &self.computed {
            arrays.push(value.evaluate(&fitted, None, world)?);
            fields.push(Arc::new(form::arrow_field(field)));
            fitted = whole(&fields, &arrays)?;
        }
        Ok(fitted)
    }
}

fn unknown_everywhere(read: &Read) -> String {
    let name = &read.field.name;
    match &read.what {
        What::Asked(Asked::Fired(rule)) => format!("no signals are kept: whether `{rule}` fired is unknown"),
        What::Asked(Asked::Labelled(label)) => format!("no labels are kept: who bears `{label}` is unknown"),
        What::Served(id) => format!("no policy served `{id}` for these events: it is unknown everywhere"),
        _ => format!("no event of the past has `{name}`: it is unknown everywhere"),
    }
}

/// The column of a table that holds what is read.
fn column_of(read: &Read, table: &Schema) -> Option<Box<str>> {
    let named = |name: &str| table.index_of(name).ok().map(|_| Box::from(name));
    let (roles, name): (&[&str], &str) = match &read.what {
        What::Time => return named("time"),
        What::Asked(Asked::Fired(_) | Asked::Own(Own::DecidedBy)) => return named(SIGNALS),
        What::Asked(Asked::Labelled(_)) => return named(LABELS),
        What::Asked(Asked::Own(own)) => return named(own.name()),
        What::Field => (&["field", "fact"], &read.field.name),
        What::Served(id) => (&["served"], id),
    };
    let plain = |name: &str| PREFIXES.iter().fold(name.to_owned(), |n, p| n.trim_start_matches(p).to_owned());
    let of_role = table.fields().iter().find(|field| {
        field.metadata().get(ROLE).is_some_and(|role| roles.contains(&role.as_str()))
            && plain(field.name()) == name
    });
    match of_role {
        Some(field) => Some(field.name().as_str().into()),
        // A table that says nothing of roles has each column under its own name.
        None => named(name).filter(|_| !table.fields().iter().any(|f| f.metadata().contains_key(ROLE))),
    }
}

/// What a query reads, of the column that holds it; none where that is of a type that says nothing of it.
fn made(read: &Read, array: &ArrayRef) -> Option<ArrayRef> {
    match &read.what {
        What::Asked(Asked::Fired(rule)) => fired(rule, array.as_list_opt()?),
        What::Asked(Asked::Own(Own::DecidedBy)) => decided_by(array.as_list_opt()?),
        What::Asked(Asked::Labelled(label)) => labelled(label, array.as_list_opt()?),
        _ => as_field(&read.field, array),
    }
}

/// Values of an earlier type of a field as those of today's, where one can be the other.
fn as_field(field: &Field, array: &ArrayRef) -> Option<ArrayRef> {
    let wanted = form::data_type(field);
    if *array.data_type() == wanted {
        return Some(array.clone());
    }
    match (array.data_type(), &wanted) {
        (DataType::UInt64, DataType::Int64) => {
            let plain = array.as_primitive::<UInt64Type>();
            Some(Arc::new(
                plain.iter().map(|n| n.and_then(|n| i64::try_from(n).ok())).collect::<Int64Array>(),
            ))
        }
        (DataType::Int64, DataType::Float64) => {
            let plain = array.as_primitive::<Int64Type>();
            Some(Arc::new(plain.iter().map(|n| n.map(|n| n as f64)).collect::<Float64Array>()))
        }
        (DataType::Float64, DataType::Int64) => {
            let plain = array.as_primitive::<Float64Type>();
            let whole = |n: f64| (n.fract() == 0.0 && n.abs() < 9e15).then_some(n as i64);
            Some(Arc::new(plain.iter().map(|n| n.and_then(whole)).collect::<Int64Array>()))
        }
        // Other forms of texts, and lists whose records have changed.
        (_, DataType::Utf8)
            if matches!(
                array.data_type(),
                DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..)
            ) =>
        {
            Some(array.clone())
        }
        (DataType::List(_), DataType::List(_)) if field.kind == Type::List => list(field, array),
        (DataType::Timestamp(unit, _), DataType::Timestamp(wanted, _)) if unit == wanted => {
            Some(array.clone())
        }
        _ => None,
    }
}

/// A list of records: those fields that records have today, by name.
fn list(field: &Field, array: &ArrayRef) -> Option<ArrayRef> {
    let lists: &ListArray = array.as_list_opt()?;
    let records = lists.values().as_struct_opt()?;
    let item = match form::data_type(field) {
        DataType::List(item) => item,
        _ => return None,
    };
    let DataType::Struct(fields) = item.data_type() else { return None };
    let column = |f: &Arc<arrow_schema::Field>| {
        let held = records.column_by_name(f.name()).filter(|held| held.data_type() == f.data_type());
        held.cloned().unwrap_or_else(|| new_null_array(f.data_type(), records.len()))
    };
    let columns: Vec<ArrayRef> = fields.iter().map(column).collect();
    let nulls = records.nulls().cloned();
    let records =
        arrow_array::StructArray::try_new_with_length(fields.clone(), columns, nulls, records.len()).ok()?;
    let list = ListArray::try_new(item, lists.offsets().clone(), Arc::new(records), lists.nulls().cloned());
    list.ok().map(|list| Arc::new(list) as ArrayRef)
}

/// Whether a rule is among the signals of each event; unknown where nothing was judged.
fn fired(rule: &str, signals: &ListArray) -> Option<ArrayRef> {
    let rules = texts(signals.values().as_struct_opt()?.column_by_name("rule")?)?;
    Some(any(signals, |at| rules(at) == Some(rule)))
}

fn labelled(label: &str, labels: &ListArray) -> Option<ArrayRef> {
    let labels_of = texts(labels.values())?;
    Some(any(labels, |at| labels_of(at) == Some(label)))
}

fn any(lists: &ListArray, is_it: impl Fn(usize) -> bool) -> ArrayRef {
    let mut out = BooleanBuilder::with_capacity(lists.len());
    for row in 0..lists.len() {
        out.append_option(lists.is_valid(row).then(|| items(lists, row).any(&is_it)));
    }
    let out: BooleanArray = out.finish();
    Arc::new(out)
}

fn items(lists: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = lists.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

/// The rule whose signal decides and is the strongest: the first of those, as signals stand in a decision.
fn decided_by(signals: &ListArray) -> Option<ArrayRef> {
    let records = signals.values().as_struct_opt()?;
    let rules = texts(records.column_by_name("rule")?)?;
    let verdicts = texts(records.column_by_name("verdict")?)?;
    let decides = records.column_by_name("decides")?.as_boolean_opt()?;
    let rank = |at: usize| verdicts(at).and_then(wardroom_policy::Verdict::named);
    let strongest = |row: usize| {
        let deciding = items(signals, row).filter(|at| decides.is_valid(*at) && decides.value(*at));
        let mut best: Option<(wardroom_policy::Verdict, usize)> = None;
        for at in deciding {
            if let Some(verdict) = rank(at)
                && best.is_none_or(|(held, _)| verdict > held)
            {
                best = Some((verdict, at));
            }
        }
        best.and_then(|(_, at)| rules(at))
    };
    let rows = (0..signals.len()).map(|row| if signals.is_valid(row) { strongest(row) } else { None });
    Some(Arc::new(rows.collect::<StringArray>()))
}

/// The text of each row.
type Texts<'a> = Box<dyn Fn(usize) -> Option<&'a str> + 'a>;

/// The texts of an array, in whichever form they lie.
fn texts(array: &ArrayRef) -> Option<Texts<'_>> {
    if let Some(plain) = array.as_string_opt::<i32>() {
        return Some(Box::new(|at| plain.is_valid(at).then(|| plain.value(at))));
    }
    if let Some(views) = array.as_string_view_opt() {
        return Some(Box::new(|at| views.is_valid(at).then(|| views.value(at))));
    }
    let dictionary = array.as_any_dictionary_opt()?;
    let words: &StringArray = dictionary.values().as_string_opt()?;
    let keys = dictionary.normalized_keys();
    Some(Box::new(move |at| {
        let key = *keys.get(at)?;
        (array.is_valid(at) && words.is_valid(key)).then(|| words.value(key))
    }))
}
