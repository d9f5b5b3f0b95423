// SPDX-License-Identifier: Apache-2.0
//! Parts of values: `ip.net`, `email.domain`, … read from the value alone, and facts such as `ip.asn`, which need data
//! from elsewhere and so are looked up once, when an event arrives.

use crate::{Micros, Type, Value, shape, url};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::IpAddr;

/// A part of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// `ip.net`: the network an address is usually assigned from: /24 for IPv4, /48 for IPv6.
    IpNet,
    /// `ip.version`: 4 or 6; IPv4 mapped into IPv6 is 4.
    IpVersion,
    /// `ip.asn`, a fact: the number of the autonomous system that announces the address.
    IpAsn,
    /// `ip.country`, a fact: where the address is used, by ISO 3166-1 alpha-2, upper case.
    IpCountry,
    /// `ip.kind`, a fact: what the address is used for: `hosting`, `mobile`, `residential`, `vpn`, `tor`, …
    IpKind,
    /// `ip.lat`, a fact: degrees north of the equator, roughly where the address is used.
    IpLat,
    /// `ip.lon`, a fact: degrees east of Greenwich, roughly where the address is used.
    IpLon,
    /// `email.local`: what stands before the last `@`, tag and all.
    EmailLocal,
    /// `email.domain`: what stands after the last `@`.
    EmailDomain,
    /// `email.tag`: what stands in the local part after its first `+`: `lists` of `anna+lists@example.org`. Unknown
    /// without a `+`, and where nothing stands before or after it.
    EmailTag,
    /// `email.site`, a fact: the registrable domain of the address's domain.
    EmailSite,
    /// `url.scheme`: what stands before the first `:`, lower case, if it has the form of a scheme (RFC 3986, 3.1). A URL
    /// without a scheme has no path, query or port either.
    UrlScheme,
    /// `url.host`: the host of a URL with `://`: no user, no port, lower case.
    UrlHost,
    /// `url.port`: the port as written, or else the usual one of `http`, `https`, `ws`, `wss` and `ftp`.
    UrlPort,
    /// `url.path`: what stands after the host up to `?` or `#`, nothing decoded; `/` where it is empty after a host.
    UrlPath,
    /// `url.query`: what stands after the first `?` up to `#`, nothing decoded; unknown where there is none.
    UrlQuery,
    /// `url.site`, a fact: the registrable domain of the host.
    UrlSite,
    /// `domain.site`, a fact: the registrable domain, by the public suffix list.
    DomainSite,
    /// `user_agent.family`, a fact: the program, without its version.
    AgentFamily,
    /// `user_agent.os`, a fact: the operating system, without its version.
    AgentOs,
    /// `time.hour`: the hour of the day in UTC, 0 to 23.
    TimeHour,
    /// `time.weekday`: the day of the week in UTC: `mon` to `sun`.
    TimeWeekday,
    /// `time.day`: the date in UTC, as `2026-01-05`.
    TimeDay,
    /// `text.shape` and `account.shape`: which kinds of characters follow each other. `A` stands for upper-case Latin,
    /// `a` for other Latin, `9` for digits of any script, `c` for Cyrillic, `g` for Greek, `h` for Han, `k` for kana, `r`
    /// for Arabic, `b` for Hebrew, `d` for Devanagari, `l` for any other letter; all else stands for itself. Two or more
    /// alike in a row are two: `anna_92` has the shape `aa_99`. At most 32 characters.
    TextShape,
}

/// What looks facts up. The same data gives the same facts; other data may give others, so they are kept with an event.
pub trait Facts: Send + Sync {
    /// The fact `part` of a value; [`Value::Missing`] where it is not known. Of the type that [`Part::ALL`] has for it.
    fn fact(&self, part: Part, value: &Value) -> Value;
}

/// Knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFacts;

impl Facts for NoFacts {
    fn fact(&self, _: Part, _: &Value) -> Value {
        Value::Missing
    }
}

impl Part {
    /// Every part, with the type it belongs to, its name and its own type. One that belongs to several types is there
    /// for each of them.
    pub const ALL: [(Part, Type, &'static str, Type); 25] = [
        (Part::IpNet, Type::Ip, "net", Type::Net),
        (Part::IpVersion, Type::Ip, "version", Type::Int),
        (Part::IpAsn, Type::Ip, "asn", Type::Int),
        (Part::IpCountry, Type::Ip, "country", Type::Text),
        (Part::IpKind, Type::Ip, "kind", Type::Text),
        (Part::IpLat, Type::Ip, "lat", Type::Number),
        (Part::IpLon, Type::Ip, "lon", Type::Number),
        (Part::EmailLocal, Type::Email, "local", Type::Text),
        (Part::EmailDomain, Type::Email, "domain", Type::Domain),
        (Part::EmailTag, Type::Email, "tag", Type::Text),
        (Part::EmailSite, Type::Email, "site", Type::Domain),
        (Part::UrlScheme, Type::Url, "scheme", Type::Text),
        (Part::UrlHost, Type::Url, "host", Type::Domain),
        (Part::UrlPort, Type::Url, "port", Type::Int),
        (Part::UrlPath, Type::Url, "path", Type::Text),
        (Part::UrlQuery, Type::Url, "query", Type::Text),
        (Part::UrlSite, Type::Url, "site", Type::Domain),
        (Part::DomainSite, Type::Domain, "site", Type::Domain),
        (Part::AgentFamily, Type::UserAgent, "family", Type::Text),
        (Part::AgentOs, Type::UserAgent, "os", Type::Text),
        (Part::TimeHour, Type::Time, "hour", Type::Int),
        (Part::TimeWeekday, Type::Time, "weekday", Type::Text),
        (Part::TimeDay, Type::Time, "day", Type::Text),
        (Part::TextShape, Type::Text, "shape", Type::Text),
        (Part::TextShape, Type::Account, "shape", Type::Text),
    ];

    /// The part of `of` called `name`, and the part's type.
    pub fn named(of: Type, name: &str) -> Option<(Part, Type)> {
        Part::ALL.into_iter().find(|(_, t, n, _)| *t == of && *n == name).map(|(p, _, _, t)| (p, t))
    }

    /// The names of the parts of `of`.
    pub fn names(of: Type) -> impl Iterator<Item = &'static str> {
        Part::ALL.into_iter().filter(move |(_, t, ..)| *t == of).map(|(_, _, name, _)| name)
    }

    /// The part's name.
    pub fn name(self) -> &'static str {
        Part::ALL.iter().find(|(p, ..)| *p == self).map_or("", |(_, _, name, _)| name)
    }

    /// Whether it needs data that the value does not hold: then [`Facts`] know it, and [`Part::of`] does not.
    pub fn is_fact(self) -> bool {
        match self {
            Part::IpAsn | Part::IpCountry | Part::IpKind | Part::IpLat | Part::IpLon => true,
            Part::EmailSite | Part::UrlSite | Part::DomainSite => true,
            Part::AgentFamily | Part::AgentOs => true,
            Part::IpNet | Part::IpVersion | Part::EmailLocal | Part::EmailDomain | Part::EmailTag => false,
            Part::UrlScheme | Part::UrlHost | Part::UrlPort | Part::UrlPath | Part::UrlQuery => false,
            Part::TimeHour | Part::TimeWeekday | Part::TimeDay | Part::TextShape => false,
        }
    }

    /// Takes the part of a value; unknown where the value is unknown or has no such part, and for all facts.
    pub fn of(self, value: &Value) -> Value {
        match value {
            Value::Ip(ip) => self.of_ip(*ip),
            Value::Time(time) => self.of_time(*time),
            Value::Text(text) => self.of_text(text),
            _ => Value::Missing,
        }
    }

    fn of_ip(self, ip: IpAddr) -> Value {
        match self {
            Part::IpNet => Value::Net(net_of(ip)),
            Part::IpVersion => Value::Int(if ip.to_canonical().is_ipv4() { 4 } else { 6 }),
            _ => Value::Missing,
        }
    }

    fn of_time(self, time: Micros) -> Value {
        match self {
            Part::TimeHour => Value::Int(time.hour()),
            Part::TimeWeekday => Value::Text(time.weekday().into()),
            Part::TimeDay => time.day().map_or(Value::Missing, |day| Value::Text(day.into())),
            _ => Value::Missing,
        }
    }

    fn of_text(self, text: &str) -> Value {
        match self {
            Part::EmailLocal => known(text.rsplit_once('@').map(|(local, _)| local)),
            Part::EmailDomain => known(text.rsplit_once('@').map(|(_, domain)| domain)),
            Part::EmailTag => known(tag(text)),
            Part::UrlScheme => known(url::scheme(text)),
            Part::UrlHost => known(url::host(text)),
            Part::UrlPort => url::port(text).map_or(Value::Missing, |port| Value::Int(port.into())),
            Part::UrlPath => known(url::path(text)),
            Part::UrlQuery => known(url::query(text)),
            Part::TextShape => Value::Text(shape::shape(text).into()),
            _ => Value::Missing,
        }
    }
}

/// A text that says something.
fn known(part: Option<impl AsRef<str>>) -> Value {
    match part {
        Some(text) if !text.as_ref().is_empty() => Value::Text(text.as_ref().into()),
        _ => Value::Missing,
    }
}

/// The tag of an address.
fn tag(email: &str) -> Option<&str> {
    let (local, _) = email.rsplit_once('@')?;
    let (name, tag) = local.split_once('+')?;
    (!name.is_empty()).then_some(tag)
}

/// The /24 or /48 that holds `ip`.
fn net_of(ip: IpAddr) -> IpNet {
    match ip {
        IpAddr::V4(ip) => IpNet::V4(Ipv4Net::new_assert(ip, 24).trunc()),
        IpAddr::V6(ip) => IpNet::V6(Ipv6Net::new_assert(ip, 48).trunc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    #[test]
    fn parts_are_taken() {
        let check = |part: Part, value: Value, expect: &str| {
            let (_, _, _, kind) = Part::ALL.into_iter().find(|(p, ..)| *p == part).unwrap();
            assert_eq!(part.of(&value).show(kind, crate::Sight::Full), expect);
        };
        let ip = |ip: &str| Value::Ip(ip.parse().unwrap());
        check(Part::IpNet, ip("203.0.113.9"), "203.0.113.0/24");
        check(Part::IpNet, ip("2001:db8:1:2::9"), "2001:db8:1::/48");
        check(Part::IpNet, Value::Missing, "unknown");
        check(Part::IpVersion, ip("203.0.113.9"), "4");
        check(Part::IpVersion, ip("::ffff:203.0.113.9"), "4");
        check(Part::IpVersion, ip("2001:db8::1"), "6");
        check(Part::IpAsn, ip("203.0.113.9"), "unknown");
        check(Part::EmailDomain, text("a@b@example.org"), "example.org");
        check(Part::EmailLocal, text("a@b@example.org"), "a@b");
        check(Part::EmailLocal, text("a+b@example.org"), "a+b");
        check(Part::EmailTag, text("anna+lists+x@example.org"), "lists+x");
        check(Part::EmailTag, text("anna@example.org"), "unknown");
        check(Part::EmailTag, text("anna+@example.org"), "unknown");
        check(Part::EmailTag, text("+anna@example.org"), "unknown");
        check(Part::EmailTag, text("anna@exa+mple.org"), "unknown");
        let url = |u: &str, host: &str| check(Part::UrlHost, text(u), host);
        url("https://User:pw@Example.ORG:8443/a@b?c", "example.org");
        url("http://[2001:db8::1]:80/", "2001:db8::1");
        url("http://example.org.", "example.org");
        url("http://evil.example\\@good.example/", "evil.example");
        url("mailto:a@b", "unknown");
        url("http:///x", "unknown");
        let url = text("HTTPS://example.org:8443/a?b=c#d");
        check(Part::UrlScheme, url.clone(), "https");
        check(Part::UrlPort, url.clone(), "8443");
        check(Part::UrlPath, url.clone(), "/a");
        check(Part::UrlQuery, url.clone(), "b=c");
        check(Part::UrlSite, url, "unknown");
        check(Part::UrlQuery, text("https://example.org/?"), "unknown");
        check(Part::UrlPort, text("gopher://example.org"), "unknown");
        let time = |t: &str| Value::Time(Micros::parse(t).unwrap());
        check(Part::TimeHour, time("2026-01-05T23:59:59.999999Z"), "23");
        check(Part::TimeHour, time("1969-12-31T22:00:00Z"), "22");
        check(Part::TimeWeekday, time("2026-01-05T00:00:00Z"), "mon");
        check(Part::TimeWeekday, time("2026-01-04T23:59:59.999999Z"), "sun");
        check(Part::TimeWeekday, time("1969-12-31T23:00:00Z"), "wed");
        check(Part::TimeDay, time("2026-01-05T00:30:00+02:00"), "2026-01-04");
        check(Part::TimeDay, Value::Time(Micros(i64::MAX)), "unknown");
        check(Part::TextShape, text("anna_92"), "aa_99");
        check(Part::TextShape, text(""), "");
    }

    #[test]
    fn names_lead_to_parts_and_back() {
        for (part, of, name, kind) in Part::ALL {
            assert_eq!(Part::named(of, name), Some((part, kind)));
            assert_eq!(part.name(), name);
        }
        assert_eq!(Part::named(Type::Domain, "shape"), None);
        let names: Vec<_> = Part::names(Type::UserAgent).collect();
        assert_eq!(names, ["family", "os"]);
    }

    proptest! {
        #[test]
        fn parts_are_of_their_type_and_facts_of_none(t in ".{0,60}", url in "[a-zA-Z:/@?#\\[\\].+0-9\\\\]{0,40}", time: i64, ip: IpAddr) {
            let values = [Value::Text(t.into()), Value::Text(url.into()), Value::Time(Micros(time)), Value::Ip(ip)];
            for (part, _, _, kind) in Part::ALL {
                for value in &values {
                    let got = part.of(value);
                    let fits = match got {
                        Value::Missing => true,
                        Value::Int(_) => kind == Type::Int,
                        Value::Net(_) => kind == Type::Net,
                        Value::Text(_) => kind.repr() == crate::Repr::Text,
                        _ => false,
                    };
                    prop_assert!(fits, "{part:?} of {value:?} is {got:?}");
                    prop_assert!(!part.is_fact() || got.is_missing());
                }
            }
        }
    }
}
