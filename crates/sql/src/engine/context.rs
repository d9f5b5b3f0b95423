// SPDX-License-Identifier: Apache-2.0
//! One statement's world: its tables as its session sees them, its functions, its memory, its clock.

use super::Session;
use super::check::Known;
use crate::catalog::{self, Catalog};
use crate::provider::{self, Past, View};
use crate::tables::Tables;
use crate::{CATALOG, functions, limits};
use async_trait::async_trait;
use datafusion::arrow::temporal_conversions::timestamp_us_to_datetime;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProviderList, SchemaProvider, TableProvider,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{SessionState, SessionStateDefaults};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::prelude::SessionConfig;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The past as a schema of SQL. A table is looked up once a statement: then it is one, however often it is named.
#[derive(Debug)]
pub(crate) struct Public {
    tables: Arc<dyn Tables>,
    names: Vec<Box<str>>,
    view: View,
    opened: Mutex<HashMap<String, Option<Arc<dyn TableProvider>>>>,
}

impl Public {
    pub(crate) fn new(tables: Arc<dyn Tables>, view: View) -> Result<Public> {
        let names = provider::names(&*tables)?;
        Ok(Public { tables, names, view, opened: Mutex::default() })
    }

    /// The tables, and the columns whose names have a dot.
    pub(crate) fn known(&self) -> Result<Known> {
        let mut known = Known { tables: self.names.clone(), dotted: Vec::new() };
        for table in self.tables.tables().map_err(DataFusionError::External)? {
            let schema = self.tables.schema(&table.name).map_err(DataFusionError::External)?;
            let dotted = schema.fields().iter().filter(|field| field.name().contains('.'));
            known.dotted.extend(dotted.map(|field| field.name().as_str().into()));
        }
        known.dotted.sort_unstable();
        known.dotted.dedup();
        Ok(known)
    }

    pub(crate) fn open(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = opened.get(name) {
            return Ok(table.clone());
        }
        let table = Past::open(&self.tables, name, &self.view)?;
        let table = table.map(|table| Arc::new(table) as Arc<dyn TableProvider>);
        opened.insert(name.to_owned(), table.clone());
        Ok(table)
    }
}

#[async_trait]
impl SchemaProvider for Public {
    fn table_names(&self) -> Vec<String> {
        self.names.iter().map(|name| name.to_string()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        self.open(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.names.iter().any(|known| **known == *name)
    }
}

/// The one database there is.
#[derive(Debug)]
struct Database {
    public: Arc<Public>,
    catalog: Arc<Catalog>,
}

impl CatalogProvider for Database {
    fn schema_names(&self) -> Vec<String> {
        ["public", "pg_catalog", "information_schema"].map(str::to_owned).into()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            "public" => Some(self.public.clone()),
            "pg_catalog" => Some(Arc::new(catalog::Schema::pg(self.catalog.clone()))),
            "information_schema" => Some(Arc::new(catalog::Schema::information(self.catalog.clone()))),
            _ => None,
        }
    }
}

/// What a statement is planned and run in.
pub(super) fn state(public: Arc<Public>, session: &Session, memory: usize) -> Result<SessionState> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, "public")
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false)
        .with_batch_size(limits::BATCH_ROWS)
        .with_target_partitions(limits::THREADS);
    let options = config.options_mut();
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.collect_spans = true;
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.enable_recursive_ctes = false;
    // Nothing that a person may not see is written anywhere: what finds no room in memory is refused, not spilt.
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let now = timestamp_us_to_datetime(session.now.0).map(|now| now.and_utc());
    let props = match now {
        Some(now) => ExecutionProps::new().with_query_execution_start_time(now),
        None => ExecutionProps::new(),
    };
    let catalogs = MemoryCatalogProviderList::new();
    let catalog = Arc::new(Catalog::new(public.clone(), session.user.clone()));
    let mut scalar = functions::scalar();
    scalar.extend(catalog::functions(&catalog));
    catalogs.register_catalog(CATALOG.to_owned(), Arc::new(Database { public, catalog }));
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_execution_props(props)
        .with_catalog_list(Arc::new(catalogs))
        .with_scalar_functions(scalar)
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_table_function_list(SessionStateDefaults::default_table_functions())
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .build();
    Ok(state)
}
