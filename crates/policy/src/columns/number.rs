// SPDX-License-Identifier: Apache-2.0
//! Arithmetic over columns. The operations are those of the online executor, inlined into one loop each.

use super::bits::Bits;
use super::each::Items;
use super::frame::{Frame, Known, Slot};
use super::truth::Truth;
use super::value::{Direct, Operand};
use crate::compile::number::{items_in, real, scaled, sum_known, whole};
use crate::ir::EachOp;
use crate::model::Linear;
use crate::syntax::tree::ArithOp;
use std::borrow::Cow;
use std::sync::Arc;

/// A whole number, a size, a time or a duration.
pub(super) enum Whole {
    Const(Option<i64>),
    Slot(Slot),
    Neg(Box<Whole>),
    /// A duration or size times or over a number.
    Scaled(ArithOp, Box<Whole>, Box<Real>),
    Arith(ArithOp, Box<Whole>, Box<Whole>),
    If(Box<Truth>, Box<Whole>, Box<Whole>),
    /// How many items a list field has.
    Items(Slot),
    /// How many items a list has, so many values each.
    Count(Box<Operand>, usize),
    Each(EachOp, Box<Items<Whole>>),
    CountKnown(Vec<Real>),
    Direct(Direct),
}

/// A number or a rate.
pub(super) enum Real {
    Const(Option<f64>),
    Slot(Slot),
    Widen(Box<Whole>),
    Neg(Box<Real>),
    /// A duration over a duration, a size over a size.
    Share(Box<Whole>, Box<Whole>),
    Arith(ArithOp, Box<Real>, Box<Real>),
    If(Box<Truth>, Box<Real>, Box<Real>),
    Each(EachOp, Box<Items<Real>>),
    SumKnown(Vec<Real>),
    Linear(Arc<Linear>, Vec<Real>),
    Call1(fn(f64) -> Option<f64>, Box<Real>),
    Call2(fn(f64, f64) -> Option<f64>, Box<Real>, Box<Real>),
    Direct(Direct),
}

/// One operation over two columns, for the rows where both are known.
#[inline]
fn join<A: Copy + Default, B: Copy + Default, T: Copy + Default>(
    a: &Known<'_, A>,
    b: &Known<'_, B>,
    open: &Bits,
    op: impl Fn(A, B) -> Option<T>,
) -> Known<'static, T> {
    let both = a.known.clone().and(&b.known).and(open);
    let (a, b) = (&*a.values, &*b.values);
    Known::each(&both, |row| op(a[row], b[row]))
}

#[inline]
fn map<A: Copy + Default, T: Copy + Default>(
    a: &Known<'_, A>,
    open: &Bits,
    op: impl Fn(A) -> Option<T>,
) -> Known<'static, T> {
    let known = a.known.clone().and(open);
    let values = &*a.values;
    Known::each(&known, |row| op(values[row]))
}

/// One of two, each asked for the rows where it is wanted.
fn choice<'f, T: Copy + Default>(
    cond: &Truth,
    frame: &Frame<'_>,
    open: &Bits,
    then: impl FnOnce(&Bits) -> Known<'f, T>,
    other: impl FnOnce(&Bits) -> Known<'f, T>,
) -> Known<'f, T> {
    let cond = cond.eval(frame, open);
    let (yes, no) = (cond.yes.clone().and(open), cond.no().and(open));
    let (then, other) = (then(&yes), other(&no));
    let known = then.known.and(&yes).or(&other.known.and(&no));
    let mut values = other.values.into_owned();
    for row in yes.rows() {
        values[row] = then.values[row];
    }
    Known { values: Cow::Owned(values), known }
}

impl Whole {
    pub(super) fn eval<'f>(&'f self, frame: &'f Frame<'_>, open: &Bits) -> Known<'f, i64> {
        if open.is_none() {
            return Known::missing(frame.len);
        }
        match self {
            Whole::Const(value) => Known::constant(*value, frame.len),
            Whole::Slot(slot) => frame.wholes(*slot),
            Whole::Neg(of) => map(&of.eval(frame, open), open, i64::checked_neg),
            Whole::Scaled(op, a, b) => {
                let (op, a, b) = (*op, a.eval(frame, open), b.eval(frame, open));
                join(&a, &b, open, |a, b| scaled(op, a, b))
            }
            Whole::Arith(op, a, b) => {
                let (a, b) = (a.eval(frame, open), b.eval(frame, open));
                match op {
                    ArithOp::Add => join(&a, &b, open, |a, b| whole(ArithOp::Add, a, b)),
                    ArithOp::Sub => join(&a, &b, open, |a, b| whole(ArithOp::Sub, a, b)),
                    ArithOp::Mul => join(&a, &b, open, |a, b| whole(ArithOp::Mul, a, b)),
                    ArithOp::Div => join(&a, &b, open, |a, b| whole(ArithOp::Div, a, b)),
                }
            }
            Whole::If(cond, then, other) => {
                choice(cond, frame, open, |open| then.eval(frame, open), |open| other.eval(frame, open))
            }
            Whole::Items(slot) => match frame.lists(*slot) {
                Some((column, lists, place)) => Known::each(open, |row| {
                    let row = place.at(row);
                    i64::try_from(lists.range(row).len()).ok().filter(|_| column.is_known(row))
                }),
                None => Known::missing(frame.len),
            },
            Whole::Count(of, width) => {
                let of = of.eval(frame, open);
                Known::each(open, |row| items_in(&of.value(row), *width))
            }
            Whole::Each(op, items) => items.whole(*op, frame, open),
            Whole::CountKnown(parts) => {
                let parts: Vec<Bits> = parts.iter().map(|p| p.eval(frame, open).known).collect();
                Known::each(open, |row| i64::try_from(parts.iter().filter(|p| p.get(row)).count()).ok())
            }
            Whole::Direct(of) => of.wholes(frame, open),
        }
    }
}

impl Real {
    pub(super) fn eval<'f>(&'f self, frame: &'f Frame<'_>, open: &Bits) -> Known<'f, f64> {
        if open.is_none() {
            return Known::missing(frame.len);
        }
        match self {
            Real::Const(value) => Known::constant(*value, frame.len),
            Real::Slot(slot) => frame.reals(*slot),
            Real::Widen(of) => map(&of.eval(frame, open), open, |n| Some(n as f64)),
            Real::Neg(of) => map(&of.eval(frame, open), open, |n: f64| Some(-n)),
            Real::Share(a, b) => {
                let (a, b) = (a.eval(frame, open), b.eval(frame, open));
                join(&a, &b, open, |a, b| real(ArithOp::Div, a as f64, b as f64))
            }
            Real::Arith(op, a, b) => {
                let (a, b) = (a.eval(frame, open), b.eval(frame, open));
                match op {
                    ArithOp::Add => join(&a, &b, open, |a, b| real(ArithOp::Add, a, b)),
                    ArithOp::Sub => join(&a, &b, open, |a, b| real(ArithOp::Sub, a, b)),
                    ArithOp::Mul => join(&a, &b, open, |a, b| real(ArithOp::Mul, a, b)),
                    ArithOp::Div => join(&a, &b, open, |a, b| real(ArithOp::Div, a, b)),
                }
            }
            Real::If(cond, then, other) => {
                choice(cond, frame, open, |open| then.eval(frame, open), |open| other.eval(frame, open))
            }
            Real::Each(op, items) => items.real(*op, frame, open),
            Real::SumKnown(parts) => {
                let parts = eval_all(parts, frame, open);
                Known::each(open, |row| sum_known(parts.iter().map(|p| p.get(row))))
            }
            Real::Linear(model, inputs) => {
                let inputs = eval_all(inputs, frame, open);
                let mut values = Vec::with_capacity(inputs.len());
                Known::each(open, |row| {
                    values.clear();
                    values.extend(inputs.iter().map(|i| i.get(row)));
                    model.score(&values)
                })
            }
            Real::Call1(f, a) => map(&a.eval(frame, open), open, f),
            Real::Call2(f, a, b) => join(&a.eval(frame, open), &b.eval(frame, open), open, f),
            Real::Direct(of) => of.reals(frame, open),
        }
    }
}

fn eval_all<'f>(parts: &'f [Real], frame: &'f Frame<'_>, open: &Bits) -> Vec<Known<'f, f64>> {
    parts.iter().map(|p| p.eval(frame, open)).collect()
}
