// SPDX-License-Identifier: Apache-2.0
//! Every bound of the journal, by name. A reader trusts no length beyond these, so hostile bytes cannot make it allocate.

/// Largest payload of one frame, in bytes.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// Largest total of encoded prologue frames at the head of a segment, in bytes.
pub const MAX_PROLOGUE_BYTES: u64 = 16 << 20;

/// Size to which a segment is preallocated unless the options say otherwise, in bytes.
pub const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;

/// Smallest segment the options may ask for, in bytes.
pub const MIN_SEGMENT_BYTES: u64 = 4 << 10;

/// Largest segment, in bytes; one batch never spans segments, so this also bounds a batch.
pub const MAX_SEGMENT_BYTES: u64 = 1 << 30;

/// How many frames may be written without a sync before an `Interval` commit syncs all the same.
pub const MAX_UNSYNCED_FRAMES: u64 = 1 << 20;

/// One frame in this many has its offset kept in memory for random access.
pub const INDEX_EVERY: u64 = 512;

/// Largest segment header a reader accepts from a newer minor version, in bytes.
pub const MAX_HEADER_BYTES: u32 = 4096;

/// Read buffer of a streaming reader, in bytes; it grows to one frame of [`MAX_PAYLOAD`] when it must, and no further.
pub const READ_BUFFER: usize = 256 << 10;
