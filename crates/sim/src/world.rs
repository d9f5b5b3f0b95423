// SPDX-License-Identifier: Apache-2.0
//! One simulated provider: an agenda of what is due next, run until an event can be handed out.
//!
//! A plain discrete-event loop. Whatever runs at time t adds only events at t or later, so the earliest waiting event
//! is final as soon as nothing on the agenda is due before it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::campaign::{Farm, Stuffing};
use crate::clock::{DAY, MINUTE};
use crate::event::Happening;
use crate::honest::{Honest, StaleProgram, gap};
use crate::outbox::Outbox;
use crate::random::Random;
use crate::settings::{Campaigns, Settings};
use crate::truth::{FarmStyle, StuffingStyle};

/// The styles take turns in this order, from a seeded beginning.
const FARMS: [FarmStyle; 3] = [FarmStyle::Burst, FarmStyle::LowAndSlow, FarmStyle::Rotating];
const STUFFINGS: [StuffingStyle; 3] =
    [StuffingStyle::Botnet, StuffingStyle::NoisyAddress, StuffingStyle::ProxyPool];

/// Times past the year 9999 cannot be written; the stream ends there.
const END_OF_TIME: i64 = 2_932_896 * DAY; // 9999-12-31

/// One simulated mail provider, an endless iterator of [`Happening`]s in order of arrival.
///
/// Ends (`None`) only when nothing can ever happen: every rate is zero and no campaign is left.
#[derive(Debug)]
pub struct World {
    seed: u64,
    campaigns: Campaigns,
    honest: Honest,
    outbox: Outbox,
    agenda: BinaryHeap<Reverse<Due>>,
    added: u64,
    begun: u32,
    farms: usize,
    stuffings: usize,
    random: Random,
}

/// Something to do at a time.
#[derive(Debug)]
struct Due {
    order: (i64, u64),
    task: Task,
}

#[derive(Debug)]
enum Task {
    Login,
    Signup,
    Lesson,
    Class,
    StaleBegins,
    StaleRetries(Box<StaleProgram>),
    FarmBegins,
    StuffingBegins,
    Farm(Box<Farm>),
    Stuffing(Box<Stuffing>),
}

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.order == other.order
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Due) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

impl World {
    /// A world at its first moment. Settings outside their ranges are pulled into them.
    pub fn new(settings: Settings) -> World {
        let settings = settings.in_range();
        let mut random = Random::new(settings.seed, 0x574f);
        let mut world = World {
            seed: settings.seed,
            honest: Honest::new(&settings),
            outbox: Outbox::new(settings.seed),
            campaigns: settings.campaigns,
            agenda: BinaryHeap::new(),
            added: 0,
            begun: 0,
            farms: random.below(3) as usize,
            stuffings: random.below(3) as usize,
            random,
        };
        world.people_start(settings.start);
        world.attackers_start(settings.start);
        world
    }

    /// How many things are under way: waiting events and scheduled tasks. Memory in use is this many times some
    /// hundred bytes, and depends on the rates in the settings, not on how many events were drawn.
    pub fn pending(&self) -> usize {
        self.outbox.len() + self.agenda.len()
    }

    /// Accounts of honest people that exist now.
    pub fn accounts(&self) -> u32 {
        self.honest.people
    }

    /// Campaigns begun or scheduled so far; their numbers are `0..` this.
    pub fn campaigns(&self) -> u32 {
        self.begun
    }

    fn people_start(&mut self, start: i64) {
        for _ in 0..self.honest.stale_at_start() {
            let program = self.honest.leave_stale(start);
            let first = start + self.random.between(0, 15 * MINUTE);
            self.add(first, Task::StaleRetries(Box::new(program)));
        }
        self.again(start, Task::Login);
        self.again(start, Task::Signup);
        self.again(start, Task::Lesson);
        self.again(start, Task::StaleBegins);
    }

    fn attackers_start(&mut self, start: i64) {
        if let Some(minutes) = self.campaigns.begin_within_minutes {
            let window = i64::from(minutes) * MINUTE;
            for _ in 0..3 {
                let at = start + self.random.below(window as u64) as i64;
                self.begin_farm(at);
                let at = start + self.random.below(window as u64) as i64;
                self.begin_stuffing(at);
            }
            let at = start + self.random.below(window as u64) as i64;
            self.add(at, Task::Class);
        }
        self.again(start, Task::FarmBegins);
        self.again(start, Task::StuffingBegins);
    }

    fn add(&mut self, time: i64, task: Task) {
        self.agenda.push(Reverse(Due { order: (time, self.added), task }));
        self.added += 1;
    }

    /// Schedules the next of a repeating task, unless its rate is zero.
    fn again(&mut self, now: i64, task: Task) {
        let gap = match task {
            Task::Login => self.honest.login_gap(),
            Task::Signup => self.honest.signup_gap(),
            Task::Lesson => self.honest.class_gap(),
            Task::StaleBegins => self.honest.stale_gap(),
            Task::FarmBegins => gap(self.campaigns.farms_per_day, &mut self.random),
            Task::StuffingBegins => gap(self.campaigns.stuffings_per_day, &mut self.random),
            Task::Class | Task::StaleRetries(_) | Task::Farm(_) | Task::Stuffing(_) => None,
        };
        if let Some(gap) = gap {
            self.add(now.saturating_add(gap), task);
        }
    }

    /// Does what is due now, and schedules what follows from it.
    fn run(&mut self, now: i64, task: Task) {
        match task {
            Task::Login => self.honest.login(now, &mut self.outbox),
            Task::Signup => self.honest.signup(now, &mut self.outbox),
            Task::Lesson => self.honest.lesson(now, &mut self.outbox),
            Task::Class => self.honest.class(now, &mut self.outbox),
            Task::StaleBegins => {
                let program = self.honest.leave_stale(now);
                self.add(now, Task::StaleRetries(Box::new(program)));
            }
            Task::FarmBegins => self.begin_farm(now),
            Task::StuffingBegins => self.begin_stuffing(now),
            Task::StaleRetries(program) => {
                if let Some(next) = self.honest.retry_stale(&program, now, &mut self.outbox) {
                    self.add(next, Task::StaleRetries(program));
                }
                return;
            }
            Task::Farm(mut farm) => {
                if let Some(next) = farm.step(now, &self.honest, &mut self.outbox) {
                    self.add(next, Task::Farm(farm));
                }
                return;
            }
            Task::Stuffing(mut run) => {
                if let Some(next) = run.step(now, &self.honest, &mut self.outbox) {
                    self.add(next, Task::Stuffing(run));
                }
                return;
            }
        }
        self.again(now, task);
    }

    fn begin_farm(&mut self, at: i64) {
        let style = FARMS[self.farms % FARMS.len()];
        self.farms += 1;
        let campaign = self.next_campaign();
        self.add(at, Task::Farm(Box::new(Farm::plan(self.seed, campaign, style, self.campaigns.size))));
    }

    fn begin_stuffing(&mut self, at: i64) {
        let style = STUFFINGS[self.stuffings % STUFFINGS.len()];
        self.stuffings += 1;
        let campaign = self.next_campaign();
        self.add(
            at,
            Task::Stuffing(Box::new(Stuffing::plan(self.seed, campaign, style, self.campaigns.size))),
        );
    }

    fn next_campaign(&mut self) -> u32 {
        let campaign = self.begun;
        self.begun = self.begun.wrapping_add(1);
        campaign
    }
}

impl Iterator for World {
    type Item = Happening;

    fn next(&mut self) -> Option<Happening> {
        while let Some(Reverse(due)) = self.agenda.peek() {
            let now = due.order.0;
            if self.outbox.next_arrival().is_some_and(|arrival| arrival < now) || now > END_OF_TIME {
                break;
            }
            if let Some(Reverse(due)) = self.agenda.pop() {
                self.run(now, due.task);
            }
        }
        self.outbox.take()
    }
}
