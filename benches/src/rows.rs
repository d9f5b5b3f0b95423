// SPDX-License-Identifier: Apache-2.0
//! Rows of a decision table, as every engine is given them: kind and network number to be equal, an age to lie in a
//! range, and a value. The first row that fits wins; here never more than one does.

use std::collections::HashMap;

/// Kinds there are.
const KINDS: usize = 20;
/// Ranges of ages for each kind and network.
const AGES: usize = 5;
/// Days of each range.
const DAYS: i64 = 30;

/// One row. The age is in days, from the first to before the last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) kind: String,
    pub(crate) asn: i64,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) value: f64,
}

/// So many rows, those of one kind and network beside each other.
pub(crate) fn lines(count: usize) -> Vec<Line> {
    let line = |n: usize| {
        let (age, pair) = (n % AGES, n / AGES);
        let from = age as i64 * DAYS;
        Line {
            kind: format!("kind {}", pair % KINDS),
            asn: 64_500 + (pair / KINDS) as i64,
            from,
            to: from + DAYS,
            value: (n % 1000) as f64 / 1000.0,
        }
    };
    (0..count).map(line).collect()
}

/// Numbers of rows to ask for, spread over the table so that first and last come equally often.
pub(crate) fn asked(count: usize, times: usize) -> Vec<usize> {
    // 7919 is prime, and divides no number of rows used here.
    (0..times).map(|n| n * 7919 % count).collect()
}

/// What somebody would write who needs this table and no other: the ranges and values of each kind and network.
pub(crate) struct ByHand(HashMap<(String, i64), Ages>);

/// From, to, value.
type Ages = Vec<(i64, i64, f64)>;

impl ByHand {
    pub(crate) fn new(lines: &[Line]) -> ByHand {
        let mut map: HashMap<(String, i64), Ages> = HashMap::new();
        for line in lines {
            map.entry((line.kind.clone(), line.asn)).or_default().push((line.from, line.to, line.value));
        }
        ByHand(map)
    }

    #[inline(never)]
    pub(crate) fn find(&self, key: &(String, i64), age: i64) -> Option<f64> {
        let found = self.0.get(key)?.iter().find(|(from, to, _)| (*from..*to).contains(&age));
        found.map(|(_, _, value)| *value)
    }
}
