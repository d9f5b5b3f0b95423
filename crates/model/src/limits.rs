// SPDX-License-Identifier: Apache-2.0
//! Every bound of a model, in one place.

/// Most views of an ensemble.
pub const VIEWS: usize = 16;
/// Most tokens of one view of an example; what comes after is left out. A view of byte n-grams has 3,500.
pub const TOKENS: usize = 8_192;
/// Most bits of a table's index: 2^22 weights of four bytes are 16 MB.
pub const TABLE_BITS: u32 = 22;
/// Fewest bits of a table's index.
pub const TABLE_BITS_LEAST: u32 = 8;
/// How far one view can speak for or against, in nats. No view decides alone what all the others deny.
pub const VIEW_NATS: f64 = 12.0;
/// Folds of cross-validation.
pub const FOLDS: u8 = 5;
/// Most terms of an explanation.
pub const TERMS: usize = 64;
/// Most bytes of one token's words that are kept for an explanation.
pub const WORD_BYTES: usize = 80;
/// Resamplings of a bootstrap.
pub const RESAMPLES: usize = 1_000;
/// Examples whose scores before they were learned are kept, to fit fusion and bands to.
pub const PROGRESS: usize = 4_096;
/// Fewest examples that fusion and bands are fitted to.
pub const PROGRESS_FIRST: u64 = 64;
/// How many examples lie between two fits, once there are enough.
pub const PROGRESS_PACE: u64 = 512;
/// Most passes over the examples in training.
pub const PASSES: usize = 64;
/// Bytes of a sketch.
pub const SKETCH: usize = 64;
/// Most words of one user that are kept: 80 bytes each.
pub const PERSONAL_WORDS: usize = 256;
/// Most clusters of reported examples that are told apart in a period.
pub const GUARD_CLUSTERS: usize = 4_096;
/// Most reporters that are counted in a period, and most cohorts that are counted of a cluster.
pub const GUARD_KEYS: usize = 100_000;
/// Most reports of one cluster that wait.
pub const GUARD_WAITING: usize = 1_000;
