// SPDX-License-Identifier: Apache-2.0
//! Three bands, placed for a stated share of false positives.

/// Where an example falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// Nothing speaks for abuse, or not enough.
    Inbox,
    /// Neither.
    Doubt,
    /// Abuse.
    Spam,
}

impl Band {
    /// The name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Doubt => "doubt",
            Self::Spam => "spam",
        }
    }
}

/// The lines between bands, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bands {
    /// At and above: no longer plainly good.
    pub doubt: f64,
    /// At and above: abuse.
    pub spam: f64,
}

/// Where lines are before anything was measured: even odds is doubt, twenty to one is abuse.
impl Default for Bands {
    fn default() -> Self {
        Self { doubt: 0.0, spam: 3.0 }
    }
}

/// How many false positives there may be, as shares of all that is good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Good ones in the band of abuse.
    pub spam: f64,
    /// Good ones in doubt or above.
    pub doubt: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { spam: 0.001, doubt: 0.01 }
    }
}

impl Bands {
    /// The band of log-odds.
    pub fn of(self, nats: f64) -> Band {
        if nats >= self.spam {
            Band::Spam
        } else if nats >= self.doubt {
            Band::Doubt
        } else {
            Band::Inbox
        }
    }

    /// Places the lines: on examples that were not learned, no more good ones lie above than the budget has. Nothing where
    /// there are none to go by.
    pub fn place(held_out: &[(f64, bool)], budget: Budget) -> Option<Self> {
        let mut good: Vec<f64> = held_out.iter().filter(|(_, abuse)| !abuse).map(|(nats, _)| *nats).collect();
        good.sort_by(|a, b| b.total_cmp(a));
        let spam = line(&good, budget.spam)?;
        let doubt = line(&good, budget.doubt.max(budget.spam))?;
        Some(Self { doubt: doubt.min(spam), spam })
    }
}

/// The lowest line that leaves no more than a share of these at or above it; they come highest first.
fn line(good: &[f64], share: f64) -> Option<f64> {
    let above = (good.len() as f64 * share.clamp(0.0, 1.0)) as usize;
    // Just above the first that must stay below: what is at the line is in the band.
    good.get(above).map(|nats| nats.next_up())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_budget_is_kept(scores in prop::collection::vec((-50i32..50, any::<bool>()), 1..300), share in 0.0f64..0.2) {
            let scored: Vec<(f64, bool)> = scores.iter().map(|&(nats, abuse)| (f64::from(nats) / 5.0, abuse)).collect();
            let good: Vec<f64> = scored.iter().filter(|(_, abuse)| !abuse).map(|(nats, _)| *nats).collect();
            let budget = Budget { spam: share, doubt: 0.2 };
            let Some(bands) = Bands::place(&scored, budget) else {
                prop_assert!(good.is_empty());
                return Ok(());
            };
            let above = |line: f64| good.iter().filter(|&&nats| nats >= line).count() as f64;
            prop_assert!(above(bands.spam) <= share * good.len() as f64);
            prop_assert!(above(bands.doubt) <= 0.2 * good.len() as f64);
            prop_assert!(bands.doubt <= bands.spam);
            // And no lower line would keep it.
            let next = good.iter().copied().filter(|&nats| nats < bands.spam).fold(f64::MIN, f64::max);
            prop_assert!(next == f64::MIN || above(next) > share * good.len() as f64);
        }
    }

    #[test]
    fn lines_are_in_order() {
        let bands = Bands { doubt: 0.0, spam: 2.0 };
        assert_eq!(
            [-1.0, 0.0, 1.9, 2.0].map(|nats| bands.of(nats)),
            [Band::Inbox, Band::Doubt, Band::Doubt, Band::Spam]
        );
        assert_eq!(Bands::place(&[], Budget::default()), None);
    }
}
