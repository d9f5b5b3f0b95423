// SPDX-License-Identifier: Apache-2.0
//! A policy's tests, run through the same flow as live events, without a journal.

use crate::Signal;
use crate::active::Active;
use crate::flow::Flow;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wardroom_event::Sight;
use wardroom_event::{Event, EventId, Facts, Field, Micros, Schema, Span, Type, Value};
use wardroom_policy::{Case, Cover, Coverage, Flip, Given, Piece, Row, Trace, Tri, Verdict};
use wardroom_state::Secret;

/// When the event to judge happens: Monday, 5 January 2026, noon UTC.
const NOON: Micros = Micros(1_767_614_400_000_000);

/// How a test ended.
#[derive(Debug)]
pub struct CaseResult {
    /// Which test, by its number.
    pub case: usize,
    /// What was answered.
    pub verdict: Verdict,
    /// The rules that fired, with their reasons.
    pub fired: Vec<(Box<str>, Verdict, String)>,
    /// What was wrong; `None` when it passed.
    pub failure: Option<String>,
    /// Of a failed test: how the rule that it is about stood on the event judged last: the rule it expects, or else that
    /// of its name.
    pub expected: Option<Expected>,
    /// How long it took.
    pub took: Duration,
}

/// How a rule stood that a test is about.
#[derive(Debug)]
pub struct Expected {
    /// The rule's id.
    pub rule: Box<str>,
    /// Whether its condition held.
    pub holds: Tri,
    /// Its terms with their parts.
    pub traces: Vec<Trace>,
    /// What would turn it.
    pub flips: Vec<Flip>,
}

/// Runs every test of a policy, each on a state of its own.
///
/// Facts that a test does not give are those that `facts` knows.
pub fn rehearse(active: &Arc<Active>, facts: &dyn Facts) -> Vec<CaseResult> {
    rehearse_some(active, facts, |_| true).0
}

/// Runs the tests that are wanted, and gathers what they reach of the policy: every event they judge counts.
pub fn rehearse_some(
    active: &Arc<Active>,
    facts: &dyn Facts,
    wanted: impl Fn(&Case) -> bool,
) -> (Vec<CaseResult>, Cover) {
    let mut coverage = Coverage::new(&active.program);
    let cases = active.program.cases.iter().enumerate().filter(|(_, case)| wanted(case));
    let results = cases.map(|(number, case)| run(active, facts, number, case, &mut coverage)).collect();
    (results, coverage.finish())
}

/// The rule that a test is about.
fn about(active: &Active, case: &Case) -> Option<usize> {
    let named =
        || active.program.rules.iter().position(|rule| rule.id == case.id && rule.on == case.when.event);
    case.expect.by.or_else(named).filter(|n| active.program.rules[*n].on == case.when.event)
}

fn run(
    active: &Arc<Active>,
    facts: &dyn Facts,
    number: usize,
    case: &Case,
    coverage: &mut Coverage<'_>,
) -> CaseResult {
    let began = Instant::now();
    let mut flow = Flow::new(Secret([0; 16]), active.clone());
    let mut maker = Maker { schema: active.program.schema.clone(), made: 0, case, facts };
    for event in before(&mut maker, case) {
        flow.judge_seen(&event, None, |row| coverage.see(row));
    }
    let event = maker.event(&case.when, case.at.unwrap_or(NOON));
    let mut expected = None;
    let step = flow.judge_seen(&event, case.expect.by, |row| {
        coverage.see(row);
        expected = about(active, case).map(|rule| expect(active, rule, row));
    });
    let rule = |n: usize| active.program.rules[n].id.clone();
    let signals = &step.judgement.signals;
    let fired: Vec<_> =
        signals.iter().map(|s| (rule(s.rule), s.verdict, Piece::join(&s.because, Sight::Full))).collect();
    let verdict = step.judgement.verdict;
    let by = case.expect.by.filter(|by| !signals.iter().any(|s| s.rule == *by && s.decides));
    let failed = absent(active, case, signals);
    let failure = if verdict != case.expect.verdict {
        Some(format!("expected {}, got {verdict}", case.expect.verdict))
    } else if failed.is_some() {
        failed
    } else {
        by.map(|by| format!("got {verdict}, but rule `{}` did not fire", rule(by)))
    };
    let expected = expected.filter(|_| failure.is_some());
    CaseResult { case: number, verdict, fired, failure, expected, took: began.elapsed() }
}

fn expect(active: &Active, rule: usize, row: &Row<'_>) -> Expected {
    let standing = active.standing(rule, row);
    Expected {
        rule: standing.rule.into(),
        holds: standing.holds,
        traces: standing.traces,
        flips: standing.flips,
    }
}

/// The effects that were expected and did not follow.
fn absent(active: &Active, case: &Case, signals: &[Signal]) -> Option<String> {
    let followed = |text: &str| {
        let of = |s: &Signal| &active.program.rules[s.rule].effects;
        signals.iter().filter(|s| !s.effects.is_empty()).any(|s| of(s).iter().any(|e| *e.text == *text))
    };
    let absent: Vec<&str> = case.expect.effects.iter().map(|e| &**e).filter(|e| !followed(e)).collect();
    (!absent.is_empty()).then(|| format!("expected {}, which did not follow", absent.join(" and ")))
}

/// The events of all `given` clauses, in the order of their times.
fn before(maker: &mut Maker<'_>, case: &Case) -> Vec<Event> {
    let mut events = Vec::new();
    for given in &case.given {
        // Just before, so that they lie inside a window that ends with the event to judge.
        let end = case.at.unwrap_or(NOON).minus(given.ago).minus(Span(1));
        for i in 0..given.times {
            let from_end = given.within.0 / given.times.max(1) * (given.times - 1 - i);
            events.push(maker.event(given, end.minus(Span(from_end))));
        }
    }
    events.sort_by_key(|e| e.time);
    events
}

/// Makes events, with values for what a test leaves out.
struct Maker<'a> {
    schema: Arc<Schema>,
    made: u32,
    case: &'a Case,
    facts: &'a dyn Facts,
}

impl Maker<'_> {
    fn event(&mut self, given: &Given, time: Micros) -> Event {
        self.made += 1;
        let fields = &self.schema.get(given.event).fields;
        let mut values: Vec<Value> = fields
            .iter()
            .map(|f| if f.may_lack() { Value::Missing } else { filler(f, self.made, time) })
            .collect();
        for (slot, value) in &given.values {
            values[*slot] = value.clone();
        }
        // What the test says is known goes before what a look-up would say.
        for (field, part, value) in &self.case.facts {
            let is_it =
                |f: &Field| f.fact.is_some_and(|fact| fact.part == *part && *fields[fact.of].name == **field);
            if let Some(slot) = fields.iter().position(is_it) {
                values[slot] = value.clone();
            }
        }
        let id = EventId { source: "test".into(), id: self.made.to_string().into() };
        let schema = self.schema.clone();
        let mut event = Event { schema, kind: given.event, id, time, received: time, values: values.into() };
        event.enrich(self.facts);
        event
    }
}

/// A value for a required field that a test leaves out: one of its own for each event where it names somebody, so that
/// nothing is alike by accident; false, zero, "text", the first text of an enum or a list without items otherwise.
fn filler(field: &Field, number: u32, time: Micros) -> Value {
    let text = |t: String| Value::Text(t.into());
    match field.kind {
        Type::Bool => Value::Bool(false),
        Type::Int | Type::Size => Value::Int(0),
        Type::Number | Type::Rate => Value::Number(0.0),
        Type::Text | Type::UserAgent => text("text".to_owned()),
        Type::Enum => field.members().first().map_or(Value::Missing, |first| Value::Text(first.clone())),
        Type::List => Value::List(Box::default()),
        Type::Time => Value::Time(time),
        Type::Duration => Value::Duration(Span::ZERO),
        // 240.0.0.0/4 is reserved (RFC 1112): each filler lies in a /24 of its own, and in none that a test names.
        Type::Ip => Value::Ip(own_network(number)),
        Type::Net => Value::Net(own_network(number).into()),
        Type::Email => text(format!("{}-{number}@{number}.example", field.name)),
        Type::Domain => text(format!("{number}.example")),
        Type::Url => text(format!("https://{number}.example/")),
        Type::Account | Type::Device | Type::Phone | Type::Wallet => text(format!("{}-{number}", field.name)),
    }
}

fn own_network(number: u32) -> IpAddr {
    Ipv4Addr::from(0xf000_0000 | ((number & 0xf_ffff) << 8) | 1).into()
}
