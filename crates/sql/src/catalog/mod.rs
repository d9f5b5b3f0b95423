// SPDX-License-Identifier: Apache-2.0
//! PostgreSQL's catalogue, as far as psql, drivers and tools ask for it: tables with what there is, functions that look
//! into them, and rewrites of what DataFusion does not read.

mod empty;
mod functions;
mod information;
mod rewrite;
mod tables;
mod types;

pub(crate) use functions::all as functions;
pub(crate) use rewrite::rewrite;

use crate::engine::context::Public;
use crate::{CATALOG, provider};
use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, SchemaRef};
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::Result;
use std::sync::{Arc, OnceLock};

/// Numbers of schemas and of the database, those of PostgreSQL where it has them.
const PG_CATALOG: i64 = 11;
const PUBLIC: i64 = 2200;
const INFORMATION: i64 = 13_000;
const DATABASE: i64 = 5;
/// The number of the first table; PostgreSQL's own are below.
const FIRST_TABLE: i64 = 16_384;
/// The number of the first function.
const FIRST_FUNCTION: i64 = 15_000;
/// Who owns everything.
const OWNER: &str = CATALOG;

/// A function of ours, for `\df`.
struct Function {
    name: &'static str,
    result: &'static str,
    arguments: &'static str,
    about: &'static str,
}

const FUNCTIONS: [Function; 4] = [
    Function {
        name: "ip_in",
        result: "boolean",
        arguments: "ip text, net text",
        about: "whether the address lies in the network",
    },
    Function {
        name: "net",
        result: "text",
        arguments: "ip text, length bigint",
        about: "the network of that length around the address",
    },
    Function { name: "family", result: "bigint", arguments: "ip text", about: "4 or 6" },
    Function { name: "masklen", result: "bigint", arguments: "net text", about: "the length of the prefix" },
];

/// A table or view of `public`.
#[derive(Debug)]
pub(crate) struct Relation {
    name: Box<str>,
    oid: i64,
    view: bool,
    schema: SchemaRef,
}

impl Relation {
    fn about(&self) -> Option<String> {
        Some(match &*self.name {
            provider::EVENTS => "events of all types, with what all of them have".to_owned(),
            provider::SIGNALS => "what each rule said of each event".to_owned(),
            "labels" => "every opinion about entities and events, by whom and since when".to_owned(),
            "policies" => "versions of the policy, and since when each was in force".to_owned(),
            name if self.schema.field_with_name("verdict").is_ok() => format!("events of type {name}"),
            _ => return None,
        })
    }
}

/// What a column holds, in the words of the policy language.
fn about(field: &Field) -> Option<String> {
    let kind = field.metadata().get("wardroom.type")?;
    Some(match field.metadata().get("wardroom.role").map(String::as_str) {
        Some("fact") => format!("{kind}, looked up"),
        Some("served") => format!("{kind}, served to the rules"),
        _ => kind.clone(),
    })
}

/// What a view is made of, in words: there is no text of SQL that it was made with.
fn definition(name: &str) -> &'static str {
    match name {
        provider::EVENTS => " SELECT … FROM every type of event;",
        provider::SIGNALS => " SELECT …, unnest(signals) FROM every type of event;",
        _ => "",
    }
}

/// The number of a table of `pg_catalog`: PostgreSQL's own where clients name it as a class.
fn class_oid(name: &str) -> Option<i64> {
    Some(match name {
        "pg_type" => 1247,
        "pg_attribute" => 1249,
        "pg_proc" => 1255,
        "pg_class" => 1259,
        "pg_database" => 1262,
        "pg_constraint" => 2606,
        "pg_namespace" => 2615,
        "pg_description" => 2609,
        "pg_am" => 2601,
        "pg_tablespace" => 1213,
        "pg_authid" => 1260,
        "pg_roles" => 12_000,
        "pg_settings" => 12_001,
        "pg_tables" => 12_002,
        "pg_views" => 12_003,
        _ => return None,
    })
}

/// One statement's catalogue. Read only where it is asked for.
#[derive(Debug)]
pub(crate) struct Catalog {
    public: Arc<Public>,
    user: Arc<str>,
    relations: OnceLock<Vec<Relation>>,
}

impl Catalog {
    pub(crate) fn new(public: Arc<Public>, user: Arc<str>) -> Catalog {
        Catalog { public, user, relations: OnceLock::new() }
    }

    fn user(&self) -> &str {
        &self.user
    }

    /// The tables of `public`, in their order. One that cannot be read is not there.
    fn relations(&self) -> &[Relation] {
        self.relations.get_or_init(|| {
            let names = self.public.table_names().into_iter().enumerate();
            let found = names.filter_map(|(at, name)| {
                let table = self.public.open(&name).ok()??;
                let view = matches!(name.as_str(), provider::EVENTS | provider::SIGNALS);
                let oid = FIRST_TABLE + i64::try_from(at).ok()?;
                Some(Relation { name: name.into(), oid, view, schema: table.schema() })
            });
            found.collect()
        })
    }

    fn relation(&self, oid: i64) -> Option<&Relation> {
        self.relations().iter().find(|relation| relation.oid == oid)
    }

    /// The number of the table of this name, as `regclass` reads it.
    fn oid(&self, name: &str) -> Option<i64> {
        let name = name.trim();
        let bare = name.trim_start_matches("public.").trim_start_matches("pg_catalog.");
        let bare = match bare.strip_prefix('"').and_then(|bare| bare.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => bare.to_lowercase(),
        };
        let own =
            self.relations().iter().find(|relation| *relation.name == *bare).map(|relation| relation.oid);
        own.or_else(|| class_oid(&bare))
    }

    /// The name of the table of this number, as `regclass` writes it.
    fn name(&self, oid: i64) -> Option<String> {
        let own = self.relation(oid).map(|relation| crate::engine::quoted(&relation.name));
        own.or_else(|| {
            let all = tables::FILLED.iter().chain(&tables::EMPTY);
            all.copied().find(|name| class_oid(name) == Some(oid)).map(str::to_owned)
        })
    }
}

/// One of the two schemas.
#[derive(Debug)]
pub(crate) struct Schema {
    catalog: Arc<Catalog>,
    information: bool,
}

impl Schema {
    /// `pg_catalog`.
    pub(crate) fn pg(catalog: Arc<Catalog>) -> Schema {
        Schema { catalog, information: false }
    }

    /// `information_schema`.
    pub(crate) fn information(catalog: Arc<Catalog>) -> Schema {
        Schema { catalog, information: true }
    }

    fn batch(&self, name: &str) -> Option<RecordBatch> {
        let of = if self.information { information::table } else { tables::pg };
        of(&self.catalog, name)
    }
}

#[async_trait]
impl SchemaProvider for Schema {
    fn table_names(&self) -> Vec<String> {
        let filled = if self.information { &information::FILLED[..] } else { &tables::FILLED[..] };
        filled.iter().map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(batch) = self.batch(name) else { return Ok(None) };
        Ok(Some(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?)))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.table_names().iter().any(|known| known == name)
    }
}
