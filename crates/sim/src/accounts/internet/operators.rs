// SPDX-License-Identifier: Apache-2.0
//! Who runs which networks: carriers large and small, hosters, VPN services, universities.
//!
//! Addresses nobody has: IPv4 from 240.0.0.0/4 (reserved, RFC 1112), IPv6 from 3fff::/20 (documentation, RFC 9637), numbers of
//! autonomous systems from 64512 (private use, RFC 6996).

use super::countries::COUNTRIES;
use crate::random::derive;

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Trade {
    /// Lines for homes, offices, cafés.
    Fixed,
    /// Phones, behind address translation.
    Mobile,
    Hosting,
    Vpn,
    Campus,
}

/// An autonomous system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operator {
    pub(crate) asn: u32,
    pub(crate) country: u8,
    pub(crate) trade: Trade,
    /// Its first /24, counted from 240.0.0.0, and how many it has.
    pub(crate) first: u32,
    pub(crate) nets: u32,
    /// Whether homes share IPv4 addresses and have IPv6 of their own (DS-Lite), as young cable carriers do.
    pub(crate) nat: bool,
    pub(crate) v6: bool,
    /// How its customers' addresses last, and its place in choices.
    pub(crate) weight: u32,
}

const FIRST_ASN: u32 = 64_512;
/// The networks stand this far apart so that neighbours in number are no neighbours in the table.
pub(crate) const VPN_SERVICES: usize = 4;

/// Every operator. The same for all seeds: the internet is given, what happens on it is not.
pub(crate) fn operators() -> Vec<Operator> {
    let mut all = Vec::new();
    let mut first = 0;
    for (country, land) in COUNTRIES.iter().enumerate() {
        for (trade, nets, nat, weight) in line_up(land.size, country) {
            let number = all.len() as u64;
            let v6 = match trade {
                Trade::Fixed => nat || !derive(7, 1, number).is_multiple_of(3),
                Trade::Mobile => derive(7, 2, number).is_multiple_of(2),
                Trade::Hosting => true,
                Trade::Vpn | Trade::Campus => false,
            };
            let asn = FIRST_ASN + all.len() as u32;
            all.push(Operator { asn, country: country as u8, trade, first, nets, nat, v6, weight });
            first += nets;
        }
    }
    all
}

/// The operators of a country: sizes in /24, whether homes share addresses, market shares (all assumed).
fn line_up(size: u32, country: usize) -> Vec<(Trade, u32, bool, u32)> {
    let part = |share: u32| (size * share / 100).max(4);
    let mut all = vec![
        (Trade::Fixed, part(100), false, 45),
        (Trade::Fixed, part(50), false, 30),
        (Trade::Fixed, part(20), true, 15),
        (Trade::Fixed, 4, false, 6),
        (Trade::Fixed, 2, true, 4),
        (Trade::Mobile, 12, true, 60),
        (Trade::Mobile, 6, true, 40),
        (Trade::Campus, 2, false, 60),
        (Trade::Campus, 1, false, 40),
    ];
    match country {
        0 | 6 | 8 => all.extend([
            (Trade::Hosting, 120, false, 60),
            (Trade::Hosting, 24, false, 25),
            (Trade::Hosting, 6, false, 15),
        ]),
        1 | 2 | 5 | 7 | 9 | 11 => {
            all.extend([(Trade::Hosting, 24, false, 60), (Trade::Hosting, 4, false, 40)])
        }
        _ => all.push((Trade::Hosting, 8, false, 100)),
    }
    // Four services, registered in four places, with exits in many.
    if matches!(country, 2 | 6 | 7 | 8) {
        all.push((Trade::Vpn, 10, false, 100));
    }
    all
}
