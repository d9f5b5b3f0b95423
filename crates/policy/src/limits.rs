// SPDX-License-Identifier: Apache-2.0
//! Every bound on what a policy can ask for, each with a name.

use wardroom_event::Span;

/// Longest source file, in bytes.
pub const FILE_BYTES: usize = 1024 * 1024;
/// Largest policy, in bytes over all its files.
pub const BUNDLE_BYTES: usize = 16 * 1024 * 1024;
/// Most files in one policy.
pub const FILES: usize = 1024;
/// Deepest nesting of an expression.
pub const DEPTH: usize = 64;
/// Most diagnostics reported for one policy; the rest would be noise.
pub const DIAGNOSTICS: usize = 200;
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
/// Up to how many items `distinct` counts exactly; a rule may not compare with more.
pub const DISTINCT_EXACT: i64 = 4096;
