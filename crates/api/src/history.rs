// SPDX-License-Identifier: Apache-2.0
//! What there is of the past: tables, columns, how much of it lies in files.

use crate::api::{Api, json_of};
use crate::keys::Role;
use crate::problem::{INTERNAL, NO_ROUTE, Problem, ProblemBody};
use axum::extract::{Request, State};
use axum::response::Response;
use utoipa::ToSchema;

/// What there is of the past.
#[derive(ToSchema)]
#[schema(as = History)]
#[allow(dead_code, reason = "describes what the history's own summary is written as")]
pub(crate) struct HistoryBody {
    /// Up to which record everything lies in files.
    exported: u64,
    /// The last record that there is.
    newest: u64,
    /// When the newest event arrived, in RFC 3339.
    newest_received: Option<String>,
    /// How many files there are.
    files: u64,
    /// Those of them that are encrypted.
    encrypted_files: u64,
    /// Bytes of all files.
    bytes: u64,
    /// Records that no file holds, for they had left the journal before: the first and the last of each stretch.
    gaps: Vec<Vec<u64>>,
    /// Values that were read as missing since the start, for their columns have another type now.
    lost_values: u64,
    /// How often files could not be written since the start.
    failures: u64,
    /// The tables, by name.
    tables: Vec<TableBody>,
}

/// A table, and what of it lies in files.
#[derive(ToSchema)]
#[schema(as = HistoryTable)]
#[allow(dead_code, reason = "as above")]
pub(crate) struct TableBody {
    /// Its name: an event type's, or `labels`, `lists`, `policies`.
    name: String,
    /// Rows.
    rows: u64,
    /// Bytes.
    bytes: u64,
    /// Files.
    files: u64,
    /// Bytes of a row.
    bytes_per_row: Option<f64>,
    /// The time of the first of them, in RFC 3339.
    first: Option<String>,
    /// The time of the last.
    last: Option<String>,
    /// Its columns.
    columns: Vec<ColumnBody>,
}

/// A column of a table.
#[derive(ToSchema)]
#[schema(as = HistoryColumn)]
#[allow(dead_code, reason = "as above")]
pub(crate) struct ColumnBody {
    /// Its name.
    name: String,
    /// Its type, as policy writes it.
    r#type: String,
    /// What it holds: `meta`, `field`, `fact` or `served`.
    role: String,
}

/// Look at what there is of the past
///
/// Which tables can be asked with `POST /v1/query`, their columns, and how much of them lies in files; what does not yet is
/// read from the journal.
#[utoipa::path(
    get, path = "/v1/history", tag = "past", security(("key" = ["read"])),
    responses((status = 200, description = "What there is", body = HistoryBody),
        (status = 500, description = "It cannot be read", body = ProblemBody, content_type = "application/problem+json"))
)]
pub(crate) async fn show(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    api.admit(request.headers(), Role::Read)?;
    let Some(past) = api.options().history.clone() else {
        return Err(Problem::new(NO_ROUTE, "this server keeps no past to be asked"));
    };
    let summary = tokio::task::spawn_blocking(move || past.summary()).await;
    match summary {
        Ok(Ok(summary)) => json_of(&summary),
        Ok(Err(e)) => {
            tracing::error!("the past cannot be read: {e}");
            Err(Problem::new(INTERNAL, "the past cannot be read; the log says why"))
        }
        Err(_) => Err(Problem::new(INTERNAL, "a fault of the server")),
    }
}
