// SPDX-License-Identifier: Apache-2.0
//! Text of SQL to rows, within bounds of memory, time and size.
//!
//! Statements run on threads of their own with stacks of their own: what a statement costs, no decision pays, and a
//! statement that is too deep or panics ends alone.

mod check;
pub(crate) mod context;
mod dialect;
mod error;
mod parse;
mod run;

pub(crate) use check::folded;
pub(crate) use error::quoted;
pub use error::{Kind, SqlError};
pub use parse::{Query, Statement};
pub use run::Answer;

use crate::limits;
use crate::mask::Mask;
use crate::tables::Tables;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::scalar::ScalarValue;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use wardroom_event::Micros;

/// How much there is for statements.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory of one statement, in bytes.
    pub memory: usize,
    /// Statements at once.
    pub statements: usize,
    /// How long one may take.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { memory: limits::MEMORY, statements: limits::STATEMENTS, timeout: limits::TIMEOUT }
    }
}

/// Who asks, and how.
#[derive(Clone, Debug)]
pub struct Session {
    /// What identifiers are masked with; none where they are shown whole.
    pub mask: Option<Mask>,
    /// As of when labels and class are known; as they are now without it.
    pub as_of: Option<Micros>,
    /// The time, for `now()`.
    pub now: Micros,
    /// How long the statement may take; as configured without it.
    pub timeout: Option<Duration>,
    /// Most rows; beyond them the answer says that it is cut.
    pub limit: u64,
    /// Whose session it is, for `current_user`.
    pub user: Arc<str>,
}

impl Session {
    /// A session that sees identifiers whole, at this time.
    pub fn whole(user: &str, now: Micros) -> Session {
        Session { mask: None, as_of: None, now, timeout: None, limit: limits::ROWS, user: user.into() }
    }

    /// A session that sees identifiers masked.
    pub fn masked(user: &str, now: Micros, mask: Mask) -> Session {
        Session { mask: Some(mask), ..Session::whole(user, now) }
    }
}

/// A statement that was planned once: what it takes and what it gives.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The types of `$1`, `$2` and so on.
    pub parameters: Vec<DataType>,
    /// The columns of its answer.
    pub schema: SchemaRef,
}

/// SQL over the past.
#[derive(Clone)]
pub struct SqlEngine(Arc<Inner>);

struct Inner {
    tables: Arc<dyn Tables>,
    options: Options,
    permits: Arc<Semaphore>,
    /// Always there but while it is dropped.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for SqlEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqlEngine(…)")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Whoever drops the last handle may be on a thread that must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl SqlEngine {
    /// An engine over these tables.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(tables: Arc<dyn Tables>, options: Options) -> std::io::Result<SqlEngine> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits::THREADS)
            .max_blocking_threads(limits::READERS)
            .thread_stack_size(limits::STACK_BYTES)
            .thread_name("sql")
            .enable_time()
            .build()?;
        let permits = Arc::new(Semaphore::new(options.statements.max(1)));
        Ok(SqlEngine(Arc::new(Inner { tables, options, permits, runtime: Some(runtime) })))
    }

    /// The statements of a text.
    ///
    /// # Errors
    /// Where it is no SQL, or none that is taken here.
    pub async fn parse(&self, text: &str) -> Result<Vec<Statement>, SqlError> {
        let text = text.to_owned();
        self.apart(async move { parse::statements(&text) }).await
    }

    /// Runs the one statement of a text.
    ///
    /// # Errors
    /// What is wrong with the text, or what it asks for.
    pub async fn query(&self, text: &str, session: Session) -> Result<Answer, SqlError> {
        let mut statements = self.parse(text).await?;
        match (statements.pop(), statements.is_empty()) {
            (Some(Statement::Query(query)), true) => self.run(query, Vec::new(), session).await,
            (None, _) => Err(SqlError::new(Kind::Syntax, "there is no statement")),
            (_, false) => Err(SqlError::new(Kind::Unsupported, "one statement at a time")),
            (Some(_), true) => Err(SqlError::new(
                Kind::Unsupported,
                "SET, SHOW and transactions are for connections that last: ask with `as_of` and the like beside the text",
            )),
        }
    }

    /// Runs a statement with these values for its parameters.
    ///
    /// # Errors
    /// As [`SqlEngine::query`].
    pub async fn run(
        &self,
        query: Query,
        values: Vec<ScalarValue>,
        session: Session,
    ) -> Result<Answer, SqlError> {
        let timeout = self.timeout(&session);
        let (inner, handle) = (self.0.clone(), self.handle()?);
        run::run(inner, handle, query, values, session, timeout).await
    }

    /// Plans a statement, for what it takes and gives.
    ///
    /// # Errors
    /// As [`SqlEngine::query`].
    pub async fn prepare(
        &self,
        query: Query,
        types: Vec<Option<DataType>>,
        session: Session,
    ) -> Result<Prepared, SqlError> {
        let tables = self.0.tables.clone();
        let memory = self.0.options.memory;
        let timeout = self.timeout(&session);
        let planned = self.apart(async move { run::prepare(tables, memory, query, types, session).await });
        tokio::time::timeout(timeout, planned).await.unwrap_or_else(|_| Err(SqlError::timeout(timeout)))
    }

    fn timeout(&self, session: &Session) -> Duration {
        session.timeout.unwrap_or(self.0.options.timeout).min(limits::LONGEST_TIMEOUT)
    }

    fn handle(&self) -> Result<tokio::runtime::Handle, SqlError> {
        let runtime =
            self.0.runtime.as_ref().ok_or_else(|| SqlError::ours(&"the engine is being dropped"))?;
        Ok(runtime.handle().clone())
    }

    /// Runs something on a thread for statements; if the caller stops waiting, it is ended.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<T, SqlError> {
        let task = run::Ended(self.handle()?.spawn(work));
        run::joined(task).await
    }
}
