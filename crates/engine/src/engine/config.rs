// SPDX-License-Identifier: Apache-2.0
//! How an engine is opened: where its data lies, when events are answered, what is kept.

use crate::limits;
use crate::snapshot::{Every, Retention};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use wardroom_journal::Keyring;

/// When an event is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it would survive a power cut.
    Sync,
    /// When it would survive the death of the process; a power cut may lose what came in the last interval.
    Interval(Duration),
}

impl From<Durability> for wardroom_journal::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Sync => wardroom_journal::Durability::Sync,
            Durability::Interval(_) => wardroom_journal::Durability::Interval,
        }
    }
}

/// How an engine is opened.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory; made if it is not there.
    pub data: PathBuf,
    /// When events are answered.
    pub durability: Durability,
    /// Size of the journal's segments, in bytes.
    pub segment_bytes: u64,
    /// What is written to disk is encrypted with these, and what is there is read with them.
    pub keys: Keyring,
    /// Most bytes that counters, labels, lists and event ids may take. Beyond them, counters forget the keys that were
    /// touched longest ago; labels and lists have a [share](crate::limits::MARKS_SHARE), beyond which none are made.
    pub memory_bytes: u64,
    /// When snapshots are made; never, where there is none.
    pub snapshot_every: Option<Every>,
    /// How much of the journal is kept.
    pub retention: Retention,
    /// Up to which record the past lies elsewhere too: nothing behind it goes from the journal, however old. Whoever keeps
    /// the past counts it on; without one nobody waits.
    pub exported: Option<Arc<AtomicU64>>,
    /// Whether what is left of a journal is taken for all of it, where its beginning is gone and no snapshot is good.
    pub rebuild: bool,
}

impl Config {
    /// [`Config::memory_bytes`], as a size.
    pub(crate) fn memory(&self) -> usize {
        usize::try_from(self.memory_bytes).unwrap_or(usize::MAX)
    }

    /// The defaults, in this data directory.
    pub fn new(data: impl Into<PathBuf>) -> Config {
        Config {
            data: data.into(),
            durability: Durability::Sync,
            segment_bytes: wardroom_journal::limits::DEFAULT_SEGMENT_BYTES,
            keys: Keyring::default(),
            memory_bytes: limits::MEMORY_BYTES,
            snapshot_every: Some(Every::default()),
            retention: Retention::default(),
            exported: None,
            rebuild: false,
        }
    }
}
