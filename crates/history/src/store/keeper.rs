// SPDX-License-Identifier: Apache-2.0
//! The thread of a server that turns sealed segments into files, beside everything else.

use crate::limits::{KEEPER_AGAIN, KEEPER_PAUSE};
use crate::{HistoryError, Past};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use wardroom_event::Micros;

/// Keeps the files up with the journal until it is stopped.
pub struct Keeper {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Begins. `now` tells the time.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        past: Arc<Past>,
        now: impl Fn() -> Micros + Send + 'static,
    ) -> Result<Keeper, std::io::Error> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = stop.clone();
        let work = move || {
            let mut pause = Duration::ZERO;
            while !waited(&seen, pause) {
                pause = match step(&past, now()) {
                    Ok(true) => Duration::ZERO,
                    Ok(false) => KEEPER_PAUSE,
                    Err(e) => {
                        past.store().count_failure();
                        tracing::error!("the past cannot be put into columns, and stays in the journal: {e}");
                        KEEPER_AGAIN
                    }
                };
            }
        };
        let thread = std::thread::Builder::new().name("history".to_owned()).spawn(work)?;
        Ok(Keeper { stop, thread })
    }

    /// Ends after what it is doing.
    pub fn stop(self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the thread that puts the past into columns failed");
        }
    }
}

/// Waits; gives whether it is to end.
fn waited(stop: &(Mutex<bool>, Condvar), pause: Duration) -> bool {
    let held = stop.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = stop.1.wait_timeout_while(held, pause, |stop| !*stop);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

/// One segment, or one join, or what is too old; gives whether there was any.
fn step(past: &Past, now: Micros) -> Result<bool, HistoryError> {
    if let Some(done) = past.store().export(past.journal(), false, now)? {
        tracing::debug!(to = done.to, files = done.files, bytes = done.bytes, "a segment lies in columns");
        return Ok(true);
    }
    if past.store().join(now)?.is_some() {
        return Ok(true);
    }
    let Some(keep) = past.keep() else { return Ok(false) };
    let before = now.0.saturating_sub(i64::try_from(keep.as_micros()).unwrap_or(i64::MAX));
    let gone = past.store().expire(Micros(before), now)?;
    if gone > 0 {
        tracing::info!(files = gone, "files of the past are older than they are kept");
    }
    Ok(gone > 0)
}
