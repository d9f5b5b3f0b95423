// SPDX-License-Identifier: Apache-2.0
//! When a campaign is contained, and what it got until then.
//!
//! A campaign is contained from its first member on that is stopped, and after which at least 95 % of the next 20 and of all
//! that follow are stopped too. That far enough of it must be left to say so: a tenth of it, and no fewer than five. The next
//! 20 are asked for so that a lucky stop before a hundred that pass is no containment from the start.

/// Share of members that must be stopped.
const SHARE: f64 = 0.95;
/// How many members after the first must show it as well.
const NEXT: usize = 20;
/// A campaign of which fewer are left is not said to be contained.
const LEAST: usize = 5;

/// How a campaign went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// The member from which on it is contained; `None` where it never is.
    pub from: Option<usize>,
    /// Members that passed before; all that passed where it is never contained.
    pub before: usize,
    /// Members that passed in all.
    pub passed: usize,
}

impl Course {
    /// Contained before so many had passed.
    pub fn is_before(&self, most: usize) -> bool {
        self.from.is_some() && self.before < most
    }
}

/// The course of a campaign whose members, in order of time, were stopped or not.
pub fn containment(stopped: &[bool]) -> Course {
    let least = LEAST.max(stopped.len() / 10);
    // For each place, how many from it on are stopped.
    let mut after = vec![0usize; stopped.len() + 1];
    for (at, stop) in stopped.iter().enumerate().rev() {
        after[at] = after[at + 1] + usize::from(*stop);
    }
    let enough = |at: usize, to: usize| (after[at] - after[to]) as f64 >= SHARE * (to - at) as f64;
    let end = stopped.len();
    let is_from =
        |at: &usize| stopped[*at] && end - at >= least && enough(*at, end) && enough(*at, end.min(at + NEXT));
    let from = (0..end).find(is_from);
    let passed = end - after[0];
    let before = from.map_or(passed, |at| at - (after[0] - after[at]));
    Course { from, before, passed }
}
