// SPDX-License-Identifier: Apache-2.0
//! The engine against the oracle: every served value, every condition, every signal with its reason and effects, over
//! streams of events; and what holds of canaries whatever the policy.

use crate::oracle::brute::{Effect, Fired, Judged, Past, Piece, Sees, Served, judge};
use crate::oracle::draw;
use crate::oracle::print::{files, literal, print};
use crate::oracle::shrink::{Case, shrink};
use crate::oracle::windows::Read;
use crate::oracle::world::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;
use wardroom_engine::{Active, Flow, Origin, Signal, StoredEffect, SwapError, Why};
use wardroom_event::{Event, EventId, Micros, Span, Value};
use wardroom_policy::{Aggregate, Bundle, Mode as PolicyMode, Reads, Row, Serve, Source, Tri, World as _};
use wardroom_state::{Keyer, Secret};

pub(super) const SECRET: Secret = Secret([3; 16]);

/// Faults of policies that mean nothing, which chance makes now and then: a condition that never or always holds, is the
/// same for every event, or contradicts itself.
const SENSELESS: [&str; 6] = ["W0406", "W0414", "W0501", "W0506", "W0508", "W0310"];

// ---------------------------------------------------------------- the border

fn value(v: Option<&V>) -> Value {
    match v {
        None => Value::Missing,
        Some(V::B(b)) => Value::Bool(*b),
        Some(V::I(n)) => Value::Int(*n),
        Some(V::N(n)) => Value::Number(*n),
        Some(V::T(t)) => Value::Text(t.as_str().into()),
        Some(V::At(t)) => Value::Time(Micros(*t)),
        Some(V::D(d)) => Value::Duration(Span(*d)),
        Some(V::Ip(ip)) => Value::Ip(*ip),
        Some(V::Net(base, len)) => Value::Net(format!("{base}/{len}").parse().unwrap()),
        Some(V::L(items)) => Value::List(items.iter().flatten().map(|v| value(v.as_ref())).collect()),
    }
}

fn back(value: &Value) -> Option<V> {
    Some(match value {
        Value::Missing => return None,
        Value::Bool(b) => V::B(*b),
        Value::Int(n) => V::I(*n),
        Value::Number(n) => V::N(*n),
        Value::Text(t) => V::T((**t).to_owned()),
        Value::Time(t) => V::At(t.0),
        Value::Duration(d) => V::D(d.0),
        Value::Ip(ip) => V::Ip(*ip),
        Value::Net(net) => V::Net(net.addr(), net.prefix_len()),
        Value::List(_) => unreachable!("no list is served"),
    })
}

fn bundle(world: &World) -> Bundle {
    let mut bundle = Bundle::new();
    for (path, text) in files(world) {
        bundle.add(path, text);
    }
    bundle
}

/// The policy; or else the codes of what is wrong with it, and all of it in words.
fn active(world: &World) -> Result<Active, (Vec<&'static str>, String)> {
    match Active::compile(bundle(world), Origin::Api, &Keyer::new(SECRET), None) {
        Ok((active, _)) => Ok(active),
        Err(SwapError::Policy { diagnostics, sources }) => {
            let bad = diagnostics.iter().filter(|d| d.severity == wardroom_report::Severity::Error);
            Err((bad.map(|d| d.code).collect(), wardroom_report::render(&diagnostics, &sources, false)))
        }
        Err(e) => Err((vec!["-"], e.to_string())),
    }
}

/// The event as the engine has it.
fn event(active: &Active, world: &World, happened: &Happened, number: usize) -> Event {
    let schema = active.program.schema.clone();
    let kind = schema.id(world.events[happened.kind].name).unwrap();
    let of = |name: &str| {
        let fact = FACTS.iter().position(|(of, part, _)| format!("{of}.{part}") == name);
        fact.map_or_else(|| happened.fields[numbered(name)].as_ref(), |fact| happened.facts[fact].as_ref())
    };
    let values = schema.get(kind).fields.iter().map(|f| value(of(&f.name))).collect();
    let id = EventId { source: "".into(), id: number.to_string().into() };
    Event { schema, kind, id, time: Micros(happened.time), received: Micros(happened.received), values }
}

// ---------------------------------------------------------------- one stream

/// What a stream showed, by names: so that a test can say that it showed enough.
pub(super) type Shown = BTreeMap<String, usize>;

/// Why a stream fails, and at which event.
#[derive(Debug)]
pub(super) struct Differs {
    at: usize,
    what: String,
}

pub(super) enum Run {
    /// The policy makes no sense.
    Senseless,
    Same(Shown),
    Differs(Differs),
}

pub(super) fn run(case: &Case) -> Run {
    let active = match active(&case.world) {
        Ok(active) => Arc::new(active),
        Err((codes, _)) if codes.iter().all(|code| SENSELESS.contains(code)) => return Run::Senseless,
        Err((_, words)) => {
            return Run::Differs(Differs { at: 0, what: format!("the policy is refused:\n{words}") });
        }
    };
    let mut shown = Shown::new();
    match compare(case, &active, &mut shown) {
        Ok(()) => Run::Same(shown),
        Err(differs) => Run::Differs(differs),
    }
}

fn compare(case: &Case, active: &Arc<Active>, shown: &mut Shown) -> Result<(), Differs> {
    let world = &case.world;
    let mut flow = Flow::new(SECRET, active.clone());
    let mut past = Past::new(world);
    let words = Words::new(world);
    for (at, happened) in case.events.iter().enumerate() {
        let event = event(active, world, happened, at);
        let fired = one(&mut flow, &past, &words, happened, &event, shown);
        past.add(happened, &fired.map_err(|what| Differs { at, what })?);
    }
    Ok(())
}

/// One event; gives what fired.
fn one(
    flow: &mut Flow,
    past: &Past<'_>,
    words: &Words,
    happened: &Happened,
    event: &Event,
    shown: &mut Shown,
) -> Result<Vec<Fired>, String> {
    let active = flow.active().clone();
    let step = flow.judge(event);
    let taken = RefCell::new(HashMap::new());
    let sees = Sees::all(past, happened, &taken);
    let plan = active.program.plan(event.kind);
    for (serve, got) in plan.serve.iter().zip(&step.served) {
        served(&active, words, &sees, serve, got, &taken, shown)?;
    }
    let bucket = |rule: usize, entity: &V| active.bucket(&format!("r{rule}"), &value(Some(entity)));
    let judged = judge(&sees, &bucket);
    truths(&active, event, &step.served, &judged, shown)?;
    if step.judgement.fault || step.judgement.skipped > 0 {
        return Err("judging tripped or left rules out".into());
    }
    let verdict = VERDICTS[judged.verdict];
    if step.judgement.verdict.name() != verdict {
        return Err(format!("the verdict is {}, not {verdict}", step.judgement.verdict));
    }
    *shown.entry(format!("verdict {verdict}")).or_default() += 1;
    signals(&active, &step.judgement.signals, &judged.fired, shown)?;
    Ok(judged.fired)
}

/// What is served under which words, where the oracle knows it by them.
struct Words(HashMap<String, E>);

impl Words {
    fn new(world: &World) -> Words {
        let mut paths: Vec<Path> =
            (0..ALL).map(Path::Field).chain((0..FACTS.len()).map(Path::Fact)).collect();
        for number in 0..ALL {
            let parts = PARTS.iter().filter(|(of, ..)| *of == field(number).1);
            paths.extend(parts.map(|(_, name, kind)| Path::Part(number, name, *kind)));
        }
        let labels = paths.iter().flat_map(|p| (0..LABELS.len()).map(|l| E::Labelled(*p, l)));
        let lists = paths
            .iter()
            .flat_map(|p| (0..world.lists.len()).map(|l| E::InList(false, p.expression().into(), l)));
        Words(labels.chain(lists).map(|e| (print(&e, 0), e)).collect())
    }
}

/// Which value of the oracle's it is.
fn meant(active: &Active, serve: &Serve) -> Option<Served> {
    let number = |text: &str| text.split('.').next()?[1..].parse().ok();
    let n = number(&serve.id)?;
    Some(match &serve.source {
        Source::Feature { feature, reads, .. } => {
            let declared = &active.program.features[*feature];
            let figure = match reads {
                Reads::Whole => Figure::Whole,
                Reads::Mean => Figure::Mean,
                Reads::Spread => Figure::Spread,
                Reads::Weeks => Figure::Weeks,
            };
            match declared.aggregate {
                Aggregate::Baseline(_) if declared.id.contains(".usual_") => {
                    Served::Usual(n, declared.window?.0 / (7 * 86_400_000_000), figure)
                }
                _ => Served::Feature(n, figure),
            }
        }
        Source::Computed(_) => match serve.id.as_bytes()[0] {
            b'c' => Served::Computed(n),
            b'e' => Served::Evidence(n),
            b's' => Served::Score(n),
            _ => return None,
        },
        _ => return None,
    })
}

fn served(
    active: &Active,
    words: &Words,
    sees: &Sees<'_>,
    serve: &Serve,
    got: &Value,
    taken: &RefCell<HashMap<Served, Option<V>>>,
    shown: &mut Shown,
) -> Result<(), String> {
    let got = back(got);
    let known = match (meant(active, serve), words.0.get(&*serve.id)) {
        (Some(served), _) => {
            let read = sees.read(served);
            if !agrees(&got, &read) {
                let (was, value) = (shows(&got), shows(&read.value));
                return Err(format!("{} reads {was}, not {value}", serve.id));
            }
            taken.borrow_mut().insert(served, got.clone());
            // A baseline has a figure by its name and in place, and of counts that are the same: they are one.
            let usual = match (served, sees.world()) {
                (Served::Usual(base, weeks, figure), w) => Some(Served::Usual(w.shared(base), weeks, figure)),
                (Served::Feature(n, figure), w) => match w.features[n].agg {
                    Agg::Baseline(base, weeks) => Some(Served::Usual(w.shared(base), weeks, figure)),
                    _ => None,
                },
                _ => None,
            };
            taken.borrow_mut().extend(usual.map(|usual| (usual, got.clone())));
            got.is_some()
        }
        (None, Some(e)) => {
            let expect = sees.eval(e);
            if got != expect {
                return Err(format!("{} reads {}, not {}", serve.id, shows(&got), shows(&expect)));
            }
            got == Some(V::B(true))
        }
        // A look with something that has no words; the conditions that read it are compared.
        (None, None) => return Ok(()),
    };
    *shown.entry(format!("{} {known}", sort(active, serve))).or_default() += 1;
    Ok(())
}

/// What sort of value it is, for counting.
fn sort(active: &Active, serve: &Serve) -> String {
    match &serve.source {
        Source::Feature { feature, .. } => active.program.features[*feature].aggregate.name().to_owned(),
        Source::Label { .. } => "label".to_owned(),
        Source::Listed { .. } => "list".to_owned(),
        Source::Computed(_) => serve.id[..1].to_owned(),
    }
}

fn agrees(got: &Option<V>, read: &Read) -> bool {
    let near = |a: f64, b: f64| a == b || (a - b).abs() <= read.slack;
    match (got, &read.value) {
        (Some(V::N(a)), Some(V::N(b))) => near(*a, *b),
        (Some(V::I(a)), Some(V::I(b)))
        | (Some(V::D(a)), Some(V::D(b)))
        | (Some(V::At(a)), Some(V::At(b))) => {
            a == b || (read.slack > 0.0 && a.abs_diff(*b) as f64 <= read.slack)
        }
        (a, b) => a == b || read.slack == f64::INFINITY,
    }
}

fn shows(v: &Option<V>) -> String {
    match v {
        None => "missing".to_owned(),
        Some(V::L(items)) => format!("{items:?}"),
        Some(v) => literal(K::Text, v),
    }
}

/// How each condition stands, by the engine's own rules; and that the index left out none that would have fired.
fn truths(
    active: &Active,
    event: &Event,
    served: &[Value],
    judged: &Judged,
    shown: &mut Shown,
) -> Result<(), String> {
    let program = &active.program;
    let plan = program.plan(event.kind);
    let row = Row::new(event, served, active);
    let mut asked = Vec::new();
    plan.candidates(&row, &mut asked);
    for (number, expect) in &judged.truths {
        let at = program.rules.iter().position(|r| *r.id == format!("r{number}")).unwrap();
        let rule = &program.rules[at];
        let got = rule.holds(&row);
        if got != Tri::of(*expect) {
            let seen: Vec<String> =
                plan.serve.iter().zip(served).map(|(s, v)| format!("{}={}", s.id, shows(&back(v)))).collect();
            let (got, expect) = (got.name(), Tri::of(*expect).name());
            return Err(format!("r{number} is {got}, not {expect}; served {seen:?}"));
        }
        *shown.entry(format!("rule {}", got.name())).or_default() += 1;
        let fires =
            got == Tri::True || got == Tri::Unknown && rule.missing != wardroom_policy::Missing::Nothing;
        if rule.mode.runs() && fires && !asked.contains(&at) {
            return Err(format!("r{number} is {}, and was not asked", got.name()));
        }
    }
    let left_out = plan.rules.iter().filter(|n| !asked.contains(n)).count();
    *shown.entry("left out".to_owned()).or_default() += left_out;
    let ordered = asked.windows(2).all(|two| two[0] < two[1]) && asked.iter().all(|n| plan.rules.contains(n));
    if ordered { Ok(()) } else { Err(format!("asked are {asked:?} of {:?}", plan.rules)) }
}

fn signals(active: &Active, got: &[Signal], expect: &[Fired], shown: &mut Shown) -> Result<(), String> {
    let name = |s: &Signal| active.program.rules[s.rule].id.to_string();
    let names: Vec<String> = got.iter().map(name).collect();
    let expected: Vec<String> = expect.iter().map(|f| format!("r{}", f.rule)).collect();
    if names != expected {
        return Err(format!("{names:?} fired, not {expected:?}"));
    }
    for (signal, fired) in got.iter().zip(expect) {
        let rule = &active.program.rules[signal.rule];
        let said = (signal.verdict.name(), signal.decides, signal.why == Why::Missing, signal.ask.as_deref());
        let ask = fired.asks.then_some("a proof");
        let expect = (VERDICTS[fired.verdict], fired.decides, fired.for_missing, ask);
        if said != expect {
            return Err(format!("{} says {said:?}, not {expect:?}", rule.id));
        }
        let effects: Vec<Effect> = signal.effects.iter().map(effect).collect();
        if effects != fired.effects {
            return Err(format!("of {} follows {effects:?}, not {:?}", rule.id, fired.effects));
        }
        let because: Vec<Piece> = merged(signal.because.iter().map(piece).collect());
        let expect = merged(fired.because.clone());
        if because != expect {
            return Err(format!("the reason of {} is {because:?}, not {expect:?}", rule.id));
        }
        if rule.mode == PolicyMode::Canary {
            *shown.entry(format!("canary {}", signal.decides)).or_default() += 1;
        }
        for effect in &signal.effects {
            let word = effect.show(wardroom_event::Sight::Full);
            *shown.entry(word.split('(').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    Ok(())
}

/// An effect by the oracle's words.
fn effect(effect: &StoredEffect) -> Effect {
    let kind =
        |kind: wardroom_event::Type| SINGLE.into_iter().find(|k| k.name().starts_with(kind.name())).unwrap();
    let until = |until: &Option<Micros>| until.map(|at| at.0);
    match effect {
        StoredEffect::Label { kind: of, value, name, until: end } => {
            let label = LABELS.iter().position(|l| **l == **name).unwrap();
            Effect::Label(kind(*of), back(value).unwrap(), label, until(end))
        }
        StoredEffect::List { list, kind: of, value, until: end } => {
            Effect::List(list[1..].parse().unwrap(), kind(*of), back(value).unwrap(), until(end))
        }
        StoredEffect::Case(_) => Effect::Case,
        StoredEffect::Notify(_) => Effect::Notify,
        StoredEffect::Webhook(_) => Effect::Webhook,
    }
}

fn piece(piece: &wardroom_policy::Piece) -> Piece {
    match piece {
        wardroom_policy::Piece::Text(text) => Piece::Words((**text).to_owned()),
        wardroom_policy::Piece::Value(_, value) => Piece::Value(back(value)),
    }
}

/// Words that follow each other as one piece.
fn merged(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (out.last_mut(), piece) {
            (Some(Piece::Words(before)), Piece::Words(words)) => before.push_str(&words),
            (_, piece) => out.push(piece),
        }
    }
    out
}

// ---------------------------------------------------------------- streams by their seeds

pub(super) fn drawn(seed: u64) -> Case {
    let world = draw::world(seed);
    let events = draw::events(seed, &world);
    Case { world, events }
}

/// A stream as other executors may be held against it.
pub(crate) struct Stream {
    /// The policy: paths and texts.
    pub(crate) policy: Vec<(&'static str, String)>,
    /// The events in the order they came, with their facts, under the schema of the policy.
    pub(crate) events: Vec<Event>,
    /// For each event what was served to it, in the order of its type's plan. The oracle has found it good.
    pub(crate) served: Vec<Vec<Value>>,
    /// For each event the rules of its type by their numbers in the program, and how the condition of each stands.
    pub(crate) truths: Vec<Vec<(usize, Tri)>>,
}

/// The stream of a seed, judged online; `None` where chance made a policy without sense, or a stream on which the engine
/// and the oracle differ, which is for the tests here to say.
pub(crate) fn stream(seed: u64) -> Option<Stream> {
    let case = drawn(seed);
    let Run::Same(_) = run(&case) else { return None };
    let active = Arc::new(active(&case.world).ok()?);
    let mut flow = Flow::new(SECRET, active.clone());
    let program = &active.program;
    let mut stream =
        Stream { policy: files(&case.world), events: Vec::new(), served: Vec::new(), truths: Vec::new() };
    for (n, happened) in case.events.iter().enumerate() {
        let event = event(&active, &case.world, happened, n);
        let served = flow.judge(&event).served;
        let row = Row::new(&event, &served, &*active);
        let own = program.rules.iter().enumerate().filter(|(_, r)| r.on == event.kind);
        let truths = own.map(|(number, rule)| (number, rule.holds(&row))).collect();
        stream.truths.push(truths);
        stream.events.push(event);
        stream.served.push(served);
    }
    Some(stream)
}

/// What makes a failure the same failure when less of it is left.
fn fault(case: &Case) -> Option<(usize, Option<&'static str>)> {
    match active(&case.world) {
        Err((codes, _)) => {
            Some((0, codes.into_iter().find(|code| !SENSELESS.contains(code)))).filter(|f| f.1.is_some())
        }
        Ok(_) => match run(case) {
            Run::Differs(differs) => Some((differs.at, None)),
            _ => None,
        },
    }
}

/// A failure to be read: the policy, the events, the first difference.
pub(super) fn report(seed: u64, mut case: Case) -> String {
    let (_, code) = fault(&case).unwrap();
    if code.is_some() {
        case.events.clear();
    }
    let small = shrink(case, &|c| fault(c).filter(|(_, found)| *found == code).map(|(at, _)| at));
    let mut out = format!("seed {seed}\n\n");
    for (path, text) in files(&small.world) {
        writeln!(out, "--- {path}\n{text}").unwrap();
    }
    for (n, event) in small.events.iter().enumerate() {
        writeln!(out, "{n}: {}", told(&small.world, event)).unwrap();
    }
    if let Run::Differs(differs) = run(&small) {
        writeln!(out, "\nat event {}: {}", differs.at, differs.what).unwrap();
    }
    out
}

fn told(world: &World, event: &Happened) -> String {
    let shown = |(name, kind): (String, K), v: &Option<V>| {
        v.as_ref().map(|v| match v {
            V::L(items) => format!("{name}={items:?}"),
            v => format!("{name}={}", literal(kind, v)),
        })
    };
    let own = world.events[event.kind].fields.iter().map(|(n, _)| *n);
    let fields = own.filter_map(|n| shown((field(n).0.to_owned(), field(n).1), &event.fields[n]));
    let fact = |n: usize| (format!("{}.{}", FACTS[n].0, FACTS[n].1), FACTS[n].2);
    let facts = (0..FACTS.len()).filter_map(|n| shown(fact(n), &event.facts[n]));
    let all: Vec<String> = fields.chain(facts).collect();
    let received = event.received - event.time;
    let name = world.events[event.kind].name;
    format!(
        "{name}({}) at {} ({}), received {received}us later",
        all.join(", "),
        Micros(event.time),
        event.time
    )
}

pub(crate) fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
