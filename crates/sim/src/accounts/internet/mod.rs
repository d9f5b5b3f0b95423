// SPDX-License-Identifier: Apache-2.0
//! The simulated internet: who connects from which address, who shares it, and what a database says of it.

mod countries;
mod database;
mod operators;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) use countries::COUNTRIES;
pub(crate) use database::Facts;
#[cfg(test)]
pub(crate) use database::{Use, operator_use};
pub(crate) use operators::{Operator, Trade};

use crate::clock::{DAY, HOUR, MINUTE};
use crate::random::{Random, derive, fraction, place};
use database::{home_nets, office_nets, wifi_nets};
use operators::{VPN_SERVICES, operators};

/// 240.0.0.0
const FIRST_V4: u32 = 0xf000_0000;
/// 3fff::, as the upper 32 bits; each operator has a /32 of the /20.
const FIRST_V6: u64 = 0x3fff_0000;

/// Addresses a carrier shares among its phones: about 150 of the provider's customers an address (assumed; the ratio counts
/// customers of this provider, of which every address has many more).
const PHONES_PER_ADDRESS: u64 = 150;
/// Homes behind one address of a carrier that shares them (assumed; DS-Lite is usually dimensioned for 64 to 256).
const HOMES_PER_ADDRESS: u64 = 40;
/// Exits of a VPN service, over the countries it offers (assumed: a mid-sized service; customers see a few each).
const VPN_EXITS: u64 = 40;
/// Tor exits this provider sees (assumed: a few relays carry most traffic).
const TOR_EXITS: u64 = 60;
/// Of connections from a line with IPv6, those that use it (assumed; browsers prefer it and fall back).
const IPV6_USED: f64 = 0.8;
/// Days until a line gets a new IPv4 address or IPv6 prefix, with weights per hundred (assumed).
const LEASE_DAYS: [i64; 4] = [1, 7, 30, 180];
const LEASE_WEIGHTS: [u32; 4] = [10, 20, 35, 35];

/// The line of a household, an office or a café.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) operator: u16,
    pub(crate) city: u8,
    pub(crate) key: u64,
}

/// Every network of one world.
#[derive(Debug)]
pub(crate) struct Internet {
    pub(crate) operators: Vec<Operator>,
    /// The operator of each /24 from 240.0.0.0 on.
    owners: Vec<u16>,
    /// By country: operators by trade.
    fixed: Vec<Vec<u16>>,
    mobile: Vec<Vec<u16>>,
    campus: Vec<Vec<u16>>,
    hosting: Vec<u16>,
    vpn: Vec<u16>,
    tor: Vec<IpAddr>,
    /// Addresses that one carrier shares among its phones.
    phone_pool: u64,
    home_pool: u64,
}

impl Internet {
    /// The networks for so many customers.
    pub(crate) fn new(people: u32) -> Internet {
        let operators = operators();
        let mut owners = Vec::new();
        for (number, operator) in operators.iter().enumerate() {
            owners.extend(std::iter::repeat_n(number as u16, operator.nets as usize));
        }
        let of = |trade, country: Option<usize>| -> Vec<u16> {
            let fits = |o: &Operator| o.trade == trade && country.is_none_or(|c| usize::from(o.country) == c);
            (0..operators.len() as u16).filter(|n| fits(&operators[usize::from(*n)])).collect()
        };
        let by_country = |trade| (0..COUNTRIES.len()).map(|country| of(trade, Some(country))).collect();
        let (fixed, mobile, campus) =
            (by_country(Trade::Fixed), by_country(Trade::Mobile), by_country(Trade::Campus));
        let (hosting, vpn) = (of(Trade::Hosting, None), of(Trade::Vpn, None));
        let mut net = Internet {
            fixed,
            mobile,
            campus,
            hosting,
            vpn,
            tor: Vec::new(),
            phone_pool: (u64::from(people) / (PHONES_PER_ADDRESS * 8)).max(2),
            home_pool: (u64::from(people) / (HOMES_PER_ADDRESS * 8)).max(3),
            operators,
            owners,
        };
        net.tor =
            (0..TOR_EXITS).map(|exit| net.rented(derive(11, 3, exit / 3), derive(11, 4, exit))).collect();
        net.tor.sort_unstable();
        net
    }

    /// A household's line somewhere in a country.
    pub(crate) fn line(&self, country: usize, key: u64) -> Line {
        let operator = self.one_of(&self.fixed[country], derive(key, 0x6c69, 0));
        Line { operator, city: place(derive(key, 0x6369, 0) % 100, &[50, 28, 22]) as u8, key }
    }

    /// A phone's carrier in a country.
    pub(crate) fn carrier(&self, country: usize, key: u64) -> u16 {
        self.one_of(&self.mobile[country], derive(key, 0x6361, 0))
    }

    fn one_of(&self, operators: &[u16], key: u64) -> u16 {
        let weight = |n: &u16| self.operators[usize::from(*n)].weight;
        let total: u32 = operators.iter().map(weight).sum();
        let mut point = (key % u64::from(total.max(1))) as u32;
        for number in operators {
            if point < weight(number) {
                return *number;
            }
            point -= weight(number);
        }
        0
    }

    /// A connection from a home by one of its devices, and whether other homes share the address.
    pub(crate) fn home(&self, line: Line, device: u64, now: i64, random: &mut Random) -> (IpAddr, bool) {
        let operator = &self.operators[usize::from(line.operator)];
        let lease = LEASE_DAYS[place(line.key % 100, &LEASE_WEIGHTS)];
        let renewal = (now / MINUTE + (line.key % 1_440) as i64).div_euclid(lease * 1_440) as u64;
        if operator.v6 && random.chance(IPV6_USED) {
            // A /56 within one of the city's /48s, a /64 of it that the router deals anew now and then, and a temporary
            // interface id each day (RFC 8981).
            let net = self.home_net(operator, line);
            let subnet =
                ((derive(line.key, 0x7375, renewal) % 256) << 8) | (derive(device, 0x3634, renewal) % 4);
            return (
                self.v6(line.operator, net, subnet, derive(device, 2, now.div_euclid(DAY) as u64)),
                false,
            );
        }
        if operator.nat {
            let shared = derive(line.key, 0x6e61, renewal) % self.home_pool;
            return (
                self.v4(operator, (shared / 200) as u32 % home_nets(operator.nets), shared % 200 + 10),
                true,
            );
        }
        let net = self.home_net(operator, Line { key: derive(line.key, 0x6e65, renewal / 3), ..line });
        (self.v4(operator, net, derive(line.key, 0x686f, renewal)), false)
    }

    /// One of the city's home networks.
    fn home_net(&self, operator: &Operator, line: Line) -> u32 {
        let homes = home_nets(operator.nets);
        let (from, to) = (homes * u32::from(line.city) / 3, homes * (u32::from(line.city) + 1) / 3);
        from + (line.key >> 20) as u32 % (to - from).max(1)
    }

    /// A connection of a phone over its carrier; the shared address changes every few hours.
    pub(crate) fn phone(&self, carrier: u16, subscriber: u64, now: i64, random: &mut Random) -> IpAddr {
        let operator = &self.operators[usize::from(carrier)];
        let session = derive(subscriber, 5, now.div_euclid(5 * HOUR) as u64);
        if operator.v6 && random.chance(IPV6_USED) {
            let net = (session >> 40) as u32 % operator.nets;
            return self.v6(carrier, net, session >> 16 & 0xffff, derive(session, 6, 0));
        }
        let shared = session % self.phone_pool;
        self.v4(operator, (shared % u64::from(operator.nets)) as u32, 10 + shared / u64::from(operator.nets))
    }

    /// A workplace: always the same address.
    pub(crate) fn office(&self, line: Line) -> IpAddr {
        let operator = &self.operators[usize::from(line.operator)];
        let (offices, homes) = (office_nets(operator.nets).max(1), home_nets(operator.nets));
        self.v4(operator, (homes + line.key as u32 % offices) % operator.nets, line.key >> 32)
    }

    /// A café, hotel or library: some hundred in each city.
    pub(crate) fn wifi(&self, country: usize, random: &mut Random) -> IpAddr {
        let number = self.fixed[country][random.below(3) as usize];
        let operator = &self.operators[usize::from(number)];
        let net = operator.nets - 1 - random.below(u64::from(wifi_nets(operator.nets).max(1))) as u32;
        self.v4(operator, net, random.below(60) * 4)
    }

    /// A campus: translators keep one user on one of four addresses for an hour, or everybody of one room on one.
    pub(crate) fn campus(&self, country: usize, campus: u64, slot: u64) -> IpAddr {
        let operator = &self.operators[usize::from(self.one_of(&self.campus[country], campus))];
        self.v4(operator, (campus >> 8) as u32 % operator.nets, 4 * (campus >> 16 & 31) + slot % 4)
    }

    /// An exit of VPN service `service` that the customer prefers, or now and then another.
    pub(crate) fn vpn(&self, service: u64, prefers: u64, random: &mut Random) -> IpAddr {
        let number = self.vpn[service as usize % VPN_SERVICES];
        let exit = if random.chance(0.7) { prefers % VPN_EXITS } else { random.below(VPN_EXITS) };
        let operator = &self.operators[usize::from(number)];
        self.v4(operator, (exit % u64::from(operator.nets)) as u32, 20 + exit / u64::from(operator.nets))
    }

    /// A Tor exit.
    pub(crate) fn tor(&self, random: &mut Random) -> IpAddr {
        // a few exits carry most traffic
        let exit = (random.unit() * random.unit() * TOR_EXITS as f64) as usize;
        self.tor[exit.min(self.tor.len() - 1)]
    }

    /// Server number `host` in rented network number `net`.
    pub(crate) fn rented(&self, net: u64, host: u64) -> IpAddr {
        let operator = &self.operators[usize::from(self.hoster(net))];
        self.v4(operator, (net >> 16) as u32 % operator.nets, host)
    }

    /// IPv6 of a rented server: a /64 of the customer's /48.
    pub(crate) fn rented_v6(&self, net: u64, subnet: u64, interface: u64) -> IpAddr {
        self.v6(self.hoster(net), (net >> 16) as u32, subnet & 0xffff, interface)
    }

    fn hoster(&self, net: u64) -> u16 {
        self.one_of(&self.hosting, net & 0xffff)
    }

    fn v4(&self, operator: &Operator, net: u32, host: u64) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(FIRST_V4 + (operator.first + net) * 256 + 1 + (host % 254) as u32))
    }

    fn v6(&self, operator: u16, net: u32, subnet: u64, interface: u64) -> IpAddr {
        let prefix = (FIRST_V6 + u64::from(operator)) << 32 | u64::from(net & 0xffff) << 16 | subnet & 0xffff;
        IpAddr::V6(Ipv6Addr::from(u128::from(prefix) << 64 | u128::from(interface)))
    }

    /// The operator of an address and which of its networks that is.
    pub(crate) fn network_of(&self, ip: IpAddr) -> Option<(usize, u32)> {
        match ip {
            IpAddr::V4(ip) => {
                let net = u32::from(ip).checked_sub(FIRST_V4)? / 256;
                let number = usize::from(*self.owners.get(net as usize)?);
                Some((number, net - self.operators[number].first))
            }
            IpAddr::V6(ip) => {
                let prefix = (u128::from(ip) >> 64) as u64;
                let number = (prefix >> 32).checked_sub(FIRST_V6)? as usize;
                let operator = self.operators.get(number)?;
                Some((number, (prefix >> 16) as u32 % 0x1_0000 % operator.nets))
            }
        }
    }

    /// The country an operator's network is in: its own, but a VPN service has networks abroad.
    pub(crate) fn country_of(&self, number: usize, net: u32) -> usize {
        const OFFERED: [usize; 10] = [0, 6, 7, 8, 2, 1, 9, 18, 5, 4];
        let operator = &self.operators[number];
        match operator.trade {
            Trade::Vpn => OFFERED[net as usize % OFFERED.len()],
            _ => usize::from(operator.country),
        }
    }

    /// Where an address really is.
    pub(crate) fn country_at(&self, ip: IpAddr) -> usize {
        self.network_of(ip).map_or(0, |(number, net)| self.country_of(number, net))
    }

    pub(crate) fn is_tor(&self, ip: IpAddr) -> bool {
        self.tor.binary_search(&ip).is_ok()
    }

    /// A round trip from an address to the provider, with the jitter of the moment, microseconds.
    pub(crate) fn rtt(&self, ip: IpAddr, random: &mut Random) -> i64 {
        let base = COUNTRIES[self.country_at(ip)].rtt * 1_000;
        let trade = self.network_of(ip).map(|(number, _)| self.operators[number].trade);
        let access = match trade {
            Some(Trade::Mobile) => random.log_normal(38_000.0, 0.4),
            Some(Trade::Hosting) => random.log_normal(1_500.0, 0.3),
            _ => random.log_normal(11_000.0, 0.5),
        };
        base + access as i64
    }
}

/// Whether something with share `share` holds for who has this key.
pub(crate) fn holds(key: u64, which: u64, share: f64) -> bool {
    fraction(derive(key, which, 0)) < share
}
