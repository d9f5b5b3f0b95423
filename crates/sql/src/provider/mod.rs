// SPDX-License-Identifier: Apache-2.0
//! Tables of the past as DataFusion's: what a filter says about time, number and equal values is passed down.

mod hints;
mod read;

use crate::mask::Mask;
use crate::present::Layout;
use crate::tables::{Ask, Fault, Rows, Tables};
use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use hints::Hints;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use wardroom_event::Micros;

/// All events in one table, with what all types have.
pub(crate) const EVENTS: &str = "events";
/// What every rule said of every event.
pub(crate) const SIGNALS: &str = "signals";
/// The columns of [`EVENTS`] that are columns of each type.
const COMMON: [&str; 11] =
    ["seq", "time", "received", "id", "source", "policy", "verdict", "flags", "skipped", "labels", "class"];
/// The columns of [`SIGNALS`] that are columns of each type.
const BESIDE_SIGNALS: [&str; 4] = ["seq", "time", "id", "policy"];

/// What a session lets be seen, and when it ends.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) mask: Option<Mask>,
    pub(crate) as_of: Option<Micros>,
    pub(crate) stop: Arc<AtomicBool>,
}

/// Where a column of a table comes from.
#[derive(Clone, Debug)]
enum Take {
    /// A shown column of the stored table.
    Column(usize),
    /// The name of the stored table.
    Type,
    /// The shown columns of these places as one object of JSON.
    Json(Vec<usize>),
    /// The field of this place in each record of the list that the branch is spread over.
    Item(usize),
    /// Nothing: this type has no such column.
    Null,
}

/// A stored table as one part of a table of SQL.
#[derive(Debug)]
struct Branch {
    table: Box<str>,
    layout: Layout,
    takes: Vec<Take>,
    /// The column with a list of records, each of which becomes a row.
    spread: Option<usize>,
}

/// A table of SQL: one stored table, or all types of events together.
#[derive(Debug)]
pub(crate) struct Past {
    tables: Arc<dyn Tables>,
    branches: Vec<Arc<Branch>>,
    schema: SchemaRef,
    view: View,
}

/// Names of all tables, the common ones first.
pub(crate) fn names(tables: &dyn Tables) -> Result<Vec<Box<str>>> {
    let stored = tables.tables().map_err(world)?;
    let common = [EVENTS, SIGNALS].map(Box::from);
    let common = common.into_iter().filter(|name| stored.iter().all(|table| table.name != *name));
    Ok(common.chain(stored.iter().map(|table| table.name.clone())).collect())
}

fn world(fault: Fault) -> DataFusionError {
    DataFusionError::External(fault)
}

/// The columns of a stored table as a session sees them.
fn layout(tables: &dyn Tables, table: &str, events: bool, view: &View) -> Result<Layout> {
    let stored = tables.schema(table).map_err(world)?;
    let mut fields: Vec<FieldRef> = stored.fields().iter().cloned().collect();
    if events {
        let meta = |field: Field| {
            Arc::new(field.with_metadata([("wardroom.role".to_owned(), "meta".to_owned())].into()))
        };
        let labels = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
        for (name, kind) in [("labels", labels), ("class", DataType::Utf8)] {
            if stored.field_with_name(name).is_err() {
                fields.push(meta(Field::new(name, kind, true)));
            }
        }
    }
    Ok(Layout::of(&Schema::new(fields), view.mask.is_some()))
}

impl Past {
    /// The table of this name, if there is one.
    pub(crate) fn open(tables: &Arc<dyn Tables>, name: &str, view: &View) -> Result<Option<Past>> {
        let stored = tables.tables().map_err(world)?;
        if let Some(table) = stored.iter().find(|table| &*table.name == name) {
            let layout = layout(&**tables, &table.name, table.events, view)?;
            let fields: Fields = layout.columns.iter().map(|c| c.field.clone()).collect();
            let takes = (0..fields.len()).map(Take::Column).collect();
            let branch = Branch { table: table.name.clone(), layout, takes, spread: None };
            return Ok(Some(Past::new(tables, vec![branch], fields, view)));
        }
        let mut layouts = Vec::new();
        for table in stored.iter().filter(|table| table.events) {
            layouts.push((table.name.clone(), layout(&**tables, &table.name, true, view)?));
        }
        Ok(match name {
            EVENTS => Some(Past::events(tables, layouts, view)),
            SIGNALS => Some(Past::signals(tables, layouts, view)),
            _ => None,
        })
    }

    fn new(tables: &Arc<dyn Tables>, branches: Vec<Branch>, fields: Fields, view: &View) -> Past {
        let schema = Arc::new(Schema::new(fields));
        let branches = branches.into_iter().map(Arc::new).collect();
        Past { tables: tables.clone(), branches, schema, view: view.clone() }
    }

    fn events(tables: &Arc<dyn Tables>, layouts: Vec<(Box<str>, Layout)>, view: &View) -> Past {
        let mut fields = common(&layouts, &COMMON);
        fields.insert(fields.len().min(3), Arc::new(Field::new("type", DataType::Utf8, true)));
        fields.push(Arc::new(Field::new("fields", DataType::Utf8, true)));
        let branches = layouts.into_iter().map(|(table, layout)| {
            let takes = fields.iter().map(|field| match field.name().as_str() {
                "type" => Take::Type,
                "fields" => {
                    let own = layout.columns.iter().enumerate().filter(|(_, column)| !column.meta);
                    Take::Json(own.map(|(at, _)| at).collect())
                }
                name => column(&layout, name),
            });
            Branch { table, takes: takes.collect(), layout, spread: None }
        });
        let branches = branches.collect();
        Past::new(tables, branches, fields.into(), view)
    }

    fn signals(tables: &Arc<dyn Tables>, layouts: Vec<(Box<str>, Layout)>, view: &View) -> Past {
        let mut fields = common(&layouts, &BESIDE_SIGNALS);
        fields.insert(fields.len().min(2), Arc::new(Field::new("type", DataType::Utf8, true)));
        let beside = fields.len();
        let signals =
            layouts.iter().flat_map(|(_, layout)| &layout.columns).filter(|c| &*c.name == "signals");
        if let Some(records) = signals.filter_map(|column| records(column.field.data_type())).next() {
            fields.extend(records.iter().cloned());
        }
        let branches = layouts.into_iter().filter_map(|(table, layout)| {
            let spread = layout.columns.iter().position(|c| &*c.name == "signals")?;
            let records = records(layout.columns.get(spread)?.field.data_type())?;
            let takes = fields.iter().enumerate().map(|(at, field)| match field.name().as_str() {
                "type" => Take::Type,
                name if at < beside => column(&layout, name),
                name => records.iter().position(|f| f.name() == name).map_or(Take::Null, Take::Item),
            });
            Some(Branch { table, takes: takes.collect(), layout, spread: Some(spread) })
        });
        let branches = branches.collect();
        Past::new(tables, branches, fields.into(), view)
    }

    /// Whether filters on this column may be passed down: it is a column of a stored table, or the type.
    fn ask(&self, branch: &Branch, picked: &[usize], hints: &Hints) -> Ask {
        Ask {
            table: branch.table.clone(),
            columns: branch.layout.needed(&branch.wanted(picked)),
            from: hints.from,
            to: hints.to,
            equal: hints.stored(&branch.layout, |name| branch.stores(&self.schema, name)),
            seqs: hints.seqs(),
            as_of: self.view.as_of,
            stop: self.view.stop.clone(),
        }
    }
}

impl Branch {
    /// The shown columns that these columns of the table are made of.
    fn wanted(&self, picked: &[usize]) -> Vec<usize> {
        let mut wanted: Vec<usize> = self.spread.into_iter().collect();
        for take in picked.iter().filter_map(|&at| self.takes.get(at)) {
            match take {
                Take::Column(at) => wanted.push(*at),
                Take::Json(places) => wanted.extend(places),
                Take::Type | Take::Item(_) | Take::Null => {}
            }
        }
        if wanted.is_empty() {
            // Rows are counted by a column, the narrowest there is.
            wanted.extend(self.layout.columns.iter().position(|c| &*c.name == "seq").or(Some(0)));
        }
        wanted
    }

    /// Whether the column of this name is a column of the stored table.
    fn stores(&self, schema: &Schema, name: &str) -> bool {
        let at = schema.index_of(name).ok();
        matches!(at.and_then(|at| self.takes.get(at)), Some(Take::Column(_)))
    }
}

/// The fields of these names, in the form that the first type that has them gives them.
fn common(layouts: &[(Box<str>, Layout)], names: &[&str]) -> Vec<FieldRef> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let find = |name: &&str| {
        let mut columns = layouts.iter().flat_map(|(_, layout)| &layout.columns);
        match columns.find(|column| &*column.name == *name) {
            Some(column) => Some(column.field.clone()),
            // Without a single type there is still a table, so that a query written ahead is right.
            None if layouts.is_empty() => match *name {
                "seq" => Some(Arc::new(Field::new("seq", DataType::Int64, true))),
                "time" | "received" => Some(Arc::new(Field::new(*name, time.clone(), true))),
                _ => Some(Arc::new(Field::new(*name, DataType::Utf8, true))),
            },
            None => None,
        }
    };
    names.iter().filter_map(find).collect()
}

fn column(layout: &Layout, name: &str) -> Take {
    layout.columns.iter().position(|column| &*column.name == name).map_or(Take::Null, Take::Column)
}

/// The fields of the records in a list.
fn records(kind: &DataType) -> Option<&Fields> {
    match kind {
        DataType::List(item) => match item.data_type() {
            DataType::Struct(fields) => Some(fields),
            _ => None,
        },
        _ => None,
    }
}

#[async_trait]
impl TableProvider for Past {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        if self.branches.len() == 1 { TableType::Base } else { TableType::View }
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Hints only: history may give rows that do not match, so every filter is applied again.
        let known = |filter: &&Expr| match hints::is_hint(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(known).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let picked: Arc<[usize]> = projection.unwrap_or(&all).as_slice().into();
        let hints = Hints::of(filters);
        let branches: Vec<_> = self
            .branches
            .iter()
            .filter(|branch| hints.may_have_type(&self.schema, branch))
            .cloned()
            .collect();
        let asks: Vec<Ask> = branches.iter().map(|branch| self.ask(branch, &picked, &hints)).collect();
        let tables = self.tables.clone();
        // Finding parts reads files.
        let found = tokio::task::spawn_blocking(move || {
            asks.iter().map(|ask| tables.scan(ask)).collect::<Result<Vec<_>, Fault>>()
        });
        let found = found.await.map_err(|e| world(Box::new(e)))?.map_err(world)?;
        let parts = branches.into_iter().zip(found);
        let parts =
            parts.flat_map(|(branch, parts)| parts.into_iter().map(move |part| (branch.clone(), part)));
        let schema = Arc::new(self.schema.project(&picked)?);
        let partitions =
            share(parts.collect(), state.config().target_partitions()).into_iter().map(|parts| {
                let one = read::Partition::new(parts, picked.clone(), schema.clone(), self.view.clone());
                Arc::new(one) as Arc<dyn PartitionStream>
            });
        let plan = StreamingTableExec::try_new(schema.clone(), partitions.collect(), None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

type Parts = Vec<(Arc<Branch>, Box<dyn Rows>)>;

/// Parts in at most `most` heaps of about as many rows each; the largest first to where there is least.
fn share(mut parts: Parts, most: usize) -> Vec<Parts> {
    parts.sort_by_key(|(_, part)| std::cmp::Reverse(part.rows_hint()));
    let mut heaps: Vec<(u64, Parts)> = Vec::new();
    heaps.resize_with(parts.len().clamp(1, most.max(1)), Default::default);
    for part in parts {
        if let Some((rows, heap)) = heaps.iter_mut().min_by_key(|(rows, _)| *rows) {
            *rows += part.1.rows_hint().max(1);
            heap.push(part);
        }
    }
    heaps.into_iter().map(|(_, heap)| heap).collect()
}
