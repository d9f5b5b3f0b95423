// SPDX-License-Identifier: Apache-2.0
//! Where attackers come from and what they look like.

use std::net::IpAddr;

use crate::accounts::device::{Device, look_of};
use crate::accounts::event::Client;
use crate::accounts::internet::{COUNTRIES, Internet};
use crate::accounts::look::{Hello, Look, Os, Program};
use crate::random::{Random, derive};

/// Networks an attacker has.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Rented servers: so many networks, so many hosts in each; over IPv6 a fresh /64 of a /56 or /48 each time.
    Rented { nets: Vec<u64>, hosts: u64, v6_subnets: u64 },
    /// Other people's lines: `pool` exits in some countries, some of them phones.
    Proxies { pool: u64, countries: Vec<(usize, u32)>, phones: f64, key: u64 },
    /// A VPN service's exits.
    Vpn { service: u64 },
    /// Lines and phones of people in a few places, who keep theirs.
    Places { people: u64, countries: Vec<(usize, u32)>, key: u64 },
    /// One address, whosever it is.
    At(IpAddr),
}

/// An address and what it takes to get there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) ip: IpAddr,
    /// Round trip from the attacker's own machine to the address, microseconds.
    pub(crate) behind: i64,
    /// Which of its exits that is.
    pub(crate) exit: u64,
    pub(crate) country: usize,
}

impl Source {
    /// One rented server.
    pub(crate) fn server(random: &mut Random) -> Source {
        Source::Rented { nets: vec![random.word()], hosts: 1, v6_subnets: 0 }
    }

    /// A pool of rented servers.
    pub(crate) fn servers(random: &mut Random) -> Source {
        let nets = (0..random.between(1, 12)).map(|_| random.word()).collect();
        let v6_subnets = [0, 256, 65_536][random.weighted(&[65, 20, 15])];
        Source::Rented { nets, hosts: random.between(2, 60) as u64, v6_subnets }
    }

    /// A proxy service's exits: few countries or all, mostly lines.
    pub(crate) fn proxies(pool: u64, random: &mut Random) -> Source {
        let mut countries: Vec<(usize, u32)> =
            COUNTRIES.iter().enumerate().map(|(n, country)| (n, country.proxies)).collect();
        if random.chance(0.45) {
            let keep = random.between(1, 5) as usize;
            while countries.len() > keep {
                countries.swap_remove(random.below(countries.len() as u64) as usize);
            }
        }
        Source::Proxies { pool: pool.max(1), countries, phones: random.real(0.0, 0.35), key: random.word() }
    }

    /// People who do it for money, in one to four countries.
    pub(crate) fn paid(people: u64, random: &mut Random) -> Source {
        let weights = COUNTRIES.each_ref().map(|country| country.paid);
        let countries = (0..random.between(1, 4))
            .map(|_| (random.weighted(&weights), 1 + random.below(9) as u32))
            .collect();
        Source::Places { people: people.max(1), countries, key: random.word() }
    }

    /// An address for the next thing done.
    pub(crate) fn take(&self, now: i64, internet: &Internet, random: &mut Random) -> Origin {
        match self {
            Source::Rented { nets, hosts, v6_subnets } => {
                let which = random.below(nets.len() as u64);
                let net = nets[which as usize];
                let host = random.below(*hosts);
                let ip = if *v6_subnets > 0 && random.chance(0.8) {
                    // a /56 is one of 256 in the /48
                    let base = if *v6_subnets == 256 { (net & 0xff) << 8 } else { 0 };
                    let subnet = base | random.below(*v6_subnets);
                    internet.rented_v6(net, subnet, 1 + random.below(200))
                } else {
                    internet.rented(net, derive(net, 0x686f, host))
                };
                self.origin(ip, 0, which << 32 | host, internet)
            }
            Source::Proxies { pool, countries, phones, key } => {
                let exit = random.below(*pool);
                let line = derive(*key, 0x7072, exit);
                let country = one_of(countries, line);
                let ip = if crate::random::fraction(derive(line, 1, 0)) < *phones {
                    internet.phone(internet.carrier(country, line), line, now, random)
                } else {
                    internet.home(internet.line(country, line), line, now, random).0
                };
                let behind = random.log_normal(110_000.0, 0.5) as i64;
                self.origin(ip, behind, exit, internet)
            }
            Source::Vpn { service } => {
                let ip = internet.vpn(*service, random.word(), random);
                let behind = random.log_normal(30_000.0, 0.6) as i64;
                self.origin(ip, behind, 0, internet)
            }
            Source::Places { people, countries, key } => {
                let who = random.below(*people);
                let line = derive(*key, 0x7061, who);
                let country = one_of(countries, line);
                let ip = if random.chance(0.4) {
                    internet.phone(internet.carrier(country, line), line, now, random)
                } else {
                    internet.home(internet.line(country, line), line, now, random).0
                };
                self.origin(ip, 0, who, internet)
            }
            Source::At(ip) => self.origin(*ip, 0, 0, internet),
        }
    }

    fn origin(&self, ip: IpAddr, behind: i64, exit: u64, internet: &Internet) -> Origin {
        Origin { ip, behind, exit, country: internet.country_at(ip) }
    }
}

fn one_of(countries: &[(usize, u32)], key: u64) -> usize {
    let total: u32 = countries.iter().map(|(_, weight)| weight).sum();
    let mut point = (key >> 8) as u32 % total.max(1);
    for (country, weight) in countries {
        if point < *weight {
            return *country;
        }
        point -= weight;
    }
    countries.first().map_or(0, |(country, _)| *country)
}

/// What an attacker's clients look like.
#[derive(Debug, Clone)]
pub(crate) enum Face {
    /// Always the same.
    One(Look),
    /// A handful in turn: browsers driven by a program, or profiles that were bought.
    Few(Vec<Look>),
    /// Drawn from what people use, TLS and all; behind by some releases.
    Population { lag: i64 },
    /// The devices of those who do it, one for each exit of the source.
    Own { key: u64 },
}

/// Which cookies it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookies {
    None,
    Fresh,
    /// One for so many things done.
    Kept(u64),
    /// One for each exit.
    Own,
}

const TOOLS: [Program; 5] = [Program::Python, Program::Go, Program::Curl, Program::OkHttp, Program::Node];

impl Face {
    /// A tool that says what it is.
    pub(crate) fn tool(random: &mut Random) -> Face {
        let program = TOOLS[random.below(5) as usize];
        Face::One(Look { program, os: Os::Linux, release: 0, hello: Hello::Own })
    }

    /// A tool that says it is a browser, one or some.
    pub(crate) fn named(count: i64, now: i64, random: &mut Random) -> Face {
        let tool = TOOLS[random.below(5) as usize];
        let looks = (0..count).map(|_| stale(now, random).with(Hello::Of(tool))).collect();
        Face::Few(looks)
    }

    /// Real browsers driven by a program, in a few versions.
    pub(crate) fn driven(now: i64, random: &mut Random) -> Face {
        let count = random.between(1, 6);
        Face::Few((0..count).map(|_| stale(now, random)).collect())
    }

    pub(crate) fn show(&self, exit: u64, now: i64, random: &mut Random) -> Look {
        match self {
            Face::One(look) => *look,
            Face::Few(looks) => looks[random.below(looks.len() as u64) as usize],
            Face::Population { lag } => {
                let device = if random.chance(0.6) { Device::Laptop } else { Device::Phone };
                look_of(random.word(), device, now - lag * crate::clock::DAY, random)
            }
            Face::Own { key } => {
                let machine = derive(*key, 0x6d61, exit);
                let device = if machine.is_multiple_of(3) { Device::Laptop } else { Device::Phone };
                look_of(machine, device, now, random)
            }
        }
    }
}

/// A browser's name as tools carry it: common ones, some releases behind.
fn stale(now: i64, random: &mut Random) -> Look {
    let (program, os) = [
        (Program::Chrome, Os::Windows),
        (Program::Chrome, Os::Mac),
        (Program::Chrome, Os::Linux),
        (Program::Firefox, Os::Windows),
        (Program::Chrome, Os::Android),
        (Program::Safari, Os::Ios),
    ][random.weighted(&[40, 15, 10, 12, 15, 8])];
    Look::at(program, os, now, random.between(0, 300))
}

/// Which languages its clients ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tongues {
    One(&'static str),
    /// What fits the exit's country.
    Fitting,
}

impl Tongues {
    pub(crate) fn draw(random: &mut Random) -> Tongues {
        match random.weighted(&[45, 30, 25]) {
            0 => Tongues::One("en-US,en;q=0.9"),
            1 => Tongues::One(COUNTRIES[random.below(COUNTRIES.len() as u64) as usize].languages),
            _ => Tongues::Fitting,
        }
    }
}

/// All of that together.
#[derive(Debug, Clone)]
pub(crate) struct Gear {
    pub(crate) source: Source,
    pub(crate) face: Face,
    pub(crate) cookies: Cookies,
    pub(crate) tongues: Tongues,
    pub(crate) key: u64,
}

impl Gear {
    /// A client for the next thing done.
    pub(crate) fn client(&self, now: i64, internet: &Internet, random: &mut Random) -> Client {
        let origin = self.source.take(now, internet, random);
        let device = match self.cookies {
            Cookies::None => None,
            Cookies::Fresh => Some(random.word()),
            Cookies::Kept(many) => Some(derive(self.key, 0x6b65, random.below(many))),
            Cookies::Own => Some(derive(self.key, 0x6f77, origin.exit)),
        };
        let languages = match self.tongues {
            Tongues::One(languages) => languages,
            Tongues::Fitting => COUNTRIES[origin.country].languages,
        };
        Client {
            ip: origin.ip,
            device,
            look: self.face.show(origin.exit, now, random),
            languages,
            rtt: internet.rtt(origin.ip, random) + origin.behind,
        }
    }
}
