// SPDX-License-Identifier: Apache-2.0
//! What is sent: sign-ups and logins of many people, made fast enough not to be what is measured.
//!
//! The fields are those that `wardroom-sim` sends, so that one policy takes both; the simulator itself is not used,
//! because its events come at the simulated world's times and a load needs them now. Events carry no time of their own:
//! they happen when they arrive.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

/// Writes the JSON of one event, by its number.
type WriteEvent = dyn Fn(u64, &mut Vec<u8>) + Send + Sync;

/// A source of events: number in, one JSON object without a line break out. The same number is asked for once a run.
#[derive(Clone)]
pub(crate) struct Events(Arc<WriteEvent>);

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events(…)")
    }
}

impl Events {
    /// Events that `write` appends to the buffer it is given.
    pub(crate) fn new(write: impl Fn(u64, &mut Vec<u8>) + Send + Sync + 'static) -> Events {
        Events(Arc::new(write))
    }

    /// Appends event `number`.
    pub(crate) fn write(&self, number: u64, out: &mut Vec<u8>) {
        (self.0)(number, out);
    }
}

/// People who sign up and log in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Population {
    /// How many accounts there are.
    pub(crate) accounts: u64,
    /// How many addresses; eight to a /24, all in 10.0.0.0/8, at most 524,288.
    pub(crate) addresses: u64,
    /// The same seed sends the same events, and so the same ids: give each run on one server its own.
    pub(crate) seed: u64,
}

impl Population {
    /// A mid-sized provider's people: 100,000 accounts, 40,000 addresses.
    pub(crate) fn new(seed: u64) -> Population {
        Population { accounts: 100_000, addresses: 40_000, seed }
    }

    /// Their events, for ever: one in ten a sign-up, one login in twenty with a wrong password.
    pub(crate) fn events(self) -> Events {
        Events::new(move |number, out| self.write(number, out))
    }

    fn write(self, number: u64, out: &mut Vec<u8>) {
        let random = mix(self.seed ^ mix(number));
        let account = mix(random ^ 1) % self.accounts.max(1);
        let address = mix(random ^ 2) % self.addresses.clamp(1, 1 << 19);
        let [_, b, c, d] = u32::try_from(address / 8 * 256 + address % 8 + 1).unwrap_or(1).to_be_bytes();
        let kind = if random.is_multiple_of(10) { "signup" } else { "login" };
        // Writing to a vector cannot fail.
        let _ = write!(
            out,
            "{{\"type\":\"{kind}\",\"id\":\"{:016x}{number:016x}\",\"account\":\"{:016x}\",\"ip\":\"10.{b}.{c}.{d}\",\
             \"device\":\"{:016x}\",",
            self.seed,
            mix(account),
            mix(!account),
        );
        let _ = if kind == "signup" {
            let tenths = 20 + random % 300;
            write!(
                out,
                "\"email\":\"user{account}@mail{}.example\",\"username\":\"user.{account}\",\"form_time\":\"{}.{}s\",",
                account % 97,
                tenths / 10,
                tenths % 10,
            )
        } else {
            write!(out, "\"ok\":{},\"user_known\":true,", !(random >> 8).is_multiple_of(20))
        };
        let _ = write!(
            out,
            "\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\"}}"
        );
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014) of a number.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::{BTreeMap, BTreeSet, HashSet};
    use wardroom_sim::{Settings, World};

    fn events(seed: u64) -> Vec<Value> {
        let events = Population::new(seed).events();
        let json = |n| {
            let mut out = Vec::new();
            events.write(n, &mut out);
            serde_json::from_slice(&out).unwrap()
        };
        (0..2000).map(json).collect()
    }

    /// The members that events of each type have, all of them together.
    fn fields(events: impl IntoIterator<Item = Value>) -> BTreeMap<String, BTreeSet<String>> {
        let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for event in events {
            let kind = event["type"].as_str().unwrap().to_owned();
            fields.entry(kind).or_default().extend(event.as_object().unwrap().keys().cloned());
        }
        fields
    }

    #[test]
    fn they_have_the_fields_of_simulated_events() {
        let simulated = World::new(Settings::default()).take(5000).map(|happening| {
            let mut json = String::new();
            happening.event.write_json(&mut json);
            serde_json::from_str::<Value>(&json).unwrap()
        });
        let mut simulated = fields(simulated);
        simulated.values_mut().for_each(|members| assert!(members.remove("time")));
        assert_eq!(fields(events(7)), simulated);
    }

    #[test]
    fn ids_differ_and_people_come_back() {
        let (events, other) = (events(7), events(8));
        let set = |events: &[Value], name: &str| -> HashSet<String> {
            events.iter().map(|e| e[name].to_string()).collect()
        };
        assert_eq!(set(&events, "id").len(), events.len());
        assert!(set(&events, "id").is_disjoint(&set(&other, "id")));
        assert!(!set(&events, "account").is_disjoint(&set(&other, "account")), "the same people");
        let signups = events.iter().filter(|e| e["type"] == "signup").count();
        assert!((140..260).contains(&signups), "{signups}");
        let failed = events.iter().filter(|e| e["ok"] == false).count();
        assert!((50..140).contains(&failed), "{failed}");
    }
}
