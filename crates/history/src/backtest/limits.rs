// SPDX-License-Identifier: Apache-2.0
//! Every bound of a backtest, each with a name.

use std::time::Duration;

/// Most rules that one is about.
pub const RULES: usize = 1000;
/// Most versions of the policy in one period.
pub const VERSIONS: usize = 64;
/// Bytes that a request may have.
pub const ASK_BYTES: usize = 20 << 20;
/// Entities that are told apart, of one rule and one field: of more, the newcomers are only counted together.
pub const ENTITIES: usize = 100_000;
/// Entities that a report names, of one rule and one field.
pub const TOP: usize = 10;
/// Hits that are kept to choose examples from, of one rule: those whose numbers hash lowest, so that they are spread over
/// the period and the same each time.
pub const SAMPLE: usize = 64;
/// Examples of one rule in a report.
pub const EXAMPLES: usize = 8;
/// Fields of an example.
pub const EXAMPLE_FIELDS: usize = 8;
/// Other rules that a report names beside one.
pub const OVERLAPS: usize = 10;
/// Most rules of the past that are told apart.
pub const OTHERS: usize = 4096;
/// Hours that a series tells apart; of a longer period it has days.
pub const HOURS: i64 = 24 * 400;
/// Points of a series in a report.
pub const POINTS: usize = 120;
/// What counters may hold while the past is counted anew, unless it says otherwise.
pub const REPLAY_BYTES: usize = 2 << 30;
/// Events that a replay may be asked about: their verdicts are held, at a byte each.
pub const REPLAY_SEQS: u64 = 4 << 30;
/// Results kept.
pub const KEPT: usize = 200;
/// For how long.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);
/// Bytes of a result.
pub const RESULT_BYTES: u64 = 64 << 20;
/// Backtests that wait for their turn in a server.
pub const WAITING: usize = 16;
