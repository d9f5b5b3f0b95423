// SPDX-License-Identifier: Apache-2.0
//! What the demo knows so far: figures, the newest verdicts, and how they compare with the truth.

use serde::Serialize;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use wardroom_policy::Verdict;
use wardroom_sim::{Score, Truth};

/// Newest stopped events shown.
const NEWEST: usize = 64;

/// A stopped event, as the view shows it.
pub(crate) struct Stopped {
    pub(crate) time: String,
    pub(crate) verdict: Verdict,
    pub(crate) rule: String,
    pub(crate) because: String,
    pub(crate) truth: &'static str,
    pub(crate) honest: bool,
}

/// An answer of the server, as far as the demo reads it.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) rule: String,
    pub(crate) because: String,
}

pub(crate) struct Board {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) rules: usize,
    pub(crate) simulated: String,
    /// Honest logins of the past, fed before the clock starts.
    pub(crate) past: u64,
    pub(crate) live_since: Option<Instant>,
    pub(crate) events: u64,
    pub(crate) problems: u64,
    pub(crate) verdicts: [u64; 5],
    pub(crate) newest: VecDeque<Stopped>,
    pub(crate) score: Score,
    /// Events in the second that is passing, and in the one before.
    second: (Instant, u64),
    pub(crate) rate: u64,
}

impl Board {
    pub(crate) fn new(address: SocketAddr, token: String, rules: usize) -> Board {
        Board {
            address,
            token,
            rules,
            simulated: String::new(),
            past: 0,
            live_since: None,
            events: 0,
            problems: 0,
            verdicts: [0; 5],
            newest: VecDeque::new(),
            score: Score::default(),
            second: (Instant::now(), 0),
            rate: 0,
        }
    }

    /// Takes in one answer.
    pub(crate) fn add(&mut self, time: String, truth: &Truth, answer: Answer) {
        self.events += 1;
        self.verdicts[answer.verdict as usize] += 1;
        let stopped = answer.verdict >= Verdict::Challenge;
        self.score.add(truth, answer.verdict as u8, stopped);
        self.second.1 += 1;
        if self.second.0.elapsed() >= Duration::from_secs(1) {
            self.rate = (self.second.1 as f64 / self.second.0.elapsed().as_secs_f64()).round() as u64;
            self.second = (Instant::now(), 0);
        }
        if stopped {
            let Answer { verdict, rule, because } = answer;
            let (truth, honest) = (truth.kind(), truth.is_honest());
            self.newest.push_front(Stopped { time, verdict, rule, because, truth, honest });
            self.newest.truncate(NEWEST);
        }
    }

    pub(crate) fn live_secs(&self) -> f64 {
        self.live_since.map_or(0.0, |since| since.elapsed().as_secs_f64())
    }

    /// The result for scripts.
    pub(crate) fn result(&self) -> Result<'_> {
        let live = self.live_secs();
        Result {
            seconds: live,
            past_events: self.past,
            events: self.events,
            events_per_second: if live > 0.0 { self.events as f64 / live } else { 0.0 },
            problems: self.problems,
            verdicts: Verdicts {
                allow: self.verdicts[0],
                limit: self.verdicts[1],
                challenge: self.verdicts[2],
                review: self.verdicts[3],
                block: self.verdicts[4],
            },
            recall: self.score.recall(),
            precision: self.score.precision(),
            harm: self.score.harm(),
            score: &self.score,
        }
    }
}

/// The result for scripts.
#[derive(Serialize)]
pub(crate) struct Result<'a> {
    seconds: f64,
    past_events: u64,
    events: u64,
    events_per_second: f64,
    problems: u64,
    verdicts: Verdicts,
    /// Of the events of campaigns, the share that was stopped (challenge, review or block).
    recall: Option<f64>,
    /// Of the events stopped, the share that belonged to campaigns.
    precision: Option<f64>,
    /// Of the honest events, the share that was stopped.
    harm: Option<f64>,
    score: &'a Score,
}

#[derive(Serialize)]
struct Verdicts {
    allow: u64,
    limit: u64,
    challenge: u64,
    review: u64,
    block: u64,
}
