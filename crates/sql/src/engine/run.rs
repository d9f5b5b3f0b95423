// SPDX-License-Identifier: Apache-2.0
//! Planning and running one statement on a thread for statements, and handing its rows to who asked, as they come.

use super::context::{self, Public};
use super::error::{Kind, SqlError};
use super::parse::Query;
use super::{Inner, Prepared, Session, check};
use crate::provider::View;
use crate::tables::Tables;
use crate::{catalog, limits};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ParamValues;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser;
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A task that is ended when nobody waits for it any more.
pub(super) struct Ended<T>(pub(super) JoinHandle<T>);

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the task gives; a panic is that statement's fault alone.
pub(super) async fn joined<T>(mut task: Ended<Result<T, SqlError>>) -> Result<T, SqlError> {
    match (&mut task.0).await {
        Ok(given) => given,
        Err(join) => Err(SqlError::ours(&join)),
    }
}

/// What a statement sends: first its columns, then its rows.
enum Given {
    Columns(SchemaRef),
    Rows(RecordBatch),
}

type Sender = mpsc::Sender<Result<Given, SqlError>>;

/// The rows of an answer, as they come. Dropping it ends the statement.
pub struct Answer {
    schema: SchemaRef,
    given: mpsc::Receiver<Result<Given, SqlError>>,
    cut: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    _task: Ended<()>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

impl Answer {
    /// Its columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether there were more rows than were asked for; known when the last one was given.
    pub fn is_cut(&self) -> bool {
        self.cut.load(Relaxed)
    }
}

impl Stream for Answer {
    type Item = Result<RecordBatch, SqlError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match std::task::ready!(self.given.poll_recv(cx)) {
                Some(Ok(Given::Rows(batch))) => Some(Ok(batch)),
                Some(Ok(Given::Columns(_))) => continue,
                Some(Err(error)) => Some(Err(error)),
                None => None,
            });
        }
    }
}

/// One statement under way.
struct Run {
    query: Query,
    values: Vec<ScalarValue>,
    session: Session,
    stop: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
}

pub(super) async fn run(
    inner: Arc<Inner>,
    handle: Handle,
    query: Query,
    values: Vec<ScalarValue>,
    session: Session,
    timeout: Duration,
) -> Result<Answer, SqlError> {
    let (tx, mut given) = mpsc::channel(limits::BATCHES_WAITING);
    let (stop, cut) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let run = Run { query, values, session, stop: stop.clone(), cut: cut.clone() };
    let until = Instant::now() + timeout;
    let stopped = stop.clone();
    let task = handle.clone().spawn(async move {
        // A task of its own, so that a panic ends there and is told; it ends with this one.
        let work = Ended(handle.spawn(work(inner, run, tx.clone())));
        let told = match tokio::time::timeout_at(until, joined(work)).await {
            Ok(told) => told,
            Err(_) => Err(SqlError::timeout(timeout)),
        };
        if let Err(error) = told {
            stopped.store(true, Relaxed);
            let _ = tx.send(Err(error)).await;
        }
    });
    let task = Ended(task);
    let schema = match given.recv().await {
        Some(Ok(Given::Columns(schema))) => schema,
        Some(Err(error)) => return Err(error),
        Some(Ok(Given::Rows(_))) | None => return Err(SqlError::ours(&"a statement ended without a word")),
    };
    Ok(Answer { schema, given, cut, stop, _task: task })
}

/// Plans and runs, and sends what comes of it.
async fn work(inner: Arc<Inner>, run: Run, tx: Sender) -> Result<(), SqlError> {
    // Statements wait for their turn within their own time.
    let _permit = inner.permits.clone().acquire_owned().await.map_err(|e| SqlError::ours(&e))?;
    let Run { query, values, session, stop, cut } = run;
    let view = View { mask: session.mask.clone(), as_of: session.as_of, stop };
    let text = query.text.clone();
    let told = |error| SqlError::from(error, &text);
    let (state, plan) = planned(inner.tables.clone(), inner.options.memory, query, &session, view).await?;
    let plan = bound(plan, values).map_err(told)?;
    let most = session.limit.min(limits::ROWS);
    let plan = at_most(plan, most.saturating_add(1)).map_err(told)?;
    let physical = state.create_physical_plan(&plan).await.map_err(told)?;
    let rows = execute_stream(physical, state.task_ctx()).map_err(told)?;
    let schema = rows.schema();
    if tx.send(Ok(Given::Columns(schema))).await.is_ok() {
        send(rows, most, &cut, &tx).await.map_err(|e| e.unwrap_or_else(told))?;
    }
    Ok(())
}

enum Failed {
    Theirs(DataFusionError),
    Ours(SqlError),
}

impl Failed {
    fn unwrap_or_else(self, told: impl FnOnce(DataFusionError) -> SqlError) -> SqlError {
        match self {
            Failed::Theirs(error) => told(error),
            Failed::Ours(error) => error,
        }
    }
}

/// Sends rows until there are `most`, too many bytes, or nobody who takes them.
async fn send(
    mut rows: SendableRecordBatchStream,
    most: u64,
    cut: &AtomicBool,
    tx: &Sender,
) -> Result<(), Failed> {
    let (mut left, mut bytes) = (most, 0usize);
    while let Some(batch) = rows.next().await {
        let mut batch = batch.map_err(Failed::Theirs)?;
        if batch.num_rows() as u64 > left {
            cut.store(true, Relaxed);
            batch = batch.slice(0, usize::try_from(left).unwrap_or(0));
        }
        left -= batch.num_rows() as u64;
        bytes = bytes.saturating_add(batch.get_array_memory_size());
        if bytes > limits::ANSWER_BYTES {
            let most = limits::ANSWER_BYTES / (1024 * 1024);
            let said = SqlError::new(Kind::TooLarge, format!("the answer is larger than {most} MiB"));
            return Err(Failed::Ours(said.hint("name the columns you want, or a LIMIT")));
        }
        if tx.send(Ok(Given::Rows(batch))).await.is_err() || cut.load(Relaxed) {
            return Ok(());
        }
    }
    Ok(())
}

/// The statement as a plan that is not yet optimised, in the world it is run in.
async fn planned(
    tables: Arc<dyn Tables>,
    memory: usize,
    mut query: Query,
    session: &Session,
    view: View,
) -> Result<(SessionState, LogicalPlan), SqlError> {
    let text = query.text.clone();
    let told = |error| SqlError::from(error, &text);
    let public = Arc::new(Public::new(tables, view).map_err(told)?);
    let known = public.known().map_err(told)?;
    check::check(&mut query.statement, &text, &known)?;
    catalog::rewrite(&mut query.statement);
    let state = context::state(public, session, memory).map_err(told)?;
    let statement = parser::Statement::Statement(query.statement);
    let plan = state.statement_to_plan(statement).await.map_err(told)?;
    // What is planned is looked at again, by who planned it: two locks on one door.
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reading.verify_plan(&plan).map_err(|_| SqlError::new(Kind::ReadOnly, "the past can only be read"))?;
    Ok((state, plan))
}

fn bound(plan: LogicalPlan, values: Vec<ScalarValue>) -> Result<LogicalPlan, DataFusionError> {
    if values.is_empty() { Ok(plan) } else { plan.with_param_values(ParamValues::from(values)) }
}

fn at_most(plan: LogicalPlan, most: u64) -> Result<LogicalPlan, DataFusionError> {
    match plan {
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => Ok(plan),
        plan => LogicalPlanBuilder::from(plan)
            .limit(0, Some(usize::try_from(most).unwrap_or(usize::MAX)))?
            .build(),
    }
}

/// What a statement takes and gives. Parameters whose type nothing tells are text.
pub(super) async fn prepare(
    tables: Arc<dyn Tables>,
    memory: usize,
    query: Query,
    given: Vec<Option<DataType>>,
    session: Session,
) -> Result<Prepared, SqlError> {
    let text = query.text.clone();
    let told = |error| SqlError::from(error, &text);
    let view = View { mask: session.mask.clone(), as_of: session.as_of, stop: Arc::default() };
    let (state, plan) = planned(tables, memory, query, &session, view).await?;
    let inferred = plan.get_parameter_types().map_err(told)?;
    let mut parameters = given.clone();
    for (name, kind) in inferred {
        let at = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()).filter(|n| *n >= 1);
        let at = at.filter(|n| *n <= limits::PARAMETERS).ok_or_else(|| {
            SqlError::new(Kind::Syntax, format!("parameters are $1 to ${}, not {name}", limits::PARAMETERS))
        })?;
        if parameters.len() < at {
            parameters.resize(at, None);
        }
        if let Some(slot @ None) = parameters.get_mut(at - 1) {
            *slot = kind;
        }
    }
    let parameters: Vec<DataType> =
        parameters.into_iter().map(|kind| kind.unwrap_or(DataType::Utf8)).collect();
    let nulls = parameters.iter().map(ScalarValue::try_from).collect::<Result<Vec<_>, _>>().map_err(told)?;
    // Types of columns may depend on those of parameters; and a name that is wrong is told now.
    let plan = bound(plan, nulls).map_err(told)?;
    let plan = match plan {
        plan @ (LogicalPlan::Explain(_) | LogicalPlan::Analyze(_)) => plan,
        plan => state.optimize(&plan).map_err(told)?,
    };
    let fields: Vec<_> =
        plan.schema().fields().iter().map(|f| Field::new(f.name(), f.data_type().clone(), true)).collect();
    Ok(Prepared { parameters, schema: Arc::new(Schema::new(fields)) })
}
