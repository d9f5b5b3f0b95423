// SPDX-License-Identifier: Apache-2.0
//! The head of a syslog line: when, on which host, which program; in the four forms that log files hold.
//!
//! - RFC 3164 as files have it: `Mar 27 13:06:56 host sshd[12]: …`, with or without `<pri>`
//! - RFC 3339 stamp (rsyslog's default since 2023, `journalctl -o short-iso`): `2024-03-27T13:06:56+01:00 host sshd[12]: …`
//! - RFC 5424: `<38>1 2024-03-27T13:06:56Z host sshd 12 - - …`

use wardroom_event::Micros;

/// A line's head, and the message after it.
#[derive(Debug, PartialEq)]
pub(super) struct Header<'a> {
    pub(super) stamp: Stamp,
    pub(super) host: &'a str,
    /// Without its path; empty where the line names none.
    pub(super) program: &'a str,
    /// Empty where the line names none.
    pub(super) pid: &'a str,
    pub(super) message: &'a str,
}

/// When, as far as the line says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stamp {
    /// Complete.
    Exact(Micros),
    /// A date and time without a zone.
    Local(Civil),
    /// The same without a year; `Civil::year` is 0.
    Yearless(Civil),
}

/// A date and time of day somewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Civil {
    pub(super) year: i16,
    pub(super) month: i8,
    pub(super) day: i8,
    pub(super) hour: i8,
    pub(super) minute: i8,
    pub(super) second: i8,
    pub(super) micros: i32,
}

impl Civil {
    /// The point in time, where local time is `offset_secs` ahead of UTC. `None` if there is no such date.
    pub(super) fn utc(self, offset_secs: i32) -> Option<Micros> {
        let date = jiff::civil::Date::new(self.year, self.month, self.day).ok()?;
        // A leap second is told as the second before: it must not make the line junk.
        let second = self.second.min(59);
        let time = jiff::civil::Time::new(self.hour, self.minute, second, self.micros * 1000).ok()?;
        let stamp = jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(time)).ok()?;
        Some(Micros(stamp.as_microsecond().checked_sub(i64::from(offset_secs) * 1_000_000)?))
    }
}

/// Takes a line's head off. `None` if it is not syslog.
pub(super) fn parse(line: &str) -> Option<Header<'_>> {
    let (pri, line) = match line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((pri, rest)) if !pri.is_empty() && pri.len() <= 3 && digits(pri) => (true, rest),
        _ => (false, line),
    };
    if let Some(rest) = line.strip_prefix("1 ").filter(|_| pri) {
        return rfc5424(rest);
    }
    let (stamp, rest) = short_stamp(line).or_else(|| iso_stamp(line))?;
    let (host, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    if host.is_empty() {
        return None;
    }
    let (program, pid, message) = tag(rest).unwrap_or(("", "", rest));
    Some(Header { stamp, host, program, pid, message })
}

/// `program[pid]: message` or `program: message`.
fn tag(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.find([' ', ':', '['])?;
    let (program, rest) = text.split_at(end);
    let (pid, rest) = match rest.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", rest),
    };
    let message = rest.strip_prefix(':')?;
    let program = base_name(program);
    (!program.is_empty()).then(|| (program, pid, message.strip_prefix(' ').unwrap_or(message)))
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// After `<pri>1 `: stamp, host, program, process id, message id, structured data, message (RFC 5424, 6).
fn rfc5424(line: &str) -> Option<Header<'_>> {
    let mut parts = line.splitn(6, ' ');
    let (stamp, rest) = iso_stamp(parts.next()?)?;
    if !rest.is_empty() {
        return None;
    }
    let mut word = || parts.next().map(|word| if word == "-" { "" } else { word });
    let (host, program, pid, _id) = (word()?, word()?, word()?, word()?);
    let message = after_structured(parts.next()?)?;
    Some(Header { stamp, host, program: base_name(program), pid, message })
}

/// What follows `-` or `[id name="value" …]…`; inside quotes `\` escapes.
fn after_structured(text: &str) -> Option<&str> {
    let mut rest = text;
    if let Some(after) = text.strip_prefix('-') {
        rest = after;
    } else {
        while rest.starts_with('[') {
            rest = &rest[element_end(rest)?..];
        }
    }
    let message = if rest.is_empty() { "" } else { rest.strip_prefix(' ')? };
    Some(message.strip_prefix('\u{feff}').unwrap_or(message))
}

/// Where the structured element that opens `text` ends.
fn element_end(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b']' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// `Mar 27 13:06:56`, perhaps with a fraction, and what follows.
fn short_stamp(line: &str) -> Option<(Stamp, &str)> {
    let bytes = line.as_bytes();
    let month = month(bytes.get(..3)?)?;
    if bytes.get(3) != Some(&b' ') || bytes.get(6) != Some(&b' ') {
        return None;
    }
    let day = match (bytes[4], bytes[5]) {
        (b' ', ones @ b'1'..=b'9') => (ones - b'0').cast_signed(),
        _ => two(bytes, 4)?,
    };
    if !(1..=31).contains(&day) {
        return None;
    }
    let civil = Civil { year: 0, month, day, ..clock(bytes, 7)? };
    let (micros, end) = fraction(bytes, 15);
    Some((Stamp::Yearless(Civil { micros, ..civil }), line.get(end..)?))
}

/// `2024-03-27T13:06:56`, perhaps with a fraction, perhaps with `Z`, `+01:00`, `+0100`, and what follows.
fn iso_stamp(line: &str) -> Option<(Stamp, &str)> {
    let bytes = line.as_bytes();
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') || bytes.get(10) != Some(&b'T') {
        return None;
    }
    let year = i16::from(two(bytes, 0)?) * 100 + i16::from(two(bytes, 2)?);
    let date = clock(bytes, 11)?;
    let (micros, end) = fraction(bytes, 19);
    let civil = Civil { year, month: two(bytes, 5)?, day: two(bytes, 8)?, micros, ..date };
    match zone(bytes, end) {
        Some((offset, end)) => Some((Stamp::Exact(civil.utc(offset)?), line.get(end..)?)),
        None => Some((Stamp::Local(civil), line.get(end..)?)),
    }
}

/// The offset in seconds at `at`, and where it ends.
fn zone(bytes: &[u8], at: usize) -> Option<(i32, usize)> {
    let sign = match bytes.get(at)? {
        b'Z' | b'z' => return Some((0, at + 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = i32::from(two(bytes, at + 1)?);
    let minutes_at = if bytes.get(at + 3) == Some(&b':') { at + 4 } else { at + 3 };
    let minutes = i32::from(two(bytes, minutes_at)?);
    Some((sign * (hours * 3600 + minutes * 60), minutes_at + 2))
}

/// `13:06:56` at `at`; the date is left open.
fn clock(bytes: &[u8], at: usize) -> Option<Civil> {
    let (hour, minute, second) = (two(bytes, at)?, two(bytes, at + 3)?, two(bytes, at + 6)?);
    let colons = bytes[at + 2] == b':' && bytes[at + 5] == b':';
    (colons && hour < 24 && minute < 60 && second <= 60).then_some(Civil {
        year: 0,
        month: 0,
        day: 0,
        hour,
        minute,
        second,
        micros: 0,
    })
}

/// `.123456` or `,123` at `at`, in microseconds, and where it ends; finer digits are dropped.
fn fraction(bytes: &[u8], at: usize) -> (i32, usize) {
    if !matches!(bytes.get(at), Some(b'.' | b',')) {
        return (0, at);
    }
    let (mut micros, mut scale, mut end) = (0, 100_000, at + 1);
    while let Some(digit) = bytes.get(end).filter(|b| b.is_ascii_digit()) {
        micros += i32::from(digit - b'0') * scale;
        scale /= 10;
        end += 1;
    }
    (micros, end)
}

/// Two digits at `at`.
fn two(bytes: &[u8], at: usize) -> Option<i8> {
    match bytes.get(at..at + 2)? {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(((a - b'0') * 10 + (b - b'0')).cast_signed()),
        _ => None,
    }
}

fn month(name: &[u8]) -> Option<i8> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    (1..).zip(MONTHS).find(|(_, month)| *month == name).map(|(number, _)| number)
}

/// Nothing but digits, if anything.
pub(super) fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read() {
        let check = |line: &str, expect: Option<(&str, &str, &str, &str)>| {
            let got = parse(line).map(|h| (h.host, h.program, h.pid, h.message));
            assert_eq!(got, expect, "{line}");
        };
        check("Mar 27 13:06:56 gate sshd[12]: hello", Some(("gate", "sshd", "12", "hello")));
        check("Mar  7 13:06:56.123 gate sshd[12]: hello", Some(("gate", "sshd", "12", "hello")));
        check("<38>Mar 27 13:06:56 gate sshd[12]: hello", Some(("gate", "sshd", "12", "hello")));
        check("Mar 27 13:06:56 gate sudo:   who : x", Some(("gate", "sudo", "", "  who : x")));
        check("Mar 27 13:06:56 gate /usr/sbin/sshd[12]: x", Some(("gate", "sshd", "12", "x")));
        check(
            "Mar 27 13:06:56 gate last message repeated 2 times",
            Some(("gate", "", "", "last message repeated 2 times")),
        );
        check("2024-03-27T13:06:56.123456+01:00 gate sshd[12]: hello", Some(("gate", "sshd", "12", "hello")));
        check(
            "2024-03-27T13:06:56+0100 gate sshd-session[12]: hello",
            Some(("gate", "sshd-session", "12", "hello")),
        );
        check("2024-03-27T13:06:56 gate sshd[12]: hello", Some(("gate", "sshd", "12", "hello")));
        check("<38>1 2024-03-27T13:06:56Z gate sshd 12 - - hello", Some(("gate", "sshd", "12", "hello")));
        check("<38>1 2024-03-27T13:06:56Z - sshd - - - hello", Some(("", "sshd", "", "hello")));
        check(
            r#"<38>1 2024-03-27T13:06:56Z gate sshd 12 - [a x="]\"]"][b] hello"#,
            Some(("gate", "sshd", "12", "hello")),
        );
        check(r#"<38>1 2024-03-27T13:06:56Z gate sshd 12 - [a x="] hello"#, None);
        check("<38>1 yesterday gate sshd 12 - - hello", None);
        check("Mar 32 13:06:56 gate sshd[12]: hello", None);
        check("Mar 27 25:06:56 gate sshd[12]: hello", None);
        check("Mer 27 13:06:56 gate sshd[12]: hello", None);
        check("2024-13-27T13:06:56Z gate sshd[12]: hello", None);
        check("hello", None);
        check("", None);
    }

    #[test]
    fn stamps_are_read() {
        let check = |line: &str, expect: &str| {
            let Some((Stamp::Exact(time), " x")) = iso_stamp(line) else { panic!("{line}") };
            assert_eq!(time.to_string(), expect, "{line}");
        };
        check("2024-03-27T13:06:56Z x", "2024-03-27T13:06:56Z");
        check("2024-03-27T13:06:56.1234567+01:00 x", "2024-03-27T12:06:56.123456Z");
        check("2024-03-27T13:06:56,5-0230 x", "2024-03-27T15:36:56.5Z");
        check("2016-12-31T23:59:60Z x", "2016-12-31T23:59:59Z");
    }
}
