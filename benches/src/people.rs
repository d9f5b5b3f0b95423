// SPDX-License-Identifier: Apache-2.0
//! A stream of distinct sign-ups and logins to count and judge: many people, a few busy ones, times that move on.
//!
//! Not the simulator's: what the engine costs depends on how many keys there are, how often each comes back and how far
//! apart in time, and here these can be read off in one place.

use serde_json::json;
use std::net::Ipv4Addr;
use std::sync::Arc;
use wardroom_event::{Draft, Event, Faults, Micros, Schema, read};

/// The event types that the policies of these benchmarks declare.
pub(crate) const TYPES: &str = "\
event signup:
    account: account
    ip: ip
    device: device?
    email: email?
    username: text
    country: text?
    human: bool?
    form_time: duration?

event login:
    account: account
    ip: ip
    device: device?
    ok: bool
    user_agent: text?
";

/// When the stream begins: Monday, 5 January 2026, noon UTC.
pub(crate) const BEGIN: Micros = Micros(1_767_614_400_000_000);

/// Accounts there are; each event belongs to one of them.
const ACCOUNTS: u64 = 50_000;
/// Addresses there are, eight to a /24.
const ADDRESSES: u64 = 20_000;
/// Between two events: 200 ms, so 5 events a second.
const STEP: i64 = 200_000;

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014) of a number.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One of `most`, the low numbers far more often: the square of an even spread.
fn skewed(random: u64, most: u64) -> u64 {
    let even = (random >> 11) as f64 / (1u64 << 53) as f64;
    (even * even * most as f64) as u64
}

/// Event number `n` as JSON in bare form.
pub(crate) fn json(n: u64) -> String {
    let r = mix(n);
    let account = skewed(mix(r ^ 1), ACCOUNTS);
    let address = skewed(mix(r ^ 2), ADDRESSES);
    let octets = u32::try_from(address / 8 * 256 + address % 8).unwrap_or(0);
    let ip = Ipv4Addr::from(0x0a00_0000 | octets);
    let time = Micros(BEGIN.0 + i64::try_from(n).unwrap_or(0) * STEP).to_string();
    let device = format!("dev-{:016x}", mix(account));
    let country = ["ch", "de", "fr", "it", "pt"][(r >> 8) as usize % 5];
    let event = match r % 4 {
        0 => json!({
            "type": "signup", "id": format!("{:032x}", r), "time": time, "account": format!("acc-{account:08}"),
            "ip": ip, "device": device, "email": format!("user{account}@mail{}.example", account % 64),
            "username": format!("user.name.{account}"), "country": country,
            "human": r & 64 == 0, "form_time": "4.2s",
        }),
        _ => json!({
            "type": "login", "id": format!("{:032x}", r), "time": time, "account": format!("acc-{account:08}"),
            "ip": ip, "device": device, "ok": r & 112 != 0,
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        }),
    };
    event.to_string()
}

/// The event of that JSON.
///
/// # Errors
/// When it does not fit the schema.
pub(crate) fn typed(json: &str, schema: &Arc<Schema>) -> Result<Event, Faults> {
    let received = Micros(BEGIN.0 + 1_000_000_000_000);
    read(Draft::from_json(json.as_bytes())?, schema, received, || "none".into())
}

/// The first `count` events.
///
/// # Errors
/// When they do not fit the schema.
pub(crate) fn events(count: usize, schema: &Arc<Schema>) -> Result<Vec<Event>, Faults> {
    (0..count as u64).map(|n| typed(&json(n), schema)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use wardroom_policy::Bundle;

    #[test]
    fn the_stream_fits_its_types_and_repeats_no_id() {
        let program = wardroom_policy::compile(&Bundle::single("types.ward", TYPES)).program.unwrap();
        let events = events(2000, &program.schema).unwrap();
        let ids: HashSet<_> = events.iter().map(|e| e.id.id.clone()).collect();
        assert_eq!(ids.len(), events.len());
        assert!(events.windows(2).all(|w| w[0].time < w[1].time));
        let signups = events.iter().filter(|e| e.type_name() == "signup").count();
        assert!((400..600).contains(&signups), "{signups}");
        let accounts: HashSet<_> = events.iter().map(|e| format!("{:?}", e.values[0])).collect();
        assert!((1000..2000).contains(&accounts.len()), "some come back: {}", accounts.len());
    }
}
