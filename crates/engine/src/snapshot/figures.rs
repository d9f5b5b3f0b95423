// SPDX-License-Identifier: Apache-2.0
//! Figures about snapshots: counted by the sequencer, read by whoever asks.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

/// Figures about snapshots, since the engine was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotStatus {
    /// How many were made.
    pub made: u64,
    /// How many could not be.
    pub failures: u64,
    /// Whether one is under way.
    pub under_way: bool,
    /// The record after which a restart would begin to fold; 0 where it would fold the whole journal.
    pub seq: u64,
    /// When the newest event before that arrived, in UTC microseconds; 0 where there is no snapshot.
    pub time: i64,
    /// Bytes of the last one.
    pub bytes: u64,
    /// Whether that one was whole.
    pub whole: bool,
    /// How long it took, from its first piece until it was durable, in microseconds.
    pub micros: u64,
    /// Pieces it was taken in.
    pub pieces: u64,
    /// The longest that a piece took of the sequencer's time, of all there were, in microseconds.
    pub longest_piece_micros: u64,
    /// Segments of the journal that retention has removed, and their bytes.
    pub segments_removed: u64,
    /// Bytes of those.
    pub bytes_removed: u64,
}

/// The figures, as they are counted.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(super) made: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) under_way: AtomicBool,
    pub(super) seq: AtomicU64,
    pub(super) time: AtomicI64,
    pub(super) bytes: AtomicU64,
    pub(super) whole: AtomicBool,
    pub(super) micros: AtomicU64,
    pub(super) pieces: AtomicU64,
    pub(super) longest: AtomicU64,
    segments_removed: AtomicU64,
    bytes_removed: AtomicU64,
}

impl Figures {
    pub(crate) fn status(&self) -> SnapshotStatus {
        SnapshotStatus {
            made: self.made.load(Relaxed),
            failures: self.failures.load(Relaxed),
            under_way: self.under_way.load(Relaxed),
            seq: self.seq.load(Relaxed),
            time: self.time.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            whole: self.whole.load(Relaxed),
            micros: self.micros.load(Relaxed),
            pieces: self.pieces.load(Relaxed),
            longest_piece_micros: self.longest.load(Relaxed),
            segments_removed: self.segments_removed.load(Relaxed),
            bytes_removed: self.bytes_removed.load(Relaxed),
        }
    }

    pub(crate) fn removed(&self, segments: u64, bytes: u64) {
        self.segments_removed.fetch_add(segments, Relaxed);
        self.bytes_removed.fetch_add(bytes, Relaxed);
    }
}
