// SPDX-License-Identifier: Apache-2.0
//! A person thinks of the account: when, with what, and whether they know the password.

use super::errand::{Errand, Step};
use super::program;
use crate::accounts::device::Device;
use crate::accounts::stage::{Stage, Task};
use crate::accounts::truth::Subgroups;
use crate::clock::{DAY, mean_activity};

/// Logins by hand that begin with a mistyped password or name, and those by somebody who has forgotten the password.
/// Assumed: together a few percent of attempts fail, the usual order at mail providers.
const TYPOS: f64 = 0.035;
const FORGOTTEN: f64 = 0.006;
/// A password manager mistypes nothing, but may hold an old password.
const MANAGED: f64 = 0.15;
/// Of mistyped logins, those with the name wrong rather than the password (assumed).
const NAME_MISTYPED: f64 = 0.1;

/// An account begins to be used: plans the first visit, and its mail program.
pub(crate) fn settle(person: u32, now: i64, stage: &mut Stage) {
    next(person, now, stage);
    program::settle(person, now, stage);
}

/// When they think of it next: a Poisson process, of which the hour of the day thins out the nights.
fn next(person: u32, now: i64, stage: &mut Stage) {
    let rate = stage.members[person as usize].person.per_week / 7.0 / mean_activity();
    let mut random = stage.errand_random(person);
    let wait = random.exponential(DAY as f64 / rate).min(1e15) as i64;
    stage.agenda.add(now + wait, Task::Visit(person));
}

/// They think of it.
pub(crate) fn visit(person: u32, now: i64, stage: &mut Stage) {
    next(person, now, stage);
    let mut random = stage.errand_random(person);
    let member = &stage.members[person as usize];
    if member.closed || !random.chance(member.person.local(now).activity()) {
        return;
    }
    log_in(person, now, stage);
}

/// They log in, at whatever hour.
pub(crate) fn log_in(person: u32, now: i64, stage: &mut Stage) {
    let mut random = stage.errand_random(person);
    let who = &stage.members[person as usize].person;
    let connection = who.connect(&stage.internet, now, &mut random);
    debug_assert_ne!(connection.device, Device::MailProgram);
    let managed = if who.marks.contains(Subgroups::PASSWORD_MANAGER) { MANAGED } else { 1.0 };
    let fate = random.unit() / managed;
    let locked_out = stage.members[person as usize].locked_out;
    let (wrong, step) = if locked_out {
        (3, Step::Guess) // what they know is wrong by now
    } else if fate < TYPOS {
        (1 + u8::from(random.chance(0.2)), Step::Typo { name: random.chance(NAME_MISTYPED) })
    } else if fate < TYPOS + FORGOTTEN {
        (random.between(2, 7) as u8, Step::Guess)
    } else {
        (0, Step::Login)
    };
    let mut errand = Errand::new(person, connection, random, step);
    errand.wrong = wrong;
    errand.act(now, stage);
}
