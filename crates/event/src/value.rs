// SPDX-License-Identifier: Apache-2.0
//! Typed values: what a field, a feature or an expression can hold.

use crate::{Micros, Span};
use ipnet::IpNet;
use std::fmt::{self, Write as _};
use std::net::IpAddr;

/// The type of a field, as policy names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A floating-point number; never NaN.
    Number,
    /// Text in UTF-8.
    Text,
    /// A point in time.
    Time,
    /// A length of time.
    Duration,
    /// An IPv4 or IPv6 address; IPv4 mapped into IPv6 is stored as IPv4.
    Ip,
    /// A network in CIDR form.
    Net,
    /// An account at the provider.
    Account,
    /// A device, by whatever stable id the product has for it.
    Device,
    /// A domain name, lower case, without a final dot.
    Domain,
    /// An e-mail address, its domain in lower case.
    Email,
    /// A URL.
    Url,
    /// A telephone number.
    Phone,
    /// A wallet or payment address.
    Wallet,
}

/// How a [`Type`] is held in memory: several entity types are all text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the Value variant of its name")]
pub enum Repr {
    Bool,
    Int,
    Number,
    Text,
    Time,
    Duration,
    Ip,
    Net,
}

impl Type {
    /// Every type, in the order of the documentation.
    pub const ALL: [Type; 15] = [
        Type::Bool,
        Type::Int,
        Type::Number,
        Type::Text,
        Type::Time,
        Type::Duration,
        Type::Ip,
        Type::Net,
        Type::Account,
        Type::Device,
        Type::Domain,
        Type::Email,
        Type::Url,
        Type::Phone,
        Type::Wallet,
    ];

    /// The name policy uses.
    pub fn name(self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Number => "number",
            Type::Text => "text",
            Type::Time => "time",
            Type::Duration => "duration",
            Type::Ip => "ip",
            Type::Net => "net",
            Type::Account => "account",
            Type::Device => "device",
            Type::Domain => "domain",
            Type::Email => "email",
            Type::Url => "url",
            Type::Phone => "phone",
            Type::Wallet => "wallet",
        }
    }

    /// The type of that name.
    pub fn named(name: &str) -> Option<Type> {
        Type::ALL.into_iter().find(|t| t.name() == name)
    }

    /// How its values are held.
    pub fn repr(self) -> Repr {
        match self {
            Type::Bool => Repr::Bool,
            Type::Int => Repr::Int,
            Type::Number => Repr::Number,
            Type::Time => Repr::Time,
            Type::Duration => Repr::Duration,
            Type::Ip => Repr::Ip,
            Type::Net => Repr::Net,
            _ => Repr::Text,
        }
    }

    /// Whether a value names who or what an event happened to, and so may be a counter's key.
    pub fn is_entity(self) -> bool {
        !matches!(self, Type::Bool | Type::Int | Type::Number | Type::Text | Type::Time | Type::Duration)
    }

    /// Whether a value identifies a person and is masked unless somebody may see it. An address of the network
    /// is not masked: it is what an operator acts on.
    pub fn is_personal(self) -> bool {
        matches!(self, Type::Account | Type::Device | Type::Email | Type::Phone | Type::Wallet)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value. Missing is one of them: an absent field, a failed look-up and a counter without a key are unknown,
/// never zero and never false.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Unknown.
    Missing,
    /// See [`Type::Bool`].
    Bool(bool),
    /// See [`Type::Int`].
    Int(i64),
    /// See [`Type::Number`].
    Number(f64),
    /// Text and every entity held as text.
    Text(Box<str>),
    /// See [`Type::Time`].
    Time(Micros),
    /// See [`Type::Duration`].
    Duration(Span),
    /// See [`Type::Ip`].
    Ip(IpAddr),
    /// See [`Type::Net`].
    Net(IpNet),
}

/// Who looks: whether identifiers of people are shown whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Identifiers of people keep their first two characters.
    Masked,
    /// Everything is shown.
    Full,
}

impl Value {
    /// Whether nothing is known.
    pub fn is_missing(&self) -> bool {
        matches!(self, Value::Missing)
    }

    /// The value as a person reads it, on one line: control characters are escaped, long text is cut, and
    /// identifiers of people are masked unless `sight` is full.
    pub fn show(&self, kind: Type, sight: Sight) -> String {
        match self {
            Value::Missing => "unknown".to_owned(),
            Value::Bool(b) => b.to_string(),
            Value::Int(n) => n.to_string(),
            Value::Number(n) => n.to_string(),
            Value::Time(t) => t.to_string(),
            Value::Duration(d) => d.to_string(),
            Value::Ip(ip) => ip.to_string(),
            Value::Net(net) => net.to_string(),
            Value::Text(text) if kind.is_personal() && sight == Sight::Masked => masked(kind, text),
            Value::Text(text) => printable(text, 160),
        }
    }
}

/// `ali…` for `alice`; an e-mail address keeps its domain, which is not a person.
fn masked(kind: Type, text: &str) -> String {
    let (name, rest) = match (kind, text.rsplit_once('@')) {
        (Type::Email, Some((local, domain))) => (local, format!("@{}", printable(domain, 160))),
        _ => (text, String::new()),
    };
    let kept = if name.chars().count() > 4 { 2 } else { 1 };
    let head: String = name.chars().take(kept).collect();
    format!("{}…{rest}", printable(&head, 8))
}

/// One line of text: control and direction-changing characters escaped, at most `most` characters.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for (i, c) in text.chars().enumerate() {
        if i == most {
            out.push('…');
            break;
        }
        if c.is_control() || is_bidi(c) {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that turn the direction of text (Unicode UAX #9) or hide: they make a reason lie.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for kind in Type::ALL {
            assert_eq!(Type::named(kind.name()), Some(kind));
        }
        assert_eq!(Type::named("string"), None);
    }

    #[test]
    fn people_are_masked_and_control_characters_escaped() {
        let check = |kind: Type, text: &str, sight: Sight, expect: &str| {
            assert_eq!(Value::Text(text.into()).show(kind, sight), expect);
        };
        check(Type::Account, "alice", Sight::Masked, "al…");
        check(Type::Account, "bo", Sight::Masked, "b…");
        check(Type::Account, "alice", Sight::Full, "alice");
        check(Type::Email, "alice.b@example.org", Sight::Masked, "al…@example.org");
        check(Type::Text, "a\u{1b}[31mred\n", Sight::Masked, "a\\u{1b}[31mred\\u{a}");
        check(Type::Text, "ab\u{202e}cd", Sight::Full, "ab\\u{202e}cd");
        check(Type::Text, &"x".repeat(500), Sight::Full, &format!("{}…", "x".repeat(160)));
    }
}
