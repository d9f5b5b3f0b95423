// SPDX-License-Identifier: Apache-2.0
//! Stories about the account pack in which each event has a network, country and place of its own: policy tests have one set
//! of facts for all their events.

use super::shipped;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use wardroom_engine::{Active, Flow, Origin};
use wardroom_event::{Draft, Micros, read};
use wardroom_facts::Library;
use wardroom_policy::Verdict;
use wardroom_state::{Keyer, Secret};

/// Monday, 5 January 2026, noon UTC.
const NOON: i64 = 1_767_614_400_000_000;
const HOUR: i64 = 3_600_000_000;

/// A provider with the shipped packs, and some hundred customers beside those the story is about.
struct Provider {
    flow: Flow,
    told: usize,
}

/// Where somebody is.
#[derive(Clone, Copy)]
struct Place {
    ip: &'static str,
    asn: i64,
    country: &'static str,
    kind: &'static str,
    at: (f64, f64),
}

const PRAGUE: Place =
    Place { ip: "198.51.100.7", asn: 64500, country: "CZ", kind: "residential", at: (50.1, 14.4) };
const PRAGUE_V6: Place =
    Place { ip: "2001:db8:7::7", asn: 64500, country: "CZ", kind: "residential", at: (50.1, 14.4) };
const PRAGUE_MOBILE: Place =
    Place { ip: "203.0.113.7", asn: 64501, country: "CZ", kind: "mobile", at: (49.2, 16.6) };
const LISBON: Place =
    Place { ip: "192.0.2.200", asn: 64502, country: "PT", kind: "business", at: (38.7, -9.1) };
const VPN_IN_JAPAN: Place =
    Place { ip: "198.18.0.7", asn: 64503, country: "JP", kind: "vpn", at: (35.7, 139.7) };
const HOSTER_IN_BRAZIL: Place =
    Place { ip: "198.18.9.7", asn: 64504, country: "BR", kind: "hosting", at: (-23.5, -46.6) };
const HOME_IN_BRAZIL: Place =
    Place { ip: "198.19.9.7", asn: 64505, country: "BR", kind: "residential", at: (-23.5, -46.6) };

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const ANDROID: &str = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";

impl Provider {
    fn new() -> Provider {
        let secret = Secret([0; 16]);
        let (active, _) = Active::compile(shipped(), Origin::Directory, &Keyer::new(secret), None).unwrap();
        let mut provider = Provider { flow: Flow::new(secret, Arc::new(active)), told: 0 };
        for n in 0..400 {
            let (asn, country) = if n % 2 == 0 { (64500 + n % 3, "CZ") } else { (65000 + n % 9, "DE") };
            let event = json!({
                "type": "login", "account": format!("c{n}"), "ok": true, "device": format!("c{n}"),
                "ip": format!("10.{}.{}.7", n / 250, n % 250), "ip.asn": asn, "ip.country": country,
                "ip.kind": "residential", "user_agent": if n % 3 == 0 { ANDROID } else { FIREFOX },
                "ja4": if n % 3 == 0 { "android" } else { "firefox" },
            });
            provider.tell(-480 * HOUR + n * HOUR, event);
        }
        provider
    }

    /// What is answered to an event at so many microseconds after noon, and by which rules. What its type has no field for is
    /// left out.
    fn tell(&mut self, at: i64, event: Value) -> (Verdict, Vec<String>) {
        self.told += 1;
        let Value::Object(mut event) = event else { panic!("an object") };
        let active = self.flow.active().clone();
        let kind = active.program.schema.id(event["type"].as_str().unwrap()).unwrap();
        let fields = &active.program.schema.get(kind).fields;
        event.retain(|name, _| name == "type" || fields.iter().any(|f| *f.name == *name.as_str()));
        event.insert("id".into(), self.told.to_string().into());
        event.insert("time".into(), Micros(NOON + at).to_string().into());
        let json = serde_json::to_vec(&event).unwrap();
        let draft = Draft::from_json(&json).unwrap();
        let mut event =
            read(draft, &active.program.schema, Micros(NOON + at), || unreachable!("it brings an id"))
                .unwrap_or_else(|faults| panic!("{faults:?}"));
        event.enrich(&Library::default());
        let judgement = self.flow.judge(&event).judgement;
        let rules = judgement.signals.iter().map(|s| active.program.rules[s.rule].id.to_string());
        (judgement.verdict, rules.collect())
    }

    /// A right password, with what the story says beside.
    fn login(&mut self, at: i64, place: Place, device: &str, more: Value) -> (Verdict, Vec<String>) {
        let mut event = told("login", place, device);
        event.insert("ok".into(), true.into());
        let Value::Object(more) = more else { panic!("an object") };
        event.extend(more);
        self.tell(at, event.into())
    }

    /// Alice at home, twenty times within as many days.
    fn with_alice(mut self) -> Provider {
        for day in (1..=20).rev() {
            self.login(-24 * HOUR * day, PRAGUE, "laptop", json!({"session": "s-1"}));
        }
        self
    }
}

/// An event of alice's, whose laptop has Firefox and whose other devices have Android's browser.
fn told(kind: &str, place: Place, device: &str) -> Map<String, Value> {
    let (agent, ja4) = if device == "laptop" { (FIREFOX, "firefox") } else { (ANDROID, "android") };
    let event = json!({
        "type": kind, "account": "alice", "ip": place.ip, "device": device, "user_agent": agent, "ja4": ja4,
        "ip.asn": place.asn, "ip.country": place.country, "ip.kind": place.kind,
        "ip.lat": place.at.0, "ip.lon": place.at.1,
    });
    let Value::Object(event) = event else { unreachable!("written above") };
    event
}

#[track_caller]
fn check(said: (Verdict, Vec<String>), verdict: Verdict, by: Option<&str>) {
    assert_eq!(said.0, verdict, "{:?}", said.1);
    assert!(by.is_none_or(|by| said.1.iter().any(|rule| rule == by)), "{:?}", said.1);
}

#[test]
fn a_traveller_is_asked_with_a_new_telephone_abroad_and_once() {
    let mut provider = Provider::new().with_alice();
    check(provider.login(0, LISBON, "laptop", json!({})), Verdict::Allow, Some("account.known_device"));
    let said = provider.login(HOUR, LISBON, "phone", json!({}));
    check(said, Verdict::Challenge, Some("account.takeover_likely"));
    let mut passed = told("step_up", LISBON, "phone");
    passed.insert("factor".into(), "one_time_code".into());
    passed.insert("ok".into(), true.into());
    provider.tell(HOUR + 1, passed.into());
    let said = provider.login(2 * HOUR, LISBON, "phone", json!({}));
    check(said, Verdict::Allow, Some("account.known_device"));
}

#[test]
fn a_new_telephone_at_home_is_told_of_and_not_asked() {
    let mut provider = Provider::new().with_alice();
    let said = provider.login(0, PRAGUE, "phone", json!({}));
    check(said, Verdict::Allow, Some("account.worth_telling"));
}

#[test]
fn ipv4_and_ipv6_of_one_operator_take_turns() {
    let mut provider = Provider::new().with_alice();
    for n in 0..6 {
        let place = if n % 2 == 0 { PRAGUE_V6 } else { PRAGUE };
        check(provider.login(n * HOUR, place, "laptop", json!({})), Verdict::Allow, None);
    }
}

#[test]
fn nobody_travels_by_a_vpn_or_a_carrier() {
    let mut provider = Provider::new().with_alice();
    check(provider.login(0, PRAGUE, "laptop", json!({})), Verdict::Allow, None);
    for (n, place) in [VPN_IN_JAPAN, PRAGUE_MOBILE, PRAGUE, VPN_IN_JAPAN].into_iter().enumerate() {
        let said = provider.login(HOUR / 60 * (n as i64 + 1), place, "laptop", json!({}));
        check(said, Verdict::Allow, Some("account.known_device"));
    }
}

#[test]
fn the_password_from_another_continent_is_asked_and_with_more_it_is_held() {
    let mut provider = Provider::new().with_alice();
    let said = provider.login(0, HOME_IN_BRAZIL, "x-1", json!({}));
    check(said, Verdict::Challenge, Some("account.takeover_likely"));
    let mut provider = Provider::new().with_alice();
    let said = provider.login(0, HOSTER_IN_BRAZIL, "x-2", json!({"breached": 9, "ja4": "tool"}));
    check(said, Verdict::Review, Some("account.takeover_sure"));
}

#[test]
fn a_page_in_between_is_asked_for_what_it_cannot_hand_on() {
    let mut provider = Provider::new().with_alice();
    let said = provider.login(0, HOSTER_IN_BRAZIL, "laptop", json!({"ja4": "proxy", "factor": "password"}));
    assert!(said.1.iter().any(|rule| rule == "account.moved_cookie_shown"), "{:?}", said.1);
    assert!(said.0 >= Verdict::Challenge, "{:?}", said.1);
}

#[test]
fn a_thief_who_comes_back_every_day_is_never_at_home() {
    let mut provider = Provider::new().with_alice();
    for day in 0..10 {
        let said = provider.login(24 * HOUR * day, HOME_IN_BRAZIL, "x-1", json!({}));
        assert!(said.0 >= Verdict::Challenge, "day {day}: {:?}", said.1);
    }
}

#[test]
fn a_session_leaves_the_house_and_comes_back() {
    let mut provider = Provider::new().with_alice();
    provider.login(0, PRAGUE, "laptop", json!({"session": "s-2"}));
    for (n, place) in [PRAGUE_MOBILE, PRAGUE_V6, PRAGUE, LISBON, PRAGUE].into_iter().enumerate() {
        let mut event = told("session", place, "laptop");
        event.insert("session".into(), "s-2".into());
        check(provider.tell(HOUR * (n as i64 + 1), event.into()), Verdict::Allow, None);
    }
}

#[test]
fn a_session_in_another_program_behind_a_hoster_is_asked() {
    let mut provider = Provider::new().with_alice();
    provider.login(0, PRAGUE, "laptop", json!({"session": "s-2"}));
    let mut event = told("session", HOSTER_IN_BRAZIL, "laptop");
    event.insert("session".into(), "s-2".into());
    event.insert("user_agent".into(), ANDROID.into());
    event.insert("ja4".into(), "android".into());
    let said = provider.tell(HOUR, event.into());
    check(said, Verdict::Challenge, Some("account.session_stolen"));
}
