// SPDX-License-Identifier: Apache-2.0
//! Every bound of this crate, in one place.

use std::time::Duration;

/// Most rows of a batch that is made from records of the journal.
pub const BATCH_ROWS: usize = 8192;
/// Rows of a batch read from a file.
pub const READ_ROWS: usize = 32_768;
/// Rows of a row group: what a scan can pass over as a whole. Fewer make look-ups cheaper and files larger.
pub const ROW_GROUP_ROWS: usize = 65_536;
/// Rows up to which files of one partition are joined into one: what is sorted in memory at once.
pub const JOINED_ROWS: u64 = 262_144;
/// Files of one partition that are small enough to be joined, from which on they are.
pub const JOIN_FROM: usize = 8;
/// Most bytes that the newest records may take in memory, decoded; beyond it they are read from the journal by each scan.
pub const NEWEST_BYTES: usize = 256 << 20;
/// Most layouts of one event type that are told apart; a policy that adds fields day by day stays far below it.
pub const LAYOUTS: usize = 4096;
/// Most opinions that are held in memory to tell what was known of events: with who said it and of whom about 200 bytes each.
pub const OPINIONS: usize = 4_000_000;
/// Records of which what they say is read at a time.
pub const HEARD_RECORDS: u64 = 1 << 20;
/// Delays of labels that are looked at.
pub const DELAYS: usize = 1 << 20;
/// Records before those that are gathered at which it is looked for the decision that a change follows from: a decision has
/// fewer changes than that.
pub const BEFORE: u64 = 256;
/// Level of zstd: higher ones gain less than a tenth and take several times as long.
pub const ZSTD_LEVEL: i32 = 3;
/// Share of false positives of the filters that tell which row groups may hold a value.
pub const FILTER_FALSE: f64 = 0.02;
/// Rows of an export that are held in memory before they are written.
pub const EXPORT_ROWS: usize = 262_144;
/// Seconds after which a file that was replaced is removed: a scan that began before may still be about to open it.
pub const LEAVING_SECS: i64 = 900;
/// Most bytes of a manifest that are read: a million files, about.
pub const MANIFEST_BYTES: u64 = 256 << 20;
/// Stretches of records that are lost to the files and told apart.
pub const GAPS: usize = 64;
/// Faults of files that are named.
pub const FAULTS: usize = 100;
/// How long the keeper of the files rests where no segment has been sealed.
pub const KEEPER_PAUSE: Duration = Duration::from_secs(5);
/// How long it rests after a failure.
pub const KEEPER_AGAIN: Duration = Duration::from_secs(60);
