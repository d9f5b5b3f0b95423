// SPDX-License-Identifier: Apache-2.0
//! The tree that a condition is looked into by, made once and asked for any number of events.

use super::Trace;
use super::shown::{number, row_words};
use crate::Row;
use crate::compile::{Looker, ValueFn};
use crate::ir::{Each, Node, Typed};
use crate::limits;
use crate::model::Linear;
use crate::program::{Feature, Program, Term};
use crate::table::Table;
use std::collections::BTreeSet;
use wardroom_event::{Type, TypeId, Value};

/// A part of a condition.
pub(crate) struct Branch<'p> {
    typed: &'p Typed,
    text: Box<str>,
    kind: Type,
    value: ValueFn,
    what: What<'p>,
    parts: Vec<Branch<'p>>,
    cut: bool,
}

/// What there is to say of a part beside its value.
enum What<'p> {
    Plain(&'static str),
    Noted(&'static str, Box<str>),
    Feature(&'p Feature),
    Model(&'p Linear, Vec<ValueFn>),
    Table(&'p Table, &'p [Typed], Vec<ValueFn>),
    /// The items' parts are asked once for each item: the filter, where there is one, and the body.
    Each(&'p Each, ValueFn),
}

/// An expression, under a name of its own where it has one.
type Named<'p> = (&'p Typed, Option<Box<str>>);

/// Makes trees of one event type's expressions.
pub(crate) struct Planter<'p> {
    look: Looker<'p>,
    /// What is computed elsewhere and is part of the tree already: each is once.
    expanded: BTreeSet<usize>,
    left: usize,
}

impl<'p> Planter<'p> {
    pub(crate) fn new(program: &'p Program, on: TypeId) -> Planter<'p> {
        Planter { look: Looker { program, on }, expanded: BTreeSet::new(), left: limits::TRACE_NODES }
    }

    /// The tree of a term.
    pub(crate) fn term(&mut self, term: &'p Term) -> Branch<'p> {
        Branch { text: term.text.clone(), ..self.branch(&term.typed, 0) }
    }

    /// The tree of an expression.
    pub(crate) fn branch(&mut self, typed: &'p Typed, depth: usize) -> Branch<'p> {
        let typed = widened(typed);
        self.left = self.left.saturating_sub(1);
        let (what, parts) = self.made_of(typed);
        let wanted = parts.len();
        let mut branch = Branch {
            typed,
            text: self.look.program.text.line(typed.loc).into(),
            kind: shown_as(self.look.program, typed),
            value: self.look.value(typed),
            what,
            parts: Vec::new(),
            cut: false,
        };
        for (part, name) in parts {
            if self.left == 0 || depth >= limits::TRACE_DEPTH {
                break;
            }
            let part = self.branch(part, depth + 1);
            branch.parts.push(match name {
                Some(name) => Branch { text: format!("{name} = {}", part.text).into(), ..part },
                None => part,
            });
        }
        branch.cut = branch.parts.len() < wanted;
        branch
    }

    /// What it is, and the expressions it is made of, some with a name.
    fn made_of(&mut self, typed: &'p Typed) -> (What<'p>, Vec<Named<'p>>) {
        let program = self.look.program;
        // `x not in list` is one thing.
        let of = match &typed.node {
            Node::Not(of) if of.loc == typed.loc => of,
            _ => typed,
        };
        let what = match &of.node {
            Node::Computed(number) => return self.computed(*number),
            Node::Feature(number, _) => {
                program.features.get(*number).map_or(What::Plain("feature"), What::Feature)
            }
            Node::Field(_) | Node::Item(_) | Node::Time | Node::Part(..) => What::Plain("field"),
            Node::Labelled(..) => What::Plain("label"),
            Node::InList(list, _) => {
                What::Noted("list", program.lists.get(list.0).map_or("".into(), |l| l.id.clone()))
            }
            Node::Table(table, inputs) => What::Table(table, inputs, self.values(inputs)),
            Node::Linear(model, inputs) => What::Model(model, self.values(inputs)),
            Node::Each(each) => What::Each(each, self.look.value(&each.over)),
            _ => What::Plain(""),
        };
        let parts = match &typed.node {
            Node::Each(each) => each.filter.iter().chain([&each.body]).collect(),
            _ => parts(typed),
        };
        (what, parts.into_iter().map(|part| (part, None)).collect())
    }

    /// What is computed elsewhere: what it says, and what that is made of.
    fn computed(&mut self, number: usize) -> (What<'p>, Vec<Named<'p>>) {
        let program = self.look.program;
        let Some(computed) = program.computed.get(number) else { return (What::Plain(""), Vec::new()) };
        let defined = program.defined.iter().find(|d| d.id == computed.id);
        let (what, text) = defined.map_or(("feature", ""), |d| (d.what, &d.text));
        let opens = self.expanded.insert(number);
        let plain = |parts: Vec<&'p Typed>| parts.into_iter().map(|part| (part, None)).collect();
        let typed = widened(&computed.typed);
        match &typed.node {
            Node::Linear(model, inputs) => {
                let names = model.inputs().map(|name| Some(name.into()));
                let parts = if opens { inputs.iter().zip(names).collect() } else { Vec::new() };
                (What::Model(model, self.values(inputs)), parts)
            }
            _ if !opens => (What::Noted(what, text.into()), Vec::new()),
            // The weight before it is capped.
            Node::Call(_, args) if what == "evidence" && args.first().is_some_and(|a| a.loc == typed.loc) => {
                (What::Noted(what, text.into()), plain(args.iter().take(1).collect()))
            }
            Node::Table(..) | Node::Each(..) | Node::InList(..) | Node::Part(..) => {
                (What::Noted(what, text.into()), plain(vec![typed]))
            }
            _ => (What::Noted(what, text.into()), plain(parts(typed))),
        }
    }

    fn values(&self, inputs: &[Typed]) -> Vec<ValueFn> {
        inputs.iter().map(|input| self.look.value(input)).collect()
    }
}

/// The expression whose `int` is wanted as a number.
pub(crate) fn widened(typed: &Typed) -> &Typed {
    match &typed.node {
        Node::Widen(of) => widened(of),
        _ => typed,
    }
}

/// Whether it is the same for every event.
pub(crate) fn is_fixed(typed: &Typed) -> bool {
    match &typed.node {
        Node::Const(_) => true,
        Node::Field(_) | Node::Time | Node::Item(_) | Node::Feature(..) | Node::Computed(_) => false,
        Node::Labelled(..) => false,
        _ => typed.children().into_iter().all(is_fixed),
    }
}

/// The parts worth showing: no constants, and not the same text twice.
fn parts(typed: &Typed) -> Vec<&Typed> {
    // A part of a field is read like one.
    if let Node::Part(_, of) = &typed.node
        && matches!(of.node, Node::Field(_) | Node::Item(_) | Node::Time)
    {
        return Vec::new();
    }
    let mut shown = Vec::new();
    for part in typed.children() {
        let part = widened(part);
        let is_same = part.loc == typed.loc && !matches!(part.node, Node::Computed(_) | Node::Feature(..));
        match is_same && matches!(typed.node, Node::Not(_) | Node::If(..) | Node::All(_)) {
            true => shown.extend(parts(part)),
            false if !is_fixed(part) => shown.push(part),
            false => {}
        }
    }
    shown
}

/// The type a value is shown as: text taken from what names a person still names one, and is masked like it.
pub(crate) fn shown_as(program: &Program, typed: &Typed) -> Type {
    let mut left = limits::TRACE_NODES;
    if typed.kind == Type::Text && names_person(program, typed, &mut left) {
        Type::Account
    } else {
        typed.kind
    }
}

/// Where that is too much to find out, it does.
fn names_person(program: &Program, typed: &Typed, left: &mut usize) -> bool {
    if *left == 0 || typed.kind.is_personal() {
        return true;
    }
    *left -= 1;
    match &typed.node {
        Node::Computed(number) => {
            program.computed.get(*number).is_some_and(|c| names_person(program, &c.typed, left))
        }
        _ => typed.kind == Type::Text && typed.children().into_iter().any(|c| names_person(program, c, left)),
    }
}

fn as_number(value: Value) -> Option<f64> {
    match value {
        Value::Number(n) => Some(n),
        _ => None,
    }
}

impl Branch<'_> {
    /// What it was on this row.
    pub(crate) fn value(&self, row: &Row<'_>) -> Value {
        (self.value)(row)
    }

    /// It with its parts; at most `left` of them.
    pub(crate) fn trace(&self, row: &Row<'_>, left: &mut usize) -> Trace {
        *left = left.saturating_sub(1);
        let (what, note) = self.note(row);
        let mut trace = Trace {
            text: self.text.clone(),
            what,
            kind: self.kind,
            value: self.value(row),
            note,
            adds: None,
            parts: Vec::new(),
            cut: self.cut,
        };
        match &self.what {
            What::Each(each, over) => self.items(each, &over(row), row, &mut trace, left),
            What::Model(model, inputs) => self.inputs(model, inputs, row, &mut trace, left),
            _ => self.add(&self.parts, row, &mut trace, left),
        }
        trace
    }

    fn add(&self, parts: &[Branch<'_>], row: &Row<'_>, to: &mut Trace, left: &mut usize) {
        for part in parts {
            if *left == 0 {
                to.cut = true;
                return;
            }
            to.parts.push(part.trace(row, left));
        }
    }

    fn note(&self, row: &Row<'_>) -> (&'static str, Option<Box<str>>) {
        match &self.what {
            What::Plain(what) => (what, None),
            What::Noted(what, note) => (what, (!note.is_empty()).then(|| note.clone())),
            What::Feature(feature) => ("feature", Some(feature.text.clone())),
            What::Model(model, _) => ("model", Some(format!("bias {}", number(model.bias())).into())),
            What::Each(..) => ("", None),
            What::Table(table, inputs, values) => {
                let values: Vec<Value> = values.iter().map(|v| v(row)).collect();
                let found = table.find(&values.iter().collect::<Vec<_>>());
                let row = found.row.and_then(|at| Some((at, table.rows().get(at)?)));
                let note = match row {
                    Some((at, row)) => format!("row {}: {}", at + 1, row_words(row, inputs, self.typed.kind)),
                    None => "no row fits".to_owned(),
                };
                ("table", Some(note.into()))
            }
        }
    }

    /// The inputs of a model, with what each adds.
    fn inputs(&self, model: &Linear, inputs: &[ValueFn], row: &Row<'_>, to: &mut Trace, left: &mut usize) {
        self.add(&self.parts, row, to, left);
        let values: Vec<Option<f64>> = inputs.iter().map(|i| as_number(i(row))).collect();
        let adds = model.contributions(&values);
        for (part, name) in to.parts.iter_mut().zip(model.inputs()) {
            part.adds = adds.iter().find(|(n, _)| *n == name).map(|(_, nats)| *nats);
        }
        let weight = |t: &Trace| t.adds.unwrap_or(0.0);
        to.parts.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    }

    /// The items of a comprehension, each with its filter and body.
    fn items(&self, each: &Each, over: &Value, row: &Row<'_>, to: &mut Trace, left: &mut usize) {
        let Value::List(values) = over else { return };
        for (at, item) in values.chunks(each.width.max(1)).enumerate() {
            if *left == 0 || at == limits::TRACE_ITEMS {
                to.cut = true;
                return;
            }
            *left -= 1;
            let row = Row { item, ..*row };
            let mut shown = Trace {
                text: format!("item {}", at + 1).into(),
                what: "item",
                kind: each.body.kind,
                value: Value::Missing,
                note: None,
                adds: None,
                parts: Vec::new(),
                cut: false,
            };
            let filter = each.filter.as_ref().and(self.parts.first());
            let taken = filter.is_none_or(|f| f.value(&row) == Value::Bool(true));
            let body = self.parts.get(usize::from(each.filter.is_some()));
            match body.filter(|_| taken) {
                Some(body) => (shown.value, shown.kind) = (body.value(&row), body.kind),
                None => shown.note = Some("left out".into()),
            }
            self.add(&self.parts, &row, &mut shown, left);
            to.parts.push(shown);
        }
    }
}
