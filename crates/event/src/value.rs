// SPDX-License-Identifier: Apache-2.0
//! Typed values: what a field, a feature or an expression can hold.

use crate::{Micros, Rate, Size, Span};
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
    /// A size in whole bytes; never negative.
    Size,
    /// How many a second; never negative.
    Rate,
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
    /// What a program says of itself (HTTP `User-Agent`).
    UserAgent,
    /// One of a few texts, which the field's [`Shape`](crate::Shape) names. Written `enum("a", "b")`.
    Enum,
    /// Several values, or records of several values, whose types the field's [`Shape`](crate::Shape) has. Written
    /// `list(url)`.
    List,
}

/// How a [`Type`] is held in memory: several entity types are all text, a size is a whole number of bytes, a rate a
/// number a second.
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
    List,
}

impl Type {
    /// Every type that a name alone writes, in the order of the documentation: all but [`Type::Enum`] and
    /// [`Type::List`].
    pub const ALL: [Type; 18] = [
        Type::Bool,
        Type::Int,
        Type::Number,
        Type::Text,
        Type::Time,
        Type::Duration,
        Type::Size,
        Type::Rate,
        Type::Ip,
        Type::Net,
        Type::Account,
        Type::Device,
        Type::Domain,
        Type::Email,
        Type::Url,
        Type::Phone,
        Type::Wallet,
        Type::UserAgent,
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
            Type::Size => "size",
            Type::Rate => "rate",
            Type::Ip => "ip",
            Type::Net => "net",
            Type::Account => "account",
            Type::Device => "device",
            Type::Domain => "domain",
            Type::Email => "email",
            Type::Url => "url",
            Type::Phone => "phone",
            Type::Wallet => "wallet",
            Type::UserAgent => "user_agent",
            Type::Enum => "enum",
            Type::List => "list",
        }
    }

    /// The type that this name alone writes; `enum` and `list` need more than their name.
    pub fn named(name: &str) -> Option<Type> {
        Type::ALL.into_iter().find(|t| t.name() == name)
    }

    /// How its values are held.
    pub fn repr(self) -> Repr {
        match self {
            Type::Bool => Repr::Bool,
            Type::Int | Type::Size => Repr::Int,
            Type::Number | Type::Rate => Repr::Number,
            Type::Time => Repr::Time,
            Type::Duration => Repr::Duration,
            Type::Ip => Repr::Ip,
            Type::Net => Repr::Net,
            Type::List => Repr::List,
            Type::Text
            | Type::Account
            | Type::Device
            | Type::Domain
            | Type::Email
            | Type::Url
            | Type::Phone
            | Type::Wallet
            | Type::UserAgent
            | Type::Enum => Repr::Text,
        }
    }

    /// Whether a value names who or what an event happened to, and so may be a counter's key.
    pub fn is_entity(self) -> bool {
        matches!(
            self,
            Type::Ip
                | Type::Net
                | Type::Account
                | Type::Device
                | Type::Domain
                | Type::Email
                | Type::Url
                | Type::Phone
                | Type::Wallet
        )
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
    /// See [`Type::Int`] and [`Type::Size`].
    Int(i64),
    /// See [`Type::Number`] and [`Type::Rate`].
    Number(f64),
    /// Text and all that is held as text.
    Text(Box<str>),
    /// See [`Type::Time`].
    Time(Micros),
    /// See [`Type::Duration`].
    Duration(Span),
    /// See [`Type::Ip`].
    Ip(IpAddr),
    /// See [`Type::Net`].
    Net(IpNet),
    /// See [`Type::List`]. One item after the other; a record is the values of its fields in their order, so that the
    /// field's [`Shape`](crate::Shape) says how many belong to one item. None of them is a list.
    List(Box<[Value]>),
}

/// Longest text shown, in characters.
pub(crate) const SHOWN_CHARS: usize = 160;

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
    /// identifiers of people are masked unless `sight` is full. Of a list it says only how many values it has, since
    /// their types are not at hand: [`Field::show`](crate::Field::show) shows them.
    pub fn show(&self, kind: Type, sight: Sight) -> String {
        match self {
            Value::Missing => "unknown".to_owned(),
            Value::Bool(b) => b.to_string(),
            Value::Int(n) if kind == Type::Size => Size(*n).to_string(),
            Value::Number(n) if kind == Type::Rate => Rate(*n).to_string(),
            Value::Int(n) => n.to_string(),
            Value::Number(n) => n.to_string(),
            Value::Time(t) => t.to_string(),
            Value::Duration(d) => d.to_string(),
            Value::Ip(ip) => ip.to_string(),
            Value::Net(net) => net.to_string(),
            Value::Text(text) if kind.is_personal() && sight == Sight::Masked => masked(kind, text),
            Value::Text(text) => printable(text, SHOWN_CHARS),
            Value::List(values) => {
                format!("{} value{}", values.len(), if values.len() == 1 { "" } else { "s" })
            }
        }
    }
}

/// `ali…` for `alice`; an e-mail address keeps its domain, which is not a person.
fn masked(kind: Type, text: &str) -> String {
    let (name, rest) = match (kind, text.rsplit_once('@')) {
        (Type::Email, Some((local, domain))) => (local, format!("@{}", printable(domain, SHOWN_CHARS))),
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
        for name in ["string", "enum", "list"] {
            assert_eq!(Type::named(name), None, "{name}");
        }
    }

    #[test]
    fn quantities_are_shown_with_their_units() {
        let check = |value: Value, kind: Type, expect: &str| {
            assert_eq!(value.show(kind, Sight::Masked), expect);
        };
        check(Value::Int(1_500_000), Type::Size, "1.5MB");
        check(Value::Int(1_500_000), Type::Int, "1500000");
        check(Value::Number(0.5), Type::Rate, "30/m");
        check(Value::Number(0.5), Type::Number, "0.5");
        check(Value::List([Value::Text("alice".into())].into()), Type::List, "1 value");
        check(Value::List(Box::default()), Type::List, "0 values");
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
