// SPDX-License-Identifier: Apache-2.0
//! Where a query finds the past, and asking it from a text.

use super::answer::Answer;
use super::error::QueryError;
use super::run::{Ask, Part, Wants, run};
use arrow_schema::SchemaRef;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use wardroom_event::Micros;
use wardroom_policy::query::Query;

/// The past, by the tables it has: one for each type of event.
pub trait Source: Send + Sync {
    /// The columns of the events of a type; none where there never was one.
    ///
    /// # Errors
    /// When the past cannot be read.
    fn schema(&self, event: &str) -> Result<Option<SchemaRef>, QueryError>;

    /// The parts that hold what is wanted of the events of a type, with labels as they were known at `as_of`; rows beside
    /// may be among them.
    ///
    /// # Errors
    /// When the past cannot be read.
    fn parts(
        &self,
        event: &str,
        wants: &Wants,
        as_of: Option<Micros>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Vec<Part>, QueryError>;
}

/// Asks a query of the past.
///
/// # Errors
/// [`QueryError`] says why there is no answer.
pub fn ask(
    source: &dyn Source,
    query: &Query,
    ask: &Ask,
    as_of: Option<Micros>,
) -> Result<Answer, QueryError> {
    let event = query.program.schema.get(query.on).name.clone();
    // Of what never happened nothing is known, and nothing is in any answer.
    let schema = source.schema(&event)?;
    let nothing = schema.is_none();
    let schema = schema.unwrap_or_else(|| Arc::new(arrow_schema::Schema::empty()));
    let mut answer = run(query, ask, &schema, |wants| {
        if nothing {
            Ok(Vec::new())
        } else {
            source.parts(&event, wants, Some(as_of.unwrap_or(ask.now)), &ask.stop)
        }
    })?;
    if nothing {
        answer.notes = vec![format!("no event of type `{event}` has been kept")];
    }
    Ok(answer)
}
