// SPDX-License-Identifier: Apache-2.0
//! The rows of `pg_catalog`: what clients look up to list and describe tables.

use super::types::{self, TYPES};
use super::{Catalog, DATABASE, OWNER, PUBLIC};
use crate::CATALOG;
use crate::door::values::oid_of;
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, new_null_array,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;

/// A value of a row.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Text(String),
    Int(i64),
    Bool(bool),
    /// Null of a text.
    NoText,
    /// Null of a list of texts: who may do what.
    NoList,
}

use Cell::{Bool, Int, NoList, NoText};

pub(super) fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

/// A table's rows, each with its columns by name.
pub(super) type Row = Vec<(&'static str, Cell)>;

/// Tables that are never anything but empty here. What is joined to one is empty, so nobody need know their columns.
pub(super) const EMPTY: [&str; 75] = [
    "pg_aggregate",
    "pg_amop",
    "pg_amproc",
    "pg_attrdef",
    "pg_auth_members",
    "pg_available_extensions",
    "pg_cast",
    "pg_collation",
    "pg_constraint",
    "pg_conversion",
    "pg_cursors",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_depend",
    "pg_enum",
    "pg_event_trigger",
    "pg_extension",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_index",
    "pg_indexes",
    "pg_inherits",
    "pg_init_privs",
    "pg_language",
    "pg_largeobject",
    "pg_largeobject_metadata",
    "pg_locks",
    "pg_matviews",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_partitioned_table",
    "pg_policies",
    "pg_policy",
    "pg_prepared_statements",
    "pg_prepared_xacts",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_publication_tables",
    "pg_range",
    "pg_replication_slots",
    "pg_rewrite",
    "pg_rules",
    "pg_seclabel",
    "pg_seclabels",
    "pg_sequence",
    "pg_sequences",
    "pg_shdepend",
    "pg_shdescription",
    "pg_shseclabel",
    "pg_stat_activity",
    "pg_stat_replication",
    "pg_stat_ssl",
    "pg_statistic_ext",
    "pg_statistic_ext_data",
    "pg_stats",
    "pg_subscription",
    "pg_subscription_rel",
    "pg_tablespace",
    "pg_transform",
    "pg_trigger",
    "pg_ts_config",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
    "pg_user_mapping",
    "pg_user_mappings",
    "pg_group",
    "pg_shmem_allocations",
    "pg_timezone_abbrevs",
    "pg_timezone_names",
    "pg_stat_user_tables",
    "pg_statio_user_tables",
];

/// The tables of `pg_catalog` with rows.
pub(super) const FILLED: [&str; 13] = [
    "pg_am",
    "pg_attribute",
    "pg_authid",
    "pg_class",
    "pg_database",
    "pg_description",
    "pg_namespace",
    "pg_proc",
    "pg_roles",
    "pg_settings",
    "pg_tables",
    "pg_type",
    "pg_views",
];

/// A table of `pg_catalog`.
pub(super) fn pg(catalog: &Catalog, name: &str) -> Option<RecordBatch> {
    let rows = match name {
        "pg_am" => vec![vec![
            ("oid", Int(2)),
            ("amname", text("heap")),
            ("amhandler", Int(3)),
            ("amtype", text("t")),
        ]],
        "pg_attribute" => attributes(catalog),
        "pg_class" => classes(catalog),
        "pg_database" => vec![database()],
        "pg_description" => descriptions(catalog),
        "pg_namespace" => namespaces(),
        "pg_proc" => functions(),
        "pg_roles" | "pg_authid" => vec![role(catalog)],
        "pg_settings" => settings(),
        "pg_tables" => listed(catalog, false),
        "pg_views" => listed(catalog, true),
        "pg_type" => type_rows(),
        _ => return None,
    };
    batch(rows)
}

fn namespaces() -> Vec<Row> {
    let row = |oid, name| {
        vec![("oid", Int(oid)), ("nspname", text(name)), ("nspowner", Int(10)), ("nspacl", NoList)]
    };
    vec![
        row(super::PG_CATALOG, "pg_catalog"),
        row(PUBLIC, "public"),
        row(super::INFORMATION, "information_schema"),
    ]
}

fn class(oid: i64, name: &str, namespace: i64, kind: &str, columns: usize) -> Row {
    let mut row = vec![
        ("oid", Int(oid)),
        ("relname", text(name)),
        ("relnamespace", Int(namespace)),
        ("relkind", text(kind)),
        ("relnatts", Int(columns as i64)),
        ("relowner", Int(10)),
        ("relam", Int(if kind == "r" { 2 } else { 0 })),
        ("relpersistence", text("p")),
        ("relreplident", text("d")),
        ("reltuples", Int(-1)),
        ("relacl", NoList),
        ("reloptions", NoList),
        ("relpartbound", NoText),
        ("relispopulated", Bool(true)),
    ];
    row.extend(
        [
            "reltype",
            "reloftype",
            "relfilenode",
            "reltablespace",
            "relpages",
            "relallvisible",
            "reltoastrelid",
            "relchecks",
            "relrewrite",
            "relfrozenxid",
            "relminmxid",
        ]
        .map(|name| (name, Int(0))),
    );
    row.extend(
        [
            "relhasindex",
            "relisshared",
            "relhasrules",
            "relhastriggers",
            "relhassubclass",
            "relrowsecurity",
            "relforcerowsecurity",
            "relispartition",
            "relhasoids",
        ]
        .map(|name| (name, Bool(false))),
    );
    row
}

fn classes(catalog: &Catalog) -> Vec<Row> {
    let own = catalog.relations().iter().map(|relation| {
        let kind = if relation.view { "v" } else { "r" };
        class(relation.oid, &relation.name, PUBLIC, kind, relation.schema.fields().len())
    });
    let pg = FILLED
        .iter()
        .chain(&EMPTY)
        .filter_map(|name| Some(class(super::class_oid(name)?, name, super::PG_CATALOG, "r", 0)));
    own.chain(pg).collect()
}

fn attributes(catalog: &Catalog) -> Vec<Row> {
    let row = |oid: i64, at: usize, field: &Field| {
        let kind = types::by_oid(oid_of(field.data_type()).into());
        let mut row = vec![
            ("attrelid", Int(oid)),
            ("attname", text(field.name())),
            ("attnum", Int(at as i64 + 1)),
            ("atttypid", Int(kind.map_or(25, |kind| kind.oid.into()))),
            ("attlen", Int(kind.map_or(-1, |kind| kind.len))),
            ("attndims", Int(i64::from(kind.is_some_and(|kind| kind.element != 0)))),
            ("attstattarget", Int(-1)),
            ("attcacheoff", Int(-1)),
            ("atttypmod", Int(-1)),
            ("attinhcount", Int(0)),
            ("attcollation", Int(0)),
            ("attalign", text("i")),
            ("attstorage", text("p")),
            ("attcompression", text("")),
            ("attidentity", text("")),
            ("attgenerated", text("")),
            ("attislocal", Bool(true)),
            ("attacl", NoList),
            ("attoptions", NoList),
            ("attfdwoptions", NoList),
            ("attmissingval", NoText),
        ];
        row.extend(
            ["attbyval", "attnotnull", "atthasdef", "atthasmissing", "attisdropped"]
                .map(|name| (name, Bool(false))),
        );
        row
    };
    let rows = catalog.relations().iter().flat_map(|relation| {
        relation.schema.fields().iter().enumerate().map(move |(at, field)| row(relation.oid, at, field))
    });
    let rows: Vec<Row> = rows.collect();
    // A table without rows needs its columns all the same.
    if rows.is_empty() { vec![row(0, 0, &Field::new("", DataType::Utf8, true))] } else { rows }
}

fn type_rows() -> Vec<Row> {
    let row = |kind: &types::PgType| {
        vec![
            ("oid", Int(kind.oid.into())),
            ("typname", text(kind.name)),
            ("typnamespace", Int(super::PG_CATALOG)),
            ("typowner", Int(10)),
            ("typlen", Int(kind.len)),
            ("typbyval", Bool(kind.len > 0 && kind.len <= 8)),
            ("typtype", text(if kind.category == "P" { "p" } else { "b" })),
            ("typcategory", text(kind.category)),
            ("typispreferred", Bool(false)),
            ("typisdefined", Bool(true)),
            ("typdelim", text(",")),
            ("typrelid", Int(0)),
            ("typelem", Int(kind.element.into())),
            ("typarray", Int(kind.array.into())),
            ("typinput", text(if kind.category == "A" { "array_in" } else { "textin" })),
            ("typoutput", text("textout")),
            ("typreceive", text("textrecv")),
            ("typsend", text("textsend")),
            ("typnotnull", Bool(false)),
            ("typbasetype", Int(0)),
            ("typtypmod", Int(-1)),
            ("typndims", Int(0)),
            ("typcollation", Int(0)),
            ("typdefault", NoText),
            ("typacl", NoList),
            ("typsubscript", text("-")),
            ("typalign", text("i")),
            ("typstorage", text("p")),
        ]
    };
    TYPES.iter().map(row).collect()
}

fn database() -> Row {
    vec![
        ("oid", Int(DATABASE)),
        ("datname", text(CATALOG)),
        ("datdba", Int(10)),
        ("encoding", Int(6)),
        ("datlocprovider", text("c")),
        ("datistemplate", Bool(false)),
        ("datallowconn", Bool(true)),
        ("datconnlimit", Int(-1)),
        ("dattablespace", Int(0)),
        ("datcollate", text("C.UTF-8")),
        ("datctype", text("C.UTF-8")),
        ("daticulocale", NoText),
        ("datcollversion", NoText),
        ("datacl", NoList),
    ]
}

fn role(catalog: &Catalog) -> Row {
    let mut row = vec![
        ("oid", Int(10)),
        ("rolname", text(catalog.user())),
        ("rolcanlogin", Bool(true)),
        ("rolinherit", Bool(true)),
        ("rolconnlimit", Int(-1)),
        ("rolpassword", NoText),
        ("rolvaliduntil", NoText),
        ("rolconfig", NoList),
    ];
    row.extend(
        ["rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls"]
            .map(|name| (name, Bool(false))),
    );
    row
}

fn descriptions(catalog: &Catalog) -> Vec<Row> {
    let row = |oid: i64, at: i64, said: &str| {
        vec![
            ("objoid", Int(oid)),
            ("classoid", Int(1259)),
            ("objsubid", Int(at)),
            ("description", text(said)),
        ]
    };
    let mut rows = vec![row(PUBLIC, 0, "what was decided")];
    for relation in catalog.relations() {
        rows.extend(relation.about().map(|said| row(relation.oid, 0, &said)));
        let fields = relation.schema.fields().iter().enumerate();
        rows.extend(
            fields.filter_map(|(at, field)| Some(row(relation.oid, at as i64 + 1, &super::about(field)?))),
        );
    }
    rows
}

fn functions() -> Vec<Row> {
    let row = |(at, function): (usize, &super::Function)| {
        vec![
            ("oid", Int(super::FIRST_FUNCTION + at as i64)),
            ("proname", text(function.name)),
            ("pronamespace", Int(PUBLIC)),
            ("proowner", Int(10)),
            ("prolang", Int(12)),
            ("prokind", text("f")),
            ("prosecdef", Bool(false)),
            ("proleakproof", Bool(false)),
            ("proisstrict", Bool(true)),
            ("proretset", Bool(false)),
            ("provolatile", text("i")),
            ("proparallel", text("s")),
            ("pronargs", Int(0)),
            ("prorettype", Int(25)),
            ("prosrc", text("")),
            ("proacl", NoList),
        ]
    };
    super::FUNCTIONS.iter().enumerate().map(row).collect()
}

fn settings() -> Vec<Row> {
    let row = |(name, setting): (&str, &str)| {
        vec![
            ("name", text(name)),
            ("setting", text(setting)),
            ("unit", NoText),
            ("category", text("")),
            ("short_desc", text("")),
            ("context", text("user")),
            ("vartype", text("string")),
            ("source", text("default")),
        ]
    };
    crate::door::known_settings().map(row).collect()
}

fn listed(catalog: &Catalog, views: bool) -> Vec<Row> {
    let row = |name: &str| {
        let mut row = if views {
            vec![
                ("viewname", text(name)),
                ("viewowner", text(OWNER)),
                ("definition", text(super::definition(name))),
            ]
        } else {
            vec![("tablename", text(name)), ("tableowner", text(OWNER)), ("tablespace", NoText)]
        };
        row.push(("schemaname", text("public")));
        row.extend(["hasindexes", "hasrules", "hastriggers", "rowsecurity"].map(|name| (name, Bool(false))));
        row
    };
    catalog
        .relations()
        .iter()
        .filter(|relation| relation.view == views)
        .map(|relation| row(&relation.name))
        .collect()
}

/// Rows as columns. Of no rows nothing is known, so there is at least one.
pub(super) fn batch(rows: Vec<Row>) -> Option<RecordBatch> {
    let first = rows.first()?;
    let columns = first.iter().enumerate().map(|(at, (name, cell))| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|(_, cell)| cell);
        let array: ArrayRef = match cell {
            Int(_) => {
                Arc::new(cells.map(|c| if let Int(n) = c { Some(*n) } else { None }).collect::<Int64Array>())
            }
            Bool(_) => Arc::new(
                cells.map(|c| if let Bool(b) = c { Some(*b) } else { None }).collect::<BooleanArray>(),
            ),
            Cell::Text(_) | NoText => Arc::new(
                cells.map(|c| if let Cell::Text(t) = c { Some(t) } else { None }).collect::<StringArray>(),
            ),
            NoList => new_null_array(
                &DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
                rows.len(),
            ),
        };
        (Field::new(*name, array.data_type().clone(), true), array)
    });
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).ok()
}
