// SPDX-License-Identifier: Apache-2.0
//! The past of a data directory, as a query finds it.

use super::error::QueryError;
use super::run::{Batches, Part, Wants};
use super::source::Source;
use crate::{HistoryError, Past, Scan};
use arrow_schema::{Schema, SchemaRef};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use wardroom_event::Micros;

impl From<HistoryError> for QueryError {
    fn from(error: HistoryError) -> QueryError {
        match error {
            HistoryError::Stopped => QueryError::Stopped,
            other => QueryError::Read(Box::new(other)),
        }
    }
}

impl Source for Past {
    fn schema(&self, event: &str) -> Result<Option<SchemaRef>, QueryError> {
        match Past::schema(self, event) {
            Ok(schema) => Ok(Some(with_known(self, &schema))),
            Err(HistoryError::NoTable { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    fn parts(
        &self,
        event: &str,
        wants: &Wants,
        as_of: Option<Micros>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Vec<Part>, QueryError> {
        let scan = Scan {
            table: event.into(),
            columns: Some(wants.columns.clone()),
            from: wants.from,
            to: wants.to,
            equal: wants.equal.clone(),
            as_of,
            stop: stop.clone(),
            ..Scan::default()
        };
        let part = |part: crate::Part| Part {
            rows: part.rows_hint(),
            open: Box::new(move || Box::new(part.read().map(|b| b.map_err(QueryError::from))) as Batches),
        };
        Ok(self.scan(&scan)?.into_iter().map(part).collect())
    }
}

/// The columns of a table and, where it has none of that name, what is known of its events at a time.
fn with_known(past: &Past, schema: &SchemaRef) -> SchemaRef {
    let mut fields = schema.fields().to_vec();
    let lacks = |name: &str| schema.index_of(name).is_err();
    fields.extend(past.known_columns().into_iter().filter(|c| lacks(&c.name)).map(|c| c.arrow));
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}
