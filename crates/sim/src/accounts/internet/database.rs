// SPDX-License-Identifier: Apache-2.0
//! What an address database says, with the mistakes that such databases make.
//!
//! No maker publishes how often its kinds are wrong for sign-ups; shares of mistakes are assumed. They hang on the network, as
//! real ones do: everybody on a mislabelled /24 is mislabelled alike, for good.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::Internet;
use super::countries::COUNTRIES;
use super::operators::Trade;
use crate::accounts::event::text;
use crate::random::{Random, derive};

/// What the database says of one address; absent where it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Facts {
    pub(crate) asn: Option<u32>,
    pub(crate) country: Option<&'static str>,
    pub(crate) kind: Option<&'static str>,
    /// Hundredths of a degree.
    pub(crate) place: Option<(i32, i32)>,
}

/// What a network is really used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    Home,
    Office,
    Wifi,
    Mobile,
    Campus,
    Hosting,
    Vpn,
    Tor,
}

/// Networks without an entry, with the wrong country, and with a place elsewhere in the country (assumed).
const NO_ENTRY: f64 = 0.008;
const WRONG_COUNTRY: f64 = 0.004;
const WRONG_CITY: f64 = 0.12;

/// What networks of a use are labelled as, per hundred; the rest is not known.
fn labels(of: Use) -> &'static [(&'static str, u32)] {
    match of {
        Use::Home => &[("residential", 95), ("business", 2), ("mobile", 1)],
        Use::Office => &[("business", 55), ("residential", 38)],
        Use::Wifi => &[("residential", 48), ("business", 36), ("mobile", 4)],
        Use::Mobile => &[("mobile", 90), ("residential", 7)],
        Use::Campus => &[("education", 85), ("business", 8)],
        Use::Hosting => &[("hosting", 86), ("business", 4), ("residential", 3)],
        Use::Vpn => &[("vpn", 60), ("hosting", 25), ("residential", 5)],
        Use::Tor => &[("tor", 95), ("hosting", 4)],
    }
}

impl Internet {
    /// What the database says of `ip`.
    pub(crate) fn look_up(&self, ip: IpAddr) -> Facts {
        let Some((number, net)) = self.network_of(ip) else { return Facts::default() };
        let operator = &self.operators[number];
        let of = if self.is_tor(ip) { Use::Tor } else { operator_use(operator.trade, net, operator.nets) };
        let mut random = Random::new(derive(number as u64, 0x4442, u64::from(net)), u64::from(ip.is_ipv6()));
        if random.chance(NO_ENTRY) {
            return Facts { asn: Some(operator.asn), ..Facts::default() };
        }
        let really = self.country_of(number, net);
        let country =
            if random.chance(WRONG_COUNTRY) { random.below(COUNTRIES.len() as u64) as usize } else { really };
        let city = if random.chance(WRONG_CITY) { 0 } else { city_of(operator.trade, net, operator.nets) };
        let (lat, lon) = COUNTRIES[country].cities[city];
        let near = |random: &mut Random| random.between(-15, 15) as i32;
        let place = Some((lat + near(&mut random), lon + near(&mut random)));
        let point = random.below(100) as u32;
        Facts {
            asn: Some(operator.asn),
            country: Some(COUNTRIES[country].code),
            kind: label(of, point),
            place,
        }
    }
}

fn label(of: Use, mut point: u32) -> Option<&'static str> {
    for (kind, share) in labels(of) {
        if point < *share {
            return Some(kind);
        }
        point -= share;
    }
    None
}

/// Of a fixed-line carrier's networks the last twentieth are cafés' and hotels' and the tenth before it offices'.
pub(crate) fn operator_use(trade: Trade, net: u32, nets: u32) -> Use {
    match trade {
        Trade::Fixed if net >= nets - wifi_nets(nets) => Use::Wifi,
        Trade::Fixed if net >= nets - wifi_nets(nets) - office_nets(nets) => Use::Office,
        Trade::Fixed => Use::Home,
        Trade::Mobile => Use::Mobile,
        Trade::Hosting => Use::Hosting,
        Trade::Vpn => Use::Vpn,
        Trade::Campus => Use::Campus,
    }
}

pub(crate) fn wifi_nets(nets: u32) -> u32 {
    if nets < 4 { 0 } else { nets.div_ceil(20) }
}

pub(crate) fn office_nets(nets: u32) -> u32 {
    if nets < 4 { 0 } else { nets.div_ceil(10) }
}

/// The city a network is in: thirds of a carrier's homes; phones come out where the carrier's gateway is.
pub(crate) fn city_of(trade: Trade, net: u32, nets: u32) -> usize {
    match operator_use(trade, net, nets) {
        Use::Home => (net * 3 / home_nets(nets)).min(2) as usize,
        Use::Office | Use::Wifi => (net % 3) as usize,
        _ => 0,
    }
}

pub(crate) fn home_nets(nets: u32) -> u32 {
    nets - wifi_nets(nets) - office_nets(nets)
}

impl Facts {
    /// Appends what is known and asked for, each field with a comma before it.
    pub(crate) fn write(&self, out: &mut String, asked: impl Fn(&str) -> bool) {
        if let Some(asn) = self.asn.filter(|_| asked("ip.asn")) {
            let _ = write!(out, ",\"ip.asn\":{asn}");
        }
        if let Some(country) = self.country.filter(|_| asked("ip.country")) {
            text(out, "ip.country", country);
        }
        if let Some(kind) = self.kind.filter(|_| asked("ip.kind")) {
            text(out, "ip.kind", kind);
        }
        if let Some((lat, lon)) = self.place {
            for (field, value) in [("ip.lat", lat), ("ip.lon", lon)] {
                if asked(field) {
                    degrees(out, field, value);
                }
            }
        }
    }
}

fn degrees(out: &mut String, field: &str, hundredths: i32) {
    let sign = if hundredths < 0 { "-" } else { "" };
    let whole = hundredths.abs();
    let _ = write!(out, ",\"{field}\":{sign}{}.{:02}", whole / 100, whole % 100);
}
