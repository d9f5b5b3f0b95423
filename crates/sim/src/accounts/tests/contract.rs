// SPDX-License-Identifier: Apache-2.0
//! What is said has the fields of the account pack's events, and no other.

use std::collections::{HashMap, HashSet};

use super::*;

/// The fields of each type: those that must be there, those that may. Kept by hand beside `policy/account/events.ward`, since
/// this crate knows no policy.
fn fields(kind: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        "signup" => (
            &["ip", "username"],
            &[
                "device",
                "email",
                "display_name",
                "form_time",
                "typing_pace",
                "typing_spread",
                "pasted",
                "user_agent",
                "platform",
                "languages",
                "ja4",
                "referrer",
                "captcha_time",
            ],
        ),
        "verification" => (&["channel", "ok"], &["ip", "device", "took"]),
        "attempt" => (&["ip"], &["device", "protocol", "user_agent", "ja4", "password", "breached"]),
        "login" => (
            &["ip", "ok"],
            &[
                "device",
                "user_known",
                "user_agent",
                "protocol",
                "platform",
                "ja4",
                "password",
                "breached",
                "factor",
                "rtt",
                "session",
            ],
        ),
        "step_up" => (&["ip", "factor", "ok"], &["device", "took"]),
        "session" => (&["session", "ip"], &["device", "user_agent", "ja4", "rtt"]),
        "recovery" => (&["ip", "channel", "step"], &["device"]),
        "setting" => (&["ip", "what", "step"], &["device", "session", "target"]),
        "owner_report" => (&["about", "mine"], &["ip"]),
        other => panic!("{other}"),
    }
}

const FACTS: [&str; 5] = ["ip.asn", "ip.country", "ip.kind", "ip.lat", "ip.lon"];

/// The values of enums.
fn values(field: &str) -> &'static [&'static str] {
    match field {
        "channel" => &["email", "phone", "recovery_code", "support"],
        "factor" => &[
            "password",
            "one_time_code",
            "text_message",
            "passkey",
            "security_key",
            "recovery_code",
            "link",
            "captcha",
        ],
        "step" => &["asked", "proved", "failed", "done", "due", "undone"],
        "what" => &[
            "password",
            "recovery_email",
            "recovery_phone",
            "two_factor_on",
            "two_factor_off",
            "passkey_added",
            "forwarding",
            "filter",
            "api_key",
            "app_password",
            "export",
            "delegate",
            "delete",
        ],
        "ip.kind" => &["residential", "mobile", "business", "education", "hosting", "vpn", "tor"],
        _ => &[],
    }
}

fn everything() -> Vec<Happening> {
    let everybody = families().iter().map(|family| Assault::on_day(family, 60, 2)).collect();
    run(Plan { people: 1_500, days: 20, families: everybody, ..Plan::default() }, moody)
}

fn lengths_are_in_range(event: &serde_json::Value, line: &str) {
    for field in ["form_time", "typing_pace", "typing_spread", "captcha_time", "rtt", "took"] {
        let Some(text) = event.get(field) else { continue };
        let seconds: f64 = text.as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap();
        let range = if field == "rtt" { 0.005..10.0 } else { 0.0..7_776_001.0 };
        assert!(range.contains(&seconds), "{field}: {line}");
    }
}

#[test]
fn json_has_the_fields_of_the_contract() {
    let mut seen: HashMap<String, HashSet<String>> = HashMap::new();
    let mut line = String::new();
    for happening in everything() {
        line.clear();
        happening.event.write_json(&mut line);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let event = value.as_object().unwrap();
        let kind = event["type"].as_str().unwrap();
        assert_eq!(kind, happening.event.kind());
        let (must, may) = fields(kind);
        lengths_are_in_range(&value, &line);
        for field in ["id", "time", "account"].iter().chain(must) {
            assert!(event.contains_key(*field), "no {field}: {line}");
        }
        for (field, value) in event {
            let known = ["type", "id", "time", "account"].contains(&field.as_str());
            let known = known || must.contains(&field.as_str()) || may.contains(&field.as_str());
            assert!(known || FACTS.contains(&field.as_str()), "{field}: {line}");
            let allowed = values(field);
            assert!(allowed.is_empty() || allowed.contains(&value.as_str().unwrap()), "{field}: {line}");
            seen.entry(kind.to_owned()).or_default().insert(field.clone());
        }
    }
    // and each field that may be there sometimes is
    for kind in [
        "signup",
        "verification",
        "attempt",
        "login",
        "step_up",
        "session",
        "recovery",
        "setting",
        "owner_report",
    ] {
        let (_, may) = fields(kind);
        let missing: Vec<_> = may.iter().filter(|field| !seen[kind].contains(**field)).collect();
        let left_out: &[&str] = if kind == "attempt" { &["device"] } else { &[] };
        assert!(missing.iter().all(|field| left_out.contains(field)), "{kind} never has {missing:?}");
    }
    assert!(FACTS.iter().all(|fact| seen["login"].contains(*fact)));
}

#[test]
fn facts_are_left_out_where_nobody_asks() {
    let mut scene = Scene::new(Plan { people: 50, days: 2, ..Plan::default() });
    let happening = scene.next().unwrap();
    let (mut all, mut none, mut one) = (String::new(), String::new(), String::new());
    happening.event.write_json(&mut all);
    happening.event.write_json_asked(&mut none, |_| false);
    happening.event.write_json_asked(&mut one, |fact| fact == "ip.asn");
    assert!(all.contains("ip.asn") && all.contains("ip.lon"));
    assert!(!none.contains("ip."));
    assert!(one.contains("ip.asn") && !one.contains("ip.kind") && !one.contains("ip.lat"));
    serde_json::from_str::<serde_json::Value>(&none).unwrap();
}
