// SPDX-License-Identifier: Apache-2.0
//! What happened to one account, from the past: event type by event type, the newest first, and never more than is shown.

use crate::api::Api;
use crate::limits;
use crate::problem::{BUSY, NO_HISTORY, Problem, QUESTION_TOO_LONG};
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use wardroom_event::{Field, Micros, Type, Value};
use wardroom_history::{Column, HistoryError, Past, PastRow, Role, Scan, rows};

/// The field that names whose account it is.
const ACCOUNT: &str = "account";

/// An event of the account.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its type.
    pub(crate) event_type: Box<str>,
    /// The fields that `row` has values for.
    pub(crate) fields: Arc<[Field]>,
    /// The event.
    pub(crate) row: PastRow,
}

/// What is wanted of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Which fields, where an event type has them; all of them where it does not say.
    pub(crate) fields: Option<&'static [&'static str]>,
    /// Until when, without it.
    pub(crate) to: Option<Micros>,
    /// How many events at most.
    pub(crate) most: usize,
}

/// The newest events of an account, of these types or of every type that names one. One of few questions about the past that are
/// answered at a time.
pub(crate) async fn of_account(
    api: &Api,
    account: Value,
    kinds: Option<&'static [&'static str]>,
    wanted: Wanted,
) -> Result<Vec<Seen>, Problem> {
    let none = || Problem::new(NO_HISTORY, "this server keeps no history that can be asked");
    let past = api.options().history.clone().ok_or_else(none)?;
    let permit = api.asking().try_acquire_owned().map_err(|_| {
        Problem::new(BUSY, format!("{} questions are being answered already", limits::QUESTIONS))
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    let accounts = same_account(api, account);
    let (from, stopping) = (api.now().minus(limits::LOG_SPAN), stop.clone());
    let mut work = tokio::task::spawn_blocking(move || {
        let found = find(&past, &accounts, kinds, (Some(from), wanted), &stopping);
        drop(permit);
        found
    });
    let Ok(done) = tokio::time::timeout(limits::LOG_TIMEOUT, &mut work).await else {
        stop.store(true, Relaxed);
        let _ = work.await;
        return Err(Problem::new(QUESTION_TOO_LONG, "the past of this account took too long to read"));
    };
    let done = done.map_err(|e| Problem::ours("look for an account's past", &e))?;
    done.map_err(|e| Problem::ours("look for an account's past", &e))
}

/// The account as events hold it: hashed under each key that was in use, and last as it came.
fn same_account(api: &Api, account: Value) -> Vec<Value> {
    let mut all = api.engine().keyer().hash_keys().all(Type::Account, &account);
    all.push(account);
    all
}

fn find(
    past: &Past,
    accounts: &[Value],
    kinds: Option<&[&str]>,
    (from, wanted): (Option<Micros>, Wanted),
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Seen>, HistoryError> {
    let tables = past.tables()?;
    let mut found = Vec::new();
    for table in tables {
        if kinds.is_some_and(|kinds| !kinds.contains(&&*table.name)) {
            continue;
        }
        let all = &table.columns;
        let is_account =
            |c: &&Column| c.role == Role::Field && *c.field.name == *ACCOUNT && c.field.kind == Type::Account;
        let Some(account) = all.iter().find(is_account).cloned() else { continue };
        let chosen = |c: &&Column| {
            let named = wanted.fields.is_none_or(|names| names.contains(&&*c.field.name));
            matches!(c.role, Role::Field | Role::Fact) && !c.is(&account) && named
        };
        let mut columns: Vec<Column> = all.iter().filter(|c| c.role == Role::Meta).cloned().collect();
        columns.push(account.clone());
        columns.extend(all.iter().filter(chosen).cloned());
        // Where hashes are kept it is one of several; where not, files that do not have it are passed over.
        let accounts = if account.field.hashed { accounts } else { &accounts[accounts.len() - 1..] };
        let equal = match accounts {
            [one] => vec![(account.name.clone(), one.clone())],
            _ => Vec::new(),
        };
        let scan = Scan {
            columns: Some(columns.iter().map(|c| c.name.clone()).collect()),
            from,
            to: wanted.to,
            equal,
            stop: stop.clone(),
            ..Scan::of(&table.name)
        };
        let fields: Arc<[Field]> =
            columns.iter().filter(|c| c.role != Role::Meta).map(|c| c.field.clone()).collect();
        for part in past.scan(&scan)? {
            for batch in part.read() {
                let theirs = rows(&columns, &batch?)?.into_iter();
                // The account is the first of the values.
                let theirs = theirs.filter(|row| row.values.first().is_some_and(|of| accounts.contains(of)));
                found.extend(theirs.map(|row| Seen {
                    event_type: table.name.clone(),
                    fields: fields.clone(),
                    row,
                }));
                if found.len() > 2 * wanted.most {
                    newest(&mut found, wanted.most);
                }
            }
        }
    }
    newest(&mut found, wanted.most);
    Ok(found)
}

/// The newest of them, in their order.
fn newest(found: &mut Vec<Seen>, most: usize) {
    found.sort_by_key(|it| Reverse((it.row.time, it.row.seq)));
    found.truncate(most);
}
