// SPDX-License-Identifier: Apache-2.0
//! What a query is about, for those who act on it: the events that it finds, or the entities that it groups by.
//!
//! A query that says no `show` gives events. One that groups by a single entity gives these; one that shows `seq` gives the
//! events of these numbers, and so does SQL with a column of that name.

use crate::api::Api;
use crate::problem::{BAD_ACT, Problem};
use crate::query::{self, Held};
use arrow_array::RecordBatch;
use arrow_schema::Field;
use wardroom_event::{Sight, Type, Value};
use wardroom_history::act::{Found, entity};
use wardroom_history::query::{Cells, Rows};
use wardroom_policy::query::compile;

/// The column that says which event a row is.
const SEQ: &str = "seq";
/// Arrow's keys for what a column is, and of which type.
const COLUMN: &str = "wardroom.column";
const TYPE: &str = "wardroom.type";

/// What a query of the policy language finds, at most `cap` of it.
pub(super) async fn by_query(api: &Api, text: &str, cap: usize) -> Result<Found, Problem> {
    let bundle = api.engine().active().bundle.clone();
    let numbered = format!("{text}\nshow {SEQ}");
    let asks = compile(&bundle, &numbered).query.is_some();
    let text = if asks { numbered } else { text.to_owned() };
    // Nobody sees these values by it: what becomes of a job's items is shown masked.
    let (rows, held) = query::rows(api, text, false, cap + 1, Sight::Full).await?;
    drained(rows, held, cap).await
}

/// What a query in SQL finds, at most `cap` of it, as somebody sees it who may see so much.
pub(super) async fn by_sql(api: &Api, text: &str, cap: usize, sight: Sight) -> Result<Found, Problem> {
    let (rows, held) = query::rows(api, text.to_owned(), true, cap + 1, sight).await?;
    drained(rows, held, cap).await
}

async fn drained(rows: Box<dyn Rows>, held: Held, cap: usize) -> Result<Found, Problem> {
    super::aside("look for events", move || {
        let found = read(rows, cap);
        drop(held);
        found
    })
    .await?
}

/// What a column holds that can be acted on.
enum Of {
    Events,
    Entities(Type),
}

fn read(mut rows: Box<dyn Rows>, cap: usize) -> Result<Found, Problem> {
    let schema = rows.schema();
    let (column, of) = acted_on(schema.fields().iter().map(AsRef::as_ref)).ok_or_else(|| {
        let how = "a job takes events: leave `show` out, or show `seq`; or group by one entity, such as `by account`";
        Problem::new(BAD_ACT, how)
    })?;
    let (mut events, mut values) = (Vec::new(), Vec::new());
    while let Some(batch) = rows.next() {
        let batch = batch.map_err(query::failed)?;
        match of {
            Of::Events => events.extend(numbers(&batch, column)?),
            Of::Entities(kind) => values.extend(entities(&batch, column, kind)?),
        }
        if events.len() + values.len() > cap {
            let most = format!("it finds more than {cap}: find less, or allow more with `cap`");
            return Err(Problem::new(BAD_ACT, most));
        }
    }
    Ok(match of {
        Of::Events => Found::Events(events),
        Of::Entities(_) => Found::Values(values),
    })
}

/// The place of the column that a job is about.
fn acted_on<'a>(fields: impl Iterator<Item = &'a Field> + Clone) -> Option<(usize, Of)> {
    if let Some(at) = fields.clone().position(|field| field.name() == SEQ) {
        return Some((at, Of::Events));
    }
    let is_key = |field: &&Field| field.metadata().get(COLUMN).is_some_and(|role| role == "key");
    let mut keys = fields.enumerate().filter(|(_, field)| is_key(field));
    let (at, key) = keys.next()?;
    let kind = Type::named(key.metadata().get(TYPE)?).filter(|kind| kind.is_entity())?;
    keys.next().is_none().then_some((at, Of::Entities(kind)))
}

fn numbers(batch: &RecordBatch, column: usize) -> Result<Vec<u64>, Problem> {
    let cells = cells(batch, column)?;
    let number = |row: usize| {
        let text = cells.text(row);
        text.parse()
            .map_err(|_| Problem::new(BAD_ACT, format!("`{text}` in `{SEQ}` is no number of a record")))
    };
    (0..batch.num_rows()).map(number).collect()
}

/// The entities of a column; rows that lack one are passed over.
fn entities(batch: &RecordBatch, column: usize, kind: Type) -> Result<Vec<(Type, Value)>, Problem> {
    let cells = cells(batch, column)?;
    let texts = (0..batch.num_rows()).map(|row| cells.text(row)).filter(|text| !text.is_empty());
    texts.map(|text| entity(kind.name(), &text).map_err(|why| Problem::new(BAD_ACT, why))).collect()
}

fn cells(batch: &RecordBatch, column: usize) -> Result<Cells<'_>, Problem> {
    Cells::of(batch.column(column)).map_err(|error| Problem::ours("look for events", &error))
}
