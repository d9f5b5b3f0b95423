// SPDX-License-Identifier: Apache-2.0
//! From a [`Draft`] to a typed [`Event`]: every field checked, every fault reported at once.

use crate::fault::pointer;
use crate::{
    Draft, Event, EventId, EventType, Faults, Field, Micros, Rate, Raw, Repr, Schema, Size, Span, Type, Value,
};
use crate::{limits, nearest};
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// Types a draft against `schema`. `received` is its arrival and its time where it names none; `new_id` gives an id
/// to an event that brought none.
///
/// # Errors
/// Every fault of the event: unknown type or field, missing field, wrong value, a time far in the future.
pub fn read(
    draft: Draft<'_>,
    schema: &Arc<Schema>,
    received: Micros,
    new_id: impl FnOnce() -> Box<str>,
) -> Result<Event, Faults> {
    let Some(kind) = schema.id(&draft.kind) else {
        return Err(unknown_type(&draft.kind, schema));
    };
    let mut faults = Faults::new();
    let values = values(&draft, schema.get(kind), &mut faults);
    let time = draft.time.unwrap_or(received);
    if time > received.plus(limits::FUTURE) {
        let message = format!("`time` is {time}, more than {} after it arrived ({received})", limits::FUTURE);
        faults.add("/time", "future_time", message);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let id = EventId {
        source: draft.source.map_or_else(Box::default, |s| s.into()),
        id: draft.id.map_or_else(new_id, |id| id.into()),
    };
    Ok(Event { schema: schema.clone(), kind, id, time, received, values })
}

fn unknown_type(name: &str, schema: &Schema) -> Faults {
    let names: Vec<&str> = schema.iter().map(|(_, t)| &*t.name).collect();
    let shown: String = name.chars().take(64).collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the policy knows: {}", names.join(", ")),
    };
    Faults::one("/type", "unknown_type", format!("no event type `{shown}`; {help}"))
}

fn values(draft: &Draft<'_>, kind: &EventType, faults: &mut Faults) -> Box<[Value]> {
    let mut values = vec![Value::Missing; kind.fields.len()];
    let mut given = vec![false; kind.fields.len()];
    for (name, raw) in &draft.fields {
        let Some(slot) = kind.slot(name) else {
            unknown_field(draft, kind, name, faults);
            continue;
        };
        if std::mem::replace(&mut given[slot], true) {
            faults.add(pointer(draft.prefix, name), "repeated", format!("`{name}` is given twice"));
        }
        match value(raw, kind.fields[slot].kind) {
            Ok(value) => values[slot] = value,
            Err(why) => {
                given[slot] = true;
                faults.add(pointer(draft.prefix, name), "wrong_value", format!("`{name}` {why}"));
                continue;
            }
        }
        given[slot] = !values[slot].is_missing();
    }
    for (field, given) in kind.fields.iter().zip(given) {
        if !given && !field.optional {
            missing_field(draft, kind, field, faults);
        }
    }
    values.into()
}

fn unknown_field(draft: &Draft<'_>, kind: &EventType, name: &str, faults: &mut Faults) {
    let help = match nearest(name, kind.fields.iter().map(|f| &*f.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let names: Vec<&str> = kind.fields.iter().map(|f| &*f.name).collect();
            format!("its fields are: {}", names.join(", "))
        }
    };
    let shown: String = name.chars().take(64).collect();
    let message = format!("event type `{}` has no field `{shown}`; {help}", kind.name);
    faults.add(pointer(draft.prefix, name), "unknown_field", message);
}

fn missing_field(draft: &Draft<'_>, kind: &EventType, field: &Field, faults: &mut Faults) {
    let message = format!("`{}` ({}) is required by event type `{}`", field.name, field.kind, kind.name);
    faults.add(draft.prefix, "missing_field", message);
}

/// One field's value; `null` is missing. The error completes the sentence "`name` …".
fn value(raw: &Raw<'_>, kind: Type) -> Result<Value, String> {
    match (kind.repr(), raw) {
        (_, Raw::Null) => Ok(Value::Missing),
        (Repr::Bool, Raw::Bool(b)) => Ok(Value::Bool(*b)),
        (Repr::Int, Raw::Int(n)) => Ok(Value::Int(*n)),
        (Repr::Number, Raw::Int(n)) => Ok(Value::Number(*n as f64)),
        (Repr::Number, Raw::Number(n)) => Ok(Value::Number(*n)),
        (Repr::Duration, Raw::Int(n)) => n
            .checked_mul(1_000_000)
            .map(|us| Value::Duration(Span(us)))
            .ok_or_else(|| "is too long".to_owned()),
        (Repr::Duration, Raw::Number(n)) if n.abs() < 9e12 => {
            Ok(Value::Duration(Span((n * 1e6).round() as i64)))
        }
        (Repr::Bool | Repr::Int | Repr::Number, _) => Err(wrong(raw, kind)),
        (_, Raw::Text(text)) => parse_text(text, kind),
        _ => Err(wrong(raw, kind)),
    }
}

fn wrong(raw: &Raw<'_>, kind: Type) -> String {
    let expected = match kind.repr() {
        Repr::Bool => "true or false",
        Repr::Int => "a whole number",
        Repr::Number => "a number",
        Repr::Time => "an RFC 3339 string",
        Repr::Duration => "a string such as \"4.2s\", or seconds",
        _ => "a string",
    };
    format!("must be {expected}; this is {}", raw.what())
}

/// Reads the text form of a value of any type but `bool`, `int` and `number`, bounded and normalised.
///
/// # Errors
/// What is wrong, as the end of a sentence that begins with the name.
pub fn parse_text(text: &str, kind: Type) -> Result<Value, String> {
    let most = if kind.is_entity() { limits::ENTITY_BYTES } else { limits::TEXT_BYTES };
    let most = if kind == Type::Url { limits::TEXT_BYTES } else { most };
    if text.len() > most {
        return Err(format!("has {} bytes; the most is {most}", text.len()));
    }
    if kind.is_entity() && text.is_empty() {
        return Err("must not be empty; leave it out when it is unknown".to_owned());
    }
    match kind {
        Type::Time => Micros::parse(text)
            .map(Value::Time)
            .ok_or_else(|| "must be RFC 3339, such as \"2026-01-05T10:00:00Z\"".into()),
        Type::Duration => {
            Span::parse(text).map(Value::Duration).map_err(|e| format!("is no length of time: {e}"))
        }
        Type::Ip => ip(text).map(Value::Ip).ok_or_else(|| "must be an IPv4 or IPv6 address".to_owned()),
        Type::Net => {
            net(text).map(Value::Net).ok_or_else(|| "must be a network such as \"203.0.113.0/24\"".to_owned())
        }
        Type::Email => email(text),
        Type::Domain => Ok(Value::Text(domain(text).into())),
        Type::Size => Size::parse(text).map(|s| Value::Int(s.0)).map_err(|e| format!("is no size: {e}")),
        Type::Rate => Rate::parse(text).map(|r| Value::Number(r.0)).map_err(|e| format!("is no rate: {e}")),
        Type::Bool | Type::Int | Type::Number | Type::List => {
            Err(format!("must be {}, not text", kind.name()))
        }
        Type::Text
        | Type::Account
        | Type::Device
        | Type::Url
        | Type::Phone
        | Type::Wallet
        | Type::UserAgent
        | Type::Enum => Ok(Value::Text(text.into())),
    }
}

/// An address, with IPv4 mapped into IPv6 (RFC 4291, 2.5.5.2) as the IPv4 address it stands for.
fn ip(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// A network; a lone address is the network of that one address, host bits are dropped.
fn net(text: &str) -> Option<IpNet> {
    match text.parse::<IpNet>() {
        Ok(net) => Some(net.trunc()),
        Err(_) => ip(text).map(IpNet::from),
    }
}

fn email(text: &str) -> Result<Value, String> {
    match text.rsplit_once('@') {
        Some((local, host)) if !local.is_empty() && !host.is_empty() => {
            Ok(Value::Text(format!("{local}@{}", domain(host)).into()))
        }
        _ => Err("must be an address such as \"name@example.org\"".to_owned()),
    }
}

fn domain(text: &str) -> String {
    text.strip_suffix('.').unwrap_or(text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schema() -> Arc<Schema> {
        let field = Field::plain;
        Arc::new(Schema::new(vec![EventType {
            name: "signup".into(),
            fields: vec![
                field("account", Type::Account, false),
                field("ip", Type::Ip, false),
                field("email", Type::Email, true),
                field("form_time", Type::Duration, true),
                field("tries", Type::Int, true),
            ],
        }]))
    }

    fn event(json: &str) -> Result<Event, Faults> {
        let received = Micros::parse("2026-01-05T10:00:00Z").unwrap();
        read(Draft::from_json(json.as_bytes())?, &schema(), received, || "new".into())
    }

    #[test]
    fn both_forms_give_the_same_event() {
        let bare = r#"{"type":"signup","id":"1","time":"2026-01-05T09:59:00Z","account":"a","ip":"::ffff:203.0.113.7","form_time":4.2}"#;
        let under = r#"{"type":"signup","id":"1","time":"2026-01-05T09:59:00Z","data":{"account":"a","ip":"203.0.113.7","form_time":"4.2s"}}"#;
        let cloud = r#"{"specversion":"1.0","source":"","type":"signup","id":"1","time":"2026-01-05T09:59:00Z","ext":"x","data":{"account":"a","ip":"203.0.113.7","form_time":"4200ms"}}"#;
        assert_eq!(event(bare).unwrap(), event(under).unwrap());
        assert_eq!(
            event(&cloud.replace(r#""source":"","#, r#""source":"s","#)).unwrap().values,
            event(bare).unwrap().values
        );
        // CloudEvents: source is a non-empty URI reference.
        assert!(event(cloud).is_err());
        assert_eq!(event(r#"{"type":"signup","account":"a","ip":"::1"}"#).unwrap().id.id, "new".into());
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let check = |json: &str, expect: &[(&str, &str)]| {
            let faults = event(json).unwrap_err();
            let got: Vec<(&str, &str)> = faults.list().iter().map(|f| (&*f.pointer, f.code)).collect();
            assert_eq!(got, expect, "{json}: {faults}");
        };
        check("", &[("", "not_json")]);
        check("{", &[("", "not_json")]);
        check("[1]", &[("", "not_an_object")]);
        check("{}", &[("", "missing_attribute")]);
        check(r#"{"type":7}"#, &[("/type", "wrong_type")]);
        check(r#"{"type":"sigup","account":"a"}"#, &[("/type", "unknown_type")]);
        check(
            r#"{"type":"signup","acount":"a","ip":"1.2.3","tries":1.5,"form_time":"4"}"#,
            &[
                ("/acount", "unknown_field"),
                ("/ip", "wrong_value"),
                ("/tries", "wrong_value"),
                ("/form_time", "wrong_value"),
                ("", "missing_field"),
            ],
        );
        check(r#"{"type":"signup","data":{"account":"","ip":"::1"}}"#, &[("/data/account", "wrong_value")]);
        check(r#"{"type":"signup","data":{"account":null,"ip":"::1"}}"#, &[("/data", "missing_field")]);
        check(r#"{"type":"signup","data":{},"ip":"::1"}"#, &[("/ip", "unknown_field")]);
        check(r#"{"type":"signup","data":[]}"#, &[("/data", "wrong_type")]);
        check(r#"{"type":"signup","type":"signup","ip":"::1","account":"a"}"#, &[("/type", "repeated")]);
        check(r#"{"type":"signup","ip":"::1","ip":"::2","account":"a"}"#, &[("/ip", "repeated")]);
        check(r#"{"type":"signup","a/b~":1,"ip":"::1","account":"a"}"#, &[("/a~1b~0", "unknown_field")]);
        check(
            r#"{"type":"signup","time":"2026-01-05T11:00:01Z","ip":"::1","account":"a"}"#,
            &[("/time", "future_time")],
        );
        check(r#"{"type":"signup","time":1767607200,"ip":"::1","account":"a"}"#, &[("/time", "wrong_type")]);
        check(
            r#"{"specversion":"0.3","type":"signup","data":{"ip":"::1","account":"a"}}"#,
            &[("/specversion", "wrong_version"), ("", "missing_attribute"), ("", "missing_attribute")],
        );
        let deep = format!(r#"{{"type":"signup","x":{}1{}}}"#, "[".repeat(9), "]".repeat(9));
        check(&deep, &[("", "not_json")]);
        check(&format!(r#"{{"type":"{}"}}"#, "x".repeat(70_000)), &[("", "too_large")]);
    }

    #[test]
    fn what_a_stranger_wrote_is_quoted_on_one_line_without_escapes() {
        let faults = event("{\"type\":\"x\\u001b[31m\\n\"}").unwrap_err();
        assert!(faults.to_string().starts_with("/type: no event type `x\\u{1b}[31m\\u{a}`"), "{faults}");
        let faults = event("{\"type\":\"signup\",\"\\u001b]0;\":1}").unwrap_err();
        assert!(!faults.to_string().contains('\u{1b}'), "{faults}");
    }

    #[test]
    fn a_near_name_is_offered() {
        let faults = event(r#"{"type":"sigup"}"#).unwrap_err();
        assert_eq!(faults.to_string(), "/type: no event type `sigup`; did you mean `signup`?");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(draft) = Draft::from_json(&bytes) {
                let _ = read(draft, &schema(), Micros(0), || "x".into());
            }
        }

        #[test]
        fn no_text_panics_in_any_type(text in ".{0,400}") {
            for kind in Type::ALL {
                let _ = parse_text(&text, kind);
            }
        }
    }
}
