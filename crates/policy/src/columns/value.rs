// SPDX-License-Identifier: Apache-2.0
//! Values of any type over columns; and what goes row by row, through the very functions the online executor calls:
//! parts, function calls and decision tables.

use super::bits::{Bits, TriColumn};
use super::frame::{Frame, Known, Lane, Slot};
use super::number::{Real, Whole};
use super::truth::Truth;
use crate::Tri;
use crate::compile::{int_of, number_of};
use crate::functions::{Eval, Function};
use crate::table::Table;
use std::borrow::Cow;
use std::sync::Arc;
use wardroom_event::{Part, Repr, Value};

/// An operand of any type.
pub(super) enum Operand {
    Slot(Slot),
    Const(Value),
    Truth(Box<Truth>),
    Whole(Repr, Box<Whole>),
    Real(Box<Real>),
    Direct(Direct),
    If(Box<(Truth, Operand, Operand)>),
}

impl Operand {
    pub(super) fn eval<'f>(&'f self, frame: &'f Frame<'_>, open: &Bits) -> Lane<'f> {
        match self {
            Operand::Slot(slot) => match frame.column(*slot) {
                Some((column, place)) => Lane::Column(column, place),
                None => Lane::Const(&Value::Missing),
            },
            Operand::Const(value) => Lane::Const(value),
            Operand::Truth(of) => Lane::Truth(of.eval(frame, open)),
            Operand::Whole(repr, of) => Lane::Whole(*repr, of.eval(frame, open)),
            Operand::Real(of) => Lane::Real(of.eval(frame, open)),
            Operand::Direct(of) => Lane::Values(of.values(frame, open)),
            Operand::If(parts) => {
                let (cond, then, other) = &**parts;
                let cond = cond.eval(frame, open);
                let (yes, no) = (cond.yes.clone().and(open), cond.no().and(open));
                let (then, other) = (then.eval(frame, &yes), other.eval(frame, &no));
                let mut values = vec![Value::Missing; frame.len];
                yes.rows().for_each(|row| values[row] = then.value(row).into_owned());
                no.rows().for_each(|row| values[row] = other.value(row).into_owned());
                Lane::Values(values)
            }
        }
    }

    /// Hands over the value of each row that is open. What gives values by itself has each used as soon as it is made,
    /// so that a batch of texts never lies on the heap at once.
    fn each(&self, frame: &Frame<'_>, open: &Bits, take: &mut dyn FnMut(usize, &Value)) {
        match self {
            Operand::Direct(of) => of.each(frame, open, &mut |row, value| take(row, &value)),
            _ => {
                let lane = self.eval(frame, open);
                open.rows().for_each(|row| take(row, &lane.value(row)));
            }
        }
    }

    /// Asks each value among the open rows.
    pub(super) fn test(
        &self,
        frame: &Frame<'_>,
        open: &Bits,
        test: impl Fn(usize, &Value) -> Tri,
    ) -> TriColumn {
        let mut out = TriColumn::of(Tri::Unknown, frame.len);
        self.each(frame, open, &mut |row, value| out.put(row, test(row, value)));
        out
    }

    /// Asks each text among the open rows; what is missing, or no text, is unknown.
    pub(super) fn test_texts(&self, frame: &Frame<'_>, open: &Bits, test: impl Fn(&str) -> Tri) -> TriColumn {
        match self {
            Operand::Direct(_) => self.test(frame, open, |_, value| match value {
                Value::Text(text) => test(text),
                _ => Tri::Unknown,
            }),
            _ => self.eval(frame, open).test_texts(open, test),
        }
    }

    /// The rows that are known.
    pub(super) fn known(&self, frame: &Frame<'_>, open: &Bits) -> Bits {
        match self {
            Operand::Slot(slot) => frame.known(*slot),
            _ => self.eval(frame, open).known(frame.len),
        }
    }
}

/// What gives a value by itself, row by row.
pub(super) enum Direct {
    Part(Part, Box<Operand>),
    Call(&'static Function, Vec<Operand>),
    Table(Arc<Table>, Vec<Operand>),
    /// Nothing.
    Missing,
}

impl Direct {
    /// Hands over the value of each row that is open.
    fn each(&self, frame: &Frame<'_>, open: &Bits, take: &mut dyn FnMut(usize, Value)) {
        match self {
            Direct::Part(part, of) => of.each(frame, open, &mut |row, value| take(row, part.of(value))),
            Direct::Call(Function { eval: Eval::Text1(f), .. }, args)
                if matches!(args[..], [Operand::Slot(_)]) =>
            {
                let text = args[0].eval(frame, open);
                open.rows().for_each(|row| take(row, text.text(row).map_or(Value::Missing, f)));
            }
            Direct::Call(function, args) if args.len() == 1 => {
                args[0].each(frame, open, &mut |row, value| take(row, function.call(&[value])));
            }
            Direct::Call(function, args) => {
                each_row(args, frame, open, |row, values| take(row, function.call(values)));
            }
            Direct::Table(table, inputs) => {
                each_row(inputs, frame, open, |row, values| take(row, table.find(values).value.clone()));
            }
            Direct::Missing => {}
        }
    }

    fn values(&self, frame: &Frame<'_>, open: &Bits) -> Vec<Value> {
        let mut values = vec![Value::Missing; frame.len];
        self.each(frame, open, &mut |row, value| values[row] = value);
        values
    }

    pub(super) fn truths(&self, frame: &Frame<'_>, open: &Bits) -> TriColumn {
        let mut out = TriColumn::of(Tri::Unknown, frame.len);
        self.each(frame, open, &mut |row, value| {
            if let Value::Bool(b) = value {
                out.put(row, Tri::known(b));
            }
        });
        out
    }

    pub(super) fn wholes(&self, frame: &Frame<'_>, open: &Bits) -> Known<'static, i64> {
        self.plain(frame, open, int_of)
    }

    pub(super) fn reals(&self, frame: &Frame<'_>, open: &Bits) -> Known<'static, f64> {
        self.plain(frame, open, number_of)
    }

    fn plain<T: Copy + Default>(
        &self,
        frame: &Frame<'_>,
        open: &Bits,
        of: impl Fn(&Value) -> Option<T>,
    ) -> Known<'static, T> {
        let Known { values, mut known } = Known::missing(frame.len);
        let mut values = values.into_owned();
        self.each(frame, open, &mut |row, value| {
            if let Some(value) = of(&value) {
                values[row] = value;
                known.set(row);
            }
        });
        Known { values: Cow::Owned(values), known }
    }
}

/// Hands over the operands of each row that is open.
fn each_row(operands: &[Operand], frame: &Frame<'_>, open: &Bits, mut take: impl FnMut(usize, &[&Value])) {
    let lanes: Vec<Lane<'_>> = operands.iter().map(|o| o.eval(frame, open)).collect();
    for row in open.rows() {
        let lent: Vec<Cow<'_, Value>> = lanes.iter().map(|lane| lane.value(row)).collect();
        let values: Vec<&Value> = lent.iter().map(|value| &**value).collect();
        take(row, &values);
    }
}
