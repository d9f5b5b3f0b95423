// SPDX-License-Identifier: Apache-2.0
//! Mail programs: they connect by themselves, go on for days with a password that was changed, and after an outage all come
//! back at once.

use crate::accounts::Answer;
use crate::accounts::event::{Detail, Entry};
use crate::accounts::person::Connection;
use crate::accounts::secret::Secret;
use crate::accounts::stage::{Draft, Follow, Owner, Stage, Task, passes};
use crate::accounts::truth::{Subgroups, Truth};
use crate::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::random::Random;

/// Hours between two logins that a program's habit leads to, log-normal: most keep their connection (assumed).
const HOURS_MEDIAN: f64 = 30.0;
/// Programs that nobody tells about a new password, and how long they go on: median, spread, longest (assumed; a well-known
/// nuisance of IMAP operators).
const NOT_TOLD: f64 = 0.4;
const STALE_MEDIAN: f64 = 20.0 * HOUR as f64;
const STALE_MOST: i64 = 9 * DAY;
/// Accounts whose program is failing when the scene begins (assumed).
const STALE_AT_FIRST: f64 = 0.002;
/// Outages: one in so many days, minutes until all are back (assumed; providers' status pages show about one or two a month).
const OUTAGE_EVERY: f64 = 20.0 * DAY as f64;
const BACK_WITHIN: i64 = 6 * MINUTE;
/// Apps and browsers that have to log in anew after an outage (assumed: sessions mostly survive).
const APPS_BACK: f64 = 0.08;

/// A mail program with an old password.
#[derive(Debug)]
pub(crate) struct Stale {
    person: u32,
    secret: Secret,
    connection: Connection,
    every: i64,
    until: i64,
    random: Random,
    /// Reads mail, or sends some.
    protocol: &'static str,
    /// The door was asked before the password is looked at.
    asked: bool,
    marks: Subgroups,
}

pub(crate) fn begin(stage: &mut Stage) {
    let mut random = Random::new(stage.seed, 0x4f55);
    let wait = random.exponential(OUTAGE_EVERY) as i64;
    stage.agenda.add(stage.plan.start + wait, Task::Outage);
    for person in 0..stage.members.len() as u32 {
        let who = &stage.members[person as usize].person;
        if who.uses_mail_program() && who.has(60, STALE_AT_FIRST / 0.2) {
            was_not_told_surely(person, Secret::chosen(who.own(61)), stage.plan.start, stage);
        }
    }
}

/// The account's mail program begins to connect, if it has one.
pub(crate) fn settle(person: u32, now: i64, stage: &mut Stage) {
    if stage.members[person as usize].person.uses_mail_program() {
        next(person, now, stage);
    }
}

fn next(person: u32, now: i64, stage: &mut Stage) {
    let mut random = stage.errand_random(person);
    let habit = Random::new(stage.members[person as usize].person.own(62), 0).log_normal(HOURS_MEDIAN, 0.8);
    let wait = random.exponential(habit * HOUR as f64).min(1e14) as i64 + MINUTE;
    stage.agenda.add(now + wait, Task::Program(person));
}

/// A program connects, as it does every so often.
pub(crate) fn program(person: u32, now: i64, stage: &mut Stage) {
    next(person, now, stage);
    connect(person, now, Subgroups::NONE, stage);
}

fn connect(person: u32, now: i64, marks: Subgroups, stage: &mut Stage) {
    let mut random = stage.errand_random(person);
    let member = &stage.members[person as usize];
    if member.closed {
        return;
    }
    let connection = member.person.connect_program(&stage.internet, now, &mut random);
    let secret = member.secret;
    let protocol = reads_or_sends(&mut random);
    let once =
        Stale { person, secret, connection, every: 0, until: now, random, protocol, asked: false, marks };
    once.act(now, stage);
}

/// Programs log in to send now and then (assumed).
fn reads_or_sends(random: &mut Random) -> &'static str {
    if random.chance(0.2) { "smtp" } else { "imap" }
}

/// A program that was not told of the new password goes on with the old one.
pub(crate) fn was_not_told(person: u32, old: Secret, now: i64, stage: &mut Stage) {
    let mut random = stage.errand_random(person);
    if stage.members[person as usize].person.uses_mail_program() && random.chance(NOT_TOLD) {
        was_not_told_surely(person, old, now, stage);
    }
}

fn was_not_told_surely(person: u32, secret: Secret, now: i64, stage: &mut Stage) {
    let mut random = stage.errand_random(person);
    let who = &stage.members[person as usize].person;
    let connection = who.connect_program(&stage.internet, now, &mut random);
    let until = now + (random.log_normal(STALE_MEDIAN, 1.2) as i64).min(STALE_MOST);
    let every = [5, 10, 15, 30, 60][random.weighted(&[15, 30, 25, 20, 10])] * MINUTE;
    let marks = Subgroups::STALE_PROGRAM;
    let protocol = reads_or_sends(&mut random);
    let mut stale = Stale { person, secret, connection, every, until, random, protocol, asked: false, marks };
    let first = now + stale.random.between(0, every);
    stage.agenda.add(first, Task::Stale(Box::new(stale)));
}

/// Everybody was cut off and comes back: every program, and some of the apps.
pub(crate) fn outage(now: i64, stage: &mut Stage) {
    let mut random = Random::new(stage.seed, now as u64);
    let wait = random.exponential(OUTAGE_EVERY) as i64 + DAY;
    stage.agenda.add(now + wait, Task::Outage);
    for person in 0..stage.members.len() as u32 {
        let member = &stage.members[person as usize];
        if member.closed || member.person.marks.contains(Subgroups::ONCE) {
            continue;
        }
        let soon = now + (random.exponential(BACK_WITHIN as f64 / 3.0) as i64).min(BACK_WITHIN);
        if member.person.uses_mail_program() && random.chance(0.8) {
            let connection = member.person.connect_program(&stage.internet, soon, &mut random);
            let secret = member.secret;
            let own = Random::new(random.word(), 0);
            let marks = Subgroups::RECONNECT;
            let protocol = "imap";
            let once = Stale {
                person,
                secret,
                connection,
                every: 0,
                until: soon,
                random: own,
                protocol,
                asked: false,
                marks,
            };
            stage.agenda.add(soon, Task::Stale(Box::new(once)));
        } else if random.chance(APPS_BACK) {
            let connection = member.person.connect(&stage.internet, soon, &mut random);
            let own = Random::new(random.word(), 0);
            let mut errand = super::Errand::new(person, connection, own, super::Step::Login);
            errand.marks = Subgroups::RECONNECT;
            errand.later(soon, super::Step::Login, stage);
        }
    }
}

impl Stale {
    /// One connection: the door is asked first, then the password is looked at.
    pub(crate) fn act(self, now: i64, stage: &mut Stage) {
        let protocol = self.protocol;
        let right = stage.members[self.person as usize].secret == self.secret;
        let detail = if self.asked {
            Detail::Login(Entry {
                ok: right,
                user_known: true,
                protocol,
                secret: Some(self.secret),
                factor: "password",
                session: None,
            })
        } else {
            Detail::Attempt { protocol, secret: self.secret }
        };
        let truth = self.truth(stage);
        let (owner, client) = (Owner::Person(self.person), self.connection.client);
        stage.say(Draft { time: now, owner, client, detail, truth }, Follow::Stale(Box::new(self)));
    }

    fn truth(&self, stage: &Stage) -> Truth {
        stage.honest(self.person, self.connection.marks.with(self.marks))
    }

    pub(crate) fn heard(mut self, answer: Answer, now: i64, stage: &mut Stage) {
        if !self.asked && passes(answer) {
            self.asked = true;
            let soon = now + self.random.between(SECOND / 100, SECOND / 5);
            stage.agenda.add(soon, Task::Stale(Box::new(self)));
            return;
        }
        let right = stage.members[self.person as usize].secret == self.secret;
        if self.asked && right && passes(answer) {
            stage.members[self.person as usize].entered(None);
        }
        self.asked = false;
        let next = now + self.every + self.random.between(-20 * SECOND, 20 * SECOND);
        if self.every > 0 && next < self.until {
            let who = &stage.members[self.person as usize].person;
            self.connection = who.connect_program(&stage.internet, next, &mut self.random);
            stage.agenda.add(next, Task::Stale(Box::new(self)));
        }
    }
}
