// SPDX-License-Identifier: Apache-2.0
//! The order of answers: by a number or time, what is unknown last; then by whatever makes it the same every time.

use super::quantile::ordered;
use std::cmp::Ordering;
use wardroom_event::Value;

/// A value as bits that are in its order; none where it is unknown.
pub(super) fn rank(value: &Value) -> Option<u64> {
    let whole = |n: i64| n.cast_unsigned() ^ (1 << 63);
    match value {
        Value::Int(n) => Some(whole(*n)),
        Value::Time(t) => Some(whole(t.0)),
        Value::Duration(d) => Some(whole(d.0)),
        Value::Number(n) => Some(ordered(*n)),
        _ => None,
    }
}

/// The same, for an answer that has the least first: still the greatest of these comes first, and what is unknown last.
pub(super) fn rank_from(value: &Value, bottom: bool) -> Option<u64> {
    rank(value).map(|n| if bottom { !n } else { n })
}

/// Values in an order that is the same every time: what is unknown last.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Missing, Value::Missing) => Ordering::Equal,
        (Value::Missing, _) => Ordering::Greater,
        (_, Value::Missing) => Ordering::Less,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Ip(a), Value::Ip(b)) => a.cmp(b),
        (Value::Net(a), Value::Net(b)) => a.cmp(b),
        (a, b) => rank(a).cmp(&rank(b)),
    }
}
