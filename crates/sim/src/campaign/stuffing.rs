// SPDX-License-Identifier: Apache-2.0
//! Credential stuffing: tries names and passwords leaked elsewhere.

use crate::clock::{HOUR, MINUTE};
use crate::honest::Honest;
use crate::outbox::{Client, Outbox};
use crate::person::{AccountSpace, account};
use crate::random::Random;
use crate::truth::{StuffingStyle, Truth};

use super::{Agents, Devices, Origin, Pace, sized};

/// A stuffing run at work.
#[derive(Debug)]
pub(crate) struct Stuffing {
    seed: u64,
    campaign: u32,
    style: StuffingStyle,
    left: u32,
    origin: Origin,
    devices: Devices,
    agents: Agents,
    pace: Pace,
    /// Share of tries with the right password: 0.5 to 1 %. Vendors' reports give 0.1 to 2 % (general knowledge).
    success: f64,
    /// Share of the other tries whose name belongs to somebody here: 5 to 30 % (assumed; the lists come from elsewhere).
    known: f64,
    random: Random,
}

impl Stuffing {
    /// Plans campaign number `campaign`; everything follows from seed and number.
    pub(crate) fn plan(seed: u64, campaign: u32, style: StuffingStyle, size: f64) -> Stuffing {
        let mut random = Random::new(seed, 0x5354_0000_0000 + u64::from(campaign));
        let r = &mut random;
        let (left, duration, origin) = match style {
            StuffingStyle::NoisyAddress => {
                (sized(1_000, 5_000, size, r), r.between(10 * MINUTE, 40 * MINUTE), Origin::rented(1, 1, r))
            }
            StuffingStyle::ProxyPool => {
                let (nets, servers) = (r.between(2, 6), r.between(8, 15));
                (
                    sized(2_000, 8_000, size, r),
                    r.between(30 * MINUTE, 3 * HOUR),
                    Origin::rented(nets, servers, r),
                )
            }
            StuffingStyle::Botnet => {
                let machines = r.between(800, 4_000);
                let tries = sized(machines * 2, machines * 4, size, r);
                (tries, r.between(HOUR, 8 * HOUR), Origin::spread(machines, [5, 95, 0], r))
            }
        };
        Stuffing {
            seed,
            campaign,
            style,
            left,
            origin,
            devices: if r.chance(0.7) { Devices::Hidden } else { Devices::Fresh },
            agents: agents(style, r),
            pace: Pace::over(duration, left, false),
            success: r.real(0.005, 0.01),
            known: r.real(0.05, 0.3),
            random,
        }
    }

    /// Tries one name and password; says when the next try is due, `None` after the last.
    pub(crate) fn step(&mut self, now: i64, honest: &Honest, outbox: &mut Outbox) -> Option<i64> {
        let random = &mut self.random;
        let client = Client {
            ip: self.origin.address(honest, now, random),
            device: self.devices.show(self.origin.key, random),
            agent: self.agents.show(random),
        };
        let succeeded = random.chance(self.success);
        let known = succeeded || random.chance(self.known);
        let account = if known {
            account(self.seed, AccountSpace::People, random.below(u64::from(honest.people)))
        } else {
            account(self.seed, AccountSpace::Nobody, random.word() >> 8)
        };
        let truth = Truth::Stuffing { campaign: self.campaign, style: self.style, succeeded };
        outbox.login(now, account, &client, (succeeded, known), truth);
        self.left -= 1;
        (self.left > 0).then(|| now + self.pace.gap(random))
    }
}

/// One-address runs mostly leave their tool's name; spread ones mostly pretend to be browsers.
fn agents(style: StuffingStyle, random: &mut Random) -> Agents {
    let tool = if style == StuffingStyle::NoisyAddress { 0.6 } else { 0.15 };
    if random.chance(tool) {
        Agents::tool(random)
    } else if random.chance(0.4) {
        Agents::browser(random)
    } else {
        Agents::browsers(random)
    }
}
