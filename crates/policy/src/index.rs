// SPDX-License-Identifier: Apache-2.0
//! Which members can apply: 5,000 rules that each begin `x == constant` cost what the few with today's `x` cost.
//!
//! A *guard* is an expression, numbered by the compiler, that many members compare with constants. It is evaluated
//! once and looked up once; only members whose constant it equals (or that ask for a missing guard) are candidates.
//! Members without a guard are candidates always.
//!
//! The maps' own order is never seen: what comes out is sorted by member. They use the standard library's keyed
//! hash, so that values chosen by a stranger cannot be made to collide.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use wardroom_event::Value;

/// A map from values, equal as [`Value`] has it: text by its letters, `-0.0` as `0.0`, `1` and `1.0` apart.
#[derive(Clone, Debug)]
pub(crate) struct ByValue<T> {
    texts: HashMap<Box<str>, T>,
    plain: HashMap<Plain, T>,
    /// Values of no plain form. Policies do not index by them; here so that nothing is lost.
    odd: Vec<(Value, T)>,
}

/// A value that is copied to be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Plain {
    Bool(bool),
    Int(i64),
    /// The bits, with one zero.
    Number(u64),
    Time(i64),
    Duration(i64),
    Ip(IpAddr),
    Net(ipnet::IpNet),
}

impl Plain {
    fn of(value: &Value) -> Option<Plain> {
        Some(match value {
            Value::Bool(b) => Plain::Bool(*b),
            Value::Int(n) => Plain::Int(*n),
            // Adding zero turns -0.0 into 0.0 and changes nothing else.
            Value::Number(n) => Plain::Number((n + 0.0).to_bits()),
            Value::Time(t) => Plain::Time(t.0),
            Value::Duration(d) => Plain::Duration(d.0),
            Value::Ip(ip) => Plain::Ip(*ip),
            Value::Net(net) => Plain::Net(*net),
            _ => return None,
        })
    }
}

impl<T> Default for ByValue<T> {
    fn default() -> ByValue<T> {
        ByValue { texts: HashMap::new(), plain: HashMap::new(), odd: Vec::new() }
    }
}

impl<T> ByValue<T> {
    /// What is held for the value.
    #[inline]
    pub(crate) fn get(&self, value: &Value) -> Option<&T> {
        match value {
            Value::Text(text) => self.texts.get(text),
            value => match Plain::of(value) {
                Some(plain) => self.plain.get(&plain),
                None => self.odd.iter().find(|(v, _)| v == value).map(|(_, held)| held),
            },
        }
    }

    /// What is held for the value, made first where there is nothing.
    pub(crate) fn entry(&mut self, value: &Value, make: impl FnOnce() -> T) -> &mut T {
        match value {
            Value::Text(text) => self.texts.entry(text.clone()).or_insert_with(make),
            value => match Plain::of(value) {
                Some(plain) => self.plain.entry(plain).or_insert_with(make),
                None => {
                    let at = self.odd.iter().position(|(v, _)| v == value).unwrap_or_else(|| {
                        self.odd.push((value.clone(), make()));
                        self.odd.len() - 1
                    });
                    &mut self.odd[at].1
                }
            },
        }
    }

    /// All that is held, in no order.
    fn held_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let odd = self.odd.iter_mut().map(|(_, held)| held);
        self.texts.values_mut().chain(self.plain.values_mut()).chain(odd)
    }
}

/// Members by the guards that let them in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// Members without a guard, ascending.
    always: Vec<usize>,
    /// Ascending by guard.
    guards: Vec<Guard>,
}

#[derive(Clone, Debug, Default)]
struct Guard {
    number: usize,
    /// Members whose constant the guard equals, ascending.
    equal: ByValue<Vec<usize>>,
    /// Members that ask for this guard to be missing, ascending.
    missing: Vec<usize>,
}

/// Members and guards as they are named, in any order.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    always: Vec<usize>,
    guards: BTreeMap<usize, Guard>,
}

impl Builder {
    /// The member is a candidate whatever is known. That outdoes its guards.
    pub(crate) fn always(&mut self, member: usize) {
        self.always.push(member);
    }

    /// The member is a candidate if the guard equals one of the values, or is missing where `asks_missing`. A member
    /// under several guards is a candidate if any of them lets it in.
    pub(crate) fn when_equal(&mut self, guard: usize, values: &[Value], member: usize, asks_missing: bool) {
        let at = self.guards.entry(guard).or_insert_with(|| Guard { number: guard, ..Guard::default() });
        // A missing constant equals nothing.
        for value in values.iter().filter(|v| !v.is_missing()) {
            at.equal.entry(value, Vec::new).push(member);
        }
        if asks_missing {
            at.missing.push(member);
        }
    }

    /// The index.
    pub(crate) fn build(mut self) -> Index {
        tidy(&mut self.always);
        let always = self.always;
        let tidy_guarded = |members: &mut Vec<usize>| {
            tidy(members);
            members.retain(|m| always.binary_search(m).is_err());
        };
        let mut guards: Vec<Guard> = self.guards.into_values().collect();
        for guard in &mut guards {
            guard.equal.held_mut().for_each(tidy_guarded);
            tidy_guarded(&mut guard.missing);
        }
        Index { always, guards }
    }
}

fn tidy(members: &mut Vec<usize>) {
    members.sort_unstable();
    members.dedup();
    members.shrink_to_fit();
}

impl Index {
    /// An index without members, to be filled.
    pub(crate) fn builder() -> Builder {
        Builder::default()
    }

    /// Writes the candidates into `out`, which is emptied first: ascending, each once. `guard_value` is asked once
    /// for each guard, in ascending order; it may lend what it has.
    pub(crate) fn candidates<V: Borrow<Value>>(
        &self,
        mut guard_value: impl FnMut(usize) -> V,
        out: &mut Vec<usize>,
    ) {
        out.clear();
        let mut sources = 0;
        for guard in &self.guards {
            let value = guard_value(guard.number);
            let members = match value.borrow() {
                Value::Missing => &guard.missing[..],
                value => guard.equal.get(value).map_or(&[][..], Vec::as_slice),
            };
            sources += usize::from(!members.is_empty());
            out.extend_from_slice(members);
        }
        if sources > 1 {
            out.sort_unstable();
            out.dedup();
        }
        merge(out, &self.always);
    }
}

/// Merges one ascending list into another from its end, so that it needs no second buffer.
fn merge(out: &mut Vec<usize>, more: &[usize]) {
    let (mut kept, mut left) = (out.len(), more.len());
    out.resize(kept + left, 0);
    while left > 0 {
        let at = kept + left - 1;
        if kept > 0 && out[kept - 1] > more[left - 1] {
            kept -= 1;
            out[at] = out[kept];
        } else {
            left -= 1;
            out[at] = more[left];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn candidates(index: &Index, values: &[Value]) -> Vec<usize> {
        let mut out = vec![99];
        index.candidates(|guard| &values[guard], &mut out);
        out
    }

    #[test]
    fn a_guard_lets_in_those_it_equals() {
        let mut builder = Index::builder();
        builder.when_equal(0, &[text("hosting"), text("vpn")], 4, false);
        builder.when_equal(0, &[text("vpn")], 2, true);
        builder.when_equal(1, &[Value::Number(0.0)], 3, false);
        builder.when_equal(1, &[Value::Int(0)], 6, false);
        builder.when_equal(2, &[Value::Bool(true)], 1, false);
        builder.when_equal(2, &[Value::Bool(true)], 2, false);
        builder.always(5);
        builder.always(0);
        let index = builder.build();
        let check = |kind: Value, zero: Value, listed: Value, expect: &[usize]| {
            assert_eq!(candidates(&index, &[kind, zero, listed]), expect);
        };
        let no = Value::Bool(false);
        check(text("hosting"), Value::Missing, no.clone(), &[0, 4, 5]);
        check(text("vpn"), Value::Missing, no.clone(), &[0, 2, 4, 5]);
        check(text("vpn"), Value::Missing, Value::Bool(true), &[0, 1, 2, 4, 5]);
        check(Value::Missing, Value::Missing, Value::Missing, &[0, 2, 5]);
        check(text("Hosting"), Value::Number(-0.0), no.clone(), &[0, 3, 5]);
        check(text(""), Value::Int(0), no, &[0, 5, 6]);
    }

    #[test]
    fn each_guard_is_asked_once() {
        let mut builder = Index::builder();
        for member in 0..10 {
            builder.when_equal(7 - member % 3, &[Value::Int(1)], member, true);
        }
        let mut asked = Vec::new();
        let mut out = Vec::new();
        builder.build().candidates(
            |guard| {
                asked.push(guard);
                Value::Int(1)
            },
            &mut out,
        );
        assert_eq!(asked, [5, 6, 7]);
        assert_eq!(out, (0..10).collect::<Vec<_>>());
    }

    /// One way for a member to get in; `None` is always.
    type Way = Option<(usize, Vec<Value>, bool)>;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Missing),
            any::<bool>().prop_map(Value::Bool),
            (0i64..3).prop_map(Value::Int),
            prop_oneof![Just(0.0), Just(-0.0), Just(1.0)].prop_map(Value::Number),
            "[ab]{0,1}".prop_map(|t| Value::Text(t.into())),
            (0i64..2).prop_map(|n| Value::Time(wardroom_event::Micros(n))),
            (0i64..2).prop_map(|n| Value::Duration(wardroom_event::Span(n))),
            (0u8..2).prop_map(|n| Value::Ip([10, 0, 0, n].into())),
            (7u8..9).prop_map(|n| Value::Net(ipnet::Ipv4Net::new_assert([10, 0, 0, 0].into(), n).into())),
        ]
    }

    fn way() -> impl Strategy<Value = (usize, Way)> {
        let guarded = (0usize..4, prop::collection::vec(value(), 0..4), any::<bool>());
        (0usize..40, prop_oneof![1 => Just(None), 6 => guarded.prop_map(Some)])
    }

    fn lets_in(way: &Way, values: &[Value]) -> bool {
        way.as_ref().is_none_or(|(guard, constants, asks_missing)| match &values[*guard] {
            Value::Missing => *asks_missing,
            value => constants.contains(value),
        })
    }

    proptest! {
        #[test]
        fn the_index_is_the_plain_filter(
            ways in prop::collection::vec(way(), 0..60),
            values in prop::collection::vec(value(), 4),
        ) {
            let mut builder = Index::builder();
            for (member, way) in &ways {
                match way {
                    None => builder.always(*member),
                    Some((guard, constants, missing)) => {
                        builder.when_equal(*guard, constants, *member, *missing);
                    }
                }
            }
            let expect: BTreeSet<usize> =
                ways.iter().filter(|(_, way)| lets_in(way, &values)).map(|(member, _)| *member).collect();
            let expect: Vec<usize> = expect.into_iter().collect();
            prop_assert_eq!(candidates(&builder.build(), &values), expect);
        }
    }

    /// Prints a figure: `cargo test --release -p wardroom-policy --lib index -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn five_thousand_members_cost_what_fifty_cost() {
        let mut builder = Index::builder();
        for member in 0..5_000 {
            let kind = text(&format!("kind {}", member / 2 % 100));
            match member % 2 {
                0 => builder.when_equal(0, &[kind], member, false),
                _ => builder.when_equal(1, &[Value::Int(member as i64 / 2 % 100)], member, false),
            }
        }
        let index = builder.build();
        let values = [text("kind 77"), Value::Int(42)];
        let mut out = Vec::new();
        let (times, start) = (20_000, std::time::Instant::now());
        for _ in 0..times {
            index.candidates(|guard| &values[guard], &mut out);
        }
        let each = start.elapsed().as_nanos() / times;
        println!("{} candidates of 5,000: {each} ns", out.len());
        assert_eq!(out.len(), 25 + 25);
    }
}
