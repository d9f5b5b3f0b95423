// SPDX-License-Identifier: Apache-2.0
//! What all threads of one query share: how much memory they hold, how far they are, whether somebody stopped them.

use super::error::QueryError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// How far a query is. The numbers only grow.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows that have been read.
    pub rows: AtomicU64,
    /// Rows that there are to read at most, once that is known.
    pub of: AtomicU64,
}

/// Memory that may be held, and a flag that ends everything.
pub(super) struct Budget {
    held: AtomicUsize,
    most: usize,
    stop: Arc<AtomicBool>,
}

impl Budget {
    pub(super) fn new(most: usize, stop: Arc<AtomicBool>) -> Budget {
        Budget { held: AtomicUsize::new(0), most, stop }
    }

    /// Takes so many bytes more.
    pub(super) fn take(&self, bytes: usize) -> Result<(), QueryError> {
        let held = self.held.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if held > self.most { Err(QueryError::Memory) } else { Ok(()) }
    }

    /// Gives so many bytes back.
    pub(super) fn give(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Relaxed);
    }

    /// Whether to go on.
    pub(super) fn goes_on(&self) -> Result<(), QueryError> {
        if self.stop.load(Relaxed) { Err(QueryError::Stopped) } else { Ok(()) }
    }
}
