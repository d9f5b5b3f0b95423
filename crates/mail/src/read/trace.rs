// SPDX-License-Identifier: Apache-2.0
//! Dates, and the trace that servers leave in `Received`.

use mail_parser::parsers::MessageStream;
use mail_parser::{DateTime, Host, Received};

use super::field::cut;
use super::oddity::Oddity;
use super::reading::{Date, Hop};
use crate::kind::Set;

/// Longest date that is read without a zone, in bytes.
const DATE_BYTES: usize = 64;

/// A `Date` as it is written in one line. Without a zone it is taken for UTC, as mail programs take it.
pub(super) fn date(value: &str, odd: &mut Set<Oddity>) -> Option<Date> {
    let parse = |value: &str| DateTime::parse_rfc822(value).and_then(|date| convert(&date));
    let zoned = parse(value);
    let date = zoned.or_else(|| parse(&format!("{} +0000", cut(value, DATE_BYTES))));
    odd.insert_if(zoned.is_none() && date.is_some(), Oddity::DateZoneOdd);
    odd.insert_if(date.is_none(), Oddity::DateInvalid);
    // RFC 5322, 3.3 knows no zone; in use are those from -12:00 to +14:00, by quarters of an hour.
    let odd_zone =
        |date: Date| !(-12 * 60..=14 * 60).contains(&date.zone_minutes) || date.zone_minutes % 15 != 0;
    odd.insert_if(date.is_some_and(odd_zone), Oddity::DateZoneOdd);
    date
}

fn convert(date: &DateTime) -> Option<Date> {
    let minutes = i32::from(date.tz_hour) * 60 + i32::from(date.tz_minute);
    let sound = date.is_valid() && date.year >= 1970 && date.tz_minute < 60;
    sound.then(|| Date {
        unix_secs: date.to_timestamp(),
        zone_minutes: if date.tz_before_gmt { -minutes } else { minutes },
    })
}

/// A `Received` as it is written in one line.
pub(super) fn hop(value: &[u8], odd: &mut Set<Oddity>) -> Hop {
    let mut line = value.to_vec();
    // What reads it looks for the end of a line.
    line.push(b'\n');
    let parsed = MessageStream::new(&line).parse_received();
    let Some(received) = parsed.as_received() else {
        odd.insert(Oddity::ReceivedUnparsable);
        return Hop::default();
    };
    tell(received)
}

fn tell(received: &Received<'_>) -> Hop {
    let name = |host: &Host<'_>| match host {
        Host::Name(name) => name.to_string(),
        Host::IpAddr(ip) => ip.to_string(),
    };
    Hop {
        helo: received.helo.as_ref().or(received.from.as_ref()).map(name),
        reverse: received.from_iprev.as_ref().map(ToString::to_string),
        ip: received.from_ip.or(match received.from {
            Some(Host::IpAddr(ip)) => Some(ip),
            _ => None,
        }),
        by: received.by.as_ref().map(name),
        with: received.with.map(|with| with.to_string()),
        to: received.for_.as_ref().map(ToString::to_string),
        tls: received.tls_version.is_some() || received.tls_cipher.is_some(),
        date: received.date.as_ref().and_then(convert),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        let check = |value: &str, expect: Option<(i64, i32)>, odd: &str| {
            let mut seen = Set::new();
            let got = date(value, &mut seen).map(|date| (date.unix_secs, date.zone_minutes));
            assert_eq!((got, format!("{seen:?}")), (expect, odd.to_owned()), "{value}");
        };
        check("Thu, 22 Aug 2002 18:26:25 +0700", Some((1_030_015_585, 420)), "[]");
        check("22 Aug 2002 11:26:25 GMT", Some((1_030_015_585, 0)), "[]");
        check("Thu, 22 Aug 2002 11:26:25 EDT", Some((1_030_029_985, -240)), "[]");
        check("Thu, 22 Aug 2002 11:26:25 -1700", Some((1_030_015_585 + 17 * 3600, -1020)), "[date_zone_odd]");
        check("Thu, 22 Aug 2002 11:26:25", Some((1_030_015_585, 0)), "[date_zone_odd]");
        check("yesterday", None, "[date_invalid]");
        check("Thu, 32 Foo 2002 18:26:25 +0700", None, "[date_invalid]");
        check("", None, "[date_invalid]");
    }

    #[test]
    fn hops_are_read() {
        let mut odd = Set::new();
        let value = b"from mail.example.org (host.example.net [192.0.2.7]) by mx.example.com (Postfix) with ESMTPS id 4D2 \
                      for <me@example.com>; Thu, 22 Aug 2002 18:26:25 +0700";
        let hop = hop(value, &mut odd);
        assert_eq!(hop.helo.as_deref(), Some("mail.example.org"));
        assert_eq!(hop.reverse.as_deref(), Some("host.example.net"));
        assert_eq!(hop.ip, Some("192.0.2.7".parse().unwrap()));
        assert_eq!((hop.by.as_deref(), hop.with.as_deref()), (Some("mx.example.com"), Some("ESMTPS")));
        assert_eq!(hop.to.as_deref(), Some("me@example.com"));
        assert_eq!(hop.date.map(|date| date.unix_secs), Some(1_030_015_585));
        assert!(odd.is_empty());
    }
}
