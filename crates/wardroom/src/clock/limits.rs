// SPDX-License-Identifier: Apache-2.0
//! Bounds of the clock, each with a name.

use wardroom_event::Span;

/// How far the clock may be set ahead and is followed at once: as far as what counts by it may be wrong for a while.
pub(super) const JUMP: Span = Span::from_secs(3600);
/// For how long a clock that jumped farther must stay so before it is followed: somebody means it.
pub(super) const PERSIST: Span = Span::from_secs(15 * 60);
/// For how long [`JUMP`] is the most that the clock may gain in all, in however many steps.
pub(super) const SETTLE: Span = Span::from_secs(15 * 60);
/// How far the clock may be past the newest record at a start without being asked for.
pub(super) const START_GAP: Span = Span::from_secs(35 * 86_400);
/// How often the clock is looked at where no event comes.
pub(super) const LOOK_SECS: u64 = 10;
