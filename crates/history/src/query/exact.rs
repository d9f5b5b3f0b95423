// SPDX-License-Identifier: Apache-2.0
//! Sums of floating-point numbers that do not depend on the order of what is added: the same whether one thread adds or
//! eight, and however the past lies in files.
//!
//! Each number is a whole mantissa at a place; mantissas are added up as whole numbers, one sum for each 32 binary places
//! (a small superaccumulator: Kulisch; Neal 2015). Most sums need one or two of these.

/// A sum.
#[derive(Clone, Default)]
pub(super) struct Exact {
    /// For each run of 32 places, ascending: its number, and the sum in units of its lowest place.
    runs: Vec<(i16, i128)>,
    /// Additions since the last carry.
    added: u32,
    /// Something infinite was added.
    beyond: bool,
}

/// Places of a run.
const RUN: i32 = 32;
/// A mantissa takes 53 bits and is moved by at most 31: so many can be added before a sum of 128 bits must be carried.
const ADDITIONS: u32 = 1 << 30;

impl Exact {
    /// Adds a number.
    pub(super) fn add(&mut self, n: f64) {
        if !n.is_finite() {
            self.beyond = true;
            return;
        }
        let bits = n.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i32;
        let fraction = (bits & ((1 << 52) - 1)) as i128;
        let (mantissa, place) =
            if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
        let mantissa = if bits >> 63 == 1 { -mantissa } else { mantissa };
        self.put((place.div_euclid(RUN)) as i16, mantissa << place.rem_euclid(RUN));
        self.added += 1;
        if self.added == ADDITIONS {
            self.carry();
        }
    }

    fn put(&mut self, run: i16, amount: i128) {
        match self.runs.iter_mut().rev().find(|(at, _)| *at <= run) {
            Some((at, sum)) if *at == run => *sum += amount,
            _ => {
                let place = self.runs.partition_point(|(at, _)| *at < run);
                self.runs.insert(place, (run, amount));
            }
        }
    }

    /// Adds what another has added.
    pub(super) fn absorb(&mut self, other: &Exact) {
        other.runs.iter().for_each(|(run, sum)| self.put(*run, *sum));
        self.beyond |= other.beyond;
        self.added = self.added.saturating_add(other.added);
        if self.added >= ADDITIONS {
            self.carry();
        }
    }

    /// Makes each run's sum small again.
    fn carry(&mut self) {
        let (negative, digits) = self.digits();
        let signed = |n: u32| if negative { -i128::from(n) } else { i128::from(n) };
        self.runs = digits.into_iter().map(|(run, digit)| (run, signed(digit))).collect();
        self.added = 1;
    }

    /// The one form of the sum: whether it is below zero, and its digits of 32 places each, ascending.
    fn digits(&self) -> (bool, Vec<(i16, u32)>) {
        match carried(self.runs.iter().copied()) {
            (digits, false) => (false, digits),
            (_, true) => (true, carried(self.runs.iter().map(|(run, sum)| (*run, -sum))).0),
        }
    }

    /// The sum as a number; none where it is beyond all numbers.
    pub(super) fn value(&self) -> Option<f64> {
        let (negative, digits) = self.digits();
        let mut sum = 0.0;
        for (run, digit) in digits.iter().rev() {
            let places = i32::from(*run) * RUN;
            // In two steps, since the power alone may be too small for a number.
            sum += f64::from(*digit) * 2f64.powi(places / 2) * 2f64.powi(places - places / 2);
        }
        (sum.is_finite() && !self.beyond).then_some(if negative { -sum } else { sum })
    }
}

/// Sums of runs as digits, ascending, and whether a whole has to be taken from them: then the sum is below zero.
fn carried(runs: impl Iterator<Item = (i16, i128)>) -> (Vec<(i16, u32)>, bool) {
    let (mut digits, mut carry, mut next) = (Vec::new(), 0i128, i16::MIN);
    let push = |digits: &mut Vec<(i16, u32)>, run: i16, sum: i128| {
        let digit = (sum & i128::from(u32::MAX)) as u32;
        digits.extend((digit != 0).then_some((run, digit)));
        sum >> RUN
    };
    for (run, sum) in runs {
        while carry != 0 && next < run {
            carry = push(&mut digits, next, carry);
            next += 1;
        }
        carry = push(&mut digits, run, sum + carry);
        next = run + 1;
    }
    while carry != 0 && carry != -1 {
        carry = push(&mut digits, next, carry);
        next += 1;
    }
    (digits, carry == -1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(all: &[f64]) -> Option<f64> {
        let mut sum = Exact::default();
        all.iter().for_each(|n| sum.add(*n));
        sum.value()
    }

    #[test]
    fn nothing_is_lost() {
        assert_eq!(sum(&[]), Some(0.0));
        assert_eq!(sum(&[1e300, 1.0, -1e300]), Some(1.0));
        assert_eq!(sum(&[0.1; 10]), Some(1.0));
        assert_eq!(sum(&[5e-324, 5e-324]), Some(1e-323));
        assert_eq!(sum(&[-5e-324]), Some(-5e-324));
        assert_eq!(sum(&[f64::MAX, f64::MAX]), None);
        assert_eq!(sum(&[f64::INFINITY, -1.0]), None);
        assert_eq!(sum(&[-3.0, 1.0]), Some(-2.0));
        assert_eq!(sum(&[4_294_967_296.0, -1.0]), Some(4_294_967_295.0));
    }

    proptest! {
        #[test]
        fn order_and_parts_do_not_matter(
            all in prop::collection::vec(prop_oneof![-1e9f64..1e9, any::<f64>().prop_filter("a number", |n| n.is_finite() && n.abs() < 1e290), -1.0f64..1.0], 0..60),
            cut in 0usize..60,
        ) {
            let cut = cut.min(all.len());
            let mut backwards = all.clone();
            backwards.reverse();
            let mut parts = Exact::default();
            all[cut..].iter().for_each(|n| parts.add(*n));
            let mut other = Exact::default();
            all[..cut].iter().for_each(|n| other.add(*n));
            parts.absorb(&other);
            let whole = sum(&all).map(f64::to_bits);
            prop_assert_eq!(sum(&backwards).map(f64::to_bits), whole);
            prop_assert_eq!(parts.value().map(f64::to_bits), whole);
        }

        #[test]
        fn whole_numbers_are_added_as_such(all in prop::collection::vec(-(1i64 << 52)..(1 << 52), 0..200)) {
            let expect: i128 = all.iter().map(|n| i128::from(*n)).sum();
            let got = sum(&all.iter().map(|n| *n as f64).collect::<Vec<_>>()).unwrap();
            prop_assert!((got - expect as f64).abs() <= (expect as f64 * 3e-16).abs(), "{} {}", got, expect);
        }
    }
}
