// SPDX-License-Identifier: Apache-2.0
//! From what is asked to what is to be done: the policy to try, the rules of it that matter, the period.

use super::ask::{Ask, Costs};
use super::rows::Journal;
use super::{BacktestError, limits};
use std::collections::BTreeMap;
use std::sync::Arc;
use wardroom_engine::{Active, Origin, SwapError};
use wardroom_event::{Micros, Span};
use wardroom_policy::{Bundle, Program, draft};
use wardroom_state::Keyer;

/// What is to be done.
pub(crate) struct Plan {
    /// The policy to try.
    pub(crate) after: Arc<Active>,
    /// The policy to compare with; what was decided where there is none.
    pub(crate) against: Option<Arc<Active>>,
    /// The version of the policy in force.
    pub(crate) in_force: Box<str>,
    /// The rules that the report is about, by number.
    pub(crate) rules: Vec<usize>,
    /// Whether the whole policy judges; otherwise the rules are laid over what was decided.
    pub(crate) whole: bool,
    /// Whether those rules decide whatever their modes.
    pub(crate) as_live: bool,
    /// Rules, by id, that are gone or stand under another name now.
    pub(crate) gone: Vec<Box<str>>,
    pub(crate) from: Micros,
    pub(crate) to: Micros,
    pub(crate) as_of: Micros,
    pub(crate) costs: Option<Costs>,
}

impl Plan {
    pub(crate) fn new(ask: &Ask, journal: &Journal, now: Micros) -> Result<Plan, BacktestError> {
        let keyer = &journal.keyer;
        let newest = journal.policies.last().ok_or(BacktestError::NoPolicy)?;
        let in_force = newest.bundle.clone().ok_or(BacktestError::NoPolicy)?;
        let in_force = compile(in_force, keyer)?;
        if ask.rule.is_some() && ask.files.is_some() {
            return Err(BacktestError::Ask("give a rule or a whole policy, not both".to_owned()));
        }
        let against = ask.against.as_ref().map(|files| compile(bundle(files), keyer)).transpose()?;
        let after = match (&ask.rule, &ask.files) {
            (Some(text), _) => {
                let put = draft::put(&in_force.program, &in_force.bundle, text, ask.path.as_deref());
                let (bundle, _) = put.map_err(|compiled| {
                    let (diagnostics, sources) = (compiled.diagnostics, compiled.sources);
                    BacktestError::Policy { diagnostics, sources }
                })?;
                compile(bundle, keyer)?
            }
            (None, Some(files)) => compile(bundle(files), keyer)?,
            (None, None) => in_force.clone(),
        };
        let before = against.as_ref().unwrap_or(&in_force);
        let rules = rules(ask, &before.program, &after.program)?;
        let (from, to) = period(ask, now)?;
        let as_of = time(ask.as_of.as_deref(), "as_of")?.unwrap_or(now);
        let whole = ask.rule.is_none() && ask.rules.is_none() || against.is_some();
        Ok(Plan {
            gone: gone(&before.program, &after.program, whole),
            in_force: in_force.program.version.0.clone(),
            as_live: !whole && !ask.as_written,
            costs: ask.costs,
            after,
            against,
            rules,
            whole,
            from,
            to,
            as_of,
        })
    }
}

fn bundle(files: &BTreeMap<String, String>) -> Bundle {
    let mut bundle = Bundle::new();
    files.iter().for_each(|(path, text)| bundle.add(path, text));
    bundle
}

fn compile(bundle: Bundle, keyer: &Keyer) -> Result<Arc<Active>, BacktestError> {
    match Active::compile(bundle, Origin::Api, keyer, None) {
        Ok((active, _)) => Ok(Arc::new(active)),
        Err(SwapError::Policy { diagnostics, sources }) => {
            Err(BacktestError::Policy { diagnostics, sources })
        }
        Err(other) => Err(BacktestError::Ask(other.to_string())),
    }
}

/// The rules that the report is about.
fn rules(ask: &Ask, before: &Program, after: &Program) -> Result<Vec<usize>, BacktestError> {
    let mut rules = match (&ask.rules, before.version == after.version) {
        (Some(ids), _) => {
            let find = |id: &String| {
                let known = after.rules.iter().position(|rule| *rule.id == **id);
                known.ok_or_else(|| unknown(id, after))
            };
            ids.iter().map(find).collect::<Result<Vec<_>, _>>()?
        }
        (None, false) => draft::changed_rules(before, after),
        (None, true) => {
            let all = after.rules.iter().enumerate();
            all.filter(|(_, rule)| rule.mode.runs()).map(|(number, _)| number).collect()
        }
    };
    rules.sort_unstable();
    rules.dedup();
    if rules.len() > limits::RULES {
        return Err(BacktestError::Ask(format!(
            "a backtest of {} rules, and the most is {}: name some of them",
            rules.len(),
            limits::RULES
        )));
    }
    if ask.rule.is_some() && rules.is_empty() {
        return Err(BacktestError::Ask("the text changes no rule of the policy in force".to_owned()));
    }
    Ok(rules)
}

fn unknown(id: &str, program: &Program) -> BacktestError {
    let near = wardroom_event::nearest(id, program.rules.iter().map(|rule| &*rule.id));
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    BacktestError::Ask(format!("the policy has no rule `{id}`{near}"))
}

/// Ids under which what was decided names rules that are others now.
fn gone(before: &Program, after: &Program, whole: bool) -> Vec<Box<str>> {
    let moved = after.rules.iter().filter_map(|rule| rule.was.clone());
    let there = |id: &str| after.rules.iter().any(|rule| *rule.id == *id);
    let removed = before.rules.iter().filter(|rule| !there(&rule.id)).map(|rule| rule.id.clone());
    if whole { moved.chain(removed).collect() } else { moved.filter(|id| !there(id)).collect() }
}

fn period(ask: &Ask, now: Micros) -> Result<(Micros, Micros), BacktestError> {
    let to = time(ask.to.as_deref(), "to")?.unwrap_or(now);
    let from = match (&ask.last, time(ask.from.as_deref(), "from")?) {
        (Some(_), Some(_)) => {
            return Err(BacktestError::Ask("give `from` or `last`, not both".to_owned()));
        }
        (Some(last), None) => {
            let span = Span::parse(last).map_err(|why| BacktestError::Ask(format!("`last`: {why}")))?;
            to.minus(span)
        }
        (None, Some(from)) => from,
        (None, None) => Micros(i64::MIN),
    };
    if from >= to {
        return Err(BacktestError::Ask("the period ends before it begins".to_owned()));
    }
    Ok((from, to))
}

fn time(text: Option<&str>, what: &str) -> Result<Option<Micros>, BacktestError> {
    let parse = |text: &str| {
        let day = || Micros::parse(&format!("{text}T00:00:00Z"));
        let known = Micros::parse(text).or_else(day);
        known.ok_or_else(|| BacktestError::Ask(format!("`{what}` is no time; as `2026-11-01T00:00:00Z`")))
    };
    text.map(parse).transpose()
}
