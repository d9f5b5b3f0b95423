// SPDX-License-Identifier: Apache-2.0
//! What was found, as an answer: put in order, cut where `top` and the limit say, the time before beside it, steps filled in
//! where nothing happened.

use super::budget::Budget;
use super::cells::compare_keys;
use super::error::QueryError;
use super::groups::{Groups, step_of, values, without_step};
use super::limits;
use super::order::rank_from;
use super::run::{Ask, Found, Held};
use super::tally::Tally;
use std::collections::{HashMap, HashSet};
use wardroom_event::{Field, Micros, Span, Type, Value};
use wardroom_policy::query::{self, By, Query, STEP, Sum};

/// How many rows there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events of the period that were looked at; files and rows that cannot matter are passed over, so this says little of
    /// how many there are.
    pub rows: u64,
    /// Those for which the condition holds.
    pub matched: u64,
    /// Those for which it is unknown: they are in no answer.
    pub unknown: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Counts) {
        self.rows += other.rows;
        self.matched += other.matched;
        self.unknown += other.unknown;
    }
}

/// What a column of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A value of each event.
    Plain,
    /// What is grouped by.
    Key,
    /// When a step of a time series begins.
    Step,
    /// What was added up.
    Sum,
    /// The same, so long before.
    Before,
    /// How much it changed since then.
    Change,
}

impl Role {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Role::Plain => "plain",
            Role::Key => "key",
            Role::Step => "step",
            Role::Sum => "sum",
            Role::Before => "before",
            Role::Change => "change",
        }
    }
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name and type.
    pub field: Field,
    /// What it is.
    pub role: Role,
    /// How far its values may be off, as a share of themselves; none where they are exact.
    pub error: Option<f64>,
    /// For how many events what was added up was unknown: they count neither way.
    pub unknown: u64,
}

/// What a query gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, a value for each column.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more than the limit allows.
    pub truncated: bool,
    /// How many groups there were, before `top` and the limit.
    pub groups: Option<u64>,
    /// How many events.
    pub counts: Counts,
    /// Over which time; half-open.
    pub period: (Option<Micros>, Option<Micros>),
    /// What there is to say beside: values that nobody kept, estimates.
    pub notes: Vec<String>,
}

/// The answer to a query, of what each pass over the past found.
pub(super) fn answer(
    query: &Query,
    ask: &Ask,
    notes: Vec<String>,
    found: Vec<Found>,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let mut passes = found.into_iter();
    let now = passes.next().ok_or(QueryError::Stopped)?;
    let counts = now.counts;
    let period = ask.period(query);
    let mut answer = Answer {
        columns: Vec::new(),
        rows: Vec::new(),
        truncated: false,
        groups: None,
        counts,
        period,
        notes,
    };
    match (&query.answer, now.held) {
        (query::Answer::Rows { columns, most, .. }, Held::Best(best)) => {
            answer.columns = columns.iter().map(|shown| plain(&shown.field, Role::Plain)).collect();
            answer.rows = best.finish();
            answer.truncated = most.is_none_or(|most| most > ask.limit) && answer.rows.len() > ask.limit;
            answer.rows.truncate(ask.limit);
        }
        (query::Answer::Groups { sums, by, bottom, most }, Held::Groups(now)) => {
            let before = match passes.next().map(|found| found.held) {
                Some(Held::Groups(before)) => Some(before),
                _ => None,
            };
            let whole =
                Whole { query, sums, by: *by, bottom: *bottom, most: *most, ask, now, before, period };
            whole.answer(&mut answer, budget)?;
        }
        _ => {}
    }
    Ok(answer)
}

fn plain(field: &Field, role: Role) -> Column {
    Column { field: field.clone(), role, error: None, unknown: 0 }
}

/// Groups, as they become an answer.
struct Whole<'a> {
    query: &'a Query,
    sums: &'a [Sum],
    by: By,
    bottom: bool,
    most: Option<usize>,
    ask: &'a Ask,
    now: Groups,
    before: Option<Groups>,
    period: (Option<Micros>, Option<Micros>),
}

/// A group of the answer: where it stands among those of now and of before.
#[derive(Clone, Copy)]
struct Line {
    now: Option<usize>,
    before: Option<usize>,
}

/// A row of a time series: when its step begins, the number of its key among those that are shown, what it is of.
type Step = (i64, usize, Line);

impl Whole<'_> {
    fn answer(self, answer: &mut Answer, budget: &Budget) -> Result<(), QueryError> {
        answer.columns = self.columns();
        for column in answer.columns.iter().filter(|column| column.error.is_some()) {
            let share = 100.0 * column.error.unwrap_or_default();
            answer.notes.push(format!("`{}` is an estimate, within {share:.1} %", column.field.name));
        }
        budget.goes_on()?;
        let limit = self.ask.limit;
        if self.query.per.is_some() {
            return self.series(answer, budget);
        }
        let mut lines = paired(&self.now, self.before.as_ref(), |key| key.to_vec());
        answer.groups = (!self.query.keys.is_empty()).then_some(lines.len() as u64);
        let most = self.most.unwrap_or(usize::MAX).min(limit.saturating_add(1));
        self.arrange(&mut lines, &self.now, self.before.as_ref(), most);
        answer.truncated = lines.len() > limit && self.most.is_none_or(|most| most > limit);
        lines.truncate(limit);
        answer.rows = lines
            .into_iter()
            .map(|line| {
                let key = key_of(&self.now, self.before.as_ref(), line);
                self.row(None, values(self.query, key), line)
            })
            .collect();
        Ok(())
    }

    fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        if self.query.per.is_some() {
            columns.push(plain(&Field::plain(STEP, Type::Time, false), Role::Step));
        }
        columns.extend(self.query.keys.iter().map(|key| plain(&key.field, Role::Key)));
        for (number, sum) in self.sums.iter().enumerate().filter(|(_, sum)| sum.shown) {
            let mut add = |role: Role, field: Field, tally: Option<&Tally>| {
                let unknown = tally.map_or(0, |t| t.unknown);
                columns.push(Column { field, role, error: tally.and_then(Tally::error), unknown });
            };
            add(Role::Sum, sum.field.clone(), self.now.tallies.get(number));
            if let Some(before) = &self.before {
                let named = |suffix: &str| Box::from(format!("{} {suffix}", sum.field.name));
                let field = Field { name: named("before"), ..sum.field.clone() };
                add(Role::Before, field, before.tallies.get(number));
                if let Some(kind) = change_kind(sum.field.kind) {
                    add(Role::Change, Field::plain(named("change"), kind, true), None);
                }
            }
        }
        columns
    }

    /// The value that lines are put in order by.
    fn rank(&self, line: &Line, now: &Groups, before: Option<&Groups>) -> Option<u64> {
        let (number, change) = match self.by {
            By::Sum(number) => (number, false),
            By::Change(number) => (number, true),
        };
        let value = value_of(now, number, line.now);
        let value = match (change, before) {
            (true, Some(before)) => difference(&value, &value_of(before, number, line.before)),
            _ => value,
        };
        rank_from(&value, self.bottom)
    }

    /// At most so many, the greatest first; of equals in the order of their keys.
    fn arrange(&self, lines: &mut Vec<Line>, now: &Groups, before: Option<&Groups>, most: usize) {
        let mut ranked: Vec<(Option<u64>, Line)> =
            lines.drain(..).map(|line| (self.rank(&line, now, before), line)).collect();
        let order = |(a, one): &(Option<u64>, Line), (b, other): &(Option<u64>, Line)| {
            let keys = [key_of(now, before, *one), key_of(now, before, *other)];
            let kinds = self.query.keys.iter().map(|key| key.field.kind);
            b.cmp(a).then_with(|| compare_keys(kinds, keys[0], keys[1]))
        };
        if ranked.len() > most {
            ranked.select_nth_unstable_by(most, order);
            ranked.truncate(most);
        }
        ranked.sort_unstable_by(order);
        lines.extend(ranked.into_iter().map(|(_, line)| line));
    }

    /// A time series: the greatest keys over the whole time, each with all its steps, the earliest step first.
    fn series(&self, answer: &mut Answer, budget: &Budget) -> Result<(), QueryError> {
        let whole = |of: &Groups| {
            let mut whole = of.fresh();
            whole.absorb(of, budget, without_step).map(|()| whole)
        };
        let (now, before) = (whole(&self.now)?, self.before.as_ref().map(whole).transpose()?);
        let mut chosen = paired(&now, before.as_ref(), |key| key.to_vec());
        if chosen.is_empty() && self.query.keys.is_empty() {
            chosen.push(Line { now: None, before: None });
        }
        answer.groups = (!self.query.keys.is_empty()).then_some(chosen.len() as u64);
        self.arrange(&mut chosen, &now, before.as_ref(), self.most.unwrap_or(usize::MAX));
        let keys: Vec<&[u8]> = chosen.iter().map(|line| key_of(&now, before.as_ref(), *line)).collect();
        let mut steps = self.steps(&keys);
        self.fill(&mut steps, keys.len());
        steps.sort_unstable_by_key(|(at, key, _)| (*at, *key));
        answer.truncated = steps.len() > self.ask.limit;
        steps.truncate(self.ask.limit);
        let row = |(at, key, line): Step| {
            self.row(Some(Value::Time(Micros(at))), values(self.query, keys[key]), line)
        };
        answer.rows = steps.into_iter().map(row).collect();
        Ok(())
    }

    /// The steps of the chosen keys in which something happened, now or before.
    fn steps(&self, keys: &[&[u8]]) -> Vec<Step> {
        let Some(step) = self.query.per else { return Vec::new() };
        let shift = self.query.against.unwrap_or(Span::ZERO);
        // A step of before stands beside the one that began so long after it.
        let moved = |key: &[u8]| {
            let mut moved = without_step(key).to_vec();
            moved.extend_from_slice(&step_of(began(key).saturating_add(shift.0), step).to_le_bytes());
            moved
        };
        let places: HashMap<&[u8], usize> = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        let lines = paired(&self.now, self.before.as_ref(), moved);
        let place = |line: Line| {
            let key = key_of(&self.now, self.before.as_ref(), line);
            let at = match line.now {
                Some(_) => began(key),
                None => step_of(began(key).saturating_add(shift.0), step),
            };
            Some((at, *places.get(without_step(key))?, line))
        };
        lines.into_iter().filter_map(place).collect()
    }

    /// Puts in the steps in which nothing happened, while there are few enough of them.
    fn fill(&self, steps: &mut Vec<Step>, keys: usize) {
        let Some(step) = self.query.per else { return };
        let met = || steps.iter().map(|(at, ..)| *at);
        let first = self.period.0.map(|from| from.0).or(met().min());
        // The end is not part of the period.
        let last = self.period.1.map(|to| to.0 - 1).or(met().max());
        let (Some(first), Some(last)) = (first, last) else { return };
        let (first, last) = (step_of(first, step), step_of(last, step));
        let count = last.checked_sub(first).map_or(i64::MAX, |n| n / step.0);
        let many = usize::try_from(count).unwrap_or(usize::MAX).saturating_add(1);
        if last < first || many.saturating_mul(keys) > limits::FILLED {
            return;
        }
        let there: HashSet<(i64, usize)> = steps.iter().map(|(at, key, _)| (*at, *key)).collect();
        let all = (0..=count).flat_map(|n| (0..keys).map(move |key| (first + n * step.0, key)));
        let absent = all.filter(|place| !there.contains(place));
        steps.extend(absent.map(|(at, key)| (at, key, Line { now: None, before: None })));
    }

    fn row(&self, step: Option<Value>, keys: Vec<Value>, line: Line) -> Vec<Value> {
        let mut row: Vec<Value> = step.into_iter().chain(keys).collect();
        for (number, sum) in self.sums.iter().enumerate().filter(|(_, sum)| sum.shown) {
            let now = value_of(&self.now, number, line.now);
            let Some(before) = &self.before else {
                row.push(now);
                continue;
            };
            let before = value_of(before, number, line.before);
            let change = change_kind(sum.field.kind).map(|_| difference(&now, &before));
            row.extend([now, before]);
            row.extend(change);
        }
        row
    }
}

/// Every group of now with the one of before that has its key, then those of before alone. `moved` is the key that a group
/// of before would have now.
fn paired(now: &Groups, before: Option<&Groups>, moved: impl Fn(&[u8]) -> Vec<u8>) -> Vec<Line> {
    let mut lines: Vec<Line> = (0..now.len()).map(|group| Line { now: Some(group), before: None }).collect();
    let Some(before) = before else { return lines };
    for group in 0..before.len() {
        match now.get(&moved(before.key(group))) {
            Some(found) => lines[found].before = Some(group),
            None => lines.push(Line { now: None, before: Some(group) }),
        }
    }
    lines
}

/// The key of a line, where it has one.
fn key_of<'g>(now: &'g Groups, before: Option<&'g Groups>, line: Line) -> &'g [u8] {
    match (line.now, line.before, before) {
        (Some(group), ..) => now.key(group),
        (None, Some(group), Some(before)) => before.key(group),
        _ => &[],
    }
}

/// When the step begins that a group is of.
fn began(key: &[u8]) -> i64 {
    key.last_chunk::<8>().map_or(0, |bytes| i64::from_le_bytes(*bytes))
}

fn value_of(groups: &Groups, number: usize, group: Option<usize>) -> Value {
    groups.tallies.get(number).map_or(Value::Missing, |tally| tally.value(group))
}

/// The type of how much something changes; none where that means nothing.
fn change_kind(kind: Type) -> Option<Type> {
    match kind {
        // A size and a rate are never below nothing, and a change may be.
        Type::Int | Type::Size => Some(Type::Int),
        Type::Number | Type::Rate => Some(Type::Number),
        Type::Duration => Some(Type::Duration),
        _ => None,
    }
}

fn difference(now: &Value, before: &Value) -> Value {
    match (now, before) {
        (Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map_or(Value::Missing, Value::Int),
        (Value::Number(a), Value::Number(b)) => Value::Number(a - b),
        (Value::Duration(a), Value::Duration(b)) => {
            a.0.checked_sub(b.0).map_or(Value::Missing, |n| Value::Duration(Span(n)))
        }
        _ => Value::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_has_a_type_of_its_own() {
        assert_eq!(change_kind(Type::Size), Some(Type::Int));
        assert_eq!(change_kind(Type::Ip), None);
        assert_eq!(difference(&Value::Int(3), &Value::Int(5)), Value::Int(-2));
        assert_eq!(difference(&Value::Int(3), &Value::Missing), Value::Missing);
    }
}
