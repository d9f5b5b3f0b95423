// SPDX-License-Identifier: Apache-2.0
//! Decisions in memory as a past that can be asked: those of a journal that is read for one question.

use super::error::QueryError;
use super::fit::ROLE;
use super::run::{Part, Wants};
use super::source::Source;
use arrow_array::builder::{BooleanBuilder, ListBuilder, StringBuilder, StructBuilder};
use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field as ArrowField, Fields, Schema, SchemaRef};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use wardroom_engine::{Judged, Stored};
use wardroom_event::{Field, Micros, Type, Value};
use wardroom_policy::{ColumnError, form};

/// Rows of a batch.
const ROWS: usize = 65_536;
/// The columns that every event has beside its own, in this order behind its number.
const OWN: [(&str, Type); 6] = [
    ("time", Type::Time),
    ("received", Type::Time),
    ("id", Type::Text),
    ("source", Type::Text),
    ("policy", Type::Text),
    ("verdict", Type::Text),
];

/// Tables of decisions, one for each type of event.
#[derive(Default)]
pub struct Decided {
    tables: BTreeMap<Box<str>, Table>,
}

/// Decisions about events of one type, and every column that one of them has.
#[derive(Default)]
struct Table {
    decisions: Vec<Stored>,
    fields: Vec<Field>,
    served: Vec<Field>,
}

impl Decided {
    /// Takes a decision.
    pub fn add(&mut self, decision: Stored) {
        let table = self.tables.entry(decision.event_type.clone()).or_default();
        for (field, _) in &decision.fields {
            meet(&mut table.fields, field);
        }
        for (id, kind, _) in decision.judged.iter().flat_map(|judged| &judged.served) {
            meet(&mut table.served, &Field::plain(id.clone(), *kind, true));
        }
        table.decisions.push(decision);
    }
}

/// Notes a column. Where its type has changed, that of the latest event is its type.
fn meet(fields: &mut Vec<Field>, field: &Field) {
    match fields.iter_mut().find(|held| held.name == field.name) {
        Some(held) if held.kind == field.kind && held.shape == field.shape => {}
        Some(held) => *held = field.clone(),
        None => fields.push(field.clone()),
    }
}

impl Source for Decided {
    fn schema(&self, event: &str) -> Result<Option<SchemaRef>, QueryError> {
        Ok(self.tables.get(event).map(Table::schema))
    }

    fn parts(
        &self,
        event: &str,
        wants: &Wants,
        _: Option<Micros>,
        _: &Arc<AtomicBool>,
    ) -> Result<Vec<Part>, QueryError> {
        let Some(table) = self.tables.get(event) else { return Ok(Vec::new()) };
        let within = |d: &&Stored| {
            wants.from.is_none_or(|from| d.time >= from) && wants.to.is_none_or(|to| d.time < to)
        };
        let matter: Vec<&Stored> = table.decisions.iter().filter(within).collect();
        let part = |decisions: &[&Stored]| {
            let batch = table.batch(decisions)?;
            let rows = batch.num_rows() as u64;
            Ok(Part { rows, open: Box::new(move || Box::new(std::iter::once(Ok(batch)))) })
        };
        matter.chunks(ROWS).map(part).collect()
    }
}

impl Table {
    /// Every column of a value, with its name in the table and its role.
    fn columns(&self) -> Vec<(String, &Field, &'static str)> {
        let mut taken: Vec<String> = OWN.iter().map(|(name, _)| (*name).to_owned()).collect();
        taken.extend(["seq".to_owned(), "signals".to_owned()]);
        let mut free = |field: &Field, prefix: &str| {
            let mut name = field.name.to_string();
            while taken.contains(&name) {
                name.insert_str(0, prefix);
            }
            taken.push(name.clone());
            name
        };
        let fields = self.fields.iter().map(|f| (f, if f.fact.is_some() { "fact" } else { "field" }));
        let fields: Vec<_> = fields.map(|(f, role)| (free(f, "field:"), f, role)).collect();
        let served: Vec<_> = self.served.iter().map(|f| (free(f, "served:"), f, "served")).collect();
        fields.into_iter().chain(served).collect()
    }

    fn schema(&self) -> SchemaRef {
        let of_role =
            |field: ArrowField, role: &str| field.with_metadata([(ROLE.to_owned(), role.to_owned())].into());
        let mut fields = vec![of_role(ArrowField::new("seq", DataType::UInt64, false), "meta")];
        let own = OWN.map(|(name, kind)| Field::plain(name, kind, true));
        fields.extend(own.iter().map(|field| of_role(form::arrow_field(field), "meta")));
        let signals = DataType::List(Arc::new(ArrowField::new("item", DataType::Struct(signal()), true)));
        fields.push(of_role(ArrowField::new("signals", signals, true), "meta"));
        for (name, field, role) in self.columns() {
            fields.push(of_role(form::arrow_field(field).with_name(name), role));
        }
        Arc::new(Schema::new(fields))
    }

    fn batch(&self, decisions: &[&Stored]) -> Result<RecordBatch, QueryError> {
        let mut arrays: Vec<ArrayRef> =
            vec![Arc::new(decisions.iter().map(|d| d.seq).collect::<UInt64Array>())];
        for (name, kind) in OWN {
            let values: Vec<Value> = decisions.iter().map(|d| own(d, name)).collect();
            arrays.push(array(&Field::plain(name, kind, true), &values)?);
        }
        arrays.push(signals(decisions));
        for (_, field, role) in self.columns() {
            let value = |d: &&Stored| if role == "served" { served(d, field) } else { held(d, field) };
            arrays.push(array(field, &decisions.iter().map(value).collect::<Vec<_>>())?);
        }
        RecordBatch::try_new(self.schema(), arrays).map_err(|e| ColumnError::from(e).into())
    }
}

fn array(field: &Field, values: &[Value]) -> Result<ArrayRef, QueryError> {
    Ok(form::array(field, &values.iter().collect::<Vec<_>>())?)
}

fn own(decision: &Stored, name: &str) -> Value {
    match name {
        "time" => Value::Time(decision.time),
        "received" => Value::Time(decision.received),
        "id" => Value::Text(decision.id.id.clone()),
        "source" => Value::Text(decision.id.source.clone()),
        "policy" => Value::Text(decision.policy.clone()),
        _ => decision.judged.as_ref().map_or(Value::Missing, |j| Value::Text(j.verdict.name().into())),
    }
}

/// The value of a field; missing where it was of another type then.
fn held(decision: &Stored, field: &Field) -> Value {
    let found = decision.fields.iter().find(|(f, _)| f.name == field.name);
    let same = found.filter(|(f, _)| f.kind.repr() == field.kind.repr() && f.items() == field.items());
    same.map_or(Value::Missing, |(_, value)| value.clone())
}

fn served(decision: &Stored, field: &Field) -> Value {
    let all = decision.judged.iter().flat_map(|judged| &judged.served);
    let found = all.into_iter().find(|(id, kind, _)| *id == field.name && kind.repr() == field.kind.repr());
    found.map_or(Value::Missing, |(_, _, value)| value.clone())
}

fn signal() -> Fields {
    Fields::from(vec![
        ArrowField::new("rule", DataType::Utf8, true),
        ArrowField::new("verdict", DataType::Utf8, true),
        ArrowField::new("decides", DataType::Boolean, true),
    ])
}

fn signals(decisions: &[&Stored]) -> ArrayRef {
    let text = |of: &mut StructBuilder, at: usize, text: Option<&str>| {
        of.field_builder::<StringBuilder>(at).into_iter().for_each(|b| b.append_option(text));
    };
    let mut all = ListBuilder::new(StructBuilder::from_fields(signal(), 0));
    for decision in decisions {
        let of = decision.judged.iter().flat_map(|judged: &Judged| &judged.signals);
        for fired in of {
            let record = all.values();
            text(record, 0, Some(&fired.rule));
            text(record, 1, Some(fired.verdict.name()));
            record.field_builder::<BooleanBuilder>(2).into_iter().for_each(|b| b.append_value(fired.decides));
            record.append(true);
        }
        all.append(decision.judged.is_some());
    }
    Arc::new(all.finish())
}
