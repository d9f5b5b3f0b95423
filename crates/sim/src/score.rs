// SPDX-License-Identifier: Apache-2.0
//! How a set of verdicts compares with the truth: caught, missed, wrongly stopped.
//!
//! The caller says what it did about each event; this file knows neither verdict names nor which of them stop.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::truth::Truth;

/// Campaigns counted one by one; later ones still count in the totals.
const CAMPAIGNS_MOST: usize = 1_024;

/// Counts of events and what was done about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Events scored.
    pub events: u64,
    /// Of these, how many were stopped.
    pub stopped: u64,
    /// Events by the rank of their strongest verdict, weakest first; ranks above 4 count as 4.
    pub by_rank: [u64; 5],
}

/// One campaign's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CampaignTally {
    /// The truth's short name: `farm.burst`, `stuffing.botnet`.
    pub kind: &'static str,
    /// Events scored.
    pub events: u64,
    /// Of these, how many were stopped.
    pub stopped: u64,
    /// Events that passed before the first was stopped; all of them while none is.
    pub passed_before_first_stop: u64,
}

/// The comparison, as it stands; serialises as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Abusive events stopped.
    pub caught: u64,
    /// Abusive events not stopped.
    pub missed: u64,
    /// Honest events stopped.
    pub wrongly_stopped: u64,
    /// Honest events not stopped.
    pub rightly_passed: u64,
    /// Stuffing attempts with the right password that were not stopped: accounts lost.
    pub takeovers: u64,
    /// Tallies by [`Truth::kind`].
    pub by_kind: BTreeMap<&'static str, Tally>,
    /// The first 1,024 campaigns seen, by number.
    pub campaigns: BTreeMap<u32, CampaignTally>,
}

impl Score {
    /// Counts one event: the truth, the rank of its strongest verdict (0 weakest), and whether it was stopped.
    pub fn add(&mut self, truth: &Truth, rank: u8, stopped: bool) {
        match (truth.is_honest(), stopped) {
            (false, true) => self.caught += 1,
            (false, false) => self.missed += 1,
            (true, true) => self.wrongly_stopped += 1,
            (true, false) => self.rightly_passed += 1,
        }
        if !stopped && matches!(truth, Truth::Stuffing { succeeded: true, .. }) {
            self.takeovers += 1;
        }
        let tally = self.by_kind.entry(truth.kind()).or_default();
        tally.events += 1;
        tally.stopped += u64::from(stopped);
        tally.by_rank[usize::from(rank.min(4))] += 1;
        if let Some(campaign) = truth.campaign() {
            self.add_to_campaign(campaign, truth.kind(), stopped);
        }
    }

    fn add_to_campaign(&mut self, campaign: u32, kind: &'static str, stopped: bool) {
        if self.campaigns.len() >= CAMPAIGNS_MOST && !self.campaigns.contains_key(&campaign) {
            return;
        }
        let fresh = CampaignTally { kind, events: 0, stopped: 0, passed_before_first_stop: 0 };
        let tally = self.campaigns.entry(campaign).or_insert(fresh);
        tally.events += 1;
        tally.stopped += u64::from(stopped);
        if tally.stopped == 0 {
            tally.passed_before_first_stop += 1;
        }
    }

    /// Events scored.
    pub fn events(&self) -> u64 {
        self.caught + self.missed + self.wrongly_stopped + self.rightly_passed
    }

    /// Share of abusive events that were stopped; `None` before the first abusive event.
    pub fn recall(&self) -> Option<f64> {
        share(self.caught, self.caught + self.missed)
    }

    /// Share of stopped events that were abusive; `None` before the first stop.
    pub fn precision(&self) -> Option<f64> {
        share(self.caught, self.caught + self.wrongly_stopped)
    }

    /// Share of honest events that were stopped; `None` before the first honest event.
    pub fn harm(&self) -> Option<f64> {
        share(self.wrongly_stopped, self.wrongly_stopped + self.rightly_passed)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::{FarmStyle, Situation, StuffingStyle};

    const TYPO: Truth = Truth::Honest(Situation::Typo);

    fn farm(campaign: u32) -> Truth {
        Truth::SignupFarm { campaign, style: FarmStyle::Burst }
    }

    fn stuffing(succeeded: bool) -> Truth {
        Truth::Stuffing { campaign: 9, style: StuffingStyle::Botnet, succeeded }
    }

    fn scored() -> Score {
        let mut score = Score::default();
        for (truth, rank, stopped) in [
            (farm(3), 0, false),
            (farm(3), 1, false),
            (farm(3), 4, true),
            (farm(3), 0, false),
            (stuffing(false), 2, true),
            (stuffing(true), 0, false),
            (stuffing(true), 200, true),
            (TYPO, 0, false),
            (TYPO, 0, false),
            (TYPO, 2, true),
        ] {
            score.add(&truth, rank, stopped);
        }
        score
    }

    #[test]
    fn events_are_counted_once_in_each_view() {
        let score = scored();
        assert_eq!((score.caught, score.missed, score.wrongly_stopped, score.rightly_passed), (3, 4, 1, 2));
        assert_eq!((score.events(), score.takeovers), (10, 1));
        assert_eq!(score.by_kind["farm.burst"], Tally { events: 4, stopped: 1, by_rank: [2, 1, 0, 0, 1] });
        assert_eq!(
            score.by_kind["stuffing.botnet"],
            Tally { events: 3, stopped: 2, by_rank: [1, 0, 1, 0, 1] }
        );
        assert_eq!(score.by_kind["honest.typo"], Tally { events: 3, stopped: 1, by_rank: [2, 0, 1, 0, 0] });
        let campaign =
            CampaignTally { kind: "farm.burst", events: 4, stopped: 1, passed_before_first_stop: 2 };
        assert_eq!(score.campaigns[&3], campaign);
    }

    #[test]
    fn shares_are_missing_until_there_is_something_to_share() {
        let empty = Score::default();
        assert_eq!((empty.recall(), empty.precision(), empty.harm()), (None, None, None));
        let score = scored();
        assert_eq!(
            (score.recall(), score.precision(), score.harm()),
            (Some(3.0 / 7.0), Some(0.75), Some(1.0 / 3.0))
        );
    }

    #[test]
    fn campaigns_are_bounded_and_totals_are_not() {
        let mut score = Score::default();
        for campaign in 0..2_000 {
            score.add(&farm(campaign), 0, false);
        }
        score.add(&farm(5), 4, true);
        assert_eq!((score.campaigns.len(), score.missed, score.caught), (CAMPAIGNS_MOST, 2_000, 1));
        assert_eq!(score.campaigns[&5].events, 2);
    }

    #[test]
    fn it_serialises_by_kind() {
        let json = serde_json::to_value(scored()).unwrap();
        assert_eq!(json["by_kind"]["honest.typo"]["stopped"], 1);
        assert_eq!(json["campaigns"]["9"]["kind"], "stuffing.botnet");
    }
}
