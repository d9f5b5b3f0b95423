// SPDX-License-Identifier: Apache-2.0
//! Ordered, durable records: a directory of segment files, one writer, many readers.
//!
//! The journal is the truth; everything else in Wardroom is a fold over it. This crate keeps payloads in order, bit
//! for bit, and says honestly which of them survive a crash. **It does not know who reads it**: a payload is opaque
//! bytes with a `kind: u8`, and what a kind means, or whether to skip it, is the reader's business.
//!
//! The writer's day, in order:
//!
//! ```
//! use wardroom_journal::{Durability, Journal, Options, Reader, frame_bytes};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let tmp = tempfile::tempdir()?;
//! # let dir = tmp.path().join("journal");
//! let (mut writer, recovery) = Journal::open(&dir, Options { segment_bytes: 1 << 20, ..Options::default() })?;
//! assert_eq!(recovery.last_seq, 0);
//! writer.reserve(frame_bytes(5))?; // a full disk is found here, before anything has a number
//! let at = writer.append(1, b"hello")?; // buffered; the record has its number
//! writer.commit(Durability::Sync)?; // one write, one fdatasync; answer after this
//!
//! let mut reader = Reader::open(&dir)?.from(at.seq)?;
//! assert_eq!(reader.next_frame()?.unwrap().payload, b"hello");
//! # Ok(()) }
//! ```
//!
//! Promises, each with a test that can fail: what a `Sync` commit acknowledged is there after any crash; what is
//! there after a crash is a prefix of what was appended; damage to acknowledged records is refused by place and
//! never cut away silently; a sealed segment whose payloads become others ([`Lookup::rewrite`]) is the old one or the new,
//! and no record of it loses its number. The bytes are described in `docs/src/journal-format.md`.
//!
//! Left out on purpose: compression (payloads are the caller's), deciding what retention may remove (it knows what was
//! exported; this crate does not), repairing anything unasked, and memory maps (they need `unsafe` and turn disk errors
//! into signals).
// Tests read back whole files that they wrote themselves.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::disallowed_methods))]

mod writer;

mod reader;

mod lookup;

mod extent;

mod recover;

mod check;

mod repair;

mod rewrite;

mod segment;

mod tail;

mod cursor;

mod format;

mod seal;

mod disk;

mod error;

pub mod limits;

#[cfg(any(test, feature = "sim"))]
mod sim;

#[cfg(test)]
mod tests;

pub use check::{Checked, Fault, Remedy, check};
pub use disk::{Access, Disk, DiskFile, FsDisk, Lock, LockGuard};
pub use error::{Damage, JournalError};
pub use extent::{Extent, segment_name, segment_of, segments};
pub use format::{FLAG_FILLER, FLAG_PROLOGUE, Frame, FrameBuf, LOST, Position, frame_bytes};
pub use lookup::{Counters, Lookup, Sealed};
pub use reader::Reader;
pub use recover::{Journal, Options, Recovery};
pub use repair::{DAMAGED, Repair, repair};
pub use rewrite::{Fate, Rewritten};
pub use seal::{FileKey, Key, KeyId, Keyring, SEAL_HEAD_BYTES, Seal, SealError, SealHead, TAG_BYTES};
#[cfg(any(test, feature = "sim"))]
pub use sim::{Faults, SimDisk, SimRng};
pub use tail::Torn;
pub use writer::{Durability, Removed, Writer};
