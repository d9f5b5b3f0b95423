// SPDX-License-Identifier: Apache-2.0
//! Conditions over columns.
//!
//! Each takes the rows that are still open, those whose answer is wanted: of the others it may say anything. So what
//! one part of an `and` has ruled out is not asked of the next, and of an `if` each side is asked for its own rows.

use super::bits::{Bits, TriColumn};
use super::column::{Column, Held};
use super::each::Items;
use super::form;
use super::frame::{Frame, Lane, Slot};
use super::number::{Real, Whole};
use super::value::{Direct, Operand};
use crate::Tri;
use crate::compile::truth::within;
use crate::ir::EachOp;
use crate::pattern::Pattern;
use crate::program::ListId;
use crate::syntax::tree::CompareOp;
use ipnet::IpNet;
use std::collections::HashSet;
use wardroom_event::Value;

/// A condition.
pub(super) enum Truth {
    Const(Tri),
    Slot(Slot),
    Not(Box<Truth>),
    All(Vec<Truth>),
    Any(Vec<Truth>),
    /// A whole quantity beside a constant.
    WholeIs(CompareOp, Whole, i64),
    Wholes(CompareOp, Whole, Whole),
    /// A number beside a constant.
    RealIs(CompareOp, Real, f64),
    Reals(CompareOp, Real, Real),
    /// Whether two truths are the same, or whether they differ.
    Alike(bool, Box<Truth>, Box<Truth>),
    Same(bool, Operand, Operand),
    Among(Among),
    Listed(ListId, Operand),
    Within(Operand, Operand),
    Matches(Operand, Pattern),
    Missing(Operand),
    If(Box<[Truth; 3]>),
    Each(EachOp, Box<Items<Truth>>),
    /// A test of two texts, such as `startswith`.
    Texts(fn(&str, &str) -> Value, Operand, Operand),
    Direct(Direct),
}

/// A value among constants.
pub(super) enum Among {
    Wholes(Whole, Numbers),
    Texts(Operand, HashSet<Box<str>>),
    Values(Operand, Vec<Value>),
}

/// Whole constants.
pub(super) enum Numbers {
    Few(Vec<i64>),
    Many(HashSet<i64>),
}

/// So many constants are compared one after the other.
const FEW: usize = 8;

impl Numbers {
    pub(super) fn new(all: Vec<i64>) -> Numbers {
        if all.len() <= FEW { Numbers::Few(all) } else { Numbers::Many(all.into_iter().collect()) }
    }
}

impl Truth {
    pub(super) fn eval(&self, frame: &Frame<'_>, open: &Bits) -> TriColumn {
        if open.is_none() {
            return TriColumn::of(Tri::Unknown, frame.len);
        }
        match self {
            Truth::Const(tri) => TriColumn::of(*tri, frame.len),
            Truth::Slot(slot) => frame.truths(*slot),
            Truth::Not(of) => of.eval(frame, open).negate(),
            Truth::All(parts) => all(parts, frame, open),
            Truth::Any(parts) => any(parts, frame, open),
            Truth::WholeIs(op, a, n) => {
                let a = a.eval(frame, open);
                beside(*op, &a.values, *n, a.known, open)
            }
            Truth::RealIs(op, a, n) => {
                let a = a.eval(frame, open);
                beside(*op, &a.values, *n, a.known, open)
            }
            Truth::Wholes(op, a, b) => {
                let (a, b) = (a.eval(frame, open), b.eval(frame, open));
                compared(*op, &a.values, &b.values, a.known.and(&b.known), open)
            }
            Truth::Reals(op, a, b) => {
                let (a, b) = (a.eval(frame, open), b.eval(frame, open));
                compared(*op, &a.values, &b.values, a.known.and(&b.known), open)
            }
            Truth::Alike(equal, a, b) => {
                let (a, b) = (a.eval(frame, open), b.eval(frame, open));
                let known = a.known.and(&b.known);
                let differ = a.yes.clone().without(&b.yes).or(&b.yes.without(&a.yes));
                let yes = if *equal { known.clone().without(&differ) } else { known.clone().and(&differ) };
                TriColumn { yes, known }
            }
            Truth::Same(equal, of @ Operand::Direct(_), Operand::Const(constant)) => {
                of.test(frame, open, |_, value| match value {
                    Value::Missing => Tri::Unknown,
                    value => Tri::known((value == constant) == *equal),
                })
            }
            Truth::Same(equal, a, b) => same(*equal, &a.eval(frame, open), &b.eval(frame, open), open),
            Truth::Among(among) => among.eval(frame, open),
            Truth::Listed(list, needle) => needle.test(frame, open, |row, value| match value {
                Value::Missing => Tri::Unknown,
                value => Tri::known(frame.world.contains(*list, value, frame.time(row))),
            }),
            Truth::Within(needle @ Operand::Direct(_), Operand::Const(hay)) => {
                needle.test(frame, open, |_, needle| within(needle, hay))
            }
            Truth::Within(needle, hay) => inside(&needle.eval(frame, open), &hay.eval(frame, open), open),
            Truth::Matches(text, pattern) => {
                text.test_texts(frame, open, |text| Tri::known(pattern.finds(text)))
            }
            Truth::Missing(of) => {
                let known = of.known(frame, open);
                TriColumn { yes: Bits::all(frame.len).without(&known), known: Bits::all(frame.len) }
            }
            Truth::If(parts) => {
                let [cond, then, other] = &**parts;
                let cond = cond.eval(frame, open);
                let then = then.eval(frame, &cond.yes.clone().and(open));
                let other = other.eval(frame, &cond.no().and(open));
                then.choose(&cond.yes, other).only(&cond.known)
            }
            Truth::Each(op, items) => items.truth(*op, frame, open),
            Truth::Texts(test, text, part) => {
                let test = |t: &str, p: &str| match test(t, p) {
                    Value::Bool(b) => Tri::known(b),
                    _ => Tri::Unknown,
                };
                match part {
                    Operand::Const(Value::Text(part)) => {
                        text.test_texts(frame, open, |text| test(text, part))
                    }
                    _ => pair(&text.eval(frame, open), &part.eval(frame, open), open, test),
                }
            }
            Truth::Direct(of) => of.truths(frame, open),
        }
    }
}

fn all(parts: &[Truth], frame: &Frame<'_>, open: &Bits) -> TriColumn {
    let mut open = open.clone();
    let mut result = TriColumn::of(Tri::True, frame.len);
    for part in parts {
        result = result.and(&part.eval(frame, &open));
        open = open.and(&result.open());
        if open.is_none() {
            break;
        }
    }
    result
}

fn any(parts: &[Truth], frame: &Frame<'_>, open: &Bits) -> TriColumn {
    let mut open = open.clone();
    let mut result = TriColumn::of(Tri::False, frame.len);
    for part in parts {
        result = result.or(&part.eval(frame, &open));
        open = open.without(&result.yes);
        if open.is_none() {
            break;
        }
    }
    result
}

/// Values beside a constant: one loop per operator, so that the operator is not looked at for each row.
fn beside<T: Copy + PartialOrd>(op: CompareOp, a: &[T], n: T, known: Bits, open: &Bits) -> TriColumn {
    let known = known.and(open);
    let yes = match op {
        CompareOp::Eq => Bits::dense(&known, a, |a| a == n),
        CompareOp::Ne => Bits::dense(&known, a, |a| a != n),
        CompareOp::Lt => Bits::dense(&known, a, |a| a < n),
        CompareOp::Le => Bits::dense(&known, a, |a| a <= n),
        CompareOp::Gt => Bits::dense(&known, a, |a| a > n),
        CompareOp::Ge => Bits::dense(&known, a, |a| a >= n),
    };
    TriColumn { yes, known }
}

fn compared<T: Copy + PartialOrd>(op: CompareOp, a: &[T], b: &[T], known: Bits, open: &Bits) -> TriColumn {
    let known = known.and(open);
    let yes = match op {
        CompareOp::Eq => Bits::dense2(&known, a, b, |a, b| a == b),
        CompareOp::Ne => Bits::dense2(&known, a, b, |a, b| a != b),
        CompareOp::Lt => Bits::dense2(&known, a, b, |a, b| a < b),
        CompareOp::Le => Bits::dense2(&known, a, b, |a, b| a <= b),
        CompareOp::Gt => Bits::dense2(&known, a, b, |a, b| a > b),
        CompareOp::Ge => Bits::dense2(&known, a, b, |a, b| a >= b),
    };
    TriColumn { yes, known }
}

/// Sameness of texts, addresses and networks.
fn same(equal: bool, a: &Lane<'_>, b: &Lane<'_>, open: &Bits) -> TriColumn {
    match (a, b) {
        (Lane::Const(c), lane) | (lane, Lane::Const(c)) => same_as(equal, lane, c, open),
        (a, b) if a.has_texts() && b.has_texts() => pair(a, b, open, |a, b| Tri::known((a == b) == equal)),
        (a, b) => TriColumn::each(open, |row| {
            let (a, b) = (a.value(row), b.value(row));
            if a.is_missing() || b.is_missing() { Tri::Unknown } else { Tri::known((a == b) == equal) }
        }),
    }
}

fn same_as(equal: bool, lane: &Lane<'_>, constant: &Value, open: &Bits) -> TriColumn {
    let bytes = match (lane, constant) {
        (_, Value::Text(text)) if lane.has_texts() => {
            let same = lane.is_text(open, text);
            return if equal { same } else { same.negate() };
        }
        // The bytes are the same exactly if the values are, wherever the constant comes back from its bytes.
        (Lane::Column(column @ Column { held: Held::Ip(bytes), .. }, place), Value::Ip(ip)) => {
            let constant = form::ip_bytes(*ip);
            (form::ip(&constant) == Some(*ip)).then(|| (column, bytes, place, constant.to_vec()))
        }
        (Lane::Column(column @ Column { held: Held::Net(bytes), .. }, place), Value::Net(net)) => {
            let constant = form::net_bytes(*net);
            (form::net(&constant) == Some(*net)).then(|| (column, bytes, place, constant.to_vec()))
        }
        _ => None,
    };
    if let Some((column, bytes, place, constant)) = bytes {
        return TriColumn::each(open, |row| {
            let row = place.at(row);
            Tri::of(column.is_known(row).then(|| (bytes.value(row) == constant) == equal))
        });
    }
    TriColumn::each(open, |row| match &*lane.value(row) {
        Value::Missing => Tri::Unknown,
        value => Tri::known((value == constant) == equal),
    })
}

/// A test of two texts.
fn pair(a: &Lane<'_>, b: &Lane<'_>, open: &Bits, test: impl Fn(&str, &str) -> Tri) -> TriColumn {
    match (a, b) {
        (a, Lane::Const(Value::Text(b))) => a.test_texts(open, |a| test(a, b)),
        (Lane::Const(Value::Text(a)), b) => b.test_texts(open, |b| test(a, b)),
        (a, b) => TriColumn::each(open, |row| match (a.text(row), b.text(row)) {
            (Some(a), Some(b)) => test(a, b),
            _ => Tri::Unknown,
        }),
    }
}

/// Whether one value lies within another.
fn inside(needle: &Lane<'_>, hay: &Lane<'_>, open: &Bits) -> TriColumn {
    match (needle, hay) {
        (
            Lane::Column(column @ Column { held: Held::Ip(bytes), .. }, place),
            Lane::Const(Value::Net(net)),
        ) => {
            let net = Mask::of(*net);
            TriColumn::each(open, |row| {
                let row = place.at(row);
                Tri::of(column.is_known(row).then(|| net.holds(bytes.value(row))))
            })
        }
        (needle, hay) if needle.has_texts() && hay.has_texts() => {
            pair(needle, hay, open, |part, text| Tri::known(text.contains(part)))
        }
        (needle, hay) => TriColumn::each(open, |row| within(&needle.value(row), &hay.value(row))),
    }
}

/// A network as what must be the same of an address's bytes.
struct Mask {
    mask: u128,
    base: u128,
    /// Whether it is one of IPv4.
    mapped: bool,
}

/// The first 96 bits of an IPv4 address that is mapped into IPv6.
const MAPPED: u128 = 0xffff;

impl Mask {
    fn of(net: IpNet) -> Mask {
        let (len, mapped) = match net {
            IpNet::V4(net) => (96 + u32::from(net.prefix_len()), true),
            IpNet::V6(net) => (u32::from(net.prefix_len()), false),
        };
        let mask = u128::MAX.checked_shl(128 - len).unwrap_or(0);
        let base = u128::from_be_bytes(form::ip_bytes(net.addr())) & mask;
        Mask { mask, base, mapped }
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        let Ok(bytes) = <[u8; 16]>::try_from(bytes) else { return false };
        let address = u128::from_be_bytes(bytes);
        (address >> 32 == MAPPED) == self.mapped && address & self.mask == self.base
    }
}

impl Among {
    fn eval(&self, frame: &Frame<'_>, open: &Bits) -> TriColumn {
        match self {
            Among::Wholes(needle, numbers) => {
                let needle = needle.eval(frame, open);
                let known = needle.known.and(open);
                let values = &needle.values;
                let yes = match numbers {
                    Numbers::Few(few) => few.iter().fold(Bits::none(frame.len), |yes, n| {
                        yes.or(&Bits::dense(&known, values, |v| v == *n))
                    }),
                    Numbers::Many(many) => Bits::sparse(&known, |row| many.contains(&values[row])),
                };
                TriColumn { yes, known }
            }
            Among::Texts(needle, texts) => {
                needle.test_texts(frame, open, |text| Tri::known(texts.contains(text)))
            }
            Among::Values(needle, values) => needle.test(frame, open, |_, value| match value {
                Value::Missing => Tri::Unknown,
                value => Tri::known(values.contains(value)),
            }),
        }
    }
}
