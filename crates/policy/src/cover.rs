// SPDX-License-Identifier: Apache-2.0
//! What tests reach of a policy: whether each rule has fired and has stayed quiet, each condition was true, false and
//! unknown, each row of a table has fitted, each evidence has said something.

use crate::Row;
use crate::compile::{Looker, Slot, ValueFn};
use crate::ir::{Node, Typed};
use crate::limits;
use crate::program::{Aggregate, KeyPath, Mode, Program, Source};
use crate::table::Table;
use crate::trace::{is_fixed, row_words, widened};
use std::sync::Arc;
use wardroom_event::{Part, TypeId, Value};

/// What tests have reached of a policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cover {
    /// Rules in the order written, then what is computed, then tables.
    pub covered: Vec<Covered>,
}

/// What tests have reached of one declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Covered {
    /// What it is: `rule`, `evidence`, `feature`, `table`, …
    pub what: &'static str,
    /// Its id.
    pub id: Box<str>,
    /// The file it stands in, and the line.
    pub place: (Box<str>, usize),
    /// What there is to reach.
    pub points: Vec<Point>,
}

/// Something for a test to reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The condition as it is written, or the row.
    pub text: Box<str>,
    /// The line it stands in.
    pub line: usize,
    /// What it has to be: `true`, `false`, `unknown`, or what a test has to make of it: `fires`, `stays quiet`, `fits`,
    /// `says something`.
    pub wants: &'static str,
    /// Whether a test has come there.
    pub seen: bool,
}

impl Covered {
    /// How much of it was reached, in percent; all where there is nothing to reach.
    pub fn percent(&self) -> f64 {
        percent(self.points.iter())
    }

    /// Of a rule: whether a test makes it fire, and another leaves it quiet.
    pub fn both(&self) -> bool {
        self.points.iter().filter(|p| matches!(p.wants, FIRES | QUIET)).all(|p| p.seen)
    }
}

impl Cover {
    /// How many rules there are, and how many of them fire in one test and stay quiet in another.
    pub fn rules(&self) -> (usize, usize) {
        let rules = self.covered.iter().filter(|c| c.what == "rule");
        (rules.clone().filter(|c| c.both()).count(), rules.count())
    }

    /// How much was reached of all conditions, rows and evidence, in percent.
    pub fn percent(&self) -> f64 {
        percent(self.covered.iter().flat_map(|c| &c.points))
    }
}

fn percent<'p>(points: impl Iterator<Item = &'p Point>) -> f64 {
    let (seen, all) = points.fold((0u32, 0u32), |(seen, all), p| (seen + u32::from(p.seen), all + 1));
    if all == 0 { 100.0 } else { f64::from(seen) * 100.0 / f64::from(all) }
}

const FIRES: &str = "fires";
const QUIET: &str = "stays quiet";

/// Each thing that can be wanted of a value, as a bit, and what it is called.
const WANTS: [(u8, &str); 6] =
    [(1, FIRES), (2, QUIET), (4, "true"), (8, "false"), (16, "unknown"), (32, "says something")];

const FIRED_OR_QUIET: u8 = 1 | 2;
const TRUTHS: u8 = 4 | 8;
const UNKNOWN: u8 = 16;
const SAYS: u8 = 32;

/// Gathers what tests reach.
pub struct Coverage<'p> {
    program: &'p Program,
    watched: Vec<Watched>,
    tables: Vec<Rows<'p>>,
}

/// One declaration with its conditions.
struct Watched {
    what: &'static str,
    id: Box<str>,
    on: TypeId,
    place: (Box<str>, usize),
    rule: Option<usize>,
    asked: Vec<Asked>,
    looks: Vec<(usize, Vec<ValueFn>)>,
}

/// A value that is to be this and that.
struct Asked {
    text: Box<str>,
    line: usize,
    value: Option<ValueFn>,
    wants: u8,
    seen: u8,
}

/// A table with the rows that fitted; the last is `else`.
struct Rows<'p> {
    id: Box<str>,
    place: (Box<str>, usize),
    table: &'p Arc<Table>,
    words: Vec<String>,
    seen: Vec<bool>,
}

impl<'p> Coverage<'p> {
    /// Nothing reached yet. Retired rules are left out.
    pub fn new(program: &'p Program) -> Coverage<'p> {
        let mut coverage = Coverage { program, watched: Vec::new(), tables: Vec::new() };
        for (number, rule) in program.rules.iter().enumerate().filter(|(_, r)| r.mode != Mode::Retired) {
            let place = program.place(number);
            let ends =
                Asked { text: rule.id.clone(), line: place.1, value: None, wants: FIRED_OR_QUIET, seen: 0 };
            let mut watched = Watched {
                what: "rule",
                id: rule.id.clone(),
                on: rule.on,
                place,
                rule: Some(number),
                asked: vec![ends],
                looks: Vec::new(),
            };
            for term in &rule.terms {
                coverage.ask(&term.typed, true, &mut watched);
            }
            coverage.watched.push(watched);
        }
        for computed in &program.computed {
            coverage.computed(computed);
        }
        coverage
    }

    fn computed(&mut self, computed: &'p crate::ir::Computed) {
        let defined = self.program.defined.iter().find(|d| d.id == computed.id);
        let what = defined.map_or("feature", |d| d.what);
        let declared = self.program.declared().iter().find(|d| d.id == computed.id);
        let place = declared.map_or_else(Default::default, |d| d.place.clone());
        let mut watched = Watched {
            what,
            id: computed.id.clone(),
            on: computed.on,
            place,
            rule: None,
            asked: Vec::new(),
            looks: Vec::new(),
        };
        if what == "evidence" {
            self.add(&computed.typed, SAYS, &mut watched);
        }
        self.ask(&computed.typed, false, &mut watched);
        if !watched.asked.is_empty() || !watched.looks.is_empty() {
            self.watched.push(watched);
        }
    }

    fn look(&self, on: TypeId) -> Looker<'p> {
        Looker { program: self.program, on }
    }

    fn add(&self, typed: &Typed, wants: u8, to: &mut Watched) {
        let text = &self.program.text;
        let value = Some(self.look(to.on).value(typed));
        let line = text.place(typed.loc).1;
        to.asked.push(Asked { text: text.line(typed.loc).into(), line, value, wants, seen: 0 });
    }

    /// The conditions of an expression; itself too where it is one that is wanted both ways.
    fn ask(&mut self, typed: &'p Typed, wanted: bool, to: &mut Watched) {
        if to.asked.len() >= limits::TRACE_NODES || is_fixed(typed) {
            return;
        }
        if wanted {
            let unknown = if Lacking::of(self.program, to.on).may(typed) { UNKNOWN } else { 0 };
            self.add(typed, TRUTHS | unknown, to);
        }
        match &typed.node {
            Node::All(parts) | Node::Any(parts) => {
                // The two halves of `1 < n < 5` are one condition.
                let apart = |part: &Typed| part.loc != typed.loc;
                parts.iter().for_each(|part| self.ask(part, apart(part), to));
            }
            Node::If(cond, then, other) => {
                self.ask(cond, true, to);
                self.ask(then, false, to);
                self.ask(other, false, to);
            }
            Node::Table(table, inputs) => {
                self.table(table, typed, inputs, to);
                inputs.iter().for_each(|input| self.ask(input, false, to));
            }
            // An item has no truth outside its list.
            Node::Each(each) => self.ask(&each.over, false, to),
            _ => typed.children().into_iter().for_each(|part| self.ask(part, false, to)),
        }
    }

    fn table(&mut self, table: &'p Arc<Table>, typed: &Typed, inputs: &'p [Typed], to: &mut Watched) {
        let known = self.tables.iter().position(|t| Arc::ptr_eq(t.table, table));
        let number = known.unwrap_or_else(|| {
            self.tables.push(self.rows(table, typed, inputs, &to.id));
            self.tables.len() - 1
        });
        let look = self.look(to.on);
        to.looks.push((number, inputs.iter().map(|input| look.value(input)).collect()));
    }

    fn rows(&self, table: &'p Arc<Table>, typed: &Typed, inputs: &[Typed], reader: &str) -> Rows<'p> {
        let text = self.program.text.line(typed.loc);
        let name = text.split('(').next().unwrap_or(&text);
        let own = reader.rsplit_once('.').map_or(name.to_owned(), |(folder, _)| format!("{folder}.{name}"));
        let declared = self.program.declared();
        let is = |id: &str| declared.iter().find(|d| d.what == "table" && *d.id == *id);
        let declared = is(&own).or_else(|| is(name));
        let rows = table.rows().iter().take(limits::COVERED_ROWS);
        let mut words: Vec<String> = rows.map(|row| row_words(row, inputs, typed.kind)).collect();
        words.extend(table.has_else().then(|| "else".to_owned()));
        Rows {
            id: declared.map_or_else(|| name.into(), |d| d.id.clone()),
            place: declared.map_or_else(Default::default, |d| d.place.clone()),
            table,
            seen: vec![false; words.len()],
            words,
        }
    }

    /// Notes what is reached by judging this row.
    pub fn see(&mut self, row: &Row<'_>) {
        for watched in self.watched.iter_mut().filter(|w| w.on == row.event.kind) {
            for asked in watched.asked.iter_mut().filter(|a| a.seen & a.wants != a.wants) {
                asked.seen |= match (&asked.value, watched.rule) {
                    (Some(value), _) => reached(&value(row)),
                    (None, Some(rule)) => {
                        let rule = &self.program.rules[rule];
                        if rule.fires(rule.holds(row)) { 1 } else { 2 }
                    }
                    (None, None) => 0,
                };
            }
            for (number, inputs) in &watched.looks {
                if let Some(rows) = self.tables.get_mut(*number) {
                    rows.see(inputs, row);
                }
            }
        }
    }

    /// What was reached.
    pub fn finish(self) -> Cover {
        let mut covered: Vec<Covered> = self.watched.into_iter().map(Watched::finish).collect();
        // A value that several event types read is there for each of them, and its table once.
        covered.retain(|c| !c.points.is_empty());
        covered.extend(self.tables.into_iter().map(Rows::finish));
        Cover { covered }
    }
}

/// What a value is, as bits.
fn reached(value: &Value) -> u8 {
    match value {
        Value::Bool(true) => 4,
        Value::Bool(false) => 8,
        Value::Missing => UNKNOWN,
        Value::Number(n) if *n == 0.0 => 0,
        _ => SAYS,
    }
}

impl Watched {
    fn finish(self) -> Covered {
        let mut points = Vec::new();
        for asked in self.asked {
            for (bit, wants) in WANTS.iter().filter(|(bit, _)| asked.wants & bit != 0) {
                let seen = asked.seen & bit != 0;
                points.push(Point { text: asked.text.clone(), line: asked.line, wants, seen });
            }
        }
        Covered { what: self.what, id: self.id, place: self.place, points }
    }
}

impl Rows<'_> {
    fn see(&mut self, inputs: &[ValueFn], row: &Row<'_>) {
        let values: Vec<Value> = inputs.iter().map(|input| input(row)).collect();
        let found = self.table.find(&values.iter().collect::<Vec<_>>());
        let at = match found.row {
            // A row that is unknown has not fitted.
            Some(row) => (!found.value.is_missing()).then_some(row),
            None => self.table.has_else().then(|| self.seen.len() - 1),
        };
        if let Some(seen) = at.and_then(|at| self.seen.get_mut(at)) {
            *seen = true;
        }
    }

    fn finish(self) -> Covered {
        let line = self.place.1;
        let points = self.words.into_iter().zip(self.seen);
        let points = points.map(|(text, seen)| Point { text: text.into(), line, wants: "fits", seen });
        Covered { what: "table", id: self.id, place: self.place, points: points.collect() }
    }
}

/// Finds out whether an expression can be unknown since something it reads is.
struct Lacking<'p> {
    program: &'p Program,
    on: TypeId,
    /// What is known where the expression matters: beside `x is missing or …`, `x`.
    known: Vec<Slot>,
    depth: usize,
}

impl<'p> Lacking<'p> {
    fn of(program: &'p Program, on: TypeId) -> Lacking<'p> {
        Lacking { program, on, known: Vec::new(), depth: 0 }
    }

    fn may(&mut self, typed: &Typed) -> bool {
        if self.depth > limits::TRACE_DEPTH {
            return false;
        }
        self.depth += 1;
        let may = self.look_at(widened(typed));
        self.depth -= 1;
        may
    }

    fn look_at(&mut self, typed: &Typed) -> bool {
        let look = Looker { program: self.program, on: self.on };
        if look.slot(typed).is_some_and(|slot| self.known.contains(&slot)) {
            return false;
        }
        match &typed.node {
            Node::Const(_) | Node::Time | Node::Item(_) | Node::IsMissing(_) | Node::CountKnown(_) => false,
            Node::Field(slot) => field_lacks(self.program, self.on, KeyPath { slot: *slot, part: None }),
            Node::Labelled(of, ..) => field_lacks(self.program, self.on, *of),
            Node::Part(part, of) => part_lacks(*part) || self.may(of),
            Node::Feature(number, _) => feature_lacks(self.program, self.on, *number),
            Node::Computed(number) => self.program.computed.get(*number).is_some_and(|c| self.may(&c.typed)),
            Node::SumKnown(parts) => parts.iter().all(|part| self.may(part)),
            Node::Linear(..) => false,
            Node::Call(function, args) if matches!(function.eval, crate::functions::Eval::Raw(_)) => {
                args.iter().all(|arg| self.may(arg))
            }
            Node::All(parts) | Node::Any(parts) => {
                self.joined(parts, matches!(typed.node, Node::Any(_)), look)
            }
            _ => typed.children().into_iter().any(|part| self.may(part)),
        }
    }

    /// Of `x is missing or …` and `x is not missing and …` the rest matters where `x` is known.
    fn joined(&mut self, parts: &[Typed], any: bool, look: Looker<'_>) -> bool {
        let before = self.known.len();
        for part in parts {
            let asks = match (&part.node, any) {
                (Node::IsMissing(of), true) => Some(of),
                (Node::Not(not), false) => match &not.node {
                    Node::IsMissing(of) => Some(of),
                    _ => None,
                },
                _ => None,
            };
            self.known.extend(asks.and_then(|of| look.slot(of)));
        }
        let may = parts.iter().any(|part| self.may(part));
        self.known.truncate(before);
        may
    }
}

fn field_lacks(program: &Program, on: TypeId, path: KeyPath) -> bool {
    let field = program.schema.get(on).fields.get(path.slot);
    field.is_none_or(|f| f.may_lack()) || path.part.is_some_and(part_lacks)
}

fn part_lacks(part: Part) -> bool {
    use Part::{EmailTag, UrlHost, UrlPath, UrlPort, UrlQuery, UrlScheme};
    matches!(part, EmailTag | UrlHost | UrlPath | UrlPort | UrlQuery | UrlScheme)
}

/// A counter without a key is unknown, and so is what needs something to have been counted.
fn feature_lacks(program: &Program, on: TypeId, number: usize) -> bool {
    use Aggregate::{Count, Distinct, Rate, Seen, Sequence, Sum};
    let always = program
        .features
        .get(number)
        .is_some_and(|f| matches!(f.aggregate, Count | Distinct | Seen | Rate | Sequence(..) | Sum(_)));
    let serve = program.plan(on).serve.iter().find_map(|s| match &s.source {
        Source::Feature { feature, key, .. } if *feature == number => Some(key),
        _ => None,
    });
    !always || serve.is_some_and(|key| key.iter().any(|path| field_lacks(program, on, *path)))
}
