// SPDX-License-Identifier: Apache-2.0
//! The rows of `information_schema`.

use super::tables::Cell::{Int, NoText};
use super::tables::{Row, batch, text};
use super::{Catalog, OWNER, types};
use crate::CATALOG;
use crate::door::values::oid_of;
use datafusion::arrow::array::RecordBatch;

/// Tables that are never anything but empty here.
pub(super) const EMPTY: [&str; 18] = [
    "check_constraints",
    "column_privileges",
    "column_udt_usage",
    "constraint_column_usage",
    "constraint_table_usage",
    "domains",
    "element_types",
    "foreign_tables",
    "key_column_usage",
    "parameters",
    "referential_constraints",
    "routines",
    "sequences",
    "table_constraints",
    "table_privileges",
    "triggers",
    "view_column_usage",
    "view_table_usage",
];

/// Tables with rows.
pub(super) const FILLED: [&str; 4] = ["columns", "schemata", "tables", "views"];

/// The table of this name.
pub(super) fn table(catalog: &Catalog, name: &str) -> Option<RecordBatch> {
    let rows = match name {
        "schemata" => ["public", "pg_catalog", "information_schema"]
            .map(|schema| {
                vec![
                    ("catalog_name", text(CATALOG)),
                    ("schema_name", text(schema)),
                    ("schema_owner", text(OWNER)),
                    ("default_character_set_name", NoText),
                ]
            })
            .into(),
        "tables" => catalog
            .relations()
            .iter()
            .map(|relation| {
                vec![
                    ("table_catalog", text(CATALOG)),
                    ("table_schema", text("public")),
                    ("table_name", text(&*relation.name)),
                    ("table_type", text(if relation.view { "VIEW" } else { "BASE TABLE" })),
                    ("is_insertable_into", text("NO")),
                    ("is_typed", text("NO")),
                ]
            })
            .collect(),
        "views" => {
            let row = |name: &str| {
                vec![
                    ("table_catalog", text(CATALOG)),
                    ("table_schema", text("public")),
                    ("table_name", text(name)),
                    ("view_definition", text(super::definition(name))),
                    ("check_option", text("NONE")),
                    ("is_updatable", text("NO")),
                    ("is_insertable_into", text("NO")),
                ]
            };
            let views: Vec<Row> =
                catalog.relations().iter().filter(|r| r.view).map(|r| row(&r.name)).collect();
            if views.is_empty() {
                return batch(vec![row("")]).map(|batch| batch.slice(0, 0));
            }
            views
        }
        "columns" => columns(catalog),
        _ => return None,
    };
    batch(rows)
}

fn columns(catalog: &Catalog) -> Vec<Row> {
    let rows = catalog.relations().iter().flat_map(|relation| {
        relation.schema.fields().iter().enumerate().map(|(at, field)| {
            let kind = types::by_oid(oid_of(field.data_type()).into());
            let (name, long) = kind.map_or(("text", "text"), |kind| (kind.name, kind.long));
            vec![
                ("table_catalog", text(CATALOG)),
                ("table_schema", text("public")),
                ("table_name", text(&*relation.name)),
                ("column_name", text(field.name())),
                ("ordinal_position", Int(at as i64 + 1)),
                ("column_default", NoText),
                ("is_nullable", text("YES")),
                ("data_type", text(if long.ends_with("[]") { "ARRAY" } else { long })),
                ("character_maximum_length", NoText),
                ("numeric_precision", NoText),
                ("numeric_scale", NoText),
                ("datetime_precision", NoText),
                ("udt_catalog", text(CATALOG)),
                ("udt_schema", text("pg_catalog")),
                ("udt_name", text(name)),
                ("is_identity", text("NO")),
                ("is_generated", text("NEVER")),
                ("is_updatable", text("NO")),
            ]
        })
    });
    rows.collect()
}
