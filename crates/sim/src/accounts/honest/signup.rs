// SPDX-License-Identifier: Apache-2.0
//! Somebody makes an account, confirms the address, and logs in for the first time.

use super::errand::{Errand, Step, Then};
use super::{form, visit};
use crate::accounts::Answer;
use crate::accounts::device::Device;
use crate::accounts::event::Detail;
use crate::accounts::look::Program;
use crate::accounts::person::Connection;
use crate::accounts::stage::{Stage, Task};
use crate::accounts::truth::Subgroups;
use crate::clock::{DAY, HOUR, Local, MINUTE, SECOND, mean_activity};
use crate::random::Random;

/// Newcomers who log in within minutes; the rest come back another day (assumed).
const FIRST_LOGIN: f64 = 0.85;
/// Recovery addresses that are confirmed (assumed), and how soon: most look at once, some hours later.
const VERIFIED: f64 = 0.85;
/// Newcomers after whom others of the household make an account on the same device (assumed).
const SIBLINGS: f64 = 0.05;
const NO_SIBLINGS: Subgroups = Subgroups::SIBLING.with(Subgroups::WORKSHOP).with(Subgroups::ONBOARDING);
/// Refused newcomers who try once more (assumed).
const TRIES_AGAIN: f64 = 0.35;
/// Where an account is held, a person looks at it within about a day (assumed).
const LOOKED_AT: f64 = 14.0 * 3_600.0;

pub(crate) fn begin(stage: &mut Stage) {
    let mut random = Random::new(stage.seed, 0x5347);
    next(stage.plan.start, &mut random, stage);
}

fn next(now: i64, random: &mut Random, stage: &mut Stage) {
    let rate = stage.plan.signups_per_day / mean_activity();
    if rate > 0.0 {
        let wait = random.exponential(DAY as f64 / rate) as i64;
        stage.agenda.add(now + wait.max(1), Task::Signup);
    }
}

/// Somebody thinks of making an account; the hour of the provider's home thins out the nights.
pub(crate) fn signup(now: i64, stage: &mut Stage) {
    let mut random = Random::new(stage.seed, now as u64 ^ 0x5347);
    next(now, &mut random, stage);
    if !random.chance(Local::at(now, 60).activity()) {
        return;
    }
    let person = stage.newcomer(None);
    let mut random = stage.errand_random(person);
    let who = &stage.members[person as usize].person;
    let connection = who.connect(&stage.internet, now, &mut random);
    let (mut form, marks) = form::fill(who, &mut random);
    if connection.client.look.program == Program::App {
        form.referrer = None; // an app comes from no page
    }
    let mut errand = Errand::new(person, connection, random, Step::Join);
    errand.form = Some(Box::new(form));
    errand.marks = marks;
    errand.act(now, stage);
}

/// Somebody of the household makes an account on the same device.
pub(crate) fn sibling((connection, first, left): (Connection, u32, u8), now: i64, stage: &mut Stage) {
    let of = &stage.members[first as usize].person;
    let home = (of.line.key, usize::from(of.country));
    let person = stage.newcomer(Some(home));
    let mut random = stage.errand_random(person);
    if left > 0 {
        let wait = random.between(2 * MINUTE, 15 * MINUTE);
        stage.agenda.add(now + wait, Task::Sibling(Box::new((connection, first, left - 1))));
    }
    let (form, marks) = form::fill(&stage.members[person as usize].person, &mut random);
    let mut errand = Errand::new(person, connection, random, Step::Join);
    errand.form = Some(Box::new(form));
    errand.marks = marks.with(Subgroups::SIBLING);
    errand.act(now, stage);
}

impl Errand {
    pub(crate) fn join(self, now: i64, stage: &mut Stage) {
        if let Some(form) = &self.form {
            let detail = Detail::Signup(form.clone());
            self.say(now, detail, stage);
        }
    }

    pub(crate) fn joined(mut self, answer: Answer, now: i64, stage: &mut Stage) {
        match answer {
            Answer::Pass | Answer::Limit => self.accepted(now, stage),
            Answer::Challenge => self.challenged(Then::Join, now, stage),
            Answer::Hold => {
                let wait = self.seconds(LOOKED_AT, 0.6);
                self.accepted(now + wait, stage);
            }
            Answer::Refuse => {
                self.tries += 1;
                if self.tries == 1 && self.random.chance(TRIES_AGAIN) {
                    let wait = self.seconds(90.0, 0.8);
                    self.later(now + wait, Step::Join, stage);
                }
            }
        }
    }

    /// The account is made: the address is confirmed, they log in, and from now on now and then.
    pub(crate) fn accepted(mut self, now: i64, stage: &mut Stage) {
        let person = self.person;
        stage.members[person as usize].closed = false;
        let stays = !stage.members[person as usize].person.marks.contains(Subgroups::ONCE);
        if stays {
            visit::settle(person, now, stage);
        }
        if self.marks == self.marks.without(NO_SIBLINGS) && self.random.chance(SIBLINGS) {
            let (wait, left) = (self.random.between(3 * MINUTE, 25 * MINUTE), self.random.below(3) as u8);
            let next = Box::new((self.connection, person, left));
            stage.agenda.add(now + wait, Task::Sibling(next));
        }
        let confirms = self.form.as_ref().is_some_and(|form| form.email.is_some());
        if confirms && self.random.chance(VERIFIED) {
            let took =
                if self.random.chance(0.8) { self.seconds(42.0, 0.8) } else { self.seconds(5_000.0, 1.2) };
            let own = Random::new(self.random.word(), 0);
            let mut errand = Errand::new(person, self.connection, own, Step::Verify);
            errand.took(took);
            errand.later(now + took.min(5 * DAY), Step::Verify, stage);
        }
        if self.random.chance(FIRST_LOGIN) {
            let wait = self.seconds(100.0, 0.9);
            let from = self.connection;
            self.form = None;
            if from.device != Device::MailProgram {
                self.later(now + wait.min(6 * HOUR), Step::Login, stage);
            }
        }
    }

    /// Keeps how long a confirmation took where the session of a login would be.
    fn took(&mut self, took: i64) {
        self.session = Some(took as u64);
    }

    pub(crate) fn verify(self, now: i64, stage: &mut Stage) {
        let took = self.session.unwrap_or_default() as i64 + SECOND / 2;
        self.say(now, Detail::Verification { channel: "email", ok: true, took }, stage);
    }
}
