// SPDX-License-Identifier: Apache-2.0
//! Address ranges in order, each with a small number: one binary search finds an address.
//!
//! Only the points are kept at which the number changes, so ranges that touch need no end of their own.

use std::fmt;

/// An address as a number.
pub(crate) trait Address: Copy + Ord + fmt::Debug {
    /// The address after this one; `None` after the last.
    fn next(self) -> Option<Self>;
}

impl Address for u32 {
    fn next(self) -> Option<u32> {
        self.checked_add(1)
    }
}

impl Address for u128 {
    fn next(self) -> Option<u128> {
        self.checked_add(1)
    }
}

/// From `first` to `last`, both within; what is known of it is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range<A> {
    pub(crate) first: A,
    pub(crate) last: A,
    pub(crate) value: u16,
}

/// Ranges that hold each address once at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ranges<A> {
    /// Where the value changes, rising. Below the first one nothing is known.
    starts: Vec<A>,
    /// What is known from there on; 0 where nothing is.
    values: Vec<u16>,
}

impl<A: Address> Ranges<A> {
    pub(crate) fn new() -> Ranges<A> {
        Ranges { starts: Vec::new(), values: Vec::new() }
    }

    /// Of ranges of which one may lie within another: the narrowest that holds an address counts, of equal ones
    /// the last. What only overlaps is cut where the later one begins.
    pub(crate) fn nested(mut ranges: Vec<Range<A>>) -> Ranges<A> {
        // Stable, so equal ranges stay in the order they came in.
        ranges.sort_by(|a, b| a.first.cmp(&b.first).then(b.last.cmp(&a.last)));
        let mut all = Ranges::new();
        let mut open: Vec<Range<A>> = Vec::new();
        for range in ranges {
            all.close(&mut open, Some(range.first));
            all.change(range.first, range.value);
            open.push(range);
        }
        all.close(&mut open, None);
        all
    }

    /// Ends what is open and ends before `until`; after each, what lies around it goes on.
    fn close(&mut self, open: &mut Vec<Range<A>>, until: Option<A>) {
        while let Some(inner) = open.last().filter(|inner| until.is_none_or(|until| inner.last < until)) {
            let after = inner.last.next();
            open.pop();
            let Some(after) = after else { continue };
            // One around it may end at the same place, or earlier where ranges only overlap.
            while open.last().is_some_and(|outer| outer.last < after) {
                open.pop();
            }
            self.change(after, open.last().map_or(0, |outer| outer.value));
        }
    }

    /// From `at` on the value is this one. Places must not fall.
    pub(crate) fn change(&mut self, at: A, value: u16) {
        if self.starts.last() == Some(&at) {
            self.starts.pop();
            self.values.pop();
        }
        if self.values.last().copied().unwrap_or(0) != value {
            self.starts.push(at);
            self.values.push(value);
        }
    }

    /// What is known of an address; 0 where nothing is.
    pub(crate) fn get(&self, address: A) -> u16 {
        let after = self.starts.partition_point(|start| *start <= address);
        after.checked_sub(1).map_or(0, |at| self.values[at])
    }

    /// Every place of change with what holds from there.
    pub(crate) fn changes(&self) -> impl ExactSizeIterator<Item = (A, u16)> {
        self.starts.iter().copied().zip(self.values.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_narrowest_counts() {
        let check = |ranges: &[(u32, u32, u16)], expect: &[(u32, u16)]| {
            let ranges = ranges.iter().map(|&(first, last, value)| Range { first, last, value }).collect();
            assert_eq!(Ranges::nested(ranges).changes().collect::<Vec<_>>(), expect);
        };
        check(&[], &[]);
        check(&[(5, 9, 1)], &[(5, 1), (10, 0)]);
        check(&[(5, 9, 1), (10, 12, 1)], &[(5, 1), (13, 0)]);
        check(
            &[(0, 99, 1), (10, 19, 2), (12, 12, 3)],
            &[(0, 1), (10, 2), (12, 3), (13, 2), (20, 1), (100, 0)],
        );
        check(
            &[(12, 12, 3), (10, 19, 2), (0, 99, 1)],
            &[(0, 1), (10, 2), (12, 3), (13, 2), (20, 1), (100, 0)],
        );
        check(&[(0, 9, 1), (5, 9, 2)], &[(0, 1), (5, 2), (10, 0)]);
        check(&[(0, 9, 1), (0, 4, 2)], &[(0, 2), (5, 1), (10, 0)]);
        check(&[(0, 9, 1), (0, 9, 2)], &[(0, 2), (10, 0)]);
        check(&[(7, u32::MAX, 1), (9, u32::MAX, 2)], &[(7, 1), (9, 2)]);
    }

    proptest! {
        /// Against looking at every prefix in turn.
        #[test]
        fn as_looking_at_all_of_them(nets in prop::collection::vec((any::<u8>(), 0u32..=8, 1u16..9), 0..40)) {
            let ranges: Vec<Range<u32>> = nets.iter().map(|&(at, len, value)| {
                let size = 1u32 << (8 - len);
                let first = u32::from(at) & !(size - 1);
                Range { first, last: first + (size - 1), value }
            }).collect();
            let table = Ranges::nested(ranges.clone());
            for address in 0..300u32 {
                let holds = ranges.iter().filter(|r| r.first <= address && address <= r.last);
                // `min_by_key` gives the first of equals, so the last is asked for first.
                let narrowest = holds.rev().min_by_key(|r| r.last - r.first).map_or(0, |r| r.value);
                prop_assert_eq!(table.get(address), narrowest, "address {}", address);
            }
        }

        /// Ranges that overlap anyhow give no panic and an order that rises.
        #[test]
        fn anything_is_taken(ranges in prop::collection::vec((any::<u32>(), any::<u32>(), 1u16..9), 0..40)) {
            let ranges = ranges.into_iter()
                .map(|(a, b, value)| Range { first: a.min(b), last: a.max(b), value }).collect();
            let places: Vec<u32> = Ranges::nested(ranges).changes().map(|(at, _)| at).collect();
            prop_assert!(places.is_sorted());
        }
    }
}
