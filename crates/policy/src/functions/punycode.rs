// SPDX-License-Identifier: Apache-2.0
//! Domain names as people read them: Punycode (RFC 3492), decoding only.

use super::limits::LABEL_BYTES;
use super::text::text;
use wardroom_event::Value;

// The parameters of RFC 3492, 5.
const BASE: u32 = 36;
const TMIN: u32 = 1;
const TMAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const FIRST_BIAS: u32 = 72;
const FIRST_CODE: u32 = 128;

/// A domain name with its `xn--` labels decoded; those that cannot be stay.
pub(super) fn domain(name: &str) -> Value {
    let labels: Vec<String> = name.split('.').map(|l| label(l).unwrap_or_else(|| l.to_owned())).collect();
    text(&labels.join("."))
}

fn label(label: &str) -> Option<String> {
    let (prefix, encoded) = label.split_at_checked(4)?;
    let is_encoded = prefix.eq_ignore_ascii_case("xn--") && label.len() <= LABEL_BYTES && label.is_ascii();
    decoded(Some(encoded).filter(|_| is_encoded)?)
}

/// RFC 3492, 6.2: each number says where the next character goes and which it is.
fn decoded(encoded: &str) -> Option<String> {
    let (plain, rest) = encoded.rsplit_once('-').unwrap_or(("", encoded));
    let mut out: Vec<char> = plain.chars().collect();
    let mut digits = rest.bytes();
    let (mut code, mut place, mut bias) = (FIRST_CODE, 0u32, FIRST_BIAS);
    while digits.len() > 0 {
        let before = place;
        place = place.checked_add(number(&mut digits, bias)?)?;
        let length = u32::try_from(out.len()).ok()? + 1;
        bias = adapted(place - before, length, before == 0);
        code = code.checked_add(place / length)?;
        place %= length;
        out.insert(usize::try_from(place).ok()?, char::from_u32(code)?);
        place += 1;
    }
    Some(out.into_iter().collect())
}

/// A number of variable length: the digit below its threshold is the last.
fn number(digits: &mut impl Iterator<Item = u8>, bias: u32) -> Option<u32> {
    let (mut value, mut weight, mut k) = (0u32, 1u32, BASE);
    loop {
        let digit = digit(digits.next()?)?;
        value = value.checked_add(digit.checked_mul(weight)?)?;
        let threshold = k.saturating_sub(bias).clamp(TMIN, TMAX);
        if digit < threshold {
            return Some(value);
        }
        weight = weight.checked_mul(BASE - threshold)?;
        k += BASE;
    }
}

fn digit(byte: u8) -> Option<u32> {
    match byte {
        b'a'..=b'z' => Some(u32::from(byte - b'a')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 26),
        _ => None,
    }
}

/// RFC 3492, 6.1.
fn adapted(delta: u32, length: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / DAMP } else { delta / 2 };
    delta += delta / length;
    let mut k = 0;
    while delta > (BASE - TMIN) * TMAX / 2 {
        delta /= BASE - TMIN;
        k += BASE;
    }
    k + (BASE - TMIN + 1) * delta / (delta + SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The names of RFC 3492, 7.1 and others that were registered.
    #[test]
    fn labels_are_decoded() {
        let check = |name: &str, expect: &str| assert_eq!(domain(name), Value::Text(expect.into()), "{name}");
        check("xn--bcher-kva.example", "bücher.example");
        check("xn--80ak6aa92e.com", "аррӏе.com");
        check("xn--ihqwcrb4cv8a8dqg056pqjye", "他们为什么不说中文");
        check("xn--3B-ww4c5e180e575a65lsy2b", "3年B組金八先生");
        check("xn--b1abfaaepdrnnbgefbadotcwatmq2g4l", "почемужеонинеговорятпорусски");
        check("www.example.org", "www.example.org");
        check("xn--", "");
        check("xn--a_b.example", "xn--a_b.example");
        check("xn--99999999", "xn--99999999");
        check("xn--ü", "xn--ü");
        check("", "");
    }

    proptest! {
        #[test]
        fn no_name_panics(name in "(xn--)?[a-z0-9-]{0,70}(\\.xn--[a-z0-9-]{0,70})?", any in ".{0,80}") {
            domain(&name);
            domain(&any);
        }
    }
}
