// SPDX-License-Identifier: Apache-2.0
//! Every bound on what state may grow to, each with a name.

use wardroom_event::Span;

/// Shortest window of a counter.
pub const WINDOW_MIN: Span = Span::from_secs(1);
/// Longest window of a counter.
pub const WINDOW_MAX: Span = Span::from_secs(400 * 86_400);
/// Into how many tiles a window is cut; one of them is the worst error of a reading.
pub const TILES: i64 = 60;
/// Up to how many distinct items under one key are counted exactly. Above, a reading is an estimate with a relative
/// standard error of one over the root of this: 1.6 %.
pub const DISTINCT_EXACT: usize = 4096;
/// Most keys of one table, unless configured.
pub const KEYS_PER_TABLE: usize = 16 << 20;
/// Most entries of one list, unless configured.
pub const LIST_ENTRIES: usize = 16 << 20;

/// The bounds an installation may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most keys of one table, see [`KEYS_PER_TABLE`]; at least 2. At about 25 to 60 bytes a key before tiles.
    pub keys_per_table: usize,
    /// Up to how many distinct items are counted exactly, see [`DISTINCT_EXACT`]; at least 16.
    pub distinct_exact: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { keys_per_table: KEYS_PER_TABLE, distinct_exact: DISTINCT_EXACT }
    }
}
