// SPDX-License-Identifier: Apache-2.0
//! What is computed when it is read: features over features, evidence, scores, models. Each is checked for the event
//! types that read it, once, and served to rules like any feature, so that its value is on the record.

use super::Context;
use super::express::{Scope, number, value};
use super::feature::event_named;
use super::names::{Meaning, id, not_time};
use super::rule::pieces;
use crate::functions::{self, Form};
use crate::ir::{CheckedPiece, Computed, Node, Score, ScoreTerm, Typed};
use crate::limits;
use crate::model::Linear;
use crate::program::Aggregate;
use crate::syntax::plain::one_line;
use crate::syntax::tree::{Arg, EvidenceDecl, Expr, ExprKind, File, Ident, ModelDecl, ScoreDecl};
use std::sync::Arc;
use wardroom_event::{Type, TypeId, Value, nearest};
use wardroom_report::{Diagnostic, Loc};

/// What it is computed from.
#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    Feature(&'a Expr),
    Evidence(&'a EvidenceDecl),
    Score(&'a ScoreDecl),
    Model(&'a ModelDecl),
}

/// A computed value before it is known which event types read it.
pub(super) struct Lazy<'a> {
    id: Box<str>,
    namespace: &'a str,
    name: &'a Ident,
    what: What<'a>,
    linear: Option<Arc<Linear>>,
    /// For each event type that read it: its number among the computed values, or `None` where it has a fault.
    known: Vec<(TypeId, Option<usize>)>,
    /// Of evidence: its words.
    because: Arc<Vec<CheckedPiece>>,
    /// Of a score: its number among the scores.
    score: Option<usize>,
}

pub(super) fn declare<'a>(
    cx: &mut Context<'a>,
    file: &'a File,
    name: &'a Ident,
    kind: &'static str,
    what: What<'a>,
) {
    add(cx, file, name, kind, what, None);
}

fn add<'a>(
    cx: &mut Context<'a>,
    file: &'a File,
    name: &'a Ident,
    kind: &'static str,
    what: What<'a>,
    linear: Option<Arc<Linear>>,
) {
    not_time(cx, name);
    let meaning = Meaning::Computed(cx.lazy.len());
    cx.names.declare(&file.namespace, name, (kind, meaning), cx.diagnostics);
    cx.lazy.push(Lazy {
        id: id(&file.namespace, &name.name).into(),
        namespace: &file.namespace,
        name,
        what,
        linear,
        known: Vec::new(),
        because: Arc::default(),
        score: None,
    });
}

/// A model: its file is read where it is declared.
pub(super) fn model<'a>(cx: &mut Context<'a>, file: &'a File, decl: &'a ModelDecl) {
    let linear = linear(cx, file, decl);
    if linear.is_none() {
        let broken = ("model", Meaning::Broken);
        cx.names.declare(&file.namespace, &decl.name, broken, cx.diagnostics);
        return;
    }
    add(cx, file, &decl.name, "model", What::Model(decl), linear);
}

fn linear(cx: &mut Context<'_>, file: &File, decl: &ModelDecl) -> Option<Arc<Linear>> {
    let text = super::list::file_named(cx, file, &decl.file, "model")?;
    match Linear::parse(&text) {
        Ok(linear) => {
            if let Some(other) = linear.name().filter(|name| **name != *decl.name.name) {
                let message = format!("the file is of a model called `{other}`");
                let d = Diagnostic::warning("W0701", decl.file.loc, message);
                cx.diagnostics.push(d.help("name the model so, or take the file that was meant"));
            }
            Some(Arc::new(linear))
        }
        Err(faults) => {
            let message = format!("the model's file `{}` cannot be read", decl.file.name);
            let d = Diagnostic::error("W0701", decl.file.loc, message);
            cx.diagnostics.push(faults.into_iter().take(limits::LISTED).fold(d, Diagnostic::note));
            None
        }
    }
}

/// Checks evidence, scores and models for the event types they are of, whether or not something reads them.
pub(super) fn check_all(cx: &mut Context<'_>) {
    for number in 0..cx.lazy.len() {
        let on = match cx.lazy[number].what {
            What::Feature(_) => continue,
            What::Evidence(decl) => &decl.on,
            What::Score(decl) => &decl.on,
            What::Model(decl) => &decl.on,
        };
        let on = on.clone();
        if let Some(event) = event_named(cx, &on) {
            of(cx, event, number, on.loc);
        }
    }
}

/// Checks the features that nothing has read, on the first event type that can read them.
pub(super) fn check_unread(cx: &mut Context<'_>) {
    for number in 0..cx.lazy.len() {
        let is_feature = matches!(cx.lazy[number].what, What::Feature(_));
        if !is_feature || !cx.lazy[number].known.is_empty() || cx.checked.schema.is_empty() {
            continue;
        }
        let events: Vec<TypeId> = cx.checked.schema.iter().map(|(id, _)| id).collect();
        let fitting = events.iter().copied().find(|event| fits(cx, *event, number));
        let event = fitting.unwrap_or(events[0]);
        of(cx, event, number, cx.lazy[number].name.loc);
    }
}

/// Whether an event type can read a computed value. What is found out meanwhile is forgotten, so that it is reported
/// where it is asked for in earnest.
fn fits(cx: &mut Context<'_>, event: TypeId, number: usize) -> bool {
    let before = Before::of(cx);
    let mut silent = crate::sink::Sink::default();
    std::mem::swap(cx.diagnostics, &mut silent);
    let fits = of(cx, event, number, cx.lazy[number].name.loc).is_some();
    std::mem::swap(cx.diagnostics, &mut silent);
    before.restore(cx);
    fits
}

/// How things stood before a trial.
struct Before {
    facts: Vec<Vec<wardroom_event::Field>>,
    computed: usize,
    scores: usize,
    features: usize,
    uses: usize,
    known: Vec<usize>,
}

impl Before {
    fn of(cx: &Context<'_>) -> Before {
        Before {
            facts: cx.facts.clone(),
            computed: cx.checked.computed.len(),
            scores: cx.checked.scores.len(),
            features: cx.checked.features.len(),
            uses: cx.names.uses.len(),
            known: cx.lazy.iter().map(|l| l.known.len()).collect(),
        }
    }

    fn restore(self, cx: &mut Context<'_>) {
        cx.facts = self.facts;
        cx.checked.computed.truncate(self.computed);
        cx.checked.scores.truncate(self.scores);
        cx.checked.features.truncate(self.features);
        cx.names.uses.truncate(self.uses);
        cx.lazy.iter_mut().zip(self.known).for_each(|(lazy, known)| lazy.known.truncate(known));
    }
}

/// Reads a computed value for events of this type.
pub(super) fn read(cx: &mut Context<'_>, on: TypeId, number: usize, loc: Loc) -> Option<Typed> {
    let computed = of(cx, on, number, loc)?;
    let kind = cx.checked.computed[computed].typed.kind;
    Some(Typed { node: Node::Computed(computed), kind, loc })
}

/// The computed value for this event type, checked when it is first asked for.
fn of(cx: &mut Context<'_>, on: TypeId, number: usize, loc: Loc) -> Option<usize> {
    let lazy = &cx.lazy[number];
    if let Some((_, known)) = lazy.known.iter().find(|(event, _)| *event == on) {
        return *known;
    }
    if let Some(start) = cx.path.iter().position(|(n, _)| *n == number) {
        report_circle(cx, start, loc);
        return None;
    }
    let what = lazy.what;
    cx.path.push((number, loc));
    let before = cx.diagnostics.errors();
    let typed = is_about(cx, number, on, loc).and_then(|()| typed(cx, on, number, what));
    cx.path.pop();
    let typed = typed.filter(|_| cx.diagnostics.errors() == before);
    let computed = typed.map(|typed| {
        cx.checked.computed.push(Computed { id: cx.lazy[number].id.clone(), on, typed });
        cx.checked.computed.len() - 1
    });
    cx.lazy[number].known.push((on, computed));
    computed
}

/// Where the feature that is being checked is read from, and its name: what is wrong within it may be so only there.
pub(super) fn read_from<'c>(cx: &'c Context<'_>) -> Option<(Loc, &'c str)> {
    let (number, loc) = cx.path.first()?;
    let lazy = &cx.lazy[*number];
    let is_read = matches!(lazy.what, What::Feature(_)) && *loc != lazy.name.loc;
    is_read.then_some((*loc, lazy.name.name.as_str()))
}

/// What is being checked from `start` on reads the first of them again.
fn report_circle(cx: &mut Context<'_>, start: usize, loc: Loc) {
    let names: Vec<&Ident> = cx.path[start..].iter().map(|(n, _)| cx.lazy[*n].name).collect();
    let shown: Vec<String> = names.iter().chain(&names[..1]).map(|n| format!("`{}`", n.name)).collect();
    let mut d = Diagnostic::error("W0209", loc, format!("`{}` is computed from itself", names[0].name))
        .also(names[0].loc, "declared here");
    if names.len() > 1 {
        d = d.note(format!("the way round: {}", shown.join(" from ")));
    }
    cx.diagnostics.push(d.help("break the circle: one of them must count or be a field"));
}

/// Evidence, scores and models are about events of one type.
fn is_about(cx: &mut Context<'_>, number: usize, on: TypeId, loc: Loc) -> Option<()> {
    let declared = match cx.lazy[number].what {
        What::Feature(_) => return Some(()),
        What::Evidence(decl) => &decl.on,
        What::Score(decl) => &decl.on,
        What::Model(decl) => &decl.on,
    };
    let event = &cx.checked.schema.get(on).name;
    if *declared.name == **event {
        return Some(());
    }
    // That there is no such event type has been reported.
    cx.checked.schema.id(&declared.name)?;
    let message =
        format!("`{}` is about `{}`, not about `{event}`", cx.lazy[number].name.name, declared.name);
    cx.diagnostics.push(Diagnostic::error("W0705", loc, message).also(declared.loc, "as declared here"));
    None
}

fn typed(cx: &mut Context<'_>, on: TypeId, number: usize, what: What<'_>) -> Option<Typed> {
    let namespace = cx.lazy[number].namespace;
    let scope = Scope::rule(on, namespace);
    match what {
        What::Feature(expr) => feature(cx, &scope, expr),
        What::Evidence(decl) => evidence(cx, &scope, number, decl),
        What::Score(decl) => score(cx, &scope, number, decl),
        What::Model(decl) => inputs(cx, &scope, number, decl),
    }
}

fn feature(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<Typed> {
    if let Some(aggregate) = aggregate_of_an_event(cx, expr) {
        let ExprKind::Call(called, _) = &expr.kind else { return None };
        let d = Diagnostic::error("W0401", called.loc, format!("`{aggregate}` stands before what it counts"));
        cx.diagnostics.push(d.help(format!("write: {}", super::feature::example(aggregate))));
        return None;
    }
    let typed = value(cx, scope, expr)?;
    if typed.kind == Type::List {
        let d = Diagnostic::error("W0408", expr.loc, "a list is no feature");
        cx.diagnostics.push(d.help(format!("take something of it: len({})", cx.sources.slice(expr.loc))));
        return None;
    }
    if !super::rule::reads(&typed) {
        let d = Diagnostic::error("W0414", expr.loc, "this feature is the same for every event");
        cx.diagnostics.push(d.help("a value with a name is a constant: const name = …"));
        return None;
    }
    Some(typed)
}

/// The aggregate of `login.count(…)`, as other languages have it.
fn aggregate_of_an_event(cx: &Context<'_>, expr: &Expr) -> Option<&'static str> {
    let ExprKind::Call(called, _) = &expr.kind else { return None };
    let ExprKind::Attr(of, word) = &called.kind else { return None };
    let ExprKind::Name(event) = &of.kind else { return None };
    cx.checked.schema.id(event)?;
    Aggregate::NAMES.into_iter().find(|name| *name == word.name)
}

fn evidence(cx: &mut Context<'_>, scope: &Scope<'_>, own: usize, decl: &EvidenceDecl) -> Option<Typed> {
    let weigh = decl.weigh.as_ref().and_then(|weigh| number(cx, scope, weigh, "a weight in nats"));
    let caps = decl.capped.as_ref().map(|(least, most)| (cap(cx, scope, least), cap(cx, scope, most)));
    cx.lazy[own].because = Arc::new(pieces(cx, scope, decl.because.as_deref().unwrap_or_default()));
    let weigh = weigh?;
    let Some((least, most)) = caps else {
        return Some(weigh);
    };
    let (least, most) = (least?, most?);
    let literal = |t: &Typed| if let Node::Const(Value::Number(n)) = t.node { n } else { 0.0 };
    if literal(&least) > literal(&most) {
        let loc = least.loc.to(most.loc);
        let d = Diagnostic::error("W0706", loc, "the lower cap is above the upper one");
        cx.diagnostics.push(d.help("write the lower one first: capped -2 to 6"));
        return None;
    }
    let loc = weigh.loc;
    let clamp = functions::find(Form::Call, "clamp").next()?;
    Some(Typed { node: Node::Call(clamp, vec![weigh, least, most]), kind: Type::Number, loc })
}

/// A cap: a number that is written out.
fn cap(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<Typed> {
    let typed = number(cx, scope, expr, "a cap in nats")?;
    if matches!(typed.node, Node::Const(_)) {
        return Some(typed);
    }
    let d = Diagnostic::error("W0706", expr.loc, "a cap is a written number");
    cx.diagnostics.push(d.help("write: capped -2 to 6"));
    None
}

/// `sum(prior(-4.6), unfamiliar, bot)`.
fn score(cx: &mut Context<'_>, scope: &Scope<'_>, own: usize, decl: &ScoreDecl) -> Option<Typed> {
    let args = match &decl.value.kind {
        ExprKind::Call(of, args) if matches!(&of.kind, ExprKind::Name(word) if word == "sum") => args,
        _ => {
            let d = Diagnostic::error("W0704", decl.value.loc, "a score sums evidence up");
            cx.diagnostics.push(d.help("write: score takeover on login = sum(new_device, odd_hour)"));
            return None;
        }
    };
    if args.is_empty() || args.len() > limits::SCORE_TERMS {
        let message =
            format!("a score of {} terms; it has between 1 and {}", args.len(), limits::SCORE_TERMS);
        let d = Diagnostic::error("W0704", decl.value.loc, message);
        cx.diagnostics.push(d.help("name evidence and models: sum(prior(-4.6), new_device, bot)"));
        return None;
    }
    let written: Vec<Expr> = args.iter().map(|a| a.value.clone()).collect();
    super::never::twice(cx, &written);
    let terms: Vec<Option<ScoreTerm>> = args.iter().map(|arg| term(cx, scope, arg)).collect();
    let terms = terms.into_iter().collect::<Option<Vec<ScoreTerm>>>()?;
    let values = terms.iter().map(|t| t.value.clone()).collect();
    cx.lazy[own].score = Some(cx.checked.scores.len());
    cx.checked.scores.push(Score { terms });
    Some(Typed { node: Node::SumKnown(values), kind: Type::Number, loc: decl.value.loc })
}

fn term(cx: &mut Context<'_>, scope: &Scope<'_>, arg: &Arg) -> Option<ScoreTerm> {
    if let ExprKind::Call(of, inner) = &arg.value.kind
        && matches!(&of.kind, ExprKind::Name(word) if word == "prior")
    {
        return prior(cx, scope, arg.value.loc, inner);
    }
    let value = number(cx, scope, &arg.value, "a term of a score, in nats,")?;
    let because =
        super::express::dotted(&arg.value)
            .and_then(|name| cx.names.meaning(scope.namespace, &name))
            .and_then(|meaning| {
                if let Meaning::Computed(n) = meaning { Some(cx.lazy[n].because.clone()) } else { None }
            });
    let name = one_line(cx.sources, arg.value.loc).into();
    Some(ScoreTerm { name, is_prior: false, value, because: because.unwrap_or_default() })
}

/// What speaks for or against before anything is known.
fn prior(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, args: &[Arg]) -> Option<ScoreTerm> {
    let value = match args {
        [Arg { name: None, value }] => number(cx, scope, value, "a prior, in nats,")?,
        _ => {
            let d = Diagnostic::error("W0704", loc, "`prior` takes one number, in nats");
            cx.diagnostics.push(d.help("one abuse in a hundred is prior(-4.6): the log of 1 to 99"));
            return None;
        }
    };
    Some(ScoreTerm { name: "prior".into(), is_prior: true, value, because: Arc::default() })
}

/// A model with a value for each of its inputs.
fn inputs(cx: &mut Context<'_>, scope: &Scope<'_>, own: usize, decl: &ModelDecl) -> Option<Typed> {
    let linear = cx.lazy[own].linear.clone()?;
    let names: Vec<Box<str>> = linear.inputs().map(Into::into).collect();
    let mut given: Vec<Option<Typed>> = vec![None; names.len()];
    let mut meant = Vec::new();
    for (name, expr) in &decl.inputs {
        let typed = input(cx, scope, expr);
        let Some(at) = names.iter().position(|n| **n == *name.name) else {
            let d = Diagnostic::error("W0702", name.loc, format!("the model has no input `{}`", name.name));
            cx.diagnostics.push(match nearest(&name.name, names.iter().map(|n| &**n)) {
                Some(near) => {
                    // Not to be missed as well.
                    meant.push(near.to_owned());
                    d.help(format!("did you mean `{near}`?"))
                }
                None => d.help(format!("its inputs are: {}", super::listed(names.iter().map(|n| &**n)))),
            });
            continue;
        };
        let before = decl.inputs.iter().map(|(n, _)| n).find(|n| n.name == name.name);
        if let Some(before) = before.filter(|n| n.loc != name.loc) {
            let d = Diagnostic::error("W0107", name.loc, format!("input `{}` is given twice", name.name));
            cx.diagnostics.push(d.also(before.loc, "given here before"));
            continue;
        }
        given[at] = typed;
    }
    let absent = names.iter().zip(&given).filter(|(n, g)| {
        g.is_none()
            && !decl.inputs.iter().any(|(name, _)| *name.name == ***n)
            && !meant.iter().any(|m| **m == ***n)
    });
    let absent: Vec<&str> = absent.map(|(n, _)| &**n).collect();
    if !absent.is_empty() {
        let message =
            format!("the model has no value for its inputs: {}", super::listed(absent.iter().copied()));
        let d = Diagnostic::error("W0702", decl.name.loc, message);
        cx.diagnostics.push(d.help(format!("add below it: {} = …", absent[0])));
    }
    let given = given.into_iter().collect::<Option<Vec<Typed>>>()?;
    Some(Typed { node: Node::Linear(linear, given), kind: Type::Number, loc: decl.name.loc })
}

/// An input: a number, or a condition that counts as 1 or 0.
fn input(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<Typed> {
    let typed = value(cx, scope, expr)?;
    let loc = typed.loc;
    if typed.kind == Type::Bool {
        let one = |n: f64| Typed::constant(Value::Number(n), Type::Number, loc);
        let node = Node::If(typed.into(), one(1.0).into(), one(0.0).into());
        return Some(Typed { node, kind: Type::Number, loc });
    }
    if matches!(typed.kind, Type::Int | Type::Number) {
        return Some(super::express::widen(typed));
    }
    let message = format!("an input is a number or a condition; this is of type {}", typed.kind);
    let help = super::express::into_number(typed.kind);
    cx.diagnostics.push(Diagnostic::error("W0703", loc, message).help(help));
    None
}

/// `takeover.probability`, `takeover.known`; `None` where it is no score.
pub(super) fn figure(
    cx: &mut Context<'_>,
    on: TypeId,
    number: usize,
    name: &Ident,
    loc: Loc,
) -> Option<Option<Typed>> {
    let What::Score(_) = cx.lazy[number].what else {
        if ["probability", "known", "top"].contains(&name.name.as_str()) {
            no_score(cx, number, name);
            return Some(None);
        }
        return None;
    };
    let read = read(cx, on, number, loc);
    let score = cx.lazy[number].score;
    Some(match (name.name.as_str(), read, score) {
        ("probability", Some(read), _) => {
            let logistic = functions::find(Form::Call, "logistic").next();
            logistic.map(|f| Typed { node: Node::Call(f, vec![read]), kind: Type::Number, loc })
        }
        ("known", Some(_), Some(score)) => {
            let terms = cx.checked.scores[score].terms.iter().filter(|t| !t.is_prior);
            let terms = terms.map(|t| t.value.clone()).collect();
            Some(Typed { node: Node::CountKnown(terms), kind: Type::Int, loc })
        }
        (_, None, _) => None,
        (other, ..) => {
            let d = Diagnostic::error("W0707", name.loc, format!("a score has no `{other}`"));
            cx.diagnostics.push(d.help("it has: .probability and .known, and in a reason .top(3)"));
            None
        }
    })
}

/// Only a score has what is asked for.
fn no_score(cx: &mut Context<'_>, number: usize, name: &Ident) {
    let lazy = &cx.lazy[number];
    let what = match lazy.what {
        What::Feature(_) => "a feature",
        What::Evidence(_) => "evidence",
        What::Score(_) => "a score",
        What::Model(_) => "a model",
    };
    let message = format!("`{}` is {what}, and only a score has `{}`", lazy.name.name, name.name);
    let d = Diagnostic::error("W0707", name.loc, message).also(lazy.name.loc, "declared here");
    cx.diagnostics
        .push(d.help(format!("sum it up: score name on event = sum(prior(-4.6), {})", lazy.name.name)));
}

/// `takeover.top(3)` where a value stands; whether it was that.
pub(super) fn top_as_value(cx: &mut Context<'_>, scope: &Scope<'_>, called: &Expr) -> bool {
    let ExprKind::Attr(of, word) = &called.kind else { return false };
    let Some(name) = super::express::dotted(of).filter(|_| word.name == "top") else { return false };
    let Some(Meaning::Computed(number)) = cx.names.meaning(scope.namespace, &name) else { return false };
    if !matches!(cx.lazy[number].what, What::Score(_)) {
        no_score(cx, number, word);
        return true;
    }
    let d = Diagnostic::error("W0707", called.loc, "`top` names terms of a score, which is no value");
    cx.diagnostics.push(d.help(format!("it stands in a reason: because \"{{{name}.top(3)}}\"")));
    true
}

/// The score that `takeover.top(3)` names, and how many of its terms.
pub(super) fn top(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<Option<(usize, usize)>> {
    let ExprKind::Call(called, args) = &expr.kind else { return None };
    let ExprKind::Attr(of, word) = &called.kind else { return None };
    let name = super::express::dotted(of)?;
    let (Meaning::Computed(number), _) = cx.names.find(scope.namespace, &name, of.loc)? else {
        return None;
    };
    if word.name != "top" || !matches!(cx.lazy[number].what, What::Score(_)) {
        return None;
    }
    let most = match args.as_slice() {
        [] => Some(3),
        [Arg { name: None, value: Expr { kind: ExprKind::Int(n), .. } }] => usize::try_from(*n).ok(),
        _ => None,
    };
    let Some(most) = most.filter(|n| (1..=limits::SCORE_TERMS).contains(n)) else {
        let d = Diagnostic::error("W0707", expr.loc, "`top` takes how many terms to name");
        cx.diagnostics.push(d.help(format!("write: {name}.top(3)")));
        return Some(None);
    };
    of_score(cx, scope.on, number, expr.loc).map_or(Some(None), |score| Some(Some((score, most))))
}

fn of_score(cx: &mut Context<'_>, on: TypeId, number: usize, loc: Loc) -> Option<usize> {
    read(cx, on, number, loc)?;
    cx.lazy[number].score
}
