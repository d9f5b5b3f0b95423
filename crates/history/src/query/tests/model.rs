// SPDX-License-Identifier: Apache-2.0
//! What a query should answer, said the slow way: every row is asked, every group is a list of rows.

use super::super::answer::Counts;
use super::super::order::{compare, rank};
use super::NOW;
use super::past::{ACCOUNTS, CLASSES, LABELS, RULES, Row};
use ipnet::IpNet;
use proptest::prelude::*;
use proptest::sample::select;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::net::IpAddr;
use wardroom_event::{Micros, Span, Value};
use wardroom_policy::{Tri, Verdict};

/// A condition, as it is written and as it is meant.
#[derive(Clone, Debug)]
pub(super) enum Cond {
    Ok,
    N(&'static str, i64),
    X(&'static str, f64),
    Failures(&'static str, i64),
    Account(&'static str),
    Verdict(&'static str, Verdict),
    Fired(&'static str),
    Labelled(&'static str),
    Class(&'static str),
    Near,
    NoPlan,
    Not(Box<Cond>),
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
}

const OPS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

fn holds<T: PartialOrd>(op: &str, a: T, b: T) -> bool {
    match op {
        "==" => a == b,
        "!=" => a != b,
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        _ => a >= b,
    }
}

impl Cond {
    fn text(&self) -> String {
        match self {
            Cond::Ok => "ok".to_owned(),
            Cond::N(op, n) => format!("n {op} {n}"),
            Cond::X(op, n) => format!("x {op} {n:?}"),
            Cond::Failures(op, n) => format!("failures {op} {n}"),
            Cond::Account(a) => format!("account == \"{a}\""),
            Cond::Verdict(op, v) => format!("verdict {op} {v}"),
            Cond::Fired(rule) => format!("fired(\"{rule}\")"),
            Cond::Labelled(label) => format!("labelled(\"{label}\")"),
            Cond::Class(class) => format!("class == \"{class}\""),
            Cond::Near => "ip in near".to_owned(),
            Cond::NoPlan => "plan is missing".to_owned(),
            Cond::Not(of) => format!("not ({})", of.text()),
            Cond::And(a, b) => format!("({}) and ({})", a.text(), b.text()),
            Cond::Or(a, b) => format!("({}) or ({})", a.text(), b.text()),
        }
    }

    fn of(&self, row: &Row) -> Tri {
        let near: IpNet = "10.0.0.0/9".parse().unwrap();
        match self {
            Cond::Ok => Tri::of(row.ok),
            Cond::N(op, n) => Tri::of(row.n.map(|v| holds(op, v, *n))),
            Cond::X(op, n) => Tri::of(row.x.map(|v| holds(op, v, *n))),
            Cond::Failures(op, n) => Tri::of(row.failures.map(|v| holds(op, v, *n))),
            Cond::Account(a) => Tri::of(row.account.map(|v| v == *a)),
            Cond::Verdict(op, v) => Tri::of(row.verdict.map(|held| holds(op, held, *v))),
            Cond::Fired(rule) => Tri::of(row.rules.as_ref().map(|rules| rules.contains(rule))),
            Cond::Labelled(label) => Tri::known(row.labels.contains(label)),
            Cond::Class(class) => Tri::of(row.class.map(|v| v == *class)),
            Cond::Near => Tri::known(near.contains(&row.ip.parse::<IpAddr>().unwrap())),
            Cond::NoPlan => Tri::known(row.plan.is_none()),
            Cond::Not(of) => of.of(row).negate(),
            Cond::And(a, b) => a.of(row).min(b.of(row)),
            Cond::Or(a, b) => a.of(row).max(b.of(row)),
        }
    }
}

fn cond() -> impl Strategy<Value = Cond> {
    let op = || select(OPS.to_vec());
    let leaf = prop_oneof![
        Just(Cond::Ok),
        (op(), -3i64..8).prop_map(|(op, n)| Cond::N(op, n)),
        (op(), select(vec![-1.5, 0.0, 0.25])).prop_map(|(op, n)| Cond::X(op, n)),
        (op(), 1i64..11).prop_map(|(op, n)| Cond::Failures(op, n)),
        select(ACCOUNTS.to_vec()).prop_filter("no empty account", |a| !a.is_empty()).prop_map(Cond::Account),
        (op(), select(vec![Verdict::Limit, Verdict::Challenge, Verdict::Review]))
            .prop_map(|(op, v)| Cond::Verdict(op, v)),
        select(RULES.to_vec()).prop_map(Cond::Fired),
        select(LABELS.to_vec()).prop_map(Cond::Labelled),
        select(CLASSES.to_vec()).prop_map(Cond::Class),
        Just(Cond::Near),
        Just(Cond::NoPlan),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| Cond::Not(a.into())),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Cond::And(a.into(), b.into())),
            (inner.clone(), inner).prop_map(|(a, b)| Cond::Or(a.into(), b.into())),
        ]
    })
}

/// What is grouped by, told apart or taken.
const KEYS: [&str; 9] = ["account", "ip", "ip.net", "ok", "n", "plan", "verdict", "decided_by", "x"];

fn key(name: &str, row: &Row) -> Value {
    let text = |t: Option<&str>| t.map_or(Value::Missing, |t| Value::Text(t.into()));
    match name {
        "account" => text(row.account),
        "ip" => row.ip(),
        "ip.net" => Value::Net(match row.ip.parse::<IpAddr>().unwrap() {
            IpAddr::V4(ip) => ipnet::Ipv4Net::new(ip, 24).unwrap().trunc().into(),
            IpAddr::V6(ip) => ipnet::Ipv6Net::new(ip, 48).unwrap().trunc().into(),
        }),
        "ok" => row.ok.map_or(Value::Missing, Value::Bool),
        "n" => row.n.map_or(Value::Missing, Value::Int),
        "plan" => text(row.plan),
        "verdict" => text(row.verdict.map(Verdict::name)),
        "decided_by" => text(row.rules.as_ref().and_then(|r| r.contains(&"many").then_some("many"))),
        _ => row.x.map_or(Value::Missing, |x| Value::Number(x + 0.0)),
    }
}

/// The quantities that are added up.
const MEASURES: [&str; 3] = ["n", "x", "wait"];

/// Of a quantity what is known, as whole numbers and as numbers: the former only where it is whole.
fn known(name: &str, rows: &[&Row]) -> (Vec<i64>, Vec<f64>) {
    let whole: Vec<i64> = match name {
        "n" => rows.iter().filter_map(|r| r.n).collect(),
        "wait" => rows.iter().filter_map(|r| r.wait).collect(),
        _ => Vec::new(),
    };
    let real = match name {
        "x" => rows.iter().filter_map(|r| r.x).map(|x| x + 0.0).collect(),
        _ => whole.iter().map(|n| *n as f64).collect(),
    };
    (whole, real)
}

fn typed(name: &str, n: i128) -> Value {
    match (name, i64::try_from(n)) {
        (_, Err(_)) => Value::Missing,
        ("wait", Ok(n)) => Value::Duration(Span(n)),
        (_, Ok(n)) => Value::Int(n),
    }
}

#[derive(Clone, Debug)]
pub(super) enum Sum {
    Count,
    Holds(Cond),
    Share(Cond),
    Distinct(&'static str),
    First(&'static str),
    Last(&'static str),
    Of(&'static str, &'static str),
    Quantile(&'static str, f64),
}

impl Sum {
    fn text(&self) -> String {
        match self {
            Sum::Count => "count".to_owned(),
            Sum::Holds(cond) => format!("count({})", cond.text()),
            Sum::Share(cond) => format!("share({})", cond.text()),
            Sum::Distinct(key) => format!("distinct({key})"),
            Sum::First(key) => format!("first({key})"),
            Sum::Last(key) => format!("last({key})"),
            Sum::Of(fold, of) => format!("{fold}({of})"),
            Sum::Quantile(of, share) => format!("quantile({of}, {share:?})"),
        }
    }

    fn of(&self, rows: &[&Row]) -> Value {
        let count = |n: usize| Value::Int(n as i64);
        let truths = |cond: &Cond| {
            let of = |tri: Tri| rows.iter().filter(|r| cond.of(r) == tri).count();
            (of(Tri::True), of(Tri::False))
        };
        match self {
            Sum::Count => count(rows.len()),
            Sum::Holds(cond) => count(truths(cond).0),
            Sum::Share(cond) => match truths(cond) {
                (0, 0) => Value::Missing,
                (yes, no) => Value::Number(yes as f64 / (yes + no) as f64),
            },
            Sum::Distinct(name) => {
                let seen: BTreeSet<String> = rows
                    .iter()
                    .map(|r| key(name, r))
                    .filter(|v| !v.is_missing())
                    .map(|v| format!("{v:?}"))
                    .collect();
                count(seen.len())
            }
            Sum::First(name) | Sum::Last(name) => {
                let mut known: Vec<&&Row> = rows.iter().filter(|r| !key(name, r).is_missing()).collect();
                known.sort_by_key(|r| (r.time, r.seq));
                let found = if matches!(self, Sum::First(_)) { known.first() } else { known.last() };
                found.map_or(Value::Missing, |row| key(name, row))
            }
            Sum::Of(fold, of) => folded(fold, of, rows),
            Sum::Quantile(of, share) => {
                let (_, mut all) = known(of, rows);
                all.sort_by(f64::total_cmp);
                let rank = ((share * all.len() as f64).ceil() as usize).max(1) - 1;
                match (all.get(rank), *of) {
                    (None, _) => Value::Missing,
                    (Some(n), "x") => Value::Number(*n),
                    (Some(n), of) => typed(of, n.round() as i128),
                }
            }
        }
    }

    /// Whether the answer can be put in order by it.
    fn orders(&self) -> bool {
        match self {
            Sum::First(key) | Sum::Last(key) => matches!(*key, "n" | "x"),
            _ => true,
        }
    }

    /// Whether it has a change: texts, truths and addresses have none.
    fn changes(&self) -> bool {
        self.orders()
    }
}

fn folded(fold: &str, of: &str, rows: &[&Row]) -> Value {
    let (whole, real) = known(of, rows);
    if real.is_empty() {
        return Value::Missing;
    }
    let sum: i128 = whole.iter().map(|n| i128::from(*n)).sum();
    let len = real.len() as i128;
    match (fold, of) {
        ("sum", "x") => Value::Number(real.iter().sum::<f64>() + 0.0),
        ("mean", "x") => Value::Number(real.iter().sum::<f64>() / len as f64 + 0.0),
        ("mean", "n") => Value::Number(sum as f64 / len as f64),
        ("mean", of) => typed(of, (2 * sum + len) / (2 * len)),
        ("min", "x") => Value::Number(real.into_iter().reduce(f64::min).unwrap()),
        ("max", "x") => Value::Number(real.into_iter().reduce(f64::max).unwrap()),
        ("min", of) => typed(of, i128::from(*whole.iter().min().unwrap())),
        ("max", of) => typed(of, i128::from(*whole.iter().max().unwrap())),
        (_, of) => typed(of, sum),
    }
}

fn sum() -> impl Strategy<Value = Sum> {
    prop_oneof![
        Just(Sum::Count),
        cond().prop_map(Sum::Holds),
        cond().prop_map(Sum::Share),
        select(KEYS.to_vec()).prop_map(Sum::Distinct),
        select(KEYS.to_vec()).prop_map(Sum::First),
        select(KEYS.to_vec()).prop_map(Sum::Last),
        (select(vec!["sum", "mean", "min", "max"]), select(MEASURES.to_vec()))
            .prop_map(|(f, of)| Sum::Of(f, of)),
        (select(MEASURES.to_vec()), select(vec![0.1, 0.5, 0.95])).prop_map(|(of, q)| Sum::Quantile(of, q)),
    ]
}

/// How many, whether the least first, by which of the sums and whether by its change.
type Top = (usize, bool, Option<(usize, bool)>);

/// A query.
#[derive(Clone, Debug)]
pub(super) struct Question {
    filter: Option<Cond>,
    /// Seconds before now.
    last: Option<i64>,
    keys: Vec<&'static str>,
    /// None: the events themselves.
    sums: Vec<Sum>,
    per: Option<i64>,
    against: Option<i64>,
    top: Option<Top>,
}

pub(super) fn question() -> impl Strategy<Value = Question> {
    let span = || prop::option::of(select(vec![3600i64, 7 * 3600, 86_400]));
    (
        prop::option::of(cond()),
        span(),
        prop::sample::subsequence(KEYS.to_vec(), 0..3),
        prop::collection::vec(sum(), 0..4),
        prop::option::weighted(0.4, select(vec![1800i64, 6 * 3600])),
        prop::option::of(select(vec![3600i64, 86_400])),
        prop::option::of((1usize..6, any::<bool>(), prop::option::of((0usize..4, any::<bool>())))),
    )
        .prop_map(|(filter, last, keys, sums, per, against, top)| {
            let rows = sums.is_empty();
            let keys = if rows { Vec::new() } else { keys };
            let per = per.filter(|_| !rows);
            let against = against.filter(|_| !rows && last.is_some());
            let top = top.map(|(most, bottom, by)| {
                let by =
                    by.filter(|_| !rows).map(|(n, change)| (n % sums.len(), change && against.is_some()));
                let by = by.filter(|(n, change)| sums[*n].orders() && (!change || sums[*n].changes()));
                (most, bottom, by)
            });
            Question { filter, last, keys, sums, per, against, top }
        })
}

/// An answer of the model.
pub(super) struct Expected {
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) truncated: bool,
    pub(super) counts: Counts,
}

/// A key and a step, with its events of now and of before.
struct Group<'r> {
    step: Option<i64>,
    keys: Vec<Value>,
    now: Vec<&'r Row>,
    before: Vec<&'r Row>,
}

impl Question {
    pub(super) fn text(&self) -> String {
        let mut text = "login".to_owned();
        let mut add = |clause: String| text += &format!(" {clause}");
        self.filter.iter().for_each(|f| add(format!("where {}", f.text())));
        self.last.iter().for_each(|s| add(format!("last \"{s}s\"")));
        if !self.keys.is_empty() {
            add(format!("by {}", self.keys.join(", ")));
        }
        let sums: Vec<String> = self.sums.iter().map(Sum::text).collect();
        add(if sums.is_empty() {
            "show account, ip, n, verdict".to_owned()
        } else {
            format!("show {}", sums.join(", "))
        });
        self.per.iter().for_each(|s| add(format!("per \"{s}s\"")));
        self.against.iter().for_each(|s| add(format!("against \"{s}s\"")));
        if let Some((most, bottom, by)) = &self.top {
            add(format!("{} {most}", if *bottom { "bottom" } else { "top" }));
            match by {
                Some((n, true)) => add(format!("by change({})", sums[*n])),
                Some((n, false)) => add(format!("by {}", sums[*n])),
                None => {}
            }
        }
        text
    }

    /// The events of the period that ended so many seconds ago, for which the condition is this.
    fn asked<'r>(&self, rows: &'r [Row], ago: i64, tri: Option<Tri>) -> Vec<&'r Row> {
        let to = NOW.minus(Span::from_secs(ago));
        let from = self.last.map(|last| to.minus(Span::from_secs(last)));
        let within = |r: &&Row| from.is_none_or(|from| r.time >= from && r.time < to);
        let of = |r: &Row| self.filter.as_ref().map_or(Tri::True, |f| f.of(r));
        rows.iter().filter(within).filter(|r| tri.is_none_or(|tri| of(r) == tri)).collect()
    }

    pub(super) fn answer(&self, rows: &[Row], limit: usize) -> Expected {
        let count = |tri| self.asked(rows, 0, tri).len() as u64;
        let counts =
            Counts { rows: count(None), matched: count(Some(Tri::True)), unknown: count(Some(Tri::Unknown)) };
        let mut all = if self.sums.is_empty() { self.events(rows) } else { self.groups(rows) };
        let truncated = all.len() > limit;
        all.truncate(limit);
        Expected { rows: all, truncated, counts }
    }

    fn events(&self, rows: &[Row]) -> Vec<Vec<Value>> {
        let mut found = self.asked(rows, 0, Some(Tri::True));
        found.sort_by_key(|r| std::cmp::Reverse((r.time, r.seq)));
        if self.top.as_ref().is_some_and(|(_, bottom, _)| *bottom) {
            found.reverse();
        }
        found.truncate(self.top.as_ref().map_or(usize::MAX, |(most, ..)| *most));
        let columns = ["account", "ip", "n", "verdict"];
        found.into_iter().map(|r| columns.iter().map(|c| key(c, r)).collect()).collect()
    }

    fn step(&self, time: Micros) -> Option<i64> {
        self.per.map(|secs| time.0.div_euclid(secs * 1_000_000) * secs * 1_000_000)
    }

    fn gathered<'r>(&self, rows: &'r [Row], steps: bool) -> Vec<Group<'r>> {
        let mut groups: Vec<Group<'r>> = Vec::new();
        let mut put = |row: &'r Row, is_before: bool| {
            let keys: Vec<Value> = self.keys.iter().map(|k| key(k, row)).collect();
            let shift = Span::from_secs(self.against.unwrap_or(0));
            let own = self.step(row.time).map(Micros);
            let step = if is_before { own.and_then(|t| self.step(t.plus(shift))) } else { own.map(|t| t.0) };
            let step = step.filter(|_| steps);
            let found = groups.iter().position(|g| g.step == step && g.keys == keys);
            let at = found.unwrap_or_else(|| {
                groups.push(Group { step, keys, now: Vec::new(), before: Vec::new() });
                groups.len() - 1
            });
            if is_before { groups[at].before.push(row) } else { groups[at].now.push(row) }
        };
        self.asked(rows, 0, Some(Tri::True)).into_iter().for_each(|row| put(row, false));
        if let Some(against) = self.against {
            self.asked(rows, against, Some(Tri::True)).into_iter().for_each(|row| put(row, true));
        }
        if groups.is_empty() && self.keys.is_empty() && (!steps || self.per.is_none()) {
            groups.push(Group { step: None, keys: Vec::new(), now: Vec::new(), before: Vec::new() });
        }
        groups
    }

    /// The greatest first.
    fn arranged<'r>(&self, mut groups: Vec<Group<'r>>) -> Vec<Group<'r>> {
        let (most, bottom, by) = self.top.unwrap_or((usize::MAX, false, None));
        let usual = self.sums.iter().position(Sum::orders).unwrap_or(0);
        let (number, change) = by.unwrap_or((usual, false));
        let value = |g: &Group<'_>| {
            let now = self.sums[number].of(&g.now);
            if change { difference(&now, &self.sums[number].of(&g.before)) } else { now }
        };
        groups.sort_by(|a, b| {
            let by_rank = match (rank(&value(a)), rank(&value(b))) {
                (None, None) => Ordering::Equal,
                (None, _) => Ordering::Greater,
                (_, None) => Ordering::Less,
                (Some(a), Some(b)) => {
                    if bottom {
                        a.cmp(&b)
                    } else {
                        b.cmp(&a)
                    }
                }
            };
            let keys = || a.keys.iter().zip(&b.keys).map(|(a, b)| compare(a, b)).find(|o| o.is_ne());
            by_rank.then_with(|| keys().unwrap_or(Ordering::Equal))
        });
        groups.truncate(most);
        groups
    }

    fn groups(&self, rows: &[Row]) -> Vec<Vec<Value>> {
        let chosen = self.arranged(self.gathered(rows, false));
        let Some(per) = self.per else {
            return chosen.iter().map(|g| self.line(None, &g.keys, &g.now, &g.before)).collect();
        };
        let groups = self.gathered(rows, true);
        let mut steps: BTreeSet<i64> = groups.iter().filter_map(|g| g.step).collect();
        // Every step of the period, or from the first to the last in which something happened.
        let met = groups.iter().filter(|g| chosen.iter().any(|c| c.keys == g.keys)).filter_map(|g| g.step);
        let met: Vec<i64> = met.collect();
        let first = match self.last {
            Some(last) => self.step(NOW.minus(Span::from_secs(last))),
            None => met.iter().min().copied(),
        };
        let last = if self.last.is_some() { self.step(Micros(NOW.0 - 1)) } else { met.iter().max().copied() };
        if let (Some(first), Some(last)) = (first, last) {
            let mut at = first;
            while at <= last {
                steps.insert(at);
                at += per * 1_000_000;
            }
        }
        let mut out = Vec::new();
        for step in steps {
            for c in &chosen {
                let group = groups.iter().find(|g| g.step == Some(step) && g.keys == c.keys);
                let filled = first.is_some_and(|f| f <= step) && last.is_some_and(|l| step <= l);
                match group {
                    Some(g) => out.push(self.line(Some(step), &g.keys, &g.now, &g.before)),
                    None if filled => out.push(self.line(Some(step), &c.keys, &[], &[])),
                    None => {}
                }
            }
        }
        out
    }

    fn line(&self, step: Option<i64>, keys: &[Value], now: &[&Row], before: &[&Row]) -> Vec<Value> {
        let mut line: Vec<Value> = step.map(|s| Value::Time(Micros(s))).into_iter().collect();
        line.extend_from_slice(keys);
        for sum in &self.sums {
            let value = sum.of(now);
            line.push(value.clone());
            if self.against.is_some() {
                let before = sum.of(before);
                line.push(before.clone());
                if sum.changes() {
                    line.push(difference(&value, &before));
                }
            }
        }
        line
    }
}

fn difference(now: &Value, before: &Value) -> Value {
    match (now, before) {
        (Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map_or(Value::Missing, Value::Int),
        (Value::Number(a), Value::Number(b)) => Value::Number(a - b),
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(Span(a.0 - b.0)),
        _ => Value::Missing,
    }
}
