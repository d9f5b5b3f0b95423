// SPDX-License-Identifier: Apache-2.0
//! What attackers have in common: where they connect from, what they show, how they pace themselves.
//!
//! Numbers are assumed unless a line says otherwise; they follow published descriptions in kind (SynchroTrap 2014: some
//! 1,700 accounts a campaign at a very large site; Thomas et al. 2013: accounts sold by the thousand), scaled to a small
//! provider. Attackers work around the clock.

mod farm;
mod stuffing;

pub(crate) use farm::Farm;
pub(crate) use stuffing::Stuffing;

use std::net::IpAddr;

use crate::agents::{COMPUTERS, PHONES, TOOLS};
use crate::honest::Honest;
use crate::random::{Random, derive};

/// Where a campaign connects from. Infected machines and residential proxies stand in honest people's homes and phones,
/// behind the same addresses.
#[derive(Debug, Clone)]
struct Origin {
    key: u64,
    /// Weights of rented servers, infected machines, VPN exits.
    weights: [u32; 3],
    rented_nets: u64,
    servers_per_net: u64,
    ipv6: bool,
    infected: u64,
}

impl Origin {
    /// `nets` rented networks with `servers` addresses in each.
    fn rented(nets: i64, servers: i64, random: &mut Random) -> Origin {
        Origin {
            key: random.word(),
            weights: [1, 0, 0],
            rented_nets: nets as u64,
            servers_per_net: servers as u64,
            ipv6: random.chance(0.1),
            infected: 0,
        }
    }

    /// `infected` machines in homes and phones, besides some rented servers and VPN exits by the weights.
    fn spread(infected: i64, weights: [u32; 3], random: &mut Random) -> Origin {
        let servers = random.between(1, 4);
        let nets = random.between(8, 30);
        Origin { weights, infected: infected as u64, ..Origin::rented(nets, servers, random) }
    }

    /// The address of one connection.
    fn address(&self, honest: &Honest, now: i64, random: &mut Random) -> IpAddr {
        match random.weighted(&self.weights) {
            0 => self.server(honest, random),
            1 => self.infected(honest, now, random),
            _ => honest.networks.vpn(random),
        }
    }

    fn server(&self, honest: &Honest, random: &mut Random) -> IpAddr {
        let net = derive(self.key, 1, random.below(self.rented_nets));
        let host = derive(net, 2, random.below(self.servers_per_net));
        if self.ipv6 { honest.networks.hosting_v6(net, host) } else { honest.networks.hosting(net, host) }
    }

    /// Four of five infected machines are at home (computers, routers, cameras), the others on phones.
    fn infected(&self, honest: &Honest, now: i64, random: &mut Random) -> IpAddr {
        let machine = derive(self.key, 3, random.below(self.infected));
        let victim = (u64::from(honest.people) * (machine >> 32)) >> 32;
        if machine.is_multiple_of(5) {
            honest.networks.mobile(victim, now)
        } else {
            let household = crate::person::household(victim as u32);
            honest.networks.home(household, machine, now, random)
        }
    }
}

/// Which device ids a campaign shows.
#[derive(Debug, Clone, Copy)]
enum Devices {
    Hidden,
    /// So many, again and again.
    Reused(u64),
    /// A new one each time.
    Fresh,
}

impl Devices {
    fn show(self, key: u64, random: &mut Random) -> Option<u64> {
        match self {
            Devices::Hidden => None,
            Devices::Reused(count) => Some(derive(key, 4, random.below(count))),
            Devices::Fresh => Some(random.word()),
        }
    }
}

/// What a campaign's clients call themselves.
#[derive(Debug, Clone, Copy)]
enum Agents {
    /// The same each time.
    One(&'static str),
    /// Any of a table, drawn each time.
    Any(&'static [&'static str]),
}

impl Agents {
    fn tool(random: &mut Random) -> Agents {
        Agents::One(random.pick(&TOOLS))
    }

    fn browser(random: &mut Random) -> Agents {
        Agents::One(if random.chance(0.7) { random.pick(&COMPUTERS) } else { random.pick(&PHONES) })
    }

    fn browsers(random: &mut Random) -> Agents {
        Agents::Any(if random.chance(0.7) { &COMPUTERS } else { &PHONES })
    }

    fn show(self, random: &mut Random) -> &'static str {
        match self {
            Agents::One(agent) => agent,
            Agents::Any(table) => random.pick(table),
        }
    }
}

/// Time between a campaign's steps.
#[derive(Debug, Clone, Copy)]
struct Pace {
    mean: f64,
    /// A script's timer, within a tenth of the mean; otherwise waits are random (workers that do not know each other).
    timer: bool,
}

impl Pace {
    /// `steps` within about `duration` microseconds.
    fn over(duration: i64, steps: u32, timer: bool) -> Pace {
        Pace { mean: duration as f64 / f64::from(steps.max(1)), timer }
    }

    fn gap(self, random: &mut Random) -> i64 {
        let factor = if self.timer { random.real(0.9, 1.1) } else { random.exponential(1.0) };
        (self.mean * factor) as i64
    }
}

/// A number of events between two, by the world's size factor; at least five.
fn sized(fewest: i64, most: i64, size: f64, random: &mut Random) -> u32 {
    ((random.between(fewest, most) as f64 * size) as u32).max(5)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::network::NetworkKind;
    use crate::network::tests::kind_of;
    use crate::settings::Settings;

    fn addresses(origin: &Origin, random: &mut Random) -> HashSet<IpAddr> {
        let honest = Honest::new(&Settings::default());
        (0..3_000).map(|_| origin.address(&honest, 0, random)).collect()
    }

    #[test]
    fn rented_servers_are_as_many_as_said() {
        let mut random = Random::new(1, 0);
        let one = Origin::rented(1, 1, &mut random);
        assert_eq!(addresses(&one, &mut random).len(), 1);
        let pool = Origin::rented(3, 10, &mut random);
        let pool = addresses(&pool, &mut random);
        assert!((20..=30).contains(&pool.len()), "{}", pool.len());
        assert!(pool.iter().all(|ip| kind_of(*ip) == NetworkKind::Hosting));
    }

    #[test]
    fn infected_machines_stand_in_homes_and_phones() {
        let mut random = Random::new(2, 0);
        let botnet = Origin::spread(1_000, [0, 1, 0], &mut random);
        let kinds: Vec<_> = addresses(&botnet, &mut random).into_iter().map(kind_of).collect();
        assert!(kinds.len() > 700, "{}", kinds.len());
        assert!(kinds.iter().all(|kind| matches!(kind, NetworkKind::Home | NetworkKind::Mobile)));
        let homes = kinds.iter().filter(|kind| **kind == NetworkKind::Home).count();
        assert!(homes * 2 > kinds.len());
    }

    #[test]
    fn a_timer_is_steadier_than_workers() {
        let mut random = Random::new(3, 0);
        let mut spread = |timer| {
            let pace = Pace::over(1_000_000, 10, timer);
            let gaps: Vec<_> = (0..2_000).map(|_| pace.gap(&mut random) as f64 / 100_000.0).collect();
            let mean = gaps.iter().sum::<f64>() / 2_000.0;
            assert!((mean - 1.0).abs() < 0.1, "{mean}");
            gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 2_000.0
        };
        assert!(spread(true) * 50.0 < spread(false));
    }
}
