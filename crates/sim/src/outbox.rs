// SPDX-License-Identifier: Apache-2.0
//! Events already made but not yet due: gives them ids and an arrival, and hands them out in order of arrival.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;

use crate::clock::MINUTE;
use crate::event::{Happening, Occurrence, SimEvent, Token};
use crate::random::{Random, derive, mix};
use crate::truth::Truth;

/// Share of events that arrive late (assumed: a retried delivery, a phone that lost its signal).
const LATE_SHARE: f64 = 0.005;
/// The longest delay of a late event.
const LATE_MOST: i64 = MINUTE;

/// From where and with what somebody connects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) ip: IpAddr,
    pub(crate) device: Option<u64>,
    pub(crate) agent: &'static str,
}

/// What a sign-up form contained.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) username: String,
    pub(crate) email: Option<String>,
    pub(crate) time: i64,
}

/// The waiting events. Holds as many as are made ahead of time: the retries of sessions under way and late arrivals.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: BinaryHeap<Reverse<Waiting>>,
    made: u64,
    key: u64,
    random: Random,
}

#[derive(Debug)]
struct Waiting {
    order: (i64, u64),
    happening: Happening,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.order == other.order
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

impl Outbox {
    pub(crate) fn new(seed: u64) -> Outbox {
        Outbox {
            waiting: BinaryHeap::new(),
            made: 0,
            key: derive(seed, 0x4944, 0),
            random: Random::new(seed, 0x4c41_5445),
        }
    }

    /// Adds a login attempt at `time`; `account` is the number of an account or of a name nobody owns.
    pub(crate) fn login(
        &mut self,
        time: i64,
        account: u64,
        client: &Client,
        result: (bool, bool),
        truth: Truth,
    ) {
        let (ok, user_known) = result;
        self.put(time, account, client, Occurrence::Login { ok, user_known }, truth);
    }

    /// Adds a sign-up at `time`.
    pub(crate) fn signup(&mut self, time: i64, account: u64, client: &Client, form: Form, truth: Truth) {
        let what = Occurrence::Signup { email: form.email, username: form.username, form_time: form.time };
        self.put(time, account, client, what, truth);
    }

    fn put(&mut self, time: i64, account: u64, client: &Client, what: Occurrence, truth: Truth) {
        let id = Token::new(mix(self.key.wrapping_add(self.made)));
        let order = (time + self.delay(), self.made);
        self.made += 1;
        let (account, device) = (Token::new(account), client.device.map(Token::new));
        let event = SimEvent { id, time, account, ip: client.ip, device, user_agent: client.agent, what };
        self.waiting
            .push(Reverse(Waiting { order, happening: Happening { time, arrival: order.0, event, truth } }));
    }

    fn delay(&mut self) -> i64 {
        if self.random.chance(LATE_SHARE) { self.random.between(1, LATE_MOST) } else { 0 }
    }

    /// When the next waiting event arrives.
    pub(crate) fn next_arrival(&self) -> Option<i64> {
        self.waiting.peek().map(|Reverse(waiting)| waiting.order.0)
    }

    /// Takes the event that arrives next.
    pub(crate) fn take(&mut self) -> Option<Happening> {
        self.waiting.pop().map(|Reverse(waiting)| waiting.happening)
    }

    /// How many events wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}
