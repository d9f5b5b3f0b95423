// SPDX-License-Identifier: Apache-2.0
//! Ending a statement from another connection: who knows a connection's number and secret may.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Whether the statement under way is to be ended.
#[derive(Debug, Default)]
pub(super) struct Cancel {
    asked: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// Forgets what was asked before: it was about another statement.
    pub(super) fn clear(&self) {
        self.asked.store(false, SeqCst);
    }

    /// Returns when the statement is to be ended.
    pub(super) async fn asked(&self) {
        loop {
            let notified = self.notify.notified();
            if self.asked.load(SeqCst) {
                return;
            }
            notified.await;
        }
    }

    fn ask(&self) {
        self.asked.store(true, SeqCst);
        self.notify.notify_waiters();
    }
}

/// All connections by number. As many as there may be connections.
#[derive(Debug, Default)]
pub(super) struct Register(Mutex<HashMap<i32, (i32, Arc<Cancel>)>>);

/// A connection's place, given back when it is dropped.
pub(super) struct Place<'a> {
    register: &'a Register,
    pub(super) pid: i32,
    pub(super) secret: i32,
    pub(super) cancel: Arc<Cancel>,
}

impl Register {
    /// A place under a number that nobody has. `random` gives numbers; none where the system has none.
    pub(super) fn enter(&self, mut random: impl FnMut() -> Option<i32>) -> Option<Place<'_>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = random()?;
        let pid = loop {
            let pid = random()? & i32::MAX;
            if !held.contains_key(&pid) {
                break pid;
            }
        };
        let cancel = Arc::new(Cancel::default());
        held.insert(pid, (secret, cancel.clone()));
        Some(Place { register: self, pid, secret, cancel })
    }

    /// Ends the statement of the connection of this number, for who knows its secret.
    pub(super) fn cancel(&self, pid: i32, secret: i32) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, cancel)) = held.get(&pid)
            && *known == secret
        {
            cancel.ask();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.register.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.pid);
    }
}
