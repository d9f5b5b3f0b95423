// SPDX-License-Identifier: Apache-2.0
//! A question in SQL over HTTP: the engine's stream as rows that are asked for one batch after the other.

use futures_util::StreamExt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::runtime::Handle;
use wardroom_api::{Sql, SqlError, SqlQuestion};
use wardroom_event::Sight;
use wardroom_history::query::{About, QueryError, Rows};
use wardroom_sql::arrow::array::RecordBatch;
use wardroom_sql::arrow::datatypes::SchemaRef;
use wardroom_sql::{Answer, Kind, Mask, Session, SqlEngine, limits};

/// How often it is looked whether anybody still waits.
const LOOK: Duration = Duration::from_millis(50);

pub(super) struct Asked {
    engine: SqlEngine,
    handle: Handle,
}

impl Asked {
    pub(super) fn new(engine: SqlEngine, handle: Handle) -> Asked {
        Asked { engine, handle }
    }
}

impl Sql for Asked {
    fn ask(&self, question: SqlQuestion) -> Result<Box<dyn Rows>, SqlError> {
        let SqlQuestion { text, as_of, limit, look, now, stop } = question;
        let session = Session {
            mask: (look.sight == Sight::Masked).then(|| Mask::new(look.secret)),
            as_of,
            // Whoever asks counts the time, and says when it is up.
            timeout: Some(limits::LONGEST_TIMEOUT),
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
            ..Session::whole("api", now)
        };
        let answer = until(&self.handle, &stop, self.engine.query(&text, session));
        let answer = answer.ok_or(SqlError::Query(QueryError::Stopped))?.map_err(failed)?;
        Ok(Box::new(Answered { answer, handle: self.handle.clone(), stop }))
    }
}

/// What the future gives, unless it is to stop before.
fn until<T>(handle: &Handle, stop: &Arc<AtomicBool>, work: impl Future<Output = T>) -> Option<T> {
    handle.block_on(async {
        tokio::pin!(work);
        loop {
            if let Ok(done) = tokio::time::timeout(LOOK, &mut work).await {
                return Some(done);
            }
            if stop.load(Relaxed) {
                return None;
            }
        }
    })
}

/// Whose fault it is says what is told.
fn failed(error: wardroom_sql::SqlError) -> SqlError {
    match error.kind {
        Kind::Memory => SqlError::Query(QueryError::Memory),
        Kind::Timeout | Kind::Cancelled => SqlError::Query(QueryError::Stopped),
        Kind::World | Kind::Ours => SqlError::Query(QueryError::Read(Box::new(error))),
        _ => {
            let place = error.position.map_or(String::new(), |at| format!(" (character {at})"));
            SqlError::Fault(format!("{error}{place}"))
        }
    }
}

struct Answered {
    answer: Answer,
    handle: Handle,
    stop: Arc<AtomicBool>,
}

impl Rows for Answered {
    fn schema(&self) -> SchemaRef {
        self.answer.schema().clone()
    }

    fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        let batch = until(&self.handle, &self.stop, self.answer.next());
        Some(match batch {
            None => Err(QueryError::Stopped),
            Some(batch) => batch?.map_err(|error| match failed(error) {
                SqlError::Query(error) => error,
                SqlError::Fault(words) => QueryError::Read(words.into()),
            }),
        })
    }

    fn about(&self) -> About {
        About { truncated: self.answer.is_cut(), ..About::default() }
    }
}
