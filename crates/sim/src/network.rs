// SPDX-License-Identifier: Apache-2.0
//! The simulated internet: which addresses are homes, phones, offices, rented servers, and who shares them.
//!
//! Only ranges nobody owns: documentation (RFC 5737, RFC 3849) and benchmarking (RFC 2544). That leaves 131,072 + 768
//! IPv4 addresses for all: with more than about 200,000 accounts several households share one address, as customers of
//! IPv4-poor carriers do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::clock::{DAY, HOUR};
use crate::random::{Random, derive, fraction, place};

/// What stands behind a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetworkKind {
    /// Households' lines, one address each for 1 to 5 people; also what residential proxies and bots use.
    Home,
    /// Workplaces, one address each for some dozens of people.
    Office,
    /// Mobile carriers: one address for dozens to hundreds of phones at once.
    Mobile,
    /// Universities and schools: a few addresses for thousands.
    Campus,
    /// Exits of a VPN service.
    Vpn,
    /// Cafés, hotels, libraries.
    PublicWifi,
    /// Rented servers.
    Hosting,
}

/// One range and its kind: what a provider could know from an address database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The range in CIDR form.
    pub net: &'static str,
    /// What stands behind it.
    pub kind: NetworkKind,
}

/// Every range events come from, with its kind. No two overlap.
pub const ADDRESS_PLAN: [Block; 12] = [
    Block { net: "198.18.0.0/16", kind: NetworkKind::Home },
    Block { net: "198.19.0.0/18", kind: NetworkKind::Home },
    Block { net: "2001:db8::/36", kind: NetworkKind::Home },
    Block { net: "198.19.64.0/19", kind: NetworkKind::Office },
    Block { net: "198.19.96.0/21", kind: NetworkKind::Mobile },
    Block { net: "2001:db8:4000::/36", kind: NetworkKind::Mobile },
    Block { net: "198.51.100.0/24", kind: NetworkKind::Campus },
    Block { net: "203.0.113.0/25", kind: NetworkKind::Vpn },
    Block { net: "203.0.113.128/25", kind: NetworkKind::PublicWifi },
    Block { net: "192.0.2.0/24", kind: NetworkKind::Hosting },
    Block { net: "198.19.128.0/17", kind: NetworkKind::Hosting },
    Block { net: "2001:db8:8000::/36", kind: NetworkKind::Hosting },
];

const HOMES: u32 = u32::from_be_bytes([198, 18, 0, 0]);
const HOME_COUNT: u64 = 65_536 + 16_384; // 198.18.0.0/16 and the 198.19.0.0/18 right after it
const OFFICES: u32 = u32::from_be_bytes([198, 19, 64, 0]);
const OFFICE_COUNT: u64 = 8_192;
const CARRIERS: u32 = u32::from_be_bytes([198, 19, 96, 0]);
const CARRIER_COUNT: u64 = 8;
const CAMPUSES: u32 = u32::from_be_bytes([198, 51, 100, 0]);
const VPN_EXITS: u32 = u32::from_be_bytes([203, 0, 113, 0]);
const WIFI: u32 = u32::from_be_bytes([203, 0, 113, 128]);
const HOSTING: u32 = u32::from_be_bytes([192, 0, 2, 0]);
const MORE_HOSTING: u32 = u32::from_be_bytes([198, 19, 128, 0]);

/// IPv4 networks of 256 addresses that are rented out: 192.0.2.0/24 and 128 in 198.19.128.0/17.
pub(crate) const HOSTING_NETS: u64 = 129;
/// Addresses of the one VPN service (assumed: a small service's servers in a dozen countries, two each).
const VPN_COUNT: u64 = 24;
/// A campus' address translator has this many addresses (assumed).
const CAMPUS_POOL: u64 = 4;
/// Share of lines and phones with IPv6 (public counters of large sites stood between 40 and 50 % in 2025).
const IPV6_SHARE: f64 = 0.45;
/// Of connections from a line that has IPv6, those that use it (assumed; browsers prefer it, but fall back).
const IPV6_USED: f64 = 0.8;
/// Days until a line gets a new IPv4 address, with weights per hundred (assumed: some carriers renew each night, cable
/// lines keep theirs for months).
const LEASE_DAYS: [i64; 4] = [1, 7, 30, 180];
const LEASE_WEIGHTS: [u32; 4] = [10, 20, 35, 35];

/// The networks of one world.
#[derive(Debug, Clone)]
pub(crate) struct Networks {
    seed: u64,
    /// Workplaces; assumed one per 60 accounts.
    pub(crate) offices: u64,
    /// Campuses, at most 16; assumed one per 40,000 accounts, at least one.
    pub(crate) campuses: u64,
    /// Addresses each carrier shares among its phones: about 64 accounts an address (assumed; carrier-grade NAT is
    /// usually dimensioned for 16 to 128 subscribers an address).
    carrier_pool: u64,
}

impl Networks {
    pub(crate) fn new(seed: u64, accounts: u32) -> Networks {
        let accounts = u64::from(accounts);
        Networks {
            seed: derive(seed, 0x4e45_5457, 0),
            offices: (accounts / 60).clamp(1, OFFICE_COUNT),
            campuses: (accounts / 40_000).clamp(1, 16),
            carrier_pool: (accounts / (64 * CARRIER_COUNT)).clamp(2, 256),
        }
    }

    /// A connection from a household's line by one of its devices.
    pub(crate) fn home(&self, household: u64, device: u64, now: i64, random: &mut Random) -> IpAddr {
        let line = derive(self.seed, 1, household);
        if fraction(line) < IPV6_SHARE && random.chance(IPV6_USED) {
            // /56 a household, first network of it, interface id new each day (RFC 8981)
            return ipv6(0, household << 8, derive(device, 2, now.div_euclid(DAY) as u64));
        }
        let lease = LEASE_DAYS[place(line % 100, &LEASE_WEIGHTS)];
        let renewal = now.div_euclid(lease * DAY) as u64;
        ipv4(HOMES, derive(line, 3, renewal) % HOME_COUNT)
    }

    /// A connection of a phone over its carrier; the shared address changes every few hours.
    pub(crate) fn mobile(&self, subscriber: u64, now: i64) -> IpAddr {
        let line = derive(self.seed, 4, subscriber);
        let session = derive(line, 5, now.div_euclid(6 * HOUR) as u64);
        if fraction(line) < IPV6_SHARE {
            return ipv6(0x4000, session >> 40, derive(session, 6, 0)); // a /64 for each session
        }
        ipv4(CARRIERS, line % CARRIER_COUNT * 256 + session % self.carrier_pool)
    }

    /// A connection from a workplace: always the same address.
    pub(crate) fn office(&self, office: u64) -> IpAddr {
        ipv4(OFFICES, office.wrapping_mul(4_057) % OFFICE_COUNT) // odd factor: distinct offices, distinct addresses
    }

    /// A connection from a campus; the translator keeps one user on one of its addresses for an hour.
    pub(crate) fn campus(&self, campus: u64, user: u64, now: i64) -> IpAddr {
        let slot = derive(user, 7, now.div_euclid(HOUR) as u64) % CAMPUS_POOL;
        ipv4(CAMPUSES, campus % 16 * 16 + 1 + slot)
    }

    /// An exit of the VPN service.
    pub(crate) fn vpn(&self, random: &mut Random) -> IpAddr {
        ipv4(VPN_EXITS, 4 + random.below(VPN_COUNT) * 5)
    }

    /// A café, hotel or library.
    pub(crate) fn wifi(&self, random: &mut Random) -> IpAddr {
        ipv4(WIFI, random.below(128))
    }

    /// Server number `host` in rented network number `net`.
    pub(crate) fn hosting(&self, net: u64, host: u64) -> IpAddr {
        match net % HOSTING_NETS {
            0 => ipv4(HOSTING, 1 + host % 254),
            net => ipv4(MORE_HOSTING, (net - 1) * 256 + 1 + host % 254),
        }
    }

    /// Server number `host` in the rented IPv6 network number `net`, a /48 each with a /64 per server.
    pub(crate) fn hosting_v6(&self, net: u64, host: u64) -> IpAddr {
        ipv6(0x8000, ((net % 4_096) << 16) | (host % 65_536), 1)
    }
}

fn ipv4(base: u32, offset: u64) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(base + offset as u32))
}

/// An address in `2001:db8:BASE::/36`: 28 bits of network, 64 bits of interface.
fn ipv6(base: u16, network: u64, interface: u64) -> IpAddr {
    let prefix = 0x2001_0db8_0000_0000 | u64::from(base) << 16 | network & 0x0fff_ffff;
    IpAddr::V6(Ipv6Addr::from(u128::from(prefix) << 64 | u128::from(interface)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Whether `ip` lies in `net`, an IPv4 or IPv6 range in CIDR form.
    pub(crate) fn contains(net: &str, ip: IpAddr) -> bool {
        let (base, bits) = net.split_once('/').unwrap();
        let bits: u32 = bits.parse().unwrap();
        match (base.parse().unwrap(), ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => (u32::from(base) ^ u32::from(ip)).leading_zeros() >= bits,
            (IpAddr::V6(base), IpAddr::V6(ip)) => (u128::from(base) ^ u128::from(ip)).leading_zeros() >= bits,
            _ => false,
        }
    }

    /// The kind of the one range `ip` lies in.
    pub(crate) fn kind_of(ip: IpAddr) -> NetworkKind {
        let kinds: Vec<_> = ADDRESS_PLAN.iter().filter(|block| contains(block.net, ip)).collect();
        assert_eq!(kinds.len(), 1, "{ip}");
        kinds[0].kind
    }

    #[test]
    fn the_plan_stays_in_ranges_nobody_owns() {
        const FREE: [&str; 5] =
            ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32"];
        for block in &ADDRESS_PLAN {
            let (base, bits) = block.net.split_once('/').unwrap();
            let inside = |free: &&&str| {
                contains(free, base.parse().unwrap())
                    && bits.parse::<u32>().unwrap() >= free.split_once('/').unwrap().1.parse().unwrap()
            };
            assert_eq!(FREE.iter().filter(inside).count(), 1, "{}", block.net);
        }
        assert!(!contains("192.0.2.0/24", "192.0.3.0".parse().unwrap()));
        assert!(!contains("198.18.0.0/15", "198.20.0.0".parse().unwrap()));
    }

    #[test]
    fn addresses_are_of_their_kind() {
        let networks = Networks::new(9, 1_000_000);
        let mut random = Random::new(9, 0);
        for n in 0..20_000u64 {
            let now = random.below(1 << 51) as i64;
            assert_eq!(kind_of(networks.home(n * 77, n, now, &mut random)), NetworkKind::Home);
            assert_eq!(kind_of(networks.mobile(n, now)), NetworkKind::Mobile);
            assert_eq!(kind_of(networks.office(n)), NetworkKind::Office);
            assert_eq!(kind_of(networks.campus(n, n, now)), NetworkKind::Campus);
            assert_eq!(kind_of(networks.vpn(&mut random)), NetworkKind::Vpn);
            assert_eq!(kind_of(networks.wifi(&mut random)), NetworkKind::PublicWifi);
            assert_eq!(kind_of(networks.hosting(n, n)), NetworkKind::Hosting);
            assert_eq!(kind_of(networks.hosting_v6(n, n)), NetworkKind::Hosting);
        }
    }

    #[test]
    fn a_household_shares_its_line_and_offices_differ() {
        let networks = Networks::new(3, 10_000);
        let mut random = Random::new(3, 0);
        let now = 20_000 * DAY + HOUR;
        let mut v4 = |household: u64, now: i64| {
            (0..200)
                .map(|device| networks.home(household, device, now, &mut random))
                .find(IpAddr::is_ipv4)
                .unwrap()
        };
        for household in 0..200 {
            assert_eq!(v4(household, now), v4(household, now + HOUR));
        }
        let offices: std::collections::HashSet<_> = (0..OFFICE_COUNT).map(|n| networks.office(n)).collect();
        assert_eq!(offices.len() as u64, OFFICE_COUNT);
    }
}
