// SPDX-License-Identifier: Apache-2.0
//! Every bound on what state may grow to, each with a name.

use wardroom_event::Span;

/// Shortest window of a counter.
pub const WINDOW_MIN: Span = Span::from_secs(1);
/// Longest window of a counter.
pub const WINDOW_MAX: Span = Span::from_secs(400 * 86_400);
/// Into how many tiles a window is cut; one of them is the worst error of a reading.
pub const TILES: i64 = 60;
/// Most windows that share a table.
pub const SHARED_WINDOWS: usize = 8;
/// How many times as long as those of the shortest the tiles of the longest window may be that shares its table: two
/// tiles of a key are then never too far apart for 16 bits, and so for a small cell.
pub const SHARED_RATIO: i64 = 1024;
/// At how many further keys a table of several windows looks with each sighting, to join what only the longer see.
pub const SETTLE_STEP: usize = 4;
/// Up to how many distinct items under one key are counted exactly. Above, a reading is an estimate with a relative
/// standard error of one over the root of this: 1.6 %.
pub const DISTINCT_EXACT: usize = 4096;
/// Longest text that a `last` holds, in bytes; in place of a longer one it holds that it is unknown.
pub const HELD_BYTES: usize = 256;
/// Most buckets of one tile of a `quantile`: enough for amounts that differ by a factor of 250. Of more, those of the
/// smallest magnitudes fall together.
pub const QUANTILE_BUCKETS: usize = 512;
/// The tiles of a `baseline`.
pub const HOUR: Span = Span::from_secs(3600);
/// How far apart a `baseline` looks, and the shortest that it looks over.
pub const WEEK: Span = Span::from_secs(7 * 86_400);
/// The radius of the sphere on which a `speed` is measured: the mean radius of WGS 84 (IUGG 1980), in kilometres.
pub const EARTH_KM: f64 = 6371.0088;
/// A way is never travelled in less than this when its `speed` is reckoned.
pub const SPEED_OVER: Span = Span::from_secs(1);
/// Most keys of one table, unless configured.
pub const KEYS_PER_TABLE: usize = 16 << 20;
/// Most entries of one list, unless configured.
pub const LIST_ENTRIES: usize = 16 << 20;
/// From how many labels, or entries of a list, on they are kept in several maps: up to here one of them is moved in a moment.
pub const SHARDED_FROM: usize = 4096;
/// In how many: of 16 million, each has 16 thousand.
pub const SHARDS: usize = 1024;
/// At how many places of these maps a piece of a snapshot looks.
pub const SHOWN_PLACES: usize = 1024;
/// Most labels of a domain that are looked at from its end: DNS allows no more than 127.
pub const DOMAIN_LABELS: usize = 127;
/// Most patterns of one list.
pub const PATTERNS: usize = 1024;
/// Longest pattern, in bytes.
pub const PATTERN_BYTES: usize = 1024;
/// What the patterns of one list may need once compiled, in bytes.
pub const PATTERN_SET_BYTES: usize = 4 << 20;
/// Most labels on entities. At about 70 bytes each.
pub const LABELS: usize = 16 << 20;
/// Most names of labels.
pub const LABEL_NAMES: usize = 4096;
/// Longest name of a label, in bytes.
pub const LABEL_BYTES: usize = 128;

/// The bounds an installation may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most keys of one table, see [`KEYS_PER_TABLE`]; at least 2. At about 30 to 60 bytes a key before tiles. No table
    /// forgets by itself: see [`Stats::over_cap`](crate::Stats::over_cap).
    pub keys_per_table: usize,
    /// Up to how many distinct items are counted exactly, see [`DISTINCT_EXACT`]; at least 16.
    pub distinct_exact: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { keys_per_table: KEYS_PER_TABLE, distinct_exact: DISTINCT_EXACT }
    }
}
