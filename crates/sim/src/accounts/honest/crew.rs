// SPDX-License-Identifier: Apache-2.0
//! Groups that sign up together: a campus workshop from one address, a company's new accounts one after the other, the crowd
//! that a mention somewhere brings.

use super::errand::{Errand, Step};
use super::form::{self, REFERRERS};
use crate::accounts::device::{Device, look_of};
use crate::accounts::event::Form;
use crate::accounts::internet::COUNTRIES;
use crate::accounts::person::Connection;
use crate::accounts::stage::{Stage, Task};
use crate::accounts::truth::{Script, Subgroups};
use crate::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::names::{WESTERN, honest};
use crate::random::{Random, derive};

/// One group; see the file's head.
#[derive(Debug, Clone)]
pub(crate) struct Crew {
    pub(crate) kind: CrewKind,
    pub(crate) begins: i64,
    pub(crate) size: u32,
    pub(crate) country: usize,
    pub(crate) key: u64,
    /// What a company's handles begin with.
    pub(crate) base: String,
    /// How many have signed up.
    pub(crate) done: u32,
    random: Random,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrewKind {
    Workshop,
    Onboarding,
    Crowd,
}

// One of each in every scene, since they are what a detector is most likely to get wrong, more in long ones, and more where
// many sign up: one workshop or company for so many others (assumed; two to three of a hundred sign-ups each).
const WORKSHOP_EVERY: u32 = 20;
const WORKSHOP_FOR: f64 = 12_000.0;
const ONBOARDING_EVERY: u32 = 10;
const ONBOARDING_FOR: f64 = 2_000.0;
const CROWD_EVERY: u32 = 25;
/// The most groups of a kind.
const MOST: u32 = 2_000;
/// People in a workshop, and minutes until all have an account.
const WORKSHOP: (i64, i64) = (150, 240);
const WORKSHOP_LASTS: f64 = 75.0 * MINUTE as f64;
const ONBOARDING: (i64, i64) = (12, 80);
/// A crowd, in days' worth of sign-ups, and how long it takes.
const CROWD: (f64, f64) = (0.8, 2.5);
const CROWD_LASTS: f64 = 7.0 * HOUR as f64;
/// The most that one crowd can be.
const LARGEST_CROWD: f64 = 50_000.0;

pub(crate) fn begin(stage: &mut Stage) {
    let days = stage.plan.days;
    let mut random = Random::new(stage.seed, 0x4352);
    let kinds = [
        (CrewKind::Workshop, WORKSHOP_EVERY, WORKSHOP_FOR),
        (CrewKind::Onboarding, ONBOARDING_EVERY, ONBOARDING_FOR),
        (CrewKind::Crowd, CROWD_EVERY, f64::INFINITY),
    ];
    for (kind, every, one_for) in kinds {
        let many = (days / every).max((stage.plan.signups() / one_for) as u32).min(MOST);
        for _ in 0..1 + many {
            let mut crew = Crew::plan(kind, stage.plan.start, days, &mut random);
            if kind == CrewKind::Crowd {
                let many = random.real(CROWD.0, CROWD.1) * stage.plan.signups_per_day;
                crew.size = many.min(LARGEST_CROWD) as u32;
            }
            if crew.size == 0 {
                continue;
            }
            stage.agenda.add(crew.begins, Task::Crew(stage.crews.len() as u32));
            stage.crews.push(crew);
        }
    }
}

impl Crew {
    fn plan(kind: CrewKind, start: i64, days: u32, random: &mut Random) -> Crew {
        let weights = COUNTRIES.each_ref().map(|country| country.weight);
        let country = random.weighted(&weights);
        let offset = COUNTRIES[country].offset * MINUTE;
        // a working day, 9:00 to 15:00 there
        let mut day = (start / DAY) + 1 + random.below(u64::from(days.saturating_sub(1)).max(1)) as i64;
        while (day + 3).rem_euclid(7) >= 5 && day - start / DAY > 2 {
            day -= 1;
        }
        let begins = day * DAY - offset + random.between(9 * HOUR, 15 * HOUR);
        let (low, high) = if kind == CrewKind::Workshop { WORKSHOP } else { ONBOARDING };
        let (size, key) = (random.between(low, high) as u32, random.word());
        let base: String =
            honest(&WESTERN, random).chars().filter(char::is_ascii_alphabetic).take(10).collect();
        Crew {
            kind,
            begins: begins.max(start),
            size,
            country,
            key,
            base,
            done: 0,
            random: Random::new(key, 0),
        }
    }

    /// The handle of a company's account number `n`, from 1.
    pub(crate) fn handle(&self, n: u32) -> String {
        match self.key % 3 {
            0 => format!("{}.{n:02}", self.base),
            1 => format!("{}-team{n}", self.base),
            _ => format!("{}{n:03}", self.base),
        }
    }

    /// The address the group signs up from.
    pub(crate) fn address(&self, stage: &Stage) -> std::net::IpAddr {
        match self.kind {
            CrewKind::Workshop => stage.internet.campus(self.country, self.key, 0),
            CrewKind::Onboarding | CrewKind::Crowd => {
                stage.internet.office(stage.internet.line(self.country, self.key))
            }
        }
    }

    fn gap(&mut self) -> i64 {
        match self.kind {
            CrewKind::Workshop => self.random.exponential(WORKSHOP_LASTS / f64::from(self.size)) as i64,
            CrewKind::Crowd => {
                // most come in the first hours
                let thins_out = 0.4 + 1.2 * f64::from(self.done) / f64::from(self.size);
                self.random.exponential(CROWD_LASTS / f64::from(self.size) * thins_out) as i64
            }
            CrewKind::Onboarding => (self.random.log_normal(70.0, 0.35) * SECOND as f64) as i64,
        }
    }

    /// What the next one connects with: in a workshop mostly their own, in a company the administrator's two computers.
    fn connection(&mut self, own: Connection, now: i64, stage: &Stage) -> Connection {
        if self.kind == CrewKind::Crowd {
            return own;
        }
        let ip = self.address(stage);
        let mut to = own;
        to.client.ip = ip;
        to.client.languages = COUNTRIES[self.country].languages;
        to.client.rtt = stage.internet.rtt(ip, &mut self.random);
        to.marks = to.marks.without(Subgroups::VPN.with(Subgroups::TOR).with(Subgroups::IPV6));
        let seats: Option<u64> = match self.kind {
            CrewKind::Workshop => self.random.chance(0.35).then(|| self.random.below(60)),
            CrewKind::Onboarding => Some(self.random.below(2)),
            CrewKind::Crowd => None,
        };
        if let Some(seat) = seats {
            let machine = derive(self.key, 0x5345, seat);
            let image = derive(self.key, 0x494d, 0);
            to.client.device = Some(machine);
            to.client.look = look_of(image, Device::Lab, now, &mut self.random);
            to.device = Device::Lab;
            to.marks = to.marks.with(Subgroups::SHARED_COMPUTER);
        }
        to
    }
}

/// The next of a group signs up.
pub(crate) fn crew(number: u32, now: i64, stage: &mut Stage) {
    let mut crew = stage.crews[number as usize].clone();
    crew.done += 1;
    let of = match crew.kind {
        CrewKind::Crowd => None,
        // they live where the campus or the company is
        _ => Some((derive(crew.key, 0x4c49, u64::from(crew.done)), crew.country)),
    };
    let person = stage.newcomer(of);
    let mut random = stage.errand_random(person);
    let who = &stage.members[person as usize].person;
    let own = who.connect(&stage.internet, now, &mut random);
    let (mut form, marks) = form::fill(who, &mut random);
    let connection = crew.connection(own, now, stage);
    let mark = match crew.kind {
        CrewKind::Workshop => Subgroups::WORKSHOP.with(Subgroups::CAMPUS),
        CrewKind::Onboarding => {
            by_administrator(&mut form, &crew, &mut random);
            stage.members[person as usize].person.script = Script::Latin;
            Subgroups::ONBOARDING
        }
        CrewKind::Crowd => {
            form.referrer = Some(REFERRERS[5]);
            Subgroups::CROWD
        }
    };
    if crew.done < crew.size {
        stage.agenda.add(now + crew.gap(), Task::Crew(number));
    }
    stage.crews[number as usize] = crew;
    let mut errand = Errand::new(person, connection, random, Step::Join);
    errand.form = Some(Box::new(form));
    errand.marks = marks.with(mark);
    errand.act(now, stage);
}

/// One person makes the accounts of all, from a list, with growing routine.
fn by_administrator(form: &mut Form, crew: &Crew, random: &mut Random) {
    form.username = crew.handle(crew.done);
    form.email = Some(format!("{}@{}.example", form.username, crew.base));
    form.time = (random.log_normal(24.0, 0.3) * SECOND as f64) as i64;
    form.pasted = Some(2 + random.below(2) as u32);
    form.referrer = None;
}
