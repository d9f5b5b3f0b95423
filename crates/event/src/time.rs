// SPDX-License-Identifier: Apache-2.0
//! Points in time and lengths of time, both in whole microseconds.

use std::fmt;

/// A point in time: microseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

/// A length of time in microseconds; negative where something lies before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub i64);

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// The units a [`Span`] is written in, largest first, with their microseconds.
const UNITS: [(&str, i64); 7] = [
    ("w", 604_800_000_000),
    ("d", DAY),
    ("h", HOUR),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

impl Micros {
    /// Reads RFC 3339 text (`2026-01-05T10:00:00.25Z`, any offset). `None` when it is not.
    pub fn parse(text: &str) -> Option<Micros> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        Some(Micros(stamp.as_microsecond()))
    }

    /// The hour of its day in UTC, 0 to 23.
    pub fn hour(self) -> i64 {
        self.0.rem_euclid(DAY) / HOUR
    }

    /// The day of its week in UTC: `mon` to `sun`.
    pub fn weekday(self) -> &'static str {
        // 1970-01-01 was a Thursday.
        ["thu", "fri", "sat", "sun", "mon", "tue", "wed"][self.0.div_euclid(DAY).rem_euclid(7) as usize]
    }

    /// Its date in UTC, as `2026-01-05`; `None` before the year -9999 and after 9999.
    pub fn day(self) -> Option<String> {
        let stamp = jiff::Timestamp::from_microsecond(self.0).ok()?;
        Some(jiff::tz::Offset::UTC.to_datetime(stamp).date().to_string())
    }

    /// This point moved by `span`; stops at the ends of the range.
    pub fn plus(self, span: Span) -> Micros {
        Micros(self.0.saturating_add(span.0))
    }

    /// This point moved back by `span`; stops at the ends of the range.
    pub fn minus(self, span: Span) -> Micros {
        Micros(self.0.saturating_sub(span.0))
    }

    /// How long after `earlier` this is.
    pub fn since(self, earlier: Micros) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// RFC 3339 in UTC, as short as it can be exact.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(stamp) => write!(f, "{stamp}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

/// Why a text is not a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanError {
    /// Nothing was written.
    Empty,
    /// A number was expected.
    NoNumber,
    /// A number stands without a unit.
    NoUnit,
    /// The unit is none of `w d h m s ms us`.
    UnknownUnit,
    /// More than about 290,000 years.
    TooLong,
}

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SpanError::Empty => "it is empty",
            SpanError::NoNumber => "a number is missing",
            SpanError::NoUnit => "a unit is missing: one of w, d, h, m, s, ms, us",
            SpanError::UnknownUnit => "the unit is none of w, d, h, m, s, ms, us",
            SpanError::TooLong => "it is longer than can be counted",
        })
    }
}

impl Span {
    /// Nothing.
    pub const ZERO: Span = Span(0);

    /// Whole seconds.
    pub const fn from_secs(secs: i64) -> Span {
        Span(secs * 1_000_000)
    }

    /// Seconds, with their fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Reads `90s`, `1h30m`, `4.2s`, `14d`: numbers with units, added up.
    pub fn parse(text: &str) -> Result<Span, SpanError> {
        if text.is_empty() {
            return Err(SpanError::Empty);
        }
        let mut rest = text;
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            total = total.checked_add(part(number, unit)?).ok_or(SpanError::TooLong)?;
            rest = tail;
        }
        Ok(Span(total))
    }
}

/// One number with its unit, in microseconds.
fn part(number: &str, unit: &str) -> Result<i64, SpanError> {
    if number.is_empty() {
        return Err(SpanError::NoNumber);
    }
    if unit.is_empty() {
        return Err(SpanError::NoUnit);
    }
    let scale = UNITS.iter().find(|(name, _)| *name == unit).ok_or(SpanError::UnknownUnit)?.1;
    if let Ok(whole) = number.parse::<i64>() {
        return whole.checked_mul(scale).ok_or(SpanError::TooLong);
    }
    let fraction: f64 = number.parse().map_err(|_| SpanError::NoNumber)?;
    let micros = fraction * scale as f64;
    if micros < 9e18 { Ok(micros.round() as i64) } else { Err(SpanError::TooLong) }
}

/// The form [`Span::parse`] reads: `1h30m`, `250ms`, `0s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (unit, scale) in UNITS {
            let scale = scale.unsigned_abs();
            if rest >= scale {
                write!(f, "{}{unit}", rest / scale)?;
                rest %= scale;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_read() {
        let check = |text: &str, expect: Result<i64, SpanError>| {
            assert_eq!(Span::parse(text).map(|s| s.0), expect, "{text}");
        };
        check("1h", Ok(3_600_000_000));
        check("1h30m", Ok(5_400_000_000));
        check("4.2s", Ok(4_200_000));
        check("14d", Ok(14 * 86_400_000_000));
        check("250ms", Ok(250_000));
        check("", Err(SpanError::Empty));
        check("h", Err(SpanError::NoNumber));
        check("10", Err(SpanError::NoUnit));
        check("10min", Err(SpanError::UnknownUnit));
        check("1.2.3s", Err(SpanError::NoNumber));
        check("-5s", Err(SpanError::NoNumber));
        check("99999999999999w", Err(SpanError::TooLong));
        check("99999999999999999999999w", Err(SpanError::TooLong));
    }

    #[test]
    fn times_are_read_and_written() {
        let t = Micros::parse("2026-01-05T12:00:00.25+02:00").unwrap();
        assert_eq!(t.to_string(), "2026-01-05T10:00:00.25Z");
        assert_eq!(Micros::parse("2026-01-05"), None);
        assert_eq!(Micros::parse("yesterday"), None);
    }

    proptest! {
        #[test]
        fn a_span_prints_as_it_reads(micros in 0i64..i64::MAX) {
            prop_assert_eq!(Span::parse(&Span(micros).to_string()), Ok(Span(micros)));
        }
    }
}
