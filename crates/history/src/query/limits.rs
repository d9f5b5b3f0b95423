// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a query may take, each with a name.

use std::time::Duration;

/// Most rows of an answer.
pub const ROWS: usize = 1_000_000;
/// Rows of an answer where nobody says how many.
pub const ROWS_USUAL: usize = 1_000;
/// Most groups that are held at once. Beyond, a query is refused: what is greatest among groups is only known from all.
pub const GROUPS: usize = 5_000_000;
/// Most memory that groups and rows of one query take, in bytes, over all threads.
pub const MEMORY: usize = 512 * 1024 * 1024;
/// Up to so many different values `distinct` is exact. Beyond, half of them are kept and stand for all, and so on.
pub const DISTINCT_EXACT: usize = 65_536;
/// How far an estimate of `distinct` is off in 95 of 100 answers, as a share: twice the spread where the fewest are kept.
pub const DISTINCT_ERROR: f64 = 0.0113;
/// Up to so many values quantiles are exact. Beyond, they are counted in buckets.
pub const QUANTILE_EXACT: usize = 1_024;
/// How far a quantile is off beyond that at most, as a share of itself: half of a bucket's width.
pub const QUANTILE_ERROR: f64 = 1.0 / 128.0;
/// Most rows that are filled in where nothing happened, so that a time series has all its steps.
pub const FILLED: usize = 100_000;
/// Threads of one query at most.
pub const THREADS: usize = 64;
/// How long a query may take where nobody says.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest that anybody may allow one to take.
pub const TIMEOUT_MOST: Duration = Duration::from_secs(600);
