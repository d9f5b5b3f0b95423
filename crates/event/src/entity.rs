// SPDX-License-Identifier: Apache-2.0
//! Derived parts of entities: `ip.net`, `email.domain`, … read from the value alone.
//!
//! Parts that need a data file (`ip.asn`, `ip.country`) are look-ups and belong to intake, not here.

use crate::{Type, Value};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::IpAddr;

/// A derived part of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The network an address is usually assigned from: /24 for IPv4, /48 for IPv6.
    IpNet,
    /// What stands before the last `@`.
    EmailLocal,
    /// What stands after the last `@`.
    EmailDomain,
    /// The host of a URL: no user, no port, lower case.
    UrlHost,
}

impl Part {
    /// Every part, with the type it belongs to, its name and its own type.
    pub const ALL: [(Part, Type, &'static str, Type); 4] = [
        (Part::IpNet, Type::Ip, "net", Type::Net),
        (Part::EmailLocal, Type::Email, "local", Type::Text),
        (Part::EmailDomain, Type::Email, "domain", Type::Domain),
        (Part::UrlHost, Type::Url, "host", Type::Domain),
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

    /// Takes the part of a value; unknown where the value is unknown or has no such part.
    pub fn of(self, value: &Value) -> Value {
        match (self, value) {
            (Part::IpNet, Value::Ip(ip)) => Value::Net(net_of(*ip)),
            (Part::EmailLocal, Value::Text(t)) => text(t.rsplit_once('@').map(|(local, _)| local)),
            (Part::EmailDomain, Value::Text(t)) => text(t.rsplit_once('@').map(|(_, domain)| domain)),
            (Part::UrlHost, Value::Text(t)) => url_host(t).map_or(Value::Missing, |h| Value::Text(h.into())),
            _ => Value::Missing,
        }
    }
}

fn text(part: Option<&str>) -> Value {
    part.filter(|t| !t.is_empty()).map_or(Value::Missing, |t| Value::Text(t.into()))
}

/// The /24 or /48 that holds `ip`.
fn net_of(ip: IpAddr) -> IpNet {
    match ip {
        IpAddr::V4(ip) => IpNet::V4(Ipv4Net::new_assert(ip, 24).trunc()),
        IpAddr::V6(ip) => IpNet::V6(Ipv6Net::new_assert(ip, 48).trunc()),
    }
}

/// The host of a URL with an authority (RFC 3986, 3.2), lower case; IPv6 keeps no brackets.
fn url_host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, after)| after);
    let host = match host_port.strip_prefix('[') {
        Some(v6) => v6.split_once(']')?.0,
        None => host_port.split(':').next()?,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then(|| host.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken() {
        let check = |part: Part, value: Value, expect: &str| {
            let (_, _, _, kind) = Part::ALL.into_iter().find(|(p, ..)| *p == part).unwrap();
            assert_eq!(part.of(&value).show(kind, crate::Sight::Full), expect);
        };
        check(Part::IpNet, Value::Ip("203.0.113.9".parse().unwrap()), "203.0.113.0/24");
        check(Part::IpNet, Value::Ip("2001:db8:1:2::9".parse().unwrap()), "2001:db8:1::/48");
        check(Part::IpNet, Value::Missing, "unknown");
        check(Part::EmailDomain, Value::Text("a@b@example.org".into()), "example.org");
        check(Part::EmailLocal, Value::Text("a@b@example.org".into()), "a@b");
        let url = |u: &str, host: &str| check(Part::UrlHost, Value::Text(u.into()), host);
        url("https://User:pw@Example.ORG:8443/a@b?c", "example.org");
        url("http://[2001:db8::1]:80/", "2001:db8::1");
        url("http://example.org.", "example.org");
        url("http://evil.example\\@good.example/", "evil.example");
        url("mailto:a@b", "unknown");
        url("http:///x", "unknown");
    }
}
