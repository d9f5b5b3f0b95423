// SPDX-License-Identifier: Apache-2.0
//! A sign-up farm: makes accounts for sale or for spam.

use crate::clock::{HOUR, MINUTE, SECOND};
use crate::honest::Honest;
use crate::names::{NameStyle, generated, tagged, throwaway};
use crate::outbox::{Client, Form, Outbox};
use crate::person::{AccountSpace, account};
use crate::random::Random;
use crate::truth::{FarmStyle, Truth};

use super::{Agents, Devices, Origin, Pace, sized};

/// A farm at work.
#[derive(Debug)]
pub(crate) struct Farm {
    seed: u64,
    truth: Truth,
    campaign: u32,
    made: u32,
    planned: u32,
    origin: Origin,
    devices: Devices,
    agents: Agents,
    pace: Pace,
    names: NameStyle,
    recovery: Recovery,
    form: FormTiming,
    /// Share of accounts that log in once, right after they are made.
    log_in: f64,
    random: Random,
}

#[derive(Debug, Clone, Copy)]
enum Recovery {
    Nothing,
    Throwaway(u64),
    Tagged(u64),
}

/// How long the script keeps the form open: around `middle` microseconds, evenly within `spread` of it. People's times
/// have a long tail; a script's do not.
#[derive(Debug, Clone, Copy)]
struct FormTiming {
    middle: f64,
    spread: f64,
}

impl Farm {
    /// Plans campaign number `campaign`; everything follows from seed and number.
    pub(crate) fn plan(seed: u64, campaign: u32, style: FarmStyle, size: f64) -> Farm {
        let mut random = Random::new(seed, 0x4641_0000_0000 + u64::from(campaign));
        let r = &mut random;
        let (planned, duration, origin) = match style {
            FarmStyle::Burst => {
                let servers = r.between(1, 8);
                (sized(60, 400, size, r), r.between(4 * MINUTE, 40 * MINUTE), Origin::rented(1, servers, r))
            }
            FarmStyle::Rotating => {
                let (nets, servers) = (r.between(5, 20), r.between(2, 12));
                (sized(100, 600, size, r), r.between(30 * MINUTE, 4 * HOUR), Origin::rented(nets, servers, r))
            }
            FarmStyle::LowAndSlow => {
                let infected = r.between(40, 200);
                (
                    sized(80, 400, size, r),
                    r.between(8 * HOUR, 48 * HOUR),
                    Origin::spread(infected, [40, 45, 15], r),
                )
            }
        };
        let careful = style == FarmStyle::LowAndSlow;
        let timer = r.chance(if careful { 0.2 } else { 0.6 });
        Farm {
            seed,
            truth: Truth::SignupFarm { campaign, style },
            campaign,
            made: 0,
            planned,
            origin,
            devices: devices(r),
            agents: if r.chance(0.6) { Agents::browser(r) } else { Agents::browsers(r) },
            pace: Pace::over(duration, planned, timer),
            names: names(r),
            recovery: recovery(r),
            form: FormTiming::plan(r.chance(if careful { 0.7 } else { 0.2 }), r),
            log_in: r.real(0.2, 0.9),
            random,
        }
    }

    /// Makes one account; says when the next is due, `None` after the last.
    pub(crate) fn step(&mut self, now: i64, honest: &Honest, outbox: &mut Outbox) -> Option<i64> {
        let random = &mut self.random;
        let client = Client {
            ip: self.origin.address(honest, now, random),
            device: self.devices.show(self.origin.key, random),
            agent: self.agents.show(random),
        };
        let form = Form {
            username: generated(self.names, self.made, random),
            email: self.recovery.address(self.made, random),
            time: self.form.draw(random),
        };
        let number = u64::from(self.campaign) << 24 | u64::from(self.made);
        let account = account(self.seed, AccountSpace::Farms, number);
        outbox.signup(now, account, &client, form, self.truth);
        if random.chance(self.log_in) {
            let later = now + random.between(2 * SECOND, MINUTE);
            outbox.login(later, account, &client, (true, true), self.truth);
        }
        self.made += 1;
        (self.made < self.planned).then(|| now + self.pace.gap(random))
    }
}

fn devices(random: &mut Random) -> Devices {
    match random.weighted(&[35, 45, 20]) {
        0 => Devices::Hidden,
        1 => Devices::Reused(random.between(1, 8) as u64),
        _ => Devices::Fresh,
    }
}

fn names(random: &mut Random) -> NameStyle {
    use NameStyle::*;
    [Mixed, WordPair, Person, Counter][random.weighted(&[30, 30, 30, 10])]
}

fn recovery(random: &mut Random) -> Recovery {
    match random.weighted(&[50, 30, 20]) {
        0 => Recovery::Nothing,
        1 => Recovery::Throwaway(random.below(40)),
        _ => Recovery::Tagged(random.below(1_000_000)),
    }
}

impl Recovery {
    fn address(self, serial: u32, random: &mut Random) -> Option<String> {
        match self {
            Recovery::Nothing => None,
            Recovery::Throwaway(domain) => Some(throwaway(domain, random)),
            Recovery::Tagged(owner) => Some(tagged(owner, serial)),
        }
    }
}

impl FormTiming {
    /// A plain script is quick and even; a patient one waits about as long as a person would.
    fn plan(patient: bool, random: &mut Random) -> FormTiming {
        let (middle, spread) = if patient {
            (random.real(15.0, 40.0), 0.3)
        } else {
            (random.real(1.5, 9.0), random.real(0.02, 0.1))
        };
        FormTiming { middle: middle * SECOND as f64, spread }
    }

    fn draw(self, random: &mut Random) -> i64 {
        (self.middle * random.real(1.0 - self.spread, 1.0 + self.spread)) as i64
    }
}
