// SPDX-License-Identifier: Apache-2.0
//! Rates: how many a second, and how they are written: `5/s`, `30/m`.

use std::fmt;

/// How many a second. A value of type `rate` holds the number alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

/// What a [`Rate`] is written over, with its seconds.
const UNITS: [(&str, f64); 4] = [("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)];

/// Why a text is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateError {
    /// Nothing was written.
    Empty,
    /// It begins with a minus.
    Negative,
    /// A number was expected before the slash.
    NoNumber,
    /// A number stands without a slash and a unit.
    NoUnit,
    /// The unit is none of `s m h d`.
    UnknownUnit,
    /// More than a floating-point number can hold.
    TooLarge,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RateError::Empty => "it is empty",
            RateError::Negative => "a rate is never negative",
            RateError::NoNumber => "a number is missing before the slash",
            RateError::NoUnit => "a unit is missing: one of /s, /m, /h, /d",
            RateError::UnknownUnit => "the unit is none of /s, /m, /h, /d",
            RateError::TooLarge => "it is larger than can be counted",
        })
    }
}

impl Rate {
    /// Reads `5/s`, `30/m`, `0.5/h`, `2/d`: a number over one unit of time.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Rate, RateError> {
        if text.is_empty() {
            return Err(RateError::Empty);
        }
        if text.starts_with('-') {
            return Err(RateError::Negative);
        }
        let (number, unit) = text.split_once('/').unwrap_or((text, ""));
        // Digits and a point only: no exponent, no sign, no "inf".
        let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let whole = plain && !number.starts_with('.') && !number.ends_with('.');
        let count: f64 = number.parse().ok().filter(|_| whole).ok_or(RateError::NoNumber)?;
        if unit.is_empty() {
            return Err(RateError::NoUnit);
        }
        let (_, secs) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(RateError::UnknownUnit)?;
        if count.is_finite() { Ok(Rate(count / secs)) } else { Err(RateError::TooLarge) }
    }
}

/// The form [`Rate::parse`] reads, exact, over the unit that makes it shortest: `30/m`, not `0.5/s`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.0.abs();
        let texts = UNITS.iter().filter_map(|(unit, secs)| Some(format!("{}/{unit}", over(rate, *secs)?)));
        // The first of the shortest; over one second it can always be written.
        let shown = texts.min_by_key(String::len).unwrap_or_default();
        write!(f, "{}{shown}", if self.0 < 0.0 { "-" } else { "" })
    }
}

/// How many in `secs`, if that many give the same rate again. Digits that came from multiplying alone are dropped.
fn over(rate: f64, secs: f64) -> Option<f64> {
    let many = rate * secs;
    let round = (many * 1e6).round() / 1e6;
    [round, many].into_iter().find(|n| n / secs == rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rates_are_read() {
        let check = |text: &str, expect: Result<f64, RateError>| {
            assert_eq!(Rate::parse(text).map(|r| r.0), expect, "{text}");
        };
        check("5/s", Ok(5.0));
        check("30/m", Ok(0.5));
        check("100/h", Ok(100.0 / 3600.0));
        check("2/d", Ok(2.0 / 86400.0));
        check("0/d", Ok(0.0));
        check("0.5/s", Ok(0.5));
        check("", Err(RateError::Empty));
        check("-5/s", Err(RateError::Negative));
        check("/s", Err(RateError::NoNumber));
        check("./s", Err(RateError::NoNumber));
        check("5./s", Err(RateError::NoNumber));
        check("1.2.3/s", Err(RateError::NoNumber));
        check("inf/s", Err(RateError::NoNumber));
        check("1e5/s", Err(RateError::NoNumber));
        check("+5/s", Err(RateError::NoNumber));
        check("5 /s", Err(RateError::NoNumber));
        check("5", Err(RateError::NoUnit));
        check("5/", Err(RateError::NoUnit));
        check("5/min", Err(RateError::UnknownUnit));
        check("5/s/s", Err(RateError::UnknownUnit));
        check(&format!("{}/s", "9".repeat(400)), Err(RateError::TooLarge));
    }

    #[test]
    fn rates_are_written_short() {
        let check = |rate: f64, expect: &str| assert_eq!(Rate(rate).to_string(), expect);
        check(0.0, "0/s");
        check(-0.0, "0/s");
        check(5.0, "5/s");
        check(0.5, "30/m");
        check(100.0 / 3600.0, "100/h");
        check(2.0 / 86400.0, "2/d");
        check(1.0 / 3.0, "20/m");
        check(1.5, "90/m");
        check(2.5, "2.5/s");
        check(-0.5, "-30/m");
    }

    proptest! {
        #[test]
        fn a_rate_prints_as_it_reads(rate in prop_oneof![0.0..f64::MAX, 0.0..10.0, (0..1000u32, prop::sample::select(vec![1.0, 60.0, 3600.0, 86400.0])).prop_map(|(n, secs)| f64::from(n) / secs)]) {
            prop_assert_eq!(Rate::parse(&Rate(rate).to_string()), Ok(Rate(rate)));
        }
    }
}
