// SPDX-License-Identifier: Apache-2.0
//! The answers there are, weakest first.

use std::fmt;

/// What is answered for an event. The order is the strength: of several, the strongest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// Let it pass.
    Allow = 0,
    /// Let it pass, slower or less of it.
    Limit = 1,
    /// Ask for a proof first.
    Challenge = 2,
    /// Hold it for a person.
    Review = 3,
    /// Refuse it.
    Block = 4,
}

impl Verdict {
    /// Every verdict, weakest first.
    pub const ALL: [Verdict; 5] =
        [Verdict::Allow, Verdict::Limit, Verdict::Challenge, Verdict::Review, Verdict::Block];

    /// Its name in policy, API and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Limit => "limit",
            Verdict::Challenge => "challenge",
            Verdict::Review => "review",
            Verdict::Block => "block",
        }
    }

    /// The verdict of that name.
    pub fn named(name: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|v| v.name() == name)
    }

    /// The verdict with this rank, 0 for `allow`.
    pub fn ranked(rank: u8) -> Option<Verdict> {
        Verdict::ALL.get(usize::from(rank)).copied()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
