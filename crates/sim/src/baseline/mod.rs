// SPDX-License-Identifier: Apache-2.0
//! What others would have done about the same events: usual limits, and models from the literature.
//!
//! A baseline sees what the provider is told, in the same order, and never the truth. The world does not hear what it says:
//! attackers adapt to the policy that is measured and to nobody else, which flatters baselines.
//!
//! Only [`Trees`] see labels: they are the strong peer that the policy's own features make possible.

mod account_lock;
mod crowdsec;
mod fail2ban;
mod freeman;
mod per_address;
mod recent;
mod trees;

#[cfg(test)]
mod tests;

pub use account_lock::AccountLock;
pub use crowdsec::Crowdsec;
pub use fail2ban::Fail2ban;
pub use freeman::{Freeman, Traits};
pub use per_address::PerAddress;
pub use trees::{Shape, Training, Trees};

use crate::measure::{Door, Opinion};
use std::net::IpAddr;

/// What a baseline is told of an event.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// What it is.
    pub door: Door,
    /// When it arrived, microseconds.
    pub time: i64,
    /// The account, as a number that is the same for the same account.
    pub account: u64,
    /// Where it comes from; events without an address are judged by nobody.
    pub ip: Option<IpAddr>,
    /// The network's operator.
    pub asn: Option<i64>,
    /// The network's country.
    pub country: Option<&'a str>,
    /// Where that is, in degrees.
    pub place: Option<(f64, f64)>,
    /// What the client calls itself.
    pub user_agent: Option<&'a str>,
    /// The password was right.
    pub ok: bool,
}

/// Judges events one after the other.
pub trait Baseline {
    /// What it would do about an event, as of what it saw before.
    fn judge(&mut self, seen: &Seen<'_>) -> Opinion;
}

/// What stands for an address: itself, or its /64, which is what one subscriber has in IPv6.
pub(crate) fn subscriber(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64 | 1 << 63,
    }
}
