// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a policy can ask for, each with a name.

use wardroom_event::Span;

/// Longest source file, in bytes.
pub const FILE_BYTES: usize = 1024 * 1024;
/// Largest policy, in bytes over all its files.
pub const BUNDLE_BYTES: usize = 16 * 1024 * 1024;
/// Most files in one policy.
pub const FILES: usize = 1024;
/// Deepest nesting of an expression: brackets within brackets, and operators, parts or calls in a row.
pub const DEPTH: usize = 64;
/// Most diagnostics reported for one policy; the rest would be noise.
pub const DIAGNOSTICS: usize = 200;
/// Longest sentence of a diagnostic, in characters: names in it can be as long as a file.
pub const MESSAGE_CHARS: usize = 400;
/// Most names compared, over one policy, to find those that were probably meant.
pub const SUGGESTIONS: usize = 20_000;
/// Most names listed in one message.
pub const LISTED: usize = 12;
/// Most fields of one event type.
pub const FIELDS: usize = 128;
/// Most event types.
pub const EVENT_TYPES: usize = 1024;
/// Most values in a key (`by=(…)`).
pub const KEY_PARTS: usize = 4;
/// Shortest window.
pub const WINDOW_LEAST: Span = Span::from_secs(1);
/// Longest window.
pub const WINDOW_MOST: Span = Span::from_secs(400 * 86_400);
/// Most events one `given` of a test may make.
pub const GIVEN: i64 = 10_000;
/// Up to how many items `distinct` counts exactly; beyond, it is an estimate.
pub const DISTINCT_EXACT: i64 = 4096;
/// Most rows of one decision table.
pub const TABLE_ROWS: usize = 100_000;
/// Most inputs of one decision table.
pub const TABLE_COLUMNS: usize = 16;
/// Longest cell of a table's file, in bytes.
pub const TABLE_CELL_BYTES: usize = 8 * 1024;
/// Most memory for what a table's ranges are looked up in, in bytes; past it a look-up tests more rows.
pub const TABLE_CLASS_BYTES: usize = 32 * 1024 * 1024;
/// Most comparisons of cells to find rows of a table that can never be reached.
pub const TABLE_COMPARISONS: usize = 4_000_000;
/// Most inputs of one model.
pub const MODEL_INPUTS: usize = 4096;
/// Longest regular expression, in bytes.
pub const PATTERN_BYTES: usize = 4096;
/// Most bytes a compiled regular expression takes.
pub const PATTERN_SIZE: usize = 1024 * 1024;
/// Deepest nesting of groups in a regular expression.
pub const PATTERN_DEPTH: u32 = 64;
/// Most values of an enum.
pub const ENUM_VALUES: usize = 256;
/// Most terms of one score.
pub const SCORE_TERMS: usize = 64;
/// Most effects of one rule.
pub const EFFECTS: usize = 8;
/// Longest name of a label, in bytes.
pub const LABEL_BYTES: usize = 64;
/// Shortest and longest stretch a baseline looks back.
pub const BASELINE: (Span, Span) = (Span::from_secs(7 * 86_400), Span::from_secs(364 * 86_400));
/// Most first steps a sequence may ask for.
pub const STEPS: i64 = 1_000;
/// What judging one event may cost where the policy sets no budget, in units of static cost: a millisecond.
pub const BUDGET: u64 = 1_000_000;
/// Fewest rules that share a guard for it to be worth looking up.
pub const GUARD_RULES: usize = 4;
/// Longest JSON form of a policy file, in bytes.
pub const JSON_BYTES: usize = 16 * FILE_BYTES;
/// Deepest nesting of a policy's JSON form: what an expression of [`DEPTH`] levels takes.
pub const JSON_DEPTH: usize = 4 * DEPTH + 16;
/// Most faults reported of a policy's JSON form.
pub const JSON_FAULTS: usize = 100;
/// Most parts that looking into one rule shows.
pub const TRACE_NODES: usize = 1000;
/// Deepest nesting of what looking into a rule shows.
pub const TRACE_DEPTH: usize = 48;
/// Most items of a list field that looking into a comprehension shows.
pub const TRACE_ITEMS: usize = 8;
/// Most changes named that would turn one rule.
pub const FLIPS: usize = 32;
/// Most rows of one table whose use by tests is kept.
pub const COVERED_ROWS: usize = 1000;
/// Longest text of a query, in bytes.
pub const QUERY_BYTES: usize = 64 * 1024;
/// Most keys a query groups by.
pub const QUERY_KEYS: usize = 8;
/// Most columns a query shows.
pub const QUERY_COLUMNS: usize = 64;
/// Most groups or rows that `top` asks for.
pub const QUERY_TOP: usize = 1_000_000;
/// Shortest step of a time series.
pub const QUERY_STEP_LEAST: Span = Span::from_secs(1);
/// Longest time a query's clauses can name: ten years.
pub const QUERY_LAST: Span = Span::from_secs(3660 * 86_400);
