// SPDX-License-Identifier: Apache-2.0
//! Sizes in whole bytes, and how they are written: `10MB`, `4KiB`.

use std::fmt;

/// A size in bytes. A value of type `size` holds the number alone; it is negative only where one was taken from a
/// smaller one, never as read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub i64);

/// The decimal units (SI) a [`Size`] is written in, largest first, with their bytes.
const DECIMAL: [(&str, u64); 5] =
    [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

/// The binary units (IEC 80000-13), largest first, with their bytes.
const BINARY: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Digits of a fraction that are read; what stands after them is less than a byte in any unit.
const FRACTION_DIGITS: usize = 18;

/// Why a text is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// Nothing was written.
    Empty,
    /// It begins with a minus.
    Negative,
    /// A number was expected.
    NoNumber,
    /// A number stands without a unit.
    NoUnit,
    /// The unit is none that is known.
    UnknownUnit,
    /// More than 64 bits can count.
    TooLarge,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SizeError::Empty => "it is empty",
            SizeError::Negative => "a size is never negative",
            SizeError::NoNumber => "a number is missing",
            SizeError::NoUnit => "a unit is missing: one of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB",
            SizeError::UnknownUnit => "the unit is none of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB",
            SizeError::TooLarge => "it is larger than can be counted",
        })
    }
}

impl Size {
    /// Reads `10MB`, `1.5GiB`, `0B`: one number with one unit, rounded to a whole byte. A `k` is decimal and small, a
    /// `Ki` binary, as SI and IEC have it: `KB` is read by half the world as one and by half as the other.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Size, SizeError> {
        if text.is_empty() {
            return Err(SizeError::Empty);
        }
        if text.starts_with('-') {
            return Err(SizeError::Negative);
        }
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
            return Err(SizeError::NoNumber);
        }
        if unit.is_empty() {
            return Err(SizeError::NoUnit);
        }
        let known = DECIMAL.iter().chain(&BINARY).find(|(name, _)| *name == unit);
        let scale = u128::from(known.ok_or(SizeError::UnknownUnit)?.1);
        let whole: u64 = whole.parse().map_err(|_| SizeError::TooLarge)?;
        let bytes = u128::from(whole) * scale + part(fraction, scale);
        i64::try_from(bytes).map(Size).map_err(|_| SizeError::TooLarge)
    }
}

/// Digits after the point, in bytes: half a byte counts as one.
fn part(digits: &str, scale: u128) -> u128 {
    let mut over = 1;
    let mut number = 0;
    for digit in digits.bytes().take(FRACTION_DIGITS) {
        number = number * 10 + u128::from(digit - b'0');
        over *= 10;
    }
    (number * scale + over / 2) / over
}

/// The form [`Size::parse`] reads, exact: decimal (`1.5MB`), or binary where that is shorter (`4KiB`).
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.unsigned_abs();
        let decimal = decimal(bytes);
        let shown = binary(bytes).filter(|b| b.len() < decimal.len()).unwrap_or(decimal);
        write!(f, "{}{shown}", if self.0 < 0 { "-" } else { "" })
    }
}

/// In the largest decimal unit that is not larger, with as many digits as it takes.
fn decimal(bytes: u64) -> String {
    let (unit, scale) = DECIMAL.into_iter().find(|(_, scale)| bytes >= *scale).unwrap_or(("B", 1));
    let digits = scale.ilog10() as usize;
    written(bytes / scale, &format!("{:0digits$}", bytes % scale), unit)
}

/// In the largest binary unit that is not larger, if three digits after the point are enough.
fn binary(bytes: u64) -> Option<String> {
    let (unit, scale) = BINARY.into_iter().find(|(_, scale)| bytes >= *scale)?;
    let thousandths = bytes % scale * 1000;
    thousandths
        .is_multiple_of(scale)
        .then(|| written(bytes / scale, &format!("{:03}", thousandths / scale), unit))
}

fn written(whole: u64, fraction: &str, unit: &str) -> String {
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}{unit}"),
        digits => format!("{whole}.{digits}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_read() {
        let check = |text: &str, expect: Result<i64, SizeError>| {
            assert_eq!(Size::parse(text).map(|s| s.0), expect, "{text}");
        };
        check("0B", Ok(0));
        check("10MB", Ok(10_000_000));
        check("1.5kB", Ok(1_500));
        check("4KiB", Ok(4_096));
        check("1.5GiB", Ok(3 << 29));
        check("2TB", Ok(2_000_000_000_000));
        check("2TiB", Ok(2 << 40));
        check("0.4B", Ok(0));
        check("0.5B", Ok(1));
        check("1.3KiB", Ok(1_331));
        check("0.9999999999999999999999999TB", Ok(1_000_000_000_000));
        check("9223372036854775807B", Ok(i64::MAX));
        check("9223372036854775808B", Err(SizeError::TooLarge));
        check("9223372.036854775807TB", Ok(i64::MAX));
        check("99999999999999999999999TB", Err(SizeError::TooLarge));
        check("", Err(SizeError::Empty));
        check("MB", Err(SizeError::NoNumber));
        check(".5MB", Err(SizeError::NoNumber));
        check("5.MB", Err(SizeError::NoNumber));
        check("1.2.3MB", Err(SizeError::NoNumber));
        check("10", Err(SizeError::NoUnit));
        check("10KB", Err(SizeError::UnknownUnit));
        check("10Mb", Err(SizeError::UnknownUnit));
        check("10 MB", Err(SizeError::UnknownUnit));
        check("1MB2kB", Err(SizeError::UnknownUnit));
        check("-5MB", Err(SizeError::Negative));
    }

    #[test]
    fn sizes_are_written_short() {
        let check = |bytes: i64, expect: &str| assert_eq!(Size(bytes).to_string(), expect);
        check(0, "0B");
        check(999, "999B");
        check(1_000, "1kB");
        check(1_024, "1KiB");
        check(1_500_000, "1.5MB");
        check(1_536, "1.5KiB");
        check(10_485_760, "10MiB");
        check(1_234_567, "1.234567MB");
        check(-1_500, "-1.5kB");
        check(i64::MAX, "9223372.036854775807TB");
        check(i64::MIN, "-8388608TiB");
    }

    proptest! {
        #[test]
        fn a_size_prints_as_it_reads(bytes in prop_oneof![0..i64::MAX, (0..64u32, 0..4096i64).prop_map(|(by, n)| (n << by).max(0))]) {
            prop_assert_eq!(Size::parse(&Size(bytes).to_string()), Ok(Size(bytes)));
        }
    }
}
