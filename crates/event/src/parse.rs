// SPDX-License-Identifier: Apache-2.0
//! One value, from JSON or from text: bounded and normalised, or why not.

use crate::field::quoted;
use crate::{Field, Micros, Rate, Raw, Repr, Size, Span, Type, Value, limits, nearest};
use ipnet::IpNet;
use std::net::IpAddr;

/// The value of a field that is no list; `null` is missing. The error completes the sentence "`name` …".
pub(crate) fn value(raw: &Raw<'_>, field: &Field) -> Result<Value, String> {
    match (field.kind, raw) {
        (_, Raw::Null) => Ok(Value::Missing),
        (Type::Bool, Raw::Bool(b)) => Ok(Value::Bool(*b)),
        (Type::Int, Raw::Int(n)) => Ok(Value::Int(*n)),
        (Type::Size, Raw::Int(n)) if *n >= 0 => Ok(Value::Int(*n)),
        (Type::Number, Raw::Int(n)) => Ok(Value::Number(*n as f64)),
        (Type::Number, Raw::Number(n)) => Ok(Value::Number(*n)),
        (Type::Rate, Raw::Int(n)) if *n >= 0 => Ok(Value::Number(*n as f64)),
        // Minus zero becomes zero.
        (Type::Rate, Raw::Number(n)) if *n >= 0.0 => Ok(Value::Number(*n + 0.0)),
        (Type::Size | Type::Rate, Raw::Int(_)) => Err("must not be negative".to_owned()),
        (Type::Rate, Raw::Number(_)) => Err("must not be negative".to_owned()),
        (Type::Duration, Raw::Int(n)) => n
            .checked_mul(1_000_000)
            .map(|us| Value::Duration(Span(us)))
            .ok_or_else(|| "is too long".to_owned()),
        (Type::Duration, Raw::Number(n)) if n.abs() < 9e12 => {
            Ok(Value::Duration(Span((n * 1e6).round() as i64)))
        }
        (Type::Bool | Type::Int | Type::Number | Type::List, _) => Err(wrong(raw, field)),
        (Type::Enum, Raw::Text(text)) => member(text, field),
        (kind, Raw::Text(text)) => parse_text(text, kind),
        _ => Err(wrong(raw, field)),
    }
}

/// The member of an enum that `text` is.
fn member(text: &str, field: &Field) -> Result<Value, String> {
    let members = field.members();
    if let Some(member) = members.iter().find(|m| ***m == *text) {
        return Ok(Value::Text(member.clone()));
    }
    let shown: String = text.chars().take(64).collect();
    Err(match nearest(text, members.iter().map(|m| &**m)) {
        Some(near) => format!("cannot be \"{shown}\"; did you mean \"{near}\"?"),
        None => format!("cannot be \"{shown}\"; it must be {}", quoted(members, "or ")),
    })
}

fn wrong(raw: &Raw<'_>, field: &Field) -> String {
    let expected = match field.kind {
        Type::Size => "a whole number of bytes, or a string such as \"10MB\"",
        Type::Rate => "a number a second, or a string such as \"5/m\"",
        kind => match kind.repr() {
            Repr::Bool => "true or false",
            Repr::Int => "a whole number",
            Repr::Number => "a number",
            Repr::Time => "an RFC 3339 string",
            Repr::Duration => "a string such as \"4.2s\", or seconds",
            Repr::List => "an array",
            Repr::Text | Repr::Ip | Repr::Net => "a string",
        },
    };
    format!("must be {expected}; this is {}", raw.what())
}

/// Reads the text form of a value of any type but `bool`, `int`, `number` and `list`, bounded and normalised. Of an
/// enum it does not know the members.
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

    #[test]
    fn texts_are_read() {
        let check = |kind: Type, text: &str, expect: Result<Value, &str>| {
            assert_eq!(parse_text(text, kind), expect.map_err(str::to_owned), "{text}");
        };
        let text = |t: &str| Ok(Value::Text(t.into()));
        check(Type::Size, "10MB", Ok(Value::Int(10_000_000)));
        check(
            Type::Size,
            "10",
            Err("is no size: a unit is missing: one of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB"),
        );
        check(Type::Size, "-1B", Err("is no size: a size is never negative"));
        check(Type::Rate, "30/m", Ok(Value::Number(0.5)));
        check(Type::Rate, "30", Err("is no rate: a unit is missing: one of /s, /m, /h, /d"));
        check(Type::UserAgent, "", text(""));
        check(Type::UserAgent, "curl/8.5", text("curl/8.5"));
        check(Type::Enum, "free", text("free"));
        check(Type::List, "a", Err("must be list, not text"));
        check(Type::Domain, "Example.ORG.", text("example.org"));
        check(Type::Email, "A@Example.ORG", text("A@example.org"));
        check(Type::Account, "", Err("must not be empty; leave it out when it is unknown"));
        let long = "x".repeat(limits::ENTITY_BYTES + 1);
        check(Type::Account, &long, Err("has 321 bytes; the most is 320"));
        check(Type::UserAgent, &long, text(&long));
    }

    proptest! {
        #[test]
        fn no_text_panics_in_any_type(text in ".{0,400}") {
            for kind in Type::ALL.into_iter().chain([Type::Enum, Type::List]) {
                let _ = parse_text(&text, kind);
            }
        }
    }
}
